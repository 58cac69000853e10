"""Tests of TDWG BDQ Core on what was recorded (dwc:Taxon)."""

from functools import cache
from typing import Final

import polars as pl

from biodata.quality import taxon_meaning
from biodata.quality.model import Answer, Arguments, Context, Preparation, Test, test
from biodata.quality.taxon_authority import RANKS, authority
from biodata.quality.taxon_meaning import IDENTIFIED, MEANING, PARTS, Meaning
from biodata.text.scientific_names import parse_names

# Tests of scientific names: found, unambiguous, in agreement with their parts, and with an identifier of their own.

AUTHORITY: Final = "GBIF Backbone Taxonomy"
"""The standard's default."""

_FRAME: Final = r"^[\x00-\x20\x7f-\xa0\u{200b}-\u{200f}\u{2028}-\u{202f}\u{2060}\u{feff}]|[\x00-\x20\x7f-\xa0\u{200b}-\u{200f}\u{2028}-\u{202f}\u{2060}\u{feff}]$"
_NAMED: Final = ("scientificName", *PARTS, "scientificNameAuthorship", "cultivarEpithet")


def _polynomial(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    if not any(frame[part].null_count() < frame.height for part in PARTS):
        return pl.DataFrame({"consistent": pl.Series([None], dtype=pl.Boolean).new_from_index(0, frame.height)})
    parsed = parse_names(frame["scientificName"]).select(
        "uninomial", "genus", "specific_epithet", "infraspecific_epithet"
    )
    agree = [
        None if row[0] is None or not any(row[1:4]) else _agree(row[0], row[1:4], row[4:])
        for row in frame.hstack(parsed.get_columns()).iter_rows()
    ]
    return pl.DataFrame({"consistent": pl.Series(agree, dtype=pl.Boolean)})


def _agree(name: str, told: tuple[str | None, ...], parsed: tuple[str | None, ...]) -> bool:
    """Tell whether generic name and epithets are those of the name; words count where the parser gives nothing."""
    uninomial, genus, specific, infraspecific = parsed
    words = [word for word in name.split() if word not in {"×", "x"} and not word.startswith("(")]
    first = (genus or uninomial or (words[0] if words else ""), words[0].lstrip("×") if words else "")
    second = specific or (words[1] if len(words) > 1 and genus is None and uninomial is None else None)
    generic_told, specific_told, infraspecific_told = told
    return (
        (generic_told is None or generic_told in first)
        and (specific_told is None or specific_told == second)
        and (infraspecific_told is None or infraspecific_told == infraspecific)
    )


POLYNOMIAL: Final = Preparation(
    "scientificName.polynomial", ("scientificName", *PARTS), {"consistent": pl.Boolean}, _polynomial
)
"""`consistent`, whether generic name and epithets are those of the scientific name."""


def elsewhere(arguments: Arguments) -> pl.Expr:
    """Tell which rows name an authority that is neither GBIF's backbone nor the loaded checklist."""
    return arguments.unavailable(*authority(arguments.context.checklist).titles)


def looked_up(arguments: Arguments, told: pl.Expr, found: pl.Expr) -> Answer:
    """Answer by what the authority says; the comment tells which one it was.

    Parameters
    ----------
    arguments : Arguments
        The test's.
    told : Expr of bool
        The record has something to look up.
    found : Expr of bool
        What the authority says; null where it cannot decide.
    """
    checklist = arguments.context.checklist
    titles = ", ".join(sorted(authority(checklist).titles)) or "the loaded checklist"
    held = "the bundled names of higher taxa and genera" if checklist is None else titles
    external = told & (elsewhere(arguments) | found.is_null())
    words = pl.when(found).then(pl.lit("it agrees with ")).otherwise(pl.lit("it does not agree with "))
    comment = pl.when(told & ~external).then(pl.concat_str(words, pl.lit(held)))
    return Answer(pl.when(told).then(found), external, comment=comment)


def _framed(arguments: Arguments) -> pl.Expr:
    """Tell which names have white space or what cannot be printed at either end: such a text is no authority's name."""
    return arguments["scientificName"].str.contains(_FRAME).fill_null(value=False)


def _name_found(arguments: Arguments) -> Answer:
    told = arguments.filled("scientificName")
    found = pl.when(_framed(arguments)).then(pl.lit(value=False)).otherwise(MEANING.column("found"))
    return looked_up(arguments, told, found)


def _unambiguous(arguments: Arguments) -> Answer:
    met = arguments.any_filled("scientificNameID", *_NAMED)
    by_identifier = arguments.filled("scientificNameID")
    meaning = (
        pl.when(by_identifier)
        .then(IDENTIFIED.column("meaning"))
        .when(_framed(arguments))
        .then(pl.lit(Meaning.NONE.value))
        .otherwise(MEANING.column("meaning"))
    )
    meaning = meaning.fill_null(Meaning.NONE.value)
    unknown = elsewhere(arguments) | (meaning == Meaning.UNKNOWN.value)
    return Answer(pl.when(met).then(meaning == Meaning.ONE.value), external=met & unknown)


def _identifier_from_taxon(arguments: Arguments) -> Answer:
    met = ~arguments.filled("scientificNameID") & arguments.any_filled(*_NAMED)
    meaning, identifier = MEANING.column("meaning").fill_null(Meaning.NONE.value), MEANING.column("identifier")
    unknown = (meaning == Meaning.UNKNOWN.value) | ((meaning == Meaning.ONE.value) & identifier.is_null())
    return Answer(
        pl.when(met).then(pl.lit(value=True)),
        external=met & (elsewhere(arguments) | unknown),
        proposals={"scientificNameID": identifier},
        filled_in=True,
    )


def _name_from_identifier(arguments: Arguments) -> Answer:
    met = arguments.filled("scientificNameID") & ~arguments.filled("scientificName")
    unknown = IDENTIFIED.column("meaning") == Meaning.UNKNOWN.value
    return Answer(
        pl.when(met).then(pl.lit(value=True)),
        external=met & (elsewhere(arguments) | unknown),
        proposals={"scientificName": IDENTIFIED.column("name")},
        filled_in=True,
    )


NAME_TESTS: Final = (
    test("VALIDATION_SCIENTIFICNAME_FOUND", _name_found, MEANING),
    test("VALIDATION_TAXON_UNAMBIGUOUS", _unambiguous, MEANING, IDENTIFIED),
    test("AMENDMENT_SCIENTIFICNAMEID_FROM_TAXON", _identifier_from_taxon, MEANING),
    test("AMENDMENT_SCIENTIFICNAME_FROM_SCIENTIFICNAMEID", _name_from_identifier, IDENTIFIED),
    test("VALIDATION_POLYNOMIAL_CONSISTENT", lambda _: Answer(POLYNOMIAL.column("consistent")), POLYNOMIAL),
)
"""The tests of names."""


# Tests of what stands above a name: each rank's name found, and all of them in agreement.

_CLASSIFICATION: Final = (
    *("kingdom", "phylum", "class", "order", "superfamily", "family", "subfamily", "tribe", "subtribe", "genus"),
)


@cache
def listed(rank: str) -> Preparation:
    """Return the preparation with `found`: whether the value is a name of that rank, null where it is not known."""

    def make(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        known = authority(context.checklist)
        found = [None if name is None else known.found(rank, name) for name in frame[rank]]
        return pl.DataFrame({"found": pl.Series(found, dtype=pl.Boolean)})

    return Preparation(f"{rank}.listed", (rank,), {"found": pl.Boolean}, make)


def _ranks_agree(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    known = authority(context.checklist)
    answers = [
        known.consistent({rank: name for rank, name in row.items() if name is not None})
        for row in frame.iter_rows(named=True)
    ]
    return pl.DataFrame({"consistent": pl.Series(answers, dtype=pl.Boolean)})


AGREEMENT: Final = Preparation("classification.agreement", RANKS, {"consistent": pl.Boolean}, _ranks_agree)
"""`consistent`, whether the higher names agree with the lowest that is listed; null where that is not known."""


def _found(rank: str) -> Test:
    """Return the test whether a rank's value is a name of that rank."""
    preparation = listed(rank)

    def answer(arguments: Arguments) -> Answer:
        return looked_up(arguments, arguments.filled(rank), preparation.column("found"))

    return test(f"VALIDATION_{rank.upper()}_FOUND", answer, preparation)


def _consistent(arguments: Arguments) -> Answer:
    return looked_up(arguments, arguments.any_filled(*_CLASSIFICATION), AGREEMENT.column("consistent"))


CLASSIFICATION_TESTS: Final = (
    *(_found(rank) for rank in RANKS),
    test("VALIDATION_CLASSIFICATION_CONSISTENT", _consistent, AGREEMENT),
)
"""The tests of the classification."""


TESTS: Final = (
    *NAME_TESTS,
    *CLASSIFICATION_TESTS,
    *taxon_meaning.IDENTIFIER_TESTS,
    *taxon_meaning.RANK_TESTS,
)
"""The tests of this subject."""
