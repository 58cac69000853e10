"""Which kind of workbook a file is, told by its container; nothing of it is unpacked."""

import io
import zipfile
from pathlib import Path
from typing import Final

from biodata.formats.broken_zips import BROKEN_ZIP

XLSX: Final = "xlsx"
ODS: Final = "ods"
XLS: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of Microsoft's compound files: .xls, and workbooks that are locked with a password."""
_ODS_TYPES: Final = (
    b"application/vnd.oasis.opendocument.spreadsheet",
    b"application/vnd.oasis.opendocument.spreadsheet-template",
)


def kind_of(file: Path | bytes) -> str | None:
    """Tell whether a zip is a workbook, and of which kind."""
    try:
        with zipfile.ZipFile(file if isinstance(file, Path) else io.BytesIO(file)) as archive:
            names = set(archive.namelist())
            if names & {"[Content_Types].xml", "xl/workbook.xml"} and any(name.startswith("xl/") for name in names):
                return XLSX
            if "mimetype" in names and "content.xml" in names:
                with archive.open("mimetype") as stream:
                    return ODS if stream.read(100).strip() in _ODS_TYPES else None
    except BROKEN_ZIP:
        return None
    return None
