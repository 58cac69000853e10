"""The registry's tables of surveys on their way: what became of each submission, and what reviewers look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, Number, now


class SubmissionEvent(Base):
    """Something that happened to a submission; the audit has it too, with names."""

    __tablename__ = "submission_event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    """received, checked, submitted, accepted, asked, answered, refused, outdated, replaced, committed, published or withdrawn"""
    role: Mapped[str] = mapped_column(String(40))
    """As what somebody did it; never a name."""
    country: Mapped[str | None] = mapped_column(String(2))
    note: Mapped[str] = mapped_column(default="")
    questions: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """At which rows: sheet, row, column, question."""
    created: Mapped[datetime] = mapped_column(default=now)


class SubmissionView(Base):
    """What a submission would publish, as the sharing rules let it out: what its reviewers decide about, while they do."""

    __tablename__ = "submission_view"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    rules_hash: Mapped[str] = mapped_column(String(64))
    """Of the rules that it was made under: under others it is made anew before anything of it is published."""
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """By side: records, coarse and withheld."""
    occurrences: Mapped[bytes] = mapped_column(LargeBinary)
    events: Mapped[bytes] = mapped_column(LargeBinary)
    """Parquet."""
    created: Mapped[datetime] = mapped_column(default=now)
