"""Zips from strangers: everything that can be wrong with the list of members is found before a byte is unpacked, and every byte is counted and checked."""

import io
import lzma
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, cast

from biodata.core.errors import InputError, shorten

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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


# One member of a zip as a stream whose every byte is counted and checked.
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


def read_list(path: Path, limits: ArchiveLimits) -> list[Entry]:
    """Return the members of a zip, checked, without what Macs and Windows add and without texts for people to read.

    Raises
    ------
    InputError
        See `archives.open_archive`.
    """
    with path.open("rb") as stream:
        _check_directory_size(stream, path.name, limits)
        try:
            with zipfile.ZipFile(stream) as archive:
                infos, start_of_directory = archive.infolist(), archive.start_dir
        except BROKEN_ZIP as error:
            problem = f"the zip archive is broken: {error}"
            raise InputError(problem, file=path.name, code="ARCHIVE_BROKEN") from error
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
    entries = []
    seen: set[str] = set()
    for info in infos:
        _check_member(info, path.name, limits)
        entry = Entry.of(info, path.name, name=plain_name(info.filename))
        if entry.name in seen:
            refuse_member(path.name, entry.name, "stands twice in the archive")
        seen.add(entry.name)
        entries.append(entry)
    _check_overlaps(entries, start_of_directory, path.name)
    return [entry for entry in entries if not is_clutter(entry.name) and not is_for_people(entry.name)]


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


def _check_overlaps(entries: list[Entry], start_of_directory: int, file: str) -> None:
    """Raise an error where one member's bytes reach into the next: the trick that packs petabytes into megabytes."""
    ordered = sorted(entries, key=lambda entry: entry.offset)
    if ordered[0].offset < 0:
        problem = "the zip archive is broken: its beginning is missing"
        raise InputError(problem, file=file, code="ARCHIVE_BROKEN")
    ends = [entry.offset for entry in ordered[1:]] + [start_of_directory]
    for entry, end in zip(ordered, ends, strict=True):
        if entry.offset + entry.least_bytes > end:
            refuse_member(file, entry.name, "overlaps the next member")


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
    """Tell whether a member is an archive itself."""
    return name.lower().endswith(_NESTED)


def is_clutter(name: str) -> bool:
    """Tell whether a member is one of those that Macs and Windows add."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"} or parts[-1].startswith("._")


def is_for_people(name: str) -> bool:
    """Tell whether a member is a text for people to read, of any folder: README.txt, LICENSE, letter.docx."""
    file = PurePosixPath(name.lower())
    return file.suffix in _LETTERS or (file.suffix in _PLAIN and file.stem in _FOR_PEOPLE)


def refuse_member(file: str, member: str, what: str) -> NoReturn:
    """Raise the error for a member that is not taken."""
    problem = f"the member {shorten(member)!r} {what}"
    raise InputError(problem, file=file, code="ARCHIVE_UNSAFE")
