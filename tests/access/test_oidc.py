"""Logins by OpenID Connect: against a provider of somebody else's making, and one that lies in every way."""

import base64
import hashlib
import hmac
import json
import time
import warnings
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import urllib3
from starlette.testclient import TestClient

import appointed
import stub_oidc
from api.app import create_app
from api.logins import COOKIE
from biodata.access import accounts, credentials, oidc
from biodata.access.roles import Role, RoleBinding
from biodata.settings import OidcProvider, Settings
from people import People, bearer

with warnings.catch_warnings(record=True):  # it uses parts of authlib that will move
    import oidc_provider_mock

PROVIDERS = "/v1/login/providers"


def serve(data, *providers: OidcProvider):
    settings = Settings(data=data, password_memory_mib=8, login_limit=0, oidc_providers=providers)
    return TestClient(create_app(settings), base_url="http://127.0.0.1", follow_redirects=False)


@pytest.fixture(scope="module")
def stub():
    with stub_oidc.serving() as found:
        yield found


@pytest.fixture(scope="module")
def client(stub, tmp_path_factory):
    told = {"issuer": stub.issuer, "client_id": stub_oidc.CLIENT, "client_secret": stub_oidc.SECRET}
    ours = OidcProvider(name="node", **told), OidcProvider(name="open", new_accounts=True, **told)
    with serve(tmp_path_factory.mktemp("oidc"), *ours) as found:
        yield found


@pytest.fixture(autouse=True)
def straight(request):
    """Let the provider answer as it should, and nothing be known of it, before each test that bends it."""
    if "client" in request.fixturenames:
        request.getfixturevalue("stub").straighten()
        client = request.getfixturevalue("client")
        client.cookies.clear()
        for provider in client.app.state.service.oidc.providers.values():
            provider._configuration = provider._keys = None


@pytest.fixture
def registry(client):
    return client.app.state.service.registry


@pytest.fixture
def noy(client, registry, stub):
    """Return what the provider calls somebody whose account, of the same name, is linked by a one-time code."""
    name = credentials.unused_name(registry, "noy")
    appointed.new(registry, name, roles=[RoleBinding(Role.REVIEWER)])
    begun = client.post(f"{PROVIDERS}/node", json={"code": credentials.new_code(registry, name)})
    assert begun.status_code == 200
    back = stub.authorise(begun.json()["location"], subject=name)
    assert client.get(f"{PROVIDERS}/node/callback", params=back).status_code == 200
    return name


def come_back(client, stub, subject: str, *, provider: str = "node", changes: dict | None = None):
    """Begin a login and come back."""
    begun = client.get(f"{PROVIDERS}/{provider}")
    assert begun.status_code == 303
    back = stub.authorise(begun.headers["location"], subject=subject)
    return client.get(f"{PROVIDERS}/{provider}/callback", params={**back, **(changes or {})})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_provider_of_somebody_elses_making(tmp_path):
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server, urllib3.PoolManager() as pool:
        issuer = f"http://localhost:{server.server_port}"
        told = OidcProvider(name="mock", issuer=issuer, client_id="biodata", client_secret="any", new_accounts=True)
        with serve(tmp_path, told) as client:
            assert client.get(PROVIDERS).json() == {"results": [{"name": "mock"}]}
            begun = client.get(f"{PROVIDERS}/mock")
            login = pool.request(
                "POST", begun.headers["location"], fields={"sub": "ana"}, encode_multipart=False, redirect=False
            )
            back = urlsplit(login.headers["location"])
            assert (back.path, login.status) == (f"{PROVIDERS}/mock/callback", 302)
            answer = client.get(back.path, params=dict(parse_qsl(back.query)))
            assert answer.status_code == 200, answer.text
            who = client.get("/v1/account", headers=bearer(answer.json()["access_token"])).json()
            assert who["name"].startswith("mock-")
            assert who["roles"] == [], "who comes from a provider may do nothing yet"
            again = client.get(back.path, params=dict(parse_qsl(back.query)))
            assert again.status_code == 401, "neither code nor cookie are good twice"


@pytest.mark.parametrize("algorithm", list(stub_oidc.KEYS))
def test_a_linked_account_logs_in(client, noy, stub, algorithm):
    stub.algorithm = algorithm
    answer = come_back(client, stub, noy)
    assert answer.status_code == 200
    told = client.get("/v1/account", headers=bearer(answer.json()["access_token"])).json()
    assert (told["name"], told["roles"]) == (noy, [{"role": "reviewer"}])
    assert "code_verifier" in stub.asked[-1]
    assert answer.headers["cache-control"] == "private, no-store"


def test_the_cookie_is_kept_from_pages_and_other_sites(client):
    told = client.get(f"{PROVIDERS}/node").headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told
    assert f"path={PROVIDERS}" in told
    question = dict(parse_qsl(urlsplit(client.get(f"{PROVIDERS}/node").headers["location"]).query))
    assert question["code_challenge_method"] == "S256"
    assert question["redirect_uri"] == f"http://127.0.0.1{PROVIDERS}/node/callback"


def test_an_account_links_itself(client, registry, stub):
    people = People(client)
    headers = people.headers("planner")
    begun = client.post(f"{PROVIDERS}/node", json={}, headers=headers)
    back = stub.authorise(begun.json()["location"], subject="subject-2")
    assert client.get(f"{PROVIDERS}/node/callback", params=back).status_code == 200
    token = come_back(client, stub, "subject-2").json()["access_token"]
    assert client.get("/v1/account", headers=bearer(token)).json()["name"] == "planner"
    other = client.post(f"{PROVIDERS}/node", json={}, headers=people.headers("reviewer"))
    back = stub.authorise(other.json()["location"], subject="subject-2")
    assert client.get(f"{PROVIDERS}/node/callback", params=back).status_code == 401, "one identity is one account's"
    assert client.post(f"{PROVIDERS}/node", json={}).status_code == 401
    assert client.post(f"{PROVIDERS}/node", json={"code": "none"}).status_code == 400


def test_a_link_that_a_thief_began_ends_with_the_logins(client, registry, stub):
    name = credentials.unused_name(registry, "owner")
    headers = People(client, roles={}).own(name)
    begun = client.post(f"{PROVIDERS}/node", json={}, headers=headers)
    assert client.delete("/v1/account/logins", headers=headers).status_code == 204
    back = stub.authorise(begun.json()["location"], subject="a thief")
    assert client.get(f"{PROVIDERS}/node/callback", params=back).status_code == 401
    assert come_back(client, stub, "a thief").status_code == 401


def test_an_account_sees_who_it_is_linked_to_and_unlinks(client, registry, stub, noy):
    headers = bearer(come_back(client, stub, noy).json()["access_token"])
    (told,) = client.get("/v1/account/identities", headers=headers).json()["results"]
    assert (told["issuer"], told.keys()) == (stub.issuer, {"id", "issuer", "created"})
    other = People(client, roles={}).own(credentials.unused_name(registry, "other"))
    assert client.delete(f"/v1/account/identities/{told['id']}", headers=other).status_code == 404
    assert come_back(client, stub, noy).status_code == 200
    assert client.delete(f"/v1/account/identities/{told['id']}", headers=headers).status_code == 204
    assert come_back(client, stub, noy).status_code == 401
    assert client.get("/v1/account/identities", headers=headers).json()["results"] == []


def test_nobody_who_was_not_invited(client, registry, stub):
    assert come_back(client, stub, "a stranger").status_code == 401
    answer = come_back(client, stub, "a stranger", provider="open")
    assert answer.status_code == 200
    token = bearer(answer.json()["access_token"])
    assert client.get("/v1/account", headers=token).json()["roles"] == []
    name = client.get("/v1/account", headers=token).json()["name"]
    accounts.revoke(registry, name)
    assert come_back(client, stub, "a stranger", provider="open").status_code == 401, "a closed account stays closed"


def forged(claims: dict, key: bytes | None, algorithm: str, kid: str = "RS256") -> str:
    """Sign by hand: the library refuses to sign so."""
    parts = [{"alg": algorithm, "kid": kid, "typ": "JWT"}, claims]
    body = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)
    signature = b"" if key is None else hmac.digest(key, body.encode(), hashlib.sha256)
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return stub_oidc.KEYS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


OTHER = stub_oidc.rsa.generate_private_key(public_exponent=65537, key_size=2048)

LIES = {
    "another nonce": ("claims", lambda c: c | {"nonce": "x"}),
    "no nonce": ("claims", lambda c: {k: v for k, v in c.items() if k != "nonce"}),
    "another audience": ("claims", lambda c: c | {"aud": "another"}),
    "a second audience": ("claims", lambda c: c | {"aud": ["biodata", "another"]}),
    "made for another": ("claims", lambda c: c | {"azp": "another"}),
    "another issuer": ("claims", lambda c: c | {"iss": "https://evil.example"}),
    "expired": ("claims", lambda c: c | {"exp": int(time.time()) - 120}),
    "never ends": ("claims", lambda c: {k: v for k, v in c.items() if k != "exp"}),
    "of tomorrow": ("claims", lambda c: c | {"iat": int(time.time()) + 9_000}),
    "names nobody": ("claims", lambda c: c | {"sub": ""}),
    "names a number": ("claims", lambda c: c | {"sub": 7}),
    "alg none": ("token", lambda c: forged(c, None, "none")),
    "a public key as the secret": ("token", lambda c: forged(c, public_pem(), "HS256")),
    "the client's secret": ("token", lambda c: forged(c, stub_oidc.SECRET.encode(), "HS256")),
    "another key": ("token", lambda c: jwt.encode(c, OTHER, "RS256", headers={"kid": "RS256"})),
    "an unknown key": ("token", lambda c: jwt.encode(c, OTHER, "RS256", headers={"kid": "new"})),
    "a key of another kind": ("token", lambda c: jwt.encode(c, OTHER, "RS256", headers={"kid": "ES256"})),
    "no token": ("token", lambda c: None),
    "a long token": ("token", lambda c: "x" * 30_000),
}  # fmt: skip


@pytest.mark.parametrize("lie", list(LIES))
def test_a_provider_that_lies_lets_nobody_in(client, noy, stub, lie, caplog):
    what, bend = LIES[lie]
    setattr(stub, f"bend_{what}", bend)
    answer = come_back(client, stub, noy)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        401,
        "LOGIN_FAILED",
        "the login was refused",
    )
    assert stub_oidc.SECRET not in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"state": "another"}, id="another state"),
        pytest.param({"state": "ä"}, id="no ASCII"),
        pytest.param({"code": "another"}, id="another code"),
        pytest.param({"error": "access_denied"}, id="refused"),
        pytest.param({"iss": "https://evil.example"}, id="another provider, RFC 9207"),
    ],
)
def test_what_comes_back_otherwise(client, noy, stub, changes):
    assert come_back(client, stub, noy, changes=changes).status_code == 401


def test_another_browser_and_another_provider(client, noy, stub):
    back = stub.authorise(client.get(f"{PROVIDERS}/node").headers["location"], subject=noy)
    kept = client.cookies.get(COOKIE)
    client.cookies.clear()
    for cookie in (None, "x", kept[:-2] + "xx", jwt.encode({"provider": "node"}, "k" * 32, "HS256"), "x" * 9_000):
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        assert client.get(f"{PROVIDERS}/node/callback", params=back, headers=headers).status_code == 401
    headers = {"Cookie": f"{COOKIE}={kept}"}
    assert client.get(f"{PROVIDERS}/open/callback", params=back, headers=headers).status_code == 401
    token = client.app.state.service.tokens.start(1, method="a test").access
    wrong = {"Cookie": f"{COOKIE}={token}"}
    assert client.get(f"{PROVIDERS}/node/callback", params=back, headers=wrong).status_code == 401
    assert client.get("/v1/account", headers=bearer(kept)).status_code == 401, "what the browser keeps is no token"
    assert client.get(f"{PROVIDERS}/node/callback", params=back, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda c: c | {"issuer": "https://evil.example"}, id="another name"),
        pytest.param(lambda c: c | {"token_endpoint": "http://10.0.0.1/token"}, id="plain http elsewhere"),
        pytest.param(lambda c: c | {"authorization_endpoint": "javascript:alert(1)"}, id="a script"),
        pytest.param(lambda c: c | {"jwks_uri": "file:///etc/passwd"}, id="a file"),
        pytest.param(lambda c: {}, id="nothing"),
    ],
)
def test_a_configuration_that_cannot_be_used(client, stub, bend):
    stub.bend_configuration = bend
    answer = client.get(f"{PROVIDERS}/node")
    assert (answer.status_code, answer.json()["code"]) == (502, "PROVIDER_FAILED")
    assert "location" not in answer.headers


def test_a_provider_that_is_not_there(client):
    assert client.get(f"{PROVIDERS}/nobody").status_code == 404
    assert client.get(f"{PROVIDERS}/nobody/callback").status_code == 404


def test_keys_change_and_are_not_asked_for_each_time(client, noy, stub, monkeypatch):
    asked = []
    stub.bend_keys = lambda told: asked.append(1) or told
    stub.bend_token = LIES["an unknown key"][1]
    for _ in range(3):
        assert come_back(client, stub, noy).status_code == 401
    assert not asked, "they were asked for a moment ago"
    monkeypatch.setattr(oidc, "_AGAIN_S", 0.0)
    new = json.loads(stub_oidc.RSAAlgorithm.to_jwk(OTHER.public_key())) | {"kid": "new"}
    stub.bend_keys = lambda told: {"keys": [*told["keys"], new, {"kty": "oct", "k": "eA", "kid": "weak"}]}
    assert come_back(client, stub, noy).status_code == 200
