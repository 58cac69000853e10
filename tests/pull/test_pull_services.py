import json
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
import rasterio

import cluster_servers
import commands
import stub_gbif
from biodata import lists
from biodata.core.errors import RemoteError
from biodata.core.settings import Settings
from biodata.ingest.http import Client
from biodata.pull.kept import Folder
from biodata.pull.protected_planet import TERMS
from biodata.pull.service import RangeFile
from biodata.pull.status_lists import Protection
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.text.reference_list import reference_list
from stub_gbif import ACCOUNT, BUSY, HALF, MAINTENANCE, TOO_MANY, Fault
from stub_services import ALIENS, JOB, LAOS, SEA, archive, basic_dataset, furnish, seen, sites

YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
# Of each source what is asked for, an address that it asks, and how much there is.
SOURCES = {
    "alien": (("--country", "LA"), "/dataset/search", 3),
    "protected-areas": (("--country", "Laos"), "/pp/protected_areas/search", 3),
    "checklist": (("2144",), "/clb/dataset/2144", 3),
    "red-list": (("--country", "LA"), "/iucn/countries/*", 3),
    "protection": (("--taxon", "Felidae"), "/species/taxon_concepts", 3),
    "obis": (("--taxon", "Dugongidae", "--since", "1990"), "/obis/occurrence", 3),
    "inaturalist": (("--country", "LA", "--taxon", "Primates"), "/inat/observations", 7),
    "ebird": (("--country", "LA", "--since", YESTERDAY), "/ebird/data/obs/*", 2),
    "elevation": (("--within", "AREA"), "/dem/*", 240 * 120),
    "land-cover": (("--within", "AREA"), "/cover/*", 240 * 120),
}
RASTERS = {"elevation", "land-cover"}
TOKENS = {"protected-areas": "PROTECTED_PLANET_TOKEN", "red-list": "IUCN_TOKEN", "protection": "SPECIESPLUS_TOKEN",
          "ebird": "EBIRD_KEY"}  # fmt: skip
NO_PART = "gives no part of the file"


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
def area(tmp_path):
    """A file of the 0.2° × 0.1° on both sides of 102° E."""
    ring = [[101.9, 20.5], [102.1, 20.5], [102.1, 20.6], [101.9, 20.6], [101.9, 20.5]]
    file = tmp_path / "namha.geojson"
    file.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    return file


@pytest.fixture
def pull(stub, data, area):
    def pull(source, *words):
        words = [area if word == "AREA" else word for word in words]
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
    assert SOURCES[source][2] in told["counts"].values()
    assert not data.exists()


FAULTS = (
    (TOO_MANY, "Too many requests", "Too many requests"),
    (BUSY, "503", "503"),
    (MAINTENANCE, "text/html instead of JSON", NO_PART),
    (HALF, "did not answer whole", "did not answer whole"),
    (Fault(200, body=b'{"data": []}'), "of another shape", NO_PART),
    (Fault(200, body=b'["a"]'), "of another shape", NO_PART),
    (Fault(206, {"content-range": "bytes 0-3/4", "etag": "1"}, b"abcd"), "instead of JSON", "is no GeoTIFF"),
)


@pytest.mark.parametrize("source", SOURCES)
def test_a_fault_is_one_line_and_changes_nothing(stub, pull, data, source):
    words, route, _ = SOURCES[source]
    for fault, said, said_of_tiles in FAULTS:
        kind = fault.content_type if source in RASTERS or fault.status != 206 else "image/tiff"
        stub.faults.clear()
        stub.fail(route, *[Fault(fault.status, fault.headers, fault.body, fault.cut_at, kind)] * 6)
        done = pull(source, *words)
        assert done.returncode == 1, fault
        assert (said_of_tiles if source in RASTERS else said) in done.stderr, fault
        assert done.stderr.splitlines()[-1].startswith("biodata: "), fault
        assert not (data / "lake").exists(), fault
        assert list(data.glob("pulls/*/page-*")) == [], fault


@pytest.mark.parametrize("source", TOKENS)
def test_a_token_that_is_missing_or_wrong(pull, data, monkeypatch, source):
    words, variable = SOURCES[source][0], TOKENS[source]
    monkeypatch.setenv(variable, "wr0ng")
    done = pull(source, *words)
    assert (done.returncode, "does not take the token in " + variable in done.stderr) == (1, True)
    assert "wr0ng" not in done.stderr
    monkeypatch.delenv(variable)
    for ending in ((), ("--estimate",)):
        done = pull(source, *words, *ending)
        assert done.returncode == 1
        assert f"{variable} in the environment; https://" in done.stderr
        assert "biodata " in done.stderr.partition("https://")[2]
    assert not (data / "lake").exists()


def test_entries_of_cites_ship_and_are_names_that_the_reference_list_has(tmp_path, monkeypatch):
    monkeypatch.delenv("SPECIESPLUS_TOKEN", raising=False)
    settings = Settings(data=tmp_path)
    Protection(None, settings).pull()
    listed = lists.statuses(table(tmp_path, "taxa"))
    assert Protection(None, settings).estimate() == {"entries that biodata ships": listed["scientificName"].n_unique()}
    by_name = listed.group_by("scientificName").agg(pl.col("value").sort().str.join("/"))
    found = dict(by_name.iter_rows())
    assert (found["Hylobatidae"], found["Aonyx cinereus"], found["Moschus"]) == ("I", "I", "I/II")
    known = set(reference_list().look_up(listed["scientificName"].unique())["name"])
    assert set(found) - known == set()


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


def test_birds_of_days_and_of_a_file_are_the_same_records(stub, pull, data, tmp_path):
    done = pull("ebird", "--country", "LA", "--province", "Yunnan", "--since", YESTERDAY)
    assert done.returncode == 0, done.stderr
    assert [path for _, path, *_ in stub.asked if "/obs/" in path][1].startswith("/ebird/data/obs/CN-53/historic/")
    assert datasets(data)["ebird"]["license"].startswith("https://www.birds.cornell.edu/")
    (file := tmp_path / "ebd_LA.txt").write_text(basic_dataset(YESTERDAY))
    asked = (file, "--country", "LA", "--province", "Yunnan", "--since", "2000")
    assert "2 ebd_LA.txt" in pull("ebird", *asked, "--estimate").stdout
    done = pull("ebird", *asked)
    assert "2 rows: 2 stored (1 new, 1 changed)" in done.stdout, done.stdout + done.stderr
    assert table(data, "occurrences").height == 3


@pytest.mark.parametrize(
    ("words", "said"), [((), "is too much"), (("--country", "LA", "--since", "2020"), "at most the last 92")]
)
def test_what_ebird_is_not_asked_for(pull, words, said):
    assert said in pull("ebird", *words).stderr


def test_a_window_of_tiles_is_a_layer_that_resistance_takes(stub, pull, data, tmp_path, area):
    forest = "ESA_WorldCover_10m_2021_v200_N18E102_Map.tif"
    stub.tiles[forest] = stub.tiles["ESA_WorldCover_10m_2021_v200_N18E099_Map.tif"].replace(b"N18E099", b"N18E102")
    good = stub.pages["/dem/*"]
    stub.pages["/dem/*"] = lambda *asked: (403, {}, b"<Error/>") if "E102" in stub.asked[-1][1] else good(*asked)
    assert pull("elevation", "--within", "AREA").returncode == 1  # cut off after the first tile
    stub.pages["/dem/*"] = good
    done = pull("elevation", "--within", "AREA")
    assert done.returncode == 0, done.stderr
    assert sum("E101" in path for _, path, *_ in stub.asked) == 1
    assert pull("land-cover", "--within", "AREA").returncode == 0
    layers = {row["theme"]: row for row in table(data, "layers").iter_rows(named=True)}
    assert {row["name"] for row in layers.values()} == {"elevation_namha", "land_cover_namha"}
    with rasterio.open(data / "layers" / layers["elevation"]["file_name"]) as raster:
        heights = raster.read(1)
        longitudes = raster.bounds.left + (np.arange(raster.width) + 0.5) / 1200
    assert heights.shape == (120, 240)
    assert (
        np.abs(heights - (longitudes - 100) * 100).max() < 0.3
    )  # a cell of a tile has 0.25 m, and none is empty at 102° E
    assert datasets(data)["elevation_namha"]["citation"].startswith("produced using Copernicus")
    assert datasets(data)["land_cover_namha"]["license"] == "CC_BY_4_0"
    (rules := tmp_path / "rules.csv").write_text(
        "layer,class,function,resistance,note\nland_cover,Tree cover,,1,\nland_cover,any,,40,\nelevation,,slope,0:1 30:3,\n"
    )
    done = commands.run("resistance", rules, "--layers", data, "--out", tmp_path / "resistance.tif")
    assert done.returncode == 0, done.stderr


def test_an_area_without_tiles_and_one_that_is_too_large(stub, pull, data):
    stub.tiles.clear()
    assert "the Copernicus DEM has no land there" in pull("elevation", "--within", "AREA").stderr
    assert "at most 400,000,000" in pull("land-cover", "--country", "Indonesia", "--cell-m", "30").stderr
    assert not (data / "lake").exists()


def test_a_tile_that_changes_while_it_is_read(stub):
    stub.pages["/dem/*"] = lambda *_: (200, {"etag": str(len(stub.asked))}, bytes(600_000))
    file = RangeFile(Client(stub.url.replace("/v1/", "/dem/"), sleep=lambda _: None), "a.tif")
    assert (file.size, len(file.read(1000))) == (600_000, 1000)
    with pytest.raises(RemoteError, match="has another version"):
        file.seek(-1, 2) and file.read(1)


def test_a_region_is_taken_source_by_source_and_goes_on(stub, pull, data, monkeypatch):
    stub.names["Mammalia"] = {
        "usage": {"key": "6224G", "name": "Mammalia", "rank": "CLASS"},
        "diagnostics": {"matchType": "EXACT"},
    }
    stub.archive, stub.polls_until_ready = stub_gbif.simple_csv(
        [{"gbifID": "1", "datasetKey": SEA, "occurrenceID": "a", "scientificName": "Elephas maximus"}]
    ), 0  # fmt: skip
    monkeypatch.setattr("biodata.pull.rasters._METRES", 2.0)  # larger cells
    monkeypatch.delenv("GBIF_USER", raising=False)
    asked = ("region", "--within", "AREA", "--country", "LA", "--taxon", "Mammalia")
    done = pull(*asked, "--estimate")
    assert done.returncode == 0, done.stderr
    assert "protected-areas: 3 LA, sites" in done.stdout
    assert "gbif: left out: a download needs an account" in done.stdout
    assert not data.exists()
    assert "--yes orders" in pull(*asked).stderr
    for name, value in zip(("GBIF_USER", "GBIF_PWD", "GBIF_EMAIL"), (*ACCOUNT, "r@example.org"), strict=True):
        monkeypatch.setenv(name, value)
    stub.fail("/iucn/countries/*", *[BUSY] * 12)
    done = pull(*asked[:-2], "--yes")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("biodata: red-list: ")
    assert stub.asked[-1][1].endswith(".zip")  # GBIF's records come last, and were ordered first
    assert table(data, "occurrences")["occurrenceID"].to_list() == ["a"]
    stub.asked.clear()
    done = pull(*asked[:-2], "--yes")
    assert done.returncode == 0, done.stderr
    assert {path.split("/")[1] for _, path, *_ in stub.asked} == {"iucn"}
    found = lists.statuses(table(data, "taxa")).select("kind", "area", "value").unique().rows()
    assert {row for row in found if row[1] == "global"} == {("redList", "global", "CR"), ("redList", "global", "EN"),
                                                            ("cites", "global", "I"), ("cites", "global", "II")}  # fmt: skip
    assert verify(Settings(data=data)).faults == []
    assert len(stub.requests) == 1


def snapshot(folder):
    """Write a month of GBIF: of every three records one lies in Laos, one in Yunnan and one in Viet Nam; one in four has no place."""
    below = folder / "occurrence" / "2026-11-01"
    (below / "occurrence.parquet").mkdir(parents=True)
    for part in (0, 1):
        rows = [
            {"gbifid": str(n), "datasetkey": SEA, "occurrenceid": f"o{n}", "kingdom": "Animalia", "class": ("Aves", "Mammalia")[n % 2],
             "scientificname": "Macaca mulatta", "countrycode": ("LA", "CN", "VN")[n % 3], "stateprovince": ("", "云南", "")[n % 3],
             "decimallatitude": (20.5, 24.5, 16.0)[n % 3] if n % 4 else None, "decimallongitude": 101.5 if n % 4 else None,
             "year": 2000 + n, "eventdate": f"{2000 + n}-01-02", "issue": ["A", "B"], "locality": "a\tb", "license": "CC_BY_4_0"}
            for n in range(part * 20, part * 20 + 20)
        ]  # fmt: skip
        pl.DataFrame(rows).write_parquet(below / "occurrence.parquet" / f"00000{part}")
    (below / "citation.txt").write_text(
        "GBIF.org (1 November 2026) GBIF Occurrence Data https://doi.org/10.15468/dl.abc1\n"
    )
    return below


def test_a_snapshot_gives_the_records_of_a_scope(pull, data, tmp_path):
    place = snapshot(tmp_path)
    asked = ("gbif", "--snapshot", place, "--country", "LA", "--province", "Yunnan", "--taxon", "Mammalia", "--since",
             "2003")  # fmt: skip
    wanted = [f"o{n}" for n in range(3, 40) if n % 3 < 2 and n % 2]
    assert f"{len(wanted)} records" in pull(*asked, "--estimate").stdout
    assert not data.exists()
    broken = place / "occurrence.parquet" / "000001"
    good, _ = broken.read_bytes(), broken.write_bytes(b"PAR1 and no more")
    assert "000001 of the snapshot cannot be read" in pull(*asked).stderr
    broken.write_bytes(good)
    (place / "occurrence.parquet" / "000000").write_bytes(b"not read again")
    done = pull(*asked)
    assert done.returncode == 0, done.stderr
    assert sorted(table(data, "occurrences")["occurrenceID"]) == sorted(wanted)
    assert datasets(data)[SEA]["doi"] == "10.15468/dl.abc1"
    assert "knows no predicates and no keys" in pull(*asked, "--taxon", "359").stderr
    assert "no file of a snapshot" in pull("gbif", "--snapshot", tmp_path / "data").stderr


@pytest.mark.cluster
def test_a_snapshot_in_a_bucket_is_read_as_one_in_a_folder(pull, data, tmp_path, monkeypatch):
    snapshot(tmp_path)
    bucket = "gbif-open-data-eu-central-1"
    with cluster_servers.s3() as address:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        boto3 = pytest.importorskip("boto3")
        client = boto3.client("s3", endpoint_url=address, region_name="eu-central-1")
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for file in tmp_path.glob("occurrence/*/**/0*"):
            client.upload_file(str(file), bucket, str(file.relative_to(tmp_path)), ExtraArgs={"ACL": "public-read"})
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        done = pull("gbif", "--snapshot", f"s3://{bucket}/occurrence/2026-11-01", "--country", "LA", "--taxon", "Aves")
    assert done.returncode == 0, done.stderr
    assert sorted(table(data, "occurrences")["occurrenceID"]) == sorted(f"o{n}" for n in range(0, 40, 6))


def test_a_predicate_of_gbif_is_counted_and_ordered_as_it_is(stub, pull, data, tmp_path, monkeypatch):
    predicate = {"type": "equals", "key": "COUNTRY", "value": "LA"}
    (file := tmp_path / "predicate.json").write_text(json.dumps({"creator": "me", "predicate": predicate}))
    stub.records = [
        {"key": n, "datasetKey": SEA, "occurrenceID": f"o{n}", "scientificName": "Bos gaurus", "license": "CC0_1_0"}
        for n in range(5)
    ]
    assert "5 records of 1 datasets" in pull("gbif", "--predicate", file, "--estimate").stdout
    assert pull("gbif", "--predicate", file, "--since", "2010", "--preview").returncode == 0
    assert table(data, "occurrences").height == 5
    later = {"type": "greaterThanOrEquals", "key": "YEAR", "value": "2010"}
    assert stub.predicates == [predicate, {"type": "and", "predicates": [later, predicate]}]
    for name, value in zip(("GBIF_USER", "GBIF_PWD", "GBIF_EMAIL"), (*ACCOUNT, "r@example.org"), strict=True):
        monkeypatch.setenv(name, value)
    stub.polls_until_ready, stub.total = 0, 0
    assert pull("gbif", "--predicate", file, "--yes").returncode == 0
    assert [one["predicate"] for one in stub.requests] == [predicate]
    file.write_text("[1]")
    assert "this is no predicate" in pull("gbif", "--predicate", file).stderr
