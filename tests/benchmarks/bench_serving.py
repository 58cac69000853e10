"""How fast pages, tiles, facets and exports are served, beside tipg, pygeoapi and PostGIS, in one run.

usage: python tests/benchmarks/bench_serving.py FOLDER [ROWS ...] [--seconds 15] [--rounds 2] [--workers 2]

Run by hand, as root: the peers need what `peers.sh`, which lies beside a checkout with `make_occurrences.py` and
`boxes.py`, says at its head. In FOLDER, for each number of ROWS (1,000,000 where none is told): made-up records, a
release of them (`make_release.py`) under `biodata serve` with every handler on and nothing cached, and PostGIS with
tipg and pygeoapi over the same records. Servers are loaded one after the other, round by round, with the same lists of
5,000 boxes and tiles; a line tells requests a second, p50, p99, and the processor seconds of the server (PostgreSQL's
among them) for a request, which tell more than the others on a machine that does something else, too. 200 sampled
boxes must have equal numbers and equal identifiers before anything is timed.
"""

import argparse
import json
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).parents[3] / "shared" / "bench"
MAKE_RELEASE = Path(__file__).with_name("make_release.py")
PORT = 5600
LISTED = 5_000
FACETED = 60
OURS = f"http://127.0.0.1:{PORT}/ogc/collections/occurrences"
TIPG = "http://127.0.0.1:5602/collections/public.occ"
PYGEOAPI = "http://127.0.0.1:5601/collections/occ"
PSQL = ("psql", "-h", "127.0.0.1", "-p", "55432", "-U", "postgres", "-d", "occ", "-qtA")
PEER_COLUMNS = (
    "key,taxonKey,year,decimalLatitude,decimalLongitude,datasetKey,occurrenceID,kingdom,class,family,genus,species,"
    "scientificName,countryCode,locality,individualCount,coordinateUncertaintyInMeters,elevation,eventDate,month,day,"
    "basisOfRecord,institutionCode,collectionCode,catalogNumber,license,recordedBy"
)
"""The 27 columns that the peers tell of a record."""
PAGES = {
    "biodata": f"{OURS}/items?bbox=@&limit=300",
    "tipg": f"{TIPG}/items?bbox=@&limit=300&f=geojson",
    "pygeoapi": f"{PYGEOAPI}/items?bbox=@&limit=300&f=json",
}
TILES = {
    "biodata": f"{OURS}/tiles/WebMercatorQuad/@?properties=key,taxonKey,year",
    "tipg": f"{TIPG}/tiles/WebMercatorQuad/@?properties=gbif_id,taxon_key,year",
}
"""Servers by name, with an address each; @ stands for a line of a list."""


@dataclass(frozen=True)
class Load:
    """What a server did under a load: per second, milliseconds, milliseconds, milliseconds of processors."""

    requests: float
    p50: float
    p99: float
    processor: float
    trouble: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compared", type=int, default=200, help="boxes whose answers are compared first")
    parser.add_argument("--alone", action="store_true", help="without peers")
    arguments = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit("the scripts of the benchmark are not beside this checkout")
    for rows in arguments.rows:
        print(f"\n{rows:,} rows", flush=True)
        folder = arguments.folder / str(rows)
        csv = prepared(folder, rows)
        servers = ["biodata"] if arguments.alone else ["biodata", "tipg", "pygeoapi"]
        with served(folder / "data", arguments.workers) as ours, peers(folder, csv, alone=arguments.alone) as others:
            processes = {"biodata": ours, **others}
            if not arguments.alone:
                compare(random.Random(2).sample(lines(folder / "boxes.txt"), arguments.compared))
            for title, listed, addresses, connections in loads():
                told = {name: address for name, address in addresses.items() if name in servers}
                measure(title, folder / listed, told, connections, processes, arguments)
            facets(csv, alone=arguments.alone)
            exports(folder, alone=arguments.alone)


def loads() -> Iterator[tuple[str, str, dict[str, str], int]]:
    """Give each load: what it is, its list, the servers with their addresses, the connections."""
    yield "page of 300 with numberMatched", "boxes.txt", PAGES, 8
    yield "the same, the tenth with the largest boxes", "largest.txt", PAGES, 8
    yield "the same, one connection", "boxes.txt", PAGES, 1
    narrow = {"biodata": f"{PAGES['biodata']}&properties={PEER_COLUMNS}"} if narrowed() else {}
    if narrow:
        yield "page with the peers' 27 columns", "boxes.txt", {**PAGES, **narrow}, 8
    yield "z10 tile, random", "tiles-10.txt", TILES, 8
    yield "z10 tile, near records", "near-10.txt", TILES, 8
    for zoom in range(3, 8):
        yield f"z{zoom} tile", f"near-{zoom}.txt", TILES, 8


def narrowed() -> bool:
    """Tell whether our pages take `properties`."""
    try:
        with urllib.request.urlopen(f"{OURS}/items?limit=1&properties=key", timeout=20):
            return True
    except urllib.error.HTTPError:
        return False


def prepared(folder: Path, rows: int) -> Path:
    """Make records, lists and release of a number of rows where they are not there yet; return the records' file."""
    folder.mkdir(parents=True, exist_ok=True)
    csv = folder / "occurrences.csv"
    python = sys.executable
    if not csv.exists():
        subprocess.run([python, BENCH / "make_occurrences.py", str(rows), str(csv)], check=True)
    lists = {"boxes.txt": [], "tiles-10.txt": ["--tiles", "10"]}
    lists |= {f"near-{zoom}.txt": ["--tiles", str(zoom), "--near", str(csv)] for zoom in (3, 4, 5, 6, 7, 10)}
    for name, more in lists.items():
        if not (folder / name).exists():
            command = [python, BENCH / "boxes.py", str(LISTED), *more]
            (folder / name).write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    boxes = sorted(lines(folder / "boxes.txt"), key=area, reverse=True)[: LISTED // 10]
    random.Random(1).shuffle(boxes)
    (folder / "largest.txt").write_text("\n".join(boxes) + "\n")
    if not (folder / "data").exists():
        subprocess.run([python, MAKE_RELEASE, csv, folder / "data"], check=True)
    return csv


def lines(file: Path) -> list[str]:
    """Return the lines of a list."""
    return file.read_text().split()


def area(box: str) -> float:
    """Return the square degrees of a box."""
    west, south, east, north = map(float, box.split(","))
    return (east - west) * (north - south) * math.cos(math.radians((south + north) / 2))


@contextmanager
def served(data: Path, workers: int) -> Iterator[list[int]]:
    """Serve a release; give the process."""
    command = [sys.executable, "-m", "biodata.cli", "serve", "--data", data, "--port", str(PORT), "--workers",
               str(workers)]  # fmt: skip
    with (data.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield [process.pid]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def peers(folder: Path, csv: Path, *, alone: bool) -> Iterator[dict[str, list[int]]]:
    """Start the peers; give the processes of each, PostgreSQL's with both."""
    if alone:
        yield {}
        return
    home = folder / "peers"
    subprocess.run(["bash", BENCH / "peers.sh", "start", home, csv], check=True, stdout=subprocess.DEVNULL)
    try:
        postgres = int((home / "pg" / "postmaster.pid").read_text().split()[0])
        yield {name: [int((home / f"{name}.pid").read_text()), postgres] for name in ("tipg", "pygeoapi")}
    finally:
        subprocess.run(["bash", BENCH / "peers.sh", "stop", home], check=False)


def measure(
    title: str, listed: Path, addresses: dict[str, str], connections: int, processes: dict[str, list[int]],
    arguments: argparse.Namespace,
) -> None:  # fmt: skip
    """Load the servers in turn; print what each did, and how many times the requests of each peer ours answered."""
    found: dict[str, list[Load]] = {name: [] for name in addresses}
    for _ in range(arguments.rounds):
        for name, address in addresses.items():
            found[name].append(load(address, listed, connections, processes[name], arguments.seconds))
    print(f"\n{title}, {connections} connections" if connections > 1 else f"\n{title}")
    middle = {name: statistics.median(run.requests for run in runs) for name, runs in found.items()}
    for name, runs in found.items():
        p50, p99, processor = (statistics.median(getattr(r, n) for r in runs) for n in ("p50", "p99", "processor"))
        trouble = " ".join({run.trouble for run in runs if run.trouble})
        ratio = "" if name == "biodata" else f"  ours {middle['biodata'] / middle[name]:.2f} times"
        print(
            f"  {name:<9} {middle[name]:7.1f} requests/s  p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  "
            f"{processor:6.1f} ms of processors{ratio} {trouble}",
            flush=True,
        )


def load(address: str, listed: Path, connections: int, processes: Sequence[int], seconds: int) -> Load:
    """Load one address with a list."""
    before = sum(map(processor_seconds, processes))
    command = ["bash", BENCH / "peers.sh", "load", address, listed, str(connections), str(seconds)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    spent = sum(map(processor_seconds, processes)) - before
    match = re.match(r"requests/s (\S+) p50 (\S+) p99 (\S+)(.*)", told)
    if match is None:
        sys.exit(told)
    requests = float(match[1])
    return Load(requests, milliseconds(match[2]), milliseconds(match[3]), 1000 * spent / max(requests * seconds, 1),
                match[4].strip())  # fmt: skip


def milliseconds(text: str) -> float:
    """Read a time as wrk writes it."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def processor_seconds(process: int) -> float:
    """Return the processor seconds of a process, its children and what became of those that ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(processor_seconds, map(int, children)))


def ask(address: str) -> dict:
    """Return the answer of an address."""
    with urllib.request.urlopen(address, timeout=120) as answer:
        return json.load(answer)


def compare(boxes: Sequence[str]) -> None:
    """Compare sampled boxes: equal numbers, and equal identifiers where a page holds all of them."""
    whole = 0
    for box in boxes:
        ours = ask(f"{OURS}/items?bbox={box}&limit=10000")
        theirs = ask(f"{TIPG}/items?bbox={box}&limit=10000&f=geojson")
        third = ask(f"{PYGEOAPI}/items?bbox={box}&limit=1&f=json")
        numbers = {ours["numberMatched"], theirs["numberMatched"], third["numberMatched"]}
        if len(numbers) != 1:
            sys.exit(
                f"{box}: {ours['numberMatched']}, tipg {theirs['numberMatched']}, pygeoapi {third['numberMatched']}"
            )
        if ours["numberMatched"] <= 10_000:
            whole += 1
            if {f["id"] for f in ours["features"]} != {f["properties"]["gbif_id"] for f in theirs["features"]}:
                sys.exit(f"{box}: other records than tipg's")
    print(
        f"{len(boxes)} boxes: equal numbers of ours, tipg and pygeoapi; equal identifiers in all {whole} of up to 10,000"
    )


def polygons(csv: Path) -> list[str]:
    """Return polygons of 40 vertices around records, as WKT, of 30 to 300 km."""
    rng = random.Random(4)
    with csv.open() as file:
        heading = next(file).rstrip("\n").split("\t")
        x, y = heading.index("decimalLongitude"), heading.index("decimalLatitude")
        places = [
            (float(row[x]), float(row[y])) for row, _ in zip((r.split("\t") for r in file), range(20_000), strict=False)
        ]
    chosen = rng.sample([p for p in places if 92 < p[0] < 140 and -9 < p[1] < 32], FACETED)
    found = []
    for longitude, latitude in chosen:
        radius = 10 ** rng.uniform(-0.5, 0.5)
        corners = [
            (longitude + r * math.cos(angle), latitude + r * math.sin(angle))
            for angle, r in ((2 * math.pi * n / 40, radius * rng.uniform(0.6, 1)) for n in range(40))
        ]
        found.append("POLYGON((" + ",".join(f"{a:.5f} {b:.5f}" for a, b in [*corners, corners[0]]) + "))")
    return found


def facets(csv: Path, *, alone: bool) -> None:
    """Time the ten most frequent species in polygons: ours over HTTP, PostGIS's in a session of its own."""
    chosen, ours, answers = polygons(csv), [], []
    for polygon in [*chosen[:5], *chosen]:
        query = urllib.parse.urlencode({"limit": 0, "facet": "species", "facetLimit": 10, "geometry": polygon})
        started = time.perf_counter()
        told = ask(f"http://127.0.0.1:{PORT}/v1/occurrence/search?{query}")
        ours.append(1000 * (time.perf_counter() - started))
        answers.append([(c["name"], c["count"]) for c in told["facets"][0]["counts"]])
    del ours[:5], answers[:5]
    print(f"\nspecies facet in {FACETED} polygons of 40 vertices")
    print(f"  biodata   median {statistics.median(ours):.1f} ms, p95 {sorted(ours)[-FACETED // 20]:.1f} ms, over HTTP")
    if alone:
        return
    statements = [
        f"SELECT species, count(*) FROM occ WHERE ST_Intersects(geom, ST_GeomFromText('{p}', 4326)) "
        'GROUP BY 1 ORDER BY 2 DESC, species COLLATE "C" LIMIT 10;'
        for p in [*chosen[:5], *chosen]
    ]
    told = subprocess.run(
        PSQL, input="\\timing on\n" + "\n".join(statements), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    times = [float(t) for t in re.findall(r"Time: ([\d.]+) ms", told)][5:]
    parts = re.split(r"Time: [\d.]+ ms.*\n", told)[5:]
    for mine, part in zip(answers, parts, strict=False):
        theirs = [(name, int(count)) for name, count in (line.split("|") for line in part.splitlines() if "|" in line)]
        if mine != theirs:
            sys.exit(f"a facet differs: {mine} and {theirs}")
    middle = statistics.median(times)
    print(f"  PostGIS   median {middle:.1f} ms, p95 {sorted(times)[-FACETED // 20]:.1f} ms, in psql; the same answers")
    print(f"  ours is {middle / statistics.median(ours):.1f} times as fast, in all {sum(times) / sum(ours):.1f} times")


def exports(folder: Path, *, alone: bool) -> None:
    """Time the export of a country's records as CSV, 27 columns: `biodata export` and PostgreSQL's COPY, in turn."""
    ours, theirs = folder / "ours.csv", folder / "theirs.csv"
    mine = [sys.executable, "-m", "biodata.cli", "export", "--data", folder / "data", "--format", "csv", "--columns",
            PEER_COLUMNS, "--country", "VN", "--out", ours]  # fmt: skip
    copy = [
        *PSQL,
        "-c",
        f"\\copy (SELECT * FROM occ WHERE \"countryCode\" = 'VN') TO '{theirs}' WITH (FORMAT csv, HEADER)",
    ]
    print("\nexport of Viet Nam as CSV, the whole command")
    for _ in range(2):
        for name, command in {"biodata": mine} if alone else {"biodata": mine, "COPY": copy}.items():
            ours.unlink(missing_ok=True)
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - started
            file = ours if name == "biodata" else theirs
            print(
                f"  {name:<9} {seconds:6.2f} s",
                f"{file.stat().st_size / 1e6:,.0f} MB" if file.exists() else "",
                flush=True,
            )


if __name__ == "__main__":
    main()
