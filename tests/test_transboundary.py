"""Candidate reserves: stated countries, two-sided evidence, and no credit for a spill over the line."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata import geo, terms
from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, evidence, scores, transboundary
from biodata.errors import InputError
from biodata.places import load_boundaries
from biodata.vocabularies import SharingCategory
from landscapes import halves, local, square_grid, table

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
                "event_end": date(2024, 5, 1),
                "quality_flags": [],
            }
            | row
        )
    return terms.conform(
        pl.DataFrame(made, infer_schema_length=None, schema_overrides={"quality_flags": pl.List(pl.String)}),
        terms.OCCURRENCE,
    )


JUDGING = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=5_000.0)


def run(areas, found=None, occurrences=None, boundaries=None, strictest=lambda _: SharingCategory.OPEN, **parameters):
    boundaries = boundaries or halves()
    counted = None
    if occurrences is not None:
        counted = evidence.counted(occurrences, boundaries=boundaries, parameters=JUDGING)
    return transboundary.candidates(
        areas,
        pl.DataFrame(schema=terms.schema(terms.CORRIDOR)) if found is None else found,
        counted,
        boundaries=boundaries,
        parameters=transboundary.CandidateParameters(**parameters),
        strictest=strictest,
    )


def corridors_of(areas, ground=None, cell_m=250.0):
    one = square_grid(12_000, cell_m)
    ground = np.ones(one.shape) if ground is None else ground
    return corridors.between(
        areas_of.geodataframe(areas), ground, one, parameters=corridors.CorridorParameters(), boundaries=halves()
    )


TWO = (("west", ("LA",), WEST), ("east", ("VN",), EAST))


def parts(row) -> dict:
    return json.loads(row["parts"])


def test_pair_with_corridor_and_records_on_both_sides():
    areas = frame(*TWO)
    row = run(areas, corridors_of(areas), records({"x": -3000}, {"x": -4000}, {"x": 3000})).row(0, named=True)
    assert (row["rank"], row["name"], row["area_ids"]) == (1, "East – West", ["east", "west"])
    assert row["country_codes"] == ["LA", "VN"]
    evidence = json.loads(row["evidence"])
    assert evidence["species"]["by_country"] == {"LA": {"Nomascus nasutus": 2}, "VN": {"Nomascus nasutus": 1}}
    assert evidence["species"]["shared"] == ["Nomascus nasutus"]
    assert evidence["country_shares"]["LA"] == pytest.approx(0.5, abs=0.02)
    assert sum(evidence["country_shares"].values()) == pytest.approx(1, abs=0.002)
    assert parts(row)["shared_species"]["value"] == 0.2
    assert parts(row)["corridor_quality"]["value"] == pytest.approx(1, abs=0.1)
    assert parts(row)["habitat_continuity"]["value"] == 1
    assert sum(part["value"] * part["weight"] for part in parts(row).values()) == pytest.approx(row["score"], abs=1e-5)
    polygon = shapely.from_wkb(row["geometry"])
    assert polygon.geom_type == "Polygon", "one contiguous piece"
    assert polygon.is_valid
    assert row["area_km2"] == pytest.approx(geo.area_km2(np.array([polygon]))[0])


def test_output_is_of_the_table_and_tells_no_place():
    areas = frame(*TWO)
    out = run(areas, corridors_of(areas), records({"x": -3000}, {"x": 3000}))
    assert out.schema == terms.schema(terms.CANDIDATE)
    row = out.row(0, named=True)
    assert [name for name, value in row.items() if value is None] == ["run_id"]
    for text in (row["parts"], row["evidence"]):
        assert "101." not in text
        assert "21.0" not in text


def test_missing_inputs_are_told_and_their_weight_goes_to_the_others():
    row = run(frame(*TWO)).row(0, named=True)
    told = parts(row)
    for name in ("shared_species", "corridor_quality", "habitat_continuity"):
        assert told[name]["value"] is None
        assert told[name]["weight"] == 0
        assert "input is missing" in told[name]["note"]
    assert told["protected_share"]["weight"] == pytest.approx(0.6)
    assert sum(part["weight"] for part in told.values()) == pytest.approx(1)
    assert "No occurrence records were at hand." in json.loads(row["evidence"])["notes"]


def test_doubtful_record_is_no_evidence_and_is_counted():
    doubtful = {"x": 3000, "quality_flags": ["PRESUMED_SWAPPED_COORDINATE"]}
    row = run(frame(*TWO), None, records({"x": -3000}, doubtful)).row(0, named=True)
    told = json.loads(row["evidence"])
    species = told["species"]
    assert species["left_out"] == {"a quality flag": 1}
    assert species["shared"] == []
    assert species["one_sided"] == [{"species": "Nomascus nasutus", "recorded_in": ["LA"], "survey_in": ["VN"]}]
    assert parts(row)["shared_species"]["value"] == 0
    assert "No record that counts on the side of VN: survey there." in told["notes"]
    assert told["counted_by"]["as_of"] == "2026-11-26"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"iucnRedListCategory": "LC"}, id="least concern"),
        pytest.param({"occurrenceStatus": "ABSENT"}, id="absent"),
        pytest.param({"species": None}, id="genus only"),
        pytest.param({"x": 60_000}, id="far away"),
    ],
)
def test_other_records_play_no_part(change):
    occurrences = records({"x": -3000}, {"x": 3000} | change)
    species = json.loads(run(frame(*TWO), None, occurrences).row(0, named=True)["evidence"])["species"]
    assert species["by_country"]["VN"] == {}
    assert species["left_out"] == {}


def test_the_evidence_of_a_candidate_does_not_tell_which_place_is_suspicious():
    flagged = records({"x": -2000, "quality_flags": ["NEAR_COUNTY_SEAT"]}, {"x": 2000})
    doubtful = records({"x": -2000, "quality_flags": ["RECORDED_DATE_INVALID"]}, {"x": 2000})
    one, other = (run(frame(*TWO), occurrences=o) for o in (flagged, doubtful))
    assert one.height == 1
    assert one.equals(other)


def test_one_area_that_spills_over_the_line_is_no_candidate():
    spilling = ("spilling", ("LA",), shapely.box(-9000, -3000, 4000, 3000))
    far = ("far", ("VN",), shapely.box(30_000, -3000, 34_000, 3000))
    assert run(frame(spilling)).is_empty()
    assert run(frame(spilling, far)).is_empty()


def test_spill_neither_shortens_the_distance_nor_scores():
    spilling = ("spilling", ("LA",), shapely.box(-9000, -3000, 4000, 3000))
    east = ("east", ("VN",), shapely.box(6000, -3000, 12_000, 3000))
    assert run(frame(spilling, east), facing_distance_m=5500.0).is_empty(), "6 km from the line"
    row = run(frame(spilling, east), facing_distance_m=6500.0).row(0, named=True)
    clean = run(frame(("spilling", ("LA",), shapely.box(-9000, -3000, 0, 3000)), east), facing_distance_m=6500.0)
    assert row["boundary_disagreement_km2"] == pytest.approx(24, rel=0.01)
    assert row["score"] == pytest.approx(clean["score"][0], abs=1e-4)


def test_overlap_of_two_areas_across_the_line_is_cut_back_to_it():
    west = ("west", ("LA",), shapely.box(-9000, -3000, 1000, 3000))
    east = ("east", ("VN",), shapely.box(-1000, -3000, 9000, 3000))
    row = run(frame(west, east)).row(0, named=True)
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
def test_only_different_stated_countries_make_a_candidate(codes):
    assert run(frame(("west", codes[0], WEST), ("east", codes[1], EAST))).is_empty()


def test_same_site_told_twice_is_one():
    out = run(frame(*TWO, ("west again", ("LA",), WEST), name=["West", "East", "West"]))
    assert out["area_ids"].to_list() == [["east", "west"]]


def test_areas_without_a_polygon_are_left_out():
    areas = frame(*TWO).with_columns(
        geometry=pl.Series([None, shapely.to_wkb(shapely.Point(101, 21))], dtype=pl.Binary)
    )
    assert run(areas).is_empty()


def test_no_functional_link_scores_nothing_for_the_corridor():
    areas = frame(*TWO)
    ground = np.ones((96, 96))
    ground[:, 48] = np.nan
    found = corridors_of(areas, ground)
    assert found["functional"].to_list() == [False]
    row = run(areas, found).row(0, named=True)
    assert parts(row)["corridor_quality"]["value"] == 0
    assert parts(row)["habitat_continuity"]["value"] == 0
    assert "convex hull" in json.loads(row["evidence"])["notes"][0]
    assert shapely.from_wkb(row["geometry"]).geom_type == "Polygon"


def test_corridor_makes_a_candidate_of_areas_that_do_not_face_each_other():
    areas = frame(*TWO)
    found = corridors_of(areas)
    assert run(areas, found, facing_distance_m=1000.0).height == 1
    assert run(areas, facing_distance_m=1000.0).is_empty()


def test_better_ground_ranks_first():
    west_b, east_b = shapely.box(-9000, -11_000, -1500, -8000), shapely.box(1500, -11_000, 9000, -8000)
    areas = frame(*TWO, ("west b", ("LA",), west_b), ("east b", ("VN",), east_b))
    one = square_grid(12_000, 250.0)
    ground = np.ones(one.shape)
    ground[one.centres(*np.indices(one.shape).reshape(2, -1))[:, 1].reshape(one.shape) < -5500] = 40.0
    out = run(areas, corridors_of(areas, ground))
    assert out["name"][0] == "East – West"
    assert out["rank"].to_list() == list(range(1, out.height + 1))
    assert out["score"].is_sorted(descending=True)
    shuffled = run(areas.reverse(), corridors_of(areas, ground).reverse())
    assert shuffled.equals(out), "order of the input does not matter"


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
    out = run(areas, boundaries=boundaries, facing_distance_m=4000.0)
    assert out.height == 4, "three pairs and the triple"
    triple = out.filter(pl.col("area_ids").list.len() == 3).row(0, named=True)
    assert triple["country_codes"] == ["KH", "LA", "VN"]
    assert shapely.from_wkb(triple["geometry"]).geom_type == "Polygon"


def test_the_strictest_category_of_the_records_is_carried():
    seen = []

    def strictest(used: pl.DataFrame) -> SharingCategory:
        seen.append(used["key"].to_list())
        return SharingCategory.ONE_DEGREE

    row = run(frame(*TWO), None, records({"x": -3000}, {"x": 50}, {"x": 70_000}), strictest=strictest)
    assert row["sharing_category"].to_list() == ["1_degree"]
    assert seen == [[0, 1]], "records that were only counted are inputs too"


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"weights": {"area": 1.0}}, id="parts without a weight"),
        pytest.param({"weights": dict(scores.DEFAULT_WEIGHTS) | {"area": -1.0}}, id="negative weight"),
        pytest.param({"facing_distance_m": 0.0}, id="no distance"),
    ],
)
def test_wrong_parameters_are_refused(parameters):
    with pytest.raises(InputError):
        transboundary.CandidateParameters(**parameters)


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
    assert out["name"].to_list() == ["Chu Mom Ray National Park – Virachey National Park"]
    assert out["country_codes"].to_list() == [["KH", "VN"]]
    assert out["boundary_disagreement_km2"][0] > 250
