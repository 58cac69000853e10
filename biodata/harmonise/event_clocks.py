"""Clocks of cameras: set back to a factory's date, twelve hours off, running fast or slow; found, and never changed.

Each fault is told of one deployment with what would have to be added to its times, as narrow as it can be known. Whoever
was there decides; what is decided is told in `clockCorrection` with the next upload.

What a clock should have shown is known of moments: when the camera was set up and taken down (`cameraClockAtStart`,
`cameraClockAtEnd`, or an image that was made then). Without them the order of the images and the time in which the camera
stood there say between which times a shift lies, and the animals whether night was day.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

import polars as pl

from biodata.harmonise.event_cells import cells
from biodata.harmonise.event_times import DAY, read_moment
from biodata.harmonise.findings import Findings
from biodata.parsers.bundled import read_rows

CLOSE: Final = timedelta(minutes=5)
"""What people's watches differ by, and what nobody needs to mend."""
HALF_DAY: Final = timedelta(hours=12)
_NEARLY: Final = timedelta(minutes=30)
YEARS: Final = timedelta(days=180)
"""A clock that is off by more was not set wrong by hand."""

NIGHT: Final = (19, 5)
DAYLIGHT: Final = (7, 17)
"""Local hours in which it is night or day in all seasons of the region; the twilight between them tells nothing."""
LEAST_SEEN: Final = 5
"""Records of animals of the day or of the night, half an hour apart, from which on their hours tell something."""
_MOSTLY: Final = 0.8

_DURATION: Final = re.compile(
    r"([+-]?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)


class ClockFault(NamedTuple):
    """A fault of a camera's clock.

    Attributes
    ----------
    event : str
        The deployment's eventID.
    code : str
        A flag.
    first, last : int or None
        Number of the first and last image that it is about, as they were given; None for all of the deployment.
    least, greatest : timedelta or None
        Between which the time lies that would have to be added; of a drift what is to be added at the beginning and at the
        end.
    evidence : str
        What shows it: moments, order, hours, outside.
    """

    event: str
    code: str
    first: int | None
    last: int | None
    least: timedelta | None
    greatest: timedelta | None
    evidence: str


def interpret(told: pl.DataFrame, ends: pl.DataFrame) -> Findings:
    """Compare what the clocks of cameras showed with the moments at which they were set up and taken down.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: `cameraClockAtStart`, `cameraClockAtEnd` and `clockCorrection`, where there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.

    Returns
    -------
    Findings of n rows
    """
    names = ("cameraClockAtStart", "cameraClockAtEnd", "clockCorrection")
    shown_cells = cells(told, *names)
    found: dict[str, list[int]] = {}
    for row, (first, last, correction) in enumerate(shown_cells.iter_rows()):
        invalid = correction is not None and corrections(correction) is None
        moments = [None if text is None else read_moment(text) for text in (first, last)]
        for text, moment in zip((first, last), moments, strict=True):
            invalid |= text is not None and (moment is None or not moment.exact)
        if invalid:
            found.setdefault("CAMERA_CLOCK_INVALID", []).append(row)
        elif correction is None:
            start, end, exact = ends.select("start", "end", "exact").row(row)
            shown = [moment.at if moment else None for moment in moments]
            for fault in _of_moments("", (start, end), (shown[0], shown[1]), exact=exact):
                found.setdefault(fault.code, []).append(row)
    flags = {
        code: pl.Series([row in rows for row in range(told.height)], dtype=pl.Boolean) for code, rows in found.items()
    }
    return Findings(flags=flags)


def corrections(text: str) -> tuple[timedelta, timedelta] | None:
    """Return what is to be added to a camera's times at the beginning and at the end; None where it cannot be read.

    Parameters
    ----------
    text : str
        An ISO 8601 duration, with its sign: `PT12H`, `-PT35M`; or two with `|` between them for a clock that drifts.
        Years and months have no fixed length and are not read.
    """
    read = [_duration(part.strip()) for part in text.split("|")]
    if not 0 < len(read) <= 2 or read[0] is None or read[-1] is None:
        return None
    return read[0], read[-1]


def corrected(moments: pl.Expr, start: pl.Expr, end: pl.Expr, at_start: pl.Expr, at_end: pl.Expr) -> pl.Expr:
    """Return camera times with the correction that the deployment tells added, growing evenly where it drifts.

    Parameters
    ----------
    moments : polars.Expr of datetime
        As the camera told them.
    start, end : polars.Expr of datetime
        Of the deployment.
    at_start, at_end : polars.Expr of duration
        What is to be added then.
    """
    span = (end - start).dt.total_seconds()
    share = pl.when(span > 0).then(((moments - start).dt.total_seconds() / span).clip(0, 1)).otherwise(0.0)
    drift = (at_end - at_start).dt.total_microseconds()
    return moments + at_start + (share * drift).round().cast(pl.Duration("us"))


def faults(deployments: pl.DataFrame, images: pl.DataFrame) -> list[ClockFault]:
    """Find the faults of cameras' clocks that their images show.

    Parameters
    ----------
    deployments : polars.DataFrame
        `eventID`; `start` and `end`, local datetimes; `exact`, whether their times of day are told. Optional
        `clockCorrection`: a deployment that tells it is not looked at again.
    images : polars.DataFrame
        `eventID` of the deployment; `number`, the order in which the images were made; `at`, the camera's datetime;
        optional `kind` (`setup`, `pickup` or `test` of an image of the people who set the camera up, took it down or tried
        it) and `known_at` (when a test was made), `scientificName` and `count`.

    Returns
    -------
    list of ClockFault
        By deployment and image; a deployment can have several.
    """
    out: list[ClockFault] = []
    by_event = dict(_by_event(images))
    for row in deployments.iter_rows(named=True):
        group = by_event.get(row["eventID"])
        if group is None or row["start"] is None or row["end"] is None or row.get("clockCorrection"):
            continue
        out += _of_deployment(row["eventID"], row["start"], row["end"], group, exact=bool(row["exact"]))
    return out


def _by_event(images: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the images of each deployment in the order in which they were made."""
    there = images.filter(pl.col("at").is_not_null() & pl.col("eventID").is_not_null()).sort(
        "number", maintain_order=True
    )
    for (event,), group in there.group_by("eventID", maintain_order=True):
        yield str(event), group


def _of_deployment(
    event: str, start: datetime, end: datetime, images: pl.DataFrame, *, exact: bool
) -> list[ClockFault]:
    """Find the faults of one deployment."""
    # Of a day that tells no time of day, the whole may be meant.
    opened, closed = (start, end) if exact else (start.replace(hour=0, minute=0, second=0), end)
    numbers, times = images["number"].to_list(), images["at"].to_list()
    kinds = images["kind"].to_list() if "kind" in images.columns else [None] * len(times)
    resets = list(_resets(event, opened, closed, numbers, times, kinds))
    if resets:
        return resets
    shown = {kind: at for kind, at in zip(kinds, times, strict=True) if kind in ("setup", "pickup")}
    if exact:
        known = list(_of_moments(event, (start, end), (shown.get("setup"), shown.get("pickup")), exact=True))
        if known:
            return known
    tests = list(_of_tests(event, images))
    if tests:
        return tests
    out = list(_of_hours(event, images))
    outside = [at for at, time in enumerate(times) if not opened - CLOSE <= time <= closed + CLOSE]
    if outside and not out:
        shifts = [
            shift
            for shift in (HALF_DAY, -HALF_DAY)
            if opened - CLOSE <= min(times) + shift and max(times) + shift <= closed + CLOSE
        ]
        shift = shifts[0] if len(shifts) == 1 else None
        code = "CAMERA_CLOCK_TWELVE_HOURS" if shift and len(outside) > 1 else "CAMERA_CLOCK_OUTSIDE"
        out.append(ClockFault(event, code, numbers[outside[0]], numbers[outside[-1]], shift, shift, "outside"))
    return out


def _of_moments(
    event: str, true: tuple[datetime | None, datetime | None], shown: tuple[datetime | None, datetime | None], *,
    exact: bool,
) -> Iterator[ClockFault]:  # fmt: skip
    """Compare a clock with two known moments, of which one may not be told."""
    if not exact:
        return
    off = [a - b if a is not None and b is not None else None for a, b in zip(true, shown, strict=True)]
    told = [one for one in off if one is not None]
    if not told:
        return
    first, last = told[0], told[-1]
    if max(abs(one) for one in told) > YEARS:
        code = "CAMERA_CLOCK_RESET"
    elif all(abs(abs(one) - HALF_DAY) <= _NEARLY for one in told) and abs(last - first) <= CLOSE:
        code = "CAMERA_CLOCK_TWELVE_HOURS"
    elif abs(last - first) > CLOSE:
        code = "CAMERA_CLOCK_DRIFT"
    elif abs(first) > CLOSE:
        code = "CAMERA_CLOCK_OFF"
    else:
        return
    yield ClockFault(event, code, None, None, first, last, "moments")


def _of_tests(event: str, images: pl.DataFrame) -> Iterator[ClockFault]:
    """Compare a clock with tests at known times: the earliest and the latest."""
    if "known_at" not in images.columns:
        return
    tests = images.filter(pl.col("known_at").is_not_null()).sort("known_at").select("known_at", "at").rows()
    if tests:
        pairs = tests[0], tests[-1]
        yield from _of_moments(event, (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]), exact=True)


def _resets(
    event: str, opened: datetime, closed: datetime, numbers: Sequence[int], times: Sequence[datetime],
    kinds: Sequence[str | None],
) -> Iterator[ClockFault]:  # fmt: skip
    """Find runs of images from long before the deployment: each is told between which shifts its own lies."""
    strange = _strange(times, opened, closed)
    inside = [time for time in times if opened <= time <= closed]
    if any(later < earlier for earlier, later in pairwise(inside)):
        yield from _resets_without_order(event, opened, closed, numbers, times, strange)
        return
    at = 0
    while at < len(times):
        if not strange[at]:
            at += 1
            continue
        stop = at + 1
        while stop < len(times) and strange[stop] and times[stop] >= times[stop - 1] - CLOSE:
            stop += 1
        before = next(
            (times[i] for i in range(at - 1, -1, -1) if not strange[i] and opened <= times[i] <= closed), opened
        )
        after = next(
            (times[i] for i in range(stop, len(times)) if not strange[i] and before <= times[i] <= closed), closed
        )
        least, greatest = before - times[at], after - times[stop - 1]
        evidence = "order" if at or stop < len(times) else "outside"
        for index in range(at, stop):
            # Somebody stood before the camera at a moment that is known.
            if kinds[index] in ("setup", "pickup"):
                moment = opened if kinds[index] == "setup" else closed
                least = greatest = moment - times[index]
                evidence = "moments"
        yield ClockFault(event, "CAMERA_CLOCK_RESET", numbers[at], numbers[stop - 1], least, greatest, evidence)
        at = stop


def _resets_without_order(
    event: str, opened: datetime, closed: datetime, numbers: Sequence[int], times: Sequence[datetime],
    strange: Sequence[bool],
) -> Iterator[ClockFault]:  # fmt: skip
    """Find what a reset explains among images that do not stand in the order in which they were made."""
    odd = [(time, number) for time, number, is_odd in zip(times, numbers, strange, strict=True) if is_odd]
    if not odd:
        return
    least, greatest = opened - min(odd)[0], closed - max(odd)[0]
    among = [number for _, number in odd]
    # Several resets: no one shift mends them.
    told = (least, greatest) if least <= greatest else (None, None)
    yield ClockFault(event, "CAMERA_CLOCK_RESET", min(among), max(among), told[0], told[1], "outside")


def _strange(times: Sequence[datetime], opened: datetime, closed: datetime) -> list[bool]:
    """Tell which times a reset explains: years before the deployment, or as long after a New Year as it can have run.

    Images of a New Year in the deployment's own year may also be older ones that were left on the card: those come before
    all others.
    """
    longest = closed - opened + DAY
    started = not any(opened <= time <= closed for time in times)
    out = []
    for time in times:
        started |= opened <= time <= closed
        new_year = time.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        since_new_year = opened - time > DAY * 7 and time - new_year <= longest
        out.append(opened - time > YEARS or (since_new_year and started))
    return out


def _of_hours(event: str, images: pl.DataFrame) -> Iterator[ClockFault]:
    """Look whether animals of the day come at night and those of the night by day."""
    if "scientificName" not in images.columns:
        return
    seen = images.select(
        pl.col("at"),
        pl.col("scientificName"),
        active=pl.col("scientificName")
        .str.extract(r"^(\p{Lu}[\p{Ll}-]+)")
        .replace_strict(_active(), default=None, return_dtype=pl.String),
    ).drop_nulls()
    if seen.is_empty():
        return
    apart = seen.sort("scientificName", "at").filter(
        (pl.col("at").diff().over("scientificName") > pl.duration(minutes=30)).fill_null(value=True)
    )
    hour = pl.col("at").dt.hour()
    night = (hour >= NIGHT[0]) | (hour < NIGHT[1])
    by_day = (hour >= DAYLIGHT[0]) & (hour < DAYLIGHT[1])
    told = apart.filter(night | by_day).select(against=(pl.col("active") == "day") == night)["against"]
    if told.len() >= LEAST_SEEN and float(told.sum()) >= _MOSTLY * told.len():
        yield ClockFault(event, "CAMERA_CLOCK_TWELVE_HOURS", None, None, HALF_DAY, HALF_DAY, "hours")


@cache
def _active() -> dict[str, str]:
    """Return when animals are about, by genus: day or night."""
    return {row["genus"]: row["active"] for row in read_rows("activity.csv")}


def _duration(text: str) -> timedelta | None:
    """Read an ISO 8601 duration without years and months."""
    match = _DURATION.fullmatch(text.replace("\u2212", "-"))
    if match is None or match[2] or match[3] or text.strip("+-\u2212") in ("P", "PT"):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[3:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match[1] == "-" or text.startswith("\u2212") else length


def iso_duration(length: timedelta) -> str:
    """Return a length of time as `corrections` reads it.

    Examples
    --------
    >>> iso_duration(timedelta(days=-1, minutes=-5))
    '-P1DT5M'
    """
    seconds = round(abs(length).total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds_left = divmod(rest, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds_left, "S")) if number)
    body = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if length < timedelta() else "") + "P" + (body or "T0S")
