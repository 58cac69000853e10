"""What the columns of a GeoPackage mean, inside it: GeoPackage's schema extension, which GDAL and QGIS read.

Where a name does not end in its unit, the unit stands in the column's title, which QGIS shows in its place.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

from biodata import terms

Told = tuple[str, str]
"""Unit, empty where there is none or the name ends in it, and meaning of a column."""

CORRIDOR_COLUMNS: Final[Mapping[str, Told]] = MappingProxyType(
    {
        "corridor_id": ("", "Identifier inside its run."),
        "from_area_id": ("", "Area where the corridor starts."),
        "to_area_id": ("", "Area where it ends."),
        "from_name": ("", "Name of the first area."),
        "to_name": ("", "Name of the second area."),
        "functional": ("", "False where there is no functional link, for the reason in notes."),
        "least_cost": ("resistance x m", "Accumulated cost of the cheapest path; Linkage Mapper's LCD."),
        "euclidean_m": ("", "Straight distance between the two areas' edges, metres."),
        "path_length_m": ("", "Length of the cheapest path, metres."),
        "cost_ratio": ("resistance", "least_cost divided by euclidean_m; Linkage Mapper's cwd_to_Euc_Ratio."),
        "cost_per_path_m": ("resistance", "least_cost divided by path_length_m; Linkage Mapper's cwd_to_Path_Ratio."),
        "width_m": ("", "Median width of the corridor along the path, metres."),
        "narrowest_m": ("", "Width at the narrowest place, metres."),
        "area_km2": ("", "Area of the polygon on the ellipsoid, square kilometres."),
        "cut_cost": ("resistance x m", "How much more than the cheapest path a way inside the corridor may cost."),
        "cells": ("", "Number of cells inside the cut and outside the areas."),
        "strands": ("", "Number of parts of the polygon."),
        "mean_resistance": ("resistance", "Mean of the corridor's cells."),
        "habitat_share": ("0-1", "Share of the corridor's cells of low resistance."),
        "nodata_share": ("0-1", "Share of the cells in the corridor's window that have no data."),
        "raster_large_enough": ("", "False where ground outside the raster could hold a way as cheap."),
        "through": ("", "Names of other areas that the path leads through."),
        "notes": ("", "What else there is to know."),
        "score": ("resistance", "What restoring saves of the least cost for each metre restored (Barrier Mapper)."),
        "radius_m": ("", "Radius of the window restored, metres."),
        "saved_cost": ("resistance x m", "What restoring it saves of the least cost; empty where there was no way."),
        "saved_share": ("0-1", "The same as a share of the least cost."),
        "restored_cost": ("resistance x m", "Least cost once the window is restored."),
        "current_a": ("", "Current at the place, of 1 A sent from area to area, amperes."),
        "effective_resistance": ("resistance", "Between the two areas inside the corridor, in the raster's unit."),
    }
)  # fmt: skip
"""Of the layers of `corridors.least_cost`."""
PATH_COLUMNS: Final[Mapping[str, Told]] = MappingProxyType(
    {
        "target_id": ("", "The place that the path leads to."),
        "source_id": ("", "The source that it comes from."),
        "cost": ("resistance x m", "Accumulated cost of the path."),
        "length_m": ("", "Its length, metres."),
        "cost_per_metre": ("resistance", "cost divided by length_m: mean resistance along the path."),
    }
)
"""Of `cost_paths.to_places`."""

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
    units = CORRIDOR_COLUMNS if table == "corridors" else {}
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
