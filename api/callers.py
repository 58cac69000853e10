"""Who asks, by which address, and how often: a bucket for each client, in a file that all workers of the machine share."""

import fcntl
import hashlib
import logging
import mmap
import os
import re
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete
from starlette.datastructures import Headers
from starlette.types import Scope

from biodata.core.settings import Settings
from biodata.store import Closing, folders
from biodata.store.models import LoginBucket, now
from biodata.store.registry import Registry

HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:(?P<port>\d{1,5}))?")
"""How a Host header has to look."""

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_HOPS: Final = 20
_FORWARDING: Final = ("x-forwarded-for", "forwarded", "via", "x-real-ip")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes
    ----------
    key : str
        What one client is known by: its address, or the /64 network of an IPv6 address, which one client has whole.
    local : bool
        It is a program on this machine, and not a proxy that speaks for somebody else.
    trusted : bool
        The request came through a proxy whose word is taken.
    """

    key: str
    local: bool
    trusted: bool


def caller(scope: Scope, headers: Headers, settings: Settings) -> Caller:
    """Return who asks: whoever is connected, or whom a trusted proxy names as connected to it.

    Notes
    -----
    X-Forwarded-For is read from its end, where the nearest proxy wrote; what stands before the first address that is
    no trusted proxy was written by somebody unknown.
    """
    peer = _address((scope.get("client") or ("",))[0])
    trusted = peer is not None and _within(peer, settings)
    found = peer
    if trusted:
        hops = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed(hops[-_HOPS:]):
            address = _address(hop.strip())
            if address is None:
                break
            found = address
            if not _within(address, settings):
                break
    if found is None:  # a socket of this machine, or no network at all
        return Caller("local", local=True, trusted=False)
    forwarded = any(name in headers for name in _FORWARDING)
    local = found.is_loopback and not (forwarded and not trusted)
    return Caller(_key(found), local=local, trusted=trusted)


def origin(scope: Scope, headers: Headers, settings: Settings, *, trusted: bool) -> tuple[str, str]:
    """Return scheme and host that links begin with.

    Parameters
    ----------
    scope, headers : Scope, Headers
        The request, its Host being one that `HOST` matches.
    settings : Settings
        `public_url` decides where it is set.
    trusted : bool
        A trusted proxy tells the scheme that the client used.

    Notes
    -----
    Anybody can send any Host, and a shared cache could give the answer to others: only addresses and this machine's
    own names are taken from it. Of another name the address that the request came in at is told instead.
    """
    if settings.public_url is not None:
        address = urlsplit(settings.public_url)
        return address.scheme, address.netloc
    scheme = scope.get("scheme", "http")
    if trusted and headers.get("x-forwarded-proto") in _PORTS:
        scheme = headers["x-forwarded-proto"]
    host = headers.get("host", "")
    match = HOST.fullmatch(host)
    if match and _ours(match["name"].lower()):
        return scheme, host
    name, port = scope.get("server") or ("localhost", None)
    if port is None:
        return scheme, "localhost"
    bracketed = f"[{name}]" if ":" in name else name
    return scheme, bracketed if port == _PORTS.get(scheme) else f"{bracketed}:{port}"


def _ours(name: str) -> bool:
    """Tell whether a name is an address or one of this machine's names."""
    return name in _names() or name.endswith(".localhost") or _address(name.strip("[]")) is not None


@cache
def _names() -> frozenset[str]:
    """Return this machine's names."""
    return frozenset({"localhost", socket.gethostname().lower()})


@lru_cache(4096)
def _address(text: str) -> Address | None:
    """Read an address; None where it is none."""
    try:
        found = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _within(address: Address, settings: Settings) -> bool:
    """Tell whether an address is a trusted proxy's."""
    return any(address in network for network in settings.trusted_proxies)


def _key(address: Address) -> str:
    """Return what a client is known by."""
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{int(address) >> 64:x}/64"


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


class Rates(Closing):
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


class LoginRates:
    """How often somebody may try to log in: buckets in the registry, which all machines of an installation share.

    Parameters
    ----------
    registry : Registry
        Keeps when each bucket is full again.
    limit : int
        Tries of one address in a minute; all addresses together have `ACCOUNT_SHARE` times as many at one account.
    key : bytes
        Hashes the names of the buckets.
    """

    def __init__(self, registry: Registry, limit: int, *, key: bytes) -> None:
        self._registry, self._limit, self._key = registry, limit, key[:64]

    def take(self, client: str, account: str | None) -> Taken:
        """Take one try of a client's, and of the account's where one is named; what is refused by one costs the other none."""
        taken = self._take("client", client, self._limit)
        if account is None or not taken.allowed:
            return taken
        return self._take("account", account, self._limit * ACCOUNT_SHARE)

    def _take(self, kind: str, name: str, limit: int) -> Taken:
        """Take one try out of a bucket, if there is one."""
        hashed = hashlib.blake2b(f"{kind} {name}".encode(), key=self._key, digest_size=16).hexdigest()
        with self._registry.session() as session, session.begin():
            moment = now()
            bucket = session.get(LoginBucket, hashed)
            full_at = max(moment, bucket.full_at) if bucket is not None else moment
            after = full_at + timedelta(seconds=PERIOD_S / limit)
            ahead_s = (after - moment).total_seconds()
            if ahead_s > PERIOD_S + 1e-6:
                full_s = (full_at - moment).total_seconds()
                return Taken(allowed=False, remaining=0, wait_s=ahead_s - PERIOD_S, full_s=full_s)
            session.execute(delete(LoginBucket).where(LoginBucket.full_at < moment))
            session.merge(LoginBucket(id=hashed, full_at=after))
        remaining = int((PERIOD_S - ahead_s) * limit / PERIOD_S + 1e-6)
        return Taken(allowed=True, remaining=remaining, wait_s=0.0, full_s=ahead_s)


@contextmanager
def of_installation(settings: Settings) -> Iterator[Rates | None]:
    """Give the buckets of an installation until the block ends; None where it has no limit."""
    limit = DEFAULT_LIMIT if settings.rate_limit is None else settings.rate_limit
    if not limit:
        yield None
        return
    with Rates(limit, folders.service(settings.data) / "run" / "rates") as found:
        yield found


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
