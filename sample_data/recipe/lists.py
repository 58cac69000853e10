"""The checklist of the sample's species, the demonstration's rules, labels of a museum, and what is stated of datasets."""

from pathlib import Path

import polars as pl

from recipe import files, gbif, records
from recipe.tables import table

LANGUAGES = ("en", "zh", "vi", "lo", "th", "km", "my")
STATUS_DATES = {"CGTN 2024; Xinhua 2025": "2025-01-20", "Oryx 2016": "2016"}
"""When the sources of the categories are from; the rest is from memory and undated: to be verified."""
CLASSIFICATION = ("kingdom", "phylum", "class", "order", "family", "genus")


def make(out: Path) -> None:
    """Write `checklist.csv`, `sensitive_species.csv`, `labels.csv` and `datasets.csv`."""
    (out / "checklist.csv").write_bytes(files.delimited(checklist()))
    (out / "sensitive_species.csv").write_bytes(files.delimited(table("sensitive_species")))
    (out / "labels.csv").write_bytes(files.delimited(table("labels")))
    (out / "datasets.csv").write_bytes(files.delimited(datasets()))


def datasets() -> pl.DataFrame:
    """Return key, title, license and citation of the demonstration's datasets whose files state none."""
    of_records = table("datasets").filter(pl.col("dataset").is_in(gbif.DATASETS))
    keys = [records.dataset_key(dataset) for dataset in of_records["dataset"]]
    every = pl.concat([of_records.select(pl.Series("key", keys), "title", "license"), table("other_datasets")])
    return every.with_columns(citation=pl.format("biodata sample data: {}", "title"))


def checklist() -> pl.DataFrame:
    """Return accepted species and then synonyms, one a row, all as text."""
    species = table("species").with_row_index("number", offset=1)
    accepted = species.select(
        taxonID=pl.format("sample:{}", pl.col("number").cast(pl.String).str.zfill(4)),
        scientificName="scientificName",
        scientificNameAuthorship="scientificNameAuthorship",
        acceptedNameUsageID=pl.format("sample:{}", pl.col("number").cast(pl.String).str.zfill(4)),
        taxonRank=pl.lit("SPECIES"),
        taxonomicStatus=pl.lit("ACCEPTED"),
        **{name: pl.col(name) for name in CLASSIFICATION},
        iucnRedListCategory="iucn",
        status_source="status_source",
        status_date=pl.col("status_source").replace_strict(STATUS_DATES, default=""),
        **{f"vernacular_{language}": pl.col(f"vernacular_{language}") for language in LANGUAGES},
    )
    synonyms = (
        table("synonyms")
        .with_row_index("number", offset=1)
        .join(
            accepted.select("scientificName", "taxonID", *CLASSIFICATION),
            left_on="acceptedScientificName",
            right_on="scientificName",
            maintain_order="left",
        )
        .select(
            pl.format("sample:synonym-{}", pl.col("number").cast(pl.String).str.zfill(3)).alias("taxonID"),
            "scientificName",
            "scientificNameAuthorship",
            pl.col("taxonID").alias("acceptedNameUsageID"),
            "taxonRank",
            pl.lit("SYNONYM").alias("taxonomicStatus"),
            *CLASSIFICATION,
        )
    )
    return pl.concat([accepted, synonyms], how="diagonal")
