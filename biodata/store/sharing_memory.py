"""What earlier releases made of sensitive records: lost or changed, nothing goes out.

It holds exact places, so it lies beside the lake, where processes of the service cannot read it: a file for each part of a
dataset, and a list of these files, each named by a digest of what it holds that is made with the installation's secret, so
that nobody else can try places by it. The registry has the digest of the list.
"""

import hashlib
import hmac
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.core.errors import SharingError
from biodata.sharing.set_apart import Memory
from biodata.store.folders import secret
from biodata.store.models import SharingMemory
from biodata.store.registry import Registry

_DAMAGED: Final = (
    "what is kept of sensitive records is damaged: nothing can be published; restore the installation from a backup "
    "(`biodata restore`)"
)
FOLDER: Final = "sharing_memory"
"""Its folder, beside the lake."""


def read(registry: Registry, data: Path) -> Memory:
    """Return what is kept of all datasets of an installation in the folder `data`.

    Raises
    ------
    SharingError
        If something of it is lost or changed.
    """
    kept = [
        {part: pl.read_parquet(io.BytesIO(_content(data, digest))) for part, digest in files.items()}
        for files in _list(registry, data)["datasets"].values()
    ]
    empty = vars(Memory())
    return Memory(
        **{part: pl.concat([none, *(one[part] for one in kept if part in one)]) for part, none in empty.items()}
    )


def made_of(registry: Registry, data: Path) -> dict[str, Any]:
    """Return what was stated to `save` of what it was made of; nothing where that was not stated."""
    return dict(_list(registry, data)["made_of"] or {})


def released(registry: Registry, data: Path) -> dict[str, Any]:
    """Return what `record_released` was given last; nothing where it was given nothing yet."""
    return dict(_list(registry, data).get("released") or {})


def record_released(registry: Registry, data: Path, released: Mapping[str, Any]) -> None:
    """Keep what the current release follows from, beside its records and what is kept of sensitive ones."""
    _keep(registry, data, {**_list(registry, data), "released": released})


def damaged(registry: Registry, data: Path) -> list[str]:
    """Return the files that are lost or changed, by their paths below the installation's folder; the list alone, if that is one."""
    try:
        datasets = _list(registry, data)["datasets"].values()
    except SharingError:
        with registry.session(read_only=True) as session:
            return [f"{FOLDER}/{session.scalar(select(SharingMemory.digest)) or ''}"]
    digests = sorted({digest for files in datasets for digest in files.values()})
    return [f"{FOLDER}/{digest}" for digest in digests if not _is_whole(data, digest)]


def save(
    registry: Registry, data: Path, memory: Memory, *, made_of: Mapping[str, Any] | None = None,
    changed: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Keep a memory in place of what was kept; only what changed is written.

    Parameters
    ----------
    registry, data
        The installation's.
    memory : Memory
    made_of : mapping, optional
        What it follows from.
    changed : collection of str, optional
        The datasets that were looked at; it may be any where none are stated.
    """
    (data / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    before = _list(registry, data)
    kept = {name: f for name, f in before["datasets"].items() if changed is not None and name not in changed}
    written, datasets = memory.of(kept, others=True), dict(kept)
    for part, frame in vars(written).items():
        for (name,), rows in frame.partition_by("datasetKey", as_dict=True).items():
            datasets.setdefault(name, {})[part] = _write(data, _packed(rows))
    counts = memory.waiting.group_by("datasetKey", "places").len().sort("datasetKey", "places")
    waiting = {name: dict(rows) for name, rows in counts.cast({"places": pl.String}).rows_by_key("datasetKey").items()}
    _keep(registry, data, {**before, "made_of": made_of, "datasets": datasets}, waiting=waiting)


def _keep(registry: Registry, data: Path, found: Mapping[str, Any], **columns: Any) -> None:
    """Write the list of what is kept, with columns of its row in the registry; remove the files that it does not name."""
    digest = _write(data, json.dumps(found, sort_keys=True).encode())
    with registry.session() as session, session.begin():
        session.merge(SharingMemory(id=1, digest=digest, **columns))
    named = {digest, *(one for files in found["datasets"].values() for one in files.values())}
    for path in (data / FOLDER).iterdir():
        if path.name not in named:
            path.unlink()


def lift(registry: Registry, data: Path, rule_ids: Collection[str]) -> None:
    """Forget what was decided by rules that their owner takes back or loosens; the places of crowds stay."""
    memory = read(registry, data)
    states = memory.states.filter(~pl.col("rule_id").is_in(list(rule_ids)).fill_null(value=False))
    save(registry, data, replace(memory, states=states))


def waiting(session: Session, dataset: str) -> dict[str, int]:
    """Return how many sensitive records of a dataset wait as of the last release, by the number of places that there are."""
    found = session.get(SharingMemory, 1)
    return {} if found is None else found.waiting.get(dataset, {})


def _list(registry: Registry, data: Path) -> dict[str, Any]:
    """Return the list of what is kept: what it was `made_of`, digests of the parts of all `datasets`."""
    with registry.session(read_only=True) as session:
        digest = session.scalar(select(SharingMemory.digest))
    if digest == "" and not any((data / FOLDER).glob("*")):
        return {"made_of": None, "datasets": {}}
    found: dict[str, Any] = json.loads(_content(data, digest or "lost"))
    return found


def _packed(frame: pl.DataFrame) -> bytes:
    """Return a frame as Parquet, its rows in one order, so that the same ones give the same bytes."""
    file = io.BytesIO()
    frame.sort(pl.all(), nulls_last=True).write_parquet(file, compression="zstd")
    return file.getvalue()


def _write(data: Path, content: bytes) -> str:
    """Write a file, if it is not there; return its digest."""
    digest = _mark(data, content)
    path = data / FOLDER / digest
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return digest


def _content(data: Path, digest: str) -> bytes:
    """Return what a file holds."""
    if not _is_whole(data, digest):
        raise SharingError(_DAMAGED)
    return (data / FOLDER / digest).read_bytes()


def _is_whole(data: Path, digest: str) -> bool:
    """Return whether a file is there, as it was written."""
    path = data / FOLDER / digest
    return path.is_file() and hmac.compare_digest(_mark(data, path.read_bytes()), digest)


def _mark(data: Path, content: bytes) -> str:
    return hmac.new(secret(data), content, hashlib.sha256).hexdigest()
