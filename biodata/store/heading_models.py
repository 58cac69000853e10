"""The registry's tables of what somebody decided about a dataset's uploads: a second upload needs no second answer."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, now


class HeadingMapping(Base):
    """What a heading means in a dataset's uploads."""

    __tablename__ = "heading_mapping"

    dataset: Mapped[str] = mapped_column(String(255), primary_key=True)
    plain: Mapped[str] = mapped_column(String(300), primary_key=True)
    """The heading without case, spaces and signs: what makes it the same one in the next upload."""
    heading: Mapped[str] = mapped_column(String(300))
    """As it came."""
    term: Mapped[str] = mapped_column(String(80))
    """Empty where the column is of no term."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who decided; None where it was done on the machine itself."""
    created: Mapped[datetime] = mapped_column(default=now)


class AcceptedProposal(Base):
    """A kind of proposals, or one, that somebody accepted for a dataset."""

    __tablename__ = "accepted_proposal"

    dataset: Mapped[str] = mapped_column(String(255), primary_key=True)
    accepted: Mapped[str] = mapped_column(String(300), primary_key=True)
    """A code of `surveys.check`, or `CODE=value` of the cells with this text."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who accepted it."""
    created: Mapped[datetime] = mapped_column(default=now)
