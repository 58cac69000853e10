"""Sites of two lists that seem to be one: proposed with the reason, joined by nobody."""

import polars as pl
import pytest

from area_frames import box, frame
from biodata.harmonise.area_twins import NAME_ALONE, SAME_GROUND, SAME_ID, SAME_NAME, twins
from biodata.pipeline.gap_analysis import read_sites


def pairs(tmp_path, first, second):
    for name, rows in (("one", first), ("two", second)):
        frame(*rows).to_file(tmp_path / f"{name}.gpkg", engine="pyogrio")
    areas = read_sites([tmp_path / "one.gpkg", tmp_path / "two.gpkg"])
    return areas, twins(areas)


def site(x, width=0.1, **told):
    return box(x, 0, width), {"SITE_ID": None, "SITE_PID": None, "WDPAID": None} | told


@pytest.mark.parametrize(("first", "second", "reason"), [
    pytest.param(site(0, NAME_ENG="Virachey"), site(0.01, NAME_ENG="Virachey National Park"), SAME_NAME, id="name"),
    pytest.param(site(0, NAME_ENG="Pù Mát"), site(0.01, NAME_ENG="Pu Mat"), SAME_NAME, id="accents"),
    pytest.param(site(0, NAME_ENG="Bokor"), site(0.005, NAME_ENG="Preah Monivong"), SAME_GROUND, id="ground"),
    pytest.param(site(0, SITE_ID="7"), site(0.5, SITE_ID="7"), SAME_ID, id="number"),
    pytest.param(site(0, NAME_ENG="Nam Ha"), site(0.08, NAME_ENG="Nam Ha"), None, id="neighbours of one name"),
    pytest.param(site(0, NAME_ENG="Bokor"), site(0.03, NAME_ENG="Kirirom"), None, id="overlap of other names"),
    pytest.param(site(0, NAME_ENG="Nature Reserve"), site(0.5, NAME_ENG="Nature Reserve"), None,
                 id="no name of its own"),
    pytest.param(site(0, NAME_ENG="Bokor"), (None, site(0, NAME_ENG="Bokor National Park")[1]), NAME_ALONE,
                 id="no map"),
    pytest.param(site(0, NAME_ENG="Bokor"), (None, site(0, NAME_ENG="Bokor", ISO3="VNM")[1]), None,
                 id="another country"),
])  # fmt: skip
def test_sites_of_two_lists(tmp_path, first, second, reason):
    areas, found = pairs(tmp_path, [first], [second])
    assert found["reason"].to_list() == ([reason] if reason else [])
    in_two = areas["quality_flags"].list.contains("SITE_IN_TWO_LISTS")
    assert in_two.to_list() == [reason is not None] * 2
    if reason == SAME_NAME:
        assert 0.7 < found["shared_ground"][0] < 0.9
    if reason == NAME_ALONE:
        assert found["shared_ground"][0] is None


def test_sites_of_one_list_are_no_pair(tmp_path):
    frame(site(0, NAME_ENG="Bokor"), site(0, NAME_ENG="Bokor")).to_file(tmp_path / "one.gpkg", engine="pyogrio")
    assert twins(read_sites([tmp_path / "one.gpkg"])).is_empty()


def test_parts_of_a_site_are_taken_together(tmp_path):
    parts = [
        (box(0, 0, 0.05), {"SITE_ID": "1", "SITE_PID": "1_A", "NAME_ENG": "Bokor"}),
        (box(0.05, 0, 0.05), {"SITE_ID": "1", "SITE_PID": "1_B", "NAME_ENG": "Bokor"}),
    ]
    areas, found = pairs(tmp_path, parts, [site(0, NAME_ENG="Bokor", WDPAID="99")])
    assert found.select("reason", "shared_ground").rows() == [(SAME_NAME, pytest.approx(1.0, abs=1e-3))]
    assert areas["quality_flags"].list.contains("SITE_IN_TWO_LISTS").all()
    assert isinstance(found, pl.DataFrame)
