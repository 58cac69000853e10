"""A worker that another process started ends with it: else, after a `kill -9` of the server, it would keep the port."""

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection


def end_with_server() -> None:
    """Stop this process, gracefully, when the process that started it is gone; nothing where it was started alone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-server", daemon=True).start()
