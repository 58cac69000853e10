"""The synthetic sample data: as much of it as is promised, sound rows as they are told, and made again the same."""

import re
import zipfile

import polars as pl

from biodata.places import locate
from sample_columns import MEMBERS

pytest_plugins = ("sample_files",)


def test_no_file_is_large(sample_data):
    sizes = {file.name: file.stat().st_size for file in sample_data.rglob("*") if file.is_file()}
    assert max(sizes.values()) < 5_000_000
    assert sum(sizes.values()) < 12_000_000


_KNOWN_COUNTRIES = ["CN", "LA", "VN", "KH", "MM", "TH"]


def test_sound_rows_lie_in_the_country_and_province_that_they_state(sound, boundaries):
    found = locate(sound["decimalLongitude"].to_numpy(), sound["decimalLatitude"].to_numpy(), boundaries)
    assert (found["located_country_code"] == sound["countryCode"]).all()
    assert set(found["located_country_code"]) == set(_KNOWN_COUNTRIES)
    provinces = sound.with_columns(code=found["province_code"]).group_by("stateProvince").agg(pl.col("code").unique())
    assert provinces.filter(pl.col("code").list.len() > 1).is_empty()
    assert sound["stateProvince"].null_count() == 0


def test_the_border_band_is_listed(sound, planted, boundaries):
    found = locate(sound["decimalLongitude"].to_numpy(), sound["decimalLatitude"].to_numpy(), boundaries)
    inside = sound.filter(found["ambiguous"])
    for file in MEMBERS:
        listed = next(e["lines"] for e in planted if (e["file"], e["fault"]) == (file, "border_band"))
        assert inside.filter(file=file)["line"].to_list() == listed


def test_only_teams_and_numbered_observers_are_named(files):
    for frame in files.values():
        names = frame["recordedBy"].drop_nulls()
        assert names.str.contains(r"^(Survey team|Observer) \d+$").all()


def test_what_comes_from_tables_alone_is_made_again_byte_for_byte(sample_data, recipe, tmp_path):
    recipe.lists.make(tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (sample_data / file.name).read_bytes(), file.name


def test_no_member_of_an_archive_carries_the_time_of_its_making(sample_data):
    for file in (*sample_data.glob("*.zip"), *sample_data.glob("*.xlsx")):
        with zipfile.ZipFile(file) as archive:
            assert {member.date_time for member in archive.infolist()} == {(2026, 11, 24, 0, 0, 0)}


def test_no_host_but_those_of_standards_and_licences_is_named(sample_data):
    allowed = {"rs.tdwg.org", "purl.org", "creativecommons.org", "eml.ecoinformatics.org", "sample.invalid"}
    allowed |= {"raw.githubusercontent.com", "www.smartconservationsoftware.org"}
    for file in sample_data.rglob("*"):
        # The scripts of what ships in the package name the sources of its facts.
        if "bundled" not in file.parts and file.suffix in {".csv", ".json", ".geojson", ".md", ".py"}:
            hosts = set(re.findall(r"https?://([^/\"'\s)]+)", file.read_text()))
            assert hosts <= allowed, file.name
