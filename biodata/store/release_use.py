"""Who uses a release's file: a shared lock keeps it from being removed, and dies with its holder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from biodata.core.errors import NoReleaseError, StoreError
from biodata.store import checksums, pointer
from biodata.store.duck import base_of
from biodata.store.locks import sync_folder, try_lock


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


def remove_unless_used(data: Path, path: Path) -> bool:
    """Remove a release's file unless somebody uses it; False where somebody does."""
    lock = _lock_file(path)
    with lock.open("ab") as handle:
        if not try_lock(handle.fileno()):
            return False
        remove_release(data, path)
        lock.unlink(missing_ok=True)
    return True


def remove_release(data: Path, path: Path) -> None:
    """Remove a release's file, whoever uses it; one that others differ from stays as their base, and is no release any more."""
    if pointer.release_of(path) not in _needed_bases(data, without=path) or path.name.endswith(pointer.DELTA):
        checksums.remove(data, path)
        return
    base = path.with_name(path.name.replace("release-", "base-", 1))
    name, new = (str(one.relative_to(data)) for one in (path, base))
    known = checksums.read(data).get(name)
    if known is not None:
        checksums.write(data, {new: known})
    path.rename(base)
    sync_folder(path.parent)
    checksums.forget(data, [name])


def remove_unneeded_bases(data: Path) -> None:
    """Remove the whole files that no release differs from any more."""
    needed = _needed_bases(data)
    for path in pointer.folder(data).glob("base-*.duckdb"):
        if pointer.release_of(path) not in needed:
            checksums.remove(data, path)


def _needed_bases(data: Path, *, without: Path | None = None) -> set[str]:
    """Return the ids of the releases whose whole files others differ from."""
    found = set()
    for path in pointer.files(data):
        if path.name.endswith(pointer.DELTA) and path != without:
            with suppress(StoreError):
                found.add(base_of(path)[0])
    return found


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".use")


def _gone(release_id: str) -> NoReleaseError:
    message = f"release {release_id[:40]!r} is not kept any more; ask again of the current one"
    return NoReleaseError(message)
