"""What was recorded: scientific names, their parts, and the checklist's accepted taxon."""

from typing import Final

import polars as pl

from biodata.harmonise.checklists import Checklist, kingdom
from biodata.harmonise.findings import Findings
from biodata.harmonise.told import Told
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.parsers.scientific_names import parse_names

_CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family")
_SPECIES_AND_BELOW: Final = ("SPECIES", "SUBSPECIES", "VARIETY", "FORM", "SUBVARIETY", "SUBFORM", "CULTIVAR")


def interpret(told: Told, *, checklist: Checklist | None) -> Findings:
    """Read names, and match them to a checklist where there is one.

    Parameters
    ----------
    told : Told
        n rows.
    checklist : Checklist, optional
        Where names lead to accepted taxa.

    Returns
    -------
    Findings of n rows

    Notes
    -----
    Names are taken apart only where that is needed: to match, or where no column tells the species. A name is looked
    up as it is, then its species, then its genus; the last two are TAXON_MATCH_HIGHERRANK where the name is finer.
    """
    species = _told_species(told)
    name = _told_name(told, species)
    needed = name if checklist is not None else pl.select(pl.when(species.is_null()).then(name)).to_series()
    parts = parse_names(needed)
    frame = _combined(told, name, species, parts)
    missing = name.is_null()
    if checklist is None:
        return Findings(_columns(frame), {"SCIENTIFIC_NAME_MISSING": missing})
    frame, flags = _matched(frame, checklist)
    return Findings(_columns(frame), {"SCIENTIFIC_NAME_MISSING": missing, **flags})


def _told_species(told: Told) -> pl.Series:
    """Return the species as columns tell it: whole, or as genus and epithet."""
    if not told.has("specificEpithet"):
        return told["species"]
    genus = told.first_of("genericName", "genus")
    pair = pl.select(pl.concat_str(genus, pl.lit(" "), told["specificEpithet"])).to_series()
    return told["species"].fill_null(pair)


def _told_name(told: Told, species: pl.Series) -> pl.Series:
    """Return the name as told: whole, or put together from its parts."""
    below = told["infraspecificEpithet"]
    parts = pl.select(pl.concat_str(species, below, separator=" ", ignore_nulls=True)).to_series()
    parts = pl.select(pl.when(species.is_not_null()).then(parts)).to_series()
    whole = told.first_of("scientificName", "acceptedScientificName")
    return whole.fill_null(parts).fill_null(told.first_of("verbatimScientificName", "genus"))


def _combined(told: Told, name: pl.Series, species: pl.Series, parts: pl.DataFrame) -> pl.DataFrame:
    """Return all that is told of the name, with what its parts add."""
    rank = parse_controlled(told["taxonRank"], Vocabulary.TAXON_RANK)["term"]
    status = parse_controlled(told["taxonomicStatus"], Vocabulary.TAXONOMIC_STATUS)["term"]
    given = {term: told[term] for term in (*_CLASSIFICATION, "genus", "genericName", "specificEpithet")}
    frame = pl.DataFrame(
        {
            **given,
            "name": name,
            "told_species": species,
            "rank": rank,
            "status": status,
            "infraspecificEpithet": told["infraspecificEpithet"],
            "acceptedScientificName": told["acceptedScientificName"],
            "iucnRedListCategory": told["iucnRedListCategory"],
        }
    )
    return pl.concat([frame, parts.drop("value").rename(lambda part: f"p_{part}")], how="horizontal").with_columns(
        species=pl.coalesce("told_species", pl.concat_str("p_genus", "p_specific_epithet", separator=" ")),
        rank=pl.coalesce("rank", "p_rank"),
    )


def _columns(frame: pl.DataFrame) -> dict[str, pl.Series]:
    """Return the interpreted columns."""
    words = pl.col("species").str.splitn(" ", 2)
    above = pl.when(pl.col("rank") == "GENUS").then("p_uninomial")
    columns = frame.select(
        pl.col("name").alias("scientificName"),
        "acceptedScientificName",
        *_CLASSIFICATION,
        pl.coalesce("genus", "p_genus", above, words.struct.field("field_0")).alias("genus"),
        "species",
        pl.coalesce("genericName", "p_genus", above, words.struct.field("field_0")).alias("genericName"),
        pl.coalesce("specificEpithet", "p_specific_epithet", words.struct.field("field_1")).alias("specificEpithet"),
        pl.coalesce("infraspecificEpithet", "p_infraspecific_epithet").alias("infraspecificEpithet"),
        pl.col("rank").alias("taxonRank"),
        pl.col("status").alias("taxonomicStatus"),
        "iucnRedListCategory",
        *(pl.col(name) for name in ("taxon_id", "checklist") if name in frame.columns),
    )
    return {column.name: column for column in columns}


def _matched(frame: pl.DataFrame, checklist: Checklist) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Return the frame with what the checklist tells of each name, and the doubts about the match."""
    asked = frame.select(
        group=kingdom(pl.col("kingdom")),
        canonical=pl.col("p_canonical"),
        species=pl.col("species"),
        genus=pl.coalesce("p_genus", "genus", "p_uninomial"),
    )
    distinct = asked.unique()
    found = distinct.select(
        pl.lit(None, dtype=pl.UInt32).alias("taxon"),
        pl.lit(None, dtype=pl.String).alias("status"),
        pl.lit(None, dtype=pl.String).alias("level"),
    )
    for level in ("canonical", "species", "genus"):
        # What was found already is not asked for again.
        name = distinct[level].set(found["taxon"].is_not_null(), None)
        answer = checklist.match(name, distinct["group"]).with_columns(
            level=pl.when(pl.col("taxon").is_not_null()).then(pl.lit(level))
        )
        found = found.select(pl.coalesce(column, answer[column.name]).alias(column.name) for column in found)
    table = pl.concat([distinct, found.rename({"status": "m_status"})], how="horizontal")
    match = asked.join(table, on=asked.columns, how="left", maintain_order="left", nulls_equal=True)
    accepted = checklist.accepted(match["taxon"]).select(pl.all().name.prefix("m_"))
    frame = pl.concat([frame, match.select("level", "m_status"), accepted], how="horizontal")
    finer = (pl.col("level") == "genus") & pl.col("p_specific_epithet").is_not_null() | (
        (pl.col("level") == "species") & pl.col("p_infraspecific_epithet").is_not_null()
    )
    flags = frame.select(
        TAXON_MATCH_NONE=pl.col("name").is_not_null() & pl.col("level").is_null(),
        TAXON_MATCH_HIGHERRANK=finer,
    )
    return _adopt(frame), flags.to_dict()


def _adopt(frame: pl.DataFrame) -> pl.DataFrame:
    """Take over the accepted taxon: its name, species and genus; its classification where none was told."""
    is_species = pl.col("m_taxonRank").is_in(_SPECIES_AND_BELOW)
    binomial = pl.col("m_scientificName").str.extract(r"^(\S+ \S+)")
    return frame.with_columns(
        *(pl.coalesce(term, f"m_{term}").alias(term) for term in _CLASSIFICATION),
        species=pl.when(is_species).then(binomial).otherwise("species"),
        genus=pl.when(is_species).then(pl.coalesce("m_genus", "genus")).otherwise("genus"),
        acceptedScientificName=pl.when(is_species).then("m_accepted").otherwise("acceptedScientificName"),
        status=pl.when(pl.col("level") == "canonical").then(pl.coalesce("m_status", "status")).otherwise("status"),
        iucnRedListCategory=pl.coalesce("m_iucnRedListCategory", "iucnRedListCategory"),
        taxon_id=pl.col("m_taxon_id"),
        checklist=pl.col("m_checklist"),
    )
