"""Of which sides the rows of a survey are: whose reviewers have something to decide, and who is told where in the file.

Both follow from what is published of a row, before and after, as for the rows that reviewers see: else the list, or who is
asked, would tell on which side of a border a coarse record lies.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from biodata.pipeline import Preview
from biodata.pipeline.row_countries import countries_of
from biodata.store.survey_steps import NO_COUNTRY
from biodata.store.survey_views import View
from biodata.surveys.difference import Difference, TableDifference
from biodata.vocabularies import SharingCategory

_CODES: Final = ("country_codes", "countryCode")
Shown = Mapping[str, frozenset[str]]
"""The sides to whose reviewers a row is shown, by its identifier."""


@dataclass(frozen=True)
class RowSides:
    """The sides to which rows of a table are told.

    Attributes
    ----------
    now, before : mapping
        By identifier in the file, and as the dataset has it; a row that is not published is told to no side.
    """

    now: Shown = field(default_factory=dict)
    before: Shown = field(default_factory=dict)

    def of(self, identifiers: Iterable[str | None]) -> pl.Series:
        """Return the sides of rows by their identifiers; one that moves is told to both."""
        nobody: frozenset[str] = frozenset()
        lists = [sorted(self.now.get(one or "", nobody) | self.before.get(one or "", nobody)) for one in identifiers]
        return pl.Series("sides", lists, dtype=pl.List(pl.String))


def concerned(found: Difference, shown: Preview, view: View, sides: Collection[str]) -> set[str]:
    """Return the sides of which a row becomes another one, is new, or goes; all of them where nothing changes.

    Parameters
    ----------
    found : Difference
        Cell by cell.
    shown : Preview
        What is read of the cells, and what the dataset has.
    view : View
        What would be published of them.
    sides : collection of str
        Every side that the survey has a row of.

    Notes
    -----
    Who is asked is told to all of them. So of a row that is told as a cell every side of the cell is asked, and of one that
    is not told every side there is: by its exact place alone it would be told on which side of the border it lies.
    """
    everybody = sorted(sides)
    now = _asked(shown.records, shown.occurrences, everybody)
    before = _asked(shown.had, shown.before, everybody)
    told = _countries(_of(found.occurrences, now)) | _countries(_of(found.occurrences, before))
    # The same cells may be read as something else by now: by another checklist, or beside other rows.
    told |= _countries(now.filter("differs"))
    told |= _countries(before.filter(pl.col("key").is_in(now.filter("differs")["key"].implode())))
    told |= _of_events(found, shown, everybody)
    changed = view.occurrences.filter(pl.col("change") != "unchanged")
    told |= set(_codes(changed).explode().drop_nulls())
    return told & set(sides) or set(sides)


def _of_events(found: Difference, shown: Preview, everybody: list[str]) -> set[str]:
    """Return the sides of events that change; all of them where one is not told exactly."""
    rows = found.events.changing()
    told = shown.events["eventID"].drop_nulls() if "eventID" in shown.events.columns else pl.Series([], dtype=pl.String)
    exact = rows.filter(pl.col("identifier").is_in(told.implode()))
    if exact.height < rows.height:
        return set(everybody)
    now = shown.event_places.filter(pl.col("identifier").is_in(exact["identifier"].implode()))
    before = shown.had_events.filter(pl.col("identifier").is_in(exact["identifier"].implode()))
    return _countries(now) | _countries(before)


def _of(table: TableDifference, places: pl.DataFrame) -> pl.DataFrame:
    """Return the places of the rows that become others, are new, or go."""
    return places.filter(pl.col("identifier").is_in(table.changing()["identifier"].implode()))


def _asked(records: pl.DataFrame, published: pl.DataFrame, everybody: list[str]) -> pl.DataFrame:
    """Return records with the countries whose reviewers a change of each may concern, as far as may be told."""
    told = published.select("key", "sharing_category").with_columns(told=_codes(published))
    is_open = pl.col("sharing_category") == SharingCategory.OPEN
    all_sides = pl.lit(pl.Series([everybody], dtype=pl.List(pl.String)))
    asked = pl.when(is_open).then("countries").when(is_open.is_null()).then(all_sides).otherwise("told")
    return records.join(told, on="key", how="left", maintain_order="left").with_columns(countries=asked)


def told_to(shown: Preview, sides: Collection[str]) -> dict[str, RowSides]:
    """Return to which sides the rows of each table are told: `events`, `occurrences`."""
    events = shown.events.with_columns(identifier=pl.col("eventID")) if "eventID" in shown.events.columns else None
    return {
        "occurrences": RowSides(
            _shown(shown.records.join(shown.occurrences.select("key", *_CODES), on="key"), sides),
            _shown(shown.had.join(shown.before.select("key", *_CODES), on="key"), sides),
        ),
        "events": RowSides({} if events is None else _shown(events, sides)),
    }


def with_sides(table: TableDifference, of: RowSides) -> TableDifference:
    """Return a table's difference with the sides that each row is told to."""
    rows, cells = table.rows, table.cells
    return replace(
        table, rows=rows.with_columns(of.of(rows["identifier"])), cells=cells.with_columns(of.of(cells["identifier"]))
    )


def _shown(rows: pl.DataFrame, sides: Collection[str]) -> Shown:
    """Return the sides of published rows; one without any country may be of each."""
    told: dict[str, frozenset[str]] = {}
    for identifier, codes in zip(rows["identifier"], _codes(rows), strict=True):
        if identifier is not None:
            own = frozenset(codes) & frozenset(sides) or frozenset(sides)
            told[identifier] = told.get(identifier, frozenset()) | own
    return told


def _codes(rows: pl.DataFrame) -> pl.Series:
    """Return the countries that rows may lie in, or are said to."""
    return rows.select(codes=countries_of(rows))["codes"]


def _countries(rows: pl.DataFrame) -> set[str]:
    """Return every country of rows (`countries`); ZZ for those of none."""
    lost = bool((rows["countries"].list.len() == 0).any())
    return set(rows["countries"].explode().drop_nulls()) | ({NO_COUNTRY} if lost else set())
