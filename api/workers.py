"""The processes that answer: how much of a request's head they read, how long it may take to come, and when they end.

uvicorn with httptools limits neither a head's size nor the time that a request may take.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, Final
from weakref import WeakSet

import uvloop
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_TURN_S: Final = 0.0005
"""How long a thread keeps the interpreter while another waits for it. With Python's own 5 ms the thread that reads and
writes waits for each that makes an answer: 8 connections had 560 tiles a second, with this 930."""


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take turns more often until the block ends."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def end_with_server() -> None:
    """Stop this process, gracefully, when the process that started it is gone; nothing where it was started alone.

    Else, after a `kill -9` of the server, it would keep the port.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-server", daemon=True).start()


MOST_HEAD_BYTES: Final = 65_536
"""Of the request line and all headers; what h11 and most servers take."""

SILENCE_S: Final = 20.0
"""Seconds in which a whole head has to come, and the next piece of a body."""

MOST_UNFINISHED: Final = 1_000
"""Connections of a process whose request is not whole; fewer where it may open few files."""

_SHARE_OF_FILES: Final = 4
_SWEEP_S: Final = 1.0
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 34\r\n"
    b"connection: close\r\n\r\nThe request took too long to come."
)


class Unfinished:
    """The connections of a process whose request is not whole yet, the one that has been silent longest first.

    Whoever opens thousands and sends nothing would take every file that the process may open, and nobody else could
    connect. So each has `SILENCE_S`, and where there are more than `most` the first one goes: a reader's request is
    whole within milliseconds, and an upload that goes on is never the first.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The server's.
    most : int
        How many there may be.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop, self._most = loop, most
        self._since: OrderedDict[Protocol, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._since)

    def __contains__(self, connection: object) -> bool:
        """Tell whether a connection is one of them."""
        return connection in self._since

    def add(self, connection: "Protocol") -> None:
        """Count a connection's silence from now."""
        self._touch(connection)
        if len(self._since) > self._most:
            self._end_before(self._loop.time(), at_most=1)
        if self._timer is None:
            self._timer = self._loop.call_later(_SWEEP_S, self._sweep)

    def discard(self, connection: "Protocol") -> None:
        """Forget a connection whose request is whole, or that is closed."""
        self._since.pop(connection, None)

    def _touch(self, connection: "Protocol") -> None:
        """Put a connection behind all others."""
        self._since[connection] = self._loop.time()
        self._since.move_to_end(connection)

    def _sweep(self) -> None:
        """End those that have been silent too long, and look again later where others are left."""
        self._end_before(self._loop.time() - SILENCE_S)
        self._timer = self._loop.call_later(_SWEEP_S, self._sweep) if self._since else None

    def _end_before(self, moment: float, at_most: int | None = None) -> None:
        """End connections that have been silent since a moment; one that waits for us is not silent."""
        for connection, since in list(islice(self._since.items(), None if at_most is None else 100)):
            if since > moment or at_most == 0:
                return
            if connection.is_answered():
                self._touch(connection)
            else:
                self.discard(connection)
                connection.end()
                at_most = None if at_most is None else at_most - 1


class Protocol(HttpToolsProtocol):
    """Reads requests whose head is of a usual size and that come in time; others are answered 400 or 408, and closed."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **rest: Any) -> None:
        super().__init__(config, server_state, app_state, **rest)
        kept = vars(server_state)
        if "unfinished" not in kept:
            files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            kept["unfinished"] = Unfinished(self.loop, max(16, min(MOST_UNFINISHED, files // _SHARE_OF_FILES)))
        self._unfinished: Unfinished = kept["unfinished"]
        self._read = 0
        self._in_head, self._ended_one = True, False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._unfinished.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._unfinished.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._in_head:
            self._read += len(data)
        self._ended_one = False
        super().data_received(data)
        if self._in_head and self._read > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is larger than what is taken.")
        if self.transport.is_closing():
            self._unfinished.discard(self)
        elif not self._in_head or (not self._ended_one and self not in self._unfinished):
            # Each piece of a body begins the time anew; of a head the first alone, or a byte a second would hold it open.
            self._unfinished.add(self)

    def on_message_begin(self) -> None:
        """Count from here: what came before belongs to another request."""
        self._in_head, self._read = True, 0
        self._ended_one = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, and stop where one alone is too large."""
        if len(name) + len(value) > MOST_HEAD_BYTES:
            message = "a header is too large"
            raise ValueError(message)  # httptools makes of it what uvicorn answers with 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Count no more: what follows is the body, which the application counts."""
        self._in_head, self._read = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count from here again; nothing is owed until the next request begins."""
        super().on_message_complete()
        self._in_head, self._read = True, 0
        self._ended_one = True
        self._unfinished.discard(self)

    def is_answered(self) -> bool:
        """Tell whether it is our turn: nothing more is read for now, or the request before is still being answered."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return self.flow.read_paused or (self._in_head and answering)

    def end(self) -> None:
        """Close the connection; an answer that was begun before its request was whole is broken off."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_TOO_SLOW)
            self.transport.close()
        else:
            self.transport.abort()


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
