"""Logins by OpenID Connect: the code flow with PKCE, what a provider answers, and which account that is."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt
from sqlalchemy import select

from biodata.access import credentials
from biodata.errors import BiodataError, InputError, RemoteError
from biodata.ingest.http import Client, Patience
from biodata.settings import OidcProvider, Settings
from biodata.store import audit
from biodata.store.account_models import Account, Identity
from biodata.store.models import now
from biodata.store.registry import Registry
from biodata.store.secret import token_secret

# Never one whose key is no secret of the provider's: a public key is known to everybody, and so is "none".
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_PATIENCE: Final = Patience(attempts=1, timeout_seconds=5.0, answer_seconds=10.0)
_KINDS: Final = ("RSA", "EC", "OKP")
_KEPT_S: Final = 600.0
_AGAIN_S: Final = 30.0
"""How long nobody is asked for keys again, whatever key a token names."""
_LONGEST_TOKEN: Final = 20_000
_LEEWAY_S: Final = 30


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a provider tells of itself.

    Attributes
    ----------
    authorization_endpoint, token_endpoint, jwks_uri : str
        Its addresses.
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Provider:
    """A provider, as its configuration and its keys tell it; both are kept for a while.

    Parameters
    ----------
    told : OidcProvider
        What the installation says of it.
    """

    def __init__(self, told: OidcProvider) -> None:
        self.told: Final = told
        self._lock = Lock()
        self._configuration: tuple[float, Configuration] | None = None
        self._keys: tuple[float, list[jwt.PyJWK]] | None = None

    def configuration(self) -> Configuration:
        """Return the provider's addresses.

        Raises
        ------
        RemoteError
            If it does not tell them, or calls itself otherwise.
        """
        with self._lock:
            if self._configuration is None or time.monotonic() - self._configuration[0] > _KEPT_S:
                issuer = self.told.issuer.rstrip("/")
                told = _get(f"{issuer}/.well-known/openid-configuration")
                if told.get("issuer") != self.told.issuer:
                    message = f"{issuer} calls itself by another name"
                    raise RemoteError(message)
                names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                self._configuration = time.monotonic(), Configuration(*(_address(told, n, issuer) for n in names))
            return self._configuration[1]

    def id_token(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """Exchange a code for the token that tells who somebody is.

        Raises
        ------
        RemoteError
            If the provider does not.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.told.client_id,
            "code_verifier": verifier,
        }
        secret = self.told.client_secret
        # RFC 6749, section 2.3.1: both are encoded before they are put together.
        account = (quote(self.told.client_id, safe=""), quote(secret.get_secret_value(), safe="")) if secret else None
        url = self.configuration().token_endpoint
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        client = Client(url, patience=_PATIENCE)

        def once() -> bytes:
            with client.answer("POST", url, headers, account=account, body=urlencode(form).encode()) as answer:
                return client.body(answer)

        told = json.loads(client.patiently(once, url, creates=True))
        token = told.get("id_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            message = "the provider gave no ID token"
            raise RemoteError(message)
        return token

    def claims(self, token: str, *, nonce: str) -> dict[str, Any]:
        """Return what an ID token says, if it is this provider's, for us, good now, and of this login.

        Raises
        ------
        jwt.PyJWTError
            If it is not.
        RemoteError
            If the provider does not tell its keys.
        """
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key(jwt.get_unverified_header(token).get("kid")),
            algorithms=list(ALGORITHMS),
            audience=self.told.client_id,
            issuer=self.told.issuer,
            leeway=_LEEWAY_S,
            options={"require": ["iss", "aud", "sub", "exp", "iat", "nonce"]},
        )
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.told.client_id) != self.told.client_id:
            message = "it was made for another client"
            raise jwt.InvalidTokenError(message)
        if claims["nonce"] != nonce:
            message = "it belongs to another login"
            raise jwt.InvalidTokenError(message)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            message = "it names nobody"
            raise jwt.InvalidTokenError(message)
        return claims

    def _key(self, key_id: Any) -> jwt.PyJWK:
        """Return the provider's key of an id; its only one where a token names none."""
        for fresh in (False, True):
            keys = self._all_keys(fresh=fresh)
            found = [key for key in keys if key.key_id == key_id] if key_id is not None else keys
            if len(found) == 1:
                return found[0]
        message = "no key of the provider's has this id"
        raise jwt.InvalidTokenError(message)

    def _all_keys(self, *, fresh: bool) -> list[jwt.PyJWK]:
        """Return the provider's keys; asked for anew after a while, or where one was missing."""
        url = self.configuration().jwks_uri
        with self._lock:
            kept_s = time.monotonic() - self._keys[0] if self._keys is not None else float("inf")
            if self._keys is None or kept_s > (_AGAIN_S if fresh else _KEPT_S):
                told = _get(url).get("keys")
                usable = [
                    key
                    for key in (told if isinstance(told, list) else [])
                    if isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
                ]
                self._keys = time.monotonic(), [jwt.PyJWK(key) for key in usable]
            return self._keys[1]


def _get(url: str) -> dict[str, Any]:
    """Return the JSON object at an address."""
    found = Client(url, patience=_PATIENCE).get_json(url)
    if not isinstance(found, dict):
        message = f"{url} answers with no JSON object"
        raise RemoteError(message)
    return found


def _address(told: dict[str, Any], name: str, issuer: str) -> str:
    """Return an address that a provider tells: over https, or over http where the provider itself is this machine's."""
    found = told.get(name)
    if isinstance(found, str):
        parts, own = urlsplit(found), urlsplit(issuer)
        if parts.hostname and (parts.scheme == "https" or (parts.scheme, parts.hostname) == (own.scheme, own.hostname)):
            return found
    message = f"{issuer} tells no usable {name}"
    raise RemoteError(message)


logger = logging.getLogger(__name__)

STATE_LIFE: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""

_AUDIENCE: Final = "biodata-oidc"
_LONGEST_STATE: Final = 4_000


class OidcError(BiodataError):
    """A login by a provider that was refused: by it, or by us; the log says why, the outside never."""

    code = "LOGIN_FAILED"


@dataclass(frozen=True, slots=True)
class LoginStart:
    """A login that began.

    Attributes
    ----------
    location : str
        Where the browser goes.
    sealed : str
        What it keeps meanwhile: only we can make it.
    """

    location: str
    sealed: str


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Who somebody is, by the word of a provider.

    Attributes
    ----------
    issuer, subject : str
        The provider, and what it calls them.
    wanted : mapping
        What was told when the login began: whom it is to be linked to.
    """

    issuer: str
    subject: str
    wanted: Mapping[str, Any]


class Oidc:
    """Logins by the providers of an installation.

    Parameters
    ----------
    settings : Settings
        Names the providers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.providers: Final = {told.name: Provider(told) for told in settings.oidc_providers}

    @cached_property
    def _key(self) -> bytes:
        return hmac.digest(token_secret(self._settings.data), b"biodata oidc state 1", "sha256")

    def begin(self, name: str, redirect_uri: str, *, wanted: Mapping[str, Any] | None = None) -> LoginStart:
        """Begin a login.

        Parameters
        ----------
        name : str
            The provider.
        redirect_uri : str
            Where it sends the browser back to.
        wanted : mapping, optional
            What is to be done with who it turns out to be; it comes back with `finish`.

        Raises
        ------
        RemoteError
            If the provider does not tell its addresses.
        """
        provider = self.providers[name]
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        question = {
            "response_type": "code",
            "client_id": provider.told.client_id,
            "redirect_uri": redirect_uri,
            "scope": provider.told.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        claims = {
            "aud": _AUDIENCE,
            "exp": now() + STATE_LIFE,
            "provider": name,
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "wanted": dict(wanted or {}),
        }
        address = provider.configuration().authorization_endpoint
        location = f"{address}{'&' if '?' in address else '?'}{urlencode(question)}"
        return LoginStart(location, jwt.encode(claims, self._key, "HS256"))

    def finish(self, name: str, sealed: str, answer: Mapping[str, str]) -> ProviderIdentity:
        """Return who a provider says that somebody is.

        Parameters
        ----------
        name : str
            The provider.
        sealed : str
            What the browser kept.
        answer : mapping
            The parameters that the browser came back with.

        Raises
        ------
        OidcError
            Whatever was wrong.
        """
        began, provider = self._unsealed(sealed), self.providers[name]
        try:
            began = _checked_state(began, answer, provider.told)
            token = provider.id_token(answer["code"], verifier=began["verifier"], redirect_uri=began["redirect_uri"])
            claims = provider.claims(token, nonce=str(began["nonce"]))
        except (RemoteError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            logger.warning("a login by %s was refused: %s: %s", name, type(error).__name__, str(error)[:300])
            message = "the login was refused"
            raise OidcError(message) from error
        return ProviderIdentity(provider.told.issuer, claims["sub"], began["wanted"])

    def _unsealed(self, sealed: str) -> dict[str, Any] | None:
        """Return what we sealed; None where we did not, or too long ago."""
        if len(sealed) > _LONGEST_STATE:
            return None
        try:
            required = ["exp", "aud", "provider", "state", "nonce", "verifier", "redirect_uri", "wanted"]
            return jwt.decode(
                sealed, self._key, algorithms=["HS256"], audience=_AUDIENCE, options={"require": required}
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None


def _checked_state(began: dict[str, Any] | None, answer: Mapping[str, str], told: OidcProvider) -> dict[str, Any]:
    """Return what a browser kept, if it began this login, and the answer belongs to it and is no refusal."""
    message = ""
    if began is None or began["provider"] != told.name:
        message = "the browser did not begin this login"
    elif not hmac.compare_digest(str(began["state"]).encode(), answer.get("state", "").encode("utf-8", "replace")):
        message = "the state is another one"
    elif answer.get("iss", told.issuer) != told.issuer:  # RFC 9207
        message = "another provider answered"
    elif "error" in answer:
        message = "the provider refused"
    if began is None or message:
        raise ValueError(message)
    return began


def state_to_link(registry: Registry, account_id: int) -> dict[str, Any]:
    """Return what a login at a provider brings back with it so that who comes is linked to an account that is logged in.

    It holds the account's version: where its logins were ended meanwhile, whoever had begun this links nothing more.
    """
    with registry.session(read_only=True) as session:
        return {"account": account_id, "version": session.get_one(Account, account_id).token_version}


def describe_identities(registry: Registry, account_id: int) -> list[dict[str, Any]]:
    """Return who an account can log in by, as JSON, the oldest first."""
    with registry.session(read_only=True) as session:
        wanted = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
        return [{"id": one.id, "issuer": one.issuer, "created": one.created} for one in session.scalars(wanted)]


def unlink(registry: Registry, account_id: int, number: int, *, actor: str) -> None:
    """Let a provider's word be worth nothing for an account any more.

    Raises
    ------
    InputError
        With IDENTITY_UNKNOWN, if the account has none of this number.
    """
    with registry.session() as session, session.begin():
        found = session.get(Identity, number) if abs(number) < 2**63 else None
        if found is None or found.account_id != account_id:
            problem = "the account is linked to nothing of this number"
            raise InputError(problem, value=str(number), code="IDENTITY_UNKNOWN")
        session.delete(found)
        audit.append(session, actor=actor, action="identity unlinked", subject=actor, details={"issuer": found.issuer})


def account_of(registry: Registry, shown: ProviderIdentity, *, provider: str, new_accounts: bool) -> int:
    """Return the account of somebody who comes from a provider.

    Parameters
    ----------
    registry : Registry
        The installation's.
    shown : Shown
        Who they are; where they told a one-time code, or were logged in, they are linked to that account now.
    provider : str
        Our name of the provider.
    new_accounts : bool
        Whether an unknown one gets an account, without any role.

    Raises
    ------
    OidcError
        If nobody here is called so, or somebody else is, or the account is closed.
    InputError
        If the one-time code cannot be used.
    """
    with registry.session() as session, session.begin():
        wanted = select(Identity).where(Identity.issuer == shown.issuer, Identity.subject == shown.subject)
        known = session.scalar(wanted)
        code, linked = shown.wanted.get("code"), shown.wanted.get("account")
        account: Account | None
        if code is not None:
            account = credentials.use_code(session, code)
        elif linked is not None:
            account = session.get(Account, linked)
            if account is not None and account.token_version != shown.wanted.get("version"):
                account = None
        elif known is not None:
            account = session.get(Account, known.account_id)
        elif new_accounts:
            digest = hashlib.sha256(f"{shown.issuer} {shown.subject}".encode()).hexdigest()
            account = Account(name=f"{provider}-{digest[:16]}", label=f"somebody by {provider}")
            session.add(account)
            session.flush()
            told = {"id": account.id, "provider": provider}
            audit.append(session, actor=provider, action="account made", subject=account.name, details=told)
        else:
            account = None
        if account is None or account.disabled is not None or (known is not None and known.account_id != account.id):
            message = "the login was refused"
            raise OidcError(message)
        if known is None:
            session.add(Identity(account_id=account.id, issuer=shown.issuer, subject=shown.subject))
            told = {"provider": provider}
            audit.append(session, actor=account.name, action="identity linked", subject=account.name, details=told)
        return account.id
