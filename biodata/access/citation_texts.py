"""A citation as people, reference managers and DataCite have it: text, BibTeX, RIS, CSL-JSON, a registered DOI."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from biodata.access import citations
from biodata.access.citations import Cited, need
from biodata.access.content import ALGORITHM
from biodata.core.errors import InputError, RemoteError
from biodata.core.settings import Settings
from biodata.sharing import labels
from biodata.store.registry import Registry

PUBLISHER: Final = "biodata"
LISTED: Final = 50
"""Datasets that a text names; the others are counted, and stand under its link."""

_BIBTEX: Final = MappingProxyType(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    }
)  # fmt: skip


def text(cited: Cited, url: str) -> str:
    """Return the citation in one paragraph.

    Parameters
    ----------
    cited : Cited
        Its content is known.
    url : str
        Where it stands; its DOI goes first where it has one.

    Returns
    -------
    str
        Publisher, day, what it is, each dataset with its publisher and DOI, the release, the link.
    """
    day = cited.created
    return (
        f"{PUBLISHER} ({day.day} {day:%B %Y}). {title(cited)}. {_sources(cited)}"
        f"Release {cited.release} of {cited.content['released'][:10]}, content {ALGORITHM} "
        f"{cited.content['hash'][:16]}…. {link(cited, url)}"
    )


def title(cited: Cited) -> str:
    """Return the title of what is cited."""
    count, datasets = cited.content["count"], len(cited.content["datasets"])
    return (
        f"{count:,} occurrence record{'' if count == 1 else 's'} of {datasets:,} dataset{'' if datasets == 1 else 's'}"
    )


def link(cited: Cited, url: str) -> str:
    """Return the address that lasts: the DOI's, else the service's own."""
    return f"https://doi.org/{cited.doi}" if cited.doi else url


def bibtex(cited: Cited, url: str) -> str:
    """Return a BibTeX entry; see `text`."""
    fields = {
        "author": "{" + PUBLISHER + "}",
        "title": "{" + _tex(title(cited)) + "}",
        "year": str(cited.created.year),
        "month": f"{cited.created:%b}".lower(),
        "publisher": "{" + PUBLISHER + "}",
        "version": "{" + _tex(cited.release) + "}",
        "doi": "{" + cited.doi + "}" if cited.doi else None,
        "url": "{" + link(cited, url) + "}",
        "urldate": "{" + f"{cited.created:%Y-%m-%d}" + "}",
        "note": "{" + _tex(f"{_sources(cited)}Content {ALGORITHM} {cited.content['hash']}") + "}",
    }
    stated = ",\n".join(f"  {name:<9} = {value}" for name, value in fields.items() if value is not None)
    return f"@misc{{biodata_{cited.id[:12]},\n{stated}\n}}\n"


def ris(cited: Cited, url: str) -> str:
    """Return a RIS record of the type DATA; see `text`."""
    lines = [
        ("TY", "DATA"), ("ID", cited.id), ("TI", title(cited)), ("AU", PUBLISHER), ("PB", PUBLISHER),
        ("PY", str(cited.created.year)), ("DA", f"{cited.created:%Y/%m/%d}"), ("ET", cited.release), ("DO", cited.doi),
        ("UR", link(cited, url)), *(("N1", line) for line in _listed(cited)),
        ("N1", f"Content {ALGORITHM} {cited.content['hash']}"), ("ER", ""),
    ]  # fmt: skip
    return "".join(f"{tag}  - {_line(value)}\r\n" for tag, value in lines if value is not None)


def csl(cited: Cited, url: str) -> str:
    """Return CSL-JSON, an array of one item of the type dataset; see `text`."""
    day = cited.created
    item = {
        "id": cited.id,
        "type": "dataset",
        "title": title(cited),
        "author": [{"literal": PUBLISHER}],
        "publisher": PUBLISHER,
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "version": cited.release,
        "URL": link(cited, url),
        "note": f"{_sources(cited)}Content {ALGORITHM} {cited.content['hash']}",
    } | ({"DOI": cited.doi} if cited.doi else {})
    return json.dumps([item], ensure_ascii=False, indent=1)


Written = Callable[[Cited, str], str]

FORMATS: Final[Mapping[str, tuple[str, Written]]] = MappingProxyType(
    {
        "text": ("text/plain", lambda cited, url: text(cited, url) + "\n"),
        "bibtex": ("application/x-bibtex", bibtex),
        "ris": ("application/x-research-info-systems", ris),
        "csl": ("application/vnd.citationstyles.csl+json", csl),
    }
)
"""How a citation can be written: name, media type, function of the citation and its address."""


def _sources(cited: Cited) -> str:
    """Return what the datasets are, in sentences."""
    listed = _listed(cited)
    return f"Datasets: {'; '.join(listed)}. " if listed else ""


def _listed(cited: Cited) -> list[str]:
    """Return each dataset in one line, and how many more there are."""
    datasets = cited.content["datasets"]
    more = len(datasets) - LISTED
    return [*map(_dataset, datasets[:LISTED]), *([f"and {more:,} more, listed under the link"] if more > 0 else [])]


def _dataset(facts: Mapping[str, Any]) -> str:
    """Return a dataset's title, publisher, DOI, number of records and the labels of communities that they carry."""
    name = facts.get("title") or (f"dataset {facts['key']}" if facts.get("key") else "records of no dataset")
    doi, key = facts.get("doi"), facts.get("key")
    # Without a DOI the key tells datasets of one title apart.
    where = f"https://doi.org/{doi.removeprefix('https://doi.org/')}" if doi else key if facts.get("title") else None
    parts: Iterable[str | None] = (name.rstrip("."), facts.get("publisher"), where)
    labels = facts.get("community_labels")
    carried = f"; labels of communities: {', '.join(labels)}" if labels else ""
    return f"{', '.join(_line(part) for part in parts if part)} ({facts['count']:,}{carried})"


def _tex(value: str) -> str:
    """Return text without what TeX takes for a command."""
    return _line("".join(_BIBTEX.get(letter, letter) for letter in value))


def _line(value: str) -> str:
    """Return text in one line."""
    return re.sub(r"\s+", " ", value).strip()


logger = logging.getLogger(__name__)

TIMEOUT_S: Final = urllib3.Timeout(connect=10, read=60)
DOI_LACKING: Final = (
    "This installation has no DataCite account (BIODATA_DATACITE_REPOSITORY, _PASSWORD and _PREFIX), so no DOI can be "
    "registered; the citation's own address stays."
)

_MEDIA_TYPE: Final = "application/vnd.api+json"
_STATES: Final = {"draft": None, "registered": "register", "findable": "publish"}
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


def doi_available(settings: Settings) -> bool:
    """Return whether a DOI can be registered here."""
    return None not in (settings.datacite_repository, settings.datacite_password, settings.datacite_prefix)


def register_doi(settings: Settings, registry: Registry, citation_id: str, *, url: str) -> dict[str, Any]:
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
    if not doi_available(settings):
        raise InputError(DOI_LACKING, code="DOI_UNAVAILABLE")
    doi = f"{settings.datacite_prefix}/biodata.{cited.id[:16]}".lower()
    facts = {
        "data": {"type": "dois", "attributes": datacite_attributes(cited, doi, url, state=settings.datacite_state)}
    }
    status, answer = _send(settings, "POST", "dois", facts)
    if status == 422 and "taken" in str(answer).lower():  # an earlier attempt got as far as this
        status, answer = _send(settings, "PUT", f"dois/{doi}", facts)
    if status not in (200, 201):
        message = f"DataCite did not register the DOI: {_reason(status, answer)}"
        raise RemoteError(message)
    found = str(answer.get("data", {}).get("id") or doi)
    citations.set_doi(registry, cited.id, found)
    logger.info("citation %s: DOI %s, %s", cited.id, found, settings.datacite_state)
    return {"doi": found, "state": settings.datacite_state}


def datacite_attributes(cited: Cited, doi: str, url: str, *, state: str) -> dict[str, Any]:
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
    facts: dict[str, Any] = {
        "doi": doi,
        "event": _STATES[state],
        "url": url,
        "creators": [{"name": PUBLISHER, "nameType": "Organizational"}],
        "titles": [{"title": title(cited)}],
        "publisher": PUBLISHER,
        "publicationYear": cited.created.year,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Occurrence records"},
        "dates": [{"date": f"{cited.created:%Y-%m-%d}", "dateType": "Created"}],
        "version": cited.release,
        "sizes": [f"{content['count']} records"],
        "rightsList": [*({"rights": name} for name in licences), *_label_rights(content["datasets"])],
        "relatedIdentifiers": related,
        "descriptions": [{"description": text(cited, url), "descriptionType": "Abstract"}],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def _label_rights(datasets: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the labels of communities that the cited records carry as statements of rights."""
    codes = sorted({code for dataset in datasets for code in dataset.get("community_labels", ())})
    known = labels.labels()
    entries = [(code, known[code]) for code in codes if code in known]
    return [
        {"rights": f"{label.name} ({code}): {label.meaning}", "rightsUri": label.address, "rightsIdentifier": code}
        for code, label in entries
    ]


def _send(settings: Settings, method: str, path: str, facts: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
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
            answer = pool.request(method, address, json=facts, headers=headers, redirect=False)
            return answer.status, _json(answer)
    except urllib3.exceptions.HTTPError as error:
        message = f"DataCite cannot be reached: {type(error).__name__}"
        raise RemoteError(message) from error


def _json(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Return an answer's object; nothing where it is none."""
    try:
        facts = answer.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _reason(status: int, answer: Mapping[str, Any]) -> str:
    """Return why, in DataCite's words where it has some."""
    errors = answer.get("errors")
    titles = (
        [str(e["title"]) for e in errors if isinstance(e, dict) and e.get("title")] if isinstance(errors, list) else []
    )
    return f"status {status}{', ' + '; '.join(titles)[:200] if titles else ''}"
