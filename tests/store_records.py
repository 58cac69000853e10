"""Records that the store's tests commit."""

from datetime import date

import polars as pl

from biodata.store.lake import CommitReport, Lake

Row = tuple[str, str, str, float | None, float | None]
"""Dataset, identifier, species, latitude, longitude."""

GIBBON, SEROW = "Nomascus nasutus", "Capricornis milneedwardsii"


def records(rows: list[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return interpreted and verbatim rows of (dataset, identifier, species, latitude, longitude)."""
    frame = pl.DataFrame(
        rows,
        schema={
            "datasetKey": pl.String,
            "source_record_id": pl.String,
            "species": pl.String,
            "decimalLatitude": pl.Float64,
            "decimalLongitude": pl.Float64,
        },
        orient="row",
    ).with_row_index("source_row", offset=2)
    interpreted = frame.with_columns(
        source_file=pl.lit("survey.csv"), quality_flags=pl.lit(["COORDINATE_ROUNDED"]), event_start=date(2024, 3, 1)
    )
    verbatim = frame.select(
        "datasetKey",
        "source_record_id",
        "source_row",
        source_file=pl.lit("survey.csv"),
        v_scientificName="species",
        v_decimalLatitude=pl.col("decimalLatitude").cast(pl.String),
    )
    return interpreted, verbatim


def commit(lake: Lake, rows: list[Row], **options) -> CommitReport:
    with lake.staging() as staging:
        interpreted, verbatim = records(rows)
        staging.add("occurrences", interpreted)
        staging.add("verbatim", verbatim)
        return lake.commit_occurrences(staging, author="a test", message="records", **options)


TRUNG_KHANH = [
    ("cao-bang", "TK-1", GIBBON, 22.9, 106.52),
    ("cao-bang", "TK-2", GIBBON, 22.91, 106.53),
    ("cao-bang", "TK-3", SEROW, 22.92, 106.54),
]
