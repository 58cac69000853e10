"""`biodata corridors --raster --areas`: a planner's two files in, corridors out; hostile files refused in one line."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

from biodata.analysis import areas as areas_of
from biodata.analysis import own_ground
from biodata.analysis.grid import Grid
from biodata.cli import app
from biodata.core.errors import InputError
from case_tables import cases

SIDE, CELL_M = 40, 100.0
TRANSFORM = Affine(CELL_M, 0, 500_000, 0, -CELL_M, 2_304_000)
UTM = "EPSG:32648"
SQUARE = shapely.box(0, 0, 300, 300)


def ground_of(seed=1):
    rng = np.random.default_rng(seed)
    ground = rng.uniform(1, 20, (SIDE, SIDE))
    ground[rng.random(ground.shape) < 0.05] = np.nan
    return ground


def write_raster(path, values, *, crs=UTM, transform=TRANSFORM, dtype="float64", nodata=np.nan):
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": dtype}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, nodata=nodata) as target:
        target.write(values.astype(dtype), 1)
    return path


def at(column, row, shape=SQUARE):
    """Return a shape whose corner lies so many cells from the raster's lower left one."""
    return shapely.affinity.translate(shape, 500_000 + column * CELL_M, 2_300_000 + row * CELL_M)


def write_areas(path, *shapes, crs=UTM, **columns):
    table = gpd.GeoDataFrame(
        columns or {"name": [f"Area {k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=crs
    )
    table.to_file(path, engine="pyogrio")
    return path


@pytest.fixture
def raster(tmp_path):
    return write_raster(tmp_path / "resistance.tif", ground_of())


@pytest.fixture
def areas(tmp_path):
    return write_areas(tmp_path / "areas.gpkg", at(3, 3), at(30, 5), at(15, 32), id=[11, 12, 13], name=["A", "B", "C"])


def run(*arguments):
    return CliRunner().invoke(app, ["corridors", *map(str, arguments)])


def refused(raster, areas, tmp_path, *more):
    done = run("--raster", raster, "--areas", areas, "--out", tmp_path / "out.gpkg", *more)
    assert isinstance(done.exception, InputError), done.output
    assert not (tmp_path / "out.gpkg").exists()
    assert "\n" not in str(done.exception)
    return str(done.exception)


def test_current_inside_corridors_is_squeezed_where_the_wall_is_open(tmp_path):
    ground = np.ones((SIDE, SIDE))
    ground[:, 20] = np.nan
    ground[29:31, 20] = 1.0
    raster = write_raster(tmp_path / "wall.tif", ground)
    areas = write_areas(tmp_path / "areas.gpkg", at(3, 5), at(33, 12), at(3, 30), name=["A", "B", "C"])
    out, pinch = tmp_path / "out.gpkg", tmp_path / "pinch.tif"
    done = run("--raster", raster, "--areas", areas, "--out", out, "--set", f"pinch={pinch}", "--set", "cut_cost=1500")
    assert done.exit_code == 0, done.output
    with rasterio.open(pinch) as source:
        current = source.read(1)
        assert source.descriptions[0].startswith("current")
    table = gpd.read_file(out, layer="pinch_points")
    assert table["current_a"].is_monotonic_decreasing
    assert (table["effective_resistance"] > 0).all()
    through = table[table["from_name"].eq("B") | table["to_name"].eq("B")]
    assert len(through) >= 1
    for place in through.geometry:
        row, column = rasterio.transform.rowcol(TRANSFORM, place.x, place.y)
        assert abs(column - 20) <= 1, "in the opening or just beside it"
        assert 28 <= row <= 31
    # All of 1 A goes through the opening, and nowhere else through the wall.
    assert np.nansum(current[29:31, 20]) >= 1 - 1e-6
    assert np.isnan(np.delete(current[:, 20], [29, 30])).all()
    corridors = gpd.read_file(out, layer="corridors")
    x, y = rasterio.transform.xy(TRANSFORM, *np.nonzero(current > 0))
    inside = shapely.contains_xy(shapely.union_all(corridors.geometry), x, y)
    assert inside.mean() > 0.9


def test_two_files_in_corridors_mosaic_and_barriers_out(raster, areas, tmp_path):
    out, mosaic, barriers, total = (tmp_path / name for name in ("out.gpkg", "m.tif", "b.tif", "s.tif"))
    done = run("--raster", raster, "--areas", areas, "--out", out, "--mosaic", mosaic, "--set", f"barriers={barriers}",
               "--set", f"barriers_sum={total}", "--set", "barrier_radius_m=150", "--set", "check_window=true")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "estimate: 1,600 cells, 3 areas, at most 3 pairs" in done.output
    assert "3 pairs, 3 corridors" in done.output
    assert "that grew by" in done.output
    assert dict(pyogrio.list_layers(out)) == {"corridors": "MultiPolygon", "paths": "LineString", "narrowest": "Point",
                                              "barriers": "Point", "run": None, "layer_styles": None}  # fmt: skip
    for file, unit in ((mosaic, "resistance x m"), (barriers, "resistance"), (total, "resistance")):
        with rasterio.open(file) as source:
            assert source.units == (unit,)
            assert source.descriptions[0].endswith(f"({unit})")
    found = gpd.read_file(out, layer="corridors")
    assert found.crs.to_epsg() == 32648
    assert found["from_area_id"].tolist() == ["11", "11", "12"]
    assert found["to_name"].tolist() == ["B", "C", "C"]
    assert (found["cost_ratio"] >= 1).all()
    assert found["cut_cost"].nunique() == 1, "all pairs are cut at one cost, so that widths compare"
    assert found["cut_cost"][0] == pytest.approx(0.1 * found["least_cost"].median(), rel=0.2)
    assert (found["narrowest_m"] <= found["width_m"]).all()
    paths = gpd.read_file(out, layer="paths")
    assert np.allclose(paths.length, paths["path_length_m"])
    assert np.allclose(paths["cost_per_path_m"], paths["least_cost"] / paths["path_length_m"])
    with rasterio.open(mosaic) as source:
        values = source.read(1)
        assert (source.transform, source.crs.to_epsg(), source.dtypes) == (TRANSFORM, 32648, ("float32",))
    assert np.nanmin(values) == 0
    assert 50 < np.isfinite(values).sum() < values.size
    with rasterio.open(barriers) as best, rasterio.open(total) as whole:
        assert (np.nan_to_num(whole.read(1)) >= np.nan_to_num(best.read(1)) - 1e-6).all()
    told = gpd.read_file(out, layer="run").set_index("name")["value"].map(json.loads)
    assert told["parameters"]["cut_fraction"] == 0.1
    assert told["barriers"] == [150.0, pytest.approx(np.nanmin(ground_of()))]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["resistance.tif", "areas.gpkg", "out.gpkg", "m.tif", "b.tif", "s.tif", "m.qml", "b.qml", "s.qml"]
    ), "nothing is left over"


def test_every_column_that_is_written_has_its_unit_and_meaning(raster, areas, tmp_path):
    out, pinch = tmp_path / "out.gpkg", tmp_path / "pinch.tif"
    done = run(
        "--raster", raster, "--areas", areas, "--out", out, "--set", "barrier_radius_m=150", "--set", f"pinch={pinch}"
    )
    assert done.exit_code == 0, done.output
    units = {"least_cost": "resistance x m", "cut_cost": "resistance x m", "cost_ratio": "resistance",
             "score": "resistance"}  # fmt: skip
    with closing(sqlite3.connect(out)) as file:
        told = {
            (table, name): (title, meaning)
            for table, name, title, meaning in file.execute(
                "SELECT table_name, column_name, title, description FROM gpkg_data_columns"
            )
        }
    for layer in ("corridors", "paths", "narrowest", "barriers", "pinch_points"):
        for name in pyogrio.read_info(out, layer=layer)["fields"]:
            title, meaning = told[layer, name]
            assert title == (f"{name} ({units[name]})" if name in units else title)
            assert meaning.endswith(".")


def test_estimate_alone_writes_nothing(raster, areas, tmp_path):
    done = run("--raster", raster, "--areas", areas, "--estimate")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("estimate: 1,600 cells")
    assert len(list(tmp_path.iterdir())) == 2


def test_areas_in_another_system_points_and_a_raster_of_ids(raster, areas, tmp_path):
    def table(file, **options):
        done = run("--raster", raster, "--areas", file, "--out", tmp_path / "o.gpkg", *options)
        assert done.exit_code == 0, done.output
        return gpd.read_file(tmp_path / "o.gpkg", layer="corridors")

    own = table(areas)
    degrees = gpd.read_file(areas).to_crs(4326)
    degrees.to_file(tmp_path / "degrees.geojson", driver="GeoJSON", engine="pyogrio")
    np.testing.assert_allclose(table(tmp_path / "degrees.geojson")["least_cost"], own["least_cost"])
    with rasterio.open(raster) as source:
        ids = rasterio.features.rasterize(
            zip(gpd.read_file(areas).geometry, (11, 12, 13), strict=True), out_shape=source.shape, transform=TRANSFORM
        )
    file = write_raster(tmp_path / "ids.tif", ids, dtype="int32", nodata=0)
    np.testing.assert_allclose(table(file)["least_cost"], own["least_cost"])
    points = write_areas(
        tmp_path / "points.gpkg", *(shapely.centroid(shape) for shape in gpd.read_file(areas).geometry)
    )
    assert (table(points)["least_cost"] > own["least_cost"]).all()


def test_raster_of_ids_on_other_cells_is_refused_with_the_mismatch(raster, tmp_path):
    ids = np.zeros((SIDE, SIDE + 1))
    ids[3, 3] = ids[20, 20] = 1
    moved = TRANSFORM @ Affine.translation(0.5, 0)
    file = write_raster(tmp_path / "ids.tif", ids, transform=moved, dtype="int32", nodata=0)
    message = refused(raster, file, tmp_path)
    assert "ids.tif: does not lie on the cells of the resistance raster" in message
    assert "40 rows x 41 columns, not 40 x 40" in message
    assert "upper left corner +50 in x, +0 in y" in message


def test_id_that_stands_twice_is_refused_with_both_rows(raster, tmp_path):
    file = write_areas(tmp_path / "twice.gpkg", at(3, 3), at(30, 5), at(15, 32), core=["a", "b", "a"])
    message = refused(raster, file, tmp_path, "--set", "id_column=core")
    assert "twice.gpkg, row 3, column core, value 'a': the area stands twice (first in row 1)" in message
    assert run("--raster", raster, "--areas", file, "--out", tmp_path / "o.gpkg").exit_code == 0, "rows are ids then"


def test_columns_of_usual_names_that_repeat_themselves_are_told(raster, tmp_path):
    shapes = at(3, 3), at(30, 5), at(15, 32)
    file = write_areas(
        tmp_path / "sites.gpkg", *shapes, wdpaid=["7", "8", "7"], site_pid=["7_A", "8", "7_B"], id=["1", None, "3"]
    )
    done = run("--raster", raster, "--areas", file, "--out", tmp_path / "o.gpkg")
    assert "column id has nothing in row 2, so its values are no ids; column site_pid is taken" in done.output
    assert "column wdpaid has '7' in rows 1 and 3" in done.output
    found = gpd.read_file(tmp_path / "o.gpkg", layer="corridors")
    assert {*found["from_area_id"], *found["to_area_id"]} == {"7_A", "8", "7_B"}
    file = write_areas(tmp_path / "parts.gpkg", *shapes, area_id=["a", "b", "a"])
    done = run("--raster", raster, "--areas", file, "--out", tmp_path / "o.gpkg")
    assert (
        "column area_id has 'a' in rows 1 and 3, so its values are no ids; the rows' numbers are taken" in done.output
    )
    assert set(gpd.read_file(tmp_path / "o.gpkg", layer="corridors")["from_area_id"]) <= {"1", "2", "3"}


def test_a_raster_is_told_its_system_band_and_nodata(raster, areas, tmp_path):
    ground = np.where(np.isnan(ground_of()), 0, ground_of())
    plain = tmp_path / "plain.tif"
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 2, "dtype": "float64", "transform": TRANSFORM}
    with rasterio.open(plain, "w", **profile) as target:
        target.write(np.ones((SIDE, SIDE)), 1)
        target.write(ground, 2)
    assert "tell its coordinate system; name it (crs)" in refused(plain, areas, tmp_path)
    assert "2 bands; name one (band)" in refused(plain, areas, tmp_path, "--set", f"crs={UTM}")
    assert "say so (nodata 0)" in refused(plain, areas, tmp_path, "--set", f"crs={UTM}", "--set", "band=2")
    assert "value 'EPSG:3857': the raster tells another" in refused(raster, areas, tmp_path, "--set", "crs=EPSG:3857")
    tables, told = [], tmp_path / "told.toml"
    told.write_text(f'crs = "{UTM}"\nband = 2\nnodata = 0\n')
    for file, more in ((raster, ()), (plain, ("--parameters", told))):
        done = run("--raster", file, "--areas", areas, "--out", tmp_path / "out.gpkg", *more)
        assert done.exit_code == 0, done.output
        tables.append(gpd.read_file(tmp_path / "out.gpkg", layer="corridors"))
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(("shapes", "words"), [
    pytest.param([at(3, 3)], "1 of 1 areas lie on the raster; two areas or more", id="one area"),
    pytest.param([at(-90, 3), at(90, 3)], "0 of 2 areas lie on the raster", id="all outside"),
    pytest.param([at(3, 3), at(90, 3)], "1 of 2 areas lie on the raster", id="all but one outside"),
    pytest.param([at(3, 3), shapely.LineString([(500_000, 2_300_000), (501_000, 2_301_000)])], "is a line", id="line"),
    pytest.param([at(3, 3), shapely.Polygon()], "1 of 2 areas", id="empty polygon"),
])  # fmt: skip
def test_areas_that_make_no_pair_are_refused(raster, tmp_path, shapes, words):
    assert words in refused(raster, write_areas(tmp_path / "odd.gpkg", *shapes), tmp_path)


@pytest.mark.parametrize(("options", "words"), cases("cli_corridors", "test_options_that_do_not_fit_are_refused"))
def test_options_that_do_not_fit_are_refused(raster, areas, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    file = write_areas(tmp_path / "named.gpkg", at(3, 3), at(30, 5))
    assert words in refused(raster, file, tmp_path, *options)


def test_neither_a_layer_nor_a_raster_is_refused(tmp_path):
    (tmp_path / "lake").mkdir()
    assert "column layer: the parameter is missing" in str(run("--data", tmp_path).exception)
    assert "mosaic: there is no such parameter" in str(
        run("--data", tmp_path, "--mosaic", tmp_path / "m.tif").exception
    )


@pytest.mark.parametrize(("change", "words"), [
    pytest.param({"transform": Affine(100, 0, 5e5, 0, -90, 2_304_000)}, "100 m wide and 90 m high", id="not square"),
    pytest.param({"crs": "EPSG:2263"}, "US survey foot, not in metres", id="feet"),
    pytest.param({"crs": None}, "does not tell its coordinate system", id="no system"),
    pytest.param({"transform": Affine(100, 5, 5e5, 5, -100, 2_304_000)}, "rotated", id="rotated"),
])  # fmt: skip
def test_raster_that_has_no_square_metres_is_refused(areas, tmp_path, change, words):
    file = write_raster(tmp_path / "odd.tif", ground_of(), **change)
    assert words in refused(file, areas, tmp_path)


@pytest.mark.parametrize(("options", "cell"), [((), "103.9"), (("--cell-m", 100), "100")], ids=["as fine", "asked"])
def test_geographic_raster_is_put_into_equal_area_cells(tmp_path, options, cell):
    degrees = Affine(0.001, 0, 102, 0, -0.001, 21)
    file = write_raster(tmp_path / "degrees.tif", ground_of(), crs="EPSG:4326", transform=degrees)
    boxes = [shapely.box(102.003, 20.965, 102.006, 20.968), shapely.box(102.03, 20.99, 102.035, 20.995)]
    areas = write_areas(tmp_path / "boxes.gpkg", *boxes, crs=4326)
    out, mosaic = tmp_path / "o.gpkg", tmp_path / "m.tif"
    done = run("--raster", file, "--areas", areas, "--out", out, "--mosaic", mosaic, *options)
    assert done.exit_code == 0, done.output
    assert f"equal-area cells of {cell} m" in done.output
    found = gpd.read_file(out, layer="corridors")
    assert found.crs.to_epsg() == 4326, "a plane around a window has no number that a GIS knows"
    with rasterio.open(mosaic) as source:
        assert source.crs.to_wkt().startswith('PROJCS["Lambert equal area around 102')
    assert found["euclidean_m"][0] == pytest.approx(np.hypot(0.024 * 103_950, 0.022 * 110_720), rel=0.01)


def test_zero_resistance_is_refused_with_its_cell(areas, tmp_path):
    ground = ground_of()
    ground[7, 9] = 0
    message = refused(write_raster(tmp_path / "zero.tif", ground), areas, tmp_path)
    assert "zero.tif, row 8, column 10, value '0': resistance must be above 0; 1 or more is usual" in message
    assert "no data" in refused(write_raster(tmp_path / "empty.tif", ground * np.nan), areas, tmp_path)


def test_no_pair_within_the_distance_is_told(raster, areas, tmp_path):
    done = run("--raster", raster, "--areas", areas, "--out", tmp_path / "o.gpkg", "--max-distance-m", 50)
    assert done.exit_code == 0, done.output
    assert "no two neighbouring areas lie within the distance" in done.output
    assert len(gpd.read_file(tmp_path / "o.gpkg", layer="corridors")) == 0


def test_output_over_an_input_is_refused(raster, areas):
    done = run("--raster", raster, "--areas", areas, "--out", areas)
    assert "over itself" in str(done.exception)


def test_order_of_rows_and_format_of_ids_do_not_matter():
    grid = Grid(gpd.GeoSeries([], crs=UTM).crs, TRANSFORM, (SIDE, SIDE), CELL_M)
    table = gpd.GeoDataFrame({"area_id": [2, 10]}, geometry=[at(3, 3), at(30, 5)], crs=UTM)
    plain = areas_of.on_plane(table, grid)
    assert plain["area_id"].tolist() == ["2", "10"]
    with pytest.raises(InputError, match="a coordinate system"):
        areas_of.on_plane(table.set_crs(None, allow_override=True), grid)
    with pytest.raises(InputError, match="value '2': the area stands twice"):
        areas_of.on_plane(table.assign(area_id=[2, "2"]), grid)


def test_file_without_areas_or_with_two_layers_is_refused(tmp_path):
    write_areas(tmp_path / "two.gpkg", at(3, 3))
    gpd.GeoDataFrame({"x": [1]}, geometry=[at(1, 1)], crs=UTM).to_file(
        tmp_path / "two.gpkg", layer="b", engine="pyogrio"
    )
    with pytest.raises(InputError, match="2 layers with geometry; one of them \\(areas_layer"):
        areas_of.read(tmp_path / "two.gpkg")
    assert len(areas_of.read(tmp_path / "two.gpkg", layer="b")[0]) == 1
    (tmp_path / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match=r"none\.geojson"):
        areas_of.read(tmp_path / "none.geojson")


def test_ids_of_a_raster_must_be_whole(raster, tmp_path):
    _, grid, _ = own_ground.read(raster)
    values = np.zeros((SIDE, SIDE))
    values[4, 5] = 1.5
    with pytest.raises(InputError, match=r"value '1.5': row 5, column 6 of the raster is no id; whole numbers"):
        own_ground.areas(write_raster(tmp_path / "ids.tif", values), grid)


@pytest.mark.faults
def test_a_killed_run_goes_on_and_gives_the_same_bytes(tmp_path):
    rng = np.random.default_rng(5)
    side = 300
    ground = rng.uniform(1, 50, (side, side))
    raster = write_raster(tmp_path / "resistance.tif", ground)
    places = rng.permutation(14 * 14)[:60]
    shapes = [at(1 + 20 * (k % 14), 20 * (k // 14) - 250) for k in places]
    areas = write_areas(tmp_path / "areas.gpkg", *shapes)
    command = [sys.executable, "-m", "biodata.cli", "corridors", "--raster", raster, "--areas", areas]

    def files(name):
        return [tmp_path / f"{name}.gpkg", "--mosaic", tmp_path / f"{name}.tif"]

    whole = subprocess.run(
        [*command, "--out", *files("whole")], capture_output=True, text=True, check=True, timeout=300
    )
    assert " corridors\nwritten: " in whole.stdout
    killed = subprocess.Popen([*command, "--out", *files("killed")], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 240
    while len(list(tmp_path.glob("killed.parts/*/pair-*.npz"))) < 10 and time.monotonic() < until:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("killed.parts/*/pair-*.npz")}
    assert len(kept) >= 10
    assert not (tmp_path / "killed.gpkg").exists()
    subprocess.run([*command, "--out", *files("killed")], capture_output=True, check=True, timeout=300)
    for suffix in ("gpkg", "tif"):
        assert (tmp_path / f"killed.{suffix}").read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()
    assert not (tmp_path / "killed.parts").exists()


def test_a_parameter_without_an_option_is_answered_with_how_it_is_told(raster, areas):
    done = run("--raster", raster, "--areas", areas, "--max-cost", "5")
    assert done.exit_code == 2
    assert "--set max_cost=VALUE" in done.output
