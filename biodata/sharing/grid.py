"""The grid that places are published by: cells of a category, squares of a hundredth of their side, crowds of ten squares.

A *place* is a square of a hundredth of the cell's side. In a dataset *of stations* a sensitive place can be known from its
other records: there it hides in a crowd of ten places in five of the cell's hundred tenth-squares. The places of a cell are
counted off by a public hash; a place belongs to one crowd for ever.

What would show where a sensitive record is missing is hidden with it: an event that it leaves empty, a gap in an even walk.
Other records that would give the place away are set apart beside it, and no more than those.
"""

import hashlib
from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.geo import geodesic_distance_m
from biodata.core.vocabularies import SharingCategory

GUARD: Final = 1e-9
"""Share of a cell below its lower edge that still counts with it, so that a place stated as 0.29° is in the cell from 0.29°
on, although 0.29 times 100 is a little less than 29 to a computer."""
PER_DEGREE: Final = MappingProxyType({str(c): round(1 / c.cell_degrees) for c in SharingCategory if c.cell_degrees})
"""Cells along a degree of each category."""
PARTS: Final = 100
"""Squares along a cell's side."""
FINEST: Final = 100_000
"""Squares along a degree of the finest kind, a hundredth of the side of the smallest cells."""
PLACES: Final = 10
"""Places of a crowd, at least."""
TENTHS: Final = 5
"""Tenth-squares of the cell that a crowd lies in, at least."""
VISITED: Final = 1000
"""Cells along a degree by which a place is one that was visited before."""
POOL: Final = ("datasetKey", "base", "n", "column", "row")
"""A cell of a dataset: `base`, the cells along a degree of the category that asked; `n`, those of this cell: base, or a tenth, a hundredth of
it where a crowd had to be looked for in a wider one; its column and row."""
CROWD_PLACES: Final = pl.Schema(
    {"datasetKey": pl.String, "base": pl.Int32, "n": pl.Int32, "column": pl.Int64, "row": pl.Int64, "x": pl.Int64, "y": pl.Int64, "crowd": pl.String}
)  # fmt: skip
"""Places of crowds: the crowd's cell, the square, the crowd's name."""
TEN: Final = "ten|"
"""Begins the name of ten places of a cell that are in no crowd together."""
CELL: Final = "cell|"
"""Begins the name of a cell that is a crowd itself."""
CELL_NAME: Final = pl.format(CELL + "{}|{}|{}", "n", "column", "row")


def fine() -> list[pl.Expr]:
    """Return `fx` and `fy`, the finest square of `longitude` and `latitude`, counted from 0° E, 0° N."""
    return [
        (pl.col(name) * FINEST + GUARD).floor().cast(pl.Int64).clip(upper_bound=most * FINEST - 1).alias(alias)
        for name, most, alias in (("longitude", 180, "fx"), ("latitude", 90, "fy"))
    ]


def cell(n: int | pl.Expr) -> list[pl.Expr]:
    """Return `column` and `row` among n cells along a degree, of finest squares."""
    return [pl.col(name).floordiv(FINEST // n).alias(alias) for name, alias in (("fx", "column"), ("fy", "row"))]


def square(n: int | pl.Expr) -> list[pl.Expr]:
    """Return `x` and `y` of the squares, a hundredth of the side of n cells along a degree, of finest squares."""
    step = FINEST // (n * PARTS)
    return [pl.col(name).floordiv(step).alias(alias) for name, alias in (("fx", "x"), ("fy", "y"))]


def visits(records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Count the visits to the places of datasets.

    Parameters
    ----------
    records : polars.DataFrame
        datasetKey, day, fx, fy.
    events : polars.DataFrame
        datasetKey, fx, fy.

    Returns
    -------
    polars.DataFrame
        datasetKey; dated : its records with a place and a day; again : those at places that were visited on two days or more;
        placed_events : its events with a place.
    """
    placed_events = events.drop_nulls(["fx", "fy"]).group_by("datasetKey").len("placed_events")
    placed = records.lazy().drop_nulls(["day", "fx", "fy"]).select("datasetKey", "day", *cell(VISITED))
    days = placed.group_by("datasetKey", "column", "row")
    places = days.agg(pl.len(), again=pl.col("day").min() < pl.col("day").max())
    again = places.group_by("datasetKey").agg(dated=pl.col("len").sum(), again=pl.col("len").filter("again").sum())
    return again.collect(engine="streaming").join(placed_events, on="datasetKey", how="full", coalesce=True)


def of_stations(visits: pl.DataFrame) -> pl.Series:
    """Return the datasets whose places can be known from their other records, by their visits.

    Those that have events with a place, and those of which at least half of the records stand at places that were visited on
    two days or more.
    """
    often = (pl.col("dated") > 0) & (2 * pl.col("again") >= pl.col("dated"))
    return visits.filter((pl.col("placed_events") > 0) | often)["datasetKey"].sort()


def squares(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct squares of rows with datasetKey, base, n, fx, fy: `CROWD_PLACES` without a crowd."""
    n = pl.col("n")
    return rows.select("datasetKey", "base", n, *cell(n), *square(n)).unique()


def with_crowds(rows: pl.DataFrame, crowds: pl.DataFrame) -> pl.DataFrame:
    """Return rows that stand in crowds, once for each.

    Parameters
    ----------
    rows : polars.DataFrame
        datasetKey, fx, fy; `base` where only crowds that one category asked for count.
    crowds : polars.DataFrame of `CROWD_PLACES`

    Returns
    -------
    polars.DataFrame
        The columns of both.
    """
    levels = crowds.select("datasetKey", "base", "n").unique()
    at_levels = rows.join(levels, on=[name for name in ("datasetKey", "base") if name in rows.columns])
    return at_levels.with_columns(square(pl.col("n"))).join(crowds, on=["datasetKey", "base", "n", "x", "y"])


def count_off(places: pl.DataFrame) -> pl.DataFrame:
    """Count places off into crowds.

    Parameters
    ----------
    places : polars.DataFrame
        `squares` that are in no crowd yet.

    Returns
    -------
    polars.DataFrame of `CROWD_PLACES`
        Without a crowd where they are left over.
    """
    places = _in_order(places, PLACES)
    rows = places.rows()
    crowds: list[str | None] = [None] * len(rows)
    first, tenths = 0, set[tuple[int, int]]()
    for at, (*_, x, y) in enumerate(rows):
        if rows[at][: len(POOL)] != rows[first][: len(POOL)]:
            first, tenths = at, set()
        tenths.add((x // 10, y // 10))
        count = at + 1 - first
        if count >= PLACES and len(tenths) >= TENTHS:
            # By its first place, which is in no other one.
            crowds[first : at + 1] = [":".join(map(str, (*rows[first][1:3], *rows[first][-2:])))] * count
            first, tenths = at + 1, set()
    return places.with_columns(pl.Series("crowd", crowds, dtype=pl.String))


def find_crowds(
    records: pl.DataFrame, spots: pl.DataFrame, exact: pl.DataFrame, crowds: pl.DataFrame, *, year: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Find the unit of sensitive records: a crowd; where no exact place is shown in its cell the cell; or none yet.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, base, fx, fy, waits_since, and unit, n, column, row, which are found anew.
    spots, exact : polars.DataFrame
        datasetKey, base, fx, fy : all places of datasets of stations, which may be counted into crowds; those of them that are
        published as they are.
    crowds : polars.DataFrame of `CROWD_PLACES`
        Older ones.
    year : int
        Records that wait since an earlier one go to a crowd of the next larger cell.

    Returns
    -------
    records : polars.DataFrame
        With unit, n, column, row.
    crowds, left_over : polars.DataFrame of `CROWD_PLACES`
        All crowds; places that are in none.
    """
    base, n, where = pl.col("base"), pl.col("n"), ["datasetKey", "base", "column", "row"]
    cells = exact.select("datasetKey", "base", *cell(base)).unique()
    spots = spots.with_columns(cell(base)).join(cells, on=where, how="semi").drop("column", "row")
    records = records.with_columns(*cell(base), n="base")
    alone = records.join(cells, on=where, how="anti").with_columns(unit=CELL_NAME)
    records = records.join(cells, on=where, how="semi")
    cells, left_over = cells.with_columns(n="base"), [CROWD_PLACES.to_frame()]
    while not cells.is_empty():
        levels = cells.select("datasetKey", "base", "n").unique()
        free = crowdless(spots, crowds).join(levels, on=["datasetKey", "base"])
        counted = count_off(squares(free).join(cells, on=POOL, how="semi"))
        crowds = pl.concat([crowds, counted.drop_nulls("crowd")])
        left_over.append(counted.filter(pl.col("crowd").is_null()))
        found = with_crowds(records.drop("unit", "n", "column", "row"), crowds).rename({"crowd": "unit"})
        found = found.sort("n").unique("key", keep="last")
        records = records.join(found, on="key", how="anti")
        wider = (pl.col("waits_since") < year) & (n > 1)
        going = records.filter(wider).with_columns(n=n // 10).with_columns(cell(n))
        records = pl.concat([found.select(records.columns), going, records.filter(~wider)])
        cells = going.select(POOL).unique()
    return pl.concat([alone, records]), crowds, pl.concat(left_over)


def crowdless(spots: pl.DataFrame, crowds: pl.DataFrame) -> pl.DataFrame:
    """Return spots (datasetKey, base, fx, fy) that are in no crowd of their category: a place belongs to one crowd for ever."""
    return spots.join(with_crowds(spots, crowds), on=["datasetKey", "base", "fx", "fy"], how="anti")


def tens(spots: pl.DataFrame, left_over: pl.DataFrame) -> pl.DataFrame:
    """Return all places (`spots`: datasetKey, fx, fy) of the cells that have some in no crowd, in tens: `CROWD_PLACES`; the last ten takes the rest with it."""
    cells = left_over.filter(pl.col("n") == pl.col("base"))
    spots = spots.join(cells.select("datasetKey", "base", "n").unique(), on="datasetKey")
    places = _in_order(squares(spots).join(cells, on=POOL, how="semi"), 2 * PLACES)
    at, count = pl.int_range(pl.len()).over(POOL), pl.len().over(POOL)
    ten = pl.min_horizontal(at // PLACES, pl.max_horizontal(count // PLACES, 1) - 1)
    return places.with_columns(crowd=pl.format(TEN + "{}|{}|{}|{}", "base", "column", "row", ten))


def _in_order(places: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return squares cell by cell, in the order of a public hash; in any, where a cell has fewer than `least`."""
    name = pl.when(pl.len().over(POOL) >= least).then(pl.format("{}|{}|{}|{}", "datasetKey", "n", "x", "y"))
    names = places.select(name=name)["name"]
    order = [None if name is None else hashlib.sha256(name.encode()).hexdigest() for name in names]
    return places.with_columns(order=pl.Series(order, dtype=pl.String)).sort(*POOL, "order").drop("order")


BLANK: Final = 0.1
"""Share of events without a record in the source from which one whose records are all withheld is not noticed."""
_SPREAD: Final = 3
"""By so many of its square roots chance may exceed the number that is expected of emptied events."""
_WALK: Final = 5
"""Records of a walk, at least."""
_EVEN: Final = 0.5
"""A walk is even if the middle half of its steps lies within this share of their median."""
_RANK: Final = {str(category): category.strictness for category in SharingCategory}
_CATEGORY: Final = {n: category for category, n in PER_DEGREE.items()}
_BLANK: Final = pl.col("opened").is_null()
_MAY_GO_BESIDE: Final = pl.col("category").is_null() | pl.col("beside")
_BESIDE: Final = ("key", "category", "rule_id", "beside")


def emptied_events(
    records: pl.DataFrame, events: pl.DataFrame, groups: pl.DataFrame, *, released: Collection[str], waits: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Find what is set apart beside events that lose their last open record.

    1. An event is *emptied* if it has records and none of them is open. One that a release has shown needs nothing.
    2. It stays as it is where an event without records is usual: its crowd has a blank one, and the dataset's events with
       sensitive records are emptied no more often than its others are blank.
    3. Else the open records of all events of its round in its crowd go apart with it: a round is the first, second, … visit of
       the year at every place of the crowd (`_in_rounds`), the same set from whichever of the ten one looks.
    4. In a dataset that an earlier release had, these events wait, with all their records, until each other place of the
       crowd has a new one. For an event that has no crowd yet, all new events of its degree at places in no crowd wait.
    5. It is not published if its place is the only one of its cell, or if all its records are withheld and less than a tenth of
       the dataset's events are blank (`BLANK`): nothing hides it.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, eventID, category, rule_id, beside.
    events : polars.DataFrame
        event_key, datasetKey, eventID, day, year, fx, fy; `shown` : True for those that an earlier release had.
    groups : polars.DataFrame of `grid.CROWD_PLACES`
        Crowds, and tens of cells (`grid.tens`).
    released : collection of str
        The datasets that an earlier release had.
    waits : polars.Series of int
        key of the records that wait for a crowd until the year's end.

    Returns
    -------
    beside : polars.DataFrame
        key, category, rule_id, beside : open records of other events that are set apart with them.
    unpublished : polars.DataFrame
        datasetKey, event_key of events that are not published, or not yet.
    held : polars.DataFrame
        datasetKey, key of the records that wait with them.
    """
    event, crowd, visit = ["datasetKey", "eventID"], ["datasetKey", "crowd"], ["datasetKey", "crowd", "year", "round"]
    records = records.drop_nulls("eventID")
    placed = _with_records(events.drop_nulls(["fx", "fy"]), records, waits)
    # Of an event whose records are all withheld no cell is known: it hides among all events of its dataset.
    withheld = placed.filter(pl.col("withheld"), _BLANK.mean().over("datasetKey") < BLANK)

    # An event hides in its crowd, else among ten places of its cell.
    here = with_crowds(placed, groups.with_columns(places=pl.len().over(crowd)))
    here = here.with_columns(usual=_BLANK.any().over(crowd), crowded=~pl.col("crowd").str.starts_with(TEN))
    new = _in_rounds(here.filter(~pl.col("shown")))
    emptied = new.filter(~pl.col("opened"), pl.col("base") == pl.col("asked"))
    emptied = emptied.sort("crowded", "n").unique("event_key", keep="last").filter(pl.col("often") | ~pl.col("usual"))

    without_crowd = pl.col("waits") & ~pl.col("crowded")
    degrees = emptied.filter(without_crowd).select("datasetKey", "base", *cell(1)).unique()
    nearby = placed.filter(~pl.col("shown")).with_columns(cell(1)).join(degrees, on=["datasetKey", "column", "row"])
    nearby = nearby.join(here.filter("crowded"), on=["event_key", "base"], how="anti")

    emptied = emptied.filter(~without_crowd)
    others = emptied.join(new, on=crowd, suffix="_other")
    others = others.filter((pl.col("x") != pl.col("x_other")) | (pl.col("y") != pl.col("y_other")))
    in_earlier = pl.col("datasetKey").is_in(list(released))
    everywhere = pl.struct("x_other", "y_other").n_unique().over("event_key") >= pl.col("places") - 1
    ready = others.filter(~in_earlier | everywhere)
    exposed = emptied.filter(in_earlier | (pl.col("places") == 1)).join(ready, on="event_key", how="anti")
    with_exposed = others.join(exposed, on="event_key", how="semi").select(
        "datasetKey", eventID="eventID_other", event_key="event_key_other"
    )
    waiting = pl.concat([frame.select(with_exposed.columns) for frame in (exposed, nearby, with_exposed)]).unique()

    apart = ready.select(*visit, "base", "rule_id").unique().join(new, on=visit, nulls_equal=True).select(
        *event, "rule_id",
        category=pl.col("base").replace_strict(_CATEGORY, return_dtype=pl.String), beside=pl.lit(value=True),
    )  # fmt: skip
    opened = records.filter(_MAY_GO_BESIDE).select("key", *event)
    return (
        opened.join(strictest(apart, event), on=event).select(_BESIDE),
        pl.concat([rows.select("datasetKey", "event_key") for rows in (withheld, waiting)]).unique(),
        records.join(waiting, on=event, how="semi").select("datasetKey", "key"),
    )


def _with_records(events: pl.DataFrame, records: pl.DataFrame, waits: pl.Series) -> pl.DataFrame:
    """Return events with what is known of their records.

    opened : one of them is open (null: there are none); withheld : all are; waits : one waits for a crowd; alone : none may go
    beside another; asked, rule_id :
    what the strictest cell and the first rule of sensitive ones are; often : the dataset's events with sensitive records
    lack others more often than by chance, as often as its other events are blank.
    """
    own = pl.col("category").is_in(list(PER_DEGREE)) & ~pl.col("beside")
    of_event = records.group_by("datasetKey", "eventID").agg(
        opened=pl.col("category").is_null().any(),
        withheld=(pl.col("category") == str(SharingCategory.WITHHELD)).fill_null(value=False).all(),
        waits=(pl.col("key").is_in(waits.implode()) & ~pl.col("beside")).any(),
        alone=~(_MAY_GO_BESIDE.any()),
        asked=pl.col("category").filter(own).replace_strict(PER_DEGREE, return_dtype=pl.Int32).min(),
        rule_id=pl.col("rule_id").filter(own).sort().first(),
    )  # fmt: skip
    events = events.join(of_event, on=["datasetKey", "eventID"], how="left", maintain_order="left")
    sensitive = pl.col("asked").is_not_null()
    by_chance = sensitive.sum() * (_BLANK.sum() / (~sensitive).sum())
    often = (sensitive & pl.col("alone")).sum() > by_chance + _SPREAD * by_chance.sqrt()
    return events.with_columns(often=often.over("datasetKey"))


def _in_rounds(events: pl.DataFrame) -> pl.DataFrame:
    """Return events of crowds with their `round`: at each place the first of the year, the second, ...

    A year has as many rounds as the place with the fewest events; its last round takes the later events with it.
    """
    crowd = ["datasetKey", "crowd", "year"]
    number, last = (
        pl.int_range(pl.len()).over(*crowd, "x", "y"),
        (pl.len().over(*crowd, "x", "y") - 1).min().over(crowd),
    )
    return events.sort("day", "eventID").with_columns(round=pl.min_horizontal(number, last))


def even_walks(records: pl.DataFrame) -> pl.DataFrame:
    """Return the open records of evenly spaced walks that lie in the cell of a sensitive one of the walk.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, day, time, recordedBy, longitude, latitude, fx, fy, category, rule_id, beside.

    Returns
    -------
    polars.DataFrame
        key, category, rule_id, beside.
    """
    walk = ["datasetKey", "day", "recordedBy"]
    placed = records.lazy().drop_nulls([*walk, "longitude", "latitude"])
    sensitive = placed.filter(pl.col("category").is_in(list(PER_DEGREE)), ~pl.col("beside")).collect()
    walks = placed.join(sensitive.lazy(), on=walk, how="semi").filter(pl.len().over(walk) >= _WALK).collect()
    walks = walks.with_columns(timed=pl.col("time").is_not_null().all().over(walk))
    walks = walks.sort(*walk, pl.when("timed").then("time"), "key")
    last = walks.select(pl.col("longitude", "latitude").shift().over(walk))
    steps = geodesic_distance_m(last["longitude"], last["latitude"], walks["longitude"], walks["latitude"])
    walks = walks.with_columns(
        distance=pl.Series(steps).fill_nan(None),
        duration=pl.when("timed").then(pl.col("time").diff().over(walk).cast(pl.Float64)),
    )
    even = walks.group_by(walk).agg(even=_is_even("distance") | _is_even("duration")).filter("even")
    n = pl.col("category").replace_strict(PER_DEGREE, return_dtype=pl.Int32)
    cells = sensitive.join(even, on=walk, how="semi").with_columns(n=n).with_columns(cell(pl.col("n")))
    cells = cells.select(*walk, "n", "column", "row", "category", "rule_id", beside=pl.lit(value=True)).unique()
    opened = walks.filter(_MAY_GO_BESIDE).select("key", *walk, "fx", "fy").join(cells, on=walk)
    return strictest(opened.filter(pl.struct(cell(pl.col("n"))) == pl.struct("column", "row"))).select(_BESIDE)


def _is_even(steps: str) -> pl.Expr:
    """Return whether the middle half of some steps lies close to their median."""
    step = pl.col(steps).drop_nulls()
    middle = step.quantile(0.75, "linear") - step.quantile(0.25, "linear")
    median = step.median()
    return ((median > 0) & (middle <= _EVEN * median)).fill_null(value=False)


def strictness(category: str) -> pl.Expr:
    """Return the rank of a column's categories: 0 where there is none."""
    return pl.col(category).replace_strict(_RANK, default=0, return_dtype=pl.Int64)


def strictest(found: pl.DataFrame, by: Sequence[str] = ("key",)) -> pl.DataFrame:
    """Return each record, or event, once, with its strictest category."""
    in_order = found.sort(strictness("category"), "rule_id", descending=[True, False])
    return in_order.unique(by, keep="first", maintain_order=True)


def stricter(records: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return records with `category`, `rule_id` and `beside` of others where these are stricter.

    A record that has a category of its own is beside no other.
    """
    both = records.select("key", "category").join(others.select("key", other="category"), on="key")
    stricter_ones = both.filter(strictness("other") > strictness("category"))
    if stricter_ones.is_empty():
        return records
    others = others.select(_BESIDE).join(stricter_ones, on="key", how="semi")
    both = records.join(others, on="key", how="left", suffix="_other", maintain_order="left")
    taken = strictness("category_other") > strictness("category")
    return both.select(
        pl.exclude("category", "rule_id", "beside", "^.*_other$"),
        *(pl.when(taken).then(f"{name}_other").otherwise(name).alias(name) for name in ("category", "rule_id")),
        beside=pl.when(taken).then(pl.col("beside_other") & _MAY_GO_BESIDE).otherwise("beside"),
    )
