"""What was taken of an upload, and nothing else of it: tables as their source gave them, in one file that we wrote.

A patrol's XML holds arrests, a camera's package pictures of people, a questionnaire telephone numbers. Such a file is not
kept: its tables are, as they came in, so that a review, a publication or a withdrawal later reads the same rows again.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.core.errors import Refusal, StoreError
from biodata.formats.archives import BROKEN
from biodata.ingest.protocol import DatasetInfo, Finding, VerbatimTable

SUFFIX: Final = ".taken"
"""Only files that the worker wrote end so; an upload never does."""
_LIST: Final = "tables.json"
_IMAGES: Final = "images.parquet"
_KINDS: Final = ("events", "occurrences")


def write(path: Path, tables: Iterable[VerbatimTable]) -> list[VerbatimTable]:
    """Write tables of events and occurrences, batch by batch.

    Returns
    -------
    list of VerbatimTable
        The same tables, their batches exhausted: refusals, findings and notes are complete.
    """
    entries: list[dict[str, Any]] = []
    done: list[VerbatimTable] = []
    # Its owner alone reads it, and it is on the disk before the file that it was made of goes.
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for table in tables:
                batches = 0
                for batch in table.batches:
                    if table.kind not in _KINDS:
                        continue
                    _put(archive, f"{len(entries)}/{batches}.parquet", batch)
                    batches += 1
                done.append(table)
                if table.kind in _KINDS:
                    if table.images:
                        _put(archive, f"{len(entries)}/{_IMAGES}", pl.concat(table.images))
                    entries.append(_described(table, batches))
            archive.writestr(zipfile.ZipInfo(_LIST), json.dumps(entries))
        file.flush()
        os.fsync(file.fileno())
    return done


def _put(archive: zipfile.ZipFile, name: str, frame: pl.DataFrame) -> None:
    """Add a frame; without the time of day, so that the same tables are the same file."""
    content = io.BytesIO()
    frame.write_parquet(content)
    archive.writestr(zipfile.ZipInfo(name), content.getvalue())


def read(path: Path, *, dataset: str | None) -> Iterator[VerbatimTable]:
    """Iterate over the tables of a file that `write` wrote.

    Raises
    ------
    StoreError
        If the file is none, or was changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            listed = json.loads(archive.read(_LIST))
        for number, stated in enumerate(listed):
            yield VerbatimTable(
                kind=stated["kind"],
                name=stated["name"],
                dataset=DatasetInfo(dataset, **stated["dataset"]),
                batches=_batches(path, number, stated["batches"]),
                declarations=stated["declarations"],
                sheet=stated["sheet"],
                sheets=stated["sheets"],
                headings=stated["headings"],
                refusals=[Refusal(**one) for one in stated["refusals"]],
                findings=[Finding(**one) for one in stated["findings"]],
                images=_images(path, number),
            )
    except (*BROKEN, KeyError, TypeError) as error:
        message = f"{path.name}: what was taken of an upload cannot be read"
        raise StoreError(message) from error


def _batches(path: Path, number: int, count: int) -> Iterator[pl.DataFrame]:
    """Yield the batches of a table."""
    for at in range(count):
        with zipfile.ZipFile(path) as archive:
            content = archive.read(f"{number}/{at}.parquet")
        yield pl.read_parquet(io.BytesIO(content))


def _images(path: Path, number: int) -> list[pl.DataFrame]:
    """Return when pictures that are no records were made."""
    with zipfile.ZipFile(path) as archive:
        name = f"{number}/{_IMAGES}"
        return [pl.read_parquet(io.BytesIO(archive.read(name)))] if name in archive.namelist() else []


def _described(table: VerbatimTable, batches: int) -> dict[str, Any]:
    """Return what stands beside a table's rows; where rows stayed out is stated, never what stood in them."""
    info = table.dataset
    return {
        "kind": table.kind,
        "name": table.name,
        "dataset": {"title": info.title, "license": info.license, "citation": info.citation, "doi": info.doi},
        "batches": batches,
        "declarations": dict(table.declarations),
        "sheet": table.sheet,
        "sheets": list(table.sheets),
        "headings": dict(table.headings),
        "refusals": [asdict(one) for one in table.refusals],
        "findings": [{**asdict(one), "params": dict(one.params)} for one in table.findings],
    }
