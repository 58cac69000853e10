"""A scanner for exact places in whatever leaves the installation: answers, tiles, exports, release files.

    place = leaks.Place("cave", latitude=24.51234, longitude=106.41234)
    assert leaks.scan(response.content, [place], name="/v1/occurrence/search") == []
    assert leaks.scan(tile, [place], name="tile", tile=(9, 407, 221)) == []
    assert leaks.scan_file(release.path, [place]) == []

It decodes JSON, GeoJSON, CSV and any other text, zip and gzip members (archives, workbooks), DuckDB, SQLite and
GeoPackage files, Parquet, WKB, vector tiles. It finds two numbers that lie within 100 m of a place, in either order, in
degrees, in millionths of them, in metres of the web's Mercator, in its integers; degrees with minutes and seconds; one
coordinate by itself at five decimals or more; an H3 cell of resolution 8 or finer. A planted place should lie away from
the middles of grid cells, which are published on purpose, and have at least five decimals.
"""

import gzip
import io
import json
import math
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import duckdb
import h3
import mapbox_vector_tile
import numpy as np
import polars as pl
import shapely
from pyproj import Geod

NEAR_M = 100.0
WINDOW = 3000
"""Two numbers farther apart in a text, in characters, are not taken for one place."""

GEOD = Geod(ellps="WGS84")
EARTH_M = 2 * math.pi * 6378137.0
NUMBER = re.compile(r"(?<![A-Za-z0-9.])[-+]?\d+(?:\.(\d+))?(?:[eE][-+]?\d+)?")
COMMA = re.compile(r"(?<![A-Za-z0-9.,])[-+]?\d{1,3},(\d{3,})(?![\d,])")
SEXAGESIMAL = re.compile(r"""(\d{1,3})\s*[°º:d]\s*(\d{1,2}(?:\.\d+)?)(?:\s*['′’:m]\s*(\d{1,2}(?:\.\d+)?))?""")
CELLS = re.compile(r"(?<![0-9A-Za-z])(?:8[0-9a-f]{14}|\d{18})(?![0-9A-Za-z])")
ALONE_DECIMALS, ALONE_DEGREES = 5, 1e-5
"""A number of so many decimals as near to a coordinate as this is found without its partner."""

ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Form:
    """A place in some unit: what the two numbers are, and how far off they may be."""

    name: str
    x: float
    y: float
    x_tolerance: float
    y_tolerance: float


@dataclass(frozen=True)
class Place:
    """An exact place that must not be found; degrees, WGS 84."""

    name: str
    latitude: float
    longitude: float

    @cached_property
    def forms(self) -> list[Form]:
        """The place in every unit that is looked for."""
        lon, lat = self.longitude, self.latitude
        cosine = math.cos(math.radians(lat))
        degrees_y = NEAR_M / 110_500
        degrees_x = degrees_y / cosine
        mercator_x = EARTH_M * lon / 360
        mercator_y = EARTH_M / (2 * math.pi) * math.asinh(math.tan(math.radians(lat)))
        metres = NEAR_M / cosine
        world = 2**32 / EARTH_M
        whole_x, whole_y = (mercator_x + EARTH_M / 2) * world, (EARTH_M / 2 - mercator_y) * world
        return [
            Form("degrees", lon, lat, degrees_x, degrees_y),
            *(
                Form(f"degrees times 10^{n}", lon * 10**n, lat * 10**n, degrees_x * 10**n, degrees_y * 10**n)
                for n in (5, 6, 7)
            ),
            Form("radians", math.radians(lon), math.radians(lat), math.radians(degrees_x), math.radians(degrees_y)),
            Form("Mercator metres", mercator_x, mercator_y, metres, metres),
            Form("Mercator integers", whole_x, whole_y, metres * world, metres * world),
            Form("Mercator integers, northward", whole_x, 2**32 - whole_y, metres * world, metres * world),
        ]

    @cached_property
    def cells(self) -> frozenset[str]:
        """H3 cells that hold the place, as text and as integers, of resolution 8 or finer."""
        found = {h3.latlng_to_cell(self.latitude, self.longitude, r) for r in range(8, 16)}
        return frozenset(found | {str(h3.str_to_int(cell)) for cell in found})

    def metres_to(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return the distance to each of n points; infinite where they are none."""
        good = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
        metres = np.full(len(longitude), np.inf)
        n = int(good.sum())
        metres[good] = GEOD.inv(np.full(n, self.longitude), np.full(n, self.latitude), longitude[good], latitude[good])[
            2
        ]
        return metres


@dataclass(frozen=True)
class Finding:
    """A place that was found, where, and as what."""

    place: str
    where: str
    what: str


def scan_file(path: Path, places: Sequence[Place]) -> list[Finding]:
    """Return what a file tells of the places."""
    return scan(path.read_bytes(), places, name=path.name)


def scan(data: bytes, places: Sequence[Place], *, name: str, tile: tuple[int, int, int] | None = None) -> list[Finding]:
    """Return what bytes tell of the places; a vector tile needs its zoom, column and row."""
    return list(dict.fromkeys(_scan(data, places, name, tile)))


def scan_frame(frame: pl.DataFrame, places: Sequence[Place], *, name: str) -> list[Finding]:
    """Return what a table tells of the places."""
    return list(dict.fromkeys(_frame(frame, places, name)))


def _scan(
    data: bytes, places: Sequence[Place], name: str, tile: tuple[int, int, int] | None, depth: int = 0
) -> Iterator[Finding]:
    """Find by the kind of the bytes, then in the bytes as they are."""
    if depth > 5:
        msg = f"{name} is packed too deep to be scanned"
        raise ValueError(msg)
    if data[:2] == b"\x1f\x8b":
        yield from _scan(gzip.decompress(data), places, name, tile, depth + 1)
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield from _text(member.filename, places, f"{name}: name of a member")
                yield from _scan(archive.read(member), places, f"{name}: {member.filename}", None, depth + 1)
    elif tile is not None:
        yield from _tile(data, places, name, tile)
    elif data[:4] == b"PAR1":
        yield from _frame(pl.read_parquet(io.BytesIO(data)), places, name)
    elif data[8:12] == b"DUCK":
        yield from _duckdb(data, places, name)
    elif data[:15] == b"SQLite format 3":
        yield from _sqlite(data, places, name)
    yield from _text(_decoded(data), places, name)
    yield from _doubles(data, places, name)


def _decoded(data: bytes) -> str:
    """Return bytes as text, whatever they are."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace")


def _text(text: str, places: Sequence[Place], where: str, *, by_line: bool = False) -> Iterator[Finding]:
    """Find places in text: pairs of numbers near each other, or in one line; a long number by itself; cells of H3."""
    if "\\u" in text:
        text = ESCAPES.sub(lambda match: chr(int(match[1], 16)), text)
    at, values, decimals = _numbers(text)
    if by_line:
        at = np.searchsorted([m.start() for m in re.finditer("\n", text)], at) * (WINDOW + 1)
    order = np.argsort(values)
    at, values = at[order], values[order]
    alone = values[decimals[order] >= ALONE_DECIMALS]
    cells = set(CELLS.findall(text))
    for place in places:
        for value in (place.latitude, place.longitude):
            if len(alone[_near(alone, value, ALONE_DEGREES)]):
                yield Finding(place.name, where, f"the number {value} by itself")
        for cell in place.cells & cells if cells else ():
            yield Finding(place.name, where, f"the H3 cell {cell}")
        for form in place.forms:
            xs = at[_near(values, form.x, form.x_tolerance)]
            ys = at[_near(values, form.y, form.y_tolerance)] if len(xs) else xs
            if len(ys) and np.abs(xs[:, None] - ys[None, :]).min() <= WINDOW:
                yield Finding(place.name, where, f"two numbers, {form.name}")


def _near(ordered: np.ndarray, value: float, tolerance: float) -> slice:
    """Return where the numbers near a value stand among ordered ones."""
    first, end = np.searchsorted(ordered, (value - tolerance, value + tolerance))
    return slice(first, end)


def _numbers(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the position, value and decimals of every number of a text, those with minutes and seconds too."""
    found = [(m.start(), float(m[0]), len(m[1] or "")) for m in NUMBER.finditer(text)]
    found += [(m.start(), float(m[0].replace(",", ".")), len(m[1])) for m in COMMA.finditer(text)]
    for m in SEXAGESIMAL.finditer(text):
        value = float(m[1]) + float(m[2]) / 60 + float(m[3] or 0) / 3600
        found += [(m.start(), value, 0), (m.start(), -value, 0)]
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _doubles(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find two 8-byte numbers side by side, at any offset and in either byte order, as in WKB."""
    pairs = [np.empty((0, 2))]
    for offset in range(min(8, len(data))):
        for order in ("<f8", ">f8"):
            values = np.frombuffer(data, dtype=order, count=(len(data) - offset) // 8, offset=offset)
            # Few bytes make two numbers in a row of a coordinate's size.
            sized = (np.abs(values) > 1e-3) & (np.abs(values) < EARTH_M)
            both = np.flatnonzero(sized[:-1] & sized[1:])
            pairs.append(np.column_stack([values[both], values[both + 1]]))
    table = np.concatenate(pairs)
    table = np.concatenate([table, table[:, ::-1]])
    table = table[np.argsort(table[:, 0])]
    for place in places:
        for form in (f for f in place.forms if f.name in ("degrees", "Mercator metres")):
            second = table[_near(table[:, 0], form.x, form.x_tolerance), 1]
            if (np.abs(second - form.y) <= form.y_tolerance).any():
                yield Finding(place.name, where, f"two numbers in the bytes, {form.name}")


def _points(
    longitude: np.ndarray, latitude: np.ndarray, places: Sequence[Place], where: str, near_m: float
) -> Iterator[Finding]:
    """Find vertices near a place, the numbers in either order."""
    x, y = np.concatenate([longitude, latitude]), np.concatenate([latitude, longitude])
    order = np.argsort(x)
    x, y = x[order], y[order]
    for place in places:
        about = _near(x, place.longitude, near_m / 100_000 / math.cos(math.radians(place.latitude)))
        if (place.metres_to(x[about], y[about]) <= near_m).any():
            yield Finding(place.name, where, "a vertex of a geometry")


def _geometry(blob: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find vertices of WKB, or of a GeoPackage's geometry."""
    if blob[:2] == b"GP":
        envelope = (0, 32, 48, 48, 64)[min((blob[3] >> 1) & 7, 4)]
        blob = blob[8 + envelope :]
    try:
        shape = shapely.from_wkb(blob, on_invalid="ignore")
    except NotImplementedError:  # bytes that begin as a curve does, such as a page of an index
        return
    if shape is not None:
        x, y = shapely.get_coordinates(shape).T
        yield from _points(x, y, places, where, NEAR_M)


def _frame(frame: pl.DataFrame, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in a table: in each row's values together, and in each blob."""
    binary = [name for name, dtype in frame.schema.items() if "Binary" in str(dtype)]
    for name in binary:
        for blob in dict.fromkeys(_blobs(frame[name].to_list())):
            yield from _geometry(blob, places, f"{where}: {name}")
            yield from _doubles(blob, places, f"{where}: {name}")
            yield from _text(_decoded(blob), places, f"{where}: {name}")
    rest = frame.drop(binary)
    if rest.width:
        yield from _text(rest.write_ndjson(), places, where, by_line=True)


def _blobs(value: object) -> Iterator[bytes]:
    """Yield every blob in a nested value."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _blobs(list(value.values()))
    elif isinstance(value, list):
        for part in value:
            yield from _blobs(part)


def _duckdb(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in every table of a DuckDB file; a copy is read, since the file may be open elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.duckdb"
        path.write_bytes(data)
        with duckdb.connect(str(path), read_only=True) as connection:
            columns = connection.execute(
                "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
            if any(kind.startswith("GEOMETRY") for *_, kind in columns):
                _load_spatial(connection)
            for table in dict.fromkeys((schema, name) for schema, name, *_ in columns):
                chosen = ", ".join(
                    f'ST_AsWKB("{column}")::BLOB AS "{column}"' if kind.startswith("GEOMETRY") else f'"{column}"'
                    for schema, name, column, kind in columns
                    if (schema, name) == table
                )
                frame = connection.execute(f'SELECT {chosen} FROM "{table[0]}"."{table[1]}"').pl()
                yield from _frame(frame, places, f"{where}: {table[1]}")


def _load_spatial(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's spatial extension from its wheel."""
    spec = find_spec("duckdb_extension_spatial")
    folder = Path(next(iter(spec.submodule_search_locations))) / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")


def _sqlite(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
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
                yield from _geometry(value, places, where)
                yield from _doubles(value, places, where)
                yield from _text(_decoded(value), places, where)
        lines.append(json.dumps([value for value in row if not isinstance(value, bytes)], ensure_ascii=False))
    yield from _text("\n".join(lines), places, where, by_line=True)


def _tile(data: bytes, places: Sequence[Place], where: str, tile: tuple[int, int, int]) -> Iterator[Finding]:
    """Find places in a vector tile: its vertices in degrees, its properties as text.

    A vertex stands on a tile's raster, so it may be off by the raster's step; where that is wider than 400 m, 400 m.
    """
    zoom, column, row = tile
    for name, layer in mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}).items():
        extent = layer["extent"]
        step_m = EARTH_M / 2**zoom / extent
        for feature in layer["features"]:
            yield from _text(json.dumps(feature["properties"], ensure_ascii=False), places, f"{where}: {name}")
            x, y = shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])).T
            longitude = ((column + x / extent) / 2**zoom - 0.5) * 360
            latitude = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (row + y / extent) / 2**zoom))))
            yield from _points(longitude, latitude, places, f"{where}: {name}", NEAR_M + min(step_m, 400))
