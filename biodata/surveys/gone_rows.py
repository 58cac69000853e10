"""Of which survey the rows were that an upload takes away, and what everybody knows them by: nothing else of them is named."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access.roles import Principal
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.surveys import seeing, standing
from biodata.surveys.difference import Difference, TableDifference

_NOBODY: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


def told(
    found: Difference, registry: Registry, lake: Lake, *, published: Mapping[str, Collection[str]] = _NOBODY
) -> Difference:
    """Return a difference that tells of each row that goes its survey, and whether what it was called is published.

    Parameters
    ----------
    found : Difference
    registry : Registry
        Which file was whose.
    lake : Lake
        Which survey wrote a row last; where `compaction` gave that up, the file's name tells it.
    published : mapping
        Identifiers by table, `events` and `occurrences`, that the current release tells.
    """
    with registry.session(read_only=True) as session:
        rows = session.execute(
            select(Submission.file_sha256, Submission.id)
            .where(Submission.dataset == found.dataset, Submission.dataset_version.is_not(None))
            .order_by(Submission.id)
        )
        numbers = {str(checksum): int(number) for checksum, number in rows}

    def of(table: TableDifference, kind: str) -> TableDifference:
        shown = pl.col("before").is_in(list(published.get(kind, ())))
        file = pl.col("was_file").str.split(".").list.first()  # a survey's file is called by its checksum
        by_name = file.replace_strict(numbers, default=None, return_dtype=pl.Int64)
        if not table.gone():
            return replace(table, rows=table.rows.with_columns(shown=shown))
        wrote = standing.wrote_last(lake, kind, found.dataset, numbers.values())
        rows = table.rows.join(wrote, left_on="before", right_on="identifier", how="left", maintain_order="left")
        survey = pl.when(pl.col("kind") == "gone").then(pl.coalesce("of", by_name))
        return replace(table, rows=rows.with_columns(survey=survey, shown=shown).drop("of"))

    return replace(found, events=of(found.events, "events"), occurrences=of(found.occurrences, "occurrences"))


def file_names(session: Session, who: Principal | None, goes: Sequence[Mapping[str, int | None]]) -> dict[int, str]:
    """Return what the files of the surveys are called of which rows go (`Difference.goes`), by the surveys' numbers.

    Left out is what does not concern somebody; `who` is None for whoever runs the service.
    """
    numbers = [one["survey"] for one in goes if one["survey"] is not None]
    found = session.scalars(select(Submission).where(Submission.id.in_(numbers)))
    return {one.id: one.file_name for one in found if who is None or seeing.concerns(who, one)}
