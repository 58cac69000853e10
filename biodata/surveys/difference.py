"""What an upload would change: records and events that are new, changed cell by cell, renamed, gone or unchanged.

Compared is what people wrote, cell by cell (the verbatim layer), never what was made of it: a new version of our rules
changes no survey.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
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
from biodata.surveys.comparing import LINKS, NEW, Compared, Question, compare
from biodata.surveys.kept_reports import PLACE_LIKE
from biodata.surveys.shown_cells import tell_nothing
from biodata.surveys.site_renames import tell_counted

_IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
_SHOWN: Final = 1_000
"""Rows of each kind that a report holds; `--out` writes all."""

_CSV: Final = (
    "kind", "sheet", "row", "identifier", "column", "before", "after", "event", "event_before", "was_row", "was_sheet",
    "survey",
)  # fmt: skip
_TERMS: Final = sorted({*terms.VERBATIM_TERMS, *terms.EVENT_TERMS})
OTHER_COLUMN: Final = "another column"
"""Stands for a heading that may be a cell of the file."""
KINDS: Final = ("new", "changed", "renamed", "gone", "unchanged")


@dataclass(frozen=True)
class Corrected:
    """A survey that an upload is a corrected version of.

    Attributes
    ----------
    number : int
        The survey.
    rows : mapping of str to polars.Series
        What the `events` and `occurrences` are called that it alone says (`correcting.said_alone`).
    """

    number: int
    rows: Mapping[str, pl.Series]


@dataclass(frozen=True)
class TableDifference:
    """What would become of the records, or the events, of a dataset.

    Attributes
    ----------
    rows : polars.DataFrame
        One row each: `kind` (of `KINDS`), `identifier` as the file tells it, `before` (the identifier that it had),
        `sheet` and `row` in the file, null where it is not in it, `was_row` in the file that told it last; `event` and
        `event_before` where its event has another identifier now. Of a row that goes also `was_sheet`, `survey` (the
        survey whose file that was, where it is known) and `shown`, whether what it was called is published (`goes`).
    cells : polars.DataFrame
        One row a changed cell: `identifier`, `sheet`, `row`, `column`, `before`, `after`.
    pairs : polars.DataFrame
        Rows of the file that the dataset may have under another identifier: `identifier`, `was`, `sheet`, `row`,
        `was_row`, `how` (see `renames`).
    lacking : int
        Rows of the dataset that are not in the file and stay.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    pairs: pl.DataFrame
    lacking: int = 0

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        told = dict(self.rows["kind"].value_counts().iter_rows())
        return {kind: told.get(kind, 0) for kind in KINDS}

    def renamed(self) -> dict[str, str]:
        """Return the new identifier of each row that is told as the same under another one, by the old one."""
        other = self.rows.filter(pl.col("identifier") != pl.col("before"))
        return dict(other.select("before", "identifier").iter_rows())

    def gone(self) -> list[str]:
        """Return what the rows were called that go."""
        return self.rows.filter(pl.col("kind") == "gone")["before"].drop_nulls().to_list()

    def as_dict(self, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
        """Return it as plain values for JSON, up to so many rows of a kind; without values it tells where, never what."""
        told: dict[str, Any] = {
            "counts": self.counts(), "lacking": self.lacking, "renamed_identifiers": len(self.renamed())
        }  # fmt: skip
        renamed = _what_is_renamed().alias("renamed")
        # Of a row that is in no file any more its place in the earlier one is told, and what everybody knows it by.
        known_by = "before" if values else pl.when(pl.col("shown")).then("before").alias("before")
        # What others called a sheet may be a place.
        was_sheet = pl.col("was_sheet")
        sheet = was_sheet if values else pl.when(~was_sheet.str.contains(PLACE_LIKE.pattern)).then(was_sheet)
        columns: dict[str, list[str | pl.Expr]] = {
            "new": ["sheet", "row"], "renamed": ["sheet", "row", "was_row", renamed],
            "gone": ["survey", sheet.alias("was_sheet"), "was_row", known_by],
        }  # fmt: skip
        named = {"new": ["identifier"], "renamed": ["identifier", "before", "event", "event_before"], "gone": []}
        cut = False
        for kind, shown in columns.items():
            rows = self.rows.filter(pl.col("kind") == kind)
            cut |= most is not None and rows.height > most
            told[kind] = rows.slice(0, most).select(*shown, *(named[kind] if values else []), *_sides(rows)).to_dicts()
        # A heading that is no term may be a row of data that was taken for headings.
        cells = self.cells if values else self.cells.with_columns(_term().alias("column"))
        shown_cells = cells.slice(0, most)
        told["changed"] = (shown_cells if values else _without_values(shown_cells)).to_dicts()
        columns_told = cells["column"].value_counts().sort("column").iter_rows()
        told["changed_cells"] = dict(columns_told)
        likely = self.pairs.filter(pl.col("how") != "same").slice(0, most)
        told["likely"] = likely.select(
            "sheet", "row", "was_row", "how", *(["identifier", "was"] if values else []), *_sides(likely)
        ).to_dicts()
        told["all_told"] = not cut and shown_cells.height == self.cells.height
        return told


@dataclass(frozen=True)
class Difference:
    """What an upload would change of a dataset.

    Attributes
    ----------
    dataset : str
        The dataset.
    whole : bool
        The upload is its whole state, or that of the survey that it corrects, and what it does not hold goes; else that
        stays.
    answer : str or None
        What its sender said about rows that the dataset has under another identifier: `same`, `new`, or nothing yet.
    events, occurrences : TableDifference
        Of each.
    left : int
        Records and events that stay, though the event that they belong to has another identifier in the upload.
    corrects : int, optional
        The survey that it is a corrected version of: rows of others are not looked at.
    """

    dataset: str
    whole: bool
    answer: str | None
    events: TableDifference
    occurrences: TableDifference
    left: int
    corrects: int | None = None

    def asked(self) -> int:
        """Return how many rows of an upload that adds the dataset may have under another identifier."""
        return 0 if self.whole else self.events.pairs.height + self.occurrences.pairs.height

    def shifted(self) -> int:
        """Return how many rows tell under another row's identifier what the dataset has under their own."""
        return sum(int((one.pairs["how"] == "shifted").sum()) for one in (self.events, self.occurrences))

    def fingerprint(self, secret: bytes) -> str | None:
        """Return what stands for the rows that are asked about; None where nothing is asked. It tells none of them."""
        if not self.asked():
            return None
        pairs = [one.pairs.select("was", "identifier", "how").sort("was", "identifier").rows() for one in
                 (self.events, self.occurrences)]  # fmt: skip
        return hmac.digest(secret, json.dumps([pairs, self.left > 0]).encode(), "sha256").hex()

    def as_dict(self, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
        """Return it as plain values for JSON, up to so many rows of a kind; without values it tells where, never what."""
        told = {
            "dataset": self.dataset,
            "whole": self.whole,
            "events": self.events.as_dict(values=values, most=most),
            "occurrences": self.occurrences.as_dict(values=values, most=most),
        }
        if self.corrects is not None:
            told["corrects"] = self.corrects
        if goes := self.goes():
            told["goes"] = goes
        if self.asked():
            told["renamed"] = {"answer": self.answer, "count": self.asked(), "left": self.left,
                               "shifted": self.shifted(), **self._example()}  # fmt: skip
        return told

    def goes(self) -> list[dict[str, int | None]]:
        """Return how many records and events of which survey go, by its number; None where no survey is known."""
        tables = {"occurrences": self.occurrences, "events": self.events}
        rows = pl.concat(
            one.rows.filter(pl.col("kind") == "gone").select("survey", pl.lit(name).alias("table"))
            for name, one in tables.items()
        )
        counts = (((pl.col("table") == name).sum()).alias(name) for name in tables)
        return rows.group_by("survey").agg(*counts).sort("survey", nulls_last=True).to_dicts()

    def _example(self) -> dict[str, Any]:
        """Return where the first row stands that is asked about."""
        first = pl.concat([self.occurrences.pairs, self.events.pairs]).row(0, named=True)
        return {name: first[name] for name in ("sheet", "row", "was_row")}

    def as_csv(self) -> str:
        """Return every row that would change as CSV; what a spreadsheet would take for a formula has an apostrophe."""
        tables = {"events": self.events, "occurrences": self.occurrences}
        frames = []
        for name, one in tables.items():
            rows = one.rows.filter(~pl.col("kind").is_in(("unchanged", "changed")))
            cells = one.cells.with_columns(pl.lit("changed").alias("kind"))
            likely = one.pairs.filter(pl.lit(self.answer is None) & (pl.col("how") != "same")).select(
                pl.lit("likely").alias("kind"), "sheet", "row", "identifier", "was_row", before="was"
            )
            frame = pl.concat([rows, cells, likely], how="diagonal")
            frames.append(frame.select(pl.lit(name).alias("table"), *_CSV))
        whole = pl.concat(frames)
        return whole.with_columns(
            _guarded(name) for name, kind in whole.schema.items() if kind == pl.String
        ).write_csv()


def _without_values(cells: pl.DataFrame) -> pl.DataFrame:
    """Return where cells change, and from what to what only where that tells no place and no taxon."""
    shown = tell_nothing(cells)
    told = [pl.when(shown).then(pl.col(name)).alias(name) for name in ("before", "after")]
    return cells.select("sheet", "row", "column", *told, *_sides(cells), shown=shown)


def _sides(rows: pl.DataFrame) -> list[str]:
    """Return the column of the sides that rows are told to, where that is known (`row_sides.with_sides`)."""
    return [name for name in rows.columns if name == "sides"]


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
    options: Mapping[str, str] = MappingProxyType({}), answer: str | None = None, licence: str | None = None,
    of: Callable[[Lake], Corrected] | None = None,
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
    answer : str, optional
        What the sender of an upload that adds says about rows that the dataset has under another identifier: `same`,
        they are the same ones, or `new`, they are others. Without a word those are told as renamed that are certain.
    licence : str, optional
        Of what tells none in the files.
    of : function of Lake, optional
        Tells the survey that the upload corrects, and its rows.

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
    alone is another, or that of its event, is renamed: each cell of it is as it was, and as many rows were so before. What
    is only likely the same is told as new, and as `likely`, until its sender says so.
    """
    if source is None:
        kept = all(path.suffix == taken_tables.SUFFIX for path in paths)
        source = forms.SHEETS if kept else forms.recognise(paths)
        options = options if source in (forms.SHEETS, "kobo") else {}
    brought = states.read(paths, dataset, settings, source=source, options=options, licence=licence)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        told = None if of is None else of(lake)
        return difference_of(brought, lake, dataset, complete=complete, answer=answer, of=told)


def difference_of(
    brought: Mapping[str, pl.DataFrame], lake: Lake, dataset: str, *, complete: bool, answer: str | None,
    of: Corrected | None = None,
) -> Difference:  # fmt: skip
    """Compare what a dataset has, or one survey of it, with what was read of files (`states.read`); see `difference`."""
    where = Compare("datasetKey", "=", dataset)
    events_there, records_there = lake.read("events", where=where), lake.read("verbatim", where=where)
    had_events, had_records = states.of_lake_events(events_there), states.of_lake_records(records_there)
    had_events = tell_counted(had_events, had_records)
    if of is not None:
        complete, (had_events, had_records) = True, _of_survey(had_events, had_records, brought, of)
    answer = None if complete else answer
    events = compare(
        had_events,
        tell_counted(brought["events"], brought["occurrences"]),
        Question(complete, answer),
        own=("eventID",),
    )
    links = events.links(likely=not complete)
    records = compare(had_records, brought["occurrences"], Question(complete, answer, links), own=_IDENTIFIERS)
    pairs = records.pairs  # the same ones whatever the answer is: that is about them
    if answer == NEW and links:  # new events have records of their own
        records = compare(had_records, brought["occurrences"], Question(complete, answer), own=_IDENTIFIERS)
    of_events = _table(events, events.pairs, events_there, "eventID", complete=complete)
    of_records = _table(records, pairs, records_there, states.RECORD, complete=complete)
    stay = 0 if complete else _left(of_events, had_events, of_events) + _left(of_records, had_records, of_events)
    return Difference(dataset, complete, answer, of_events, of_records, stay, None if of is None else of.number)


def _of_survey(
    events: pl.DataFrame, records: pl.DataFrame, brought: Mapping[str, pl.DataFrame], of: Corrected
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return of what a dataset has the rows that a corrected survey alone says, and those that it says still."""
    own = pl.col("identifier").is_in(of.rows["occurrences"].implode())
    said = {kind: pl.col("identifier").is_in(frame["identifier"].implode()) for kind, frame in brought.items()}
    of_own = pl.col("identifier").is_in(of.rows["events"].implode())
    # An event that what stays, or what comes, belongs to stays; and so does what it belongs to itself.
    shared = _belongs_to(records.filter(~own), events.filter(~of_own), *brought.values())
    parents = events.filter(~said["events"])  # what the file says anew names its own
    while True:
        theirs = _belongs_to(parents.filter(pl.col("identifier").is_in(shared.implode())))
        added = theirs.filter(~theirs.is_in(shared.implode()))
        if added.is_empty():
            break
        shared = pl.concat([shared, added])
    alone = of_own & ~pl.col("identifier").is_in(shared.implode())
    return events.filter(alone | said["events"]), records.filter(own | said["occurrences"])


def _belongs_to(*frames: pl.DataFrame) -> pl.Series:
    """Return the events that rows name."""
    named = [frame[name].str.strip_chars() for frame in frames for name in LINKS if name in frame.columns]
    return pl.concat(named).drop_nulls().unique() if named else pl.Series([], dtype=pl.String)


def _table(found: Compared, pairs: pl.DataFrame, there: pl.DataFrame, name: str, *, complete: bool) -> TableDifference:
    """Return what becomes of a table, with where each row that goes stood; `name` is the column that identifies its rows."""
    is_gone = pl.col("kind") == "gone"
    rows = found.rows if complete else found.rows.filter(~is_gone)
    sheet = pl.col("source_sheet") if "source_sheet" in there.columns else pl.lit(None, dtype=pl.String)
    places = there.select(pl.col(name).alias("before"), was_file="source_file", was_sheet=sheet).unique("before")
    stood = (pl.when(is_gone).then(pl.col(one)).alias(one) for one in ("was_file", "was_sheet"))
    rows = rows.join(places, on="before", how="left", maintain_order="left").with_columns(*stood)
    rows = rows.with_columns(survey=pl.lit(None, dtype=pl.Int64), shown=pl.lit(value=False))
    return TableDifference(rows, found.cells, pairs, found.rows.height - rows.height)


def _left(table: TableDifference, had: pl.DataFrame, events: TableDifference) -> int:
    """Return how many rows stay of events that have another identifier in the upload."""
    names = [name for name in LINKS if name in had.columns and not (table is events and name == "=eventID")]
    moved = events.pairs.filter(pl.col("how") != "shifted")["was"]
    told = pl.concat([table.rows["before"].drop_nulls(), table.pairs["was"]])
    staying = had.filter(~pl.col("identifier").is_in(told.implode()))
    of_them = pl.any_horizontal(
        pl.lit(value=False), *(pl.col(n).str.strip_chars().is_in(moved.implode()) for n in names)
    )
    return staying.filter(of_them).height


def _what_is_renamed() -> pl.Expr:
    """Return which identifiers of a row are others."""
    own = pl.when(pl.col("identifier") != pl.col("before")).then(pl.lit("own"))
    event = pl.when(pl.col("event").is_not_null() | pl.col("event_before").is_not_null()).then(pl.lit("event"))
    return pl.concat_str(own, event, separator=" and ", ignore_nulls=True)
