"""How often one client may ask: a bucket for each, in a file that all workers of the machine share."""

import fcntl
import hashlib
import logging
import mmap
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from biodata.settings import Settings
from biodata.store import folders
from biodata.store.cluster import libpq_address
from biodata.store.secret import token_secret

logger = logging.getLogger(__name__)

PERIOD_S: Final = 60.0
DEFAULT_LIMIT: Final = 6_000
"""Requests a minute where nothing else was set: pages of 300 records at 100 a second."""

ACCOUNT_SHARE: Final = 3
"""Tries at one account in a minute, for each that a client has: many addresses guess no faster than this, and one alone
cannot keep its owner out."""

_MAGIC: Final = b"biodata rates 1\0"
_HEAD: Final = 64
_SLOT: Final = struct.Struct("<Qd")
_WAYS: Final = 8
_SETS: Final = 8_192
_SIZE: Final = _HEAD + _SETS * _WAYS * _SLOT.size


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking for one request.

    Attributes
    ----------
    allowed : bool
        It may be answered.
    remaining : int
        How many more may be sent at once.
    wait_s : float
        After how many seconds the next one is allowed, at least 0.
    full_s : float
        After how many seconds without a request the whole limit is there again.
    """

    allowed: bool
    remaining: int
    wait_s: float
    full_s: float


class Buckets(Protocol):
    """What requests are taken out of: `Rates`, or the `shared_rates.SharedRates` of several machines."""

    def take(self, client: str) -> Taken:
        """Take one request out of a client's bucket, if there is one."""


class Rates:
    """The buckets of all clients, each of `limit` requests that fill up again in a minute.

    Parameters
    ----------
    limit : int
        Requests a minute, all at once or spread.
    path : Path, optional
        The file that is shared between processes; each process counts by itself where none is given or it cannot be
        written.
    clock : callable
        Seconds, the same for all processes of the machine.

    Notes
    -----
    The generic cell rate algorithm: of a client only the moment is kept at which its bucket is full again. A client is
    a keyed hash of its address, the key being made with the file, so that the file tells no addresses. A set of eight
    places holds the clients of one hash; the one whose bucket is full first goes when it overflows.
    """

    def __init__(self, limit: int, path: Path | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._interval, self._clock = limit, PERIOD_S / limit, clock
        self._thread_lock = threading.Lock()
        self._descriptor = _shared(path) if path is not None else None
        self._memory = mmap.mmap(self._descriptor if self._descriptor is not None else -1, _SIZE)
        with self._locked(0, _HEAD):
            if self._memory[: len(_MAGIC)] != _MAGIC:
                self._memory[:_HEAD] = (_MAGIC + secrets.token_bytes(32)).ljust(_HEAD, b"\0")
            self._key = self._memory[len(_MAGIC) : len(_MAGIC) + 32]

    @property
    def limit(self) -> int:
        """Requests a minute."""
        return self._limit

    def take(self, client: str) -> Taken:
        """Take one request out of a client's bucket, if there is one."""
        mark = int.from_bytes(hashlib.blake2b(client.encode(), key=self._key, digest_size=8).digest(), "little") or 1
        start = _HEAD + (mark % _SETS) * _WAYS * _SLOT.size
        with self._locked(start, _WAYS * _SLOT.size):
            now = self._clock()
            place, full_at = self._find(start, mark, now)
            after = max(full_at, now) + self._interval
            ahead = after - now
            if ahead > PERIOD_S + 1e-9:
                return Taken(allowed=False, remaining=0, wait_s=ahead - PERIOD_S, full_s=full_at - now)
            _SLOT.pack_into(self._memory, place, mark, after)
        remaining = int((PERIOD_S - ahead) / self._interval + 1e-6)
        return Taken(allowed=True, remaining=remaining, wait_s=0.0, full_s=ahead)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
        if self._descriptor is not None:
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, start: int, mark: int, now: float) -> tuple[int, float]:
        """Return the place of a client and when its bucket is full; a place to use where it has none."""
        oldest, oldest_at = start, float("inf")
        for place in range(start, start + _WAYS * _SLOT.size, _SLOT.size):
            found, full_at = _SLOT.unpack_from(self._memory, place)
            if found == mark:
                # The file can be older than the machine's last start, where its clock began anew.
                return place, full_at if full_at <= now + PERIOD_S else now
            if full_at < oldest_at:
                oldest, oldest_at = place, full_at
        return oldest, now

    @contextmanager
    def _locked(self, start: int, length: int) -> Iterator[None]:
        """Keep other threads, and other processes, away from a part of the file."""
        with self._thread_lock:
            if self._descriptor is None:
                yield
                return
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, length, start)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, length, start)


@dataclass(frozen=True, slots=True)
class LoginRates:
    """How often somebody may try to log in.

    Attributes
    ----------
    by_client, by_account : Buckets
        Of one address to any account, and of all addresses together to one account.
    """

    by_client: Buckets
    by_account: Buckets

    def take(self, client: str, account: str | None) -> Taken:
        """Take one try of a client's, and of the account's where one is named; what is refused by one costs the other none."""
        taken = self.by_client.take(client)
        return taken if account is None or not taken.allowed else self.by_account.take(account)


@contextmanager
def of_installation(settings: Settings) -> Iterator[Rates | None]:
    """Give the buckets of an installation until the block ends; None where it has no limit."""
    limit = DEFAULT_LIMIT if settings.rate_limit is None else settings.rate_limit
    if not limit:
        yield None
        return
    with Rates(limit, folders.service(settings.data) / "run" / "rates") as found:
        yield found


@contextmanager
def of_logins(settings: Settings) -> Iterator[LoginRates | None]:
    """Open the buckets of an installation's logins; None where logins are not limited.

    Machines that share a registry count them together: what guesses a password could else ask each of them.
    """
    if settings.login_limit == 0:
        yield None
        return
    shared = libpq_address(settings.registry_url or "")
    if shared is not None:
        from api.shared_rates import SharedRates

        key = token_secret(settings.data)
        with (
            SharedRates(settings.login_limit, shared, name="client", key=key) as by_client,
            SharedRates(settings.login_limit * ACCOUNT_SHARE, shared, name="account", key=key) as by_account,
        ):
            yield LoginRates(by_client, by_account)
        return
    run = folders.service(settings.data) / "run"
    with (
        Rates(settings.login_limit, run / "login-rates") as by_client,
        Rates(settings.login_limit * ACCOUNT_SHARE, run / "account-rates") as by_account,
    ):
        yield LoginRates(by_client, by_account)


def _shared(path: Path) -> int | None:
    """Return the open file; None where it cannot be had."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        logger.warning("rate limits are counted by each worker alone: %s", error.strerror)
        return None
    return descriptor
