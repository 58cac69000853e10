"""Clocks of cameras by their images: runs from a factory's date, night for day, images out of the deployment's time."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Final

import polars as pl

from biodata.harmonise.event_clocks import CLOSE, HALF_DAY, YEARS, ClockFault, of_moments
from biodata.harmonise.event_times import DAY
from biodata.text.tables import read_rows

NIGHT: Final = (19, 5)
DAYLIGHT: Final = (7, 17)
"""Local hours in which it is night or day in all seasons of the region; the twilight between them tells nothing."""
LEAST_SEEN: Final = 5
"""Records of animals of the day or of the night, half an hour apart, from which on their hours tell something."""
_MOSTLY: Final = 0.8
MIDNIGHT: Final = "CAMERA_TIMES_MIDNIGHT"


def faults(deployments: pl.DataFrame, images: pl.DataFrame, *, timeless: Collection[str] = ()) -> list[ClockFault]:
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
    timeless : collection of str
        Deployments whose images tell no time of day (`without_hours`): that is told, and else only a reset can be seen.

    Returns
    -------
    list of ClockFault
        By deployment and image; a deployment can have several.
    """
    out: list[ClockFault] = []
    by_event = dict(_by_event(images))
    for row in deployments.iter_rows(named=True):
        event, group = row["eventID"], by_event.get(row["eventID"])
        has_hours = event not in timeless
        if not has_hours:
            out.append(ClockFault(event, MIDNIGHT, None, None, None, None, "midnight"))
        if group is None or row["start"] is None or row["end"] is None or row.get("clockCorrection"):
            continue
        found = _of_deployment(event, row["start"], row["end"], group, exact=bool(row["exact"]) and has_hours)
        out += [fault for fault in found if has_hours or fault.code == "CAMERA_CLOCK_RESET"]
    return out


def without_hours(images: pl.DataFrame) -> list[str]:
    """Return the deployments of which every image is of 00:00:00: the day was told, and a program wrote it as midnight.

    Parameters
    ----------
    images : polars.DataFrame
        `eventID`, `at` as it was told.

    Returns
    -------
    list of str
        One night's images may be of midnight: there are several days, of the deployment or else of a whole table in which
        nothing has another time.
    """
    told = images.drop_nulls(["eventID", "at"]).select(
        "eventID", day=pl.col("at").dt.date(), midnight=pl.col("at") == pl.col("at").dt.truncate("1d")
    )
    of_each = told.group_by("eventID", maintain_order=True).agg(pl.col("midnight").all(), days=pl.col("day").n_unique())
    whole = bool(told["midnight"].all()) and told["day"].n_unique() > 1
    return of_each.filter(pl.col("midnight") & (pl.lit(whole) | (pl.col("days") > 1)))["eventID"].to_list()


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
    # Of a day that tells no time of day, the whole may be meant; programs write midnight for such a day.
    opened, closed = (start, end) if exact else (start.replace(hour=0, minute=0, second=0), end)
    if exact and not (closed.hour or closed.minute or closed.second):
        closed += DAY
    numbers, times = images["number"].to_list(), images["at"].to_list()
    kinds = images["kind"].to_list() if "kind" in images.columns else [None] * len(times)
    resets = list(_resets(event, opened, closed, numbers, times, kinds))
    if resets:
        return resets
    shown = {kind: at for kind, at in zip(kinds, times, strict=True) if kind in ("setup", "pickup")}
    if exact:
        known = list(of_moments(event, (start, end), (shown.get("setup"), shown.get("pickup")), exact=True))
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


def _of_tests(event: str, images: pl.DataFrame) -> Iterator[ClockFault]:
    """Compare a clock with tests at known times: the earliest and the latest."""
    if "known_at" not in images.columns:
        return
    tests = images.filter(pl.col("known_at").is_not_null()).sort("known_at").select("known_at", "at").rows()
    if tests:
        pairs = tests[0], tests[-1]
        yield from of_moments(event, (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]), exact=True)


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
