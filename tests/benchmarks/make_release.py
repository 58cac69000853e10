"""Make a release of N made-up records without an ingest: a true file that `biodata serve` serves.

usage: python tests/benchmarks/make_release.py OCCURRENCES.csv DATA

OCCURRENCES.csv comes from the `make_occurrences.py` that lies beside a checkout. Its rows become published rows as an
ingest would leave them where nothing is sensitive: names split, dates with their days, a division, flags, no
duplicates. The record's key is its gbifID, so that a peer's answer over the same file can be compared by it. DATA
becomes an installation with that release as the current one.
"""

import argparse
import sys
import time
from pathlib import Path

import duckdb
import polars as pl

from biodata import places
from biodata.core import terms
from biodata.store import pointer, releases
from biodata.store.release_file import ReleaseFile
from biodata.store.staging import WorkFolder, write_part

_BATCH_ROWS = 200_000
_DIVISIONS = 40


def make(csv: Path, data: Path, *, memory_limit: str = "3GB") -> str:
    """Make the release of the rows of a file; return its id."""
    pointer.folder(data).mkdir(parents=True, exist_ok=True)
    with WorkFolder(data / "staging") as work:
        parts: list[Path] = []
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            rows = connection.execute("SELECT * FROM read_csv(?, delim='\t', quote='', all_varchar=true)", [str(csv)])
            for batch in rows.to_arrow_reader(_BATCH_ROWS):
                frame = releases.placed(published(pl.DataFrame(batch)))
                parts.append(work.folder / f"published-{len(parts):06d}.parquet")
                write_part(frame, parts[-1], row_group_rows=20_000)
        file = work.folder / "release.duckdb"
        with ReleaseFile(file, spill=data / "tmp", memory_limit=memory_limit) as release:
            release.write_occurrences(parts)
            for name in releases.RESULTS:
                release.write_results(name, None)
            release.write_boundaries(places.load_boundaries("natural_earth"))
            keys = pl.Series("key", [f"00000000-0000-4000-8000-{n:012d}" for n in range(300)])
            release.write_datasets(pl.DataFrame({"key": keys, "title": keys, "license": ["CC_BY_4_0"] * 300}))
            release.write_surveys(None)
            named = release.finish(snapshot=1, rules_hash="made for a benchmark", secret=b"a benchmark")
        file.rename(pointer.path(data, named.id))
        pointer.swap(data, named)
    return named.id


def published(rows: pl.DataFrame) -> pl.DataFrame:
    """Return n rows of `terms.PUBLISHED_OCCURRENCE` from n rows of the file."""
    told = rows.with_columns(pl.all().replace("", None))
    latitude, longitude = (pl.col(name).cast(pl.Float64) for name in ("decimalLatitude", "decimalLongitude"))
    on_earth = latitude.abs() <= 90
    day = pl.date(*(pl.col(name).cast(pl.Int32) for name in ("year", "month", "day")))
    number = pl.col("gbifID").cast(pl.Int64)
    known = pl.col("basisOfRecord") != "seen"
    epithet = pl.col("species").str.split(" ").list.get(1)
    frame = told.with_columns(
        key=number,
        individualCount=pl.col("individualCount").cast(pl.Int64),
        acceptedScientificName=pl.col("scientificName"),
        genericName=pl.col("genus"),
        specificEpithet=epithet,
        taxonomicStatus=pl.lit("ACCEPTED"),
        taxonKey=pl.col("taxonKey").cast(pl.Int64),
        speciesKey=pl.col("speciesKey").cast(pl.Int64),
        taxon_id=pl.col("taxonKey"),
        checklist=pl.lit("made up 1"),
        match_type=pl.lit("EXACT"),
        match_confidence=pl.lit(97),
        eventDate=day.cast(pl.String),
        event_start=day,
        event_end=day,
        event_precision=pl.lit("day"),
        decimalLatitude=pl.when(on_earth).then(latitude),
        decimalLongitude=pl.when(on_earth).then(longitude),
        geodeticDatum=pl.when(on_earth).then(pl.lit("WGS84")),
        basisOfRecord=pl.when(known).then(pl.col("basisOfRecord")).otherwise(pl.lit("OCCURRENCE")),
        province_code=pl.col("countryCode") + "-" + (number % _DIVISIONS).cast(pl.String).str.zfill(2),
        ambiguous=pl.lit(value=False),
        country_codes=pl.concat_list("countryCode"),
        publishingCountry=pl.col("countryCode"),
        quality_flags=pl.when(known).then(pl.lit([], dtype=pl.List(pl.String))).otherwise(["BASIS_OF_RECORD_UNKNOWN"]),
        sharing_category=pl.lit("open"),
        isInCluster=pl.lit(value=False),
    )
    kept = frame.select(pl.col(c.name).cast(c.dtype) for c in terms.PUBLISHED_OCCURRENCE if c.name in frame.columns)
    return terms.conform(kept, terms.PUBLISHED_OCCURRENCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    release_id = make(arguments.csv, arguments.data)
    size = pointer.path(arguments.data, release_id).stat().st_size
    print(f"{release_id}: {size / 1e6:,.0f} MB, {time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
