"""In which time zone an event's times stand: as told, as in its dates, as declared, else that of its side of the border."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from biodata.harmonise.date_zones import read_zone
from biodata.harmonise.event_cells import cells
from biodata.harmonise.findings import Findings
from biodata.text import times
from biodata.text.countries import parse_countries


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
