"""Which code made a release: a hash of the package's own files, since a version's number says nothing of a change."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

_ROOT: Final = Path(__file__).resolve().parents[1]
_LEFT_OUT: Final = frozenset({"cli", "__pycache__"})
"""What no release depends on."""


@cache
def code_hash() -> str:
    """Return a SHA-256 over the code and data of the package, and over what DuckDB and Polars are installed."""
    found = hashlib.sha256(f"duckdb {duckdb.__version__}, polars {pl.__version__}".encode())
    for path in sorted(_ROOT.rglob("*")):
        inside = path.relative_to(_ROOT)
        if path.is_file() and not _LEFT_OUT & set(inside.parts):
            found.update(f"\n{inside.as_posix()}\n".encode())
            found.update(path.read_bytes())
    return found.hexdigest()
