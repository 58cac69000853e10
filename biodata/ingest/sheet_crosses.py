"""What joins the sheets of a survey: stations that one states and others name; cross-tables, whose filled cells are records."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import compress, takewhile
from typing import Final

import polars as pl

from biodata.ingest.headings import CERTAIN, Proposal, Why
from biodata.ingest.headings.deciding import NAMES_OF_TAXA, are_names
from biodata.ingest.headings.plain import units_in
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_headings import IN_DEGREES, day_of, is_known, of_label, year_of
from biodata.ingest.sheet_layout import Cells, Column, Layout, is_part, is_total, sheet_kind, spread
from biodata.ingest.sheet_numbers import moments_of
from biodata.ingest.sheet_units import Measured
from biodata.sharing.names import bundled_common_names, meaning
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.dates import parse_times
from biodata.text.numbers import ascii_digits
from biodata.text.scientific_names import genera, latin_beside
from biodata.text.tables import PLACEHOLDERS, read_rows

_FEWEST, _MOSTLY, _BY_SHEETS = 3, 0.6, 0.85
_EMPTY: Final = 0.1
"""So many cells of a cross-table whose stations are stated nowhere else are empty or 0 at least: hardly any species is everywhere."""
_CODE: Final = re.compile(r"(\D{0,20}?)[\s_.-]*\d{1,4}[A-Za-z]?")
_TALLY: Final = re.compile(r"\d{1,6}(?:\.0)?|[xX+✓√?—–-]|[xX]\?|-\d+")
_COUNTS: Final = ("individualCount", "organismQuantity")
_BARE: Final = {
    "eventDate": re.compile(r"\d{4}[-/.年]\d\d?[-/.月]\d\d?日?"),
    "decimalLatitude": re.compile(r"(?i)[NS北]\W?\d+\W\d.*|\d+\W\d.*[NS]"),
    "decimalLongitude": re.compile(r"(?i)[EW东]\W?\d+\W\d.*|\d+\W\d.*[EW]"),
}  # fmt: skip
"""What says without a label what it is of each column."""
_OF_PLACES: Final = frozenset("locality municipality county verbatimLocality cameraID recordNumber".split())
_PARTS: Final = (Vocabulary.LIFE_STAGE, Vocabulary.SEX)
_BAND: Final = re.compile(r"(?:^|\s)(?:\d+\s*[-–—~至]\s*\d+|[>≥<]\s*\d+)\s*(?:m|米|ม\.?|ແມັດ|ມ|ម|mét|မီတာ)?$")
_EXPLAINED: Final = re.compile(
    r"([^\W\d_]{1,6}\d{0,3})\s*[=＝]\s*([^;；。=＝]+?)\s*(?=[;；。]|[,，] ?\w+ ?[=＝]|\.\s|$)"
)
_WHEN: Final = frozenset("eventDate verbatimEventDate deploymentStart year day".split())
_WHERE: Final = frozenset("eventID parentEventID locationID decimalLatitude verbatimCoordinates easting".split())
_DAYS: Final = frozenset({"deploymentStart", "eventDate"})
_CLOCKS: Final = ("eventTime", "deploymentStart", "deploymentEnd")
_PLACED: Final = frozenset({"decimalLatitude", "verbatimCoordinates", "easting"})


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
    is_list: bool = False  # of taxa, without records
    named: set[str] | None = None  # of records that others name for their place: the terms that these have
    # Rows beside the headings that state the day or the observer of each column, by the term: number and cells.
    facts: dict[str, tuple[int, Cells]] = field(default_factory=dict)

    def cells(self, index: int) -> list[str]:
        """Return the filled cells of a column."""
        return [cell.strip() for cell in self.layout.cells(index) if cell is not None]

    def open_columns(self) -> list[Column]:
        """Return the columns that may be of stations: what their heading means is open, or a place; last those of no term."""
        ids = {i for i, one in self.proposals.items() if one.term == "occurrenceID" and one.confidence <= CERTAIN}
        named = [c for c in self.layout.columns if c.index in ids or self.names[c.index] in (c.heading, *_OF_PLACES)]
        return sorted(named, key=lambda c: self.proposals[c.index].why is Why.NOT_KEPT)

    def call(self, column: Column, term: str) -> None:
        """Call a column what the sheets decide; another that was called so is open again."""
        for other in self.layout.columns:
            if {term, IN_DEGREES.get(term, term)} & {self.names[other.index], self.proposals[other.index].term}:
                self.names[other.index] = other.heading
                self.proposals[other.index] = Proposal(other.heading, None, 0.0, None, Why.NOT_KEPT)
        self.names[column.index] = term
        self.proposals[column.index] = Proposal(column.heading, term, _BY_SHEETS, None, Why.TAKEN)

    def add(self, column: Column, term: str, cells: Sequence[str | None], text: str) -> None:
        """Add what cells mean as a column of its own under their heading, where `text` is said of it."""
        index = max([len(row) for _, row in self.layout.rows] + [one.index + 1 for one in self.layout.columns])
        for (_, row), cell in zip(self.layout.rows, cells, strict=True):
            row += [*[None] * (index - len(row)), cell]
        self.layout.columns.append(replace(column, index=index))
        self.names[index], self.proposals[index] = term, Proposal(column.heading, term, 1.0, None, Why.KEPT)
        self.layout.findings.append(self.layout.finding(column.row, column.heading, text, "VALUE_READ_AS", read=term))

    def take_facts(self) -> None:
        """Take the rows above and below the headings of a table of taxa that state something of each of its other columns."""
        last = max((index for index, name in self.names.items() if name in NAMES_OF_TAXA), default=-1)
        lowest = [row for row in self.layout.grid.rows if row[0] == self.layout.heading_row]
        for number, own in [*lowest, *reversed(self.layout.above), *self.layout.rows] if last >= 0 else ():
            cells = own if number > self.layout.heading_row else spread(self.layout.grid, number, own)
            label = next((cell for cell in reversed(cells[: last + 1]) if cell is not None), "")
            names = [cell for cell in cells[last + 1 :] if cell is not None and not is_total(cell)]
            term = of_label(label, *names) if label and len(names) > 1 and not any(map(is_known, names)) else None
            if len(names) > 1 and not label:
                term = next((one for one, text in _BARE.items() if all(map(text.fullmatch, names))), None)
            if term is not None:
                self.facts.setdefault(term, (number, cells))
                self.layout.rows[:] = [row for row in self.layout.rows if row[0] != number]
            elif number > self.layout.heading_row:
                break
        headings = [column.heading for column in self.layout.columns]
        again = [column.index for column in self.layout.columns if headings.count(column.heading) > 1]
        named = self.facts.get("locationID") or self.facts.get("locality") or (0, [])
        for row in self.layout.above if len(again) > 1 and not named[0] else ():
            words = [cell for at in again if at < len(row[1]) and (cell := row[1][at]) is not None and cell.isalpha()]
            named = row if len({*words}) == len(again) and not named[0] else named
        stations = dict(enumerate(named[1]))
        for at, column in enumerate(self.layout.columns):
            # The same word for a count over each station, whose name stands above.
            if headings.count(column.heading) > 1 and (station := stations.get(column.index)):
                self.layout.columns[at] = replace(column, heading=station)
                self.names[column.index] = station
                self.proposals[column.index] = Proposal(station, None, 0.0, None, Why.UNKNOWN)
        self.facts = {term: told for term, told in self.facts.items() if told is not named}

    def parts(self, cross: Cross) -> Iterator["Sheet"]:
        """Yield each column of a cross-table as a sheet of its own: its filled rows, its cells as counts."""
        # Beside columns that count, another count is hardly one: numbers of the rows.
        rest = [
            column for column in self.layout.columns
            if column not in cross.columns and not is_total(column.heading) and self.names[column.index] not in _COUNTS
        ]  # fmt: skip
        for column in cross.columns:
            filled = [cell is not None and cell.strip() not in PLACEHOLDERS for cell in self.layout.cells(column.index)]
            rows = list(compress(self.layout.rows, filled))
            count, term = (column.heading, None) if cross.measures else ("individualCount",) * 2
            layout = replace(self.layout, columns=[*rest, column], rows=rows, findings=[])
            proposal = Proposal(column.heading, term, 1.0, None, Why.KEPT)
            yield Sheet(layout, self.names | {column.index: count}, self.proposals | {column.index: proposal}, cross)


def share_taxa(sheets: Sequence[Sheet]) -> None:
    """Find the sheets that only list taxa, and read codes of taxa where a list, or a text above the headings, explains them."""
    with_dates = [sheet for sheet in sheets if _WHEN & {*sheet.names.values()}]
    for own in sheets:
        own.take_facts()
        # A code of each taxon may be called as that of a station is.
        once = {i for i, one in own.names.items() if one == "locationID" and len({*own.cells(i)}) == len(own.cells(i))}
        terms, codes = {one for index, one in own.names.items() if index not in once}, dict[str, str]()
        taxa = [index for name in NAMES_OF_TAXA for index, one in own.names.items() if one == name]
        tallies = [c for c in own.layout.columns if own.names[c.index] == c.heading and _is_tally(own.cells(c.index))]
        if taxa and with_dates and terms.isdisjoint({"occurrenceID", *_WHEN, *_WHERE}):
            named = own.cells(taxa[0])
            once_each = len({*named}) == len(named) and len(tallies) < _FEWEST and not {*_COUNTS} & terms
            own.is_list = once_each or sheet_kind(own.layout.grid.title) == "summary"
        local = [c for c in own.layout.columns if own.names[c.index] == "vernacularName" and "scientificName" in terms]
        for column in own.layout.columns if own.is_list else local:
            cells = zip(own.layout.cells(column.index), own.layout.cells(taxa[0]), strict=True)
            pairs = {(code.strip(), name) for code, name in cells if code is not None and name is not None}
            codes |= dict(pairs) if column.index != taxa[0] and len(dict(pairs)) == len(pairs) else {}
        for sheet in with_dates if codes else ():
            _read_codes(sheet, sheet.layout.columns, codes)
        explained = dict(_explained(own.layout))
        if taxa or (explained := {code: name for code, name in explained.items() if are_names([name])}):
            _read_codes(own, [c for c in own.layout.columns if not taxa or c.index in taxa], explained)


def _explained(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield the codes that texts above or below a table explain, with the Latin name where there is one."""
    # `= Olive Ridley` is typed as a formula.
    written, records = layout.grid.marks.formulas, {number for number, _ in layout.rows}
    others = [(number, row) for number, row in layout.grid.rows if number not in records]
    rows = [[text.strip() for at, c in enumerate(row) if (text := c or written.get((n, at)))] for n, row in others]
    # A code, and what it means in the next cell.
    texts = ((" = " if len(row) == 2 and "=" not in "".join(row) else " ").join(row) for row in rows)
    for code, stated in _EXPLAINED.findall(" ; ".join(texts)):
        parts = [part.strip() for part in re.split("[,，]", stated)]
        yield code, next((part for part in parts if part.split(" ")[0] in genera()), parts[0])


def _read_codes(sheet: Sheet, columns: Sequence[Column], codes: Mapping[str, str]) -> None:
    """Read the first of the columns that holds codes of taxa as their names, where no other has names."""
    holders = [column for column in columns if _are_among({*sheet.cells(column.index)}, {*codes})]
    names = {index for index, name in sheet.names.items() if name == "scientificName"}
    for column in holders[:1] if names <= {one.index for one in holders[:1]} else ():
        found = [None if cell is None else codes.get(cell.strip(), cell) for cell in sheet.layout.cells(column.index)]
        if sheet.names[column.index] != "vernacularName":
            sheet.names[column.index] = column.heading
            sheet.proposals[column.index] = Proposal(column.heading, None, 0.0, None, Why.UNKNOWN)
        sheet.add(column, "scientificName", [one and (latin_beside(one) or one) for one in found], column.heading)


def count_parts(sheet: Sheet) -> None:
    """Count records by the total of columns of adults and young, of the sexes or of distances, else by the sum of these."""
    columns = [c for c in sheet.layout.columns if sheet.names[c.index] == c.heading]
    columns = [c for c in columns if not (cells := sheet.cells(c.index)) or _is_tally(cells)]
    totals, names = [column for column in columns if is_total(column.heading)], {*sheet.names.values()}
    words = {column: units_in(column.heading)[0].strip() for column in columns if column not in totals}
    ages, sexes = ([c for c, word in words.items() if parse_term(word, one) is not None] for one in _PARTS)
    ages = [one for one in ages if parse_term(words[one], _PARTS[0]) != "Egg"]  # those that hatched were eggs
    known = [c for c in words if sheet.proposals[c.index].term == _COUNTS[0]]
    parts = [column for column in words if _BAND.search(column.heading)] or [*ages, *sexes]
    twice = sexes and any(parse_term(words[one], _PARTS[0]) == "Adult" for one in ages)  # males and females are adults
    if names & {*_COUNTS} or names.isdisjoint(NAMES_OF_TAXA):
        return
    if totals or len(known) == 1:
        sheet.call((totals or known)[0], _COUNTS[0])
    elif len(parts) > 1 and not twice:
        rows = zip(*(sheet.layout.cells(column.index) for column in parts), strict=True)
        entries = [[ascii_digits(cell.strip()) for cell in row if cell not in (None, *PLACEHOLDERS)] for row in rows]
        sums = [str(sum(map(int, row))) if row and all(map(str.isdecimal, row)) else " + ".join(row) for row in entries]
        sheet.add(parts[0], _COUNTS[0], [one or None for one in sums], " + ".join(one.heading for one in parts))


def name_by_count(sheet: Sheet) -> bool:
    """Name the records of a table that counts one taxon as the heading of the count does, such as `Number of elephants`; return whether it has one."""
    terms = {*sheet.names.values()}
    for column in sheet.layout.columns if _WHEN & terms and _WHERE & terms and terms.isdisjoint(NAMES_OF_TAXA) else ():
        (taxon, *others) = _counted(column.heading) or [""]
        if taxon and not others and _is_tally(sheet.cells(column.index)):
            if sheet.names[column.index] != _COUNTS[0]:
                sheet.call(column, _COUNTS[0])
            sheet.add(column, "scientificName", [taxon] * len(sheet.layout.rows), column.heading)
            return True
    return False


def _counted(heading: str) -> frozenset[str]:
    """Return the taxa that a heading says are counted, without the words for the count."""
    text = units_in(heading)[0].strip().casefold()
    cuts = ((cut(word) for word in _count_words()) for cut in (text.removeprefix, text.removesuffix))
    before, behind = (next((rest for rest in rests if rest != text), "") for rests in cuts)
    return meaning((before or behind).strip(" :.").removeprefix("of ").strip(), bundled_common_names())


@cache
def _count_words() -> list[str]:
    headings = (row["headings"] for row in read_rows("heading_words.csv") if row["term"] == _COUNTS[0])
    return sorted({*"|".join(headings).casefold().split("|")} - {""}, key=len, reverse=True)


def identify_by_merges(sheet: Sheet) -> None:
    """Take a column of codes merged over several rows as what identifies stations: it identifies none of the rows."""
    top = sheet.layout.heading_row
    merged = Counter(c1 for r1, c1, r2, c2 in sheet.layout.grid.merges if c1 == c2 and r2 > r1 > top)
    for column in sheet.layout.columns:
        is_code = sheet.names[column.index] == "occurrenceID" and sheet.proposals[column.index].confidence <= CERTAIN
        if is_code and merged[column.index] > 1:
            sheet.call(column, "locationID")


def join_clocks(sheet: Sheet) -> None:
    """Read two columns of times of day beside a day, a beginning and an end, as the time of each visit."""
    terms, clocks = {*sheet.names.values()}, list[Column]()
    for column in sheet.layout.columns if terms & {"eventDate", "day"} else ():
        name, proposal = sheet.names[column.index], sheet.proposals[column.index]
        is_open = name == column.heading and {proposal.term, *proposal.others} & {*_CLOCKS}
        if (is_open or name == "eventTime") and (moments_of(sheet.layout.filled(column.index)) or [""])[0] == "clock":
            clocks.append(column)
    if len(clocks) != 2:
        return
    meant = [{sheet.proposals[c.index].term, *sheet.proposals[c.index].others} for c in clocks]
    ends = [sheet.layout.filled(c.index) for c in (clocks[::-1] if _CLOCKS[1] in meant[1] else clocks)]
    read = [parse_times(pl.Series(cells, dtype=pl.String))["clock"].to_list() for cells in ends]
    for column in clocks:
        sheet.names[column.index] = column.heading
        sheet.proposals[column.index] = Proposal(column.heading, None, 1.0, None, Why.KEPT)
    joined = ["/".join(filter(None, (a or cell, b))) or None for a, b, cell in zip(*read, ends[0], strict=True)]
    sheet.add(clocks[0], "eventTime", joined, " – ".join(column.heading for column in clocks))


def share_stations(sheets: Sequence[Sheet]) -> None:
    """Find what joins the sheets of a survey: the column that states its stations once, and where others name them.

    A column of names or codes, each once, is one of stations where a column of another sheet, or the headings of a cross-table,
    have most of them. A list with species of its own (nests, trees) has codes, and places sheets that have no place.
    """
    for sheet in sheets:
        sheet.cross = _cross_of(sheet, ())
    for own in sheets:
        names = {*own.names.values()}
        has_taxa = not names.isdisjoint(NAMES_OF_TAXA)
        if own.cross is not None or "eventID" in names or (has_taxa and names.isdisjoint(_PLACED)):
            continue
        others = [s for s in sheets if s is not own and (not has_taxa or _PLACED.isdisjoint(s.names.values()))]
        keyed = [column for column in own.layout.columns if own.names[column.index] == "locationID"]
        for column in keyed or own.open_columns():
            texts = own.cells(column.index)
            codes = len({*texts}) == len(texts) and all(any(map(str.isdigit, cell)) for cell in texts)
            may_be = _may_be_stations(own, texts) and (codes or not has_taxa)
            if may_be and (named := [s for s in others if _names_stations(s, set(texts), column.heading)]):
                if not keyed:
                    own.call(column, "locationID")
                own.named = {term for sheet in named for term in sheet.names.values()} if has_taxa else None
                days = [c for c in own.layout.columns if own.proposals[c.index].term == "eventDate"]
                if days and not any(_WHEN & {*sheet.names.values(), *sheet.facts} for sheet in (own, *named)):
                    own.call(days[-1], "eventDate")  # of several the last
                break
    for own in sheets:
        if {*own.names.values()}.isdisjoint({*NAMES_OF_TAXA, "eventID"}) and _WHEN & {*own.names.values()}:
            _share_visits(own, [one for one in sheets if {*NAMES_OF_TAXA} & {*one.names.values()}])


def named_twice(sheet: Sheet) -> Iterator[Finding]:
    """Find a species of a cross-table that an earlier row is of under another local name: each has one row."""
    at = {sheet.names[column.index]: column for column in reversed(sheet.layout.columns)}
    if sheet.cross is None or not {"scientificName", "vernacularName"} <= at.keys():
        return
    latin, local = (sheet.layout.cells(at[name].index) for name in ("scientificName", "vernacularName"))
    first: dict[str, str] = {}
    for (row, _), name, called in zip(sheet.layout.rows, latin, local, strict=True):
        if name and called and first.setdefault(name, called) != called:
            other = at["vernacularName"].heading
            yield sheet.layout.finding(row, at["scientificName"].heading, name, "VALUE_GOES_WITH_ANOTHER", other=other)


def _share_visits(own: Sheet, others: Sequence[Sheet]) -> None:
    """Take the column that names each visit once, and under the same heading the visit of records, as what identifies visits."""
    for column in own.open_columns():
        visits = own.cells(column.index)
        for sheet in others if len(visits) == len({*visits}) else ():
            same = [one for one in sheet.open_columns() if one.heading.casefold() == column.heading.casefold()]
            cells = sheet.cells(same[0].index) if same else []
            if len({*cells}) < len(cells) and "eventID" not in sheet.names.values() and _are_among({*cells}, {*visits}):
                own.call(column, "eventID")
                sheet.call(same[0], "eventID")


def _may_be_stations(own: Sheet, names: Sequence[str]) -> bool:
    """Return whether cells may be stations: each once, or codes again where a day stands beside them; never mere numbers."""
    again = _DAYS & set(own.names.values()) and all(_CODE.fullmatch(ascii_digits(cell)) for cell in names)
    numbers = all(cell.isdigit() for cell in ascii_digits(" ".join(names)).split())
    return bool(names) and (len(set(names)) == len(names) or bool(again)) and not numbers


def _names_stations(sheet: Sheet, stations: set[str], heading: str) -> bool:
    """Return whether a sheet names stations in a column, which is called so then, or in the headings of a cross-table."""
    if sheet.cross is None:
        sheet.cross = _cross_of(sheet, stations)
    if sheet.cross is not None and sheet.cross.term == "locationID":
        return _are_among({sheet.cross.value(column) for column in sheet.cross.columns}, stations)
    if keyed := [index for index, name in sheet.names.items() if name == "locationID"]:
        return any(_are_among(set(sheet.cells(index)), stations) for index in keyed)
    if (name := sheet.layout.grid.title) in stations:  # a sheet a station
        sheet.add(replace(sheet.layout.columns[0], heading=name), "locationID", [name] * len(sheet.layout.rows), name)
        return True
    for column in sheet.open_columns():
        alone = stations if column.heading == heading else None  # a single one only under the same heading
        if _are_among(names := set(sheet.cells(column.index)), stations) or names == alone:
            sheet.call(column, "locationID")
            return True
    return False


def _are_among(names: set[str], stations: set[str]) -> bool:
    return len(names & stations) > 1 and len(names & stations) >= _MOSTLY * len(names)


def _cross_of(sheet: Sheet, stations: Collection[str]) -> Cross | None:
    """Return how a sheet is a cross-table; None where it is none. Headings that are all stations need no code."""
    layout, names = sheet.layout, sheet.names
    tallies = [
        column for column in layout.columns
        if names[column.index] == column.heading and sheet.proposals[column.index].unit is None
        and not is_total(column.heading) and not is_part(column.heading) and _is_tally(cells := sheet.cells(column.index))
        and not (column is layout.columns[0] and counts_rows(cells))
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
    year = year_of(layout)
    dated = {one: day for one in headings if (day := day_of(one, year)) is not None}
    if _WHEN.isdisjoint(names.values()) and len(dated) == len({*headings}):
        return Cross(tallies, "eventDate", dated)
    if "decimalLatitude" in sheet.facts:
        days = dict(enumerate(sheet.facts.get("eventDate", (0, []))[1]))
        stations = {c.heading.strip(): c.heading.removesuffix(days.get(c.index) or "").strip() for c in tallies}
        return Cross(tallies, "locationID", stations)
    stated = [own.get(heading, heading) for heading in headings]
    codes = [_CODE.fullmatch(ascii_digits(one)) for one in stated]
    alike = len({match and match[1] for match in codes}) == 1 and codes[0] is not None
    # Else sections of a station that the row names.
    alike = alike and {"locationID", "eventID", "locality"}.isdisjoint(names.values())
    cells = [ascii_digits(cell) for column in tallies for cell in sheet.cells(column.index)]
    sparse = sum(one not in ("0", *PLACEHOLDERS) for one in cells) <= (1 - _EMPTY) * len(tallies) * len(layout.rows)
    known = [one for one in (headings, stated) if {*one} <= {*stations}]
    values = {} if headings in known else own
    return Cross(tallies, "locationID", values) if known or (alike and sparse) else None


def _short(headings: Sequence[str]) -> dict[str, str]:
    """Return headings without the words that all of them begin with: those of a heading that is joined over them."""
    words = [heading.split(" ") for heading in headings]
    shared = sum(1 for _ in takewhile(lambda several: len(set(several)) == 1, zip(*words, strict=False)))
    return {heading: " ".join(own[shared:]) for heading, own in zip(headings, words, strict=True) if own[shared:]}


def counts_rows(cells: Sequence[str | None]) -> bool:
    """Return whether cells are numbers, each once."""
    return len(set(cells)) == len(cells) and all(cell is not None and cell.strip().isdigit() for cell in cells)


def _is_tally(cells: Sequence[str]) -> bool:
    names = [ascii_digits(cell) for cell in cells]
    return bool(names) and sum(_TALLY.fullmatch(cell) is not None for cell in names) >= max(1, len(names) - 1)
