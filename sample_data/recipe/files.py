"""Files that come out byte for byte the same each time: fixed dates in archives, one line end, one number format."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from openpyxl import Workbook
from openpyxl.styles import Font

DATE: Final = (2026, 11, 24, 0, 0, 0)
"""The date that every member of every archive carries."""


def delimited(frame: pl.DataFrame, *, separator: str = ",") -> bytes:
    """Return a frame of text as delimited UTF-8; tab-separated files are never quoted, as GBIF's are not."""
    buffer = io.StringIO()
    if separator == "\t":
        buffer.write("\t".join(frame.columns) + "\n")
        buffer.writelines("\t".join(value or "" for value in row) + "\n" for row in frame.iter_rows())
    else:
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(frame.columns)
        writer.writerows([value or "" for value in row] for row in frame.iter_rows())
    return buffer.getvalue().encode()


def write_json(path: Path, content: Any) -> None:
    """Write JSON with its keys in the order given."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write an archive whose members all carry the same date."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content, compresslevel=9)


def write_workbook(path: Path, sheets: Mapping[str, Iterable[Sequence[Any]]], *, widths: int = 22) -> None:
    """Write a workbook of plain sheets, the first row of each in bold and frozen."""
    workbook = Workbook()
    workbook.remove(workbook["Sheet"])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = widths
        sheet.freeze_panes = "A2"
    buffer = io.BytesIO()
    workbook.save(buffer)
    # openpyxl writes the time of saving: give the file our own instead.
    stamp = b"2026-11-24T00:00:00Z"
    with zipfile.ZipFile(buffer) as saved:
        members = {name: saved.read(name) for name in saved.namelist()}
    members["docProps/core.xml"] = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, members["docProps/core.xml"])
    write_zip(path, members)
