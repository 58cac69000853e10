"""What changed: the report of a commit, and the comparison of staged rows with stored ones."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from biodata.core.errors import InputError, Refusal, StoreError
from biodata.store.duck import quote

NOT_COMPARED: Final = frozenset({"key", "source_file", "source_sheet", "source_row"})
"""Where a row stood in its file is no part of what it says: a re-ordered file changes nothing."""

_OBJECTS: Final = frozenset({"verbatim"})
"""Columns of JSON objects: a file whose columns stand in another order says the same."""

_COLUMNS_AT_ONCE: Final = 48
"""Columns compared in one join; bounds the memory that a row takes in it."""


@dataclass(frozen=True)
class CommitReport:
    """What a commit did.

    Attributes
    ----------
    snapshot : int
        The lake's version after it; the one before where nothing had changed.
    new, changed, unchanged, gone : int
        Records (rows of other tables) by what happened to them; one that came back counts as new.
    refusals : list of Refusal
        Rows that were not taken in: a second row of the same identity.
    """

    snapshot: int
    new: int
    changed: int
    unchanged: int
    gone: int
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many records were new, changed or gone."""
        return self.new + self.changed + self.gone


def find_changed(
    cursor: duckdb.DuckDBPyConnection, staged: str, stored: str, key: str, columns: Iterable[str], *, into: str
) -> None:
    """Make a table of the keys whose staged and stored rows differ in any column that is compared."""
    name = quote(key)
    cursor.execute(f"CREATE TEMP TABLE {into} AS SELECT {name} AS key FROM {stored} LIMIT 0")
    if not one(cursor, f"SELECT count(*) FROM {staged}")[0]:
        return  # as in a dataset's first file
    compared = [c for c in columns if c not in NOT_COMPARED and c != key]
    counted = one(cursor, f"SELECT {', '.join(f'count({quote(c)})' for c in compared)} FROM {staged}")
    told = [c for c, count in zip(compared, counted, strict=True) if count]
    silent = [c for c, count in zip(compared, counted, strict=True) if not count]
    # Most of 260 columns are empty in most files. Such a column differs where the stored one is not empty, which
    # needs no join that carries it: 1.5 s instead of 17 s for a million records.
    if silent:
        differs = " OR ".join(f"{quote(c)} IS NOT NULL" for c in silent)
        cursor.execute(
            f"INSERT INTO {into} SELECT {name} FROM {stored} WHERE ({differs}) AND {name} IN (SELECT {name} FROM {staged})"
        )
    for first in range(0, len(told), _COLUMNS_AT_ONCE):
        differs = " OR ".join(map(_differs, told[first : first + _COLUMNS_AT_ONCE]))
        cursor.execute(
            f"""
            INSERT INTO {into} SELECT a.{name} FROM {staged} a JOIN {stored} b USING ({name})
            WHERE ({differs}) AND a.{name} NOT IN (FROM {into})
            """
        )


def _differs(column: str) -> str:
    """Return the condition that a column of the rows `a` and `b` differs."""
    a, b = f"a.{quote(column)}", f"b.{quote(column)}"
    if column not in _OBJECTS:
        return f"{a} IS DISTINCT FROM {b}"
    members = [f"list_sort(map_entries(TRY_CAST(TRY_CAST({one} AS JSON) AS MAP(VARCHAR, VARCHAR))))" for one in (a, b)]
    return f"({a} IS DISTINCT FROM {b} AND ({members[0]} IS NULL OR {members[0]} IS DISTINCT FROM {members[1]}))"


def repeat(file: str, row: int | None, column: str, value: str) -> Refusal:
    """Return the refusal of a row whose identity an earlier row has."""
    return Refusal(file, row, column, value, "IDENTIFIER_DUPLICATE", "an earlier row has the same identifier")


def one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of an answer."""
    row = cursor.execute(query).fetchone()
    if row is None:  # an aggregate always answers with a row
        message = "the lake gave no answer"
        raise StoreError(message)
    return row


def in_two_parts(
    file: str | None, row: int | None, column: str, value: str, other: str | None, other_row: int | None
) -> InputError:
    """Return the error of an identifier that stands in two parts of a dataset, with both places."""
    place = f"the part {other}" if other is not None else "what was taken in without a part"
    problem = f"this identifier stands in {place} of the dataset already" + (f", row {other_row}" if other_row else "")
    expected = "an identifier of its own, or this row in one part only"
    return InputError(
        problem, file=file, row=row, column=column, value=value, expected=expected, code="IDENTIFIER_IN_TWO_PARTS"
    )
