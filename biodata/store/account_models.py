"""The registry's tables of accounts: who they are, what they may do, and how they show who they are.

No password, key, token or code stands in them, only what each can be checked by.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, String, UniqueConstraint
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
    """A key for programs, with the roles of its account or less; the key itself is stated once and never kept."""

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


class OneTimeCode(Base):
    """A code by which an account gets its first password, or a new one."""

    __tablename__ = "one_time_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


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


class Node(Base):
    """A national node that this installation trusts, or that it is."""

    __tablename__ = "node"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    """ISO 3166-1 alpha-2 code of the country that it speaks for."""
    public_key: Mapped[str]
    """Its Ed25519 public key, PEM."""
    own: Mapped[bool] = mapped_column(default=False)
    """Whether this installation is that node."""
    trusted: Mapped[datetime] = mapped_column(default=now)
    distrusted: Mapped[datetime | None]
    sequence: Mapped[int] = mapped_column(Number, default=0)
    """Number of the newest manifest that was written, or taken in; none that comes before it is taken."""
    manifest: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of that manifest."""
    told: Mapped[dict[str, Any]]
    """Counts of that manifest."""
    harvested: Mapped[datetime | None]


class Withdrawal(Base):
    """A dataset, a record or a survey that was taken back; its content is gone, its count stays."""

    __tablename__ = "withdrawal"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    """dataset, record or survey; node for what one took back."""
    subject: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str]
    by: Mapped[str]
    records: Mapped[int] = mapped_column(Number)
    created: Mapped[datetime] = mapped_column(default=now)
    purged: Mapped[dict[str, Any]]
    """By place (lake, releases, downloads, backups, …): when it was purged, and what went."""


class Tombstone(Base):
    """A withdrawn record: it is never taken in again."""

    __tablename__ = "tombstone"

    key: Mapped[int] = mapped_column(Number, primary_key=True)
    withdrawal_id: Mapped[int] = mapped_column(Number, index=True)
    dataset: Mapped[str] = mapped_column(String(255), index=True)
    identity: Mapped[str] = mapped_column(String(64), index=True)
    """HMAC of what identified it, with the installation's secret: the identifier itself may state a place."""


class ConsentAnswer(Base):
    """What a node answered about a shared output; a later answer stands in its place, and both are kept."""

    __tablename__ = "consent_answer"
    __table_args__ = (UniqueConstraint("output", "country", "number", name="uq_consent_answer_number"),)

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    output: Mapped[str] = mapped_column(String(255), index=True)
    content: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what was agreed to: the same name with another content needs another answer."""
    country: Mapped[str] = mapped_column(String(2))
    number: Mapped[int] = mapped_column(Number)
    answer: Mapped[str] = mapped_column(String(10))
    """agree, refuse or ask."""
    note: Mapped[str]
    by: Mapped[str]
    signature: Mapped[str | None]
    """The node's own, in base 64, over what was answered: without it nobody agrees for a country."""
    created: Mapped[datetime] = mapped_column(default=now)


class SharedOutput(Base):
    """An output that touches several countries, as it would be published: what their nodes are asked about."""

    __tablename__ = "shared_output"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    table_name: Mapped[str] = mapped_column(String(40))
    content: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what it says."""
    row: Mapped[dict[str, Any]]
    """Its published values, bytes in hexadecimal; `content` is made of these."""
    since: Mapped[datetime] = mapped_column(default=now)
    """When this content was first asked about: a silent country is silent since then."""
    gone: Mapped[datetime | None]
    """When it was no more; nothing is kept of what it said then."""


class NodeWord(Base):
    """A signed word of a node that was followed; none is followed twice."""

    __tablename__ = "node_word"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str] = mapped_column(String(2), index=True)
    text: Mapped[str]
    signature: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)


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
