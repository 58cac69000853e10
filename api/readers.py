"""How values of parameters are read: text in, a number, a date, a filter of the store or a part of the rows out."""

import calendar
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Final

from starlette.datastructures import QueryParams

from api import gbif_names, vocabularies
from api.dependencies import Opened
from api.errors import Code, ProblemError, invalid
from biodata import lists
from biodata.core.phrases import Phrase
from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    Contains,
    DayOfYear,
    Differ,
    Filter,
    In,
    IsNull,
    Like,
    Listed,
    Not,
    Or,
)

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T[0-9:.]{2,20}(?:Z|[+-]\d{2}:?\d{2})?)?)?)?", re.ASCII)


def read_dates(name: str, value: str, *, separator: str) -> tuple[date | None, date | None]:
    """Read a day, month or year, or two of them, into the first and the last day.

    Parameters
    ----------
    name, value : str
        The parameter.
    separator : str
        What stands between two: a comma in GBIF's API, a slash in OGC's.

    Returns
    -------
    (date or None, date or None)
        None is an open end, told as `*`, `..` or nothing.

    Raises
    ------
    ProblemError
        If a date cannot be read, or the last day lies before the first.
    """
    parts = value.split(separator)
    if len(parts) > 2:
        raise invalid(field=name, value=value, expected=f"one date, or two with {separator!r} between them")
    first, last = _first_or_last_day(name, parts[0], last=False), _first_or_last_day(name, parts[-1], last=True)
    if first is not None and last is not None and last < first:
        raise invalid(field=name, value=value, expected="an end that does not lie before the start")
    return first, last


def _first_or_last_day(name: str, text: str, *, last: bool) -> date | None:
    """Return the first or the last day that a date allows."""
    if text in ("*", "..", ""):
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise invalid(field=name, value=text, expected="a date such as 2019, 2019-05 or 2019-05-31")
    try:
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        return date(year, month, int(match[3] or (calendar.monthrange(year, month)[1] if last else 1)))
    except ValueError as error:
        raise invalid(field=name, value=text, expected="a day of the calendar") from error


def within(first: date | None, last: date | None) -> Filter:
    """Return the filter for records whose whole date lies between two days; with only a year, the whole year must."""
    dated: list[Filter] = [Compare("event_start", ">=", first)] if first else [Between("event_start", None, None)]
    dated += [Compare("event_end", "<=", last)] if last else []
    low = first and (first.year if (first.month, first.day) == (1, 1) else first.year + 1)
    high = last and (last.year if (last.month, last.day) == (12, 31) else last.year - 1)
    return Or((And(tuple(dated)), And((IsNull("event_start"), Between("year", low, high)))))


def overlaps(first: date | None, last: date | None) -> Filter:
    """Return the filter for records whose date may lie between two days; of some records only the year is published."""
    dated: list[Filter] = [Compare("event_end", ">=", first)] if first else [Between("event_end", None, None)]
    dated += [Compare("event_start", "<=", last)] if last else []
    year = Between("year", first and first.year, last and last.year)
    return Or((And(tuple(dated)), And((IsNull("event_start"), year))))


Reader = Callable[[str, str, Opened], Filter]
"""Turns a parameter's name, one value and the release's look-ups into a filter."""

DAY_PRECISIONS: Final = ("day", "time", "interval")
"""The precisions of dates that tell a day."""

_OPEN_ENDS: Final = ("*", "")
_SEASONS: Final = frozenset({"month", "startDayOfYear", "endDayOfYear"})
_INTEGER: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"-?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})", re.ASCII)


def composed(text: str) -> str:
    """Return text with letters and their marks as one sign (NFC), as records hold it; some keyboards send them apart."""
    return unicodedata.normalize("NFC", text)


def integer(name: str, value: str) -> int:
    """Read a whole number."""
    if not _INTEGER.fullmatch(value):
        raise invalid(field=name, value=value, expected="a whole number")
    return int(value)


def one_of(name: str, value: str, known: Collection[str]) -> str:
    """Read one of the words that are known."""
    if value not in known:
        raise invalid(field=name, value=value, expected=Phrase("one of {a}", a=", ".join(known)))
    return value


def number(name: str, value: str) -> float:
    """Read a number; NaN and infinity are none."""
    if not _NUMBER.fullmatch(value):
        raise invalid(field=name, value=value, expected="a number such as 21.5")
    return float(value)


def boolean(name: str, value: str) -> bool:
    """Read true or false."""
    if value.lower() not in ("true", "false"):
        raise invalid(field=name, value=value, expected="true or false")
    return value.lower() == "true"


def equal_text(column: str) -> Reader:
    """Read text that is equal, upper and lower case apart."""
    return lambda _name, value, _lookup: Compare(column, "=", value, ignore_case=True)


def code(column: str) -> Reader:
    """Read a value of a column's vocabulary, in any letter case."""

    def read(name: str, value: str, lookup: Opened) -> Filter:
        is_open = vocabularies.COLUMNS[column].is_open if column in vocabularies.COLUMNS else False
        return Compare(column, "=", vocabularies.spelling(name, column, value, lookup), ignore_case=is_open)

    return read


def number_range(column: str, read_one: Callable[[str, str], float]) -> Reader:
    """Read a number, or two with a comma between them, * leaving an end open; a missing value is in no range."""

    def read(name: str, value: str, _: Opened) -> Filter:
        if "," not in value:
            return Compare(column, "=", _checked(name, column, read_one(name, value)))
        return Between(column, *_ends(name, column, value, read_one))

    return read


def _ends(
    name: str, column: str, value: str, read_one: Callable[[str, str], float]
) -> tuple[float | None, float | None]:
    """Read both ends of a range, the first not behind the last; None is an open end."""
    low, _, high = (part.strip() for part in value.partition(","))
    if low in _OPEN_ENDS and high in _OPEN_ENDS and "*" not in value:
        raise invalid(field=name, value=value, expected="a number, or two with a comma between them")
    first, last = (None if end in _OPEN_ENDS else _checked(name, column, read_one(name, end)) for end in (low, high))
    if first is not None and last is not None and first > last:
        seasons = f"; over the end of a year ask twice, {name}={low},*&{name}=*,{high}" if column in _SEASONS else ""
        raise invalid(field=name, value=value, expected=f"the lesser number first{seasons}")
    return first, last


def _checked(name: str, column: str, value: float) -> float:
    """Return a number that a record can have."""
    vocabularies.check_number(name, column, value)
    return value


def present(column: str) -> Reader:
    """Read whether there is a value at all."""
    return lambda name, value, _: Not(IsNull(column)) if boolean(name, value) else IsNull(column)


def days_of_year(column: str) -> Reader:
    """Read a day of the year, or two; a date that is known only by its year or month has none."""

    def read(name: str, value: str, _: Opened) -> Filter:
        ends = _ends(name, name, value if "," in value else f"{value},{value}", integer)
        days = In("event_precision", DAY_PRECISIONS)
        return And((days, DayOfYear(column, *(None if end is None else int(end) for end in ends))))

    return read


def repatriated(name: str, value: str, _: Opened) -> Filter:
    """Read whether the record was published from another country than it is from."""
    other = Differ("countryCode", "publishingCountry")
    return other if boolean(name, value) else Not(other)


def flag(column: str) -> Reader:
    """Read true or false of a column."""
    return lambda name, value, _: Compare(column, "=", boolean(name, value))


def sequenced(name: str, value: str, _: Opened) -> Filter:
    """Read whether a sequence is linked: of no record here."""
    return Or(()) if boolean(name, value) else And(())


def listed(kind: str, known: Sequence[str] = ()) -> Reader:
    """Read a value of a status that lists give the taxon where the record lies; `*` is any."""

    def read(name: str, value: str, lookup: Opened) -> Filter:
        values = () if value == "*" else (one_of(name, value, known) if known else value,)
        return _said(kind, values, lookup)

    return read


def invasive(name: str, value: str, lookup: Opened) -> Filter:
    """Read whether a list has the taxon as invasive where the record lies."""
    found = _said(lists.INVASIVE, ("true",), lookup)
    return found if boolean(name, value) else Not(found)


def endemic(name: str, value: str, lookup: Opened) -> Filter:
    """Read the area to which lists have the taxon as endemic."""
    return _said(lists.ENDEMIC, (), lookup, value.upper())


def _said(kind: str, values: tuple[str, ...], lookup: Opened, area: str | None = None) -> Listed:
    """Return what asks for a status at the ranks that lists give it to, and of no place where all hold everywhere."""
    of_kind = Compare("kind", "=", kind)
    ranks, areas = (
        {str(value) for value, _ in lookup.file.facet("taxon_statuses", of_kind, column, limit=100)}
        for column in ("taxonRank", "area")
    )
    return Listed(
        kind, values, area or (lists.GLOBAL if areas == {lists.GLOBAL} else None), tuple(sorted(ranks)) or ("SPECIES",)
    )


def issue(name: str, value: str, lookup: Opened) -> Filter:
    """Read the name of a doubt, GBIF's or ours."""
    return Contains("quality_flags", vocabularies.spelling(name, "quality_flags", value, lookup))


def taxonomic_issue(name: str, value: str, lookup: Opened) -> Filter:
    """Read the name of a doubt about the name."""
    if not value.upper().startswith(gbif_names.TAXONOMIC_ISSUES):
        raise invalid(field=name, value=value, expected="an issue of names, such as TAXON_MATCH_FUZZY")
    return issue(name, value, lookup)


def geospatial_issue(name: str, value: str, _: Opened) -> Filter:
    """Read whether any of GBIF's four grave doubts about the place is there."""
    any_of = Or(tuple(Contains("quality_flags", flag) for flag in gbif_names.GEOSPATIAL_ISSUES))
    # A record without a list of doubts has none of them, so the list's absence must not make it fall out of both.
    return any_of if boolean(name, value) else Or((IsNull("quality_flags"), Not(any_of)))


def event_date(name: str, value: str, _: Opened) -> Filter:
    """Read a day, month, year or range that a record's whole date lies in."""
    return within(*read_dates(name, value, separator=","))


def moment(column: str) -> Reader:
    """Read a moment that the text begins with, or two that it lies between."""

    def read(name: str, value: str, _: Opened) -> Filter:
        read_dates(name, value, separator=",")
        low, comma, high = value.partition(",")
        ends = (low, high) if comma else (low, low)
        # A longer text with the same beginning sorts after it: the last character there is closes the range.
        return Between(
            column, None if ends[0] in _OPEN_ENDS else ends[0], None if ends[1] in _OPEN_ENDS else f"{ends[1]}~"
        )

    return read


def like_literal(value: str) -> str:
    r"""Return text that LIKE takes as it stands: %, _ and \ lose their meaning."""
    return re.sub(r"([%_\\])", r"\\\1", value)


def media(name: str, value: str, lookup: Opened) -> Filter:
    """Read a kind of media."""
    kind = vocabularies.spelling(name, "mediaType", value, lookup)
    return Like("mediaType", f"%{like_literal(kind)}%", ignore_case=True)


WINDOW: Final = 100_000
"""Where paging by offset ends, as at GBIF; a cursor has no end."""


def window(query: QueryParams, *, default: int, most: int, least: int = 0, cut: bool = False) -> tuple[int, int]:
    """Return limit and offset.

    Parameters
    ----------
    query : QueryParams
        The request's parameters.
    default : int
        The limit where none is given.
    most : int
        A limit above it is refused.
    least : int
        A limit below it is refused.
    cut : bool
        A limit above `most` is cut to it instead: OGC API Features asks for that, and GDAL reads nothing else.

    Raises
    ------
    ProblemError
        If one of them is no whole number, too small or too large, or together they lie beyond the window.
    """
    limit, offset = integer("limit", query.get("limit", str(default))), integer("offset", query.get("offset", "0"))
    if limit < least or (limit > most and not cut):
        expected = (
            f"{least} to {most}; the Link header, a cursor or offset goes on" if limit > most else f"{least} or more"
        )
        raise invalid(field="limit", value=str(limit), expected=expected)
    if offset < 0:
        raise invalid(field="offset", value=str(offset), expected="0 or more")
    limit = min(limit, most)
    if offset + limit > WINDOW:
        detail = f"offset {offset} + limit {limit} is more than {WINDOW}"
        expected = "follow the Link header, or the link, with rel=next, which has no end"
        raise ProblemError(Code.WINDOW_EXCEEDED, detail, field="offset", expected=expected)
    return limit, offset
