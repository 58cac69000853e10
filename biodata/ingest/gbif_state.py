"""What is kept of a scope of GBIF downloads between runs: the request on its way, the last that was committed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import polars as pl

_FILE: Final = "state.json"
_IDENTITIES: Final = "identities.parquet"
_NEW_IDENTITIES: Final = "identities.parquet.new"
_SCHEMA: Final = pl.Schema({"datasetKey": pl.String, "record": pl.String})


@dataclass(frozen=True)
class State:
    """Where the downloads of a scope stand.

    Attributes
    ----------
    key : str or None
        Of the request that is on its way.
    full : bool
        That request is for everything.
    doi, created : str or None
        Of the last run that was committed.
    last_full : str or None
        When the last full run that was committed was made.
    """

    key: str | None = None
    full: bool = True
    doi: str | None = None
    created: str | None = None
    last_full: str | None = None


class StateFolder:
    """The folder of one scope.

    Parameters
    ----------
    path : Path
        Is made when something is saved.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def zip_of(self, state: State) -> Path:
        """Return where the file of the request is fetched to."""
        return self.path / f"{state.key}.zip"

    def forget_files(self) -> None:
        """Take away what was fetched for earlier requests."""
        for file in self.path.glob("*.zip*"):
            file.unlink()

    def load(self) -> State:
        """Return the state; that of a first run where there is none."""
        file = self.path / _FILE
        if not file.exists():
            return State()
        told = json.loads(file.read_text(encoding="utf-8"))
        return State(**{f.name: told[f.name] for f in fields(State)})

    def save(self, state: State, scope: dict[str, list[str]]) -> None:
        """Write the state under another name first, so that it is whole or as before; `scope` is for human eyes."""
        self.path.mkdir(parents=True, exist_ok=True)
        new = self.path / f"{_FILE}.new"
        new.write_text(json.dumps({**asdict(state), "scope": scope}, indent=1), encoding="utf-8")
        new.replace(self.path / _FILE)

    def follow(self, seen: Iterable[pl.DataFrame], *, full: bool) -> list[tuple[str, str]]:
        """Keep who was in a run, and return who was in earlier ones and is not in a full one."""
        now = pl.concat([pl.DataFrame(schema=_SCHEMA), *seen]).unique()
        kept = self.path / _IDENTITIES
        before = pl.read_parquet(kept) if kept.exists() else pl.DataFrame(schema=_SCHEMA)
        gone = before.join(now, on=list(_SCHEMA), how="anti").rows() if full else []
        (now if full else pl.concat([before, now]).unique()).write_parquet(self.path / _NEW_IDENTITIES)
        return gone

    def commit(self) -> None:
        """Make those who were in the last run the known ones.

        Raises
        ------
        RuntimeError
            If no run was followed to its end.
        """
        new = self.path / _NEW_IDENTITIES
        if not new.exists():
            message = "a run was committed before its batches were read"
            raise RuntimeError(message)
        new.replace(self.path / _IDENTITIES)


def identities(batch: pl.DataFrame) -> pl.DataFrame:
    """Return what identifies each record in the lake: its dataset, and its occurrenceID or else its gbifID."""
    told = [
        pl.col(name).str.strip_chars().replace("", None) if name in batch.columns else pl.lit(None, dtype=pl.String)
        for name in ("datasetKey", "occurrenceID", "gbifID")
    ]
    return batch.select(datasetKey=told[0], record=pl.coalesce(told[1:])).drop_nulls()
