"""The gate: what a finished release tells is held against the records, a second way, before it is let out."""

from typing import Final

import polars as pl

from biodata.sharing.grid import PARTS, PLACES, TENTHS
from biodata.sharing.plan import Plan
from biodata.sharing.received import is_as_its_category_asks
from biodata.terms import PUBLISHED_OCCURRENCE, Reach
from biodata.vocabularies import SharingCategory

FAULTS: Final = pl.Schema({"key": pl.Int64, "datasetKey": pl.String, "problem": pl.String})
"""What a release tells and must not: the number of the record or presence, -1 for an event."""
_PRECISE: Final = tuple(c.name for c in PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
CHECKED: Final = (
    "key", "datasetKey", "sharing_category", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters",
    "quality_flags", "cell_west", "cell_south", "cell_east", "cell_north", *_PRECISE,
)  # fmt: skip
"""Columns of published records that are looked at."""
_REMEDY: Final = (
    "report it to the makers of biodata with the output of `biodata audit leaks`; nothing of it was let out"
)


def faults(published: pl.DataFrame, hidden: pl.DataFrame, plan: Plan, events: pl.DataFrame) -> pl.DataFrame:
    """Return what a release tells that it must not.

    Parameters
    ----------
    published : polars.DataFrame
        `CHECKED` columns of its records.
    hidden : polars.DataFrame
        key, datasetKey, came_coarse : all records that a rule, a label or a node made less than open, found anew; those that
        came as cells from a node go out under their own numbers.
    plan : Plan
        What was to go out.
    events : polars.DataFrame
        survey_id, datasetKey of its events.

    Returns
    -------
    polars.DataFrame of `FAULTS`
    """
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    opened, coarse = published.filter(is_open), published.filter(~is_open)
    coarse = coarse.join(hidden.filter("came_coarse"), on="key", how="anti")
    precise = pl.any_horizontal(pl.col(name).is_not_null() for name in _PRECISE if name in coarse.columns)
    placed_wrongly = ~is_as_its_category_asks() | (pl.col("sharing_category") == str(SharingCategory.WITHHELD))
    shown = events.filter(pl.col("survey_id").is_in(_unpublished(plan).implode()))
    wrong = {
        "a record that a rule hides goes out as it is": opened.join(hidden, on="key", how="semi"),
        "a record that is set apart goes out as it is": opened.filter(pl.col("key").is_in(plan.not_open.implode())),
        "a presence has a value that only an open record may have": coarse.filter(precise),
        "the place of a presence is none that its category lets out": coarse.filter(placed_wrongly),
        "a presence has the number of a record": coarse.join(plan.apart.hidden, on="key", how="semi"),
        "its crowd has too few places": _crowdless(plan),
        "an event goes out that would show a missing record": shown.with_columns(key=pl.lit(-1)),
    }
    found = [rows.select("key", "datasetKey", problem=pl.lit(problem)).cast(FAULTS) for problem, rows in wrong.items()]
    return pl.concat(found)


def _unpublished(plan: Plan) -> pl.Series:
    """Return the names that events which are not published would have, in datasets of marked numbers too."""
    names = plan.apart.unpublished_events
    marked = [
        f"{dataset}:" + plan.mark(names.filter(names.str.starts_with(f"{dataset}:")).str.strip_prefix(f"{dataset}:"))
        for dataset in sorted(plan.marked)
    ]
    return pl.concat([names, *marked])


def _crowdless(plan: Plan) -> pl.DataFrame:
    """Return records that went out in a crowd of fewer than ten places, or fewer than five tenths, or not of its cell."""
    memory = plan.apart.memory
    places = memory.crowds.with_columns(tenth=pl.struct(pl.col("x").floordiv(10), pl.col("y").floordiv(10)))
    inside = (pl.col("x").floordiv(PARTS) == pl.col("column")) & (pl.col("y").floordiv(PARTS) == pl.col("row"))
    crowds = places.group_by("datasetKey", unit="crowd").agg(
        places=pl.struct("x", "y").n_unique(), tenths=pl.col("tenth").n_unique(), inside=inside.all()
    )
    states = memory.states.filter("published", ~pl.col("unit").str.contains("|", literal=True))
    few = (pl.col("places") < PLACES) | (pl.col("tenths") < TENTHS) | ~pl.col("inside")
    return states.join(crowds, on=["datasetKey", "unit"], how="left").filter(few.fill_null(value=True))


def message(found: pl.DataFrame) -> str:
    """Return what is wrong, and what can be done, for whoever makes a release."""
    kinds = found.group_by("problem").agg(pl.len(), keys=pl.col("key").sort().head(5)).sort("problem")
    parts = [f"{n} x {problem} (records {', '.join(map(str, keys))})" for problem, n, keys in kinds.iter_rows()]
    return f"{'; '.join(parts)}: {_REMEDY}"
