"""Events in time: their first and last day from two columns, ends before starts, and places that their records tell."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import polars as pl

from biodata.ingest.protocol import Finding
from biodata.ingest.survey_periods import ENDS, read_ends
from biodata.surveys.cell_checks import Rows


def of_events(
    rows: Rows, frame: pl.DataFrame, told: Iterable[Finding], placed: frozenset[str], today: date
) -> Iterator[Finding]:
    """Tell what is wrong with events: of their start and end each cell, of a missing place only where it is needed.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    frame : polars.DataFrame
        The same with their `eventDate`.
    told : iterable of Finding
        What is found of their cells.
    placed : frozenset of str
        Events whose records all tell their place.
    today : date
        The present day.
    """
    for finding in told:
        own = rows.own.get(finding.row or 0, {})  # what is told of a heading is of no event
        if finding.code == "COORDINATE_MISSING" and (own.get("eventID") or "").strip() in placed:
            continue
        yield finding
    if "eventDate" in rows.table.headings or "eventDate" not in frame.columns:
        return
    read = read_ends(rows.table.frame, today)
    numbers = rows.table.frame["source_row"].to_list()
    for name, ends in read.items():
        for row, end in zip(numbers, ends.iter_rows(named=True), strict=True):
            if end["value"] is None:
                code = "RECORDED_DATE_MISSING" if name == ENDS[0] else "EVENT_END_MISSING"
                yield rows.finding(row, name, code, blocking=name == ENDS[0])
            elif end["issue"] is not None:
                params = {"proposal": " / ".join(filter(None, (end["proposal"], end["alternative"])))}
                yield rows.finding(row, name, end["issue"], blocking=True, **(params if params["proposal"] else {}))
            elif end["rule"] is not None:
                yield rows.finding(row, name, "VALUE_READ_AS", blocking=False, read=end["event_date"],
                                   rule=end["rule"])  # fmt: skip
    if len(read) == 2:
        both = zip(numbers, *(ends.select("event_date", "start").iter_rows() for ends in read.values()), strict=True)
        for row, (start, first), (_, last) in both:
            if first is not None and last is not None and last < first:
                yield rows.finding(row, ENDS[1], "EVENT_ENDS_BEFORE_START", blocking=True, start=start)


def periods(rows: Rows, interpreted: pl.DataFrame) -> dict[str, tuple[date, date]]:
    """Return the first and last day of each event whose date is read."""
    found: dict[str, tuple[date, date]] = {}
    for row, first, last in interpreted.select("source_row", "event_start", "event_end").iter_rows():
        event = (rows.own[row].get("eventID") or "").strip()
        is_open = ENDS[1] in rows.table.headings and rows.own[row].get(ENDS[1]) is None
        if event and first is not None and last is not None and not is_open:
            found.setdefault(event, (first, last))
    return found


def events_with_records_placed_themselves(records: Sequence[Rows]) -> frozenset[str]:
    """Return the events of which every record tells its place itself."""
    all_, without = set(), set()
    for rows in records:
        for own in rows.own.values():
            event = (own.get("eventID") or "").strip()
            all_.add(event)
            if own.get("decimalLatitude") is None and own.get("verbatimCoordinates") is None:
                without.add(event)
    return frozenset(all_ - without - {""})
