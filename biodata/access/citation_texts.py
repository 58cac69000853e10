"""A citation as people and reference managers write it: text, BibTeX, RIS, CSL-JSON."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.access.citations import Cited
from biodata.access.content import ALGORITHM

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
    told = ",\n".join(f"  {name:<9} = {value}" for name, value in fields.items() if value is not None)
    return f"@misc{{biodata_{cited.id[:12]},\n{told}\n}}\n"


def ris(cited: Cited, url: str) -> str:
    """Return a RIS record of the type DATA; see `text`."""
    lines = [
        ("TY", "DATA"),
        ("ID", cited.id),
        ("TI", title(cited)),
        ("AU", PUBLISHER),
        ("PB", PUBLISHER),
        ("PY", str(cited.created.year)),
        ("DA", f"{cited.created:%Y/%m/%d}"),
        ("ET", cited.release),
        ("DO", cited.doi),
        ("UR", link(cited, url)),
        *(("N1", line) for line in _listed(cited)),
        ("N1", f"Content {ALGORITHM} {cited.content['hash']}"),
        ("ER", ""),
    ]
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


def _dataset(told: Mapping[str, Any]) -> str:
    """Return a dataset's title, publisher, DOI, number of records and the labels of communities that they carry."""
    name = told.get("title") or (f"dataset {told['key']}" if told.get("key") else "records of no dataset")
    doi, key = told.get("doi"), told.get("key")
    # Without a DOI the key tells datasets of one title apart.
    where = f"https://doi.org/{doi.removeprefix('https://doi.org/')}" if doi else key if told.get("title") else None
    parts: Iterable[str | None] = (name.rstrip("."), told.get("publisher"), where)
    labels = told.get("community_labels")
    carried = f"; labels of communities: {', '.join(labels)}" if labels else ""
    return f"{', '.join(_line(part) for part in parts if part)} ({told['count']:,}{carried})"


def _tex(value: str) -> str:
    """Return text without what TeX takes for a command."""
    return _line("".join(_BIBTEX.get(letter, letter) for letter in value))


def _line(value: str) -> str:
    """Return text in one line."""
    return re.sub(r"\s+", " ", value).strip()
