"""How much of a request's head is read: uvicorn with httptools has no limit, and a header of gigabytes would be kept."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES: Final = 65_536
"""Of the request line and all headers; what h11 and most servers take."""


class Protocol(HttpToolsProtocol):
    """Reads requests whose head is of a usual size; of another it answers 400 and ends the connection."""

    _read = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._in_head:
            self._read += len(data)
        super().data_received(data)
        if self._in_head and self._read > MOST_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is larger than what is taken.")

    def on_message_begin(self) -> None:
        """Count from here: what came before belongs to another request."""
        self._in_head, self._read = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, and stop where one alone is too large."""
        if len(name) + len(value) > MOST_BYTES:
            message = "a header is too large"
            raise ValueError(message)  # httptools makes of it what uvicorn answers with 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Count no more: what follows is the body, which the application counts."""
        self._in_head, self._read = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count from here again."""
        super().on_message_complete()
        self._in_head, self._read = True, 0
