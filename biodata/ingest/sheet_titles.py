"""What stands above the headings of a sheet and is told of all rows: who, when, where, in which zone of UTM and which datum."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl

from biodata.ingest.headings import CERTAIN, Why, decided, propose
from biodata.ingest.sheet_layout import Cells, Layout
from biodata.ingest.sheet_repairs import ZONE_TOLD
from biodata.ingest.survey_sites import ANY_DAY
from biodata.parsers import dates
from biodata.parsers.coordinate_pairs import read_pair
from biodata.parsers.told_places import tells_a_place

_SIGN: Final = re.compile(r"\s*[:：៖]\s*")
_DATUM: Final = re.compile(r"(?i)wgs[\s_-]*(?:19)?84|(?:vn|cgcs)[\s-]?2000|indian 19\d\d|prs[\s-]?92|hanoi 1?9?72")
_PLACE: Final = re.compile(r"-?\d[^()（）]*")
_OF_ALL: Final = frozenset(
    """recordedBy locationID locality country stateProvince county municipality habitat samplingProtocol decimalLatitude
    decimalLongitude minimumElevationInMeters eventTime""".split()
)
"""Terms that a label may tell of all rows."""


class Told(NamedTuple):
    """What a cell above the headings tells: the term, its value, what it is called there, and where."""

    term: str
    value: str
    label: str
    row: int
    text: str


def told_above(layout: Layout) -> list[Told]:
    """Return what is told above the headings; of several that tell the same nothing."""
    found: dict[str, list[Told]] = {}
    for one in (one for row, cells in layout.above for one in _read(row, cells)):
        found.setdefault(one.term, []).append(one)
    return [same[-1] for same in found.values() if len({one.value for one in same}) == 1]


def _read(row: int, cells: Cells) -> Iterator[Told]:
    """Yield what the texts of a row tell: by their label as a heading would, by themselves a date, place, zone or datum.

    A label stands before the colon of its text, or alone before the next one.
    """
    label = ""
    for line in (line.strip() for cell in cells if cell for line in cell.splitlines() if line.strip()):
        before, *rest = _SIGN.split(line, maxsplit=1)
        if rest and not rest[0]:  # what it tells stands in the next cell
            label = before
            continue
        label, text = (before, rest[0]) if rest else (label, line)
        zone, datum, place = ZONE_TOLD.search(text), _DATUM.search(text), _PLACE.search(text)
        if zone is not None:
            yield Told("utm_zone", f"{zone[1]}{zone[2]}", label or text, row, text)
        if datum is not None:
            yield Told("geodeticDatum", datum[0], label or text, row, text)
        if place is not None and tells_a_place(text) and read_pair(place[0].strip()).latitude is not None:
            yield Told("verbatimCoordinates", place[0].strip(), label or text, row, text)
        elif _is_date(text):
            yield Told("eventDate", text, label or text, row, text)
        elif label and zone is datum is None:
            (one,) = decided(propose([label], cells={label: [text]}), {label: [text]})
            if one.term in _OF_ALL and (one.confidence > CERTAIN or one.why is Why.TAKEN):
                yield Told(one.term, text, label, row, text)
        label = ""


def _is_date(text: str) -> bool:
    """Tell whether a text is a day, several or a month, if only in one of two orders or another era."""
    (read,) = dates.parse_dates(pl.Series([text]), today=ANY_DAY).iter_rows(named=True)
    return read["precision"] in ("day", "interval", "month") or read["proposal"] is not None
