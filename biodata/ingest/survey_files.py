"""The files of a survey as sheets: a workbook, delimited text, or a zip archive of it, told by what they hold."""

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from biodata.errors import InputError
from biodata.formats.archives import ArchiveLimits, open_archive
from biodata.formats.broken_zips import BROKEN_ZIP
from biodata.formats.spreadsheet_kinds import XLS
from biodata.formats.text_grids import read_text_grid
from biodata.formats.workbooks import Grid, read_grids

_LIMITS: Final = ArchiveLimits(members=50, total_bytes=150_000_000)
_TEXTS: Final = (".csv", ".tsv", ".txt")


def grids_of(name: str, content: bytes, encoding: str | None) -> list[Grid]:
    """Return the sheets of a file, whatever its name says it is.

    Raises
    ------
    InputError
        If it cannot be read, or a bound is passed.
    """
    if content.startswith(XLS):
        return read_grids(content, file=name)
    if content.startswith(b"PK"):
        texts = _zipped(name, content)
        return read_grids(content, file=name) if texts is None else [
            read_text_grid(text, file=member, encoding=encoding) for member, text in texts
        ]  # fmt: skip
    grid = read_text_grid(content, file=name, encoding=encoding)
    if name.lower().endswith((".xlsx", ".xlsm")) and all(len(cells) < 2 for _, cells in grid.rows):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=name, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")
    return [grid]


def _zipped(name: str, content: bytes) -> list[tuple[str, bytes]] | None:
    """Return the texts of a zip archive, checked before anything is unpacked; None for what holds no text."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as listed:
            if not any(member.lower().endswith(_TEXTS) for member in listed.namelist()):
                return None
    except BROKEN_ZIP:
        return None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "survey.zip"
        path.write_bytes(content)
        try:
            archive = open_archive(path, limits=_LIMITS)
            if not all(member.lower().endswith(_TEXTS) for member in archive.sizes):
                return None
            texts = []
            for member in archive.sizes:
                with archive.open(member) as stream:
                    texts.append((member, stream.read()))
        except InputError as error:
            code = "INPUT_TOO_LARGE" if error.code == "ARCHIVE_TOO_LARGE" else error.code
            raise InputError(error.problem, file=name, value=error.value, expected=error.expected, code=code) from None
        return texts
