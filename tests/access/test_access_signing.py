"""Grants that are signed with a wrong key: seen when they are decided, named when they are used, and decided again."""

import threading

import pytest

import appointed
from biodata.access import accounts, exact_building, exact_process, grants, requests
from biodata.access.exact_process import ExactServer, ExactStore, RefusedError
from biodata.access.roles import Role, RoleBinding
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from exact_rows import ROWS
from store_records import commit_rows

WANTED = {"taxon": "Elephas maximus", "area": None, "since": None, "until": None, "fields": ["decimalLatitude"],
          "rows": 100, "rows_a_day": 100, "requests": 10, "expires": "2099-01-01T00:00:00+00:00"}  # fmt: skip


@pytest.fixture
def nodes(tmp_path):
    """Return a registry with people, the socket of a running exact process, and the keys of two countries."""
    data, store, socket = tmp_path / "data", tmp_path / "exact", tmp_path / "s"
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS)
    exact_building.build(Settings(data=data), store)
    (store / "nodes").mkdir()
    for country in ("LA", "VN"):
        (store / "nodes" / f"{country}.pem").write_text(node_keys.keep_new(tmp_path / country))
    with Registry.open(Settings(data=data)) as registry, ExactServer(socket) as server:
        threading.Thread(target=server.serve, args=[ExactStore(store)], daemon=True).start()
        for name, roles in (
            ("ana", [RoleBinding(Role.RESEARCHER)]),
            *((country.lower(), [RoleBinding(Role.NODE_MANAGER, country=country)]) for country in ("LA", "VN")),
        ):
            appointed.new(registry, name, roles=roles)
        yield registry, socket, {country: tmp_path / country for country in ("LA", "VN")}
        server.shutdown()


def decide(registry, number, country, key, exact=None):
    node = accounts.find(registry, country.lower())
    text = requests.to_sign(registry, node, number, country)
    signature = grants.sign(text, key)
    requests.decide(registry, node, number, country, grant=text, signature=signature, exact=exact)


def read(registry, socket, number):
    given = requests.usable(registry, accounts.find(registry, "ana"), number)
    answer = exact_process.call_exact(socket, {"grants": given, "account": "ana", "ask": {}})
    return {one["decimalLatitude"] for one in answer["records"]}, answer.get("unsigned")


def test_a_wrong_key_is_told_when_it_is_used_and_its_grant_is_decided_again(nodes):
    registry, socket, keys = nodes
    ana = accounts.find(registry, "ana")
    number = requests.ask(registry, ana, purpose="corridors", countries=["LA", "VN"], wanted=WANTED)
    with pytest.raises(InputError, match="trusted for LA") as caught:
        decide(registry, number, "LA", keys["VN"], socket)
    assert (caught.value.column, caught.value.expected) == ("signature", "the key of LA's node")
    with pytest.raises(InputError, match="nothing of this request") as caught:
        requests.usable(registry, ana, number)
    assert caught.value.code == "NOTHING_GRANTED"
    decide(registry, number, "VN", keys["LA"])  # as where no exact process was named
    with pytest.raises(RefusedError, match="VN is not signed by that country's node"):
        read(registry, socket, number)
    decide(registry, number, "LA", keys["LA"], socket)
    places, unsigned = read(registry, socket, number)
    assert (places, unsigned) == ({20.51234, 15.11234}, ["VN"]), "what VN has a say in stays away"
    decide(registry, number, "VN", keys["VN"], socket)
    places, unsigned = read(registry, socket, number)
    assert (places, unsigned) == ({20.51234, 15.11234, 19.53234}, None)
    for key in keys.values():
        with pytest.raises(InputError, match="decided already"):
            decide(registry, number, "VN", key, socket)
    assert registry.first_broken_audit_entry() is None


def test_nothing_is_granted_while_the_exact_process_is_silent(nodes, tmp_path):
    registry, _, keys = nodes
    ana = accounts.find(registry, "ana")
    number = requests.ask(registry, ana, purpose="corridors", countries=["LA"], wanted=WANTED)
    with pytest.raises(StoreError, match="does not answer"):
        decide(registry, number, "LA", keys["LA"], tmp_path / "nobody")
    requests.decide(registry, accounts.find(registry, "la"), number, "LA", reason="no", exact=tmp_path / "nobody")
