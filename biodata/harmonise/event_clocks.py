"""Clocks of cameras: set back to a factory's date, twelve hours off, running fast or slow; found, and never changed.

Each fault is told of one deployment with what would have to be added to its times, as narrow as it can be known. Whoever
was there decides; what is decided is told in `clockCorrection` with the next upload.

What a clock should have shown is known of moments: when the camera was set up and taken down (`cameraClockAtStart`,
`cameraClockAtEnd`, or an image that was made then). Without them the order of the images and the time in which the camera
stood there say between which times a shift lies, and the animals whether night was day.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import polars as pl

from biodata.harmonise.event_times import cells, read_moment
from biodata.harmonise.findings import Findings

CLOSE: Final = timedelta(minutes=5)
"""What people's watches differ by, and what nobody needs to mend."""
HALF_DAY: Final = timedelta(hours=12)
_NEARLY: Final = timedelta(minutes=30)
YEARS: Final = timedelta(days=180)
"""A clock that is off by more was not set wrong by hand."""

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
    found: dict[str, list[int]] = {}
    for row, fault in faults_of_cells(told, ends):
        found.setdefault("CAMERA_CLOCK_INVALID" if fault is None else fault.code, []).append(row)
    flags = {
        code: pl.Series([row in rows for row in range(told.height)], dtype=pl.Boolean) for code, rows in found.items()
    }
    return Findings(flags=flags)


def faults_of_cells(told: pl.DataFrame, ends: pl.DataFrame) -> Iterator[tuple[int, ClockFault | None]]:
    """Yield the fault of each event that its own cells tell, with its row from 0; None where they cannot be read.

    Parameters
    ----------
    told, ends : polars.DataFrame
        As for `interpret`.
    """
    shown_cells = cells(told, "cameraClockAtStart", "cameraClockAtEnd", "clockCorrection")
    for row, (first, last, correction) in enumerate(shown_cells.iter_rows()):
        if first is None and last is None and correction is None:
            continue
        moments = [None if text is None else read_moment(text) for text in (first, last)]
        invalid = correction is not None and corrections(correction) is None
        for text, moment in zip((first, last), moments, strict=True):
            invalid |= text is not None and (moment is None or not moment.exact)
        if invalid:
            yield row, None
        elif correction is None:
            start, end, exact = ends.select("start", "end", "exact").row(row)
            shown = [moment.at if moment else None for moment in moments]
            for fault in of_moments("", (start, end), (shown[0], shown[1]), exact=exact):
                yield row, fault


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


def of_moments(
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
