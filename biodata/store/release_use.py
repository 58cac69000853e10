"""Who uses a release's file: a shared lock keeps it from being removed, and dies with its holder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biodata.errors import NoReleaseError
from biodata.store import pointer
from biodata.store.locks import try_lock


@contextmanager
def in_use(data: Path, release_id: str) -> Iterator[Path]:
    """Keep a release's file for the length of a `with` block; what reads one for long (a download, a replay) does so.

    The agreement: whoever reads holds a shared lock (`flock`) on ``releases/release-<id>.use``; who removes an old
    release takes the same lock exclusively first, and leaves the file where it cannot. A process that is killed lets
    go of it. The API needs none of this: a file that is open stays readable after its removal.

    Parameters
    ----------
    data : Path
        The installation's folder.
    release_id : str
        The release.

    Yields
    ------
    Path
        Its file.

    Raises
    ------
    NoReleaseError
        If the file is gone already.
    """
    path = pointer.path(data, release_id)
    if not path.is_file():
        raise _gone(release_id)
    with _lock_file(path).open("ab") as handle:
        fcntl.flock(handle.fileno(), fcntl.LOCK_SH)
        # Its removal may have come between the look and the lock: then the lock is one that nobody looks at.
        if not path.is_file():
            raise _gone(release_id)
        yield path


def remove_unless_used(path: Path) -> bool:
    """Remove a release's file unless somebody uses it; False where somebody does."""
    lock = _lock_file(path)
    with lock.open("ab") as handle:
        if not try_lock(handle.fileno()):
            return False
        path.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    return True


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".use")


def _gone(release_id: str) -> NoReleaseError:
    message = f"release {release_id[:40]!r} is not kept any more; ask again of the current one"
    return NoReleaseError(message)
