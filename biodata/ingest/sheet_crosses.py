"""What joins the sheets of a survey: stations that one tells and others name; cross-tables, whose filled cells are records."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, takewhile
from typing import Final

from biodata.ingest.headings import Proposal, Why
from biodata.ingest.headings.deciding import NAMES_OF_TAXA, are_names
from biodata.ingest.sheet_headings import IN_DEGREES
from biodata.ingest.sheet_layout import Column, Layout, is_total
from biodata.ingest.sheet_units import Measured
from biodata.text.numbers import ascii_digits

_FEWEST, _MOSTLY, _BY_SHEETS = 3, 0.6, 0.85
_EMPTY: Final = 0.1
"""So many cells of a cross-table whose stations are told nowhere else are empty or 0 at least: hardly any species is everywhere."""
_CODE: Final = re.compile(r"(\D{0,20}?)[\s_.-]*\d{1,4}[A-Za-z]?")
_TALLY: Final = re.compile(r"\d{1,6}(?:\.0)?|[xX+✓√?-]|[xX]\?|-\d+")
_COUNTS: Final = ("individualCount", "organismQuantity")
_KEYED: Final = frozenset({"locationID", "eventID"})
_NAMES_OF_PLACES: Final = frozenset("locality municipality county verbatimLocality cameraID recordNumber".split())
_DAYS: Final = frozenset({"deploymentStart", "eventDate"})


@dataclass(frozen=True)
class Cross:
    """The columns of a cross-table, the term that their headings are values of, stations or species, and these values."""

    columns: list[Column]
    term: str
    values: Mapping[str, str] = field(default_factory=dict)
    measures: Measured | None = None  # what the cells are where they count nothing: percents of cover

    def value(self, column: Column) -> str:
        """Return what the heading of a column says: itself, or what it is short for."""
        return self.values.get(column.heading.strip(), column.heading.strip())


@dataclass
class Sheet:
    """A sheet on its way: its table, what its columns are called by their places, as of `sheet_headings.names_of`."""

    layout: Layout
    names: dict[int, str]
    proposals: dict[int, Proposal]
    cross: Cross | None = None

    def cells(self, index: int) -> list[str]:
        """Return the filled cells of a column."""
        return [cell.strip() for cell in self.layout.cells(index) if cell is not None]

    def open_columns(self) -> list[Column]:
        """Return the columns that may be of stations: what their heading means is open, or a place."""
        named = [c for c in self.layout.columns if self.names[c.index] in (c.heading, *_NAMES_OF_PLACES)]
        return [c for c in named if self.proposals[c.index].why is not Why.NOT_KEPT]

    def call(self, column: Column, term: str) -> None:
        """Call a column what the sheets decide; another that was called so is open again."""
        for other in self.layout.columns:
            if {term, IN_DEGREES.get(term)} & {self.names[other.index], self.proposals[other.index].term}:
                self.names[other.index] = other.heading
                self.proposals[other.index] = replace(
                    self.proposals[other.index], term=None, confidence=0.0, others=(), why=Why.NOT_KEPT
                )
        self.names[column.index] = term
        self.proposals[column.index] = replace(
            self.proposals[column.index], term=term, confidence=_BY_SHEETS, why=Why.TAKEN
        )

    def parts(self, cross: Cross) -> Iterator["Sheet"]:
        """Yield each column of a cross-table as a sheet of its own: its filled rows, its cells as counts."""
        # Beside columns that count, another count is hardly one: numbers of the rows.
        rest = [
            column for column in self.layout.columns
            if column not in cross.columns and not is_total(column.heading) and self.names[column.index] not in _COUNTS
        ]  # fmt: skip
        for column in cross.columns:
            filled = [cell is not None for cell in self.layout.cells(column.index)]
            rows = list(compress(self.layout.rows, filled))
            count, term = (column.heading, None) if cross.measures else ("individualCount",) * 2
            layout = replace(self.layout, columns=[*rest, column], rows=rows, findings=[])
            proposal = Proposal(column.heading, term, 1.0, None, Why.KEPT)
            yield Sheet(layout, self.names | {column.index: count}, self.proposals | {column.index: proposal}, cross)


def share_stations(sheets: Sequence[Sheet]) -> None:
    """Find what joins the sheets of a survey: the column that tells its stations once, and where others name them.

    Of sheets without species a column of names or codes, each once, is one of stations where a column of another sheet, or
    the headings of a cross-table, have most of them; whatever its heading is. Cross-tables are recognised on the way.
    """
    for sheet in sheets:
        sheet.cross = _cross_of(sheet, ())
    for own in sheets:
        if own.cross is not None or ({"eventID"} | set(NAMES_OF_TAXA)) & set(own.names.values()):
            continue
        keyed = [column for column in own.layout.columns if own.names[column.index] == "locationID"]
        for column in keyed or own.open_columns():
            told = own.cells(column.index)
            others = [sheet for sheet in sheets if sheet is not own and _may_be_stations(own, told)]
            if [sheet for sheet in others if _names_stations(sheet, set(told), column.heading)]:
                if not keyed:
                    own.call(column, "locationID")
                break


def _may_be_stations(own: Sheet, told: Sequence[str]) -> bool:
    """Tell whether cells may be stations: each once, or codes again where a day stands beside them; never mere numbers."""
    again = _DAYS & set(own.names.values()) and all(_CODE.fullmatch(ascii_digits(cell)) for cell in told)
    numbers = all(cell.isdigit() for cell in ascii_digits(" ".join(told)).split())
    return bool(told) and (len(set(told)) == len(told) or bool(again)) and not numbers


def _names_stations(sheet: Sheet, stations: set[str], heading: str) -> bool:
    """Tell whether a sheet names stations in a column, which is called so then, or in the headings of a cross-table."""
    if sheet.cross is None:
        sheet.cross = _cross_of(sheet, stations)
    if sheet.cross is not None and sheet.cross.term == "locationID":
        return _are_among({sheet.cross.value(column) for column in sheet.cross.columns}, stations)
    if _KEYED & set(sheet.names.values()):
        return any(_are_among(set(sheet.cells(i)), stations) for i, name in sheet.names.items() if name == "locationID")
    for column in sheet.open_columns():
        alone = stations if column.heading == heading else None  # a single one only under the same heading
        if _are_among(told := set(sheet.cells(column.index)), stations) or told == alone:
            sheet.call(column, "locationID")
            return True
    return False


def _are_among(told: set[str], stations: set[str]) -> bool:
    return len(told & stations) > 1 and len(told & stations) >= _MOSTLY * len(told)


def _cross_of(sheet: Sheet, stations: Collection[str]) -> Cross | None:
    """Return how a sheet is a cross-table; None where it is none. Headings that are all stations need no code."""
    layout, names = sheet.layout, sheet.names
    tallies = [
        column for column in layout.columns
        if names[column.index] == column.heading and sheet.proposals[column.index].unit is None
        and not is_total(column.heading) and _is_tally(sheet.cells(column.index))
    ]  # fmt: skip
    named = set(NAMES_OF_TAXA) & set(names.values())
    if any(names[column.index] in _COUNTS for column in layout.columns if not is_total(column.heading)):
        return None
    headings = [column.heading.strip() for column in tallies]
    own = _short(headings)
    if not named and len(tallies) > 1 and are_names([*own.values()]):
        return Cross(tallies, "scientificName", own)
    if len(tallies) < _FEWEST:
        return None
    if not named:
        return Cross(tallies, "scientificName") if are_names(headings) else None
    stated = [own.get(heading, heading) for heading in headings]
    codes = [_CODE.fullmatch(ascii_digits(one)) for one in stated]
    alike = len({match and match[1] for match in codes}) == 1 and codes[0] is not None
    filled = sum(cell != "0" for column in tallies for cell in sheet.cells(column.index))
    sparse = filled <= (1 - _EMPTY) * len(tallies) * len(layout.rows)
    return Cross(tallies, "locationID", own) if set(stated) <= set(stations) or (alike and sparse) else None


def _short(headings: Sequence[str]) -> dict[str, str]:
    """Return headings without the words that all of them begin with: those of a heading that is joined over them."""
    words = [heading.split(" ") for heading in headings]
    shared = sum(1 for _ in takewhile(lambda several: len(set(several)) == 1, zip(*words, strict=False)))
    return {heading: " ".join(own[shared:]) for heading, own in zip(headings, words, strict=True) if own[shared:]}


def _is_tally(cells: Sequence[str]) -> bool:
    told = [ascii_digits(cell) for cell in cells]
    return bool(told) and sum(_TALLY.fullmatch(cell) is not None for cell in told) >= max(1, len(told) - 1)
