"""Zip archives whose bytes follow from their members alone: one time for all, and a large member in pieces."""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final

_LEVEL: Final = 5
_TIME, _DATE = 0, (1980 - 1980) << 9 | 1 << 5 | 1
_UTF8: Final = 1 << 11
_ZIP64, _PADDING = 0x0001, 0xD935
_LAST_BLOCK: Final = b"\x03\x00"
_LIMIT: Final = 0xFFFFFFFF
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_END64, _LOCATOR64 = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_EXTRA: Final = struct.Struct("<2H2Q")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a member.

    Attributes
    ----------
    packed : bytes
        Compressed, ending at a whole byte.
    plain : bytes
        What it was.
    """

    packed: bytes
    plain: bytes


def compress(data: bytes) -> Piece:
    """Compress a part of a member."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Piece(packed, data)


@dataclass(slots=True)
class Member:
    """A member as the directory tells it; `crc`, `size` and `packed` grow with its pieces."""

    name: bytes
    offset: int
    crc: int = 0
    size: int = 0
    packed: int = 0

    def grow(self, piece: Piece) -> None:
        """Count one more piece."""
        self.crc = zlib.crc32(piece.plain, self.crc)
        self.size += len(piece.plain)
        self.packed += len(piece.packed)


class ZipWriter:
    """An archive that is being written to a file from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Member] = []

    def add(self, name: str, data: bytes) -> None:
        """Add a small member."""
        member = self.begin(name)
        self.append(member, compress(data))
        self.end(member)

    def begin(self, name: str) -> Member:
        """Begin a member; its pieces come with `append`."""
        member = Member(name.encode(), self._file.tell())
        self._members.append(member)
        self._file.write(_local(member))
        return member

    def append(self, member: Member, piece: Piece) -> None:
        """Add a piece to the member that was begun last."""
        self._file.write(piece.packed)
        member.grow(piece)

    def end(self, member: Member) -> None:
        """End the member that was begun last: its sizes, known only now, go where it begins."""
        self._file.write(_LAST_BLOCK)
        member.packed += len(_LAST_BLOCK)
        end = self._file.tell()
        self._file.seek(member.offset)
        self._file.write(_local(member))
        self._file.seek(end)

    def close(self) -> None:
        """Write the directory."""
        start = self._file.tell()
        for member in self._members:
            self._file.write(_central(member))
        size, count = self._file.tell() - start, len(self._members)
        if start + size > _LIMIT or count > 0xFFFF:
            end = start + size
            self._file.write(_END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start))
            self._file.write(_LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
        few, short, near = min(count, 0xFFFF), min(size, _LIMIT), min(start, _LIMIT)
        self._file.write(_END.pack(b"PK\x05\x06", 0, 0, few, few, short, near, 0))


def _local(member: Member) -> bytes:
    """Return a member's own header; it has the same length whether the member is large or not."""
    large = max(member.size, member.packed) > _LIMIT
    sizes = (_LIMIT, _LIMIT) if large else (member.packed, member.size)
    extra = _EXTRA.pack(_ZIP64, 16, member.size, member.packed) if large else _EXTRA.pack(_PADDING, 16, 0, 0)
    version = 45 if large else 20
    fixed = (b"PK\x03\x04", version, _UTF8, 8, _TIME, _DATE, member.crc, *sizes, len(member.name), len(extra))
    return _LOCAL.pack(*fixed) + member.name + extra


def _central(member: Member) -> bytes:
    """Return a member's entry in the directory."""
    large = max(member.size, member.packed, member.offset) > _LIMIT
    extra = struct.pack("<2H3Q", _ZIP64, 24, member.size, member.packed, member.offset) if large else b""
    packed, size, offset = (_LIMIT,) * 3 if large else (member.packed, member.size, member.offset)
    version = 45 if large else 20
    fixed = (
        b"PK\x01\x02", version, version, _UTF8, 8, _TIME, _DATE, member.crc, packed, size,
        len(member.name), len(extra), 0, 0, 0, 0, offset,
    )  # fmt: skip
    return _CENTRAL.pack(*fixed) + member.name + extra
