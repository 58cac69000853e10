"""What a check finds in the tables of a survey, whatever form they came in: cells, events, records, and what is between rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from biodata.harmonise import Harmoniser
from biodata.harmonise.dates import DateOrders
from biodata.harmonise.events import events as events_of
from biodata.harmonise.findings import Stated
from biodata.harmonise.occurrences import HarmonisedBatch
from biodata.harmonise.records import IDENTIFIERS
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import SurveyTable, nearest, with_period
from biodata.places import BoundarySet
from biodata.places.borders import SEA
from biodata.sharing.names import CommonNames
from biodata.surveys import cell_checks, column_checks, event_checks, value_checks
from biodata.surveys.cell_checks import Rows
from biodata.surveys.notices import Read
from biodata.text.units import INVISIBLE

DATASET: Final = "check"
_SWAPPED: Final = "PRESUMED_SWAPPED_COORDINATE"
_GAPS: Final = ("COORDINATE_MISSING", "RECORDED_DATE_MISSING", "SCIENTIFIC_NAME_MISSING")
"""What a program did not write: there is no cell that somebody could fill."""
_EVENTS: Final = ("eventID", "parentEventID")
_Part = tuple[Rows, pl.DataFrame]
_SAYS_AT_SEA: Final = ("ZERO_COORDINATE", "LAND_TAXON_AT_SEA", "COUNTRY_COORDINATE_MISMATCH", "PRESUMED_")
_SAYS_WRONG_PLACE: Final = (
    *_SAYS_AT_SEA, "PROVINCE_COORDINATE_MISMATCH", "MARINE_TAXON_ON_LAND", "PLACE_AT_SEA", "COLUMNS_SWAPPED",
)  # fmt: skip
_SAYS_WRONG_DAY: Final = ("RECORDED_DATE_", "RECORD_OUTSIDE_EVENT", "EVENT_ENDS_BEFORE_START")
"""What says already of a row that its place or day is wrong, so that it need not be called none of the others."""


class TableChecks:
    """Checks the tables of one survey: its sites and events first, then its records, then what only all of them show."""

    def __init__(
        self, harmoniser: Harmoniser, boundaries: BoundarySet, today: date, common: CommonNames, *, by_program: bool
    ) -> None:
        self.harmoniser, self.boundaries, self.today = harmoniser, boundaries, today
        self.common, self.by_program = common, by_program
        self.licences: list[str] = []
        self._projects: list[Rows] = []
        self._sites: list[_Part] = []
        self._events: list[_Part] = []
        self._records: list[_Part] = []
        self._designs: list[_Part] = []
        self._when: dict[str, event_checks.EventTime] = {}
        self._of_events: set[tuple[str, str, str | None]] = set()
        self._cells: dict[str, tuple[Rows, int]] = {}

    def project(self, rows: Rows) -> Iterator[Finding]:
        """Find what is wrong with what is stated of the whole survey."""
        self._projects.append(rows)
        yield from value_checks.of_project(rows)

    def sites(self, rows: Rows) -> Iterator[Finding]:
        """Find what is wrong with sites."""
        read = self._read(rows.table.frame, rows.table)
        self._sites.append((rows, read.interpreted))
        yield from self._of_all(rows, read, list(cell_checks.found(rows, read)))
        yield from event_checks.zones_of_places(rows, read.interpreted, self.today)

    def events(self, rows: Rows, placed: frozenset[str] = frozenset()) -> list[Finding]:
        """Return what is wrong with events; `placed` are those whose records all have a place of their own."""
        found = [self._gap(one) for one in self._find_in_events(rows, placed)]
        self._cells |= {event.strip(): (rows, row) for row, event in rows.cells("eventID").items()}
        self._of_events |= {(_event(rows, one, "eventID"), one.code, one.value) for one in found}
        return found

    def _find_in_events(self, rows: Rows, placed: frozenset[str]) -> Iterator[Finding]:
        table = rows.table
        read = self._read(with_period(table.frame, self.today), table)
        self._events.append((rows, read.interpreted))
        cells = cell_checks.found(rows, read)
        needed = [f for f in cells if f.code != "COORDINATE_MISSING" or _event(rows, f, "eventID") not in placed]
        yield from self._of_all(rows, read, needed)
        yield from event_checks.of_ends(rows, self.today)
        if "eventID" in table.frame.columns:
            batch = table.frame.with_columns(pl.lit(table.file).alias("source_file"))
            events, *_ = events_of(batch, self.harmoniser, dataset_key=DATASET, declarations=table.declarations)
            yield from event_checks.of_events(rows, events)
            self._designs.append((rows, events))
            self._when |= event_checks.event_times(rows, read.interpreted, events)

    def records(self, rows: Rows, frame: pl.DataFrame) -> list[Finding]:
        """Return what is wrong with records; `frame` has them with what their events add."""
        found = [self._gap(one) for one in self._find_in_records(rows, frame)]
        if not self.by_program:
            return found
        # A program's record has its event's place and date, of which the same was found there.
        new = [f for f in found if not {(_event(rows, f, of), f.code, f.value) for of in _EVENTS} & self._of_events]
        return [self._at_event(rows, f) for f in new]

    def _at_event(self, rows: Rows, finding: Finding) -> Finding:
        """Return what is found of a record's cell that it has of its event, and its own table lacks, at the event's cell."""
        column, here = finding.column or "", (rows, finding.row or 0)
        of = (self._cells[event] for term in _EVENTS if (event := _event(rows, finding, term)) in self._cells)
        events, at = next(of, here)
        cell = rows.own.get(here[1], {}).get(column)  # under a term only where no heading of its own is known
        if not self.by_program or column in _EVENTS or cell is None or events.own[at].get(column) != cell:
            return finding
        row, heading = events.table.place(at, column)
        return replace(finding, file=events.table.file, sheet=events.table.sheet, row=row, column=heading)

    def _find_in_records(self, rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
        read = self._read(frame, rows.table)
        self._records.append((rows, read.interpreted))
        found = [*(cells := list(cell_checks.found(rows, read))), *value_checks.other_order(cells)]
        yield from self._of_all(rows, read, list(value_checks.common(rows, found, self.common)))
        if not self.harmoniser.has_checklist:  # which knows more of a spelling
            yield from value_checks.near(rows)
        yield from value_checks.of_records(rows, read.interpreted)
        for one in event_checks.of_ends(rows, self.today):
            if one.code == "EVENT_ENDS_BEFORE_START":
                yield replace(one, blocking=False)
        dated = {event for event, when in self._when.items() if when.first is not None}
        yield from value_checks.days(rows, read.interpreted, dated)
        yield from event_checks.zones_of_places(rows, read.interpreted, self.today)
        yield from value_checks.out_of_range(rows, read.interpreted, self.boundaries)

    def contradicted(self, known: Sequence[Finding]) -> Iterator[Finding]:
        """Find cells that all other rows of their table contradict, of which nothing is known yet."""
        alike: dict[tuple[str, ...], list[_Part]] = defaultdict(list)
        for rows, read in [*self._sites, *self._events, *self._records]:
            alike[rows.table.kind, rows.table.file, *sorted(rows.table.frame.columns)].append((rows, read))
        for parts in alike.values():
            yield from column_checks.going_together(parts, known)

    def between(self, images: Sequence[pl.DataFrame] = ()) -> Iterator[Finding]:
        """Find what only all tables show; `images` are pictures that are no records (`ingest.protocol.IMAGES`)."""
        sites, events, records = ([rows for rows, _ in one] for one in (self._sites, self._events, self._records))
        identifiers = IDENTIFIERS if self.by_program else IDENTIFIERS[:1]
        twice = list(_identifiers(events, ("eventID",), "EVENT_ID_MISSING", "EVENT_REPEATED"))
        again = {one.value for one in twice if one.code == "EVENT_REPEATED"} if self.by_program else set()
        yield from twice
        for one in _identifiers(records, identifiers, "IDENTIFIER_MISSING", "IDENTIFIER_REPEATED", demanded=False):
            # Its event's identifier is part of its own.
            if not again or (one.value or "").partition(":")[0] not in again:
                yield one
        yield from _identifiers(sites, ("locationID",), "SITE_ID_MISSING", "SITE_REPEATED")
        yield from _unknown_events(records, events)
        yield from _circular_parents(events)
        yield from event_checks.of_records(self._when, self._records)
        every = [read.filter(~pl.col("ambiguous")) for _, read in [*self._events, *self._records]]
        countries = {code for one in every for code in one["located_country_code"].drop_nulls().unique()}
        for project in self._projects:
            for row in project.own:
                yield from event_checks.zone_of(project, row, countries, datetime.combine(self.today, time(12)))
        yield from (self._at_event(*one) for one in value_checks.far([*self._sites, *self._events, *self._records]))
        yield from event_checks.clocks(self._designs, self.read.records, images)

    @property
    def read(self) -> Read:
        """Records and events as they were read, with what is stated of their dataset."""
        return Read([read for _, read in self._records], [read for _, read in self._designs], self.licences)

    def _read(self, frame: pl.DataFrame, table: SurveyTable) -> HarmonisedBatch:
        """Harmonise rows; each is identified by its number, so that one without an identifier is read too."""
        number = pl.col("source_row").cast(pl.String).alias("occurrenceID")
        batch = frame.with_columns(pl.lit(table.file).alias("source_file"), number)
        orders = DateOrders(today=self.today, declarations=table.declarations)
        orders.add(Stated(batch))
        identified = self.harmoniser.identify(batch, dataset_key=DATASET)
        return self.harmoniser.interpret(identified, declarations=table.declarations, orders=orders)

    def _of_all(self, rows: Rows, read: HarmonisedBatch, found: list[Finding]) -> Iterator[Finding]:
        """Find what any table shows; columns that changed places are stated once, at their heading."""
        table, swapped = rows.table, [one for one in found if one.code == _SWAPPED]
        if len(swapped) >= max(3, 0.9 * len(rows.cells("decimalLatitude"))):
            found = [one for one in found if one.code != _SWAPPED]
            place = (table.file, table.sheet, table.heading_row)
            heading, other = (table.heading(name) for name in ("decimalLatitude", "decimalLongitude"))
            yield Finding(*place, heading, heading, "COLUMNS_SWAPPED", True, {"other": other})
        yield from found
        yield from value_checks.of_values(rows, read.interpreted)
        yield from self._at_sea(rows, read)

    def _at_sea(self, rows: Rows, read: HarmonisedBatch) -> Iterator[Finding]:
        pair = ["decimalLongitude", "decimalLatitude"]
        placed = read.interpreted.drop_nulls(pair).with_columns(is_east=cell_checks.is_east(*pair))
        wet = placed.filter(pl.col("located_country_code").is_null() & ~pl.col("ambiguous"))
        if wet.is_empty() or 2 * wet.height >= placed.height:
            return
        x, y = (wet[name].to_numpy() for name in pair)
        far = np.isnan(self.boundaries.coasts.near(x, y).distance_m) & (self.boundaries.cells.locate(x, y) == SEA)
        for row, east, flags in wet.filter(pl.Series(far)).select("source_row", "is_east", "quality_flags").iter_rows():
            zone = rows.odd_zone(row)
            column = rows.column(row, zone or (*(pair if east else pair[1:]), "verbatimCoordinates"))
            if column is not None and not any(flag.startswith(_SAYS_AT_SEA) for flag in flags):
                yield rows.finding(row, column, "PLACE_AT_SEA")

    def _gap(self, finding: Finding) -> Finding:
        return replace(finding, blocking=False) if self.by_program and finding.code in _GAPS else finding


def _event(rows: Rows, finding: Finding, term: str) -> str:
    """Return the event of a finding's row; a text that is no event where the row names none."""
    own = rows.own.get(finding.row or 0, {})  # what is said of a heading is of no event
    return (own.get(term) or "").strip() or f" row {finding.row} {term}"


def once(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings without those that say of a cell what an earlier one says, or that a wrong place or day is none of the others."""
    places = {(f.file, f.sheet, f.row) for f in findings if f.code.startswith(_SAYS_WRONG_PLACE)}
    days = {(f.file, f.sheet, f.row) for f in findings if f.code.startswith(_SAYS_WRONG_DAY)}
    wrong = {value_checks.FAR: places, value_checks.ALONE: days}
    left = (f for f in reversed(findings) if (f.file, f.sheet, f.row) not in wrong.get(f.code, ()))
    return list({(f.file, f.sheet, f.row, f.column, f.code): f for f in left}.values())


def placed_by_records(records: Iterable[Rows]) -> frozenset[str]:
    """Return the events of which every record has a place of its own."""
    named = [((own.get("eventID") or "").strip(), own) for rows in records for own in rows.own.values()]
    place = ("decimalLatitude", "verbatimCoordinates")
    without = {event for event, own in named if all(own.get(term) is None for term in place)}
    return frozenset({event for event, _ in named} - without - {""})


def _identifiers(
    parts: Sequence[Rows], columns: Sequence[str], missing: str, repeated: str, *, demanded: bool = True
) -> Iterator[Finding]:
    """Find rows without an identifier (blocking where it is demanded), and identifiers that an earlier row has."""
    seen: dict[str, tuple[tuple[str, str | None], int]] = {}
    folded: dict[str, tuple[str, int]] = {}
    for rows in parts:
        here = (rows.table.file, rows.table.sheet)
        there = [column for column in columns if column in rows.table.headings]
        for row, own in rows.own.items() if there else ():
            column = next((name for name in there if own.get(name) is not None), there[0])
            cell = own.get(column) or ""
            value = cell.translate(INVISIBLE).strip()
            if not value:
                is_filled = any(other is not None for name, other in own.items() if name != "source_row")
                if (row, column) not in rows.table.covered and is_filled:
                    yield rows.finding(row, column, missing, blocking=demanded)
                continue
            if cell != value:
                yield rows.finding(row, column, "IDENTIFIER_SPACES", read=value)
            alike, first = folded.setdefault(value.casefold(), (value, row))
            if value in seen:
                place, at = seen[value]
                sheet = None if place == here else place[1] or place[0]
                yield rows.finding(row, column, repeated, blocking=True, other_row=str(at), other_sheet=sheet)
            elif alike != value:
                yield rows.finding(row, column, "IDENTIFIER_CASE", blocking=False, other_row=str(first))
            seen.setdefault(value, (here, row))


def _unknown_events(parts: Sequence[Rows], events: Sequence[Rows]) -> Iterator[Finding]:
    if not any("eventID" in rows.table.headings for rows in events):
        return
    spelled = {event.strip(): event.strip().casefold() for rows in events for event in rows.cells("eventID").values()}
    near = cache(lambda value: nearest(value, spelled))
    for rows in parts:
        for row, cell in rows.cells("eventID").items():
            value = cell.strip()
            # What a camera saw in a minute is an event of its own, and a part of the camera's.
            if not value or value in spelled or (rows.own[row].get("parentEventID") or "").strip() in spelled:
                continue
            yield rows.finding(row, "eventID", "EVENT_UNKNOWN", blocking=True, near=near(value))


def _circular_parents(events: Sequence[Rows]) -> Iterator[Finding]:
    named = [own for rows in events for own in rows.own.values() if own.get("eventID") and own.get("parentEventID")]
    above = {own["eventID"].strip(): own["parentEventID"].strip() for own in named}
    for rows in events:
        for row, cell in rows.cells("eventID").items():
            event = cell.strip()
            seen, at = {event}, above.get(event)
            while at is not None and at not in seen:
                seen.add(at)
                at = above.get(at)
            if event and at == event:
                yield rows.finding(row, "parentEventID", "EVENT_PARENT_CIRCULAR", blocking=True)
