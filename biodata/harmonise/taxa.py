"""Checklists interpreted: Darwin Core Taxon, and the headings of the Mammal Diversity Database, to one table."""

import json
import re
from collections import Counter
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import Refusal
from biodata.harmonise.headings import Headings
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.parsers.scientific_names import parse_names

_IDS: Final = ("taxonid", "id", "scientificnameid")
_NAMES: Final = ("scientificname", "sciname", "canonicalname")
_RANKS: Final = ("kingdom", "phylum", "class", "order", "family")
_ABOVE_GENUS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "SUPERFAMILY", "FAMILY", "SUBFAMILY", "TRIBE")
_NOTHING: Final = frozenset({"NA"})

# https://www.iucnredlist.org/resources/categories-and-criteria and, for LR/…, version 2.3 of 1994
_IUCN: Final = MappingProxyType(
    {
        **{code: code for code in ("EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE")},
        **{"EXTINCT": "EX", "EXTINCT IN THE WILD": "EW", "CRITICALLY ENDANGERED": "CR", "ENDANGERED": "EN"},
        **{"VULNERABLE": "VU", "NEAR THREATENED": "NT", "LEAST CONCERN": "LC", "DATA DEFICIENT": "DD"},
        **{"NOT EVALUATED": "NE", "LR/NT": "NT", "LR/LC": "LC", "LR/CD": "NT"},
    }
)


def taxa(batch: pl.DataFrame, *, checklist: str) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret the names of one checklist.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.checklist` gives it.
    checklist : str
        The checklist with its version.

    Returns
    -------
    frame of `terms.TAXON`, list of Refusal
        n = rows + refusals. Refused are rows without a name (SCIENTIFIC_NAME_MISSING) and the second row of the same
        identifier (IDENTIFIER_REPEATED).

    Notes
    -----
    Where a table has no identifiers, the name with its authorship stands in. The accepted taxon is found by
    identifier, else by name with authorship, else by name alone where one accepted taxon has it; it is null where it is
    not in the checklist. Rank and status that stand in each other's column (five GRIIS lists of 2020-2022) are read
    each for what it is: no value belongs to both vocabularies.
    """
    table = Headings(batch)
    told = table.values(*_NAMES)
    names = [name.replace("_", " ") if name else None for name in told]
    authors = _authors(table)
    frame = pl.DataFrame(
        {
            "source_file": batch["source_file"],
            "source_row": batch["source_row"],
            "told": pl.Series(names, dtype=pl.String),
            "author": pl.Series(authors, dtype=pl.String),
            "taxon_id": pl.Series(table.values(*_IDS), dtype=pl.String),
            **_classification(table),
            **_rank_and_status(table),
            "iucnRedListCategory": pl.Series([_iucn(value) for value in _red_list(table)], dtype=pl.String),
            "gbif_key": pl.Series(table.values("taxonkey", "gbif_key", "gbifkey"), dtype=pl.String).cast(
                pl.Int64, strict=False
            ),
            "col_key": pl.Series(table.values("col_key", "colid", "colkey"), dtype=pl.String),
            "vernacular_names": pl.Series(_vernaculars(table), dtype=pl.String),
            "accepted_id": pl.Series(table.values("acceptednameusageid"), dtype=pl.String),
            "accepted_name": pl.Series(table.values("acceptednameusage", "acceptedscientificname"), dtype=pl.String),
        }
    )
    frame = _named(frame)
    frame, refusals = _refused(frame)
    return terms.conform(_accepted(frame).with_columns(checklist=pl.lit(checklist)), terms.TAXON), refusals


def _authors(table: Headings) -> list[str | None]:
    """Return authorship as told, or put together from MDD's author, year and brackets."""
    if not table.has("authorityspeciesauthor"):
        return table.values("scientificnameauthorship", "authorship")
    columns = ("authorityspeciesauthor", "authorityspeciesyear", "authorityparentheses")
    author, year, brackets = (table.values(column, nothing=_NOTHING) for column in columns)
    cited = [", ".join(filter(None, both)) for both in zip(author, year, strict=True)]
    return [
        f"({text})" if bracket == "1" and text else text or None for text, bracket in zip(cited, brackets, strict=True)
    ]


def _classification(table: Headings) -> dict[str, pl.Series]:
    """Return the higher classification; the Mammal Diversity Database leaves out what all of its rows share."""
    columns = {rank: table.values(rank, nothing=_NOTHING) for rank in (*_RANKS, "genus")}
    if table.has("msw3_sciname", "phylosort"):
        shared = {"kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia"}
        columns |= {rank: [value] * table.batch.height for rank, value in shared.items()}
    return {
        rank: pl.Series([v.capitalize() if v and v.isupper() else v for v in values], dtype=pl.String)
        for rank, values in columns.items()
    }


def _rank_and_status(table: Headings) -> dict[str, pl.Series]:
    """Return rank and status, each from whichever of the two columns has it."""
    columns = [
        pl.Series("value", table.values(*names), dtype=pl.String)
        for names in (("taxonrank", "rank"), ("taxonomicstatus", "status"))
    ]
    rank, swapped_rank = (parse_controlled(column, Vocabulary.TAXON_RANK)["term"] for column in columns)
    swapped_status, status = (parse_controlled(column, Vocabulary.TAXONOMIC_STATUS)["term"] for column in columns)
    mdd = table.has("msw3_sciname")
    return {
        "taxonRank": pl.select(pl.coalesce(rank, swapped_rank, pl.lit("SPECIES" if mdd else None))).to_series(),
        "taxonomicStatus": pl.select(pl.coalesce(status, swapped_status)).to_series(),
    }


def _red_list(table: Headings) -> list[str | None]:
    """Return the Red List category as told."""
    return table.values("iucnredlistcategory", "iucnstatus", "iucn", "threatstatus")


def _iucn(told: str | None) -> str | None:
    """Return the category's code; tags such as (PE), possibly extinct, are left out."""
    return _IUCN.get(re.sub(r"\s*\(.*\)$", "", told).upper()) if told else None


def _vernaculars(table: Headings) -> list[str | None]:
    """Return common names as a JSON object by language; `und` where the language is not told."""
    columns = {name.removeprefix("vernacular_"): name for name in table.columns if name.startswith("vernacular_")}
    columns |= {lang: name for lang, name in (("en", "maincommonname"), ("und", "vernacularname")) if table.has(name)}
    values = [table.values(name, nothing=_NOTHING) for name in columns.values()]
    rows = zip(*values, strict=True) if values else [()] * table.batch.height
    named = ({lang: name for lang, name in zip(columns, row, strict=True) if name} for row in rows)
    return [json.dumps(names, ensure_ascii=False) if names else None for names in named]


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add names without authorship, authorship, genus and identifiers."""
    parts = parse_names(frame["told"])
    # "Bufo sp. 1" comes back as its genus: such a name stays as it was told.
    informal = parts["canonical"].str.contains(" ").not_() & frame["told"].str.contains(r" (cf\.|aff\.|spp?\b|nr\.)")
    rank = pl.coalesce("taxonRank", parts["rank"])
    in_genus = ~rank.is_in(_ABOVE_GENUS)  # null, and so no genus, where no rank is known
    full = pl.concat_str("scientificName", "scientificNameAuthorship", separator=" ", ignore_nulls=True)
    return frame.with_columns(
        scientificName=pl.when(informal).then("told").otherwise(pl.coalesce(parts["canonical"], "told")),
        scientificNameAuthorship=pl.coalesce("author", parts["cited_authorship"]),
        taxonRank=pl.when(~informal).then(rank).otherwise("taxonRank"),
        genus=pl.coalesce("genus", parts["genus"], pl.when(in_genus).then(parts["uninomial"])),
    ).with_columns(taxon_id=pl.coalesce("taxon_id", full.str.replace_all(r"[^\pL\pN.-]+", "_").str.strip_chars("_")))


def _refused(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Refusal]]:
    """Take out rows without a name and repeated identifiers."""
    nameless = frame["scientificName"].is_null()
    repeated = frame["taxon_id"].is_first_distinct().not_() & ~nameless
    refusals = [
        Refusal(file, row, "scientificName", None, "SCIENTIFIC_NAME_MISSING", "there is no scientific name")
        for file, row in frame.filter(nameless).select("source_file", "source_row").iter_rows()
    ] + [
        Refusal(file, row, "taxonID", taxon, "IDENTIFIER_REPEATED", "an earlier row has the same identifier")
        for file, row, taxon in frame.filter(repeated).select("source_file", "source_row", "taxon_id").iter_rows()
    ]
    return frame.filter(~(nameless | repeated)), refusals


def _accepted(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the accepted taxon, and the status where the table tells none but an accepted name."""
    names = ("told", "scientificName")
    other = (pl.col("accepted_id") != pl.col("taxon_id")).fill_null(
        pl.all_horizontal(pl.col("accepted_name") != pl.col(name) for name in names)
    )
    synonym = pl.col("taxonomicStatus").str.contains("SYNONYM|MISAPPLIED")
    frame = frame.with_columns(
        taxonomicStatus=pl.when(synonym | (pl.col("taxonomicStatus").is_null() & other))
        .then(pl.lit("SYNONYM"))
        .otherwise(pl.col("taxonomicStatus").fill_null("ACCEPTED"))
    )
    by_full, by_name = _accepted_ids(frame)
    canonical = dict(parse_names(frame["accepted_name"]).select("value", "canonical").iter_rows())
    known = set(frame["taxon_id"])

    def accepted(taxon: str, status: str, by_id: str | None, name: str | None) -> str | None:
        if status != "SYNONYM":
            return taxon
        if by_id is not None:
            return by_id if by_id in known else None
        return by_full.get(name or "") or by_name.get(canonical.get(name) or name or "")

    columns = frame.select("taxon_id", "taxonomicStatus", "accepted_id", "accepted_name")
    found = [accepted(*row) for row in columns.iter_rows()]
    return frame.with_columns(accepted_taxon_id=pl.Series(found, dtype=pl.String))


def _accepted_ids(frame: pl.DataFrame) -> tuple[dict[str, str], dict[str, str]]:
    """Return the identifiers of accepted taxa by name as told, and by name alone where only one has it."""
    rows = frame.filter(pl.col("taxonomicStatus") != "SYNONYM").select("told", "scientificName", "taxon_id").rows()
    times = Counter(name for _, name, _ in rows)
    by_full = {told: taxon for told, _, taxon in reversed(rows)}
    return by_full, {name: taxon for _, name, taxon in rows if times[name] == 1}
