"""What a submission would publish, kept beside its state in the registry for as long as somebody decides about it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from biodata.store.models import SubmissionView


@dataclass(frozen=True, eq=False)
class View:
    """A submission as the rules of a hash let it out: rows with the `sides` whose reviewers see them, and counts by side."""

    occurrences: pl.DataFrame
    events: pl.DataFrame
    counts: Mapping[str, Any]
    rules_hash: str


def keep(session: Session, number: int, view: View) -> None:
    """Keep the view of a submission instead of the one before."""
    forget(session, number)
    rows = {"occurrences": _bytes(view.occurrences), "events": _bytes(view.events)}
    session.add(SubmissionView(submission_id=number, rules_hash=view.rules_hash, counts=dict(view.counts), **rows))


def read(session: Session, number: int) -> View | None:
    """Return the view of a submission; None where it has none, or nobody decides any more."""
    found = session.get(SubmissionView, number)
    if found is None:
        return None
    occurrences, events = (pl.read_parquet(io.BytesIO(told)) for told in (found.occurrences, found.events))
    return View(occurrences, events, found.counts, found.rules_hash)


def hash_of(session: Session, number: int) -> str | None:
    """Return the hash of the rules that let out the view of a submission; None where it has none."""
    found: str | None = session.scalar(select(SubmissionView.rules_hash).where(SubmissionView.submission_id == number))
    return found


def forget(session: Session, number: int) -> None:
    """Remove the view of a submission, and let nothing of it stand in free pages of the file."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))
    session.execute(delete(SubmissionView).where(SubmissionView.submission_id == number))


def _bytes(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file, compression="zstd")
    return file.getvalue()
