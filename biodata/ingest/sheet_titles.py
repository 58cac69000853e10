"""What stands above the headings of a sheet and is told of all rows: who, when, where, in which zone of UTM and which datum."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

import polars as pl

from biodata.ingest.headings import CERTAIN, Why, decided, propose
from biodata.ingest.sheet_headings import is_known
from biodata.ingest.sheet_layout import Cells, Layout
from biodata.ingest.sheet_repairs import ZONE_TOLD
from biodata.ingest.survey_sites import ANY_DAY
from biodata.text import dates
from biodata.text.coordinate_pairs import read_pair
from biodata.text.numbers import ascii_digits
from biodata.text.proposals import tells_a_place

_SIGN: Final = re.compile(r"\s*[:：៖]\s*")
_DATUM: Final = re.compile(
    r"(?i)wgs[\s_-]*(?:19)?84|vn[\s-]?2000|cgcs[\s-]?2000|indian 19\d\d|prs[\s-]?92|hanoi 1?9?72"
)
_PLACE: Final = re.compile(r"-?\d[^()（）]*")
_OF_ALL: Final = frozenset(
    """recordedBy locationID locality country stateProvince county municipality habitat samplingProtocol decimalLatitude
    decimalLongitude easting northing minimumElevationInMeters eventTime""".split()
)
"""Terms that a label may tell of all rows."""
_LINES: Final = re.compile(r"[\r\n]+|\s{2,}")
_ONE_COORDINATE: Final = ("decimalLatitude", "decimalLongitude", "easting", "northing")
_YEAR: Final = re.compile(r"(?<!\d)(?:19[5-9]\d|20[0-4]\d|2[45]\d\d)(?!\d)")
_DAY_MONTH: Final = re.compile(r"(\d{1,2})([-/. 月]?) ?(?:\d{1,2}日?|[^\W\d][^\d]*)")
_DAYS: Final = ("day", "interval", "month")


class Told(NamedTuple):
    """What a cell above the headings tells: the term, its value, what it is called there, and where."""

    term: str
    value: str
    label: str
    row: int
    text: str


def told_above(layout: Layout) -> list[Told]:
    """Return what is told above the headings; of several that tell the same nothing."""
    found = [one for row, cells in layout.above for label, text in _labelled(cells) for one in _read(row, label, text)]
    values = {one.term: {other.value for other in found if other.term == one.term} for one in found}
    return [one for one in {one.term: one for one in found}.values() if len(values[one.term]) == 1]


def _labelled(cells: Cells) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row with what stands before their colon; a label alone is of the text behind it."""
    texts = [line.strip() for cell in cells if cell for line in _LINES.split(cell) if line.strip()]
    label = ""
    for text, after in zip_longest(texts, texts[1:]):
        before, *rest = _SIGN.split(text, maxsplit=1)
        # What it says stands in the next cell.
        names_next = (is_known(text) and not is_known(after or "")) or (
            tells_a_place(after or "") and not tells_a_place(text)
        )
        if (rest and not rest[0]) or (not rest and not label and after and names_next):
            label = before
            continue
        yield (before, rest[0]) if rest else (label, text)
        label = ""


def _read(row: int, label: str, text: str) -> Iterator[Told]:
    """Yield what a text tells: by its label as a heading would, by itself where it is a date, a place, a zone or a datum."""
    zone, datum, place = ZONE_TOLD.search(text), _DATUM.search(text), _PLACE.search(text)
    labelled = _of_label(label, text) if label and zone is datum is None else None
    if zone is not None:
        yield Told("utm_zone", f"{zone[1]}{zone[2]}", label or text, row, text)
    if datum is not None:
        yield Told("geodeticDatum", datum[0], label or text, row, text)
    if labelled in _ONE_COORDINATE:
        yield Told(labelled, text, label, row, text)
    elif place is not None and tells_a_place(text) and read_pair(place[0].strip()).latitude is not None:
        yield Told("verbatimCoordinates", place[0].strip(), label or text, row, text)
    elif _is_date(text):
        yield Told("eventDate", text, label or text, row, text)
    elif labelled is not None:
        yield Told(labelled, text, label, row, text)


def _of_label(label: str, text: str) -> str | None:
    """Return the term that a label surely has with a text beside it, of those that may be of all rows."""
    (one,) = decided(propose([label], cells={label: [text]}), {label: [text]})
    return (
        one.term if one.term in (*_OF_ALL, "eventDate") and (one.confidence > CERTAIN or one.why is Why.TAKEN) else None
    )


def _is_date(text: str) -> bool:
    """Tell whether a text is a day, several or a month, if only in one of two orders or another era."""
    (read,) = dates.parse_dates(pl.Series([text]), today=ANY_DAY).iter_rows(named=True)
    bare = ascii_digits(text).replace(".", "").isdigit() and len(text) != len("20260301")
    return not bare and (read["precision"] in _DAYS or read["proposal"] is not None)


def year_of(layout: Layout) -> str | None:
    """Return the one year that stands above the headings of a sheet, else in its name, else in its file's name."""
    above = " ".join(cell for _, cells in layout.above for cell in cells if cell is not None)
    for text in (above, layout.grid.name or "", layout.grid.file.rpartition(".")[0]):
        if len(years := set(_YEAR.findall(ascii_digits(text)))) == 1:
            return str(years.pop())
    return None


def with_year(text: str, year: str) -> str | None:
    """Return a day and month with a year; None for any other text, and for a day that is in no year."""
    parts = _DAY_MONTH.fullmatch(ascii_digits(text.strip()))
    if parts is None:
        return None
    signs = parts[2] if parts[2] in "-/." and parts[2] else " "
    whole = f"{year}年{parts[0]}" if "月" in text else f"{text.strip()}{signs}{year}"
    (read,) = dates.parse_dates(pl.Series([whole]), today=ANY_DAY).iter_rows(named=True)
    return whole if read["precision"] == "day" or read["proposal"] is not None else None
