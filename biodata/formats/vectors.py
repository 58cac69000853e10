"""Polygons and points out of GeoPackage, File Geodatabase, shapefile (also zipped) and GeoJSON, as text and WKB.

A file is copied under a name of ours into a folder of its own before GDAL sees it: GDAL takes meaning from names
(`/vsicurl/…`, `a.zip!b`), and SQLite writes beside what it opens. What a file is, its first bytes tell; anything that
is not one of these formats never reaches GDAL.
"""

import logging
import re
import shutil
import struct
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from glob import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from biodata.core import edges
from biodata.core.errors import InputError, shorten
from biodata.formats import encodings
from biodata.formats.archives import Archive, ArchiveLimits, open_archive

# Geometry in bytes (WKB, EWKB) looked at before GEOS sees it: how deep, how many vertices, numbers or not.
#
# 100,000 collections inside each other end the process, and neither a watchdog nor an exception stops that.

MAX_DEPTH: Final = 8
"""Collections inside collections; honest data has one or two."""

_POINT, _LINE, _POLYGON, _COLLECTION = 1, 2, 3, 7
_CURVES: Final = range(8, 18)


def problem_of(blob: bytes, *, max_vertices: int, max_depth: int = MAX_DEPTH) -> tuple[str, str] | None:
    """Tell why a geometry cannot be taken.

    Parameters
    ----------
    blob : bytes
        WKB in either byte order, with or without Z, M and SRID.
    max_vertices, max_depth : int
        Bounds.

    Returns
    -------
    (code, message) or None
        GEOMETRY_TOO_LARGE, GEOMETRY_TOO_DEEP, COORDINATE_INVALID (a coordinate is no finite number) or
        GEOMETRY_UNREADABLE (damaged, or of a kind that is not read); None where nothing is wrong.
    """
    # A vertex takes at least 16 bytes: the bytes bound the vertices.
    if len(blob) > 16 * max_vertices:
        vertices = len(blob) // 16
        return "GEOMETRY_TOO_LARGE", f"the geometry has about {vertices} vertices; at most {max_vertices} are taken"
    try:
        return _walk(blob, max_depth)
    except struct.error:
        return "GEOMETRY_UNREADABLE", "the geometry is damaged"


def _walk(blob: bytes, max_depth: int) -> tuple[str, str] | None:
    """Walk the parts without recursion."""
    at, left = 0, [1]
    while left:
        if not left[-1]:
            left.pop()
            continue
        left[-1] -= 1
        order = "<" if blob[at : at + 1] == b"\x01" else ">"
        (code,) = struct.unpack_from(f"{order}I", blob, at + 1)
        at += 5 + (4 if code & 0x20000000 else 0)
        flags, plain = code >> 29, code & 0x1FFFFFFF
        kind, iso = plain % 1000, plain // 1000
        extra = (iso in (1, 3)) + (iso in (2, 3)) or bool(flags & 4) + bool(flags & 2)
        if kind in (_POINT, _LINE, _POLYGON):
            rings = 1
            if kind == _POLYGON:
                (rings,) = struct.unpack_from(f"{order}I", blob, at)
                at += 4
            for _ in range(rings):
                count = 1
                if kind != _POINT:
                    (count,) = struct.unpack_from(f"{order}I", blob, at)
                    at += 4
                size = count * 8 * (2 + extra)
                if at + size > len(blob):
                    return "GEOMETRY_UNREADABLE", "the geometry is damaged"
                numbers = np.frombuffer(blob, f"{order}f8", count * (2 + extra), at).reshape(count, 2 + extra)
                at += size
                # A point of NaN is how an empty point is written.
                if not np.isfinite(numbers[:, :2]).all() and not (kind == _POINT and np.isnan(numbers[:, :2]).all()):
                    return "COORDINATE_INVALID", "a coordinate is no finite number"
        elif kind <= _COLLECTION and kind:
            if len(left) > max_depth:
                return "GEOMETRY_TOO_DEEP", f"collections stand more than {max_depth} deep inside each other"
            (count,) = struct.unpack_from(f"{order}I", blob, at)
            at += 4
            left.append(count)
        else:
            what = "of a kind that is not read (a curve)" if kind in _CURVES else "damaged"
            return "GEOMETRY_UNREADABLE", f"the geometry is {what}"
    return None


if TYPE_CHECKING:
    import geopandas as gpd

logger = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 2_000_000_000
EXPECTED: Final = "a GeoPackage, a File Geodatabase, a shapefile (.shp, or a zip of its parts) or GeoJSON"
MAX_ZIPS: Final = 50
"""Zips inside a zip; WDPA's shapefiles come in three."""

_DRIVERS: Final = frozenset({"GPKG", "ESRI Shapefile", "GeoJSON", "OpenFileGDB"})
_GDB_TABLE: Final = ".gdbtable"
_PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_NEEDED: Final = _PARTS[:3]
_OWN_COLUMNS: Final = frozenset({"source_file", "source_row", "geometry"})
# GDAL knows iconv's names.
_ICONV: Final = {"mac_roman": "MACINTOSH", "utf-8-sig": "UTF-8"}
_LIMITS: Final = ArchiveLimits(total_bytes=MAX_FILE_BYTES, zips_inside=True)
_GEOJSON_OPTIONS: Final = {"DATE_AS_STRING": "YES", "ARRAY_AS_STRING": "YES"}
_BATCH: Final = 500
_BOM: Final = b"\xef\xbb\xbf"
_HEADS: Final = (b"PK", b"\x00\x00\x27\x0a", b"SQLite format 3\x00", b"fgb\x03")
"""Of a zip, a shapefile, a GeoPackage and a FlatGeobuf."""

T = TypeVar("T")


class _Folder:
    """A folder that goes when the last layer that refers to it goes."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="biodata-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class Layer:
    """One layer of a file.

    Attributes
    ----------
    label : str
        What a person calls it: the file's name, with the member of an archive or the layer of a GeoPackage.
    crs : str or None
        Coordinate system as the file states it; None where it states none.
    """

    label: str
    crs: str | None
    _file: Path
    _folder: _Folder
    _arguments: Mapping[str, Any] = field(default_factory=dict)

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the features in their order: every attribute as text, `geometry` as WKB (null where there is none).

        Numbers take the shortest spelling that reads back as the same number; dates in GeoJSON stay as they came. An
        attribute with a name of ours (`source_file`, `source_row`, `geometry`) has `_` behind it.

        Raises
        ------
        InputError
            If the file is damaged (code INPUT_DAMAGED).
        """
        import pyogrio.raw

        def opened() -> Any:
            return pyogrio.raw.open_arrow(self._file, use_pyarrow=True, batch_size=_BATCH, **self._arguments)

        stream = opened()
        _, reader = _quiet(stream.__enter__, self.label)
        try:
            while (batch := _quiet(lambda: next(reader, None), self.label)) is not None:
                yield _as_text(batch)
        finally:
            stream.__exit__(None, None, None)


def read_frame(path: Path, *, bbox: tuple[float, float, float, float] | None = None) -> "gpd.GeoDataFrame":
    """Read the first layer of a file that somebody brings for an analysis.

    Parameters
    ----------
    path : Path
        A GeoPackage, FlatGeobuf, File Geodatabase, shapefile (also zipped) or GeoJSON.
    bbox : tuple of float, optional
        Only what touches this box, in the layer's own system.

    Raises
    ------
    InputError
        If it is another format, whatever its name says (INPUT_FORMAT), cannot be read (LAYER_UNREADABLE), or has a shape
        that would hold the process (GEOMETRY_TOO_COMPLEX).
    """
    import geopandas as gpd
    from pyogrio.errors import DataLayerError, DataSourceError

    if not path.exists():
        problem = "there is no such file"
        raise InputError(problem, file=path.name, code="INPUT_MISSING")
    check_format(path)
    try:
        frame = gpd.read_file(path, engine="pyogrio", bbox=bbox)
    except (DataSourceError, DataLayerError, OSError, ValueError, RuntimeError) as error:
        problem = f"the file cannot be read as a layer ({shorten(str(error), 200)})"
        raise InputError(problem, file=path.name, code="LAYER_UNREADABLE") from error
    if isinstance(frame, gpd.GeoDataFrame):
        edges.check_shapes(frame.geometry.to_numpy(), file=path.name)
    return frame


def check_format(path: Path) -> None:
    """Refuse a file whose first bytes are of no format that is read, before GDAL sees it: a list of other files (VRT) would be opened."""
    if path.is_dir():
        found = any(path.glob(f"*{_GDB_TABLE}")) or any(path.glob("*.shp"))
    else:
        with path.open("rb") as stream:
            head = stream.read(4096)
        found = head.startswith(_HEADS) or head.removeprefix(_BOM).lstrip().startswith(b"{")
    if not found:
        problem = "the file is of another format"
        raise InputError(problem, file=path.name, expected=EXPECTED, code="INPUT_FORMAT")


def open_layers(path: Path, *, encoding: str | None = None, layer: str | None = None) -> list[Layer]:
    """Open the layers of a file that have geometry.

    Parameters
    ----------
    path : Path
        The file; a File Geodatabase's folder; a zip of shapefiles, of a geodatabase, or of such zips.
    encoding : str, optional
        Encoding of a shapefile's attributes where it has no .cpg; else it is chosen by plausibility.
    layer : str, optional
        Of a GeoPackage or geodatabase: the only layer to take.

    Returns
    -------
    list of Layer

    Raises
    ------
    InputError
        If the file is none of these formats (INPUT_FORMAT), is missing or lacks a part (FILE_MISSING), is too
        large (INPUT_TOO_LARGE), damaged (INPUT_DAMAGED), or has no such layer (LAYER_UNKNOWN).
    """
    if path.is_dir() and any(path.glob(f"*{_GDB_TABLE}")):
        return _geodatabase(path.name, open_archive(path, limits=_LIMITS), "", _Folder(), layer)
    if not path.is_file():
        msg = "this is a folder, and no File Geodatabase" if path.is_dir() else "there is no such file"
        raise InputError(msg, file=path.name, expected=EXPECTED, code="FILE_MISSING")
    _check_size(path)
    with path.open("rb") as stream:
        head = stream.read(4096)
    folder = _Folder()
    if head.startswith(b"PK"):
        return _zipped(path, path.name, folder, encoding, layer)
    if head.startswith(b"\x00\x00\x27\x0a"):
        parts = {part: found for part in _PARTS if (found := _beside(path, part))}
        for found in parts.values():
            _check_size(found)
        streams = {part: partial(_open_bytes, found) for part, found in parts.items()}
        return [_shapefile(path.name, streams, folder, encoding)]
    if head.startswith(b"SQLite format 3\x00"):
        shutil.copyfile(path, copy := folder.path / "layers.gpkg")
        return _layers(path.name, copy, folder, layer)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        shutil.copyfile(path, copy := folder.path / "layer.geojson")
        return [_layer(path.name, copy, folder, _GEOJSON_OPTIONS)]
    if not head:
        msg = "the file is empty"
        raise InputError(msg, file=path.name, expected=EXPECTED, code="INPUT_EMPTY")
    msg = "the file is of another format"
    raise InputError(msg, file=path.name, expected=EXPECTED, code="INPUT_FORMAT")


def read_only_layer(
    path: Path, *, layer: str | None = None, expected: str = "name one of them"
) -> tuple[pl.DataFrame, str]:
    """Read a file that has one layer.

    Parameters
    ----------
    path, layer : as of `open_layers`
    expected : str
        What a person can do where it has several.

    Returns
    -------
    features : polars.DataFrame
        As `Layer.batches` gives them; no columns where there is none.
    crs : str
        Its coordinate system.

    Raises
    ------
    InputError
        As `open_layers`; or if it has several layers (LAYER_AMBIGUOUS) or tells no coordinate system (CRS_MISSING).
    """
    layers = open_layers(path, layer=layer)
    if len(layers) != 1:
        problem, labels = f"the file has {len(layers)} layers with geometry", ", ".join(one.label for one in layers)
        raise InputError(problem, file=path.name, value=labels, expected=expected, code="LAYER_AMBIGUOUS")
    if layers[0].crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, expected="a .prj beside it, or a GeoPackage", code="CRS_MISSING")
    return pl.concat(list(layers[0].batches()) or [pl.DataFrame()]), layers[0].crs


def _layer(label: str, file: Path, folder: _Folder, arguments: Mapping[str, Any]) -> Layer:
    """Ask GDAL what the file is and return its layer."""
    import pyogrio

    info = _quiet(lambda: pyogrio.read_info(file, **arguments), label)
    if info["driver"] not in _DRIVERS:
        problem = f"the file is read as {info['driver']}"
        raise InputError(problem, file=label, expected=EXPECTED, code="INPUT_FORMAT")
    return Layer(label, info["crs"], file, folder, arguments)


def _layers(label: str, file: Path, folder: _Folder, wanted: str | None) -> list[Layer]:
    """Return the layers of a database that have geometry, or the one that is wanted."""
    import pyogrio

    names = [name for name, kind in _quiet(lambda: pyogrio.list_layers(file), label) if kind is not None]
    if wanted is not None and wanted not in names:
        expected = f"one of {', '.join(map(repr, names))}"
        msg = "there is no such layer"
        raise InputError(msg, file=label, value=wanted, expected=expected, code="LAYER_UNKNOWN")
    if not names:
        msg = "there is no layer with geometry"
        raise InputError(msg, file=label, code="INPUT_EMPTY")
    taken = names if wanted is None else [wanted]
    return [_layer(label if len(names) == 1 else f"{label}/{name}", file, folder, {"layer": name}) for name in taken]


def _zipped(path: Path, label: str, folder: _Folder, encoding: str | None, wanted: str | None) -> list[Layer]:
    """Return the shapefiles and geodatabases of a zip and of the zips in it."""
    if not (found := _inside(open_archive(path, limits=_LIMITS), label, folder, encoding, wanted)):
        msg = "there is no shapefile in the zip"
        raise InputError(msg, file=path.name, expected=EXPECTED, code="INPUT_FORMAT")
    return found


def _inside(
    archive: Archive, label: str, folder: _Folder, encoding: str | None, wanted: str | None, *, nested: bool = False
) -> list[Layer]:
    """Return the layers of an archive; zips are looked into once, not zips inside those."""
    members = {name.lower(): name for name in archive.sizes}
    layers = []
    for low, name in members.items():
        if low.endswith(".shp"):
            beside = {part: members[low[:-4] + part] for part in _PARTS if low[:-4] + part in members}
            streams = {part: partial(archive.open, member) for part, member in beside.items()}
            layers.append(_shapefile(f"{label}/{name}", streams, folder, encoding))
    for home in sorted({name.rpartition("/")[0] for low, name in members.items() if low.endswith(_GDB_TABLE)}):
        layers += _geodatabase(f"{label}/{home}" if home else label, archive, home, folder, wanted)
    zips = [] if nested else [name for low, name in members.items() if low.endswith(".zip")]
    if len(zips) > MAX_ZIPS:
        problem = f"the zip holds {len(zips)} zips"
        raise InputError(problem, file=label, expected=f"at most {MAX_ZIPS}", code="ARCHIVE_TOO_LARGE")
    room = MAX_FILE_BYTES
    for name in zips:
        copy = Path(tempfile.mkdtemp(dir=folder.path)) / "inside.zip"
        _copy_member(archive, name, copy)
        inner = open_archive(copy, limits=ArchiveLimits(total_bytes=room))
        room -= sum(inner.sizes.values())
        layers += _inside(inner, f"{label}/{name}", folder, encoding, wanted, nested=True)
        copy.unlink()
    return layers


def _geodatabase(label: str, archive: Archive, home: str, folder: _Folder, wanted: str | None) -> list[Layer]:
    """Copy the files of a File Geodatabase into a folder and return its layers."""
    copy = Path(tempfile.mkdtemp(dir=folder.path)) / "layers.gdb"
    copy.mkdir()
    for name in archive.sizes:
        above, _, plain = name.rpartition("/")
        # A geodatabase is flat and its files are called a00000001.gdbtable and the like, timestamps or gdb.
        if above == home and re.fullmatch(r"[A-Za-z0-9_.]{1,60}", plain) and plain.strip("."):
            _copy_member(archive, name, copy / plain)
    return _layers(label, copy, folder, wanted)


def _copy_member(archive: Archive, name: str, copy: Path) -> None:
    with archive.open(name) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)


def _shapefile(
    label: str, parts: Mapping[str, Callable[[], IO[bytes]]], folder: _Folder, encoding: str | None
) -> Layer:
    """Copy the parts of a shapefile into a folder and return its layer."""
    if missing := [part for part in _NEEDED if part not in parts]:
        problem = f"the shapefile lacks its {' and '.join(missing)}"
        raise InputError(problem, file=label, expected=".shp, .shx and .dbf side by side", code="FILE_MISSING")
    home = Path(tempfile.mkdtemp(dir=folder.path))
    for part, opened in parts.items():
        with opened() as source, (home / f"layer{part}").open("wb") as copy:
            shutil.copyfileobj(source, copy)
    table = home / "layer.dbf"
    declared = (home / "layer.cpg").read_text("ascii", "replace").strip() if ".cpg" in parts else encoding
    (home / "layer.cpg").unlink(missing_ok=True)
    chosen = encodings.choose(_text_of_dbf(table.read_bytes()), declared=declared or None, file=label)
    return _layer(label, home / "layer.shp", folder, {"encoding": _ICONV.get(chosen, chosen.upper())})


def _text_of_dbf(table: bytes) -> bytes:
    """Return the records of a dBASE table as lines of fields, without numbers and blanks between them."""
    start = int.from_bytes(table[8:10], "little")
    return re.sub(rb"[\x00-\x20]{2,}", b"\n", table[start:])


def _beside(path: Path, part: str) -> Path | None:
    """Return the file beside `path` that is this part of the shapefile, in whatever case it is written."""
    if path.suffix.lower() == part:
        return path
    return next((p for p in path.parent.glob(f"{escape(path.stem)}.*") if p.suffix.lower() == part), None)


def _open_bytes(path: Path) -> IO[bytes]:
    return path.open("rb")


def _check_size(path: Path) -> None:
    """Refuse a file that is too large to copy and read."""
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        problem = f"the file has {size / 1e9:.1f} GB"
        raise InputError(
            problem, file=path.name, expected=f"at most {MAX_FILE_BYTES / 1e9:.0f} GB", code="INPUT_TOO_LARGE"
        )


def _as_text(batch: Any) -> pl.DataFrame:
    """Return an Arrow batch with its attributes as text and its geometry as plain WKB."""
    columns = {}
    for position, column in enumerate(batch.schema):
        array = batch.column(position)
        series = pl.Series(pl.from_arrow(getattr(array, "storage", array)))  # JSON comes as an extension of text
        if (column.metadata or {}).get(b"ARROW:extension:name") == b"geoarrow.wkb":
            columns["geometry"] = series.cast(pl.Binary)
        else:
            text = series.bin.encode("hex") if series.dtype == pl.Binary else series.cast(pl.String)
            columns[f"{column.name}_" if column.name in _OWN_COLUMNS else column.name] = text.replace("", None)
    return pl.DataFrame(columns)


def _quiet(call: Callable[[], T], label: str) -> T:
    """Call GDAL: its warnings go to the log, its errors become one line that names the file."""
    import pyogrio.errors

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
            text = shorten(str(error).replace("layer.", ""), 200)
            msg = f"the file cannot be read: {text}"
            raise InputError(msg, file=label, code="INPUT_DAMAGED") from error
    for warning in caught:
        logger.info("%s: %s", label, shorten(str(warning.message), 200))
    return result
