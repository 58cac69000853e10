"""Tests of TDWG BDQ Core on what was recorded (dwc:Taxon)."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache, lru_cache, partial
from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Context, Preparation, Test, reading, standard_tests, test
from biodata.quality.taxon_authority import RANKS, Authority, Names, authority, bundled, names_of
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.scientific_names import parse_names
from biodata.text.tables import read_rows

# What a record's rank, name and identifier can mean: in a loaded checklist, or in the bundled higher taxa.

# Ranks by GBIF's vocabulary TaxonRank: its concepts and labels are right, other words for a rank can be amended.
#
# The concepts are those of https://registry.gbif.org/vocabulary/TaxonRank/concepts; a label is a concept's name in a
# language. What people write beside them (`sp.`, `ssp.`) is in `biodata.text.controlled`.

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
    stated = " ".join(text.split())
    if len(stated) > 60 or stated.casefold() in _SEVERAL:
        return None
    concept = _labels().get(stated) or _labels().get(stated.lower())
    if concept is not None:
        return concept
    term = parse_term(stated, Vocabulary.TAXON_RANK)
    if term is None or term in _OURS:
        return _OURS.get(term or "")
    return re.sub(r"_(.)", lambda match: match[1].upper(), term.lower())


def _read_rank(text: str) -> tuple[bool, str | None]:
    """Return whether a text is a concept or a label of the vocabulary, and the concept that it means if it is none."""
    concept = rank_concept(text)
    return text in _labels(), None if concept == text else concept


RANK_TESTS: Final = standard_tests("TAXONRANK", reading("taxonRank", _read_rank))
"""The tests of the rank."""


# Identifiers of names: which are complete, and which of them mean a taxon of GBIF.

# RFC 8141: a namespace of 2 to 32 letters, digits and hyphens, and something in it. An LSID is one of them.
_URN: Final = re.compile(
    r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:[A-Za-z0-9()+,\-.:=@;$_!*'&~%][A-Za-z0-9()+,\-.:=@;$_!*'&~%/?#]*",
    re.ASCII | re.IGNORECASE,
)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#\x00-\x20]+/[^\s?#\x00-\x20]+[^\s\x00-\x20]*")
_SCOPED: Final = re.compile(
    r"(?!(?:urn|https?|ftp|file|mailto):)[A-Za-z][A-Za-z0-9_.\-]*:(?!/)[^\s\x00-\x20]+", re.IGNORECASE
)
_GBIF: Final = re.compile(
    r"(?:gbif:|https?://(?:api|www)\.gbif\.org/(?:v1/)?species/)([1-9][0-9]{0,11})", re.ASCII | re.IGNORECASE
)
_PRINTED: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u2060\ufeff]*")


def is_complete(text: str) -> bool:
    """Return whether an identifier says whose it is.

    Parameters
    ----------
    text : str
        The identifier as stated; white space or control characters make it invalid.

    Returns
    -------
    bool
        True for an LSID or another URN, a URI with host and path, or `scope:value`.
    """
    if not _PRINTED.fullmatch(text):
        return False
    return any(pattern.fullmatch(text) for pattern in (_URN, _URI, _SCOPED))


def gbif_key(text: str) -> int | None:
    """Return the key of a taxon of GBIF that an identifier means: `gbif:8102122`, or the address of its page."""
    match = _GBIF.fullmatch(text)
    return int(match[1]) if match else None


IDENTIFIER: Final = reading("scientificNameID", lambda text: (is_complete(text),), {"complete": pl.Boolean()})
"""`complete`, whether the identifier says whose it is."""


def _complete(_: Arguments) -> Answer:
    return Answer(IDENTIFIER.column("complete"))


IDENTIFIER_TESTS: Final = (test("VALIDATION_SCIENTIFICNAMEID_COMPLETE", _complete, IDENTIFIER),)
"""The tests of the identifier's form."""


# What a record's name and identifier can mean: looked up in a loaded checklist, or in the bundled higher taxa.

PARTS: Final = ("genericName", "specificEpithet", "infraspecificEpithet")
"""The terms that a name is made of where `scientificName` is empty."""

_BELOW_GENUS: Final = frozenset(
    "species subspecies variety subvariety form subform speciesAggregate infraspecificName cultivar".split()
)


_ANSWER: Final = pl.Schema({"row": pl.UInt32, "meaning": pl.String, "found": pl.Boolean, "identifier": pl.String})


class Meaning(StrEnum):
    """How many taxa of the authority a record's name can mean."""

    ONE = "one"
    NONE = "none"
    SEVERAL = "several"
    UNKNOWN = "unknown"


def _meanings(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    parts = pl.concat_str(PARTS, separator=" ", ignore_nulls=True).replace("", None)
    name = frame.select(pl.coalesce("scientificName", parts).alias("name"))["name"]
    parsed = parse_names(name).select("canonical", "uninomial", "specific_epithet", "authorship")
    table = frame.hstack(parsed.get_columns()).with_columns(name=name)
    no_name = pl.col("name").is_not_null() & pl.col("canonical").is_null()
    cultivar_alone = pl.col("cultivarEpithet").is_not_null() & pl.col("scientificName").is_null()
    looked_up = pl.col("canonical").is_not_null() & ~cultivar_alone
    if context.checklist is None:
        looked_up &= pl.col("uninomial").is_not_null()
    table = table.with_columns(
        looked_up=looked_up.fill_null(value=False),
        meaning=pl.when(no_name)
        .then(pl.lit(Meaning.NONE.value))
        .when(pl.col("name").is_not_null() | cultivar_alone)
        .then(pl.lit(Meaning.UNKNOWN.value)),
        found=pl.when(no_name).then(pl.lit(value=False)),
    ).with_row_index("row")
    rest = table.filter(~pl.col("looked_up"))
    rest = rest.select("row", "meaning", "found", pl.lit(None, dtype=pl.String).alias("identifier"))
    wanted = table.filter("looked_up").drop("meaning", "found")
    answer = _bundled if context.checklist is None else partial(listed_meaning, names_of(context.checklist))
    rows = [
        (row["row"], *answer(row, {rank: row[rank] for rank in RANKS if row[rank] is not None}))
        for row in wanted.iter_rows(named=True)
    ]
    answered = pl.DataFrame(rows, schema=_ANSWER, orient="row")
    return pl.concat([rest, answered]).sort("row").drop("row")


_Answer = tuple[Meaning, bool | None, str | None]


def _authorship(row: Mapping[str, str | None]) -> str | None:
    """Return the authorship that is stated, by itself or in the name."""
    return row["scientificNameAuthorship"] or row["authorship"]


def _is_vague(row: Mapping[str, str | None]) -> bool:
    """Return whether the rank is below the genus and the name is not: the record means one of several taxa."""
    rank = row["taxonRank"]
    return rank is not None and row["specific_epithet"] is None and rank_concept(rank) in _BELOW_GENUS


def listed_meaning(names: Names, row: Mapping[str, str | None], facts: Mapping[str, str]) -> _Answer:
    """Look a name up in a loaded checklist."""
    taxa = names.matching(row["canonical"] or "", _authorship(row), facts)
    if not taxa:
        return Meaning.NONE, False, None
    if len(taxa) > 1 or _is_vague(row):
        return Meaning.SEVERAL, True, None
    return Meaning.ONE, True, taxa[0].identifier


def _bundled(row: Mapping[str, str | None], facts: Mapping[str, str]) -> _Answer:
    """Say what the bundled names know of a name of one word."""
    lineages = bundled().lineages(row["uninomial"] or "")
    if _is_vague(row):
        return Meaning.SEVERAL, True if lineages else None, None
    if lineages is None or _authorship(row):
        return Meaning.UNKNOWN, True if lineages is not None else None, None
    fitting = [
        lineage for lineage in lineages if all(value in lineage.get(rank, {value}) for rank, value in facts.items())
    ]
    if len(fitting) > 1:
        return Meaning.SEVERAL, True, None
    # Within one code of nomenclature a name is used once; without anything stated above it, another code may have it too.
    return (Meaning.ONE if fitting and facts else Meaning.UNKNOWN), True, None


MEANING: Final = Preparation(
    "scientificName.meaning",
    ("scientificName", *PARTS, "cultivarEpithet", "scientificNameAuthorship", "taxonRank", *RANKS),
    {"meaning": pl.String, "found": pl.Boolean, "identifier": pl.String},
    _meanings,
)
"""`meaning`, how many taxa the name can mean; `found`, whether the authority has it; `identifier` of the only one."""


def _identified(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    values = frame["scientificNameID"]
    names = None if context.checklist is None or values.null_count() == len(values) else names_of(context.checklist)
    rows = [(None, None) if text is None else _by_identifier(names, text) for text in values]
    return pl.DataFrame(rows, schema={"meaning": pl.String, "name": pl.String}, orient="row")


def _by_identifier(names: Names | None, text: str) -> tuple[Meaning, str | None]:
    """Look an identifier up; what a key of GBIF means is only known to a checklist with GBIF's keys."""
    key = gbif_key(text)
    if names is None:
        return (Meaning.NONE if key is None else Meaning.UNKNOWN), None
    taxon = names.by_identifier.get(text) or (names.by_gbif_key.get(key) if key is not None else None)
    if taxon is not None:
        return Meaning.ONE, taxon.full_name
    return (Meaning.UNKNOWN if key is not None and not names.by_gbif_key else Meaning.NONE), None


IDENTIFIED: Final = Preparation(
    "scientificNameID.meaning", ("scientificNameID",), {"meaning": pl.String, "name": pl.String}, _identified
)
"""`meaning`, how many taxa the identifier means; `name` of the only one."""


# Tests of scientific names: found, unambiguous, in agreement with their parts, and with an identifier of their own.


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


def _agree(name: str, entries: tuple[str | None, ...], parsed: tuple[str | None, ...]) -> bool:
    """Return whether generic name and epithets are those of the name; words count where the parser gives nothing."""
    uninomial, genus, specific, infraspecific = parsed
    words = [word for word in name.split() if word not in {"×", "x"} and not word.startswith("(")]
    first = (genus or uninomial or (words[0] if words else ""), words[0].lstrip("×") if words else "")
    second = specific or (words[1] if len(words) > 1 and genus is None and uninomial is None else None)
    generic_told, specific_told, infraspecific_told = entries
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


def looked_up(arguments: Arguments, stated: pl.Expr, found: pl.Expr) -> Answer:
    """Answer by what the authority says; the comment tells which one it was.

    Parameters
    ----------
    arguments : Arguments
        The test's.
    stated : Expr of bool
        The record has something to look up.
    found : Expr of bool
        What the authority says; null where it cannot decide.
    """
    checklist = arguments.context.checklist
    titles = ", ".join(sorted(authority(checklist).titles)) or "the loaded checklist"
    held = "the bundled names of higher taxa and genera" if checklist is None else titles
    external = stated & (elsewhere(arguments) | found.is_null())
    words = pl.when(found).then(pl.lit("it agrees with ")).otherwise(pl.lit("it does not agree with "))
    comment = pl.when(stated & ~external).then(pl.concat_str(words, pl.lit(held)))
    return Answer(pl.when(stated).then(found), external, comment=comment)


def _framed(arguments: Arguments) -> pl.Expr:
    """Tell which names have white space or what cannot be printed at either end: such a text is no authority's name."""
    return arguments["scientificName"].str.contains(_FRAME).fill_null(value=False)


def _name_found(arguments: Arguments) -> Answer:
    stated = arguments.filled("scientificName")
    found = pl.when(_framed(arguments)).then(pl.lit(value=False)).otherwise(MEANING.column("found"))
    return looked_up(arguments, stated, found)


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
    agrees = _comparing(authority(context.checklist))
    answers = [agrees(*names) for names in frame.select(RANKS).iter_rows()]
    return pl.DataFrame({"consistent": pl.Series(answers, dtype=pl.Boolean)})


@lru_cache(maxsize=2)
def _comparing(known: Authority) -> Callable[..., bool | None]:
    """Return what compares the names of `RANKS`, and remembers them: batch after batch has the same ones."""

    @lru_cache(maxsize=1 << 16)
    def agrees(*names: str | None) -> bool | None:
        return known.consistent({rank: name for rank, name in zip(RANKS, names, strict=True) if name is not None})

    return agrees


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
    *NAME_TESTS, *CLASSIFICATION_TESTS, *IDENTIFIER_TESTS, *RANK_TESTS,
)  # fmt: skip
"""The tests of this subject."""
