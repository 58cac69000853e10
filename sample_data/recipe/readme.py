"""The README of the sample data: its text from a template, its numbers and tables from what was made."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from recipe import lists, records
from recipe.tables import FOLDER, table


def make(out: Path, planted: Sequence[dict[str, Any]]) -> None:
    """Write `README.md`."""
    text = (FOLDER / "README.template.md").read_text(encoding="utf-8")
    areas = table("areas")
    checklist = lists.checklist()
    datasets = table("datasets")
    values = {
        "GBIF_ROWS": _count(planted, "occurrences_gbif.zip"),
        "SPECIES": str(table("species").height),
        "SYNONYMS": str(table("synonyms").height),
        "SITES": str(table("sites").height),
        "AREAS_NEW": str(areas.filter(schema="new").height),
        "AREAS_OLD": str(areas.filter(schema="old").height),
        "DATASETS": _lines(
            ("datasetKey", "dataset", "records", "basis", "licence"),
            [
                (f"`{records.dataset_key(row['dataset'])}`", row["title"], row["rows"], row["basis"], row["license"])
                for row in datasets.filter(pl.col("dataset") != "namha").iter_rows(named=True)
            ],
        ),
        "PLANTED_GBIF": _planted(planted, "occurrences_gbif.zip"),
        "PLANTED_ARCHIVE": _planted(planted, "xishuangbanna_namha.zip"),
        "ARCHIVE_ROWS": datasets.filter(dataset="namha")["rows"][0],
        "STATUS": _lines(
            ("species", "category", "source", "date"),
            checklist.filter(pl.col("status_source").is_in([*lists.STATUS_DATES]))
            .select(pl.format("*{}*", "scientificName"), "iucnRedListCategory", "status_source", "status_date")
            .iter_rows(),
        ),
        "AREAS": _lines(
            ("area", "country", "designation", "IUCN category", "year", "km²", "source of km²"),
            areas.select(
                pl.col("name_eng"), "iso3", "designation", "iucn", "year", "rep_area_km2", "area_source"
            ).iter_rows(),
        ),
    }
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    (out / "README.md").write_text(text, encoding="utf-8")


def _count(planted: Sequence[dict[str, Any]], file: str) -> str:
    """Return how many rows a GBIF-shaped file has: its clean records, and the repeats and blanks that were added."""
    added = sum(
        entry["count"]
        for entry in planted
        if entry["file"] == file and entry["fault"] in {"repeated_occurrence_id", "blank_row"}
    )
    clean = table("datasets", numbers=("rows",)).filter(pl.col("dataset") != "namha")["rows"].sum()
    return f"{int(clean) + added:,}"


def _planted(planted: Sequence[dict[str, Any]], file: str) -> str:
    """Return the table of a file's faults."""
    return _lines(
        ("fault", "rows", "what it is", "what biodata should say"),
        [
            (f"`{entry['fault']}`", entry["count"], entry["meaning"], entry["expected"])
            for entry in planted
            if entry["file"] == file
        ],
    )


def _lines(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
