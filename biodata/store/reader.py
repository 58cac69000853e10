"""The handle by which an API worker finds releases: a cheap look at the pointer, the last two open."""

import logging
import threading
from pathlib import Path
from typing import Final

from biodata.core.errors import NoReleaseError, StoreError
from biodata.store import Closing, pointer
from biodata.store.open_release import Cursor, OpenRelease, Page

logger = logging.getLogger(__name__)

__all__ = ["Cursor", "OpenRelease", "Page", "ReleaseReader"]

TIMEOUT_SECONDS: Final = 10.0
"""How long one question may take."""


class ReleaseReader(Closing):
    """An API worker's way to the releases of an installation.

    Attributes
    ----------
    data : Path
        The installation's folder.
    """

    def __init__(self, data: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.data = data
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._open: dict[str, OpenRelease] = {}
        self._seen: tuple[int, ...] | None = None
        self._merged: set[str] = set()
        self._pointer: pointer.Pointer | None = None

    def current(self) -> OpenRelease:
        """Return the release that the pointer names now; a look at the pointer's file is all that it costs.

        Raises
        ------
        NoReleaseError
            If no release was made yet.
        """
        with self._lock:
            self._look()
            return self._get(self._named().current.id)

    def get(self, release_id: str) -> OpenRelease:
        """Return the current release, or the one before it if it was made under the same sharing rules, by id.

        Raises
        ------
        NoReleaseError
            If it is neither. What today's rules withhold must not be had from the release before.
        """
        with self._lock:
            self._look()
            named = self._named()
            if release_id not in (named.current.id, named.previous):
                message = f"release {release_id[:40]!r} is not open any more; ask again without it"
                raise NoReleaseError(message)
            found = self._get(release_id)
            if found.info["rules_hash"] != self._get(named.current.id).info["rules_hash"]:
                message = f"release {release_id[:40]!r} was made under other sharing rules; ask again without it"
                raise NoReleaseError(message)
            return found

    def ready(self) -> bool:
        """Return whether questions can be answered: asks a row and a tile, which also warms the connection up."""
        try:
            release = self.current()
            release.page("occurrences", None, ["key"], limit=1)
            release.tile("occurrences", 0, 0, 0, None)
        except (StoreError, NoReleaseError):
            return False
        return True

    def close(self) -> None:
        """Close every release."""
        with self._lock:
            for release in self._open.values():
                release.close()
            self._open.clear()
            self._seen = None

    def _look(self) -> None:
        """Read the pointer again if its file is another one."""
        seen = pointer.stamp(self.data)
        if seen != self._seen:
            self._pointer = pointer.read(self.data)
            self._seen = seen
            # The pointer is written again, too, when a release got another file.
            self._merged = {id_ for id_, open_ in self._open.items() if open_.path != pointer.path(self.data, id_)}

    def _named(self) -> pointer.Pointer:
        if self._pointer is None:
            message = "there is no release yet; run `biodata release`"
            raise NoReleaseError(message)
        return self._pointer

    def _get(self, release_id: str) -> OpenRelease:
        """Return an open release, opening it first where needed; let go of those that are neither of the last two."""
        if release_id not in self._open or release_id in self._merged:
            path = pointer.path(self.data, release_id)
            if not path.is_file():
                message = f"the file of release {release_id} is missing"
                raise NoReleaseError(message)
            self._open[release_id] = OpenRelease(path, timeout_seconds=self._timeout_seconds)
            self._merged.discard(release_id)
            logger.info("release %s is open", release_id)
        named = self._named()
        for other in set(self._open) - {named.current.id, named.previous}:
            del self._open[other]  # it closes when the last request that holds it has ended
        return self._open[release_id]
