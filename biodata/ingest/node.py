"""The folder of a national node: every file of it as the signed manifest says, or nothing is taken."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.formats import node_keys

RECORDS: Final = "occurrences.parquet"
_OURS: Final = frozenset({node_keys.MANIFEST, node_keys.SIGNATURE})
_COLUMNS: Final = {c.name: c.dtype for c in terms.PUBLISHED_OCCURRENCE if c not in terms.ASSESSED}


def check_files(folder: Path, told: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the content of the files that a manifest lists.

    Parameters
    ----------
    folder : Path
        What came.
    told : mapping
        A manifest whose signature holds.

    Returns
    -------
    dict of str to bytes
        The content that was looked at: a file that is exchanged afterwards changes nothing.

    Raises
    ------
    InputError
        If a file is missing, changed or not listed; the message names it.
    """
    listed: Mapping[str, Any] = told["files"]
    there = {path.name: path for path in folder.iterdir()}
    for name in sorted(set(there) - set(listed) - _OURS):
        msg = "this file is not in the manifest"
        raise _tampered(msg, folder / name, "only the files that the node signed")
    found = {}
    for name, facts in sorted(listed.items()):
        path = there.get(name)
        if path is None or path.is_symlink() or not path.is_file():
            msg = "this file of the manifest is missing"
            raise _tampered(msg, folder / name, "the folder as the node exported it")
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if len(content) != facts["bytes"] or sha256 != facts["sha256"]:
            problem = "this file is not the one that the node signed"
            expected = f"{facts['bytes']} bytes with SHA-256 {facts['sha256']}, it has {len(content)} and {sha256}"
            raise _tampered(problem, path, expected)
        found[name] = content
    if RECORDS not in found:
        msg = "this file is not in the manifest"
        raise _tampered(msg, folder / RECORDS, "an export of `biodata node export`")
    return found


def read_records(content: bytes, *, file: str) -> pl.DataFrame:
    """Return the records of a node's file as `terms.PUBLISHED_OCCURRENCE` without what a release adds.

    Raises
    ------
    InputError
        If it is no Parquet file, has a column that may not leave a node, or lacks the record's number.
    """
    try:
        frame = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, OSError):
        problem = "this is no Parquet file"
        raise InputError(problem, file=file, code="FILE_INVALID") from None
    for name in frame.columns:
        if name not in _COLUMNS:
            problem = "this column is none that is published"
            raise InputError(problem, file=file, column=name, code="COLUMN_UNKNOWN")
        if frame.schema[name] != _COLUMNS[name]:
            problem = f"this column is of type {frame.schema[name]}"
            expected = f"{_COLUMNS[name]}"
            raise InputError(problem, file=file, column=name, expected=expected, code="COLUMN_INVALID")
    for name in ("key", "datasetKey", "sharing_category"):
        if name not in frame.columns or frame[name].null_count():
            problem = "a record has none"
            raise InputError(problem, file=file, column=name, code="COLUMN_MISSING")
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in _COLUMNS.items()
    )


def _tampered(problem: str, path: Path, expected: str) -> InputError:
    return InputError(problem, file=str(path), expected=expected, code="MANIFEST_TAMPERED")
