"""Checklists interpreted: Darwin Core Taxon, and the headings of the Mammal Diversity Database, to one table."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import lists
from biodata.core import terms
from biodata.core.errors import InputError, Refusal
from biodata.core.terms import BESIDE, EXTENSION
from biodata.harmonise.findings import OWN_COLUMNS, Headings
from biodata.text import vernaculars
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.scientific_names import parse_names

_IDS: Final = ("taxonid", "id", "scientificnameid")
_NAMES: Final = ("scientificname", "sciname", "canonicalname")
_RANKS: Final = ("kingdom", "phylum", "class", "order", "family")
_ABOVE_GENUS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "SUPERFAMILY", "FAMILY", "SUBFAMILY", "TRIBE")
_NOTHING: Final = frozenset({"NA"})
_BINOMIAL: Final = re.compile(r"^[A-Z][a-z]+ [a-z-]+(?: [a-z-]+)?$")


def taxa(
    batch: pl.DataFrame, *, checklist: str, declarations: Mapping[str, str] = MappingProxyType({})
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret the names of one checklist.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.checklist` gives it.
    checklist : str
        The checklist's key.
    declarations : mapping
        What is declared of it: `version`; `order`, its place among the checklists that names are matched to; `keys`,
        `gbif` or `col` where its identifiers are GBIF's or the Catalogue of Life's keys; `list`, `scope`, `year` and
        `authority` of a status list (`lists`).

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
    texts = table.values(*_NAMES)
    names = [name.replace("_", " ") if name else None for name in texts]
    authors = _authors(table)
    found = lists.read(_rows(table), declarations)
    frame = pl.DataFrame(
        {
            "source_file": batch["source_file"],
            "source_row": batch["source_row"],
            "told": pl.Series(names, dtype=pl.String),
            "author": pl.Series(authors, dtype=pl.String),
            "taxon_id": pl.Series(table.values(*_IDS), dtype=pl.String),
            **_classification(table),
            **_rank_and_status(table),
            "statuses": found,
            "iucnRedListCategory": _global_categories(found),
            **_keys(table, declarations.get("keys")),
            **_vernaculars(table),
            "synonyms": pl.Series(_other_names(table), dtype=pl.List(pl.String)),
            "verbatim": _verbatim(batch),
            "accepted_id": pl.Series(table.values("acceptednameusageid"), dtype=pl.String),
            "accepted_name": pl.Series(table.values("acceptednameusage", "acceptedscientificname"), dtype=pl.String),
        }
    )
    frame = _named(frame)
    frame, refusals = _refused(frame)
    frame = _accepted(frame).with_columns(
        checklist=pl.lit(checklist),
        checklist_version=pl.lit(declarations.get("version"), pl.String),
        checklist_order=pl.lit(_order(declarations), pl.Int32),
    )
    return terms.conform(frame, terms.TAXON), refusals


def _rows(table: Headings) -> list[dict[str, str | None]]:
    """Return the rows with their columns in lower case."""
    return table.batch.select(pl.col(name).alias(lower) for lower, name in table.columns.items()).to_dicts()


def _verbatim(batch: pl.DataFrame) -> pl.Series:
    """Return what each row states as it came, and the rows of an archive's other tables under their names."""
    headings = [name for name in batch.columns if name not in (*OWN_COLUMNS, EXTENSION)]
    rows = batch.select(headings).iter_rows()
    names = [
        json.dumps(
            {
                name.removeprefix(BESIDE): json.loads(cell) if name.startswith(BESIDE) else cell
                for name, cell in zip(headings, row, strict=True)
                if cell
            },
            ensure_ascii=False,
        )
        for row in rows
    ]
    return pl.Series(names, dtype=pl.String)


def _order(declarations: Mapping[str, str]) -> int | None:
    """Return the declared place of a checklist.

    Raises
    ------
    InputError
        If it is no whole number.
    """
    if (text := declarations.get("order")) is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        problem = "the place of a checklist is no whole number"
        raise InputError(problem, column="order", value=text, expected="1 for the first", code="OPTION_INVALID")
    return int(text)


def _keys(table: Headings, declared: str | None) -> dict[str, pl.Series]:
    """Return GBIF's and the Catalogue of Life's keys: from their columns, or the identifiers where declared."""
    if declared not in {None, "gbif", "col"}:
        problem = "these identifiers are not known"
        raise InputError(problem, column="keys", value=declared, expected="gbif or col", code="OPTION_INVALID")
    gbif = _IDS if declared == "gbif" else ("taxonkey", "gbif_key", "gbifkey")
    col = _IDS if declared == "col" else ("col_key", "colid", "colkey")
    return {
        "gbif_key": pl.Series(table.values(*gbif), dtype=pl.String).cast(pl.Int64, strict=False),
        "col_key": pl.Series(table.values(*col), dtype=pl.String),
    }


def _other_names(table: Headings) -> list[list[str] | None]:
    """Return the names that the Mammal Diversity Database tells beside its own: the older world list's, the original."""
    if not table.has("msw3_sciname"):
        return [None] * table.batch.height
    columns = [table.values(name, nothing=_NOTHING) for name in ("sciname", "msw3_sciname", "originalnamecombination")]
    found = []
    for own, *others in zip(*columns, strict=True):
        names = (name.replace("_", " ").strip() for name in others if name)
        known = (own or "").replace("_", " ")
        found.append(sorted({name for name in names if name != known and _BINOMIAL.match(name)}) or None)
    return found


def _authors(table: Headings) -> list[str | None]:
    """Return authorship as stated, or put together from MDD's author, year and brackets."""
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


def _global_categories(statuses: pl.Series) -> pl.Series:
    """Return the global Red List category among statuses."""
    stated = (json.loads(text) if text else [] for text in statuses)
    return pl.Series(
        [
            next((one["value"] for one in listed if (one["kind"], one["area"]) == (lists.RED, lists.GLOBAL)), None)
            for listed in stated
        ],
        dtype=pl.String,
    )


def _vernaculars(table: Headings) -> dict[str, pl.Series]:
    """Return common names with their languages: of columns, and of an archive's extension."""
    columns = {name.removeprefix("vernacular_"): name for name in table.columns if name.startswith("vernacular_")}
    columns.pop(EXTENSION.removeprefix("vernacular_"), None)
    columns |= {lang: name for lang, name in (("en", "maincommonname"), ("und", "vernacularname")) if table.has(name)}
    values = [table.values(name, nothing=_NOTHING) for name in columns.values()]
    others = table.values("othercommonnames", nothing=_NOTHING)
    extension = table.values(EXTENSION)
    rows = zip(*values, strict=True) if values else [()] * table.batch.height
    details, chosen = [], []
    for row, more, text in zip(rows, others, extension, strict=True):
        names = [
            {"name": name, "language": lang, "preferred": True} for lang, name in zip(columns, row, strict=True) if name
        ]
        names += [{"name": name, "language": "en"} for name in (more or "").split("|") if name.strip()]
        names += json.loads(text) if text else []
        found = vernaculars.read(names)
        details.append(json.dumps(found, ensure_ascii=False) if found else None)
        chosen.append(json.dumps(vernaculars.preferred(found), ensure_ascii=False) if found else None)
    return {
        "vernacular_names": pl.Series(chosen, dtype=pl.String),
        "vernacular_details": pl.Series(details, dtype=pl.String),
    }


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add names without authorship, authorship, genus and identifiers."""
    parts = parse_names(frame["told"])
    # "Bufo sp. 1" comes back as its genus: such a name stays as it was stated.
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
    """Add the accepted taxon, and the status where the table states none but an accepted name."""
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
    """Return the identifiers of accepted taxa by name as stated, and by name alone where only one has it."""
    rows = frame.filter(pl.col("taxonomicStatus") != "SYNONYM").select("told", "scientificName", "taxon_id").rows()
    times = Counter(name for _, name, _ in rows)
    by_full = {stated: taxon for stated, _, taxon in reversed(rows)}
    return by_full, {name: taxon for _, name, taxon in rows if times[name] == 1}
