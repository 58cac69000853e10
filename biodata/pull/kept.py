"""What is kept of a pull between runs, below `DATA/pulls`: where it stands, what was fetched, where each file came from."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.core.errors import StoreError
from biodata.ingest.http import Client, fetch
from biodata.store.locks import try_lock

PULLS: Final = "pulls"
_STATE: Final = "state.json"
_IDENTITIES: Final = "identities.parquet"
_PAGE_SECONDS: Final = 3 * 86_400.0
_SCHEMA: Final = pl.Schema({"datasetKey": pl.String, "record": pl.String})


@contextmanager
def only_pull(data: Path) -> Iterator[None]:
    """Hold what one pull of an installation holds at a time.

    Raises
    ------
    StoreError
        If another one is under way.
    """
    data.mkdir(parents=True, exist_ok=True)
    (data / PULLS).mkdir(mode=0o700, exist_ok=True)
    with (data / PULLS / "pull.lock").open("ab") as handle:
        if not try_lock(handle.fileno()):
            message = f"another pull into {data} is under way; one is made at a time"
            raise StoreError(message)
        yield


class Folder:
    """The folder of one scope of one source.

    Parameters
    ----------
    data : Path
        The installation's folder.
    source : str
    scope : mapping
        What is asked for, as plain values: the same scope has the same folder.
    """

    def __init__(self, data: Path, source: str, scope: Mapping[str, Any]) -> None:
        self.source, self.scope = source, dict(scope)
        digest = hashlib.sha256(json.dumps(self.scope, sort_keys=True).encode()).hexdigest()[:16]
        self.path = data / PULLS / f"{source}-{digest}"

    def load(self) -> dict[str, Any]:
        """Return the state; an empty one where there is none."""
        file = self.path / _STATE
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def save(self, **changes: Any) -> dict[str, Any]:
        """Change the state, which is whole or as before; None takes a value away."""
        state = {**self.load(), "source": self.source, "scope": self.scope, **changes}
        state = {name: value for name, value in state.items() if value is not None}
        self.path.mkdir(parents=True, exist_ok=True)
        new = self.path / f"{_STATE}.new"
        new.write_text(json.dumps(state, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(self.path / _STATE)
        return state

    def others(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield the folders and states of this source's other scopes."""
        for file in self.path.parent.glob(f"{self.source}-*/{_STATE}"):
            if file.parent != self.path:
                yield file.parent, json.loads(file.read_text(encoding="utf-8"))

    def note(self, name: str, url: str, **facts: Any) -> None:
        """Keep where a file of this folder, or one that a person has (an absolute path), came from, its checksum and licence."""
        file = self.path / name
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        stated = {"url": url, "fetched": datetime.now(UTC).isoformat(timespec="seconds"), "sha256": digest}
        self.save(files={**self.load().get("files", {}), name: {**stated, "bytes": file.stat().st_size, **facts}})

    def take(self, client: Client, url: str, name: str, *, progress: bool = False, **facts: Any) -> bool:
        """Fetch a small file, and say whether it is to be taken in: not where it was, and is as it was then."""
        known, file = self.load().get("files", {}).get(name, {}), self.path / name
        self.path.mkdir(parents=True, exist_ok=True)
        file.with_name(f"{name}.part").unlink(missing_ok=True)  # may belong to another version
        etag = fetch(client, url, file, etag=known.get("etag") if file.exists() else None, progress=progress)
        self.note(name, url, **facts, etag=etag)
        same = known.get("taken") == self.load()["files"][name]["sha256"]
        if same:
            self.note(name, url, **facts, etag=etag, taken=known["taken"])
        return not same

    @contextmanager
    def reading_once(self, name: str) -> Iterator[Path]:
        """Give a file that was fetched; one that cannot be taken in is removed, so that the next run fetches it again."""
        try:
            yield self.path / name
        except BaseException:
            (self.path / name).unlink(missing_ok=True)
            raise
        files = self.load()["files"]
        self.save(files={**files, name: {**files[name], "taken": files[name]["sha256"]}})

    def pages(
        self,
        ask: Callable[[int, dict[str, Any] | None], list[dict[str, Any]]],
        *,
        size: int = 0,
        pages: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of all pages, each kept as it comes; what a run before kept in the last days is not asked again.

        Parameters
        ----------
        ask : function
            Takes the page's number, from 1, and the last row of the page before; returns its rows.
        size : int
            Rows of a page that is not the last, where nobody knows how many pages there are.
        pages : int, optional
            How many there are.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        files = sorted(self.path.glob("page-*.json"))
        if any(time.time() - file.stat().st_mtime > _PAGE_SECONDS for file in files):
            self.forget_pages()
        last = None
        for number in count(1):
            file = self.path / f"page-{number:05}.json"
            if not file.exists():
                new = file.with_suffix(".new")
                new.write_text(json.dumps(ask(number, last), ensure_ascii=False), encoding="utf-8")
                new.replace(file)
            rows = json.loads(file.read_text(encoding="utf-8"))
            yield from rows
            if number == pages or (pages is None and len(rows) < size):
                return
            last = rows[-1] if rows else last

    def forget_pages(self) -> None:
        """Remove the pages, as when they are taken in."""
        for file in self.path.glob("page-*"):
            file.unlink()

    def follow(self, seen: Iterable[pl.DataFrame], *, full: bool) -> list[tuple[str, str]]:
        """Keep who was in a run, and return who was in earlier ones and is not in a full one; `commit` makes it hold."""
        now = pl.concat([pl.DataFrame(schema=_SCHEMA), *seen]).unique()
        kept = self.path / _IDENTITIES
        before = pl.read_parquet(kept) if kept.exists() else pl.DataFrame(schema=_SCHEMA)
        gone = before.join(now, on=list(_SCHEMA), how="anti").rows() if full else []
        (now if full else pl.concat([before, now]).unique()).write_parquet(self.path / f"{_IDENTITIES}.new")
        return gone

    def commit(self) -> None:
        """Make those who were in the run that was followed last the known ones."""
        (self.path / f"{_IDENTITIES}.new").replace(self.path / _IDENTITIES)


def identities(batch: pl.DataFrame) -> pl.DataFrame:
    """Return what identifies each record in the lake: its dataset, and its occurrenceID or else its gbifID."""
    entries = [
        pl.col(name).str.strip_chars().replace("", None) if name in batch.columns else pl.lit(None, dtype=pl.String)
        for name in ("datasetKey", "occurrenceID", "gbifID")
    ]
    return batch.select(datasetKey=entries[0], record=pl.coalesce(entries[1:])).drop_nulls()
