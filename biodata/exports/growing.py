"""A file that grows by whole steps and, after a crash, goes on behind the last one that was kept."""

import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

KEEP_EVERY_S: Final = 5.0
"""Seconds between two steps that are kept: what a crash costs at most."""


class GrowingFile:
    """A file on its way, with what is known of its last kept step beside it; use it in a `with` block.

    Parameters
    ----------
    path : Path
        The file on its way.
    request : str
        What is being written: a file that was begun for something else is begun anew.
    every_s : float
        Seconds between two kept steps.

    Attributes
    ----------
    file : binary file
        Open for writing, at its end.
    state : dict or None
        What was kept with the last step; None at the beginning.
    """

    def __init__(self, path: Path, *, request: str, every_s: float = KEEP_EVERY_S) -> None:
        self._state_file = path.with_name(f"{path.name}.state")
        self._request, self._every_s, self._kept = request, every_s, time.monotonic()
        self.state: dict[str, Any] | None = None
        told = self._told(path)
        if told is None:
            self._state_file.unlink(missing_ok=True)
            self.file: BinaryIO = path.open("w+b")
            return
        self.state = told["state"]
        self.file = path.open("r+b")
        self.file.truncate(told["bytes"])
        self.file.seek(0, os.SEEK_END)

    def keep(self, state: dict[str, Any]) -> None:
        """Make what was written so far durable, if the last time is long enough ago."""
        if time.monotonic() - self._kept < self._every_s:
            return
        self._kept = time.monotonic()
        self.file.flush()
        os.fsync(self.file.fileno())
        told = {"request": self._request, "bytes": self.file.tell(), "state": state}
        unnamed = self._state_file.with_name(f"{self._state_file.name}.new")
        unnamed.write_text(json.dumps(told), encoding="utf-8")
        unnamed.replace(self._state_file)

    def finish(self) -> None:
        """Make the whole file durable; nothing is known of steps any more."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._state_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def _told(self, path: Path) -> dict[str, Any] | None:
        """Return what was kept of the last step, where the file is as long as it says."""
        try:
            told: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            whole = told["request"] == self._request and path.stat().st_size >= told["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return told if whole else None
