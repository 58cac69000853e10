"""How often somebody may try to log in, counted together by all machines that serve: buckets in the registry's database."""

import hashlib
import itertools
import threading
from contextlib import ExitStack
from typing import Any, Final, Self

from api.callers import PERIOD_S, Taken
from biodata.errors import StoreError
from biodata.store.cluster import connected

_TABLE: Final = """
    CREATE SCHEMA IF NOT EXISTS biodata_rates;
    CREATE UNLOGGED TABLE IF NOT EXISTS biodata_rates.bucket (
        name text, client bytea, full_at timestamptz NOT NULL, PRIMARY KEY (name, client)
    )
"""
_TAKE: Final = """
    INSERT INTO biodata_rates.bucket AS b (name, client, full_at)
    VALUES (%(name)s, %(client)s, now() + %(interval)s * interval '1 s')
    ON CONFLICT (name, client) DO UPDATE SET full_at = greatest(b.full_at, now()) + %(interval)s * interval '1 s'
    WHERE greatest(b.full_at, now()) + %(interval)s * interval '1 s' <= now() + %(period)s * interval '1 s'
    RETURNING extract(epoch FROM full_at - now())::float8
"""
_ASK: Final = """
    SELECT extract(epoch FROM full_at - now())::float8 FROM biodata_rates.bucket WHERE name = %(name)s AND client = %(client)s
"""
_SWEEP: Final = "DELETE FROM biodata_rates.bucket WHERE full_at < now()"
_SWEPT_EVERY: Final = 256
"""Buckets that are full again are removed once in so many tries."""


class SharedRates:
    """The buckets of all clients in a PostgreSQL database: what `rates.Rates` is for one machine.

    Parameters
    ----------
    limit : int
        Tries a minute, all at once or spread.
    address : str
        Of the database, as libpq reads it.
    name : str
        Which buckets.
    key : bytes
        What a client's address is hashed with, the same on all machines.

    Notes
    -----
    The generic cell rate algorithm in one statement, by the database's clock. The table is not logged: after a crash of
    the server all buckets are full.
    """

    def __init__(self, limit: int, address: str, *, name: str, key: bytes) -> None:
        self.limit = limit
        self._address, self._name, self._key = address, name, key
        self._lock, self._tries = threading.Lock(), itertools.count()
        self._held = ExitStack()
        self._connection: Any = None

    def take(self, client: str) -> Taken:
        """Take one try out of a client's bucket, if there is one.

        Raises
        ------
        StoreError
            If the database does not answer.
        """
        hashed = hashlib.blake2b(client.encode(), key=self._key[:64], digest_size=16).digest()
        values = {"name": self._name, "client": hashed, "interval": PERIOD_S / self.limit, "period": PERIOD_S}
        with self._lock:
            found = self._asked(_TAKE, values)
            if found is None:
                full_s = max(0.0, self._asked(_ASK, values) or 0.0)
                wait_s = max(0.0, full_s + PERIOD_S / self.limit - PERIOD_S)
                return Taken(allowed=False, remaining=0, wait_s=wait_s, full_s=full_s)
            if next(self._tries) % _SWEPT_EVERY == 0:
                self._connection.execute(_SWEEP)
        remaining = int((PERIOD_S - found) * self.limit / PERIOD_S + 1e-6)
        return Taken(allowed=True, remaining=remaining, wait_s=0.0, full_s=found)

    def _asked(self, statement: str, values: dict[str, object]) -> float | None:
        """Return the number that a statement answers with; a connection that was lost is made again once."""
        import psycopg

        for again in (True, False):
            try:
                if self._connection is None:
                    self._connection = self._held.enter_context(connected(self._address))
                    self._connection.execute(_TABLE)
                row = self._connection.execute(statement, values).fetchone()
            except psycopg.Error as error:
                self.close()
                if not again:
                    message = f"the registry could not do it: {str(error).splitlines()[0]}"
                    raise StoreError(message) from error
            else:
                return None if row is None else float(row[0])
        return None

    def close(self) -> None:
        """Let go of the connection."""
        self._connection = None
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
