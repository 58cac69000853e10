"""A DOI for a citation, registered at DataCite (https://support.datacite.org/docs/api-create-dois)."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from biodata.access import citation_texts, citations
from biodata.access.citations import Cited, need
from biodata.errors import InputError, RemoteError
from biodata.settings import Settings
from biodata.sharing import labels
from biodata.store.registry import Registry

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = urllib3.Timeout(connect=10, read=60)
LACKING: Final = (
    "This installation has no DataCite account (BIODATA_DATACITE_REPOSITORY, _PASSWORD and _PREFIX), so no DOI can be "
    "registered; the citation's own address stays."
)

_MEDIA_TYPE: Final = "application/vnd.api+json"
_STATES: Final = {"draft": None, "registered": "register", "findable": "publish"}
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


def available(settings: Settings) -> bool:
    """Tell whether a DOI can be registered here."""
    return None not in (settings.datacite_repository, settings.datacite_password, settings.datacite_prefix)


def register(settings: Settings, registry: Registry, citation_id: str, *, url: str) -> dict[str, Any]:
    """Register a DOI for a citation and keep it; one that it has already stays.

    Parameters
    ----------
    settings : Settings
        With the account.
    registry : Registry
        Where the citation stands.
    citation_id : str
        The citation; its content is known.
    url : str
        Where the DOI leads.

    Returns
    -------
    dict
        `doi` and `state`: draft, registered or findable.

    Raises
    ------
    InputError
        If there is no account (DOI_UNAVAILABLE), or no such citation.
    RemoteError
        If DataCite refuses, or cannot be reached.
    """
    cited = need(registry, citation_id, done=True)
    if cited.doi:
        return {"doi": cited.doi, "state": "known"}
    if not available(settings):
        raise InputError(LACKING, code="DOI_UNAVAILABLE")
    doi = f"{settings.datacite_prefix}/biodata.{cited.id[:16]}".lower()
    told = {"data": {"type": "dois", "attributes": attributes(cited, doi, url, state=settings.datacite_state)}}
    status, answer = _send(settings, "POST", "dois", told)
    if status == 422 and "taken" in str(answer).lower():  # an earlier attempt got as far as this
        status, answer = _send(settings, "PUT", f"dois/{doi}", told)
    if status not in (200, 201):
        message = f"DataCite did not register the DOI: {_reason(status, answer)}"
        raise RemoteError(message)
    found = str(answer.get("data", {}).get("id") or doi)
    citations.set_doi(registry, cited.id, found)
    logger.info("citation %s: DOI %s, %s", cited.id, found, settings.datacite_state)
    return {"doi": found, "state": settings.datacite_state}


def attributes(cited: Cited, doi: str, url: str, *, state: str) -> dict[str, Any]:
    """Return a citation's metadata as DataCite's schema 4 has them."""
    content = cited.content
    licences = sorted({d["license"] for d in content["datasets"] if d.get("license")})
    related = [
        {
            "relatedIdentifier": d["doi"].removeprefix("https://doi.org/"),
            "relatedIdentifierType": "DOI",
            "relationType": "IsDerivedFrom",
        }
        for d in content["datasets"]
        if d.get("doi")
    ]
    told: dict[str, Any] = {
        "doi": doi,
        "event": _STATES[state],
        "url": url,
        "creators": [{"name": citation_texts.PUBLISHER, "nameType": "Organizational"}],
        "titles": [{"title": citation_texts.title(cited)}],
        "publisher": citation_texts.PUBLISHER,
        "publicationYear": cited.created.year,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Occurrence records"},
        "dates": [{"date": f"{cited.created:%Y-%m-%d}", "dateType": "Created"}],
        "version": cited.release,
        "sizes": [f"{content['count']} records"],
        "rightsList": [*({"rights": name} for name in licences), *_labels(content["datasets"])],
        "relatedIdentifiers": related,
        "descriptions": [{"description": citation_texts.text(cited, url), "descriptionType": "Abstract"}],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def _labels(datasets: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the labels of communities that the cited records carry as statements of rights."""
    codes = sorted({code for dataset in datasets for code in dataset.get("community_labels", ())})
    known = labels.labels()
    told = [(code, known[code]) for code in codes if code in known]
    return [
        {"rights": f"{label.name} ({code}): {label.meaning}", "rightsUri": label.address, "rightsIdentifier": code}
        for code, label in told
    ]


def _send(settings: Settings, method: str, path: str, told: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send one request; the account goes nowhere but to the address of the settings, and into no message."""
    address = f"{settings.datacite_url.rstrip('/')}/{path}"
    if urlsplit(address).scheme != "https" and urlsplit(address).hostname not in _LOCAL:
        message = "the address of DataCite's API is not https: the account is not sent there"
        raise RemoteError(message)
    assert settings.datacite_password is not None
    account = f"{settings.datacite_repository}:{settings.datacite_password.get_secret_value()}"
    headers = {**urllib3.make_headers(basic_auth=account, user_agent="biodata"), "Content-Type": _MEDIA_TYPE}
    try:
        with urllib3.PoolManager(timeout=TIMEOUT_S, retries=False) as pool:
            answer = pool.request(method, address, json=told, headers=headers, redirect=False)
            return answer.status, _json(answer)
    except urllib3.exceptions.HTTPError as error:
        message = f"DataCite cannot be reached: {type(error).__name__}"
        raise RemoteError(message) from error


def _json(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Return an answer's object; nothing where it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _reason(status: int, answer: Mapping[str, Any]) -> str:
    """Return why, in DataCite's words where it has some."""
    errors = answer.get("errors")
    titles = (
        [str(e["title"]) for e in errors if isinstance(e, dict) and e.get("title")] if isinstance(errors, list) else []
    )
    return f"status {status}{', ' + '; '.join(titles)[:200] if titles else ''}"
