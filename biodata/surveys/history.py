"""The versions of the parts of a dataset: when each came, what it changed, and as what people sent and accepted it."""

from typing import Any

from sqlalchemy import select

from biodata.access.roles import Action, Principal, may
from biodata.errors import InputError
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import state_of
from biodata.surveys import conversation, seeing
from biodata.surveys.difference import TABLES


def versions(registry: Registry, who: Principal | None, dataset: str) -> list[dict[str, Any]]:
    """Return the versions of the parts of a dataset, by part, the oldest first.

    Raises
    ------
    InputError
        With DATASET_UNKNOWN, if none concerns them: what is not theirs is not there. Of a dataset that they send to there may be
        none yet.
    """
    with registry.session(read_only=True) as session:
        found = session.scalars(
            select(Submission)
            .where(Submission.dataset == dataset, Submission.part_version.is_not(None))
            .order_by(Submission.part, Submission.part_version)
        )
        every = [
            {
                "part": one.part, "version": one.part_version, "submission": one.id, "state": state_of(session, one),
                "file": None if one.removes else one.file_name, "snapshot": one.snapshot, "restores": one.restores,
                "changes": counts(one), "history": conversation.history(session, one.id, sides=_read_by(who, one)),
            }
            for one in found
            if who is None or seeing.concerns(who, one)
        ]  # fmt: skip
    sends = who is not None and may(who, Action.HAND_IN, dataset=dataset)
    if not every and not sends:
        problem = "no survey made a version of a dataset of this key that concerns you"
        raise InputError(problem, column="dataset", value=dataset, code="DATASET_UNKNOWN")
    return [{name: value for name, value in one.items() if value is not None} for one in every]


def _read_by(who: Principal | None, submission: Submission) -> list[str] | None:
    """Return the sides whose words somebody reads; None for all: the dataset's team reads what it was asked."""
    if who is None or seeing.is_of_team(who, submission):
        return None
    return seeing.reviewed(who, submission)


def counts(submission: Submission) -> dict[str, Any] | None:
    """Return how many records and events became what; None where that is not kept any more."""
    if submission.removes:
        report = submission.report or {}
        return {"occurrences": report.get("records", {}), "events": report.get("events", {})}
    if submission.difference is None:
        return None
    return {name: dict(submission.difference[name]["counts"]) for name in TABLES}
