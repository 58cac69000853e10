"""The registry's tables of rights: permits, the terms of use, and who accepted which version of them."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, Number, now


class Permit(Base):
    """A permit that a dataset rests on."""

    __tablename__ = "permit"
    __table_args__ = (UniqueConstraint("dataset", "kind", "number", name="uq_permit_of_dataset"),)

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    dataset: Mapped[str] = mapped_column(String(255), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """ircc, permit, consent or terms"""
    number: Mapped[str] = mapped_column(String(255))
    country: Mapped[str] = mapped_column(String(2), index=True)
    authority: Mapped[str | None]
    issued: Mapped[date | None] = mapped_column(Date)
    expires: Mapped[date | None] = mapped_column(Date)
    """The last day that it holds."""
    created: Mapped[datetime] = mapped_column(default=now)
    withdrawn: Mapped[datetime | None]


class TermsVersion(Base):
    """The terms of use as they were from some moment on; a version is never changed."""

    __tablename__ = "terms_version"

    version: Mapped[int] = mapped_column(Number, primary_key=True)
    text: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)


class TermsAcceptance(Base):
    """An account accepted a version of the terms."""

    __tablename__ = "terms_acceptance"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey("terms_version.version"), primary_key=True)
    created: Mapped[datetime] = mapped_column(default=now)
