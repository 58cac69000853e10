"""Tables as layers for a GIS, GeoPackage and GeoParquet, with what their columns mean; products of cleanings and gap analyses.

The meaning of columns stands in GeoPackage's schema extension, which GDAL and QGIS read.
"""

import csv
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import polars as pl
import shapely

from biodata.core import terms
from biodata.exports.styles import add_styles
from biodata.harmonise.area_cleaning import Cleaned, Report
from biodata.harmonise.area_cleaning import to_geodataframe as cleaned_frame

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from biodata.analysis.gaps.features import Places

Told = tuple[str, str]
"""Unit, empty where there is none or the name ends in it, and meaning of a column."""


def column_meanings(group: str) -> dict[str, Told]:
    """Return what the columns of a group of layers mean, by `layer_columns.csv`: corridors, paths, scenarios, climate."""
    with files("biodata").joinpath("data").joinpath("layer_columns.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["layers"] == group]
    return {row["column"]: (row["unit"], row["meaning"]) for row in rows}


# The tables as the standard prints them: https://www.geopackage.org/spec131/#extension_schema
_TABLES: Final = (
    "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,"
    " description TEXT, mime_type TEXT, constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),"
    " CONSTRAINT gdc_tn UNIQUE (table_name, name))",
    "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL,"
    " value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,"
    " CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))",
)
_EXTENSIONS: Final = (
    "CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,"
    " definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))"
)
_DEFINITION: Final = "http://www.geopackage.org/spec131/#extension_schema"


def published(table: str) -> dict[str, Told]:
    """Return what the columns of one of `terms.PUBLISHED_TABLES` mean; nothing of another table."""
    units = column_meanings("corridors") if table == "corridors" else {}
    columns = terms.PUBLISHED_TABLES.get(table, ())
    return {one.name: (units.get(one.name, ("", ""))[0], one.meaning) for one in columns}


def describe(path: Path, columns: Mapping[str, Told]) -> None:
    """Put into a GeoPackage what its columns mean, in every layer that has them.

    Parameters
    ----------
    path : Path
        The GeoPackage, which has no such descriptions yet.
    columns : mapping of str to (unit, meaning)
        By the column's name.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents ORDER BY table_name")]
        for statement in (*_TABLES, _EXTENSIONS):
            connection.execute(statement)
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'gpkg_data_column%'"):
            connection.execute(
                "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')", [table, _DEFINITION]
            )
        for table in tables:
            for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table]):
                if name in columns:
                    unit, meaning = columns[name]
                    title = f"{name} ({unit})" if unit else name
                    connection.execute(
                        "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description)"
                        " VALUES (?, ?, ?, ?, ?)",
                        [table, name, title, title, f"{meaning} Unit: {unit}." if unit else meaning],
                    )


# Published tables as layers for a GIS: GeoPackage and GeoParquet.
def to_geodataframe(frame: pl.DataFrame) -> "gpd.GeoDataFrame":
    """Return a published table as a GeoDataFrame in WGS 84.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `geometry` in WKB, or with `decimalLongitude` and `decimalLatitude`; lists become text.

    Returns
    -------
    geopandas.GeoDataFrame of n rows
    """
    import geopandas as gpd

    if "geometry" in frame.columns:
        geometry = shapely.from_wkb(frame["geometry"].to_numpy())
    else:
        longitude, latitude = (frame[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude"))
        known = frame.select(pl.all_horizontal(pl.col("decimalLongitude", "decimalLatitude").is_not_null()))
        geometry = np.asarray(shapely.points(longitude, latitude), dtype=object)
        geometry[~known.to_series().to_numpy()] = None
    plain = frame.select(
        pl.col(name).list.join(";") if isinstance(dtype, pl.List) else pl.col(name)
        for name, dtype in frame.schema.items()
        if dtype != pl.Binary
    )
    return gpd.GeoDataFrame(plain.to_pandas(), geometry=geometry, crs="EPSG:4326")


def in_known_system(frame: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """Return shapes in their own system where it has a number that GIS know (EPSG), else in WGS 84."""
    known = frame.crs is None or frame.crs.to_epsg() is not None
    return frame if known else frame.to_crs(4326)


def write_geopackage(frame: pl.DataFrame, path: Path, *, layer: str) -> None:
    """Write a published table as the one layer of a GeoPackage, styled and described; it appears whole or not at all."""
    write_layer(to_geodataframe(frame), path, layer=layer)


def write_layer(
    frame: "gpd.GeoDataFrame", path: Path, *, layer: str, facts: Mapping[str, str | float] | None = None
) -> None:
    """Write shapes as `write_layers` does, in a system that GIS know."""
    write_layers({layer: in_known_system(frame)}, path, facts=facts)


def write_layers(
    frames: "Mapping[str, gpd.GeoDataFrame]", path: Path, *, facts: Mapping[str, str | float] | None = None,
    tables: "Mapping[str, pd.DataFrame] | None" = None, kinds: Mapping[str, str] | None = None,
    columns: Mapping[str, Told] | None = None, as_of: str | None = None,
) -> None:  # fmt: skip
    """Write shapes as the layers of a GeoPackage, by their names, styled and described; it appears whole or not at all.

    Parameters
    ----------
    frames : mapping of str to geopandas.GeoDataFrame
        Shapes; GIS read those in a system that has a number (`in_known_system`).
    path : Path
        The file; one that is there is replaced.
    facts : mapping, optional
        What every layer states of itself as its metadata.
    tables : mapping of str to pandas.DataFrame, optional
        Tables without shapes.
    kinds : mapping of str to str, optional
        The kind of geometry of a layer; what its shapes are where none is given.
    columns : mapping of str to (unit, meaning), optional
        What columns mean; those of published tables where none are given.
    as_of : str, optional
        The moment of the file, so that the same shapes give the same bytes.
    """
    import pyogrio

    stated = {name: str(value) for name, value in (facts or {}).items()} or None
    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": as_of})
    try:
        for name, frame in frames.items():
            kind = (kinds or {}).get(name)
            pyogrio.write_dataframe(
                frame, part, layer=name, driver="GPKG", append=part.exists(), geometry_type=kind,
                promote_to_multi=None if kind is None else kind == "MultiPolygon", layer_metadata=stated,
            )  # fmt: skip
        for name, table in (tables or {}).items():
            pyogrio.write_dataframe(table, part, layer=name, driver="GPKG", append=True, layer_metadata=stated)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    add_styles(part, list(frames), as_of=as_of)
    if columns is None:
        columns = {name: meaning for layer in frames for name, meaning in published(layer).items()}
    describe(part, columns)
    part.replace(path)


def write_geoparquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as GeoParquet 1.1 with a covering box; the file appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    to_geodataframe(frame).to_parquet(part, schema_version="1.1.0", write_covering_bbox=True)
    part.replace(path)


# A cleaning's products as one GeoPackage, its report as JSON.
_CLEANED: Final = {"coverage": "MultiPolygon", "planning": "Unknown"}


def write_cleaned(cleaned: Cleaned, report: Report, path: Path) -> None:
    """Write the products of a cleaning and its report as a GeoPackage; the file appears whole or not at all.

    Parameters
    ----------
    cleaned : Cleaned
        What `area_cleaning.clean` returned.
    report : Report
        Of the same run.
    path : Path
        The file. Layers `coverage` and `planning` on the equal-area plane; tables without geometry `not_mapped`,
        `steps`, `sites` (what became of each row) and `countries`.
    """
    tables = {
        "not_mapped": cleaned.not_mapped,
        "steps": report.steps_table(),
        "sites": report.sites,
        "countries": report.countries,
    }
    write_layers(
        {name: cleaned_frame(getattr(cleaned, name)) for name in _CLEANED},
        path,
        facts={"boundaries": report.boundaries},
        tables={name: _without_lists(table) for name, table in tables.items()},
        kinds=_CLEANED,
    )


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON; the file appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _without_lists(frame: pl.DataFrame) -> "pd.DataFrame":
    """Return a table without lists, as GDAL takes it."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).list.join(";")).to_pandas()


# An analysis of gaps as tables, layers for a GIS, and facts.
def write_gaps(
    folder: Path, *, tables: Mapping[str, pl.DataFrame], facts: Mapping[str, Any], regions: "Sequence[Places]" = (),
    layers: Mapping[str, pl.DataFrame] | None = None, named: Mapping[str, str | float] | None = None,
) -> list[Path]:  # fmt: skip
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
    if frames := {region.kind: _on_map(region, tables["coverage"]) for region in regions} | layers:
        write_layers({name: to_geodataframe(frame) for name, frame in frames.items()}, folder / "gaps.gpkg")
        written.append(folder / "gaps.gpkg")
    return written


def _on_map(region: "Places", table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows about regions with their polygons."""
    shapes = pl.DataFrame({"place": region.names, "geometry": list(shapely.to_wkb(region.shapes))})
    rows = table.filter(pl.col("place_kind") == region.kind)
    return shapes.join(rows.drop("place_kind"), on="place", how="left", maintain_order="left")
