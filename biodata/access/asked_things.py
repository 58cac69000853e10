"""What a request for exact records is about, held against what is known: a misspelt taxon, a country that nobody speaks for."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import select

from biodata.access.granted_view import RANKS, of_taxon
from biodata.access.roles import Role
from biodata.errors import InputError
from biodata.sharing import RuleSet
from biodata.store.account_models import Binding
from biodata.store.node_models import Node
from biodata.store.query.filters import Contains, Filter
from biodata.store.registry import Registry
from biodata.text.reference_list import reference_list
from biodata.text.scientific_names import parse_names

Count: TypeAlias = Callable[[str, Filter | None], int]
Frame: TypeAlias = Callable[[str, Sequence[str], Filter | None], pl.DataFrame]
_LETTERS: Final = 2
"""Letters by which two names may differ so that one may be meant by the other."""


def unknown_taxon(taxon: str, rules: RuleSet, *, count: Count, frame: Frame) -> list[str] | None:
    """Tell whether nothing that is public knows a taxon; by the records themselves nobody is told anything.

    Parameters
    ----------
    taxon : str
        As it was asked for.
    rules : RuleSet
        A species that is withheld stands in no public record, but in a rule or a list.
    count, frame : function
        Of the release: rows of a table that a filter chooses, and columns of them.

    Returns
    -------
    list of str or None
        Known names that are nearly so, the nearest first; None where the taxon is known.
    """
    canonical = str(parse_names(pl.Series([taxon]))["canonical"][0] or taxon.strip())
    ruled = {rule.scientific_name for rule in rules.rules if rule.scientific_name is not None}
    if canonical in reference_list().group_ranks or canonical.casefold() in {name.casefold() for name in ruled}:
        return None
    if count("occurrences", of_taxon(taxon)):
        return None
    listed = frame("taxa", ["scientificName"], None)["scientificName"]
    names = {name for name in listed.unique() if name is not None}
    if canonical.casefold() in {name.casefold() for name in names}:
        return None
    for rank in RANKS:
        names |= set(frame("occurrences", [rank], None)[rank].drop_nulls().unique())
    near = process.extract(canonical, sorted(names | ruled), scorer=OSA.distance, score_cutoff=_LETTERS, limit=3)
    return [name for name, _, _ in near]


def refuse_unknown(
    registry: Registry, rules: RuleSet, wanted: Any, countries: Sequence[str], *, count: Count, frame: Frame
) -> None:
    """Refuse a request that can come to nothing.

    Parameters
    ----------
    registry : Registry
        Which countries have a node or somebody who decides.
    rules : RuleSet
    wanted : mapping
        As `requests.ask` takes it.
    countries : sequence of str
        Codes.
    count, frame : function
        As `unknown_taxon` has them.

    Raises
    ------
    InputError
        If nothing public knows the taxon, or a country has neither node, nor manager, nor record.
    """
    for code in countries:
        if not _spoken_for(registry, code.upper()) and not count(
            "occurrences", Contains("country_codes", code.upper())
        ):
            problem, expected = "this country has neither a node nor records here", "a country whose node can answer"
            raise InputError(problem, column="countries", value=code, expected=expected, code="FIELD_INVALID")
    taxon = wanted.get("taxon")
    near = unknown_taxon(taxon, rules, count=count, frame=frame) if taxon else None
    if near is not None:
        problem = "no public record, list or checklist here knows this taxon"
        expected = " or ".join(near) or "the accepted scientific name"
        expected += "; say `anyway` if it is right all the same"
        raise InputError(problem, column="taxon", value=taxon, expected=expected, code="FIELD_INVALID")


def _spoken_for(registry: Registry, code: str) -> bool:
    """Tell whether a country has a node that is trusted, or somebody who decides for it."""
    with registry.session(read_only=True) as session:
        node = select(Node.code).where(Node.code == code, Node.distrusted.is_(None))
        manager = select(Binding.id).where(Binding.role == str(Role.NODE_MANAGER), Binding.country == code)
        manager = manager.where(Binding.in_force.is_not(None))
        return any(session.scalar(one.limit(1)) is not None for one in (node, manager))
