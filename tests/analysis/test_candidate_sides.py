"""Hard criteria of candidate reserves: evidence and ground on both sides, a link, and no credit for a spill."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import areas as areas_of
from biodata.analysis import evidence
from biodata.analysis.candidates import ground
from biodata.analysis.candidates.measuring import Surroundings
from candidate_landscapes import (
    EAST,
    TWO,
    WEST,
    both,
    check_of,
    corridors_of,
    frame,
    ground_of,
    parts,
    records,
    run,
    told,
)
from landscapes import boundary_set, halves


@pytest.mark.parametrize(("change", "reason"), [
    pytest.param({"x": 60_000}, None, id="far away"),
    pytest.param({"coordinateUncertaintyInMeters": None}, "uncertainty not told", id="no uncertainty"),
    pytest.param({"year": 1970, "event_start": date(1970, 5, 1)}, "not surely within the years", id="1970"),
    pytest.param({"quality_flags": ["PRESUMED_SWAPPED_COORDINATE"]}, evidence.FLAGGED, id="swapped"),
    pytest.param({"basisOfRecord": "FOSSIL_SPECIMEN"}, "fossil or captive", id="fossil"),
])  # fmt: skip
def test_one_sided_evidence_fails_and_is_told(change, reason):
    areas = frame(*TWO)
    out = run(areas, corridors_of(areas), records({"x": -3000}, {"x": 3000, **change}))
    assert out.candidates.is_empty()
    row = out.considered.row(0, named=True)
    assert (row["outcome"], row["failed"]) == ("failed", ["two_sided_evidence"])
    assert told(row)["hard_criteria"]["two_sided_evidence"]["input"] == {
        "tier": None,
        "certain_species_by_side": {"VN": 0, "LA": 0},
        "probable_species_by_side": {"VN": 0, "LA": 0},
        "listed_species_by_side": {"VN": 0, "LA": 0},
        "species_by_side": {"VN": 0, "LA": 1},
        "left_out": {reason: 1} if reason else {},
    }
    assert row["evidence_tier"] is None
    lost = f"; records here that do not count: {reason} 1" if reason else ""
    assert row["reason"] == (
        f"corridor yes, 0 shared species (threatened species known: 0 in Viet Nam, 1 in Lao PDR{lost}): survey in Viet Nam"
    )
    assert reason is None or reason in evidence.REASONS


def test_an_area_without_one_on_the_other_side_is_named_with_the_country():
    areas, pair = areas_of.geodataframe(frame(*TWO)), [("west", "east")]
    assert ground.without_partner(areas, [], halves(), 2000.0) == {"West": ["VN"], "East": ["LA"]}
    assert (
        ground.without_partner(areas, [], halves(), 1000.0)
        == ground.without_partner(areas, pair, halves(), 2000.0)
        == {}
    )


def test_a_checklist_of_an_area_is_evidence_of_its_own_kind():
    """It makes no tier of records higher, counts for no criterion, and stands with its source."""
    areas, listed = frame(*TWO), {"east": {"Nomascus nasutus": ["a survey, 2019"]}}
    around = Surroundings(checklists=listed)
    (row,) = run(areas, corridors_of(areas), records({"x": -3000}), around=around).candidates.to_dicts()
    species = told(row)["species"]
    assert (row["evidence_tier"], species["shared"], species["probably_shared"]) == ("listed", [], [])
    assert (species["shared_by_list"], species["listed"]["VN"]) == (["Nomascus nasutus"], listed["east"])
    shared = parts(row)["shared_species"]
    assert (shared["value"], shared["input"]["shared_by_list"]) == (0.0, ["Nomascus nasutus"])
    assert [one["survey_in"] for one in told(row)["lifts"]] == [["VN"]]
    (sure,) = run(areas, corridors_of(areas), both(), around=around).candidates.to_dicts()
    assert (sure["evidence_tier"], told(sure)["species"]["shared_by_list"]) == ("certain", [])
    out = run(areas, corridors_of(areas), records({"x": -3000, "species": "Bos gaurus"}), around=around)
    assert out.candidates.is_empty()


def test_link_that_is_not_passable_fails():
    areas = frame(*TWO)
    ground = np.ones((96, 96))
    ground[:, 48] = np.nan
    found = corridors_of(areas, ground)
    assert found["functional"].to_list() == [False]
    row = run(areas, found, both(), around=ground_of(ground)).considered.row(0, named=True)
    assert row["failed"] == ["passable_link"]
    assert check_of(row)["passable_link"] is False


def test_link_that_nobody_looked_for_is_not_known_and_fails():
    row = run(frame(*TWO), None, both()).considered.row(0, named=True)
    assert row["failed"] == ["passable_link"]
    assert check_of(row)["passable_link"] is None


def test_habitat_over_the_line_is_a_link_where_no_corridor_was_sought():
    areas = frame(*TWO)
    assert run(areas, None, both(), around=ground_of()).candidates.height == 1
    river = np.ones((96, 96))
    river[:, 47:49] = 50.0
    assert run(areas, None, both(), around=ground_of(river)).considered["failed"].to_list() == [["passable_link"]]


@pytest.mark.parametrize(("shape", "passes"), [
    pytest.param(shapely.box(60, -3000, 90, 3000), False, id="within the band"),
    pytest.param(shapely.box(60, -3000, 400, 3000), True, id="reaching beyond it"),
])  # fmt: skip
def test_ground_inside_the_band_is_not_a_side(shape, passes):
    areas = frame(("west", ("LA",), shapely.box(-9000, -3000, -10, 3000)), ("east", ("VN",), shape))
    row = run(areas, None, both(), around=ground_of()).considered.row(0, named=True)
    assert check_of(row)["beyond_band"] is passes
    assert ("beyond_band" in row["failed"]) is not passes


def test_answers_near_the_line_change_as_the_band_says_and_name_the_set():
    areas = frame(*TWO)
    lands = halves().shapes
    fine, coarse = (boundary_set(*lands, band_m=band_m) for band_m in (500.0, 5000.0))
    for boundaries, failed in ((fine, []), (coarse, ["two_sided_evidence"])):
        out = run(areas, corridors_of(areas), both(), boundaries)
        row = out.considered.row(0, named=True)
        assert row["failed"] == failed, "records 3 km from the line are on no side where the band is 5 km"
        assert told(row)["boundaries"]["band_m"] == boundaries.band_m
        assert str(boundaries.band_m)[:-2] in told(row)["hard_criteria"]["beyond_band"]["meaning"]


def test_spill_neither_shortens_the_distance_nor_counts():
    spilling = ("spilling", ("LA",), shapely.box(-9000, -3000, 4000, 3000))
    east = ("east", ("VN",), shapely.box(6000, -3000, 12_000, 3000))
    habitat_everywhere = ground_of()
    assert run(frame(spilling, east), None, both(), facing_distance_m=5500.0).considered.is_empty(), (
        "6 km from the line"
    )
    row, clean = (
        run(frame(one, east), None, both(), around=habitat_everywhere, facing_distance_m=6500.0).candidates.row(
            0, named=True
        )
        for one in (spilling, ("spilling", ("LA",), shapely.box(-9000, -3000, 0, 3000)))
    )
    assert row["boundary_disagreement_km2"] == pytest.approx(24, rel=0.01)
    for name, part in parts(row).items():
        if part["value"] is not None:
            assert part["value"] == pytest.approx(parts(clean)[name]["value"], rel=1e-3), name


@pytest.mark.parametrize("codes", [
    pytest.param((("LA",), ("LA",)), id="one country"),
    pytest.param((("LA", "VN"), ("VN",)), id="already of both"),
    pytest.param((("LA",), ()), id="none stated"),
])  # fmt: skip
def test_only_different_stated_countries_are_looked_at(codes):
    areas = frame(("west", codes[0], WEST), ("east", codes[1], EAST))
    assert run(areas, None, both()).considered.is_empty()


def test_same_site_told_twice_is_one():
    out = run(frame(*TWO, ("west again", ("LA",), WEST), name=["West", "East", "West"]))
    assert out.considered["area_ids"].to_list() == [["east", "west"]]


def test_areas_without_a_polygon_are_left_out():
    areas = frame(*TWO).with_columns(
        geometry=pl.Series([None, shapely.to_wkb(shapely.Point(101, 21))], dtype=pl.Binary)
    )
    assert run(areas).considered.is_empty()
