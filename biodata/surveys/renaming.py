"""The word of a survey's sender about rows that the dataset has under another identifier: the same ones, or others.

Nobody but they can know. Until they say so nothing is taken in, and what they say holds for these rows alone.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access.roles import Role
from biodata.errors import InputError
from biodata.store.models import Submission
from biodata.store.survey_steps import JOB, step
from biodata.surveys import words
from biodata.surveys.comparing import NEW, SAME
from biodata.surveys.difference import Difference

ANSWERS: Final = (SAME, NEW)
UNANSWERED: Final = "RENAMED_UNANSWERED"
_TOLD: Final = {SAME: "RENAMED_SAME", NEW: "RENAMED_NEW"}


def unanswered(submission: Submission, found: Difference, about: str | None) -> bool:
    """Tell whether a submission waits for its sender's word; what they said of other rows is none.

    Parameters
    ----------
    submission : Submission
    found : Difference
        What it would change now.
    about : str, optional
        `Difference.fingerprint` of it.
    """
    if about is None:
        return False
    of_these = submission.renamed is not None and submission.renamed_of in (None, about)
    return not of_these or (submission.renamed == SAME and bool(found.left or found.shifted()))


def waits(submission: Submission) -> bool:
    """Tell whether a draft that was checked waits for its sender's word."""
    checked = submission.state == "draft" and submission.report is not None
    return checked and submission.renamed_of is not None and submission.renamed is None


def checked(answer: str | None) -> str | None:
    """Return an answer.

    Raises
    ------
    InputError
        With FIELD_INVALID, if it is none.
    """
    if answer is not None and answer not in ANSWERS:
        problem = "this says nothing about rows under another identifier"
        raise InputError(problem, column="renamed", value=answer, expected=" or ".join(ANSWERS), code="FIELD_INVALID")
    return answer


def take_word(
    session: Session, submission: Submission, answer: str | None, *, actor: str, seen: int | None = None,
    language: str = "en",
) -> None:  # fmt: skip
    """Put down what the sender of a submission says, and let the worker look at it with that.

    Raises
    ------
    InputError
        In the language: with RENAMED_UNANSWERED, if they say nothing; RENAMED_EVENT_LEFT or RENAMED_SHIFTED, if the rows
        cannot be the same ones; FIELD_INVALID, if it is no answer.
    """
    told = (submission.difference or {}).get("renamed") or {}
    params = _params(told, submission.id)
    code = UNANSWERED if checked(answer) is None else None
    if answer == SAME:
        code = "RENAMED_EVENT_LEFT" if told.get("left") else "RENAMED_SHIFTED" if told.get("shifted") else None
    if code is not None:
        message, _ = words.told(code, params, language)
        raise InputError(message, column="renamed", expected="renamed=same, renamed=new", code=code)
    submission.renamed, submission.wanted, submission.report = answer, True, None
    step(session, submission, "clarified", state="draft", actor=actor, role=str(Role.UPLOADER), seen=seen,
         note=f"renamed={answer}", details={"renamed": answer})  # fmt: skip
    submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def notes(told: Mapping[str, Any], number: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return what has to be known of such rows: code and params."""
    asked = told.get("renamed")
    if not asked:
        return []
    params = _params(asked, number)
    found = [(_TOLD.get(asked["answer"], UNANSWERED), params)]
    if asked["answer"] is None:
        found += [("RENAMED_EVENT_LEFT", params)] if asked["left"] else []
        found += [("RENAMED_SHIFTED", params)] if asked["shifted"] else []
    return found


def _params(asked: Mapping[str, Any], number: int | None) -> dict[str, Any]:
    """Return what the words name; a text has no sheets, and is told as records."""
    named = {"sheet": "occurrences", "number": number, **{name: value for name, value in asked.items() if value}}
    return {name: value for name, value in named.items() if value is not None}


def question(submission: Submission, language: str) -> dict[str, Any] | None:
    """Return what its sender is asked: `code`, `message`, `count`, `answers`; None where nothing waits for their word."""
    if not waits(submission):
        return None
    told = submission.difference or {}
    code, params = notes(told, submission.id)[0]
    asked = told["renamed"]
    answers = [NEW] if asked["left"] or asked["shifted"] else list(ANSWERS)
    message = words.told(code, params, language)[0]
    return {"code": code, "message": message, "count": asked["count"], "answers": answers}
