"""Identifiers of a survey that stand in another part of its dataset already: each is a fault, named with both places."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.ingest import taken_tables
from biodata.ingest.protocol import Finding
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.surveys.problems import Problem, problem_of
from biodata.surveys.states import RECORD

_CODE: Final = "IDENTIFIER_IN_TWO_PARTS"
_TABLES: Final = (("occurrences", RECORD, "occurrenceID"), ("events", "eventID", "eventID"))
_ONE_BY_ONE: Final = 10  # of more rows in one other part it is told once, at the first: the file is that part's


def problems_of_published(
    path: Path, name: str, published: Mapping[str, Collection[str]], parts: Collection[str], language: str
) -> list[Problem]:
    """Return the rows of a new part's tables (`ingest.taken_tables`) whose identifiers the release has of the dataset's parts.

    It is for whoever may not open the lake; what is not published under its own identifier the worker finds.
    """
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in taken_tables.read(path, dataset=None):
        term = "eventID" if table.kind == "events" else "occurrenceID"
        for batch in (one for one in table.batches if term in one.columns):
            sheet = pl.col("source_sheet") if "source_sheet" in batch.columns else pl.lit(table.sheet, pl.String)
            rows = batch.filter(pl.col(term).is_in(list(published[table.kind])))
            found.setdefault(term, []).extend(rows.select(term, sheet, "source_row", other=None).iter_rows())
    return [one for term, rows in found.items() for one in _told(name, term, rows, " / ".join(sorted(parts)), language)]


def problems(brought: Mapping[str, pl.DataFrame], lake: Lake, submission: Submission) -> list[Problem]:
    """Return the rows of a submission's file (`states.Brought`) whose identifiers another part of the dataset has."""
    where = Compare("datasetKey", "=", submission.dataset)
    found: list[Problem] = []
    for table, name, term in _TABLES:
        had = lake.read(table, columns=[name, "dataset_part", "source_row"], where=where)
        had = had.filter(~pl.col("dataset_part").eq_missing(submission.part)).rename({name: "identifier"})
        rows = brought[table].select("identifier", "sheet", "row").join(had, on="identifier", maintain_order="left")
        for (part,), both in rows.group_by("dataset_part", maintain_order=True):
            found += _told(submission.file_name, term, both.drop("dataset_part").rows(), str(part or ""), "en")
    return found


def _told(file: str, term: str, rows: Sequence[tuple[Any, ...]], part: str, language: str) -> list[Problem]:
    """Return rows (identifier, sheet, row, row in the other part) as problems; of many rows the first, with their number."""
    many, found = len(rows) > _ONE_BY_ONE, []
    for identifier, sheet, row, other in rows[:1] if many else rows:
        more = {"count": str(len(rows))} if many else {"other_row": str(other or "-")}
        finding = Finding(file, sheet, row, term, identifier, _CODE, True, {"part": part or "-", **more})
        found.append(problem_of(finding, language))
    return found
