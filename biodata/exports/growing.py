"""Files that grow by whole steps and go on after a crash, and zip archives whose bytes follow from their members alone."""

import json
import os
import struct
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

KEEP_EVERY_S: Final = 5.0
"""Seconds between two steps that are kept: what a crash costs at most."""


class GrowingFile:
    """A file on its way, with what is known of its last kept step beside it; use it in a `with` block.

    Parameters
    ----------
    path : Path
        The file on its way.
    request : str
        What is being written: a file that was begun for something else is begun anew.
    every_s : float
        Seconds between two kept steps.

    Attributes
    ----------
    file : binary file
        Open for writing, at its end.
    state : dict or None
        What was kept with the last step; None at the beginning.
    """

    def __init__(self, path: Path, *, request: str, every_s: float = KEEP_EVERY_S) -> None:
        self._state_file = path.with_name(f"{path.name}.state")
        self._request, self._every_s, self._kept = request, every_s, time.monotonic()
        self.state: dict[str, Any] | None = None
        told = self._kept_step(path)
        if told is None:
            self._state_file.unlink(missing_ok=True)
            self.file: BinaryIO = path.open("w+b")
            return
        self.state = told["state"]
        self.file = path.open("r+b")
        self.file.truncate(told["bytes"])
        self.file.seek(0, os.SEEK_END)

    def keep(self, state: dict[str, Any]) -> None:
        """Make what was written so far durable, if the last time is long enough ago."""
        if time.monotonic() - self._kept < self._every_s:
            return
        self._kept = time.monotonic()
        self.file.flush()
        os.fsync(self.file.fileno())
        told = {"request": self._request, "bytes": self.file.tell(), "state": state}
        unnamed = self._state_file.with_name(f"{self._state_file.name}.new")
        unnamed.write_text(json.dumps(told), encoding="utf-8")
        unnamed.replace(self._state_file)

    def finish(self) -> None:
        """Make the whole file durable; nothing is known of steps any more."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._state_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def _kept_step(self, path: Path) -> dict[str, Any] | None:
        """Return what was kept of the last step, where the file is as long as it says."""
        try:
            told: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            whole = told["request"] == self._request and path.stat().st_size >= told["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return told if whole else None


# Zip archives whose bytes follow from their members alone: one time for all, and a large member in pieces.
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
    data : bytes
        Compressed, ending at a whole byte.
    crc : int
        CRC-32 of what it was.
    size : int
        Bytes that it had.
    """

    data: bytes
    crc: int
    size: int


def compress(data: bytes) -> Piece:
    """Compress a part of a member."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return Piece(packed, zlib.crc32(data), len(data))


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
        self.crc = combine(self.crc, piece.crc, piece.size)
        self.size += piece.size
        self.packed += len(piece.data)


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
        self._file.write(piece.data)
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


def combine(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two texts, one behind the other, from theirs and the length of the second.

    Notes
    -----
    Multiplication by x^(8·length) modulo the polynomial, after zlib's `crc32_combine`.
    """
    factor, power, bits = 0x80000000, 0x40000000, length << 3
    while bits:
        if bits & 1:
            factor = _multiply(power, factor)
        power = _multiply(power, power)
        bits >>= 1
    return _multiply(factor, first) ^ second


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) modulo CRC-32's, bits reversed."""
    product, mask = 0, 0x80000000
    while True:
        if a & mask:
            product ^= b
            if not a & (mask - 1):
                return product
        mask >>= 1
        b = (b >> 1) ^ 0xEDB88320 if b & 1 else b >> 1
