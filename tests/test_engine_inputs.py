"""What is published as inputs of Conefor, Circuitscape and Marxan: read by our own readers, counted by other means."""

import numpy as np
import polars as pl
import pyogrio
import pytest
import shapely
from affine import Affine
from typer.testing import CliRunner

import releases
from biodata import geo, places
from biodata.analysis.grid import Grid, equal_area_grid
from biodata.cli import app
from biodata.errors import InputError, NoReleaseError
from biodata.exports.engine_inputs import published_areas, write_circuitscape, write_conefor
from biodata.exports.marxan_inputs import MarxanRequest, write_marxan
from biodata.formats import conefor, grids, ini, marxan
from biodata.formats.conefor_kinds import Kind

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
    np.testing.assert_allclose(nodes.area, geo.area_km2(np.asarray(areas.geometry)) * 100)
    links = conefor.read_connections(tmp_path / "distances.txt", nodes, kind=Kind.DISTANCE)
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
    settings = ini.read_settings(tmp_path / "circuit.ini")
    assert settings["habitat_map_is_resistances"].value == "True"
    assert settings["point_file"].value == "focal_regions.asc"


def test_cells_that_are_no_squares_are_refused(release, tmp_path):
    flat = Grid(equal_area_grid(BOX, 5000.0).crs, Affine(5000, 0, 0, 0, -4000, 0), (4, 4), 4500.0)
    with pytest.raises(InputError, match="5000 wide and 4000 high"):
        write_circuitscape(release, (np.ones((4, 4)), flat), tmp_path)


def test_marxan_gets_species_where_they_are_published(release, boundaries, tmp_path):
    request = MarxanRequest(BOX, 20_000.0, target=0.25, boundary_modifier=0.5)
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
    grid = equal_area_grid(BOX, 20_000.0)
    precise = published.filter(~coarse)
    rows, _columns = grid.cells_at(precise["decimalLongitude"].to_numpy(), precise["decimalLatitude"].to_numpy())
    inside = precise.filter(pl.Series(rows >= 0))
    assert set(pl.read_csv(tmp_path / "key.csv")["species"]) <= set(inside["species"])
    # Every amount has a published record within its unit's square.
    named = dict(pl.read_csv(tmp_path / "key.csv").select("id", "species").iter_rows())
    place = project.units.select("xloc", "yloc").to_numpy()
    species_ids = project.species["id"].to_list()
    for species, unit in project.amounts.select("species", "unit").iter_rows():
        own = inside.filter(pl.col("species") == named[species_ids[species]])
        metres = geo.geodesic_distance_m(
            own["decimalLongitude"].to_numpy(), own["decimalLatitude"].to_numpy(), *place[unit]
        )
        assert metres.min() < 20_000 * np.sqrt(0.5) * 1.02


def test_units_cost_their_area_and_share_their_edges(release, boundaries, tmp_path):
    request = MarxanRequest(BOX, 50_000.0, countries=("LA",))
    written = write_marxan(release, request, tmp_path, boundaries=boundaries)
    project = marxan.read_project(tmp_path)
    assert set(project.units["cost"]) == {2500.0}
    land = places.country_geometry("LA", boundaries)
    points = shapely.points(project.units.select("xloc", "yloc").to_numpy())
    assert shapely.contains(land, points).all()
    outline = (
        np.bincount(np.concatenate([project.bounds.first, project.bounds.second]), minlength=project.units.height)
        * 50.0
        + project.bounds.outer
    )
    assert set(outline) == {200.0}, "four sides of 50 km"
    layer = pyogrio.read_info(tmp_path / "units.gpkg", layer="planning_units")
    assert layer["features"] == written.counts["units"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(MarxanRequest((100, 15, 108, 23), 100.0), "UNITS_TOO_MANY", id="units of a hectare"),
        pytest.param(MarxanRequest((80, -10, 82, -8), 50_000.0), "SPECIES_MISSING", id="the open sea"),
        pytest.param(MarxanRequest((80, -10, 82, -8), 50_000.0, countries=("LA",)), "UNITS_MISSING", id="no land"),
    ],
)
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
    with pytest.raises(NoReleaseError, match="biodata release"):
        run("conefor", "--data", tmp_path / "nothing", "--out", tmp_path / "x")
