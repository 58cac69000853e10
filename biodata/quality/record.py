"""Tests of BDQ Core on the record as a whole and on the occurrence."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from itertools import chain
from typing import Final

import polars as pl
from rapidfuzz.distance import Levenshtein

from biodata.core import grouped
from biodata.quality.model import (
    BLANKS,
    PARAMETER,
    Answer,
    Arguments,
    Test,
    reading,
    standard_tests,
    term_of,
    test,
)
from biodata.text.controlled import parse_licence
from biodata.text.tables import read_rows

# The bundled vocabularies of the standard's authorities: what is a term, and what a text means without doubt.


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
    index, stated = _index(vocabulary), _plain(text)
    key = stated.replace(" ", "")
    if not key or len(key) > _LONGEST:
        return None
    return (
        index.by_key.get(key)
        or _address(text, index)
        or _abbreviated(text, stated, index, vocabulary)
        or _slip(key, index, vocabulary)
    )


def _address(text: str, index: _Index) -> str | None:
    """Return the term whose address or prefixed name (dcmitype:Event) this is."""
    match = re.fullmatch(r"\s*(?:https?://\S*[/#]|[a-z]+:)(\w+)/?\s*", text, re.IGNORECASE)
    return index.keys_of_terms.get(_plain(match[1]).replace(" ", "")) if match else None


def _abbreviated(text: str, stated: str, index: _Index, vocabulary: Vocabulary) -> str | None:
    """Return the only term whose words begin with those of the text."""
    words = stated.split()
    if vocabulary is Vocabulary.TYPE_STATUS and len(words) == 1 and (found := index.keys_of_terms.get(f"{stated}type")):
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
    stated = ((name, row["term"]) for row in rows for name in row["names"].split("|") if name)
    names = grouped((_plain(name).replace(" ", ""), term) for name, term in stated)
    by_key = {key: found[0] for key, found in names.items() if len({*found}) == 1} | of_terms
    return _Index(
        frozenset(of_terms.values()),
        by_key,
        of_terms,
        {row["term"]: tuple(_plain(row["term"]).split()) for row in rows},
    )


# Tests of controlled values, all alike: whether a value is a term of its vocabulary, and which term it means.

_SOURCES: Final = {
    Vocabulary.DC_TYPE: ("http://purl.org/dc/terms/DCMIType",),
    Vocabulary.BASIS_OF_RECORD: (
        "https://dwc.tdwg.org/terms/#dwc:basisOfRecord",
        "https://rs.gbif.org/vocabulary/dwc/basis_of_record.xml",
    ),
    Vocabulary.OCCURRENCE_STATUS: (
        "^(present|absent)$",
        "https://api.gbif.org/v1/vocabularies/OccurrenceStatus/concepts",
    ),
    Vocabulary.ESTABLISHMENT_MEANS: (
        "https://dwc.tdwg.org/em/",
        "https://api.gbif.org/v1/vocabularies/EstablishmentMeans/concepts",
    ),
    Vocabulary.DEGREE_OF_ESTABLISHMENT: (
        "https://dwc.tdwg.org/doe/",
        "https://api.gbif.org/v1/vocabularies/DegreeOfEstablishment/concepts",
    ),
    Vocabulary.PATHWAY: ("https://dwc.tdwg.org/pw/", "https://api.gbif.org/v1/vocabularies/Pathway/concepts"),
    Vocabulary.SEX: (
        "https://api.gbif.org/v1/vocabularies/Sex",
        "https://api.gbif.org/v1/vocabularies/Sex/concepts",
    ),
    Vocabulary.TYPE_STATUS: (
        "https://api.gbif.org/v1/vocabularies/TypeStatus",
        "https://api.gbif.org/v1/vocabularies/TypeStatus/concepts",
    ),
}
"""Other names that the standard gives to an authority whose terms are bundled."""


def _read(text: str, *, vocabulary: Vocabulary) -> tuple[bool, str | None]:
    """Return whether a value is as it must be written, and how it must be."""
    if vocabulary is Vocabulary.TYPE_STATUS:
        return _read_type_status(text)
    if text in terms(vocabulary):
        return True, None
    return False, interpret(text, vocabulary)


def _read_type_status(text: str) -> tuple[bool, str | None]:
    """Look up the first word of each part between upright lines: `Holotype of Abies | Paratype`."""
    known = terms(Vocabulary.TYPE_STATUS)
    parts = text.split("|")
    if text == text.strip() and all((words := part.split()) and words[0] in known for part in parts):
        return True, None
    meant = [_meant_part(part) for part in parts]
    changed = " | ".join(part for part in meant if part)
    return False, changed if all(meant) and changed != text else None


def _meant_part(part: str) -> str | None:
    """Return a part with its first word as it must be written, or the whole part where it is a term's name."""
    whole = interpret(part, Vocabulary.TYPE_STATUS)
    if whole is not None:
        return whole
    words = part.split()
    first = interpret(words[0], Vocabulary.TYPE_STATUS) if words else None
    return None if first is None else " ".join((first, *words[1:]))


def _of_vocabulary(vocabulary: Vocabulary) -> tuple[Test, Test]:
    """Return the two tests whether and how a value is a term of its vocabulary."""
    stem = vocabulary.name.replace("_", "")
    read = reading(term_of(f"VALIDATION_{stem}_STANDARD"), partial(_read, vocabulary=vocabulary))
    return standard_tests(stem, read, *_SOURCES[vocabulary])


# Tests of BDQ Core on the record as a whole: licence, type, basis of record, what was generalised, annotations.

_LANGUAGES: Final = (
    "id|eu|da|de|en|es|fr|fy|hr|it|lv|lt|mi|ni|no|pl|pt|ro|si|fi|sv|tr|cs|el|ru|uk|ar|jp|zh-hans|zh-hant|ko"
)
_ADDRESS: Final = re.compile(
    r"\A(?:https?://creativecommons\.org/licenses/(?:by|by-sa|by-nc|by-nc-sa|by-nd|by-nc-nd)/4\.0/"
    r"|https?://creativecommons\.org/publicdomain/zero/1\.0/)"
    rf"(?:(?:deed|legalcode)(?:\.(?:{_LANGUAGES}))?)?\Z"
)
"""The addresses of the Creative Commons licences 4.0 and of CC0, after the standard's regular expression."""

_CC_BY: Final = re.compile(r"by(?:-(?:nc-sa|nc-nd|nc|sa|nd))?")
_CC: Final = re.compile(
    r"(?:creativecommons\.org/licenses/|\bcc[\s_-]*)(?P<parts>by(?:[\s_-]+(?:nc|nd|sa)(?![a-z]))*)[\s/_v-]*4(?:[._]0)?(?!\d)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_LICENCE: Final = 300

# The rows of the standard write the parameter's name in two ways.
_ANNOTATIONS: Final = tuple(PARAMETER + name for name in ("annotation", "annotationAlertIf", "annotationAlertif"))
_ANNOTATION_SYSTEM: Final = "annotationSystem"


def _licence_of(text: str) -> str | None:
    """Return the address of the licence that a text names; None where it is not beyond doubt, as without a version."""
    bare = text.strip(BLANKS)
    if _ADDRESS.match(bare):
        return bare
    stated = " ".join(text[:_LONGEST_LICENCE].split())
    if (
        parse_licence(stated) == "CC0_1_0"
        and "pddl" not in stated.casefold()
        and not stated.casefold().startswith("public")
    ):
        return "https://creativecommons.org/publicdomain/zero/1.0/legalcode"
    match = _CC.search(stated)
    if match is None or re.search(r"\d", match["rest"].replace("4.0", "")):
        return None
    parts = "-".join(re.findall(r"by|nc|nd|sa", match["parts"].casefold()))
    return f"https://creativecommons.org/licenses/{parts}/4.0/legalcode" if _CC_BY.fullmatch(parts) else None


def _read_licence(text: str) -> tuple[bool, str | None]:
    """Return whether a text is the address of a licence, and the address that it means."""
    return (True, None) if _ADDRESS.match(text) else (False, _licence_of(text))


_READ_LICENCE: Final = reading("license", _read_licence)
_CREATIVE_COMMONS: Final = ("https://creativecommons.org/", "Creative Commons", "Creative Commons 4.0 Licenses or CC0")


def _licence_standard(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable(*_CREATIVE_COMMONS) & arguments.filled("license")
    return Answer(_READ_LICENCE.column("known"), external=unavailable)


def _licence_standardised(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable(*_CREATIVE_COMMONS)
    return Answer(pl.lit(value=True), external=unavailable, proposals={"license": _READ_LICENCE.column("meant")})


def _annotated(arguments: Arguments) -> Answer:
    unavailable = arguments.unavailable("https://www.w3.org/annotation/", name=_ANNOTATION_SYSTEM)
    return Answer(arguments.any_filled(*_ANNOTATIONS), external=unavailable)


# Tests of BDQ Core on occurrences: identifier, status, sex, type status, how the organism came to be there.

_DEFAULT_STATUS: Final = "defaultOccurrenceStatus"


def _assumed_status(arguments: Arguments) -> Answer:
    # The text has a filled status never tested, its example and rows have it not amended where a number stands beside:
    # both hold if the number is looked at first.
    counted = arguments.any_filled("individualCount", "organismQuantity")
    stated = arguments.filled("occurrenceStatus")
    assumed = pl.when(~counted & ~stated).then(arguments.parameter(_DEFAULT_STATUS))
    return Answer(
        pl.when(counted | ~stated).then(pl.lit(value=True)), proposals={"occurrenceStatus": assumed}, filled_in=True
    )


TESTS: Final = (
    test("VALIDATION_LICENSE_STANDARD", _licence_standard, _READ_LICENCE),
    test("AMENDMENT_LICENSE_STANDARDIZED", _licence_standardised, _READ_LICENCE),
    *chain.from_iterable(map(_of_vocabulary, Vocabulary)),
    test("ISSUE_ANNOTATION_NOTEMPTY", _annotated),
    test("AMENDMENT_OCCURRENCESTATUS_ASSUMEDDEFAULT", _assumed_status),
)
"""The tests on records and occurrences."""
