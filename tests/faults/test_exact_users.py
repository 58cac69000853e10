"""The exact process as a system user of its own: who gives it records, who asks it, and who may read nothing of it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from biodata.access import exact_process, exact_store, grants
from biodata.access.grants import Grant
from biodata.core.errors import StoreError
from biodata.formats import node_keys

OWNER, SERVICE, EXACT, STRANGER = "bin", "nobody", "daemon", "games"
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user"),
]


@pytest.fixture
def outside():
    """Return a folder that everybody can reach: pytest's own are closed."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def as_user(name: str, work: Callable[[], bool]) -> bool:
    """Return what somebody else finds; the child has all that it needs loaded."""
    import pwd

    found = pwd.getpwnam(name)
    child = os.fork()
    if child == 0:
        result = 2
        try:
            os.setgroups([])
            os.setgid(found.pw_gid)
            os.setuid(found.pw_uid)
            result = 0 if work() else 1
        finally:
            os._exit(result)
    return os.waitpid(child, 0)[1] == 0


def refused(path: Path, call: dict, *, file: int | None = None) -> bool:
    try:
        exact_process.call_exact(path, call, file=file)
    except (StoreError, exact_process.RefusedError):
        return True
    return False


def test_each_user_does_its_own_part_and_nothing_else(outside, built_records):
    store, path, key = outside / "exact", outside / "socket", outside / "la.key"
    store.mkdir(mode=0o700)
    public = outside / "la.pem"
    public.write_text(node_keys.keep_new(key))
    command = [sys.executable, "-m", "biodata.cli", "exact"]
    subprocess.run([*command, "trust", "LA", str(public), "--store", str(store)], check=True)
    served = [*command, "serve", "--store", str(store), "--socket", str(path), "--client", SERVICE, "--owner", OWNER]
    grant = Grant(
        "r-LA", "r", "ana", "LA", None, None, None, None, ("decimalLatitude",), 9, 9, 9, "2099-01-01T00:00:00+00:00"
    ).text()
    asked = {"grants": [{"grant": grant, "signature": grants.sign(grant, key)}], "account": "ana", "ask": {}}
    file, facts = built_records
    with subprocess.Popen([*served, "--user", EXACT]) as process:
        try:
            for _ in range(600):
                if path.exists() and as_user(SERVICE, lambda: not refused(path, {"revoke": "none"})):
                    break
                time.sleep(0.2)
                assert process.poll() is None
            give = {"take": facts.as_dict()}
            assert as_user(SERVICE, lambda: refused(path, asked)), "there are no records yet"
            assert as_user(SERVICE, lambda: refused(path, give, file=file)), "the service gives no records"
            assert as_user(STRANGER, lambda: refused(path, {"revoke": "r-LA"})), "nobody else is heard"
            assert as_user(OWNER, lambda: exact_process.call_exact(path, give, file=file) == {"taken": facts.records})
            assert as_user(SERVICE, lambda: len(exact_process.call_exact(path, asked)["records"]) == 1)
            for name in (SERVICE, OWNER, STRANGER):
                assert as_user(name, lambda: not os.access(store, os.R_OK | os.X_OK) and not os.access(key, os.R_OK))
            assert {one.stat().st_uid for one in store.rglob("*")} == {store.stat().st_uid} != {0}
            assert (store / exact_store.FILE).stat().st_mode & 0o777 == 0o600
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


@pytest.fixture
def built_records(tmp_path):
    """Return a file of exact records as whoever has the lake gives it, and what it tells of itself."""
    import polars as pl

    row = {"key": 7, "species": "Elephas maximus", "decimalLatitude": 20.51234, "decimalLongitude": 102.31234,
           "exact_countries": ["LA"], "exact_taxa": ["elephas maximus"]}  # fmt: skip
    facts = exact_store.Facts(3, "rules", 1)
    told = tmp_path / "records.parquet"
    pl.DataFrame([row], schema=exact_store.SCHEMA).write_parquet(told, metadata=facts.as_text())
    with told.open("rb") as file:
        yield file.fileno(), facts
