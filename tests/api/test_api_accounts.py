"""Accounts over HTTP: logins, tokens that end at once, keys, roles that nobody gives beyond their own, bodies kept strict."""

import json
import threading

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from starlette.testclient import TestClient

import appointed
from api.app import create_app
from api.logs import JsonLines
from biodata.access import accounts, credentials
from biodata.access.credentials import Passwords
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.account_models import Account
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry
from people import PASSWORD, ROLES, bearer

pytest_plugins = ("account_client",)


def test_a_login_tells_who_one_is(account_client, people):
    pair = people.pair("node_manager")
    assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    answer = account_client.get("/v1/account", headers=bearer(pair["access_token"]))
    told = answer.json()
    assert (told["name"], told["roles"], told["closed"]) == (
        "node_manager", [{"role": "node_manager", "country": "LA"}], False,
    )  # fmt: skip
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"].startswith("Authorization, X-API-Key")


@pytest.mark.parametrize(("name", "password"), [
    pytest.param("reviewer", "another password", id="another password"),
    pytest.param("nobody", PASSWORD, id="no such account"),
    pytest.param("closed", PASSWORD, id="a closed account"),
    pytest.param("new", PASSWORD, id="an account without a password"),
    pytest.param("reviewer", PASSWORD + "\x00", id="NUL behind it"),
])  # fmt: skip
def test_every_login_that_fails_fails_alike(account_client, people, name, password):
    if name == "closed" and accounts.find(people.registry, "closed") is None:
        accounts.revoke(people.registry, people.new("closed", RoleBinding(Role.PLANNER)))
    if name == "new":
        appointed.new(people.registry, "new")
    answer = account_client.post("/v1/login", json={"name": name, "password": password})
    assert answer.status_code == 401
    assert {key: value for key, value in answer.json().items() if key != "request_id"} == {
        "type": "/docs#LOGIN_FAILED",
        "title": "Name and password do not belong together, or the login was refused.",
        "status": 401,
        "detail": "name and password do not belong together",
        "code": "LOGIN_FAILED",
    }
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("size", [1_001, 9_000, 1_000_000])
def test_a_password_of_more_than_a_kilobyte(account_client, size, monkeypatch):
    monkeypatch.setattr("argon2.PasswordHasher.verify", lambda *_: pytest.fail("work was done for it"))
    answer = account_client.post("/v1/login", json={"name": "reviewer", "password": "x" * size})
    assert answer.status_code == 400
    assert answer.json()["code"] in ("PASSWORD_INVALID", "BODY_INVALID")
    assert "xxxx" not in answer.text


def test_a_token_is_exchanged_once(account_client, people):
    first = people.pair("planner")
    second = account_client.post("/v1/login/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    third = account_client.post("/v1/login/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert third.status_code == 200
    assert account_client.get("/v1/account", headers=bearer(third.json()["access_token"])).status_code == 200
    stolen = account_client.post("/v1/login/refresh", json={"refresh_token": first["refresh_token"]})
    assert stolen.status_code == 401
    for pair in (first, second.json(), third.json()):
        assert account_client.get("/v1/account", headers=bearer(pair["access_token"])).status_code == 401
        again = account_client.post("/v1/login/refresh", json={"refresh_token": pair["refresh_token"]})
        assert (again.status_code, again.json()["detail"]) == (401, "a valid API key or token is needed")
    with people.registry.session(read_only=True) as session:
        told = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (told.action, told.subject) == ("refresh token reused", "planner")


def test_a_logout_ends_one_login(account_client, people):
    one, other = people.pair("planner"), people.pair("planner")
    for token in (one["refresh_token"], "not known"):
        assert account_client.post("/v1/login/end", json={"refresh_token": token}).status_code == 204
    assert account_client.get("/v1/account", headers=bearer(one["access_token"])).status_code == 401
    assert account_client.get("/v1/account", headers=bearer(other["access_token"])).status_code == 200
    assert account_client.delete("/v1/account/logins", headers=bearer(other["access_token"])).status_code == 204
    assert account_client.get("/v1/account", headers=bearer(other["access_token"])).status_code == 401


def test_what_is_revoked_is_revoked_at_once(account_client, people):
    name = people.new("soon-gone", RoleBinding(Role.REVIEWER))
    token, key = people.headers(name), bearer(credentials.new_key(people.registry, name))
    administrator = people.headers("administrator")
    assert account_client.get("/v1/account", headers=token).json()["roles"] == [{"role": "reviewer"}]
    gone = account_client.delete(f"/v1/accounts/{name}/roles", params={"role": "reviewer"}, headers=administrator)
    assert gone.status_code == 204
    assert account_client.get("/v1/account", headers=token).json()["roles"] == []
    closed = account_client.patch(f"/v1/accounts/{name}", json={"closed": True}, headers=administrator)
    assert (closed.status_code, closed.json()["closed"]) == (200, True)
    for headers in (token, key):
        assert account_client.get("/v1/account", headers=headers).status_code == 401
    account_client.patch(f"/v1/accounts/{name}", json={"closed": False}, headers=administrator)
    assert account_client.get("/v1/account", headers=token).status_code == 401, "a token of before stays ended"
    assert account_client.get("/v1/account", headers=key).status_code == 200


def test_a_password_by_a_code_and_changed(account_client, people):
    administrator = people.headers("administrator")
    assert account_client.post("/v1/accounts", json={"name": "noy"}, headers=administrator).status_code == 201
    again = account_client.post("/v1/accounts", json={"name": "noy"}, headers=administrator)
    assert (again.status_code, again.json()["code"]) == (409, "ACCOUNT_EXISTS")
    old = account_client.post("/v1/accounts/noy/code", headers=administrator).json()["code"]
    code = account_client.post("/v1/accounts/noy/code", headers=administrator).json()["code"]

    def redeem(code: str, password: str) -> tuple[int, str | None]:
        answer = account_client.post("/v1/login/code", json={"code": code, "password": password})
        assert password not in answer.text
        return answer.status_code, answer.json()["code"] if answer.content else None

    assert redeem(old, PASSWORD) == (400, "CODE_INVALID"), "a new code ends the one before"
    assert redeem("x" * 32, PASSWORD) == (400, "CODE_INVALID")
    for plain in ("too short", "a" * 40, "noy" * 12, "ab" * 20):
        assert redeem(code, plain) == (400, "PASSWORD_INVALID")
    assert redeem(code, PASSWORD) == (204, None)
    assert redeem(code, PASSWORD) == (400, "CODE_INVALID"), "it is good once"
    login = people.pair("noy")
    change = {"old": PASSWORD, "new": "eleven langurs at noon"}
    headers = bearer(login["access_token"])
    wrong = account_client.post("/v1/account/password", json={**change, "old": "no"}, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "LOGIN_FAILED")
    assert account_client.post("/v1/account/password", json=change, headers=headers).status_code == 204
    assert account_client.get("/v1/account", headers=headers).status_code == 401
    assert account_client.post("/v1/login", json={"name": "noy", "password": PASSWORD}).status_code == 401
    assert account_client.post("/v1/login", json={"name": "noy", "password": change["new"]}).status_code == 200


def test_keys_of_ones_own(account_client, people):
    headers = people.headers("uploader")
    made = account_client.post("/v1/account/keys", json={"label": "camera script", "role": "uploader"}, headers=headers)
    assert made.status_code == 201
    key = bearer(made.json()["key"])
    told = account_client.get("/v1/account/keys", headers=headers)
    assert made.json()["key"] not in told.text
    number = told.json()["results"][-1]["id"]
    assert account_client.get("/v1/account", headers=key).json()["name"] == "uploader"
    other = account_client.delete(f"/v1/account/keys/{number}", headers=people.headers("planner"))
    assert (other.status_code, other.json()["code"]) == (404, "KEY_UNKNOWN"), "another's key is not there"
    assert account_client.get("/v1/account", headers=key).status_code == 200
    assert account_client.delete(f"/v1/account/keys/{number}", headers=headers).status_code == 204
    assert account_client.get("/v1/account", headers=key).status_code == 401


def test_a_key_makes_no_keys(account_client, people):
    key = bearer(credentials.new_key(people.registry, "administrator", role=Role.PLANNER))
    for method, path, body in (
        ("POST", "/v1/account/keys", {"label": "more"}),
        ("PATCH", "/v1/account", {"label": "somebody"}),
        ("POST", "/v1/account/password", {"old": PASSWORD, "new": PASSWORD * 2}),
        ("GET", "/v1/accounts", None),
        ("POST", "/v1/accounts/planner/roles", {"role": "administrator"}),
    ):
        answer = account_client.request(method, path, json=body, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(("wanted", "status"), [
    pytest.param({"role": "reviewer", "country": "LA"}, 204, id="within the country"),
    pytest.param({"role": "reviewer"}, 403, id="everywhere"),
    pytest.param({"role": "reviewer", "country": "CN"}, 403, id="another country"),
    pytest.param({"role": "node_manager", "country": "LA"}, 204, id="a second manager"),
    pytest.param({"role": "administrator", "country": "LA"}, 403, id="a higher role"),
    pytest.param({"role": "root"}, 422, id="no role"),
])  # fmt: skip
def test_what_a_node_manager_gives(account_client, people, wanted, status):
    headers = people.headers("node_manager")
    if accounts.find(people.registry, "kham") is None:
        appointed.new(people.registry, "kham")
    answer = account_client.post("/v1/accounts/kham/roles", json=wanted, headers=headers)
    assert answer.status_code == status
    has = accounts.describe(people.registry, "kham")["unconfirmed"]
    assert (wanted in has) is (status == 204)
    taken = account_client.delete("/v1/accounts/kham/roles", params=wanted, headers=headers)
    assert taken.status_code == status


@pytest.mark.parametrize(("method", "path", "body", "field"), [
    ("PATCH", "/v1/account", {"label": "Ana", "roles": [{"role": "administrator"}]}, "roles"),
    ("PATCH", "/v1/account", {"label": 7}, "label"),
    ("PATCH", "/v1/account", {"label": "\x00"}, "label"),
    ("PATCH", "/v1/account", [], None),
    ("POST", "/v1/account/keys", {"label": "a", "account_id": 1}, "account_id"),
    ("POST", "/v1/accounts", {"name": "x", "roles": []}, "roles"),
    ("PATCH", "/v1/accounts/planner", {"closed": "false"}, "closed"),
    ("POST", "/v1/accounts/planner/roles", {"role": "planner", "scope": "*"}, "scope"),
    ("POST", "/v1/accounts/planner/roles", {"role": "planner", "country": "LAO"}, "country"),
    ("POST", "/v1/login", {"name": "planner", "password": PASSWORD, "role": "administrator"}, "role"),
    ("POST", "/v1/login/refresh", {"refresh_token": "x", "version": 1}, "version"),
])  # fmt: skip
def test_fields_that_are_unknown_or_cannot_be_set(account_client, people, method, path, body, field):
    answer = account_client.request(method, path, json=body, headers=people.headers("administrator"))
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (422, "FIELD_INVALID", field)


def test_what_is_no_json(account_client):
    for body in (b"{", b"\xff", b'{"name": "a", "password": "b"'):
        answer = account_client.post("/v1/login", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["code"] in ("BODY_INVALID", "REQUEST_INVALID")


def test_nothing_secret_is_kept(account_client, people, caplog):
    pair = people.pair("researcher")
    folder = account_client.app.state.service.settings.data
    secret = (folder / "service" / "secrets" / "tokens").read_bytes()
    assert (folder / "service" / "secrets" / "tokens").stat().st_mode & 0o777 == 0o600
    assert (folder / "service" / "secrets").stat().st_mode & 0o777 == 0o700
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for told in (PASSWORD, pair["refresh_token"], pair["access_token"]):
                assert told.encode() not in content, file
            assert file.name == "tokens" or secret not in content
    assert all(PASSWORD not in JsonLines().format(record) for record in caplog.records)
    assert set(ROLES) <= set(Role)


def test_logins_are_few_a_minute(tmp_path):
    with TestClient(create_app(Settings(data=tmp_path, password_memory_mib=8, login_limit=3))) as client:
        answers = [client.post("/v1/login", json={"name": "planner", "password": "no"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["code"] == "LOGINS_TOO_MANY"


def test_many_addresses_guess_no_faster_at_one_account(tmp_path):
    settings = Settings(data=tmp_path, password_memory_mib=8, login_limit=3, trusted_proxies="127.0.0.1")
    with TestClient(create_app(settings), client=("127.0.0.1", 1)) as client:

        def tried(name: str, number: int) -> int:
            shown = {"X-Forwarded-For": f"198.51.100.{number}"}
            return client.post("/v1/login", json={"name": name, "password": "no"}, headers=shown).status_code

        assert [tried("planner", number) for number in range(12)] == [401] * 9 + [429] * 3
        assert tried("nobody", 20) == 401, "another account is not concerned, whether there is one or not"
        assert [tried("nobody", number) for number in range(21, 31)] == [401] * 8 + [429] * 2


def test_a_password_is_kept_as_the_settings_ask_today(tmp_path):
    with Registry.open(Settings(data=tmp_path)) as registry:
        appointed.new(registry, "ana")
        Passwords(memory_mib=8).set_by_code(registry, credentials.new_code(registry, "ana"), PASSWORD)
        today = Passwords(memory_mib=9)
        assert today.who(registry, "ana", "another password") is None
        assert "m=8192" in kept(registry)
        assert today.who(registry, "ana", PASSWORD) is not None
        assert "m=9216" in kept(registry)
        assert today.who(registry, "ana", PASSWORD) is not None


def kept(registry):
    with registry.session(read_only=True) as session:
        return session.scalar(select(Account.password))


def test_the_same_work_is_done_whether_there_is_such_an_account(account_client, people, monkeypatch):
    """What argon2 is asked tells it, and no clock: one check with the same cost each time."""
    asked, verify = [], PasswordHasher.verify

    def counted(self, hash, password):
        asked.append(hash.rsplit("$", 2)[0])
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    appointed.new(people.registry, "without")
    for name in ("reviewer", "nobody", "../etc", "without"):
        account_client.post("/v1/login", json={"name": name, "password": "one that is wrong"})
    assert len(asked) == 4
    assert len(set(asked)) == 1


def test_an_unknown_refresh_token_waits_for_no_writer(account_client, people):
    """Anybody can send any: a crowd of them must not hold up those who write."""
    tokens = account_client.app.state.service.tokens
    with people.registry.session() as session, session.begin():
        session.execute(select(Account.id))
        assert tokens.exchange("x" * 43) is None
        tokens.end("x" * 43)


def test_the_last_administrator_stays_and_a_lost_one_is_replaced_on_the_command_line(account_client, people, tmp_path):
    headers = people.headers("administrator")
    for method, path, sent in (
        ("PATCH", "/v1/accounts/administrator", {"json": {"closed": True}}),
        ("DELETE", "/v1/accounts/administrator/roles", {"params": {"role": "administrator"}}),
    ):
        answer = account_client.request(method, path, headers=headers, **sent)
        assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMINISTRATOR")
    assert account_client.get("/v1/accounts", headers=headers).status_code == 200
    second = people.new("second", RoleBinding(Role.ADMINISTRATOR))
    closed = account_client.patch("/v1/accounts/administrator", json={"closed": True}, headers=people.headers(second))
    assert closed.status_code == 200
    assert account_client.get("/v1/accounts", headers=headers).status_code == 401
    # Whoever has the machine lets them in again, also where nobody else is left.
    accounts.revoke(people.registry, second)
    accounts.reopen(people.registry, "administrator")
    code = credentials.new_code(people.registry, "administrator")
    sent = account_client.post("/v1/login/code", json={"code": code, "password": PASSWORD})
    assert sent.status_code == 204
    assert account_client.get("/v1/accounts", headers=people.headers("administrator")).status_code == 200


def test_who_tried_what_they_may_not_stands_in_the_log(account_client, people, caplog):
    headers = people.headers("planner")
    caplog.clear()
    answer = account_client.get("/v1/accounts", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (403, "none of your roles lets you manage accounts here")
    (line,) = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "api.refusals"]
    assert (line["event"], line["account"], line["action"]) == ("refused", "planner", "manage accounts")
    assert line["request_id"] == answer.headers["x-request-id"]


def test_two_who_exchange_the_same_token_at_once(account_client, people):
    refresh, found = people.pair("reviewer")["refresh_token"], account_client.app.state.service.tokens
    start, got = threading.Barrier(4), []

    def exchange() -> None:
        start.wait()
        got.append(found.exchange(refresh))

    threads = [threading.Thread(target=exchange) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (pair,) = [one for one in got if one is not None]
    assert found.principal(pair.access) is None, "one of them stole it: the login has ended"
    assert found.exchange(pair.refresh) is None


def test_an_administrator_of_one_country_manages_no_accounts(account_client, people):
    name = people.new("bound", RoleBinding(Role.ADMINISTRATOR, country="LA"))
    headers = people.headers(name)
    for method, path, body in (
        ("GET", "/v1/accounts", None),
        ("PATCH", "/v1/accounts/planner", {"closed": True}),
        ("POST", "/v1/accounts/administrator/code", None),
        ("POST", f"/v1/accounts/{name}/roles", {"role": "administrator"}),
        ("POST", f"/v1/accounts/{name}/roles", {"role": "node_manager", "country": "CN"}),
    ):
        assert account_client.request(method, path, json=body, headers=headers).status_code == 403


def test_an_administrator_decides_nothing_by_a_role_that_he_gave_himself_and_all_who_decide_see_who_gave_what(
    account_client, people
):
    root, reviewer = people.headers("administrator"), people.headers("reviewer")
    wanted = {"role": "reviewer", "country": "LA"}
    answer = account_client.post("/v1/accounts/administrator/roles", json=wanted, headers=root)
    assert (answer.status_code, answer.json()["code"]) == (403, "OWN_APPOINTMENT")
    appointed.new(people.registry, "souk")
    assert account_client.post("/v1/accounts/souk/roles", json=wanted, headers=root).status_code == 204
    confirmation = wanted | {"account": "souk"}
    own = account_client.post("/v1/appointments", json=confirmation, headers=root)
    assert (own.status_code, own.json()["code"]) == (403, "OWN_APPOINTMENT")
    assert accounts.find(people.registry, "souk").roles == ()
    waits = account_client.get("/v1/appointments", headers=reviewer).json()["waiting"]
    assert [(one["account"], one["given_by"]) for one in waits] == [("souk", "administrator")]
    assert account_client.post("/v1/appointments", json=confirmation, headers=reviewer).status_code == 204
    told = account_client.get("/v1/appointments", headers=reviewer).json()
    assert told["waiting"] == []
    last = told["results"][-1]
    assert (last["actor"], last["action"], last["subject"]) == ("reviewer", "role confirmed", "souk")
    assert last["details"] == wanted | {"given_by": "administrator"}
    assert account_client.get("/v1/appointments", headers=people.headers("planner")).status_code == 403
