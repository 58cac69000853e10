"""Climate as an engine of kept runs: what is measured is kept, had again the same, and told apart from another climate."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.runs.engines import work as run_engines
from biodata.store import run_records


@pytest.fixture
def files(tmp_path):
    profile = {"driver": "GTiff", "height": 12, "width": 12, "count": 1, "dtype": "float64", "crs": "EPSG:6933"}
    north = np.repeat(np.arange(12.0)[:, None], 12, axis=1)
    for name, values in (("now", 20 + north / 2), ("later", 21 + north / 2)):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", **profile, transform=Affine(1000, 0, 0, 0, -1000, 12_000)
        ) as f:
            f.write(values, 1)
    return tmp_path


def asked(files, **more):
    return {"years": 50, "today": [str(files / "now.tif")], "future": [str(files / "later.tif")], **more}


def test_the_command_keeps_what_a_start_keeps_and_it_can_be_had_again(files):
    settings, out = Settings(data=files / "data"), files / "velocity.tif"
    done = CliRunner().invoke(
        app,
        ["climate", "--today", str(files / "now.tif"), "--future", str(files / "later.tif"), "--years", "50",
         "--velocity", str(out), "--data", str(settings.data)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (kept,) = run_records.every(settings)
    assert f"kept as {kept.id}" in done.stdout
    assert {one.name for one in kept.inputs} == {"today 1", "future 1"}
    tables = run_records.results_of(settings, kept.id)
    assert tables["speeds"]["what"].to_list() == ["velocity of now"], "what nobody asked for is not measured"
    # One degree in 50 years over half a degree a kilometre.
    assert tables["speeds"]["median_km_per_year"][0] == pytest.approx(0.04)
    assert json.loads(tables["told"]["json"][0])["boundaries"]["name"] == "natural_earth"
    assert run_engines.start(settings, "climate", asked(files, measures=["velocity"])).id == kept.id
    out.unlink()
    _, comparison = run_engines.repeat(settings, kept.id)
    assert comparison.message() == "identical"
    assert not out.exists(), "a repeated run writes over nothing"


def test_another_climate_is_another_run_and_the_comparison_says_which_file(files):
    settings = Settings(data=files / "data")
    first = run_engines.start(settings, "climate", asked(files))
    assert run_records.results_of(settings, first.id)["speeds"].height == 3
    with rasterio.open(files / "later.tif", "r+") as file:
        file.write(file.read(1) + 1, 1)
    second, comparison = run_engines.repeat(settings, first.id)
    assert second.id != first.id
    assert not comparison.identical
    assert "the input future 1 is another" in comparison.asked


@pytest.mark.parametrize(
    "more", [{"measures": ["speed"]}, {"years": 0}, {"measures": ["forward"], "areas": "areas.gpkg"}]
)
def test_what_cannot_be_measured_is_refused(files, more):
    with pytest.raises(InputError) as refused:
        run_engines.start(Settings(data=files / "data"), "climate", asked(files, **more))
    assert refused.value.code == "PARAMETERS_INVALID"
