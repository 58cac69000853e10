"""Events that are parts of another one: which of both results are told of.

A part tells more of place and effort than its whole, so the parts count. Records that are told of the whole, as the animals of a
patrol's day are whose way has several legs, can only be set beside the effort of all its parts: these are taken together.
"""

import polars as pl

_KEY = ("datasetKey", "eventID")
_OF_PARTS = (
    "design",
    "effort_unit",
    "side",
    "time_zone",
    "samplingProtocol",
    "targetTaxonomicScope",
    "excludedTaxonomicScope",
    "isAbsenceReported",
)
_PLACE = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "country_codes")


def counted_once(events: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return events of which none is a part of another one, and which event now holds each part that was taken together.

    Parameters
    ----------
    events : polars.DataFrame of `terms.EVENT`
    records : polars.DataFrame
        datasetKey and eventID.

    Returns
    -------
    events : polars.DataFrame
        Parts, and wholes that records are told of where the parts are of one design, unit and side: with the sum of their
        effort, null where it is not known of all.
    moved : polars.DataFrame
        `event_key` of each such part, `whole`.
    """
    parts = events.filter(pl.col("parentEventID").is_not_null() & (pl.col("parentEventID") != pl.col("eventID")))
    of_whole = parts.select("datasetKey", eventID="parentEventID").unique()
    ends = parts.join(of_whole, on=_KEY, how="anti", maintain_order="left")
    wholes = events.join(of_whole, on=_KEY, how="semi", maintain_order="left").join(
        records.select(_KEY).unique(), on=_KEY, how="semi", maintain_order="left"
    )
    alone = pl.when(pl.col("country_codes").list.len() == 1).then(pl.col("country_codes").list.first())
    kinds = pl.struct("design", "effort_unit", pl.coalesce("side", alone).alias("side")).n_unique() == 1
    summed = (
        ends.join(wholes.select(_KEY), left_on=("datasetKey", "parentEventID"), right_on=_KEY, how="semi", maintain_order="left")
        .group_by("datasetKey", "parentEventID", maintain_order=True)
        .agg(
            # A whole with parts that have parts themselves stays as it is told.
            _alike=kinds, _n=pl.len(),
            effort_value=pl.when(pl.col("effort_value").null_count() == 0).then(pl.col("effort_value").sum()),
            failed_days=pl.col("failed_days").sum(), _keys=pl.col("event_key"),
            **{name: pl.col(name).first() for name in (*_OF_PARTS, *_PLACE)},
        )
        .filter("_alike")
    )  # fmt: skip
    every = parts.group_by("datasetKey", "parentEventID").len("_all")
    summed = summed.join(every, on=("datasetKey", "parentEventID"), how="left", maintain_order="left")
    summed = summed.filter(pl.col("_n") == pl.col("_all")).rename({"parentEventID": "eventID"})
    joined = wholes.join(summed, on=_KEY, how="inner", suffix="_of_parts", maintain_order="left")
    made = joined.with_columns(
        pl.col("effort_value_of_parts").alias("effort_value"), pl.col("failed_days_of_parts").alias("failed_days"),
        *(pl.coalesce(name, f"{name}_of_parts").alias(name) for name in _OF_PARTS),
        *(pl.coalesce(name, f"{name}_of_parts").alias(name) for name in _PLACE[:3]),
        pl.when(pl.col("country_codes").list.len() > 0).then("country_codes").otherwise("country_codes_of_parts").alias("country_codes"),
    )  # fmt: skip
    moved = joined.select(event_key="_keys", whole="event_key").explode("event_key")
    kept = events.join(of_whole, on=_KEY, how="anti", maintain_order="left").join(
        moved.select("event_key"), on="event_key", how="anti", maintain_order="left"
    )
    return pl.concat([kept, made.select(events.columns)]), moved
