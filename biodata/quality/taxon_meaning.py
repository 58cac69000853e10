"""What a record's name and identifier can mean: looked up in a loaded checklist, or in the bundled higher taxa."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import polars as pl

from biodata.parsers.scientific_names import parse_names
from biodata.quality.model import Context, Preparation
from biodata.quality.taxon_authority import RANKS, bundled
from biodata.quality.taxon_checklist import Names, names_of
from biodata.quality.taxon_identifiers import gbif_key
from biodata.quality.taxon_rank import rank_concept

PARTS: Final = ("genericName", "specificEpithet", "infraspecificEpithet")
"""The terms that a name is made of where `scientificName` is empty."""

_BELOW_GENUS: Final = frozenset(
    "species subspecies variety subvariety form subform speciesAggregate infraspecificName cultivar".split()
)
_ONE_WORD: Final = re.compile(r"\S+")


class Meaning(StrEnum):
    """How many taxa of the authority a record's name can mean."""

    ONE = "one"
    NONE = "none"
    SEVERAL = "several"
    UNKNOWN = "unknown"


def _meanings(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    composed = frame.select(
        pl.coalesce("scientificName", pl.concat_str(*PARTS, separator=" ", ignore_nulls=True).replace("", None)).alias(
            "n"
        )
    )["n"]
    parsed = parse_names(composed).select("canonical", "uninomial", "specific_epithet", "authorship")
    names = None if context.checklist is None else names_of(context.checklist)
    rows: list[tuple[Meaning | None, bool | None, str | None]] = []
    for row, name, parts in zip(frame.iter_rows(named=True), composed, parsed.iter_rows(named=True), strict=True):
        if name is None and row["cultivarEpithet"] is None:
            rows.append((None, None, None))
            continue
        told = {rank: row[rank] for rank in RANKS if row[rank] is not None}
        authorship = row["scientificNameAuthorship"] or parts["authorship"]
        vague = parts["specific_epithet"] is None and rank_concept(row["taxonRank"] or "") in _BELOW_GENUS
        if parts["canonical"] is None and name is not None:
            rows.append((Meaning.NONE, False, None))
        elif row["cultivarEpithet"] is not None and row["scientificName"] is None:
            rows.append((Meaning.UNKNOWN, None, None))
        elif names is None:
            rows.append((*_bundled(parts, authorship, told, vague=vague), None))
        else:
            rows.append(_listed(names, parts["canonical"], authorship, told, vague=vague))
    schema = {"meaning": pl.String, "found": pl.Boolean, "identifier": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _listed(
    names: Names, canonical: str, authorship: str | None, told: Mapping[str, str], *, vague: bool
) -> tuple[Meaning, bool, str | None]:
    """Look a name up in a loaded checklist."""
    taxa = names.matching(canonical, authorship, told)
    if not taxa:
        return Meaning.NONE, False, None
    if len(taxa) > 1 or vague:
        return Meaning.SEVERAL, True, None
    return Meaning.ONE, True, taxa[0].identifier


def _bundled(
    parts: Mapping[str, str | None], authorship: str | None, told: Mapping[str, str], *, vague: bool
) -> tuple[Meaning, bool | None]:
    """Say what the bundled names know of a name: only names of one word are among them."""
    word = parts["uninomial"]
    if word is None or not _ONE_WORD.fullmatch(word):
        return Meaning.UNKNOWN, None
    known = bundled()
    lineages = known.lineages(word)
    if vague:
        return Meaning.SEVERAL, True if lineages else None
    if lineages is None:
        return Meaning.UNKNOWN, None
    fitting = [
        lineage for lineage in lineages if all(value in lineage.get(rank, {value}) for rank, value in told.items())
    ]
    if authorship:
        return Meaning.UNKNOWN, True
    if len(fitting) > 1:
        return Meaning.SEVERAL, True
    # Within one code of nomenclature a name is used once; without anything told above it, another code may have it too.
    return Meaning.ONE if len(fitting) == 1 and told else Meaning.UNKNOWN, True


MEANING: Final = Preparation(
    "scientificName.meaning",
    ("scientificName", *PARTS, "cultivarEpithet", "scientificNameAuthorship", "taxonRank", *RANKS),
    {"meaning": pl.String, "found": pl.Boolean, "identifier": pl.String},
    _meanings,
)
"""`meaning`, how many taxa the name can mean; `found`, whether the authority has it; `identifier` of the only one."""


def _identified(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    names = None if context.checklist is None else names_of(context.checklist)
    rows = [(None, None) if text is None else _by_identifier(names, text) for text in frame["scientificNameID"]]
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
