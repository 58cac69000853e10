"""Tokens that nobody may take: every way to make one up is a 401, and always the same one."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biodata.access import credentials
from biodata.access.tokens import LIFE
from biodata.store import account_models
from people import bearer

pytest_plugins = ("account_client",)
NOBODY = b"another key of the length of ours"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def ours(account_client, people):
    """Return a token of ours, taken apart, and how to sign with the right key."""
    token = people.pair("administrator")["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    key = account_client.app.state.service.tokens._key

    def signed(*, changes: dict | None = None, headers: dict | None = None, drop: tuple[str, ...] = ()) -> str:
        told = {k: v for k, v in {**claims, **(changes or {})}.items() if k not in drop}
        return jwt.encode(told, key, "HS256", headers={"kid": header["kid"], "typ": header["typ"], **(headers or {})})

    return token, header, claims, signed


def hostile(ours) -> dict[str, str]:
    token, header, claims, signed = ours
    head, body, signature = token.split(".")
    past = datetime.now(UTC) - timedelta(hours=1)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    confused_head = part({"alg": "HS256", "typ": "at+jwt", "kid": header["kid"]})
    confused = hmac.digest(public, f"{confused_head}.{body}".encode(), hashlib.sha256)
    return {
        "alg none": f"{part({**header, 'alg': 'none'})}.{body}.",
        "alg None": f"{part({**header, 'alg': 'None'})}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "another key": jwt.encode(claims, NOBODY, "HS256", headers=header),
        "an empty key": f"{head}.{body}." + base64.urlsafe_b64encode(hmac.digest(b"", f"{head}.{body}".encode(), "sha256")).decode().rstrip("="),
        "signed with RSA": jwt.encode(claims, private, "RS256", headers=header | {"alg": "RS256"}),
        "a public key as the secret": f"{confused_head}.{body}." + base64.urlsafe_b64encode(confused).decode().rstrip("="),
        "another hash": jwt.encode(claims, NOBODY * 2, "HS512", headers=header | {"alg": "HS512"}),
        "another audience": signed(changes={"aud": "another-api"}),
        "several audiences": signed(changes={"aud": ["biodata-api", "another"]}),
        "another issuer": signed(changes={"iss": "urn:biodata:0"}),
        "expired": signed(changes={"iat": past - LIFE, "nbf": past - LIFE, "exp": past}),
        "not yet": signed(changes={"nbf": datetime.now(UTC) + timedelta(hours=1)}),
        "never ends": signed(drop=("exp",)),
        "no audience": signed(drop=("aud",)),
        "no login": signed(drop=("login",)),
        "another login": signed(changes={"login": "0" * 32}),
        "another account": signed(changes={"sub": "1"}),
        "no account": signed(changes={"sub": "999"}),
        "an old version": signed(changes={"version": claims["version"] - 1}),
        "kid a path": signed(headers={"kid": "../../../dev/null"}),
        "kid an address": signed(headers={"kid": "https://127.0.0.1/key"}),
        "kid SQL": signed(headers={"kid": "' OR 1=1 --"}),
        "kid a list": f"{part({**header, 'kid': [header['kid']]})}.{body}.{signature}",
        "jku": jwt.encode(claims, NOBODY, "HS256", headers={**header, "jku": "https://127.0.0.1/keys"}),
        "jwk": jwt.encode(claims, NOBODY, "HS256", headers={**header, "jwk": {"kty": "oct", "k": part("x")}}),
        "another type": signed(headers={"typ": "JWT"}),
        "crit": signed(headers={"crit": ["unknown"], "unknown": 1}),
        "a megabyte": token + "A" * 1_000_000,
        "a megabyte of a header": f"{'A' * 1_000_000}.{body}.{signature}",
        "deep": f"{base64.urlsafe_b64encode(b'[' * 1_000).decode()}.{body}.{signature}",
        "no base64": "ä.b.c",
        "another letter": token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        "a number for a login": signed(changes={"login": 7}),
        "empty": "",
        "dots": "..",
        "a key that is none": "biodata_" + "x" * 43,
    }  # fmt: skip


def test_every_token_that_cannot_be_taken_is_the_same_401(account_client, people, ours):
    assert account_client.get("/v1/account", headers=bearer(ours[0])).status_code == 200
    assert account_client.get("/v1/account", headers=bearer(ours[3]())).status_code == 200, "the signing here is right"
    told = {}
    for name, token in hostile(ours).items():
        answer = account_client.get("/v1/account", headers={"Authorization": f"Bearer {token}".encode()})
        assert answer.status_code == 401, name
        kept = tuple((k, v) for k, v in answer.headers.items() if k not in ("x-request-id",))
        told[name] = (tuple((k, v) for k, v in answer.json().items() if k != "request_id"), kept)
    nothing = account_client.get("/v1/account")
    found = {body for body, _ in told.values()}
    assert found == {tuple((k, v) for k, v in nothing.json().items() if k != "request_id")}
    assert len({kept for _, kept in told.values()}) == 1


@pytest.mark.parametrize("headers", [
    pytest.param([("Authorization", "Basic YW5hOmFuYQ==")], id="another scheme"),
    pytest.param([("Authorization", "Bearer")], id="nothing after the scheme"),
    pytest.param([("X-API-Key", "")], id="an empty key"),
    pytest.param([("X-API-Key", "KEY"), ("X-API-Key", "KEY")], id="the same twice"),
    pytest.param([("X-API-Key", "KEY"), ("Authorization", "Bearer KEY")], id="in two headers"),
    pytest.param([("Authorization", "KEY")], id="no scheme"),
])  # fmt: skip
def test_what_is_shown_in_another_way(account_client, people, headers):
    key = credentials.new_key(people.registry, "planner")
    assert account_client.get("/v1/account", headers={"X-API-Key": key}).status_code == 200
    answer = account_client.get("/v1/account", headers=[(name, value.replace("KEY", key)) for name, value in headers])
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_MISSING")


def test_a_refresh_token_is_no_access_token(account_client, people):
    pair = people.pair("planner")
    assert account_client.get("/v1/account", headers=bearer(pair["refresh_token"])).status_code == 401
    body = {"refresh_token": pair["access_token"]}
    assert account_client.post("/v1/login/refresh", json=body).status_code in (401, 422)


@pytest.mark.parametrize("what", ["token", "login"])
def test_what_is_too_old_is_exchanged_no_more(account_client, people, what):
    pair = people.pair("planner")
    with people.registry.session() as session, session.begin():
        past = datetime.now(UTC) - timedelta(seconds=1)
        table = account_models.RefreshToken if what == "token" else account_models.Login
        session.query(table).update({"expires": past})
    assert account_client.post("/v1/login/refresh", json={"refresh_token": pair["refresh_token"]}).status_code == 401


def test_another_installation_takes_no_token_of_ours(account_client, people, tmp_path):
    from biodata.access.tokens import Tokens
    from biodata.core.settings import Settings

    other = Tokens(people.registry, Settings(data=tmp_path))
    token = people.pair("planner")["access_token"]
    assert other.principal(token) is None
    assert account_client.app.state.service.tokens.principal(token) is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data())
def test_a_token_that_was_touched_is_taken_no_more(account_client, ours, data):
    token = ours[0]
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABab01-_."))
    touched = token[:at] + letter + token[at + 1 :]
    same = touched == token or (touched[:-1] == token[:-1])  # the last letter holds bits that nobody reads
    assert same or account_client.app.state.service.tokens.principal(touched) is None


def test_logins_of_long_ago_are_forgotten(account_client, people):
    people.pair("researcher")
    with people.registry.session() as session, session.begin():
        session.query(account_models.Login).update({"expires": datetime.now(UTC) - timedelta(days=15)})
    people.pair("researcher")
    with people.registry.session(read_only=True) as session:
        account = session.query(account_models.Account).filter_by(name="researcher").one()
        logins = session.query(account_models.Login).filter_by(account_id=account.id).all()
        assert len(logins) == 1
        assert session.query(account_models.RefreshToken).filter_by(login_id=logins[0].id).count() == 1
