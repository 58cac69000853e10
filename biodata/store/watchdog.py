"""One thread that ends the questions whose time is over, however many are asked at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LOOKS: Final = 20
"""How often the thread looks in the time that one question may take: a question ends at most a 20th of it late."""


class Watchdog:
    """Interrupts what takes too long.

    Parameters
    ----------
    timeout_seconds : float
        What one question may take.

    Notes
    -----
    A `threading.Timer` a question costs as much as a short question itself. Here a question costs two operations on a
    dictionary; the thread starts with the first.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._running: dict[object, tuple[float, Callable[[], None]]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` if the block takes too long, at most once and never after its end."""
        mark = object()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            self._running[mark] = (time.monotonic() + self.timeout_seconds, interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(mark, None)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()

    def _watch(self) -> None:
        """Look at what runs, again and again."""
        while not self._stop.wait(self.timeout_seconds / _LOOKS):
            now = time.monotonic()
            with self._lock:
                late = [mark for mark, (deadline, _) in self._running.items() if deadline <= now]
                for mark in late:
                    # Under the lock: a question that has just ended cannot give its cursor to another meanwhile.
                    self._running.pop(mark)[1]()
