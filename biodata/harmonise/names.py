"""What was recorded: scientific names, their parts, and the checklist's accepted taxon."""

from functools import cache
from threading import Lock
from typing import Final, NamedTuple

import polars as pl

from biodata.core import terms
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.findings import Findings, Stated, json_object, repairs
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.matcher import kingdom
from biodata.text.name_text import Issue
from biodata.text.reference_list import reference_list
from biodata.text.scientific_names import parse_names

# Names that were read, led to the accepted taxa of the checklists and of the reference list.

CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family")
OF_MATCH: Final = (
    "taxon_id", "checklist", "col_key", "match_type", "match_confidence", "match_note", "match_alternatives",
)  # fmt: skip
_SPECIES_AND_BELOW: Final = (
    "SPECIES", "SUBSPECIES", "VARIETY", "FORM", "SUBVARIETY", "SUBFORM", "CULTIVAR", "INFRASPECIFIC_NAME",
)  # fmt: skip
_ABOVE_GENUS: Final = (
    "KINGDOM", "SUBKINGDOM", "PHYLUM", "SUBPHYLUM", "SUPERCLASS", "CLASS", "SUBCLASS", "INFRACLASS", "SUPERORDER", "ORDER",
    "SUBORDER", "INFRAORDER", "PARVORDER", "SUPERFAMILY", "EPIFAMILY", "FAMILY", "SUBFAMILY", "SUPERTRIBE", "TRIBE", "SUBTRIBE",
)  # fmt: skip
_SETTLED: Final = ("phylum", "class")
"""Ranks of which the reference list's groups are those of every current list: older orders and families are opinions."""


def matched(frame: pl.DataFrame, checklist: Checklist) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
    """Match the names that were read.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        What is stated and was read of each name, as in `names._read`.
    checklist : Checklist
        Where names lead to accepted taxa.

    Returns
    -------
    polars.DataFrame of n rows
        The same with `OF_MATCH`, and the accepted taxon's name and classification in place of those stated.
    dict of str to Expr
        The doubts about the match, by flag.
    """
    undetermined = pl.col("p_issues").list.contains(Issue.UNDETERMINED.value).fill_null(value=False)
    asked = frame.select(
        name=pl.col("p_canonical"),
        species=pl.col("species"),
        genus=pl.coalesce("p_genus", "genus", "p_uninomial"),
        author=pl.coalesce("p_authorship", pl.when(~undetermined).then("scientificNameAuthorship")),
        kingdom=pl.coalesce(kingdom(pl.col("kingdom")), _kingdom_of_classification(frame)),
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
        "TAXON_CLASSIFICATION_CONTRADICTED": pl.any_horizontal(
            (pl.col(f"told_{rank}") != pl.col(f"m_{rank}").str.to_titlecase())
            & pl.col(f"told_{rank}").is_in(reference_list().groups_of(rank).implode())
            for rank in _SETTLED
        ),
    }
    frame = frame.with_columns(pl.col(rank).str.to_titlecase().alias(f"told_{rank}") for rank in _SETTLED)
    return _adopt(frame), flags


def _kingdom_of_classification(frame: pl.DataFrame) -> pl.Series:
    """Return the kingdom of the class, else phylum, else order that is stated; null where none is known."""
    ranks = ("class", "phylum", "order")
    found = [reference_list().kingdom_of(rank, frame[rank].str.to_titlecase()) for rank in ranks if frame[rank].count()]
    if not found:
        return pl.Series("kingdom", [None], dtype=pl.String).new_from_index(0, frame.height)
    return pl.select(kingdom(pl.coalesce(*found))).to_series()


def _adopt(frame: pl.DataFrame) -> pl.DataFrame:
    """Take over the accepted taxon: its name, species and genus; its rank and classification where none was stated."""
    by_name = (pl.col("level") == "name").fill_null(value=False)
    above_genus = by_name & pl.col("m_taxonRank").is_in(_ABOVE_GENUS).fill_null(value=False)
    is_species = pl.col("m_taxonRank").is_in(_SPECIES_AND_BELOW)
    # A slip of the pen can make another genus of one: of an unknown species the reference list's genus says nothing.
    unsure = (pl.col("level") == "genus") & (pl.col("m_checklist") == reference_list().label)
    known = ~unsure.fill_null(value=False)
    binomial = pl.col("m_scientificName").str.extract(r"^(\S+ \S+)")
    return frame.with_columns(
        *(pl.coalesce(term, pl.when(known).then(f"m_{term}")).alias(term) for term in CLASSIFICATION),
        species=pl.when(is_species).then(binomial).otherwise("species"),
        genus=pl.when(is_species).then(pl.coalesce("m_genus", "genus")).otherwise("genus"),
        # "Aves sp." reads as a genus; the lists know that it is a class.
        rank=pl.when(above_genus)
        .then(pl.coalesce("told_rank", "m_taxonRank"))
        .when(by_name & (pl.col("rank") == "INFRASPECIFIC_NAME") & pl.col("told_rank").is_null())
        .then(pl.coalesce("m_taxonRank", "rank"))
        .otherwise(pl.coalesce("rank", pl.when(by_name).then("m_taxonRank"))),
        above_genus=above_genus,
        acceptedScientificName=pl.when(is_species).then("m_accepted").otherwise("acceptedScientificName"),
        status=pl.when(pl.col("level") == "name").then(pl.coalesce("m_status", "status")).otherwise("status"),
        taxonKey=pl.coalesce("taxonKey", "m_gbif_key"),
        iucnRedListCategory=pl.coalesce("m_iucnRedListCategory", "iucnRedListCategory"),
        taxon_id=pl.col("m_taxon_id"),
        checklist=pl.col("m_checklist"),
        col_key=pl.col("m_col_key"),
    )


NAME_TERMS: Final = (
    *CLASSIFICATION, "genus", "genericName", "species", "specificEpithet", "infraspecificEpithet", "scientificName",
    "acceptedScientificName", "verbatimScientificName", "scientificNameAuthorship", "identificationQualifier",
    "taxonRank", "taxonomicStatus", "taxonKey", "iucnRedListCategory", "acceptedNameUsage", "originalNameUsage",
    "vernacularName", "verbatimIdentification",
)  # fmt: skip
"""The terms that state a name, and what stands around it."""
_ODD: Final = {
    "SCIENTIFIC_NAME_UNREADABLE": Issue.REFUSED,
    "SCIENTIFIC_NAME_UNDETERMINED": Issue.UNDETERMINED,
    "SCIENTIFIC_NAME_LOOKALIKE_LETTERS": Issue.LOOKALIKES,
    "SCIENTIFIC_NAME_INVISIBLE_CHARACTERS": Issue.INVISIBLE,
}
NAME_FLAGS: Final = (
    "SCIENTIFIC_NAME_MISSING", "TAXON_MATCH_NONE", "TAXON_MATCH_HIGHERRANK", "TAXON_MATCH_FUZZY",
    "TAXON_MATCH_AMBIGUOUS", "TAXON_CLASSIFICATION_CONTRADICTED", *_ODD,
)  # fmt: skip
NAME_COLUMNS: Final = (
    "scientificName", "acceptedScientificName", *CLASSIFICATION, "genus", "species", "genericName", "specificEpithet",
    "infraspecificEpithet", "taxonRank", "taxonomicStatus", "taxonKey", "iucnRedListCategory", "stated_taxon", *OF_MATCH,
)  # fmt: skip
"""The interpreted columns that are read from them."""
_MOST: Final = 500_000


class _Known(NamedTuple):
    """What was read: the hash of what was stated of each name, and the answers."""

    hashed: pl.Series
    answers: pl.DataFrame

    def places(self, hashed: pl.Series) -> pl.Series:
        """Return where the answers for some hashes are; null where there are none."""
        known = self.hashed.to_frame("hash").with_row_index("place")
        return hashed.to_frame("hash").join(known, on="hash", how="left", maintain_order="left")["place"]


_NOTHING: Final = _Known(pl.Series(dtype=pl.UInt64), pl.DataFrame())


class Names:
    """Reads names, and matches them to checklists where there are any; what was read once is remembered.

    Parameters
    ----------
    checklist : Checklist, optional
        Where names lead to accepted taxa.
    most : int
        Combinations of a name and what stands beside it that are remembered; half a million take some 300 MB.
    """

    def __init__(self, checklist: Checklist | None, *, most: int = _MOST) -> None:
        self._checklist, self._most = checklist, most
        self._known = _NOTHING
        self._lock = Lock()

    def interpret(self, stated: Stated) -> Findings:
        """Read the names of a batch.

        Parameters
        ----------
        stated : Stated
            n rows.

        Returns
        -------
        Findings of n rows

        Notes
        -----
        Each distinct combination of what is stated of a name is read once in an ingest; it is recognised by a hash, and
        a batch in which two of them share one (it needs billions of names) is read by itself.
        """
        frame = pl.DataFrame([stated[term].alias(term) for term in NAME_TERMS])
        answers, place = self._remembered(frame, _hashed(stated))
        if not answers["t_name"].gather(place).eq_missing(_stated_names(frame)).all():
            answers, place = _read(frame, self._checklist), pl.int_range(stated.height, eager=True)
        return _findings(answers, place)

    def _remembered(self, frame: pl.DataFrame, hashed: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Return all that was read so far, and where in it the rows of a frame are; several threads may ask."""
        with self._lock:
            known = self._known
            place = known.places(hashed)
            if known.answers.width and not place.null_count():
                return known.answers, place
            new = place.is_null() & hashed.is_first_distinct()
            if known.answers.height + new.sum() > self._most:
                known, new = _NOTHING, hashed.is_first_distinct()
            read = _read(frame.filter(new), self._checklist)
            # Taking rows from many pieces would cost each later batch more than putting them together costs now.
            known = _Known(
                pl.concat([known.hashed, hashed.filter(new)]),
                pl.concat([known.answers, read], rechunk=True) if known.answers.width else read.rechunk(),
            )
            self._known = known
        return known.answers, known.places(hashed)


@cache
def by_reference_list() -> Names:
    """Return what reads names by the reference list alone, for one small file after the other: names that came before are known."""
    return Names(Checklist(pl.DataFrame(schema=terms.schema(terms.TAXON))), most=20_000)


def _hashed(stated: Stated) -> pl.Series:
    """Return the hash of what each row tells of a name; columns without a cell take no part but by their absence."""
    filled = stated.frame(NAME_TERMS)
    if not filled.width:
        return pl.zeros(stated.height, dtype=pl.UInt64, eager=True)
    absence: int = pl.Series([" ".join(filled.columns)]).hash(seed=0).item()
    return filled.hash_rows(seed=0) ^ absence


def _stated_names(frame: pl.DataFrame) -> pl.Series:
    """Return the names as stated, at once where every row has one whole."""
    whole = frame["scientificName"]
    return frame.select(_stated_name()).to_series() if whole.null_count() else whole


def _stated_species() -> pl.Expr:
    """Return the species as columns state it: whole, or as genus and epithet."""
    genus = pl.coalesce("genericName", "genus")
    return pl.coalesce("species", pl.concat_str(genus, pl.lit(" "), "specificEpithet"))


def _stated_name() -> pl.Expr:
    """Return the name as stated: whole, or put together from its parts."""
    species = _stated_species()
    parts = pl.when(species.is_not_null()).then(
        pl.concat_str(species, "infraspecificEpithet", separator=" ", ignore_nulls=True)
    )
    return pl.coalesce("scientificName", "acceptedScientificName", parts, "verbatimScientificName", "genus")


def _read(table: pl.DataFrame, checklist: Checklist | None) -> pl.DataFrame:
    """Return what is read of each row: columns that start with `c_` (interpreted), `f_` (flags), and `t_name`.

    A name is taken apart only where that is needed: to match, or where no column tells the species.
    """
    frame = table.select(
        *(term for term in NAME_TERMS if term not in {"taxonRank", "taxonomicStatus"}),
        told_species=_stated_species(),
        stated_taxon=json_object(terms.STATED_TAXON),
        name=_stated_name(),
        rank=parse_controlled(table["taxonRank"], Vocabulary.TAXON_RANK)["term"],
        status=parse_controlled(table["taxonomicStatus"], Vocabulary.TAXONOMIC_STATUS)["term"],
    )
    frame = frame.with_columns(pl.col("taxonKey").cast(pl.Int64, strict=False))
    needed = frame["name"] if checklist is not None else frame["name"].set(frame["told_species"].is_not_null(), None)
    parts = parse_names(needed).drop("value", "canonical_full")
    frame = pl.concat([frame, parts.rename(lambda part: f"p_{part}")], how="horizontal").with_columns(
        species=pl.coalesce("told_species", pl.concat_str("p_genus", "p_specific_epithet", separator=" ")),
        told_rank="rank",
        rank=pl.coalesce("rank", "p_rank"),
        above_genus=pl.lit(value=False),
    )
    flags: dict[str, pl.Expr] = {"SCIENTIFIC_NAME_MISSING": pl.col("name").is_null()} | {
        flag: pl.col("p_issues").list.contains(issue.value) for flag, issue in _ODD.items()
    }
    qualified = pl.col("identificationQualifier").str.contains(r"(?i)\b(?:cf|aff|nr|near|\?)")
    flags["SCIENTIFIC_NAME_UNDETERMINED"] = qualified.fill_null(value=False) | (
        flags["SCIENTIFIC_NAME_UNDETERMINED"] & pl.col("p_specific_epithet").is_not_null()
    )
    if checklist is not None:
        frame, match_flags = matched(frame, checklist)
        flags |= match_flags
    given = [flags.get(flag, pl.lit(value=False)).fill_null(value=False).alias(f"f_{flag}") for flag in NAME_FLAGS]
    return frame.select(
        pl.col("name").alias("t_name"), pl.col("p_canonical").alias("t_canonical"), *_columns(frame), *given
    )


def _columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return the interpreted columns, `c_` before their names."""
    words = pl.col("species").str.splitn(" ", 2)
    above = pl.when((pl.col("rank") == "GENUS") & ~pl.col("above_genus")).then("p_uninomial")
    columns: dict[str, pl.Expr] = {
        "scientificName": pl.col("name"),
        "acceptedScientificName": pl.col("acceptedScientificName"),
        **{str(rank): pl.col(rank) for rank in CLASSIFICATION},
        "genus": pl.coalesce("genus", "p_genus", above, words.struct.field("field_0")),
        "species": pl.col("species"),
        "genericName": pl.coalesce("genericName", "p_genus", above, words.struct.field("field_0")),
        "specificEpithet": pl.coalesce("specificEpithet", "p_specific_epithet", words.struct.field("field_1")),
        "infraspecificEpithet": pl.coalesce("infraspecificEpithet", "p_infraspecific_epithet"),
        "taxonRank": pl.col("rank"),
        "taxonomicStatus": pl.col("status"),
        "taxonKey": pl.col("taxonKey"),
        "iucnRedListCategory": pl.col("iucnRedListCategory"),
        "stated_taxon": pl.col("stated_taxon"),
        **{str(name): pl.col(name) for name in OF_MATCH if name in frame.columns},
    }
    return [column.alias(f"c_{name}") for name, column in columns.items()]


def _findings(answers: pl.DataFrame, place: pl.Series) -> Findings:
    """Put the answers for n rows into findings; a name without its look-alike letters is proposed, never put in.

    Parameters
    ----------
    answers : polars.DataFrame
        What `_read` returned.
    place : Series of integers, length n
        The row of `answers` that each row has.
    """
    columns = {name.removeprefix("c_"): answers[name].gather(place) for name in answers.columns if name[:2] == "c_"}
    flags = {name.removeprefix("f_"): answers[name].gather(place) for name in answers.columns if name[:2] == "f_"}
    proposal = repairs(
        flags["SCIENTIFIC_NAME_LOOKALIKE_LETTERS"], "scientificName", answers["t_canonical"].gather(place),
        "latin_letters_for_lookalikes", applied=False,
    )  # fmt: skip
    return Findings(columns, flags, [proposal])
