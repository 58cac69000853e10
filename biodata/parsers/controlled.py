"""Controlled values: what records write for basis of record, status, sex, stage, rank, … to one spelling each."""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from typing import Final

import polars as pl

from biodata.parsers.bundled import read_rows
from biodata.parsers.distinct import over_distinct
from biodata.parsers.numerals import ascii_digits

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
        `value` as told; `term`, the vocabulary's spelling, null where it is not known.
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
