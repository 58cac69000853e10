"""Evidence for a side: independent, recent, of quality, and with its uncertainty surely there."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import evidence
from biodata.analysis.evidence import sides
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.places import BoundarySet
from evidence_rows import JUDGING, count, records, why
from landscapes import CRS, boundary_set, halves, local

OF_SPECIES = {"quality_flags": ["TAXON_MATCH_HIGHERRANK"], "match_note": "only the species is listed; no authorship"}


@pytest.mark.parametrize(("change", "reason"), [
    pytest.param({}, None, id="a good record"),
    pytest.param({"occurrenceStatus": "ABSENT"}, "an absence", id="absent"),
    pytest.param({"species": None}, "species not told", id="a genus"),
    pytest.param({"decimalLatitude": None}, "no place told", id="no latitude"),
    pytest.param({"decimalLatitude": math.nan}, "no place told", id="a latitude that is no number"),
    pytest.param({"basisOfRecord": "FOSSIL_SPECIMEN"}, "fossil or captive", id="fossil"),
    pytest.param({"quality_flags": ["PRESUMED_SWAPPED_COORDINATE"]}, "a quality flag", id="swapped"),
    pytest.param({"quality_flags": ["NEAR_COUNTY_SEAT"]}, "a quality flag", id="a suspicious place"),
    pytest.param(OF_SPECIES, None, id="a subspecies whose species is listed"),
    pytest.param({**OF_SPECIES, "match_note": "only the genus is listed"}, "a quality flag",
                 id="a species whose genus is listed"),
    pytest.param({**OF_SPECIES, "quality_flags": [*OF_SPECIES["quality_flags"], "AT_INSTITUTION"]}, "a quality flag",
                 id="a subspecies in a museum"),
    pytest.param({"coordinateUncertaintyInMeters": None}, "uncertainty not told", id="no uncertainty"),
    pytest.param({"coordinateUncertaintyInMeters": -1.0}, "uncertainty not told", id="less than none"),
    pytest.param({"coordinateUncertaintyInMeters": 5001.0}, "uncertainty larger than a cell of the analysis",
                 id="coarse"),
    pytest.param({"event_start": None, "event_end": None, "year": None}, "date not told", id="no date"),
    pytest.param({"event_start": date(2011, 11, 25)}, "not surely within the years", id="a day too old"),
    pytest.param({"event_start": date(2011, 11, 26)}, None, id="the first day"),
    pytest.param({"event_start": None, "event_end": None, "year": 2011}, "not surely within the years", id="2011"),
    pytest.param({"event_start": None, "event_end": None, "year": 2012}, None, id="2012"),
    pytest.param({"event_start": date(2005, 1, 1), "event_end": date(2020, 1, 1)}, "not surely within the years",
                 id="a range"),
    pytest.param({"event_start": date(2026, 11, 27)}, "later than the date of the run", id="tomorrow"),
    pytest.param({"x": -50.0}, "within the band of the border", id="50 m from the line, the band is 100 m"),
    pytest.param({"coordinateUncertaintyInMeters": 4000.0}, "uncertainty reaches over the border",
                 id="4 km, 3 km from it"),
    pytest.param({"x": -210_000.0}, "uncertainty reaches over the sea", id="at sea"),
])  # fmt: skip
def test_a_record_tells_why_it_does_not_count(change, reason):
    found = count(records({"x": -3000.0} | change))
    assert found.records["why_not"].to_list() == [reason]
    assert found.reasons() == ({reason: 1} if reason else {})
    assert (found.records["side"][0] == "LA") == (reason is None)


def test_no_years_take_all_times_and_undated_records_too():
    old = records(
        {"event_start": date(1911, 1, 1)}, {"event_start": None, "event_end": None, "year": None, "y": 5000.0}
    )
    assert why(old, recent_years=None) == [None, None]


def test_suspicious_places_count_only_where_they_are_kept_and_are_counted_by_flag():
    places = records(
        {"quality_flags": ["AT_INSTITUTION"]},
        {"quality_flags": ["NEAR_COUNTY_SEAT", "AT_INSTITUTION", "COORDINATE_ROUNDED"]},
        {"quality_flags": ["NEAR_COUNTY_SEAT"], "iucnRedListCategory": "LC"},
        {},
    )
    for flags, counting in ((evidence.EXCLUDED, 1), (evidence.DOUBTFUL, 4)):
        assert count(places, excluded_flags=flags).records["why_not"].null_count() == counting
    threatened = count(places).threatened().records
    assert threatened.height == 3
    assert evidence.left_out_by_flag(threatened, evidence.EXCLUDED) == {"AT_INSTITUTION": 2, "NEAR_COUNTY_SEAT": 1}
    assert evidence.left_out_by_flag(threatened, evidence.DOUBTFUL) == {}


def test_a_record_that_counts_is_not_told_among_those_that_a_flag_leaves_out():
    found = count(records(OF_SPECIES, {**OF_SPECIES, "match_note": "only the genus is listed", "y": 5000.0})).records
    assert evidence.left_out_by_flag(found, evidence.EXCLUDED) == {"TAXON_MATCH_HIGHERRANK": 1}


def test_the_parameters_and_the_boundary_set_are_told():
    facts = count(records({})).facts
    assert (facts["boundary_set"], facts["viewpoint"], facts["band_m"]) == ("toy", "nobody's", 100.0)
    assert facts["parameters"]["as_of"] == "2026-11-26"
    assert facts["parameters"]["since"] == "2011-11-26"
    assert set(facts["parameters"]["excluded_flags"]) == set(evidence.EXCLUDED)


@pytest.mark.parametrize("change", [
    {"cell_m": 0.0}, {"side_share": 0.5}, {"side_share": 1.1}, {"recent_years": 0}, {"independent_m": -1.0},
], ids=str)  # fmt: skip
def test_parameters_that_do_not_fit_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        replace(JUDGING, **change)


def brute(x: float, y: float, radius: float, land: shapely.Geometry, points: int = 200_000) -> float:
    """Return the share of a circle in a region of the local plane, by points thrown at it."""
    rng = np.random.default_rng(7)
    far, turn = radius * np.sqrt(rng.random(points)), 2 * np.pi * rng.random(points)
    return float(shapely.contains_xy(land, x + far * np.cos(turn), y + far * np.sin(turn)).mean())


def shares(x: float, y: float, radius: float, boundaries: BoundarySet) -> sides.Shares:
    longitude, latitude = local(shapely.Point(x, y)).coords[0]
    return sides.shares(np.array([longitude]), np.array([latitude]), np.array([radius]), boundaries)


def quarters(band_m: float = 0.0) -> BoundarySet:
    """Return three countries that meet in a point, with a disputed square and the sea in the south-east."""
    made = halves()
    shapes = [shapely.box(-90_000, 0, 0, 90_000), shapely.box(0, 0, 90_000, 90_000),
              shapely.box(-90_000, -90_000, 0, 0), shapely.box(0, -20_000, 20_000, 0)]  # fmt: skip
    units = pl.DataFrame({
        "level": ["country", "country", "country", "disputed"],
        "country_code": ["LA", "VN", "KH", None],
        "province_code": pl.Series([None] * 4, dtype=pl.String),
        "name": ["Laos", "Viet Nam", "Cambodia", "nobody's"],
    })  # fmt: skip
    shapes = [local(shape) for shape in shapes]
    return BoundarySet("corner", "1", "", "", "nobody's", band_m, units, np.array(shapes), made.claim_lines)


@pytest.mark.parametrize("band_m", [0.0, 500.0])
@pytest.mark.parametrize(("x", "y"), [
    pytest.param(-700.0, 900.0, id="near the meeting point"),
    pytest.param(0.0, 0.0, id="at it"),
    pytest.param(2500.0, 1200.0, id="beside disputed land"),
    pytest.param(20_500.0, 800.0, id="at the coast"),
    pytest.param(21_000.0, -500.0, id="off the coast"),
    pytest.param(-2600.0, 2600.0, id="far enough"),
])  # fmt: skip
def test_the_share_is_that_of_the_true_circle(x, y, band_m):
    boundaries = quarters(band_m)
    plane = {
        number: geo.project(shape, 4326, CRS)
        for number, shape in zip(boundaries.country_of, boundaries.shapes, strict=True)
    }
    expected = {}
    for number, land in plane.items():
        if boundaries.countries[number]:
            others = shapely.union_all([o for n, o in plane.items() if n != number]).buffer(band_m)
            expected[boundaries.countries[number]] = brute(x, y, 2000.0, land.difference(others))
    found = shares(x, y, 2000.0, boundaries)
    most = max(expected, key=lambda code: expected[code])
    assert found.surely[0] == pytest.approx(expected[most], abs=0.005)
    if expected[most] > 0.5:
        assert boundaries.countries[found.country[0]] == most
    assert found.land[0] == pytest.approx(brute(x, y, 2000.0, shapely.union_all(list(plane.values()))), abs=0.005)


def test_a_circle_is_judged_alike_whatever_else_is_asked():
    rng = np.random.default_rng(2)
    near = [local(shapely.Point(x, y)).coords[0] for x, y in rng.uniform(-3000, 3000, (60, 2))]
    longitude, latitude = np.array(near).T
    radius = rng.uniform(10, 3000, 60)
    together = sides.shares(longitude, latitude, radius, quarters(200.0))
    for n in range(0, 60, 7):
        alone = sides.shares(longitude[n : n + 1], latitude[n : n + 1], radius[n : n + 1], quarters(200.0))
        assert alone.surely[0] == pytest.approx(together.surely[n], abs=1e-9)


def test_an_island_and_a_coast_lose_what_reaches_over_the_sea_unless_the_land_alone_is_asked():
    island = boundary_set(
        local(shapely.box(-1000, -1000, 1000, 1000)), local(shapely.box(50_000, 0, 60_000, 9000)), band_m=100.0
    )
    on_it = {"x": 0.0, "coordinateUncertaintyInMeters": 2000.0}
    at_coast = {"x": 50_100.0, "y": 4000.0, "coordinateUncertaintyInMeters": 500.0}
    assert why(records(on_it, at_coast), island) == ["uncertainty reaches over the sea"] * 2
    assert count(records(on_it, at_coast), island, of_land=True).records["side"].to_list() == ["LA", "VN"]
    small = on_it | {"coordinateUncertaintyInMeters": 900.0}
    assert why(records(small), island) == [None]


def test_across_a_strait_narrower_than_the_band_no_side_is_sure():
    strait = boundary_set(
        local(shapely.box(-9000, -9000, 0, 9000)), local(shapely.box(300, -9000, 9000, 9000)), band_m=1000.0
    )
    assert why(records({"x": -600.0}, {"x": -800.0}, {"x": 1100.0}), strait) == [
        "within the band of the border", None, None,
    ]  # fmt: skip
