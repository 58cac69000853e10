"""Several processes that share a socket take its connections in turn: the one with the fewest takes the next.

Otherwise whichever wakes first takes all that wait: of eight connections one process often had all (seen: 8 and 0 in
three of five runs), and the other processor had nothing to do.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

import uvloop

PAUSE_S: Final = 0.0002
"""How long a process waits before it takes a connection, for each that it has: one with fewer is there first."""

_LONGEST_PAUSES: Final = 10
_AT_ONCE_SHARE: Final = 8
"""One connection more is taken at once for each so many that a process has, so that a crowd does not wait."""

Factory = Callable[[], asyncio.BaseProtocol]


class Listener:
    """What `create_server` returns for a shared socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: socket.socket, make: Factory) -> None:
        self.sockets = (shared,)
        self._loop, self._socket, self._make = loop, shared, make
        self._open: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, backlog: int) -> None:
        """Listen."""
        self._socket.setblocking(False)
        self._socket.listen(backlog)
        self._loop.add_reader(self._socket, self._wait)

    def close(self) -> None:
        """Take no more connections."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)

    async def wait_closed(self) -> None:
        """Return when connections that were just taken have a protocol."""
        await asyncio.gather(*self._starting)

    def _count(self) -> int:
        """Return how many connections are open."""
        return len(self._starting) + sum(not transport.is_closing() for transport in self._open)

    def _wait(self) -> None:
        """Give way to processes with fewer connections."""
        count = self._count()
        if not count:
            self._take()
            return
        self._loop.remove_reader(self._socket)
        self._loop.call_later(PAUSE_S * min(count, _LONGEST_PAUSES), self._after_wait)

    def _after_wait(self) -> None:
        if self._closed:
            return
        self._take()
        self._loop.add_reader(self._socket, self._wait)

    def _take(self) -> None:
        """Take what still waits."""
        for _ in range(1 + self._count() // _AT_ONCE_SHARE):
            try:
                taken, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._begin(taken))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _begin(self, taken: socket.socket) -> None:
        try:
            transport, _protocol = await self._loop.connect_accepted_socket(self._make, taken)
        except OSError:  # it went away meanwhile
            taken.close()
            return
        self._open.add(transport)


class Loop(uvloop.Loop):
    """An event loop whose servers take the connections of a shared socket in turn."""

    async def create_server(self, protocol_factory: Factory, *rest: Any, **choices: Any) -> Any:
        """Return a server; see asyncio."""
        shared = choices.get("sock")
        if shared is None or choices.get("ssl") is not None or shared.family == socket.AF_UNIX:
            return await super().create_server(protocol_factory, *rest, **choices)
        listener = Listener(self, shared, protocol_factory)
        listener.start(choices.get("backlog", 100))
        return listener
