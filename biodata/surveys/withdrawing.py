"""A survey that its sender takes back: its file, its report, its parts and its records are gone, and nothing is left."""

from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs, pipeline
from biodata.access import exact_building, traces, withdrawal
from biodata.access.roles import Principal, Role
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.lake import Lake
from biodata.store.models import Job, Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.survey_steps import step
from biodata.surveys import seeing, states, taking, words

JOB: Final = "survey withdrawal"
"""The name of the job that removes what was taken back."""

UNCONFIRMED: Final = "WITHDRAWAL_UNCONFIRMED"
_REASON: Final = "its sender took the survey back"


def ask(
    registry: Registry, who: Principal, number: int, *, confirm: int | None = None, yes: bool = False, language: str = "en"
) -> int:  # fmt: skip
    """Take back what somebody handed in; return the number of the job that removes it. A second time is no news.

    Parameters
    ----------
    registry : Registry
    who : Principal
        Its sender.
    number : int
        The survey.
    confirm : int, optional
        How many records its sender was told would go, where other versions of the dataset stand.
    yes : bool
        They want it however many go.
    language : str
        Of the question.

    Raises
    ------
    InputError
        With WITHDRAWAL_UNCONFIRMED, if other versions of the dataset stand and its sender has not said that what this one
        told may go from these as well; RECORD_MISSING, if it is not theirs; SUBMISSION_DECIDED, if it is being published just now; FORBIDDEN, if it
        is published and they show a key: nothing brings its records back, so that takes a login.
    """
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        if found.account_id != who.account_id:
            problem = "only its sender takes a survey back; a country's node withdraws its records"
            raise InputError(problem, expected="POST /v1/withdrawals", code="FORBIDDEN")
        if found.state == "withdrawn":
            return found.job_id or 0
        if found.state == "committing":
            problem = "it is being published just now"
            raise InputError(problem, expected="ask again when it is published", code="SUBMISSION_DECIDED")
        if found.dataset_version is not None and who.key_id is not None:
            problem = "a published survey is taken back after a login, not with a key"
            raise InputError(problem, expected="POST /v1/login", code="FORBIDDEN")
        if found.dataset_version is not None and not yes:
            _check_wanted(session, found, confirm, language)
        earlier = session.get(Job, found.job_id) if found.job_id is not None else None
        if earlier is not None and earlier.state == "queued":
            earlier.state = "cancelled"
        step(session, found, "withdrawn", state="withdrawn", actor=who.label, role=str(Role.UPLOADER))
        found.job_id = jobs.add(session, JOB, {"submission": number})
        return found.job_id


def _check_wanted(session: Session, found: Submission, confirm: int | None, language: str) -> None:
    """Ask before records go that other versions of the dataset tell as well: a record goes from every version."""
    others = session.scalars(
        select(Submission.dataset_version)
        .where(
            Submission.dataset == found.dataset, Submission.id != found.id, Submission.dataset_version.is_not(None),
            Submission.state != "withdrawn",
        )
        .order_by(Submission.dataset_version)
    ).all()  # fmt: skip
    standing = [version for version in others if version is not None]
    told = {table: (found.difference or {}).get(table, {}).get("counts", {}) for table in ("events", "occurrences")}
    counts = {table: sum(count for kind, count in of.items() if kind != "gone") for table, of in told.items()}
    if not standing or confirm == counts["occurrences"]:
        return
    before = [version for version in standing if version < (found.dataset_version or 0)]
    params = {
        "number": found.id, "dataset": found.dataset, "records": counts["occurrences"], "events": counts["events"],
        "earlier": counts["occurrences"] - told["occurrences"].get("new", 0),
        "versions": ", ".join(map(str, standing)), **({"back": before[-1]} if before else {}),
    }  # fmt: skip
    message, _ = words.told(UNCONFIRMED, params, language)
    raise InputError(message, column="confirm", expected=f"confirm={counts['occurrences']}", code=UNCONFIRMED)


def remove(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Remove what was taken back; a second call after a cut removes what is left.

    Its records go as `access.withdrawal` lets them go: those that its file told, in every version of the lake.
    """
    with registry.session(read_only=True) as session:
        found = session.get_one(Submission, number)
    told: dict[str, Any] = {"submission": number, "state": found.state}
    if found.dataset_version is not None:
        keys = _keys(settings, registry, found)
        if keys:
            done = withdrawal.withdraw(settings, reason=_REASON, release=pipeline.release, keys=keys, actor="biodata")
            exact_building.follow_release(settings)
            told["purged"] = done.as_dict()
    with registry.session() as session, session.begin():
        told["files"] = traces.forget_submission(session, settings.data, session.get_one(Submission, number))
    return told


def _keys(settings: Settings, registry: Registry, submission: Submission) -> list[int]:
    """Return the records that a published submission told: those of its file, where that is there, else of its version."""
    where = Compare("datasetKey", "=", submission.dataset)
    options = taking.headings(registry, submission.dataset)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        columns = ["key", states.RECORD]
        there = lake.read("occurrences", columns=columns, where=where, snapshot=submission.snapshot)
    data = settings.data
    taken = survey_files.taken(data, submission.file_sha256, submission.id)
    path: Path = taken if taken.exists() else survey_files.kept(data, submission.file_sha256, submission.file_name)
    if path.exists():
        brought = states.read([path], submission.dataset, settings, options=options)["occurrences"]
        there = there.filter(pl.col(states.RECORD).is_in(brought["identifier"].implode()))
    return there["key"].to_list()


def done(registry: Registry, job: int) -> None:
    """Put down that the removal was done without the worker."""
    jobs.cancel(registry, job)
