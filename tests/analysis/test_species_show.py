"""What `biodata species show` says of a name."""

import json

import pytest
from typer.testing import CliRunner

from biodata import pipeline
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings

CHECKLIST = """taxonID,scientificName,scientificNameAuthorship,acceptedNameUsage,kingdom,vernacular_lo
g1,Bos gaurus,"C.H.Smith, 1827",,Animalia,ກະທິງ
g2,Bos gour,,Bos gaurus,Animalia,
"""


@pytest.fixture
def data(tmp_path):
    (tmp_path / "list.csv").write_text(CHECKLIST, encoding="utf-8")
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("checklist", [tmp_path / "list.csv"], settings, dataset="cattle", options={"version": "2026"})
    return settings.data


def show(data, name, *more):
    return CliRunner().invoke(app, ["species", "show", name, "--data", str(data), *more], catch_exceptions=False)


def test_a_name_of_a_checklist(data):
    found = json.loads(show(data, "Bos gour", "--json").stdout)
    assert (found["status"], found["accepted_name"], found["rank"]) == (
        "SYNONYM", "Bos gaurus C.H.Smith, 1827", "SPECIES",
    )  # fmt: skip
    assert found["classification"]["order"] == "Artiodactyla"
    assert (found["source"], found["since"], found["taxon_id"]) == ("cattle 2026", "2026", "g1")
    assert {"Bos gour", "Bibos gaurus"} <= set(found["synonyms"])
    assert {"name": "ກະທິງ", "language": "lo"} in found["common_names"]
    assert found["rules"]


def test_a_name_of_the_reference_list_alone(data):
    lines = show(data, "Pinus yunnanensis Franch.").stdout.splitlines()
    assert lines[0] == "Pinus yunnanensis: accepted name, species"
    assert "class Pinopsida" in lines[1]
    assert "biodata reference list" in lines[2]


def test_a_name_of_two_kingdoms_asks_which(data):
    with pytest.raises(InputError, match="several taxa"):
        show(data, "Prunella")
    assert "family Prunellidae" in show(data, "Prunella", "--kingdom", "Animalia").stdout


def test_an_unknown_name_is_said_to_be_so(data):
    with pytest.raises(InputError, match="no list has this name"):
        show(data, "Qwertyus asdfgus")


def test_a_misspelt_name_is_answered_with_what_may_be_meant(data):
    with pytest.raises(InputError, match="Panthera tigris, if that is meant"):
        show(data, "Panthera tigirs")


def test_where_a_name_is_from_is_said_of_that_name_not_of_the_accepted_one(data):
    lines = show(data, "Kittacincla malabarica").stdout.splitlines()
    assert lines[0] == "Kittacincla malabarica: synonym of Copsychus malabaricus, species"
    assert any(line.endswith("biodata, by hand") for line in lines)
