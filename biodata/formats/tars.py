"""Tar archives (.tar, .tar.gz, .tgz, .tar.bz2, .tar.xz): listed and read as a stream, every byte counted, none of them written."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from biodata.errors import InputError
from biodata.formats.zips import (
    ArchiveLimits,
    check_name,
    is_clutter,
    is_for_people,
    is_nested,
    plain_name,
    refuse_member,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PACKED: Final[Mapping[bytes, Callable[..., Any]]] = MappingProxyType(
    {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
)
"""First bytes → what unpacks."""
_MAGIC: Final = b"ustar"
_MAGIC_AT: Final = 257
_MOST_HEADER_BYTES: Final = 1 << 20
_BROKEN: Final = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def is_tar(path: Path) -> bool:
    """Tell whether a file is a tar archive, packed or not."""
    try:
        with path.open("rb") as stream, _unpacking(stream) as content:
            head = content.read(_MAGIC_AT + len(_MAGIC))
    except _BROKEN:
        return False
    return head[_MAGIC_AT:] == _MAGIC


def read_tar_list(path: Path, limits: ArchiveLimits) -> tuple[dict[str, int], dict[str, str], int]:
    """Return the files of a tar archive with their sizes, checked as those of a zip are.

    Returns
    -------
    sizes : dict of str to int
        Name → bytes; clutter and texts for people are left out.
    stored : dict of str to str
        Name → the name as it stands in the archive.
    backslashes : int
        How many names had backslashes between their folders.
    """
    sizes: dict[str, int] = {}
    stored: dict[str, str] = {}
    total = count = backslashes = 0
    with _members(path, limits) as members:
        for member in members:
            count, total = count + 1, total + member.size
            if count > limits.members:
                problem = f"the archive holds more than {limits.members:,} members"
                raise InputError(problem, file=path.name, code="ARCHIVE_TOO_LARGE")
            if total > limits.total_bytes:
                problem = f"the archive unpacks to more than {limits.total_bytes:,} bytes"
                raise InputError(problem, file=path.name, code="ARCHIVE_TOO_LARGE")
            name = plain_name(member.name).removeprefix("./")
            backslashes += "\\" in member.name
            if member.isdir():
                continue
            check_name(path.name, name)
            if not member.isreg():
                refuse_member(path.name, member.name, "is a link or a device")
            if is_nested(name) and not is_clutter(name):
                refuse_member(path.name, member.name, "is an archive inside the archive")
            if name in sizes:
                refuse_member(path.name, member.name, "stands twice in the archive")
            if not is_clutter(name) and not is_for_people(name):
                sizes[name], stored[name] = member.size, member.name
    if not count:
        problem = "the archive is empty"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    return sizes, stored, backslashes


def open_tar_member(path: Path, name: str, limits: ArchiveLimits) -> BinaryIO:
    """Open a member for reading, by its name as it stands in the archive; what stands before it is passed over."""
    return cast("BinaryIO", io.BufferedReader(_Member(path, name, limits)))


class _Member(io.RawIOBase):
    """The bytes of a member."""

    def __init__(self, path: Path, name: str, limits: ArchiveLimits) -> None:
        super().__init__()
        self.opened = _members(path, limits)
        self.file = path.name
        archive = self.opened.__enter__()
        member = next(one for one in archive if one.name == name)
        content = archive.extractfile(member)
        if content is None:
            refuse_member(path.name, name, "is no file")
        self.content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self.content.read(len(view))
        except _BROKEN as error:
            raise _broken(self.file) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self.opened.__exit__(None, None, None)
        super().close()


class _Header(tarfile.TarInfo):
    """A header that may not take as much memory as it says."""

    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:  # the standard library's own way in
        if self.size > _MOST_HEADER_BYTES and not (self.isreg() or self.isdir() or self.issym() or self.islnk()):
            message = "a header is too long"
            raise _TooLongError(message)
        return cast("_Header", super()._proc_member(tarfile))  # type: ignore[misc]


class _TooLongError(tarfile.TarError):
    """A header says that it is longer than names are."""


@contextmanager
def _members(path: Path, limits: ArchiveLimits) -> Iterator[tarfile.TarFile]:
    """Open an archive as a stream."""
    try:
        with path.open("rb") as packed, _unpacking(packed) as content:
            counted = cast("BinaryIO", _Counted(content, path, limits))
            with tarfile.open(fileobj=counted, mode="r|", tarinfo=_Header, errorlevel=2) as archive:
                yield archive
    except _BROKEN as error:
        raise _broken(path.name) from error


@contextmanager
def _unpacking(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Open what a file holds packed; a file that is not packed as it is."""
    head = stream.read(6)
    stream.seek(0)
    unpack = next((how for magic, how in _PACKED.items() if head.startswith(magic)), None)
    if unpack is None:
        yield stream
    else:
        with unpack(stream, "rb") as content:
            yield content


class _Counted:
    """A stream that is stopped where it unpacks to far more than text does."""

    def __init__(self, content: BinaryIO, path: Path, limits: ArchiveLimits) -> None:
        self.content, self.file, self.count = content, path.name, 0
        self.most = max(limits.ratio_from_bytes, limits.ratio * path.stat().st_size)

    def read(self, size: int) -> bytes:
        data = self.content.read(size)
        self.count += len(data)
        if self.count > self.most:
            problem = f"the archive unpacks to more than {self.most:,} bytes"
            raise InputError(problem, file=self.file, code="ARCHIVE_TOO_LARGE")
        return data


def _broken(file: str) -> InputError:
    """Return the error for an archive that cannot be read."""
    return InputError("the tar archive is broken", file=file, code="ARCHIVE_BROKEN")
