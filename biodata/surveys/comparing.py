"""Two states of a table, row by row: which rows are new, changed, renamed, gone or unchanged, and in which cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.surveys.renames import find_likely, find_renames, find_shifted
from biodata.surveys.site_renames import without_pairs

SAME: Final = "same"
"""The answer that rows under another identifier are the same ones."""
NEW: Final = "new"
"""The answer that they are others, which are alike."""
LINKS: Final = ("=eventID", "=parentEventID")


@dataclass(frozen=True)
class Compared:
    """What two states of a table differ in.

    Attributes
    ----------
    rows : polars.DataFrame
        `kind` (new, changed, renamed, gone, unchanged), `identifier`, `before`, `sheet`, `row`, `was_row`, `event`,
        `event_before`.
    cells : polars.DataFrame
        `identifier`, `sheet`, `row`, `column`, `before`, `after` of each changed cell.
    pairs : polars.DataFrame
        Rows that the dataset may have under another identifier, as `renames` tells them.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    pairs: pl.DataFrame

    def links(self, *, likely: bool) -> dict[str, str]:
        """Return the new identifier of each row that has another one, by the old one; likely ones where they are wanted."""
        wanted = ("same", "fewer", "changed") if likely else ("same",)
        found = self.pairs.filter(pl.col("how").is_in(wanted))
        return dict(found.select("was", "identifier").iter_rows())


@dataclass(frozen=True)
class Question:
    """How a table is compared.

    Attributes
    ----------
    whole : bool
        The upload is the whole state.
    answer : str or None
        What its sender said about rows under another identifier: `SAME`, `NEW`, or nothing.
    links : mapping of str to str
        Events that have another identifier, by the old one.
    """

    whole: bool
    answer: str | None
    links: Mapping[str, str] = field(default_factory=dict)


def compare(had: pl.DataFrame, brought: pl.DataFrame, asked: Question, *, own: Sequence[str]) -> Compared:
    """Compare two states of a table, told by identifiers; `own` are the terms that identify its rows."""
    had, brought = _same_columns(had, brought)
    cells = [name for name in brought.columns if name.startswith("=")]
    identifying = [f"={name}" for name in own]
    linked = _linked(had.with_columns(before=pl.col("identifier")), asked.links, but=identifying)
    pairs = _pairs(linked, brought, asked, identifying)
    taken = _taken(pairs, asked)
    moved = dict(taken.select("was", "identifier").iter_rows())
    followed = _linked(linked, moved, but=identifying) if "=eventID" in identifying else linked
    followed = followed.with_columns(pl.col("identifier").replace(moved))
    known = brought.join(followed.select("identifier", "before", was_row="row"), on="identifier", maintain_order="left")
    fresh = brought.join(followed.select("identifier"), on="identifier", how="anti")
    gone = followed.join(brought.select("identifier"), on="identifier", how="anti")
    changes = _own_left_out(_changed_cells(followed, known, cells), taken, identifying)
    raw = had.with_columns(pl.col("identifier").replace(moved))
    follows = _own_left_out(_changed_cells(raw, known, cells), taken, identifying)
    follows = follows.join(changes, on=["identifier", "column"], how="anti")
    touched, following = changes["identifier"].unique(), follows["identifier"].unique()
    kind = (
        pl.when(pl.col("identifier").is_in(touched.implode()))
        .then(pl.lit("changed"))
        .when((pl.col("identifier") != pl.col("before")) | pl.col("identifier").is_in(following.implode()))
        .then(pl.lit("renamed"))
        .otherwise(pl.lit("unchanged"))
        .alias("kind")
    )
    rows = pl.concat(
        [
            known.select(kind, "identifier", "before", "sheet", "row", "was_row"),
            fresh.select(pl.lit("new").alias("kind"), "identifier", "sheet", "row"),
            gone.select(pl.lit("gone").alias("kind"), "before", was_row="row"),
        ],
        how="diagonal",
    )
    events = follows.select("identifier", "column", event_before="before", event="after")
    rows = rows.join(events.unique("identifier", keep="first").drop("column"), on="identifier", how="left")
    rows = rows.sort("row", "was_row", "before", nulls_last=True)
    of_changed = follows.filter(pl.col("identifier").is_in(touched.implode()))
    told = pl.concat([changes, of_changed]).sort("row", "column", maintain_order=True)
    return Compared(rows, told, pairs)


def _pairs(linked: pl.DataFrame, brought: pl.DataFrame, asked: Question, own: Sequence[str]) -> pl.DataFrame:
    """Return the rows that the dataset may have under another identifier."""
    known = brought.join(linked.select("identifier"), on="identifier", how="semi")
    fresh = brought.join(linked.select("identifier"), on="identifier", how="anti")
    absent = linked.join(brought.select("identifier"), on="identifier", how="anti")
    parents = "=parentEventID" in linked.columns and "=eventID" in own
    found = find_renames(absent, fresh, without=own)
    # A part is known again when the event that it is a part of is.
    while parents:
        links = dict(found.select("was", "identifier").iter_rows())
        again = find_renames(_linked(absent, links, but=own), fresh, without=own)
        more = again.height > found.height
        found = again if more else found
        if not more:
            absent = _linked(absent, links, but=own)
            break
    rest, left = without_pairs(fresh, found, "identifier"), without_pairs(absent, found, "was")
    retold = not known.is_empty() or not found.is_empty()
    if asked.whole:  # nothing comes in twice of what is not told again
        return found
    likely = find_likely(left, rest, without=own, retold=retold)
    further = likely
    while parents and further.height:
        links = dict(likely.select("was", "identifier").iter_rows())
        left = _linked(without_pairs(left, further, "was"), links, but=own)
        rest = without_pairs(rest, further, "identifier")
        further = find_renames(left, rest, without=own).with_columns(how=pl.lit("changed"))
        likely = pl.concat([likely, further])
    left = without_pairs(left, likely, "was")
    changed = _changed_cells(linked, known, [name for name in known.columns if name.startswith("=")])
    changed_rows = known.filter(pl.col("identifier").is_in(changed["identifier"].implode()))
    return pl.concat([found, likely, find_shifted(left, changed_rows, without=own)])


def _taken(pairs: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """Return the pairs that are told as one row: what is certain, and with its sender's word what is likely."""
    if asked.answer == NEW:
        return pairs.clear()
    wanted = ("same", "fewer", "changed") if asked.answer == SAME else ("same",)
    return pairs.filter(pl.col("how").is_in(wanted))


def _linked(frame: pl.DataFrame, links: Mapping[str, str], *, but: Sequence[str]) -> pl.DataFrame:
    """Return rows whose events have the identifiers that they have now."""
    if not links:
        return frame
    names = [name for name in LINKS if name in frame.columns and name not in but]
    return frame.with_columns(pl.col(name).str.strip_chars().replace(dict(links)) for name in names)


def _own_left_out(cells: pl.DataFrame, pairs: pl.DataFrame, own: Sequence[str]) -> pl.DataFrame:
    """Leave out the identifiers of rows that are told as renamed."""
    identifying = pl.col("column").is_in([name.removeprefix("=") for name in own])
    return cells.filter(~(identifying & pl.col("identifier").is_in(pairs["identifier"].implode())))


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
    both = brought.select("identifier", "sheet", "row", *cells).join(
        had.select("identifier", *cells), on="identifier", how="inner", suffix=" before", maintain_order="left"
    )
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
