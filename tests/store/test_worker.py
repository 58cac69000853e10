"""The worker: a survey from upload to release, a faulty one refused with its report, a fault that stops nothing."""

import threading

import pytest

from biodata.access import credentials
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import jobs, releases
from biodata.store.models import Job, Submission
from biodata.store.registry import Registry
from biodata.surveys import receive
from biodata.worker import do_one, work
from commands import run


@pytest.fixture
def installation(tmp_path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    with Registry.open(settings) as registry:
        yield (
            settings,
            registry,
            credentials.holder_of_key(registry, credentials.key_for_uploads(registry, "Nam Ha rangers")),
        )


def hand_in(installation, path):
    settings, registry, key = installation
    number = receive(settings, registry, path.read_bytes(), path.name, sender=key)
    work(settings, stop=threading.Event(), once=True)
    with registry.session(read_only=True) as session:
        return session.get_one(Submission, number)


def test_a_faulty_survey_is_refused_with_its_report_and_leaves_nothing(installation, sample_data):
    submission = hand_in(installation, sample_data / "survey_with_faults.xlsx")
    assert submission.state == "refused"
    assert submission.report["blocking"] > 10
    assert releases.current(installation[0].data) is None


def test_a_job_that_breaks_does_not_stop_the_next(installation):
    settings, registry, _ = installation
    broken, good = jobs.enqueue(registry, "survey", {}), jobs.enqueue(registry, "release", {})
    assert work(settings, stop=threading.Event(), once=True) == 3  # a release has the pages of results made
    with registry.session(read_only=True) as session:
        assert session.get_one(Job, broken).state == "failed"
        assert session.get_one(Job, good).state == "done"


def test_one_job_is_done_here_or_waited_for_where_a_worker_has_it(installation):
    settings, registry, _ = installation
    own = jobs.enqueue(registry, "release", {})
    assert "release" in do_one(settings, registry, own)
    theirs = jobs.enqueue(registry, "release", {})
    held = jobs.claim(registry, "another-1", names=["release"])
    ending = threading.Timer(0.5, jobs.finish, (registry, held, {"release": "theirs"}))
    ending.start()
    assert do_one(settings, registry, theirs) == {"release": "theirs"}
    ending.join()
    broken = jobs.enqueue(registry, "survey", {})
    with pytest.raises(StoreError, match=f"job {broken}"):
        do_one(settings, registry, broken)


def test_a_worker_says_that_it_is_there(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")):
        pass
    done = run("worker", "--once", "--data", tmp_path / "data")
    assert done.stderr.startswith(f"working on what waits in {tmp_path / 'data'}; ends when nothing waits")
