"""Places in tables, geometries and vector tiles."""

import json
import math
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import duckdb
import mapbox_vector_tile
import numpy as np
import polars as pl
import shapely

from leak_places import EARTH_M, NEAR_M, Finding, Place
from leak_text import decoded, in_doubles, in_text, near

_APART = bytes(16)
"""Between two blobs: no number of a coordinate's size, so that no pair is made of two of them."""


def in_points(
    longitude: np.ndarray, latitude: np.ndarray, places: Sequence[Place], where: str, more_m: float = 0
) -> Iterator[Finding]:
    """Find vertices near a place, the numbers in either order; a raster's step is added to what is near."""
    x, y = np.concatenate([longitude, latitude]), np.concatenate([latitude, longitude])
    order = np.argsort(x)
    x, y = x[order], y[order]
    for place in places:
        reach = max(place.reach_m, NEAR_M + more_m)
        about = near(x, place.longitude, reach / 100_000 / math.cos(math.radians(place.latitude)))
        if place.told_by(x[about], y[about], more_m=more_m):
            yield Finding(place.name, where, "a vertex of a geometry")


def in_geometry(blob: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find vertices of WKB, or of a GeoPackage's geometry."""
    if blob[:2] == b"GP":
        envelope = (0, 32, 48, 48, 64)[min((blob[3] >> 1) & 7, 4)]
        blob = blob[8 + envelope :]
    try:
        shape = shapely.from_wkb(blob, on_invalid="ignore")
    except NotImplementedError:  # bytes that begin as a curve does, such as a page of an index
        return
    yield from in_points(*shapely.get_coordinates(shape).T, places, where)


def in_frame(frame: pl.DataFrame, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in a table: in each row's values together, and in each blob."""
    binary = [name for name, dtype in frame.schema.items() if "Binary" in str(dtype)]
    for name in binary:
        blobs = list(dict.fromkeys(_blobs(frame[name].to_list())))
        yield from in_doubles(_APART.join(blobs), places, f"{where}: {name}")
        for blob in blobs:
            yield from in_geometry(blob, places, f"{where}: {name}")
            if shapely.from_wkb(blob, on_invalid="ignore") is None:  # the bytes of a geometry are no text
                yield from in_text(decoded(blob), places, f"{where}: {name}")
    rest = frame.drop(binary)
    if rest.width:
        yield from in_text(rest.write_ndjson(), places, where, by_line=True)


def _blobs(value: object) -> Iterator[bytes]:
    """Yield every blob in a nested value."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _blobs(list(value.values()))
    elif isinstance(value, list):
        for part in value:
            yield from _blobs(part)


def in_duckdb(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in every table of a DuckDB file; a copy is read, since the file may be open elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.duckdb"
        path.write_bytes(data)
        with duckdb.connect(str(path), read_only=True) as connection:
            columns = connection.execute(
                "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal "
                "AND table_oid IN (SELECT table_oid FROM duckdb_tables())"  # a view reads another file, which is read itself
            ).fetchall()
            if any(kind.startswith("GEOMETRY") for *_, kind in columns):
                load_spatial(connection)
            for table in dict.fromkeys((schema, name) for schema, name, *_ in columns):
                chosen = ", ".join(
                    f'ST_AsWKB("{column}")::BLOB AS "{column}"' if kind.startswith("GEOMETRY") else f'"{column}"'
                    for schema, name, column, kind in columns
                    if (schema, name) == table
                )
                frame = connection.execute(f'SELECT {chosen} FROM "{table[0]}"."{table[1]}"').pl()
                yield from in_frame(frame, places, f"{where}: {table[1]}")
            free = connection.execute("SELECT free_blocks FROM pragma_database_size()").fetchall()[0][0]
            if free and places:
                # What was dropped stays in them, packed in ways that nobody can undo without its catalogue.
                yield Finding("any place", where, f"{free} free blocks, which may hold anything that was deleted")


def load_spatial(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's spatial extension from its wheel."""
    spec = find_spec("duckdb_extension_spatial")
    folder = Path(next(iter(spec.submodule_search_locations))) / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")


def in_sqlite(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in every table of an SQLite file, a GeoPackage among them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.sqlite"
        path.write_bytes(data)
        connection = sqlite3.connect(path)
        try:
            tables = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            ]
            for table in tables:
                yield from _rows(connection.execute(f'SELECT * FROM "{table}"'), places, f"{where}: {table}")
        finally:
            connection.close()


def _rows(rows: Iterable[tuple[object, ...]], places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in rows of plain values."""
    lines = []
    for row in rows:
        for value in row:
            if isinstance(value, bytes):
                yield from in_geometry(value, places, where)
                yield from in_doubles(value, places, where)
                yield from in_text(decoded(value), places, where)
        lines.append(json.dumps([value for value in row if not isinstance(value, bytes)], ensure_ascii=False))
    yield from in_text("\n".join(lines), places, where, by_line=True)


def in_tile(data: bytes, places: Sequence[Place], where: str, tile: tuple[int, int, int]) -> Iterator[Finding]:
    """Find places in a vector tile: its vertices in degrees, its properties as text.

    A vertex stands on a tile's raster, so it may be off by the raster's step; where that is wider than 400 m, 400 m.
    """
    zoom, column, row = tile
    for name, layer in mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}).items():
        extent = layer["extent"]
        step_m = EARTH_M / 2**zoom / extent
        for feature in layer["features"]:
            yield from in_text(json.dumps(feature["properties"], ensure_ascii=False), places, f"{where}: {name}")
            x, y = shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])).T
            longitude = ((column + x / extent) / 2**zoom - 0.5) * 360
            latitude = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (row + y / extent) / 2**zoom))))
            yield from in_points(longitude, latitude, places, f"{where}: {name}", min(step_m, 400))
