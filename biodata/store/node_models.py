"""The registry's tables of national nodes: whose keys are trusted, what was handed over, withdrawn and agreed to."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biodata.store.models import Base, Number, now


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
    """HMAC of what identified it, with the installation's secret: the identifier itself may tell a place."""


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
