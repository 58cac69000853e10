"""The files of a survey as sheets: a workbook, delimited text, or a zip archive of it, told by what they hold."""

import io
import zipfile
from typing import Final

from biodata.errors import InputError
from biodata.formats.spreadsheet_kinds import XLS
from biodata.formats.text_grids import read_text_grid
from biodata.formats.workbooks import Grid, read_grids

_MAX_FILES: Final = 50
_MAX_BYTES: Final = 150_000_000


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
    """Return the texts of a zip archive; None for what is a workbook or cannot be opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            texts = [member for member in members if member.filename.lower().endswith((".csv", ".tsv", ".txt"))]
            if not texts or len(texts) < len(members):
                return None
            if len(texts) > _MAX_FILES or sum(member.file_size for member in texts) > _MAX_BYTES:
                problem = f"the archive holds {len(texts)} files"
                expected = f"no more than {_MAX_FILES} of together {_MAX_BYTES} bytes"
                raise InputError(problem, file=name, expected=expected, code="INPUT_TOO_LARGE")
            return [(member.filename, archive.read(member)) for member in texts]
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError):
        return None
