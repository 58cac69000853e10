"""Under which licence rows go that state none: what was stated last beside a file of their dataset, or what it is registered with."""

from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.store.models import Submission
from biodata.store.registry import Registry

LICENCES: Final = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 4.0")  # those that a release knows by name


@dataclass(frozen=True, slots=True)
class OfDataset:
    """What is known of a dataset's licence before a file is read."""

    told: str | None = None  # stood beside a file last: rows without one keep it
    registered: str | None = None  # of its archive: under this one they are published


NONE_KNOWN: Final = OfDataset()


def of_dataset(registry: Registry, dataset: str | None) -> OfDataset:
    """Return what is known of a dataset's licence; nothing where none is stated."""
    if dataset is None:
        return NONE_KNOWN
    found = registry.datasets().filter(pl.col("key") == dataset)["license"].to_list()
    with registry.session(read_only=True) as session:
        return OfDataset(inherited(session, dataset), next(iter(found), None))


def inherited(session: Session, dataset: str) -> str | None:
    """Return the licence that an upload keeps where its sender tells none: what stood beside the last that was sent to the dataset."""
    sent = (
        (Submission.dataset == dataset) & Submission.wanted & (Submission.state != "withdrawn") &
        Submission.license.is_not(None)
    )  # fmt: skip
    return session.scalar(select(Submission.license).where(sent).order_by(Submission.id.desc()).limit(1))
