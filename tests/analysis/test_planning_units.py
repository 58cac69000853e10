"""Planning units over two countries: cut at the border, nothing lost, and the same plan by way of Marxan's files."""

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely
from scipy.sparse import csr_array

from biodata.analysis.reserves import marxan_problem, planning_units
from biodata.analysis.reserves import problem as targets
from biodata.analysis.reserves import selection as reserve_selection
from biodata.analysis.reserves.problem import Problem
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.exports.marxan_inputs import write_project_of_units
from biodata.formats import marxan, marxan_output
from biodata.formats.marxan import Bounds
from biodata.places import country_geometry, load_boundaries

WINDOW = (100.8, 20.8, 102.2, 22.0)


@pytest.fixture(scope="module")
def boundaries():
    return load_boundaries()


@pytest.fixture(scope="module")
def units(boundaries):
    return planning_units.cut_at_borders(["CN", "LA"], boundaries, unit_km2=100, bounds=WINDOW)


@pytest.mark.parametrize("shape", ["hexagon", "square"])
def test_areas_add_up_and_each_unit_lies_in_its_country(boundaries, shape):
    found = planning_units.cut_at_borders(["CN", "LA"], boundaries, unit_km2=100, bounds=WINDOW, shape=shape)
    for code in ("CN", "LA"):
        land = shapely.intersection(country_geometry(code, boundaries), shapely.box(*WINDOW))
        own = found[found["country_code"] == code]
        assert own["area_km2"].sum() == pytest.approx(geo.area_km2([land])[0], rel=1e-6)
        degrees = geo.project(own.geometry.to_numpy(), found.crs, 4326)
        inside = shapely.area(shapely.intersection(degrees, land)) / shapely.area(degrees)
        assert (inside[own["area_km2"] > 0.1] > 0.999).all()
    assert found["area_km2"].max() == pytest.approx(100, rel=1e-6)
    assert (np.isclose(found["area_km2"], 100, rtol=1e-6)).mean() > 0.5
    assert found["unit_id"].tolist() == list(range(1, len(found) + 1))


def test_no_land_is_lost_on_islands(boundaries, tmp_path):
    bounds = (121.0, 11.0, 124.0, 13.0)
    found = planning_units.cut_at_borders(["PH"], boundaries, unit_km2=400, bounds=bounds)
    land = shapely.intersection(country_geometry("PH", boundaries), shapely.box(*bounds))
    assert found["area_km2"].sum() == pytest.approx(geo.area_km2([land])[0], rel=1e-6)
    assert found["area_km2"].max() == pytest.approx(400, rel=1e-6)
    outline = shapely.length(shapely.union_all(found.geometry.to_numpy(), grid_size=0.001)) / 1000
    assert planning_units.boundary_of(found, penalty=0.0).outer.sum() == pytest.approx(outline, rel=1e-4)
    *_, layer = write_project_of_units(found, found["area_km2"].to_numpy(), tmp_path)[:3]
    shapes = gpd.read_file(layer, layer="planning_units").geometry
    assert shapes.is_valid.all()
    assert geo.area_km2(shapes.to_numpy()).sum() == pytest.approx(found["area_km2"].sum(), rel=1e-6)


def test_shared_and_outer_boundary_are_all_of_the_outlines(units):
    boundary = planning_units.boundary_of(units, penalty=1.0)
    everything = shapely.union_all(units.geometry.to_numpy())
    assert boundary.outer.sum() == pytest.approx(shapely.length(everything) / 1000, rel=1e-4)
    whole = 2 * boundary.length.sum() + boundary.outer.sum()
    assert whole == pytest.approx(shapely.length(units.geometry.to_numpy()).sum() / 1000, rel=1e-6)
    countries = units["country_code"].to_numpy()
    assert (countries[boundary.first] != countries[boundary.second]).any()
    assert (boundary.first < boundary.second).all()
    rng = np.random.default_rng(3)
    for _ in range(5):
        chosen = rng.random(len(units)) < 0.4
        apart = chosen[boundary.first] != chosen[boundary.second]
        outline = shapely.length(shapely.union_all(units.geometry.to_numpy()[chosen], grid_size=0.001)) / 1000
        assert boundary.length[apart].sum() + boundary.outer[chosen].sum() == pytest.approx(outline, rel=1e-4)


def test_costs_are_by_country(units):
    costs = planning_units.costs_by_country(units, {"CN": 3.0, "LA": 1.0})
    assert costs.sum() == pytest.approx(
        3 * units.loc[units["country_code"] == "CN", "area_km2"].sum()
        + units.loc[units["country_code"] == "LA", "area_km2"].sum()
    )
    with pytest.raises(InputError, match="column country_code, value 'LA': there is no cost"):
        planning_units.costs_by_country(units, {"CN": 3.0})


@pytest.mark.parametrize(("changes", "told"), [
    pytest.param({"unit_km2": 0.0}, "not above 0", id="no area"),
    pytest.param({"unit_km2": 1e-5}, "larger units", id="too many"),
    pytest.param({"bounds": (0.0, 0.0, 1.0, 1.0)}, "no land inside the bounds", id="the Gulf of Guinea"),
])  # fmt: skip
def test_regions_that_cannot_be_cut_are_refused(boundaries, changes, told):
    with pytest.raises(InputError, match=told):
        planning_units.cut_at_borders(["CN", "LA"], boundaries, **{"unit_km2": 100.0, "bounds": WINDOW, **changes})


def test_a_plan_over_a_border_is_the_same_by_way_of_marxans_files(units, tmp_path):
    rng = np.random.default_rng(5)
    names = ["gaur", "dhole", "gibbon"]
    species = rng.choice(names, 300)
    at = planning_units.unit_of(units, np.column_stack([rng.uniform(100.9, 102.1, 300), rng.uniform(20.9, 21.9, 300)]))
    features = [name for name in sorted(names) if ((species == name) & (at >= 0)).any()]
    table = csr_array([np.bincount(at[(species == name) & (at >= 0)], minlength=len(units)) for name in features])
    held = table.tocoo()
    needs = np.ceil(targets.relative(table.sum(axis=1), 0.2))
    cost = planning_units.costs_by_country(units, {"CN": 2.0, "LA": 1.0})
    boundary = planning_units.boundary_of(units, penalty=0.5)
    asked = targets.requirements(needs)
    problem = Problem(cost, table, asked, boundary=boundary, feature_names=features)
    own = reserve_selection.solve(problem, gap=0.001, seconds=120)
    assert own.status in ("optimal", "within_gap")
    centres = units.geometry.centroid
    marxan_output.write_project(
        tmp_path,
        units=pl.DataFrame({"id": units["unit_id"].to_numpy(), "cost": cost,
                            "status": np.zeros(len(units), dtype=np.int64), "xloc": centres.x.to_numpy(),
                            "yloc": centres.y.to_numpy()}),
        species=pl.DataFrame({"id": [1, 2, 3], "target": needs, "spf": [1.0] * 3, "name": features}),
        amounts=pl.DataFrame({"species": held.row + 1, "pu": held.col + 1, "amount": held.data.astype(np.float64)}),
        bounds=Bounds(boundary.first, boundary.second, boundary.length, boundary.outer, symmetric=True),
        blm=0.5,
    )  # fmt: skip
    read = marxan_problem.to_problem(marxan.read_project(tmp_path))
    again = reserve_selection.solve(read, gap=0.001, seconds=120)
    assert again.objective == pytest.approx(own.objective, rel=0.002)
    assert reserve_selection.evaluate(read, own.chosen).objective == pytest.approx(own.objective, rel=1e-9)
    sides = (*asked, *targets.in_each_country(0, units["country_code"].tolist(), units={"CN": 1, "LA": 1}))
    both = reserve_selection.solve(Problem(cost, table, sides, boundary=boundary), gap=0.01, seconds=120)
    countries = units["country_code"].to_numpy()
    holds = table[[0]].toarray().ravel() > 0
    assert {"CN", "LA"} <= set(countries[both.chosen & holds])
    assert both.objective >= own.bound * (1 - 1e-9)
