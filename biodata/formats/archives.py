"""Archives from strangers: a zip, a tar, or a folder that somebody unpacked. Nothing is ever written by a member's name.

A zip's lists are checked before anything is unpacked (count, sizes, ratio, names, kinds, overlaps), and every byte is
counted again while a member is read, so that a list that lies is found out. Members are read as streams; their names
are only compared, never used as paths.
"""

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, Protocol, cast

from biodata.core.errors import InputError, shorten

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Zips from strangers: everything that can be wrong with the list of members is found before a byte is unpacked, and every byte is counted and checked.
BROKEN: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, RuntimeError, ValueError, EOFError,
    NotImplementedError, OverflowError,
)  # fmt: skip
"""Of the list of members, a name, a length, a checksum, the packed bytes, or a way of packing that is not known."""


_BLOCK_BYTES: Final = 256 << 10
_HEADER_BYTES: Final = 30
"""What a member takes in the archive besides its data, at least."""


class _Content(io.RawIOBase):
    """Unpacked bytes, every one of them counted; an error where they cannot be read or are not what they should be.

    Parameters
    ----------
    content : binary file
    check : callable
        Gets the bytes so far, and whether these are all.
    broken : callable
        Makes the error of what went wrong.
    below : objects
        What is closed with it.
    """

    def __init__(
        self, content: Any, check: Callable[[int, bool], None], broken: Callable[[str], InputError], *below: Any
    ) -> None:
        super().__init__()
        self.content, self.check, self.broken, self.below, self.given = content, check, broken, below, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self.content.read(len(view))
        except BROKEN as error:
            raise self.broken(str(error)) from error
        self.given += len(data)
        self.check(self.given, not data)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        for one in (self.content, *self.below):
            one.close()
        super().close()


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
    except BROKEN as error:
        problem = f"the zip archive is broken: {error}"
        raise InputError(problem, file=path.name, code="ARCHIVE_BROKEN") from error
    if not (infos := archive.infolist()):
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


# Tar archives (.tar, .tar.gz, .tgz, .tar.bz2, .tar.xz): what their headers say is checked before what follows them is unpacked.
_MOST_HEADER_BYTES: Final = 1 << 20


class _Header(tarfile.TarInfo):
    """A header that may not take as much memory as it says."""

    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:  # the standard library's own way in
        if self.size > _MOST_HEADER_BYTES and not (self.isreg() or self.isdir() or self.issym() or self.islnk()):
            message = "a header is too long"
            raise _TooLongError(message)
        return cast("_Header", super()._proc_member(tarfile))  # type: ignore[misc]


class _TooLongError(tarfile.TarError):
    """A header says that it is longer than names are."""


def is_tar(path: Path) -> bool:
    """Return whether a file is a tar archive, packed or not."""
    try:
        with tarfile.open(path, tarinfo=_Header) as archive:
            return archive.next() is not None
    except _TooLongError:
        return True
    except BROKEN:
        return False


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
        info = self.infos[member]
        asked = copy(info)
        asked.file_size += 1  # what has one byte more than the list states shows that the list lies

        def broken(why: str) -> InputError:
            problem = f"the member {shorten(info.filename)} is broken: {why}"
            return InputError(problem, file=self.name, code="ARCHIVE_BROKEN")

        def check(given: int, at_end: bool) -> None:
            if given > info.file_size or (at_end and given < info.file_size):
                why = f"it has another size than the {info.file_size:,} bytes in the list"
                raise broken(why)

        try:
            content = self.archive.open(asked)
        except BROKEN as error:
            raise broken(str(error)) from error
        return cast("BinaryIO", io.BufferedReader(_Content(content, check, broken), _BLOCK_BYTES))


class _Tar:
    """A tar file whose members have been checked, as those of a zip are."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.name, self.path, self.backslashes = path.name, path, 0
        files: dict[str, tarfile.TarInfo] = {}
        total = 0
        most = min(limits.total_bytes, max(limits.ratio_from_bytes, limits.ratio * path.stat().st_size))
        try:
            with tarfile.open(path, tarinfo=_Header, errorlevel=2) as archive:
                for count, member in enumerate(archive, start=1):
                    total += member.size
                    if count > limits.members or total > most:
                        problem = f"the archive holds more than {limits.members:,} members or {most:,} bytes"
                        raise InputError(problem, file=path.name, code="ARCHIVE_TOO_LARGE")
                    self.backslashes += "\\" in member.name
                    if not member.isdir():
                        self._take(member, files)
        except BROKEN as error:
            raise self._broken(str(error)) from error
        root = _common_root(list(files))
        self.members = {name.removeprefix(root): member for name, member in files.items()}
        self.sizes: Mapping[str, int] = {name: member.size for name, member in self.members.items()}

    def _take(self, member: tarfile.TarInfo, files: dict[str, tarfile.TarInfo]) -> None:
        """Add a member to the files, or refuse it."""
        name = plain_name(member.name).removeprefix("./")
        check_name(self.name, name)
        if not member.isreg():
            refuse_member(self.name, member.name, "is a link or a device")
        if is_nested(name) and not is_clutter(name):
            refuse_member(self.name, member.name, "is an archive inside the archive")
        if name in files:
            refuse_member(self.name, member.name, "stands twice in the archive")
        if not is_clutter(name) and not is_for_people(name):
            files[name] = member

    def open(self, member: str) -> BinaryIO:
        archive = tarfile.open(self.path, tarinfo=_Header)  # noqa: SIM115 - of its own: members are read beside each other
        content = _Content(archive.extractfile(self.members[member]), lambda *_: None, self._broken, archive)
        return cast("BinaryIO", io.BufferedReader(content, _BLOCK_BYTES))

    def _broken(self, why: str) -> InputError:
        return InputError(f"the tar archive is broken: {why}", file=self.name, code="ARCHIVE_BROKEN")


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

    def broken(_: str) -> InputError:
        problem = "the gzip file is broken"
        return InputError(problem, file=file, code="ARCHIVE_BROKEN")

    def opener() -> BinaryIO:
        packed = open_stream()
        is_packed = packed.read(2) == _GZIP_MAGIC
        packed.close()
        packed = open_stream()
        if not is_packed:
            return packed

        def check(given: int, _: bool) -> None:
            if given > _RATIO_FROM_BYTES and given > _GZIP_RATIO * packed.tell():
                problem = f"the file unpacks to more than {given:,} bytes"
                expected = f"at most {_GZIP_RATIO} times its packed size"
                raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")

        return cast("BinaryIO", io.BufferedReader(_Content(gzip.GzipFile(fileobj=packed), check, broken, packed)))

    return opener
