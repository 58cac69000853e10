"""Reviewed surveys where lines are cut, processes killed and disks full: never half of one, and the next try succeeds."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx2 as httpx
import polars as pl
import pytest

import appointed
import releases as fixture
from biodata.access import accounts, credentials
from biodata.access.roles import Principal, Role, RoleBinding
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import releases, survey_steps
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.surveys import receive, review, submit
from biodata.surveys.submit import purge_part
from biodata.worker import work
from killing import killed
from servers import free_port, wait_until_ready
from small_disks import fill
from survey_versions import FIRST, FIRST_EVENTS, save

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.usefixtures("no_results")]
BEFORE_REVIEW = ("the file is still sealed", "the file is opened, nothing is put down",
                 "it is checked, nothing is put down")  # fmt: skip
AFTER_REVIEW = (
    "the registry says committing, the lake has nothing",
    "the files have joined the lake's folder, nothing is committed",
    "the lake has it, the registry says committing",
)
BEFORE_THE_MAP = (
    "the registry says committed, nothing is released",
    "the release's file is there, the pointer names another",
    "the release is current, the registry does not know it",
)
WHILE_IT_IS_REMOVED = (
    "the registry says that it is being removed, the lake has all of it",
    "the lake has it, the registry says committing",
)
WHILE_IT_IS_PURGED = (
    "it is put down that it is purged, the lake has all of it",
    "older versions are emptied, the map shows it",
    "it is gone from the lake and the map, its file is there",
)


def whole(settings: Settings) -> tuple[int, int]:
    """Return how many records and events there are, and see that nothing is half."""
    with Lake.open(settings.data) as lake:
        records = lake.count("occurrences")
        assert records == lake.count("verbatim") <= lake.count("identities")
        return records, lake.count("events")


def test_a_reviewed_survey_survives_a_kill_at_every_step(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    path = save(tmp_path / "survey.xlsx", FIRST, FIRST_EVENTS)
    with Registry.open(settings) as registry:
        appointed.new(registry, "rangers", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
        appointed.new(registry, "noy", roles=[RoleBinding(Role.NODE_MANAGER, country="LA")])
        team, noy = accounts.find(registry, "rangers"), accounts.find(registry, "noy")
        number = receive(settings, registry, path.read_bytes(), path.name, sender=team)
    for moment in BEFORE_REVIEW:
        killed(settings, moment)
        assert whole(settings) == (0, 0)
    again(settings, path, number)
    work(settings, stop=threading.Event(), once=True)
    with Registry.open(settings) as registry:
        told = review.look(registry, noy, number)
        assert told["state"] == "submitted"
        review.decide(registry, noy, number, "accept", seen=told["version"])
    for moment in AFTER_REVIEW:
        killed(settings, moment)
        assert whole(settings) in ((0, 0), (6, 3)), moment
        assert says_the_truth(settings, noy, number) != "published", moment
    again(settings, path, number)
    for moment in BEFORE_THE_MAP:
        killed(settings, moment)
        assert whole(settings) == (6, 3)
        assert says_the_truth(settings, noy, number) == "committed", moment
    again(settings, path, number)
    work(settings, stop=threading.Event(), once=True)
    assert whole(settings) == (6, 3)
    assert says_the_truth(settings, noy, number) == "published"
    with Registry.open(settings) as registry:
        told = review.look(registry, noy, number)
        assert (told["state"], told["part_version"]) == ("published", 1)
        assert told["release"] == releases.current(settings.data).id
        assert [one["action"] for one in told["history"]].count("committed") == 1
        assert [one["role"] for one in told["history"] if one["action"] == "accepted"] == ["node_manager", "biodata"]
        assert registry.first_broken_audit_entry() is None
    assert verify(settings).faults == []
    assert not list((settings.data / "service" / "uploads").glob("*.sealed"))


def says_the_truth(settings: Settings, who: Principal, number: int) -> str:
    """Return a submission's state, and see that it is published exactly where the map shows it."""
    current = releases.current(settings.data)
    shown = 0 if current is None else releases.read(current, "occurrences").height
    with Registry.open(settings) as registry:
        told = review.look(registry, who, number)
    if told["state"] == "published":
        assert shown == 5, "the elephant waits for more places"
    assert ("release" in told) == (told["state"] == "published")
    return str(told["state"])


def test_a_part_is_removed_restored_and_purged_whole_though_each_step_is_killed(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB", survey_review="not_required")
    other = [["OT-1", "X1", "Muntiacus muntjak", 1, None]]
    with Registry.open(settings) as registry:
        appointed.new(registry, "rangers", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
        team = accounts.find(registry, "rangers")
        for name, rows, events in (("survey", FIRST, FIRST_EVENTS), ("other", other, [["X1", *FIRST_EVENTS[0][1:]]])):
            path = save(tmp_path / f"{name}.xlsx", rows, events)
            receive(settings, registry, path.read_bytes(), path.name, sender=team)
            work(settings, stop=threading.Event(), once=True)
        was = rows_of(settings)
        without = was.filter(dataset_part="other")
        assert (was.height, without.height) == (7, 1)

        def go(start: Callable[[], int], moments: Sequence[str], before: pl.DataFrame, after: pl.DataFrame) -> int:
            number = start()
            for moment in moments:
                killed(settings, moment)
                now = rows_of(settings)
                assert now.equals(before) or now.equals(after), moment
                assert review.look(registry, team, number)["state"] in ("accepted", "committing", "committed"), moment
            again = start()
            work(settings, stop=threading.Event(), once=True)
            assert rows_of(settings).equals(after)
            return again

        removal = go(lambda: submit.remove(settings, registry, team, 1), WHILE_IT_IS_REMOVED, was, without)
        assert [review.look(registry, team, one)["state"] for one in (1, removal)] == ["removed", "removed"]
        back = go(lambda: submit.restore(registry, team, 1), AFTER_REVIEW[:2], without, was)
        assert review.look(registry, team, back)["state"] == "published"
        for moment in WHILE_IT_IS_PURGED:
            killed(settings, moment, purge="survey")
            now = rows_of(settings).drop_nulls("source_record_id")
            assert now.equals(was) or now.equals(without), moment
        purge_part(settings, registry, dataset="nam-ha", part="survey", reason="a law", actor="a test")
        assert {review.look(registry, team, one)["state"] for one in (1, removal, back)} == {"withdrawn"}
    assert rows_of(settings).equals(without)
    shown = releases.read(releases.current(settings.data), "occurrences")
    assert set(shown["key"]) == set(without["key"])
    for path in (settings.data / "lake").rglob("*.parquet"):
        content = repr(pl.read_parquet(path).to_dicts())
        assert not [one for one in ("NH-1", "NH-6") if f"'{one}'" in content], path.name
    # What is left is the other survey's file, and the tables that came of it.
    assert len({path.name[:64] for path in (settings.data / "uploads").iterdir() if path.is_file()}) == 1
    assert verify(settings).faults == []


def rows_of(settings: Settings, *, snapshot: int | None = None) -> pl.DataFrame:
    with Lake.open(settings.data) as lake:
        return lake.read("verbatim", snapshot=snapshot).sort("key")


def again(settings: Settings, path: Path, number: int) -> None:
    """Send the same file again, as whoever waits does: the worker had given up after three deaths."""
    with Registry.open(settings) as registry:
        work(settings, stop=threading.Event(), once=True)
        team = accounts.find(registry, "rangers")
        assert receive(settings, registry, path.read_bytes(), path.name, sender=team) == number


def test_a_full_disk_takes_nothing_of_an_accepted_survey_and_the_next_try_does(small_disk: Path, tmp_path: Path):
    settings = Settings(data=small_disk / "data", memory_limit="500MB", survey_review="not_required")
    rows = [[f"NH-{n}", f"E{n % 3 + 1}", "Muntiacus muntjak", n + 1, None] for n in range(3000)]
    path = save(tmp_path / "survey.xlsx", rows, FIRST_EVENTS)
    with Registry.open(settings) as registry:
        appointed.new(registry, "rangers", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
        team = accounts.find(registry, "rangers")
        number = receive(settings, registry, path.read_bytes(), path.name, sender=team)
    Lake.open(settings.data).close()
    for leave in (400_000, 700_000):
        filler = fill(small_disk, leave=leave)
        with suppress(StoreError):  # where no room is left to put down that it failed, the worker ends
            work(settings, stop=threading.Event(), once=True)
        filler.unlink()
        assert whole(settings) in ((0, 0), (3000, 3))
    with Registry.open(settings) as registry:
        assert receive(settings, registry, path.read_bytes(), path.name, sender=team) == number
    work(settings, stop=threading.Event(), once=True)
    with Registry.open(settings) as registry:
        assert review.look(registry, team, number)["state"] == "published"
    assert whole(settings) == (3000, 3)


def test_a_cut_line_keeps_nothing_of_a_form_and_the_file_is_sent_again(tmp_path: Path, sample_data: Path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    fixture.make_release(settings.data)
    with Registry.open(settings) as registry:
        key = credentials.key_for_uploads(registry, "a team")
    records, events = whole(settings)
    port = free_port()
    command = [sys.executable, "-m", "biodata.cli", "serve", "--data", str(settings.data), "--port", str(port)]
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, timeout_s=240)
        content = (sample_data / "survey_namha.xlsx").read_bytes()
        form = (
            f"POST /v1/surveys HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Length: 99999\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
            'Content-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
        ).encode()
        cut(port, form + content[:1000])
        assert not list((settings.data / "service" / "uploads").glob("*"))
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=240) as client:
            taken = client.post("/v1/surveys", files={"file": ("a.xlsx", content)})
            assert taken.status_code == 202, taken.text
    finally:
        process.terminate()
        process.wait(timeout=120)
    work(settings, stop=threading.Event(), once=True)
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        assert [survey_steps.state_of(session, one) for one in session.query(Submission)] == ["published"]
    assert whole(settings) == (records + 40, events + 8)


def cut(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(sent)
        threading.Event().wait(0.5)
