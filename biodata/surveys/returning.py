"""What a dataset was: each cell of its events and records as it came, at an older version of the lake, to be taken in again.

What was taken back since is not among it: those rows are what the surveys that stand had said of them by then.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import select

from biodata.errors import InputError
from biodata.ingest import taken_tables
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.surveys import standing
from biodata.surveys.states import of_lake_events, of_lake_records
from biodata.surveys.upload_reading import options_of

NOT_YET: Final = "0" * 64
"""Stands for the checksum of a file that the worker has still to write."""


def write(settings: Settings, registry: Registry, submission: Submission) -> Path:
    """Write the tables of the version that a submission returns to, and keep them as what was taken of it.

    They are kept as tables, not as a sheet: what a program's form called its columns is no heading that means anything.

    Raises
    ------
    InputError
        With VERSION_UNKNOWN, if nothing of that version is kept any more.
    """
    with registry.session(read_only=True) as session:
        version = session.get_one(Submission, submission.returns_to).snapshot
        every = session.scalars(select(Submission).where(Submission.dataset == submission.dataset)).all()
    assert version is not None  # `history.go_back` takes no other
    dataset, gone = submission.dataset, {one.id for one in every if one.state == "withdrawn"}
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rows, of_events = standing.look(settings, lake, every, gone=gone, options=partial(options_of, registry))
        records = of_lake_records(standing.read_at(lake, "verbatim", rows, dataset=dataset, version=version))
        events = of_lake_events(standing.read_at(lake, "events", of_events, dataset=dataset, version=version))
    if records.is_empty():
        problem = "nothing of that version is kept any more"
        raise InputError(problem, file=submission.file_name, code="VERSION_UNKNOWN")
    part = survey_files.taken(settings.data, submission.file_sha256, submission.id)
    part.parent.mkdir(mode=0o700, exist_ok=True)
    frames = {"events": events, "occurrences": records}
    taken_tables.write(part, (_table(kind, frame, submission) for kind, frame in frames.items() if frame.height))
    with part.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    path = survey_files.taken(settings.data, checksum, submission.id)
    part.replace(path)
    with registry.session() as session, session.begin():
        session.get_one(Submission, submission.id).file_sha256 = checksum
    submission.file_sha256 = checksum
    return path


def _table(kind: str, frame: pl.DataFrame, submission: Submission) -> VerbatimTable:
    """Return rows as a table, in the order in which they came."""
    ordered = frame.sort("row", "identifier")
    cells = [name for name in ordered.columns if name.startswith("=")]
    filled = [name for name in cells if ordered[name].null_count() < ordered.height]
    sheet = [pl.col("sheet").alias("source_sheet")] if kind == "events" else []
    rows = ordered.select(
        pl.lit(submission.file_name).alias("source_file"),
        pl.int_range(2, pl.len() + 2).alias("source_row"),
        *sheet,
        *(pl.col(name).alias(name.removeprefix("=")) for name in filled),
    )
    return VerbatimTable(kind, submission.file_name, DatasetInfo(submission.dataset), iter([rows]))
