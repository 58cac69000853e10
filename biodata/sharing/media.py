"""Pictures and sounds: links with licences of their own, that are let out, or withheld, on their own.

The licence of a record is not that of its pictures: where a picture tells none, nobody allowed anything. What a label of a
community withholds is withheld of the picture alone that carries it. Of records that are not published as they are no
picture is stated at all: a picture can show, and its file can tell, where it was taken.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from biodata.core.vocabularies import SharingCategory
from biodata.sharing.labels import category_of, in_text
from biodata.sharing.licences import spelt
from biodata.sharing.measurements import rows_of, written

_TERMS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("type", "subtype"), "format": ("format",), "identifier": ("identifier", "accessURI"),
    "references": ("references", "furtherInformationURL"), "title": ("title",), "creator": ("creator", "provider"),
    "rightsHolder": ("rightsHolder", "owner"),
}  # fmt: skip
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
    found = [_item(row) for row in rows_of(extension)]
    known = {item.get("identifier") for item in found}
    for address in _BETWEEN.split(associated.strip()) if associated else ():
        if _ADDRESS.fullmatch(address) and address not in known:
            found.append({"identifier": address, "license": spelt(None)})
    return written(found)


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
    known = {text: written(item for item in rows_of(text) if _is_open(item)) for text in media.drop_nulls().unique()}
    return media.replace_strict(known, default=None, return_dtype=pl.String)


def items(published: str | None) -> list[dict[str, Any]]:
    """Return what is published of a record's pictures and sounds."""
    return json.loads(published) if published else []


def _is_open(item: Mapping[str, Any]) -> bool:
    return category_of(item.get("community_labels", ())) is SharingCategory.OPEN


def _item(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return one picture or sound of what its row tells; an address that is none (an `identifier` may be a UUID) is left out.

    Audubon Core takes terms of XMP, which begin with capitals (`Owner`, `UsageTerms`): all are named in small letters here.
    """
    row = {name[:1].lower() + name[1:]: value for name, value in facts.items() if isinstance(value, str)}
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
    """Return the first of terms that is stated."""
    return next((row[term].strip() for term in terms if (row.get(term) or "").strip()), None)
