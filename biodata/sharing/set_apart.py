"""Set apart: sensitive records go out as presences, each standing for a crowd of places or for a cell.

A *unit* is a crowd (`crowds`), or a cell where the cell is the crowd: in datasets that are not of stations, and where no exact
place is shown in the cell. A unit's presences of a year appear, change or vanish only in a release in which each of its places
has something new of that year, or, without a year, something new at all; a cell's when ten of its places have, at the latest
after the year's end. So the difference between two releases names no place.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from biodata.sharing import crowds
from biodata.sharing.crowds import CROWD_PLACES, PLACES
from biodata.sharing.grid import PARTS, PER_DEGREE, cell, square
from biodata.sharing.left_empty import emptied_events, even_walks, strictest
from biodata.vocabularies import SharingCategory

STATES: Final = pl.Schema(
    {
        "key": pl.Int64, "datasetKey": pl.String, "category": pl.String, "rule_id": pl.String, "beside": pl.Boolean,
        "base": pl.Int32, "n": pl.Int32, "column": pl.Int64, "row": pl.Int64, "unit": pl.String, "taxon": pl.String,
        "year": pl.Int32, "published": pl.Boolean, "waits_since": pl.Int32,
    }
)  # fmt: skip
"""What is kept of a record that was ever set apart: category, cells along a degree of the category and of the cell that it goes
out in, the unit (null while it has none), the presence's taxon and year, whether it went out, the year that it waits for the end of."""
SEEN: Final = pl.Schema(
    {"datasetKey": pl.String, "unit": pl.String, "x": pl.Int64, "y": pl.Int64, "year": pl.Int32, "mark": pl.UInt64}
)
"""What stood at the places of units when these were last made: a mark of the records and events of each year."""
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
    """

    states: pl.DataFrame = field(default_factory=STATES.to_frame)
    crowds: pl.DataFrame = field(default_factory=CROWD_PLACES.to_frame)
    seen: pl.DataFrame = field(default_factory=SEEN.to_frame)


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
        event_key of events that nothing is published of.
    """

    memory: Memory
    hidden: pl.DataFrame
    waiting: pl.DataFrame
    unpublished_events: pl.Series


def set_apart(
    records: pl.DataFrame,
    events: pl.DataFrame,
    memory: Memory,
    *,
    released: Collection[str],
    today: date,
) -> Apart:
    """Set sensitive records apart.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        key, datasetKey, eventID, day, time, year, recordedBy, longitude, latitude, `shown` (True for those that an earlier
        release was made of), category (null for open ones), rule_id,
        taxon, country (stated, where it may be published) : all records of the datasets of sensitive ones.
    events : polars.DataFrame
        event_key, datasetKey, eventID, day, year, longitude, latitude; without a place where others are parts of it.
    memory : Memory
        Of earlier releases.
    released : collection of str
        The datasets that an earlier release had: in others nothing waits for what an earlier one showed.
    today : date
        Of the release.

    Returns
    -------
    Apart
    """
    year, new = today.year, set(records["datasetKey"].drop_nulls()) - set(released)
    records = _with_memory(records, memory)
    points = pl.concat([_points(records, "key"), _points(events, "event_key")])
    stations = crowds.of_stations(records, events)
    asked = _sensitive(records, memory, new, year)
    grid, left_over = _crowds(asked, points, stations, memory, year)
    groups = pl.concat([grid, left_over]).rename({"crowd": "unit"})
    empty = emptied_events(records, events, groups)
    beside = strictest(pl.concat([even_walks(records), empty.beside]))
    records = _beside(records, beside)
    now = _in_units(_sensitive(records, memory, new, year), points, stations, grid, memory)
    content = _content(now, points, grid, memory)
    # Of a unit that had nothing to hide, what an earlier release showed counts as seen.
    shown = _content(now, points.filter("shown"), grid, memory).join(memory.seen, on=_UNIT, how="anti")
    seen = pl.concat([memory.seen, shown.filter(~pl.col("datasetKey").is_in(list(new)))])
    states, seen = _refreshed(now, content, _sizes(grid), replace(memory, seen=seen), records, new, year)
    states = pl.concat([states, _nowhere(records)])
    waiting = _waiting(states, left_over)
    states = pl.concat([states, _withheld_since(records, memory)])
    hidden = records.drop_nulls("category").select("key", "category", "rule_id", "beside")
    return Apart(Memory(states, grid, seen), hidden, waiting, empty.unpublished)


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
    kept = records.join(beside, on="key", how="left", suffix="_beside", maintain_order="left")
    return kept.select(
        pl.exclude("category", "rule_id", "category_beside", "rule_id_beside", "beside"),
        category=pl.coalesce("category", "category_beside"),
        rule_id=pl.coalesce("rule_id", "rule_id_beside"),
        beside=pl.col("beside") | (pl.col("category").is_null() & pl.col("category_beside").is_not_null()),
    )


def _points(rows: pl.DataFrame, identifier: str) -> pl.DataFrame:
    """Return what stands where: datasetKey, mark, year, longitude, latitude, opened."""
    opened = pl.col("category").is_null() if "category" in rows.columns else pl.lit(value=True)
    marks = pl.Series("mark", _marks(rows[identifier]), dtype=pl.UInt64)
    return rows.select(
        "datasetKey", pl.col("year").cast(pl.Int32), "longitude", "latitude", "shown", marks, opened=opened
    ).drop_nulls(["longitude", "latitude"])


def _marks(identifiers: pl.Series) -> np.ndarray:
    """Return a number for each key of a record, or of an event; the same for the same one for ever."""
    if identifiers.dtype == pl.String:
        digests = (hashlib.sha256(text.encode()).digest() for text in identifiers)
        return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    mixed = identifiers.to_numpy().astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64, Steele et al. 2014
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _sensitive(records: pl.DataFrame, memory: Memory, new: set[str], year: int) -> pl.DataFrame:
    """Return the records that go out as presences of a cell: `base`, and the year that they wait for the end of."""
    since = memory.states.group_by("key").agg(pl.col("waits_since").min())
    own = pl.when(pl.col("datasetKey").is_in(list(new))).then(pl.min_horizontal(pl.col("year").fill_null(year), year))
    return (
        records.filter(pl.col("category").is_in(list(PER_DEGREE)))
        .drop_nulls(["longitude", "latitude"])
        .join(since, on="key", how="left", maintain_order="left")
        .with_columns(
            base=pl.col("category").replace_strict(PER_DEGREE, return_dtype=pl.Int32),
            waits_since=pl.coalesce("waits_since", own, pl.lit(year)).cast(pl.Int32),
            year=pl.col("year").cast(pl.Int32),
        )
    )


def _crowds(
    asked: pl.DataFrame, points: pl.DataFrame, stations: pl.Series, memory: Memory, year: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return all crowds, older and new; and the places that are left over in the cells of sensitive records."""
    grid, left_over = [memory.crowds], [CROWD_PLACES.to_frame()]
    of_stations = pl.col("datasetKey").is_in(stations.to_list())
    points = points.filter(of_stations)
    for (base,), going in asked.filter(of_stations).group_by("base", maintain_order=True):
        n = int(str(base))
        # All cells of the dataset: were only those with a sensitive record counted off, the others' places could be left out.
        places = crowds.squares(points, n).join(going.select("datasetKey").unique(), on="datasetKey", how="semi")
        while True:
            places = _not_wider(places, memory.crowds, base=int(str(base)), n=n)
            found, left = crowds.count_off(places, memory.crowds, base=int(str(base)), n=n)
            grid.append(found)
            in_cell = pl.format("left|{}|{}|{}", pl.lit(n), "column", "row")
            left = left.with_columns(crowd=in_cell, base=pl.lit(base), n=pl.lit(n))
            left_over.append(left.select(pl.col(name).cast(dtype) for name, dtype in CROWD_PLACES.items()))
            going = going.with_columns(square(n)).join(left, on=["datasetKey", "x", "y"], how="semi")
            going = going.filter(pl.col("waits_since") < year)
            if n == 1 or going.is_empty():
                break
            n //= 10
            wider = left.select("datasetKey", pl.col("x", "y").floordiv(10)).unique()
            places = wider.with_columns(column=pl.col("x").floordiv(PARTS), row=pl.col("y").floordiv(PARTS))
    return pl.concat(grid), pl.concat(left_over)


def _not_wider(places: pl.DataFrame, known: pl.DataFrame, *, base: int, n: int) -> pl.DataFrame:
    """Return the squares that are in no crowd of wider cells: a place belongs to one crowd for ever."""
    for wide in (one for one in _LEVELS if one < n):
        taken = known.filter(pl.col("base") == base, pl.col("n") == wide).select("datasetKey", wide_x="x", wide_y="y")
        of = places.with_columns(wide_x=pl.col("x").floordiv(n // wide), wide_y=pl.col("y").floordiv(n // wide))
        places = of.join(taken, on=["datasetKey", "wide_x", "wide_y"], how="anti").drop("wide_x", "wide_y")
    return places


def _nowhere(records: pl.DataFrame) -> pl.DataFrame:
    """Return the states of sensitive records without a place: they go out by their stated country, without a year."""
    found = records.filter(
        pl.col("category").is_in(list(PER_DEGREE)), pl.any_horizontal(pl.col("longitude", "latitude").is_null())
    ).with_columns(pl.lit(None).alias(name) for name in ("base", "n", "column", "row", "year", "waits_since"))
    unit = NOWHERE + pl.col("country").fill_null("")
    found = found.with_columns(unit=unit, published=pl.lit(value=True))
    return found.select(pl.col(name).cast(dtype) for name, dtype in STATES.items())


def _withheld_since(records: pl.DataFrame, memory: Memory) -> pl.DataFrame:
    """Return the states of records that are withheld now: nothing goes out, and what they were is not forgotten."""
    withheld = records.filter(pl.col("category") == _WITHHELD).select("key")
    kept = memory.states.join(withheld, on="key", how="semi").unique("key", keep="first", maintain_order=True)
    return kept.with_columns(published=pl.lit(value=False), unit=pl.lit(None, pl.String))


def _in_units(
    mine: pl.DataFrame, points: pl.DataFrame, stations: pl.Series, grid: pl.DataFrame, memory: Memory
) -> pl.DataFrame:
    """Return sensitive records with their unit and its cell; `unit` is null for those that have no crowd yet."""
    units = grid.select("datasetKey", "base", "n", "x", "y", unit="crowd")
    kept = memory.states.filter("published").drop_nulls("n").select("key", "base", "n", "column", "row", "unit")
    found = [_still_there(mine, kept, units)]
    rest = mine.join(found[0], on="key", how="anti")
    for (base,), some in rest.group_by("base", maintain_order=True):
        n, going = int(str(base)), some.with_columns(cell(int(str(base))))
        exact = points.filter("opened").select("datasetKey", *cell(n), exact=pl.lit(value=True)).unique()
        going = going.join(exact, on=["datasetKey", "column", "row"], how="left", maintain_order="left")
        crowded = pl.col("datasetKey").is_in(stations.to_list()) & pl.col("exact").fill_null(value=False)
        found.append(going.filter(~crowded).with_columns(n=pl.lit(n, pl.Int32), unit=_cell_unit(n)))
        going = going.filter(crowded).with_columns(n=pl.lit(n, pl.Int32), unit=pl.lit(None, pl.String))
        for wide in (one for one in _LEVELS if one <= n):  # a place that is in a wide crowd is in no other
            at = units.filter(pl.col("base") == base, pl.col("n") == wide).drop("base", "n")
            placed = going.drop("unit").with_columns(*cell(wide), *square(wide))
            placed = placed.join(at, on=["datasetKey", "x", "y"], how="left", maintain_order="left")
            inside = pl.col("unit").is_not_null()
            found.append(placed.filter(inside).with_columns(n=pl.lit(wide, pl.Int32)))
            going = placed.filter(~inside)
        found.append(going)
    columns = [
        "key",
        "datasetKey",
        "category",
        "rule_id",
        "beside",
        "base",
        "n",
        "column",
        "row",
        "unit",
        "taxon",
        "year",
    ]
    return pl.concat([one.select(*columns, "waits_since") for one in found])


def _still_there(mine: pl.DataFrame, kept: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return the records that stand where they stood when they went out, in the unit that they went out in."""
    found = []
    for (n,), some in mine.join(kept, on=["key", "base"]).group_by("n", maintain_order=True):
        at = some.rename({"column": "old_column", "row": "old_row"}).with_columns(
            *cell(int(str(n))), *square(int(str(n)))
        )
        at = at.join(
            units.drop("base", "n").with_columns(in_crowd=pl.lit(value=True)),
            on=["datasetKey", "x", "y", "unit"],
            how="left",
        )
        same_cell = (pl.col("column") == pl.col("old_column")) & (pl.col("row") == pl.col("old_row"))
        found.append(
            at.filter(
                same_cell, pl.col("in_crowd").fill_null(value=False) | (pl.col("unit") == _cell_unit(int(str(n))))
            )
        )
    empty = mine.clear().with_columns(
        n=pl.lit(None, pl.Int32),
        column=pl.lit(None, pl.Int64),
        row=pl.lit(None, pl.Int64),
        unit=pl.lit(None, pl.String),
    )
    return pl.concat([empty, *(one.select(empty.columns) for one in found)]).unique(
        "key", keep="first", maintain_order=True
    )


def _cell_unit(n: int) -> pl.Expr:
    return pl.format("cell|{}|{}|{}", pl.lit(n), "column", "row")


def _content(now: pl.DataFrame, points: pl.DataFrame, grid: pl.DataFrame, memory: Memory) -> pl.DataFrame:
    """Return what stands at the places of all units that matter: `SEEN`."""
    asked = pl.concat(
        [
            frame.select("datasetKey", "n", "column", "row", "unit")
            for frame in (now, memory.states.filter("published").drop_nulls("n"))
        ]
    )
    asked = asked.drop_nulls("unit").unique()
    found = [SEEN.to_frame()]
    for (n,), some in asked.group_by("n", maintain_order=True):
        here = points.with_columns(*cell(int(str(n))), *square(int(str(n))))
        here = here.join(
            some.select("datasetKey", "column", "row").unique(), on=["datasetKey", "column", "row"], how="semi"
        )
        in_crowds = grid.filter(pl.col("n") == n).select("datasetKey", "x", "y", unit="crowd")
        in_crowds = in_crowds.join(some, on=["datasetKey", "unit"], how="semi")
        in_cells = some.filter(pl.col("unit") == _cell_unit(int(str(n)))).select("datasetKey", "column", "row", "unit")
        at = [
            here.join(in_crowds, on=["datasetKey", "x", "y"]),
            here.join(in_cells, on=["datasetKey", "column", "row"]),
        ]
        found += [
            one.group_by("datasetKey", "unit", "x", "y", "year").agg(pl.col("mark").bitwise_xor()).select(SEEN.names())
            for one in at
        ]
    return pl.concat(found)


def _sizes(grid: pl.DataFrame) -> pl.DataFrame:
    """Return how many places each crowd has."""
    return grid.group_by("datasetKey", unit="crowd").len("size")


def _refreshed(
    now: pl.DataFrame,
    content: pl.DataFrame,
    sizes: pl.DataFrame,
    memory: Memory,
    records: pl.DataFrame,
    new: set[str],
    year: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the states and what is seen of places from this release on."""
    seen = memory.seen
    fresh = content.join(seen, on=SEEN.names(), how="anti", nulls_equal=True)
    fresh = fresh.join(sizes, on=_UNIT, how="left").with_columns(pl.col("size").fill_null(PLACES))
    per_unit = fresh.group_by(_UNIT).agg(places=pl.struct("x", "y").n_unique(), size=pl.col("size").first())
    whole = per_unit.filter(pl.col("places") >= pl.col("size")).select(_UNIT)
    per_year = fresh.group_by(*_UNIT, "year").agg(places=pl.len(), size=pl.col("size").first())
    old = memory.states.filter("published").drop_nulls("n")
    ours = now.join(old.select("key", "unit", old_year="year", old_taxon="taxon"), on=["key", "unit"], how="left")
    was = (
        now.select("key", "unit")
        .join(old.select("key", "unit"), on=["key", "unit"], how="semi")
        .with_columns(was=pl.lit(value=True))
    )
    ours = ours.join(was, on=["key", "unit"], how="left").with_columns(pl.col("was").fill_null(value=False))
    late = ours.filter(~pl.col("was"), pl.col("waits_since") < year)
    is_cell = pl.col("unit").str.starts_with("cell|").fill_null(value=False)
    forced = pl.concat([
        ours.filter(is_cell, pl.col("datasetKey").is_in(list(new))).select(_UNIT), late.filter(is_cell).select(_UNIT),
    ]).unique()  # fmt: skip
    dated = per_year.filter(pl.col("places") >= pl.col("size")).select(*_UNIT, "year")
    years = pl.concat(
        [frame.select(*_UNIT, "year") for frame in (ours, old.with_columns(pl.col("year")), content)]
    ).unique()
    dated = pl.concat([dated, years.join(forced, on=_UNIT, how="semi")]).unique().filter(pl.col("year").is_not_null())
    undated = pl.concat([whole, forced]).unique()
    ours = _marked(
        ours.with_columns(target=pl.when(~(pl.col("was") & pl.col("old_year").is_null())).then("year")), dated, undated
    )
    published = ours.with_columns(
        new_year=pl.when("in_dated")
        .then("target")
        .when(pl.col("was") & ~pl.col("in_undated"))
        .then("old_year")
        .when(pl.col("was") & pl.col("target").is_not_null())
        .then("old_year"),
        goes=pl.col("in_dated") | pl.col("was") | pl.col("in_undated"),
        renewed=pl.col("in_dated") | (pl.col("in_undated") & ~(pl.col("was") & pl.col("target").is_not_null())),
    )
    current = published.select(
        *(name for name in STATES.names() if name not in {"taxon", "year", "published"}),
        taxon=pl.when(pl.col("renewed") | ~pl.col("was")).then("taxon").otherwise("old_taxon"),
        year=pl.when("goes").then("new_year").otherwise("year"),
        published="goes",
    )
    gone = _remaining(old, now, records, dated, undated)
    states = pl.concat(
        [frame.select(pl.col(name).cast(dtype) for name, dtype in STATES.items()) for frame in (current, gone)]
    )
    renewed = pl.concat([
        content.join(dated, on=[*_UNIT, "year"], how="semi"), content.join(undated, on=list(_UNIT), how="semi"),
    ]).unique()  # fmt: skip
    older = seen.join(renewed, on=[*_UNIT, "x", "y", "year"], how="anti", nulls_equal=True)
    return states, pl.concat([older, renewed.select(SEEN.names())])


def _marked(rows: pl.DataFrame, dated: pl.DataFrame, undated: pl.DataFrame) -> pl.DataFrame:
    """Add whether the presences of a row's unit and year (`target`), and those without a year, are made anew."""
    true = pl.lit(value=True)
    marked = rows.join(
        dated.with_columns(in_dated=true), left_on=[*_UNIT, "target"], right_on=[*_UNIT, "year"], how="left"
    )
    marked = marked.join(undated.with_columns(in_undated=true), on=list(_UNIT), how="left")
    return marked.with_columns(pl.col("in_dated", "in_undated").fill_null(value=False))


def _remaining(
    old: pl.DataFrame, now: pl.DataFrame, records: pl.DataFrame, dated: pl.DataFrame, undated: pl.DataFrame
) -> pl.DataFrame:
    """Return published states of records that are gone, or moved, and stand for their presence until it is made anew.

    One that is withheld today, or asks for a larger cell, leaves at once.
    """
    moved = old.join(now.select("key", "unit"), on=["key", "unit"], how="anti")
    stricter = now.select("key", base_now="base")
    withheld = records.filter(pl.col("category") == _WITHHELD).select("key")
    moved = moved.join(withheld, on="key", how="anti").join(stricter, on="key", how="left")
    moved = moved.filter(pl.col("base_now").fill_null(pl.col("base")) >= pl.col("base"))
    marked = _marked(moved.with_columns(target="year"), dated, undated)
    anew = pl.when(pl.col("year").is_null()).then("in_undated").otherwise("in_dated")
    return marked.filter(~anew).select(STATES.names())


def _waiting(states: pl.DataFrame, left_over: pl.DataFrame) -> pl.DataFrame:
    """Return the records that wait, and how many places their cell has left over."""
    room = left_over.group_by("datasetKey", "base", "n", "column", "row").len("places")
    waits = states.filter(~pl.col("published")).join(room, on=["datasetKey", "base", "n", "column", "row"], how="left")
    return waits.select("key", places=pl.col("places").fill_null(0).cast(pl.Int64))
