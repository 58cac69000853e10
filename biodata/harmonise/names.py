"""What was recorded: scientific names, their parts, and the checklist's accepted taxon."""

from threading import Lock
from typing import Final

import polars as pl

from biodata.harmonise.checklists import Checklist
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.matching.kingdoms import kingdom
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.parsers.name_text import Issue
from biodata.parsers.scientific_names import parse_names

_CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family")
_SPECIES_AND_BELOW: Final = (
    "SPECIES", "SUBSPECIES", "VARIETY", "FORM", "SUBVARIETY", "SUBFORM", "CULTIVAR", "INFRASPECIFIC_NAME",
)  # fmt: skip
_TOLD: Final = (
    *_CLASSIFICATION, "genus", "genericName", "species", "specificEpithet", "infraspecificEpithet", "scientificName",
    "acceptedScientificName", "verbatimScientificName", "scientificNameAuthorship", "identificationQualifier",
    "taxonRank", "taxonomicStatus", "taxonKey", "iucnRedListCategory",
)  # fmt: skip
_ODD: Final = {
    "SCIENTIFIC_NAME_UNREADABLE": Issue.REFUSED,
    "SCIENTIFIC_NAME_UNDETERMINED": Issue.UNDETERMINED,
    "SCIENTIFIC_NAME_LOOKALIKE_LETTERS": Issue.LOOKALIKES,
    "SCIENTIFIC_NAME_INVISIBLE_CHARACTERS": Issue.INVISIBLE,
}
_FLAGS: Final = (
    "SCIENTIFIC_NAME_MISSING", "TAXON_MATCH_NONE", "TAXON_MATCH_HIGHERRANK", "TAXON_MATCH_FUZZY",
    "TAXON_MATCH_AMBIGUOUS", *_ODD,
)  # fmt: skip
_MOST: Final = 500_000
"""Combinations of a name and what stands beside it that are remembered: some 300 MB."""


class Names:
    """Reads names, and matches them to checklists where there are any; what was read once is remembered.

    Parameters
    ----------
    checklist : Checklist, optional
        Where names lead to accepted taxa.
    """

    def __init__(self, checklist: Checklist | None) -> None:
        self._checklist = checklist
        self._known: pl.DataFrame | None = None
        self._lock = Lock()

    def interpret(self, told: Told) -> Findings:
        """Read the names of a batch.

        Parameters
        ----------
        told : Told
            n rows.

        Returns
        -------
        Findings of n rows

        Notes
        -----
        Each distinct combination of what is told of a name is read once in an ingest; it is recognised by a hash, and
        a batch in which two of them share one (it needs billions of names) is read by itself.
        """
        frame = pl.DataFrame([told[term].alias(term) for term in _TOLD])
        frame = frame.with_columns(hash=frame.hash_rows(seed=0))
        known = self._remembered(frame)
        answers = frame.join(known, on="hash", how="left", maintain_order="left")
        if not answers.select(pl.col("t_name").eq_missing(_told_name())).to_series().all():
            answers = _read(frame, self._checklist)
        return _findings(answers)

    def _remembered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return what is read of the rows of a frame, by hash; several threads may ask."""
        distinct = frame.unique("hash", keep="first", maintain_order=True)
        with self._lock:
            known = self._known
            new = distinct if known is None else distinct.join(known, on="hash", how="anti", maintain_order="left")
            if known is not None and known.height + new.height > _MOST:
                known, new = None, distinct
            if known is None or not new.is_empty():
                read = pl.concat([new.select("hash"), _read(new, self._checklist)], how="horizontal")
                known = read if known is None else pl.concat([known, read])
            self._known = known
            return known


def _told_species() -> pl.Expr:
    """Return the species as columns tell it: whole, or as genus and epithet."""
    genus = pl.coalesce("genericName", "genus")
    return pl.coalesce("species", pl.concat_str(genus, pl.lit(" "), "specificEpithet"))


def _told_name() -> pl.Expr:
    """Return the name as told: whole, or put together from its parts."""
    species = _told_species()
    parts = pl.when(species.is_not_null()).then(
        pl.concat_str(species, "infraspecificEpithet", separator=" ", ignore_nulls=True)
    )
    return pl.coalesce("scientificName", "acceptedScientificName", parts, "verbatimScientificName", "genus")


def _read(told: pl.DataFrame, checklist: Checklist | None) -> pl.DataFrame:
    """Return what is read of each row: columns that start with `c_` (interpreted), `f_` (flags), and `t_name`.

    A name is taken apart only where that is needed: to match, or where no column tells the species.
    """
    frame = told.select(
        *(term for term in _TOLD if term not in {"taxonRank", "taxonomicStatus"}),
        told_species=_told_species(),
        name=_told_name(),
        rank=parse_controlled(told["taxonRank"], Vocabulary.TAXON_RANK)["term"],
        status=parse_controlled(told["taxonomicStatus"], Vocabulary.TAXONOMIC_STATUS)["term"],
    )
    frame = frame.with_columns(pl.col("taxonKey").cast(pl.Int64, strict=False))
    needed = frame["name"] if checklist is not None else frame["name"].set(frame["told_species"].is_not_null(), None)
    parts = parse_names(needed).drop("value", "canonical_full")
    frame = pl.concat([frame, parts.rename(lambda part: f"p_{part}")], how="horizontal").with_columns(
        species=pl.coalesce("told_species", pl.concat_str("p_genus", "p_specific_epithet", separator=" ")),
        rank=pl.coalesce("rank", "p_rank"),
    )
    flags: dict[str, pl.Expr] = {"SCIENTIFIC_NAME_MISSING": pl.col("name").is_null()} | {
        flag: pl.col("p_issues").list.contains(issue.value) for flag, issue in _ODD.items()
    }
    qualified = pl.col("identificationQualifier").str.contains(r"(?i)\b(?:cf|aff|nr|near|\?)")
    flags["SCIENTIFIC_NAME_UNDETERMINED"] = qualified.fill_null(value=False) | (
        flags["SCIENTIFIC_NAME_UNDETERMINED"] & pl.col("p_specific_epithet").is_not_null()
    )
    if checklist is not None:
        frame, match_flags = _matched(frame, checklist)
        flags |= match_flags
    given = [flags.get(flag, pl.lit(value=False)).fill_null(value=False).alias(f"f_{flag}") for flag in _FLAGS]
    return frame.select(
        pl.col("name").alias("t_name"), pl.col("p_canonical").alias("t_canonical"), *_columns(frame), *given
    )


def _columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return the interpreted columns, `c_` before their names."""
    words = pl.col("species").str.splitn(" ", 2)
    above = pl.when(pl.col("rank") == "GENUS").then("p_uninomial")
    columns: dict[str, pl.Expr] = {
        "scientificName": pl.col("name"),
        "acceptedScientificName": pl.col("acceptedScientificName"),
        **{str(rank): pl.col(rank) for rank in _CLASSIFICATION},
        "genus": pl.coalesce("genus", "p_genus", above, words.struct.field("field_0")),
        "species": pl.col("species"),
        "genericName": pl.coalesce("genericName", "p_genus", above, words.struct.field("field_0")),
        "specificEpithet": pl.coalesce("specificEpithet", "p_specific_epithet", words.struct.field("field_1")),
        "infraspecificEpithet": pl.coalesce("infraspecificEpithet", "p_infraspecific_epithet"),
        "taxonRank": pl.col("rank"),
        "taxonomicStatus": pl.col("status"),
        "taxonKey": pl.col("taxonKey"),
        "iucnRedListCategory": pl.col("iucnRedListCategory"),
        **{str(name): pl.col(name) for name in _OF_MATCH if name in frame.columns},
    }
    return [column.alias(f"c_{name}") for name, column in columns.items()]


_OF_MATCH: Final = (
    "taxon_id", "checklist", "col_key", "match_type", "match_confidence", "match_note", "match_alternatives",
)  # fmt: skip


def _matched(frame: pl.DataFrame, checklist: Checklist) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
    """Return the frame with what the checklist tells of each name, and the doubts about the match."""
    undetermined = pl.col("p_issues").list.contains(Issue.UNDETERMINED.value).fill_null(value=False)
    asked = frame.select(
        name=pl.col("p_canonical"),
        species=pl.col("species"),
        genus=pl.coalesce("p_genus", "genus", "p_uninomial"),
        author=pl.coalesce("p_authorship", pl.when(~undetermined).then("scientificNameAuthorship")),
        kingdom=kingdom(pl.col("kingdom")),
        family=pl.col("family").str.to_titlecase(),
    )
    distinct = asked.unique(maintain_order=True)
    found = checklist.match(distinct)
    found = found.with_columns(match_alternatives=checklist.described(found["alternatives"])).drop("alternatives")
    table = pl.concat([distinct, found.rename({"taxon": "m_taxon", "status": "m_status"})], how="horizontal")
    match = asked.join(table, on=asked.columns, how="left", maintain_order="left", nulls_equal=True)
    accepted = checklist.accepted(match["m_taxon"]).select(pl.all().name.prefix("m_"))
    frame = pl.concat([frame, match.drop(asked.columns), accepted], how="horizontal")
    named = pl.col("name").is_not_null()
    lookalikes = pl.col("p_issues").list.contains(Issue.LOOKALIKES.value).fill_null(value=False)
    kind = pl.when(named).then(
        pl.when(lookalikes & pl.col("match_type").is_in(["EXACT", "CANONICAL"]))
        .then(pl.lit("VARIANT"))
        .otherwise("match_type")
    )
    less = pl.when(undetermined).then(20).otherwise(0) + pl.when(lookalikes).then(10).otherwise(0)
    frame = frame.with_columns(match_type=kind, match_confidence=(pl.col("match_confidence") - less).clip(0))
    finer = pl.col("match_type") == "HIGHERRANK"
    fuzzy = pl.col("match_type").is_in(["VARIANT", "FUZZY"]) | (
        finer & pl.col("match_note").str.contains("letters|gender")
    )
    flags = {
        "TAXON_MATCH_NONE": pl.col("match_type") == "NONE",
        "TAXON_MATCH_HIGHERRANK": finer,
        "TAXON_MATCH_FUZZY": fuzzy,
        "TAXON_MATCH_AMBIGUOUS": pl.col("match_type") == "AMBIGUOUS",
    }
    return _adopt(frame), flags


def _adopt(frame: pl.DataFrame) -> pl.DataFrame:
    """Take over the accepted taxon: its name, species and genus; its classification where none was told."""
    is_species = pl.col("m_taxonRank").is_in(_SPECIES_AND_BELOW)
    binomial = pl.col("m_scientificName").str.extract(r"^(\S+ \S+)")
    return frame.with_columns(
        *(pl.coalesce(term, f"m_{term}").alias(term) for term in _CLASSIFICATION),
        species=pl.when(is_species).then(binomial).otherwise("species"),
        genus=pl.when(is_species).then(pl.coalesce("m_genus", "genus")).otherwise("genus"),
        acceptedScientificName=pl.when(is_species).then("m_accepted").otherwise("acceptedScientificName"),
        status=pl.when(pl.col("level") == "name").then(pl.coalesce("m_status", "status")).otherwise("status"),
        taxonKey=pl.coalesce("taxonKey", "m_gbif_key"),
        iucnRedListCategory=pl.coalesce("m_iucnRedListCategory", "iucnRedListCategory"),
        taxon_id=pl.col("m_taxon_id"),
        checklist=pl.col("m_checklist"),
        col_key=pl.col("m_col_key"),
    )


def _findings(answers: pl.DataFrame) -> Findings:
    """Put what was read into findings; a name without its look-alike letters is proposed, never put in."""
    columns = {name.removeprefix("c_"): answers[name] for name in answers.columns if name.startswith("c_")}
    flags = {name.removeprefix("f_"): answers[name] for name in answers.columns if name.startswith("f_")}
    proposal = repairs(
        flags["SCIENTIFIC_NAME_LOOKALIKE_LETTERS"],
        "scientificName",
        answers["t_canonical"],
        "latin_letters_for_lookalikes",
        applied=False,
    )
    return Findings(columns, flags, [proposal])
