"""A workbook's container: its bounds, its sheets and their parts, and a copy of only what holds the values to be read."""

import io
import zipfile
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from biodata.errors import InputError
from biodata.formats import xml
from biodata.formats.broken_zips import BROKEN_ZIP
from biodata.formats.workbook_marks import Marks, parse_blocks, read_marks

MAX_UNPACKED_BYTES: Final = 150_000_000
MAX_MEMBERS: Final = 2_000
MAX_RATIO: Final = 200
"""Bounds of a workbook."""

_BOOK: Final = "xl/workbook.xml"
_BOOK_LINKS: Final = "xl/_rels/workbook.xml.rels"
_NEEDED: Final = ("[Content_Types].xml", "_rels/.rels", _BOOK, _BOOK_LINKS, "xl/styles.xml", "xl/sharedStrings.xml")
_SMALL_BYTES: Final = 4_000_000


@dataclass(frozen=True)
class Part:
    """A worksheet: its name, whether it is shown, where it is in the container, and its marks.

    Hidden sheets are not looked into: their marks are empty.
    """

    name: str
    visible: bool
    member: str
    marks: Marks


def open_parts(content: bytes, *, file: str) -> tuple[list[Part], bytes]:
    """Look a workbook over before its values are read.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.

    Returns
    -------
    parts : list of Part
        Its worksheets in their order.
    clean : bytes
        A workbook with the shown worksheets and nothing else: no pictures, programs, links or hidden sheets.

    Raises
    ------
    InputError
        If it is no XLSX, holds programs, or a bound is passed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_container(archive, len(content), file)
            parts = _parts(archive, file)
            return parts, _clean(archive, parts, file)
    except BROKEN_ZIP as error:
        problem = "this is no XLSX workbook that can be read"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID") from error


def _check_container(archive: zipfile.ZipFile, size: int, file: str) -> None:
    """Refuse what is no XLSX, holds programs, or unpacks to far more than it is."""
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED_BYTES or total > MAX_RATIO * max(size, 100_000):
        problem = f"the workbook unpacks to {total} bytes in {len(members)} parts"
        expected = f"no more than {MAX_UNPACKED_BYTES} bytes in {MAX_MEMBERS} parts"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    names = [member.filename for member in members]
    if "xl/vbaProject.bin" in names:
        problem = "the workbook holds a program (macros)"
        raise InputError(problem, file=file, expected="a workbook without macros", code="WORKBOOK_MACROS")
    if _BOOK not in names or len(names) > len(set(names)):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")


def _parts(archive: zipfile.ZipFile, file: str) -> list[Part]:
    """Return the worksheets."""
    members = set(archive.namelist())
    targets = {}
    if _BOOK_LINKS in members:
        for link in xml.parse(_small(archive, _BOOK_LINKS, file), file=file):
            if link.get("Type", "").endswith("/worksheet") and link.get("TargetMode") != "External":
                target = link.get("Target", "")
                targets[link.get("Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    parts = []
    for element in xml.parse(_small(archive, _BOOK, file), file=file).iter():
        if xml.local_name(element.tag) != "sheet":
            continue
        links = [value for name, value in element.attrib.items() if xml.local_name(name) == "id"]
        member = targets.get(links[0]) if links else None
        if member not in members or member is None:
            continue
        name, visible = element.get("name", ""), element.get("state", "visible") == "visible"
        marks = Marks()
        if visible:
            with archive.open(member) as stream:
                marks = read_marks(stream, sheet=name, file=file)
        parts.append(Part(name, visible, member, marks))
    return parts


def _small(archive: zipfile.ZipFile, member: str, file: str) -> bytes:
    """Return a part that is small in every workbook."""
    if archive.getinfo(member).file_size > _SMALL_BYTES:
        problem = f"the part {member} is larger than {_SMALL_BYTES} bytes"
        raise InputError(problem, file=file, code="INPUT_TOO_LARGE")
    return archive.read(member)


def _clean(archive: zipfile.ZipFile, parts: list[Part], file: str) -> bytes:
    """Return the workbook with only what is needed to read its shown sheets; every byte of it was counted."""
    wanted = [*_NEEDED, *(part.member for part in parts if part.visible)]
    members = set(archive.namelist())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as clean:
        for member in dict.fromkeys(wanted):
            if member not in members:
                continue
            if member == "xl/sharedStrings.xml":
                with archive.open(member) as stream:
                    parse_blocks(stream, expat.ParserCreate(), file)
            clean.writestr(member, archive.read(member))
    return out.getvalue()
