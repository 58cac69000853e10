"""The hash of the sharing rules as their file tells them now, which a release may not have been made under yet."""

from functools import lru_cache
from pathlib import Path

from biodata import sharing


def rules_today(path: Path | None) -> str:
    """Return the hash of the rules of a file, read anew where it changed; of the bundled ones without a file."""
    found = path.stat() if path is not None else None
    return _hash(path, None if found is None else (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4)
def _hash(path: Path | None, _stamp: tuple[int, int] | None) -> str:
    return sharing.RuleSet.read(path).hash
