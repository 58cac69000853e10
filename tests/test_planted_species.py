"""Critically endangered species of one record each: wherever in its cell a record lies, everything public is the same.

Whoever knows the source code and every public answer can do no better than to try places and compare. So the proof is
made that way: the records are moved, each inside what is published of it, the whole chain runs again, and no value of
what is let out may change.
"""

import csv
import itertools
import shutil
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from biodata import pipeline, places, runs
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView, SharingCategory

LAYER = "landcover_china_vietnam"
WEST, SOUTH, EAST, NORTH = 106.1, 22.6, 107.0, 23.3
CATEGORIES = [category for category in SharingCategory if category is not SharingCategory.OPEN]
SPECIES = 25


def planted(seed: int, boundaries) -> pl.DataFrame:
    """Return records of rare species: one each, of every category, on both sides and beyond the layer's window."""
    rng = np.random.default_rng(seed)
    n = SPECIES
    longitude, latitude = rng.uniform(WEST - 0.3, EAST + 0.3, n), rng.uniform(SOUTH - 0.3, NORTH + 0.3, n)
    located = places.locate(longitude, latitude, boundaries)["located_country_code"]
    return pl.DataFrame(
        {
            "number": np.arange(n), "category": [str(CATEGORIES[i % len(CATEGORIES)]) for i in range(n)],
            "longitude": longitude, "latitude": latitude, "country": located,
        }
    )  # fmt: skip


def elsewhere(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the records moved inside their published cells, withheld ones by up to half a degree."""
    rng = np.random.default_rng(seed)
    side = frame["category"].replace_strict(
        {str(c): c.cell_degrees or 0.0 for c in CATEGORIES}, return_dtype=pl.Float64
    )
    moved = []
    for degrees, x, y in zip(side, frame["longitude"], frame["latitude"], strict=True):
        dx, dy = rng.random(2)
        if degrees:
            # Not the very edge: a place told with six decimals must stay in its cell.
            moved.append([(np.floor(v / degrees) + 0.02 + 0.96 * d) * degrees for v, d in ((x, dx), (y, dy))])
        else:
            moved.append([x + dx - 0.5, y + dy - 0.5])
    longitude, latitude = np.array(moved).T
    return frame.with_columns(longitude=pl.Series(longitude), latitude=pl.Series(latitude))


def write(folder: Path, data: Path, rare: pl.DataFrame) -> None:
    """Write the records, with an open species on a grid beside them, and the rules."""
    with (folder / "occurrences.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            "occurrenceID scientificName genus family decimalLongitude decimalLatitude coordinateUncertaintyInMeters eventDate "
            "countryCode basisOfRecord iucnRedListCategory geodeticDatum".split()
        )
        for number, _, longitude, latitude, country in rare.rows():
            writer.writerow(
                [f"rare-{number}", name_of(number), name_of(number).split()[0], "Raridae", f"{longitude:.6f}", f"{latitude:.6f}",
                 "100", f"2024-{number % 12 + 1:02d}-11", country, "HUMAN_OBSERVATION", "CR", "WGS84"]
            )  # fmt: skip
        for number, (x, y) in enumerate(itertools.product(np.arange(WEST, EAST, 0.06), np.arange(SOUTH, NORTH, 0.06))):
            writer.writerow(
                [f"open-{number}", "Aperta communis", "Aperta", "Apertidae", f"{x:.4f}", f"{y:.4f}", "100",
                 f"2024-03-{number % 28 + 1:02d}", "", "HUMAN_OBSERVATION", "VU", "WGS84"]
            )  # fmt: skip
    with (data / "sharing_rules.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            "rule_id source scientificName rank country_code province_code dataset month_from month_to category reason "
            "review_date".split()
        )
        for number, category in rare.select("number", "category").rows():
            writer.writerow(
                [
                    f"rare-{number}",
                    "test",
                    name_of(number),
                    "SPECIES",
                    "",
                    "",
                    "",
                    "",
                    "",
                    category,
                    "the only one known",
                    "",
                ]
            )


def name_of(number: int) -> str:
    """Return a name of two words of letters alone."""
    return f"Rara {''.join(chr(ord('a') + int(digit)) for digit in f'{number:03d}')}ensis"


def made(folder: Path, start: Settings, rare: pl.DataFrame, sample_data: Path, view: EvidenceView) -> Settings:
    """Run the chain in a copy of an installation: ingest, corridors and candidates, release."""
    settings = Settings(data=folder / "data")
    shutil.copytree(start.data, settings.data)
    write(folder, settings.data, rare)
    pipeline.ingest("gbif", [folder / "occurrences.csv"], settings)
    runs.find_corridors(
        settings,
        runs.Request(
            layer=LAYER, resistance=str(sample_data / "resistance.csv"), as_of="2026-11-26", evidence_view=view
        ),
    )
    pipeline.release(settings)
    return settings


def public(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return every table of the release."""
    files = sorted((settings.data / "releases").glob("*.duckdb"))
    with duckdb.connect(str(files[-1]), read_only=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        found = {name: connection.table(name).pl() for name in tables if name != "release_info"}
    return {name: _comparable(frame) for name, frame in found.items()}


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table without the records' numbers, which chance gives, in the order of everything else it tells."""
    return frame.select(pl.exclude("key", "duplicate_of")).select(pl.struct(pl.all()).sort().alias("all")).unnest("all")


@pytest.fixture(scope="module")
def start(tmp_path_factory, sample_data):
    """Return an installation with areas and a layer; copies of it share the secret that records' numbers come from."""
    settings = Settings(data=tmp_path_factory.mktemp("start") / "data")
    pipeline.ingest("protected-areas", [sample_data / "protected_areas.geojson"], settings)
    pipeline.ingest("layer", [sample_data / "layers" / f"{LAYER}.tif"], settings)
    return settings


def test_every_public_value_is_the_same_wherever_in_their_cells_the_records_lie(start, tmp_path, sample_data):
    rare = planted(5, places.load_boundaries())
    moved = elsewhere(rare, 6)
    assert (moved["longitude"] - rare["longitude"]).abs().min() > 0
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = public(made(tmp_path / "a", start, rare, sample_data, EvidenceView.PUBLIC))
    told = first["occurrences"].filter(pl.col("iucnRedListCategory") == "CR")
    assert told.height == SPECIES - SPECIES // len(CATEGORIES), "the withheld fifth is not there"
    assert first["reserve_candidates"].height, "something was found"
    second = public(made(tmp_path / "b", start, moved, sample_data, EvidenceView.PUBLIC))
    assert first.keys() == second.keys()
    for name, frame in first.items():
        assert frame.equals(second[name]), f"{name} tells more than the cells"


def test_what_was_made_of_exact_records_stays(start, tmp_path, sample_data):
    settings = made(tmp_path, start, planted(5, places.load_boundaries()), sample_data, EvidenceView.EXACT)
    with Lake.open(settings.data) as lake:
        stored = lake.read("reserve_candidates")
    assert stored.height
    assert set(stored["sharing_category"]) == {"withheld"}
    assert set(stored["evidence_view"]) == {"exact"}
    found = public(settings)
    assert found["reserve_candidates"].is_empty()
    assert found["corridors"].height, "corridors are made of no records"
