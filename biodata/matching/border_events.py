"""One song or sighting that two teams note on both sides of a border, each in its own local time.

The same species at the same time in UTC, noted in different countries or zones, at places that agree within their
uncertainties and `HEARD_M` or `SEEN_M`. That is a default of ours: two listening posts that hear one group are taken to
be at most 4 km apart. (In the collaborative censuses of the cao vit gibbon, posts stand on ridges of both sides, each
within hearing of several valleys: Ma et al. 2020, Oryx 54(6).) A zone that is only proposed is no evidence.

Records of a species, hour and stretch of land are put in the order of time, and each is compared with the `NEXT` ones:
the work grows with the records. Two records are one event if each is the other's nearest of its dataset.
"""

from typing import Final

import polars as pl

from biodata.places.gazetteer import MEAN_RADIUS_M

REASON: Final = "the same species noted by two teams on both sides of a border, at the same time in UTC"

HEARD_M: Final = 4_000.0
SEEN_M: Final = 1_000.0
"""How far apart the places of one event may be told by two teams, beside their uncertainties: observers often give
their own place, not the animals'."""
LARGEST_RADIUS_M: Final = 2_000.0
"""What an uncertainty adds to that at most."""
VAGUE_M: Final = 5_000.0
"""Places that are less certain are no evidence for an event of two teams."""
HEARD_S: Final = 600
SEEN_S: Final = 300
"""How far apart two teams may note the beginning of one event: watches differ, and a duet lasts a quarter of an hour."""
LONGEST_S: Final = 3_600
"""A longer stretch of time is the team's presence, not the event."""
OVERLAPPING_S: Final = 1_800
NEXT: Final = 8
"""With how many of the records that follow in time a record is compared."""

_REACH_M: Final = HEARD_M + 2 * LARGEST_RADIUS_M
_SIDE: Final = 0.2
"""Side of a cell in degrees; more than the reach."""
_COMPARED: Final = (
    "key", "dataset", "datasetKey", "record", "t0", "t1", "x", "y", "radius", "country", "zone", "heard", "machine",
    "count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock",
)  # fmt: skip
_ENDS: Final = tuple(f"{name}{end}" for name in ("key", "dataset", "datasetKey", "record") for end in ("", "_b"))
_AGREEING: Final = ("count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock", "x", "y")


def blocks(facts: pl.DataFrame) -> pl.DataFrame:
    """Return key and block of the records that may be of such an event: its species, hour and stretch of land."""
    rows = facts.filter(
        "sure", pl.col("t0").is_not_null(), pl.col("x").is_not_null(), pl.col("radius").fill_null(0) <= VAGUE_M,
        (pl.col("t1") - pl.col("t0")).fill_null(0) <= LONGEST_S,
    )  # fmt: skip
    halves = (-OVERLAPPING_S // 2, OVERLAPPING_S // 2)
    hours = pl.concat_list((pl.col("t0") + shift) // LONGEST_S for shift in halves).list.unique()
    cells = _cells(pl.col("x"), pl.col("y"))
    rows = rows.select("key", "species", hour=hours, cell=cells).explode("hour").explode("cell")
    return rows.select("key", block=pl.struct("species", "hour", "cell").hash(22))


def _cells(longitude: pl.Expr, latitude: pl.Expr) -> pl.Expr:
    """Return the cells that a square around a place touches: two places within reach of each other share one."""
    up = _REACH_M / 2 / 110_500
    across = up / latitude.radians().cos().clip(0.01)
    return pl.concat_list(
        ((longitude + dx * across) / _SIDE).floor().cast(pl.Int64) * 1_000_000
        + ((latitude + dy * up) / _SIDE).floor().cast(pl.Int64)
        for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1))
    ).list.unique()


def edges(rows: pl.DataFrame, *, tier: int) -> pl.DataFrame:
    """Return the events that several teams noted, as edges between records and events.

    Parameters
    ----------
    rows : polars.DataFrame
        block, and `cluster_facts.facts` of each record that has it.
    tier : int
        How sure this is.

    Returns
    -------
    polars.DataFrame
        key, tier, node, reason; the same for any order of the rows.
    """
    several = pl.any_horizontal(pl.col(name).min() != pl.col(name).max() for name in ("country", "zone"))
    border = rows.group_by("block").agg(several=several & (pl.col("dataset").n_unique() > 1)).filter("several")
    rows = rows.join(border, on="block", how="semi").select("block", *_COMPARED)
    rows = rows.sort("block", "t0", "x", "y", "datasetKey", "record", "key")
    pairs = pl.concat(_of_one_event(_beside(rows, step)) for step in range(1, NEXT + 1)).unique(["key", "key_b"])
    turned = {name: name.removesuffix("_b") if name.endswith("_b") else f"{name}_b" for name in _ENDS}
    pairs = pl.concat([pairs, pairs.rename(turned).select(pairs.columns)])
    chosen = pairs.sort("seconds", -pl.col("agree"), "metres", "datasetKey", "record", "datasetKey_b", "record_b")
    nearest = chosen.unique(["key", "dataset_b"], keep="first", maintain_order=True)
    both = nearest.join(nearest.select(key="key_b", key_b="key"), on=["key", "key_b"], how="semi")
    return both.select(
        "key",
        tier=pl.lit(tier, dtype=pl.UInt8),
        node=pl.struct(pl.min_horizontal("key", "key_b").alias("a"), pl.max_horizontal("key", "key_b").alias("b")).hash(
            8
        ),
        reason=pl.lit(REASON),
    )


def _beside(rows: pl.DataFrame, step: int) -> pl.DataFrame:
    """Return each record beside the one that stands so many places behind it in its block, if their times allow it."""

    def behind(name: str) -> pl.Expr:
        return pl.col(name).shift(-step)

    near = (pl.col("block") == behind("block")) & (pl.col("dataset") != behind("dataset"))
    near &= behind("t0") - pl.col("t0") <= OVERLAPPING_S
    first = rows.select(near.fill_null(value=False).arg_true()).to_series()
    other = rows[first + step].rename({name: f"{name}_b" for name in rows.columns})
    return pl.concat([rows[first], other], how="horizontal")


def _of_one_event(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that may be of one event, with their distances in time and space."""

    def differs(name: str) -> pl.Expr:
        return (pl.col(name) != pl.col(f"{name}_b")).fill_null(value=False)

    y, y_b = pl.col("y").radians(), pl.col("y_b").radians()
    half = ((pl.col("x_b") - pl.col("x")).radians() / 2).sin() ** 2
    chord = ((y_b - y) / 2).sin() ** 2 + y.cos() * y_b.cos() * half
    pairs = pairs.with_columns(
        metres=2 * MEAN_RADIUS_M * chord.clip(0, 1).sqrt().arcsin(),
        seconds=(pl.col("t0") - pl.col("t0_b")).abs(),
        agree=pl.sum_horizontal(
            (pl.col(n) == pl.col(f"{n}_b")).fill_null(value=False).cast(pl.Int32) for n in _AGREEING
        ),
    )
    heard = pl.col("heard") | pl.col("heard_b")
    radius = pl.sum_horizontal(pl.col(name).fill_null(0).clip(0, LARGEST_RADIUS_M) for name in ("radius", "radius_b"))
    overlap = pl.max_horizontal("t0", "t0_b") < pl.min_horizontal("t1", "t1_b")
    found = pairs.filter(
        differs("country") | differs("zone"),
        pl.col("metres") <= radius + pl.when(heard).then(HEARD_M).otherwise(SEEN_M),
        (pl.col("seconds") <= pl.when(heard).then(HEARD_S).otherwise(SEEN_S))
        | (overlap & (pl.col("seconds") <= OVERLAPPING_S)),
        ~(differs("organismID") | differs("sex") | (~heard & differs("count"))),
        heard | ~(pl.col("machine") | pl.col("machine_b")),
    )
    return found.select(*_ENDS, "metres", "seconds", "agree")
