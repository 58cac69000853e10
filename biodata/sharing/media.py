"""Pictures and sounds: links with licences of their own, that are let out, or withheld, on their own.

The licence of a record is not that of its pictures: where a picture tells none, nobody allowed anything. What a label of a
community withholds is withheld of the picture alone that carries it. Of records that are not published as they are no
picture is told at all: a picture can show, and its file can tell, where it was taken.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from biodata.sharing.labels import category_of, in_text
from biodata.sharing.licences import spelt
from biodata.vocabularies import SharingCategory

FIELDS: Final = (
    "type",
    "format",
    "identifier",
    "references",
    "title",
    "creator",
    "rightsHolder",
    "license",
    "community_labels",
)
"""What is told of each."""

_TERMS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("type", "subtype"),
    "format": ("format",),
    "identifier": ("identifier", "accessURI"),
    "references": ("references", "furtherInformationURL"),
    "title": ("title",),
    "creator": ("creator", "provider"),
    "rightsHolder": ("rightsHolder", "owner"),
}
_ADDRESSES: Final = ("identifier", "references")
_LICENCE: Final = ("license", "rights", "usageTerms", "webStatement")
_LABELLED: Final = (*_LICENCE, "accessRights", "description", "credit")
_ADDRESS: Final = re.compile(r"https?://[^\s@|<>\"]{1,2000}")
_BETWEEN: Final = re.compile(r"\s*(?:\||;|,\s)\s*")


def read(extension: str | None, associated: str | None) -> str | None:
    """Return pictures and sounds as JSON, as they are kept; None where there are none.

    Parameters
    ----------
    extension : str, optional
        Rows of an archive's extension as a JSON list.
    associated : str, optional
        associatedMedia: addresses with | between them.
    """
    found = [_item(row) for row in _rows(extension)] if extension else []
    known = {item.get("identifier") for item in found}
    for address in _BETWEEN.split(associated.strip()) if associated else ():
        if _ADDRESS.fullmatch(address) and address not in known:
            found.append({"identifier": address, "license": spelt(None)})
    return json.dumps(found, ensure_ascii=False) if found else None


def let_out(media: pl.Series) -> pl.Series:
    """Return pictures and sounds as they are published: without those that a label of a community makes less than open.

    Parameters
    ----------
    media : Series of String, length n
        As `read` returns them.

    Returns
    -------
    Series of String, length n
        Null where none is left.
    """
    known = {text: _open(text) for text in media.unique() if text is not None}
    made = [known.get(text) for text in media.to_list()] if known else [None] * len(media)
    return pl.Series(media.name, made, dtype=pl.String)


def items(published: str | None) -> list[dict[str, Any]]:
    """Return what is published of a record's pictures and sounds."""
    return json.loads(published) if published else []


def _open(text: str) -> str | None:
    """Return those that may be shown."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):  # not as `read` returns it, so nobody knows what it carries
        return None
    found = [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []
    kept = [item for item in found if category_of(item.get("community_labels", ())) is SharingCategory.OPEN]
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _rows(extension: str) -> list[dict[str, str]]:
    """Return the rows of an extension; nothing of what is none: any table can have a column of that name.

    Audubon Core takes terms of XMP, which begin with capitals (`Owner`, `UsageTerms`): all are named in small letters here.
    """
    try:
        told = json.loads(extension)
    except (ValueError, RecursionError):
        return []
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    return [
        {name[:1].lower() + name[1:]: value for name, value in row.items() if isinstance(value, str)} for row in rows
    ]


def _item(row: Mapping[str, str]) -> dict[str, Any]:
    """Return one picture or sound of what its row tells; an address that is none (an `identifier` may be a UUID) is left out."""
    addresses = {name: value for name, value in row.items() if _ADDRESS.fullmatch(value.strip())}
    found: dict[str, Any] = {
        name: value
        for name, terms in _TERMS.items()
        if (value := _first(addresses if name in _ADDRESSES else row, terms))
    }
    found["license"] = spelt(_first(row, _LICENCE))
    labels = sorted({code for term in _LABELLED for code in in_text(row.get(term) or "")})
    return found | ({"community_labels": labels} if labels else {})


def _first(row: Mapping[str, str], terms: Iterable[str]) -> str | None:
    """Return the first of terms that is told."""
    return next((row[term].strip() for term in terms if (row.get(term) or "").strip()), None)
