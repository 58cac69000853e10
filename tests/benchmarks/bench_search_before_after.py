"""How fast public search is, in this checkout and in another one, over the same records, in one run.

usage: python tests/benchmarks/bench_search_before_after.py OTHER FOLDER [--records 20000] [--rounds 6] [--seconds 5]

OTHER is a checkout of an older commit with its own `.venv`: `git worktree add OTHER COMMIT`, then `uv sync` in it. Each
makes its release of the same made-up records, of which a tenth are sensitive, and serves it with one worker. Both serve
all the while and are loaded in turn, round by round, by one client that asks the same list of searches; a line tells of
each the median over rounds of searches a second, and of the server's processor seconds for a search, which tell more on
a machine that does something else, too. The last line is the new one's share of the old one's.
"""

import argparse
import csv
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parents[2]
SPECIES = ("Muntiacus muntjak", "Lophura nycthemera", "Capricornis milneedwardsii", "Nomascus leucogenys")
ASKED = 400


def records(path: Path, count: int) -> None:
    """Write records over the north of the region."""
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow("occurrenceID scientificName decimalLatitude decimalLongitude eventDate basisOfRecord".split())
        for n in range(count):
            species = SPECIES[3] if n % 10 == 0 else SPECIES[n % 3]
            place = f"{rng.uniform(18, 26):.5f}", f"{rng.uniform(98, 108):.5f}"
            day = f"{2000 + n % 25}-{n % 12 + 1:02d}-{n % 28 + 1:02d}"
            writer.writerow([f"r{n}", species, *place, day, "HUMAN_OBSERVATION"])


def questions() -> list[str]:
    """Return searches of each common kind."""
    rng = random.Random(2)
    found = []
    for n in range(ASKED):
        x, y = rng.uniform(98, 106), rng.uniform(18, 25)
        box = f"POLYGON(({x} {y},{x + 1} {y},{x + 1} {y + 1},{x} {y + 1},{x} {y}))"
        kinds = (
            {"geometry": box, "limit": 20},
            {"country": ("CN", "LA", "VN", "TH")[n // 5 % 4], "limit": 20},
            {"species": SPECIES[n // 5 % 4], "year": f"{2001 + n // 5 % 20},2024", "limit": 50},
            {"limit": 0, "facet": "species", "geometry": box},
            {"q": "Muntiacus", "limit": 5, "offset": n},
        )
        found.append("/v1/occurrence/search?" + urllib.parse.urlencode(kinds[n % 5]))
    return found


class Server:
    """A checkout's service."""

    def __init__(self, checkout: Path, file: Path, data: Path, port: int) -> None:
        program = str(checkout / ".venv" / "bin" / "biodata")
        if not (data / "releases" / "CURRENT").exists():
            for command in (["ingest", "gbif", str(file)], ["release"]):
                subprocess.run([program, *command, "--data", str(data)], check=True, capture_output=True, cwd=checkout)
        # Without `biodata serve`, which would build the map first.
        environment = os.environ | {"BIODATA_RATE_LIMIT": "0", "BIODATA_DATA": str(data.resolve())}
        serve = [str(checkout / ".venv" / "bin" / "python"), "-m", "uvicorn", "api.app:create_app", "--factory"]
        self.process = subprocess.Popen(
            [*serve, "--port", str(port), "--log-level", "warning"],
            cwd=checkout, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.base = f"http://127.0.0.1:{port}"
        self.rates: list[float] = []
        self.costs: list[float] = []

    def wait(self) -> None:
        """Wait until it can answer."""
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{self.base}/health/ready", timeout=5).read()
            except OSError:
                time.sleep(0.5)
            else:
                return
        sys.exit("a server does not answer")

    def load(self, asked: list[str], seconds: float) -> None:
        """Ask one after the other for so long."""
        cpu, start, count = self._cpu(), time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            urllib.request.urlopen(self.base + asked[count % len(asked)], timeout=60).read()
            count += 1
        self.rates.append(count / (time.perf_counter() - start))
        self.costs.append((self._cpu() - cpu) / count)

    def _cpu(self) -> float:
        """Return the processor seconds of the server and of its workers."""
        total = 0.0
        parents = {self.process.pid}
        for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda f: int(f.name)):
            try:
                told = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(folder.name) in parents or int(told[1]) in parents:
                parents.add(int(folder.name))
                total += (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
        return total


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5.0)
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    file = told.folder / "records.csv"
    records(file, told.records)
    servers = {
        "before": Server(told.other.resolve(), file, told.folder / "before", 8471),
        "after": Server(HERE, file, told.folder / "after", 8472),
    }
    try:
        for server in servers.values():
            server.wait()
            server.load(questions(), 2)
            server.rates.clear()
            server.costs.clear()
        for number in range(told.rounds):
            for name in sorted(servers, reverse=number % 2 == 1):
                servers[name].load(questions(), told.seconds)
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait()
    for name, server in servers.items():
        print(
            f"{name:7} {statistics.median(server.rates):8.1f} searches/s {statistics.median(server.costs) * 1e3:7.2f} ms of processor each"
        )
    rate, cost = (
        statistics.median(getattr(servers["after"], what)) / statistics.median(getattr(servers["before"], what))
        for what in ("rates", "costs")
    )
    print(f"after is {rate:.2f} of the rate, {cost:.2f} of the processor time of before")


if __name__ == "__main__":
    main()
