"""What is wrong with a survey's headings: columns that are missing, and headings that are not known."""

from collections.abc import Iterator
from typing import Final

from biodata.ingest.headings import Why
from biodata.ingest.headings.dictionary import TERMS
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import Survey, SurveyTable

_NEEDED: Final = (
    ("eventDate", ("verbatimEventDate", "year", "deploymentStart")),
    ("scientificName", ("verbatimScientificName", "taxonID", "vernacularName")),
    ("decimalLatitude", ("verbatimCoordinates", "verbatimLatitude")),
    ("decimalLongitude", ("verbatimCoordinates", "verbatimLongitude")),
)
"""What a record cannot do without, with what may stand in for it."""

_OF_EVENTS: Final = ("eventDate", "decimalLatitude", "decimalLongitude")
_LIKELY: Final = 0.5


def headings(survey: Survey) -> Iterator[Finding]:
    """Find what is wrong with the headings of every table."""
    # Sites tell the place of the events that name them.
    placed = any({"eventID", "locationID"} <= table.headings.keys() for table in survey.of("events"))
    of_sites = {name for table in survey.of("sites") for name in table.headings} if placed else set()
    of_events = of_sites.union(*(table.headings for table in survey.of("events") if "eventID" in table.headings))
    for table in survey.tables:
        if table.kind == "occurrences":
            yield from _missing(table, of_events)
        if table.kind == "events" and "eventID" not in table.headings and not table.frame.is_empty():
            yield _lacks(table, "eventID")
        for name in table.headings:
            if name not in TERMS and name not in table.measured and name not in table.converted.values():
                yield _uncertain(table, name)
        if table.frame.is_empty():
            # Events without any record are a survey in which nothing was found.
            blocks = table.kind == "occurrences" and all(events.frame.is_empty() for events in survey.of("events"))
            yield Finding(table.file, table.sheet, table.heading_row, None, None, "SHEET_EMPTY", blocks)


def _uncertain(table: SurveyTable, name: str) -> Finding:
    """Tell a heading that is not known, or that may mean several things, and what is likeliest."""
    proposal = table.proposals.get(name)
    params, code = {}, Why.UNKNOWN.value
    if proposal is not None and proposal.term is not None and proposal.confidence >= _LIKELY:
        code, params = proposal.why.value, {"term": proposal.term, "others": ", ".join(proposal.others)}
        again = proposal.why is Why.REPEATED  # another heading means the same: nothing is proposed for this one
        params |= ({} if again else {"near": proposal.term}) | ({"unit": proposal.unit} if proposal.unit else {})
    return table.finding(table.heading_row, table.heading(name), name, code, False, **params)


def _missing(table: SurveyTable, of_events: set[str]) -> Iterator[Finding]:
    for name, others in _NEEDED:
        own = {name, *others} & table.headings.keys()
        of_event = name in _OF_EVENTS and "eventID" in table.headings and {name, *others} & of_events
        if not own and not of_event:
            yield _lacks(table, name)


def _lacks(table: SurveyTable, name: str) -> Finding:
    meant = max((p for p in table.proposals.values() if p.term == name), key=lambda p: p.confidence, default=None)
    params = {"term": name} | ({"near": repr(meant.heading)} if meant else {})
    return table.finding(table.heading_row, name, None, "HEADING_MISSING", True, **params)
