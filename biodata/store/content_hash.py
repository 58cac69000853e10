"""The mark of what a release says, and the id that is made of it.

It is made with the installation's secret. A record that was open in one release may be hidden in the next; by the plain
hash of the first, and all that the second tells, its place could be found by trying.
"""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted.

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

import duckdb

from biodata.store.duck import quote, sql_type
from biodata.store.tables import RELEASE

SUM_BITS: Final = 128


def row_hash(table: str) -> str:
    """Return the SQL of the hash of a row of a release's table: of its published values, not of what is derived from them."""
    columns = RELEASE[table].columns.values()
    return f"hash({', '.join(f'CAST({quote(c.name)} AS {sql_type(c.dtype)})' for c in columns)})"


def row_sum(connection: duckdb.DuckDBPyConnection, table: str, source: str | None = None) -> int:
    """Return the sum of the hashes of a table's rows, or of those of another source of its columns."""
    query = f"SELECT coalesce(sum({row_hash(table)}), 0) FROM {source or quote(table)}"
    return int(connection.execute(query).fetchall()[0][0])


def content_hash(sums: Mapping[str, int], *, boundaries: str, secret: bytes) -> str:
    """Return an HMAC over the sums of the row hashes of a release's tables.

    A sum does not depend on the order of rows, and a change adds and takes away: a release that a hundred steps made has
    the hash of one that was made at once. What the release tells of its boundary set counts, too: a set of another name
    or band may have the same shapes.
    """
    digest = hmac.new(secret, f"biodata release 2\nboundaries\n{boundaries}\n".encode(), "sha256")
    for table in RELEASE:
        digest.update(f"{table} {sums[table] % 2**SUM_BITS}\n".encode())
    return digest.hexdigest()


def release_id(snapshot: int, rules_hash: str, content: str) -> str:
    """Return a release's id: r, the lake's version in six digits, and a hash of the rules and the mark of the published rows."""
    short = hashlib.sha256(f"{rules_hash}\n{content}".encode()).hexdigest()[:10]
    return f"r{snapshot:06d}-{short}"
