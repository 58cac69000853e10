"""What readers wait while somebody holds a server: half-open connections, and checks of large surveys without a login.

usage: python tests/benchmarks/bench_attack.py ADDRESS [CONNECTIONS [CHECKS [ROWS]]]

Run by hand against a server of one's own on 127.0.0.1; the loops are bounded and end by themselves. What is promised: with
2,000 half-open connections and fifty checks of 10 MB a page of another reader takes less than a second.
"""

import math
import resource
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from urllib.parse import urlsplit

import urllib3

sys.path.insert(0, __file__.rpartition("/")[0])

from bench_survey_check import as_csv, table

PAGES = ("/", "/v1/occurrence/search?limit=20", "/v1/species/search?q=muntjac", "/surveys", "/v1/dataset?f=html",
         "/ogc/collections/occurrences/tiles/WebMercatorQuad/5/14/25")  # fmt: skip
ROUNDS = 40


def main(address: str, connections: int, checks: int, rows: int) -> None:
    where = urlsplit(address)
    if where.hostname != "127.0.0.1":
        message = "only a server on 127.0.0.1 is tried"
        raise SystemExit(message)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("alone:          ", read(address))
    with ExitStack() as stack:
        opened = hold_open(stack, (where.hostname, where.port or 80), connections)
        print(f"{opened:,} half-open: ", read(address))
        body = as_csv(table(rows, faults=False))
        answers: Counter[str] = Counter()
        threads = [threading.Thread(target=check, args=(address, body, answers)) for _ in range(checks)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        print(f"and {checks} checks of {len(body) / 1e6:.1f} MB: ", read(address))
        for thread in threads:
            thread.join()
        print(f"the checks were answered {dict(answers)} in {time.perf_counter() - start:.1f} s")
    print("afterwards:     ", read(address))


def hold_open(stack: ExitStack, where: tuple[str, int], count: int) -> int:
    """Open connections, send the beginning of a head, and leave them; return how many could be opened."""
    opened = 0
    for _ in range(count):
        try:
            connection = stack.enter_context(socket.create_connection(where, timeout=2))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        except OSError:
            continue
        opened += 1
    return opened


def check(address: str, body: bytes, answers: "Counter[str]") -> None:
    """Send a survey to be checked."""
    start = time.perf_counter()
    with urllib3.PoolManager(retries=False) as pool:
        try:
            answer = pool.request(
                "POST",
                f"{address}/v1/surveys?dry_run=true",
                fields={"file": ("survey.csv", body, "text/csv")},
                timeout=600,
            )
            found = f"{answer.status}{', Retry-After' if 'retry-after' in answer.headers else ''}"
        except urllib3.exceptions.HTTPError as error:
            found = type(error).__name__
    seconds = time.perf_counter() - start
    answers[f"{found} within {5 * math.ceil(seconds / 5)} s"] += 1


def read(address: str) -> str:
    """Ask for pages as a reader does, each time by a new connection; tell the median and the longest."""
    took = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request("GET", address + PAGES[number % len(PAGES)], timeout=120)
        took.append((time.perf_counter() - start, PAGES[number % len(PAGES)], answer.status))
    took.sort()
    wrong = {status for _, _, status in took if status != 200}
    return f"median {took[len(took) // 2][0]:.3f} s, longest {took[-1][0]:.3f} s ({took[-1][1]}){f', {wrong}' if wrong else ''}"


if __name__ == "__main__":
    numbers = [int(told) for told in sys.argv[2:]]
    main(sys.argv[1], *(numbers + [2_000, 50, 55_000][len(numbers) :]))
