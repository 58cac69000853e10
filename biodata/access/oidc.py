"""Logins by OpenID Connect: the authorization code flow with PKCE, its state sealed in the browser that began it."""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

import jwt

from biodata.access.provider_answers import Provider
from biodata.errors import BiodataError, RemoteError
from biodata.settings import OidcProvider, Settings
from biodata.store.models import now
from biodata.store.secret import token_secret

logger = logging.getLogger(__name__)

LIFE: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""

_AUDIENCE: Final = "biodata-oidc"
_LONGEST: Final = 4_000


class OidcError(BiodataError):
    """A login by a provider that was refused: by it, or by us; the log says why, the outside never."""

    code = "LOGIN_FAILED"


@dataclass(frozen=True, slots=True)
class Begun:
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
class Shown:
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

    def begin(self, name: str, redirect_uri: str, *, wanted: Mapping[str, Any] | None = None) -> Begun:
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
            "exp": now() + LIFE,
            "provider": name,
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "wanted": dict(wanted or {}),
        }
        address = provider.configuration().authorization_endpoint
        location = f"{address}{'&' if '?' in address else '?'}{urlencode(question)}"
        return Begun(location, jwt.encode(claims, self._key, "HS256"))

    def finish(self, name: str, sealed: str, answer: Mapping[str, str]) -> Shown:
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
            began = _checked(began, answer, provider.told)
            token = provider.id_token(answer["code"], verifier=began["verifier"], redirect_uri=began["redirect_uri"])
            claims = provider.claims(token, nonce=str(began["nonce"]))
        except (RemoteError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            logger.warning("a login by %s was refused: %s: %s", name, type(error).__name__, str(error)[:300])
            message = "the login was refused"
            raise OidcError(message) from error
        return Shown(provider.told.issuer, claims["sub"], began["wanted"])

    def _unsealed(self, sealed: str) -> dict[str, Any] | None:
        """Return what we sealed; None where we did not, or too long ago."""
        if len(sealed) > _LONGEST:
            return None
        try:
            required = ["exp", "aud", "provider", "state", "nonce", "verifier", "redirect_uri", "wanted"]
            return jwt.decode(
                sealed, self._key, algorithms=["HS256"], audience=_AUDIENCE, options={"require": required}
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None


def _checked(began: dict[str, Any] | None, answer: Mapping[str, str], told: OidcProvider) -> dict[str, Any]:
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
