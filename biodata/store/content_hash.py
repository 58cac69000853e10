"""The mark of what a release says, and the id that is made of it.

It is made with the installation's secret. A record that was open in one release may be hidden in the next; by the plain
hash of the first, and all that the second tells, its place could be found by trying.
"""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted.

import hashlib
import hmac

import duckdb

from biodata.store.duck import quote
from biodata.store.tables import RELEASE


def content_hash(connection: duckdb.DuckDBPyConnection, *, boundaries: str, secret: bytes) -> str:
    """Return an HMAC over DuckDB's 64-bit hashes of every row of a release, sorted; made of published values only.

    Sorted, since the records of a file that was added to stand in another order than those of one made at once. What the
    release tells of its boundary set counts, too: a set of another name or band may have the same shapes.
    """
    digest = hmac.new(secret, f"biodata release 1\nboundaries\n{boundaries}\n".encode(), "sha256")
    for table in RELEASE:
        digest.update(f"\n{table}\n".encode())
        connection.execute(f"SELECT hash(t) AS h FROM {quote(table)} t ORDER BY h")
        for batch in connection.to_arrow_reader(100_000):
            digest.update(batch.column(0).to_numpy().tobytes())
    return digest.hexdigest()


def release_id(snapshot: int, rules_hash: str, content: str) -> str:
    """Return a release's id: r, the lake's version in six digits, and a hash of the rules and the mark of the published rows."""
    short = hashlib.sha256(f"{rules_hash}\n{content}".encode()).hexdigest()[:10]
    return f"r{snapshot:06d}-{short}"
