"""A cell of a spreadsheet as text."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from biodata.core.errors import InputError
from biodata.formats.archives import BROKEN


def cell_text(cell: object) -> str | None:
    """Return a cell as text: a whole number without a point, a date as ISO 8601; None for an empty one."""
    match cell:
        case None | "":
            return None
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case _:
            return str(cell)


# Which kind of workbook a file is, stated by its container; nothing of it is unpacked.
XLSX: Final = "xlsx"
ODS: Final = "ods"
XLS: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of Microsoft's compound files: .xls, and workbooks that are locked with a password."""
_ODS_TYPES: Final = (
    b"application/vnd.oasis.opendocument.spreadsheet",
    b"application/vnd.oasis.opendocument.spreadsheet-template",
)


def kind_of(file: Path | bytes) -> str | None:
    """Return whether a zip is a workbook, and of which kind."""
    try:
        with zipfile.ZipFile(file if isinstance(file, Path) else io.BytesIO(file)) as archive:
            names = set(archive.namelist())
            if names & {"[Content_Types].xml", "xl/workbook.xml"} and any(name.startswith("xl/") for name in names):
                return XLSX
            if "mimetype" in names and "content.xml" in names:
                with archive.open("mimetype") as stream:
                    return ODS if stream.read(100).strip() in _ODS_TYPES else None
    except BROKEN:
        return None
    return None


# Workbooks of Excel before 2007 (.xls) and of LibreOffice (.ods), read by a process of their own that may take little.
MAX_CELLS: Final = 3_000_000
MEMORY_BYTES: Final = 1_500_000_000
CPU_SECONDS: Final = 60
MAX_UNPACKED_BYTES: Final = 150_000_000
MAX_MEMBERS: Final = 2_000
MAX_RATIO: Final = 200
_MACROS: Final = tuple(name.encode("utf-16-le") for name in ("_VBA_PROJECT_CUR", "_VBA_PROJECT"))
_TOO_LARGE, _INVALID = 3, 4
_PROGRAMS: Final = ("Basic/", "Scripts/", "xl/vbaProject.bin")
_DOCTYPE: Final = b"<!DOCTYPE"


def read_other(content: bytes, *, file: str) -> list[dict[str, Any]]:
    """Return the sheets of a workbook: `name`, `visible`, `rows` (cells as text) and `merges`.

    Raises
    ------
    InputError
        If it cannot be read or is locked (WORKBOOK_INVALID), holds programs (WORKBOOK_MACROS), has a document type
        (XML_UNSAFE), or a bound is passed (INPUT_TOO_LARGE).
    """
    if content.startswith(b"PK"):
        _check_ods(content, file)
    elif any(name in content for name in _MACROS):
        raise _macros(file)
    done = subprocess.run(
        [sys.executable, "-m", "biodata.formats.other_workbooks"], input=content, capture_output=True, check=False,
        timeout=4 * CPU_SECONDS,
    )  # fmt: skip
    if done.returncode == 0:
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found
    if done.returncode == _INVALID:
        problem = "the workbook cannot be read, or is locked with a password"
        raise InputError(
            problem, file=file, expected="a workbook that opens without a password", code="WORKBOOK_INVALID"
        )
    problem = "the workbook takes more than a survey does when it is opened"
    raise InputError(problem, file=file, expected=f"at most {MAX_CELLS:,} cells", code="INPUT_TOO_LARGE")


def check_container(archive: zipfile.ZipFile, size: int, file: str) -> None:
    """Refuse a workbook that unpacks to far more than it is, or holds programs.

    Raises
    ------
    InputError
        INPUT_TOO_LARGE or WORKBOOK_MACROS.
    """
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED_BYTES or total > MAX_RATIO * max(size, 100_000):
        problem = f"the workbook unpacks to {total} bytes in {len(members)} parts"
        expected = f"no more than {MAX_UNPACKED_BYTES} bytes in {MAX_MEMBERS} parts"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    if any(member.filename.startswith(_PROGRAMS) for member in members):
        raise _macros(file)


def _check_ods(content: bytes, file: str) -> None:
    """Refuse a workbook of LibreOffice that is too large, holds programs, or has a document type."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_container(archive, len(content), file)
            for name in {"content.xml", "styles.xml", "settings.xml", "meta.xml"} & set(archive.namelist()):
                if _DOCTYPE in archive.read(name)[:10_000]:
                    problem = "the workbook's XML has a document type, which is not taken"
                    raise InputError(problem, file=file, code="XML_UNSAFE")
    except BROKEN as error:
        problem = "this is no workbook that can be read"
        raise InputError(problem, file=file, code="WORKBOOK_INVALID") from error


def _macros(file: str) -> InputError:
    """Return the error for a workbook with programs."""
    problem = "the workbook holds a program (macros)"
    return InputError(problem, file=file, expected="a workbook without macros", code="WORKBOOK_MACROS")


def _main() -> int:
    """Read a workbook from standard input and write its sheets as JSON; the exit code tells why it cannot be."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    sheets: list[dict[str, Any]] = []
    left = MAX_CELLS
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())) as workbook:
            for sheet_metadata in workbook.sheets_metadata:
                if sheet_metadata.typ is not SheetTypeEnum.WorkSheet:
                    continue
                shown = sheet_metadata.visible is SheetVisibleEnum.Visible
                sheet = workbook.get_sheet_by_name(sheet_metadata.name)
                if shown:
                    left -= sheet.total_height * sheet.total_width
                if left < 0:
                    return _TOO_LARGE
                rows = sheet.to_python(skip_empty_area=False) if shown else []
                merges = [(a + 1, b, c + 1, d) for (a, b), (c, d) in (sheet.merged_cell_ranges or ()) if shown]
                cells = [[cell_text(cell) for cell in row] for row in rows]
                sheets.append({"name": sheet_metadata.name, "visible": shown, "rows": cells, "merges": merges})
    except MemoryError:
        return _TOO_LARGE
    except (CalamineError, ValueError, EOFError, OSError):
        return _INVALID
    sys.stdout.buffer.write(json.dumps(sheets).encode())
    return 0


if __name__ == "__main__":
    sys.exit(_main())
