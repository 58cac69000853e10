"""At which hours of the day cameras saw a species.

Hours are those of the sun (noon is when it stands highest on average), not of clocks: on two sides of a border clocks differ
by an hour, the animals do not. Cameras watch day and night, so hours need no effort beside them. Cameras whose clocks were
wrong tell nothing of hours.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import stats

from biodata.analysis.surveys.joining import Joined
from biodata.parsers import zones
from biodata.vocabularies import SurveyDesign

_CLOCK_FLAGS: Final = (
    "CAMERA_CLOCK_RESET", "CAMERA_CLOCK_TWELVE_HOURS", "CAMERA_CLOCK_DRIFT", "CAMERA_CLOCK_OFF", "CAMERA_CLOCK_OUTSIDE",
    "CAMERA_CLOCK_INVALID",
)  # fmt: skip
_WRONG: Final = "of a camera whose clock is in doubt"
_NO_TIME: Final = "without a time of day"
_NIGHT: Final = (18, 6)


@dataclass(frozen=True, slots=True)
class Hours:
    """Independent events of one species by the hour, of one side or of all.

    Attributes
    ----------
    events : int
        Of which the hour is known; those of a clock in doubt, or without a time, are counted beside it (`hours`).
    hours : tuple of int
        Events of each of the 24 hours, the first from midnight to one.
    at_night : int
        Events from 18 to 6 o'clock.
    night : float or None
        Their share; None of no event, and in results of fewer than `floors.LEAST_EVENTS`.
    night_low, night_high : float
        Its exact binomial interval (95 %; Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404); 0 and 1 of
        no event.
    """

    events: int
    hours: tuple[int, ...]
    at_night: int
    night: float | None
    night_low: float
    night_high: float

    def told(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "hours": list(self.hours)}


def hours(joined: Joined, counted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hours of independent events of cameras.

    Parameters
    ----------
    joined : Joined
    counted : polars.DataFrame
        As `abundance.independent_events` returns them.

    Returns
    -------
    known : polars.DataFrame
        `name`, `side` and `hour`, by the sun.
    left_out : polars.DataFrame
        `name` and `reason`, a row an event.
    """
    own = counted.filter(pl.col("method") == SurveyDesign.CAMERA_TRAP)
    doubted = pl.col("quality_flags").list.set_intersection(list(_CLOCK_FLAGS)).list.len().fill_null(0) > 0
    of_event = joined.events.select(
        "event_key", _doubted=doubted, _longitude="decimalLongitude", _codes="country_codes"
    ).unique("event_key", keep="first", maintain_order=True)
    placed = own.join(of_event, on="event_key", how="left", maintain_order="left")
    clock, day = pl.col("event_time"), pl.col("event_start")
    country = pl.coalesce(pl.when(pl.col("_codes").list.len() == 1).then(pl.col("_codes").list.first()), "side")
    zone = pl.coalesce("event_zone", zones.country_offsets(country, day, clock.fill_null("00:00")))
    opened = zones.utc_interval(pl.col("eventDate"), day, pl.col("event_end"), clock, zone)[0]
    longitude = pl.coalesce("decimalLongitude", "_longitude")
    sun = (opened.dt.epoch("s") + (longitude * 240).round()) % 86_400
    # Without a zone the clock is taken for the sun's.
    told = pl.coalesce(sun // 3600, clock.str.slice(0, 2).cast(pl.Int64, strict=False)).cast(pl.Int64)
    reason = pl.when(clock.is_null()).then(pl.lit(_NO_TIME)).when("_doubted").then(pl.lit(_WRONG))
    marked = placed.select("name", "side", hour=told, reason=reason)
    return (
        marked.filter(pl.col("reason").is_null() & pl.col("hour").is_not_null()).drop("reason"),
        marked.filter(pl.col("reason").is_not_null()).select("name", "reason"),
    )


def summary(known: pl.DataFrame) -> Hours:
    """Return the hours of one species' events.

    Parameters
    ----------
    known : polars.DataFrame
        Rows of what `hours` returns.
    """
    counts = np.bincount(known["hour"].to_numpy(), minlength=24)
    n = int(counts.sum())
    dark = int(counts[_NIGHT[0] :].sum() + counts[: _NIGHT[1]].sum())
    low = float(stats.beta.ppf(0.025, dark, n - dark + 1)) if dark else 0.0
    high = float(stats.beta.isf(0.025, dark + 1, n - dark)) if dark < n else 1.0
    return Hours(n, tuple(int(one) for one in counts), dark, dark / n if n else None, low, high)
