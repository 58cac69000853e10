"""What earlier releases made of sensitive records: lost or changed, nothing goes out.

It holds exact places, so it lies beside the lake, where processes of the service cannot read it: a file for each part of a
dataset, named by a digest of what it holds that is made with the installation's secret, so that nobody else can try places
by it. The registry has a row for each dataset with these digests.
"""

import hashlib
import hmac
import io
from collections.abc import Collection, Iterable
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
_PARTS: Final = tuple(part.name for part in fields(Memory))
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
        rows = {row.dataset: row for row in session.scalars(select(SharingMemory).order_by(SharingMemory.dataset))}
    whole = rows.pop(_ALL, None)
    changed = any(row.digest != _digest(row.dataset, *_files(row)) for row in rows.values())
    if changed or whole is None or whole.digest != _of_all(rows.values()):
        raise SharingError(_DAMAGED)
    kept = [Memory(), *(Memory(*(_frame(data, digest) for digest in _files(row))) for row in rows.values())]
    return Memory(*(pl.concat([getattr(one, part) for one in kept]) for part in _PARTS))


def damaged(registry: Registry, data: Path) -> list[str]:
    """Return the files that are lost or changed, by their paths below the installation's folder."""
    with registry.session(read_only=True) as session:
        rows = session.scalars(select(SharingMemory).where(SharingMemory.dataset != _ALL)).all()
    digests = sorted({digest for row in rows for digest in _files(row)})
    return [f"{FOLDER}/{digest}.arrow" for digest in digests if _content(data, digest) is None]


def save(registry: Registry, data: Path, memory: Memory) -> None:
    """Keep a memory in place of what was kept; only what changed is written."""
    (data / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    frames = {part: getattr(memory, part) for part in _PARTS}
    rows = {}
    for name in pl.concat([frame["datasetKey"] for frame in frames.values()]).unique().sort():
        files = {part: _write(data, frame.filter(pl.col("datasetKey") == name)) for part, frame in frames.items()}
        rows[name] = SharingMemory(dataset=name, **files, digest=_digest(name, *files.values()))
    rows[_ALL] = SharingMemory(dataset=_ALL, **dict.fromkeys(_PARTS, ""), digest=_of_all(rows.values()))
    with registry.session() as session, session.begin():
        before = session.scalars(select(SharingMemory)).all()
        for row in before:
            if row.dataset not in rows:
                session.delete(row)
        for row in rows.values():
            session.merge(row)
    named = {digest for row in rows.values() for digest in _files(row)}
    for path in (data / FOLDER).iterdir():
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
    found = apart.waiting.join(states, on="key").group_by("datasetKey", "places").len().sort("datasetKey", "places")
    counts: dict[str, dict[str, int]] = {}
    for dataset, places, count in found.iter_rows():
        counts.setdefault(dataset, {})[str(places)] = count
    with registry.session() as session, session.begin():
        session.execute(delete(WaitingRecords))
        session.add_all(WaitingRecords(dataset=dataset, counts=by_places) for dataset, by_places in counts.items())


def waiting(session: Session, dataset: str) -> dict[str, int]:
    """Return how many sensitive records of a dataset wait, by the number of places that there are."""
    found = session.get(WaitingRecords, dataset)
    return {} if found is None else dict(found.counts)


def _files(row: SharingMemory) -> list[str]:
    """Return the digests of a row's files."""
    return [getattr(row, part) for part in _PARTS]


def _write(data: Path, frame: pl.DataFrame) -> str:
    """Write a frame as Arrow's file format, its rows in one order, so that the same ones give the same bytes; return its digest."""
    file = io.BytesIO()
    frame.sort(pl.all(), nulls_last=True).write_ipc(file, compression="zstd")
    digest = _mark(data, file.getvalue())
    path = data / FOLDER / f"{digest}.arrow"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(file.getvalue())
        part.replace(path)
    return digest


def _frame(data: Path, digest: str) -> pl.DataFrame:
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


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _of_all(rows: Iterable[SharingMemory]) -> str:
    return _digest(*sorted(row.digest for row in rows))
