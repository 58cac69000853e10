"""The exact store: what a grant gives, and that nothing else comes out."""

import json
import os
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from biodata.access import exact_building, exact_store, grants, requests
from biodata.access.exact_process import ExactServer, ExactStore, RefusedError, call_exact
from biodata.access.grants import Grant
from biodata.core.errors import InputError, StoreError
from biodata.core.flags import TRACKED
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store.lake import Lake
from exact_rows import ROWS
from rule_files import put_rules
from store_records import commit_rows

GRANT = Grant("g1", "r1", "ana", "LA", "Elephas maximus", None, None, None, ("decimalLatitude", "decimalLongitude"),
              100, 100, 5, "2099-01-01T00:00:00+00:00")  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS)
    store = data.parent / f"{data.name}-exact"
    told = exact_building.build(Settings(data=data), store)
    assert told.records == 3
    (store / "nodes").mkdir()
    keys = {}
    for country in ("LA", "VN"):
        keys[country] = data.parent / f"{data.name}-{country}.key"
        (store / "nodes" / f"{country}.pem").write_text(node_keys.keep_new(keys[country]))
    return store, keys


@pytest.fixture
def opened(built):
    (built[0] / "use.sqlite").unlink(missing_ok=True)
    (built[0] / "audit_heads.txt").unlink(missing_ok=True)
    return ExactStore(built[0])


def call(built, *given: Grant, account: str = "ana", **asked):
    return {
        "grants": [{"grant": g.text(), "signature": grants.sign(g.text(), built[1][g.country])} for g in given],
        "account": account,
        "ask": asked,
    }


def places(answer) -> set[float]:
    return {record["decimalLatitude"] for record in answer["records"]}


def test_a_grant_gives_the_exact_records_of_its_country_alone(built, opened):
    told = opened.answer(call(built, GRANT))
    assert places(told) == {20.51234, 15.11234}, "the one at the border needs both countries, the open one is not here"
    assert set(told["records"][0]) == {"key", "decimalLatitude", "decimalLongitude"}
    both = opened.answer(call(built, GRANT, replace(GRANT, id="g2", country="VN")))
    assert places(both) == {20.51234, 15.11234, 19.53234}
    assert opened.first_broken() is None


def test_an_area_is_decided_by_published_cells_and_never_by_exact_places(built, opened):
    records = exact_store.read(built[0])[1].filter(decimalLatitude=20.51234)
    west, south, east, north = (records[f"exact_cell_{e}"].item() for e in ("west", "south", "east", "north"))
    whole = replace(GRANT, area=(west, south, east, north))
    assert places(opened.answer(call(built, whole))) == {20.51234}
    for cut in ((west + 1e-6, south, east, north), (west, south, east, north - 1e-6)):
        assert places(opened.answer(call(built, replace(GRANT, area=cut)))) == set()


def test_a_polygon_holds_what_its_cell_is_wholly_within(built, opened):
    records = exact_store.read(built[0])[1].filter(decimalLatitude=20.51234)
    west, south, east, north = (records[f"exact_cell_{e}"].item() for e in ("west", "south", "east", "north"))
    whole = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    cut = [[west, south], [east, south], [east - 1e-6, north], [west, north], [west, south]]
    for ring, found in ((whole, {20.51234}), (cut, set())):
        area = grants.canonical_area({"type": "Polygon", "coordinates": [ring]})
        assert grants.canonical_area(area) == area
        granted = Grant.read(replace(GRANT, area=area).text())
        assert places(opened.answer(call(built, granted))) == found
    assert grants.area_within(area, (west, south, east, north))
    assert not grants.area_within((west, south, east, north), area)


@pytest.mark.parametrize("area", [
    [1, 2, 3],
    [1, 2, "3", 4],
    [2, 2, 1, 4],
    {"type": "Point", "coordinates": [1, 2]},
    {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[n / 999, n % 2] for n in range(2000)]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1e400, 0], [0, 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [0, 9], [0, 0]]], "bbox": [0]},
    "everywhere",
])  # fmt: skip
def test_what_is_no_area_is_refused(area):
    with pytest.raises(InputError):
        grants.canonical_area(area)


@pytest.mark.parametrize(
    "taxon", ["Elephas maximus Linnaeus, 1758", "Elephas", "Elephantidae", "Proboscidea", "Mammalia"]
)
def test_a_taxon_stands_for_all_within_it(built, opened, taxon):
    assert places(opened.answer(call(built, replace(GRANT, taxon=taxon)))) == {20.51234, 15.11234}


def test_records_handed_over_take_the_place_of_those_of_before(built, tmp_path):
    store, data = tmp_path / "store", tmp_path / "data"
    store.mkdir(mode=0o700)
    (store / "nodes").mkdir()
    (store / "nodes" / "LA.pem").write_bytes((built[0] / "nodes" / "LA.pem").read_bytes())
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS[:1])
    settings = Settings(data=data, exact_socket=tmp_path / "s")
    assert "still has the records of before" in exact_building.follow_release(settings)
    with ExactServer(tmp_path / "s") as server:
        threading.Thread(target=server.serve, args=[ExactStore(store)], daemon=True).start()
        with pytest.raises(RefusedError, match="no records yet"):
            call_exact(tmp_path / "s", call(built, GRANT))
        assert exact_building.follow_release(settings) is None
        assert places(call_exact(tmp_path / "s", call(built, GRANT))) == {20.51234}
        for file in (None, os.open(store / "use.sqlite", os.O_RDONLY)):
            with pytest.raises(RefusedError):
                call_exact(tmp_path / "s", {"take": {}}, file=file)
        os.close(file)
        assert places(call_exact(tmp_path / "s", call(built, GRANT))) == {20.51234}
        server.owners.clear()
        with pytest.raises(RefusedError, match="gives no records"):
            exact_building.hand_over(settings, tmp_path / "s")
        server.shutdown()
    assert list((data / "staging").iterdir()) == []
    assert (store / exact_store.FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("changed", "why"), [
    pytest.param({"expires": "2020-01-01T00:00:00+00:00"}, "expired", id="expired"),
    pytest.param({"country": "VN"}, "not signed", id="another country's key"),
    pytest.param({"taxon": None}, "not signed", id="widened after it was signed"),
])  # fmt: skip
def test_a_grant_that_does_not_hold_is_refused(built, opened, changed, why):
    made = replace(GRANT, **changed)
    sent = call(built, made if "expires" in changed else GRANT)
    sent["grants"][0]["grant"] = made.text()
    assert why in opened.answer(sent)["refused"]


def test_limits_and_revocation(built, opened):
    few = replace(GRANT, rows=3, requests=2)
    assert len(opened.answer(call(built, few))["records"]) == 2
    assert "1 records left" in opened.answer(call(built, few))["refused"]
    assert len(opened.answer(call(built, few, limit=1))["records"]) == 1
    assert "2 times" in opened.answer(call(built, few, limit=1))["refused"]
    assert "another account" in opened.answer(call(built, GRANT, account="eve"))["refused"]
    daily = replace(GRANT, id="g3", rows_a_day=2)
    assert len(opened.answer(call(built, daily))["records"]) == 2
    assert "0 records left today" in opened.answer(call(built, daily, limit=1))["refused"]
    assert opened.answer({"revoke": "g1"}) == {"revoked": "g1"}
    assert "revoked" in opened.answer(call(built, GRANT))["refused"]


@pytest.mark.parametrize("sent", [None, [], {}, {"grants": []}, {"grants": [{}], "account": 1, "ask": {}}, "x" * 99])
def test_what_is_no_call_is_refused(opened, sent):
    assert "refused" in opened.answer(sent)


def test_a_folder_that_others_may_use_is_refused(built, tmp_path):
    store = tmp_path / "open"
    store.mkdir(mode=0o755)
    with pytest.raises(StoreError, match="0700"):
        ExactStore(store)
    key = tmp_path / "open.key"
    node_keys.keep_new(key)
    key.chmod(0o644)
    with pytest.raises(InputError, match="others may read"):
        grants.sign("x", key)


def test_over_the_socket(built, opened, tmp_path):
    path = tmp_path / "s"
    with ExactServer(path) as server:
        threading.Thread(target=server.serve, args=[opened], daemon=True).start()
        assert places(call_exact(path, call(built, GRANT))) == {20.51234, 15.11234}
        with pytest.raises(RefusedError, match="another account"):
            call_exact(path, call(built, GRANT, account="eve"))
        server.shutdown()
    assert not path.exists()
    with pytest.raises(StoreError, match="does not answer"):
        call_exact(path, {})


def test_a_grant_is_read_from_its_canonical_text_only():
    assert Grant.read(GRANT.text()) == GRANT
    for text in ("", "[]", json.dumps(asdict(GRANT)), GRANT.text().replace('"rows":100', '"rows":true')):
        with pytest.raises(InputError):
            Grant.read(text)


def test_the_store_is_closed(built):
    store: Path = built[0]
    assert store.stat().st_mode & 0o777 == 0o700
    assert (store / exact_store.FILE).stat().st_mode & 0o777 == 0o600


def test_a_tracked_animal_is_given_to_nobody_whichever_rule_withholds_it(tmp_path):
    tracked = {**ROWS[0], "source_record_id": "tracked", "quality_flags": [TRACKED], "decimalLatitude": 20.7}
    with Lake.open(tmp_path / "data") as lake:
        commit_rows(lake, [tracked, ROWS[0]])
    rules = "rule_id,scientificName,category,reason\nelephants,Elephas maximus,withheld,hunted\n"
    put_rules(tmp_path / "data", rules)
    exact_building.build(Settings(data=tmp_path / "data"), tmp_path / "exact")
    assert exact_store.read(tmp_path / "exact")[1]["decimalLatitude"].to_list() == [ROWS[0]["decimalLatitude"]]


def test_what_a_communitys_label_hides_is_not_granted_by_a_node_alone(tmp_path):
    other = {**ROWS[1], "datasetKey": "village"}
    walk = {"eventID": "walk-1", "source_record_id": "walked", "decimalLatitude": 20.515}
    rows = [
        {**ROWS[0], "source_record_id": "secret", "community_labels": ["TK-SS"]},
        {**ROWS[0], "source_record_id": "cultural", "community_labels": ["TK-CS"], "eventID": "walk-1"},
        {**ROWS[0], **walk},
        {**ROWS[0], "source_record_id": "told", "community_labels": ["TK-A"], "decimalLatitude": 18.2},
        other,
        ROWS[1],
    ]
    data = tmp_path / "data"
    with Lake.open(data) as lake:
        commit_rows(lake, rows)
    exact_building.build(Settings(data=data), tmp_path / "exact")
    given = exact_store.read(tmp_path / "exact")[1]["decimalLatitude"].sort().to_list()
    assert given == [15.11234, 15.11234, 18.2, 20.515], "what was walked past beside it is its own"
    put_rules(data, labels="label,dataset\nTK-SS,village\n")
    exact_building.build(Settings(data=data), tmp_path / "exact")
    assert exact_store.read(tmp_path / "exact")[1]["decimalLatitude"].sort().to_list() == [15.11234, 18.2, 20.515]


def test_a_day_that_is_written_otherwise_goes_no_further_than_what_was_asked():
    asked = replace(GRANT, since="2020-06-01", until="2020-12-31")
    requests._no_further(replace(asked, since="20200701"), asked)
    with pytest.raises(InputError) as told:
        requests._no_further(replace(asked, since="20200101"), asked)
    assert told.value.column == "since"
