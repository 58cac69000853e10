"""Installations that are alike in all that is published, their hidden records each in another corner of its region."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from biodata import pipeline, places
from biodata.settings import Settings
from biodata.sharing.generalise import regions_of_size
from biodata.vocabularies import SharingCategory
from planted_lakes import CATEGORIES, EAST, NORTH, SOUTH, WEST, name_of, write

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
    settings = Settings(data=folder / "data", memory_limit="500MB", rate_limit=0)
    settings.data.mkdir(parents=True)
    rows = [(n, str(one.category), *one.places[number], "") for n, one in enumerate(records)]
    schema = ["number", "category", "longitude", "latitude", "country"]
    write(folder, settings.data, pl.DataFrame(rows, schema=schema, orient="row"))
    if open_rules:
        (settings.data / "sharing_rules.csv").write_text("rule_id,category,reason\n")
    take_in(settings, folder / "occurrences.csv", seed=1)
    pipeline.release(settings)
    return settings


def take_in(settings: Settings, path: Path, *, seed: int) -> None:
    """Take records in whose numbers are drawn alike in every world."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.store.staging.os.urandom", np.random.default_rng(seed).bytes)
        pipeline.ingest("gbif", [path], settings, dataset="planted")
