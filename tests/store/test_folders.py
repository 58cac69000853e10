"""Who may read what in an installation's folder."""

import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest

from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.store import folders
from biodata.store.lake import Lake
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry


@pytest.fixture
def data():
    # pytest's own folders are closed to everybody else.
    with tempfile.TemporaryDirectory() as outside:
        Path(outside).chmod(0o755)
        yield installation(Path(outside) / "data")


def installation(made):
    with Lake.open(made):
        pass
    with Registry.open(Settings(data=made)):
        pass
    keep_report(made, "ingest-1", {"refusals": [{"value": "20.51234"}]})
    (made / "releases").mkdir()
    (made / "releases" / "CURRENT").write_text("{}")
    return made


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_private_is_closed_when_it_is_made(data):
    assert mode(data / "lake") == mode(data / "reports") == 0o700
    assert mode(data / "lake.sqlite") == mode(data / "reports" / "ingest-1.json") == 0o600
    assert folders.wrong(data) == []


def test_a_wrong_mode_is_named_and_a_name_that_is_not_known_is_private(data):
    (data / "lake").chmod(0o755)
    (data / "notes.txt").write_text("20.51234")
    (data / "notes.txt").chmod(0o644)
    assert [one.name for one in folders.wrong(data)] == ["lake", "notes.txt"]
    with Lake.open(data):
        assert folders.wrong(data) == []
    data.chmod(0o777)
    assert [one.name for one in folders.wrong(data)] == ["."]


def as_the_service(data: Path) -> None:
    """Become the service's user, and read what it needs."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    folders.read_by_service(data)
    assert os.access(data / folders.REGISTRY, os.W_OK)
    assert os.access(data / "releases" / "CURRENT", os.R_OK)
    assert not os.access(data, os.W_OK)
    assert not os.access(data / "reports" / "ingest-1.json", os.R_OK)
    (data / "service" / "uploads" / "new").write_text("a")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_services_user_reads_what_it_needs_and_nothing_private(data):
    folders.hand_over(data, user=65534, group=65534)
    with Registry.open(Settings(data=data)):
        pass  # the owner goes on using it
    keep_report(data, "ingest-2", {})
    # A process of tests can have grown too large to be doubled by a fork.
    child = multiprocessing.get_context("forkserver").Process(target=as_the_service, args=(data,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert (data / "service" / "uploads" / "new").read_text() == "a"
    with pytest.raises(InputError, match="can read what is private"):
        folders.read_by_service(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_nothing_outside_is_given_away_by_a_link(data, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "file").write_text("a")
    (outside / "file").chmod(0o600)
    inside = data / "service" / "uploads"
    inside.mkdir(exist_ok=True)
    (inside / "secrets").mkdir()
    (inside / "secrets" / "b").write_text("b")
    (inside / "folder").symlink_to(outside)
    (inside / "file").symlink_to(outside / "file")
    os.link(outside / "file", inside / "other")
    os.mkfifo(inside / "pipe")
    folders.hand_over(data, user=65534, group=65534)
    for path, wanted in ((outside, 0o700), (outside / "file", 0o600)):
        assert (path.stat().st_uid, mode(path)) == (os.geteuid(), wanted)
    assert (inside / "pipe").stat().st_uid == 65534
    assert mode(inside / "secrets" / "b") == 0o660, "only those of the folder itself are secrets"


def test_a_file_that_another_process_takes_away_meanwhile_is_nobodys_fault(data: Path, monkeypatch: pytest.MonkeyPatch):
    gone = data / "lake.sqlite-shm"
    monkeypatch.setattr(folders, "_private", lambda _: iter([gone, data / "lake.sqlite"]))
    (data / "lake.sqlite").chmod(0o644)
    folders.close(data)
    assert mode(data / "lake.sqlite") == 0o600
    assert folders.wrong(data) == []
