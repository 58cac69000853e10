"""A second boundary set and viewpoint: read from a file, named in every output, different near the line alone."""

import json

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely
from typer.testing import CliRunner

from area_frames import frame
from biodata.analysis import evidence
from biodata.analysis.gaps.features import provinces
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.places import load_boundaries, locate, province_geometry
from biodata.places.boundaries import read_boundaries
from evidence_rows import JUDGING, records
from landscapes import halves, local

FACTS = {"name": "survey office", "version": "2020", "source": "made", "licence": "CC0", "viewpoint": "one side's",
         "band_m": 500, "country_column": "iso"}  # fmt: skip


def write(folder, line_m: float = 2000.0, **changes) -> str:
    """Write two countries that meet so many metres east of where `halves` has its line, with a disputed strip north."""
    west = local(shapely.box(-200_000, -200_000, line_m, 100_000))
    east = local(shapely.box(line_m, -200_000, 200_000, 100_000))
    north = local(shapely.box(-200_000, 100_000, 200_000, 200_000))
    table = gpd.GeoDataFrame({"iso": ["LA", "VN", None]}, geometry=[west, east, north], crs=4326)
    table.to_file(folder / "office.gpkg")
    (folder / "office.json").write_text(json.dumps(FACTS | changes), encoding="utf-8")
    return str(folder / "office.gpkg")


def test_the_answers_near_the_line_change_as_line_and_band_say_and_name_their_set(tmp_path):
    second, first = load_boundaries(write(tmp_path)), halves()
    xs = [-9000.0, -1000.0, 50.0, 1000.0, 1700.0, 2300.0, 3000.0, 9000.0]
    rows = records(*({"x": x} for x in xs))
    one, two = (evidence.counted(rows, boundaries=b, parameters=JUDGING) for b in (first, second))
    assert one.records["side"].to_list() == ["LA", "LA", None, "VN", "VN", "VN", "VN", "VN"]
    assert two.records["side"].to_list() == ["LA", "LA", "LA", "LA", None, None, "VN", "VN"]
    assert (one.facts["boundary_set"], one.facts["viewpoint"], one.facts["band_m"]) == ("toy", "nobody's", 100.0)
    assert (two.facts["boundary_set"], two.facts["viewpoint"], two.facts["band_m"]) == (
        "survey office", "one side's", 500.0,
    )  # fmt: skip
    shared = [evidence.two_sided(c.records[[1, 3]], [("LA",), ("VN",)]).shared for c in (one, two)]
    assert shared == [["Nomascus nasutus"], []], "the same two records are two-sided on one set alone"


def test_ground_without_a_code_is_nobodys(tmp_path):
    boundaries = load_boundaries(write(tmp_path))
    found = evidence.counted(records({"y": 150_000.0}), boundaries=boundaries, parameters=JUDGING)
    assert found.records["side"].to_list() == [None]


def test_an_installation_takes_a_set_by_its_path(tmp_path):
    settings = Settings(data=tmp_path / "data", boundaries=write(tmp_path))
    assert load_boundaries(settings.boundaries).viewpoint == "one side's"


@pytest.mark.parametrize(("changes", "told"), [
    pytest.param({"viewpoint": ""}, "viewpoint", id="nobody's view"),
    pytest.param({"band_m": None}, "band", id="no band"),
    pytest.param({"country_column": "code"}, "code", id="no such column"),
])  # fmt: skip
def test_a_set_that_does_not_tell_what_it_is_is_refused(tmp_path, changes, told):
    with pytest.raises(InputError, match=told):
        load_boundaries(write(tmp_path, **changes))


def test_a_set_without_its_facts_is_refused(tmp_path):
    path = write(tmp_path)
    (tmp_path / "office.json").unlink()
    with pytest.raises(InputError, match=r"office\.json"):
        load_boundaries(path)


def test_a_real_set_agrees_with_the_bundled_one_away_from_the_line(shared, tmp_path):
    source = shared / "data" / "boundaries_ne10m_admin0" / "ne_10m_admin0_region.gpkg"
    (tmp_path / "ne10m.gpkg").write_bytes(source.read_bytes())
    facts = FACTS | {"country_column": "ISO_A2_EH", "name_column": "ADMIN", "name": "ne10m"}
    (tmp_path / "ne10m.json").write_text(json.dumps(facts), encoding="utf-8")
    second, first = load_boundaries(str(tmp_path / "ne10m.gpkg")), load_boundaries()
    rng = np.random.default_rng(4)
    longitude, latitude = rng.uniform(97, 108, 20_000), rng.uniform(10, 25, 20_000)
    one, two = (locate(longitude, latitude, b) for b in (first, second))
    differ = one["located_country_code"].ne_missing(two["located_country_code"])
    assert 0 < differ.sum() < 200
    land = differ & one["located_country_code"].is_not_null() & two["located_country_code"].is_not_null()
    assert one.filter(land)["ambiguous"].all(), "inside the band of the coarser set"
    assert pl.Series(one["ambiguous"]).sum() > two["ambiguous"].sum(), "the narrower band is less often unsure"


def write_divided(folder, **changes) -> str:
    """Write two countries of two divisions each, one of them in two features."""
    squares = {"LA-LM": [(101, 20)], "LA-PH": [(101, 21)], "CN-YN": [(101, 22), (102, 22)], "CN-GX": [(103, 22)]}
    rows = [(code[:2], code, shapely.box(x, y, x + 1, y + 1)) for code, at in squares.items() for x, y in at]
    iso, division, shapes = zip(*rows, strict=True)
    gpd.GeoDataFrame({"iso": iso, "division": division}, geometry=list(shapes), crs=4326).to_file(
        folder / "office.gpkg"
    )
    facts = FACTS | {"province_column": "division"} | changes
    (folder / "office.json").write_text(json.dumps(facts), encoding="utf-8")
    return str(folder / "office.gpkg")


def test_a_set_may_tell_divisions(tmp_path):
    boundaries = load_boundaries(write_divided(tmp_path))
    assert boundaries.units["province_code"].to_list() == ["LA-LM", "LA-PH", "CN-YN", "CN-GX"]
    assert set(boundaries.units["level"]) == {"province"}
    assert province_geometry("CN-YN", boundaries).bounds == (101, 22, 103, 23)
    assert provinces(["LA", "CN"], boundaries).names == ["CN-GX CN", "CN-YN CN", "LA-LM LA", "LA-PH LA"]
    found = locate(np.array([101.5, 102.5]), np.array([21.5, 22.5]), boundaries)
    assert found["province_code"].to_list() == ["LA-PH", "CN-YN"]


def test_a_division_of_another_country_is_refused(tmp_path):
    write_divided(tmp_path)
    table = gpd.read_file(tmp_path / "office.gpkg")
    table.loc[2, "division"] = "VN-01"
    table.to_file(tmp_path / "office.gpkg")
    with pytest.raises(InputError, match=r"row 3.*VN-01.*CN-"):
        read_boundaries(tmp_path / "office.gpkg")


def command(*told):
    done = CliRunner().invoke(app, [str(part) for part in told])
    assert done.exit_code == 0, done.output
    return done.stdout


TABLE = "dataID,decimalLatitude,decimalLongitude,country,countryCode,stateProvince\na,20.5,101.5,China,CN,Yunnan\n"


def test_every_command_takes_the_set_and_names_it(tmp_path, monkeypatch):
    """The point lies in Laos on this set and on the bundled one; the square of Yunnan is nearer on this one."""
    monkeypatch.setenv("BIODATA_BOUNDARIES", write_divided(tmp_path))
    (table := tmp_path / "table.csv").write_text(TABLE)
    told = command("datum", table, "--out", tmp_path / "datum.csv", "--json")
    assert json.loads(told)["viewpoint"] == "one side's"
    assert set(pl.read_csv(tmp_path / "datum.csv")["boundary_set"]) == {"survey office"}
    told = command("quality", "run", table, "--report", tmp_path / "q.json")
    assert "boundary set survey office (2020)" in told
    assert json.loads((tmp_path / "q.json").read_text())["boundary_set"] == "survey office"
    command("parse", "province", table, "--out", tmp_path / "parsed.csv")
    row = pl.read_csv(tmp_path / "parsed.csv").row(0, named=True)
    assert (row["parsed"], row["boundary_set"]) == ("CN-YN", "survey office")


def test_names_of_divisions_are_known_where_a_set_has_no_divisions(tmp_path, monkeypatch):
    monkeypatch.setenv("BIODATA_BOUNDARIES", write(tmp_path))
    (table := tmp_path / "table.csv").write_text(TABLE)
    command("parse", "province", table, "--out", tmp_path / "parsed.csv")
    row = pl.read_csv(tmp_path / "parsed.csv").row(0, named=True)
    assert (row["parsed"], row["name"], row["boundary_set"]) == ("CN-YN", "Yunnan", "survey office")


def test_gaps_are_those_of_the_set(tmp_path, monkeypatch):
    monkeypatch.setenv("BIODATA_BOUNDARIES", write_divided(tmp_path))
    frame((shapely.box(101, 21.5, 102, 22), {})).to_file(tmp_path / "areas.gpkg")
    told = ("--as-of", "2026-01-01", "--provinces", "--out", tmp_path / "out")
    said = command("gaps", tmp_path / "areas.gpkg", "--country", "LA", *told)
    assert "boundary set survey office (2020), band 500 m" in said
    table = pl.read_csv(tmp_path / "out" / "coverage.csv").filter(realm="terrestrial")
    shares = dict(table.select("place", "share").iter_rows())
    assert shares["LA-PH LA"] == pytest.approx(0.5, abs=0.01)
    assert shares["LA"] == pytest.approx(0.25, abs=0.01)
    (tmp_path / "plain").mkdir()
    monkeypatch.setenv("BIODATA_BOUNDARIES", write(tmp_path / "plain"))
    done = CliRunner().invoke(app, ["gaps", str(tmp_path / "areas.gpkg"), "--country", "LA", *map(str, told)])
    assert "has no provinces" in str(done.exception)
