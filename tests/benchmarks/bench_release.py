"""How long `biodata ingest` and `biodata release` take as commands, beside DuckDB and PostGIS on the same rows.

usage: python tests/benchmarks/bench_release.py [ROWS] [--keep FOLDER] [--json FILE] [--no-peers]

Run by hand. An installation is made of a checklist, rules, a GBIF download and archives of events (`release_rows.py`),
then released; then 500 more records come, 500 scattered ones are corrected, 500 are withdrawn, and each time it is released
again. Told are processor seconds of the command and its children, wall seconds, the peak memory of the largest process, and the bytes that were written. The peers take in the
same download: DuckDB converts it to sorted Parquet, PostGIS copies it into a table with eight indexes. Commands find
their bytecode, as an installed package does; the first one compiles it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
import release_rows

from biodata.store.lake import Lake

ADDED = 500
"""How many records are new, corrected, withdrawn."""
DUCKDB = """
import duckdb, sys
connection = duckdb.connect(config={{"threads": 2, "memory_limit": "3GB", "temp_directory": "{folder}/spill"}})
connection.sql('''COPY (FROM read_csv('{csv}', delim='\t', quote='')
    ORDER BY round("decimalLatitude", 1), round("decimalLongitude", 1), "gbifID")
    TO '{folder}/bare.parquet' (COMPRESSION zstd)''')
"""
INDEXED = ('"gbifID"', '"datasetKey"', '"scientificName"', '"family"', '"countryCode"', '"year"', '"eventDate"')
"""Beside the index of the points."""
NUMBERS = {"gbifID": "bigint", "day": "int", "month": "int", "year": "int", "individualCount": "int",
           "eventDate": "date", "decimalLatitude": "double precision", "decimalLongitude": "double precision",
           "coordinateUncertaintyInMeters": "double precision", "elevation": "double precision"}  # fmt: skip
"""Columns of the table that hold no text."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--keep", type=Path, help="folder of rows and installation, which stays")
    parser.add_argument("--json", type=Path, help="file of the figures")
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        made = release_rows.make(folder / "rows", arguments.rows)
        steps = whole_pipeline(made, folder)
        if not arguments.no_peers:
            steps |= peers(made.download, folder)
    known = [peer for peer in ("duckdb", "postgis") if peer in steps]
    figures = {
        "rows": made.rows,
        "steps": steps,
        "release_cpu_seconds_a_million": steps["release"]["cpu_seconds"] / made.rows * 1e6,
        "wall_ratios": {peer: ratio(steps, peer, "wall_seconds") for peer in known},
        "cpu_ratios": {peer: ratio(steps, peer, "cpu_seconds") for peer in known},
    }
    for peer, times in figures["wall_ratios"].items():
        print(
            f"ingest and release: {times:.1f} times the wall time of {peer}, {figures['cpu_ratios'][peer]:.1f} times its CPU"
        )
    print(f"release: {figures['release_cpu_seconds_a_million']:.1f} CPU s a million rows")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def ratio(steps: dict[str, dict[str, Any]], peer: str, figure: str) -> float:
    """Return how many times what a peer took ingest and release together take."""
    return (steps["ingest"][figure] + steps["release"][figure]) / steps[peer][figure]


def whole_pipeline(made: release_rows.MadeUp, folder: Path) -> dict[str, dict[str, Any]]:
    """Make the installation, then add to it; return what each step took."""
    data, more = folder / "installation", folder / "rows" / "more.csv"
    shutil.rmtree(data, ignore_errors=True)
    release_rows.write_download(more, first=made.rows, rows=ADDED)
    steps = {
        "checklist": biodata(data, "ingest", "checklist", made.checklist),
        "rules": biodata(data, "rules", "import", made.rules, "--reason", "a benchmark"),
        "ingest": biodata(data, "ingest", "gbif", made.download),
    }
    for number, archive in enumerate(made.archives):
        step = biodata(data, "ingest", "dwca", archive, "--dataset", f"survey-{number}")
        steps["ingest"] = {name: steps["ingest"][name] + value for name, value in step.items()} | {
            "peak_mb": max(steps["ingest"]["peak_mb"], step["peak_mb"])
        }
    steps["release"] = biodata(data, "release")
    steps["ingest_more"] = biodata(data, "ingest", "gbif", more)
    steps["release_more"] = biodata(data, "release")
    corrected = write_corrected(made.download, folder / "rows" / "corrected.csv")
    steps["ingest_corrected"] = biodata(data, "ingest", "gbif", corrected)
    steps["release_corrected"] = biodata(data, "release")
    with Lake.open(data) as lake:
        keys = lake.read("occurrences", columns=["key"])["key"].sort()
    gone = [part for key in keys.gather_every(keys.len() // ADDED)[:ADDED] for part in ("--key", str(key))]
    steps["withdraw"] = biodata(data, "withdraw", "--reason", "a benchmark", *gone)
    for name, step in steps.items():
        show(name, step)
    files = (path for path in (data / "releases").rglob("*") if path.is_file())
    print(f"releases on disk: {sum(path.stat().st_size for path in files) / 1e6:,.0f} MB")
    return steps


def write_corrected(download: Path, path: Path) -> Path:
    """Write rows from all over a download with another number of individuals."""
    rows = pl.scan_csv(download, separator="\t", quote_char=None, infer_schema=False)
    count = rows.select(pl.len()).collect().item()
    some = rows.gather_every(max(count // ADDED, 1)).head(ADDED).with_columns(individualCount=pl.lit("9"))
    some.collect().write_csv(path, separator="\t", quote_style="never")
    return path


def biodata(data: Path, *arguments: str | Path) -> dict[str, Any]:
    """Run a command of biodata on an installation."""
    code = "from biodata.cli import main; main()"
    compiled = {"PYTHONPYCACHEPREFIX": str(data.parent / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    return measured([sys.executable, "-c", code, *map(str, arguments), "--data", str(data)], environment=compiled)


def measured(
    command: list[str], *, stdin: Path | None = None, environment: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run a command; return what it and its children took.

    Raises
    ------
    SystemExit
        With the end of what it wrote, if it fails.
    """
    with tempfile.TemporaryFile() as output, Path(stdin or os.devnull).open("rb") as read:
        start = time.perf_counter()
        whole = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdin=read, stdout=output, stderr=output, env=whole)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)}\n{output.read().decode()[-3000:]}")
    return {"cpu_seconds": used.ru_utime + used.ru_stime, "wall_seconds": wall, "peak_mb": used.ru_maxrss / 1024,
            "written_mb": used.ru_oublock * 512 / 1e6}  # fmt: skip


def show(name: str, step: dict[str, Any]) -> None:
    told = "{cpu_seconds:7.1f} CPU s, {wall_seconds:7.1f} s, peak {peak_mb:6,.0f} MB, {written_mb:7,.0f} MB written"
    print(f"{name:<13}", told.format(**step), flush=True)


def peers(csv: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Let others take in the download; return what each took. PostGIS is left out where it is not installed."""
    steps = {"duckdb": measured([sys.executable, "-c", DUCKDB.format(csv=csv, folder=folder)])}
    show("duckdb", steps["duckdb"])
    homes = [
        home for home in servers() if any((share / "extension/postgis.control").is_file() for share in shares(home))
    ]
    if not homes:
        print("postgis: not installed here (postgresql and postgis are wanted), so it is left out")
        return steps
    steps["postgis"] = postgis(csv, folder / "postgis", homes[0])
    show("postgis", steps["postgis"])
    return steps


def servers() -> list[Path]:
    """Return the folders of PostgreSQL's programs: the one on PATH, then Debian's, the newest first."""
    on_path = shutil.which("postgres")
    debians = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda home: int(home.parent.name), reverse=True)
    return [*([] if on_path is None else [Path(on_path).resolve().parent]), *debians]


def shares(home: Path) -> list[Path]:
    """Return where the extensions of a server may lie: Debian's has lib/postgresql/17/bin beside share/postgresql/17."""
    return [home.parents[2].with_name("share") / "postgresql" / home.parent.name, home.parent / "share"]


def postgis(csv: Path, folder: Path, home: Path) -> dict[str, Any]:
    """Copy the download into a table of a server of its own, and make eight indexes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres", "postgres")
        folder.parent.chmod(0o755)  # a temporary folder is its maker's alone
    cluster, quiet = str(folder / "cluster"), {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*user, home / "initdb", "-D", cluster, "-A", "trust", "-U", "postgres"], **quiet)
    settings = ("unix_socket_directories=" + str(folder), "listen_addresses=", "maintenance_work_mem=1GB")
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*user, home / "postgres", "-D", cluster, *options], stdout=log, stderr=log)
    ready = [home / "pg_isready", "-q", "-h", folder]
    while server.poll() is None and subprocess.run(ready, check=False).returncode:
        time.sleep(0.2)
    try:
        header = csv.open(encoding="utf-8").readline().rstrip("\n").split("\t")
        columns = ", ".join(f'"{name}" {NUMBERS.get(name, "text")}' for name in header)
        script = folder / "script.sql"
        point = 'ST_SetSRID(ST_MakePoint("decimalLongitude", "decimalLatitude"), 4326)'
        script.write_text(
            "CREATE EXTENSION postgis;\n"
            f"CREATE TABLE occurrences ({columns}, place geometry(Point, 4326) GENERATED ALWAYS AS ({point}) STORED);\n"
            f"\\copy occurrences ({', '.join(f'{chr(34)}{n}{chr(34)}' for n in header)}) FROM '{csv}' (FORMAT text, HEADER)\n"
            "CREATE INDEX ON occurrences USING gist (place);\n"
            + "".join(f"CREATE INDEX ON occurrences ({name});\n" for name in INDEXED)
            + "ANALYZE occurrences;\n",
            encoding="utf-8",
        )
        psql = [str(home / "psql"), "-h", str(folder), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
        step = measured(psql)
    finally:
        subprocess.run([*user, home / "pg_ctl", "-D", cluster, "-m", "fast", "stop"], **quiet)
        _, _, used = os.wait4(server.pid, 0)
        server.returncode = 0
    # What copies and indexes is the server, the client only sends the file.
    step["cpu_seconds"] += used.ru_utime + used.ru_stime
    step["written_mb"] += used.ru_oublock * 512 / 1e6
    step["peak_mb"] = used.ru_maxrss / 1024
    return step


if __name__ == "__main__":
    main()
