"""Of which sides the rows of a survey are: whose reviewers have something to decide, and who is told where in the file.

Whom a change concerns follows from the exact places, before and after. Who is told where in the file it stands follows from
what is published of the row alone, as for the rows that reviewers see: else the list would tell on which side of a border a
coarse record lies.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.pipeline import Preview
from biodata.store.survey_steps import NO_COUNTRY
from biodata.store.survey_views import View
from biodata.surveys.difference import Difference, TableDifference

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

    def of(self, identifiers: Iterable[str | None], before: Iterable[str | None]) -> list[list[str]]:
        """Return the sides of rows by what they are called and were called; one that moves is told to both."""
        nobody: frozenset[str] = frozenset()
        return [
            sorted(self.now.get(one or "", nobody) | self.before.get(was or "", nobody))
            for one, was in zip(identifiers, before, strict=True)
        ]


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
    """
    told: set[str] = set()
    for table, now, before in (
        (found.occurrences, shown.records, shown.had),
        (found.events, shown.event_places, shown.had_events),
    ):
        left = ("unchanged",) if found.whole else ("unchanged", "gone")
        rows = table.rows.filter(~pl.col("kind").is_in(left))
        told |= _countries(now.filter(pl.col("identifier").is_in(rows["identifier"].drop_nulls().implode())))
        told |= _countries(before.filter(pl.col("identifier").is_in(rows["before"].drop_nulls().implode())))
    # The same cells may be read as something else by now: by another checklist, or beside other rows.
    told |= _countries(shown.records.filter("differs"))
    told |= _countries(shown.had.filter(pl.col("key").is_in(shown.records.filter("differs")["key"].implode())))
    changed = view.occurrences.filter(pl.col("change") != "unchanged")
    told |= set(_codes(changed).explode().drop_nulls())
    return told & set(sides) or set(sides)


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
    rows, cells, pairs = table.rows, table.cells, table.pairs
    was = dict(rows.filter(pl.col("identifier").is_not_null()).select("identifier", "before").iter_rows())
    return TableDifference(
        rows.with_columns(sides=_lists(of.of(rows["identifier"], rows["before"]))),
        cells.with_columns(sides=_lists(of.of(cells["identifier"], [was.get(one) for one in cells["identifier"]]))),
        pairs.with_columns(sides=_lists(of.of(pairs["identifier"], pairs["was"]))),
    )


def _lists(told: list[list[str]]) -> pl.Series:
    return pl.Series("sides", told, dtype=pl.List(pl.String))


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
    parts = [pl.col("country_codes").fill_null([])]
    if "countryCode" in rows.columns:
        parts.append(pl.concat_list("countryCode").list.drop_nulls())
    return rows.select(codes=pl.concat_list(parts).list.unique())["codes"]


def _countries(rows: pl.DataFrame) -> set[str]:
    """Return every country of rows (`countries`); ZZ for those of none."""
    lost = bool((rows["countries"].list.len() == 0).any())
    return set(rows["countries"].explode().drop_nulls()) | ({NO_COUNTRY} if lost else set())
