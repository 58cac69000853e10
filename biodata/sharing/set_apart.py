"""Set apart: sensitive records go out as presences, each standing for a crowd of places or for a cell.

A *unit* is a crowd (`crowds`), or a cell where the cell is the crowd: in datasets that are not of stations, and where no exact
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

from biodata.sharing import crowds
from biodata.sharing.crowds import CROWD_PLACES, PLACES
from biodata.sharing.grid import FINEST, PARTS, PER_DEGREE, cell, fine, square
from biodata.sharing.left_empty import emptied_events, even_walks, strictest
from biodata.vocabularies import SharingCategory

STATES: Final = pl.Schema(
    {
        "key": pl.Int64, "datasetKey": pl.String, "category": pl.String, "rule_id": pl.String, "beside": pl.Boolean,
        "base": pl.Int32, "n": pl.Int32, "column": pl.Int64, "row": pl.Int64, "unit": pl.String, "taxon": pl.String,
        "year": pl.Int32, "undated": pl.Boolean, "published": pl.Boolean, "waits_since": pl.Int32,
    }
)  # fmt: skip
"""What is kept of a record that was ever set apart: category, cells along a degree of the category and of the cell that it goes
out in, the unit (null while it has none), the presence's taxon and year, whether it never has a year again, whether it went out, the year that it waits for the end of."""
SEEN: Final = pl.Schema(
    {"datasetKey": pl.String, "unit": pl.String, "x": pl.Int64, "y": pl.Int64, "year": pl.Int32, "mark": pl.UInt64}
)
"""What stood at the places of units when these were last made: a mark of the records and events of each year."""
STOOD: Final = pl.Schema({"datasetKey": pl.String, "fx": pl.Int64, "fy": pl.Int64, "year": pl.Int32, "mark": pl.UInt64})
"""What stood at finest squares that are in no crowd before a record came that waits in their degree; no mark: nothing."""
_RANK: Final = {str(category): category.strictness for category in SharingCategory}
_WITHHELD: Final = str(SharingCategory.WITHHELD)
_UNIT: Final = ("datasetKey", "unit")
_LEVELS: Final = tuple(sorted(PER_DEGREE.values()))
"""Cells along a degree, the widest first."""
NOWHERE: Final = "nowhere|"
"""Begins the unit of records without a place; their stated country follows, where it may be published."""


@dataclass(frozen=True)
class Memory:
    """What earlier releases made of sensitive records; it holds exact places and never leaves the installation.

    Attributes
    ----------
    states : polars.DataFrame of `STATES`
    crowds : polars.DataFrame of `crowds.CROWD_PLACES`
    seen : polars.DataFrame of `SEEN`
    stood : polars.DataFrame of `STOOD`
    """

    states: pl.DataFrame = field(default_factory=STATES.to_frame)
    crowds: pl.DataFrame = field(default_factory=CROWD_PLACES.to_frame)
    seen: pl.DataFrame = field(default_factory=SEEN.to_frame)
    stood: pl.DataFrame = field(default_factory=STOOD.to_frame)


@dataclass(frozen=True)
class Apart:
    """Which records are set apart, and what goes out for them.

    Attributes
    ----------
    memory : Memory
        For the next release. Its published states, each taxon and year of a cell once, are the presences.
    hidden : polars.DataFrame
        key, category, rule_id, beside : the records that do not go out as they are; withheld ones too.
    waiting : polars.DataFrame
        key, places : of those that wait, how many of ten places there are.
    unpublished_events : polars.Series of str
        event_key of events that nothing is published of, or not yet.
    held : polars.Series of int
        key of open records that wait with such an event.
    """

    memory: Memory
    hidden: pl.DataFrame
    waiting: pl.DataFrame
    unpublished_events: pl.Series
    held: pl.Series


def set_apart(
    records: pl.DataFrame,
    events: pl.DataFrame,
    memory: Memory,
    *,
    before: pl.DataFrame,
    released: Collection[str],
    today: date,
) -> Apart:
    """Set sensitive records apart.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        key, datasetKey, eventID, day, time, year, recordedBy, longitude, latitude, category (null for open ones), rule_id, taxon, country (stated, where it may be published) :
        all records of the datasets of sensitive ones, and of those that the memory has.
    events : polars.DataFrame
        event_key, datasetKey, eventID, day, year, longitude, latitude (without a place where others are parts of it), `shown`.
    memory : Memory
        Of earlier releases.
    before : polars.DataFrame
        identifier (key or event_key, as text), datasetKey, year, longitude, latitude of the records and events that the last
        release was made of.
    released : collection of str
        The datasets that an earlier release had: in others nothing waits for what an earlier one showed.
    today : date
        Of the release.

    Returns
    -------
    Apart
    """
    records = _with_memory(records.with_columns(fine()), memory)
    records, events = _beside(records, even_walks(records)), events.with_columns(fine())
    points = pl.concat([_points(records, "key"), _points(events, "event_key")])
    kept = memory.stood.select("datasetKey", "fx", "fy").unique()
    then = _points(before.with_columns(fine()), "identifier").join(kept, on=["datasetKey", "fx", "fy"], how="anti")
    then = pl.concat([then.select(STOOD.names()), memory.stood])
    stations = crowds.of_stations(records, events)
    world = _World(points, then, stations, memory.states, frozenset(released), today.year)
    members, grid, left_over = _units(records, world, memory.crowds)
    waits = members.filter(
        "there", pl.col("base").is_not_null(), pl.col("unit").is_null(), pl.col("waits_since") >= today.year
    )["key"]
    groups = pl.concat([grid, _tens(left_over, world)]).rename({"crowd": "unit"})
    empty = emptied_events(records, events, groups, released=released, waits=waits)
    records = _beside(records, empty.beside)
    members, grid, left_over = _units(records, world, grid)
    stood = _stood(members, world, grid)
    members, seen, changed = _refreshed(members, world, grid, memory.seen)
    hidden = records.drop_nulls("category").select("key", "category", "rule_id", "beside")
    waiting = _waiting(members, left_over, changed)
    return Apart(Memory(_kept(members), grid, seen, stood), hidden, waiting, empty.unpublished, empty.held)


def presences(states: pl.DataFrame) -> pl.DataFrame:
    """Return what goes out: each taxon, cell and year of a dataset once.

    Parameters
    ----------
    states : polars.DataFrame of `STATES`

    Returns
    -------
    polars.DataFrame
        datasetKey, n, column, row, country, taxon, year; of its records category (the strictest) and rule_id; keys : theirs.
    """
    rank = pl.col("category").replace_strict(_RANK, return_dtype=pl.Int64)
    return (
        states.filter("published")
        .sort(rank, "beside", "rule_id", descending=[True, False, False])
        .pipe(with_country)
        .group_by("datasetKey", "n", "column", "row", "country", "taxon", "year", maintain_order=True)
        .agg(pl.col("category", "rule_id", "beside").first(), keys=pl.col("key"))
    )


def with_country(states: pl.DataFrame) -> pl.DataFrame:
    """Return states with `country`: the stated one of those without a place, where it may be published."""
    stated = pl.col("unit").str.strip_prefix(NOWHERE).replace("", None)
    return states.with_columns(country=pl.when(pl.col("n").is_null()).then(stated))


def _with_memory(records: pl.DataFrame, memory: Memory) -> pl.DataFrame:
    """Return records with the stricter of what was decided today and in earlier releases; `known`: set apart before."""
    kept = strictest(memory.states.select("key", "category", "rule_id", "beside"))
    both = records.join(
        kept.rename({"beside": "beside_kept"}), on="key", how="left", suffix="_kept", maintain_order="left"
    )
    rank, kept_rank = (
        pl.col(name).replace_strict(_RANK, default=0, return_dtype=pl.Int64).fill_null(0)
        for name in ("category", "category_kept")
    )
    earlier = kept_rank > rank
    return both.select(
        pl.exclude("category", "rule_id", "category_kept", "rule_id_kept", "beside_kept"),
        category=pl.when(earlier).then("category_kept").otherwise("category"),
        rule_id=pl.when(earlier).then("rule_id_kept").otherwise("rule_id"),
        known=pl.col("category_kept").is_not_null(),
        beside=pl.col("beside_kept").fill_null(value=False) & (rank == 0),
    )


def _beside(records: pl.DataFrame, beside: pl.DataFrame) -> pl.DataFrame:
    """Return records with the category of those that are set apart beside others."""
    both = records.join(beside, on="key", how="left", suffix="_beside", maintain_order="left")
    rank, beside_rank = (
        pl.col(name).replace_strict(_RANK, default=0, return_dtype=pl.Int64).fill_null(0)
        for name in ("category", "category_beside")
    )
    taken = (beside_rank > rank) & (pl.col("beside") | pl.col("category").is_null())
    return both.select(
        pl.exclude("category", "rule_id", "category_beside", "rule_id_beside", "beside"),
        category=pl.when(taken).then("category_beside").otherwise("category"),
        rule_id=pl.when(taken).then("rule_id_beside").otherwise("rule_id"),
        beside=pl.col("beside") | taken,
    )


def _points(rows: pl.DataFrame, identifier: str) -> pl.DataFrame:
    """Return what stands where: datasetKey, mark, year, fx, fy, opened."""
    opened = pl.col("category").is_null() if "category" in rows.columns else pl.lit(value=True)
    marks = pl.Series("mark", _marks(rows[identifier]), dtype=pl.UInt64)
    return rows.select("datasetKey", pl.col("year").cast(pl.Int32), "fx", "fy", marks, opened=opened).drop_nulls(
        ["fx", "fy"]
    )


def _marks(identifiers: pl.Series) -> np.ndarray:
    """Return a number for each key of a record, or of an event; the same for the same one for ever."""
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in identifiers.cast(pl.String))
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


@dataclass(frozen=True)
class _World:
    """What the steps look at together: what stands where, now and in the last release, which datasets are of stations, what was kept, and the year."""

    points: pl.DataFrame
    before: pl.DataFrame
    stations: pl.Series
    states: pl.DataFrame
    released: frozenset[str]
    year: int

    @property
    def new(self) -> pl.Expr:
        """Tell which rows are of datasets that no earlier release had."""
        return ~pl.col("datasetKey").is_in(list(self.released))

    def exact(self, n: int) -> pl.DataFrame:
        """Return the cells in which a dataset of stations shows an exact place."""
        shown = self.points.filter("opened", pl.col("datasetKey").is_in(self.stations.to_list()))
        return shown.select("datasetKey", *cell(n)).unique()


def _units(records: pl.DataFrame, world: _World, grid: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Give each sensitive record its unit: the one it went out in, a crowd, its cell, or none where it has to wait.

    Returns
    -------
    members : polars.DataFrame
        Columns of `STATES` as they are before this release; `new_year`, `new_taxon`, `inside` (it still stands in its unit),
        `there` (the record is not gone).
    grid, left_over : polars.DataFrame of `CROWD_PLACES`
        All crowds, older and new; places that are in none.
    """
    kept = world.states.rename({"category": "old", "taxon": "old_taxon", "year": "old_year"}).drop(
        "datasetKey", "rule_id", "beside"
    )
    mine = records.drop_nulls("category").join(kept, on="key", how="left", maintain_order="left")
    same = (pl.col("old") == pl.col("category")).fill_null(value=False)
    first = (
        pl.when(world.new)
        .then(pl.min_horizontal(pl.col("year").fill_null(world.year), world.year))
        .otherwise(world.year)
    )
    waits = pl.when(same).then("waits_since").when(pl.col("old").is_null()).then(first).otherwise(world.year)
    mine = mine.with_columns(
        pl.col("undated").fill_null(value=False),
        published=same & pl.col("published").fill_null(value=False),
        base=pl.col("category").replace_strict(PER_DEGREE, default=None, return_dtype=pl.Int32),
        waits_since=waits.cast(pl.Int32),
        year=pl.col("year").cast(pl.Int32),
    )
    nowhere = pl.any_horizontal(pl.col("fx", "fy").is_null())
    coarse = pl.col("base").is_not_null()
    stays = pl.col("published") & ~pl.col("unit").str.starts_with(NOWHERE)
    free = mine.filter(coarse, ~nowhere, ~stays.fill_null(value=False)).drop("unit", "n", "column", "row")
    found, grid, left_over = _placed(free, mine.filter(coarse, ~nowhere), world, grid)
    unit = pl.lit(NOWHERE) + pl.col("country").fill_null("")
    rest = [
        mine.filter(~coarse).with_columns(pl.lit(None).alias(name) for name in ("unit", "n", "column", "row")),
        mine.filter(coarse, stays.fill_null(value=False)),
        mine.filter(coarse, nowhere, ~stays.fill_null(value=False)).with_columns(
            unit=unit, n=pl.lit(None), column=pl.lit(None), row=pl.lit(None)
        ),
        found,
    ]
    columns = {**STATES, "old_year": pl.Int32(), "old_taxon": pl.String(), "fx": pl.Int64(), "fy": pl.Int64()}
    there = pl.concat([frame.select(pl.col(name).cast(dtype) for name, dtype in columns.items()) for frame in rest])
    gone = world.states.join(records.select("key"), on="key", how="anti").join(
        records.select("datasetKey").unique(), on="datasetKey", how="semi"
    )
    return pl.concat([there.with_columns(there=pl.lit(value=True)), gone.with_columns(
        old_year="year", old_taxon="taxon", fx=pl.lit(None, pl.Int64), fy=pl.lit(None, pl.Int64),
        there=pl.lit(value=False),
    )]), grid, left_over  # fmt: skip


def _placed(
    free: pl.DataFrame, asked: pl.DataFrame, world: _World, grid: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return records with a crowd, their cell, or no unit yet; all crowds; the places that are left over."""
    found, left_over = [], [CROWD_PLACES.to_frame()]
    for base in asked["base"].unique().sort().to_list():
        exact = world.exact(base)
        datasets = asked.filter(pl.col("base") == base).select("datasetKey").unique()
        places = crowds.squares(world.points.join(datasets, on="datasetKey", how="semi"), base)
        places = places.join(exact, on=["datasetKey", "column", "row"], how="semi")
        new, left = crowds.count_off(_free(places, grid, base, base), base=base, n=base)
        grid = pl.concat([grid, new])
        left_over.append(_left(left, base, base))
        here = free.filter(pl.col("base") == base).with_columns(*cell(base), n=pl.lit(base, pl.Int32))
        alone = here.join(exact, on=["datasetKey", "column", "row"], how="anti", maintain_order="left")
        found.append(alone.with_columns(unit=_cell_unit(base)))
        here = here.join(exact, on=["datasetKey", "column", "row"], how="semi", maintain_order="left")
        n = base
        while True:
            here = _in_crowds(here, grid, base)
            going = here.filter(pl.col("unit").is_null(), pl.col("waits_since") < world.year)
            if n == 1 or going.is_empty():
                break
            n //= 10
            wider = _free(places, grid, base, base).select("datasetKey", pl.col("x", "y").floordiv(base // n)).unique()
            wider = wider.with_columns(column=pl.col("x").floordiv(PARTS), row=pl.col("y").floordiv(PARTS))
            cells = going.select("datasetKey", *cell(n)).unique()
            new, left = crowds.count_off(
                wider.join(cells, on=["datasetKey", "column", "row"], how="semi"), base=base, n=n
            )
            grid = pl.concat([grid, new])
            left_over.append(_left(left, base, n))
            went = going.select("key", wide=pl.lit(n, pl.Int32))
            here = here.join(went, on="key", how="left", maintain_order="left")
            here = here.with_columns(n=pl.coalesce("wide", "n")).drop("wide")
            here = pl.concat([part.with_columns(cell(int(str(level)))) for (level,), part in here.group_by("n")])
        found.append(here)
    columns = [*free.columns, "n", "column", "row", "unit"]
    empty = free.clear().with_columns(
        n=pl.lit(None, pl.Int32),
        column=pl.lit(None, pl.Int64),
        row=pl.lit(None, pl.Int64),
        unit=pl.lit(None, pl.String),
    )
    return pl.concat([empty.select(columns), *(frame.select(columns) for frame in found)]), grid, pl.concat(left_over)


def _tens(left_over: pl.DataFrame, world: _World) -> pl.DataFrame:
    """Return all places, in tens, of the cells that have places in no crowd."""
    found = [CROWD_PLACES.to_frame()]
    for (base,), some in left_over.filter(pl.col("n") == pl.col("base")).group_by("base", maintain_order=True):
        cells = some.select("datasetKey", "column", "row").unique()
        places = crowds.squares(world.points, int(str(base))).join(
            cells, on=["datasetKey", "column", "row"], how="semi"
        )
        found.append(crowds.tens(places, int(str(base))))
    return pl.concat(found)


def _free(places: pl.DataFrame, grid: pl.DataFrame, base: int, n: int) -> pl.DataFrame:
    """Return squares that are in no crowd of their category: a place belongs to one crowd for ever."""
    for wide in (one for one in _LEVELS if one <= n):
        taken = grid.filter(pl.col("base") == base, pl.col("n") == wide).select("datasetKey", wide_x="x", wide_y="y")
        of = places.with_columns(wide_x=pl.col("x").floordiv(n // wide), wide_y=pl.col("y").floordiv(n // wide))
        places = of.join(taken, on=["datasetKey", "wide_x", "wide_y"], how="anti").drop("wide_x", "wide_y")
    return places


def _left(left: pl.DataFrame, base: int, n: int) -> pl.DataFrame:
    """Return places that are left over, together for each cell."""
    named = left.with_columns(
        crowd=pl.format("left|{}|{}|{}", pl.lit(n), "column", "row"), base=pl.lit(base), n=pl.lit(n)
    )
    return named.select(pl.col(name).cast(dtype) for name, dtype in CROWD_PLACES.items())


def _in_crowds(here: pl.DataFrame, grid: pl.DataFrame, base: int) -> pl.DataFrame:
    """Return records with the crowd of their place, and its cell."""
    found = []
    here = here.drop("unit", strict=False)
    for wide in (one for one in _LEVELS if one <= base):
        at = grid.filter(pl.col("base") == base, pl.col("n") == wide)
        at = at.select("datasetKey", "x", "y", unit="crowd", crowd_column="column", crowd_row="row")
        inside = here.with_columns(square(wide)).join(at, on=["datasetKey", "x", "y"], maintain_order="left")
        inside = inside.with_columns(n=pl.lit(wide, pl.Int32), column="crowd_column", row="crowd_row")
        found.append(inside.drop("x", "y", "crowd_column", "crowd_row"))
        here = here.join(inside.select("key"), on="key", how="anti", maintain_order="left")
    found.append(here.with_columns(unit=pl.lit(None, pl.String)))
    return pl.concat([frame.select(found[-1].columns) for frame in found])


def _cell_unit(n: int) -> pl.Expr:
    return pl.format("cell|{}|{}|{}", pl.lit(n), "column", "row")


def _content(members: pl.DataFrame, points: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """Return what stands at the places of the units of records: `SEEN`."""
    asked = members.drop_nulls(["unit", "n"]).select("datasetKey", "n", "column", "row", "unit").unique()
    found = [SEEN.to_frame()]
    for (level,), some in asked.group_by("n", maintain_order=True):
        n = int(str(level))
        here = points.with_columns(*cell(n), *square(n))
        here = here.join(
            some.select("datasetKey", "column", "row").unique(), on=["datasetKey", "column", "row"], how="semi"
        )
        in_crowds = grid.select("datasetKey", "x", "y", unit="crowd").join(some, on=["datasetKey", "unit"], how="semi")
        in_cells = some.filter(pl.col("unit") == _cell_unit(n)).select("datasetKey", "column", "row", "unit")
        at = [
            here.join(in_crowds, on=["datasetKey", "x", "y"]),
            here.join(in_cells, on=["datasetKey", "column", "row"]),
        ]
        found += [
            one.group_by("datasetKey", "unit", "x", "y", "year").agg(pl.col("mark").bitwise_xor()).select(SEEN.names())
            for one in at
        ]
    return pl.concat(found)


def _refreshed(
    members: pl.DataFrame, world: _World, grid: pl.DataFrame, seen: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Make the presences of units and years anew that are complete.

    Returns
    -------
    members, seen : polars.DataFrame
        As they are after this release.
    changed : polars.DataFrame
        datasetKey, unit, places : how many of a unit's places have something new.
    """
    content = _content(members, world.points, grid)
    # Of a unit that had nothing to hide, what an earlier release showed counts as seen.
    shown = _content(members, world.before.drop_nulls("mark"), grid).join(seen, on=_UNIT, how="anti")
    # A row without a mark keeps that a unit was looked at, and that nothing stood there.
    units = members.drop_nulls(["unit", "n"]).select(_UNIT).unique().join(seen, on=_UNIT, how="anti")
    units = units.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in SEEN.items() if name not in _UNIT)
    seen = pl.concat([seen, units.select(SEEN.names()), shown.filter(~world.new)])
    sizes = grid.group_by("datasetKey", unit="crowd").len("size")
    fresh = content.join(seen, on=SEEN.names(), how="anti", nulls_equal=True).join(sizes, on=_UNIT, how="left")
    fresh = fresh.with_columns(pl.col("size").fill_null(PLACES))
    changed = fresh.group_by(_UNIT).agg(places=pl.struct("x", "y").n_unique(), size=pl.col("size").first())
    whole = changed.filter(pl.col("places") >= pl.col("size")).select(*_UNIT, whole=pl.lit(value=True))
    complete = fresh.group_by(*_UNIT, "year").agg(places=pl.len(), size=pl.col("size").first())
    complete = complete.filter(pl.col("places") >= pl.col("size")).select(*_UNIT, "year", complete=pl.lit(value=True))
    is_cell = pl.col("unit").str.starts_with("cell|").fill_null(value=False)
    late = pl.col("there") & ~pl.col("published") & (pl.col("waits_since") < world.year)
    forced = members.filter(is_cell).group_by(_UNIT).agg(forced=late.any()).filter(pl.col("forced") | world.new)
    forced = forced.with_columns(forced=pl.lit(value=True))
    whole = whole.join(forced, on=_UNIT, how="anti")
    group = pl.when("published").then("old_year").when(~pl.col("undated")).then("year")
    judged = members.with_columns(group=group).join(whole, on=_UNIT, how="left").join(forced, on=_UNIT, how="left")
    years = complete.rename({"year": "group"})
    judged = judged.join(years, on=[*_UNIT, "group"], how="left", nulls_equal=True)
    judged = judged.with_columns(pl.col("whole", "forced", "complete").fill_null(value=False))
    without = ~pl.col("published") & pl.col("whole") & ~pl.col("complete")
    judged = judged.with_columns(group=pl.when(~without).then("group"), inside=_inside(judged, grid))
    anew = pl.col("forced") | pl.col("complete") | (pl.col("whole") & pl.col("group").is_null())
    nowhere = pl.col("unit").str.starts_with(NOWHERE).fill_null(value=False)
    other_year = pl.col("published") & pl.col("group").is_not_null() & pl.col("group").ne_missing(pl.col("year"))
    judged = judged.with_columns(anew=(anew & pl.col("unit").is_not_null()) | nowhere, nowhere=nowhere)
    left = pl.col("anew") & ~pl.col("nowhere") & (~pl.col("there") | ~pl.col("inside"))
    goes = (
        pl.when(pl.col("anew")).then(pl.col("there") & (pl.col("nowhere") | ~left) & ~other_year).otherwise("published")
    )
    judged = judged.with_columns(goes=goes.fill_null(value=False), left=left)
    taken = pl.col("goes") & pl.col("anew")
    after = judged.with_columns(
        year=pl.when(taken & pl.col("nowhere"))
        .then(None)
        .when(taken)
        .then("group")
        .when("published")
        .then("old_year")
        .otherwise("year"),
        taxon=pl.when(taken).then("taxon").when("published").then("old_taxon").otherwise("taxon"),
        undated=pl.col("undated") | (taken & (pl.col("group").is_null() | pl.col("nowhere"))),
        waits_since=pl.when("left").then(world.year).otherwise("waits_since"),
        **{name: pl.when(~pl.col("left")).then(name) for name in ("unit", "n", "column", "row")},
        published="goes",
    )
    anew_units = pl.concat([whole.select(_UNIT), forced.select(_UNIT)])
    older = seen.join(anew_units, on=_UNIT, how="anti").join(
        complete, on=[*_UNIT, "year"], how="anti", nulls_equal=True
    )
    newer = pl.concat([
        content.join(anew_units, on=_UNIT, how="semi"),
        content.join(anew_units, on=_UNIT, how="anti").join(complete, on=[*_UNIT, "year"], how="semi", nulls_equal=True),
    ])  # fmt: skip
    return after, pl.concat([older, newer]), changed


def _stood(members: pl.DataFrame, world: _World, grid: pl.DataFrame) -> pl.DataFrame:
    """Return what stood, before the first of them came, at the places in no crowd of degrees in which records wait for one."""
    waits = members.filter("there", pl.col("unit").is_null(), pl.col("base").is_not_null(), pl.col("fx").is_not_null())
    degree = [pl.col(name).floordiv(FINEST).alias(f"degree_{name}") for name in ("fx", "fy")]
    where = ["datasetKey", "degree_fx", "degree_fy"]
    places = world.points.select("datasetKey", "fx", "fy", *degree).unique()
    found = [places.clear().select("datasetKey", "fx", "fy")]
    for (base,), some in waits.group_by("base", maintain_order=True):
        here = places.join(some.select("datasetKey", *degree).unique(), on=where, how="semi")
        found.append(
            _free(here.with_columns(square(int(str(base)))), grid, int(str(base)), int(str(base))).select(
                "datasetKey", "fx", "fy"
            )
        )
    kept = pl.concat(found).unique()
    there = kept.join(world.before, on=["datasetKey", "fx", "fy"], how="left")
    return there.select(pl.col(name).cast(dtype) for name, dtype in STOOD.items())


def _inside(members: pl.DataFrame, grid: pl.DataFrame) -> pl.Series:
    """Tell which records stand in the unit that they went out in, or go out in."""
    rows = members.select("datasetKey", "unit", "n", "column", "row", "fx", "fy").with_row_index("at")
    found = [pl.Series("at", [], dtype=pl.UInt32)]
    places = grid.select("datasetKey", "x", "y", unit="crowd")
    for (level,), some in rows.drop_nulls(["n", "fx", "fy"]).group_by("n"):
        n = int(str(level))
        x, y = (expression.alias(name) for expression, name in zip(cell(n), ("now_column", "now_row"), strict=True))
        here = some.with_columns(x, y, *square(n))
        found.append(here.join(places, on=["datasetKey", "unit", "x", "y"], how="semi")["at"])
        in_cell = pl.col("unit").str.starts_with("cell|")
        same = (pl.col("now_column") == pl.col("column")) & (pl.col("now_row") == pl.col("row"))
        found.append(here.filter(in_cell, same)["at"])
    return pl.int_range(members.height, eager=True, dtype=pl.UInt32).is_in(pl.concat(found).implode())


def _kept(members: pl.DataFrame) -> pl.DataFrame:
    """Return the states of records after a release."""
    return members.select(pl.col(name).cast(dtype) for name, dtype in STATES.items())


def _waiting(members: pl.DataFrame, left_over: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Return the records that wait, and how many places there are, or have something new, of those that it takes."""
    room = left_over.group_by("datasetKey", "base", "n", "column", "row").len("room")
    waits = members.filter("there", ~pl.col("published"), pl.col("base").is_not_null())
    waits = waits.join(room, on=["datasetKey", "base", "n", "column", "row"], how="left")
    waits = waits.join(changed.select(*_UNIT, new=pl.min_horizontal("places", "size")), on=_UNIT, how="left")
    places = pl.when(pl.col("unit").is_null()).then("room").otherwise("new").fill_null(0)
    return waits.select("key", places=places.cast(pl.Int64))
