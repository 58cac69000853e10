"""Installations that are alike in all that is published, their hidden records each in another corner of its region.

A hidden record tells its place in every column that a source may tell it in: words, days, people, numbers, pictures.
"""

import itertools
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

import survey_events
from biodata import pipeline, places
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing.generalise import regions_of_size
from planted_lakes import CATEGORIES, EAST, NORTH, SOUTH, WEST, name_of, share_secrets
from rule_files import put_rules

CORNERS = ((-1, -1), (1, 1), (-1, 1), (1, -1), (0, 0))
WITHHELD_DEGREES = 0.5


@dataclass(frozen=True)
class Hidden:
    """A hidden record over all worlds.

    Attributes
    ----------
    species : str
    category : SharingCategory
    places : list of (longitude, latitude), one for each world
    region : Box, optional
        What is published of it; None where it is withheld.
    """

    species: str
    category: SharingCategory
    places: list[tuple[float, float]]
    region: tuple[float, float, float, float] | None

    def share(self, alike: list[int]) -> float:
        """Return which share of the published region's box the worlds that cannot be told apart reach over."""
        west, south, east, north = shapely.MultiPoint([self.places[n] for n in alike]).bounds
        told = self.region or (0, 0, 2 * WITHHELD_DEGREES, 2 * WITHHELD_DEGREES)
        return (east - west) * (north - south) / ((told[2] - told[0]) * (told[3] - told[1]))


def hidden(count: int, worlds: int, *, seed: int) -> list[Hidden]:
    """Draw records of every category near the border of China and Viet Nam; the worlds hold them in other corners."""
    boundaries = places.load_boundaries()
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        category = CATEGORIES[number % len(CATEGORIES)]
        x, y = rng.uniform((WEST, SOUTH), (EAST, NORTH)).round(6)
        if category.cell_degrees is None:
            shown = None
            tried = rng.uniform(
                (x - WITHHELD_DEGREES, y - WITHHELD_DEGREES), (x + WITHHELD_DEGREES, y + WITHHELD_DEGREES), (2000, 2)
            )
        else:
            size = round(1 / category.cell_degrees)
            region = regions_of_size(np.array([x]), np.array([y]), size, boundaries)[0]
            assert region is not None
            shown = (region.west, region.south, region.east, region.north)
            tried = rng.uniform(shown[:2], shown[2:], (2000, 2)).round(6)
            same = regions_of_size(tried[:, 0].copy(), tried[:, 1].copy(), size, boundaries)
            tried = tried[[other == region for other in same]]
        tried = tried.round(6)
        chosen = [tuple(map(float, tried[np.argmax(tried @ np.array(corner))])) for corner in CORNERS[:worlds]]
        found.append(Hidden(name_of(number), category, chosen, shown))
    return found


def world(folder: Path, records: list[Hidden], number: int, *, open_rules: bool = False) -> Settings:
    """Make one world and its release; the same but for the places, or with everything open."""
    settings = Settings(data=folder / "data", memory_limit="500MB", rate_limit=0, login_limit=0, password_memory_mib=8)
    settings.data.mkdir(parents=True)
    rows = [told(one, n, number) for n, one in enumerate(records)]
    rules = [] if open_rules else [(f"rare-{n}", one) for n, one in enumerate(records)]
    return released(folder, settings, rows, rules, opened())


def opened() -> list[dict[str, str]]:
    """Return rows of an open species on a grid, each of a walk of its own."""
    return [
        {
            "occurrenceID": f"open-{n}", "scientificName": "Muntiacus muntjak", "genus": "Muntiacus", "family": "Cervidae",
            "decimalLongitude": f"{x:.4f}", "decimalLatitude": f"{y:.4f}", "coordinateUncertaintyInMeters": "100",
            "eventDate": f"2024-03-{n % 28 + 1:02d}", "basisOfRecord": "HUMAN_OBSERVATION", "iucnRedListCategory": "VU",
            "geodeticDatum": "WGS84", "eventID": f"walk-{n}", "samplingProtocol": "transect", "recordedBy": f"Team {n % 5}",
            "locality": f"path {n}",
        }
        for n, (x, y) in enumerate(itertools.product(np.arange(WEST, EAST, 0.06), np.arange(SOUTH, NORTH, 0.06)))
    ]  # fmt: skip


def released(
    folder: Path,
    settings: Settings,
    finds: list[dict[str, str]],
    ruled: list[tuple[str, Hidden]],
    walked: list[dict[str, str]],
) -> Settings:
    """Take in finds by chance, and records of walks, under a rule for each species that has one, and release them.

    The finds are a dataset without stations: there a cell is the crowd, and worlds whose records lie elsewhere in their
    cells are alike. Among the stations of a survey it is ten places that are alike: see `tests/attacks`.
    """
    rules = [f"{name},test,{one.species},SPECIES,{one.category},the only one known" for name, one in ruled]
    put_rules(settings, "\n".join(("rule_id,source,scientificName,rank,category,reason", *rules)))
    share_secrets(settings.data)
    for seed, (dataset, rows) in enumerate({"finds": finds, "planted": walked}.items(), start=1):
        pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / f"{dataset}.csv", null_value="")
        take_in(settings, folder / f"{dataset}.csv", seed=seed, dataset=dataset)
    survey_events.commit(settings.data, [event for row in walked for event in events_of(row)], [])
    pipeline.release(settings)
    return settings


def events_of(row: dict[str, str]) -> list[dict[str, object]]:
    """Return the event that a row names, and a later one at its station without records, both in the words of the place."""
    day = datetime.fromisoformat(row["eventDate"])
    told: dict[str, object] = {
        name: row.get(name)
        for name in ("parentEventID", "locationID", "samplingProtocol", "locality", "habitat", "footprintWKT")
    }
    told |= {
        "event_start": day, "event_end": day + timedelta(days=9), "eventDate": row["eventDate"], "failed_days": float(day.day),
        "eventRemarks": row.get("eventRemarks"), "time_zone": ("Asia/Shanghai", "Asia/Ho_Chi_Minh")[day.day % 2],
        "decimalLongitude": float(row["decimalLongitude"]), "decimalLatitude": float(row["decimalLatitude"]),
        "country_codes": [("CN", "VN")[day.day % 2]], "quality_flags": ["COORDINATE_ROUNDED"] if day.day % 3 else [],
        "verbatim": json.dumps(row),
    }  # fmt: skip
    return [survey_events.event(name, "planted", **told) for name in (row["eventID"], f"{row['eventID']} again")]


def words(x: float, y: float) -> dict[str, str]:
    """Return a word for each column, which only somebody who stood at a place can tell."""
    spot = "".join("abcdefghij"[int(digit)] for digit in f"{round(x * 1e5)}{round(y * 1e5)}")
    named = """
        locality verbatimLocality municipality county stateProvince island islandGroup waterBody higherGeography
        locationID locationRemarks eventID parentEventID fieldNumber recordNumber catalogNumber otherCatalogNumbers
        organismID occurrenceRemarks eventRemarks fieldNotes habitat georeferenceRemarks georeferencedBy recordedBy
        identifiedBy rightsHolder samplingProtocol associatedMedia references dynamicProperties materialSampleID behavior
        institutionCode collectionCode verbatimSRS informationWithheld
    """.split()
    return {name: f"{name} {spot}" for name in named}


def told(one: Hidden, number: int, world: int) -> dict[str, str]:
    """Return the row of a hidden record in one world: what is published of it is alike in each, all else is its place's."""
    x, y = one.places[world]
    at = round(x * 1e5) + 7 * round(y * 1e5)
    return words(x, y) | {
        "occurrenceID": f"rare-{number}-{at}", "gbifID": str(at), "scientificName": one.species, "genus": one.species.split()[0],
        "family": "", "decimalLongitude": f"{x:.6f}", "decimalLatitude": f"{y:.6f}",
        "verbatimCoordinates": f"{y:.5f}, {x:.5f}", "verbatimLatitude": f"{y:.5f}", "verbatimLongitude": f"{x:.5f}",
        "footprintWKT": f"POINT ({x:.6f} {y:.6f})", "coordinateUncertaintyInMeters": "100",
        "coordinatePrecision": ("0.00001", "0.0001")[at % 2], "elevation": str(at % 3000), "depth": str(at % 7),
        "eventDate": f"2024-{at % 12 + 1:02d}-{at % 28 + 1:02d}", "eventTime": f"{at % 24:02d}:{at % 60:02d}:00+07:00",
        "individualCount": str(at % 9 + 1), "sex": ("male", "female")[at % 2], "lifeStage": ("adult", "juvenile")[at % 2],
        "lastInterpreted": f"2025-01-{at % 28 + 1:02d}T00:00:00Z", "mediaType": ("StillImage", "Sound")[at % 2],
        "issue": ("COORDINATE_ROUNDED", "COUNTRY_DERIVED_FROM_COORDINATES")[at % 2], "basisOfRecord": "HUMAN_OBSERVATION",
        "iucnRedListCategory": "CR", "geodeticDatum": "WGS84",
    }  # fmt: skip


def take_in(settings: Settings, path: Path, *, seed: int, dataset: str = "planted") -> None:
    """Take records in whose numbers are drawn alike in every world."""
    with pytest.MonkeyPatch.context() as patch:
        chance = os.urandom
        # Numbers of records are drawn for all rows at once; whatever else asks meanwhile gets real chance.
        patch.setattr(
            "biodata.store.staging.os.urandom",
            lambda n: np.random.default_rng((seed, n)).bytes(n) if n > 64 else chance(n),
        )
        pipeline.ingest("gbif", [path], settings, dataset=dataset)
