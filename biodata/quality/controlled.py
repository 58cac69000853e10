"""Tests of controlled values, all alike: whether a value is a term of its vocabulary, and which term it means."""

from functools import cache
from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.vocabulary import Vocabulary, interpret, terms

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


@cache
def reading(term: str, vocabulary: Vocabulary) -> Preparation:
    """Return the preparation that looks a term's values up.

    Its columns: `known`, whether the value is as it must be written; `meant`, how it must be written, null where that
    is so already or is not known.
    """

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        rows = [_read(text, vocabulary) for text in frame[term]]
        return pl.DataFrame(rows, schema={"known": pl.Boolean, "meant": pl.String}, orient="row")

    return Preparation(f"{term}.term", (term,), {"known": pl.Boolean, "meant": pl.String}, make)


def _read(text: str | None, vocabulary: Vocabulary) -> tuple[bool | None, str | None]:
    """Return whether a value is as it must be written, and how it must be."""
    if text is None:
        return None, None
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


def standard(term: str, vocabulary: Vocabulary, label: str, guid: str, authority: str) -> Test:
    """Return the test whether a value is a term of its vocabulary, written as it must be."""
    read = reading(term, vocabulary)

    def answer(arguments: Arguments) -> Answer:
        unavailable = arguments.unavailable(*_SOURCES[vocabulary]) & arguments.filled(term)
        return Answer(read.column("known"), external=unavailable)

    asks = f"Is {term} written as its vocabulary does?"
    return Test(label, guid, (term,), asks, answer, parameters={"sourceAuthority": authority}, preparations=(read,))


def standardised(term: str, vocabulary: Vocabulary, label: str, guid: str, authority: str) -> Test:
    """Return the amendment that writes a value as its vocabulary does."""
    read = reading(term, vocabulary)

    def answer(arguments: Arguments) -> Answer:
        told = pl.when(arguments.filled(term)).then(pl.lit(value=True))
        unavailable = arguments.unavailable(*_SOURCES[vocabulary]) & arguments.filled(term)
        return Answer(told, external=unavailable, proposals={term: read.column("meant")})

    asks = f"Which term of its vocabulary does {term} mean?"
    return Test(label, guid, (term,), asks, answer, parameters={"sourceAuthority": authority}, preparations=(read,))
