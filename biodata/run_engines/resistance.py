"""Resistance from layers and a table of rules as an engine of kept runs."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("table", "layers"),
    MappingProxyType(dict.fromkeys(("use", "cell_m", "box", "out")) | {"resampling": "mode"}),
    silent=frozenset({"table", "layers", "out"}),
)


def run(work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results.

    Parameters are `table` and `layers` (paths), and optionally `use` (mapping of layer to name), `cell_m`, `box` (west,
    south, east, north), `resampling` and `out` (a folder that gets a GeoTIFF for each species).
    """
    from biodata.analysis.resistance_rules import read_rules
    from biodata.pipeline.layer_folder import LayerFolder

    table, layers = Path(parameter(work, "table", str)), Path(parameter(work, "layers", str))
    inputs = [RunInput.of_file("table", table)]
    with LayerFolder(layers) as folder:
        tasks = []
        for species, rules in read_rules(table).items():
            found = folder.find(rules.layers, parameter(work, "use", dict | None) or {})
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((species, rules, found, dict(work.parameters)))
        # In the order of the species, whoever is ready first.
        if work.executor is None:
            rows = [_resistance_of(*task) for task in tasks]
        else:
            futures = [work.executor.submit(_resistance_of, *task) for task in tasks]
            rows = [future.result() for future in futures]
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": pl.DataFrame(rows)})


def _resistance_of(species: str | None, rules: Any, layers: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    import numpy as np

    from biodata.analysis.grid import equal_area_grid
    from biodata.analysis.layer_reading import own_grid
    from biodata.analysis.layered_resistance import from_rules
    from biodata.exports.cog import write_cog

    box, cell_m = parameters["box"], parameters["cell_m"]
    first = next(iter(layers.values()))
    grid = own_grid(first, tuple(box) if box else None) if cell_m is None else equal_area_grid(tuple(box or ()), cell_m)
    made = from_rules(rules, layers, grid, resampling=parameters["resampling"])
    if parameters["out"]:
        write_cog(made.resistance, grid, Path(parameters["out"]) / f"{species or 'resistance'}.tif")
    known = made.resistance[np.isfinite(made.resistance)]
    return {
        "species": species,
        "sha256": hashlib.sha256(np.ascontiguousarray(made.resistance).tobytes()).hexdigest(),
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "cells": int(known.size),
        "lowest": float(known.min()) if known.size else None,
        "mean": float(known.mean()) if known.size else None,
        "highest": float(known.max()) if known.size else None,
        "counts": json.dumps(dict(made.counts), sort_keys=True),
    }
