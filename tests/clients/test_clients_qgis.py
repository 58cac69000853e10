"""QGIS reads our features and tiles, filters them, and draws both."""

import json
import os
import subprocess
from pathlib import Path

import pytest

import releases

pytestmark = [pytest.mark.peers]
PYTHON = Path("/usr/bin/python3")
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]


@pytest.fixture(scope="module")
def told(address, tmp_path_factory):
    if (
        not PYTHON.exists()
        or subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, check=False).returncode
    ):
        pytest.skip("python3-qgis is not installed")
    folder = tmp_path_factory.mktemp("qgis")
    kept = Path(os.environ.get("BIODATA_PICTURES", folder))
    script = Path(__file__).with_name("qgis_layers.py")
    done = subprocess.run([PYTHON, script, address, kept / "qgis.png"], capture_output=True, text=True, check=False,
                          timeout=280, env={**os.environ, "HOME": str(folder)})  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_feature_and_every_property(told):
    assert told["features"] == told["count"] == len(ROWS)
    assert {"occurrenceID", "elevation", "cell_west", "country_codes"} <= set(told["fields"])


def test_a_rectangle(told):
    inside = [
        r["occurrenceID"] for r in releases.open_rows()
        if r["decimalLatitude"] and 101 <= r["decimalLongitude"] <= 102 and 20.5 <= r["decimalLatitude"] <= 21.5
    ]  # fmt: skip
    assert told["in_box"] == sorted(inside)


def test_a_filter(told):
    assert told["filtered"] == sum(r["countryCode"] == "VN" and r["year"] > 2010 for r in ROWS)


def test_areas(told):
    assert told["areas"] == ["ha:lost", "ha:nam-ha", "ha:shangyong"]


def test_features_and_tiles_are_drawn(told):
    assert told["drawn_features"] > 2_000
    assert told["drawn_tiles"] > 2_000
    assert told["drawn"] > 50_000
