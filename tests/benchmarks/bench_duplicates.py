"""How long it takes to set records beside each other, and how much memory: duplicates and suspicious places of sets.

usage: python tests/benchmarks/bench_duplicates.py [ROWS]

Run by hand. Made-up records in the shape of `make_occurrences.py`: species and places follow power laws, 300 datasets; a
tenth are copies in another dataset (half with the identifier of the first, half without), a tenth have a time of day.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from biodata import assessments, places, terms
from biodata.assessments.duplicates import FactFiles, find_duplicates
from biodata.matching import duplicate_facts

BATCH = 200_000


def main(rows: int) -> None:
    gazetteer = places.load_gazetteer(places.load_boundaries())
    frame = records(rows)
    print(f"{frame.height:,} records, {peak_mb():,} MB with them in memory")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        facts = FactFiles(Path(folder), 1)
        for batch in batches(frame):
            facts.add(duplicate_facts.facts(assessments.with_utc(batch)))
        prepared = time.perf_counter() - start
        found = find_duplicates(facts)
        print(f"facts       {prepared:6.2f} s")
        print(f"duplicates  {time.perf_counter() - start - prepared:6.2f} s")
        print(f"            {found['duplicate_of'].count():,} in {found['duplicate_group'].n_unique() - 1:,} groups")
        start = time.perf_counter()
        whole = assessments.find(batches(frame), rows=rows, gazetteer=gazetteer, work=Path(folder) / "work")
    print(f"everything  {time.perf_counter() - start:6.2f} s, {whole.height:,} records with a finding")
    print(f"peak        {peak_mb():,} MB")


def batches(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the records as the lake does."""
    for start in range(0, frame.height, BATCH):
        yield frame[start : start + BATCH]


def records(rows: int) -> pl.DataFrame:
    """Return made-up interpreted records."""
    rng = np.random.default_rng(7)
    originals = rows * 9 // 10
    species = zipf(rng, 50_000, originals, 1.05)
    centre = zipf(rng, 4_000, originals, 0.9)
    middles = np.column_stack([rng.uniform(92, 140, 4_000), rng.uniform(-10, 33, 4_000)])
    point = (middles[centre] + rng.normal(0, 0.1, (originals, 2))).round(5)
    day = np.minimum(rng.exponential(3300, originals), 44_000).astype(np.int64)
    dataset, person = zipf(rng, 300, originals, 1.1), rng.integers(0, 5_000, originals)
    timed = rng.random(originals) < 0.1
    minute = rng.integers(0, 1440, originals)
    clock = np.where(timed, np.char.add(np.char.zfill((minute // 60).astype(str), 2), ":30"), "")
    first = pl.DataFrame(
        {
            "datasetKey": dataset, "number": np.arange(originals), "species": species, "person": person,
            "decimalLongitude": point[:, 0], "decimalLatitude": point[:, 1], "day": day, "clock": clock,
            "count": 1 + person % 4,
        }
    )  # fmt: skip
    copies = first.sample(rows - originals, seed=7).with_columns(
        datasetKey=pl.lit(300, dtype=pl.Int64), number=pl.when(pl.int_range(pl.len()) % 2 == 0).then("number")
    )
    frame = pl.concat([first, copies]).with_columns(
        key=pl.Series(rng.permutation(rows)),
        datasetKey=pl.format("dataset-{}", "datasetKey"),
        occurrenceID=pl.format("urn:catalog:{}", "number").fill_null(pl.format("c{}", pl.int_range(pl.len()))),
        species=pl.format("Genus{} species{}", pl.col("species") // 5, "species"),
        genus=pl.format("Genus{}", pl.col("species") // 5),
        recordedBy=pl.format("Observer {}", "person"),
        event_start=pl.lit(pl.Series([20_600])).first().cast(pl.Int32).cast(pl.Date) - pl.duration(days="day"),
        event_time=pl.when(pl.col("clock") != "").then("clock"),
        individualCount="count",
        basisOfRecord=pl.lit("HUMAN_OBSERVATION"),
        occurrenceStatus=pl.lit("PRESENT"),
        countryCode=pl.lit("TH"),
        institutionCode=pl.format("INST{}", "datasetKey"),
        catalogNumber=pl.format("CAT{}", pl.int_range(pl.len())),
    )
    frame = frame.with_columns(
        event_end="event_start",
        eventDate=pl.col("event_start").cast(pl.String),
        event_zone=pl.when(pl.col("event_time").is_not_null()).then(pl.lit("+07:00")),
        year=pl.col("event_start").dt.year(),
    )
    wanted = {*duplicate_facts.COLUMNS, "year", "source_record_id", "repairs"}
    return terms.conform(frame, [column for column in terms.OCCURRENCE if column.name in wanted]).sample(
        fraction=1, shuffle=True, seed=7
    )


def zipf(rng: np.random.Generator, kinds: int, size: int, power: float) -> np.ndarray:
    """Return numbers below `kinds` that follow Zipf's law."""
    weight = 1 / np.arange(1, kinds + 1) ** power
    return rng.choice(kinds, size, p=weight / weight.sum())


def peak_mb() -> int:
    """Return the largest size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
