"""Ranks by GBIF's vocabulary TaxonRank: its concepts and labels are right, other words for a rank can be amended.

The concepts are those of https://registry.gbif.org/vocabulary/TaxonRank/concepts; a label is a concept's name in a
language. What people write beside them (`sp.`, `ssp.`) is in `biodata.text.controlled`.
"""

import re
from functools import cache, lru_cache
from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.tables import read_rows

AUTHORITY: Final = "GBIF TaxonRank Vocabulary"
_OURS: Final = {"SECTION_BOTANY": "section", "UNRANKED": None}
_SEVERAL: Final = frozenset({"spp", "spp."})


@cache
def _labels() -> dict[str, str]:
    """Return every concept and label, in the letter cases that they may have, with its concept."""
    found: dict[str, str] = {}
    for row in read_rows("taxon_rank_labels.csv"):
        for label in (row["concept"], *row["labels"].split("|")):
            found |= {
                label: row["concept"],
                label[:1].upper() + label[1:]: row["concept"],
                label.lower(): row["concept"],
            }
    return found


@lru_cache(maxsize=4096)
def rank_concept(text: str) -> str | None:
    """Return the concept that a word for a rank can only mean; None where it is no such word, or means several."""
    told = " ".join(text.split())
    if len(told) > 60 or told.casefold() in _SEVERAL:
        return None
    concept = _labels().get(told) or _labels().get(told.lower())
    if concept is not None:
        return concept
    term = parse_term(told, Vocabulary.TAXON_RANK)
    if term is None or term in _OURS:
        return _OURS.get(term or "")
    return re.sub(r"_(.)", lambda match: match[1].upper(), term.lower())


def _read(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    told = frame["taxonRank"].to_list()
    rows = [(None, None) if text is None else (text in _labels(), rank_concept(text)) for text in told]
    return pl.DataFrame(rows, schema={"listed": pl.Boolean, "concept": pl.String}, orient="row")


RANK: Final = Preparation("taxonRank.read", ("taxonRank",), {"listed": pl.Boolean, "concept": pl.String}, _read)
"""`listed`, whether the value is a concept or a label of the vocabulary; `concept`, what it can only mean."""


def _standard(arguments: Arguments) -> Answer:
    return Answer(RANK.column("listed"), external=arguments.unavailable() & arguments.filled("taxonRank"))


def _standardised(arguments: Arguments) -> Answer:
    told = arguments["taxonRank"]
    concept = RANK.column("concept")
    return Answer(
        pl.when(told.is_not_null()).then(pl.lit(value=True)),
        external=arguments.unavailable() & told.is_not_null(),
        proposals={"taxonRank": pl.when(concept != told).then(concept)},
    )


TESTS: Final = (
    Test(
        "VALIDATION_TAXONRANK_NOTEMPTY",
        "14da5b87-8304-4b2b-911d-117e3c29e890",
        ("taxonRank",),
        "Is there a rank?",
        lambda arguments: Answer(arguments.filled("taxonRank")),
    ),
    Test(
        "VALIDATION_TAXONRANK_STANDARD",
        "7bdb13a4-8a51-4ee5-be7f-20693fdb183e",
        ("taxonRank",),
        "Is the rank one of GBIF's vocabulary?",
        _standard,
        parameters={"sourceAuthority": AUTHORITY},
        preparations=(RANK,),
    ),
    Test(
        "AMENDMENT_TAXONRANK_STANDARDIZED",
        "e39098df-ef46-464c-9aef-bcdeee2a88cb",
        ("taxonRank",),
        "The rank in the words of GBIF's vocabulary.",
        _standardised,
        parameters={"sourceAuthority": AUTHORITY},
        preparations=(RANK,),
    ),
)
"""The tests of the rank."""
