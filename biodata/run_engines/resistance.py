"""Resistance from layers and a table of rules as an engine of kept runs."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.errors import InputError
from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("table", "layers"),
    MappingProxyType(dict.fromkeys(("use", "cell_m", "box", "out")) | {"resampling": "mode"}),
    paths=frozenset({"table", "layers"}),
    outputs=frozenset({"out"}),
)


def run(work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results.

    Parameters are `table` and `layers` (paths), and optionally `use` (mapping of layer to name), `cell_m`, `box` (west,
    south, east, north), `resampling` and `out` (a folder that gets a GeoTIFF for each species).
    """
    from biodata.analysis.resistance_rules import read_rules
    from biodata.pipeline.layer_folder import LayerFolder

    table, layers = Path(parameter(work, "table", str)), Path(parameter(work, "layers", str))
    box = parameter(work, "box", list | tuple | None)
    if box is not None and not (len(box) == 4 and all(isinstance(edge, int | float) for edge in box)):
        problem, expected = "the parameter is no box", "[west, south, east, north]"
        raise InputError(problem, column="box", value=str(box), expected=expected, code="PARAMETERS_INVALID")
    choices = {
        "box": box,
        "cell_m": parameter(work, "cell_m", int | float | None),
        "resampling": parameter(work, "resampling", str),
        "out": parameter(work, "out", str | None),
    }
    inputs = [RunInput.of_file("table", table)]
    with LayerFolder(layers, progress=work.progress) as folder:
        tasks = []
        for rules in read_rules(table).values():
            found = folder.find(rules.layers, parameter(work, "use", dict | None) or {})
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((rules, found, choices))
        # In the order of the species, whoever is ready first.
        if work.executor is None:
            rows = [_resistance_of(*task, progress=work.progress) for task in tasks]
        else:
            futures = [work.executor.submit(_resistance_of, *task) for task in tasks]
            rows = [future.result() for future in futures]
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": pl.DataFrame(rows)})


def _resistance_of(rules: Any, layers: Any, choices: Mapping[str, Any], *, progress: bool = False) -> dict[str, Any]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    import numpy as np

    from biodata.analysis.layer_reading import grid_of
    from biodata.analysis.resistance import from_rules
    from biodata.exports.cog import file_name_of, resistance_tags, write_cog

    cell_m, resampling = choices["cell_m"], choices["resampling"]
    grid = grid_of(layers, cell_m=cell_m, box=tuple(choices["box"]) if choices["box"] else None)
    made = from_rules(rules, layers, grid, resampling=resampling, progress=progress)
    if choices["out"]:
        folder = Path(choices["out"])
        folder.mkdir(parents=True, exist_ok=True)
        tags = resistance_tags(made, rules, layers, cell_m=cell_m, resampling=resampling)
        write_cog(made.resistance, grid, folder / f"{file_name_of(rules.species or 'resistance')}.tif", tags=tags)
    known = made.resistance[np.isfinite(made.resistance)]
    return {
        "species": rules.species,
        "table_version": rules.version,
        "sha256": hashlib.sha256(np.ascontiguousarray(made.resistance).tobytes()).hexdigest(),
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "cells": int(known.size),
        "lowest": float(known.min()) if known.size else None,
        "mean": float(known.mean()) if known.size else None,
        "highest": float(known.max()) if known.size else None,
        "counts": json.dumps(dict(made.counts), sort_keys=True),
    }
