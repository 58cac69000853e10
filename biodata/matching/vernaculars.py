"""Common names: each with its language, script, source and whether it is preferred; found by text in any language."""

import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl

from biodata.matching.scripts import language_of

FOUND: Final = pl.Schema(
    [
        ("checklist", pl.String),
        ("taxon_id", pl.String),
        ("scientificName", pl.String),
        ("name", pl.String),
        ("language", pl.String),
        ("script", pl.String),
        ("preferred", pl.Boolean),
        ("source", pl.String),
    ]
)

_UNSURE: Final = MappingProxyType({"zh": ("und-hani", "und-hant"), "zh-hant": ("und-hant",)})
"""Names of which only the characters are known, found under these languages too."""


def read(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each told name its language.

    Parameters
    ----------
    told : iterable of dict
        `name`, and where told `language`, `preferred` (bool), `source`.

    Returns
    -------
    list of dict
        `name`, `language` (BCP 47), `script` (ISO 15924 or null), `preferred`, `source`, and `told_language` where the
        script shows that it was another. Each name once a language, the preferred ones first.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in told:
        name = " ".join(unicodedata.normalize("NFC", one["name"]).split())
        language = language_of(name, one.get("language"))
        row: dict[str, Any] = {
            "name": name,
            "language": language.tag,
            "script": language.script,
            "preferred": bool(one.get("preferred")),
            "source": one.get("source"),
        }
        if language.changed:
            row["told_language"] = one.get("language")
        known = found.setdefault((name.casefold(), language.tag), row)
        known["preferred"] = known["preferred"] or row["preferred"]
        known["source"] = known["source"] or row["source"]
    return sorted(found.values(), key=lambda row: not row["preferred"])


def preferred(names: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return one name a language: the preferred one, else the first."""
    chosen: dict[str, str] = {}
    for row in sorted(names, key=lambda row: not row["preferred"]):
        chosen.setdefault(row["language"], row["name"])
    return chosen


def search_vernacular(taxa: pl.DataFrame, text: str, language: str | None = None) -> pl.DataFrame:
    """Find common names that hold a text.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    text : str
        What is looked for; letter case and, in Latin letters, marks above and below do not matter (`khi vang` finds
        `Khỉ vàng`).
    language : str, optional
        BCP 47; `zh` also finds zh-Hans, zh-Hant and names of which only the Chinese characters are known.

    Returns
    -------
    polars.DataFrame
        Columns of FOUND: one row a name; whole names before parts, preferred names first.
    """
    wanted = folded(text)
    rows = []
    described = taxa.drop_nulls("vernacular_details")
    for checklist, taxon, scientific, details in described.select(
        "checklist", "taxon_id", "scientificName", "vernacular_details"
    ).iter_rows():
        for name in orjson.loads(details):
            plain = folded(name["name"])
            if wanted and wanted in plain and _is(name["language"], language):
                told = (name["name"], name["language"], name["script"], name["preferred"], name["source"])
                rows.append((plain != wanted, not name["preferred"], (checklist, taxon, scientific, *told)))
    rows.sort(key=lambda row: (row[0], row[1], [str(cell) for cell in row[2]]))
    return pl.DataFrame([row[2] for row in rows], schema=FOUND, orient="row")


def _is(found: str, wanted: str | None) -> bool:
    """Tell whether a language is the wanted one, or a kind of it."""
    if wanted is None:
        return True
    small, other = wanted.lower(), found.lower()
    return other == small or other.startswith(f"{small}-") or other in _UNSURE.get(small, ())


def folded(text: str) -> str:
    """Return a text for comparison: small, single spaces, Latin letters without marks."""
    apart = unicodedata.normalize("NFD", " ".join(text.casefold().replace("đ", "d").split()))
    kept = []
    latin = False
    for sign in apart:
        if not unicodedata.combining(sign):
            latin = sign.isascii()
        elif latin:
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))
