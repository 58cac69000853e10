"""`biodata datum`: what it says of rows that it cannot read, and of points that nothing speaks against."""

from typer.testing import CliRunner

from biodata.cli import app

TABLE = "id,decimalLatitude,decimalLongitude,countryCode,stateProvince\n1,21.5,101.5,CN,Yunnan\n2,21.6\n3,22.1,101.1,CN,Yunnan\n"


def test_rows_that_cannot_be_read_and_points_that_fit_as_told_are_told(tmp_path):
    (file := tmp_path / "points.csv").write_text(TABLE)
    done = CliRunner().invoke(app, ["datum", str(file)], catch_exceptions=False)
    assert "not read: points.csv, row 3: 2 fields where the heading has 5" in done.stdout
    assert "beside the points as told: no difference" in done.stdout
