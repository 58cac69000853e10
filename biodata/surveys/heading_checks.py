"""What is wrong with a survey's headings: columns that are missing, and headings that are not known."""

from collections.abc import Iterator
from typing import Final

from biodata.ingest.heading_stand_in import propose
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_tables import Survey, SurveyTable
from biodata.terms import VERBATIM_TERMS
from biodata.terms.events import EVENT_TERMS

_NEEDED: Final = (
    ("occurrenceID", ()),
    ("eventDate", ("verbatimEventDate", "year", "deploymentStart")),
    ("scientificName", ("verbatimScientificName", "taxonID")),
    ("decimalLatitude", ("verbatimCoordinates", "verbatimLatitude")),
    ("decimalLongitude", ("verbatimCoordinates", "verbatimLongitude")),
)
"""What a record cannot do without, with what may stand in for it."""

_OF_EVENTS: Final = ("eventDate", "decimalLatitude", "decimalLongitude")
_KNOWN: Final = frozenset((*VERBATIM_TERMS, *EVENT_TERMS, "deploymentStart", "deploymentEnd", "easting", "northing", "utm_zone", "perpendicular_distance_m"))  # fmt: skip


def headings(survey: Survey) -> Iterator[Finding]:
    """Find what is wrong with the headings of every table."""
    of_events = {name for table in survey.of("events") if "eventID" in table.headings for name in table.headings}
    for table in survey.tables:
        unknown = [name for name in table.headings if name not in _KNOWN]
        proposed = {one.heading: one.term for one in propose(unknown, sheet=table.sheet) if one.term}
        if table.kind == "occurrences":
            yield from _missing(table, of_events, proposed)
        for name in unknown:
            params = {"proposal": proposed[name]} if name in proposed else {}
            yield Finding(table.file, table.sheet, table.heading_row, table.heading(name), name, "HEADING_UNKNOWN", False,
                          params)  # fmt: skip
        if table.frame.is_empty():
            yield Finding(
                table.file, table.sheet, table.heading_row, None, None, "SHEET_EMPTY", table.kind == "occurrences"
            )


def _missing(table: SurveyTable, of_events: set[str], proposed: dict[str, str]) -> Iterator[Finding]:
    """Find columns that are missing."""
    for name, others in _NEEDED:
        own = {name, *others} & table.headings.keys()
        of_event = name in _OF_EVENTS and "eventID" in table.headings and {name, *others} & of_events
        if not own and not of_event:
            meant = next((heading for heading, term in proposed.items() if term == name), None)
            params = {"term": name} | ({"proposal": meant} if meant else {})
            yield Finding(table.file, table.sheet, table.heading_row, name, None, "HEADING_MISSING", True, params)
