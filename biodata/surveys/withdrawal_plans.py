"""The plan of a withdrawal: asked for by its sender, worked out by the worker, told in their language before they agree."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.store.models import Job, Submission
from biodata.store.survey_steps import IN_THE_LAKE, PLANNING_JOB, UNDOING_JOB
from biodata.surveys import words

COUNTING, TOLD, HALTED = "counting", "told", "halted"


def order(session: Session, found: Submission) -> int:
    """Let the worker work the plan out anew; return the number of the job, which may wait already."""
    last = _last(session, found)
    if last is not None and last.name == PLANNING_JOB and last.state == "queued":
        return last.id
    # Somebody sits before the page and waits.
    return jobs.add(session, PLANNING_JOB, {"submission": found.id}, priority=1)


def of(session: Session, found: Submission) -> Mapping[str, Any] | None:
    """Return the plan that was worked out last; None where none was, or a survey of the dataset changed since."""
    last = _last(session, found)
    plan: Mapping[str, Any] | None = _plan(last)
    if last is None or plan is None or last.finished is None:
        return None
    changed = session.scalar(
        select(func.max(Submission.changed)).where(
            Submission.dataset == found.dataset, Submission.dataset_version.is_not(None)
        )
    )
    return plan if changed is None or changed <= last.finished else None


def told(session: Session, found: Submission, language: str) -> dict[str, Any] | None:
    """Return how the plan of a survey's withdrawal stands, in words; None where nobody asked for one.

    Returns
    -------
    dict or None
        `state` (`counting`, `told` or `halted`), `message`, and where it is told `confirm` (how many records go) and
        `refused`: something of the dataset had changed, so that the survey was not withdrawn.
    """
    last = _last(session, found) if found.state in IN_THE_LAKE else None
    if last is None:
        return None
    plan = _plan(last)
    if plan is None:
        state = HALTED if last.state in ("failed", "cancelled") else COUNTING
        return {"state": state, "message": words.told(f"WITHDRAWAL_{state.upper()}", {}, language)[0]}
    refused = last.name == UNDOING_JOB
    message = question(found, plan, language, refused=refused)
    return {"state": TOLD, "message": message, "confirm": plan["records"]["gone"], "refused": refused}


def question(found: Submission, plan: Mapping[str, Any], language: str, *, refused: bool = False) -> str:
    """Return in words what undoing a survey does."""
    params: dict[str, Any] = {"number": found.id, "dataset": found.dataset, "same": plan["same"]}
    for prefix, kind in (("", "records"), ("events_", "events")):
        params |= {f"{prefix}{how}": count for how, count in plan[kind].items()}
    optional = {"past": plan["past"], "ingests": plan["ingests"]}
    params |= {name: count for name, count in optional.items() if count} | kept(plan)
    asked = words.told("WITHDRAWAL_UNCONFIRMED", params, language)[0]
    return f"{words.told('WITHDRAWAL_OTHER', {}, language)[0]} {asked}" if refused else asked


def kept(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the words of a plan tell of rows that stay, since others say them, too."""
    if not plan.get("kept") or not plan.get("by"):
        return {}
    return {"kept": plan["kept"], "by": ", ".join(map(str, plan["by"]))}


def _last(session: Session, found: Submission) -> Job | None:
    """Return the last job that works a plan out, or worked one out instead of undoing the survey."""
    asked = (
        select(Job)
        .where(Job.name.in_((PLANNING_JOB, UNDOING_JOB)), Job.arguments["submission"].as_integer() == found.id)
        .order_by(Job.id.desc())
    )
    return session.scalar(asked.limit(1))


def _plan(job: Job | None) -> Mapping[str, Any] | None:
    return None if job is None or job.state != "done" else (job.result or {}).get("plan")
