"""The compiled loop behind `independence`: each record against those that count already near it."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@compiled
def take(
    longitude: Floats,
    latitude: Floats,
    east_m: Floats,
    north_m: Floats,
    start: Ints,
    end: Ints,
    place: Ints,
    beside: Ints,
    bucket: Ints,
    first: Ints,
    day: Ints,
    metres: float,
    gap_s: int,
    day_s: int,
) -> Bools:
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
