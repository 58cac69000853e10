"""Who asks, and by which address: what a request says of both is believed only where it can be."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from biodata.settings import Settings

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
            told = _address(hop.strip())
            if told is None:
                break
            found = told
            if not _within(told, settings):
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
        told = urlsplit(settings.public_url)
        return told.scheme, told.netloc
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
