"""What an OpenID Connect provider answers: its configuration, its keys, an ID token; each checked before it is believed."""

import json
import time
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt

from biodata.errors import RemoteError
from biodata.ingest.http import Client, Patience
from biodata.settings import OidcProvider

# Never one whose key is no secret of the provider's: a public key is known to everybody, and so is "none".
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_PATIENCE: Final = Patience(attempts=1, timeout_seconds=5.0, answer_seconds=10.0)
_KINDS: Final = ("RSA", "EC", "OKP")
_KEPT_S: Final = 600.0
_AGAIN_S: Final = 30.0
"""How long nobody is asked for keys again, whatever key a token names."""
_LONGEST: Final = 20_000
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
        if not isinstance(token, str) or len(token) > _LONGEST:
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
