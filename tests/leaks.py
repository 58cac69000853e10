"""A scanner for exact places in whatever leaves the installation: answers, tiles, exports, release files.

    place = leaks.Place("cave", latitude=24.51234, longitude=106.41234)
    assert leaks.scan(response.content, [place], name="/v1/occurrence/search") == []
    assert leaks.scan(tile, [place], name="tile", tile=(9, 407, 221)) == []
    assert leaks.scan_file(release.path, [place]) == []
    assert leaks.scan_folder(settings.data, [place], without=["lake"]) == []

It decodes JSON, GeoJSON, CSV, HTML, SVG, addresses, logs and any other text, notebooks and
what a text holds in base 64 or 16; zip, gzip, zlib and zstd members (archives, workbooks); DuckDB, SQLite and
GeoPackage files, FlatGeobuf, Parquet and Arrow; WKB and WKT; vector tiles; rasters
(COG), pictures' metadata, PDF. A DuckDB file with free blocks is found by itself: nobody can tell what is in them. It finds two numbers that lie within 100 m
of a place, in either order, in degrees, in millionths of them, in radians, in seconds of arc, in metres of UTM and of
the web's Mercator, in its integers; degrees with minutes and seconds; one coordinate by itself at five decimals or more;
H3 cells and geohashes. Where a place tells its published cell, any two numbers nearer to the place than
the cell's own points are found. A planted place should lie away from the middles of grid cells, which are published on
purpose, and have at least five decimals.
"""

import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

import leak_media
from leak_places import Finding, Place
from leak_tables import in_duckdb, in_frame, in_geometry, in_points, in_sqlite, in_tile
from leak_text import decoded, in_doubles, in_short_numbers, in_text

__all__ = ["Finding", "Place", "scan", "scan_file", "scan_folder", "scan_frame"]
_GAP = b"\n" + b" " * 4000 + b"\n"
_KNOWN = (*leak_media.PICTURES, *leak_media.TIFF, b"\x1f\x8b", b"PK\x03\x04", b"%PDF", b"PAR1", b"SQLite", b"{", b"[",
          b"\x28\xb5\x2f\xfd")  # fmt: skip


def scan_file(path: Path, places: Sequence[Place]) -> list[Finding]:
    """Return what a file tells of the places."""
    return scan(path.read_bytes(), places, name=path.name)


def scan_folder(folder: Path, places: Sequence[Place], *, without: Iterable[str] = ()) -> list[Finding]:
    """Return what the files under a folder tell of the places, and their names.

    Parameters
    ----------
    folder : Path
    places : sequence of Place
    without : iterable of str
        Names inside the folder, of files or folders, that are left out.
    """
    left_out = {folder / name for name in without}
    found: list[Finding] = []
    for path in sorted(folder.rglob("*")):
        if left_out.isdisjoint((path, *path.parents)):
            name = str(path.relative_to(folder))
            found += in_text(name, places, f"name of {name}")
            found += scan(path.read_bytes(), places, name=name) if path.is_file() else []
    return list(dict.fromkeys(found))


def scan(data: bytes, places: Sequence[Place], *, name: str, tile: tuple[int, int, int] | None = None) -> list[Finding]:
    """Return what bytes tell of the places; a vector tile needs its zoom, column and row."""
    return list(dict.fromkeys(_scan(data, places, name, tile)))


def scan_frame(frame: pl.DataFrame, places: Sequence[Place], *, name: str) -> list[Finding]:
    """Return what a table tells of the places."""
    return list(dict.fromkeys(in_frame(frame, places, name)))


def _scan(
    data: bytes, places: Sequence[Place], name: str, tile: tuple[int, int, int] | None, depth: int = 0
) -> Iterator[Finding]:
    """Find by the kind of the bytes, then in the bytes as they are."""
    if depth > 5:
        msg = f"{name} is packed too deep to be scanned"
        raise ValueError(msg)
    for member, content in _members(data):
        yield from in_text(member, places, f"{name}: name of a member")
        # What one member holds is as the whole: a packed tile is one.
        yield from _scan(content, places, f"{name}: {member}" if member else name, None if member else tile, depth + 1)
    if tile is not None and data[:2] != b"\x1f\x8b":
        yield from in_tile(data, places, name, tile)
    elif data[:4] == b"PAR1":
        yield from in_frame(pl.read_parquet(io.BytesIO(data)), places, name)
    elif data[8:12] == b"DUCK":
        yield from in_duckdb(data, places, name)
    elif data[:15] == b"SQLite format 3":
        yield from in_sqlite(data, places, name)
    elif (table := leak_media.arrays(data)) is not None:
        yield from in_frame(table, places, name)
    elif data[:4] in leak_media.TIFF:
        yield from _raster(data, places, name)
    if data.startswith((*leak_media.PICTURES, *leak_media.TIFF)):
        for text in leak_media.picture(data):
            yield from in_text(text, places, f"{name}: metadata")
    text = decoded(data)
    yield from in_text(text, places, name)
    yield from in_doubles(data, places, name)
    yield from in_short_numbers(data, places, name)
    if depth < 4:
        yield from _inlaid(text, places, name, depth)


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what is packed, with its name; without one where it is the only thing."""
    if data[:2] == b"\x1f\x8b":
        yield "", gzip.decompress(data)
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield "comment", archive.comment
            for member in archive.infolist():
                yield member.filename, archive.read(member)
    elif data[:4] == b"%PDF":
        yield from leak_media.document(data)
    elif (one := leak_media.squeezed(data)) is not None:
        yield "", one


def _raster(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find places in a raster: its tags, and the cells where it alone has values."""
    texts, middles = leak_media.raster(data)
    for text in texts:
        yield from in_text(text, places, f"{where}: tags")
    yield from in_points(*middles.T, places, f"{where}: cells")


def _inlaid(text: str, places: Sequence[Place], where: str, depth: int) -> Iterator[Finding]:
    """Find places in what a text holds in base 64 or 16: pictures, geometries, cursors; the unknown all at once."""
    unknown = []
    for data in leak_media.inlaid(text):
        if data.startswith(_KNOWN):
            yield from _scan(data, places, f"{where}: inlaid", None, depth + 1)
        else:
            unknown.append(data)
            yield from in_geometry(data, places, f"{where}: inlaid")
    together = _GAP.join(unknown)
    yield from in_text(decoded(together), places, f"{where}: inlaid")
    yield from in_doubles(together, places, f"{where}: inlaid")
