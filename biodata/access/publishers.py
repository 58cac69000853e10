"""Who published a dataset, and under what terms: what a citation says of each."""

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select

from biodata.errors import InputError
from biodata.formats.eml import DatasetDescription, read_eml
from biodata.store.models import Dataset
from biodata.store.registry import Registry

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
"""Of the bytes that the document was read from; the registry keeps text."""


def datasets(registry: Registry, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return key, title, publisher, license, doi and citation of datasets, by key; what is not told is None."""
    found: dict[str, dict[str, Any]] = {}
    with registry.session(read_only=True) as session:
        for first in range(0, len(keys), 500):
            for row in session.scalars(select(Dataset).where(Dataset.key.in_(keys[first : first + 500]))):
                found[row.key] = {
                    "key": row.key,
                    "title": row.title,
                    "publisher": publisher(row.eml),
                    "license": row.license,
                    "doi": row.doi,
                    "citation": row.citation,
                }
    return found


def publisher(eml: str | None) -> str | None:
    """Return the first organisation that a dataset's EML names; None where it names none."""
    told = described(eml)
    return next(iter(told.organisations), None) if told is not None else None


def described(eml: str | None) -> DatasetDescription | None:
    """Return what a dataset's EML tells; None without one, or where it cannot be read."""
    if not eml:
        return None
    try:
        return read_eml(_DECLARATION.sub("", eml).encode("utf-8", "replace"), file="the dataset's EML")
    except InputError:  # taken in as it came; a document that cannot be read tells nothing
        return None
