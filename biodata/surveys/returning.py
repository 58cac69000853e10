"""A workbook of what a dataset was: each cell of its events and records as it came, at an older version of the lake."""

import hashlib
import io
from pathlib import Path
from typing import Any, Final

import openpyxl
import polars as pl
from openpyxl.cell import WriteOnlyCell

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.surveys.states import of_lake_events, of_lake_records

NOT_YET: Final = "0" * 64
"""Stands for the checksum of a file that the worker has still to write."""


def write(settings: Settings, registry: Registry, submission: Submission) -> Path:
    """Write the workbook of the version that a submission returns to, and keep it as the submission's file.

    Raises
    ------
    InputError
        With VERSION_UNKNOWN, if nothing of that version is kept any more.
    """
    with registry.session(read_only=True) as session:
        wanted = session.get_one(Submission, submission.returns_to)
    where = Compare("datasetKey", "=", submission.dataset)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        records = of_lake_records(lake.read("verbatim", where=where, snapshot=wanted.snapshot))
        events = of_lake_events(lake.read("events", where=where, snapshot=wanted.snapshot))
    if records.is_empty():
        problem = "nothing of that version is kept any more"
        raise InputError(problem, file=submission.file_name, code="VERSION_UNKNOWN")
    content = _workbook({"events": events, "occurrences": records})
    checksum = hashlib.sha256(content).hexdigest()
    path = survey_files.kept(settings.data, checksum, submission.file_name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    survey_files.write_whole(path, [content], mode=0o600)
    with registry.session() as session, session.begin():
        session.get_one(Submission, submission.id).file_sha256 = checksum
    submission.file_sha256 = checksum
    return path


def _workbook(tables: dict[str, pl.DataFrame]) -> bytes:
    """Return tables as sheets of text, in the order in which their rows came."""
    book = openpyxl.Workbook(write_only=True)
    for name, frame in tables.items():
        filled = [c for c in frame.columns if c.startswith("=") and frame[c].null_count() < frame.height]
        if not filled:
            continue
        sheet = book.create_sheet(name)
        sheet.append([c.removeprefix("=") for c in filled])
        for row in frame.sort("row", "identifier").select(filled).iter_rows():
            sheet.append([_as_text(sheet, cell) for cell in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _as_text(sheet: Any, cell: str | None) -> Any:
    """Return a cell that stays what it is: a text that begins with = is no formula here."""
    if cell is None or not cell.startswith("="):
        return cell
    text = WriteOnlyCell(sheet, cell)
    text.data_type = "s"
    return text
