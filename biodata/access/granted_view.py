"""A granted answer: the public rows, presences among them, and the records that are granted as they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import polars as pl
import shapely

from biodata import terms
from biodata.access import grant_areas
from biodata.access.grants import Grant, day
from biodata.store.query.filters import And, Between, Compare, Contains, Filter, In, Intersects, Or
from biodata.text.scientific_names import parse_names

Frame: TypeAlias = Callable[[Sequence[str], Filter], pl.DataFrame]
Ask: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
RANKS: Final = ("acceptedScientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom")
"""Columns of a published record that tell a taxon it is within."""
_ALWAYS: Final = ("key", "sharing_category", "cell_west", "cell_south", "cell_east", "cell_north")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a granted answer.

    Attributes
    ----------
    records : list of dict
        In the order of their keys; `exact` tells of each whether it is as it is, or as it is published.
    after : int, optional
        The key to go on behind; None at the end.
    snapshot : int
        The lake's version that the exact ones are of.
    unsigned : list of str
        Countries whose grant is not signed as it should be, so that no exact record of theirs is here.
    """

    records: list[dict[str, Any]]
    after: int | None
    snapshot: int
    unsigned: list[str]


def page(frame: Frame, grants: Sequence[Grant], ask: Ask, *, after: int | None, limit: int) -> Page:
    """Return a page.

    Parameters
    ----------
    frame : function
        Reads columns of the published records that a filter chooses.
    grants : sequence of Grant
        Of one request.
    ask : function
        Puts a question to the exact process, and counts for the grants what it answers.
    after : int, optional
        A key.
    limit : int
        Records that are taken of each kind.
    """
    where = wanted(grants)
    behind: Filter = where if after is None else And((where, Compare("key", ">", after)))
    keys = frame(["key"], behind)["key"].sort().head(limit)
    until = keys[-1] if keys.len() == limit else None
    answer = ask({"after": after, "until": until, "limit": limit})
    exact = {record["key"]: {**record, "exact": True} for record in answer["records"]}
    if len(exact) == limit:
        until = max(exact)
    if until is not None:
        keys = keys.filter(keys <= until)
    others = keys.filter(~keys.is_in(list(exact)))
    found = [*exact.values(), *({**row, "exact": False} for row in _published(frame, grants, others))]
    return Page(sorted(found, key=lambda row: row["key"]), until, answer["snapshot"], answer.get("unsigned", []))


def wanted(grants: Sequence[Grant]) -> Filter:
    """Return which published records belong to what was granted: of its countries, taxon, area and time."""
    one = grants[0]
    parts: list[Filter] = [Or(tuple(Contains("country_codes", grant.country) for grant in grants))]
    if one.taxon is not None:
        parts.append(of_taxon(one.taxon))
    if one.area is not None:
        parts.append(Intersects(bytes(shapely.to_wkb(grant_areas.shape(one.area)))))
    since, until = day("since", one.since), day("until", one.until)
    if since is not None or until is not None:
        parts.append(Between("event_start", since, until))
    return And(tuple(parts))


def of_taxon(taxon: str) -> Filter:
    """Return which published records are of a taxon, with or without its authorship, or of one within it."""
    canonical = parse_names(pl.Series([taxon]))["canonical"][0] or taxon
    names = tuple(dict.fromkeys((taxon, canonical)))
    return Or(tuple(In(rank, names, ignore_case=True) for rank in RANKS))


def _published(frame: Frame, grants: Sequence[Grant], keys: pl.Series) -> list[dict[str, Any]]:
    """Return records as they are published, with the fields that were granted and the cell."""
    if keys.is_empty():
        return []
    fields = {name for grant in grants for name in grant.fields}
    columns = [*_ALWAYS, *(c.name for c in terms.PUBLISHED_OCCURRENCE if c.name in fields and c.name not in _ALWAYS)]
    found: list[dict[str, Any]] = []
    for start in range(0, keys.len(), 1000):
        chosen = In("key", tuple(keys[start : start + 1000].to_list()))
        found += frame(columns, chosen).to_dicts()
    return found
