"""Evidence on a side is certain or probable, by the chance that each record lies there."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pyproj
import pytest

from biodata import places
from biodata.analysis import evidence
from candidate_landscapes import TWO, corridors_of, frame, run, told
from candidate_landscapes import records as good
from landscapes import halves

SIDES = [("LA",), ("VN",)]
FINE = 30.0
COARSE = 1000.0
"""With its centre 420 m beyond a band of 100 m, 0.759 of such a circle lies there."""
CHANCE = 0.759


def record(x, uncertainty_m=FINE, day=1, species="Nomascus nasutus", **changes):
    when = {"event_start": date(2024, 5, day), "event_end": date(2024, 5, day)}
    return {"x": x, "coordinateUncertaintyInMeters": uncertainty_m, "species": species} | when | changes


def near(n, x=520.0, **changes):
    """Return records of so many days, each at a place of its own, that likely lie in Viet Nam."""
    return [record(x, COARSE, day=2 + number, y=2500.0 * number, **changes) for number in range(n)]


def judged(*rows, **changes):
    parameters = replace(
        evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=5000.0, untold_uncertainty_m=5000.0), **changes
    )
    return evidence.counted(good(*map(dict, rows)), boundaries=halves(), parameters=parameters)


def sorted_by_side(*rows, certainty=0.95):
    return evidence.two_sided(judged(*rows).records, SIDES, certainty)


@pytest.mark.parametrize(("rows", "tier"), [
    pytest.param([record(3000.0)], "certain", id="a record that surely lies there"),
    pytest.param(near(3), "probable", id="three records that likely do"),
    pytest.param(near(2), None, id="two, of which the chance is 0.94"),
    pytest.param(near(8, x=400.0), None, id="eight that lie there less likely than 0.75"),
    pytest.param([record(520.0, COARSE, day=day) for day in range(2, 10)], None, id="one place of one source, often"),
    pytest.param([record(520.0, COARSE, y=120.0 * n) for n in range(8)], None, id="one walk of a day"),
    pytest.param(near(8, x=-250.0), None, id="eight that lie there less likely than not"),
])  # fmt: skip
def test_tier_of_one_side(rows, tier):
    found = sorted_by_side(record(-3000.0), *rows)
    assert found.tier(SIDES) == tier
    assert found.shared == (["Nomascus nasutus"] if tier == "certain" else [])
    assert found.probably_shared == (["Nomascus nasutus"] if tier == "probable" else [])


def test_a_record_that_states_no_uncertainty_makes_a_side_probable_at_most():
    far, near_the_line = (record(x, uncertainty_m=None) for x in (9000.0, 2000.0))
    for rows, tier in (([far], "probable"), ([near_the_line], None), ([far, record(3000.0, day=2)], "certain")):
        assert sorted_by_side(record(-3000.0), *rows).tier(SIDES) == tier
    assert judged(near_the_line, untold_uncertainty_m=100.0).records["chances"][0].to_list()[0]["chance"] == 1.0
    assert judged(far, untold_uncertainty_m=6000.0).records["chances"].null_count() == 1
    found = sorted_by_side(record(-3000.0), far)
    assert "untold" in str(found.lifts(SIDES)), found.lifts(SIDES)


def test_one_chance_of_an_event_that_several_records_are_of():
    apart = [one | {"key": 10 + n} for n, one in enumerate(near(4))]
    frame = good(record(-3000.0), *map(dict, apart)).with_columns(cluster_id=pl.Series([0, 10, 10, 10, 10]))
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=5000.0)
    counted = evidence.counted(frame, boundaries=halves(), parameters=parameters)
    found = evidence.two_sided(counted.records, SIDES)
    assert found.uncertain["VN"]["Nomascus nasutus"]["records"] == 1
    assert found.tier(SIDES) is None


def test_the_chance_is_that_of_independent_records_and_the_certainty_is_asked():
    rows = (record(-3000.0), *near(2))
    (known,) = sorted_by_side(*rows).uncertain["VN"].values()
    assert known == {
        "chance": pytest.approx(1 - (1 - CHANCE) ** 2, abs=0.004),
        "records": 2,
        "cells": 0,
        "untold": 0,
        "probable": False,
    }
    assert sorted_by_side(*rows, certainty=0.9).tier(SIDES) == "probable"


def test_order_of_the_rows_decides_nothing():
    rows = [record(-3000.0), *near(4), *near(2, x=-250.0), *[record(520.0, COARSE, day=20 + n) for n in range(3)]]
    rows = [one | {"key": number} for number, one in enumerate(rows)]
    first = judged(*rows).records.sort("key").select("key", "side", "why_not", "chances")
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rows))
        again = judged(*(rows[n] for n in order)).records.sort("key").select("key", "side", "why_not", "chances")
        assert again.equals(first)


def test_chances_are_those_of_points_thrown_into_the_circles():
    boundaries = replace(places.load_boundaries(), band_m=1500.0)
    rng, geod = np.random.default_rng(3), pyproj.Geod(ellps="WGS84")
    centres = [(101.7, 21.2), (102.14, 22.4), (101.15, 21.57), (107.55, 14.7), (100.1, 20.35), (106.66, 22.87),
               (105.2, 18.5)]  # fmt: skip
    lonlat = np.array(centres) + rng.uniform(-0.03, 0.03, (len(centres), 2))
    radius_m = rng.uniform(2_000, 9_000, len(centres))
    rows = good(*({"x": 0.0, "species": f"Rara {n}"} for n in range(len(centres)))).with_columns(
        decimalLongitude=lonlat[:, 0], decimalLatitude=lonlat[:, 1], coordinateUncertaintyInMeters=radius_m
    )
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=10_000.0)
    found = evidence.counted(rows, boundaries=boundaries, parameters=parameters).records
    points = 40_000
    looked = 0
    for (longitude, latitude), radius, chances in zip(lonlat, radius_m, found["chances"].to_list(), strict=True):
        far, turn = radius * np.sqrt(rng.random(points)), 360 * rng.random(points)
        x, y, _ = geod.fwd(np.full(points, longitude), np.full(points, latitude), turn, far)
        located = places.locate(np.asarray(x), np.asarray(y), boundaries)
        beyond = located.filter(pl.col("border_distance_m").fill_null(np.inf) > boundaries.band_m)
        counts = dict(beyond["located_country_code"].drop_nulls().value_counts().iter_rows())
        told_of = {one["side"]: one["chance"] for one in chances or []}
        for code in {*counts, *told_of}:
            share = counts.get(code, 0) / points
            error = 4 * np.sqrt(max(share * (1 - share), 1 / points) / points) + 0.003
            assert told_of.get(code, 0.0) == pytest.approx(share, abs=error), (longitude, latitude, code)
            looked += 0.02 < share < 0.98
    assert looked > 8, "most circles reach over a border"


def lifts_of(*rows):
    return sorted_by_side(*rows).lifts(SIDES)


def test_what_is_certain_needs_no_lift():
    assert lifts_of(record(-3000.0), record(3000.0)) == []


def test_what_is_probable_becomes_certain_by_one_record_that_surely_lies_there():
    (lift,) = lifts_of(record(-3000.0), *near(5))
    assert (lift["survey_in"], lift["tier"], lift["records"], lift["not_certain"]) == (["VN"], "certain", 1, 5)


def test_what_is_not_yet_probable_needs_so_many_more_of_its_records():
    rows = [record(-3000.0), *near(2)]
    (lift,) = lifts_of(*rows)
    assert (lift["survey_in"], lift["tier"], lift["not_certain"]) == (["VN"], "probable", 2)
    assert sorted_by_side(rows[0], *near(2 + lift["records"])).tier(SIDES) == "probable"
    assert sorted_by_side(rows[0], *near(1 + lift["records"])).tier(SIDES) is None


def test_a_species_of_one_side_alone_is_to_be_found_on_the_other():
    found = lifts_of(record(-3000.0), record(3000.0, species="Panthera tigris"))
    assert [(one["species"], one["survey_in"], one["records"]) for one in found] == [
        ("Panthera tigris", ["LA"], 1), ("Nomascus nasutus", ["VN"], 1),
    ]  # fmt: skip


def test_a_species_that_another_side_has_comes_before_those_that_none_has():
    doubtful = [record(-520.0, COARSE, day=3, species="Panthera tigris"), *near(1, species="Panthera tigris")]
    found = [one["species"] for one in lifts_of(record(-3000.0), *doubtful) if one["survey_in"] == ["VN"]]
    assert found == ["Nomascus nasutus", "Panthera tigris"]


def test_candidate_of_the_probable_tier_says_what_would_make_it_certain():
    areas = frame(*TWO)
    out = run(
        areas, corridors_of(areas), good(record(-3000.0), *(one | {"y": one["y"] - 2500.0} for one in near(4, x=550.0)))
    )
    row = out.candidates.row(0, named=True)
    assert row["evidence_tier"] == "probable"
    (lift,) = told(row)["lifts"]
    assert lift["words"].startswith(
        "Nomascus nasutus in Viet Nam: probable by 4 records of which at least one lies there at 0.9"
    )
    assert lift["words"].endswith("; one record that surely lies there makes it certain.")
    assert json.loads(row["parts"])["shared_species"]["value"] == 1.0


def test_ground_that_fails_says_its_one_reason_and_what_would_lift_it():
    areas = frame(*TWO)
    row = run(areas, corridors_of(areas), good(record(-3000.0))).considered.row(0, named=True)
    assert (row["outcome"], row["evidence_tier"]) == ("failed", None)
    assert row["reason"].startswith(
        "corridor yes, 0 shared species (threatened species known: 0 in Viet Nam, 1 in Lao PDR)"
    )
    found = [one["words"] for one in told(row)["lifts"]]
    assert found == ["Nomascus nasutus in Viet Nam: no record is there; one that surely lies there makes it certain."]
    candidate = run(areas, corridors_of(areas), good(record(-3000.0), record(3000.0))).considered.row(0, named=True)
    assert (candidate["reason"], candidate["evidence_tier"]) == (None, "certain")
