"""The registry's tables: what is known of datasets, work, submissions, releases and runs, and who did what.

Those of accounts stand in `store.account_models`.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back when read."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC; refuse one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a moment in the registry needs a time zone"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only in a column of the type INTEGER."""


class Base(DeclarativeBase):
    """The base of the registry's tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: JSON(none_as_null=True),
        datetime: UtcDateTime,
        str: Text,
    }


class Dataset(Base):
    """A dataset, and what its publisher says of it."""

    __tablename__ = "dataset"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    title: Mapped[str | None]
    license: Mapped[str | None]
    citation: Mapped[str | None]
    doi: Mapped[str | None]
    eml: Mapped[str | None]
    declarations: Mapped[dict[str, Any]] = mapped_column(default=dict)
    first_ingested: Mapped[datetime] = mapped_column(default=now)
    last_ingested: Mapped[datetime] = mapped_column(default=now)


class Ingest(Base):
    """One table that was taken in: the report whose numbers add up."""

    __tablename__ = "ingest"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    source: Mapped[str]
    dataset: Mapped[str] = mapped_column(String(255), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    report: Mapped[dict[str, Any]]


class Job(Base):
    """A piece of work in the queue."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default="queued", index=True)
    """queued, running, done or failed"""
    priority: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    progress: Mapped[float | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    created: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]


class Submission(Base):
    """An upload on its way into the lake."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("account_id", "idempotency_key", name="uq_submission_of_account"),)

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    dataset: Mapped[str] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(String(20), default="draft", index=True)
    """draft, submitted, asked, accepted, committing, committed, refused, replaced or withdrawn"""
    version: Mapped[int] = mapped_column(default=1)
    """Grows with every change: what a decision is about."""
    file_name: Mapped[str]
    file_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """The resumable upload whose parts are its file."""
    wanted: Mapped[bool] = mapped_column(default=True)
    """It goes to review as soon as it is checked; else its sender looks at the difference first."""
    sides: Mapped[dict[str, Any] | None]
    """By country that it tells of: waiting, accepted, or open where nobody reviews."""
    difference: Mapped[dict[str, Any] | None]
    """What it would change, without any value."""
    license: Mapped[str | None] = mapped_column(String(500))
    """Of what states none in its file, as its sender tells it."""
    part: Mapped[str] = mapped_column(String(200), default="")
    """The part of its dataset that it is a version of, whole."""
    part_version: Mapped[int | None]
    """The number of the part's version that it made."""
    restores: Mapped[int | None] = mapped_column(Number)
    """The submission whose file it brings back."""
    removes: Mapped[bool] = mapped_column(default=False)
    """It has no file: the part has no rows any more."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who handed it in."""
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    report: Mapped[dict[str, Any] | None]
    snapshot: Mapped[int | None] = mapped_column(Number)
    created: Mapped[datetime] = mapped_column(default=now)
    changed: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Release(Base):
    """A release that was made; its file may be gone since."""

    __tablename__ = "release"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    snapshot: Mapped[int] = mapped_column(Number)
    rules_hash: Mapped[str]
    counts: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """An analysis run. What it was asked and what came out stays beside the lake (`private_reports`)."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    layer: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(20), default="done")
    snapshot: Mapped[int | None] = mapped_column(Number)
    seed: Mapped[int | None] = mapped_column(Number)
    created: Mapped[datetime] = mapped_column(default=now)


class Download(Base):
    """A download that was asked for; its state is its job's."""

    __tablename__ = "download"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random, so that nobody finds the download of somebody else."""
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    request: Mapped[dict[str, Any]]
    """The format, and the question as `store.query.filters.to_plain` keeps it."""
    created: Mapped[datetime] = mapped_column(default=now)


class Citation(Base):
    """What was asked of which release, and what came out: enough to ask again."""

    __tablename__ = "citation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    release: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[int] = mapped_column(Number)
    rules_hash: Mapped[str]
    query: Mapped[dict[str, Any]]
    """The question as it was asked, and as `store.query.filters.to_plain` keeps it."""
    content: Mapped[dict[str, Any]]
    """Counts, by dataset too, and the hash of the published content."""
    download_id: Mapped[str | None] = mapped_column(ForeignKey("download.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    """The job that makes the content of a large answer; until it is done the content is empty."""
    replay_job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    """The last time that it was asked again."""
    doi_job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    doi: Mapped[str | None]
    created: Mapped[datetime] = mapped_column(default=now)


class Area(Base):
    """A polygon that somebody uploaded to search within."""

    __tablename__ = "area"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The SHA-256 of its WKB: the same polygon is the same area."""
    name: Mapped[str | None]
    wkb: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """Who did what; each entry holds the hash of the one before, so that none can be changed or left out unseen."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    time: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class RuleVersion(Base):
    """One version of the sharing rules; the last is in force. See `store.sharing_rules`."""

    __tablename__ = "rule_version"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    rules: Mapped[str]
    """CSV with the columns of `rule_lines.COLUMNS`."""
    consents: Mapped[str]
    labels: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str]
    reason: Mapped[str]


class Revision(Base):
    """Which revision the tables are of."""

    __tablename__ = "revision"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)


class Changes(Base):
    """How many changes of rows there were; SQLite's triggers count them, see `checksums.seal_registry`."""

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(Number)


class LoginBucket(Base):
    """How many tries to log in an address or an account has left: so many fit in until it is full again."""

    __tablename__ = "login_bucket"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Hash of what it is of, with the installation's secret."""
    full_at: Mapped[datetime]


class SubmissionEvent(Base):
    """Something that happened to a submission; the audit has it too, with names."""

    __tablename__ = "submission_event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    """received, checked, submitted, accepted, asked, answered, refused, outdated, replaced, committed, published or withdrawn"""
    role: Mapped[str] = mapped_column(String(40))  # as what somebody did it; never a name
    country: Mapped[str | None] = mapped_column(String(2))
    note: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime] = mapped_column(default=now)


class SubmissionView(Base):
    """What a submission would publish, as the sharing rules let it out: what its reviewers decide about, while they do."""

    __tablename__ = "submission_view"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    rules_hash: Mapped[str] = mapped_column(String(64))
    """Of the rules that it was made under: under others it is made anew before anything of it is published."""
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)  # by side: records, coarse and withheld
    occurrences: Mapped[bytes] = mapped_column(LargeBinary)  # Parquet
    events: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(default=now)


class AcceptedProposal(Base):
    """A kind of proposals, or one, that somebody accepted for a dataset."""

    __tablename__ = "accepted_proposal"

    dataset: Mapped[str] = mapped_column(String(255), primary_key=True)
    # A code, `CODE=value` of cells with this text, or `heading.HEADING=TERM`.
    accepted: Mapped[str] = mapped_column(String(300), primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created: Mapped[datetime] = mapped_column(default=now)


class SharingMemory(Base):
    """The digest of the list of what is kept of sensitive records, empty before anything was; how many of a dataset's wait."""

    __tablename__ = "sharing_memory"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    waiting: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)
    """By the number of places that there are."""


class PublishedPresence(Base):
    """A presence that a release had."""

    __tablename__ = "published_presences"

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    since: Mapped[int]
    """The lake's version that the first release with it was made of."""
