"""The datum doctor: the right system among the first two for points of each system, and nothing moved unasked."""

import csv
import json

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from biodata import places
from biodata.cli import app
from biodata.core.geo import geodesic_distance_m
from biodata.harmonise import datum_doctor
from biodata.harmonise.datum_doctor import log_likelihoods
from biodata.harmonise.datum_points import Region, candidates, forms_of, prescribed_zones, read_points, region
from biodata.harmonise.findings import Stated
from biodata.places.datums import Form
from told_points import provinces_of, systems_to_tell, unlabelled

BOUNDARIES = places.load_boundaries()
SYSTEMS = systems_to_tell(BOUNDARIES, every=False)


def diagnosed(table):
    return datum_doctor.diagnose(read_points(Stated(table), boundaries=BOUNDARIES), boundaries=BOUNDARIES)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_right_system_is_among_the_first_two_ranks(system):
    table, x, y = unlabelled(system, SYSTEMS[system], 300, BOUNDARIES, 5)
    groups = diagnosed(table)
    proposed = datum_doctor.proposals(groups, boundaries=BOUNDARIES)
    right = proposed.filter((pl.col("rank") <= 2) & (pl.col("system") == system))
    assert right.height >= 0.95 * table.height
    at = right["row"].to_numpy() - 2
    off = geodesic_distance_m(x[at], y[at], right["decimalLongitude"], right["decimalLatitude"])
    # Where EPSG has no operation, PROJ told the points as they were, and the proposal says how far it may be off.
    assert (off <= right["accuracy_m"].to_numpy() + 1).all()


def test_systems_that_no_point_can_tell_apart_share_a_rank_and_say_so():
    table, _, _ = unlabelled("EPSG:4678", SYSTEMS["EPSG:4678"], 100, BOUNDARIES, 1)
    rows = datum_doctor.report(diagnosed(table)).to_dicts()
    ranks = {row["system"]: row["rank"] for row in rows}
    assert ranks["EPSG:4677"] == ranks["EPSG:4678"] == 1
    assert "cannot tell it from" in rows[0]["evidence"]
    assert "EPSG:4677" in rows[0]["same_as"]


def test_the_last_row_is_the_points_as_told():
    table, _, _ = unlabelled("EPSG:4326", ["TH-50", "TH-57"], 200, BOUNDARIES, 1)
    rows = datum_doctor.report(diagnosed(table)).to_dicts()
    assert (rows[-1]["rank"], rows[-1]["system"], rows[-1]["share_inside"]) == (0, "EPSG:4326", 1.0)


def test_points_that_are_wgs84_are_not_said_to_fit_better_elsewhere():
    table, _, _ = unlabelled("EPSG:4326", provinces_of("TH", BOUNDARIES), 500, BOUNDARIES, 2)
    rows = datum_doctor.report(diagnosed(table)).to_dicts()
    assert {row["fits_as_told"] for row in rows if row["rank"]} <= {"worse", "no difference"}


def test_no_published_transformation_is_said_and_moves_nothing():
    table, _, _ = unlabelled("EPSG:4610", ["CN-YN"], 50, BOUNDARIES, 1)
    rows = {row["system"]: row for row in datum_doctor.report(diagnosed(table)).to_dicts()}
    assert rows["EPSG:4610"]["metres_moved"] == 0.0
    assert "no published transformation" in rows["EPSG:4610"]["operation"]


def test_zones_of_a_projection_in_one_file_are_told_apart():
    west, _, _ = unlabelled("EPSG:2358", ["CN-YN"], 100, BOUNDARIES, 1)
    east, _, _ = unlabelled("EPSG:2361", ["CN-GX"], 100, BOUNDARIES, 1)
    both = pl.concat([west, east.with_columns(pl.col("source_row") + 100)])
    proposed = datum_doctor.proposals(diagnosed(both), boundaries=BOUNDARIES)
    first = proposed.filter((pl.col("rank") == 1) & pl.col("inside"))
    assert {"EPSG:2358", "EPSG:2361"} <= set(first["system"])
    assert first["row"].n_unique() >= 190


def test_northing_in_the_x_column_is_seen():
    table, _, _ = unlabelled("EPSG:32648", ["LA-LP", "LA-VI"], 100, BOUNDARIES, 1)
    turned = table.rename({"decimalLatitude": "decimalLongitude", "decimalLongitude": "decimalLatitude"})
    (group,) = diagnosed(turned)
    assert group.swapped
    assert group.ranked[0].system.id == "EPSG:32648"


def test_datasets_are_judged_apart():
    one, _, _ = unlabelled("EPSG:4240", provinces_of("TH", BOUNDARIES), 300, BOUNDARIES, 3)
    other, _, _ = unlabelled("EPSG:4326", provinces_of("TH", BOUNDARIES), 300, BOUNDARIES, 3)
    both = pl.concat([one.with_columns(datasetID=pl.lit("a")), other.with_columns(datasetID=pl.lit("b"))])
    first, second = diagnosed(both)
    assert first.ranked[0].log_likelihood - first.as_told.log_likelihood > 2
    assert second.ranked[0].log_likelihood - second.as_told.log_likelihood < -2


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(random):
    table, _, _ = unlabelled("GCJ-02", ["CN-YN", "CN-GX"], 60, BOUNDARIES, 1)
    order = list(range(table.height))
    random.shuffle(order)
    expected = datum_doctor.proposals(diagnosed(table), boundaries=BOUNDARIES)
    assert datum_doctor.proposals(diagnosed(table[order]), boundaries=BOUNDARIES).equals(expected)


@pytest.mark.parametrize(("x", "y", "form", "zone"), [
    pytest.param(102.7, 25.0, Form.DEGREES, 0, id="degrees"),
    pytest.param(545000.0, 2303000.0, Form.METRES, 0, id="UTM"),
    pytest.param(34567000.0, 2766000.0, Form.METRES_WITH_ZONE, 34, id="Gauss-Krüger"),
    pytest.param(2766000.0, 34567000.0, Form.METRES_WITH_ZONE, 34, id="Gauss-Krüger, northing first"),
    pytest.param(200.0, 100.0, None, 0, id="too large for degrees"),
    pytest.param(np.nan, 25.0, None, 0, id="one number"),
    pytest.param(np.inf, 25.0, None, 0, id="infinite"),
    pytest.param(1e12, 1e12, None, 0, id="enormous"),
])  # fmt: skip
def test_forms(x, y, form, zone):
    found, zones, _ = forms_of(np.array([x]), np.array([y]))
    assert found.item() == form
    assert zones.item() == zone


@pytest.mark.parametrize("cells", [
    {"decimalLongitude": "245000.5", "decimalLatitude": "2003000.25"},
    {"Easting": "245 000.5", "Northing": "2 003 000.25"},
    {"X": "245000.5 m", "Y": "2003000.25 m"},
    {"verbatimCoordinates": "48Q 245000.5 2003000.25"},
    {"verbatimCoordinates": "245000.5, 2003000.25"},
])  # fmt: skip
def test_metres_in_their_columns(cells):
    row = {"source_file": "f", "source_row": 2, "country": "Laos", "stateProvince": "Vientiane", **cells}
    points = read_points(Stated(pl.DataFrame([row])), boundaries=BOUNDARIES).to_dicts()
    assert [(p["x"], p["y"], p["country"]) for p in points] == [(245000.5, 2003000.25, "LA")]


@pytest.mark.parametrize(("country", "province", "expected"), [
    ("CN", "Yunnan", "CN-YN"), (None, "云南省", "CN-YN"), ("CN", "Atlantis", "CN"), ("ZZ", "Atlantis", None),
    (None, None, None),
])  # fmt: skip
def test_the_stated_place_as_exactly_as_the_map_has_it(country, province, expected):
    row = {"source_file": "f", "source_row": 2, "decimalLatitude": "1", "decimalLongitude": "1"}
    row |= {"countryCode": country, "stateProvince": province}
    frame = pl.DataFrame([row], schema_overrides={"countryCode": pl.String, "stateProvince": pl.String})
    assert read_points(Stated(frame), boundaries=BOUNDARIES)["region"].item() == expected


def test_provinces_of_viet_nam_have_the_meridians_of_the_circular():
    zones = prescribed_zones(BOUNDARIES)
    # Circular 973/2001/TT-TCĐC: Điện Biên 103°, Nghệ An 104°45′, Lạng Sơn 107°15′, Gia Lai 108°30′.
    assert {c: zones[c] for c in ("VN-71", "VN-22", "VN-09", "VN-30")} == {
        "VN-71": "EPSG:9205", "VN-22": "EPSG:9208", "VN-09": "EPSG:9215", "VN-30": "EPSG:9218",
    }  # fmt: skip
    of_hanoi = {c.system.id: c.weight for c in candidates("VN-HN", "metres", 0, BOUNDARIES)}
    assert of_hanoi["EPSG:5897"] > of_hanoi["EPSG:9209"]


def test_how_far_outside():
    box = Region(shapely.box(100, 20, 101, 21))
    metres = box.outside_m(np.array([100.5, 101.01, np.nan, 10.0]), np.array([20.99, 20.5, 20.5, 20.5]))
    assert metres[0] == pytest.approx(-1107, rel=0.02)
    assert metres[1] == pytest.approx(1042, rel=0.02)
    assert np.isinf(metres[2:]).all()


def test_a_point_on_the_far_side_of_an_edge_is_less_likely_and_never_impossible():
    likely = log_likelihoods(np.array([-1e6, -1.0, 1.0, 100.0, np.inf]), 5.0)
    assert (np.diff(likely) <= 0).all()
    assert np.isfinite(likely).all()


def test_a_region_is_made_once():
    assert region("CN-YN", BOUNDARIES) is region("CN-YN", BOUNDARIES)


def written(tmp_path, table):
    file = tmp_path / "points.csv"
    table.drop("source_file", "source_row").write_csv(file)
    return file


def test_the_command_writes_candidates_and_proposals(tmp_path):
    table, _, _ = unlabelled("EPSG:4240", ["TH-50", "TH-57"], 50, BOUNDARIES, 1)
    out, points = tmp_path / "out.csv", tmp_path / "points_out.csv"
    file = written(tmp_path, table)
    before = file.read_bytes()
    arguments = ["datum", str(file), "--out", str(out), "--points", str(points), "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    answer = json.loads(result.stdout)
    assert (answer["rows"], answer["judged"]) == (50, 50)
    with out.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["system"] == "EPSG:4240"
    assert 500 < float(rows[0]["metres_moved"]) < 650
    with points.open(encoding="utf-8") as stream:
        assert {row["row"] for row in csv.DictReader(stream)} == {str(n) for n in range(2, 52)}
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "rows", [[], [{"decimalLatitude": "nan", "decimalLongitude": "inf"}], [{"decimalLatitude": "1"}]]
)
def test_a_file_that_gives_nothing_to_judge_is_an_error_that_says_what_is_needed(tmp_path, rows):
    file = tmp_path / "points.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["decimalLatitude", "decimalLongitude", "countryCode"])
        writer.writeheader()
        writer.writerows(rows)
    result = CliRunner().invoke(app, ["datum", str(file)])
    assert result.exit_code != 0
    assert "stateProvince" in str(result.exception)
