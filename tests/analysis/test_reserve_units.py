"""`biodata reserves units`: what it writes is a project that is solved once species are there."""

import geopandas as gpd
import numpy as np
import polars as pl
import pyogrio
import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError
from biodata.formats import marxan

BOX = "100.8,20.8,102.2,22"


def run(*arguments):
    done = CliRunner().invoke(app, ["reserves", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("shape", ["hexagon", "square"])
def test_units_and_species_make_a_project(tmp_path, shape):
    told = run("units", "--countries", "la,CN", "--box", BOX, "--cell-km", 20, "--shape", shape, "--out", tmp_path)
    assert "CN" in told
    assert "input.dat" in told
    pl.DataFrame({"id": [1], "prop": [0.3], "spf": [1.0], "name": ["gaur"]}).write_csv(tmp_path / "input" / "spec.dat")
    units = pl.read_csv(tmp_path / "input" / "pu.dat")
    pl.DataFrame({"species": 1, "pu": units["id"], "amount": 1}).write_csv(tmp_path / "input" / "puvspr.dat")
    project = marxan.read_project(tmp_path)
    shapes = gpd.read_file(tmp_path / "units.gpkg", layer="planning_units")
    np.testing.assert_allclose(project.units["cost"], shapes["area_km2"])
    assert project.bounds.length.size > project.units.height
    assert "optimal" in run("solve", tmp_path, "--out", tmp_path / "output")
    (tmp_path / "input.dat").write_text("BLM 3\n")
    assert "input.dat" not in run("units", "--box", BOX, "--cell-km", 20, "--shape", shape, "--out", tmp_path)
    assert (tmp_path / "input.dat").read_text() == "BLM 3\n", "somebody's own settings stay"


@pytest.mark.parametrize(("laos", "china"), [
    pytest.param("LA", "cn", id="codes"),
    pytest.param("Laos", "CHN", id="name"),
    pytest.param("老挝", "中国", id="Chinese"),
])  # fmt: skip
def test_a_country_has_its_cost_however_it_is_called(tmp_path, laos, china):
    run("units", "--box", BOX, "--countries", f"{laos},{china}", "--cell-km", 20,
        "--cost-per-km2", f"{laos}=2.5", "--cost-per-km2", f"{china}=10", "--out", tmp_path)  # fmt: skip
    shapes = gpd.read_file(tmp_path / "units.gpkg", layer="planning_units")
    rate = np.where(shapes["country_code"] == "LA", 2.5, 10.0)
    np.testing.assert_allclose(shapes["cost"], rate * shapes["area_km2"])


@pytest.mark.parametrize(("arguments", "told"), [
    pytest.param([], "--countries or --box", id="nowhere"),
    pytest.param(["--box", "0,0,1,1"], "no land inside the bounds", id="the Gulf of Guinea"),
    pytest.param(["--countries", "XX"], "--countries, value 'XX': there is no such country", id="no country"),
    pytest.param(["--countries", "Borneo"], "one of BN, ID, MY", id="several countries"),
    pytest.param(["--box", BOX, "--cost-per-km2", "Lemuria=2"], "Lemuria", id="the cost of no country"),
    pytest.param(["--box", BOX, "--cell-km", "0.01"], "larger units", id="too many"),
    pytest.param(["--box", BOX, "--cost-per-km2", "LA=dear"], "LA=dear", id="no cost"),
    pytest.param(["--box", BOX, "--cost-per-km2", "LA=1"], "value 'CN'|value 'MM'", id="a country without cost"),
])  # fmt: skip
def test_what_cannot_be_cut_is_refused(tmp_path, arguments, told):
    with pytest.raises(InputError, match=told):
        run("units", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_layer_names_the_boundary_set_that_cut_it(tmp_path):
    told = run("units", "--countries", "LA", "--box", BOX, "--cell-km", 40, "--out", tmp_path)
    assert "band 5000 m" in told
    facts = pyogrio.read_info(tmp_path / "units.gpkg", layer="planning_units")["layer_metadata"]
    assert facts["band_m"] == "5000.0"
    assert {"boundary_set", "boundary_version", "viewpoint"} <= set(facts)
