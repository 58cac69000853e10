"""`biodata resistance`: both forms of table, layers out of a folder or an installation, files for several species."""

import json

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, ["resistance", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def land_cover(sample_data):
    return sample_data / "layers" / "landcover_china_laos.tif"


def test_the_table_of_land_cover_alone(sample_data, land_cover, tmp_path):
    table, out = sample_data / "resistance.csv", tmp_path / "out.tif"
    done = run(table, "--layers", land_cover, "--out", out)
    assert done.exit_code == 0, done.output
    with rasterio.open(out) as made, rasterio.open(land_cover) as classes:
        assert made.bounds == classes.bounds
        assert set(np.unique(made.read(1)[classes.read(1) == 2])) == {1}
        tags = made.tags()
    assert tags["BIODATA_TABLE"] == "resistance.csv"
    assert len(tags["BIODATA_TABLE_SHA256"]) == 64
    assert json.loads(tags["BIODATA_LAYERS"])["land_cover"]["layer"] == "landcover_china_laos"


def test_several_layers_and_species_out_of_a_folder(sample_data, land_cover, tmp_path):
    table = tmp_path / "both.csv"
    table.write_text(
        "layer,class,function,resistance,note,species\n"
        "land_cover,2,,1,forest,\nland_cover,other,,20,,\nland_cover,18,,200,roads,gaur\nelevation,,slope,0:1 30:2,,gibbon\n"
    )
    layers = sample_data / "layers"
    use = [
        f"--use={kind}={name}"
        for kind, name in (("land_cover", land_cover.stem), ("elevation", "elevation_china_laos"))
    ]
    done = run(table, "--layers", layers, *use, "--cell-m", 2000, "--out", tmp_path / "out.tif")
    assert done.exit_code == 0, done.output
    made = {}
    for species in ("gaur", "gibbon"):
        with rasterio.open(tmp_path / f"out_{species}.tif") as file:
            made[species] = file.read(1)
            assert file.tags()["BIODATA_SPECIES"] == species
    assert np.nanmax(made["gaur"]) == 200
    assert 20 < np.nanmax(made["gibbon"]) < 60
    run(table, "--layers", layers, *use, "--cell-m", 2000, "--species", "gaur", "--out", tmp_path / "one.tif")
    with rasterio.open(tmp_path / "one.tif") as file:
        np.testing.assert_array_equal(file.read(1), made["gaur"])


@pytest.mark.parametrize(("arguments", "told"), [
    pytest.param([], "3 layers are called so or shows it; one of landcover_cambodia", id="three land covers"),
    pytest.param(["--use", "land_cover=forest"], "value 'forest': no layer is called so", id="no such layer"),
    pytest.param(["--use", "land_cover=landcover_china_laos", "--box", "1,2,3,4"], "the box lies beside", id="beside"),
])  # fmt: skip
def test_what_cannot_be_found_is_named(sample_data, tmp_path, arguments, told):
    with pytest.raises(InputError, match=told):
        run(sample_data / "resistance.csv", "--layers", sample_data / "layers", "--out", tmp_path / "o.tif", *arguments)
    assert not (tmp_path / "o.tif").exists()
