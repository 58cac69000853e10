"""Protected areas from WDPA's files (old and new columns) and national ones: maps, and tables without a map.

The data of the World Database on Protected and Conserved Areas may not be redistributed: this reads a file that the
user has.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, Final

import numpy as np
import polars as pl
import shapely
from tqdm.auto import tqdm

from biodata.core import edges, geo
from biodata.core.errors import InputError, Refusal
from biodata.formats.archives import ArchiveLimits, open_archive
from biodata.formats.vectors import EXPECTED, MAX_DEPTH, Layer, open_layers, problem_of
from biodata.formats.workbooks import read_sheets
from biodata.ingest.protocol import OPTION, DatasetInfo, Source, VerbatimTable
from biodata.ingest.table_headings import declared_names, open_table, renamed_frames

# Sites in tables without a map: WDPA's CSV and national lists, as CSV, TSV or XLSX, also zipped.
#
# Most of China's reserves are in no public map; a list of them says at least how many there are and how large. Geometry
# is taken where a column holds it as WKT, or two columns a point's longitude and latitude in degrees; else there is none.

_TEXT: Final = (".csv", ".tsv", ".txt")
_SITE_HEADINGS: Final = re.compile(
    r"site_?p?id|wdpa_?p?id|name(_eng)?|orig_name|site_?name|english|.*名称|保护地|自然保护区", re.IGNORECASE
)
_WKT_HEADINGS: Final = ("wkt", "geometry", "geom", "the_geom", "shape", "geometry_wkt")
_POINT_HEADINGS: Final = (
    ("longitude", "latitude"),
    ("lon", "lat"),
    ("decimallongitude", "decimallatitude"),
    ("经度", "纬度"),
)
_WORKBOOK: Final = "xl/workbook.xml"
_IS_WKT: Final = re.compile(r"\s*(MULTI)?(POINT|POLYGON|LINESTRING|GEOMETRYCOLLECTION)\b[^a-z]*", re.IGNORECASE)


@dataclass
class AreaTable:
    """A table of sites.

    Attributes
    ----------
    label : str
        What a person calls it.
    batches : iterator of frames
        `source_row`, text columns, and `geometry` (WKB, null where there is none).
    refusals : list of Refusal
        Rows that could not be read; complete when `batches` is exhausted.
    """

    label: str
    batches: Iterator[pl.DataFrame]
    refusals: list[Refusal] = field(default_factory=list)


def open_tables(path: Path, options: Mapping[str, str] = MappingProxyType({})) -> list[AreaTable] | None:
    """Open the tables of a file; None where it is no table.

    Raises
    ------
    InputError
        If it is a table, and no column of it says which sites there are (HEADING_UNKNOWN).
    """
    if path.is_dir():
        return None
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
    if zipped:
        archive = open_archive(path, limits=ArchiveLimits(zips_inside=True))
        if _WORKBOOK in archive.sizes or path.suffix.lower() == ".xlsx":
            return _workbook(path, options)
        texts = [name for name in archive.sizes if name.lower().endswith(_TEXT[:2])]
        maps = any(name.lower().endswith((".shp", ".gdbtable", ".zip")) for name in archive.sizes)
        if maps or not texts:
            return None
        found = [_delimited(lambda name=name: archive.open(name), f"{path.name}/{name}", options) for name in texts]  # type: ignore[misc]
        return _with_sites([table for table in found if table is not None], path.name)
    if path.suffix.lower() not in _TEXT:
        return None
    table = _delimited(lambda: path.open("rb"), path.name, options)
    return _with_sites([table] if table else [], path.name)


def _with_sites(tables: list[AreaTable], file: str) -> list[AreaTable]:
    if not tables:
        problem = "no column says which sites there are"
        expected = f"NAME, SITE_ID, WDPAID or 名称; where one of them is it: --option {OPTION}HEADING=NAME"
        raise InputError(problem, file=file, row=1, expected=expected, code="HEADING_UNKNOWN")
    return tables


def _delimited(open_stream: Callable[[], BinaryIO], label: str, options: Mapping[str, str]) -> AreaTable | None:
    """Return a table of text; None where no column says which sites there are."""
    table = open_table(open_stream, file=label, options=options)
    if not any(_SITE_HEADINGS.fullmatch(heading.strip()) for heading in table.headings):
        return None
    found = AreaTable(label, iter(()), table.refusals)
    found.batches = (_with_geometry(frame, found) for frame in table.batches)
    return found


def _workbook(path: Path, options: Mapping[str, str]) -> list[AreaTable]:
    """Return the visible sheets that list sites."""
    found = []
    for sheet in read_sheets(path.read_bytes(), file=path.name):
        texts = [name for name in sheet.frame.columns if name != "source_row"]
        names = declared_names(options, texts, file=f"{path.name}/{sheet.name}")
        headings = [names.get(name, name) for name in texts]
        if any(_SITE_HEADINGS.fullmatch(heading) for heading in headings):
            table = AreaTable(f"{path.name}/{sheet.name}", iter(()))
            table.batches = iter([_with_geometry(sheet.frame.rename(names), table)])
            found.append(table)
    return _with_sites(found, path.name)


def _with_geometry(frame: pl.DataFrame, table: AreaTable) -> pl.DataFrame:
    """Add the geometry that the columns tell; text that is none stays text."""
    names = {name.strip().lower(): name for name in frame.columns}
    blobs: list[bytes | None] = [None] * frame.height
    wkt = next((names[name] for name in _WKT_HEADINGS if name in names), None)
    pair = next((pair for pair in _POINT_HEADINGS if pair[0] in names and pair[1] in names), None)
    if wkt is not None:
        blobs = [_wkb(text) for text in frame[wkt]]
    elif pair is not None:
        x, y = (frame[names[name]].cast(pl.Float64, strict=False).to_numpy() for name in pair)
        with np.errstate(invalid="ignore"):
            there = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        points = shapely.to_wkb(shapely.points(np.where(there, x, 0.0), np.where(there, y, 0.0)))
        blobs = [blob if known else None for blob, known in zip(points, there, strict=True)]
    return frame.rename(
        {name: f"{name}_" for name in frame.columns if name in ("geometry", "source_file")}
    ).with_columns(pl.Series("geometry", blobs, dtype=pl.Binary))


def _wkb(text: str | None) -> bytes | None:
    """Return WKT as WKB: None where the text is none, nothing readable where it cannot be read.

    Brackets too deep for any geometry never reach GEOS.
    """
    if text is None or not _IS_WKT.match(text):
        return None
    depth = deepest = 0
    for bracket in re.findall(r"[()]", text):
        depth += 1 if bracket == "(" else -1
        deepest = max(deepest, depth)
    # A multipolygon's own brackets are three deep.
    shape = shapely.from_wkt(text, on_invalid="ignore") if deepest <= MAX_DEPTH + 3 else None
    return b"" if shape is None else bytes(shapely.to_wkb(shape))


WGS84: Final = "EPSG:4326"
MAX_VERTICES: Final = edges.MAX_VERTICES
"""Of one site; the largest real ones, marine areas with the coast of every island, have about one million."""


class ProtectedAreaSource(Source):
    """Sites of protected and conserved areas: every attribute as text, geometry in WGS 84.

    Options: `crs` and `encoding` (of files that state none), `layer` (of a GeoPackage), `country` (ISO 3166-1 alpha-2,
    of files whose sites tell none), `heading.*` of what an attribute is.
    """

    name: ClassVar[str] = "protected-areas"
    reads: ClassVar[str] = "vector files or tables of protected areas"
    known_options: ClassVar[frozenset[str]] = frozenset({"country", "crs", "encoding", "layer"})

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a layer, in one batch: which name stands twice is decided on the whole table.

        Raises
        ------
        InputError
            As `biodata.formats.vectors.open_layers`; or if a coordinate system is not known (CRS_UNKNOWN).
        """
        return self._tables(keep=False)

    def read_all(self) -> Iterator[VerbatimTable]:
        """Yield the same tables, with the sites whose geometry cannot be taken: without it, `geometry_problem` says why."""
        return self._tables(keep=True)

    def _tables(self, *, keep: bool) -> Iterator[VerbatimTable]:
        for path in self.paths:
            if not path.exists():
                problem = "there is no such file"
                raise InputError(problem, file=path.name, expected=EXPECTED, code="FILE_MISSING")
            encoding, layer_name = self.options.get("encoding"), self.options.get("layer")
            tables = open_tables(path, self.options)
            if tables is not None:
                for table in tables:
                    yield self._table(table.label, None, table.batches, table.refusals, keep=keep)
            else:
                for layer in open_layers(path, encoding=encoding, layer=layer_name):
                    yield self._table(
                        layer.label,
                        layer.crs,
                        renamed_frames(_numbered(layer), self.options, file=layer.label),
                        [],
                        keep=keep,
                    )

    def _table(
        self, label: str, told_crs: str | None, parts: Iterator[pl.DataFrame], refusals: list[Refusal], *, keep: bool
    ) -> VerbatimTable:
        """Return a table; `crs` is declared where the file or the user tells it."""
        crs = told_crs or self.options.get("crs")
        declarations = {"crs": crs} if crs else {}
        if country := self.options.get("country"):
            declarations["country"] = country
        return VerbatimTable(
            kind="protected_areas",
            name=label,
            dataset=DatasetInfo(key=self.dataset),
            batches=self._batches(label, parts, _checked_crs(crs, label), refusals, keep=keep),
            refusals=refusals,
            declarations=declarations,
        )

    def _batches(
        self, label: str, parts: Iterator[pl.DataFrame], crs: Any, refusals: list[Refusal], *, keep: bool
    ) -> Iterator[pl.DataFrame]:
        """Yield the table as one frame; sites whose geometry cannot be taken are refused, or kept without it."""
        frames = []
        for part in tqdm(parts, desc=label, unit="batch", disable=not self.progress):
            geometry, problems = _in_wgs84(part["geometry"].to_list(), crs)
            frame = part.select(pl.lit(label).alias("source_file"), "source_row", pl.exclude("geometry", "source_row"))
            frame = frame.with_columns(pl.Series("geometry", geometry, dtype=pl.Binary))
            if keep:
                codes = [problems[at][0] if at in problems else None for at in range(part.height)]
                frames.append(frame.with_columns(pl.Series("geometry_problem", codes, dtype=pl.String)))
                continue
            numbers = part["source_row"].to_list()
            refusals += [
                Refusal(label, numbers[at], "geometry", None, code, message) for at, (code, message) in problems.items()
            ]
            kept = np.ones(part.height, dtype=bool)
            kept[list(problems)] = False
            frames.append(frame.filter(kept))
        if frames:
            yield pl.concat(frames)


def _numbered(layer: Layer) -> Iterator[pl.DataFrame]:
    """Yield a layer's batches with the features' positions, from 1."""
    read = 0
    for part in layer.batches():
        numbers = pl.Series("source_row", np.arange(read + 1, read + 1 + part.height), dtype=pl.Int64)
        read += part.height
        yield part.with_columns(numbers)


def _checked_crs(crs: str | None, label: str) -> Any:
    """Return the coordinate system; WGS 84 where nobody tells one."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs or WGS84)
    except CRSError as error:
        expected = "an authority and code, as EPSG:32648"
        msg = "the coordinate system is not known"
        raise InputError(msg, file=label, value=crs, expected=expected, code="CRS_UNKNOWN") from error


def _in_wgs84(blobs: list[bytes | None], crs: Any) -> tuple[list[bytes | None], dict[int, tuple[str, str]]]:
    """Return the geometries as WKB in WGS 84, and by position the code and message of those that cannot be taken."""
    problems: dict[int, tuple[str, str]] = {}
    for at, blob in enumerate(blobs):
        if blob is not None and (problem := problem_of(blob, max_vertices=MAX_VERTICES)):
            problems[at] = problem
    shapes = shapely.from_wkb([None if at in problems else blob for at, blob in enumerate(blobs)], on_invalid="fix")
    shapes = shapely.force_2d(shapes)
    if not crs.equals(_checked_crs(WGS84, ""), ignore_axis_order=True):
        shapes = geo.project(shapes, crs, WGS84)
    west, south, east, north = shapely.bounds(shapes).T
    with np.errstate(invalid="ignore"):
        inside = (west >= -180.000001) & (east <= 180.000001) & (south >= -90.000001) & (north <= 90.000001)
    for at, blob in enumerate(blobs):
        if blob is None or at in problems:
            continue
        if shapes[at] is None:
            problems[at] = "GEOMETRY_UNREADABLE", "the geometry is damaged or of a kind that is not read (a curve)"
        elif not shapes[at].is_empty and not inside[at]:
            text = ", ".join(f"{value:.6g}" for value in (west[at], south[at], east[at], north[at]))
            problems[at] = "COORDINATE_OUT_OF_RANGE", f"the coordinates are no degrees ({text}); is the system stated?"
    shapes[[at in problems or (shape is not None and shape.is_empty) for at, shape in enumerate(shapes)]] = None
    return list(shapely.to_wkb(shapes)), problems
