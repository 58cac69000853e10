"""How long a survey takes from its hand-in to the release that shows it: small and large uploads, new and once more.

usage: python tests/benchmarks/bench_survey_upload.py [ROWS ...]

Run by hand. Of each size a new dataset is handed in, then a second state of it with two counts changed. Nobody reviews it,
so one job takes it from the check to the release.
"""

import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench_survey_check import as_workbook, events, table

import appointed
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.settings import Settings
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.surveys import receive
from biodata.worker import work


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", memory_limit="1GB", survey_review="not_required")
        take(settings, "warm", 10, changed=False)
        for rows in sizes:
            for changed in (False, True):
                wall, used = take(settings, f"rows-{rows}", rows, changed=changed)
                told = f"{rows:,} rows, {'two of them changed' if changed else 'all of them new'}"
                print(f"{told:40} {wall:6.2f} s, {used:6.2f} s of a core")
                print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB", flush=True)


def take(settings: Settings, dataset: str, rows: int, *, changed: bool) -> tuple[float, float]:
    """Hand a survey in, let the worker do what waits, and return the seconds that it took, on the clock and of a core."""
    cells = table(rows, faults=False)
    for row in cells[1:3] if changed else ():
        row[4] += 1
    book = as_workbook({"occurrences": cells, "events": events(-(-rows // 20))})
    with Registry.open(settings) as registry:
        if accounts.find(registry, dataset) is None:
            appointed.new(registry, dataset, roles=[RoleBinding(Role.UPLOADER, dataset=dataset)])
        sender = accounts.find(registry, dataset)
        number = receive(settings, registry, book, f"{dataset}.xlsx", sender=sender, dataset=dataset)
        start, used = time.perf_counter(), time.process_time()
        work(settings, stop=threading.Event(), once=True)
        took = time.perf_counter() - start, time.process_time() - used
        with registry.session(read_only=True) as session:
            found = session.get_one(Submission, number)
            if found.state != "published":
                message = f"{dataset} is {found.state}: {found.report}"
                raise RuntimeError(message)
    return took


if __name__ == "__main__":
    main([int(told) for told in sys.argv[1:]] or [10, 10_000])
