"""Calls to the process with the exact records, over its local socket.

A message is four bytes that tell its length, most significant first, and JSON. Beside a call may come the descriptor of
an open file: so records pass from one system user to another without a file that both can read.
"""

import json
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from biodata.errors import BiodataError, StoreError

MOST_BYTES: Final = 2_000_000
"""Of a call."""
TIMEOUT_S: Final = 20.0
_TAKING_S: Final = 600.0


class RefusedError(BiodataError):
    """A call that the exact process does not answer."""

    code = "GRANT_REFUSED"


def ask(path: Path, call: Mapping[str, Any], *, file: int | None = None) -> dict[str, Any]:
    """Put a call to the exact process.

    Parameters
    ----------
    path : Path
        Its socket.
    call : mapping
        As `exact_process` describes it.
    file : int, optional
        Descriptor of a file that comes with it.

    Raises
    ------
    StoreError
        If nobody answers.
    RefusedError
        If it refuses; the text says why.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S if file is None else _TAKING_S)
            connection.connect(str(path))
            send(connection, call, file=file)
            answer, _ = receive(connection, 1 << 30)
    except (OSError, ValueError) as error:
        message = f"the exact process does not answer at {path}; start it with `biodata exact serve`"
        raise StoreError(message) from error
    if "refused" in answer:
        raise RefusedError(answer["refused"])
    found: dict[str, Any] = answer
    return found


def signed(path: Path, grant: str, signature: str) -> bool:
    """Tell whether the exact process takes a signature as that of a grant's country.

    Parameters
    ----------
    path : Path
        Its socket.
    grant, signature : str
        The grant's text, and the signature in base64.

    Raises
    ------
    StoreError
        If nobody answers.
    """
    return bool(ask(path, {"check": {"grant": grant, "signature": signature}})["signed"])


def send(connection: socket.socket, told: Mapping[str, Any], *, file: int | None = None) -> None:
    """Send a message."""
    data = json.dumps(told).encode()
    head = struct.pack(">I", len(data))
    if file is None:
        connection.sendall(head)
    else:
        socket.send_fds(connection, [head], [file])
    connection.sendall(data)


def receive(connection: socket.socket, most: int) -> tuple[Any, int | None]:
    """Read a message, and the descriptor that came with it, which the caller closes.

    Raises
    ------
    ValueError
        If it is too long, ends early or is no JSON.
    """
    head, files, _, _ = socket.recv_fds(connection, 4, 1)
    file = files[0] if files else None
    try:
        for other in files[1:]:
            os.close(other)
        length = struct.unpack(">I", head + _exactly(connection, 4 - len(head)))[0]
        return json.loads(_exactly(connection, _checked(length, most))), file
    except BaseException:
        if file is not None:
            os.close(file)
        raise


def _checked(length: int, most: int) -> int:
    if length > most:
        message = "the message is too long"
        raise ValueError(message)
    return length


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 16))
        if not part:
            message = "the message ended early"
            raise ValueError(message)
        parts += part
    return bytes(parts)
