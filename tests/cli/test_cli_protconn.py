"""`biodata protconn`: files in, the values of the library out, and one line where something cannot be."""

import json

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from biodata.analysis.networks.protconn import protconn
from biodata.cli import app
from biodata.core.errors import InputError

PARK = shapely.box(104.2, 12.2, 104.6, 12.6)
NEIGHBOUR = shapely.box(104.0, 14.01, 105.0, 14.2)
LAND = shapely.box(104, 12, 106, 14)


@pytest.fixture
def files(tmp_path):
    """Write two layers in different systems, and a region."""
    gpd.GeoSeries([PARK, shapely.Point(105, 13)], crs=4326).to_file(tmp_path / "parks.gpkg")
    gpd.GeoSeries([NEIGHBOUR], crs=4326).to_crs(32648).to_file(tmp_path / "neighbours.geojson")
    gpd.GeoSeries([LAND], crs=4326).to_file(tmp_path / "land.gpkg")
    (tmp_path / "text.geojson").write_text("no layer")
    return tmp_path


def test_files_and_the_library_agree(files):
    options = ["--region", f"{files}/land.gpkg", "--distance-m", "10000", "--distance-m", "30000", "--out",
               f"{files}/out.json"]  # fmt: skip
    done = CliRunner().invoke(app, ["protconn", f"{files}/parks.gpkg", f"{files}/neighbours.geojson", *options])
    assert done.exit_code == 0, done.output
    found = json.loads((files / "out.json").read_text())["results"]
    assert [result["distance_m"] for result in found] == [10_000, 30_000]
    expected = protconn(gpd.GeoSeries([PARK, NEIGHBOUR], crs=4326), LAND).as_dict()
    for name, value in expected.items():
        assert found[0][name] == pytest.approx(value, rel=1e-5), name
    assert found[0]["pieces beyond the border"] == 1
    assert "parks.gpkg: 1 rows are no polygons and were left out" in done.output


@pytest.mark.parametrize(("arguments", "message"), [
    pytest.param(["{0}/parks.gpkg"], "neither or both ways", id="no region"),
    pytest.param(["{0}/parks.gpkg", "--country", "XX"], "XX", id="no such country"),
    pytest.param(["{0}/text.geojson", "--country", "KH"], "text.geojson: the file is of another format", id="text"),
    pytest.param(["{0}/none.gpkg", "--country", "KH"], "none.gpkg: there is no such file", id="no file"),
    pytest.param(["{0}/parks.gpkg", "--country", "KH", "--distance-m", "0"], "not positive", id="no distance"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(files, arguments, message):
    done = CliRunner().invoke(
        app, ["protconn", *(argument.format(files) for argument in arguments), "--out", f"{files}/out.json"]
    )
    assert done.exit_code != 0
    with pytest.raises(InputError, match=message) as raised:
        raise done.exception
    assert "\n" not in str(raised.value)


def test_a_country_is_that_of_the_installations_boundary_set_and_the_result_names_it(files, monkeypatch):
    gpd.GeoDataFrame({"code": ["KH"]}, geometry=[LAND], crs=4326).to_file(files / "view.gpkg")
    facts = {"version": "2026", "source": "made here", "licence": "CC0-1.0", "viewpoint": "of a test", "band_m": 700}
    (files / "view.json").write_text(json.dumps(facts | {"country_column": "code"}))
    told = []
    for out, region in (("own.json", ["--region", f"{files}/land.gpkg"]), ("set.json", ["--country", "KH"])):
        monkeypatch.setenv("BIODATA_BOUNDARIES", str(files / "view.gpkg"))
        done = CliRunner().invoke(app, ["protconn", f"{files}/parks.gpkg", *region, "--out", f"{files}/{out}"])
        assert done.exit_code == 0, done.output
        told.append(json.loads((files / out).read_text()))
    assert told[1]["results"][0]["ProtConn"] == pytest.approx(told[0]["results"][0]["ProtConn"], rel=1e-3)
    assert "boundaries" not in told[0]
    assert told[1]["boundaries"] == {"boundary_set": "view", "boundary_version": "2026", "viewpoint": "of a test",
                                     "band_m": 700.0}  # fmt: skip
