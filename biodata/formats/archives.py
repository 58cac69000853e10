"""Archives from strangers: a zip, a tar, or a folder that somebody unpacked. Nothing is ever written by a member's name.

A zip's lists are checked before anything is unpacked (count, sizes, ratio, names, kinds, overlaps), and every byte is
counted again while a member is read, so that a list that lies is found out. Members are read as streams; their names
are only compared, never used as paths.
"""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, Protocol, cast

from biodata.core.errors import InputError, shorten

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Zips from strangers: everything that can be wrong with the list of members is found before a byte is unpacked, and every byte is counted and checked.
BROKEN_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    NotImplementedError,
    OverflowError,
)
"""Of the list of members, a name, a length, a checksum, the packed bytes, or a way of packing that is not known."""


_BLOCK_BYTES: Final = 256 << 10
_HEADER_BYTES: Final = 30
"""What a member takes in the archive besides its data, at least."""


class _ZipMember(io.RawIOBase):
    """The unpacked bytes of a member; an error (ARCHIVE_BROKEN) where they are others than the list tells."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: str) -> None:
        super().__init__()
        self.name, self.size, self.file, self.given = info.filename, info.file_size, file, 0
        asked = copy(info)
        asked.file_size += 1  # what has one byte more than the list states shows that the list lies
        try:
            self.content = archive.open(asked)
        except BROKEN_ZIP as error:
            raise self.broken(str(error)) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self.content.read(len(view))
        except BROKEN_ZIP as error:
            raise self.broken(str(error)) from error
        self.given += len(data)
        if self.given > self.size or (not data and self.given < self.size):
            why = f"it has another size than the {self.size:,} bytes in the list"
            raise self.broken(why)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.content.close()
        super().close()

    def broken(self, why: str) -> InputError:
        """Return the error for a member that is not what the list says."""
        return InputError(f"the member {shorten(self.name)} is broken: {why}", file=self.file, code="ARCHIVE_BROKEN")


# The list of members at the end of a zip: everything that can be wrong with it is found before a byte is unpacked.
_NESTED: Final = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
_LETTERS: Final = frozenset({".md", ".rst", ".pdf", ".doc", ".docx", ".odt", ".rtf"})
_PLAIN: Final = frozenset({"", ".txt", ".html"})
_FOR_PEOPLE: Final = frozenset({"readme", "license", "licence", "copying", "changelog"})
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold at most.

    Attributes
    ----------
    members : int
        Files and folders; GBIF puts one description of each dataset into a download.
    directory_bytes : int
        Size of the zip's list of members.
    total_bytes : int
        Sum of the unpacked sizes.
    ratio : int
        How many times larger than its packed bytes a member may be; text reaches 20, deflate's highest is 1,032.
    ratio_from_bytes : int
        Unpacked size below which the ratio does not matter.
    zips_inside : bool
        Zips inside the zip are listed as members; whoever opens them checks them as archives of their own.
    """

    members: int = 50_000
    directory_bytes: int = 16 << 20
    total_bytes: int = 64 << 30
    ratio: int = 100
    ratio_from_bytes: int = 10_000_000
    zips_inside: bool = False


def open_zip(path: Path, limits: ArchiveLimits) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Return a zip and its files by name, checked, without what Macs and Windows add and without texts for people to read.

    Raises
    ------
    InputError
        See `open_archive`.
    """
    with path.open("rb") as stream:
        _check_directory_size(stream, path.name, limits)
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN_ZIP as error:
        problem = f"the zip archive is broken: {error}"
        raise InputError(problem, file=path.name, code="ARCHIVE_BROKEN") from error
    infos = archive.infolist()
    if not infos:
        problem = "the archive is empty"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    if len(infos) > limits.members:
        problem = f"the archive holds {len(infos):,} members"
        raise InputError(problem, file=path.name, expected=f"at most {limits.members:,}", code="ARCHIVE_TOO_LARGE")
    total = sum(info.file_size for info in infos)
    if total > limits.total_bytes:
        problem = f"the archive unpacks to {total:,} bytes"
        raise InputError(problem, file=path.name, expected=f"at most {limits.total_bytes:,}", code="ARCHIVE_TOO_LARGE")
    files: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        _check_member(info, path.name, limits)
        name = plain_name(info.filename)
        if name in seen:
            refuse_member(path.name, name, "stands twice in the archive")
        seen.add(name)
        if not (name.endswith("/") or is_clutter(name) or is_for_people(name)):
            files[name] = info
    _check_overlaps(infos, archive.start_dir, path.name)
    return archive, files


def _check_directory_size(stream: BinaryIO, file: str, limits: ArchiveLimits) -> None:
    """Raise an error where the list of members alone would take too much memory, before it is read."""
    end = stream.seek(0, 2)
    start = max(0, end - 65_557)  # a comment of 65,535 bytes after a record of 22
    stream.seek(start)
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        problem = "this is not a zip archive, or its end is missing"
        raise InputError(problem, file=file, expected="a whole zip archive", code="ARCHIVE_NOT_ZIP")
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if size == 0xFFFFFFFF:  # zip64: the record before the locator has the size
        locator = tail[at - 20 : at]
        stream.seek(min(int.from_bytes(locator[8:16], "little"), end))
        size = int.from_bytes(stream.read(56)[40:48], "little")
    stream.seek(0)
    if size > limits.directory_bytes:
        problem = f"the archive's list of members takes {size:,} bytes"
        expected = f"at most {limits.directory_bytes:,}"
        raise InputError(problem, file=file, expected=expected, code="ARCHIVE_TOO_LARGE")


def _check_member(info: zipfile.ZipInfo, file: str, limits: ArchiveLimits) -> None:
    """Raise an error for a member that no archive of data needs."""
    name = plain_name(info.orig_filename)
    check_name(file, name)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse_member(file, name, "is a link or a device")
    if info.flag_bits & _ENCRYPTED:
        refuse_member(file, name, "is encrypted")
    if info.compress_type not in _METHODS:
        refuse_member(file, name, f"is packed with method {info.compress_type}; only deflate is taken")
    allowed = limits.zips_inside and name.lower().endswith(".zip")
    if is_nested(name) and not allowed and not is_clutter(name):
        refuse_member(file, name, "is an archive inside the archive")
    if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio * max(info.compress_size, 1):
        problem = f"{shorten(name)} unpacks to {info.file_size:,} bytes from {info.compress_size:,}"
        expected = f"at most {limits.ratio} times"
        raise InputError(problem, file=file, expected=expected, code="ARCHIVE_TOO_LARGE")


def _check_overlaps(infos: list[zipfile.ZipInfo], start_of_directory: int, file: str) -> None:
    """Raise an error where one member's bytes reach into the next: the trick that packs petabytes into megabytes."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    if ordered[0].header_offset < 0:
        problem = "the zip archive is broken: its beginning is missing"
        raise InputError(problem, file=file, code="ARCHIVE_BROKEN")
    ends = [info.header_offset for info in ordered[1:]] + [start_of_directory]
    for info, end in zip(ordered, ends, strict=True):
        if info.header_offset + _HEADER_BYTES + info.compress_size > end:
            refuse_member(file, info.filename, "overlaps the next member")


def plain_name(stored: str) -> str:
    """Return a member's name with `/` between its folders: programs of Windows write backslashes.

    GBIF's publishing tool wrote one before each name once: https://github.com/gbif/dwca-io, applyIpt205Patch.
    """
    if "\\" not in stored:
        return stored
    return stored.replace("\\", "/").removeprefix("/") if not stored.startswith("\\\\") else stored


def check_name(file: str, name: str) -> None:
    """Raise an error for a name that leads out of an archive or cannot be printed."""
    parts = name.split("/")
    if not name or "\\" in name or name.startswith("/") or ".." in parts or ":" in parts[0]:
        refuse_member(file, name, "has a path that leads out of the archive")
    if any(ord(letter) < 32 for letter in name):
        refuse_member(file, name, "has a control character in its name")


def is_nested(name: str) -> bool:
    """Return whether a member is an archive itself."""
    return name.lower().endswith(_NESTED)


def is_clutter(name: str) -> bool:
    """Return whether a member is one of those that Macs and Windows add."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"} or parts[-1].startswith("._")


def is_for_people(name: str) -> bool:
    """Return whether a member is a text for people to read, of any folder: README.txt, LICENSE, letter.docx."""
    file = PurePosixPath(name.lower())
    return file.suffix in _LETTERS or (file.suffix in _PLAIN and file.stem in _FOR_PEOPLE)


def refuse_member(file: str, member: str, what: str) -> NoReturn:
    """Raise the error for a member that is not taken."""
    problem = f"the member {shorten(member)!r} {what}"
    raise InputError(problem, file=file, code="ARCHIVE_UNSAFE")


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
    """Return whether a file is a tar archive, packed or not."""
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
    """Return whether a path is something that `open_archive` opens."""
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
        self.name = path.name
        self.archive, files = open_zip(path, limits)
        root = _common_root(list(files))
        self.infos = {name.removeprefix(root): info for name, info in files.items()}
        self.sizes: Mapping[str, int] = {name: info.file_size for name, info in self.infos.items()}
        self.backslashes = sum("\\" in info.filename for info in files.values())

    def open(self, member: str) -> BinaryIO:
        return cast(
            "BinaryIO", io.BufferedReader(_ZipMember(self.archive, self.infos[member], self.name), _BLOCK_BYTES)
        )


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
