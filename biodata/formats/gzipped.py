"""Tables packed with gzip (`observations.csv.gz`): unpacked as they are read, every byte counted, none of them written."""

import gzip
import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, cast

from biodata.errors import InputError

_RATIO: Final = 100
_RATIO_FROM_BYTES: Final = 10_000_000
"""How many times larger than its packed bytes a table may be, and from which size on; text reaches 20."""
_MAGIC: Final = b"\x1f\x8b"


def unpacked(open_stream: Callable[[], BinaryIO], *, file: str) -> Callable[[], BinaryIO]:
    """Return what opens a gzip file's content; a file that is none is opened as it is.

    Parameters
    ----------
    open_stream : callable
        Opens the packed bytes anew.
    file : str
        Named in errors.

    Returns
    -------
    callable
        Opens the content. Reading it raises InputError where it is broken (ARCHIVE_BROKEN), or unpacks to far more than
        text does (INPUT_TOO_LARGE).
    """

    def opener() -> BinaryIO:
        stream = open_stream()
        is_packed = stream.read(2) == _MAGIC
        stream.close()
        again = open_stream()
        return cast("BinaryIO", io.BufferedReader(_Unpacked(again, file))) if is_packed else again

    return opener


class _Unpacked(io.RawIOBase):
    """The content of a gzip file."""

    def __init__(self, packed: BinaryIO, file: str) -> None:
        self.packed, self.file, self.count = packed, file, 0
        self.content = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        try:
            read = self.content.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            problem = "the gzip file is broken"
            raise InputError(problem, file=self.file, code="ARCHIVE_BROKEN") from error
        self.count += len(read)
        if self.count > _RATIO_FROM_BYTES and self.count > _RATIO * self.packed.tell():
            problem = f"the file unpacks to more than {self.count:,} bytes"
            expected = f"at most {_RATIO} times its packed size"
            raise InputError(problem, file=self.file, expected=expected, code="INPUT_TOO_LARGE")
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self.content.close()
        self.packed.close()
        super().close()
