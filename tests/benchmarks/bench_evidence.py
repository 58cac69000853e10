"""How long it takes to tell which of a million records count for which side of a border.

Usage: python tests/benchmarks/bench_evidence.py [RECORDS]

Records of 2,000 species gather at 20,000 places of mainland Southeast Asia, a quarter of them around land borders, with
stated uncertainties of 10 m to 4 km and times over a year, so that some are not independent. Processor seconds of the
calling thread; Polars works on others beside it.
"""

import sys
import time
from datetime import date

import numpy as np
import polars as pl
from bench_places import points

from biodata.analysis import evidence
from biodata.core import terms
from biodata.places import load_boundaries


def records(n: int, seed: int) -> pl.DataFrame:
    """Return n records."""
    rng = np.random.default_rng(seed)
    longitude, latitude = points(40_000, seed)
    at = rng.integers(len(longitude) // 4, len(longitude), n)
    days = rng.integers(0, 365, n)
    minute = rng.integers(0, 1440, n)
    frame = pl.DataFrame(
        {
            "key": np.arange(n),
            "datasetKey": "made",
            "species": pl.Series(rng.integers(0, 2000, n)).cast(pl.String),
            "basisOfRecord": "MACHINE_OBSERVATION",
            "decimalLongitude": longitude[at] + rng.normal(0, 0.003, n),
            "decimalLatitude": latitude[at] + rng.normal(0, 0.003, n),
            "coordinateUncertaintyInMeters": rng.choice([10.0, 30.0, 100.0, 1000.0, 4000.0], n),
            "event_start": pl.Series([date(2024, 1, 1)]).append(pl.Series([], dtype=pl.Date)).gather(np.zeros(n, int))
            + pl.Series(days * 86_400_000).cast(pl.Duration("ms")),
            "event_time": pl.Series([f"{m // 60:02}:{m % 60:02}" for m in range(1440)]).gather(minute),
        }
    )
    frame = frame.with_columns(event_end="event_start", year=pl.lit(2024))
    return terms.conform(frame, terms.OCCURRENCE)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    boundaries = load_boundaries()
    parameters = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=5_000.0)
    evidence.counted(records(10_000, 2), boundaries=boundaries, parameters=parameters)  # imports and compiling done
    frame = records(n, 1)
    for run in ("first", "second"):
        wall, start = time.perf_counter(), time.thread_time()
        found = evidence.counted(frame, boundaries=boundaries, parameters=parameters)
        told = time.thread_time() - start, time.perf_counter() - wall
        print(f"{run}: {told[0]:.2f} s of one thread, {told[1]:.2f} s on the wall, for {n:,} records")
    print(found.reasons())


if __name__ == "__main__":
    main()
