"""Controlled values: what records write for basis of record, status, sex, stage, rank, … to one spelling each."""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.text.numbers import ascii_digits
from biodata.text.tables import over_distinct, read_rows

LONGEST: Final = 200
"""No name of a vocabulary is longer; of a longer text only the beginning is read."""

SCHEMA: Final = pl.Schema({"value": pl.String, "term": pl.String})


class Vocabulary(StrEnum):
    """The vocabularies; each is the file of that name in `biodata/data`, in GBIF's spelling."""

    BASIS_OF_RECORD = "basis_of_record"
    OCCURRENCE_STATUS = "occurrence_status"
    SEX = "sex"
    LIFE_STAGE = "life_stage"
    ESTABLISHMENT_MEANS = "establishment_means"
    TYPE_STATUS = "type_status"
    TAXON_RANK = "taxon_rank"
    TAXONOMIC_STATUS = "taxonomic_status"
    CONTINENT = "continent"
    THREAT_STATUS = "threat_status"
    DATUM = "datum"
    SURVEY_DESIGN = "survey_design"
    YES_NO = "yes_no"


def parse_controlled(values: pl.Series, vocabulary: Vocabulary) -> pl.DataFrame:
    """Read a column of controlled values.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text in any letter case; white space and punctuation do not count.
    vocabulary : Vocabulary
        What the values belong to.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `term`, the vocabulary's spelling, null where it is not known.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, parse_term(text, vocabulary)) for text in distinct]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_term(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the vocabulary's spelling of one value; None where it is not known.

    A status keeps its meaning when figures follow it ("Rare 1-4", "Common (5% <= p < 10%)"), unless they are all zero.
    """
    index = _index(vocabulary)
    short = text[:LONGEST]
    term = index.get(plain_key(short))
    if term is None and vocabulary is Vocabulary.OCCURRENCE_STATUS:
        latin = ascii_digits(short)
        if not re.search(r"\d", latin) or re.search("[1-9]", latin):
            term = index.get(plain_key(re.split(r"[(\d<>=%]", latin)[0]))
    return term


def plain_key(text: str) -> str:
    """Return the form in which values are compared: letters, digits and signs such as ♂, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if unicodedata.category(c)[0] in "LNS" or "\u0900" <= c <= "\u1fff")


@cache
def _index(vocabulary: Vocabulary) -> dict[str, str]:
    """Every name of a vocabulary with its term; a term is a name of itself and wins over other names."""
    rows = [(row["value"], row["names"].split("|")) for row in read_rows(f"{vocabulary}.csv")]
    index = {plain_key(name): value for value, names in rows for name in names if name}
    return index | {plain_key(value): value for value, _ in rows}


# Licences as names or addresses, to GBIF's spelling.

LICENCE_SCHEMA: Final = pl.Schema({"value": pl.String, "license": pl.String})

_PART: Final = r"(?:nc|nd|sa|non[\s_-]?commercial|no[\s_-]?deriv(?:ative|ation)?s?(?:[\s_-]works)?|share[\s_-]?alike)"
_JOINT: Final = r"[\s_,-]{1,3}"
# The abbreviation (CC BY-NC 4.0), the address, or the words (Creative Commons Attribution-NonCommercial 4.0).
_CREATIVE_COMMONS: Final = re.compile(
    r"(?:creativecommons\.org/licen[sc]es/by|\bcc[\s_-]{0,3}by|\b(?:creative[\s-]commons|cc)[\s:,-]{1,3}"
    r"(?:licen[sc]e[\s:,-]{1,3})?attribution)"
    rf"(?:{_JOINT}(?:and )?{_PART}(?![a-z])){{0,3}}"
    r"(?:[\s/_,v-]{0,3}(?:\(?cc[\s_-]{0,3}by[a-z\s_-]{0,12}\)?)?[\s/_,-]{0,3}(?:licen[sc]e\b)?"
    r"[\s/_,-]{0,3}(?:v\.?|version)?\s?(?P<version>\d(?:[._]\d)?))?"
)
_ZERO: Final = re.compile(
    r"creativecommons\.org/publicdomain/zero|\bcc[\s_-]*0|\bcc[\s_-]*zero|^public\s?domain$|opendatacommons\.org/licenses/pddl"
)
_OPEN_DATA_COMMONS_BY: Final = re.compile(r"opendatacommons\.org/licenses/by/|^odc[\s_-]*by")
# The name or address of a licence stands at the beginning of what is written about it.
_LONGEST: Final = 500
_OTHERS: Final = re.compile(
    r"opendatacommons\.org/licenses/odbl|^odbl\b|\bgnu (?:general|lesser|free)|^l?gpl\b|^gfdl\b|creativecommons\.org/licen[sc]es/[a-z]"
)
_RESTRICTIONS: Final = MappingProxyType(
    {
        "nc": re.compile(r"(?<![a-z])nc(?![a-z])|non[\s_-]?commercial"),
        "nd": re.compile(r"(?<![a-z])nd(?![a-z])|no[\s_-]?deriv"),
        "sa": re.compile(r"(?<![a-z])sa(?![a-z])|share[\s_-]?alike"),
    }
)
_UNSPECIFIED: Final = frozenset({"unspecified", "unsupported"})


def parse_licences(values: pl.Series) -> pl.DataFrame:
    """Read a column of licences.

    Parameters
    ----------
    values : polars.Series of str, length n
        Names or addresses.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `license` in GBIF's spelling (`CC0_1_0`, `CC_BY_4_0`, `CC_BY_NC_4_0`), null where unknown.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        return pl.DataFrame([(text, parse_licence(text)) for text in distinct], schema=LICENCE_SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_licence(text: str) -> str | None:
    """Return GBIF's spelling of one licence, `UNSPECIFIED` or `UNSUPPORTED`; None where it is not known.

    Other versions and variants of Creative Commons than GBIF's three are `UNSUPPORTED`: they are known licences, but
    not one of those, and their terms are not the same.
    """
    stated = " ".join(text[:_LONGEST].casefold().split())
    if stated in _UNSPECIFIED:
        return stated.upper()
    if _ZERO.search(stated):
        return "CC0_1_0"
    if _OPEN_DATA_COMMONS_BY.search(stated):
        return "CC_BY_4_0"
    match = _CREATIVE_COMMONS.search(stated)
    if match is None:
        return "UNSUPPORTED" if _OTHERS.search(stated) else None
    # All that stands between the name and the version counts: "Attribution (CC BY-NC) 4.0" is non-commercial.
    parts = {name for name, words in _RESTRICTIONS.items() if words.search(match[0])}
    version = (match["version"] or "").replace("_", ".")
    if parts - {"nc"} or version not in {"4.0", "4"}:
        return "UNSUPPORTED"
    return "CC_BY_NC_4_0" if parts else "CC_BY_4_0"
