"""The versions of a dataset that surveys made, and the return to one of them: a new version with the old content."""

import secrets
from typing import Any

from sqlalchemy import select

from biodata.access.roles import Action, Principal, may
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import IN_THE_LAKE
from biodata.surveys import conversation, seeing, telling
from biodata.surveys.comparing import SAME
from biodata.surveys.returning import NOT_YET
from biodata.surveys.submit import add


def versions(registry: Registry, who: Principal | None, dataset: str) -> list[dict[str, Any]]:
    """Return the versions of a dataset that surveys made, the oldest first.

    Raises
    ------
    InputError
        With DATASET_UNKNOWN, if none concerns them: what is not theirs is not there.
    """
    with registry.session(read_only=True) as session:
        found = session.scalars(
            select(Submission)
            .where(Submission.dataset == dataset, Submission.dataset_version.is_not(None))
            .order_by(Submission.dataset_version)
        )
        told = [
            {
                "version": one.dataset_version, "submission": one.id, "state": one.state, "snapshot": one.snapshot,
                "complete": one.complete, "returns_to": _number(session, one.returns_to),
                "changes": counts(one.difference), "undone": telling.undone(one),
                "history": conversation.history(session, one.id, sides=_read_by(who, one)),
            }
            for one in found
            if who is None or seeing.concerns(who, one) or may(who, Action.HAND_IN, dataset=dataset)
        ]  # fmt: skip
    if not told:
        problem = "no survey made a version of a dataset of this key that concerns you"
        raise InputError(problem, column="dataset", value=dataset, code="DATASET_UNKNOWN")
    return [{name: value for name, value in one.items() if value is not None} for one in told]


def _read_by(who: Principal | None, submission: Submission) -> list[str] | None:
    """Return the sides whose words somebody reads; None for all: the dataset's team reads what it was asked."""
    if who is None or may(who, Action.HAND_IN, dataset=submission.dataset):
        return None
    return seeing.reviewed(who, submission)


def go_back(
    settings: Settings, registry: Registry, who: Principal, dataset: str, version: int, *,
    idempotency_key: str | None = None,
) -> int:  # fmt: skip
    """Hand in what a dataset was after one of its versions; it is checked and reviewed like any other survey.

    Parameters
    ----------
    settings, registry
        The installation.
    who : Principal
        Who hands it in; somebody who may upload to the dataset.
    dataset : str
        The dataset.
    version : int
        The version that it is to be again.
    idempotency_key : str, optional
        The same key from the same sender is the same.

    Returns
    -------
    int
        The new submission's number.

    Raises
    ------
    InputError
        With DATASET_FORBIDDEN, if they may not upload to it; VERSION_UNKNOWN, if there is none of this number, or it was
        withdrawn.
    """
    if not may(who, Action.HAND_IN, dataset=dataset):
        problem = "you may not upload to that dataset"
        raise InputError(problem, column="dataset", value=dataset, code="DATASET_FORBIDDEN")
    with registry.session() as session, session.begin():
        found = session.scalar(
            select(Submission).where(
                Submission.dataset == dataset,
                Submission.dataset_version == version,
                Submission.state.in_(IN_THE_LAKE),
            )
        )
        if found is None or found.snapshot is None:
            problem = "the dataset has no version of this number"
            expected = "one that `biodata survey history` tells"
            raise InputError(problem, column="version", value=str(version), expected=expected, code="VERSION_UNKNOWN")
        key = idempotency_key or f"return {secrets.token_hex(8)}"
        earlier = session.scalar(
            select(Submission).where(Submission.account_id == who.account_id, Submission.idempotency_key == key)
        )
        if earlier is not None:
            if earlier.returns_to != found.id:
                problem = "this idempotency key came with something else before"
                raise InputError(problem, column="Idempotency-Key", value=key, code="IDEMPOTENCY_KEY_REUSED")
            return earlier.id
        submission = Submission(
            dataset=dataset, file_name=f"{dataset[:150]} version {version}", file_sha256=NOT_YET,
            idempotency_key=key, account_id=who.account_id, complete=True, returns_to=found.id,
        )  # fmt: skip
        return add(session, submission, who)


def _number(session: Any, submission: int | None) -> int | None:
    """Return the dataset's version that a submission made."""
    return None if submission is None else session.get_one(Submission, submission).dataset_version


def counts(difference: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return how many rows became what: of an upload that adds nothing goes, and what was not said to be the same is new."""
    if difference is None or telling.UNDONE in difference:
        return None
    found = {name: dict(difference[name]["counts"]) for name in ("events", "occurrences")}
    if not difference["whole"]:
        same = (difference.get("renamed") or {}).get("answer") == SAME
        for name, told in found.items():
            beside = 0 if same else difference[name].get("renamed_identifiers", 0)
            told |= {"new": told["new"] + beside, "renamed": told["renamed"] - beside, "gone": 0}
    return found
