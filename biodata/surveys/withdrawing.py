"""A survey that its sender takes back: it is undone, and its file, its report, its parts and what it alone said are gone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biodata import jobs, pipeline
from biodata.access import exact_building, purges, traces
from biodata.access.roles import Principal, Role
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import audit
from biodata.store.lake import Lake
from biodata.store.models import Job, Release, Submission
from biodata.store.private_reports import forget_report
from biodata.store.put_back import BECAME, PutBack
from biodata.store.registry import Registry
from biodata.store.survey_steps import MACHINE, UNDOING_JOB, step
from biodata.surveys import seeing, standing, telling, undoing, withdrawal_plans, words

UNCONFIRMED: Final = "WITHDRAWAL_UNCONFIRMED"


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
        How many records its sender was told go. The plan of which that is a part is what the worker carries out: where it
        is another one by then, nothing is done, and the survey tells the new one (`withdrawal_plans`).
    yes : bool
        They want it whatever it does.
    language : str
        Of the question.

    Raises
    ------
    InputError
        With WITHDRAWAL_UNCONFIRMED, if it is published and its sender has not said that it is to be undone, or what that
        does is still being worked out; RECORD_MISSING, if it is not theirs; SUBMISSION_DECIDED, if it is being published
        just now; FORBIDDEN, if it is published and they show a key: nothing brings its records back, so that takes a login.
    """
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.state == "withdrawn":
            return _again(session, found)
        told, problem = None, None
        if found.dataset_version is not None and not yes:
            told, problem = _agreed(session, found, confirm, language)
        if problem is None:
            return _take_back(session, who, found, told)
    raise problem


def count(registry: Registry, who: Principal, number: int) -> None:
    """Let the worker work out what taking a survey back does, and do nothing; `withdrawal_plans` tells it then.

    Raises
    ------
    InputError
        As `ask` does.
    """
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.dataset_version is not None and found.state != "withdrawn":
            withdrawal_plans.order(session, found)


def _own(session: Session, who: Principal, number: int) -> Submission:
    """Return a survey that somebody may take back."""
    found = seeing.need(session, who, number)
    if found.account_id != who.account_id:
        problem = "only its sender takes a survey back; a country's node withdraws its records"
        raise InputError(problem, expected="POST /v1/withdrawals", code="FORBIDDEN")
    if found.state == "committing":
        problem = "it is being published just now"
        raise InputError(problem, expected="ask again when it is published", code="SUBMISSION_DECIDED")
    if found.state != "withdrawn" and found.dataset_version is not None and who.key_id is not None:
        problem = "a published survey is taken back after a login, not with a key"
        raise InputError(problem, expected="POST /v1/login", code="FORBIDDEN")
    return found


def _take_back(session: Session, who: Principal, found: Submission, told: Mapping[str, Any] | None) -> int:
    """Put down that a survey is taken back, and queue what removes it."""
    earlier = session.get(Job, found.job_id) if found.job_id is not None else None
    if earlier is not None and earlier.state == "queued":
        earlier.state = "cancelled"
    step(session, found, "withdrawn", state="withdrawn", actor=who.label, role=str(Role.UPLOADER))
    found.job_id = jobs.add(session, UNDOING_JOB, {"submission": found.id, "told": told})
    return found.job_id


def _again(session: Session, found: Submission) -> int:
    """Return the job of a survey that is withdrawn already; one that failed, or was cancelled, is done again."""
    job = session.get(Job, found.job_id) if found.job_id is not None else None
    if job is None or (job.name == UNDOING_JOB and job.state in ("failed", "cancelled")):
        found.job_id = jobs.add(session, UNDOING_JOB, {"submission": found.id} if job is None else dict(job.arguments))
    return found.job_id or 0


def _agreed(
    session: Session, found: Submission, confirm: int | None, language: str
) -> tuple[Mapping[str, Any] | None, InputError | None]:
    """Return the plan that somebody agreed to; else what is told them: the plan, or that it is being worked out."""
    planned = withdrawal_plans.of(session, found)
    if planned is None:
        withdrawal_plans.order(session, found)
        message, expected = words.told("WITHDRAWAL_COUNTING", {}, language)
        return None, InputError(message, expected=expected, code=UNCONFIRMED)
    goes = planned["records"]["gone"]
    if confirm == goes:
        return planned, None
    return None, InputError(
        withdrawal_plans.question(found, planned, language), expected=f"confirm={goes}", code=UNCONFIRMED
    )


def remove(
    settings: Settings, registry: Registry, number: int, *, told: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Undo what was taken back; a second call after a cut does what is left.

    Each row of the dataset is again what the last upload that stands said of it (`standing`), in one version of the lake.
    What nobody else says goes from every version, as `access.purges` lets it go.

    Where a plan was `told` and it is another one by now, nothing is done: the survey is again what it was, and the new plan
    is returned.
    """
    with registry.session(read_only=True) as session:
        found = session.get_one(Submission, number)
        every = session.scalars(select(Submission).where(Submission.dataset == found.dataset)).all()
    done: dict[str, Any] = {"submission": number, "state": found.state}
    if found.dataset_version is not None:
        try:
            done |= _undo(settings, registry, found, told)
        except undoing.OtherPlanError as error:
            return _leave(registry, number, error.plan)
        exact_building.follow_release(settings)
    with registry.session() as session, session.begin():
        done["files"] = sum(
            traces.forget_submission(session, settings.data, session.get_one(Submission, one))
            for one in _versions(found, every)
        )
        if found.dataset_version is not None:
            became = {kind: done[kind] for kind in ("records", "events")}
            stays = {kind: done[kind] for kind in ("kept", "by")}
            session.get_one(Submission, number).difference = {telling.UNDONE: became, telling.STAYS: stays}
            audit.append(session, actor=MACHINE, action="survey undone", subject=f"survey {number}", details=became)
        for later in every:
            if found.dataset_version is not None and (later.dataset_version or 0) > found.dataset_version:
                _forget_before(session, settings, later.id)
    return done


def plan(
    settings: Settings, registry: Registry, number: int, *, who: Principal | None = None, language: str = "en"
) -> dict[str, Any] | None:
    """Return what taking a survey back does, with its `message`, and do nothing; None of one that is not in its dataset.

    Parameters
    ----------
    settings, registry
        The installation.
    number : int
        The survey.
    who : Principal, optional
        Who asks, where it is not the machine: its sender.
    language : str
        Of the message.
    """
    with registry.session(read_only=True) as session:
        found = session.get_one(Submission, number) if who is None else _own(session, who, number)
        if found.dataset_version is None or found.state == "withdrawn":
            return None
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        planned = undoing.plan(settings, registry, lake, found).as_dict()
    return {**planned, "message": withdrawal_plans.question(found, planned, language)}


def _undo(settings: Settings, registry: Registry, found: Submission, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Let the dataset be what stands of it, and purge what only the survey said; return what became of how many rows."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        planned = undoing.carry_out(settings, registry, lake, found, told=told)
        records, events = undoing.stands(settings, registry, lake, found)
        versions = {table: records.stale(table) for table in records.changes} | {"events": events.stale("events")}
        versions["assessments"] = _found_beside(lake, records)
        became = _became(lake, found.id)
    done = purges.purge(settings, release=pipeline.release, actor="biodata", versions=versions)
    return {**became, "kept": planned.kept, "by": list(planned.by), "purged": done.as_dict()}


def _leave(registry: Registry, number: int, planned: undoing.Plan) -> dict[str, Any]:
    """Let a survey be what it was, since undoing it does other things by now than its sender was told."""
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, number)
        released = session.scalar(select(func.max(Release.snapshot))) or -1
        state = "published" if found.snapshot is not None and released >= found.snapshot else "committed"
        step(session, found, "not_withdrawn", state=state, actor=MACHINE, role=MACHINE)
        return {"submission": number, "state": state, "plan": planned.as_dict()}


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
