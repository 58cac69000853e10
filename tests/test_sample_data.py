"""The synthetic sample data: as much of it as is promised, sound rows as they are told, and made again the same."""

import re
import zipfile

import numpy as np
import polars as pl
import pytest

from biodata.places import locate
from sample_columns import ARCHIVE, GBIF, MEMBERS, RANKS

pytest_plugins = ("sample_files",)


def test_no_file_is_large(sample_data):
    sizes = {file.name: file.stat().st_size for file in sample_data.rglob("*") if file.is_file()}
    assert max(sizes.values()) < 5_000_000
    assert sum(sizes.values()) < 12_000_000


def test_there_are_twenty_thousand_records_of_some_sixty_species_in_several_datasets(files, sound):
    assert files[GBIF].height + files[ARCHIVE].height > 20_000
    assert 60 <= sound["species"].drop_nulls().n_unique() <= 75
    assert files[GBIF]["datasetKey"].drop_nulls().n_unique() == 8


def test_the_big_file_has_gbifs_fifty_columns(files, recipe):
    assert tuple(files[GBIF].columns[1:]) == recipe.gbif.COLUMNS
    assert len(recipe.gbif.COLUMNS) == 50


@pytest.mark.parametrize(
    "side", [("CN", "LA"), ("CN", "VN"), ("CN", "MM"), ("LA", "VN"), ("KH", "LA"), ("KH", "VN")], ids="-".join
)
def test_species_are_recorded_on_both_sides_of_each_border(sound, side):
    near = sound.filter(pl.col("countryCode").is_in(side)).with_columns(
        name=pl.coalesce("species", "scientificName"),
    )
    shared = near.group_by("name").agg(pl.col("countryCode").n_unique()).filter(pl.col("countryCode") == 2)
    assert shared.height >= 10


_PARTS = pl.date(pl.col("year").cast(pl.Int32), pl.col("month").cast(pl.Int32), pl.col("day").cast(pl.Int32))
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


def test_sound_rows_lie_in_the_region(sound):
    assert sound["decimalLatitude"].is_between(12, 29).all()
    assert sound["decimalLongitude"].is_between(96.5, 109).all()


def test_names_and_classification_are_those_of_the_checklist(sound, checklist):
    accepted = checklist.filter(taxonomicStatus="ACCEPTED").select(pl.col("scientificName").alias("species"), *RANKS)
    told = sound.with_columns(species=pl.coalesce("species", "scientificName")).select("species", *RANKS).unique()
    assert told.join(accepted, on=["species", *RANKS], how="anti").is_empty()
    names = checklist.select(
        name=pl.col("scientificName"),
        full=pl.concat_str("scientificName", "scientificNameAuthorship", separator=" "),
    )
    assert set(sound.filter(file=GBIF)["scientificName"]) <= set(names["full"])
    assert set(sound.filter(file=GBIF)["verbatimScientificName"]) <= set(names["name"])


def test_only_teams_and_numbered_observers_are_named(files):
    for frame in files.values():
        names = frame["recordedBy"].drop_nulls()
        assert names.str.contains(r"^(Survey team|Observer) \d+$").all()


def test_gibbons_and_elephants_stand_on_both_sides_of_the_china_laos_border(sound):
    south = sound.filter(pl.col("decimalLatitude").is_between(20, 22.5), pl.col("decimalLongitude") < 103)
    for family in ("Hylobatidae", "Elephantidae"):
        assert {"CN", "LA"} <= set(south.filter(family=family)["countryCode"])


def test_dates_are_as_exact_as_their_kind_of_record(sound):
    specimens = sound.filter(pl.col("basisOfRecord") == "PRESERVED_SPECIMEN")
    lengths = specimens["eventDate"].str.len_chars()
    assert set(lengths) == {4, 7, 10}
    parts = sound.filter(pl.col("day").is_not_null())
    assert (parts["eventDate"].str.slice(0, 10).str.to_date() == parts.select(_PARTS).to_series()).all()


def test_what_comes_from_tables_alone_is_made_again_byte_for_byte(sample_data, recipe, tmp_path):
    recipe.lists.make(tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (sample_data / file.name).read_bytes(), file.name


def test_two_runs_give_the_same_bytes(recipe, tmp_path):
    for run in ("one", "two"):
        for subject in (recipe.area_files, recipe.lists, recipe.workbooks, recipe.camtrap, recipe.machine_forms):
            (tmp_path / run).mkdir(exist_ok=True)
            subject.make(tmp_path / run)
    made = {file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*") if file.is_file()}
    assert len(made) == 21
    for name in made:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_a_dataset_is_drawn_again_the_same_and_as_it_stands_in_the_file(recipe, files):
    again = recipe.records.clean("partner")
    assert again.equals(recipe.records.clean("partner"))
    key = recipe.records.dataset_key("partner")
    told = files[GBIF].filter(pl.col("datasetKey") == key, pl.col("occurrenceID").is_not_null())
    names = dict(told.select("occurrenceID", "species").iter_rows())
    same = [names.get(f"urn:biodata-sample:partner:{n:05d}") == s for n, s in enumerate(again["species"], start=1)]
    assert np.mean(same) > 0.95


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
