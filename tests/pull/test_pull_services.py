import json
import os
from functools import partial

import polars as pl
import pytest

import commands
import stub_gbif
from biodata import lists
from biodata.ingest.http import Client
from biodata.pull.kept import Folder
from biodata.pull.protected_planet import TERMS
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.verify import verify
from stub_gbif import ACCOUNT, BUSY, HALF, MAINTENANCE, TOO_MANY, Fault
from stub_services import ALIENS, JOB, LAOS, SEA, archive, furnish, seen, sites

SOURCES = {
    "alien": (("--country", "LA"), "/dataset/search"),
    "protected-areas": (("--country", "Laos"), "/pp/protected_areas/search"),
    "checklist": (("2144",), "/clb/dataset/2144"),
    "red-list": (("--country", "LA"), "/iucn/countries/LA"),
    "obis": (("--taxon", "Dugongidae", "--since", "1990"), "/obis/occurrence"),
    "inaturalist": (("--country", "LA", "--taxon", "Primates"), "/inat/observations"),
}


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setattr("biodata.pull.service.Client", partial(Client, sleep=lambda _: None))
    with stub_gbif.running() as server:
        for name, value in furnish(server).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def pull(stub, data):
    def pull(source, *words):
        return commands.run("pull", source, *words, "--data", data)

    return pull


def table(data, name):
    with Lake.open(data) as lake:
        return lake.read(name)


def datasets(data):
    with Registry.open(Settings(data=data)) as registry:
        return {row["key"]: row for row in registry.datasets().iter_rows(named=True)}


@pytest.mark.parametrize("source", SOURCES)
def test_an_estimate_counts_and_changes_nothing(pull, data, source):
    done = pull(source, *SOURCES[source][0], "--estimate")
    assert done.returncode == 0, done.stderr
    assert "licence: " in done.stdout
    told = json.loads(pull(source, *SOURCES[source][0], "--estimate", "--json").stdout)
    assert max(told["counts"].values()) in {3, 7}
    assert not data.exists()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (TOO_MANY, "Too many requests"),
        (BUSY, "503"),
        (MAINTENANCE, "text/html instead of JSON"),
        (HALF, "did not answer whole"),
        (Fault(200, body=b'{"data": []}'), "of another shape"),
        (Fault(200, body=b"[]"), "of another shape"),
    ],
    ids=["429", "503", "HTML", "half", "another schema", "a list"],
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_fault_is_one_line_and_changes_nothing(stub, pull, data, source, fault, said):
    words, route = SOURCES[source]
    stub.fail(route, *[fault] * 6)
    done = pull(source, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].startswith("biodata: ")
    assert not (data / "lake").exists()
    assert list(data.glob("pulls/*/page-*")) == []


@pytest.mark.parametrize(
    ("source", "variable"), [("protected-areas", "PROTECTED_PLANET_TOKEN"), ("red-list", "IUCN_TOKEN")]
)
def test_a_token_that_is_missing_or_wrong(pull, data, monkeypatch, source, variable):
    monkeypatch.setenv(variable, "wr0ng")
    done = pull(source, "--country", "LA")
    assert (done.returncode, "does not take the token in " + variable in done.stderr) == (1, True)
    assert "wr0ng" not in done.stderr
    monkeypatch.delenv(variable)
    done = pull(source, "--country", "LA")
    assert done.returncode == 1
    assert f"{variable} in the environment; https://" in done.stderr
    assert "biodata ingest" in done.stderr
    assert not (data / "lake").exists()


def test_alien_lists_keep_country_means_and_invasiveness(stub, pull, data):
    done = pull("alien", "--country", "LA")
    assert done.returncode == 0, done.stderr
    taxa = table(data, "taxa").sort("taxon_id")
    assert taxa["checklist"].unique().to_list() == [LAOS]
    kept = [json.loads(text) for text in taxa["verbatim"]]
    distribution = [one["Distribution"][0] for one in kept]
    profile = [one["SpeciesProfile"][0] for one in kept]
    assert {(one["countryCode"], one["establishmentMeans"]) for one in distribution} == {("LA", "Alien")}
    assert [one.get("isInvasive") or "" for one in profile] == [invasive for *_, invasive in ALIENS]
    assert datasets(data)[LAOS]["license"] == "CC_BY_4_0"
    assert verify(Settings(data=data)).faults == []
    # As it was: asked by its ETag, and not taken again.
    assert "nothing has changed" in pull("alien", "--country", "LA").stdout
    # A second version: what changed is told.
    stub.zips["griis.zip"] = archive([*ALIENS[:2], ("4", "Leucaena leucocephala (Lam.) de Wit", "Plantae", "invasive")])
    assert "1 new" in pull("alien", "--country", "LA").stdout
    assert table(data, "taxa").height == 3


def test_a_list_that_is_broken_is_fetched_again(stub, pull, data):
    good, stub.zips["griis.zip"] = stub.zips["griis.zip"], b"PK\x03\x04" + b"x" * 300
    assert pull("alien", "--country", "LA").returncode == 1
    stub.zips["griis.zip"] = good
    assert "3 rows: 3 stored" in pull("alien", "--country", "LA").stdout


def test_a_list_that_was_fetched_and_not_taken_in_is_taken_in(stub, pull, data):
    address = stub.url.replace("/v1/", "/griis.zip")
    assert Folder(data, "alien", {"list": LAOS}).take(Client(stub.url), address, "list.zip")  # and killed here
    assert "3 rows: 3 stored" in pull("alien", "--country", "LA").stdout


def test_a_country_without_a_list(pull, data):
    done = pull("alien", "--country", "KH")
    assert (done.returncode, "has no list of KH" in done.stderr) == (1, True)


def test_protected_areas_have_the_columns_of_the_world_database(stub, pull, data):
    stub.sites = sites(51)
    done = pull("protected-areas", "--country", "Laos")
    assert done.returncode == 0, done.stderr
    assert "terms forbid passing them on" in done.stdout
    areas = table(data, "protected_areas")
    assert areas.height == 51
    row = areas.sort("name").row(0, named=True)
    assert (row["name"], row["iucn_category"]) == ("Nam Ha 1", "VI")
    told = datasets(data)["protected-planet"]
    assert told["license"] == TERMS
    assert list(data.glob("pulls/*/page-*")) == []
    assert stub.count("/pp/protected_areas/search") == 2


def test_a_pull_of_pages_goes_on_where_it_was_cut_off(stub, pull, data):
    stub.sites = sites(120)
    good = stub.pages["/pp/protected_areas/search"]
    stub.pages["/pp/protected_areas/search"] = lambda query, headers: (
        good(query, headers) if query["page"] == ["1"] else (403, {}, b'{"error": "no more today"}')
    )
    assert pull("protected-areas", "--country", "LA").returncode == 1
    assert not (data / "lake").exists()
    stub.pages["/pp/protected_areas/search"] = good
    assert "120 rows: 120 stored" in pull("protected-areas", "--country", "LA").stdout
    asked = [query for _, path, query, _ in stub.asked if path.endswith("search")]
    assert sum("page=1" in query.split("&") for query in asked) == 1


def test_pages_of_another_day_are_asked_again(tmp_path):
    folder = Folder(tmp_path, "obis", {})
    assert list(folder.pages(lambda *_: [{"n": 1}], size=5)) == [{"n": 1}]
    assert list(folder.pages(lambda *_: [{"n": 2}], size=5)) == [{"n": 1}]
    (page,) = folder.path.glob("page-*")
    os.utime(page, (0, 0))
    assert list(folder.pages(lambda *_: [{"n": 2}], size=5)) == [{"n": 2}]


def test_a_whole_checklist_needs_no_account(pull, data):
    done = pull("checklist", "2144")
    assert done.returncode == 0, done.stderr
    taxa = table(data, "taxa")
    assert (taxa.height, taxa["checklist_version"].unique().to_list()) == (3, ["1.2"])
    assert datasets(data)["checklistbank-2144"]["license"] == "CC_BY_4_0"
    assert "nothing has changed" in pull("checklist", "2144").stdout


def test_a_part_of_a_checklist_is_exported_for_an_account(stub, pull, data, monkeypatch):
    monkeypatch.delenv("GBIF_USER", raising=False)
    done = pull("checklist", "2144", "--taxon", "Plantae")
    assert "without --taxon the whole is fetched without one" in done.stderr
    for name, value in zip(("GBIF_USER", "GBIF_PWD", "GBIF_EMAIL"), (*ACCOUNT, "r@example.org"), strict=True):
        monkeypatch.setenv(name, value)
    assert "one of Plantae" in pull("checklist", "2144", "--taxon", "Plants").stderr
    stub.job_status = "failed"
    assert f"export {JOB} is failed" in pull("checklist", "2144", "--taxon", "Plantae").stderr
    stub.job_status = "finished"
    done = pull("checklist", "2144", "--taxon", "Plantae")
    assert done.returncode == 0, done.stderr
    assert table(data, "taxa").height == 1
    assert stub.count("/clb/dataset/2144/export") == 2
    assert (
        json.loads(pull("checklist", "2144", "--taxon", "Plantae", "--estimate", "--json").stdout)["counts"][
            "below Plantae"
        ]
        == 2
    )


def test_the_red_list_gives_taxa_their_category(pull, data):
    done = pull("red-list", "--country", "LA")
    assert done.returncode == 0, done.stderr
    taxa = table(data, "taxa").sort("scientificName")
    statuses = lists.statuses(taxa).select("kind", "area", "value").rows()
    assert statuses == [("redList", "global", "CR"), ("redList", "global", "EN"), ("redList", "global", "EN")]
    assert verify(Settings(data=data)).faults == []


def test_records_of_the_sea_come_with_their_datasets(pull, data):
    done = pull("obis", "--taxon", "Dugongidae", "--since", "1990")
    assert done.returncode == 0, done.stderr
    assert table(data, "occurrences")["occurrenceID"].sort().to_list() == ["dugong:0", "dugong:1", "dugong:2"]
    told = datasets(data)[SEA]
    assert (told["title"], told["citation"]) == ("Dugongs", "Cite dugongs")
    assert "all of OBIS is too much" in pull("obis").stderr


def test_observations_of_the_area_come_as_gbif_has_them(stub, pull, data):
    stub.seen = seen(205)
    done = pull("inaturalist", "--country", "LA", "--taxon", "Primates")
    assert done.returncode == 0, done.stderr
    records = table(data, "occurrences")
    assert records.height == 164  # one in five lies in Da Nang
    assert set(records["datasetKey"]) == {"50c9509d-22c7-4a22-a47d-8c48425ef4a7"}
    assert records["coordinateUncertaintyInMeters"].unique().to_list() == [28000.0]
    verbatim = table(data, "verbatim")
    withheld = verbatim.select(pl.concat_str(pl.all().cast(pl.String), ignore_nulls=True, separator="|")).to_series()
    assert withheld.str.contains("to protect the place").sum() == 82
    assert stub.count("/inat/observations") == 2
