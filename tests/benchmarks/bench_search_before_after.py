"""How fast public search is, in this checkout and in another one, over the same records, in one run.

usage: python tests/benchmarks/bench_search_before_after.py OTHER FOLDER [--records 20000] [--rounds 3]

OTHER is a checkout of an older commit with its own `.venv`: `git worktree add OTHER 16bce4f`, then `uv sync --all-extras`
in it. Each makes its release of the same made-up records, of which a tenth are sensitive, and serves it with one process.
The new one also has accounts with roles and keys, permits, terms of use, community labels, some hundred sharing rules and
a trusted node. One client asks both the same searches, a block of 20 at a time in turn, first the one and then the other.
A line tells of each the median over blocks of searches a second, and of the server's processor time for a search, which
tells more on a machine that does something else, too. The last line is the new one's share of the old one's, the median
over pairs of blocks of the same searches.
"""

import argparse
import csv
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import appointed
from rule_files import put_rules

HERE = Path(__file__).parents[2]
SPECIES = ("Muntiacus muntjak", "Lophura nycthemera", "Capricornis milneedwardsii", "Nomascus leucogenys")
ASKED = 400
BLOCK = 20


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


def furnish(data: Path) -> None:
    """Give an installation what this work added, none of which concerns the records that are searched."""
    from biodata.access import credentials, nodes, permits, rule_changes, terms_of_use
    from biodata.access.roles import Role, RoleBinding
    from biodata.settings import Settings
    from biodata.sharing.rule import Assignment
    from biodata.store.registry import Registry

    settings = Settings(data=data)
    bundled = (HERE / "biodata" / "data" / "sensitive_species.csv").read_text("utf-8")
    more = (
        f"bench-{n},bench,Nonexistens fictus{n},SPECIES,,,,,,0_1_degree,a made-up rule,2099-01-01\n" for n in range(300)
    )
    put_rules(data, bundled + "".join(more))
    with Registry.open(settings) as registry:
        for n in range(200):
            country = ("LA", "VN", "CN", "TH")[n % 4]
            appointed.new(
                registry,
                f"bench{n}",
                roles=[RoleBinding(Role.NODE_MANAGER, country=country), RoleBinding(Role.PLANNER)],
                actor="command line"
                if n < 4
                else f"bench{n % 4}",  # a second manager of a country is made by the first
            )
            credentials.new_key(registry, f"bench{n}")
        for n in range(50):
            permits.record(
                registry, permits.PermitData(f"other-{n}", permits.Kind.PERMIT, f"{n}/2026", "LA"), actor="bench"
            )
            rule_changes.put_label(registry, Assignment("TK-A", f"other-{n}"), actor="bench")
        terms_of_use.put(registry, "Ask before commerce.", actor="bench")
        elsewhere = data.with_name("node")
        with Registry.open(Settings(data=elsewhere)) as of_node:
            key = nodes.new_node(of_node, elsewhere, "LA")
        nodes.trust(registry, "LA", key)


class Server:
    """A checkout's service."""

    def __init__(self, checkout: Path, file: Path, data: Path, *, furnished: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = str(checkout / ".venv" / "bin" / "biodata")
        if not (data / "releases" / "CURRENT").exists():
            for command in (["ingest", "gbif", str(file)], ["release"]):
                if command == ["release"] and furnished:
                    furnish(data)
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
            if self.process.poll() is not None:
                sys.exit(f"a server ended by itself with {self.process.returncode}")
            try:
                urllib.request.urlopen(f"{self.base}/health/ready", timeout=5).read()
            except OSError:
                time.sleep(0.5)
            else:
                return
        sys.exit("a server does not answer")

    def load(self, asked: list[str]) -> None:
        """Ask one after the other."""
        cpu, start = self._cpu(), time.perf_counter()
        for question in asked:
            urllib.request.urlopen(self.base + question, timeout=120).read()
        self.rates.append(len(asked) / (time.perf_counter() - start))
        self.costs.append((self._cpu() - cpu) / len(asked))

    def _cpu(self) -> float:
        """Return the processor seconds of the server's process, by the clock that Linux keeps of each process."""
        return time.clock_gettime((~self.process.pid << 3) | 2)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    file = told.folder / "records.csv"
    records(file, told.records)
    servers = {
        "before": Server(told.other.resolve(), file, told.folder / "before"),
        "after": Server(HERE, file, told.folder / "after", furnished=True),
    }
    try:
        asked = questions()
        for server in servers.values():
            server.wait()
            server.load(asked[: 2 * BLOCK])
            server.rates.clear()
            server.costs.clear()
        for number in range(told.rounds):
            for first in range(0, ASKED, BLOCK):
                for name in sorted(servers, reverse=(number + first // BLOCK) % 2 == 1):
                    servers[name].load(asked[first : first + BLOCK])
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait()
    for name, server in servers.items():
        print(
            f"{name:7} {statistics.median(server.rates):8.1f} searches/s {statistics.median(server.costs) * 1e3:7.2f} ms of processor each"
        )
    before, after = servers["before"], servers["after"]
    rate = statistics.median(new / old for new, old in zip(after.rates, before.rates, strict=True))
    cost = statistics.median(new / old for new, old in zip(after.costs, before.costs, strict=True))
    print(f"after is {rate:.2f} of the rate, {cost:.2f} of the processor time of before")


if __name__ == "__main__":
    main()
