"""Engines of kept runs over rasters alone: resistance from layers, which are found by name, and the cost of distance."""

import json
import math
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.analysis.layers import LayerFile, choose, grid_of, layer_file
from biodata.core.engine_parameters import CostDistance, Resistance
from biodata.core.errors import InputError
from biodata.exports.cog import file_name_of, resistance_tags, write_cog
from biodata.exports.layers import column_meanings, describe
from biodata.ingest.layer import LayerSource, store_layers
from biodata.ingest.layer_rasters import KINDS
from biodata.runs.engines.work import Engine, Outcome, Work, array_hash, at_once
from biodata.store.cluster import lake_exists
from biodata.store.lake import Lake
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.cost_distance import CostSurface
    from biodata.analysis.grid import Grid
    from biodata.analysis.resistance_rules import RuleTable

_RASTERS: Final = (".tif", ".tiff")
_SUFFIXES: Final = (*_RASTERS, ".gpkg", ".shp", ".geojson", ".json")
_STARTS: Final = {**{name: name for name in KINDS}, "landcover": "land_cover", "dem": "elevation", "road": "roads",
                  "river": "rivers", "settlement": "settlements", "fences": "fence", "mines": "mine", "dams": "dam"}  # fmt: skip


class LayerFolder(AbstractContextManager["LayerFolder"]):
    """Where layers are looked for; use it in a `with` block, which keeps what had to be written anew.

    Parameters
    ----------
    path : Path
        An installation's folder, or a folder of files, or one file. In a folder of files a layer is known by its
        file's name, and what it shows by how that begins: landcover_2020.tif, elevation.tif, roads.gpkg.
    memory_limit : str
        Of the lake.
    progress : bool
        Show a progress bar while files are looked into.
    """

    def __init__(self, path: Path, *, memory_limit: str = "2GB", progress: bool = False) -> None:
        self.path, self._progress = path, progress
        self._work = tempfile.TemporaryDirectory(prefix="biodata-layers-")
        # `mydata` and `mydata/layers` are the same.
        homes = (path, path.parent) if path.name == "layers" else (path,)
        self._home = next((home for home in homes if lake_exists(home)), None)
        self._known = self._of_lake(self._home, memory_limit) if self._home is not None else self._of_files()

    def __exit__(self, *_: object) -> None:
        self._work.cleanup()

    def find(self, names: Iterable[str], use: Mapping[str, str] | None = None) -> dict[str, LayerFile]:
        """Return the layers of these names.

        Parameters
        ----------
        names : iterable of str
            A layer's own name, or what it shows where one layer alone shows that.
        use : mapping of str to str, optional
            The own name of the layer that a name means.

        Raises
        ------
        InputError
            If there is none, or several (LAYER_UNKNOWN); or a file cannot be used, as `LayerSource` tells.
        """
        return {name: self._find(name, (use or {}).get(name, name)) for name in names}

    def _find(self, name: str, wanted: str) -> LayerFile:
        row = choose(self._known, wanted, where=str(self.path), otherwise=f"as in --use {name}=NAME")
        if "file_name" not in row:
            row = self._described(row)
        return layer_file(row, row["file"], version=row["version"])

    def _of_lake(self, home: Path, memory_limit: str) -> list[dict[str, Any]]:
        """Return what the lake tells of its layers."""
        with Lake.open(home, memory_limit=memory_limit) as lake:
            version = f"lake {lake.snapshot()}"
            rows = lake.read("layers").to_dicts()
        return [{**row, "file": home / "layers" / row["file_name"], "version": version} for row in rows]

    def _of_files(self) -> list[dict[str, Any]]:
        """Return the files that may be layers, not yet looked into."""
        if self.path.is_file():
            files = [self.path]
        elif self.path.is_dir():
            files = sorted(file for file in self.path.iterdir() if file.suffix.lower() in _SUFFIXES)
        else:
            problem = "there is no such folder or file"
            raise InputError(problem, file=str(self.path), code="FILE_MISSING")
        rows = [{"name": _slug(file.stem), "theme": _theme(_slug(file.stem)), "path": file} for file in files]
        if self.path.is_file() and rows[0]["theme"] is None:
            rows[0]["theme"] = "land_cover"
        return rows

    def _described(self, row: dict[str, Any]) -> dict[str, Any]:
        """Look into a file; what it gets wrong is put right in a copy."""
        options = {} if row["theme"] is None else {"kind": row["theme"]}
        (table,) = LayerSource([row["path"]], options=options, progress=self._progress).read()
        frame = next(table.batches)
        facts = frame.row(0, named=True)
        file = row["path"]
        if facts["form"] == "vector" or facts["rewrite"]:
            file = Path(self._work.name) / store_layers(frame, Path(self._work.name))["file_name"][0]
        return {**facts, "name": row["name"], "file": file, "version": "file"}


def _theme(name: str) -> str | None:
    """Return what a file's name says that it shows."""
    starts = sorted((start for start in _STARTS if name.startswith(start)), key=len)
    return _STARTS[starts[-1]] if starts else None


def _slug(stem: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in stem.lower()).split())


def resistance(asked: Resistance, work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results."""
    from biodata.analysis.resistance_rules import for_species, read_rules

    inputs = [RunInput.of_file("table", asked.table)]
    tables = read_rules(asked.table)
    if asked.species is not None:
        tables = {asked.species: for_species(tables, asked.species, file=asked.table.name)}
    with LayerFolder(asked.layers, progress=work.progress) as folder:
        tasks = []
        for rules in tables.values():
            found = folder.find(rules.layers, asked.use or {})
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((asked, rules, found, _file_of(asked.out, rules, only=len(tables) == 1)))
        # In the order of the species, whoever is ready first.
        if work.executor is None or len(tasks) == 1:
            made = [_resistance_of(*task, progress=work.progress) for task in tasks]
        else:
            made = [future.result() for future in [work.executor.submit(_resistance_of, *task) for task in tasks]]
    table = pl.DataFrame([row for row, _ in made])
    notes = tuple(line for _, lines in made for line in lines)
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": table}, notes=notes)


def _file_of(out: Path | None, rules: "RuleTable", *, only: bool) -> Path | None:
    """Return the file of a species."""
    if out is None or only:
        return out
    return out.with_name(f"{out.stem}_{file_name_of(str(rules.species))}{out.suffix}")


def _resistance_of(
    asked: Resistance, rules: "RuleTable", layers: dict[str, LayerFile], out: Path | None, *, progress: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    from biodata.analysis.resistance import from_rules

    resampling = "nearest" if asked.nearest else "mode"
    grid = grid_of(layers, cell_m=asked.cell_m, box=asked.box)
    made = from_rules(rules, layers, grid, resampling=resampling, progress=progress)
    if out is not None:
        tags = resistance_tags(made, rules, layers, cell_m=asked.cell_m, resampling=resampling)
        write_cog(made.resistance, made.grid, out, tags=tags)
    known = made.resistance[np.isfinite(made.resistance)]
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items() if count)
    lines = [f"{layer.name}: {note}" for layer in layers.values() for note in layer.notes]
    lines.append(f"{f'{rules.species}, ' if rules.species else ''}{rules.name} version {rules.version}")
    lines.append(f"{', '.join(layer.name for layer in layers.values())}: {counted}")
    row = {
        "species": rules.species,
        "table_version": rules.version,
        "sha256": array_hash(made.resistance),
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "cells": int(known.size),
        "lowest": float(known.min()) if known.size else None,
        "mean": float(known.mean()) if known.size else None,
        "highest": float(known.max()) if known.size else None,
        "counts": json.dumps(dict(made.counts), sort_keys=True),
    }
    return row, lines


_ENCODING: Final = "0 to 7: step into the cell from " + ", ".join(
    f"{number} {way}" for number, way in enumerate(("SE", "S", "SW", "E", "W", "NE", "N", "NW"))
)


def cost_distance(asked: CostDistance, _work: Work) -> Outcome:
    """Accumulate cost over a raster; how far it reached, and what each path costs, are the results."""
    from biodata.analysis import cost_distance as costs
    from biodata.analysis import own_ground
    from biodata.analysis import sources as places

    if (asked.targets is None) != (asked.paths is None):
        problem, expected = "targets and the paths to them go together", "--targets FILE --paths FILE"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    found = own_ground.read_resistance(asked.raster, band=asked.band, nodata=asked.nodata, crs=asked.crs)
    starts = places.read(asked.sources, found.grid, layer=asked.sources_layer, id_column=asked.id_column)
    starts = places.on_ground(starts, found.values, file=asked.sources.name)
    ends = None if asked.targets is None else places.read(asked.targets, found.grid)
    width_m, height_m = found.grid.cell_sizes_m()
    surface = costs.surface(
        found.values,
        starts.cells,
        cell_width_m=width_m,
        cell_height_m=height_m,
        source_ids=starts.ids if asked.allocation or asked.paths else None,
        max_cost=math.inf if asked.max_cost is None else asked.max_cost,
        neighbours=asked.neighbours,
        cut_corners=asked.cut_corners,
    )
    _write_surface(surface, found.grid, asked)
    reached, known = int(np.isfinite(surface.cost).sum()), int(np.isfinite(found.values).sum())
    crossed = costs.corners_cut(surface, found.values) if asked.cut_corners else 0
    lines = [f"note: {note}" for note in (*found.notes, *starts.notes, *(() if ends is None else ends.notes))]
    if crossed:
        lines.append(
            f"note: {crossed} steps pass between two cells without data that touch at a corner (--no-cut-corners)"
        )
    lines.append(f"{np.unique(starts.cells).size} source cells, {reached} of {known} cells with data reached")
    tables = {"cost": pl.DataFrame({"sha256": [array_hash(surface.cost)], "reached": [reached], "known": [known]})}
    inputs = [RunInput("raster", array_hash(found.values), asked.raster.name)]
    inputs.append(RunInput("sources", array_hash(starts.cells), asked.sources.name))
    if ends is not None and asked.targets is not None and asked.paths is not None:
        traced = costs.to_places(surface, ends, found.grid)
        _write_paths(traced, asked.paths)
        lines.append(f"{int(traced['cost'].notna().sum())} of {len(traced)} targets reached")
        tables["paths"] = pl.from_pandas(traced.drop(columns="geometry"))
        inputs.append(RunInput("targets", array_hash(ends.cells), asked.targets.name))
    return Outcome(tuple(inputs), tables, notes=tuple(lines))


def _write_surface(surface: "CostSurface", grid: "Grid", asked: CostDistance) -> None:
    """Write the rasters that were asked for, each on the whole grid."""
    rows, columns = surface.cost.shape
    window = (slice(surface.row, surface.row + rows), slice(surface.column, surface.column + columns))
    about = (
        (asked.out, surface.cost, math.nan, "accumulated cost", "resistance x m"),
        (asked.allocation, surface.allocation, -1, "id of the cheapest source", ""),
        (asked.back_link, surface.back_link, -1, f"back-link; {_ENCODING}; 8 source", ""),
    )
    tags = {
        "biodata_resistance": asked.raster.name,
        "biodata_sources": asked.sources.name,
        "biodata_neighbours": str(asked.neighbours),
        "biodata_cut_corners": str(asked.cut_corners).lower(),
        "biodata_max_cost": "none" if asked.max_cost is None else repr(asked.max_cost),
        "TIFFTAG_SOFTWARE": f"biodata {version('biodata')} cost-distance",
    }
    for path, values, nodata, description, unit in about:
        if path is None or values is None:
            continue
        whole: Any = values
        if whole.shape != grid.shape:
            whole = np.full(grid.shape, nodata, dtype=values.dtype)
            whole[window] = values
        write_cog(whole, grid, path, nodata=nodata, description=description, unit=unit, tags=tags)


def _write_paths(frame: Any, path: Path) -> None:
    """Write paths as one layer; the file appears whole or not at all."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    part.unlink(missing_ok=True)
    if path.suffix.lower() == ".geojson":
        frame.to_crs(4326).to_file(part, layer="paths", driver="GeoJSON", engine="pyogrio")
    else:
        frame.to_file(part, layer="paths", driver="GPKG", engine="pyogrio")
        describe(part, column_meanings("paths"))
    part.replace(path)


RESISTANCE: Final = Engine(Resistance, at_once(resistance))
COST_DISTANCE: Final = Engine(CostDistance, at_once(cost_distance))
