"""Places that look wrong only beside the others: what a whole dataset, or a whole lake, tells of its records."""

from typing import Final

import polars as pl

from biodata import places
from biodata.flags import FLAGS
from biodata.harmonise import suspicious_grids, suspicious_outliers, suspicious_points

COLUMNS: Final = (
    "key",
    "datasetKey",
    "species",
    "occurrenceStatus",
    "recordedBy",
    "eventDate",
    "year",
    "decimalLongitude",
    "decimalLatitude",
)
"""What `find` reads of `terms.OCCURRENCE`."""
FOUND: Final = pl.Schema({"key": pl.Int64, "flag": pl.String, "detail": pl.String})


def find(occurrences: pl.DataFrame, *, gazetteer: places.Gazetteer) -> pl.DataFrame:
    """Find the records whose place looks wrong beside the other records.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `COLUMNS`, of every record that is to be compared: the lake's for analyses. What is published of open records
        is found among open records alone, so that no flag of theirs tells of one that is generalised.
    gazetteer : Gazetteer
        Where the seats are.

    Returns
    -------
    polars.DataFrame of FOUND, sorted by key and flag
        Each pair of a record and a flag once, with the reason in words; the same for any order of the rows.
    """
    rows = placed(occurrences.select(COLUMNS))
    parts = [
        suspicious_points.used_by_many(rows),
        suspicious_points.repeated_near_seats(rows, gazetteer=gazetteer),
        suspicious_outliers.outliers(rows),
        suspicious_grids.on_grids(rows),
        suspicious_grids.degree_minutes(rows),
    ]
    found = pl.concat([part.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items()) for part in parts])
    return found.unique(["key", "flag"], keep="first", maintain_order=True).sort("key", "flag")


def placed(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records with coordinates, 0° E 0° N not among them."""
    longitude, latitude = pl.col("decimalLongitude"), pl.col("decimalLatitude")
    return occurrences.filter(longitude.is_finite(), latitude.is_finite(), (longitude != 0) | (latitude != 0))


def merged(occurrences: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return records with what was found among their `quality_flags`, in the order of `biodata.flags`.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        With `key` and `quality_flags`.
    found : polars.DataFrame of FOUND
        What `find` returned; keys that are not among the records play no part.

    Returns
    -------
    polars.DataFrame of n rows, in their order
    """
    order = pl.DataFrame({"flag": list(FLAGS)}).with_row_index("order")
    own = occurrences.select("key", flag="quality_flags").join(found.select("key").unique(), on="key", how="semi")
    every = pl.concat(
        [own.explode("flag").drop_nulls("flag"), found.select("key", "flag").join(own, on="key", how="semi")]
    )
    lists = (
        every.unique()
        .join(order, on="flag")
        .sort("key", "order")
        .group_by("key", maintain_order=True)
        .agg(pl.col("flag").alias("_found"))
    )
    return (
        occurrences.join(lists, on="key", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_found", "quality_flags").alias("quality_flags"))
        .drop("_found")
    )
