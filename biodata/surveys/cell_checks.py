"""What harmonising doubts of a survey's cells: each flag and repair at the cell that it is about."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import polars as pl

from biodata.core.terms import WRITTEN
from biodata.harmonise.coordinates import has_other_digit
from biodata.harmonise.occurrences import HarmonisedBatch
from biodata.ingest.headings.plain import fits, split_unit
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_units import in_metres
from biodata.ingest.survey_shapes import SurveyTable
from biodata.text.coordinate_pairs import read_pair
from biodata.text.coordinates import Axis, parse_angle, read_angle
from biodata.text.proposals import StatedNumber, meant_date, meant_time, read_stated
from biodata.text.tables import NA, PLACEHOLDERS, read_rows
from biodata.text.units import Unit, effort_unit

_PAIR: Final = ("decimalLatitude", "decimalLongitude")
_BOTH: Final = (*_PAIR, "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude")
_DATE: Final = ("eventDate", "verbatimEventDate", "year", "month", "day")
_NAME: Final = ("scientificName", "verbatimScientificName")
_OF_RECORDS: Final = (_NAME, ("individualCount",), ("basisOfRecord",), ("occurrenceStatus",))


def flags_of(table: str) -> Mapping[str, tuple[tuple[str, ...], bool, tuple[str, ...]]]:
    """Return the flags of `records` or `events` that ask for an act: columns that each can be about, whether it blocks, what it implies."""
    rows = [row for row in read_rows("flags.csv", "surveys") if row["table"] == table]
    return {one["flag"]: (tuple(one["columns"].split()), one["blocks"] == "yes", tuple(one["implies"].split())) for one in rows}  # fmt: skip


CELLS: Final = flags_of("records")
# What says no more of a row where both coordinates stand in one cell.
_IN_ONE_CELL: Final = {"PRESUMED_SWAPPED_COORDINATE", *map("COORDINATE_{}".format, ("INVALID", "MISSING", "OUT_OF_RANGE"))}  # fmt: skip
# Flags for which an interpreted column says what would be right.
_FACTS: Final = {"COUNTRY_COORDINATE_MISMATCH": "located_country_code", "TAXON_MATCH_FUZZY": "acceptedScientificName"}


_SPREAD, _SPREADS = 0.01, 2  # least degrees between the quartiles of places, and so many of them is far


@dataclass(frozen=True)
class Rows:
    """The rows of a table as they came, by their number; cells that say that they are empty (`-`, `?`) are None."""

    table: SurveyTable
    own: Mapping[int, Mapping[str, Any]]
    known: frozenset[int] = frozenset()  # rows whose event the survey has
    # Cells that say that they are empty, as they came.
    nothing: Mapping[tuple[int, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, table: SurveyTable, known: pl.Series | None = None) -> "Rows":
        """Return a table's rows; `known` tells of each whether the survey has its event."""
        came = table.frame.with_columns(pl.col(heading).alias(term) for term, heading in table.converted.items())
        cells = [name for name in came.columns if name != "source_row" and not name.startswith(WRITTEN)]
        words = {name: [*PLACEHOLDERS] if name in ("countryCode", "country") else [*PLACEHOLDERS, NA] for name in cells}
        empty = {name: pl.col(name).str.strip_chars().is_in(words[name]) for name in cells}
        full = came.with_columns(pl.when(~is_empty).then(pl.col(name)).alias(name) for name, is_empty in empty.items())
        nothing: dict[tuple[int, str], str] = {}
        for name, is_empty in empty.items():
            nothing |= {(row, name): text for row, text in came.filter(is_empty).select("source_row", name).iter_rows()}
        of_event = table.frame["source_row"].filter(known).to_list() if known is not None and len(known) else []
        own = {row["source_row"]: row for row in full.iter_rows(named=True)}
        return cls(table, own, frozenset(of_event), nothing)

    def cells(self, column: str) -> dict[int, str]:
        """Return the filled cells of a column by row."""
        return {row: own[column] for row, own in self.own.items() if own.get(column) is not None}

    def column(self, row: int, columns: Collection[str]) -> str | None:
        """Return the first of some columns that a row fills; None where something is said of that cell already."""
        first = next((name for name in columns if self.own[row].get(name) is not None), None)
        return None if first is None or (row, first) in self.table.covered else first

    @cached_property
    def _zone(self) -> str | None:
        return next((zone for zone, _ in Counter(self.cells("utm_zone").values()).most_common(1)), None)

    def odd_zone(self, row: int) -> tuple[str, ...]:
        """Return the column of zones of UTM where that of a row is none of the others, nothing else."""
        return ("utm_zone",) if self.own[row].get("utm_zone") not in {None, self._zone} else ()

    def finding(self, row: int, column: str, code: str, *, blocking: bool = False, **params: str | None) -> Finding:
        """Return a finding about a cell; params that are None or empty are left out."""
        table, own = self.table, self.own[row]
        written = own.get(f"{WRITTEN}{column}")
        value = (own.get(column) or self.nothing.get((row, column))) if written is None else written or None
        given = {name: text for name, text in params.items() if text}
        return Finding(table.file, table.sheet, *table.place(row, column), value, code, blocking, given)


def found(rows: Rows, result: HarmonisedBatch) -> Iterator[Finding]:
    """Find the doubts and repairs that harmonising noted of a table's rows, each at its cell."""
    placed = result.interpreted.with_columns(is_east=has_other_digit(*_PAIR[::-1]) | is_east(*_PAIR[::-1]))
    interesting = placed.filter((pl.col("quality_flags").list.len() > 0) | pl.col("repairs").is_not_null())
    names = ("source_row", "is_east", "quality_flags", "repairs", *_FACTS.values())
    for row, east, flags, repairs, *facts in interesting.select(names).iter_rows():
        repairs = repairs or ()
        yield from _repaired(rows, row, [one for one in repairs if one["applied"]])
        proposals: dict[str, str] = {}
        for term, value in ((one["term"], one["value"]) for one in repairs if not one["applied"]):
            proposals[term] = f"{proposals[term]} / {value}" if proposals.get(term) else value
        if pair := _pair(proposals):
            proposals.setdefault("verbatimCoordinates", pair)
        yield from _doubted(rows, row, flags, proposals, {"": east, **dict(zip(_FACTS, facts, strict=True))})


def is_east(x: str = "x", y: str = "y") -> pl.Expr:
    """Tell of which places the longitude alone is none of the others."""
    spreads = {name: pl.col(name).quantile(0.75) - pl.col(name).quantile(0.25) for name in (x, y)}
    off = [(pl.col(n) - pl.col(n).median()).abs() / pl.max_horizontal(one, _SPREAD) for n, one in spreads.items()]
    return (off[0] > _SPREADS) & (off[1] <= _SPREADS)


def _doubted(rows: Rows, row: int, flags: list[str], proposals: Mapping[str, str], facts: Mapping[str, Any]) -> Iterator[Finding]:  # fmt: skip
    own, kind = rows.own[row], rows.table.kind
    split = one_cell(own)
    if split is not None:
        yield rows.finding(row, split[0], "COORDINATES_IN_ONE_CELL", blocking=True, proposal=split[1])
    known = [flag for flag in flags if flag in CELLS]
    implied = {other for flag in known for other in CELLS[flag][2]} | (_IN_ONE_CELL if split is not None else set())
    for flag in known:
        columns, blocking, _ = CELLS[flag]
        of_records = kind != "occurrences" and columns in _OF_RECORDS
        if flag in implied or of_records or (kind == "sites" and columns == _DATE):
            continue
        east = rows.odd_zone(row) or (_PAIR[1:] if facts[""] else ())
        first = east if columns[0] == _PAIR[0] else ()
        column, fact = _column(flag, (*first, *columns), rows, row), facts.get(flag)
        if column is not None and (row, column) not in rows.table.covered:
            likely = proposals.get(column) or (meant(flag, own.get(column)) if fact is None else str(fact))
            yield rows.finding(row, column, flag, blocking=blocking, proposal=likely)


def _repaired(rows: Rows, row: int, repairs: list[Mapping[str, Any]]) -> Iterator[Finding]:
    pair = {}
    for repair in repairs:
        if repair["rule"].startswith(("verbatim_coordinates", "verbatim_latitude_longitude")):
            pair[repair["term"]] = repair["value"]
            continue
        term = "individualCount" if repair["rule"] == "absent_where_none_counted" else repair["term"]
        if rows.column(row, (term,)) is not None:
            read = str(repair["value"]).removesuffix(".0")
            yield rows.finding(row, term, "VALUE_READ_AS", read=read, rule=repair["rule"])
    column = rows.column(row, ("verbatimCoordinates", "verbatimLatitude")) if pair else None
    if column is not None:
        yield rows.finding(row, column, "COORDINATES_SPLIT", read=_pair(pair))


def _pair(values: Mapping[str, str]) -> str | None:
    return f"{values[_PAIR[0]]}, {values[_PAIR[1]]}" if values.keys() >= set(_PAIR) else None


def one_cell(own: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which cell of a row holds both coordinates, where the other is empty or the same, and what they are."""
    latitude, longitude = own.get("decimalLatitude"), own.get("decimalLongitude")
    text = latitude or longitude
    if text is None or len(text) < 5 or (latitude != longitude and latitude is not None and longitude is not None):
        return None
    read = read_pair(text)
    if read.latitude is None:
        return None
    return ("decimalLatitude" if latitude else "decimalLongitude"), f"{read.latitude:.10g}, {read.longitude:.10g}"


def _column(flag: str, columns: tuple[str, ...], rows: Rows, row: int) -> str | None:
    """Return which of the columns that a flag can be about it is about; None where an event has it."""
    own, headings = rows.own[row], rows.table.headings
    there = [column for column in columns if column in headings]
    filled = [column for column in there if own.get(column) is not None]
    if flag.endswith("_MISSING"):
        of_event = columns in (_BOTH, _DATE)  # place and date are the event's whole or not at all
        if of_event and row in rows.known and not filled:
            return None
        if of_event and not there:  # only events have it, and this row has none
            there = [column for column in ("eventID", "locationID") if column in headings]
        if there and there[0] in _PAIR:
            there = there[:2]
        # A place that is filled and gives nothing has a reading that waits for somebody's word.
        waiting = filled[0] if columns == _BOTH and filled else None
        return next((column for column in there if own.get(column) is None), waiting)
    return next((column for column in filled if _WRONG.get(flag, bool)(own[column])), next(iter(filled), None))


def _is_no_angle(value: str) -> bool:
    return _is_no_number(value) and all(parse_angle(value, axis)[0] is None for axis in Axis)


def _is_no_number(value: str) -> bool:
    try:
        float(value.replace(",", "."))
    except ValueError:
        return True
    return value.count(",") == 1 and len(value.partition(",")[2]) == 3


def _is_beyond(value: str) -> bool:
    """Return whether an angle is beyond what its letter says it is, of none beyond a longitude."""
    read = read_angle(value, None)
    return read is not None and abs(read.degrees) > (90 if read.axis is Axis.LATITUDE else 180)


# For flags of several columns: what makes a cell the one that is meant.
_WRONG: Final[Mapping[str, Callable[[str], object]]] = {
    "COORDINATE_INVALID": _is_no_angle, "COORDINATE_OUT_OF_RANGE": _is_beyond,
    "RECORDED_DATE_INVALID": re.compile(r"\s*\d{1,4}[\s:T]+\d+\s*").fullmatch,
}  # fmt: skip
_TIMES: Final = {"RECORDED_DATE_INVALID": meant_date, "TIME_UNREADABLE": meant_time}
_COUNTED: Final = {"INDIVIDUAL_COUNT_INVALID": "individualCount", "EFFORT_INVALID": "sampleSizeValue"}
_RANGES: Final = {"ELEVATION_NON_NUMERIC": "Elevation", "DEPTH_NON_NUMERIC": "Depth"}
_RADIUS: Final = "COORDINATE_UNCERTAINTY_METERS_INVALID"
_NUMBERS: Final = frozenset({*_COUNTED, *_RANGES, _RADIUS, "DISTANCE_INVALID", "COORDINATE_INVALID"})
_LENGTH: Final = "perpendicular_distance_m"  # a term in metres, whatever is meant by them


def meant(flag: str, value: str | None, *, effort: str | None = None) -> str | None:
    """Return what is likely meant by the text of a cell: 2 by "2 ekor", 200 by "0.2 km", nothing by "many"; of `effort` its column's unit."""
    if value is None or flag in _TIMES:
        return None if value is None else _TIMES[flag](value)
    number = read_stated(value) if flag in _NUMBERS else None
    return None if number is None else _meant_number(flag, number, effort_unit(effort or ""))


def _meant_number(flag: str, stated_number: StatedNumber, effort: Unit | None) -> str | None:
    """Return a number in the unit of its column; None where nobody can say which is meant."""
    one, unit = stated_number.single, stated_number.unit
    if flag == "COORDINATE_INVALID":  # what has a unit is read as an angle elsewhere
        return None if one is None or unit or abs(one) > 180 else f"{one:.10g}"
    if term := _COUNTED.get(flag):
        known = split_unit(f"x ({unit})", term)[1] if unit else None
        if one is None or one < 0 or (known is not None and not fits(term, known)):
            return None
        if effort is not None and (own := effort_unit(unit)) is not None:
            return f"{one * own.size / effort.size:.10g}" if own.dimension == effort.dimension else None
        # Two words behind a count may be what was counted; more of them may count others.
        animals = one.is_integer() and len(unit.split()) <= 2
        right = animals if flag == "INDIVIDUAL_COUNT_INVALID" else not unit or known is not None
        return f"{one:.10g}" if right else None
    least, greatest = _in_metres(stated_number.least, unit), _in_metres(stated_number.greatest, unit)
    if one is None and flag in _RANGES and None not in (least, greatest):
        return f"minimum{_RANGES[flag]}InMeters {least}, maximum{_RANGES[flag]}InMeters {greatest}"
    # Of a range of uncertainty the greatest: the place may lie that far off.
    number = greatest if flag == _RADIUS else None if one is None else least
    is_wrong = number is not None and (float(number) < 0 or (flag == _RADIUS and float(number) == 0))
    return None if is_wrong and flag not in _RANGES else number


def _in_metres(number: float | None, text: str) -> str | None:
    unit = split_unit(f"x ({text})", _LENGTH)[1] if text else None
    if number is None or (text and unit is None):
        return None
    if unit is None or unit.name in ("m", "m_above_sea_level"):
        return f"{number:.10g}"
    return next(iter(in_metres(_LENGTH, unit.name, [f"{number:.10g}"]) or ()), None)
