"""A worker that is killed at the worst moments: every upload that was acknowledged is in, once and whole."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from biodata.access import api_keys
from biodata.settings import Settings
from biodata.store import releases, survey_steps
from biodata.store.lake import Lake
from biodata.store.models import Job, Submission
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.surveys import receive
from biodata.worker import work

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ROWS, SHOWN = 40, 29
"""Of a survey: its records, and the rows that go out: of sensitive taxa one for many, or none yet."""
"""Records of the sample's survey."""

WORKING = """
import os, signal, sys, threading
from pathlib import Path
from biodata import pipeline
from biodata.settings import Settings
from biodata.store import checksums, pointer
from biodata.store.registry import Registry
from biodata.store import survey_steps
from biodata.worker import work

def before(owner, name, when=lambda *a, **k: True):
    whole = getattr(owner, name)
    def cut(*a, **k):
        if when(*a, **k):
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*a, **k)
    setattr(owner, name, cut)

def after(owner, name):
    whole = getattr(owner, name)
    def cut(*a, **k):
        whole(*a, **k)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, cut)

match sys.argv[2]:
    case "the registry says committing, the lake has nothing":
        before(pipeline, "commit")
    case "the files have joined the lake's folder, nothing is committed":
        after(checksums, "record_new_lake_files")
    case "the lake has it, the registry says committing":
        before(survey_steps, "committed")
    case "the registry says committed, nothing is released":
        before(pipeline, "release")
    case "the release's file is there, the pointer names another":
        before(pointer, "swap")
    case "the pointer names a release that the registry does not know":
        before(Registry, "record_release")
    case seconds:
        threading.Timer(float(seconds), os.kill, (os.getpid(), signal.SIGKILL)).start()
work(Settings(data=Path(sys.argv[1]), memory_limit="500MB"), stop=threading.Event(), once=True)
"""

MOMENTS = (
    "the registry says committing, the lake has nothing",
    "the files have joined the lake's folder, nothing is committed",
    "the lake has it, the registry says committing",
    "the registry says committed, nothing is released",
    "the release's file is there, the pointer names another",
    "the pointer names a release that the registry does not know",
    "4",
)


def test_every_acknowledged_upload_is_in_once_and_whole(tmp_path: Path, sample_data: Path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    content = (sample_data / "survey_namha.xlsx").read_bytes()
    ledger: dict[str, int] = {}
    for number, moment in enumerate(MOMENTS):
        with Registry.open(settings) as registry:
            key = api_keys.find(registry, api_keys.for_uploads(registry, f"team {number}"))
            ledger[f"team-{number}"] = receive(settings, registry, content, "survey.xlsx", sender=key)
        killed = subprocess.run(
            [sys.executable, "-c", WORKING, str(settings.data), moment], env={**os.environ}, check=False
        )
        # One that ends by the clock may have been done before.
        assert killed.returncode == -signal.SIGKILL or (moment.isdigit() and killed.returncode == 0), moment
        with Lake.open(settings.data) as lake:
            datasets = Counter(lake.read("occurrences", columns=["datasetKey"])["datasetKey"])
            assert set(datasets.values()) <= {ROWS}, moment
            assert lake.count("occurrences") == lake.count("verbatim") == lake.count("identities"), moment
        current = releases.current(settings.data)
        if current is not None:
            shown = Counter(releases.read(current, "occurrences")["datasetKey"])
            assert set(shown.values()) == {SHOWN}, moment
        with Registry.open(settings) as registry, registry.session(read_only=True) as session:
            every = session.query(Submission).all()
            public = {one.dataset for one in every if survey_steps.state_of(session, one) == "published"}
        assert public <= (set(shown) if current is not None else set()), moment
        if number % 2:  # sometimes two wait
            work(settings, stop=threading.Event(), once=True)
    work(settings, stop=threading.Event(), once=True)

    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        for number in ledger.values():
            assert survey_steps.state_of(session, session.get_one(Submission, number)) == "published"
        assert {job.state for job in session.query(Job)} == {"done"}
        assert registry.first_broken_audit_entry() is None
    with Lake.open(settings.data) as lake:
        assert Counter(lake.read("occurrences", columns=["datasetKey"])["datasetKey"]) == dict.fromkeys(ledger, ROWS)
    shown = releases.read(releases.current(settings.data), "occurrences")
    assert Counter(shown["datasetKey"]) == dict.fromkeys(ledger, SHOWN)
    assert verify(settings).faults == []
    assert not list((settings.data / "staging").iterdir())
