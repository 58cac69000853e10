"""Species and habitats against targets, per country and jointly: hand-made landscapes, polygons and rasters alike."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely
from affine import Affine
from pyproj import CRS

from area_frames import frame, km2
from biodata.analysis.gaps.features import Target, amounts_of_classes, representation, responsibility
from biodata.analysis.gaps.protected import amounts, layers_of, to_plane
from biodata.analysis.grid import Grid
from biodata.core.errors import InputError
from biodata.pipeline.gap_analysis import protected_ground, read_sites
from biodata.places import country_geometry, load_boundaries

BOUNDARIES = load_boundaries()
COUNTRIES = ["LA", "VN"]
# Over the line between Laos and Viet Nam; west of it Nakai, east of it Pu Mat.
RANGE = shapely.box(104.2, 18.7, 105.2, 19.3)
LAOS = shapely.box(104.25, 18.75, 104.4, 18.9)
VIET_NAM = shapely.box(105.0, 18.9, 105.1, 19.2)


def protected_of(tmp_path, *rows):
    frame(*rows).to_file(tmp_path / "areas.gpkg", engine="pyogrio")
    return protected_ground(read_sites([tmp_path / "areas.gpkg"]), BOUNDARIES, as_of=date(2026, 11, 24))


def table_of(protected, shapes, target, countries=COUNTRIES):
    found = amounts(to_plane(np.array(shapes, dtype=object)), layers_of(protected, countries, BOUNDARIES))
    names = [f"species {number}" for number in range(len(shapes))]
    return representation(found, names, "range", protected, countries, target=target)


def row_of(table, code, feature="species 0"):
    return table.filter(pl.col("country_code").eq_missing(pl.lit(code)), feature=feature).row(0, named=True)


@pytest.mark.parametrize(("size", "share"), [
    pytest.param(500.0, 1.0, id="small range"),
    pytest.param(1_000.0, 1.0, id="lower threshold"),
    pytest.param(np.sqrt(1_000 * 250_000), 0.55, id="half way on the logarithm"),
    pytest.param(250_000.0, 0.1, id="upper threshold"),
    pytest.param(9_000_000.0, 0.1, id="large range"),
    pytest.param(40_000_000.0, 0.025, id="capped"),
])  # fmt: skip
def test_log_linear_target(size, share):
    assert Target().needed_km2(np.array([size]))[0] == pytest.approx(share * size)


def test_other_targets():
    assert Target(rule="relative", share=0.17).needed_km2(np.array([100.0])).tolist() == [17]
    assert Target(rule="absolute", km2=50).needed_km2(np.array([100.0, 20.0])).tolist() == [50, 20]
    assert Target(rule="relative", share=0.17).to_dict() == {"rule": "relative", "share": 0.17}


@pytest.mark.parametrize("told", [{"rule": "half"}, {"rule": "relative", "share": 30}, {"km2": 0}, {"small_km2": 1e6}])
def test_target_that_is_none_is_refused(told):
    with pytest.raises(InputError):
        Target(**told)


def test_statuses_in_each_country_and_jointly(tmp_path):
    protected = protected_of(tmp_path, (LAOS, {"ISO3": "LAO"}), (VIET_NAM, {"ISO3": "VNM", "SITE_TYPE": "OECM"}))
    inside = km2(LAOS) + km2(VIET_NAM)
    far = shapely.box(100.6, 19.6, 100.7, 19.7)
    table = table_of(protected, [RANGE, far], Target(rule="relative", share=inside * 0.99 / km2(RANGE)))
    laos, viet_nam, joint = (row_of(table, code) for code in ("LA", "VN", None))
    assert laos["here_km2"] == pytest.approx(km2(RANGE & country_geometry("LA", BOUNDARIES)), rel=1e-4)
    assert (laos["protected_area_km2"], laos["oecm_km2"]) == (pytest.approx(km2(LAOS), rel=1e-3), 0)
    assert (viet_nam["protected_area_km2"], viet_nam["oecm_km2"]) == (0, pytest.approx(km2(VIET_NAM), rel=1e-3))
    assert joint["here_km2"] == pytest.approx(km2(RANGE), rel=1e-4)
    assert (joint["protected_km2"], joint["status"]) == (pytest.approx(inside, rel=1e-3), "met")
    assert {laos["status"], viet_nam["status"]} == {"met", "partial"}
    assert [row_of(table, code, "species 1")["status"] for code in ("LA", "VN", None)] == ["gap", "outside", "gap"]


def test_shared_responsibility(tmp_path):
    protected = protected_of(tmp_path, (LAOS, {"ISO3": "LAO"}), (VIET_NAM, {"ISO3": "VNM"}))
    both = (km2(LAOS) + km2(VIET_NAM)) * 0.99
    only_laos = RANGE & country_geometry("LA", BOUNDARIES)
    told = {
        share: responsibility(table_of(protected, [RANGE, only_laos], Target(rule="relative", share=share)))
        for share in (both / km2(RANGE), 0.9)
    }
    for table in told.values():
        assert table["feature"].to_list() == ["species 0"]
        row = table.row(0, named=True)
        assert sum(row["shares"]) + row["share_elsewhere"] == pytest.approx(1, abs=1e-6)
        assert row["shares"] == sorted(row["shares"], reverse=True)
        assert not row["enough_alone"]
    met, missed = (table.row(0, named=True) for table in told.values())
    assert (met["joint_status"], met["met_only_together"], met["possible_only_together"]) == ("met", True, False)
    assert (missed["joint_status"], missed["met_only_together"], missed["possible_only_together"]) == (
        "partial", False, True,
    )  # fmt: skip
    assert sorted(missed["miss_their_part"]) == COUNTRIES


def test_range_without_area_and_range_at_sea(tmp_path):
    protected = protected_of(tmp_path, (LAOS, {"ISO3": "LAO"}))
    table = table_of(protected, [shapely.Polygon(), shapely.box(108, 19, 108.2, 19.2)], Target())
    assert set(table["status"]) == {"outside"}
    assert table.filter(feature="species 0")["share_of_whole"].null_count() == 3
    assert responsibility(table).is_empty()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32648"])
def test_raster_of_classes_agrees_with_polygons(tmp_path, crs):
    protected = protected_of(tmp_path, (LAOS, {"ISO3": "LAO"}), (VIET_NAM, {"ISO3": "VNM", "SITE_TYPE": "OECM"}))
    layers = layers_of(protected, COUNTRIES, BOUNDARIES)
    if crs == "EPSG:4326":
        transform, shape, forest = Affine(0.002, 0, 104.2, 0, -0.002, 19.3), (300, 500), RANGE
    else:
        transform, shape, forest = Affine(200, 0, 430_000, 0, -200, 2_130_000), (330, 460), None
    values = np.full(shape, 2.0)
    values[:, : shape[1] // 2] = 1.0
    values[0, 0] = np.nan
    grid = Grid(CRS.from_user_input(crs), transform, shape, 200.0)
    found = amounts_of_classes(values, grid, layers, features={"forest": [1, 2], "west": [1], "habitat": None})
    table = representation(
        found, ["forest", "west", "habitat"], "habitat", protected, COUNTRIES, target=Target(rule="relative")
    )
    joint = row_of(table, None, "forest")
    if forest is not None:
        wanted = row_of(table_of(protected, [forest], Target(rule="relative")), None)
        for name in ("whole_km2", "here_km2", "protected_area_km2", "oecm_km2"):
            assert joint[name] == pytest.approx(wanted[name], rel=1e-2)
    assert joint["oecm_km2"] == pytest.approx(km2(VIET_NAM), rel=2e-2)
    assert row_of(table, None, "habitat")["protected_km2"] == joint["protected_km2"]
    assert 0 < row_of(table, None, "west")["whole_km2"] < joint["whole_km2"]


def test_range_that_spills_over_a_border_inside_its_band_is_no_shared_one(tmp_path):
    protected = protected_of(tmp_path, (LAOS, {"ISO3": "LAO"}))
    laos = country_geometry("LA", BOUNDARIES)
    spilling = shapely.intersection(RANGE, shapely.buffer(laos, 0.02))
    table = table_of(protected, [spilling], Target())
    row = row_of(table, "VN")
    assert row["here_km2"] > 1
    assert row["outside_band_km2"] < 1e-2
    assert 0 < row_of(table, "LA")["outside_band_km2"] < row_of(table, "LA")["here_km2"]
    assert responsibility(table).is_empty()
    assert responsibility(table_of(protected, [RANGE], Target()))["only_in_band"].to_list() == [[]]
