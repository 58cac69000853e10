"""What is known of a dataset before its file is read: above all under which licence rows go that state none."""

from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import accepted_of

LICENCES: Final = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 4.0")  # those that a release knows by name


def known_of(registry: Registry, dataset: str | None) -> dict[str, Any]:
    """Return what a check of a dataset's file knows of it, as `surveys.check_files` takes it; nothing where none is stated."""
    if dataset is None:
        return {}
    registered = registry.datasets().filter(pl.col("key") == dataset)["license"].to_list()
    with registry.session(read_only=True) as session:
        kept = inherited(session, dataset)
    return {"inherited": kept, "registered": next(iter(registered), None), "accepted": accepted_of(registry, dataset)}


def inherited(session: Session, dataset: str) -> str | None:
    """Return the licence that an upload keeps where its sender tells none: what stood beside the last that was sent to the dataset."""
    sent = (
        (Submission.dataset == dataset) & Submission.wanted & (Submission.state != "withdrawn") &
        Submission.license.is_not(None)
    )  # fmt: skip
    return session.scalar(select(Submission.license).where(sent).order_by(Submission.id.desc()).limit(1))
