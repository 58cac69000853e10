"""Requests for exact records: who decides, what may be granted, and the whole way over HTTP to the exact process."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

import appointed
from api.app import create_app
from biodata import pipeline
from biodata.access import accounts, exact_building, grants, request_views, requests, terms_of_use
from biodata.access.exact_process import ExactServer, ExactStore
from biodata.access.roles import Role, RoleBinding
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store.account_models import AccessDecision, AccessRequest
from biodata.store.lake import Lake
from biodata.store.models import now
from biodata.store.registry import Registry
from exact_rows import ROWS
from people import bearer
from store_records import commit_rows

WANTED = {"taxon": "Elephas maximus", "area": None, "since": None, "until": None,
          "fields": ["decimalLatitude", "decimalLongitude"], "rows": 100, "rows_a_day": 100, "requests": 10,
          "expires": "2099-01-01T00:00:00+00:00"}  # fmt: skip
ASKED = {"purpose": "a corridor study", "countries": ["LA", "VN"], **WANTED}


@pytest.fixture
def registry(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")) as opened:
        appointed.new(opened, "ana", roles=[RoleBinding(Role.RESEARCHER)])
        appointed.new(opened, "eve", roles=[RoleBinding(Role.RESEARCHER)])
        for country in ("LA", "VN"):
            appointed.new(opened, country.lower(), roles=[RoleBinding(Role.NODE_MANAGER, country=country)])
        yield opened


def who(registry, name):
    return accounts.find(registry, name)


def ask(registry, **changed):
    asked = {**ASKED, **changed}
    wanted = {name: asked[name] for name in WANTED}
    return requests.ask(
        registry, who(registry, "ana"), purpose=asked["purpose"], countries=asked["countries"], wanted=wanted
    )


@pytest.mark.parametrize(("changed", "column"), [
    ({"fields": ["source_row"]}, "fields"),
    ({"countries": ["XX"]}, "countries"),
    ({"area": [1, 2, 0, 3]}, "area"),
    ({"since": "2020-13-01"}, "since"),
    ({"expires": "2099-01-01"}, "expires"),
    ({"purpose": " "}, "purpose"),
])  # fmt: skip
def test_what_cannot_be_asked_is_named(registry, changed, column):
    with pytest.raises(InputError) as caught:
        ask(registry, **changed)
    assert caught.value.column == column


def test_only_the_node_of_the_country_decides_and_only_of_its_own_part(registry, tmp_path):
    number = ask(registry)
    key = tmp_path / "la.key"
    node_keys.keep_new(key)
    for name, country in (("ana", "LA"), ("eve", "LA"), ("vn", "LA"), ("la", "VN"), ("la", "TH")):
        with pytest.raises(InputError, match="no such request"):
            requests.decide(registry, who(registry, name), number, country, reason="mine")
    with pytest.raises(InputError, match="no such request"):
        request_views.look(registry, who(registry, "eve"), number)
    text = requests.to_sign(registry, who(registry, "la"), number, "LA")
    wider = json.dumps({**json.loads(text), "taxon": None}, sort_keys=True, separators=(",", ":"))
    with pytest.raises(InputError, match="further than what was asked"):
        requests.decide(registry, who(registry, "la"), number, "LA", grant=wider, signature="x")
    requests.decide(registry, who(registry, "la"), number, "LA", grant=text, signature=grants.sign(text, key))
    with pytest.raises(InputError, match="decided already"):
        requests.decide(registry, who(registry, "la"), number, "LA", reason="again")
    told = request_views.look(registry, who(registry, "ana"), number)
    assert [(one["country"], one["state"]) for one in told["decisions"]] == [("LA", "granted"), ("VN", "waiting")]
    assert len(requests.usable(registry, who(registry, "ana"), number)) == 1
    with pytest.raises(InputError, match="no such request"):
        requests.usable(registry, who(registry, "eve"), number)
    requests.revoke(registry, who(registry, "la"), number, "LA")
    with pytest.raises(InputError, match="nothing of this request"):
        requests.usable(registry, who(registry, "ana"), number)
    assert registry.first_broken_audit_entry() is None


def test_the_whole_way(tmp_path):
    data, store, path = tmp_path / "data", tmp_path / "exact", tmp_path / "s"
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS)
    settings = Settings(data=data, exact_socket=path, password_memory_mib=8)
    pipeline.release(settings)
    exact_building.build(settings, store)
    (store / "nodes").mkdir()
    (store / "nodes" / "LA.pem").write_text(node_keys.keep_new(tmp_path / "la.key"))
    opened = ExactStore(store)
    with ExactServer(path) as server, TestClient(create_app(settings)) as client:
        threading.Thread(target=server.serve, args=[opened], daemon=True).start()
        found = client.app.state.service
        appointed.new(found.registry, "ana", roles=[RoleBinding(Role.RESEARCHER)])
        appointed.new(found.registry, "la", roles=[RoleBinding(Role.NODE_MANAGER, country="LA")])

        def shown(name):
            return bearer(found.tokens.start(who(found.registry, name).account_id, method="a test").access)

        made = client.post("/v1/access/requests", json={**ASKED, "countries": ["LA"]}, headers=shown("ana")).json()
        address = f"/v1/access/requests/{made['id']}"
        waiting = client.get(f"{address}/records", headers=shown("ana"))
        assert (waiting.status_code, waiting.json()["code"]) == (404, "NOTHING_GRANTED")
        text = client.get(f"{address}/grant", params={"country": "LA"}, headers=shown("la")).json()["grant"]
        signature = grants.sign(text, tmp_path / "la.key")
        sent = {"country": "LA", "grant": text, "signature": signature}
        node_keys.keep_new(tmp_path / "other.key")
        wrong = {**sent, "signature": grants.sign(text, tmp_path / "other.key")}
        refused = client.post(f"{address}/decide", json=wrong, headers=shown("la"))
        assert (refused.status_code, refused.json()["field"]) == (422, "signature")
        seen = client.post(f"{address}/decide", json=sent, headers=shown("la")).json()["decisions"][0]["state"]
        assert seen == "granted"
        answer = client.get(f"{address}/records", headers=shown("ana"))
        assert {one["decimalLatitude"] for one in answer.json()["records"]} == {20.51234, 15.11234}
        assert answer.headers["cache-control"] == "private, no-store"
        both = client.get(f"{address}/records", params={"withPublic": True, "limit": 1}, headers=shown("ana")).json()
        rest = client.get(
            f"{address}/records", params={"withPublic": True, "after": both["after"]}, headers=shown("ana")
        ).json()
        told = sorted((one["exact"], one["decimalLatitude"]) for one in [*both["records"], *rest["records"]])
        public, exact = [[y for is_exact, y in told if is_exact is of] for of in (False, True)]
        assert exact == [15.11234, 20.51234], "not the one that two countries share"
        assert public == pytest.approx([15.15, 19.55, 20.55]), "a presence stands for records, and is none of them"
        assert "after" not in rest
        terms_of_use.put(found.registry, "Share no place.", actor="a test")
        refused = client.get(f"{address}/records", headers=shown("ana"))
        assert (refused.status_code, refused.json()["code"]) == (403, "TERMS_NOT_ACCEPTED")
        terms_of_use.accept(found.registry, who(found.registry, "ana").account_id, 1, actor="ana")
        assert client.get(f"{address}/records", params={"limit": 1}, headers=shown("ana")).status_code == 200
        read = client.get(address, headers=shown("la")).json()["use"]
        assert (read["reads"], read["rows"]) == (4, 5)
        assert client.get(f"{address}/records", headers=shown("la")).status_code == 404, "a grant is its account's"
        assert client.post(f"{address}/revoke", json={"country": "LA"}, headers=shown("la")).status_code == 204
        assert client.get(f"{address}/records", headers=shown("ana")).status_code == 404
        server.shutdown()
    for file in (data / "service").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert b"20.51234" not in content, file
    with sqlite3.connect(store / "use.sqlite") as connection:
        actions = [action for (action,) in connection.execute("SELECT action FROM audit ORDER BY id")]
    connection.close()
    assert actions == ["exact read"] * 4 + ["grant revoked"]


def granted(registry, tmp_path, *, country="LA", **changed):
    """Return a request that a country granted, and the grant's text."""
    number = ask(registry, **{"countries": [country], **changed})
    key = tmp_path / f"{number}.key"
    node_keys.keep_new(key)
    node = who(registry, country.lower())
    text = requests.to_sign(registry, node, number, country)
    requests.decide(registry, node, number, country, grant=text, signature=grants.sign(text, key))
    return number, text


def test_what_a_node_says_is_not_told_to_another_node(registry):
    number = ask(registry)
    requests.decide(registry, who(registry, "la"), number, "LA", reason="a ranger was shot there")
    for name, reason in (("ana", "a ranger was shot there"), ("la", "a ranger was shot there"), ("vn", None)):
        told = request_views.look(registry, who(registry, name), number)["decisions"][0]
        assert (told["state"], told["reason"]) == ("refused", reason)
    assert request_views.describe(registry, who(registry, "eve")) == []


def test_many_requests_take_as_many_questions_as_one(registry):
    seen = []
    event.listen(registry._engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    counts = []
    for _ in range(3):
        ask(registry)
        seen.clear()
        told = request_views.describe(registry, who(registry, "la"))
        counts.append(sum(text.startswith("SELECT") for text in seen))
    assert len(told) == 3
    assert len(set(counts)) == 1
    seen.clear()
    assert request_views.describe(registry, who(registry, "eve")) == []
    assert any("access_request.account_id = ?" in text for text in seen), "whoever decides nothing reads no others'"


def test_a_report_is_due_once_something_was_read_and_stops_the_next_request(registry, tmp_path):
    unread, _ = granted(registry, tmp_path)
    number, _ = granted(registry, tmp_path)
    ana = who(registry, "ana")
    requests.read(registry, ana, number, 7)
    requests.read(registry, ana, number, 1)
    look = request_views.look(registry, ana, number)
    assert (look["use"]["reads"], look["use"]["rows"], look["due"]) == (2, 8, [])
    with registry.session() as session, session.begin():
        for one in session.query(AccessDecision):
            one.revoked = now() - timedelta(days=request_views.REPORT_DAYS + 2)
    assert "report of what was made was due" in request_views.look(registry, ana, number)["due"][0]
    assert request_views.look(registry, ana, unread)["due"] == []
    with pytest.raises(InputError, match="overdue") as caught:
        ask(registry)
    assert (caught.value.code, caught.value.value) == ("REPORT_OVERDUE", number)
    with pytest.raises(InputError, match="no such request"):
        requests.report(registry, who(registry, "eve"), number, made="a map")
    requests.report(registry, ana, number, made="a map of crossings", links=["https://doi.org/10.1/x"])
    assert request_views.look(registry, who(registry, "la"), number)["reports"][0]["made"] == "a map of crossings"
    ask(registry)


def test_going_on_is_asked_anew_and_decided_anew(registry, tmp_path):
    number, text = granted(registry, tmp_path)
    longer = "2101-01-01T00:00:00+00:00"
    with pytest.raises(InputError, match="no such request"):
        requests.again(registry, who(registry, "eve"), number, purpose="more", expires=longer)
    other = requests.again(registry, who(registry, "ana"), number, purpose="two more years", expires=longer)
    told = request_views.look(registry, who(registry, "la"), other)
    assert (told["extends"], told["decisions"][0]["state"], told["wanted"]["expires"]) == (number, "waiting", longer)
    assert told["wanted"]["taxon"] == WANTED["taxon"]
    with pytest.raises(InputError, match="of another request"):
        requests.decide(registry, who(registry, "la"), other, "LA", grant=text, signature="x")


def test_what_was_taken_back_is_told_to_the_exact_process_as_soon_as_it_answers(registry, tmp_path):
    number, _ = granted(registry, tmp_path)
    requests.revoke(registry, who(registry, "la"), number, "LA")
    with pytest.raises(StoreError, match="does not answer"):
        requests.report_revocations(registry, tmp_path / "s")
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    opened = ExactStore(store)
    with ExactServer(tmp_path / "s") as server:
        threading.Thread(target=server.serve, args=[opened], daemon=True).start()
        assert requests.report_revocations(registry, tmp_path / "s") == 1
        assert requests.report_revocations(registry, tmp_path / "s") == 0
        server.shutdown()


def test_what_is_due_is_told(registry, tmp_path):
    number = ask(registry)
    soon = (now() + timedelta(days=3)).isoformat()
    near, _ = granted(registry, tmp_path, expires=soon)
    with registry.session() as session, session.begin():
        session.get_one(AccessRequest, number).created = now() - timedelta(days=20)
        session.query(AccessDecision).filter_by(request_id=near).one().review = now().date()
    told = request_views.look(registry, who(registry, "la"), number)["due"]
    assert [line[:19] for line in told] == ["LA has not answered", "VN has not answered"]
    told = request_views.look(registry, who(registry, "la"), near)["due"]
    assert "ask anew" in told[0]
    assert "look at its grant again" in told[1]


@pytest.fixture
def outside():
    """Return a folder that everybody can reach: pytest's own are closed."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.faults
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")
def test_the_service_of_another_user_serves_and_can_read_nothing_private(outside):
    import urllib.request

    import releases

    data = outside / "data"
    releases.make_release(data)
    command = [sys.executable, "-m", "biodata.cli", "serve", "--data", str(data), "--port", "8797", "--user", "65534"]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(240):
                time.sleep(0.5)
                try:
                    with urllib.request.urlopen("http://127.0.0.1:8797/v1/occurrence/search?limit=1") as answer:
                        told = json.load(answer)
                    break
                except OSError:
                    assert process.poll() is None
            assert told["count"] > 600
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        closed = [name for name in ("lake", "lake.sqlite", "staging", "tmp") if os.access(data / name, os.R_OK)]
        can = os.access(data / "service" / "registry.sqlite", os.W_OK) and os.access(data / "releases", os.R_OK)
        os._exit(0 if not closed and can and not os.access(data, os.W_OK) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_area_of_many_corners_fits_into_a_request_and_not_into_a_login(tmp_path):
    with TestClient(create_app(Settings(data=tmp_path))) as client:
        for path, count, status in (("/v1/access/requests", 50_000, 401),
                                    ("/v1/access/requests/x/decide", 100_000, 401),
                                    ("/v1/access/requests", 250_000, 400), ("/v1/login", 50_000, 400)):  # fmt: skip
            assert client.post(path, content=b" " * count).status_code == status, (path, count)
