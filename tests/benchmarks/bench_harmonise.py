"""How fast occurrences are interpreted, beside DuckDB's bare conversion of the same file to Parquet.

usage: python tests/benchmarks/bench_harmonise.py [ROWS] [BATCH]

Run by hand. The records are made by the `make_occurrences.py` that lies beside a checkout, in a temporary folder.
"""

import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from biodata import places
from biodata.harmonise import Harmoniser

MAKER = Path(__file__).parents[3] / "shared" / "bench" / "make_occurrences.py"


def main(rows: int, batch_rows: int) -> None:
    if not MAKER.exists():
        sys.exit("make_occurrences.py is not beside this checkout")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "occurrences.csv"
        subprocess.run([sys.executable, MAKER, str(rows), str(file)], check=True)
        bare = bare_conversion(file)
        start = time.perf_counter()
        table = read(file)
        reading = time.perf_counter() - start
        harmoniser = Harmoniser(boundaries=places.load_boundaries(), secret=bytes(32), today=date(2026, 7, 1))
        harmoniser.occurrences(table.head(1), dataset_key="warm")  # vocabularies and maps are read once an ingest
        start = time.perf_counter()
        flagged = 0
        for offset in range(0, rows, batch_rows):
            result = harmoniser.occurrences(table[offset : offset + batch_rows], dataset_key="bench")
            flagged += result.interpreted.filter(pl.col("quality_flags").list.len() > 0).height
        seconds = time.perf_counter() - start
    print(f"{rows:,} rows, {table.width - 2} columns, {flagged:,} with a flag; batches of {batch_rows:,}")
    print(f"DuckDB CSV to Parquet  {bare:6.2f} s")
    print(f"read as text           {reading:6.2f} s")
    print(
        f"Harmoniser.occurrences {seconds:6.2f} s   {rows / seconds:,.0f} rows/s   {seconds / bare:.2f} times DuckDB's"
    )


def bare_conversion(file: Path) -> float:
    """Convert the file with no checks at all; return the seconds."""
    target = file.with_suffix(".parquet")
    connection = duckdb.connect(config={"threads": 2})
    start = time.perf_counter()
    connection.sql(
        f"COPY (FROM read_csv('{file}', all_varchar=true, delim='\t', quote='')) TO '{target}' (COMPRESSION zstd)"
    )
    return time.perf_counter() - start


def read(file: Path) -> pl.DataFrame:
    """Read the file as the sources do: text, with file and line."""
    table = pl.read_csv(file, separator="\t", infer_schema=False, quote_char=None)
    source = pl.lit(file.name).alias("source_file"), pl.int_range(2, pl.len() + 2).alias("source_row")
    return table.select(*source, pl.all())


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:3]]
    main(*arguments, *(1_000_000, 100_000)[len(arguments) :])
