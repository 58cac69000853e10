"""Status lists: what red lists, registers of alien species, CITES and national laws say of taxa, and where.

A status is a row: taxon, area, kind, value, year and authority. `read` finds the statuses in a checklist's rows, `table`
makes the release's table `taxon_statuses` of them, and `changes` says what a list's new version changed. Nothing here
decides how exactly a record goes out; that is `sharing`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import RED_LIST
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.countries import parse_country

# The statuses that a checklist's rows state: in columns of their own, in an archive's extensions, or by what is declared.

# The statuses of all lists as one table, and what a list's new version changed in it.

_STATED = pl.List(
    pl.Struct({"kind": pl.String, "area": pl.String, "value": pl.String, "year": pl.Int32, "authority": pl.String})
)
_SAME = ("scientificName", "kind", "area")


def statuses(taxa: pl.DataFrame) -> pl.DataFrame:
    """Return one row a status.

    Parameters
    ----------
    taxa : polars.DataFrame of `terms.TAXON`
        The taxa of any lists; `statuses` is what `lists.read` found.

    Returns
    -------
    polars.DataFrame
        checklist, checklist_version, taxon_id, accepted_taxon_id, scientificName, kind, area, value, year, authority.
    """
    columns = ("checklist", "checklist_version", "taxon_id", "accepted_taxon_id", "scientificName", "statuses")
    listed = taxa.select(columns).drop_nulls("statuses")
    return listed.with_columns(pl.col("statuses").str.json_decode(_STATED)).explode("statuses").unnest("statuses")


def table(taxa: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Return the release's table of statuses.

    Parameters
    ----------
    taxa : polars.DataFrame of `terms.TAXON`
    accepted : polars.DataFrame
        scientificName, each once, with `taxon`, the accepted name under which records have it, null where nobody knows it,
        and its `taxonRank`.

    Returns
    -------
    polars.DataFrame of `terms.TAXON_STATUS`
        Each status once a list and name.
    """
    found = statuses(taxa).join(accepted, on="scientificName", how="left", maintain_order="left")
    found = found.with_columns(
        taxon=pl.coalesce("taxon", "scientificName"), taxonRank=pl.when(pl.col("taxon").is_not_null()).then("taxonRank")
    )
    return terms.conform(found.unique(), terms.TAXON_STATUS)


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return what differs between two versions of a list.

    Parameters
    ----------
    before, after : polars.DataFrame of `terms.TAXON`
        One list's taxa.

    Returns
    -------
    polars.DataFrame
        scientificName, kind, area, `was` and `now` (null for none), in the order of names.
    """
    versions = [
        statuses(taxa).group_by(_SAME).agg(pl.col("value").unique().sort().str.join(", ").alias(name))
        for taxa, name in ((before, "was"), (after, "now"))
    ]
    joined = versions[0].join(versions[1], on=_SAME, how="full", coalesce=True)
    return joined.filter(pl.col("was").ne_missing(pl.col("now"))).sort(_SAME)


def of_records(records: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """Add what lists say of each record's taxon where the record lies.

    Parameters
    ----------
    records : polars.DataFrame
        With `NAMED`; those without `countryCode` and `province_code` lie anywhere.
    stated : polars.DataFrame of `terms.TAXON_STATUS`

    Returns
    -------
    polars.DataFrame
        The same with the columns of `PARAMETERS`, each an area and a value, `LA EN; global VU`. What a list says of a
        group is one of all below it, but where it says something else of a lower name.
    """
    known = [name for name in (*NAMED, *_PLACES) if name in records.columns]
    taxa = records.select(known).unique().with_row_index("_taxon")
    places = [name for name in _PLACES if name in known]
    below = pl.concat_str("species", "infraspecificEpithet", separator=" ")
    names = dict.fromkeys(("SUBSPECIES", "VARIETY", "FORM"), below) | {name.upper(): name for name in NAMED[:-1]}
    found = (
        taxa.select("_taxon", *places, **names)
        .unpivot(index=["_taxon", *places], variable_name="taxonRank", value_name="taxon")
        .join(stated, on=["taxonRank", "taxon"])
        .with_columns(level=pl.col("taxonRank").replace_strict({name: n for n, name in enumerate(names)}))
    )
    if places:
        here = pl.any_horizontal(pl.col("area") == pl.col(name) for name in places)
        found = found.filter(here | (pl.col("area") == GLOBAL) | (pl.col("kind") == ENDEMIC))
    found = found.filter(pl.col("level") == pl.col("level").min().over("_taxon", "checklist", "kind", "area"))
    text = pl.when(pl.col("kind") == ENDEMIC).then("area").otherwise(pl.concat_str("area", "value", separator=" "))
    each = found.group_by("_taxon").agg(
        text.filter(pl.col("kind") == kind).unique().sort().str.join("; ").replace("", None).alias(name)
        for name, kind in PARAMETERS.items()
    )
    added = taxa.join(each, on="_taxon", how="left").drop("_taxon")
    return records.join(added, on=known, how="left", nulls_equal=True, maintain_order="left")


GLOBAL: Final = "global"
MEANS: Final = "establishmentMeans"
INVASIVE: Final = "isInvasive"
RED: Final = "redList"
CITES: Final = "cites"
PROTECTION: Final = "nationalProtection"
ENDEMIC: Final = "endemicTo"
KINDS: Final = (MEANS, INVASIVE, RED, CITES, PROTECTION, ENDEMIC)
"""The kinds of status."""
PARAMETERS: Final = {"listedEstablishmentMeans" if kind == MEANS else kind: kind for kind in KINDS}
"""What asks for each kind of status, and the column that has it in a file: a record states its own establishmentMeans, too."""

LISTS: Final = {"red_list": RED, "protection": PROTECTION, "cites": CITES, "alien": MEANS}
"""What `--option list=` may declare a whole checklist to be."""
_SCOPE: Final = re.compile(r"global|[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CODE: Final = re.compile(r"(?:ISO[ _]?3166(?:-[12])?:|ISO:)?([A-Za-z]{2}(?:-[A-Za-z0-9]{1,3})?)", re.IGNORECASE)
_YEAR: Final = re.compile(r"1[89]\d\d|20\d\d")
_APPENDIX: Final = re.compile(r"\b(III|II|I)\b")
_TRUE: Final = frozenset({"invasive", "true", "yes", "y", "1", "t"})
_FALSE: Final = frozenset({"not invasive", "non-invasive", "false", "no", "n", "0", "f"})

_RED: Final = ("iucnredlistcategory", "iucnstatus", "iucn", "threatstatus")
_CITES: Final = ("appendixcites", "citesappendix", "cites", "listing", "appendix")
_LEVEL: Final = ("protectionlevel", "protectionclass", "保护级别", "级别", "等级", "level", "category")
_AREA: Final = ("countrycode", "locationid", "country", "locality")
_DECLARED: Final = {
    RED: (*_RED, "category", "level", "濒危等级", "等级"),
    CITES: (*_CITES, "category", "level"),
    PROTECTION: _LEVEL,
}
"""The columns of a declared list that may hold what it says of a taxon."""

# https://www.iucnredlist.org/resources/categories-and-criteria and, for LR/…, version 2.3 of 1994
_IUCN: Final = {
    **{code: code for code in RED_LIST},
    **{"EXTINCT": "EX", "EXTINCT IN THE WILD": "EW", "CRITICALLY ENDANGERED": "CR", "ENDANGERED": "EN"},
    **{"VULNERABLE": "VU", "NEAR THREATENED": "NT", "LEAST CONCERN": "LC", "DATA DEFICIENT": "DD"},
    **{"NOT EVALUATED": "NE", "LR/NT": "NT", "LR/LC": "LC", "LR/CD": "NT"},
}

GROUPS: Final = ("genus", "family", "order", "class", "phylum", "kingdom")
"""The ranks above the species of which a list may say something."""
NAMED: Final = ("species", *GROUPS, "infraspecificEpithet")
"""The columns of a record by which its taxon is found in lists."""
_PLACES: Final = ("countryCode", "province_code")

Row = Mapping[str, str | None]


def red_list_category(stated: str | None) -> str | None:
    """Return the code of a Red List category; tags such as (PE), possibly extinct, are left out."""
    return _IUCN.get(re.sub(r"\s*\(.*\)$", "", stated).upper()) if stated else None


def check_declared(declared: Mapping[str, str]) -> None:
    """Check what is declared of a whole checklist.

    Parameters
    ----------
    declared : mapping
        `list` (red_list, protection, cites or alien), with `scope`, `year` and `authority`.

    Raises
    ------
    InputError
        If it is not whole, with the option and what would be right (OPTION_INVALID).
    """
    kind = declared.get("list")
    if kind is None:
        for name in ("scope", "year", "authority"):
            if name in declared:
                _refuse("without a kind of list it says nothing", name, declared[name], "list=red_list beside it")
        return
    if kind not in LISTS:
        _refuse("no kind of status list", "list", kind, f"one of {', '.join(LISTS)}")
    needed = {"scope": (_SCOPE, "scope=CN (global, or an ISO 3166 code as CN or CN-YN)"), "year": (_YEAR, "year=2021")}
    lacking = {name: right for name, (form, right) in needed.items() if not form.fullmatch(declared.get(name, ""))}
    for name in lacking:
        _refuse(f"a status list needs its {name}", name, declared.get(name), " and ".join(lacking.values()))


def read(rows: Sequence[Row], declared: Mapping[str, str]) -> pl.Series:
    """Find the statuses of each row of a checklist.

    Parameters
    ----------
    rows : sequence of n mappings
        Column to value, the columns in lower case. `extension distribution` and `extension speciesprofile` hold the rows of
        an archive's extensions as JSON arrays of objects.
    declared : mapping
        As `check_declared` takes it.

    Returns
    -------
    Series of str, length n
        A JSON array of objects with kind, area, value, and year and authority where they are known; null for none. An
        area is `global` or an ISO 3166 code. A value is a code: of GBIF's vocabulary of establishment means, of the Red
        List, I, II or III of CITES, true or false; a level of protection stays as it was stated.

    Raises
    ------
    InputError
        If what is declared is not whole, or no row has a status of the kind that is declared (OPTION_INVALID).
    """
    check_declared(declared)
    facts: dict[str, int | str] = {"year": int(declared["year"])} if declared.get("year") else {}
    facts |= {"authority": declared["authority"]} if declared.get("authority") else {}
    found = []
    for row in rows:
        listed = sorted(set(_of_row(row, declared)))
        found.append(
            json.dumps(
                [{"kind": kind, "area": area, "value": value, **facts} for kind, area, value in listed],
                ensure_ascii=False,
            )
            if listed
            else None
        )
    kind = LISTS.get(declared.get("list", ""))
    if found and kind in _DECLARED and not any(f'"kind": "{kind}"' in text for text in found if text):
        columns = ", ".join(_DECLARED[kind])
        _refuse(
            "no row of the list has a status that can be read",
            "list",
            declared["list"],
            f"one of the columns {columns}",
        )
    return pl.Series(found, dtype=pl.String)


def _of_row(row: Row, declared: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, area and value of each status that a row states."""
    own = declared.get("scope")
    kind = LISTS.get(declared.get("list", ""))
    distributions = _extension(row, "distribution") or [row]
    areas = {area for one in distributions if (area := _area(one) or own)}
    for one in distributions:
        area = _area(one) or own
        means = None
        if area and area != GLOBAL:
            means = _means(one) or ("INTRODUCED" if kind == MEANS else None)
            if means == "NATIVE_ENDEMIC" or _yes(_first(one, ("endemic", "isendemic"))):
                yield ENDEMIC, area, "true"
            if means is not None:
                yield MEANS, area, means
        category = red_list_category(_first(one, _RED)) if one is not row else None
        if category:
            yield RED, area or GLOBAL, category
        yield from ((CITES, GLOBAL, value) for value in _appendices(_first(one, _CITES[:3])))
    for profile in (*_extension(row, "speciesprofile"), row):
        invasive = _yes(_first(profile, ("isinvasive", "invasive")))
        if invasive is not None:
            yield from ((INVASIVE, area, str(invasive).lower()) for area in areas - {GLOBAL})
    category = red_list_category(_first(row, _DECLARED[RED] if kind == RED else _RED))
    if category:
        yield RED, (own if kind == RED and own else GLOBAL), category
    if kind == PROTECTION and own and (level := _first(row, _DECLARED[kind])):
        yield PROTECTION, own, level
    if kind == CITES and own:
        yield from ((CITES, own, value) for value in _appendices(_first(row, _DECLARED[kind])))


def _extension(row: Row, name: str) -> list[Row]:
    """Return the rows of an archive's extension that belong to a taxon, the columns in lower case."""
    cell = row.get(f"extension {name}")
    return [{column.lower(): value for column, value in one.items()} for one in json.loads(cell)] if cell else []


def _first(row: Row, names: Sequence[str]) -> str | None:
    return next((value.strip() for name in names if (value := row.get(name)) and value.strip()), None)


def _area(row: Row) -> str | None:
    """Return the ISO 3166 code of the area that a row names: a country, or a division by its code."""
    for name in _AREA:
        stated = (row.get(name) or "").strip()
        code = _CODE.fullmatch(stated)
        if code and "-" in code[1]:
            return code[1].upper()
        found = parse_country(code[1] if code else stated)[0] if stated else None
        if found:
            return found
    return None


def _means(row: Row) -> str | None:
    """Return how a taxon came to an area. Where it stands in the column of the other (five GRIIS lists), it is read there."""
    columns = (row.get("establishmentmeans"), row.get("occurrencestatus"))
    return next((found for stated in columns if stated and (found := _term(stated))), None)


def _term(stated: str) -> str | None:
    """Return the code of an establishment means; of several (Native|Alien, Cryptogenic|Uncertain) one, or none is certain."""
    found = {parse_term(part, Vocabulary.ESTABLISHMENT_MEANS) for part in stated.split("|")} - {None}
    return next(iter(found)) if len(found) == 1 else ("UNCERTAIN" if found else None)


def _yes(stated: str | None) -> bool | None:
    word = (stated or "").strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _appendices(stated: str | None) -> list[str]:
    """Return the appendices of CITES that a cell names; "I/II" names two."""
    return sorted(set(_APPENDIX.findall(stated.upper()))) if stated else []


def _refuse(problem: str, option: str, value: str | None, expected: str) -> None:
    raise InputError(problem, column=option, value=value, expected=expected, code="OPTION_INVALID")


__all__ = [
    "CITES", "ENDEMIC", "GLOBAL", "GROUPS", "INVASIVE", "KINDS", "LISTS", "MEANS", "NAMED", "PARAMETERS", "PROTECTION",
    "RED", "changes", "of_records", "read", "statuses", "table",
]  # fmt: skip
