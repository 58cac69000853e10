"""The list of members at the end of a zip: everything that can be wrong with it is found before a byte is unpacked."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, NoReturn

from biodata.errors import InputError, shorten
from biodata.formats.broken_zips import BROKEN_ZIP
from biodata.formats.members import Entry

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
