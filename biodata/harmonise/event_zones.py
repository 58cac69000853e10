"""In which time zone an event's times stand: as told, as in its dates, as declared, else that of its side of the border."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.harmonise.event_times import cells
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.text import times
from biodata.text.countries import parse_countries
from biodata.text.numbers import ascii_digits

# The offset from UTC of times that tell none: of their event, as declared, else proposed from the country.

RULE: Final = "zone_of_country"
OF_EVENT: Final = "zone_of_event"
COLUMN: Final = "timeZone"
"""Where a record's row has the zone that is told of its event, or of the event's site or camera."""

_OFFSET: Final = re.compile(r"(?:UTC|GMT|ICT)?\s*([+\-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_UNZONED: Final = r"(T[0-9:.]+)(/|$)"


def read_zone(text: str) -> str | None:
    """Return a zone as ±HH:MM or its IANA name; None where it is neither.

    Examples
    --------
    >>> read_zone("UTC+7")
    '+07:00'
    """
    short = ascii_digits(text).strip()
    match = _OFFSET.fullmatch(short)
    if match is not None:
        sign = "-" if match[1] in "-\u2212" else "+"
        short = f"{sign}{int(match[2]):02}:{match[3] or '00'}"
    elif short.upper() in ("Z", "UTC", "GMT"):
        short = "+00:00"
    return short if times.is_zone(short) else None


def declared_zone(name: str | None) -> str | None:
    """Return the zone that is declared, an offset (+07:00) or an IANA name (Asia/Yangon); None where none is.

    Raises
    ------
    InputError
        If it is neither.
    """
    if name is not None and not times.is_zone(name):
        problem = "the time_zone that is declared is neither an offset from UTC nor an IANA name"
        expected = "+07:00 or Asia/Bangkok for Indochina"
        raise InputError(problem, column="time_zone", value=name, expected=expected, code="DECLARATION_UNKNOWN")
    return name


def of_event(columns: Mapping[str, pl.Series], told: Told) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Give times that tell no zone the offset that the zone of their event had then.

    Parameters
    ----------
    columns : mapping of str to Series of n rows
        `eventDate`, `event_start`, `event_time`, `event_zone` and others.
    told : Told
        The same n rows.

    Returns
    -------
    columns : dict of str to Series
        The same, with `event_zone` and the offset in `eventDate`.
    repairs : list of DataFrame
        Of `findings.REPAIR_ROWS`, applied.
    """
    cells = told.other(COLUMN)
    if cells is None:
        return dict(columns), []
    read = {text: one for text in cells.drop_nulls().unique() if (one := read_zone(text)) is not None}
    zone = pl.col("told").replace_strict(read, default=None, return_dtype=pl.String)
    frame = pl.DataFrame(
        [
            columns["eventDate"],
            columns["event_start"],
            columns["event_time"],
            columns["event_zone"],
            cells.alias("told"),
        ]
    ).with_columns(zone=pl.when(pl.col("event_time").is_not_null() & pl.col("event_zone").is_null()).then(zone))
    there = frame["zone"].drop_nulls().unique().sort()
    if there.is_empty():
        return dict(columns), []
    offset = pl.coalesce(
        pl.when(pl.col("zone") == name).then(times.offsets(pl.col("event_start"), pl.col("event_time"), name))
        for name in there
    )
    found = frame.with_columns(offset=offset)
    known = found["offset"].drop_nulls().unique().sort()
    dated = pl.coalesce(
        *(
            pl.when(pl.col("offset") == one).then(pl.col("eventDate").str.replace_all(_UNZONED, f"${{1}}{one}${{2}}"))
            for one in known
        ),
        "eventDate",
    )
    filled = found.select(eventDate=dated, event_zone=pl.coalesce("event_zone", "offset"))
    noted = repairs(found["offset"].is_not_null(), "event_zone", found["offset"], OF_EVENT, applied=True)
    return {**columns, "eventDate": filled["eventDate"], "event_zone": filled["event_zone"]}, [noted]


def with_declared(frame: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    """Give times that tell no zone the offset that the declared zone had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    zone : str, optional
        What `declared_zone` returned.

    Returns
    -------
    polars.DataFrame of n rows
    """
    if zone is None or not frame.select((pl.col("time").is_not_null() & pl.col("zone").is_null()).any()).item():
        return frame
    return frame.with_columns(zone=pl.col("zone").fill_null(times.offsets(pl.col("start"), pl.col("time"), zone)))


def proposals(frame: pl.DataFrame, told: Told) -> pl.DataFrame:
    """Propose for times that still have no zone the offset that the stated country had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    told : Told
        The same n rows.

    Returns
    -------
    polars.DataFrame of `findings.REPAIR_ROWS`, none of them applied
    """
    nothing = pl.Series([False]).new_from_index(0, told.height)
    if not told.has("countryCode", "country"):
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    lacking = frame.with_row_index("row").filter(pl.col("time").is_not_null() & pl.col("zone").is_null())
    if lacking.is_empty():
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    stated = told.first_of("countryCode", "country").gather(lacking["row"])
    lacking = lacking.with_columns(country=parse_countries(stated)["code"])
    offset = times.country_offsets(pl.col("country"), pl.col("start"), pl.col("time"))
    lacking = lacking.select("row", value=offset).drop_nulls()
    return lacking.select(
        "row", term=pl.lit("event_zone"), value="value", rule=pl.lit(RULE), applied=pl.lit(value=False)
    )


def interpret(
    told: pl.DataFrame, ends: pl.DataFrame, country_codes: pl.Series, *, declared: str | None = None
) -> Findings:
    """Find the time zone and the side of events.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: `timeZone` and `side`, where there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.
    country_codes : Series of list of str, length n
        Countries that each place may lie in.
    declared : str, optional
        The zone that the dataset declares.

    Returns
    -------
    Findings of n rows
        `time_zone` and `side`. A zone that is taken from the side is flagged as assumed; where no side is told and the
        place may lie in several countries, theirs is taken if all have the same offset at that time, else none.
    """
    zone_texts, side_texts = cells(told, "timeZone", "side").get_columns()
    sides = parse_countries(side_texts)["code"]
    rows = [
        _zone(zone, offset, declared, [side] if side else list(codes if codes is not None else ()), start)
        for zone, offset, side, codes, start in zip(
            zone_texts, ends["offset"], sides, country_codes, ends["start"], strict=True
        )
    ]
    frame = pl.DataFrame(rows, schema={"time_zone": pl.String, "flag": pl.String}, orient="row")
    only = pl.select(pl.when(country_codes.list.len() == 1).then(country_codes.list.first())).to_series()
    flags = {flag: frame["flag"] == flag for flag in frame["flag"].drop_nulls().unique(maintain_order=True)}
    told_side = side_texts.is_not_null()
    flags["SIDE_INVALID"] = told_side & sides.is_null()
    side = pl.select(pl.coalesce(sides, pl.when(~told_side).then(only))).to_series()
    return Findings({"time_zone": frame["time_zone"], "side": side}, flags)


def _zone(
    told: str | None, offset: int | None, declared: str | None, countries: Sequence[str], start: datetime | None
) -> tuple[str | None, str | None]:
    """Return one event's zone and the doubt about it."""
    doubt = None
    if told is not None:
        read = read_zone(told)
        if read is not None:
            return read, None
        doubt = "TIME_ZONE_INVALID"
    if offset is not None:
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}", doubt
    if declared is not None:
        return declared, doubt
    if start is None:
        return None, doubt  # there is no time that a zone could be about
    names = [times.COUNTRY_ZONES[code].name for code in countries if code in times.COUNTRY_ZONES]
    if not names or len(names) < len(countries):
        return None, doubt or "TIME_ZONE_MISSING"
    if len(names) == 1:
        return names[0], doubt or "TIME_ZONE_ASSUMED"
    offsets = {times.offset_at(name, start.date(), start.strftime("%H:%M")) for name in names}
    agreed = offsets.pop() if len(offsets) == 1 else None
    return agreed, doubt or ("TIME_ZONE_ASSUMED" if agreed else "TIME_ZONE_MISSING")
