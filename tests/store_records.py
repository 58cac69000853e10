"""Records that the store's tests commit."""

import random
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import polars as pl
import shapely

from biodata.core import terms
from biodata.core.settings import Settings
from biodata.places import BoundarySet, load_boundaries
from biodata.store import releases
from biodata.store.lake import CommitReport, Lake
from biodata.store.registry import Registry
from biodata.store.releases import Release

Row = tuple[str, str, str, float | None, float | None]
"""Dataset, identifier, species, latitude, longitude."""
GIBBON, SEROW = "Nomascus nasutus", "Capricornis milneedwardsii"


def records(rows: list[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return interpreted and verbatim rows of (dataset, identifier, species, latitude, longitude)."""
    frame = pl.DataFrame(rows, schema={
        "datasetKey": pl.String, "source_record_id": pl.String, "species": pl.String, "decimalLatitude": pl.Float64,
        "decimalLongitude": pl.Float64,
    }, orient="row").with_row_index("source_row", offset=2)  # fmt: skip
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
    Registry.open(Settings(data=lake.data)).close()
    with lake.staging() as staging:
        interpreted, verbatim = records(rows)
        staging.add(interpreted, verbatim)
        return lake.commit_occurrences(staging, author="a test", message="records", **options)


TRUNG_KHANH = [
    ("cao-bang", "TK-1", GIBBON, 22.9, 106.52),
    ("cao-bang", "TK-2", GIBBON, 22.91, 106.53),
    ("cao-bang", "TK-3", SEROW, 22.92, 106.54),
]


def scattered(count: int, *, seed: int = 7) -> list[dict[str, Any]]:
    """Return records of three species over the region as plain dictionaries; one in ten has no place."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        placed = chance.random() > 0.1
        species = chance.choice([GIBBON, SEROW, "Elephas maximus", None])
        rows.append({
            "datasetKey": chance.choice(["cao-bang", "nam-ha", "Xishuangbanna 西双版纳"]),
            "source_record_id": str(number),
            "occurrenceID": f"urn:{number}",
            "species": species,
            "class": "Mammalia" if species else None,
            "year": chance.choice([None, 1998, 2005, 2015, 2024]),
            "individualCount": chance.choice([None, 1, 2, 7]),
            "decimalLatitude": round(chance.uniform(18, 26), 4) if placed else None,
            "decimalLongitude": round(chance.uniform(98, 108), 4) if placed else None,
            "ambiguous": chance.choice([None, True, False]),
            "event_start": chance.choice([None, date(2024, 3, 1), date(2015, 12, 31)]),
            "country_codes": chance.choice([None, [], ["LA"], ["LA", "VN"], ["CN", "MM"]]),
            "locality": chance.choice([None, "Trùng Khánh", "50% of_it", "NAM HA", "back\\slash"]),
        })  # fmt: skip
    return rows


def commit_rows(lake: Lake, rows: list[dict[str, Any]], **options) -> CommitReport:
    """Commit plain dictionaries as records."""
    Registry.open(Settings(data=lake.data)).close()
    with lake.staging() as staging:
        frame = pl.DataFrame(rows, schema_overrides={c.name: c.dtype for c in terms.OCCURRENCE if c.name in rows[0]})
        staging.add(frame, frame.select("datasetKey", "source_record_id"))
        return lake.commit_occurrences(staging, author="a test", message="records", **options)


def publish(frame: pl.DataFrame) -> pl.DataFrame:
    """Stand in for the sharing rules: elephants stay, gibbons are told by the centre of a cell of a tenth of a degree."""
    gibbon = pl.col("species").eq_missing(GIBBON)
    return (
        frame.filter(pl.col("species").ne_missing("Elephas maximus"))
        .with_columns(
            *(
                pl.when(gibbon).then((pl.col(c) * 10).floor() / 10 + 0.05).otherwise(c).alias(c)
                for c in ("decimalLatitude", "decimalLongitude")
            ),
            occurrenceID=pl.when(gibbon).then(None).otherwise("occurrenceID"),
            sharing_category=pl.when(gibbon).then(pl.lit("0_1_degree")).otherwise(pl.lit("open")),
        )
        .select(n for n in terms.names(terms.PUBLISHED_OCCURRENCE) if n in frame.columns or n == "sharing_category")
    )


@cache
def two_countries() -> BoundarySet:
    """Return the boundaries of two countries: making shapes of the whole world takes a second."""
    world = load_boundaries()
    here = world.units["country_code"].is_in(["LA", "SG"]).fill_null(False)
    return replace(world, units=world.units.filter(here), shapes=world.shapes[here.to_numpy()])


AREAS = {"a": shapely.box(101, 20, 102, 21), "b": shapely.box(104.2, 21.5, 104.3, 21.6)}


def results() -> dict[str, pl.DataFrame]:
    """Return published protected areas: a whole degree, and one that a bow tie stands for."""
    broken = shapely.Polygon([(105, 22), (105.5, 22.5), (105.5, 22), (105, 22.5)])
    return {
        "protected_areas": pl.DataFrame({
            "area_id": ["b", "a", "c", "d"],
            "name": ["Small", "Nam Ha", "Bow tie", "No shape"],
            "country_codes": [["VN"], ["LA", "CN"], [], None],
            "geometry": [*(shapely.to_wkb(AREAS[k]) for k in "ba"), shapely.to_wkb(broken), None],
        }, schema_overrides={"geometry": pl.Binary})
    }  # fmt: skip


def build(lake: Lake, **options) -> Release:
    """Build a release as the pipeline does."""
    told = {"publish": publish, "results": results(), "boundaries": two_countries(), "rules_hash": "rules", **options}
    return releases.build(lake, **{"data": lake.data, **told})
