"""The public counts of sensitive records are those of the release; withheld ones are told by list, in tens."""

import csv

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing.rules import Rule
from biodata.store.rules_in_force import BOUND, list_of
from rule_files import put_rules

pytestmark = pytest.mark.usefixtures("few_boundaries")
RULES = """rule_id,category,reason,source,scientificName,country_code
gibbon,0_1_degree,hunted,national list,Nomascus nasutus,
monkey,withheld,hunted,national list,Rhinopithecus strykeri,
pheasant,withheld,hunted,list of a reserve,Tragopan temminckii,CN
"""
SPECIES = {"Nomascus nasutus": 3, "Rhinopithecus strykeri": 23, "Tragopan temminckii": 4, "Muntiacus muntjak": 5}


def take_in(settings, name, counts):
    path = settings.data.parent / f"{name}.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow("occurrenceID scientificName decimalLatitude decimalLongitude eventDate".split())
        for species, count in counts.items():
            for n in range(count):
                writer.writerow(
                    [f"{name}-{species}-{n}", species, f"{25.5 + n / 50:.4f}", "102.5513", f"2024-03-{n % 28 + 1:02d}"]
                )
    pipeline.ingest("gbif", [path], settings, dataset=name)
    return pipeline.release(settings)


def asked(settings):
    with TestClient(create_app(settings), base_url="http://test") as client:
        answer = client.get("/v1/audit/sensitivity")
        assert answer.status_code == 200
        assert client.get("/v1/audit/sensitivity?country=CN").status_code == 400
        return answer.json()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = Settings(data=tmp_path_factory.mktemp("sensitivity") / "data", memory_limit="500MB")
    made.data.mkdir()
    put_rules(made.data, RULES)
    return made


def test_counts_by_list(settings):
    release = take_in(settings, "first", SPECIES)
    told = asked(settings)
    assert told["release"] == release.id
    gibbon = {"list": "national list", "category": "0_1_degree", "country": "CN", "records": 1}
    assert told["shown"] == [gibbon], "a presence, which stands for three records"
    assert told["withheld"] == [
        {"list": "national list", "at_least": 20},
        {"list": BOUND, "at_least": 0},
    ], "four records of a reserve's list are not told by that list, nor counted"
    # What is added counts with what was there.
    take_in(settings, "second", {"Rhinopithecus strykeri": 8, "Nomascus nasutus": 1})
    told = asked(settings)
    assert told["withheld"][0] == {"list": "national list", "at_least": 30}
    assert told["shown"][0]["records"] == 2


@pytest.mark.parametrize(
    "bound", [{"country_code": "CN"}, {"province_code": "CN-YN"}, {"dataset": "d"}], ids=lambda b: next(iter(b))
)
def test_a_list_that_could_tell_a_place_is_not_named(bound):
    assert list_of(Rule("a", SharingCategory.WITHHELD, "hunted", source="Nam Ha", **bound)) == BOUND
    assert list_of(Rule("a", SharingCategory.WITHHELD, "hunted", source="red list")) == "red list"
