"""Time, peak memory and rows of every export format, as the command writes them: memory has to stay flat.

usage: python tests/benchmarks/bench_exports.py DATA [DATA …] [--formats csv,dwca] [--memory-limit 1500MB]

Each DATA is an installation with a release. Each export is the command `biodata export` in a process of its own; the peak
is that of the whole process, DuckDB's buffers and the interpreter with its libraries among it. The wall time tells little
on a machine that others use, so processor seconds stand beside it. `rows` are counted in the file by other programs than
those that wrote it, `told` is what the command says, and its line about what was left out stands below.
"""

import argparse
import csv
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

FORMATS: Final = {
    "csv": ("csv", ["--columns", "simple"]), "csv-all": ("csv", []), "dwca": ("zip", []), "geoparquet": ("parquet", []),
    "gpkg": ("gpkg", []), "geojson": ("geojson", []), "species-list": ("csv", []), "cube": ("csv", []),
    "camtrapdp": ("zip", []),
}  # fmt: skip


def counted(name: str, out: Path) -> int:
    """Return the records that a file holds, or that its lines count."""
    match name:
        case "csv" | "csv-all":
            return int(pl.scan_csv(out, infer_schema=False).select(pl.len()).collect(engine="streaming").item())
        case "species-list" | "cube":
            column = "occurrences" if name == "cube" else "numberOfOccurrences"
            return int(pl.read_csv(out, infer_schema=False)[column].cast(pl.Int64).sum())
        case "geoparquet":
            return int(pq.read_metadata(out).num_rows)
        case "gpkg":
            with sqlite3.connect(out) as connection:
                return int(connection.execute("SELECT count(*) FROM occurrences").fetchone()[0])
        case "geojson":
            with out.open("rb") as lines:
                return sum(line.startswith(b'{"type":"Feature"') for line in lines)
        case _:
            member, separator = ("observations.csv", ",") if name == "camtrapdp" else ("occurrence.txt", "\t")
            with zipfile.ZipFile(out) as archive, archive.open(member) as file:
                lines = (line.decode() for line in file)
                return sum(1 for _ in csv.reader(lines, delimiter=separator)) - 1


def apart(name: str, out: Path) -> int:
    """Return `counted` of a process of its own: the peak that the kernel notes of a child begins as its parent's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(counted, (name, out))


def measure(data: Path, name: str, folder: Path, memory_limit: str | None) -> dict[str, Any]:
    """Run one export; return its seconds, processor seconds, peak in MB, size in MB, rows and lines."""
    ending, more = FORMATS[name]
    out = folder / f"out.{ending}"
    file_format = "csv" if name == "csv-all" else name
    command = [sys.executable, "-m", "biodata.cli", "export", "--data", str(data), "--format", file_format]
    environment = os.environ | ({"BIODATA_MEMORY_LIMIT": memory_limit} if memory_limit else {})
    started = time.perf_counter()
    with (folder / "said").open("w+b") as said:
        process = subprocess.Popen([*command, *more, "--out", str(out)], stdout=said, stderr=said, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        said.seek(0)
        lines = said.read().decode().splitlines()
    found: dict[str, Any] = {
        "wall_s": round(time.perf_counter() - started, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "lines": lines,
    }
    if os.waitstatus_to_exitcode(status) == 0:
        found |= {"size_mb": round(out.stat().st_size / 1e6, 1), "rows": apart(name, out)}
        found["told"] = int(lines[0].split()[0])
        out.unlink()
    return found


def main() -> None:
    """Measure each format of each installation and print a line for each, and what the command says was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--memory-limit")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    print(
        f"{'data':12} {'format':13} {'wall_s':>7} {'proc_s':>7} {'peak_mb':>8} {'size_mb':>8} {'rows':>9} {'told':>9}"
    )
    for data in told.data:
        for name in told.formats.split(","):
            with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
                found = measure(data, name, Path(folder), told.memory_limit)
            if told.json:
                print(json.dumps({"data": data.name, "format": name, **found}), flush=True)
                continue
            print(
                f"{data.name:12} {name:13} {found['wall_s']:7} {found['processor_s']:7} {found['peak_mb']:8} "
                f"{found.get('size_mb', '-'):>8} {found.get('rows', '-'):>9} {found.get('told', '-'):>9}"
            )
            print("\n".join(f"    {line}" for line in found["lines"][0 if "rows" not in found else 1 :]), flush=True)


if __name__ == "__main__":
    main()
