"""Archives from strangers: a zip, a tar, or a folder that somebody unpacked. Nothing is ever written by a member's name.

A zip's lists are checked before anything is unpacked (count, sizes, ratio, names, kinds, overlaps), and every byte is
counted again while a member is read, so that a list that lies is found out. Members are read as streams; their names
are only compared, never used as paths.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast

from biodata.core.errors import InputError
from biodata.formats.zips import (
    ArchiveLimits,
    check_name,
    is_clutter,
    is_for_people,
    is_nested,
    open_member,
    plain_name,
    read_list,
    refuse_member,
)

# Tar archives (.tar, .tar.gz, .tgz, .tar.bz2, .tar.xz): listed and read as a stream, every byte counted, none of them written.

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


LIMITS: Final = ArchiveLimits()


class Archive(Protocol):
    """Files that came together.

    Attributes
    ----------
    name : str
        What the archive is called in errors.
    sizes : mapping of str to int
        The members by name, `/` between folders, with their sizes in bytes. Folders around everything are left out of the names;
        what Macs add (`__MACOSX/`, `.DS_Store`) and texts for people to read (`README.txt`, letters) are no members.
    backslashes : int
        How many of the names had backslashes between their folders.
    """

    name: str
    sizes: Mapping[str, int]
    backslashes: int

    def open(self, member: str) -> BinaryIO:
        """Open a member for reading; KeyError where it is not in `sizes`."""
        ...


def open_archive(path: Path, *, limits: ArchiveLimits = LIMITS) -> Archive:
    """Open a zip, a tar or a folder.

    Parameters
    ----------
    path : Path
        A zip file, a tar file (packed with gzip, bzip2, xz or not at all), or a folder with the files of one.
    limits : ArchiveLimits
        What is too much.

    Raises
    ------
    InputError
        If it is something else (ARCHIVE_NOT_ZIP), is broken (ARCHIVE_BROKEN), is over a limit (ARCHIVE_TOO_LARGE), or
        holds what no archive of data needs: links, encrypted or repeated members, paths that lead out of it, members
        that overlap, archives inside (ARCHIVE_UNSAFE).
    """
    if path.is_dir():
        return _Folder(path, limits)
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    return _Tar(path, limits) if is_tar(path) else _Zip(path, limits)


def is_archive(path: Path) -> bool:
    """Tell whether a path is something that `open_archive` opens."""
    return path.is_dir() or (path.is_file() and (zipfile.is_zipfile(path) or is_tar(path)))


def read_document(archive: Archive, member: str, *, most: int = 4_000_000) -> bytes:
    """Return a small member as a whole.

    Raises
    ------
    InputError
        If it is larger than `most` bytes (ARCHIVE_TOO_LARGE), or broken.
    """
    if archive.sizes[member] > most:
        problem = f"the document {member} has {archive.sizes[member]:,} bytes"
        raise InputError(problem, file=archive.name, expected=f"at most {most:,}", code="ARCHIVE_TOO_LARGE")
    with archive.open(member) as stream:
        return stream.read(most + 1)


class _Zip:
    """A zip file whose list of members has been checked."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.name, self.path = path.name, path
        entries = [entry for entry in read_list(path, limits) if not entry.is_folder]
        root = _common_root([entry.name for entry in entries])
        self.entries = {entry.name.removeprefix(root): entry for entry in entries}
        self.sizes: Mapping[str, int] = {name: entry.size for name, entry in self.entries.items()}
        self.backslashes = sum(entry.backslash for entry in entries)

    def open(self, member: str) -> BinaryIO:
        return open_member(self.path, self.entries[member])


class _Tar:
    """A tar file whose members have been checked."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.name, self.path, self.limits = path.name, path, limits
        sizes, stored, self.backslashes = read_tar_list(path, limits)
        root = _common_root(list(sizes))
        self.stored = {name.removeprefix(root): was for name, was in stored.items()}
        self.sizes: Mapping[str, int] = {name.removeprefix(root): size for name, size in sizes.items()}

    def open(self, member: str) -> BinaryIO:
        return open_tar_member(self.path, self.stored[member], self.limits)


class _Folder:
    """A folder that somebody unpacked; links in it are refused."""

    backslashes = 0

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.name = path.name
        self.paths: dict[str, Path] = {}
        count = 0
        for found in path.rglob("*"):
            count += 1
            if count > limits.members:
                problem = f"the folder holds more than {limits.members:,} files"
                raise InputError(problem, file=self.name, code="ARCHIVE_TOO_LARGE")
            name = found.relative_to(path).as_posix()
            if is_clutter(name) or is_for_people(name):
                continue
            if found.is_symlink() or not (found.is_file() or found.is_dir()):
                refuse_member(self.name, name, "is a link or a device")
            if found.is_file():
                self.paths[name] = found
        root = _common_root(list(self.paths))
        self.paths = {name.removeprefix(root): found for name, found in sorted(self.paths.items())}
        self.sizes: Mapping[str, int] = {name: found.stat().st_size for name, found in self.paths.items()}

    def open(self, member: str) -> BinaryIO:
        return self.paths[member].open("rb")


def _common_root(names: list[str]) -> str:
    """Return the folders that hold everything, each with its slash; empty where there are none."""
    if not names:
        return ""
    folders = zip(min(names).split("/")[:-1], max(names).split("/")[:-1], strict=False)
    return "".join(f"{one}/" for one, _ in takewhile(lambda both: both[0] == both[1], folders))


# Tables packed with gzip (`observations.csv.gz`): unpacked as they are read, every byte counted, none of them written.
_GZIP_RATIO: Final = 100
_RATIO_FROM_BYTES: Final = 10_000_000
"""How many times larger than its packed bytes a table may be, and from which size on; text reaches 20."""
_GZIP_MAGIC: Final = b"\x1f\x8b"


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
        is_packed = stream.read(2) == _GZIP_MAGIC
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
        if self.count > _RATIO_FROM_BYTES and self.count > _GZIP_RATIO * self.packed.tell():
            problem = f"the file unpacks to more than {self.count:,} bytes"
            expected = f"at most {_GZIP_RATIO} times its packed size"
            raise InputError(problem, file=self.file, expected=expected, code="INPUT_TOO_LARGE")
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self.content.close()
        self.packed.close()
        super().close()
