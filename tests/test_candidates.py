"""Candidate reserves: hard criteria told for all that is looked at, no credit for a spill, a card that recomputes."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata import geo, terms
from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, evidence
from biodata.analysis.candidates import habitat, ranking, search
from biodata.analysis.candidates.measuring import Surroundings
from biodata.analysis.candidates.parameters import CandidateParameters
from biodata.errors import InputError
from biodata.places import load_boundaries
from biodata.sharing.results import coordinates_in
from biodata.vocabularies import EvidenceView, SharingCategory
from landscapes import boundary_set, halves, local, square_grid, table

WEST = shapely.box(-9000, -3000, -1500, 3000)
EAST = shapely.box(1500, -3000, 9000, 3000)


def frame(*rows, **columns) -> pl.DataFrame:
    """Return protected areas of the local system as the lake has them."""
    made = table(*rows)
    data = {
        "area_id": made["area_id"].to_list(),
        "name": made["name"].to_list(),
        "country_codes": [list(codes) for codes in made["country_codes"]],
        "geometry": [shapely.to_wkb(shape) for shape in made.geometry],
    }
    return terms.conform(
        pl.DataFrame(data | columns, schema_overrides={"country_codes": pl.List(pl.String)}), terms.PROTECTED_AREA
    )


def records(*rows: dict[str, object]) -> pl.DataFrame:
    """Return occurrences, by default good records of a threatened species at x, y metres of the local system."""
    made = []
    for number, row in enumerate(rows):
        x, y = row.pop("x"), row.pop("y", 0.0)
        longitude, latitude = local(shapely.Point(x, y)).coords[0]
        made.append(
            {
                "key": number,
                "species": "Nomascus nasutus",
                "iucnRedListCategory": "CR",
                "occurrenceStatus": "PRESENT",
                "basisOfRecord": "HUMAN_OBSERVATION",
                "decimalLongitude": longitude,
                "decimalLatitude": latitude,
                "coordinateUncertaintyInMeters": 30.0,
                "located_country_code": "LA" if x < 0 else "VN",
                "ambiguous": False,
                "border_distance_m": abs(float(x)),
                "year": 2024,
                "event_start": date(2024, 5, 1),
                "quality_flags": [],
            }
            | row
        )
    return terms.conform(
        pl.DataFrame(made, infer_schema_length=None, schema_overrides={"quality_flags": pl.List(pl.String)}),
        terms.OCCURRENCE,
    )


def counted(occurrences, boundaries):
    if occurrences is None:
        return None
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=1000.0)
    return evidence.counted(occurrences, boundaries=boundaries, parameters=parameters)


def run(
    areas,
    found=None,
    occurrences=None,
    boundaries=None,
    view=EvidenceView.PUBLIC,
    category=SharingCategory.OPEN,
    around=None,
    **parameters,
):
    boundaries = boundaries or halves()
    everything = counted(occurrences, boundaries)
    return search.find(
        areas,
        pl.DataFrame(schema=terms.schema(terms.CORRIDOR)) if found is None else found,
        None if everything is None else everything.threatened(),
        boundaries=boundaries,
        parameters=CandidateParameters(draws=500, **parameters),
        view=view,
        category=category,
        surroundings=around,
        everything=everything,
    )


def corridors_of(areas, ground=None, cell_m=250.0):
    one = square_grid(12_000, cell_m)
    ground = np.ones(one.shape) if ground is None else ground
    return corridors.between(
        areas_of.geodataframe(areas), ground, one, parameters=corridors.CorridorParameters(), boundaries=halves()
    )


def ground_of(resistance=None, cell_m=250.0) -> Surroundings:
    """Return habitat everywhere, or where the resistance is low."""
    one = square_grid(12_000, cell_m)
    resistance = np.ones(one.shape) if resistance is None else resistance
    return Surroundings(habitat=habitat.of_resistance(resistance, one, limit=10.0))


TWO = (("west", ("LA",), WEST), ("east", ("VN",), EAST))
BOTH = ({"x": -3000}, {"x": 3000})


def both() -> pl.DataFrame:
    return records(*(dict(one) for one in BOTH))


def parts(row) -> dict:
    return json.loads(row["parts"])


def told(row) -> dict:
    return json.loads(row["evidence"])


def check_of(row) -> dict:
    return {name: one["passed"] for name, one in told(row)["hard_criteria"].items()}


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


def test_output_is_of_the_tables_and_tells_no_place():
    areas = frame(*TWO)
    out = run(areas, corridors_of(areas), both(), around=ground_of())
    assert out.candidates.schema == terms.schema(terms.CANDIDATE)
    assert out.considered.schema == terms.schema(terms.CONSIDERED)
    row = out.candidates.row(0, named=True)
    assert [name for name, value in row.items() if value is None] == ["run_id"]
    for text in (row["parts"], row["evidence"], out.considered["evidence"][0]):
        assert coordinates_in(text) is None
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"x": 60_000}, None, id="far away"),
        pytest.param({"coordinateUncertaintyInMeters": None}, evidence.REASONS[5], id="no uncertainty"),
        pytest.param({"year": 1970, "event_start": date(1970, 5, 1)}, "not surely within the years", id="1970"),
        pytest.param({"quality_flags": ["PRESUMED_SWAPPED_COORDINATE"]}, evidence.FLAGGED, id="swapped"),
        pytest.param({"basisOfRecord": "FOSSIL_SPECIMEN"}, "fossil or captive", id="fossil"),
    ],
)
def test_one_sided_evidence_fails_and_is_told(change, reason):
    areas = frame(*TWO)
    out = run(areas, corridors_of(areas), records({"x": -3000}, {"x": 3000, **change}))
    assert out.candidates.is_empty()
    row = out.considered.row(0, named=True)
    assert (row["outcome"], row["failed"]) == ("failed", ["two_sided_evidence"])
    assert told(row)["hard_criteria"]["two_sided_evidence"]["input"] == {"shared_species_by_side": {"VN": 0, "LA": 0}}
    assert reason is None or reason in evidence.REASONS


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


@pytest.mark.parametrize(
    ("shape", "passes"),
    [
        pytest.param(shapely.box(60, -3000, 90, 3000), False, id="within the band"),
        pytest.param(shapely.box(60, -3000, 400, 3000), True, id="reaching beyond it"),
    ],
)
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


def test_one_area_that_spills_over_the_line_is_no_candidate():
    spilling = ("spilling", ("LA",), shapely.box(-9000, -3000, 4000, 3000))
    far = ("far", ("VN",), shapely.box(30_000, -3000, 34_000, 3000))
    assert run(frame(spilling), occurrences=both()).considered.is_empty()
    assert run(frame(spilling, far), occurrences=both()).considered.is_empty()


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


def test_overlap_of_two_areas_across_the_line_is_cut_back_to_it():
    west = ("west", ("LA",), shapely.box(-9000, -3000, 1000, 3000))
    east = ("east", ("VN",), shapely.box(-1000, -3000, 9000, 3000))
    row = run(frame(west, east), None, both(), around=ground_of()).candidates.row(0, named=True)
    assert row["boundary_disagreement_km2"] == pytest.approx(12, rel=0.01)
    assert row["area_km2"] == pytest.approx(108, rel=0.01), "no ground is counted twice"


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param((("LA",), ("LA",)), id="one country"),
        pytest.param((("LA", "VN"), ("VN",)), id="already of both"),
        pytest.param((("LA",), ()), id="none stated"),
    ],
)
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


def test_corridor_makes_a_candidate_of_areas_that_do_not_face_each_other():
    areas = frame(*TWO)
    found = corridors_of(areas)
    assert run(areas, found, both(), facing_distance_m=1000.0).candidates.height == 1
    assert run(areas, None, both(), facing_distance_m=1000.0).considered.is_empty()


def several():
    """Return four areas, their corridors and records of two species, one of them only in the south."""
    west_b, east_b = shapely.box(-9000, -11_000, -1500, -8000), shapely.box(1500, -11_000, 9000, -8000)
    areas = frame(
        *TWO, ("west b", ("LA",), west_b), ("east b", ("VN",), east_b), status=["Designated"] * 3 + ["Proposed"]
    )
    resistance = np.ones((96, 96))
    resistance[60:, 30:60] = 40.0
    south = [{"x": x, "y": -9500.0, "species": "Pseudoryx nghetinhensis"} for x in (-3000, 3000)]
    return areas, resistance, records(*(dict(one) for one in BOTH), *south)


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
        assert {name: row[name] for name in ("rank", "front", "acceptability", "within_first")} == {
            name: ranked[name] for name in ("rank", "front", "acceptability", "within_first")
        }
        assert ranked["values"][str(row["rank"])] == {name: part["value"] for name, part in criteria.items()}
        _recompute_values(card, {name: (part["value"], part["input"]) for name, part in criteria.items()})
        ground = card["ground"]
        assert row["area_km2"] == pytest.approx(ground["area_km2"], abs=0.001)
        for one in (*ground["countries"].values(), ground["no_land"]):
            assert one["percent"] == pytest.approx(100 * one["km2"] / ground["area_km2"], abs=0.006)
        hard = {name: one["input"] for name, one in card["hard_criteria"].items()}
        band = hard["beyond_band"]
        assert min(band["beyond_band_km2"].values()) >= band["least_km2"]
        assert min(hard["two_sided_evidence"]["shared_species_by_side"].values()) > 0
        assert row["boundary_disagreement_km2"] == pytest.approx(sum(card["boundary_disagreement_km2"].values()))


def _recompute_values(card, criteria):
    value, given = criteria["shared_species"]
    assert value == len(given["shared"]) == len(card["species"]["shared"])
    by_country = card["species"]["by_country"].values()
    assert set(given["shared"]) == {
        name for one in by_country for name in one if sum(name in c for c in by_country) > 1
    }
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


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"facing_distance_m": 0.0}, id="no distance"),
        pytest.param({"draws": 0}, id="no draws"),
        pytest.param({"cluster_share": 1.5}, id="more than all land"),
    ],
)
def test_wrong_parameters_are_refused(parameters):
    with pytest.raises(InputError):
        CandidateParameters(**parameters)


def test_heritage_parks_that_spill_are_not_called_transboundary(shared):
    import geopandas as gpd
    import pycountry

    parks = gpd.read_file(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson")
    parks = parks[parks.geometry.notna()]
    codes = {code: pycountry.countries.get(alpha_3=code).alpha_2 for code in parks["ISO3"].unique()}
    areas = terms.conform(
        pl.DataFrame(
            {
                "area_id": [f"ahp:{n}" for n in range(len(parks))],
                "name": parks["AHPNAME"].to_list(),
                "country_codes": [[codes[code]] for code in parks["ISO3"]],
                "geometry": [shapely.to_wkb(shape) for shape in parks.geometry],
            }
        ),
        terms.PROTECTED_AREA,
    )
    out = run(areas, boundaries=load_boundaries())
    assert out.candidates.is_empty(), "no records, no candidate"
    assert out.considered["name"].to_list() == ["Chu Mom Ray National Park – Virachey National Park"]
    assert out.considered["country_codes"].to_list() == [["KH", "VN"]]
    assert out.considered["failed"].to_list() == [["two_sided_evidence", "passable_link"]]
