"""What an upload would change: the rows of its part that are new, changed cell by cell, gone or unchanged.

Compared is what people wrote, cell by cell (the verbatim layer), never what was made of it: a new version of our rules
changes no survey.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl
import polars.selectors as cs

from biodata import pipeline
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.ingest import forms, interpreted_tables, survey_shapes
from biodata.ingest.protocol import VerbatimTable
from biodata.store.lake import Lake
from biodata.store.query.filters import And, Compare
from biodata.surveys.problems import PLACE_LIKE
from biodata.text.controlled import Vocabulary, parse_controlled

_SHOWN: Final = 1_000  # rows of each kind that a report holds; `--out` writes all
_TERMS: Final = sorted({*terms.VERBATIM_TERMS, *terms.EVENT_TERMS})
OTHER_COLUMN: Final = "another column"  # stands for a heading that may be a cell of the file
RECORD: Final = "source_record_id"
KINDS: Final = ("new", "changed", "gone", "unchanged")
TABLES: Final = ("events", "occurrences")
_CELLS: Final = pl.Schema({"identifier": pl.String, "sheet": pl.String, "row": pl.Int64, "column": pl.String,
                           "before": pl.String, "after": pl.String})  # fmt: skip
_COUNT: Final = r"^\d{1,4}$"
"""No effort is shown: it would know a coarse station again, and with columns moved it is a latitude to a tenth of a degree."""
_WORDS: Final = {
    "sex": Vocabulary.SEX, "lifeStage": Vocabulary.LIFE_STAGE, "occurrenceStatus": Vocabulary.OCCURRENCE_STATUS,
    "basisOfRecord": Vocabulary.BASIS_OF_RECORD, "samplingProtocol": Vocabulary.SURVEY_DESIGN, "design": Vocabulary.SURVEY_DESIGN,
}  # fmt: skip


@dataclass(frozen=True)
class TableDifference:
    """What would become of the records, or the events, of a part.

    `rows` has of each its `kind` (of `KINDS`), `identifier`, `sheet` and `row` in the file, null where it is not in it,
    `was_sheet` and `was_row` in the file of the version before, and `shown`, whether the current release tells its
    identifier; `cells` of each changed cell `identifier`, `sheet`, `row`, `column`, `before`, `after`.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        counted = dict(self.rows["kind"].value_counts().iter_rows())
        return {kind: counted.get(kind, 0) for kind in KINDS}

    def changing(self) -> pl.DataFrame:
        """Return the rows that are new, changed or gone."""
        return self.rows.filter(pl.col("kind") != "unchanged")

    def as_dict(self, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
        """Return it as plain values for JSON, up to so many rows of a kind; without values it states where, never what."""
        new, gone = (self.rows.filter(pl.col("kind") == kind) for kind in ("new", "gone"))
        cells = self.cells
        if not values:
            # Of a row that goes, and is in no file any more, its place in the earlier one is stated, and what everybody knows it by.
            sheet, is_term = pl.col("was_sheet"), pl.col("column").is_in(_TERMS)
            kept = pl.when(~sheet.str.contains(PLACE_LIKE.pattern)).then(sheet).alias("was_sheet")
            gone = gone.with_columns(kept, pl.when("shown").then("identifier").alias("identifier"))
            # A heading that is no term may be a row of data that was taken for headings.
            cells = cells.with_columns(column=pl.when(is_term).then("column").otherwise(pl.lit(OTHER_COLUMN)))
        shown = cells.slice(0, most)
        return {
            "counts": self.counts(), "new": new.slice(0, most).select("sheet", "row", *(["identifier"] if values else
            [])).to_dicts(), "gone": gone.slice(0, most).select("was_sheet", "was_row", "identifier").to_dicts(),
            "changed": (shown if values else _without_values(shown)).to_dicts(), "changed_cells":
            dict(cells["column"].value_counts().sort("column").iter_rows()), "all_told": most is None or
            max(new.height, gone.height, cells.height) <= most,
        }  # fmt: skip


Difference = Mapping[str, TableDifference]
"""What a new version of a part would change of its `TABLES`."""


def as_dict(difference: Difference, *, values: bool = True, most: int | None = _SHOWN) -> dict[str, Any]:
    """Return a difference as plain values for JSON, as `TableDifference.as_dict` does of each table."""
    return {name: one.as_dict(values=values, most=most) for name, one in difference.items()}


def difference(
    paths: Sequence[Path], dataset: str, part: str, settings: Settings, *,
    options: Mapping[str, str] = MappingProxyType({}), licence: str | None = None,
) -> Difference:  # fmt: skip
    """Compare a part of a dataset with what files would bring in its place; nothing is changed."""
    kept = all(path.suffix == interpreted_tables.SUFFIX for path in paths)
    source = forms.SHEETS if kept else forms.recognise(paths)
    facts = dict(options) if source in (forms.SHEETS, "kobo") else {}
    facts |= {"license": licence} if licence is not None and source == forms.SHEETS else {}

    def with_licence(_: int, table: VerbatimTable) -> VerbatimTable:
        if licence is not None and source != forms.SHEETS:
            survey_shapes.fill_licence(table, licence)
        return table

    opened = pipeline.Opened(source, paths, settings, dataset=dataset, options=facts)
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        pipeline.interpreting(opened, lake, settings, part=part, hear=with_licence, counted=False) as read,
    ):
        return difference_of(of_upload(read, dataset), lake, dataset, part)


def difference_of(
    brought: Mapping[str, pl.DataFrame], lake: Lake, dataset: str, part: str, *,
    published: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Difference:  # fmt: skip
    """Compare a part of a dataset with what was read of files (`of_upload`); see `difference`."""
    where = And((Compare("datasetKey", "=", dataset), Compare("dataset_part", "=", part)))
    events, records = (lake.read(name, where=where) for name in ("events", "verbatim"))
    had = {"events": of_lake_events(events), "occurrences": of_lake_records(records)}
    return {name: compare(had[name], brought[name], shown=published.get(name, ())) for name in TABLES}


def of_upload(read: pipeline.Interpreted, dataset: str) -> dict[str, pl.DataFrame]:
    """Return what a file that was read brings: `identifier`, where each row stands, and its cells; of events and of records."""
    events, records = (pl.DataFrame(schema=terms.schema(terms.TABLES[name])) for name in ("events", "verbatim"))
    found = {"events": [of_lake_events(events)], "occurrences": [of_lake_records(records)]}
    for table in read.tables:
        if table.events is not None:
            found["events"].append(of_lake_events(table.events.read()))
        if (staging := table.staging) is not None:
            for number in staging.parts:
                rows = staging.read("verbatim", parts=[number]).filter(datasetKey=dataset)
                found["occurrences"].append(of_lake_records(rows, table.verbatim.sheet_of(number)))
    whole = {kind: pl.concat(frames, how="diagonal") for kind, frames in found.items()}
    return {kind: rows.unique("identifier", keep="first", maintain_order=True) for kind, rows in whole.items()}


def of_lake_records(verbatim: pl.DataFrame, sheet: str | None = None) -> pl.DataFrame:
    """Return the records that a dataset has; a withdrawn one has no identifier any more."""
    filled = [one.name for one in verbatim if one.name.startswith("v_") and one.null_count() < verbatim.height]
    cells = [pl.col(name).alias(f"={name.removeprefix('v_')}") for name in filled]
    frame = verbatim.select(*cells, "other", identifier=RECORD, sheet=pl.lit(sheet, dtype=pl.String), row="source_row")
    return _opened(frame, "other").filter(pl.col("identifier").is_not_null())


def of_lake_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that a dataset has."""
    frame = events.select("verbatim", identifier="eventID", sheet="source_sheet", row="source_row")
    return _opened(frame, "verbatim").filter(pl.col("identifier").is_not_null())


def _opened(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    values = frame[column].drop_nulls().unique()
    if values.is_empty():
        return frame.drop(column)
    shape = pl.Struct(dict.fromkeys(sorted({name for text in values for name in orjson.loads(text)}), pl.String))
    cells = frame[column].fill_null("{}").str.json_decode(shape).struct.unnest()
    cells = cells.rename({name: f"={name}" for name in cells.columns})
    return frame.drop(column).hstack(cells.select(name for name in cells.columns if name not in frame.columns))


def compare(had: pl.DataFrame, brought: pl.DataFrame, *, shown: Sequence[str] = ()) -> TableDifference:
    """Compare two states of a table, whose rows are known by `identifier`; cells stand in columns that begin with `=`."""
    changes = _changed_cells(had, brought)
    touched = pl.col("identifier").is_in(changes["identifier"].unique().implode())
    came, was = pl.col("came").is_not_null(), pl.col("was").is_not_null()
    kind = pl.when(~came).then(pl.lit("gone")).when(~was).then(pl.lit("new")).when(touched).then(pl.lit("changed"))
    before = had.select("identifier", was_sheet="sheet", was_row="row", was=True)
    after = brought.select("identifier", "sheet", "row", came=True)
    rows = after.join(before, on="identifier", how="full", coalesce=True)
    rows = rows.with_columns(kind=kind.otherwise(pl.lit("unchanged")), shown=pl.col("identifier").is_in(list(shown)))
    return TableDifference(rows.drop("came", "was").sort("row", "was_row", "identifier", nulls_last=True), changes)


def _changed_cells(had: pl.DataFrame, brought: pl.DataFrame) -> pl.DataFrame:
    """Return the cells that differ of rows that are in both; an empty one and one that is missing are the same."""
    was, now = (
        frame.unpivot(cs.starts_with("="), index="identifier", variable_name="column", value_name=name).filter(pl.col(name) != "")
        for frame, name in ((had, "before"), (brought, "after"))
    )  # fmt: skip
    both = now.join(was, on=["identifier", "column"], how="full", coalesce=True)
    differing = both.filter(pl.col("after").ne_missing(pl.col("before")))
    rows = brought.select("identifier", "sheet", "row").join(had.select("identifier"), on="identifier", how="semi")
    changed = rows.join(differing, on="identifier").with_columns(pl.col("column").str.strip_prefix("="))
    return changed.select(_CELLS.names()).cast(_CELLS).sort("row", "column", "identifier", "sheet")


def _without_values(cells: pl.DataFrame) -> pl.DataFrame:
    """Return where cells change, and from what to what only where that states no place and no taxon."""
    shown = shown_to_all(cells)
    values = [pl.when(shown).then(pl.col(name)).alias(name) for name in ("before", "after")]
    return cells.select("sheet", "row", "column", *values, shown=shown)


def shown_to_all(cells: pl.DataFrame) -> pl.Series:
    """Tell of which changed cells (`column`, `before`, `after`) everybody whom a survey concerns may see both values.

    Each value is empty, a small number in a column of counts, or a known word of a column of words: a latitude that was
    typed into such a column is none of them.
    """
    names = ("individualCount", *_WORDS)
    own = [(cells["column"] == n) & _is_known(cells["before"], n) & _is_known(cells["after"], n) for n in names]
    return pl.select(pl.any_horizontal(pl.lit(False, dtype=pl.Boolean), *own).alias("shown"))["shown"]


def _is_known(values: pl.Series, column: str) -> pl.Series:
    text, kind = values.str.strip_chars(), _WORDS.get(column)
    fits = text.str.contains(_COUNT) if kind is None else parse_controlled(text, kind)["term"].is_not_null()
    return (fits | text.is_null() | (text == "")).fill_null(value=True)
