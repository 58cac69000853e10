"""Processor seconds, peak memory and size of every export format, at several sizes: memory has to stay flat.

usage: python tests/benchmarks/bench_exports.py DATA [DATA …] [--formats csv,dwca]

Each DATA is an installation with a release, such as `make_release.py` makes. Each export runs in a process of its own;
the peak is that of the whole process (VmHWM), DuckDB's buffers and the interpreter with its libraries among it. The
wall time tells little on a machine that others use, so processor seconds stand beside it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from biodata.exports.request import ExportRequest
from biodata.exports.write import KINDS, Format, export
from biodata.store import releases


def measure(data: Path, file_format: Format, out: Path) -> dict[str, float]:
    """Write one export; return rows, seconds, processor seconds, peak memory in MB and size in MB."""
    release = releases.current(data)
    started = time.perf_counter()
    facts = export(release.path, file_format, ExportRequest("benchmark", release.created), out)
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    # A child's peak begins as its parent's: the kernel's own mark is this process's alone.
    peak_kb = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    return {
        "rows": facts.rows,
        "wall_s": round(wall, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(peak_kb / 1024),
        "size_mb": round(out.stat().st_size / 1e6, 1),
    }


def main() -> None:
    """Measure each format at each size and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--formats", default=",".join(Format))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    formats = [Format(name) for name in told.formats.split(",")]
    if told.one:
        with tempfile.TemporaryDirectory(dir=told.data[0]) as folder:
            out = Path(folder) / f"out.{KINDS[formats[0]].suffix}"
            print(json.dumps(measure(told.data[0], formats[0], out)))
        return
    for file_format in formats:
        for data in told.data:
            command = [sys.executable, __file__, str(data), "--formats", file_format, "--one"]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ.copy())
            print(f"{file_format:13} {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
