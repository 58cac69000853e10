"""What only the whole lake tells: kept in a table of its own, up to date, and published without telling of what is hidden."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import duets
import releases as made
from api.app import create_app
from biodata import assessments, pipeline, places, sharing
from biodata.analysis import evidence
from biodata.assessments import table
from biodata.cli import app
from biodata.core import terms
from biodata.core.flags import FLAGS
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.store import releases
from biodata.store.lake import Lake
from rule_files import put_rules

HEADING = "occurrenceID,scientificName,genus,decimalLatitude,decimalLongitude,eventDate,countryCode,recordedBy\n"
CHINESE = HEADING + "".join(
    f"cn-{n},Nomascus nasutus,Nomascus,22.93,106.5{n},2024-03-{n + 1:02}T06:30+08:00,CN,Li Wei\n" for n in range(3)
)
VIETNAMESE = HEADING + "".join(
    f"vn-{n},Nomascus nasutus,Nomascus,22.92,106.5{n},2024-03-{n + 1:02}T05:31+07:00,VN,Tran Binh\n" for n in range(3)
)


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data", memory_limit="500MB")


def take(settings: Settings, name: str, text: str) -> None:
    path = settings.data.parent / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    pipeline.ingest("gbif", [path], settings, dataset=name)


def run(*command: str) -> str:
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_what_open_records_tell_of_each_other_is_kept_until_records_or_rules_change(settings, monkeypatch, tmp_path):
    take(settings, "china", CHINESE)
    take(settings, "viet-nam", VIETNAMESE)
    calls, look = [], table.find

    def counting_find(*args, **more):
        calls.append(1)
        return look(*args, **more)

    monkeypatch.setattr(table, "find", counting_find)
    heading = "rule_id,source,scientificName,rank,country_code,province_code,dataset,month_from,month_to,category,reason,review_date"
    sets = []
    for name, taxon in (("hiding", "Nomascus"), ("telling", "Panthera")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"{heading}\n{name},test,{taxon},GENUS,,,,,,0_1_degree,hunted,2030-01-01\n", encoding="utf-8")
        sets.append(sharing.RuleSet.read(path))
    hiding, telling = sets
    with Lake.open(settings.data) as lake:
        hidden = assessments.of_open(settings, lake, hiding)
        assert hidden.is_empty(), "gibbons are not open"
        assert assessments.of_open(settings, lake, hiding).equals(hidden)
        assert len(calls) == 1
        told = assessments.of_open(settings, lake, telling)
        assert (told["cluster_id"].n_unique(), len(calls)) == (3, 2), "other rules, other open records"
        assert assessments.of_open(settings, lake, telling).equals(told)
        (settings.data / "assessed_open.parquet").write_bytes(b"damaged")
        assert assessments.of_open(settings, lake, telling).equals(told)
        assert len(calls) == 3
    take(settings, "more", CHINESE.replace("cn-", "xx-").replace("2024-03", "2023-03"))
    with Lake.open(settings.data) as lake:
        assessments.of_open(settings, lake, telling)
        assert len(calls) == 4
        taxa = pl.DataFrame([{"checklist": "c", "taxon_id": "1", "scientificName": "Nomascus"}])
        taxa = terms.conform(taxa, terms.TABLES["taxa"])
        lake.commit_table("taxa", taxa, key="taxon_id", scope={}, author="a test", message="a checklist")
        assessments.of_open(settings, lake, telling)
    assert len(calls) == 5, "a checklist decides what the names of rules mean"


def test_the_table_is_kept_up_to_date_and_made_anew_only_where_records_changed(settings):
    take(settings, "china", CHINESE)
    assert assessments.assess(settings).clustered == 0
    take(settings, "viet-nam", VIETNAMESE)
    first = assessments.assess(settings)
    assert (first.records, first.clusters, first.clustered, first.changed) == (6, 3, 6, True)
    again = assessments.assess(settings)
    assert replace(again, changed=True) == first
    assert not again.changed
    take(settings, "viet-nam", VIETNAMESE.replace("2024-03-02T05:31", "2024-03-02T06:31"))
    assert assessments.assess(settings).clusters == 2
    with Lake.open(settings.data) as lake:
        table = lake.read("assessments")
    assert set(table["rule_version"]) == {assessments.RULE_VERSION}
    assert table["cluster_id"].count() == 4


def test_other_rules_find_anew(settings, monkeypatch):
    take(settings, "china", CHINESE)
    assessments.assess(settings)
    monkeypatch.setattr(table, "RULE_VERSION", "another")
    assert assessments.assess(settings).changed


def test_the_command_counts_by_finding(settings):
    take(settings, "china", CHINESE)
    take(settings, "viet-nam", VIETNAMESE)
    told = json.loads(run("assess", "--data", str(settings.data), "--json"))
    assert (told["records"], told["clusters"], told["clustered"]) == (6, 3, 6)
    assert sum(told["reasons"].values()) == 6
    assert "6 records in 3 clusters" in run("assess", "--data", str(settings.data))


NO_BAND = replace(places.load_boundaries(), band_m=0.0)
ALL_ALIKE = evidence.EvidenceParameters(
    as_of=date(2026, 11, 26), cell_m=5_000, independent_minutes=0, independent_m=0, excluded_flags=()
)


def test_an_analysis_counts_one_record_of_an_event(settings):
    take(settings, "china", CHINESE)
    take(settings, "viet-nam", VIETNAMESE)
    assessments.assess(settings)
    with Lake.open(settings.data) as lake:
        records = assessments.beside_others(lake, lake.read("occurrences"))
    sure = records.with_columns(coordinateUncertaintyInMeters=30.0, quality_flags=pl.lit([], dtype=pl.List(pl.String)))
    found = evidence.counted(sure, boundaries=NO_BAND, parameters=ALL_ALIKE).records
    counting = found.filter(pl.col("why_not").is_null())
    assert counting.height == 3
    assert counting["cluster_id"].n_unique() == 3
    assert set(found["why_not"].drop_nulls()) == {evidence.DUPLICATE}


def test_where_the_representative_is_no_evidence_another_of_its_cluster_is(settings):
    rows = duets.frame([
        duets.record("a", "1", "2024-03-05", 22.93, 106.50, coordinateUncertaintyInMeters=50_000.0, key=1),
        duets.record("b", "1", "2024-03-05", 22.93, 106.50, key=2),
    ]).with_columns(cluster_id=pl.lit(1, dtype=pl.Int64))  # fmt: skip
    found = evidence.counted(rows, boundaries=NO_BAND, parameters=ALL_ALIKE).records
    assert dict(found.select("key", "why_not").iter_rows()) == {1: evidence.COARSE, 2: None}


COPIES = 40


@pytest.fixture(scope="module")
def gazetteer():
    return places.load_gazetteer(places.load_boundaries())


def assessor(gazetteer, data: Path):
    return lambda parts: assessments.of_release(parts, gazetteer=gazetteer, work=data / "staging")


def with_copies() -> list[dict]:
    """Return open records, and copies of some in another dataset; their identifiers are global."""
    rows = [row | {"occurrenceID": f"urn:{row['occurrenceID']}"} for row in made.open_rows()[:300]]
    copies = [row | {"datasetKey": "aggregated", "source_record_id": f"c{n}"} for n, row in enumerate(rows[:COPIES])]
    return [*rows, *copies, *made.secret_rows()]


@pytest.fixture(scope="module")
def client(gazetteer, tmp_path_factory):
    data = tmp_path_factory.mktemp("clusters")
    made.make_release(data, with_copies(), assess=assessor(gazetteer, data))
    with TestClient(create_app(Settings(data=data)), base_url="http://test") as client:
        yield client


SEARCH, ITEMS = "/v1/occurrence/search", "/ogc/collections/occurrences/items"
ONE = {"clusterRepresentative": "true"}
CLUSTERS = 300 + 2
"""Clusters and records that are in none: the withheld one is never there."""
PUBLISHED = CLUSTERS + COPIES


def search(client: TestClient, **asked) -> dict:
    return client.get(SEARCH, params={"limit": 0, **asked}).json()


def test_the_default_shows_all(client):
    assert search(client)["count"] == PUBLISHED
    assert search(client, **ONE)["count"] == CLUSTERS
    assert search(client, clusterRepresentative="false")["count"] == COPIES
    assert client.get("/v1/occurrence/count").json() == PUBLISHED
    assert client.get("/v1/occurrence/count", params=ONE).json() == CLUSTERS
    assert client.get(ITEMS).json()["numberMatched"] == PUBLISHED
    assert client.get(ITEMS, params=ONE).json()["numberMatched"] == CLUSTERS
    assert client.get(ITEMS, params={"filter": "clusterRepresentative = TRUE"}).json()["numberMatched"] == CLUSTERS


def test_pages_facets_and_counts_agree(client):
    for asked in ({}, ONE):
        pages = [client.get(SEARCH, params={"limit": 100, "offset": n, **asked}).json() for n in range(0, 500, 100)]
        rows = [row for page in pages for row in page["results"]]
        assert len(rows) == pages[0]["count"]
        for name in ("species", "datasetKey", "isInCluster"):
            told = search(client, facet=name, facetLimit=1000, **asked)["facets"][0]["counts"]
            counted = pl.Series(
                [str(row[name]).lower() if name == "isInCluster" else row[name] for row in rows if name in row]
            )
            assert {c["name"]: c["count"] for c in told} == dict(counted.value_counts().iter_rows())
        by = client.get("/v1/occurrence/counts/datasets", params=asked).json()
        assert sum(by.values()) == len(rows)


def tile_count(client: TestClient, zoom: int, row: int, column: int, **asked) -> int:
    import mapbox_vector_tile

    content = client.get(
        f"/ogc/collections/occurrences/tiles/WebMercatorQuad/{zoom}/{row}/{column}", params=asked
    ).content
    if not content:
        return 0
    return sum(f["properties"]["count"] for f in mapbox_vector_tile.decode(content)["occurrences"]["features"])


@pytest.mark.parametrize("zoom", [0, 5, 8])
def test_tiles_count_what_the_search_counts(client, zoom):
    # The world, and the tiles of the region: counted beforehand up to zoom 7, one by one above.
    across = range(int((95 / 360 + 0.5) * 2**zoom), int((112 / 360 + 0.5) * 2**zoom) + 1)
    down = range(int(0.42 * 2**zoom), int(0.46 * 2**zoom) + 1)
    for asked in ({}, ONE):
        found = sum(tile_count(client, zoom, row, column, **asked) for row in down for column in across)
        assert found == search(client, hasCoordinate="true", **asked)["count"]


def test_gbifs_parameter_shows_whole_clusters(client):
    body = client.get(SEARCH, params={"isInCluster": "true", "limit": 300}).json()
    assert body["count"] == 2 * COPIES
    others = [row for row in body["results"] if not row["clusterRepresentative"]]
    assert len(others) == COPIES
    keys = {row["key"]: row for row in body["results"]}
    for row in others:
        representative = keys[row["cluster_id"]]
        assert (row["occurrenceID"], row["isInCluster"]) == (representative["occurrenceID"], True)
        assert row["cluster_reason"] == "the same occurrenceID in two datasets"
        assert client.get(f"/v1/occurrence/{row['key']}").json()["key"] == row["key"]
    assert search(client, isInCluster="false")["count"] == 300 - COPIES
    assert search(client, isInCluster="true", **ONE)["count"] == COPIES


def test_a_filter_may_name_clusters(client):
    for text in ("cluster_id IS NOT NULL", "isInCluster = TRUE AND cluster_id > 0"):
        assert client.get(ITEMS, params={"filter": text}).json()["numberMatched"] == 2 * COPIES


def test_what_is_not_known_is_refused(client):
    tiles = "/ogc/collections/occurrences/tiles/WebMercatorQuad/0/0/0"
    for path in (SEARCH, ITEMS, tiles, "/v1/occurrence/count"):
        answer = client.get(path, params={"duplicates": "all"})
        assert (answer.status_code, answer.json()["field"]) == (400, "duplicates")
    for path in (SEARCH, tiles):
        answer = client.get(path, params={"clusterRepresentative": "some"})
        assert (answer.status_code, answer.json()["field"]) == (400, "clusterRepresentative")
    assert client.get("/ogc/collections/protected_areas/items", params=ONE).status_code == 400


def test_generalised_records_are_told_nothing_of(client):
    body = client.get(SEARCH, params={"species": made.GIBBON, "limit": 10}).json()
    assert body["count"] == 2
    for row in body["results"]:
        assert not {"isInCluster", "cluster_id", "cluster_reason"} & row.keys()
        assert row["clusterRepresentative"], "each represents itself, whatever else there is"


# Nothing published depends on a record that is hidden.

RULES = sharing.RuleSet.of([sharing.Rule("w", SharingCategory.WITHHELD, "a reason", dataset="withheld"),
                            sharing.Rule("g", SharingCategory.TENTH_DEGREE, "a reason", dataset="coarse")])  # fmt: skip


def published(data: Path, rows: list[dict], gazetteer) -> pl.DataFrame:
    """Return the open records of a release under `RULES`, their links told by identifiers and not by random numbers."""
    made.make_release(data, rows, assess=assessor(gazetteer, data),
                      let_out=lambda frame: sharing.publish(frame, RULES, boundaries=made.neighbours()))  # fmt: skip
    frame = releases.read(releases.current(data), "occurrences")
    names = frame.select(cluster_id="key", of=pl.format("{} {}", "datasetKey", "occurrenceID"))
    frame = frame.join(names, on="cluster_id", how="left").filter(sharing_category="open")
    return frame.drop("key", "cluster_id").sort("datasetKey", "occurrenceID")


def plain(row: dict, dataset: str, number: str) -> dict:
    return row | {"datasetKey": dataset, "source_record_id": number, "occurrenceID": f"urn:{number}"}


@pytest.mark.parametrize("hidden", ["withheld", "coarse"])
def test_open_records_look_the_same_whether_a_hidden_one_is_there_or_not(hidden, gazetteer, tmp_path):
    """Pairs, a lone record, a chain and a point of many: each with a hidden record that would change it."""
    rows = made.open_rows()[:40]
    pair = [plain(rows[0], "one", "pair"), plain(rows[0], "two", "pair")]
    lone = [plain(rows[1], "one", "lone")]
    chain = [
        plain(rows[2] | {"otherCatalogNumbers": "urn:middle"}, "one", "left"),
        plain(rows[2] | {"otherCatalogNumbers": "urn:middle", "recordedBy": "Somebody else"}, "two", "right"),
    ]
    at_point = {"decimalLatitude": 21.51234, "decimalLongitude": 103.12345}
    many = [
        plain(rows[n] | at_point | {"recordedBy": f"Collector {chr(65 + n)}", "year": 1990 + 3 * n}, "one", f"many{n}")
        for n in range(4)
    ]
    seen = [*pair, *lone, *chain, *many, *(plain(row, "one", f"x{n}") for n, row in enumerate(rows[10:]))]
    unseen = [
        plain(rows[0] | {"habitat": "the most complete of all", "elevation": 100.0}, hidden, "pair"),
        plain(rows[1] | {"habitat": "forest"}, hidden, "lone"),
        plain(rows[2], hidden, "middle"),
        *(
            plain(row | {"recordedBy": f"Collector {chr(80 + n)}", "year": 2015}, hidden, f"m{n}")
            for n, row in enumerate(many)
        ),
    ]
    without = published(tmp_path / "without", seen, gazetteer)
    assert without["isInCluster"].sum() == 4
    assert without["of"].count() == 4
    assert not without["quality_flags"].explode().is_in(["POINT_USED_BY_MANY"]).any()
    beside = published(tmp_path / "beside", [*seen, *unseen], gazetteer)
    assert beside.equals(without)
    whole = duets.assessed([row | {"key": n} for n, row in enumerate([*seen, *unseen], 1)], tmp_path)
    assert whole["cluster_id"].count() > 4
    assert whole["flags"].explode().is_in(["POINT_USED_BY_MANY"]).any()


def test_flags_of_sets_are_published_of_open_records_in_their_order(gazetteer, tmp_path):
    at_point = {"decimalLatitude": 21.51234, "decimalLongitude": 103.12345, "quality_flags": ["BORDER_AMBIGUOUS"]}
    rows = [
        plain(
            made.open_rows()[n] | at_point | {"recordedBy": f"Collector {chr(65 + n)}", "year": 1990 + 3 * n},
            "one",
            f"m{n}",
        )
        for n in range(8)
    ]
    frame = published(tmp_path, rows, gazetteer)
    for flags in frame["quality_flags"]:
        assert flags.to_list() == ["BORDER_AMBIGUOUS", "POINT_USED_BY_MANY"]
    order = list(FLAGS)
    assert order.index("BORDER_AMBIGUOUS") < order.index("POINT_USED_BY_MANY")


def test_what_is_assessed_is_published_or_stays_in_the_lake():
    assert all(column.reach is terms.Reach.LAKE for column in terms.ASSESSMENT)
    precise = [column.name for column in terms.ASSESSED if column.reach is terms.Reach.PRECISE]
    assert precise == ["isInCluster", "cluster_id", "cluster_reason"]
    # What is told of a release is made of what it publishes.
    published_columns = set(terms.names(terms.PUBLISHED_OCCURRENCE))
    from biodata.text.cluster_facts import COLUMNS

    assert published_columns.issuperset(COLUMNS)


def test_a_release_of_the_pipeline_tells_clusters_and_hides_nothing(settings):
    text = CHINESE.replace("Nomascus nasutus,Nomascus", "Muntiacus muntjak,Muntiacus")
    take(settings, "china", text)
    take(settings, "copy", text)
    put_rules(settings.data, "rule_id,category,reason\n")
    release = pipeline.release(settings)
    assert releases.read(release, "occurrences")["clusterRepresentative"].sum() == 3
    for more, count in (([], 6), (["--cluster-representative"], 3)):
        out = settings.data / "out.csv"
        run("export", "--data", str(settings.data), *more, "--out", str(out))
        assert pl.read_csv(out).height == count


def test_a_release_of_unchanged_data_is_the_same_one_and_each_stage_is_a_line(settings):
    take(settings, "china", CHINESE)
    done = [CliRunner().invoke(app, ["release", "--data", str(settings.data)], catch_exceptions=False) for _ in "12"]
    first, second = (one.stdout.splitlines() for one in done)
    assert second[0] == "nothing new: the release before stays"
    assert second[1] == first[0]
    for stage in ("setting about 1 records beside each other", "3 of 3 records published",
                  "writing the release's file"):  # fmt: skip
        assert stage in done[0].stderr
