"""The registry's tables of access requests and grants."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, Number, now


class AccessRequest(Base):
    """What somebody asks to read of exact records."""

    __tablename__ = "access_request"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random, so that nobody finds the request of somebody else."""
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    """Countries, taxon, area, time, fields, rows, requests, and until when."""
    created: Mapped[datetime] = mapped_column(default=now)
    extends: Mapped[str | None] = mapped_column(String(32))
    """The request that it asks to go on with."""


class AccessDecision(Base):
    """What the node of one country decided of a request: one decision a country."""

    __tablename__ = "access_decision"
    __table_args__ = (UniqueConstraint("request_id", "country", name="uq_access_decision_country"),)

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("access_request.id"), index=True)
    country: Mapped[str] = mapped_column(String(2), index=True)
    grant: Mapped[str | None]
    """The text that was signed; None where the request was refused."""
    signature: Mapped[str | None]
    reason: Mapped[str | None]
    decided_by: Mapped[str]
    decided: Mapped[datetime] = mapped_column(default=now)
    revoked: Mapped[datetime | None]
    review: Mapped[date | None]
    """When its node wants to look at it again."""
    exact_told: Mapped[datetime | None]
    """When the exact process heard that it was taken back."""


class AccessUse(Base):
    """How much was read of what a request was granted."""

    __tablename__ = "access_use"

    request_id: Mapped[str] = mapped_column(ForeignKey("access_request.id"), primary_key=True)
    first_read: Mapped[datetime] = mapped_column(default=now)
    last_read: Mapped[datetime] = mapped_column(default=now)
    reads: Mapped[int] = mapped_column(Number, default=0)
    rows: Mapped[int] = mapped_column(Number, default=0)


class AccessReport(Base):
    """What was made of granted records, as whoever read them tells."""

    __tablename__ = "access_report"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("access_request.id"), index=True)
    made: Mapped[str]
    links: Mapped[Any] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(default=now)
