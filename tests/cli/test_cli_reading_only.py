"""Commands that only read an installation make none, and refuse what is no box and no number."""

import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError

SPECIES = "Elephas maximus"


@pytest.mark.parametrize("command", [
    pytest.param(("species", "figures", SPECIES), id="figures"),
    pytest.param(("species", "richness", "Mammalia", "--box", "100,20,103,23"), id="richness"),
    pytest.param(("species", "habitat", SPECIES, "--land-cover", "a", "--classes", "2"), id="habitat"),
    pytest.param(("species", "model", SPECIES, "--layer", "a"), id="model"),
])  # fmt: skip
def test_a_folder_without_an_installation_is_refused_and_stays_as_it_is(tmp_path, command):
    done = CliRunner().invoke(app, [*command, "--data", str(tmp_path / "none")])
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "INSTALLATION_MISSING"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("box", [
    pytest.param("20,100,23,103", id="swapped axes"),
    pytest.param("103,20,100,23", id="west east of east"),
    pytest.param("nan,20,103,23", id="no number"),
    pytest.param("100,-95,103,95", id="beyond the poles"),
    pytest.param("100,20", id="two numbers"),
])  # fmt: skip
def test_a_box_that_is_none_on_earth_is_refused(tmp_path, box):
    (tmp_path / "lake").mkdir()
    done = CliRunner().invoke(app, ["species", "richness", "Mammalia", "--box", box, "--data", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "BOX_INVALID"
    assert box in str(done.exception)


@pytest.mark.parametrize("option", ["--cell-m", "--max-uncertainty-m", "--untold-uncertainty-m", "--occupancy-cell-m"])
@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_a_number_that_makes_no_sense_is_refused(tmp_path, option, value):
    done = CliRunner().invoke(app, ["species", "figures", SPECIES, option, value, "--data", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert f"column {option}, value" in str(done.exception)


def test_a_folder_in_which_an_account_was_made_is_an_installation(tmp_path):
    made = CliRunner().invoke(
        app, ["account", "new", "rangers", "--role", "uploader", "--dataset", "a", "--data", str(tmp_path)]
    )
    assert made.exit_code == 0
    assert CliRunner().invoke(app, ["survey", "status", "--data", str(tmp_path)]).exit_code == 0
