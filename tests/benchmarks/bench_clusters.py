"""How long the command line takes for records without dates at few points, and how much memory.

usage: python tests/benchmarks/bench_clusters.py [RECORDS] [POINTS] [FOLDER]

Run by hand. Makes GBIF rows with identifiers of their own and no date (250,000 at 300 points), then runs `ingest`,
`release` twice and `assess`, each as a process of its own, and prints its time, its peak memory and its last line; and how many of
the records the release shows.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from biodata.settings import Settings
from biodata.store import releases


def main(records: int, points: int, folder: Path) -> None:
    table = folder / "undated.csv"
    made_up(records, points).write_csv(table)
    data = ["--data", str(folder / "data")]
    run("ingest", "gbif", str(table), "--dataset", "undated", *data)
    run("release", *data)
    run("release", *data)
    run("assess", *data)
    release = releases.current(Settings(data=folder / "data").data)
    assert release is not None
    print(f"{release.id}: {release.counts['occurrences']:,} of {records:,} records are shown")


def run(*command: str) -> None:
    """Run a command and print what it took."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED, *command], capture_output=True, text=True, check=False)
    told = done.stdout.strip().splitlines() or [""]
    print(f"{command[0]:<8} {time.perf_counter() - start:7.1f} s {told[-1]:>6} MB  {told[-2] if len(told) > 1 else ''}")
    for line in done.stderr.strip().splitlines()[-12:]:
        print(f"         {line}")
    if done.returncode:
        raise SystemExit(done.returncode)


_MEASURED = """
import resource
from biodata.cli import app
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def made_up(records: int, points: int) -> pl.DataFrame:
    """Return rows as GBIF's simple CSV has them: common birds at a few points, nothing told of when and by whom."""
    rng = np.random.default_rng(11)
    place = rng.uniform([97.5, 5.0], [109.0, 28.0], (points, 2)).round(4)[rng.integers(0, points, records)]
    genus, species = rng.integers(0, 40, records), rng.integers(0, 8, records)
    letters = np.array(list("abcdefghijklmnopqrst"))
    name = [
        f"Pycnonot{letters[g % 20]}{letters[g // 20]}us vulgar{letters[s]}is"
        for g, s in zip(genus, species, strict=True)
    ]
    number = 4_000_000_000 + np.arange(records)
    return pl.DataFrame(
        {
            "gbifID": number.astype(str),
            "occurrenceID": [f"https://example.org/{n}" for n in number],
            "basisOfRecord": "HUMAN_OBSERVATION",
            "scientificName": name,
            "kingdom": "Animalia", "phylum": "Chordata", "class": "Aves", "order": "Passeriformes",
            "family": "Pycnonotidae", "genus": [n.split()[0] for n in name], "species": name,
            "decimalLongitude": place[:, 0], "decimalLatitude": place[:, 1],
        }
    )  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 250_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 300,
            Path(sys.argv[3]) if len(sys.argv) > 3 else Path(temporary),
        )
