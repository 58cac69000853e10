"""Surveys in the forms of programs and networks: read by their own source, and only what may come in is taken.

What stays out by rule (people, vehicles, law enforcement, blanks) is stated in numbers, never row by row with what stood in it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from biodata.core.errors import Refusal
from biodata.ingest import interpreted_tables, open_source, survey_shapes
from biodata.ingest.protocol import Finding, VerbatimTable, of_another
from biodata.ingest.survey_shapes import SurveyTable
from biodata.surveys.table_checks import DATASET

_ENCODED: Final = ("dwca", "detections", "wildlife-insights", "kobo")
_PLAIN: Final = re.compile(r"[\d\s.,:+\-/TZ]{1,60}")
_PEOPLE: Final = re.compile(
    r"(?i)people|person|user|name$|email|phone|setupBy|classifiedBy|recordedBy|identifiedBy|By(ID)?$|_by$|contributor|observer"
)
MAX_BYTES: Final = 500_000_000  # what an archive that is only checked may unpack to, pictures left out
Files = Sequence[tuple[str, Path]]  # what a person calls each file, and where it lies


@contextmanager
def placed(files: Sequence[tuple[str, bytes]]) -> Iterator[Files]:
    """Give contents as files for as long as the block lasts; what a sender calls one is no path."""
    with TemporaryDirectory(prefix="biodata-check-") as folder:
        named = [(name, Path(folder) / f"{number}.upload") for number, (name, _) in enumerate(files)]
        for (_, path), (_, content) in zip(named, files, strict=True):
            path.write_bytes(content)
        yield named


def renamed(file: str | None, files: Files) -> str | None:
    """Return what a person calls a file, or a member of it, that an error names by where it lies."""
    for name, path in files:
        if file is not None and (file in (path.name, str(path)) or file.startswith(f"{path.name}/")):
            return name + file.removeprefix(str(path.parent) + "/").removeprefix(path.name)
    return file


def take(
    files: Files, source: str, target: Path, *, dataset: str | None, licence: str | None, encoding: str | None,
    kept: Mapping[str, str],
) -> list[VerbatimTable]:  # fmt: skip
    """Write what comes in of files to `target` (`ingest.interpreted_tables`); return the tables with what was found of them."""
    options = {"encoding": encoding} if encoding is not None and source in _ENCODED else {}
    options |= {"headings": json.dumps(dict(kept))} if kept and source == "kobo" else {}
    opened = open_source(source, [path for _, path in files], dataset=dataset or DATASET, options=options)
    return interpreted_tables.write(target, (_safe_table(table, dataset, files, licence) for table in opened.read()))


def sheets_of(table: VerbatimTable) -> Iterator[SurveyTable]:
    """Yield the batches of a table, file by file, as tables that are checked."""
    for batch in table.batches:
        for frame in batch.partition_by("source_file", maintain_order=True):
            sheets = frame["source_sheet"].drop_nulls() if "source_sheet" in frame.columns else ()
            sheet = table.sheet or next(iter(sheets), None)
            file = frame["source_file"][0] or table.name
            cells = frame.drop("source_file", "source_sheet", strict=False).select("source_row", pl.col(pl.String))
            headings = {name: table.headings.get(name, name) for name in cells.columns[1:]}
            yield SurveyTable(table.kind, file, sheet, 1, cells, headings, declarations=dict(table.declarations))


def undescribed(table: VerbatimTable, files: Files) -> Iterator[Finding]:
    """Find a description of the dataset that could not be read; the records are what they are without it."""
    for file in (renamed(one.file, files) or one.file for one in table.repairs if one.code == "METADATA_INVALID"):
        yield Finding(file, None, None, None, None, "PROPERTY_INVALID", False, {"expected": "EML"})


def _safe_table(table: VerbatimTable, dataset: str | None, files: Files, licence: str | None) -> VerbatimTable:
    """Return a table whose rows all are the dataset's, with files as a person calls them, and findings that show nobody."""
    columns: set[str] = set(table.headings.values())
    if licence is not None:
        survey_shapes.fill_licence(table, licence)

    def batches(given: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for batch in given:
            columns.update(batch.columns)
            names = {one: renamed(one, files) for one in batch["source_file"].unique().drop_nulls()}
            file = pl.col("source_file").replace_strict(names, default=None, return_dtype=pl.String)
            named = batch.with_columns(file)
            if dataset is not None and "datasetKey" in batch.columns:
                other = named.filter(of_another(dataset)).select("source_file", "source_row").head(1)
                for file_name, row in other.iter_rows():
                    table.findings.append(Finding(file_name, None, row, "datasetKey", None, "DATASET_OTHER", True))
            yield named.drop("datasetKey", strict=False)
        table.findings[:] = [_safe(one, columns, files) for one in [*table.findings, *_of_refusals(table.refusals)]]
        table.refusals.clear()
        table.notes[:] = [note for note in table.notes if not re.search(r", value |row \d+, column ", note)]

    if table.dataset.title in {name for _, path in files for name in (path.stem, path.parent.name)}:
        # A source that finds no title takes the file's name: of what is sent that is a number of ours.
        table.dataset = replace(table.dataset, title=None)
    table.batches = batches(table.batches)
    table.complete, table.gone, table.datasets = False, [], {}
    return table


def _of_refusals(refusals: Sequence[Refusal]) -> Iterator[Finding]:
    messages = {one.code: one.message for one in reversed(refusals)}
    for (file, code), count in Counter((one.file, one.code) for one in refusals if one.by_rule).items():
        yield Finding(file, None, None, None, None, code, False, {"count": str(count), "message": messages[code]})
    for one in refusals:
        if not one.by_rule:
            yield Finding(one.file, None, one.row, one.column, one.value, one.code, True, {"message": one.message})


def _safe(finding: Finding, columns: set[str], files: Files) -> Finding:
    """Return a finding without its value, unless the cell is one that comes in, or holds figures and is of nobody."""
    column = finding.column or ""
    may_show = column in columns or _PLAIN.fullmatch(finding.value or "") is not None
    value = finding.value if may_show and not _PEOPLE.search(column) else None
    return replace(finding, file=renamed(finding.file, files) or finding.file, value=value)
