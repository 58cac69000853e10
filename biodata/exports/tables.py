"""Tables as CSV that a spreadsheet opens without running anything in it: records, occurrence cubes, lists of species."""

import json
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, Final, Self

import polars as pl

from biodata import terms
from biodata.errors import InputError
from biodata.exports.request import Columns, ExportRequest, Facts, Grid
from biodata.exports.selection import LABELS_OF_GROUP, Selection, Step

# Files that grow by whole steps and go on after a crash, and zip archives whose bytes follow from their members alone.

KEEP_EVERY_S: Final = 5.0
"""Seconds between two steps that are kept: what a crash costs at most."""


class GrowingFile:
    """A file on its way, with what is known of its last kept step beside it; use it in a `with` block.

    Parameters
    ----------
    path : Path
        The file on its way.
    request : str
        What is being written: a file that was begun for something else is begun anew.
    every_s : float
        Seconds between two kept steps.

    Attributes
    ----------
    file : binary file
        Open for writing, at its end.
    state : dict or None
        What was kept with the last step; None at the beginning.
    """

    def __init__(self, path: Path, *, request: str, every_s: float = KEEP_EVERY_S) -> None:
        self._state_file = path.with_name(f"{path.name}.state")
        self._request, self._every_s, self._kept = request, every_s, time.monotonic()
        self.state: dict[str, Any] | None = None
        told = self._told(path)
        if told is None:
            self._state_file.unlink(missing_ok=True)
            self.file: BinaryIO = path.open("w+b")
            return
        self.state = told["state"]
        self.file = path.open("r+b")
        self.file.truncate(told["bytes"])
        self.file.seek(0, os.SEEK_END)

    def keep(self, state: dict[str, Any]) -> None:
        """Make what was written so far durable, if the last time is long enough ago."""
        if time.monotonic() - self._kept < self._every_s:
            return
        self._kept = time.monotonic()
        self.file.flush()
        os.fsync(self.file.fileno())
        told = {"request": self._request, "bytes": self.file.tell(), "state": state}
        unnamed = self._state_file.with_name(f"{self._state_file.name}.new")
        unnamed.write_text(json.dumps(told), encoding="utf-8")
        unnamed.replace(self._state_file)

    def finish(self) -> None:
        """Make the whole file durable; nothing is known of steps any more."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._state_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def _told(self, path: Path) -> dict[str, Any] | None:
        """Return what was kept of the last step, where the file is as long as it says."""
        try:
            told: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            whole = told["request"] == self._request and path.stat().st_size >= told["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return told if whole else None


# Zip archives whose bytes follow from their members alone: one time for all, and a large member in pieces.
_LEVEL: Final = 5
_TIME, _DATE = 0, (1980 - 1980) << 9 | 1 << 5 | 1
_UTF8: Final = 1 << 11
_ZIP64, _PADDING = 0x0001, 0xD935
_LAST_BLOCK: Final = b"\x03\x00"
_LIMIT: Final = 0xFFFFFFFF
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_END64, _LOCATOR64 = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_EXTRA: Final = struct.Struct("<2H2Q")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a member.

    Attributes
    ----------
    data : bytes
        Compressed, ending at a whole byte.
    crc : int
        CRC-32 of what it was.
    size : int
        Bytes that it had.
    """

    data: bytes
    crc: int
    size: int


def compress(data: bytes) -> Piece:
    """Compress a part of a member."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Piece(packed, zlib.crc32(data), len(data))


@dataclass(slots=True)
class Member:
    """A member as the directory tells it; `crc`, `size` and `packed` grow with its pieces."""

    name: bytes
    offset: int
    crc: int = 0
    size: int = 0
    packed: int = 0

    def grow(self, piece: Piece) -> None:
        """Count one more piece."""
        self.crc = combine(self.crc, piece.crc, piece.size)
        self.size += piece.size
        self.packed += len(piece.data)


class ZipWriter:
    """An archive that is being written to a file from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Member] = []

    def add(self, name: str, data: bytes) -> None:
        """Add a small member."""
        member = self.begin(name)
        self.append(member, compress(data))
        self.end(member)

    def begin(self, name: str) -> Member:
        """Begin a member; its pieces come with `append`."""
        member = Member(name.encode(), self._file.tell())
        self._members.append(member)
        self._file.write(_local(member))
        return member

    def append(self, member: Member, piece: Piece) -> None:
        """Add a piece to the member that was begun last."""
        self._file.write(piece.data)
        member.grow(piece)

    def end(self, member: Member) -> None:
        """End the member that was begun last: its sizes, known only now, go where it begins."""
        self._file.write(_LAST_BLOCK)
        member.packed += len(_LAST_BLOCK)
        end = self._file.tell()
        self._file.seek(member.offset)
        self._file.write(_local(member))
        self._file.seek(end)

    def close(self) -> None:
        """Write the directory."""
        start = self._file.tell()
        for member in self._members:
            self._file.write(_central(member))
        size, count = self._file.tell() - start, len(self._members)
        if start + size > _LIMIT or count > 0xFFFF:
            end = start + size
            self._file.write(_END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start))
            self._file.write(_LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
        few, short, near = min(count, 0xFFFF), min(size, _LIMIT), min(start, _LIMIT)
        self._file.write(_END.pack(b"PK\x05\x06", 0, 0, few, few, short, near, 0))


def _local(member: Member) -> bytes:
    """Return a member's own header; it has the same length whether the member is large or not."""
    large = max(member.size, member.packed) > _LIMIT
    sizes = (_LIMIT, _LIMIT) if large else (member.packed, member.size)
    extra = _EXTRA.pack(_ZIP64, 16, member.size, member.packed) if large else _EXTRA.pack(_PADDING, 16, 0, 0)
    version = 45 if large else 20
    fixed = (b"PK\x03\x04", version, _UTF8, 8, _TIME, _DATE, member.crc, *sizes, len(member.name), len(extra))
    return _LOCAL.pack(*fixed) + member.name + extra


def _central(member: Member) -> bytes:
    """Return a member's entry in the directory."""
    large = max(member.size, member.packed, member.offset) > _LIMIT
    extra = struct.pack("<2H3Q", _ZIP64, 24, member.size, member.packed, member.offset) if large else b""
    packed, size, offset = (_LIMIT,) * 3 if large else (member.packed, member.size, member.offset)
    version = 45 if large else 20
    fixed = (
        b"PK\x01\x02", version, version, _UTF8, 8, _TIME, _DATE, member.crc, packed, size,
        len(member.name), len(extra), 0, 0, 0, 0, offset,
    )  # fmt: skip
    return _CENTRAL.pack(*fixed) + member.name + extra


def combine(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two texts, one behind the other, from theirs and the length of the second.

    Notes
    -----
    Multiplication by x^(8·length) modulo the polynomial, after zlib's `crc32_combine`.
    """
    factor, power, bits = 0x80000000, 0x40000000, length << 3
    while bits:
        if bits & 1:
            factor = _multiply(power, factor)
        power = _multiply(power, power)
        bits >>= 1
    return _multiply(factor, first) ^ second


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) modulo CRC-32's, bits reversed."""
    product, mask = 0, 0x80000000
    while True:
        if a & mask:
            product ^= b
            if not a & (mask - 1):
                return product
        mask >>= 1
        b = (b >> 1) ^ 0xEDB88320 if b & 1 else b >> 1


FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may run (https://owasp.org/www-community/attacks/CSV_Injection)."""


def plain_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return expressions that turn every column into a plain cell: lists joined by semicolons, geometry left out, texts guarded."""
    columns = []
    for name, dtype in frame.schema.items():
        is_list = isinstance(dtype, pl.List)
        column = pl.col(name).list.join(";") if is_list else pl.col(name)
        if (is_list or dtype == pl.String) and frame[name].null_count() < frame.height:
            column = guarded(column).alias(name)
        if dtype != pl.Binary:
            columns.append(column)
    return columns


def guarded(text: pl.Expr) -> pl.Expr:
    """Return text with an apostrophe before what a spreadsheet would take for a formula."""
    return pl.when(text.str.slice(0, 1).is_in(FORMULA_STARTS)).then("'" + text).otherwise(text)


# Published tables as CSV that a spreadsheet opens without running anything in it.
def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as CSV.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows; lists are joined by semicolons, geometry in WKB is left out.
    path : Path
        The file; it appears whole or not at all.

    Notes
    -----
    Formulas are guarded, see `spreadsheets.plain_columns`.
    """
    part = path.with_name(f"{path.name}.part")
    frame.select(plain_columns(frame)).write_csv(part)
    part.replace(path)


# CSV for spreadsheets and scripts: GBIF's simple columns, formulas guarded, every step of it able to go on.
_GBIF_NAMES: Final = tuple(
    """
    gbifID datasetKey occurrenceID kingdom phylum class order family genus species infraspecificEpithet taxonRank
    scientificName verbatimScientificName verbatimScientificNameAuthorship countryCode locality stateProvince
    occurrenceStatus individualCount publishingOrgKey decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    coordinatePrecision elevation elevationAccuracy depth depthAccuracy eventDate day month year taxonKey speciesKey
    basisOfRecord institutionCode collectionCode catalogNumber recordNumber identifiedBy dateIdentified license
    rightsHolder recordedBy typeStatus establishmentMeans lastInterpreted mediaType issue
    """.split()
)
_OWN: Final = ("key", "acceptedScientificName", "sharing_category", "dataGeneralizations", "informationWithheld",
         "license_effective", "community_labels")  # fmt: skip
_ELSEWHERE: Final = {"issue": "quality_flags"}
"""Columns of GBIF's that have another name with us."""

_PUBLISHED: Final = {column.name: column for column in terms.PUBLISHED_OCCURRENCE}


def write_simple_csv(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as CSV, UTF-8, with GBIF's simple columns, every published one, or those asked for.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is told of them.
    request : ExportRequest
        What was asked for.
    out : Path
        The file on its way; one that a crash left behind is gone on with.
    step : function
        Told how far the work is; raises to stop it.

    Notes
    -----
    GBIF's columns that are not published here stand empty: `verbatimScientificName`, `verbatimScientificNameAuthorship`
    and `dateIdentified`. `issue` holds every doubt, ours too.
    """
    columns = choose_columns(request.columns)
    sources = {name: _ELSEWHERE.get(name, name) for name in columns}
    published = [name for name in dict.fromkeys(sources.values()) if name in _PUBLISHED]
    with GrowingFile(out, request=request.fingerprint(facts), every_s=request.keep_every_s) as growing:
        after = -1
        if growing.state is None:
            growing.file.write((",".join(columns) + "\n").encode())
        else:
            after = int(growing.state["after"])
        for place, lines in selection.chunks(published, partial(_csv_lines, sources=sources), after=after):
            growing.file.write(lines)
            growing.keep({"after": place})
            step(selection.share(place))
        growing.finish()


def _csv_lines(frame: pl.DataFrame, *, sources: Mapping[str, str]) -> bytes:
    """Return records as lines; a column that is not published stands empty."""
    plain = frame.select(plain_columns(frame))
    cells = [
        (pl.col(source) if source in _PUBLISHED else pl.lit(None, pl.String)).alias(name)
        for name, source in sources.items()
    ]
    return plain.select(cells).write_csv(include_header=False).encode()


def write_guarded(batches: Iterator[pl.DataFrame], out: Path) -> None:
    """Write a small table of counts as CSV, formulas guarded; the first batch tells its columns."""
    with out.open("wb") as file:
        for number, batch in enumerate(batches):
            batch.select(plain_columns(batch)).write_csv(file, include_header=number == 0)


def choose_columns(told: str) -> tuple[str, ...]:
    """Return the names at the top of the file.

    Parameters
    ----------
    told : str
        `simple`, `all`, or names of published columns or GBIF's simple ones, with commas between them.

    Raises
    ------
    InputError
        If a name is none, or stands twice.
    """
    if told == Columns.SIMPLE:
        return (*_GBIF_NAMES, *_OWN)
    if told == Columns.ALL:
        return tuple(_PUBLISHED)
    names = tuple(name.strip() for name in told.split(","))
    for place, name in enumerate(names):
        if name not in _PUBLISHED and name not in _GBIF_NAMES:
            problem = f"there is no column {name[:40]!r}"
            expected = f"simple, all, or names with commas between them: {', '.join(_PUBLISHED)}"
            raise InputError(problem, column="columns", value=told[:200], expected=expected, code="COLUMN_UNKNOWN")
        if name in names[:place]:
            problem = f"the column {name} is asked for twice"
            raise InputError(problem, column="columns", value=told[:200], code="COLUMN_TWICE")
    return names


# Occurrence cubes: records counted by taxon, year and grid cell, none lost on the way.
_LAT, _LON = '"decimalLatitude"', '"decimalLongitude"'

# A corner of the Earth itself belongs to the last cell: 90° north and 180° east have none behind them.
_ROW, _COLUMN = (
    f"least(greatest(floor({value} * {{per}}), {low} * {{per}}), {high} * {{per}} - 1)::INTEGER"
    for value, low, high in ((_LAT, -90, 90), (_LON, -180, 180))
)


def _half(bit: int) -> str:
    """Return the letter of the quarter that a point lies in at one level: A B above C D, as QDGC has it."""
    north, east = (f"(({index.format(per=4)} + 1440) >> {bit}) & 1" for index in (_ROW, _COLUMN))
    return f"CASE WHEN {north} = 1 THEN CASE WHEN {east} = 1 THEN 'B' ELSE 'A' END ELSE CASE WHEN {east} = 1 THEN 'D' ELSE 'C' END END"


def _degree(index: str, positive: str, negative: str, digits: int) -> str:
    """Return a whole degree with its letter, counted away from zero: the cell from -1 to 0 is 000 of the west."""
    degree = f"({index.format(per=1)})"
    return (
        f"CASE WHEN {degree} >= 0 THEN '{positive}' || lpad({degree}::VARCHAR, {digits}, '0') "
        f"ELSE '{negative}' || lpad((-{degree} - 1)::VARCHAR, {digits}, '0') END"
    )


_QUARTER: Final = f"({_degree(_COLUMN, 'E', 'W', 3)}) || ({_degree(_ROW, 'N', 'S', 2)}) || ({_half(1)}) || ({_half(0)})"

_TENTH: Final = f"printf('%.1f,%.1f', ({_ROW.format(per=10)}) / 10.0, ({_COLUMN.format(per=10)}) / 10.0)"

# EPSG:6933: Lambert's cylindrical equal-area projection of the WGS 84 ellipsoid, true at 30°; Snyder 1987, pages 81-83.
_A, _E = 6378137.0, 0.0818191908426215
_K0: Final = 0.75**0.5 / (1 - _E**2 * 0.25) ** 0.5
_SIN: Final = f"sin(radians({_LAT}))"
_Q: Final = (
    f"{1 - _E**2!r} * ({_SIN} / (1 - {_E**2!r} * {_SIN} * {_SIN}) "
    f"- {1 / (2 * _E)!r} * ln((1 - {_E!r} * {_SIN}) / (1 + {_E!r} * {_SIN})))"
)
_EAST: Final = f"floor(radians({_LON}) * {_A * _K0 / 10_000!r})::INTEGER"
_NORTH: Final = f"floor(({_Q}) * {_A / (2 * _K0) / 10_000!r})::INTEGER"
_SQUARE: Final = (
    f"'10km' || CASE WHEN {_EAST} >= 0 THEN 'E' ELSE 'W' END || abs({_EAST})::VARCHAR "
    f"|| CASE WHEN {_NORTH} >= 0 THEN 'N' ELSE 'S' END || abs({_NORTH})::VARCHAR"
)

CELLS: Final = MappingProxyType(
    {
        Grid.EQDGC: ("eqdgcCellCode", _QUARTER),
        Grid.TENTH_DEGREE: ("cellSouthWest", _TENTH),
        Grid.EQUAL_AREA: ("easeCellCode", _SQUARE),
    }
)
"""Of each grid the column's name and the code of a cell in SQL over published coordinates.

`eqdgcCellCode` is E104N22AB: the degree's corner nearest to zero, then quarter and quarter of the quarter; `cellSouthWest`
is 22.3,104.5, the south-western corner; `easeCellCode` is 10kmE1004N300, the south-western corner in units of 10 km east and
north of 0°, 0°, those to the south and west with a minus told as S and W.
"""

_TAXON: Final = 'kingdom, phylum, class, "order", family, genus, species, "speciesKey"'


def write_cube(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every taxon, year and cell: `occurrences`, `minCoordinateUncertaintyInMeters`, `community_labels`.

    The sum of `occurrences` is the number of records.
    """
    del facts
    name, code = CELLS[request.grid]
    cell = f"CASE WHEN {_LAT} IS NOT NULL AND {_LON} IS NOT NULL THEN {code} END"
    select = (
        f'{_TAXON}, year, {cell} AS "{name}", count(*) AS occurrences, '
        f'min("coordinateUncertaintyInMeters") AS "minCoordinateUncertaintyInMeters", {LABELS_OF_GROUP}'
    )
    write_guarded(selection.batches(select, after=f'GROUP BY ALL ORDER BY {_TAXON}, year, "{name}"'), out)
    step(1.0)


# A species list: every name of the chosen records with the number of records, the most frequent first.
_TAXON_COLUMNS: Final = (
    '"taxonKey", "scientificName", "acceptedScientificName", "taxonRank", "taxonomicStatus", kingdom, phylum, class, '
    '"order", family, genus, species, "speciesKey", taxon_id, checklist, "iucnRedListCategory"'
)


def write_species_list(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every name with `numberOfOccurrences`, the years of the first and the last record, and labels.

    The sum of `numberOfOccurrences` is the number of records; those without a name have a line of their own.
    """
    del facts, request
    select = f'{_TAXON_COLUMNS}, count(*) AS "numberOfOccurrences", min(year) AS "firstYear", max(year) AS "lastYear", {LABELS_OF_GROUP}'
    order = f'GROUP BY {_TAXON_COLUMNS} ORDER BY "numberOfOccurrences" DESC, {_TAXON_COLUMNS}'
    write_guarded(selection.batches(select, after=order), out)
    step(1.0)
