"""A country's yes is its own: signed by its node, to one content, once; nobody else hears that anything was asked."""

import json

import polars as pl
import pytest
from starlette.testclient import TestClient

import appointed
import releases as fixture
from api.app import create_app
from biodata.access import accounts, consent, nodes
from biodata.access.roles import Principal, Role, RoleBinding
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store import audit, consents
from biodata.store.account_models import ConsentAnswer, Node, SharedOutput
from biodata.store.consents import Consents
from biodata.store.models import Job
from biodata.store.registry import Registry
from people import bearer

NAME, TABLE = "layer-candidate-1", "reserve_candidates"
LAKE_TABLE = terms.schema(terms.PUBLISHED_TABLES[TABLE])


def outputs(**changed) -> pl.DataFrame:
    row = {"candidate_id": NAME, "name": "Nam Ha", "country_codes": ["CN", "LA"], "area_km2": 120.5,
           "geometry": b"\x01\x02", "evidence": json.dumps({"species": 3}), **changed}  # fmt: skip
    return pl.DataFrame([{name: row.get(name) for name in LAKE_TABLE}], schema=LAKE_TABLE)


@pytest.fixture
def keys() -> dict[str, bytes]:
    return {code: node_keys.new_key() for code in ("CN", "LA")}


@pytest.fixture
def registry(tmp_path, keys):
    with Registry.open(Settings(data=tmp_path / "data")) as opened:
        with opened.session() as session, session.begin():
            session.add_all(Node(code=code, public_key=node_keys.public_of(key), told={}) for code, key in keys.items())
        consents.ask_nodes(opened, TABLE, outputs())
        yield opened


def signed(registry, key, country, given="agree", note="") -> str:
    told = consent.look(registry, None, NAME, None)
    return consents.sign(consent.text_of(told, country, given, note), key)


def agree(registry, keys, country) -> None:
    consent.give(
        registry, None, NAME, country, "agree", required=None, signature=signed(registry, keys[country], country)
    )


def public(registry, frame=None) -> pl.DataFrame:
    return Consents.read(registry, Settings()).public(TABLE, outputs() if frame is None else frame)


def refusal(registry, *given, **more) -> str:
    with pytest.raises(InputError) as caught:
        consent.give(registry, None, NAME, *given, required=None, **more)
    return caught.value.code


def test_an_output_goes_public_once_every_node_signed_and_tells_who(registry, keys):
    assert public(registry).is_empty()
    agree(registry, keys, "LA")
    assert public(registry).is_empty()
    agree(registry, keys, "CN")
    told = json.loads(public(registry)["evidence"][0])["consent"]
    assert told["said"] == "agreed by the national nodes of CN, LA"
    for code, one in told["signed"].items():  # anybody who has the node's key can check it
        text = consents.text_to_sign(output=NAME, content=told["content"], country=code, number=one["number"],
                                     answer="agree", note=one["note"])  # fmt: skip
        assert consents.signed_by(text, one["signature"], node_keys.public_of(keys[code]))
    with registry.session() as session:
        assert [(job.name, job.arguments) for job in session.query(Job)] == [("release", {})]


def test_nobody_agrees_for_a_country_without_its_key(registry, keys):
    assert refusal(registry, "LA", "agree") == "SIGNATURE_INVALID"
    another = signed(registry, node_keys.new_key(), "LA")
    assert refusal(registry, "LA", "agree", signature=another) == "SIGNATURE_INVALID"
    of_china = signed(registry, keys["CN"], "CN")
    assert refusal(registry, "LA", "agree", signature=of_china) == "SIGNATURE_INVALID"
    refused = signed(registry, keys["LA"], "LA", "refuse")
    assert refusal(registry, "LA", "agree", signature=refused) == "SIGNATURE_INVALID"
    with registry.session() as session, session.begin():  # whoever writes into the registry agrees for nobody either
        for country in ("LA", "CN"):
            content = consents.content_of(outputs().row(0, named=True))
            session.add(ConsentAnswer(output=NAME, content=content, country=country, number=1, answer="agree",
                                               note="", by="somebody", signature=None))  # fmt: skip
    assert public(registry).is_empty()


def test_an_answer_is_given_once_and_to_one_content(registry, keys):
    yes = signed(registry, keys["LA"], "LA")
    agree(registry, keys, "CN")
    consent.give(registry, None, NAME, "LA", "agree", required=None, signature=yes)
    assert public(registry).height == 1
    consent.give(registry, None, NAME, "LA", "refuse", required=None, note="a mine is planned")
    assert public(registry).is_empty(), "what was agreed to can be taken back"
    assert refusal(registry, "LA", "agree", signature=yes) == "SIGNATURE_INVALID", "the old yes counts no more"
    with registry.session() as session:
        assert [job.arguments for job in session.query(Job)] == [{}, {"alone": True}]
    agree(registry, keys, "LA")
    assert public(registry).height == 1
    larger = outputs(area_km2=240.0)
    assert public(registry, larger).is_empty(), "the same name, another content"
    assert consents.ask_nodes(registry, TABLE, larger) == 1
    states = consent.look(registry, None, NAME, None)["states"]
    assert [one["state"] for one in states] == ["silent", "silent"]
    assert [one["to_this"] for one in consent.look(registry, None, NAME, None)["history"]] == [False] * 4


def test_what_was_changed_on_the_way_to_the_node_is_not_signed(registry):
    told = consent.look(registry, None, NAME, None)
    told["row"]["area_km2"] = 1.0
    with pytest.raises(InputError, match="hash"):
        consent.text_of(told, "LA", "agree", "")


def test_a_node_that_is_not_trusted_any_more_lets_nothing_go_public(registry, keys):
    agree(registry, keys, "CN")
    agree(registry, keys, "LA")
    with registry.session() as session, session.begin():
        for node in session.query(Node):
            node.distrusted = node.trusted
    assert public(registry).is_empty()
    assert refusal(registry, "LA", "refuse") == "NODE_UNKNOWN"


def test_a_country_without_a_node_refuses_and_a_new_content_does_not_take_that_away(tmp_path):
    noy = Principal(7, "noy", (RoleBinding(Role.NODE_MANAGER, country="LA"),))
    with Registry.open(Settings(data=tmp_path / "data")) as registry:
        assert not Consents.read(registry, Settings()).asks
        appointed.new(registry, "noy", roles=list(noy.roles))
        assert Consents.read(registry, Settings()).asks, "a manager is told of what concerns their country"
        consents.ask_nodes(registry, TABLE, outputs())
        assert public(registry).height == 1, "nothing waits for answers where no node is registered"
        consent.give(registry, noy, NAME, "LA", "refuse", required=None, note="a mine is planned")
        assert public(registry).is_empty()
        assert public(registry, outputs(area_km2=240.0)).is_empty(), "made again with another content"
        free = Consents.read(registry, Settings(consent="not_required"))
        assert free.public(TABLE, outputs()).is_empty()
        assert consent.look(registry, noy, NAME, None)["states"][1]["state"] == "refuse"
        with registry.session() as session:
            assert [job.arguments for job in session.query(Job)] == [{"alone": True}]
        assert refusal(registry, "LA", "agree") == "SIGNATURE_INVALID", "nobody else takes it back"
        assert refusal(registry, "VN", "refuse") == "NODE_UNKNOWN", "it does not lie there"
        consent.give(registry, noy, NAME, "LA", "agree", required=None)
        assert public(registry).height == 1
        waits = Consents.read(registry, Settings(consent="required"))
        assert waits.public(TABLE, outputs()).is_empty(), "a yes without a signature is none"


def test_a_node_holds_back_only_what_concerns_its_country(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")) as registry:
        with registry.session() as session, session.begin():
            session.add(Node(code="LA", public_key=node_keys.public_of(node_keys.new_key()), told={}))
        assert public(registry).is_empty()
        others = public(registry, outputs(country_codes=["CN", "VN"]))
        assert others.height == 1, "nobody of these two answers here"
        assert "none of its countries" in others["evidence"][0]
        waits = Consents.read(registry, Settings(consent="required"))
        assert waits.public(TABLE, outputs(country_codes=["CN", "VN"])).is_empty()


@pytest.mark.parametrize(("told", "meant"), [("Laos", "LA"), ("ລາວ", "LA"), ("Atlantis", "such as LA")])
def test_a_name_of_a_country_is_told_to_be_no_code(told, meant):
    with pytest.raises(InputError, match="no code") as caught:
        nodes.checked_country(told)
    assert (caught.value.column, caught.value.value) == ("country", told)
    assert meant in caught.value.expected


def test_an_output_that_is_no_more_is_forgotten_but_for_its_name(registry):
    consents.ask_nodes(registry, TABLE, outputs().clear())
    with registry.session() as session:
        assert session.get_one(SharedOutput, NAME).row == {}
    with pytest.raises(InputError, match="no shared output"):
        consent.look(registry, None, NAME, None)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    data = tmp_path_factory.mktemp("served")
    fixture.make_release(data)
    settings = Settings(data=data, password_memory_mib=8, login_limit=0, rate_limit=0)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        registry = client.app.state.service.registry
        for code in ("LA", "CN", "VN"):
            appointed.new(registry, code.lower(), roles=[RoleBinding(Role.NODE_MANAGER, country=code)])
        appointed.new(registry, "root", roles=[RoleBinding(Role.ADMINISTRATOR)])
        appointed.new(registry, "ana", roles=[RoleBinding(Role.RESEARCHER)])
        client.keys = {code: node_keys.new_key() for code in ("CN", "LA")}
        with registry.session() as session, session.begin():
            session.add_all(
                Node(code=code, public_key=node_keys.public_of(key), told={}) for code, key in client.keys.items()
            )
        consents.ask_nodes(registry, TABLE, outputs())
        yield client


def headers(client, name: str) -> dict[str, str]:
    found = client.app.state.service
    return bearer(found.tokens.start(accounts.find(found.registry, name).account_id, method="a test").access)


def test_the_nodes_of_its_countries_alone_see_a_draft(served):
    address = f"/v1/consents/{NAME}"
    seen = served.get(address, headers=headers(served, "la"))
    assert seen.status_code == 200
    assert seen.headers["cache-control"] == "private, no-store"
    assert [(one["country"], one["state"]) for one in seen.json()["states"]] == [("CN", "silent"), ("LA", "silent")]
    assert all(one["since"] for one in seen.json()["states"])
    missing = served.get("/v1/consents/layer-candidate-9", headers=headers(served, "vn"))
    for name in ("vn", "root", "ana"):
        hidden = served.get(address, headers=headers(served, name))
        assert hidden.status_code == missing.status_code == 404
        same = {"request_id", "value", "detail", "instance"}
        told = {k: v for k, v in hidden.json().items() if k not in same}
        assert told == {k: v for k, v in missing.json().items() if k not in same}
        sent = {"country": "LA", "answer": "refuse"}
        assert served.post(address, json=sent, headers=headers(served, name)).status_code == 404
    assert served.get(address).status_code == 401
    assert served.get("/v1/consents", headers=headers(served, "vn")).json() == {"results": []}
    found = [one["output"] for one in served.get("/v1/consents", headers=headers(served, "cn")).json()["results"]]
    assert found == [NAME]
    assert served.get("/v1/consents", headers=headers(served, "root")).status_code == 403


def test_a_node_s_manager_answers_to_what_was_seen_and_for_their_country_alone(served):
    address, shown = f"/v1/consents/{NAME}", headers(served, "la")
    told = served.get(address, headers=shown)
    tag = {"If-Match": told.headers["etag"]}
    ask = {"country": "LA", "answer": "ask", "note": "which records?"}
    assert served.post(address, json=ask, headers=shown).status_code == 428
    assert served.post(address, json=ask, headers=shown | {"If-Match": '"x"'}).status_code == 412
    assert served.post(address, json={**ask, "by": "me"}, headers=shown | tag).status_code == 422
    assert served.post(address, json={**ask, "answer": "yes"}, headers=shown | tag).status_code == 422
    assert served.post(address, json={**ask, "country": "CN"}, headers=shown | tag).status_code == 422
    first = served.post(address, json=ask, headers=shown | tag)
    assert first.status_code == 200
    assert served.post(address, json=ask, headers=shown | tag).status_code == 412, "somebody answered meanwhile"
    found = [(one["number"], one["answer"], one["note"]) for one in first.json()["history"]]
    assert found == [(1, "ask", "which records?")]
    yes = {"country": "LA", "answer": "agree"}
    tag = {"If-Match": first.headers["etag"]}
    assert served.post(address, json=yes, headers=shown | tag).json()["code"] == "SIGNATURE_INVALID"
    signature = consents.sign(consent.text_of(first.json(), "LA", "agree", ""), served.keys["LA"])
    agreed = served.post(address, json={**yes, "signature": signature}, headers=shown | tag)
    assert agreed.status_code == 200
    assert {one["country"]: one["state"] for one in agreed.json()["states"]} == {"CN": "silent", "LA": "agree"}
    assert "la" not in json.dumps(agreed.json()["history"]), "who it was at the node stands in the audit alone"
    with served.app.state.service.registry.session() as session:
        assert audit.first_broken(session) is None
