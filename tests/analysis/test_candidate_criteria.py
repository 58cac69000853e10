"""What candidates are compared by: against another engine, against plain geometry, and missing where nothing is told."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from biodata.analysis.candidates import criteria, measuring
from biodata.analysis.candidates import ground as habitat
from biodata.analysis.candidates.ground import Ground, beyond_band, land_of
from biodata.analysis.layers import LayerFile
from biodata.analysis.networks import protconn
from landscapes import CRS, boundary_set, halves, local, square_grid

WINDOW = shapely.box(-40_000, -40_000, 40_000, 40_000)
PARKS = [shapely.box(-9000, -3000, -1500, 3000), shapely.box(1500, -3000, 9000, 3000),
         shapely.box(14_000, 8000, 20_000, 14_000)]  # fmt: skip
JOINED = shapely.box(-9000, -3000, 9000, 3000)


def degrees(shapes) -> np.ndarray:
    return np.array([local(shape) for shape in shapes], dtype=object)


def test_gain_is_that_of_protconn_with_the_polygon_added():
    network = measuring.of_areas(degrees(PARKS), land_km2=6400.0, dispersal_m=10_000.0)
    told = measuring.gain(network, local(JOINED))
    for shapes, name in ((PARKS, "without"), ([*PARKS, JOINED], "with")):
        found = protconn.protconn(
            gpd.GeoSeries(degrees(shapes), crs=4326), local(WINDOW), distance_m=10_000.0, transboundary_m=None
        )
        assert told[f"eca_{name}_km2"] == pytest.approx(found.eca_km2, rel=2e-3)
        assert told[f"protconn_{name}"] == pytest.approx(100 * told[f"eca_{name}_km2"] / 6400.0, abs=1e-5)
        assert told[f"protconn_{name}"] == pytest.approx(found.protconn, rel=2e-3)
    assert told["deca_percent"] > 0


def test_first_protected_ground_of_a_window_has_no_gain_to_be_told_in_percent():
    network = measuring.of_areas(np.array([], dtype=object), land_km2=6400.0, dispersal_m=10_000.0)
    told = measuring.gain(network, local(JOINED))
    assert told["deca_percent"] is None
    assert told["eca_with_km2"] == pytest.approx(108, rel=1e-3)
    assert criteria.network_gain(told).value is None


def ground(polygon=JOINED) -> Ground:
    return Ground("ground", (), [("LA",), ("VN",)], local(polygon))


def test_habitat_that_stops_at_the_line_does_not_cross():
    one = square_grid(12_000, 250.0)
    beyond = beyond_band(ground(), halves())
    open_ground = habitat.crossing(habitat.of_resistance(np.ones(one.shape), one, limit=10), local(JOINED), beyond)
    assert open_ground.crossing_km2 == open_ground.ground_km2 == pytest.approx(108, rel=0.02)
    river = np.ones(one.shape)
    river[:, 47:49] = 60.0
    shut = habitat.crossing(habitat.of_resistance(river, one, limit=10), local(JOINED), beyond)
    assert (shut.crossing_km2, shut.habitat_km2) == (0, pytest.approx(105, rel=0.02))
    unknown = np.full(one.shape, np.nan)
    assert habitat.crossing(habitat.of_resistance(unknown, one, limit=10), local(JOINED), beyond).known_km2 == 0


def areas(*status) -> gpd.GeoDataFrame:
    shapes = degrees(PARKS[: len(status)])
    told = {"name": [str(n) for n in range(len(status))], "status": list(status)}
    return gpd.GeoDataFrame({**told, "designation": None, "iucn_category": None}, geometry=shapes, crs=4326)


@pytest.mark.parametrize(("status", "value"), [
    pytest.param(("Designated", "Designated"), 45 / 54, id="both in force"),
    pytest.param(("Designated", "Proposed"), 0.0, id="one proposed"),
    pytest.param(("Designated", None), None, id="one not told"),
])  # fmt: skip
def test_governance_is_that_of_the_weaker_side(status, value):
    lands = {"LA": local(shapely.box(-9000, -3000, 0, 3000)), "VN": local(shapely.box(0, -3000, 9000, 3000))}
    found = criteria.governance(ground(), areas(*status), lands, None)
    assert found.value == (None if value is None else pytest.approx(value, rel=0.01))
    assert found.input["agreements"] == "none was told to this run"
    assert len(found.input["areas"]) == 2


def test_ground_whose_edge_runs_along_the_border_touches_the_other_side_in_a_line_and_has_no_land_there():
    known = boundary_set(shapely.box(100, 20, 101, 21), shapely.box(101, 20, 102, 21))
    west, east = shapely.box(100.5, 20.2, 101, 20.8), shapely.box(101, 20.2, 101.5, 20.5)
    whole = Ground("ground", (), [("LA",), ("VN",)], shapely.union(west, east))
    lands = {side[0]: land_of(side, known, whole.polygon) for side in whole.sides}
    assert [land.geom_type for land in lands.values()] == ["Polygon", "Polygon"]
    assert lands["LA"].equals(west)
    assert lands["VN"].equals(east)
    in_force = gpd.GeoDataFrame(
        {"name": ["park"], "status": ["Designated"], "designation": None, "iucn_category": None},
        geometry=[whole.polygon], crs=4326,
    )  # fmt: skip
    assert criteria.governance(whole, in_force, lands, ()).value == pytest.approx(1, abs=1e-6)


def test_cost_is_the_ground_that_is_not_protected_yet_or_what_a_layer_says():
    assert criteria.cost(ground(), areas("Designated", "Designated"), None).value == pytest.approx(18, rel=0.01)
    for value in (12.5, None):
        assert criteria.cost(ground(), areas("Designated"), criteria.Value(value, {})).value == value


def test_cost_by_a_layer_is_missing_where_the_layer_knows_too_little(tmp_path):
    path, one = tmp_path / "price.tif", square_grid(12_000, 500.0)
    for unknown, part, value in ((0, slice(None), 864.0), (6, slice(None), None), (0, slice(0, 20), None)):
        values = np.full(one.shape, 2.0)[:, part]
        values[:, 15 : 15 + unknown] = np.nan
        told = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float64", "nodata": np.nan}
        with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=one.transform, **told) as file:
            file.write(values, 1)
        found = criteria.cost_by_layer(local(JOINED), layer(path, None, "raster"))
        assert found.value == value
        assert (found.input["known_share"] >= 0.95) is (value is not None)


def layer(path, theme, form) -> LayerFile:
    return LayerFile(
        path.stem, theme, form, path, "continuous" if form == "raster" else "features", CRS.to_wkt(), "0" * 64
    )


@pytest.fixture
def layers(tmp_path):
    people = tmp_path / "people.tif"
    with rasterio.open(people, "w", driver="GTiff", width=80, height=80, count=1, dtype="float64", crs=CRS.to_wkt(),
                       transform=Affine(1000, 0, -40_000, 0, -1000, 40_000)) as file:  # fmt: skip
        file.write(np.full((80, 80), 7.0), 1)
    roads, towns = tmp_path / "roads.gpkg", tmp_path / "towns.gpkg"
    lines = [shapely.LineString([(-20_000, 0), (20_000, 0)]), shapely.LineString([(0, -20_000), (0, -10_000)])]
    gpd.GeoDataFrame(geometry=lines, crs=CRS.to_wkt()).to_file(roads)
    gpd.GeoDataFrame(geometry=[shapely.Point(x, 0) for x in (-5000, 5000, 30_000)], crs=CRS.to_wkt()).to_file(towns)
    return {
        "population": layer(people, "population", "raster"),
        "roads": layer(roads, "roads", "vector"),
        "settlements": layer(towns, "settlements", "vector"),
    }


@pytest.mark.parametrize(("theme", "value"), [
    pytest.param("population", 7.0, id="7 people in each km²"),
    pytest.param("roads", 18 / 108, id="18 km of road"),
    pytest.param("settlements", 100 * 2 / 108, id="2 settlements"),
])  # fmt: skip
def test_human_pressure(layers, theme, value):
    found = criteria.human_pressure(local(JOINED), layers[theme])
    assert found.value == pytest.approx(value, rel=0.02)
    assert found.input["theme"] == theme


def test_one_layer_is_the_measure_and_none_is_missing(layers):
    assert criteria.chosen([layers["roads"], layers["population"]]).theme == "population"
    assert criteria.chosen([]) is None
    assert criteria.human_pressure(local(JOINED), None).value is None
    far = local(shapely.box(300_000, 0, 301_000, 1000))
    assert criteria.human_pressure(far, layers["population"]).value is None
