"""A survey that its sender takes back: it is undone, and its file, its report, its parts and what it alone said are gone."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs, pipeline
from biodata.access import exact_building, traces, withdrawal
from biodata.access.roles import Principal, Role
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import audit
from biodata.store.lake import Lake
from biodata.store.models import Ingest, Job, Submission
from biodata.store.private_reports import forget_report
from biodata.store.put_back import BECAME, PutBack
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.survey_steps import MACHINE, UNDOING_JOB, step
from biodata.surveys import history, seeing, standing, telling, words
from biodata.surveys.upload_reading import options_of

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
        How many records its sender was told go for good.
    yes : bool
        They want it however many go.
    language : str
        Of the question.

    Raises
    ------
    InputError
        With WITHDRAWAL_UNCONFIRMED, if it is published and its sender has not said that it is to be undone; RECORD_MISSING, if it is not theirs; SUBMISSION_DECIDED, if it is being published just now; FORBIDDEN, if it
        is published and they show a key: nothing brings its records back, so that takes a login.
    """
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        if found.account_id != who.account_id:
            problem = "only its sender takes a survey back; a country's node withdraws its records"
            raise InputError(problem, expected="POST /v1/withdrawals", code="FORBIDDEN")
        if found.state == "withdrawn":
            return _again(session, found)
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
        found.job_id = jobs.add(session, UNDOING_JOB, {"submission": number})
        return found.job_id


def _again(session: Session, found: Submission) -> int:
    """Return the job of a survey that is withdrawn already; one that failed is done again."""
    job = session.get(Job, found.job_id) if found.job_id is not None else None
    if job is not None and job.name == UNDOING_JOB and job.state == "failed":
        found.job_id = jobs.add(session, UNDOING_JOB, {"submission": found.id})
    return found.job_id or 0


def _check_wanted(session: Session, found: Submission, confirm: int | None, language: str) -> None:
    """Ask before a survey is undone; what it did itself is gone for good."""
    did = history.counts(found.difference) or _taken_in(session, found)
    records, events = did.get("occurrences", {}), did.get("events", {})
    removed = records.get("new", 0)
    if confirm == removed:
        return
    others = session.scalars(
        select(Submission.dataset_version)
        .where(
            Submission.dataset == found.dataset, Submission.id != found.id, Submission.dataset_version.is_not(None),
            Submission.state != "withdrawn",
        )
        .order_by(Submission.dataset_version)
    ).all()  # fmt: skip
    versions = [version for version in others if version is not None]
    later = [version for version in versions if version > (found.dataset_version or 0)]
    params: dict[str, Any] = {
        "number": found.id, "dataset": found.dataset, "same": records.get("unchanged", 0),
        **({"versions": ", ".join(map(str, versions))} if versions else {}),
        **({"later": later[-1]} if later else {}), **({"ingests": ingests} if (ingests := _ingests(session, found)) else {}),
    }  # fmt: skip
    for prefix, of in (("", records), ("events_", events)):
        params[f"{prefix}removed"], params[f"{prefix}back"] = of.get("new", 0), of.get("gone", 0)
        params[f"{prefix}changed"] = of.get("changed", 0) + of.get("renamed", 0)
    message, _ = words.told(UNCONFIRMED, params, language)
    raise InputError(message, column="confirm", expected=f"confirm={removed}", code=UNCONFIRMED)


def _ingests(session: Session, found: Submission) -> int:
    """Return how often whoever runs the service took in files of the dataset: what these repeat of a survey nobody knows."""
    surveys = session.scalars(select(Submission.file_sha256).where(Submission.dataset == found.dataset))
    kept = set(surveys)  # a survey's file is called by its checksum
    reports = session.scalars(select(Ingest.report).where(Ingest.dataset == found.dataset))
    return len({one["source"] for one in reports if one["source"].partition(".")[0] not in kept})


def _taken_in(session: Session, found: Submission) -> dict[str, dict[str, int]]:
    """Return what a survey did when it came into the lake; its difference went with records that a country took back."""
    reports = session.scalars(select(Ingest.report).where(Ingest.dataset == found.dataset).order_by(Ingest.id))
    told = (one for one in reports if one.get("snapshot") == found.snapshot)
    kinds = ("new", "changed", "unchanged", "gone")
    return {one["table"]: {kind: one[kind] for kind in kinds} for one in told}


def remove(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Undo what was taken back; a second call after a cut does what is left.

    Each row of the dataset is again what the last upload that stands said of it (`standing`), in one version of the lake.
    What nobody else says goes from every version, as `access.withdrawal` lets it go.
    """
    with registry.session(read_only=True) as session:
        found = session.get_one(Submission, number)
        every = session.scalars(select(Submission).where(Submission.dataset == found.dataset)).all()
    told: dict[str, Any] = {"submission": number, "state": found.state}
    if found.dataset_version is not None:
        told |= _undo(settings, registry, found)
        exact_building.follow_release(settings)
    with registry.session() as session, session.begin():
        told["files"] = sum(
            traces.forget_submission(session, settings.data, session.get_one(Submission, one))
            for one in _versions(found, every)
        )
        if found.dataset_version is not None:
            became = {kind: told[kind] for kind in ("records", "events")}
            session.get_one(Submission, number).difference = {telling.UNDONE: became}
            audit.append(session, actor=MACHINE, action="survey undone", subject=f"survey {number}", details=became)
        for later in every:
            if found.dataset_version is not None and (later.dataset_version or 0) > found.dataset_version:
                _forget_before(session, settings, later.id)
    return told


def _undo(settings: Settings, registry: Registry, found: Submission) -> dict[str, Any]:
    """Let the dataset be what stands of it, and purge what only the survey said; return what became of how many rows."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:

        def wanted() -> tuple[pl.DataFrame, pl.DataFrame]:
            records, events = _stands(settings, registry, lake, found)
            _note(settings, lake, found, records, events)
            return records.wanted, events.wanted

        lake.put_back(
            wanted, author="withdrawal", message=f"survey {found.id} undone", extra={standing.UNDOES: found.id}
        )
        records, events = _stands(settings, registry, lake, found)
        versions = {table: records.stale(table) for table in records.changes} | {"events": events.stale("events")}
        versions["assessments"] = _found_beside(lake, records)
        became = _became(lake, found.id)
    done = withdrawal.purge(settings, release=pipeline.release, actor="biodata", versions=versions)
    return {**became, "purged": done.as_dict()}


def _stands(
    settings: Settings, registry: Registry, lake: Lake, found: Submission
) -> tuple[standing.Standing, standing.Standing]:
    """Return what stands when a survey is undone; another that is taken back as well stands until it is undone itself."""
    with registry.session(read_only=True) as session:
        every = session.scalars(select(Submission).where(Submission.dataset == found.dataset)).all()
        withdrawn = [one for one in every if one.state == "withdrawn"]
        gone = {one.id for one in withdrawn if one.id == found.id or not telling.is_undoing(session, one)}
    return standing.look(settings, lake, every, gone=gone, options=partial(options_of, registry))


def _note(
    settings: Settings, lake: Lake, found: Submission, records: standing.Standing, events: standing.Standing
) -> None:
    """Put down what only a survey said, so that it is purged and does not come again."""
    where, prefix = Compare("datasetKey", "=", found.dataset), f"{found.dataset}:"
    there = lake.read("occurrences", columns=["key", "eventID", "parentEventID"], where=where)
    # An event that a record of another survey names can be told again: it is emptied, and not refused.
    there = there.filter(~pl.col("key").is_in(records.nobody.implode()))
    named = {*there["eventID"], *there["parentEventID"]}
    alone = [event for event in (key.removeprefix(prefix) for key in events.nobody) if event not in named]
    keys = records.nobody.to_list()
    withdrawal.note_upload(settings, lake, found.id, dataset=found.dataset, reason=_REASON, keys=keys, events=alone)


def _became(lake: Lake, number: int) -> dict[str, dict[str, int]]:
    """Return what became of how many rows when a survey was undone, though it was done before a cut."""
    versions = lake.snapshots().filter(pl.col("extra").str.json_path_match(f"$.{standing.UNDOES}") == str(number))
    nothing = asdict(PutBack(0, 0, 0))
    told = json.loads(versions["extra"][0]).get(BECAME, {}) if versions.height else {}
    return {kind: told.get(kind, nothing) for kind in ("records", "events")}


def _found_beside(lake: Lake, records: standing.Standing) -> pl.DataFrame:
    """Return the versions of assessments that were made of what a record is to have been no more."""
    stale = records.stale("occurrences")
    changes = records.changes["occurrences"].select("id", end="snapshot").sort("end")
    until = stale.sort("snapshot").join_asof(
        changes, left_on="snapshot", right_on="end", by="id", strategy="forward", allow_exact_matches=False,
        check_sortedness=False,
    )  # fmt: skip
    made = lake.changes("assessments", keys=stale["id"].unique().to_list()).filter(~pl.col("gone"))
    within = pl.col("at").is_between("snapshot", pl.col("end").fill_null(pl.col("at")))
    found = made.rename({"snapshot": "at"}).join(until, on="id").filter(within)
    return found.select("id", snapshot="at").unique()


def _versions(found: Submission, every: Sequence[Submission]) -> list[int]:
    """Return a survey's number, and those of its sender's versions of it that never came into the dataset."""
    by_number, chain = {one.id: one for one in every}, [found.id]
    while (number := by_number[chain[-1]].answers) in by_number and number not in chain:
        if by_number[number].dataset_version is not None or by_number[number].account_id != found.account_id:
            break  # what somebody else handed in is theirs to take back
        chain.append(number)
    return chain


def _forget_before(session: Session, settings: Settings, number: int) -> None:
    """Forget which cells a later survey changed, and from what: that may be what the one said that was taken back."""
    forget_report(settings.data, f"difference-{number}")
    later = session.get_one(Submission, number)
    if later.difference is not None and telling.undone(later) is None:
        empty = {
            "new": [],
            "changed": [],
            "renamed": [],
            "gone": [],
            "likely": [],
            "changed_cells": {},
            "all_told": False,
        }
        tables = {name: {**later.difference[name], **empty} for name in ("events", "occurrences")}
        later.difference = {**later.difference, **tables}


def done(registry: Registry, job: int) -> None:
    """Put down that the removal was done without the worker."""
    jobs.cancel(registry, job)
