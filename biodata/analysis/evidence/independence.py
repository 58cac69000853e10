"""Which records are observations of their own: far enough from each other in time or in space.

The rule is greedy and the same for any order of the rows. Records are taken in turn (`ORDER`: the most exact time first,
of these the earliest, then the smallest uncertainty), and one counts unless it is of the same species as a record that
counts already, less than so many minutes and less than so many metres from it. So any two that count are independent, and
each that does not count has one that does beside it. A union of chains would make one observation of a herd that is
followed for a month.
"""

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import compiled
from biodata.core.geo import Floats, metres_per_degree
from biodata.text import times as zones

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


ORDER: Final = (
    "duration", "start", "coordinateUncertaintyInMeters", "datasetKey", "decimalLatitude", "decimalLongitude", "key",
)  # fmt: skip
"""By what records are taken in turn; the key decides only between records that are alike in everything stated."""
_DAY_S: Final = 86_400
_EVER_S: Final = 10**12
_POLEMOST: Final = 85.0


@compiled
def take(
    longitude: Floats, latitude: Floats, east_m: Floats, north_m: Floats, start: Ints, end: Ints, place: Ints,
    beside: Ints, bucket: Ints, first: Ints, day: Ints, metres: float, gap_s: int, day_s: int,
) -> Bools:  # fmt: skip
    """Take records in turn; one counts if none near it in time and space counts already.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, in the order in which records are taken: those no longer than a day come first.
    east_m, north_m : ndarray of float64, length n
        Metres of a degree at each record.
    start, end : ndarray of int64, length n
        Seconds.
    place : ndarray of int64, length n
        Number of the record's square.
    beside : ndarray of int64, shape (places, 9)
        The squares around each square, -1 for none.
    bucket : ndarray of int64, length n
        Number of the record's square and day.
    first : ndarray of int64, length places + 1
        Where the buckets of each square begin.
    day : ndarray of int64, length buckets
        The day of each bucket, in order inside a square.
    metres, gap_s, day_s
        What keeps records apart, and the seconds of a day.

    Returns
    -------
    ndarray of bool, length n
    """
    n = len(longitude)
    counts = np.zeros(n, dtype=np.bool_)
    newest = np.full(len(day), -1, dtype=np.int64)  # the last short record that counts, by bucket
    long_newest = np.full(len(beside), -1, dtype=np.int64)  # the last long one, by square
    before = np.full(n, -1, dtype=np.int64)
    for i in range(n):
        free = True
        early = (start[i] - gap_s) // day_s - 1
        late = (end[i] + gap_s) // day_s
        for k in range(9):
            square = beside[place[i], k]
            if square < 0 or not free:
                continue
            low, high = first[square], first[square + 1]
            stop = high
            while low < high:
                middle = (low + high) // 2
                if day[middle] < early:
                    low = middle + 1
                else:
                    high = middle
            at = low
            while free and at <= stop:
                if at == stop or day[at] > late:
                    other = long_newest[square]
                    at = stop + 1
                else:
                    other = newest[at]
                    at += 1
                while other >= 0:
                    apart = max(start[i], start[other]) - min(end[i], end[other])
                    if apart < gap_s:
                        over = abs(longitude[i] - longitude[other])
                        over = min(over, 360.0 - over) * (east_m[i] + east_m[other]) / 2
                        up = (latitude[i] - latitude[other]) * (north_m[i] + north_m[other]) / 2
                        if over * over + up * up < metres * metres:
                            free = False
                            break
                    other = before[other]
        if free:
            counts[i] = True
            if end[i] - start[i] <= day_s:
                before[i] = newest[bucket[i]]
                newest[bucket[i]] = i
            else:
                before[i] = long_newest[place[i]]
                long_newest[place[i]] = i
    return counts


def independent(records: pl.DataFrame, *, minutes: float, metres: float) -> pl.Series:
    """Tell which records are observations of their own.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        key, species, datasetKey, coordinates and their uncertainty, event_start, event_end; and eventDate, event_time,
        event_zone, located_country_code where they are known. A time without a zone is taken in that of its country,
        or the sun's. Days without a time are whole days, and two days are apart.
    minutes, metres : float
        Records of a species that are less apart than both are not independent; all are where either is 0.

    Returns
    -------
    polars.Series of bool, length n
    """
    if minutes <= 0 or metres <= 0 or records.is_empty():
        return pl.Series([True] * records.height, dtype=pl.Boolean)

    times = _seconds(records, gap_s=minutes * 60)
    order = times.with_row_index("row").sort(*ORDER, nulls_last=True)
    rows = order["row"].to_numpy().astype(np.int64)
    longitude, latitude = (order[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude"))
    place, beside = _places(order["species"].rank("dense").to_numpy().astype(np.int64), longitude, latitude, metres)
    start, end = (order[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    bucket, first, day = _buckets(place, start, len(beside))
    east_m, north_m = metres_per_degree(latitude)
    counts = take(
        longitude, latitude, east_m, north_m, start, end, place, beside, bucket, first, day,
        float(metres), round(minutes * 60), _DAY_S,
    )  # fmt: skip
    out = np.zeros(len(rows), dtype=bool)
    out[rows] = counts
    return pl.Series(out)


def _seconds(records: pl.DataFrame, *, gap_s: float) -> pl.DataFrame:
    """Add `start`, `end` and `duration` in seconds; a record without a date may be of any time."""
    lacking = {
        "eventDate": pl.String, "event_time": pl.String, "event_zone": pl.String, "located_country_code": pl.String,
        "datasetKey": pl.String,
    }  # fmt: skip
    table = records.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in lacking.items() if name not in records.columns
    )
    clock = pl.col("event_time").fill_null("00:00")
    zone = pl.coalesce(
        "event_zone", zones.country_offsets(pl.col("located_country_code"), pl.col("event_start"), clock)
    )
    # A column, for the expression is long and stands in each instant several times.
    table, zone = table.with_columns(event_zone=zone), pl.col("event_zone")
    # Where neither is known the clock is set by the sun: 240 seconds for a degree, the same for neighbours.
    sun_s = pl.when(zone.is_null()).then(pl.col("decimalLongitude") * 240).otherwise(0.0).cast(pl.Int64)
    instants = zones.utc_interval(
        pl.col("eventDate"), pl.col("event_start"), pl.col("event_end"), pl.col("event_time"), zone.fill_null("+00:00")
    )
    table = table.with_columns(*instants).with_columns(
        start=pl.col("utc_start").dt.epoch("s") - sun_s, end=pl.col("utc_end").dt.epoch("s") - sun_s - round(gap_s)
    )
    table = table.with_columns(start=pl.col("start").fill_null(-_EVER_S), end=pl.col("end").fill_null(_EVER_S))
    table = table.with_columns(end=pl.max_horizontal("start", "end"))
    return table.with_columns(duration=pl.col("end") - pl.col("start")).select(*ORDER, "end", "species")


def _places(species: Ints, longitude: Floats, latitude: Floats, metres: float) -> tuple[Ints, Ints]:
    """Return the number of each record's square of a species, and the nine squares around each one (-1 for none)."""
    poleward = min(float(np.abs(latitude).max(initial=0.0)), _POLEMOST)
    wide_m, high_m = (float(value[0]) for value in metres_per_degree(np.array([poleward])))
    # Squares are no narrower than the distance anywhere, so that what is near lies in one of the nine.
    columns = max(int(360 * wide_m / (max(metres, 1.0) * 1.01)), 1)
    per_degree = high_m / (max(metres, 1.0) * 1.01) * 0.99
    column = np.floor((longitude + 180) / 360 * columns).astype(np.int64) % columns
    row = np.floor((latitude + 90) * per_degree).astype(np.int64)
    height = np.int64(np.ceil(180 * per_degree)) + 2
    key = (species * height + row + 1) * columns + column
    unique, place = np.unique(key, return_inverse=True)
    own_row, own_column = unique // columns, unique % columns
    around = np.stack(
        [(own_row + up) * columns + (own_column + over) % columns for up in (-1, 0, 1) for over in (-1, 0, 1)], axis=1
    )
    at = np.minimum(np.searchsorted(unique, around), max(len(unique) - 1, 0))
    beside = np.where(unique[at] == around, at, -1)
    if columns < 3:  # the same square would stand there twice
        beside = np.array([np.pad(u := np.unique(row), (0, 9 - len(u)), constant_values=-1) for row in beside])
    return place.ravel().astype(np.int64), beside.astype(np.int64)


def _buckets(place: Ints, start: Ints, places: int) -> tuple[Ints, Ints, Ints]:
    """Return each record's bucket of a place and a day, where each place's buckets begin, and each bucket's day."""
    pairs = pl.DataFrame({"place": place, "day": start // _DAY_S})
    unique = pairs.unique().sort("place", "day").with_row_index("bucket")
    bucket: Any = pairs.join(unique, on=["place", "day"], how="left", maintain_order="left")["bucket"].to_numpy()
    first = np.searchsorted(unique["place"].to_numpy(), np.arange(places + 1))
    return bucket.astype(np.int64), first.astype(np.int64), unique["day"].to_numpy().astype(np.int64)
