"""What is told of a submission to those whom it concerns, in their language: report, difference, and when the map has it."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from biodata import jobs
from biodata.sharing.grid import PLACES
from biodata.store import sharing_memory
from biodata.store.models import Job, Submission
from biodata.store.sharing_rules import UNREADABLE
from biodata.store.survey_steps import COMMITTED, COMMITTING, replaced_by, shown_since, state_of
from biodata.surveys import words
from biodata.surveys.difference import OTHER_COLUMN, TABLES
from biodata.surveys.sides import REFUSED, WAITING

WAITS: Final = "waits"  # beside a survey's difference: how many sensitive records wait, by how many places there are
_LISTS: Final = ("new", "changed", "gone")
CHECKING, REMOVING, NOT_SENT, UNDECIDED = "checking", "removing", "not_sent", "undecided"
NO_WORKER: Final = "NEXT_NO_WORKER"  # it waits for a worker where none seems to run
_ENDED: Final = ("refused", "replaced", "withdrawn")
_MAP: Final = {
    "published": "MAP_SHOWN", COMMITTED: "MAP_NEXT_RELEASE", "removed": "MAP_REMOVED", "replaced": "MAP_REPLACED",
    "accepted": "MAP_BEING_MADE", COMMITTING: "MAP_BEING_MADE", "submitted": "MAP_AFTER_REVIEW", "asked": "MAP_AFTER_ANSWER",
}  # fmt: skip
"""What is said of the map in each state of which it will show, or showed, the survey."""
KEEPS_COARSE: Final = "RETURN_KEEPS_COARSE"  # why the map may show a version that came back coarser than it did then


def difference(submission: Submission, language: str, *, whole: bool = True) -> dict[str, Any] | None:
    """Return the difference as it is kept, with what has to be known of it before anybody accepts it.

    Whoever sees some sides alone is told the counts, and no row: `views.rows` shows what becomes of theirs.
    """
    if submission.difference is None:
        return None
    found = {name: value for name, value in submission.difference.items() if name != WAITS}
    if not whole:
        found |= {name: {**found[name], **{kind: [] for kind in _LISTS}, "all_told": False} for name in TABLES}
    found |= {name: _in_words(found[name], language) for name in TABLES}
    kept_back = any(one.get("shown") is False for name in TABLES for one in found[name]["changed"])
    codes = ["DIFFERENCE_VALUES_NOT_KEPT"] if kept_back else []
    codes += [KEEPS_COARSE] if submission.restores is not None else []
    return {**found, "notes": [{"code": code, "message": words.told(code, {}, language)[0]} for code in codes]}


def _in_words(table: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a table's difference with a word for the headings that are kept back."""
    other = {OTHER_COLUMN: words.told("DIFFERENCE_OTHER_COLUMN", {}, language)[0]}
    changed = [{**one, "column": other.get(one["column"], one["column"])} for one in table["changed"]]
    counts = {other.get(name, name): count for name, count in table["changed_cells"].items()}
    return {**table, "changed": changed, "changed_cells": counts}


def stage(session: Session, submission: Submission) -> str:
    """Return where a submission stands: its state; of a draft whether it is being checked, of a removal whether the map has it."""
    if submission.state == "draft" and submission.report is None:
        return CHECKING
    state = state_of(session, submission)
    return REMOVING if submission.removes and state == COMMITTED else state


def sides_told(submission: Submission) -> dict[str, str] | None:
    """Return how each side stands; none waits before a survey was sent to them, or after it has ended."""
    told: dict[str, str] | None = submission.sides
    instead = NOT_SENT if submission.state == "draft" else UNDECIDED if submission.state in _ENDED else None
    if told is None or instead is None:
        return told
    return {side: instead if how == WAITING else how for side, how in told.items()}


def what_next(session: Session, submission: Submission, language: str) -> str | None:
    """Return what happens to a submission next, or who has to do what; None where nothing does any more."""
    halt = halted(session, submission)
    refused = [side for side, how in (submission.sides or {}).items() if how == REFUSED]
    params: dict[str, str] = {}
    if halt is not None:
        code = halt
    elif submission.state == "draft":
        going = "NEXT_CHECKED_THEN_GOES_ON" if submission.wanted else "NEXT_CHECKED_THEN_WAITS"
        code = going if submission.report is None else "NEXT_SEND"
    elif submission.state == "refused" and refused:
        code, params = "NEXT_REFUSED", {"sides": ", ".join(refused)}
    else:
        shown = on_map(session, submission, language)
        return None if shown is None else str(shown["message"])
    return words.told(code, {"number": submission.id, "part": submission.part, **params}, language)[0]


def waits(session: Session, submission: Submission, language: str) -> list[str]:
    """Return how many sensitive records wait for more places: of the file, and once the map shows it of its dataset."""
    counts: Mapping[str, int] = (submission.difference or {}).get(WAITS, {})
    if state_of(session, submission) == "published":
        counts = sharing_memory.waiting(session, submission.dataset)
    return [
        words.told("RECORDS_WAIT", {"count": count, "places": places, "needed": PLACES}, language)[0]
        for places, count in sorted(counts.items(), key=lambda one: int(one[0]))
    ]


def halted(session: Session, submission: Submission) -> str | None:
    """Return the code of what holds the service up with a submission; None where it goes on, waits for people, or has ended."""
    working = stage(session, submission) in (CHECKING, "accepted", COMMITTING, COMMITTED, REMOVING)
    job = session.get(Job, submission.job_id) if working and submission.job_id is not None else None
    if job is not None and jobs.is_left_alone(session, job):
        return NO_WORKER
    if job is None or job.state != "failed":
        return None
    return "NEXT_RULES_UNREADABLE" if (job.error or "").startswith(UNREADABLE) else "NEXT_HALTED"


def on_map(session: Session, submission: Submission, language: str) -> dict[str, Any] | None:
    """Return whether the map shows a survey, since when, and else when it will, or what took its place; None where it never will."""
    sides, state = submission.sides or {}, state_of(session, submission)
    after = replaced_by(session, submission) if state == "replaced" else None
    if state not in _MAP or (state == "replaced" and after is None):
        return None
    since = shown_since(session, submission) if state == "published" else None
    waiting = [side for side, how in sides.items() if how == WAITING and side != "ZZ"]
    params = {
        "release": since, "version": after and after.part_version, "number": after and after.id, "sides": ", ".join(waiting),
        "holds": words.told("SIDE_REFUSAL_HOLDS", {}, language)[0] if len(sides) > 1 else None,
    }  # fmt: skip
    code = "MAP_REMOVING" if state == COMMITTED and submission.removes else _MAP[state]
    message, _ = words.told(halted(session, submission) or code, params, language)
    return {"shown": state == "published", **({"release": since} if since else {}), "message": message}
