"""The bundled vocabularies of the standard's authorities: what is a term, and what a text means without doubt."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from rapidfuzz.distance import Levenshtein

from biodata.text.tables import read_rows


class Vocabulary(StrEnum):
    """The vocabularies in `biodata/data/bdq_vocabularies.csv`, in the spelling that their authority gives."""

    DC_TYPE = "dc_type"
    BASIS_OF_RECORD = "basis_of_record"
    OCCURRENCE_STATUS = "occurrence_status"
    ESTABLISHMENT_MEANS = "establishment_means"
    DEGREE_OF_ESTABLISHMENT = "degree_of_establishment"
    PATHWAY = "pathway"
    SEX = "sex"
    TYPE_STATUS = "type_status"


_SLIPS_ALLOWED: Final = frozenset(
    {Vocabulary.DC_TYPE, Vocabulary.BASIS_OF_RECORD, Vocabulary.ESTABLISHMENT_MEANS, Vocabulary.DEGREE_OF_ESTABLISHMENT}
)
"""Where the terms are so unlike each other that one wrong letter leaves no doubt."""

_SHORTEST_SLIP: Final = 4
_SHORTEST_BEGINNING: Final = 3
_LONGEST: Final = 200


@dataclass(frozen=True)
class _Index:
    """A vocabulary by what its terms are compared with."""

    terms: frozenset[str]
    by_key: Mapping[str, str]
    keys_of_terms: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]


def terms(vocabulary: Vocabulary) -> frozenset[str]:
    """Return the terms as they must be written."""
    return _index(vocabulary).terms


def interpret(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the term that a text means; None where that is not beyond doubt.

    A text means a term if it is one but for letter case, white space and signs, or is its address, or one of its
    names; if it abbreviates one term and no other ("vag.", "Human obs", "Holo."); or, in some vocabularies, if it is
    one letter away from one term and no other ("evnt").
    """
    index, told = _index(vocabulary), _plain(text)
    key = told.replace(" ", "")
    if not key or len(key) > _LONGEST:
        return None
    return (
        index.by_key.get(key)
        or _address(text, index)
        or _abbreviated(text, told, index, vocabulary)
        or _slip(key, index, vocabulary)
    )


def _address(text: str, index: _Index) -> str | None:
    """Return the term whose address or prefixed name (dcmitype:Event) this is."""
    match = re.fullmatch(r"\s*(?:https?://\S*[/#]|[a-z]+:)(\w+)/?\s*", text, re.IGNORECASE)
    return index.keys_of_terms.get(_plain(match[1]).replace(" ", "")) if match else None


def _abbreviated(text: str, told: str, index: _Index, vocabulary: Vocabulary) -> str | None:
    """Return the only term whose words begin with those of the text."""
    words = told.split()
    if vocabulary is Vocabulary.TYPE_STATUS and len(words) == 1 and (found := index.keys_of_terms.get(f"{told}type")):
        return found
    marked = text.rstrip("".join(map(chr, range(0x21)))).endswith(".")
    if len(words[0]) < _SHORTEST_BEGINNING or (len(words) == 1 and not marked):
        return None
    found_all = {
        term
        for term, of_term in index.words.items()
        if len(of_term) >= len(words) and all(a.startswith(b) for a, b in zip(of_term, words, strict=False))
    }
    return found_all.pop() if len(found_all) == 1 else None


def _slip(key: str, index: _Index, vocabulary: Vocabulary) -> str | None:
    """Return the only term that is one letter away."""
    if vocabulary not in _SLIPS_ALLOWED or len(key) < _SHORTEST_SLIP:
        return None
    near = [term for other, term in index.keys_of_terms.items() if Levenshtein.distance(key, other, score_cutoff=1) < 2]
    return near[0] if len(near) == 1 else None


def _plain(text: str) -> str:
    """Return lower-case words of letters, digits and signs such as ♂, without accents; CamelCase is two words."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    decomposed = unicodedata.normalize("NFKD", apart).casefold()
    letters = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" or c in "♀♂⚥" else " " for c in letters).split())


@cache
def _index(vocabulary: Vocabulary) -> _Index:
    """Read a vocabulary; a name that two terms have belongs to none, and a term is stronger than a name."""
    rows = [row for row in read_rows("bdq_vocabularies.csv") if row["vocabulary"] == vocabulary]
    of_terms = {_plain(row["term"]).replace(" ", ""): row["term"] for row in rows}
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name in filter(None, row["names"].split("|")):
            names[_plain(name).replace(" ", "")].add(row["term"])
    by_key = {key: min(found) for key, found in names.items() if len(found) == 1} | of_terms
    return _Index(
        frozenset(of_terms.values()),
        by_key,
        of_terms,
        {row["term"]: tuple(_plain(row["term"]).split()) for row in rows},
    )
