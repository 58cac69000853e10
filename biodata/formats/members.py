"""One member of a zip as a stream whose every byte is counted and checked."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from biodata.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HEADER_BYTES: Final = 30
_BLOCK_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Entry:
    """What a zip's list says of a member.

    Attributes
    ----------
    file, name : str
        The archive, and the member in it, `/` between folders.
    size, packed_bytes, crc : int
        As the list tells them.
    deflated : bool
        False where the bytes are stored as they are.
    offset : int
        Where the member's own header stands.
    backslash : bool
        True where the name had backslashes between its folders.
    """

    file: str
    name: str
    size: int
    packed_bytes: int
    crc: int
    deflated: bool
    offset: int
    backslash: bool = False

    @classmethod
    def of(cls, info: zipfile.ZipInfo, file: str, *, name: str) -> "Entry":
        """Return what the list says of the member that is called `name`."""
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        return cls(
            file,
            name,
            info.file_size,
            info.compress_size,
            info.CRC,
            deflated,
            info.header_offset,
            name != info.filename,
        )

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")

    @property
    def least_bytes(self) -> int:
        """What it takes at least in the archive: its header and its data; names and extras come on top."""
        return _HEADER_BYTES + self.packed_bytes


def open_member(path: Path, entry: Entry) -> BinaryIO:
    """Open a member for reading.

    Parameters
    ----------
    path : Path
        The archive.
    entry : Entry
        The member, as its list tells it.

    Returns
    -------
    binary stream
        Raises InputError (ARCHIVE_BROKEN) as soon as the bytes are more than the list tells, end before, have another
        checksum or cannot be unpacked.
    """
    stream = path.open("rb")
    try:
        _skip_header(stream, entry)
    except InputError:
        stream.close()
        raise
    return cast("BinaryIO", io.BufferedReader(_Member(stream, entry), _BLOCK_BYTES))


def _skip_header(stream: BinaryIO, entry: Entry) -> None:
    """Go to where the member's data begin."""
    stream.seek(entry.offset)
    header = stream.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
        raise _broken(entry, "has no header where the list says")
    stream.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)


class _Member(io.RawIOBase):
    """The unpacked bytes of a member."""

    def __init__(self, stream: BinaryIO, entry: Entry) -> None:
        super().__init__()
        self.stream, self.entry = stream, entry
        self.unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if entry.deflated else None
        self.packed_left, self.given, self.crc = entry.packed_bytes, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer as far as one step gets; 0 at the checked end."""
        view = memoryview(buffer)
        data = self._stored(len(view)) if self.unpacker is None else self._unpacked(self.unpacker, len(view))
        self.given += len(data)
        self.crc = zlib.crc32(data, self.crc)
        if self.given > self.entry.size or (not data and self.given < self.entry.size):
            what = f"has another size than the {self.entry.size:,} bytes in the list"
            raise _broken(self.entry, what)
        if not data and self.crc != self.entry.crc:
            raise _broken(self.entry, "has a wrong checksum")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.stream.close()
        super().close()

    def _stored(self, most: int) -> bytes:
        """Return the next bytes of a member that is not packed."""
        data = self.stream.read(min(self.packed_left, most))
        self.packed_left -= len(data)
        return data

    def _unpacked(self, unpacker: "zlib._Decompress", most: int) -> bytes:
        """Return at most so many bytes more; none at the end."""
        data = b""
        while not data and not unpacker.eof:
            packed = unpacker.unconsumed_tail or self.stream.read(min(self.packed_left, _BLOCK_BYTES))
            if not unpacker.unconsumed_tail:
                self.packed_left -= len(packed)
            try:
                data = unpacker.decompress(packed, most)
            except zlib.error as error:
                what = f"cannot be unpacked ({error})"
                raise _broken(self.entry, what) from error
            if not data and not packed and not unpacker.eof:
                raise _broken(self.entry, "ends too early")
        if unpacker.eof and not data and (self.packed_left or unpacker.unused_data):
            raise _broken(self.entry, "goes on after its end")
        return data


def _broken(entry: Entry, what: str) -> InputError:
    """Return the error for a member that is not what the list says."""
    return InputError(f"the member {entry.name} {what}", file=entry.file, code="ARCHIVE_BROKEN")
