"""What a grant leaves out tells nothing of where it is: two worlds that look the same in public are granted the same."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places, sharing
from biodata.access import exact_building, exact_store
from biodata.access.grants import Grant
from biodata.core.terms import OCCURRENCE, schema
from biodata.sharing import RuleSet
from biodata.sharing.publish import plan_alone

CELLS = ((104.0, 19.5), (104.1, 19.5), (102.3, 20.5), (106.2, 15.1), (104.0, 19.6))
"""South-west corners of cells of 0.1°: Laos and Viet Nam share the first two and the last."""
SPECIES = (("Elephas maximus", "Elephas", "Proboscidea"), ("Panthera tigris", "Panthera", "Carnivora"))


def world(shifts: list[tuple[float, float]], countries: list[str]) -> pl.DataFrame:
    """Return records, each somewhere in its cell, on one side of the border or the other."""
    rows = []
    for number, ((x, y), country) in enumerate(zip(shifts, countries, strict=True)):
        west, south = CELLS[number % len(CELLS)]
        species, genus, order = SPECIES[number % 2]
        rows.append({
            "key": 100 + number, "datasetKey": "rangers", "scientificName": species, "kingdom": "Animalia",
            "acceptedScientificName": species, "species": species, "genus": genus, "order": order, "class": "Mammalia",
            "event_start": date(2019, 3, 1 + number), "event_end": date(2019, 3, 1 + number), "year": 2019, "month": 3,
            "decimalLatitude": south + y, "decimalLongitude": west + x, "geodeticDatum": "WGS84",
            "coordinateUncertaintyInMeters": 30.0, "located_country_code": country, "country_codes": [country],
            "quality_flags": [], "repairs": [],
        })  # fmt: skip
    return pl.DataFrame(rows, schema=schema(OCCURRENCE))


def stored(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what the exact store has of records, and what is published of them."""
    boundaries = places.load_boundaries("natural_earth")
    rules = RuleSet.read(None)
    rules = replace(rules, plan=plan_alone(frame, rules, boundaries))
    beside = exact_building.beside(frame, sharing.as_published(frame, rules, boundaries=boundaries))
    return beside, sharing.publish(frame, rules, boundaries=boundaries)


@pytest.fixture(scope="module")
def worlds():
    count = 2 * len(CELLS)
    one, published = stored(world([(0.02, 0.02)] * count, ["LA"] * count))
    other, same = stored(world([(0.081, 0.079)] * count, ["LA", "VN"] * len(CELLS)))
    assert published.equals(same), "the public cannot tell the two worlds apart"
    assert {"LA", "LA VN"} <= set(one["exact_countries"].list.join(" "))
    return one, other


EDGES = st.sampled_from((102.0, 102.3, 102.35, 103.9, 104.0, 104.05, 104.1, 104.2, 106.2, 106.3, 107.0))
SIDES = st.sampled_from((15.0, 15.1, 15.2, 19.5, 19.55, 19.6, 19.7, 20.5, 20.6, 21.0))


@st.composite
def areas(draw):
    west, east = sorted(draw(st.lists(EDGES, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(SIDES, min_size=2, max_size=2, unique=True)))
    box = (west, south, east, north)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return draw(st.sampled_from((None, box, {"type": "Polygon", "coordinates": [ring]})))


@settings(max_examples=25)
@given(
    area=areas(),
    taxon=st.sampled_from((None, "Elephas maximus", "Carnivora", "Mammalia", "Aves")),
    days=st.sampled_from(((None, None), ("2019-03-04", None), ("2019-01-01", "2019-12-31"), (None, "2019-03-08"))),
    countries=st.sampled_from((("LA",), ("VN",), ("LA", "VN"), ("TH",))),
)
def test_the_same_is_granted_wherever_in_their_cells_the_records_are(worlds, area, taxon, days, countries):
    grants = [
        Grant(f"r-{country}", "r", "ana", country, taxon, area, *days, ("recordedBy",), 9, 9, 9, "2099-01-01T00:00:00Z")
        for country in countries
    ]
    one, other = (exact_store.covered(frame, grants)["key"].to_list() for frame in worlds)
    assert one == other


def test_what_is_published_without_a_year_is_in_no_grant_of_a_time():
    """A record without a place goes out without its year."""
    frames = []
    for year in (2019, 2020):
        frame = world([(0.0, 0.0)], ["LA"]).with_columns(
            pl.lit(None, pl.Float64).alias("decimalLatitude"), pl.lit(None, pl.Float64).alias("decimalLongitude"),
            countryCode=pl.lit("LA"), year=pl.lit(year, pl.Int32), event_start=date(year, 3, 1), event_end=date(year, 3, 1),
        )  # fmt: skip
        frames.append(stored(frame.cast(dict(frame.schema))))
    assert frames[0][1].equals(frames[1][1])
    assert frames[0][1].height == 1
    for exact, _ in frames:
        assert exact.select("exact_first", "exact_last").row(0) == (None, None)
