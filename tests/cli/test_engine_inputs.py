"""What is published as inputs of Conefor, Circuitscape and Marxan: read by our own readers, counted by other means."""

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely
from affine import Affine
from typer.testing import CliRunner

import releases
from biodata import places
from biodata.analysis.grid import Grid, equal_area_grid
from biodata.cli import app
from biodata.core import geo
from biodata.core.errors import InputError, NoReleaseError
from biodata.core.vocabularies import ConnectionKind
from biodata.exports.engine_inputs import published_areas, write_circuitscape, write_conefor
from biodata.exports.marxan_inputs import MarxanRequest, write_marxan
from biodata.formats import circuitscape, conefor, grids, marxan

BOX = (100.0, 15.0, 108.0, 23.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    releases.make_release(folder)
    return folder


@pytest.fixture(scope="module")
def release(data):
    return releases.releases.current(data)


@pytest.fixture(scope="module")
def boundaries():
    return places.load_boundaries()


def test_conefor_gets_areas_and_the_distances_of_their_edges(release, tmp_path):
    write_conefor(release, tmp_path)
    areas = published_areas(release)
    nodes = conefor.read_nodes(tmp_path / "nodes.txt")
    assert nodes.ids.tolist() == areas["number"].tolist()
    np.testing.assert_allclose(nodes.area, geo.area_km2(np.asarray(areas.geometry)))
    links = conefor.read_connections(tmp_path / "distances.txt", nodes, kind=ConnectionKind.DISTANCE)
    plane = areas.to_crs(geo.equal_area_crs(tuple(areas.total_bounds)).to_wkt()).geometry
    expected = [plane.iloc[i].distance(plane.iloc[j]) for i, j in zip(links.first, links.second, strict=True)]
    np.testing.assert_allclose(links.value, expected, atol=1e-6)
    assert links.value.size == len(areas) * (len(areas) - 1) // 2
    key = pl.read_csv(tmp_path / "key.csv")
    assert key["area_id"].to_list() == areas["area_id"].tolist()


def test_circuitscape_gets_regions_on_the_cells_of_the_raster(release, tmp_path):
    areas = published_areas(release)
    west, south, east, north = areas.total_bounds
    grid = equal_area_grid((west - 0.1, south - 0.1, east + 0.1, north + 0.1), 5000.0)
    values = np.random.default_rng(1).uniform(1, 100, grid.shape)
    values[0] = np.nan
    written = write_circuitscape(release, (values, grid), tmp_path)
    resistance = grids.read_grid(tmp_path / "resistance.asc")
    regions = grids.read_grid(tmp_path / "focal_regions.asc")
    np.testing.assert_allclose(resistance.values, values, rtol=1e-9)
    assert (regions.west, regions.south, regions.cell_width) == (grid.bounds[0], grid.bounds[1], 5000.0)
    numbers = set(np.unique(regions.values[~np.isnan(regions.values)]).astype(int))
    assert len(numbers) == written.counts["areas"] >= 2
    for number in numbers:
        shape = areas.set_index("number").geometry[number]
        rows, columns = np.nonzero(regions.values == number)
        points = shapely.points(grid.lonlat(rows, columns))
        assert (shapely.distance(points, shape) < 0.05).all()
    settings = circuitscape.read_settings(tmp_path / "circuit.ini")
    assert settings["habitat_map_is_resistances"].value == "True"
    assert settings["point_file"].value == "focal_regions.asc"


def test_cells_that_are_no_squares_are_refused(release, tmp_path):
    flat = Grid(equal_area_grid(BOX, 5000.0).crs, Affine(5000, 0, 0, 0, -4000, 0), (4, 4), 4500.0)
    with pytest.raises(InputError, match="5000 wide and 4000 high"):
        write_circuitscape(release, (np.ones((4, 4)), flat), tmp_path)


def test_marxan_gets_species_where_they_are_published(release, boundaries, tmp_path):
    box = (99.95, *BOX[1:])  # records lie on the meridian of 100 degrees
    request = MarxanRequest(box, 20_000.0, target=0.25, boundary_modifier=0.5)
    written = write_marxan(release, request, tmp_path, boundaries=boundaries)
    project = marxan.read_project(tmp_path)
    assert project.units.height == written.counts["units"]
    assert project.species.height == written.counts["species"]
    published = releases.releases.read(release, "occurrences").filter(
        pl.col("species").is_not_null()
        & pl.col("decimalLongitude").is_not_null()
        & pl.col("occurrenceStatus").ne_missing("ABSENT")
    )
    coarse = pl.col("coordinateUncertaintyInMeters").fill_null(0) > 20_000
    assert written.counts["records coarser than a unit"] == published.filter(coarse).height
    precise = published.filter(~coarse)
    layer = gpd.read_file(tmp_path / "units.gpkg", layer="planning_units").geometry.to_numpy()
    points = shapely.points(precise.select("decimalLongitude", "decimalLatitude").to_numpy())
    # Edges that are straight in degrees are not in the plane that the units are made in: 1e-4 degrees between the two.
    near = shapely.STRtree(layer).query(points, predicate="dwithin", distance=1e-4)
    pairs = {(precise["species"][int(point)], int(unit)) for point, unit in near.T}
    inside = precise.filter(pl.Series(np.isin(np.arange(len(points)), near[0])))
    assert written.counts["records outside"] == pytest.approx(precise.height - inside.height, abs=2)
    named = dict(pl.read_csv(tmp_path / "key.csv").select("id", "species").iter_rows())
    assert set(named.values()) == set(inside["species"])
    species_ids = project.species["id"].to_list()
    amounts = {(named[species_ids[one]], unit) for one, unit in project.amounts.select("species", "unit").iter_rows()}
    assert amounts <= pairs
    assert len(amounts) == pytest.approx(len(pairs), abs=4)


@pytest.mark.parametrize("shape", ["square", "hexagon"])
def test_units_cost_their_area_and_share_their_edges(release, boundaries, tmp_path, shape):
    request = MarxanRequest(BOX, 50_000.0, countries=("LA", "TH"), shape=shape, cost_per_km2={"LA": 1.0, "TH": 3.0})
    written = write_marxan(release, request, tmp_path, boundaries=boundaries)
    project = marxan.read_project(tmp_path)
    units = gpd.read_file(tmp_path / "units.gpkg", layer="planning_units")
    assert len(units) == written.counts["units"] == project.units.height
    assert set(units["country_code"]) == {"LA", "TH"}
    np.testing.assert_allclose(project.units["cost"], units["area_km2"] * np.where(units["country_code"] == "TH", 3, 1))
    np.testing.assert_allclose(geo.area_km2(units.geometry.to_numpy()), units["area_km2"], rtol=5e-3, atol=0.1)
    points = shapely.points(project.units.select("xloc", "yloc").to_numpy())
    for code in ("LA", "TH"):
        land = places.country_geometry(code, boundaries)
        own = (units["country_code"] == code).to_numpy()
        assert shapely.dwithin(land, points[own], 1e-4).all()
        found = units["area_km2"][own].sum()
        assert found == pytest.approx(geo.area_km2([shapely.intersection(land, shapely.box(*BOX))])[0], rel=1e-4)
    shared = np.bincount(
        np.concatenate([project.bounds.first, project.bounds.second]),
        np.tile(project.bounds.length, 2),
        project.units.height,
    )
    plane = units.to_crs(geo.equal_area_crs(tuple(units.total_bounds)).to_wkt()).geometry.length / 1000
    np.testing.assert_allclose(shared + project.bounds.outer, plane, rtol=5e-3, atol=0.1)


def test_without_countries_units_are_those_of_all_in_the_box(release, boundaries, tmp_path):
    write_marxan(release, MarxanRequest(BOX, 50_000.0), tmp_path, boundaries=boundaries)
    units = gpd.read_file(tmp_path / "units.gpkg", layer="planning_units")
    assert set(units["country_code"]) == {"CN", "LA", "MM", "TH", "VN"}


@pytest.mark.parametrize(("request_", "code"), [
    pytest.param(MarxanRequest((100, 15, 108, 23), 100.0), "UNITS_TOO_MANY", id="units of a hectare"),
    pytest.param(MarxanRequest((80, -10, 82, -8), 50_000.0), "REGION_EMPTY", id="the open sea"),
    pytest.param(MarxanRequest((80, -10, 82, -8), 50_000.0, countries=("LA",)), "REGION_EMPTY", id="no land"),
    pytest.param(MarxanRequest((12, 45, 14, 47), 50_000.0), "SPECIES_MISSING", id="land without records"),
    pytest.param(MarxanRequest(BOX, 50_000.0, cost_per_km2={"LA": 1.0}), "COST_MISSING", id="a country without cost"),
])  # fmt: skip
def test_a_project_of_nothing_is_refused(release, boundaries, tmp_path, request_, code):
    with pytest.raises(InputError) as caught:
        write_marxan(release, request_, tmp_path, boundaries=boundaries)
    assert caught.value.code == code


def test_the_command_line(data, tmp_path):
    def run(*arguments):
        done = CliRunner().invoke(app, ["analysis-inputs", *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "nodes.txt" in run("conefor", "--data", data, "--reach-m", 100_000, "--out", tmp_path / "conefor")
    box = ",".join(map(str, BOX))
    told = run("marxan", "--data", data, "--box", box, "--side-m", 25_000, "--out", tmp_path / "marxan")
    assert "species" in told
    run("marxan", "--data", data, "--box", box, "--shape", "hexagon", "--side-m", 50_000, "--country", "老挝",
        "--cost-per-km2", "Laos=2.5", "--out", tmp_path / "hexagons")  # fmt: skip
    units = gpd.read_file(tmp_path / "hexagons" / "units.gpkg", layer="planning_units")
    np.testing.assert_allclose(units["cost"], 2.5 * units["area_km2"])
    with pytest.raises(NoReleaseError, match="biodata release"):
        run("conefor", "--data", tmp_path / "nothing", "--out", tmp_path / "x")
