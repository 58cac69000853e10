"""What an upload would change: records and events that are new, changed cell by cell, renamed, gone or unchanged.

Compared is what people wrote, cell by cell (the verbatim layer), never what was made of it: a new version of our rules
changes no survey.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import terms
from biodata.ingest import forms, taken_tables
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.surveys import states
from biodata.surveys.renames import find_renames
from biodata.surveys.shown_cells import tell_nothing

_IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
_SHOWN: Final = 1_000
"""Rows of each kind that a report holds; `--out` writes all."""

_CSV: Final = ("kind", "sheet", "row", "identifier", "column", "before", "after")
_TERMS: Final = sorted({*terms.VERBATIM_TERMS, *terms.EVENT_TERMS})
OTHER_COLUMN: Final = "another column"
"""Stands for a heading that may be a cell of the file."""
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

    def renamed(self) -> dict[str, str]:
        """Return the new identifier of each row whose own one is another, by the old one."""
        other = self.rows.filter((pl.col("kind") == "renamed") & (pl.col("identifier") != pl.col("before")))
        return dict(other.select("before", "identifier").iter_rows())

    def as_dict(self, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
        """Return it as plain values for JSON, up to so many rows of a kind; without values it tells where, never what."""
        shown = self.rows.filter(pl.col("kind").is_in(("new", "renamed", "gone")))
        # Of an upload that adds, each of these comes in beside what it was.
        told: dict[str, Any] = {"counts": self.counts(), "renamed_identifiers": len(self.renamed())}
        for kind in ("new", "renamed", "gone"):
            rows = shown.filter(pl.col("kind") == kind).drop("kind").slice(0, most)
            told[kind] = (
                rows if values else rows.filter(pl.col("row").is_not_null()).select("sheet", "row")
            ).to_dicts()
        # A heading that is no term may be a row of data that was taken for headings.
        cells = self.cells if values else self.cells.with_columns(_term().alias("column"))
        shown_cells = cells.slice(0, most)
        told["changed"] = (shown_cells if values else _without_values(shown_cells)).to_dicts()
        columns = cells["column"].value_counts().sort("column").iter_rows()
        told["changed_cells"] = dict(columns)
        told["all_told"] = most is None or max(shown.height, self.cells.height) <= most
        return told


@dataclass(frozen=True)
class Difference:
    """What an upload would change of a dataset.

    Attributes
    ----------
    dataset : str
        The dataset.
    whole : bool
        The upload is its whole state, and what it does not hold goes; else what is told as `gone` stays, and what is
        told as `renamed` comes in beside what it was.
    events, occurrences : TableDifference
        Of each.
    """

    dataset: str
    whole: bool
    events: TableDifference
    occurrences: TableDifference

    def as_dict(self, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
        """Return it as plain values for JSON, up to so many rows of a kind; without values it tells where, never what."""
        return {
            "dataset": self.dataset,
            "whole": self.whole,
            "events": self.events.as_dict(values=values, most=most),
            "occurrences": self.occurrences.as_dict(values=values, most=most),
        }

    def as_csv(self) -> str:
        """Return every row that would change as CSV; what a spreadsheet would take for a formula has an apostrophe."""
        tables = {"events": self.events, "occurrences": self.occurrences}
        frames = []
        for name, one in tables.items():
            rows = one.rows.filter(~pl.col("kind").is_in(("unchanged", "changed")))
            cells = one.cells.with_columns(pl.lit("changed").alias("kind"))
            frame = pl.concat([rows, cells], how="diagonal")
            frames.append(frame.select(pl.lit(name).alias("table"), *_CSV))
        whole = pl.concat(frames)
        return whole.with_columns(
            _guarded(name) for name, kind in whole.schema.items() if kind == pl.String
        ).write_csv()


def _without_values(cells: pl.DataFrame) -> pl.DataFrame:
    """Return where cells change, and from what to what only where that tells no place and no taxon."""
    shown = tell_nothing(cells)
    told = [pl.when(shown).then(pl.col(name)).alias(name) for name in ("before", "after")]
    return cells.select("sheet", "row", "column", *told, shown=shown)


def _term() -> pl.Expr:
    """Return the column's heading where it is a term, else that it is another."""
    return pl.when(pl.col("column").is_in(_TERMS)).then("column").otherwise(pl.lit(OTHER_COLUMN))


def _guarded(name: str) -> pl.Expr:
    """Return a column whose cells no spreadsheet runs."""
    cell = pl.col(name)
    return (
        pl.when(cell.str.contains(r"^[=+\-@\t\r]")).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell).alias(name)
    )


def difference(
    paths: Sequence[Path], dataset: str, settings: Settings, *, complete: bool = False, source: str | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Difference:  # fmt: skip
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
    source : str, optional
        How it is read, a name of `biodata.ingest.SOURCES`; told by what the files hold where nothing is given.
    options : mapping of str to str
        What its source is told besides.

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
    if source is None:
        kept = all(path.suffix == taken_tables.SUFFIX for path in paths)
        source = forms.SHEETS if kept else forms.recognise(paths)
        options = options if source in (forms.SHEETS, "kobo") else {}
    brought = states.read(paths, dataset, settings, source=source, options=options)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        where = Compare("datasetKey", "=", dataset)
        had_events = states.of_lake_events(lake.read("events", where=where))
        had_records = states.of_lake_records(lake.read("verbatim", where=where))
    events = _compare(had_events, brought["events"], own=("eventID",), links={})
    records = _compare(had_records, brought["occurrences"], own=_IDENTIFIERS, links=events.renamed())
    return Difference(dataset, complete, events, records)


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
