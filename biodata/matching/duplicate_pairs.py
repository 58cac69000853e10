"""Pairs of records that are worth comparing, and what they have in common."""

import logging
from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.places.gazetteer import MEAN_RADIUS_M

logger = logging.getLogger(__name__)

MOST_IN_BLOCK: Final = 2_000
"""Records that share a block; more of them are not compared with each other, since what they share tells nothing."""

SAME_PLACE_M: Final = 200.0
"""As GBIF's rules have it, for coordinates rounded to three decimals."""
WIDEST_PLACE_M: Final = 1_000.0
"""Coordinates that rounding may have moved farther are no evidence of a place."""
SAME_TIME_S: Final = 60


def pairs(
    facts: pl.DataFrame, blocks: pl.DataFrame, *, across_datasets: bool, most: int = MOST_IN_BLOCK
) -> pl.DataFrame:
    """Set records beside each other that share a block.

    Parameters
    ----------
    facts : polars.DataFrame of n rows
        What `duplicate_facts.facts` returned.
    blocks : polars.DataFrame
        row : position in `facts`; block : number, null for none; a row may stand in several.
    across_datasets : bool
        Leave out pairs of one dataset.
    most : int
        Blocks of more records are left out.

    Returns
    -------
    polars.DataFrame
        Each pair once: the columns of `facts` with `_a` and `_b`, and those of `in_common`.
    """
    told = blocks.drop_nulls("block").with_columns(facts["dataset"].gather(blocks.drop_nulls("block")["row"]))
    sizes = told.group_by("block").agg(n=pl.len(), several=pl.col("dataset").min() != pl.col("dataset").max())
    crowded = sizes.filter(pl.col("n") > most)
    if crowded.height:
        logger.info("%d blocks of more than %d records were not compared", crowded.height, most)
    wanted = sizes.filter(pl.col("n").is_between(2, most), pl.col("several") | (not across_datasets))
    told = told.join(wanted, on="block", how="semi")
    both = told.join(told, on="block", suffix="_b").filter(pl.col("row") < pl.col("row_b"))
    if across_datasets:
        both = both.filter(pl.col("dataset") != pl.col("dataset_b"))
    rows = both.select("row", "row_b").unique()
    ends = [
        facts[rows[row]].rename({name: f"{name}{end}" for name in facts.columns})
        for row, end in (("row", "_a"), ("row_b", "_b"))
    ]
    return in_common(pl.concat(ends, how="horizontal"))


def blocks(facts: pl.DataFrame, *columns: str | pl.Expr, where: pl.Expr | None = None) -> pl.DataFrame:
    """Return rows and the number of their block: those where `columns` are equal and told."""
    rows = facts.with_row_index("row")
    rows = rows if where is None else rows.filter(where)
    named = [(pl.col(c) if isinstance(c, str) else c).alias(f"part_{n}") for n, c in enumerate(columns)]
    return rows.select("row", *named).drop_nulls().select("row", block=pl.struct(pl.exclude("row")).hash(21))


def explode(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each member of a list column; none for an empty list."""
    return frame.filter(pl.col(column).list.len() > 0).explode(column)


def cells(longitude: pl.Expr, latitude: pl.Expr, *, side: float, reach_m: float) -> pl.Expr:
    """Return the cells that a square around a place touches: two places within reach of each other share one.

    Parameters
    ----------
    longitude, latitude : polars.Expr
        Degrees.
    side : float
        Side of a cell, degrees; more than the reach.
    reach_m : float
        Side of the square, metres.
    """
    up = reach_m / 2 / 110_500
    across = up / latitude.radians().cos().clip(0.01)
    return pl.concat_list(
        ((longitude + dx * across) / side).floor().cast(pl.Int64) * 1_000_000
        + ((latitude + dy * up) / side).floor().cast(pl.Int64)
        for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1))
    ).list.unique()


def in_common(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add what the two records of each pair have in common, and where they contradict each other.

    Parameters
    ----------
    pairs : polars.DataFrame of n rows
        The columns of `duplicate_facts.facts` with `_a` and `_b`.

    Returns
    -------
    polars.DataFrame of n rows
        Besides: metres : between the two places; seconds : between the two beginnings; other_dataset, same_place,
        same_person, no_word_shared, same_day, same_clock, clocks_differ, days_differ, individuals_differ, border : bool,
        false where it cannot be told.
    """
    return pairs.with_columns(_metres().alias("metres"), (_a("t0") - _b("t0")).abs().alias("seconds")).with_columns(
        other_dataset=_a("dataset") != _b("dataset"),
        same_place=_sure(pl.col("metres") <= _place_m()),
        same_person=_shared("people"),
        no_word_shared=_sure(
            (_a("words").list.len() > 0) & (_b("words").list.len() > 0) & ~_shared("words"),
        ),
        same_day=_sure(_a("day") == _b("day")),
        clocks_differ=_clocks_differ(),
        # Local days of two zones may be one day apart.
        days_differ=_sure((_a("first_day") > _b("last_day") + 1) | (_b("first_day") > _a("last_day") + 1)),
        individuals_differ=_differ("count") | _differ("sex") | _differ("lifeStage") | _differ("organismID"),
        border=_differ("country") | _differ("zone"),
    )


def agreement(names: Sequence[str]) -> pl.Expr:
    """Return how many of some columns both records tell, and tell the same."""
    return pl.sum_horizontal(_sure(_a(name) == _b(name)).cast(pl.Int32) for name in names)


def _a(name: str) -> pl.Expr:
    return pl.col(f"{name}_a")


def _b(name: str) -> pl.Expr:
    return pl.col(f"{name}_b")


def _sure(condition: pl.Expr) -> pl.Expr:
    """Return a condition that is false where it cannot be told."""
    return condition.fill_null(value=False)


def _differ(name: str) -> pl.Expr:
    """Tell where both records tell a column, and not the same."""
    return _sure(_a(name) != _b(name))


def _shared(name: str) -> pl.Expr:
    """Tell where two lists have a member in common."""
    return _sure(_a(name).list.set_intersection(_b(name)).list.len() > 0)


def _clocks_differ() -> pl.Expr:
    """Tell where two times of day exclude each other: instants where both have one, else the clocks.

    A clock that is the same in both, where one zone is not told, excludes nothing: many a service writes Z behind local
    times.
    """
    same_clock = _sure((_a("clock") - _b("clock")).abs() <= SAME_TIME_S)
    instants = (_a("t0") - _b("t0")).abs() > SAME_TIME_S
    both_sure = _a("sure") & _b("sure")
    clocks = (_a("clock") - _b("clock")).abs() > SAME_TIME_S
    both_silent = _a("t0").is_null() & _b("t0").is_null()
    return _sure(
        pl.when(instants.is_not_null()).then(instants & (both_sure | ~same_clock)).when(both_silent).then(clocks)
    )


def _place_m() -> pl.Expr:
    """Return within how many metres two places may be the same one, by how their coordinates are rounded."""
    rounding = pl.max_horizontal(_a("rounding"), _b("rounding"), pl.lit(SAME_PLACE_M))
    return pl.when(rounding <= WIDEST_PLACE_M).then(rounding)


def _metres() -> pl.Expr:
    """Return the great circle between the two places."""
    latitude_a, latitude_b = _a("y").radians(), _b("y").radians()
    half_y, half_x = (latitude_b - latitude_a) / 2, (_b("x") - _a("x")).radians() / 2
    chord = half_y.sin() ** 2 + latitude_a.cos() * latitude_b.cos() * half_x.sin() ** 2
    return 2 * MEAN_RADIUS_M * chord.clip(0, 1).sqrt().arcsin()
