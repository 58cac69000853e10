"""Archives from strangers: a zip, a tar, or a folder that somebody unpacked. Nothing is ever written by a member's name.

A zip's lists are checked before anything is unpacked (count, sizes, ratio, names, kinds, overlaps), and every byte is
counted again while a member is read, so that a list that lies is found out. Members are read as streams; their names
are only compared, never used as paths.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from biodata.errors import InputError
from biodata.formats.tars import is_tar, open_tar_member, read_tar_list
from biodata.formats.zips import ArchiveLimits, is_clutter, is_for_people, open_member, read_list, refuse_member

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
