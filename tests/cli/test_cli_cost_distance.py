"""`biodata cost-distance` from outside: published cases, outputs, every way to tell sources, files that are wrong."""

import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

from biodata.analysis import cost_distance
from biodata.cli import app
from biodata.core import geo
from biodata.core.errors import InputError
from case_tables import cases

LAEA = "EPSG:3035"


def from_origin(west, north, wide, high):
    return Affine(wide, 0.0, west, 0.0, -high, north)


def write(path, values, *, crs=LAEA, transform=None, nodata=np.nan, **profile):
    values = np.atleast_3d(np.asarray(values)).transpose(2, 0, 1)
    profile |= {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2]}
    transform = from_origin(4_000_000, 3_000_000, 1, 1) if transform is None else transform
    dtype = profile.pop("dtype", values.dtype)
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, dtype=dtype, **profile) as target:
        target.write(values.astype(dtype))
    return path


def run(*arguments):
    result = CliRunner().invoke(app, ["cost-distance", *map(str, arguments)], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        run(*arguments)
    return str(caught.value)


def band(path):
    with rasterio.open(path) as source:
        return source.read(1)


@pytest.fixture
def ground(tmp_path):
    """Return a raster of 4 x 5 cells of 1 m with a hole."""
    values = np.ones((4, 5))
    values[1, 2] = np.nan
    return write(tmp_path / "resistance.tif", values)


def at(*cells, **columns):
    """Return points in the middle of cells, as a frame in the raster's system."""
    points = [shapely.Point(4_000_000.5 + column, 2_999_999.5 - row) for row, column in cells]
    return gpd.GeoDataFrame(columns, geometry=points, crs=LAEA)


def suite():
    path = Path(__file__).parents[3] / "shared" / "suites" / "costdistance" / "cases.json"
    return json.loads(path.read_text()) if path.exists() else []


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in suite()])
def test_published_cases(case, tmp_path):
    resistance = write(tmp_path / "cost.tif", np.array(case["cost"], dtype=np.float64))
    starts = np.zeros(np.shape(case["cost"]), dtype=np.uint8)
    starts[tuple(np.transpose(case["sources"]))] = 1
    sources, out = write(tmp_path / "sources.tif", starts, nodata=0), tmp_path / "out.tif"
    arguments = [resistance, "--sources", sources, "--out", out]
    if "target" in case:
        at(case["target"]).to_file(tmp_path / "target.gpkg")
        arguments += ["--targets", tmp_path / "target.gpkg", "--paths", tmp_path / "paths.gpkg"]
    run(*arguments)
    if "target" in case:
        assert band(out)[tuple(case["target"])] == pytest.approx(case["cost_expected"], abs=case["tol"])
        path = gpd.read_file(tmp_path / "paths.gpkg").iloc[0]
        assert path["cost"] == pytest.approx(case["cost_expected"], abs=case["tol"])
        return
    expected = np.array(case["expected"], dtype=np.float64)
    if "round" in case:
        np.testing.assert_array_equal(np.floor(band(out) + 0.5), expected)
    else:
        np.testing.assert_allclose(band(out), expected, rtol=0, atol=case["tol"])


def test_outputs_tell_what_they_are(ground, tmp_path):
    at((0, 0), (3, 4), herd=[7, 9]).to_file(tmp_path / "herds.gpkg")
    out, nearest, links = (tmp_path / f"{name}.tif" for name in ("cost", "nearest", "links"))
    said = run(ground, "--sources", tmp_path / "herds.gpkg", "--id-column", "herd", "--out", out, "--allocation",
               nearest, "--back-link", links, "--max-cost", "2.5")  # fmt: skip
    assert "2 source cells" in said
    found = cost_distance.surface(
        band(ground), np.array([0, 19]), cell_width_m=1.0, max_cost=2.5, source_ids=np.array([7, 9], dtype=np.int32)
    )
    whole = np.where(np.isfinite(found.cost), found.cost, np.nan)
    np.testing.assert_array_equal(band(out), whole)
    np.testing.assert_array_equal(band(nearest), found.allocation)
    np.testing.assert_array_equal(band(links), found.back_link)
    for path, nodata in ((out, np.nan), (nearest, -1), (links, -1)):
        with rasterio.open(path) as source:
            np.testing.assert_equal(source.nodata, nodata)
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.tags()["biodata_max_cost"] == "2.5"
            assert source.tags()["biodata_resistance"] == "resistance.tif"
            assert source.transform == rasterio.open(ground).transform
            assert source.crs == LAEA
    with rasterio.open(out) as source:
        assert source.descriptions == ("accumulated cost (resistance x m)",)
        assert source.units == ("resistance x m",)
    assert sorted(path.name for path in tmp_path.glob("*part*")) == []


def test_paths_lead_to_every_target_or_say_that_none_does(tmp_path):
    values = np.ones((3, 7))
    values[:, 4] = np.nan
    ground = write(tmp_path / "resistance.tif", values, transform=from_origin(4_000_000, 3_000_000, 10, 10))
    (tmp_path / "start.csv").write_text("x,y,id\n4000005,2999995,3\n")
    (tmp_path / "ends.csv").write_text("x;y\n4000035;2999995\n4000065;2999995\n4000005;2999995\n")
    said = run(ground, "--sources", tmp_path / "start.csv", "--id-column", "id", "--out", tmp_path / "out.tif",
               "--targets", tmp_path / "ends.csv", "--paths", tmp_path / "paths.gpkg")  # fmt: skip
    assert "2 of 3 targets reached" in said
    paths = gpd.read_file(tmp_path / "paths.gpkg").sort_values("target_id")
    assert paths["cost"].tolist()[::2] == [30.0, 0.0]
    assert paths["cost"].isna().tolist() == [False, True, False]
    assert paths["source_id"].tolist()[::2] == [3, 3]
    assert paths.geometry.iloc[0].equals(shapely.LineString([(4000005 + 10 * k, 2999995) for k in range(4)]))
    assert paths["length_m"].iloc[0] == 30.0
    run(ground, "--sources", tmp_path / "start.csv", "--out", tmp_path / "out.tif", "--targets", tmp_path / "ends.csv",
        "--paths", tmp_path / "paths.geojson")  # fmt: skip
    assert gpd.read_file(tmp_path / "paths.geojson").crs == "EPSG:4326"


def test_sources_of_every_kind_give_one_surface(tmp_path):
    ground = write(tmp_path / "r.tif", np.arange(1.0, 31.0).reshape(5, 6))
    ids = np.zeros((5, 6), dtype=np.int16)
    ids[3, 1] = 1
    frame = at((3, 1))
    frame.to_file(tmp_path / "own.gpkg")
    frame.to_crs(4326).to_file(tmp_path / "degrees.geojson")
    frame.set_geometry(frame.buffer(0.4)).to_file(tmp_path / "area.gpkg")
    lines = [shapely.LineString([(4_000_001.2, 2_999_996.5), (4_000_001.8, 2_999_996.5)])]
    gpd.GeoDataFrame(geometry=lines, crs=LAEA).to_file(tmp_path / "line.shp")
    place = frame.to_crs(4326).geometry.iloc[0]
    (tmp_path / "places.csv").write_text(f"name,decimalLatitude,decimalLongitude\nA,{place.y},{place.x}\n")
    write(tmp_path / "ids.tif", ids, nodata=0)
    expected = cost_distance.surface(band(ground), np.array([19]), cell_width_m=1.0).cost
    for name in ("own.gpkg", "degrees.geojson", "area.gpkg", "line.shp", "places.csv", "ids.tif"):
        run(ground, "--sources", tmp_path / name, "--out", tmp_path / "out.tif")
        np.testing.assert_array_equal(band(tmp_path / "out.tif"), expected, err_msg=name)


def test_a_raster_in_degrees_takes_the_ellipsoid_row_by_row(tmp_path):
    ground = write(tmp_path / "r.tif", np.ones((40, 3)), crs="EPSG:4326", transform=from_origin(100, 20, 0.5, 0.5))
    (tmp_path / "start.csv").write_text("lon,lat\n100.75,19.75\n")
    run(ground, "--sources", tmp_path / "start.csv", "--out", tmp_path / "out.tif", "--neighbours", "4")
    cost = band(tmp_path / "out.tif")
    assert cost[0, 2] == pytest.approx(geo.geodesic_distance_m(100.75, 19.75, 101.25, 19.75), rel=1e-5)
    assert cost[-1, 1] == pytest.approx(geo.geodesic_distance_m(100.75, 19.75, 100.75, 0.25), rel=1e-5)


def test_what_was_left_out_is_told(ground, tmp_path):
    at((0, 0), (1, 2), (90, 90)).to_file(tmp_path / "points.gpkg")
    said = run(ground, "--sources", tmp_path / "points.gpkg", "--out", tmp_path / "out.tif")
    assert "1 of 3 sources of points.gpkg lie outside the raster" in said
    assert "1 source cells of points.gpkg have no data and are left out, with them all of 1 sources" in said
    values = np.ones((3, 3))
    values[0, 1] = values[1, 0] = np.inf
    corner = write(tmp_path / "corner.tif", values)
    at((0, 0)).to_file(tmp_path / "corner.gpkg")
    said = run(corner, "--sources", tmp_path / "corner.gpkg", "--out", tmp_path / "out.tif")
    assert "2 cells of infinite resistance are taken as cells without data" in said
    assert "1 steps pass between two cells without data" in said
    said = run(corner, "--sources", tmp_path / "corner.gpkg", "--out", tmp_path / "out.tif", "--no-cut-corners")
    assert "1 of 7 cells with data reached" in said


def test_integers_declared_and_told_nodata_scale_and_bands(tmp_path):
    values = np.array([[1, 255, 2], [1, 1, 99]], dtype=np.uint8)
    at((0, 0)).to_file(tmp_path / "start.gpkg")
    arguments = ["--sources", tmp_path / "start.gpkg", "--out", tmp_path / "out.tif"]
    run(write(tmp_path / "r.tif", values, nodata=255), *arguments, "--nodata", "99")
    assert np.isnan(band(tmp_path / "out.tif")).tolist() == [[False, True, False], [False, False, True]]
    two = write(tmp_path / "two.tif", np.dstack([values, values * 0 + 2]), nodata=None, photometric="minisblack")
    assert "the raster has 2 bands; name one (band)" in refusal(two, *arguments)
    run(two, *arguments, "--band", "2")
    assert band(tmp_path / "out.tif")[0].tolist() == [0, 2, 4]
    with rasterio.open(two, "r+") as target:
        target.scales = (0.5, 10)
    run(two, *arguments, "--band", "2")
    assert band(tmp_path / "out.tif")[0].tolist() == [0, 20, 40]


@pytest.mark.parametrize(("value", "told"), [
    pytest.param(np.float32(-3.4028234663852886e38), "-3.4028235e+38", id="lowest single"),
    pytest.param(np.float64(-1.7976931348623157e308), "-1.7976931348623157e+308", id="lowest double"),
    pytest.param(np.float32(-0.1), "-0.1", id="a tenth"),
    pytest.param(np.int16(-9999), "-9999", id="whole"),
])  # fmt: skip
def test_nodata_as_the_refusal_tells_it_is_understood(tmp_path, value, told):
    raster = write(tmp_path / "r.tif", np.array([[1, 2, value]], dtype=value.dtype), nodata=None)
    at((0, 0)).to_file(tmp_path / "start.gpkg")
    arguments = [raster, "--sources", tmp_path / "start.gpkg", "--out", tmp_path / "out.tif"]
    assert f"if {told} stands for no data, say so (nodata {told})" in refusal(*arguments)
    run(*arguments, "--nodata", told)
    assert np.isnan(band(tmp_path / "out.tif")).tolist() == [[False, False, True]]


@pytest.mark.parametrize(("change", "message"), [
    pytest.param({"crs": None}, "r.tif: the raster does not tell its coordinate system; name it", id="no system"),
    pytest.param({"transform": Affine.rotation(10) @ from_origin(0, 0, 1, 1)}, "rotated or not north up", id="rotated"),
    pytest.param({"transform": Affine(1, 0, 5, 0, 1, 5)}, "rotated or not north up", id="south up"),
    pytest.param({"values": [[1.0, 0.0]]}, "row 1, column 2, value '0': resistance must be above 0; 1 or", id="0"),
    pytest.param({"values": [[1.0], [-9999.0], [-9999.0]]}, "row 2, column 1, value '-9999'", id="undeclared"),
    pytest.param({"values": [[np.nan, np.nan]]}, "r.tif: the raster has no data", id="nothing"),
    pytest.param({"values": [[-np.inf, 1.0]]}, "value '-inf': resistance must be above 0", id="minus infinite"),
    pytest.param({"values": [[1 + 2j]]}, "complex numbers", id="complex"),
    pytest.param({"crs": "EPSG:4326", "transform": from_origin(0, 95, 1, 1)}, "reaches from latitude 94 to 95",
                 id="pole"),
])  # fmt: skip
def test_a_raster_that_cannot_be_searched(change, message, tmp_path):
    path = write(tmp_path / "r.tif", change.pop("values", [[1.0, 1.0]]), **change)
    at((0, 0)).to_file(tmp_path / "start.gpkg")
    assert message in refusal(path, "--sources", tmp_path / "start.gpkg", "--out", tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(("text", "message"), cases("cli_cost_distance", "test_sources_that_cannot_be_used"))
def test_sources_that_cannot_be_used(ground, text, message, tmp_path):
    (tmp_path / "sources.csv").write_text(text)
    arguments = [ground, "--sources", tmp_path / "sources.csv", "--out", tmp_path / "out.tif"]
    assert message in refusal(*arguments, *(["--id-column", "id"] if "id" in text else []))


def test_layers_and_rasters_of_sources_that_cannot_be_used(ground, tmp_path):
    arguments = [ground, "--out", tmp_path / "out.tif", "--sources"]
    at().to_file(tmp_path / "empty.gpkg")
    assert "the layer has no features" in refusal(*arguments, tmp_path / "empty.gpkg")
    at((0, 0)).to_file(tmp_path / "nowhere.shp")
    (tmp_path / "nowhere.prj").unlink()
    assert "the layer tells no coordinate system" in refusal(*arguments, tmp_path / "nowhere.shp")
    write(tmp_path / "other.tif", np.ones((4, 6)))
    assert "4 rows x 6 columns, not 4 x 5" in refusal(*arguments, tmp_path / "other.tif")
    write(tmp_path / "half.tif", np.full((4, 5), 0.5))
    assert "row 1, column 1, value '0.5': the value is no id" in refusal(*arguments, tmp_path / "half.tif")
    write(tmp_path / "none.tif", np.zeros((4, 5)))
    assert "no cell of the raster is above 0" in refusal(*arguments, tmp_path / "none.tif")
    (tmp_path / "text.gpkg").write_text("no layer")
    assert "text.gpkg" in refusal(*arguments, tmp_path / "text.gpkg")


@pytest.mark.parametrize(
    ("options", "message"),
    cases("cli_cost_distance", "test_options_that_cannot_be_used"),
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_be_used(ground, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    at((0, 0)).to_file("start.gpkg")
    assert re.search(re.escape(message), refusal(ground, "--sources", "start.gpkg", "--out", "out.tif", *options))


def test_files_that_are_missing_or_no_rasters(ground, tmp_path):
    at((0, 0)).to_file(tmp_path / "start.gpkg")
    (tmp_path / "text.tif").write_text("no raster")
    arguments = ["--sources", tmp_path / "start.gpkg", "--out", tmp_path / "out.tif"]
    assert "gone.tif: there is no such file" in refusal(tmp_path / "gone.tif", *arguments)
    assert "text.tif: the file is no raster that can be read" in refusal(tmp_path / "text.tif", *arguments)
    assert "start.gpkg: the file would be written over itself" in refusal(
        ground, "--sources", tmp_path / "start.gpkg", "--out", tmp_path / "start.gpkg"
    )
