"""What an upload would change: records and events that are new, changed cell by cell, renamed, gone or unchanged.

Compared is what people wrote, cell by cell (the verbatim layer), never what was made of it: a new version of our rules
changes no survey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from biodata.harmonise.identity import Identities
from biodata.harmonise.told import Told
from biodata.ingest import open_source
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.secret import secret
from biodata.surveys.renames import find_renames, renamed_events

_RECORD: Final = "source_record_id"
_IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
_PLACE: Final = ("source_file", "source_sheet", "source_row")
_SHOWN: Final = 1_000
"""Rows of each kind that a report holds; `--out` writes all."""

KINDS: Final = ("new", "changed", "renamed", "gone", "unchanged")


@dataclass(frozen=True)
class TableDifference:
    """What would become of the records, or the events, of a dataset.

    Attributes
    ----------
    rows : polars.DataFrame
        One row each: `kind` (of `KINDS`), `identifier` as the file tells it, `before` (the identifier that it had, where
        it is renamed or gone), `sheet` and `row` in the file, null where it is not in it.
    cells : polars.DataFrame
        One row a changed cell: `identifier`, `sheet`, `row`, `column`, `before`, `after`.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        told = dict(self.rows["kind"].value_counts().iter_rows())
        return {kind: told.get(kind, 0) for kind in KINDS}

    def as_dict(self, *, values: bool = True) -> dict[str, Any]:
        """Return it as plain values for JSON; without values it tells where, and never what."""
        shown = self.rows.filter(pl.col("kind").is_in(("new", "renamed", "gone")))
        told: dict[str, Any] = {"counts": self.counts()}
        for kind in ("new", "renamed", "gone"):
            rows = shown.filter(pl.col("kind") == kind).drop("kind").head(_SHOWN)
            told[kind] = (
                rows if values else rows.filter(pl.col("row").is_not_null()).select("sheet", "row")
            ).to_dicts()
        cells = self.cells.head(_SHOWN)
        told["changed"] = (cells if values else cells.select("sheet", "row", "column")).to_dicts()
        columns = self.cells["column"].value_counts().sort("column").iter_rows()
        told["changed_cells"] = dict(columns)
        told["complete"] = shown.height <= _SHOWN and self.cells.height <= _SHOWN
        return told


@dataclass(frozen=True)
class Difference:
    """What an upload would change of a dataset.

    Attributes
    ----------
    dataset : str
        The dataset.
    whole : bool
        The upload is its whole state, and what it does not hold goes; else what is told as `gone` stays.
    events, occurrences : TableDifference
        Of each.
    """

    dataset: str
    whole: bool
    events: TableDifference
    occurrences: TableDifference

    def as_dict(self, *, values: bool = True) -> dict[str, Any]:
        """Return it as plain values for JSON; without values it tells where, and never what."""
        return {
            "dataset": self.dataset,
            "whole": self.whole,
            "events": self.events.as_dict(values=values),
            "occurrences": self.occurrences.as_dict(values=values),
        }


def difference(
    paths: Sequence[Path], dataset: str, settings: Settings, *, complete: bool = False, source: str = "survey"
) -> Difference:
    """Compare what a dataset has with what files would bring; nothing is changed.

    Parameters
    ----------
    paths : sequence of Path
        The upload.
    dataset : str
        Key of the dataset.
    settings : Settings
        The installation.
    complete : bool
        The upload is the dataset's whole state: what is not in it goes.
    source : str
        How it is read, a name of `biodata.ingest.SOURCES`.

    Returns
    -------
    Difference

    Raises
    ------
    InputError
        If a file cannot be read.

    Notes
    -----
    Of rows with the same identifier in the upload the first counts, as it does when it is taken in. A row whose identifier
    alone is another, or that of its event, is renamed: each cell of it is as it was, and as many rows were so before.
    """
    brought = _read(paths, dataset, settings, source)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        where = Compare("datasetKey", "=", dataset)
        had_events = _of_lake_events(lake.read("events", where=where))
        had_records = _of_lake_records(lake.read("verbatim", where=where))
    events = _compare(had_events, brought["events"], own=("eventID",), links={})
    links = renamed_events(events.rows)
    records = _compare(had_records, brought["occurrences"], own=_IDENTIFIERS, links=links)
    return Difference(dataset, complete, events, records)


def _read(paths: Sequence[Path], dataset: str, settings: Settings, source: str) -> dict[str, pl.DataFrame]:
    """Return what files bring: `identifier`, where each row stands, and its cells; of events and of records."""
    identities = Identities(secret(settings.data))
    found: dict[str, list[pl.DataFrame]] = {"events": [], "occurrences": []}
    for table in open_source(source, paths, dataset=dataset).read():
        for batch in table.batches:
            if table.kind == "events":
                found["events"].append(_events(batch))
            elif table.kind == "occurrences":
                found["occurrences"].append(_records(batch, identities, dataset, table.sheet))
    return {kind: _first(pl.concat(frames, how="diagonal")) if frames else _nothing() for kind, frames in found.items()}


def _events(batch: pl.DataFrame) -> pl.DataFrame:
    """Return a batch of events; one that nothing identifies is refused, and changes nothing."""
    if "eventID" not in batch.columns:
        return _nothing()
    if "source_sheet" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("source_sheet"))
    identifier = pl.col("eventID").str.strip_chars()
    cells = _cells(batch, leave=("samplingPerformedBy",))  # which is never kept
    frame = batch.select(identifier.alias("identifier"), sheet="source_sheet", row="source_row").hstack(cells)
    return frame.filter(pl.col("identifier").is_not_null() & (pl.col("identifier") != ""))


def _records(batch: pl.DataFrame, identities: Identities, dataset: str, sheet: str | None) -> pl.DataFrame:
    """Return a batch of records of the dataset; one that nothing identifies is refused, and changes nothing."""
    batch = batch.drop("source_sheet", strict=False)
    found, kept, _ = identities.assign(Told(batch), dataset_key=dataset)
    frame = pl.DataFrame([found.columns[_RECORD].alias("identifier"), batch["source_row"].alias("row")])
    frame = frame.with_columns(pl.lit(sheet, dtype=pl.String).alias("sheet")).hstack(_cells(batch, leave=()))
    return frame.filter(kept & (found.columns["datasetKey"] == dataset))


def _cells(batch: pl.DataFrame, *, leave: Sequence[str]) -> pl.DataFrame:
    """Return the cells of a batch as columns that begin with `=`, so that no heading meets a name of ours."""
    names = [name for name in batch.columns if name not in (*_PLACE, *leave)]
    return batch.select(pl.col(name).cast(pl.String).alias(f"={name}") for name in names)


def _first(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the first row of each identifier."""
    return frame.unique("identifier", keep="first", maintain_order=True)


def _nothing() -> pl.DataFrame:
    """Return a table of no rows."""
    return pl.DataFrame(schema={"identifier": pl.String, "sheet": pl.String, "row": pl.Int64})


def _of_lake_records(verbatim: pl.DataFrame) -> pl.DataFrame:
    """Return the records that a dataset has; a withdrawn one has no identifier any more."""
    filled = [
        name for name in verbatim.columns if name.startswith("v_") and verbatim[name].null_count() < verbatim.height
    ]
    frame = verbatim.select(
        pl.col(_RECORD).alias("identifier"),
        pl.lit(None, dtype=pl.String).alias("sheet"),
        pl.col("source_row").alias("row"),
        *(pl.col(name).alias(f"={name.removeprefix('v_')}") for name in filled),
        "other",
    )
    return _opened(frame, "other").filter(pl.col("identifier").is_not_null())


def _of_lake_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that a dataset has."""
    frame = events.select(
        pl.col("eventID").alias("identifier"), sheet="source_sheet", row="source_row", verbatim="verbatim"
    )
    return _opened(frame, "verbatim").filter(pl.col("identifier").is_not_null())


def _opened(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a frame with the cells of a JSON object as columns of their own."""
    told = frame[column].drop_nulls().unique()
    if told.is_empty():
        return frame.drop(column)
    names = sorted({name for text in told for name in _keys(text)})
    shape = pl.Struct(dict.fromkeys(names, pl.String))
    cells = frame[column].fill_null("{}").str.json_decode(shape).struct.unnest()
    cells = cells.rename({name: f"={name}" for name in cells.columns})
    return frame.drop(column).hstack(cells.select(name for name in cells.columns if name not in frame.columns))


def _keys(text: str) -> list[str]:
    """Return the names of a JSON object."""
    return list(orjson.loads(text))


def _compare(had: pl.DataFrame, brought: pl.DataFrame, *, own: Sequence[str], links: dict[str, str]) -> TableDifference:
    """Compare two states of a table, told by identifiers."""
    had, brought = _same_columns(had, brought)
    cells = [name for name in brought.columns if name.startswith("=")]
    linked = had
    if links and "=eventID" in had.columns:
        linked = had.with_columns(pl.col("=eventID").str.strip_chars().replace(links))
    known = brought.join(had.select("identifier"), on="identifier", how="semi")
    fresh = brought.join(had.select("identifier"), on="identifier", how="anti")
    absent = linked.join(brought.select("identifier"), on="identifier", how="anti")
    pairs = find_renames(absent, fresh, without=[f"={name}" for name in own])
    fresh = fresh.join(pairs.select("identifier"), on="identifier", how="anti")
    gone = absent.join(pairs.select(identifier="was"), on="identifier", how="anti")
    changes = _changed_cells(linked, known, cells)
    follows = _changed_cells(had, known, cells).join(changes, on=["identifier", "column"], how="anti")
    touched = changes["identifier"].unique()
    following = follows.filter(~pl.col("identifier").is_in(touched.implode()))["identifier"].unique()
    kind = (
        pl.when(pl.col("identifier").is_in(touched.implode()))
        .then(pl.lit("changed"))
        .when(pl.col("identifier").is_in(following.implode()))
        .then(pl.lit("renamed"))
        .otherwise(pl.lit("unchanged"))
    )
    nobody = pl.lit(None, dtype=pl.String)
    rows = pl.concat(
        [
            known.select(kind.alias("kind"), "identifier", pl.col("identifier").alias("before"), "sheet", "row"),
            fresh.select(pl.lit("new").alias("kind"), "identifier", nobody.alias("before"), "sheet", "row"),
            pairs.select(pl.lit("renamed").alias("kind"), "identifier", pl.col("was").alias("before"), "sheet", "row"),
            gone.select(
                pl.lit("gone").alias("kind"), nobody.alias("identifier"), pl.col("identifier").alias("before"),
                nobody.alias("sheet"), pl.lit(None, dtype=pl.Int64).alias("row"),
            ),
        ]
    )  # fmt: skip
    return TableDifference(rows.sort("row", "before", nulls_last=True), changes)


def _same_columns(had: pl.DataFrame, brought: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give both states the same cells: what one has no heading for is empty in it."""

    def completed(frame: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
        lacking = [name for name in other.columns if name not in frame.columns]
        return frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in lacking)

    whole = completed(brought, had)
    return completed(had, brought).select(whole.columns), whole


def _changed_cells(had: pl.DataFrame, brought: pl.DataFrame, cells: Sequence[str]) -> pl.DataFrame:
    """Return the cells that differ between rows of one identifier, by row and column of the upload."""
    schema = {"identifier": pl.String, "sheet": pl.String, "row": pl.Int64, "column": pl.String, "before": pl.String,
              "after": pl.String}  # fmt: skip
    both = brought.join(had.drop("sheet", "row"), on="identifier", how="inner", suffix=" before", maintain_order="left")
    found = [
        both.lazy()
        .filter(_told(pl.col(name)).ne_missing(_told(pl.col(f"{name} before"))))
        .select(
            "identifier", "sheet", "row", pl.lit(name.removeprefix("=")).alias("column"),
            pl.col(f"{name} before").alias("before"), pl.col(name).alias("after"),
        )
        for name in cells
    ]  # fmt: skip
    if not found:
        return pl.DataFrame(schema=schema)
    return pl.concat(pl.collect_all(found)).sort("row", "column", maintain_order=True)


def _told(cell: pl.Expr) -> pl.Expr:
    """Return a cell as it is compared: empty and missing are the same."""
    return pl.when(cell != "").then(cell)
