"""The registry's table of headings that somebody decided about: a second upload needs no second answer."""

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
