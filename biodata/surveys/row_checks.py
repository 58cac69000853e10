"""What is wrong between rows: identifiers, references to events, events above themselves."""

from collections.abc import Iterator, Sequence
from typing import Final

from rapidfuzz import process

from biodata.ingest.protocol import Finding
from biodata.parsers.area_units import INVISIBLE
from biodata.surveys.cell_checks import Rows

_NEAR: Final = 75


def identifiers(
    parts: Sequence[Rows], column: str, *, missing: str, repeated: str, demanded: bool = True
) -> Iterator[Finding]:
    """Find rows without an identifier, and identifiers that an earlier row of tables that share them has.

    One that is missing blocks only where it is demanded: a record is known by its station, time and taxon, too.
    """
    seen: dict[str, dict[str, str]] = {}
    folded: dict[str, tuple[str, dict[str, str]]] = {}
    several = len(parts) > 1
    for rows in parts:
        if column not in rows.table.headings:
            continue
        for row, own in rows.own.items():
            told = own.get(column)
            value = (told or "").translate(INVISIBLE).strip()
            if not value:
                if (row, column) not in rows.table.covered:
                    yield rows.finding(row, column, missing, blocking=demanded)
                continue
            if told != value:
                yield rows.finding(row, column, "IDENTIFIER_SPACES", blocking=False, read=value)
            where = {"other_row": str(row)}
            where |= {"other_sheet": rows.table.sheet or rows.table.file} if several else {}
            before = folded.setdefault(value.casefold(), (value, where))
            if value in seen:
                yield rows.finding(row, column, repeated, blocking=True, **seen[value])
            elif before[0] != value:
                yield rows.finding(row, column, "IDENTIFIER_CASE", blocking=False, **before[1])
            seen.setdefault(value, where)


def unknown_events(parts: Sequence[Rows], events: Sequence[Rows]) -> Iterator[Finding]:
    """Find records of events that the survey does not have."""
    if not any("eventID" in rows.table.headings for rows in events):
        return
    known = [str(own["eventID"]).strip() for rows in events for own in rows.own.values() if own.get("eventID")]
    spelled = {one: one.casefold() for one in known}
    near: dict[str, str | None] = {}
    for rows in parts:
        if "eventID" not in rows.table.headings:
            continue
        for row, own in rows.own.items():
            value = (own.get("eventID") or "").strip()
            # What a camera saw in a minute is an event of its own, and a part of the camera's.
            if not value or value in spelled or (own.get("parentEventID") or "").strip() in spelled:
                continue
            if value not in near:
                best = process.extractOne(value.casefold(), spelled, score_cutoff=_NEAR)
                near[value] = None if best is None else str(best[2])
            meant = near[value]
            yield rows.finding(row, "eventID", "EVENT_UNKNOWN", blocking=True, **({"near": meant} if meant else {}))


def circular_parents(events: Sequence[Rows]) -> Iterator[Finding]:
    """Find events that are above themselves, directly or over others."""
    above = {
        str(own["eventID"]).strip(): str(own["parentEventID"]).strip()
        for rows in events
        for own in rows.own.values()
        if own.get("eventID") and own.get("parentEventID")
    }
    for rows in events:
        for row, own in rows.own.items():
            event = str(own.get("eventID") or "").strip()
            seen, at = {event}, above.get(event)
            while at is not None and at not in seen:
                seen.add(at)
                at = above.get(at)
            if event and at == event:
                yield rows.finding(row, "parentEventID", "EVENT_PARENT_CIRCULAR", blocking=True)
