"""A published survey that comes again, corrected: what it said and the new file does not say goes, all else of the dataset stays.

A new version (`answers`) of a survey that is published is such a correction; so is what answers a correction that a reviewer
asked about. What another survey says too, or an event that a record of another belongs to, stays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.survey_steps import WAITING
from biodata.surveys import standing, states, telling
from biodata.surveys.difference import Corrected
from biodata.surveys.upload_reading import options_of


def corrected(every: Iterable[Submission], submission: Submission) -> int | None:
    """Return the published survey that a submission is a corrected version of; None where there is none.

    Parameters
    ----------
    every : iterable of Submission
        Those of its dataset.
    submission : Submission
        One that is the whole dataset corrects no single survey.
    """
    if submission.complete:
        return None
    return next((one.id for one in _answered({one.id: one for one in every}, submission) if _stands(one)), None)


def superseded(every: Sequence[Submission]) -> dict[int, int]:
    """Return the published surveys that another one took the place of, each with the last that did.

    That is one that corrects it, and of all before it one that is the whole dataset.
    """
    by_number, found = {one.id: one for one in every}, dict[int, int]()
    for one in sorted(filter(_stands, every), key=_version):
        earlier = [two for two in every if _stands(two) and _version(two) < _version(one)] if one.complete else []
        found |= {two.id: one.id for two in (*earlier, *_answered(by_number, one)) if two.dataset_version is not None}
    return found


def check(session: Session, earlier: Submission, *, complete: bool) -> None:
    """Refuse a correction of a published survey that another one took the place of, or that is being corrected already.

    Parameters
    ----------
    session : Session
    earlier : Submission
        What is sent again: a published survey, or a correction of one, which that survey is then looked at for.
    complete : bool
        The new version is told to be the whole dataset as well.

    Raises
    ------
    InputError
        With SUBMISSION_DECIDED; FIELD_INVALID, if a published one comes as the whole dataset.
    """
    if complete and _stands(earlier):
        problem = "a corrected version takes the place of one survey, not of the whole dataset"
        raise InputError(
            problem, column="complete", value="true", expected="answers, or complete", code="FIELD_INVALID"
        )
    every = of_dataset(session, earlier.dataset)
    of = earlier.id if _stands(earlier) else corrected(every, earlier)
    if of is None or complete:
        return
    check_current(every, of, told=earlier.id)
    # What it is a new version of itself may wait still, as where a file of it in between was refused.
    own = {earlier.id, *(one.id for one in _answered({one.id: one for one in every}, earlier))}
    if any(one.id not in own and one.state in WAITING and corrected(every, one) == of for one in every):
        problem = "a new version of it is on its way already"
        expected = "a submission that its reviewer asked something about, or refused; or a published one"
        raise InputError(problem, column="answers", value=str(earlier.id), expected=expected, code="SUBMISSION_DECIDED")


def check_current(every: Sequence[Submission], number: int, *, told: int) -> None:
    """Refuse to correct a survey that another one took the place of; `told` is what the correction is a new version of.

    Raises
    ------
    InputError
        With SUBMISSION_DECIDED.
    """
    by = superseded(every).get(number)
    if by is not None:
        problem, expected = f"survey {by} took its place", f"answers={by}"
        if told != number:
            problem = f"survey {by} took the place of survey {number}, which it corrects"
        raise InputError(problem, column="answers", value=str(told), expected=expected, code="SUBMISSION_DECIDED")


def asked(
    settings: Settings, registry: Registry, dataset: str, number: int | None, *, complete: bool = False
) -> Callable[[Lake], Corrected] | None:
    """Return what tells the rows of the survey that a file would correct as a new version of one; None where it would none.

    Raises
    ------
    InputError
        With RECORD_MISSING, if the dataset has no such survey; else as `check`.
    """
    if number is None:
        return None
    with registry.session(read_only=True) as session:
        every = of_dataset(session, dataset)
        earlier = next((one for one in every if one.id == number), None)
        if earlier is None:
            problem = "there is no submission of this number to this dataset"
            raise InputError(problem, column="answers", value=str(number), code="RECORD_MISSING")
        check(session, earlier, complete=complete)
        of = number if _stands(earlier) else corrected(every, earlier)
    return None if of is None else lambda lake: Corrected(of, said_alone(settings, registry, lake, of))


def of_dataset(session: Session, dataset: str) -> Sequence[Submission]:
    """Return all surveys of a dataset."""
    return session.scalars(select(Submission).where(Submission.dataset == dataset)).all()


def said_alone(settings: Settings, registry: Registry, lake: Lake, number: int) -> dict[str, pl.Series]:
    """Return what rows of the dataset are called that only one survey says: `events` and `occurrences`.

    What a survey said that was taken back and is undone, or that another took the place of, keeps no row.
    """
    with registry.session(read_only=True) as session:
        dataset = session.get_one(Submission, number).dataset
        every = of_dataset(session, dataset)
        gone = {number, *superseded(every), *telling.are_undone(session, every)}
    records, events = standing.look(settings, lake, every, gone=gone, options=partial(options_of, registry))
    where = Compare("datasetKey", "=", dataset)
    there = lake.read("occurrences", columns=["key", states.RECORD], where=where)
    named = lake.read("events", columns=["event_key", "eventID"], where=where)
    return {
        "occurrences": there.filter(pl.col("key").is_in(records.nobody.implode()))[states.RECORD].drop_nulls(),
        "events": named.filter(pl.col("event_key").is_in(events.nobody.implode()))["eventID"].drop_nulls(),
    }


def _answered(by_number: Mapping[int, Submission], submission: Submission) -> list[Submission]:
    """Return what a submission is a new version of, and that of, and so on."""
    found: list[Submission] = []
    last = submission
    while (last := by_number.get(last.answers or 0, submission)) is not submission and last not in found:
        found.append(last)
    return found


def _stands(one: Submission) -> bool:
    """Tell whether a survey came into its dataset and was not taken back."""
    return one.dataset_version is not None and one.state != "withdrawn"


def _version(one: Submission) -> int:
    return one.dataset_version or 0
