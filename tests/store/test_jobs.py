"""The queue: each job done once, a silent worker's job taken over, a late one sent away."""

import pytest

from biodata.core.errors import StoreError
from biodata.store import jobs
from biodata.store.models import Job


def state(registry, number):
    with registry.session(read_only=True) as session:
        job = session.get_one(Job, number)
        return job.state, job.result, job.error


def test_jobs_are_taken_oldest_first_and_only_once(registry):
    first, second = (jobs.enqueue(registry, "release", {"n": n}) for n in (1, 2))
    taken = [jobs.claim(registry, f"worker {n}", names=["release"]) for n in range(3)]
    assert [claim and claim.id for claim in taken] == [first, second, None]


def test_a_worker_takes_only_what_it_can_do(registry):
    jobs.enqueue(registry, "release", {})
    assert jobs.claim(registry, "w", names=["survey"]) is None


def test_a_silent_workers_job_goes_to_another_and_the_late_one_is_sent_away(registry):
    number = jobs.enqueue(registry, "release", {})
    late = jobs.claim(registry, "late", names=["release"], lease_s=-1)
    other = jobs.claim(registry, "other", names=["release"])
    assert other.id == late.id
    assert other.attempt == 2
    with pytest.raises(StoreError, match="no longer held"):
        jobs.finish(registry, late, {})
    jobs.finish(registry, other, {"release": "r1"})
    assert state(registry, number) == ("done", {"release": "r1"}, None)


def test_a_job_that_kills_its_workers_is_given_up(registry):
    number = jobs.enqueue(registry, "release", {})
    for attempt in range(jobs.ATTEMPTS):
        assert jobs.claim(registry, f"w{attempt}", names=["release"], lease_s=-1) is not None
    assert jobs.claim(registry, "w", names=["release"]) is None
    assert state(registry, number)[0] == "failed"


def test_a_sign_of_life_keeps_the_job(registry):
    jobs.enqueue(registry, "release", {})
    held = jobs.claim(registry, "w", names=["release"], lease_s=-1)
    jobs.keep(registry, held, progress=0.5)
    assert jobs.claim(registry, "other", names=["release"]) is None
