"""Candidate reserves: a card that recomputes, the same in any order, told for all that is looked at."""

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis.candidates import ground as habitat
from biodata.analysis.candidates import ranking
from biodata.analysis.candidates.measuring import Surroundings
from biodata.core import geo, terms
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import load_boundaries
from candidate_landscapes import (
    BOTH,
    TWO,
    both,
    check_of,
    corridors_of,
    frame,
    ground_of,
    parts,
    records,
    run,
    several,
    told,
)
from landscapes import halves, local, square_grid


def test_pair_with_corridor_and_records_on_both_sides():
    areas = frame(*TWO, status=["Designated", "Designated"])
    out = run(areas, corridors_of(areas), records({"x": -3000}, {"x": -4500}, {"x": 3000}), around=ground_of())
    row = out.candidates.row(0, named=True)
    assert (row["rank"], row["front"], row["acceptability"], row["within_first"]) == (1, 1, 1.0, 1.0)
    assert (row["name"], row["area_ids"], row["country_codes"]) == ("East – West", ["east", "west"], ["LA", "VN"])
    species = told(row)["species"]
    assert species["by_country"] == {"LA": {"Nomascus nasutus": 2}, "VN": {"Nomascus nasutus": 1}}
    assert species["shared"] == ["Nomascus nasutus"]
    assert check_of(row) == {"two_sided_evidence": True, "passable_link": True, "beyond_band": True}
    values = {name: part["value"] for name, part in parts(row).items()}
    assert values["shared_species"] == 1
    assert values["habitat_continuity"] == 1
    assert values["governance"] == pytest.approx(45 / 54, abs=0.02), "1.5 km of 9 km is no area yet"
    assert values["network_gain"] > 0
    assert values["irreplaceability"] == 1
    assert values["human_pressure"] is None
    assert "input is missing" in parts(row)["human_pressure"]["note"]
    assert values["cost"] == pytest.approx(row["area_km2"] - 90, rel=0.01)
    polygon = shapely.from_wkb(row["geometry"])
    assert polygon.geom_type == "Polygon", "one contiguous piece"
    assert polygon.is_valid
    assert row["area_km2"] == pytest.approx(geo.area_km2(np.array([polygon]))[0])
    considered = out.considered.row(0, named=True)
    assert (considered["outcome"], considered["failed"]) == ("candidate", [])


def test_each_country_has_its_share_and_disputed_ground_belongs_to_no_side():
    areas = frame(*TWO)
    whole = halves()
    strip = local(shapely.box(2000, -200_000, 3000, 200_000))
    units = pl.concat([whole.units, whole.units.head(1).with_columns(
        level=pl.lit("disputed"), country_code=pl.lit(None, pl.String), name=pl.lit("Strip"))])  # fmt: skip
    shapes = np.array([whole.shapes[0], shapely.difference(whole.shapes[1], strip), strip])
    boundaries = type(whole)("toy", "2", "", "", "nobody's", 100.0, units, shapes, pl.DataFrame())
    out = run(areas, corridors_of(areas), records({"x": -3000}, {"x": 6000}), boundaries)
    ground = told(out.candidates.row(0, named=True))["ground"]
    assert ground["disputed"]["Strip"]["km2"] == pytest.approx(6, rel=0.02)
    shares = [*ground["countries"].values(), *ground["disputed"].values(), ground["no_land"]]
    assert sum(one["km2"] for one in shares) == pytest.approx(ground["area_km2"], abs=0.01)
    assert sum(one["percent"] for one in shares) == pytest.approx(100, abs=0.05)
    assert ground["countries"]["LA"]["km2"] > ground["countries"]["VN"]["km2"]


def test_output_is_of_the_tables():
    areas = frame(*TWO)
    out = run(areas, corridors_of(areas), both(), around=ground_of())
    assert out.candidates.schema == terms.schema(terms.CANDIDATE)
    assert out.considered.schema == terms.schema(terms.CONSIDERED)
    row = out.candidates.row(0, named=True)
    assert [name for name, value in row.items() if value is None] == ["run_id"]
    assert told(row)["boundaries"] == {"name": "toy", "version": "1", "viewpoint": "nobody's", "band_m": 100.0}
    assert told(row)["parameters"]["seed"] == 1
    assert told(row)["counted"]["parameters"]["side_share"] == 0.95


def test_without_any_records_there_is_no_candidate_and_what_could_be_one_is_told_apart():
    areas = frame(*TWO)
    for none in (None, both().clear()):
        out = run(areas, corridors_of(areas), none)
        assert out.candidates.is_empty()
        assert out.considered.select("outcome", "failed").rows() == [("without_evidence", ["two_sided_evidence"])]
        assert check_of(out.considered.row(0, named=True))["two_sided_evidence"] is None


def test_what_one_side_alone_has_is_a_task_of_the_run_and_names_no_place():
    alone = {"x": -3000, "species": "Panthera tigris", "iucnRedListCategory": "EN"}
    areas = frame(*TWO)
    (row,) = run(areas, corridors_of(areas), records(*(dict(one) for one in (*BOTH, alone)))).candidates.iter_rows(
        named=True
    )
    (task,) = told(row)["survey_tasks"]
    assert (task["species"], task["recorded_in"], task["survey_in"]) == ("Panthera tigris", ["LA"], "VN")
    assert 0 < task["cells_without_effort"] <= task["cells"]
    assert "none in VN" in task["why"]
    assert not {"geometry", "sharing_category"} & set(task)
    nights = [case["nights"] for case in told(row)["survey_effort"]["cases"].values()]
    assert nights == sorted(nights, reverse=True)
    out = run(areas, corridors_of(areas), records(dict(alone)))
    (looked_at,) = out.considered.iter_rows(named=True)
    assert looked_at["failed"] == ["two_sided_evidence"]
    assert [one["survey_in"] for one in told(looked_at)["survey_tasks"]] == ["VN"]
    assert out.candidates.is_empty()


def test_corridor_makes_a_candidate_of_areas_that_do_not_face_each_other():
    areas = frame(*TWO)
    found = corridors_of(areas)
    assert run(areas, found, both(), facing_distance_m=1000.0).candidates.height == 1
    assert run(areas, None, both(), facing_distance_m=1000.0).considered.is_empty()


def test_order_of_the_input_decides_nothing():
    areas, resistance, found = several()
    out = run(areas, corridors_of(areas, resistance), found, around=ground_of(resistance))
    assert out.candidates.height > 2
    assert out.candidates["rank"].to_list() == list(range(1, out.candidates.height + 1))
    assert out.candidates["acceptability"].is_sorted(descending=True)
    assert out.candidates["acceptability"].sum() == pytest.approx(1, abs=1e-5)
    shuffled = run(
        areas.reverse(), corridors_of(areas, resistance).reverse(), found.reverse(), around=ground_of(resistance)
    )
    assert shuffled.candidates.equals(out.candidates)
    assert shuffled.considered.equals(out.considered)


def test_every_number_of_a_card_can_be_had_again_from_the_card_alone():
    areas, resistance, found = several()
    out = run(areas, corridors_of(areas, resistance), found, around=ground_of(resistance)).candidates
    for row in out.iter_rows(named=True):
        card, criteria = told(row), parts(row)
        ranked = card["ranking"]
        assert ranking.again(ranked) == ranked
        seen = {name: row[name] for name in ("rank", "front", "acceptability", "within_first")}
        assert seen == {name: ranked[name] for name in ("rank", "front", "acceptability", "within_first")}
        assert ranked["values"][str(row["rank"])] == {name: part["value"] for name, part in criteria.items()}
        _recompute_values(card, {name: (part["value"], part["input"]) for name, part in criteria.items()})
        ground = card["ground"]
        assert row["area_km2"] == pytest.approx(ground["area_km2"], abs=0.001)
        for one in (*ground["countries"].values(), ground["no_land"]):
            assert one["percent"] == pytest.approx(100 * one["km2"] / ground["area_km2"], abs=0.006)
        hard = {name: one["input"] for name, one in card["hard_criteria"].items()}
        band = hard["beyond_band"]
        assert min(band["beyond_band_km2"].values()) >= band["least_km2"]
        assert min(hard["two_sided_evidence"][f"{row['evidence_tier']}_species_by_side"].values()) > 0
        assert row["boundary_disagreement_km2"] == pytest.approx(sum(card["boundary_disagreement_km2"].values()))


def _recompute_values(card, criteria):
    value, given = criteria["shared_species"]
    assert value == len(given["shared"]) + len(given["probably_shared"])
    assert all(given[name] == card["species"][name] for name in ("shared", "probably_shared"))
    by_country = card["species"]["by_country"].values()
    found = set(given["shared"])
    assert found == {name for one in by_country for name in one if sum(name in c for c in by_country) > 1}
    value, given = criteria["habitat_continuity"]
    assert value == round(given["crossing_habitat_km2"] / given["ground_km2"], 6)
    value, given = criteria["governance"]
    assert value == min(round(one["in_force_km2"] / one["ground_km2"], 6) for one in given["sides"].values())
    value, given = criteria["network_gain"]
    before, after = given["eca_without_km2"], given["eca_with_km2"]
    assert value == round(100 * (after - before) / before, 6)
    assert given["protconn_with"] == pytest.approx(100 * after / given["land_km2"], abs=1e-5)
    value, given = criteria["irreplaceability"]
    assert value == round(sum(one["here"] / one["window"] for one in given["cells_by_species"].values()), 6)
    value, given = criteria["cost"]
    assert value == pytest.approx(given["area_km2"] - given["protected_km2"], abs=1e-6)


def test_triple_of_three_countries():
    west, east = (local(shapely.box(*b)) for b in ((-9000, 0, 0, 9000), (0, 0, 9000, 9000)))
    south = local(shapely.box(-9000, -9000, 9000, 0))
    boundaries = halves()
    units = pl.concat([boundaries.units, boundaries.units.head(1).with_columns(country_code=pl.lit("KH"))])
    boundaries = type(boundaries)("toy", "1", "", "", "", 100.0, units, np.array([west, east, south]), pl.DataFrame())
    areas = frame(
        ("w", ("LA",), shapely.box(-6000, 1000, -1000, 5000)),
        ("e", ("VN",), shapely.box(1000, 1000, 6000, 5000)),
        ("s", ("KH",), shapely.box(-4000, -5000, 4000, -1000)),
    )
    found = records({"x": -3000, "y": 3000}, {"x": 3000, "y": 3000}, {"x": 0, "y": -3000})
    out = run(areas, None, found, boundaries, around=ground_of(), facing_distance_m=4000.0).considered
    assert out.height == 4, "three pairs and the triple"
    triple = out.filter(pl.col("area_ids").list.len() == 3).row(0, named=True)
    assert triple["country_codes"] == ["KH", "LA", "VN"]
    assert shapely.from_wkb(triple["geometry"]).geom_type == "Polygon"


def test_every_row_tells_the_view_and_the_category_of_what_the_run_read():
    areas, resistance, found = several()
    how = {"view": EvidenceView.EXACT, "category": SharingCategory.ONE_DEGREE}
    out = run(areas, corridors_of(areas, resistance), found, **how)
    for frame_out in (out.candidates, out.considered):
        assert frame_out.height
        assert set(frame_out["evidence_view"]) == {"exact"}
        assert set(frame_out["sharing_category"]) == {"1_degree"}


def test_cluster_of_cells_where_no_area_stands():
    one = square_grid(12_000, 250.0)
    west, south, east, north = shapely.bounds(local(shapely.box(-60_000, -60_000, 60_000, 60_000)))
    around = Surroundings(
        window=(west, south, east, north), habitat=habitat.of_resistance(np.ones(one.shape), one, limit=10.0)
    )
    found = records({"x": -3000}, {"x": 3000})
    out = run(frame(*TWO), None, found, around=around)
    names = out.candidates.filter(pl.col("area_ids").list.len() == 0)["name"].to_list()
    assert names == ["Border ground LA – VN 1"]
    without_areas = frame(*TWO).clear()
    out = run(without_areas, None, found, around=around)
    assert out.candidates["name"].to_list() == ["Border ground LA – VN 1"]
    assert parts(out.candidates.row(0, named=True))["network_gain"]["value"] is None, "nothing yet to add to"
    cells = found.with_columns(
        cell_west=pl.col("decimalLongitude") - 0.005, cell_south=pl.col("decimalLatitude") - 0.005,
        cell_east=pl.col("decimalLongitude") + 0.005, cell_north=pl.col("decimalLatitude") + 0.005,
        coordinateUncertaintyInMeters=pl.lit(900.0),
    )  # fmt: skip
    out = run(frame(*TWO), None, cells, around=around)
    assert out.candidates.height, "cells are evidence"
    assert out.considered["area_ids"].list.len().min() == 2, "but draw no outlines"


def test_heritage_parks_that_spill_are_not_called_transboundary(shared):
    import geopandas as gpd
    import pycountry

    parks = gpd.read_file(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson")
    parks = parks[parks.geometry.notna()]
    codes = {code: pycountry.countries.get(alpha_3=code).alpha_2 for code in parks["ISO3"].unique()}
    areas = terms.conform(
        pl.DataFrame({
            "area_id": [f"ahp:{n}" for n in range(len(parks))],
            "name": parks["AHPNAME"].to_list(),
            "country_codes": [[codes[code]] for code in parks["ISO3"]],
            "geometry": [shapely.to_wkb(shape) for shape in parks.geometry],
        }),
        terms.PROTECTED_AREA,
    )  # fmt: skip
    out = run(areas, boundaries=load_boundaries())
    assert out.candidates.is_empty(), "no records, no candidate"
    assert out.considered["name"].to_list() == ["Chu Mom Ray National Park – Virachey National Park"]
    assert out.considered["country_codes"].to_list() == [["KH", "VN"]]
    assert out.considered["failed"].to_list() == [["two_sided_evidence", "passable_link"]]
