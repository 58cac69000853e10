"""What earlier releases made of sensitive records: lost or changed, nothing goes out.

It holds exact places, so it lies beside the lake, where processes of the service cannot read it: a file for each part of a
dataset, named by a digest of what it holds that is made with the installation's secret, so that nobody else can try places
by it. The registry has a row for each dataset with these digests.
"""

import hashlib
import hmac
import io
from collections.abc import Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import BigInteger, String, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from biodata.errors import SharingError
from biodata.sharing.set_apart import Apart, Memory
from biodata.store.models import Base
from biodata.store.registry import Registry
from biodata.store.secret import secret

_ALL: Final = "\n"
"""The row that holds the digest of all others, so that one that is lost is missed: no dataset has this name."""
_DAMAGED: Final = (
    "what is kept of sensitive records is damaged: nothing can be published; restore the installation from a backup "
    "(`biodata restore`)"
)
FOLDER: Final = "sharing_memory"
"""Its folder, beside the lake."""


class WaitingRecords(Base):
    """How many of a dataset's sensitive records wait for more places, as of the last release."""

    __tablename__ = "waiting_records"

    dataset: Mapped[str] = mapped_column(String(255), primary_key=True)
    counts: Mapped[dict[str, Any]]
    """By the number of places that there are."""


class SharingMemory(Base):
    """What is kept of a dataset's sensitive records: the digest of each part, and of the row."""

    __tablename__ = "sharing_memory"

    dataset: Mapped[str] = mapped_column(String(255), primary_key=True)
    states: Mapped[str] = mapped_column(String(64))
    crowds: Mapped[str] = mapped_column(String(64))
    seen: Mapped[str] = mapped_column(String(64))
    stood: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class PublishedPresence(Base):
    """A presence that a release had."""

    __tablename__ = "published_presences"

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    since: Mapped[int]
    """The lake's version that the first release with it was made of."""


def read(registry: Registry, data: Path) -> Memory:
    """Return what is kept of all datasets of an installation in the folder `data`.

    Raises
    ------
    SharingError
        If something of it is lost or changed.
    """
    with registry.session(read_only=True) as session:
        rows = session.scalars(select(SharingMemory).order_by(SharingMemory.dataset)).all()
    kept = [row for row in rows if row.dataset != _ALL]
    whole = next((row.digest for row in rows if row.dataset == _ALL), None)
    if any(row.digest != _digest(row) for row in kept) or whole != _of_all(kept):
        raise SharingError(_DAMAGED)
    parts = {name: [_part(data, getattr(row, name)) for row in kept] for name in _names()}
    empty = Memory()
    return Memory(**{name: pl.concat([getattr(empty, name), *frames]) for name, frames in parts.items()})


def damaged(registry: Registry, data: Path) -> list[str]:
    """Return the files that are lost or changed, by their paths below the installation's folder."""
    with registry.session(read_only=True) as session:
        rows = session.scalars(select(SharingMemory).where(SharingMemory.dataset != _ALL)).all()
        digests = sorted({getattr(row, name) for row in rows for name in _names()})
    return [f"{FOLDER}/{digest}.arrow" for digest in digests if _content(data, digest) is None]


def save(registry: Registry, data: Path, memory: Memory) -> None:
    """Keep a memory in place of what was kept; only what changed is written."""
    names = pl.concat([getattr(memory, part)["datasetKey"] for part in _names()]).unique().sort().to_list()
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = []
    for name in names:
        of_dataset = pl.col("datasetKey") == name
        parts = {part: _write(data, getattr(memory, part).filter(of_dataset)) for part in _names()}
        row = SharingMemory(dataset=name, **parts, digest="")
        row.digest = _digest(row)
        rows.append(row)
    with registry.session() as session, session.begin():
        known = {row.dataset: row.digest for row in session.scalars(select(SharingMemory))}
        gone = [name for name in known if name not in names and name != _ALL]
        session.execute(delete(SharingMemory).where(SharingMemory.dataset.in_(gone)))
        for row in rows:
            if known.get(row.dataset) != row.digest:
                session.merge(row)
        session.merge(SharingMemory(dataset=_ALL, **dict.fromkeys(_names(), ""), digest=_of_all(rows)))
    named = {getattr(row, part) for row in rows for part in _names()}
    for path in folder.iterdir():
        if path.stem not in named:
            path.unlink()


def lift(registry: Registry, data: Path, rule_ids: Collection[str]) -> None:
    """Forget what was decided by rules that their owner takes back or loosens; the places of crowds stay."""
    memory = read(registry, data)
    states = memory.states.filter(~pl.col("rule_id").is_in(list(rule_ids)).fill_null(value=False))
    save(registry, data, replace(memory, states=states))


def record_presences(registry: Registry, keys: pl.Series, snapshot: int) -> None:
    """Keep since which version of the lake each presence goes out."""
    with registry.session() as session, session.begin():
        known = pl.Series(list(session.scalars(select(PublishedPresence.key))), dtype=pl.Int64)
        new = [{"key": key, "since": snapshot} for key in keys.filter(~keys.is_in(known.implode()))]
        if new:
            session.execute(insert(PublishedPresence), new)


def presences_until(registry: Registry, snapshot: int) -> pl.Series:
    """Return the presences that a release of a version of the lake, or of an older one, had."""
    with registry.session(read_only=True) as session:
        found = session.scalars(select(PublishedPresence.key).where(PublishedPresence.since <= snapshot))
        return pl.Series("key", list(found), dtype=pl.Int64)


def save_waiting(registry: Registry, apart: Apart) -> None:
    """Keep how many records wait in place of what was kept."""
    states = apart.memory.states.select("key", "datasetKey").unique("key")
    waiting = apart.waiting.join(states, on="key").group_by("datasetKey", "places").len()
    with registry.session() as session, session.begin():
        session.execute(delete(WaitingRecords))
        for (dataset,), counts in waiting.sort("datasetKey", "places").group_by("datasetKey", maintain_order=True):
            by_places = {str(places): count for _, places, count in counts.iter_rows()}
            session.add(WaitingRecords(dataset=str(dataset), counts=by_places))


def waiting(session: Session, dataset: str) -> dict[str, int]:
    """Return how many sensitive records of a dataset wait, by the number of places that there are."""
    found = session.get(WaitingRecords, dataset)
    return {} if found is None else dict(found.counts)


def _names() -> tuple[str, ...]:
    return tuple(part.name for part in fields(Memory))


def _write(data: Path, frame: pl.DataFrame) -> str:
    """Write a frame as Arrow's file format, its rows in one order, so that the same ones give the same bytes; return its digest."""
    file = io.BytesIO()
    frame.sort(pl.all(), nulls_last=True).write_ipc(file, compression="zstd")
    content = file.getvalue()
    digest = _mark(data, content)
    path = data / FOLDER / f"{digest}.arrow"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return digest


def _part(data: Path, digest: str) -> pl.DataFrame:
    content = _content(data, digest)
    if content is None:
        raise SharingError(_DAMAGED)
    return pl.read_ipc(io.BytesIO(content))


def _content(data: Path, digest: str) -> bytes | None:
    """Return what a file holds; None where it is lost or changed."""
    path = data / FOLDER / f"{digest}.arrow"
    content = path.read_bytes() if path.is_file() else b""
    return content if hmac.compare_digest(_mark(data, content), digest) else None


def _mark(data: Path, content: bytes) -> str:
    return hmac.new(secret(data), content, hashlib.sha256).hexdigest()


def _digest(row: SharingMemory) -> str:
    return hashlib.sha256("\n".join([row.dataset, *(getattr(row, name) for name in _names())]).encode()).hexdigest()


def _of_all(rows: list[SharingMemory]) -> str:
    return hashlib.sha256("\n".join(sorted(row.digest for row in rows)).encode()).hexdigest()
