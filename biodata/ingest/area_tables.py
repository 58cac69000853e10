"""Sites in tables without a map: WDPA's CSV and national lists, as CSV, TSV or XLSX, also zipped.

Most of China's reserves are in no public map; a list of them says at least how many there are and how large. Geometry
is taken where a column holds it as WKT, or two columns a point's longitude and latitude in degrees; else there is none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

import numpy as np
import polars as pl
import shapely

from biodata.errors import InputError, Refusal
from biodata.formats.archives import open_archive
from biodata.formats.wkb import MAX_DEPTH
from biodata.formats.workbooks import read_sheets
from biodata.formats.zips import ArchiveLimits
from biodata.ingest.table_headings import OPTION, declared_names, open_table

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
        told = [name for name in sheet.frame.columns if name != "source_row"]
        names = declared_names(options, told, file=f"{path.name}/{sheet.name}")
        headings = [names.get(name, name) for name in told]
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
