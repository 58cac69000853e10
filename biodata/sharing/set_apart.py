"""Set apart: sensitive records go out as presences, each standing for a crowd of places or for a cell.

A *unit* is a crowd (`grid`), or a cell where the cell is the crowd: in datasets that are not of stations, and where no exact
place is shown in the cell. A unit's presences of a year appear, change or vanish only in a release in which each of its places
has something new of that year, or, without a year, something new at all; a cell's when ten of its places have, at the latest
after the year's end. So the difference between two releases names no place.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from biodata.sharing import grid
from biodata.sharing.grid import (
    CELL,
    CROWD_PLACES,
    PARTS,
    PER_DEGREE,
    PLACES,
    POOL,
    cell,
    emptied_events,
    even_walks,
    fine,
    square,
    stricter,
    with_crowds,
)

STATES: Final = pl.Schema(
    {
        "key": pl.Int64, "datasetKey": pl.String, "category": pl.String, "rule_id": pl.String, "beside": pl.Boolean,
        "base": pl.Int32, "n": pl.Int32, "column": pl.Int64, "row": pl.Int64, "unit": pl.String, "country": pl.String,
        "taxon": pl.String, "year": pl.Int32, "undated": pl.Boolean, "published": pl.Boolean, "waits_since": pl.Int32,
    }
)  # fmt: skip
"""What is kept of a record that was ever set apart: category and rule, whether it is only beside another one, cells along a
degree of the category (`base`) and of the cell that it goes out in (`n`, `column`, `row`), the unit (null while it has none),
the stated country of one without a place, the presence's taxon and year, whether it never has a year again, whether it went
out, the year that it waits for the end of."""
SEEN: Final = pl.Schema(
    {"datasetKey": pl.String, "unit": pl.String, "square": pl.Int64, "year": pl.Int32, "mark": pl.UInt64}
)
"""What stood at the places of units (squares, by their number in the unit's cell) when these were last made: a mark of the
records and events of each year."""
STOOD: Final = pl.Schema({"datasetKey": pl.String, "fx": pl.Int64, "fy": pl.Int64, "year": pl.Int32, "mark": pl.UInt64})
"""What stood at finest squares that are in no crowd before a record came that waits in their degree; no mark: nothing."""
HIDDEN: Final = pl.Schema(
    {"datasetKey": pl.String, "key": pl.Int64, "category": pl.String, "rule_id": pl.String, "beside": pl.Boolean}
)
WAITING: Final = pl.Schema({"datasetKey": pl.String, "key": pl.Int64, "places": pl.Int64})
HELD: Final = pl.Schema({"datasetKey": pl.String, "key": pl.Int64})
UNPUBLISHED: Final = pl.Schema({"datasetKey": pl.String, "event_key": pl.String})
MARKED: Final = pl.Schema({"datasetKey": pl.String})
DECIDED: Final = pl.Schema(
    {"datasetKey": pl.String, "key": pl.Int64, "category": pl.String, "rule_id": pl.String, "taxon": pl.String, "country": pl.String}
)  # fmt: skip
"""What the rules decided of a sensitive record by itself; it holds until the record, or what they are judged by, changes."""
COUNTS: Final = ("dated", "again", "placed_events", "records", "random", "public", "pictured")
FACTS: Final = pl.Schema({"datasetKey": pl.String, **dict.fromkeys(COUNTS, pl.Int64)})
"""What is counted in a dataset: `grid.visits`; its records, those with a random number, with one of GBIF, with a picture."""
UNSETTLED: Final = pl.Schema({"datasetKey": pl.String, "n": pl.Int32, "column": pl.Int64, "row": pl.Int64})
_NOWHERE: Final = "nowhere|"
"""The unit of records without a place."""
_SPOT: Final = ("datasetKey", "fx", "fy")
_UNIT: Final = ("datasetKey", "unit")
_OF_UNIT: Final = ("unit", "n", "column", "row")
_IS_CELL: Final = pl.col("unit").str.starts_with(CELL).fill_null(value=False)
_IS_NOWHERE: Final = pl.col("unit").eq_missing(pl.lit(_NOWHERE))
_PLACED: Final = pl.all_horizontal(pl.col("base", "fx", "fy").is_not_null())
_SQUARE: Final = (pl.col("x") - pl.col("column") * PARTS) * PARTS + pl.col("y") - pl.col("row") * PARTS
"""The number of a square in its cell; with that of the unit (`at`) before it, its `place` among those of all units."""
_CROWDLESS: Final = pl.col("there") & pl.col("unit").is_null() & _PLACED
"""Which records wait for a crowd."""


@dataclass(frozen=True)
class Memory:
    """What a release makes of sensitive records, and the next one goes on from; it holds exact places and never leaves the installation.

    Attributes
    ----------
    states : polars.DataFrame of `STATES`
        The published ones, each taxon and year of a cell once, are the presences.
    crowds : polars.DataFrame of `grid.CROWD_PLACES`
    seen : polars.DataFrame of `SEEN`
    stood : polars.DataFrame of `STOOD`
    hidden : polars.DataFrame of `HIDDEN`
        The records that do not go out as they are; withheld ones too.
    waiting : polars.DataFrame of `WAITING`
        Of those that wait, how many of the places that it takes there are.
    held : polars.DataFrame of `HELD`
        Records that wait with an event.
    unpublished : polars.DataFrame of `UNPUBLISHED`
        Events that nothing is published of, or not yet.
    marked : polars.DataFrame of `MARKED`
        Datasets whose own numbers are published as marks.
    decided : polars.DataFrame of `DECIDED`
    facts : polars.DataFrame of `FACTS`
    unsettled : polars.DataFrame of `UNSETTLED`
        Cells that the next release looks at again, although nothing may have changed in them; without one, the whole dataset.
    """

    states: pl.DataFrame = field(default_factory=STATES.to_frame)
    crowds: pl.DataFrame = field(default_factory=CROWD_PLACES.to_frame)
    seen: pl.DataFrame = field(default_factory=SEEN.to_frame)
    stood: pl.DataFrame = field(default_factory=STOOD.to_frame)
    hidden: pl.DataFrame = field(default_factory=HIDDEN.to_frame)
    waiting: pl.DataFrame = field(default_factory=WAITING.to_frame)
    held: pl.DataFrame = field(default_factory=HELD.to_frame)
    unpublished: pl.DataFrame = field(default_factory=UNPUBLISHED.to_frame)
    marked: pl.DataFrame = field(default_factory=MARKED.to_frame)
    decided: pl.DataFrame = field(default_factory=DECIDED.to_frame)
    facts: pl.DataFrame = field(default_factory=FACTS.to_frame)
    unsettled: pl.DataFrame = field(default_factory=UNSETTLED.to_frame)

    def of(self, datasets: Collection[str], *, others: bool = False) -> "Memory":
        """Return what is kept of some datasets; of all `others` where that is asked."""
        mine = pl.col("datasetKey").is_in(list(datasets))
        return Memory(**{name: frame.filter(mine != others) for name, frame in vars(self).items()})

    def joined(self, *others: "Memory") -> "Memory":
        """Return what is kept of these and of other datasets."""
        return Memory(**{name: pl.concat([vars(one)[name] for one in (self, *others)]) for name in vars(self)})


def set_apart(
    records: pl.DataFrame, events: pl.DataFrame, memory: Memory, *, before: pl.DataFrame, released: Collection[str],
    today: date, visits: pl.DataFrame,
) -> Memory:  # fmt: skip
    """Set sensitive records apart.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        key, datasetKey, eventID, day, time, year, recordedBy, longitude, latitude, fx, fy, category (null for open ones), rule_id, taxon, country (stated, where it may be published) :
        all records of the datasets of sensitive ones, and of those that the memory has.
    events : polars.DataFrame
        event_key, datasetKey, eventID, day, year, longitude, latitude, fx, fy (without a place where others are parts of it), `shown`.
    memory : Memory
        Of earlier releases.
    before : polars.DataFrame
        identifier (key or event_key, as text), datasetKey, year, longitude, latitude of the records and events that the last
        release was made of.
    released : collection of str
        The datasets that an earlier release had: in others nothing waits for what an earlier one showed.
    today : date
        Of the release.
    visits : polars.DataFrame
        `grid.visits` of their datasets.

    Returns
    -------
    Memory
        Without `marked`, `decided`, `facts` and `unsettled`. Whatever it has of a dataset follows from that dataset alone.
    """
    records = stricter(records.with_columns(beside=pl.lit(value=False)), memory.states)
    records = stricter(records, even_walks(records))
    points = pl.concat([_points(records, "key"), _points(events, "event_key")])
    then = _points(before.with_columns(fine()), "identifier").lazy().join(memory.stood.lazy(), on=_SPOT, how="anti")
    stations = pl.col("datasetKey").is_in(grid.of_stations(visits).implode())
    # A station is visited often: its records are stated by one mark a year from here on.
    points = pl.concat([points.filter(~stations), _together(points.filter(stations))])
    shown = [records.lazy().filter(pl.col("category").is_null()), events.lazy()]
    world = _World(
        points, before=pl.concat([then.collect(), memory.stood]).drop_nulls("mark"),
        spots=points.filter(stations).select(_SPOT).unique(),
        exact=pl.concat([rows.filter(stations).select(_SPOT) for rows in shown]).drop_nulls().unique().collect(engine="streaming"),
        states=memory.states, new=~pl.col("datasetKey").is_in(list(released)), year=today.year,
    )  # fmt: skip
    members, crowds, left_over = _units(records, world, memory.crowds)
    waits = members.filter("there", pl.col("base").is_not_null(), pl.col("waits_since") >= today.year)["key"]
    groups = pl.concat([crowds, grid.tens(world.spots, left_over)])
    beside, unpublished, held = emptied_events(records, events, groups, released=released, waits=waits)
    records = stricter(records, beside)
    if beside.height or crowds.filter(pl.col("n") < pl.col("base")).height:
        members, crowds, left_over = _units(records, world, crowds)
    stood = _stood(members, world, crowds)
    members, seen = _refreshed(members, world, crowds, memory.seen)
    return Memory(
        members.select(STATES.names()), crowds, seen, stood,
        records.drop_nulls("category").select(HIDDEN.names()), _waiting(members, left_over), held, unpublished,
    )  # fmt: skip


def _points(rows: pl.DataFrame, identifier: str) -> pl.DataFrame:
    """Return what stands where, each record or event by itself: `STOOD`; its mark is the same for ever."""
    rows = rows.drop_nulls(["fx", "fy"])
    return rows.select(*_SPOT, pl.col("year").cast(pl.Int32), _marks(rows[identifier]))


def _together(points: pl.DataFrame) -> pl.DataFrame:
    """Return what stands where, with one mark for all records and events of a year: their marks' sum, as 64 bits hold it."""
    return points.lazy().group_by(*_SPOT, "year").agg(pl.col("mark").sum()).collect(engine="streaming")


def _marks(identifiers: pl.Series) -> pl.Series:
    """Return a number for each record or event: of a record's key by splitmix64, of an event's by its digest."""
    keys = identifiers.cast(pl.Int64, strict=False)
    mixed = keys.fill_null(0).to_numpy().astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    marks = pl.Series("mark", mixed ^ (mixed >> np.uint64(31)), dtype=pl.UInt64)
    events = identifiers.filter(keys.is_null()).cast(pl.String)
    digests = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in events]
    return marks.scatter(keys.is_null().arg_true(), pl.Series(digests, dtype=pl.UInt64))


@dataclass(frozen=True)
class _World:
    """What the steps look at together.

    Attributes
    ----------
    points, before : polars.DataFrame of `STOOD`
        What stands where, now and in the last release.
    spots, exact : polars.DataFrame
        datasetKey, fx, fy : where something stands now in datasets of stations; where these show something.
    states : polars.DataFrame of `STATES`
    new : polars.Expr
        Which rows are of datasets that no earlier release had.
    year : int
    """

    points: pl.DataFrame
    before: pl.DataFrame
    spots: pl.DataFrame
    exact: pl.DataFrame
    states: pl.DataFrame
    new: pl.Expr
    year: int


def _units(
    records: pl.DataFrame, world: _World, crowds: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Give each sensitive record its unit: the one it went out in, a crowd, its cell, or none where it has to wait.

    Returns
    -------
    members : polars.DataFrame
        Columns of `STATES` as they are before this release; `new_year`, `new_taxon`, fx, fy of the record, `there` (it is not
        gone).
    crowds, left_over : polars.DataFrame of `CROWD_PLACES`
        All crowds, older and new; places that are in none.
    """
    kept = world.states.drop("datasetKey", "base", "rule_id", "beside", "country").rename({"category": "old"})
    mine = records.drop_nulls("category").rename({"year": "new_year", "taxon": "new_taxon"})
    base = pl.col("category").replace_strict(PER_DEGREE, default=None, return_dtype=pl.Int32)
    mine = mine.with_columns(base=base).join(kept, on="key", how="left", maintain_order="left")
    same = pl.col("old").eq_missing(pl.col("category"))
    since = pl.min_horizontal(pl.when(world.new & pl.col("old").is_null()).then("new_year"), world.year)
    stays = same & pl.col("published").fill_null(value=False) & ~_IS_NOWHERE
    nowhere = pl.col("base").is_not_null() & ~_PLACED & ~stays
    mine = mine.with_columns(
        *(pl.when(stays).then(name).alias(name) for name in _OF_UNIT[1:]),
        unit=pl.when(nowhere).then(pl.lit(_NOWHERE)).when(stays).then("unit"),
        country=pl.when(nowhere).then("country"),
        published=stays,
        undated=pl.col("undated").fill_null(value=False),
        new_year=pl.when(_PLACED).then("new_year"),
        waits_since=pl.when(same).then("waits_since").otherwise(since),
        there=pl.lit(value=True),
    )
    asked = mine.drop_nulls("base").select("datasetKey", "base").unique()
    spots, exact = (frame.join(asked, on="datasetKey") for frame in (world.spots, world.exact))
    found, crowds, left_over = grid.find_crowds(mine.filter(_CROWDLESS), spots, exact, crowds, year=world.year)
    has_records = pl.col("datasetKey").is_in(records["datasetKey"].unique().implode())
    gone = world.states.filter(has_records, ~pl.col("key").is_in(records["key"].implode()))
    members = pl.concat([mine.filter(~_CROWDLESS), found.select(mine.columns)])
    members = members.select(*STATES, "new_year", "new_taxon", "fx", "fy", "there")
    return pl.concat([members, gone.with_columns(there=pl.lit(value=False))], how="diagonal"), crowds, left_over


def _numbered(members: pl.DataFrame, crowds: pl.DataFrame) -> pl.DataFrame:
    """Return the units of records, each once: `at` (its number), and how many places it takes (`asked`)."""
    sizes = crowds.group_by("datasetKey", unit="crowd").agg(asked=pl.len().cast(pl.Int64))
    units = members.drop_nulls(["unit", "n"]).select("datasetKey", *_OF_UNIT).unique().with_row_index("at")
    units = units.with_columns(pl.col("at").cast(pl.Int64)).join(sizes, on=_UNIT, how="left")
    return units.with_columns(asked=pl.when(_IS_CELL).then(PLACES).otherwise("asked"))


def _content(points: pl.DataFrame, units: pl.DataFrame, crowds: pl.DataFrame) -> pl.DataFrame:
    """Return what stands at the places of units: `at`, `place` (its number, of those of all units), year, mark."""
    of_crowds = crowds.join(units.select("datasetKey", "at", crowd="unit"), on=["datasetKey", "crowd"])
    found = [with_crowds(points, of_crowds)]
    for (n,), cells in units.filter(_IS_CELL).group_by("n"):
        cells = cells.select("datasetKey", "column", "row", "at")
        inside = points.lazy().with_columns(cell(n)).join(cells.lazy(), on=["datasetKey", "column", "row"])
        found.append(inside.with_columns(square(n)).collect())
    place = (pl.col("at") * PARTS**2 + _SQUARE).alias("place")
    numbered = pl.concat([rows.select(place, "year", "mark") for rows in found])
    content = numbered.group_by("place", "year").agg(pl.col("mark").sum())
    return content.with_columns(at=pl.col("place") // PARTS**2)


def _refreshed(
    members: pl.DataFrame, world: _World, crowds: pl.DataFrame, seen: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the presences of units and years anew that are complete.

    A unit's year is made anew if all its places have something new of that year (`complete`). Else, if all have something new
    of any year (`whole`), the records that did not go out yet go out without one. Records without a place, and cells that
    waited for the year's end or are of a new dataset, are made anew in any case (`forced`).

    Returns
    -------
    members, seen : polars.DataFrame
        As they are after this release; `places` : how many of the places that a record's unit takes have something new.
    """
    units = _numbered(members, crowds)
    content = _content(world.points, units, crowds)
    seen = seen.join(units.select(*_UNIT, "at"), on=_UNIT, how="left")
    seen = seen.with_columns(place=pl.col("at") * PARTS**2 + pl.col("square"))
    # Of a unit that had nothing to hide, what an earlier release showed counts as seen; a row without a mark keeps that a
    # unit was looked at, and that nothing stood there.
    new = units.join(seen, on="at", how="anti")
    shown = new.join(_content(world.before.filter(~world.new), new, crowds), on="at", how="left")
    square_of = (pl.col("place") % PARTS**2).alias("square")
    seen = pl.concat([seen, shown.with_columns(square_of).select(seen.columns)])
    fresh = content.join(seen, on=["place", "year", "mark"], how="anti", nulls_equal=True)
    of_unit = fresh.select("at", "place").unique().group_by("at").agg(places=pl.len().cast(pl.Int64))
    changed = of_unit.join(units, on="at").with_columns(
        places=pl.min_horizontal("places", "asked"), whole=pl.col("places") >= pl.col("asked")
    )
    of_year = fresh.group_by("at", "year").len("places").join(units, on="at")
    complete = of_year.filter(pl.col("places") >= pl.col("asked")).select("at", "year", complete=pl.lit(value=True))

    late = pl.col("there") & ~pl.col("published") & (pl.col("waits_since") < world.year)
    at_places = with_crowds(members.select("key", "unit", *_SPOT, "base"), crowds)
    in_crowd = at_places.filter(pl.col("crowd") == pl.col("unit"))["key"].implode()
    in_cell = _IS_CELL & (pl.struct(cell(pl.col("n"))) == pl.struct("column", "row"))
    members = members.with_columns(
        forced=_IS_NOWHERE | (_IS_CELL & (late.any().over(_UNIT) | world.new)),
        inside=_IS_NOWHERE | in_cell.fill_null(value=False) | pl.col("key").is_in(in_crowd),
        year_out=pl.when("published").then("year").when(~pl.col("undated")).then("new_year"),
    )
    members = members.join(units.select(*_UNIT, "at"), on=_UNIT, how="left")
    members = members.join(changed.select("at", "places", "whole"), on="at", how="left")
    of_year = complete.rename({"year": "year_out"})
    members = members.join(of_year, on=["at", "year_out"], how="left", nulls_equal=True)
    members = members.with_columns(
        whole=pl.col("whole").fill_null(value=False) & ~pl.col("forced"),
        complete=pl.col("complete").fill_null(value=False) | pl.col("forced"),
    )
    # What is new in a unit that is complete as a whole goes out without a year.
    dated = pl.col("published") | pl.col("complete") | ~pl.col("whole")
    members = members.with_columns(year_out=pl.when(dated).then("year_out"))
    anew = pl.col("complete") | (pl.col("whole") & pl.col("year_out").is_null())
    year_out = pl.col("year_out")
    other_year = pl.col("published") & year_out.is_not_null() & year_out.ne_missing(pl.col("new_year"))
    goes = anew & pl.col("there") & pl.col("inside") & ~other_year
    leaves_unit = anew & ~pl.col("inside")
    after = members.with_columns(
        *(pl.when(~leaves_unit).then(name).alias(name) for name in _OF_UNIT),
        year=pl.when(goes).then("year_out").otherwise("year"),
        taxon=pl.when(goes).then("new_taxon").otherwise("taxon"),
        undated=pl.col("undated") | (goes & pl.col("year_out").is_null()),
        waits_since=pl.when(leaves_unit).then(world.year).otherwise("waits_since"),
        published=pl.when(anew).then(goes).otherwise("published"),
    )
    all_years = pl.col("at").is_in(members.filter(pl.col("forced") | pl.col("whole"))["at"].unique().implode())
    all_years = all_years.fill_null(value=False)
    older = seen.filter(~all_years).join(complete, on=["at", "year"], how="anti", nulls_equal=True)
    of_years = content.filter(~all_years).join(complete, on=["at", "year"], how="semi", nulls_equal=True)
    newer = pl.concat([content.filter(all_years), of_years])
    newer = newer.join(units, on="at").with_columns(square_of)
    return after, pl.concat([frame.select(SEEN.names()) for frame in (older, newer)])


def _stood(members: pl.DataFrame, world: _World, crowds: pl.DataFrame) -> pl.DataFrame:
    """Return what stood, before the first of them came, at the places in no crowd of degrees in which records wait for one."""
    degrees = members.filter(_CROWDLESS).select("datasetKey", "base", *cell(1)).unique()
    spots = world.spots.with_columns(cell(1)).join(degrees, on=["datasetKey", "column", "row"])
    kept = grid.crowdless(spots, crowds).select(_SPOT).unique()
    before = _together(world.before.join(kept, on=_SPOT, how="semi"))
    return kept.join(before, on=_SPOT, how="left").select(STOOD.names())


def _waiting(members: pl.DataFrame, left_over: pl.DataFrame) -> pl.DataFrame:
    """Return the records that wait, and how many places there are, or have something new, of those that it takes."""
    waits = members.filter("there", ~pl.col("published"), pl.col("base").is_not_null())
    waits = waits.join(left_over.group_by(POOL).len("room"), on=POOL, how="left")
    places = pl.when(pl.col("unit").is_null()).then("room").otherwise("places").fill_null(0)
    return waits.select("datasetKey", "key", places=places.cast(pl.Int64))
