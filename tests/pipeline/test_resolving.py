"""Names resolved again: a checklist that comes after the records changes them as one that came before."""

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store.lake import Lake

RECORDS = """id,scientificName,class,decimalLatitude,decimalLongitude,eventDate,basisOfRecord
1,Bos gaurus,,14.5,101.5,2020-01-01,HUMAN_OBSERVATION
2,Dicaeidae sp.,,14.6,101.6,2020-01-02,HUMAN_OBSERVATION
3,Novum nomen,,14.7,101.7,2020-01-03,HUMAN_OBSERVATION
4,Xylo falsus Nobody 1900,,14.7,101.7,2020-01-03,HUMAN_OBSERVATION
5,Xylo falsus Nobody 1900,Aves,14.7,101.7,2020-01-04,HUMAN_OBSERVATION
6,,,14.7,101.7,2020-01-04,HUMAN_OBSERVATION
"""
CHECKLIST = """taxonID,scientificName,acceptedNameUsage,kingdom,phylum,class,order,family,taxonRank
n1,Novum nomen,,Animalia,Chordata,Mammalia,Sirenia,Dugongidae,species
n2,Xylo falsus,Novum nomen,Animalia,,,,,species
"""


STATED = {"title": "Made for a test", "license": "CC0"}


@pytest.fixture
def files(tmp_path):
    for name, text in {"records.csv": RECORDS, "list.csv": CHECKLIST}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def take_in(files, data, *order, **more):
    settings, reports = Settings(data=files / data), []
    for source, name, dataset in order:
        reports += pipeline.ingest(source, [files / name], settings, dataset=dataset, options=STATED, **more)
    return settings, reports


def rows(settings):
    with Lake.open(settings.data) as lake:
        return lake.read("occurrences").drop("key").sort("source_record_id")


RECORDS_IN, LIST_IN = ("gbif", "records.csv", "r"), ("checklist", "list.csv", "mine")


def test_the_order_of_records_and_checklist_does_not_matter(files):
    after, (*_, report) = take_in(files, "after", RECORDS_IN, LIST_IN)
    before, _ = take_in(files, "before", LIST_IN, RECORDS_IN)
    assert report.notes == ["3 records changed (3 names)"]
    assert rows(after).equals(rows(before))
    found = rows(after)
    assert found["order"].to_list() == ["Artiodactyla", "Passeriformes", "Sirenia", "Sirenia", "Sirenia", None]
    assert found["species"].to_list()[2:5] == ["Novum nomen"] * 3
    # Doubts about the place follow the taxon: a sea cow on land.
    assert ["MARINE_TAXON_ON_LAND" in flags for flags in found["quality_flags"]][2:5] == [True, True, True]
    assert "TAXON_CLASSIFICATION_CONTRADICTED" in found["quality_flags"][4]


def test_the_same_checklist_again_changes_nothing_and_a_smaller_one_takes_back(files):
    settings, _ = take_in(files, "data", RECORDS_IN)
    first = rows(settings)
    _, (again,) = take_in(files, "data", LIST_IN)
    _, (same,) = take_in(files, "data", LIST_IN)
    assert (again.notes, same.notes) == (["3 records changed (3 names)"], [])
    (files / "list.csv").write_text(
        CHECKLIST.splitlines()[0] + "\nx,Aliud nomen,,Animalia,,,,,species\n", encoding="utf-8"
    )
    take_in(files, "data", LIST_IN)
    assert rows(settings).equals(first)


def test_a_dry_run_counts_and_changes_nothing(files):
    settings, _ = take_in(files, "data", RECORDS_IN)
    before = rows(settings)
    _, (report,) = take_in(files, "data", LIST_IN, dry_run=True)
    assert report.notes == ["3 records changed (3 names)"]
    assert rows(settings).equals(before)


def test_numbers_and_verbatim_rows_of_records_stay(files):
    settings, _ = take_in(files, "data", RECORDS_IN)
    with Lake.open(settings.data) as lake:
        keys, verbatim = lake.read("occurrences", columns=["key"]), lake.read("verbatim")
    take_in(files, "data", LIST_IN)
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences", columns=["key"]).sort("key").equals(keys.sort("key"))
        assert lake.read("verbatim").sort("key").equals(verbatim.sort("key"))
        found = pl.Series(lake.snapshots()["message"]).to_list()[-1]
        assert found == "names resolved again: 3 records changed (3 names)"
