"""An analysis of gaps as tables, layers for a GIS, and facts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl
import shapely

from biodata.exports.layers import to_geodataframe, write_layers

if TYPE_CHECKING:
    from biodata.analysis.gaps.features import Places


def write_gaps(
    folder: Path,
    *,
    tables: Mapping[str, pl.DataFrame],
    facts: Mapping[str, Any],
    regions: "Sequence[Places]" = (),
    layers: Mapping[str, pl.DataFrame] | None = None,
    named: Mapping[str, str | float] | None = None,
) -> list[Path]:
    """Write what an analysis of gaps found; each file appears whole or not at all.

    Parameters
    ----------
    folder : Path
        Is made where it is not there.
    tables : mapping of str to polars.DataFrame
        Each becomes NAME.csv and stands in gaps.json; lists are joined by `;` in CSV.
    facts : mapping
        Boundary set, source and version of the areas, parameters: as plain values, under `facts` in gaps.json.
    regions : sequence of Places, optional
        Their polygons, with the rows of `coverage` about them, become layers of gaps.gpkg by their kind.
    layers : mapping of str to polars.DataFrame, optional
        Other layers, with `geometry` as WKB in degrees.
    named : mapping, optional
        Columns that every table and layer gets: boundary set, band, source of the areas.

    Returns
    -------
    list of Path
        The files.
    """
    columns = {name: pl.lit(value) for name, value in (named or {}).items()}
    tables = {name: table.with_columns(**columns) for name, table in tables.items()}
    layers = {name: layer.with_columns(**columns) for name, layer in (layers or {}).items()}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in tables.items():
        part, path = folder / f"{name}.csv.part", folder / f"{name}.csv"
        lists = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.List)]
        table.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(";")).write_csv(part)
        part.replace(path)
        written.append(path)
    found = {"facts": dict(facts), **{name: table.to_dicts() for name, table in tables.items()}}
    part, path = folder / "gaps.json.part", folder / "gaps.json"
    part.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    part.replace(path)
    written.append(path)
    frames = {region.kind: _on_map(region, tables["coverage"]) for region in regions} | layers
    if frames:
        write_layers({name: to_geodataframe(frame) for name, frame in frames.items()}, folder / "gaps.gpkg")
        written.append(folder / "gaps.gpkg")
    return written


def _on_map(region: "Places", table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows about regions with their polygons."""
    shapes = pl.DataFrame({"place": region.names, "geometry": list(shapely.to_wkb(region.shapes))})
    rows = table.filter(pl.col("place_kind") == region.kind)
    return shapes.join(rows.drop("place_kind"), on="place", how="left", maintain_order="left")
