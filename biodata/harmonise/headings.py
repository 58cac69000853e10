"""Verbatim tables whose headings differ from file to file: the same thing found under whichever name it stands."""

import unicodedata
from collections.abc import Collection

import polars as pl

# Verbatim tables whose headings differ from file to file: the same thing found under whichever name it stands.

OWN_COLUMNS = frozenset({"source_file", "source_row", "geometry"})
"""Columns that the reader added; an attribute of such a name came with `_` behind it."""


class Headings:
    """A verbatim table asked for columns by lower-case names."""

    def __init__(self, batch: pl.DataFrame) -> None:
        self.batch = batch
        self.columns = {name.lower(): name for name in batch.columns if name not in OWN_COLUMNS}

    def has(self, *names: str) -> bool:
        """Tell whether the table has all of these columns."""
        return all(name in self.columns for name in names)

    def values(self, *candidates: str, nothing: Collection[str] = ()) -> list[str | None]:
        """Return the values of the first candidate that the table has; None for blanks and for words for nothing."""
        column = next((self.columns[name] for name in candidates if name in self.columns), None)
        if column is None:
            return [None] * self.batch.height
        values = (clean(value) for value in self.batch[column].to_list())
        return [None if value in nothing else value for value in values]


def clean(value: str | None) -> str | None:
    """Return the value in Unicode's composed form without blanks around it; None for nothing."""
    return (unicodedata.normalize("NFC", value).strip() or None) if value is not None else None
