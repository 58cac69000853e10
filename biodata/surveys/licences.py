"""Under which licence rows go that tell none: what was told last beside a file of their dataset, or what it is registered with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.text.controlled import parse_licence

if TYPE_CHECKING:
    from biodata.pipeline import Interpreted


@dataclass(frozen=True, slots=True)
class OfDataset:
    """What is known of a dataset's licence before a file is read."""

    told: str | None = None  # stood beside a file last: rows without one keep it
    registered: str | None = None  # of its archive: under this one they are published


NONE_KNOWN: Final = OfDataset()


def of_dataset(registry: Registry, dataset: str | None) -> OfDataset:
    """Return what is known of a dataset's licence; nothing where none is told."""
    if dataset is None:
        return NONE_KNOWN
    found = registry.datasets().filter(pl.col("key") == dataset)["license"].to_list()
    with registry.session(read_only=True) as session:
        return OfDataset(inherited(session, dataset), next(iter(found), None))


def inherited(session: Session, dataset: str, part: str | None = None) -> str | None:
    """Return the licence that an upload keeps where its sender tells none: of the refused version that it mends, else the last."""
    if part is not None:
        same = (Submission.dataset == dataset) & (Submission.part == part)
        every = select(Submission).where(same, Submission.wanted, Submission.state != "withdrawn")
        last = session.scalar(every.order_by(Submission.id.desc()).limit(1))
        if last is not None and last.state == "refused" and last.license is not None:
            return last.license
    stands = (Submission.dataset == dataset) & Submission.wanted & Submission.state.not_in(("refused", "withdrawn"))
    return session.scalar(select(Submission.license).where(stands).order_by(Submission.id.desc()).limit(1))


def forget_unused(registry: Registry, submission: Submission, read: "Interpreted") -> None:
    """Forget the licence beside a submission's file where every row tells its own, so that no later upload keeps it."""
    if submission.license is None:
        return
    told = [frame["license"] for frame in read.frames()]
    if parse_licence(submission.license) not in pl.concat(told).unique().to_list():
        with registry.session() as session, session.begin():
            session.get_one(Submission, submission.id).license = None
