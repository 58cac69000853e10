"""The hash of the sharing rules as their file tells them now, which a release may not have been made under yet."""

from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from biodata import sharing
from biodata.errors import InputError


def rules_today(path: Path | None) -> str | None:
    """Return the hash of the rules of a file, read anew where it changed; of the bundled ones without a file.

    The consents and labels beside the file count with it; one that ends today is gone tomorrow. None where this process
    may not read them: which event carries a label is for the owner of the lake, and no business of the service's user.
    """
    return _hash(path, tuple(_stamp(file) for file in sharing.rule_files(path)), datetime.now(tz=UTC).date())


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does; None where it is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _hash(path: Path | None, _stamps: tuple[tuple[int, int] | None, ...], _day: date) -> str | None:
    try:
        return sharing.RuleSet.read(path).hash
    except InputError as error:
        if isinstance(error.__cause__, PermissionError):
            return None
        raise
