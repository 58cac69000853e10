"""The registry's tables of accounts: who they are, what they may do, and how they show who they are.

No password, key, token or code stands in them, only what each can be checked by.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, Number, now


class Account(Base):
    """Somebody, or a program, that shows who it is."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    """What is typed in, and what the audit calls them."""
    label: Mapped[str]
    """What people call them."""
    password: Mapped[str | None]
    """What argon2 made of it, with its own salt; nobody logs in with a password where there is none."""
    token_version: Mapped[int] = mapped_column(default=1)
    """Tokens of an earlier version are not taken any more."""
    created: Mapped[datetime] = mapped_column(default=now)
    disabled: Mapped[datetime | None]


class Binding(Base):
    """A role of an account, and what it is bound to."""

    __tablename__ = "role_binding"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    dataset: Mapped[str | None] = mapped_column(String(255))
    area: Mapped[str | None] = mapped_column(String(255))
    taxon: Mapped[str | None] = mapped_column(String(255))
    granted_by: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)
    confirmed_by: Mapped[str | None]
    """Who confirmed it, neither its maker nor its holder; None for a role by which nobody decides."""
    in_force: Mapped[datetime | None]
    """When it began to count; it gives no right before."""


class ApiKey(Base):
    """A key for programs, with the roles of its account or less; the key itself is told once and never kept."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    label: Mapped[str]
    role: Mapped[str | None] = mapped_column(String(20))
    """The only role that it has of its account's; all of them where none is given."""
    dataset: Mapped[str | None] = mapped_column(String(255))
    """The only dataset that it is good for."""
    created: Mapped[datetime] = mapped_column(default=now)
    revoked: Mapped[datetime | None]


class Login(Base):
    """A login: its refresh tokens follow each other, and end together."""

    __tablename__ = "login"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    method: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]


class RefreshToken(Base):
    """A token that is exchanged once for the next; whoever shows it a second time ends the login."""

    __tablename__ = "refresh_token"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("login.id"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class Identity(Base):
    """How an OpenID Connect provider calls an account."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="uq_identity_subject"),)

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(default=now)


class OneTimeCode(Base):
    """A code by which an account gets its first password, or a new one."""

    __tablename__ = "one_time_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]
    used: Mapped[datetime | None]
