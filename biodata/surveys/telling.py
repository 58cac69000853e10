"""What is told of a submission to those whom it concerns, in their language: report, difference, and when the map has it."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.orm import Session

from biodata import jobs
from biodata.sharing.grid import PLACES
from biodata.store import sharing_memory
from biodata.store.models import Job, Submission
from biodata.store.sharing_rules import UNREADABLE
from biodata.store.survey_steps import UNDOING_JOB, shown_since
from biodata.surveys import kept_reports, renaming, withdrawal_plans, words
from biodata.surveys.difference import OTHER_COLUMN
from biodata.surveys.sides import REFUSED, WAITING

_TABLES: Final = ("events", "occurrences")
UNDONE: Final = "undone"
"""What stands in place of the difference of a survey that was taken back: what became of how many rows."""
_NO_FILES: Final[Mapping[int, str]] = MappingProxyType({})
WAITS: Final = "waits"
"""Stands beside the difference of a survey: how many sensitive records wait, by the number of places that there are."""
STAYS: Final = "stays"
"""Beside it: how many of its records stay, since which others say them, too."""
_LISTS: Final = ("new", "changed", "renamed", "gone", "likely")
CHECKING, HELD, NOT_SENT, UNDECIDED = "checking", "held", "not_sent", "undecided"
_ENDED: Final = ("refused", "replaced", "withdrawn")
KEEPS_COARSE: Final = "RETURN_KEEPS_COARSE"
"""Why the map may show a version that came back coarser than it did then."""


def report(submission: Submission, language: str) -> dict[str, Any] | None:
    """Return the report as it is kept, in words."""
    return None if submission.report is None else kept_reports.read(submission.report, language)


def difference(
    submission: Submission, language: str, *, of: Collection[str] | None = None, files: Mapping[int, str] = _NO_FILES
) -> dict[str, Any] | None:
    """Return the difference as it is kept, with what has to be known of it before anybody accepts it.

    `files` tells what the files of surveys are called of which rows go; of others' files no sheet is told. Whoever sees some sides alone is told the counts, and where rows change that are published as being of those sides:
    never from what to what, nor of rows that are not published.
    """
    told = submission.difference
    if told is None or UNDONE in told:
        return None
    told = {name: value for name, value in told.items() if name != WAITS}
    if of is not None:
        told = {**told, **{name: _of_sides(told[name], set(of)) for name in _TABLES}}
    told = {**told, **{name: _others_left_out(_sides_left_out(told[name]), files) for name in _TABLES}}
    found = notes(told, language, submission.id, files=files)
    if submission.returns_to is not None:
        found.append(_note(KEEPS_COARSE, {}, language))
    return {**told, **{name: _in_words(told[name], language) for name in _TABLES}, "notes": found}


def _of_sides(table: Mapping[str, Any], sides: set[str]) -> dict[str, Any]:
    """Return a table's difference with the rows of some sides, without what cells were and are."""
    listed = {name: [one for one in table.get(name, []) if sides & set(one.get("sides", ()))] for name in _LISTS}
    told = sum(len(listed[name]) == len(table.get(name, [])) for name in _LISTS) == len(_LISTS)
    listed["changed"] = [{**one, "before": None, "after": None, "shown": False} for one in listed["changed"]]
    return {**table, **listed, "all_told": told and table.get("all_told", True)}


def _sides_left_out(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's difference without the sides of its rows."""
    return {
        **table,
        **{n: [{k: v for k, v in one.items() if k != "sides"} for one in table[n]] for n in _LISTS if n in table},
    }


def _others_left_out(table: Mapping[str, Any], files: Collection[int]) -> dict[str, Any]:
    """Return a table's difference without what others called their sheets: only those of some surveys' files are told."""
    gone = [one if one.get("survey") in files else {**one, "was_sheet": None} for one in table.get("gone", [])]
    return {**table, "gone": gone}


def _in_words(table: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a table's difference with a word for the headings that are kept back."""
    other = words.told("DIFFERENCE_OTHER_COLUMN", {}, language)[0]

    def heading(name: str) -> str:
        return other if name == OTHER_COLUMN else name

    changed = [{**one, "column": heading(one["column"])} for one in table["changed"]]
    return {**table, "changed": changed, "changed_cells": {heading(n): k for n, k in table["changed_cells"].items()}}


def notes(
    told: Mapping[str, Any], language: str, number: int | None = None, *, files: Mapping[int, str] = _NO_FILES
) -> list[dict[str, str]]:
    """Return what has to be known of a difference, of the submission of that number: `code` and `message`."""
    found = renaming.notes(told, number)
    if told.get("corrects") is not None:
        found.append(("DIFFERENCE_CORRECTS", {"number": told["corrects"]}))
    for one in told.get("goes", ()):
        survey, counts = one["survey"], {"records": one["occurrences"], "events": one["events"]}
        code = "DIFFERENCE_TAKES_OTHER" if survey is None else "DIFFERENCE_TAKES_AWAY"
        found.append((code, {**counts, "number": survey, "file": files.get(survey)}))
    if any(one.get("shown") is False for name in _TABLES for one in told[name]["changed"]):
        found.append(("DIFFERENCE_VALUES_NOT_KEPT", {}))
    return [_note(code, params, language) for code, params in found]


def _note(code: str, params: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return a note in words."""
    return {"code": code, "message": words.told(code, params, language)[0]}


def undone(submission: Submission) -> dict[str, dict[str, int]] | None:
    """Return what became of how many records and events when a survey was taken back; None of one that was not, or is not yet."""
    return (submission.difference or {}).get(UNDONE)


def is_undoing(session: Session, submission: Submission) -> bool:
    """Tell whether a survey is taken back and not yet undone: the map may still show it."""
    if submission.state != "withdrawn" or submission.dataset_version is None or undone(submission) is not None:
        return False
    job = session.get(Job, submission.job_id) if submission.job_id is not None else None
    return job is not None and job.name == UNDOING_JOB and job.state in ("queued", "running", "failed")


def are_undone(session: Session, every: Iterable[Submission]) -> set[int]:
    """Return the numbers of the surveys that were taken back and say nothing any more.

    Until one is undone what it says stays: that is told, agreed to and carried out by itself.
    """
    return {one.id for one in every if one.state == "withdrawn" and not is_undoing(session, one)}


def undone_words(told: Mapping[str, Any], language: str) -> str:
    """Return what became of rows in words, and how many stay where that is told (`kept`, `by`)."""
    prefixes = {"records": "", "events": "events_"}
    counts = {f"{prefix}{how}": count for kind, prefix in prefixes.items() for how, count in told[kind].items()}
    return words.told("SURVEY_UNDONE", {**counts, **withdrawal_plans.kept(told)}, language)[0]


def stage(submission: Submission) -> str:
    """Return where a submission stands: its state; of a draft whether it is being checked, or held for its sender's word."""
    if submission.state != "draft":
        return submission.state
    return CHECKING if submission.report is None else HELD if renaming.waits(submission) else submission.state


def sides_told(submission: Submission) -> dict[str, str] | None:
    """Return how each side stands; none waits before a survey was sent to them, or after it has ended."""
    told: dict[str, str] | None = submission.sides
    instead = NOT_SENT if submission.state == "draft" else UNDECIDED if submission.state in _ENDED else None
    if told is None or instead is None:
        return told
    return {side: instead if how == WAITING else how for side, how in told.items()}


def what_next(session: Session, submission: Submission, language: str) -> str | None:
    """Return what happens to a submission next, or who has to do what; None where nothing does any more."""
    halted = _halted(session, submission)
    if halted is not None:
        return words.told(halted, {}, language)[0]
    refused = [side for side, how in (submission.sides or {}).items() if how == REFUSED]
    params: dict[str, str] = {}
    match stage(submission):
        case "checking":
            code = "NEXT_CHECKED_THEN_GOES_ON" if submission.wanted else "NEXT_CHECKED_THEN_WAITS"
        case "held":
            asked = renaming.question(submission, language)
            return None if asked is None else str(asked["message"])
        case "draft":
            code = "NEXT_SEND"
        case "refused" if refused:
            code, params = "NEXT_REFUSED", {"sides": ", ".join(refused)}
        case _:
            shown = on_map(session, submission, language)
            return None if shown is None else str(shown["message"])
    return words.told(code, {"number": submission.id, **params}, language)[0]


def is_left_alone(session: Session, submission: Submission) -> bool:
    """Tell whether a submission waits for a worker where none seems to run."""
    job = _job(session, submission)
    return job is not None and jobs.is_left_alone(session, job)


def _job(session: Session, submission: Submission) -> Job | None:
    """Return the job that has to be done for a submission to go on; None where it waits for people, or has ended."""
    working = (
        stage(submission) == CHECKING
        or submission.state in ("accepted", "committing", "committed")
        or is_undoing(session, submission)
    )
    return session.get(Job, submission.job_id) if working and submission.job_id is not None else None


def waits(session: Session, submission: Submission, language: str) -> list[str]:
    """Return how many sensitive records wait for more places: of the file, and once the map shows it of its dataset."""
    counts: Mapping[str, int] = (submission.difference or {}).get(WAITS, {})
    if submission.state == "published":
        counts = sharing_memory.waiting(session, submission.dataset)
    return [
        words.told("RECORDS_WAIT", {"count": count, "places": places, "needed": PLACES}, language)[0]
        for places, count in sorted(counts.items(), key=lambda one: int(one[0]))
    ]


def _halted(session: Session, submission: Submission) -> str | None:
    """Return the code of what holds the service up with a submission; None where it goes on."""
    job = _job(session, submission)
    if job is not None and jobs.is_left_alone(session, job):
        return "NEXT_NO_WORKER"
    if job is None or job.state != "failed":
        return None
    if submission.state == "withdrawn":
        return "NEXT_UNDOING_HALTED"
    return "NEXT_RULES_UNREADABLE" if (job.error or "").startswith(UNREADABLE) else "NEXT_HALTED"


def on_map(session: Session, submission: Submission, language: str) -> dict[str, Any] | None:
    """Return whether the map shows a survey, since which release, and else when it will, or what became of it.

    None where it never will.
    """
    if (became := undone(submission)) is not None:
        stays = (submission.difference or {}).get(STAYS, {})
        return {"shown": False, "message": undone_words({**became, **stays}, language)}
    waiting = [side for side, state in (submission.sides or {}).items() if state == WAITING and side != "ZZ"]
    since = shown_since(session, submission)
    params: dict[str, str] = {}
    match submission.state:
        case "published":
            code, params = "MAP_SHOWN", {"release": since} if since else {}
        case "committed":
            code = "MAP_NEXT_RELEASE"
        case "accepted" | "committing":
            code = "MAP_BEING_MADE"
        case "submitted":
            code, params = "MAP_AFTER_REVIEW", {"sides": ", ".join(waiting)}
            if len(submission.sides or {}) > 1:
                params["holds"] = words.told("SIDE_REFUSAL_HOLDS", {}, language)[0]
        case "asked":
            code = "MAP_AFTER_ANSWER"
        case "withdrawn" if is_undoing(session, submission):
            code = "MAP_UNTIL_UNDONE"
        case _:
            return None
    code = _halted(session, submission) or code
    told = {
        "shown": submission.state == "published",
        "release": since,
        "message": words.told(code, params, language)[0],
    }
    return {name: value for name, value in told.items() if value is not None}
