"""Headings of tables: read where they are sure, declared by a person in every source, asked for where nothing is known."""

import polars as pl
import pytest

from biodata.core.errors import InputError
from biodata.ingest import open_source


def csv(tmp_path, *lines):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path, source="gbif", **options):
    tables = list(open_source(source, [path], options=options).read())
    return tables[0], pl.concat(list(tables[0].batches))


def test_headings_of_a_plain_table_are_read_by_the_dictionary_and_the_cells(tmp_path):
    path = csv(tmp_path, "lat,lng,final_species", "18.5,103.2,Panthera tigris", "18.6,103.3,Elephas maximus")
    table, frame = read(path)
    assert frame.columns[2:] == ["decimalLatitude", "decimalLongitude", "scientificName"]
    read_as, missing = table.notes
    assert "lat as decimalLatitude, lng as decimalLongitude, final_species as scientificName" in read_as
    assert "holds a date" in missing


def test_headings_that_are_terms_are_never_read_otherwise(tmp_path):
    _, frame = read(csv(tmp_path, "species,decimalLatitude,decimalLongitude,eventDate,lat", "Bos gaurus,1,2,2020,9"))
    assert frame.columns[2:] == ["species", "decimalLatitude", "decimalLongitude", "eventDate", "lat"]


def test_a_table_of_which_nothing_is_recognised_stops_and_says_what_to_type(tmp_path):
    path = csv(tmp_path, "A thing,POINT_X,POINT_Y,remark", "Panthera tigris,103.2,18.5,x", "Bos gaurus,103.2,18.5,y")
    with pytest.raises(InputError, match="no heading says which column") as caught:
        read(path)
    assert caught.value.code == "HEADING_UNKNOWN"
    for text in (
        "A thing, POINT_X, POINT_Y, remark",
        "--option 'heading.A thing=scientificName'",
        "--option heading.POINT_Y=decimalLatitude --option heading.POINT_X=decimalLongitude",
        "--option heading.HEADING=eventDate",
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize("option", [("foo", "scientificName"), ("scientificName", "foo")])
def test_a_declared_heading_wins_over_the_one_that_has_the_name(tmp_path, option):
    path = csv(tmp_path, "foo,scientificName,lat,lon", "Bos gaurus,gaur,1,2")
    _, frame = read(path, **{f"heading.{option[0]}": option[1], "heading.lat": ""})
    assert frame.columns[2:] == ["scientificName", "scientificName_", "lat", "decimalLongitude"]
    assert frame["scientificName"].to_list() == ["Bos gaurus"]


def test_a_declared_heading_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="column fo: there is no such heading; the headings are foo, lat"):
        read(csv(tmp_path, "foo,lat", "a,1"), **{"heading.fo": "scientificName"})


def test_sources_of_tables_take_declared_headings(tmp_path):
    names = csv(tmp_path, "Nama,rank", "Bos gaurus,species")
    _, taxa = read(names, "checklist", **{"heading.Nama": "scientificName"})
    assert taxa["scientificName"].to_list() == ["Bos gaurus"]
    sites = csv(tmp_path, "Kawasan,lat,lon", "Nam Ha,21,101")
    with pytest.raises(InputError, match=r"--option heading\.HEADING=NAME"):
        read(sites, "protected-areas")
    _, areas = read(sites, "protected-areas", **{"heading.Kawasan": "NAME"})
    assert areas["NAME"].to_list() == ["Nam Ha"]


@pytest.mark.parametrize("source", ["layer", "smart"])
def test_sources_without_tables_refuse_them(tmp_path, source):
    with pytest.raises(InputError, match=r"no option 'heading\.a'"):
        open_source(source, [csv(tmp_path, "a")], options={"heading.a": "b"})
