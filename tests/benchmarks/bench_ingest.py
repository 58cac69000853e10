"""How fast a whole ingest is, beside DuckDB's bare conversion of the same file to Parquet, in one run.

usage: python tests/benchmarks/bench_ingest.py [ROWS] [--file FILE] [--rounds 3]

Run by hand. The whole ingest: read, interpret, all checks, places, names against a checklist of 50,000, commit. The
records are made by the `make_occurrences.py` that lies beside a checkout; FILE is one that it made already. Each side
runs in a process of its own, so that the peak of memory is its own.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAKER = Path(__file__).parents[3] / "shared" / "bench" / "make_occurrences.py"
TAXA = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=2_000_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--side", choices=["duckdb", "biodata"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        sides = {"duckdb": bare_conversion, "biodata": whole_ingest}
        told = sides[arguments.side](arguments.file, arguments.folder)
        told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(told))
        return
    if not MAKER.exists() and arguments.file is None:
        sys.exit("make_occurrences.py is not beside this checkout")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = arguments.file or folder / "occurrences.csv"
        if not file.exists():
            subprocess.run([sys.executable, MAKER, str(arguments.rows), str(file)], check=True)
        ratios = [one_round(file, folder) for _ in range(arguments.rounds)]
    if len(ratios) > 1:
        print(f"median of {len(ratios)} rounds: {statistics.median(ratios):.2f} times DuckDB's seconds")


def one_round(file: Path, folder: Path) -> float:
    """Run DuckDB, ours and DuckDB again; return how many times the faster of the two ours takes."""
    shutil.rmtree(folder / "installation", ignore_errors=True)
    sides = ("duckdb", "biodata", "duckdb")
    bare, ours, again = (in_process(side, file, folder) for side in sides)
    for name, side in {"DuckDB CSV to Parquet": bare, "the whole ingest": ours, "DuckDB again": again}.items():
        print(
            f"{name:<22} {side['seconds']:7.1f} s, {side['processor_seconds']:6.1f} s of processors, "
            f"peak {side['peak_mb']:6,.0f} MB"
        )
    ratio = ours["seconds"] / min(bare["seconds"], again["seconds"])
    processors = ours["processor_seconds"] / min(bare["processor_seconds"], again["processor_seconds"])
    print(
        f"{ours['rows']:,} rows; {ratio:.2f} times DuckDB's seconds, {processors:.2f} times its seconds of processors"
    )
    return ratio


def in_process(side: str, file: Path, folder: Path) -> dict[str, float]:
    """Run one side in a new process; return what it tells."""
    command = [sys.executable, __file__, "--side", side, "--file", str(file), "--folder", str(folder)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def bare_conversion(file: Path, folder: Path) -> dict[str, float]:
    """Convert the file with no checks at all."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    source = f"read_csv('{file}', all_varchar=true, delim='\t', quote='')"
    start = time.perf_counter(), time.process_time()
    connection.sql(f"COPY (FROM {source}) TO '{folder / 'bare.parquet'}' (COMPRESSION zstd)")
    return since(*start)


def whole_ingest(file: Path, folder: Path) -> dict[str, float]:
    """Take the file in; the checklist stands in the lake before."""
    from biodata.core.settings import Settings
    from biodata.pipeline import ingest

    settings = Settings(data=folder / "installation")
    ingest("checklist", [make_checklist(folder)], settings)
    start = time.perf_counter(), time.process_time()
    (report,) = ingest("gbif", [file], settings)
    return {**since(*start), "rows": report.rows}


def since(seconds: float, processor_seconds: float) -> dict[str, float]:
    """Return what has passed since two clocks were read."""
    return {
        "seconds": time.perf_counter() - seconds,
        "processor_seconds": time.process_time() - processor_seconds,
    }


def make_checklist(folder: Path) -> Path:
    """Write the names that the records were made from, rightly spelt, each with its classification."""
    import polars as pl

    number = pl.int_range(TAXA, eager=True).alias("taxonID").to_frame().with_columns(t=pl.col("taxonID"))
    ending = pl.when(pl.col("t") % 3 == 0).then(pl.lit("ensis")).otherwise(pl.lit("iana"))
    checklist = number.select(
        "taxonID",
        scientificName=pl.format("Genus{} species{}{}", pl.col("t") // 5, pl.col("t") % 5, ending),
        scientificNameAuthorship=pl.format("L., 17{}", 50 + pl.col("t") % 49),
        taxonRank=pl.lit("species"),
        taxonomicStatus=pl.lit("accepted"),
        kingdom=pl.lit(["Animalia", "Plantae", "Fungi"]).list.get(pl.col("t") // 5000 % 3),
        family=pl.format("Fam{}idae", pl.col("t") // 100),
        genus=pl.format("Genus{}", pl.col("t") // 5),
    )
    path = folder / "checklist.csv"
    checklist.write_csv(path)
    return path


if __name__ == "__main__":
    main()
