"""Search parameters of a request, read into filters: one way for searches, downloads, citations and tiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api import gbif_names, readers, readers_name, readers_place
from api.errors import ProblemError, invalid, unavailable_parameter, unknown_parameter
from api.readers import Lookup
from api.search_table import (
    ACROSS,
    FACETS,
    INCLUDE_NULL,
    MINIMUM,
    NULLS,
    RANK_KEYS,
    SEARCH,
    Kind,
    Parameter,
)
from biodata.store.query.filters import And, Filter, Or, Recorded

__all__ = [
    "ACROSS",
    "FACETS",
    "INCLUDE_NULL",
    "NULLS",
    "RANK_KEYS",
    "SEARCH",
    "Asked",
    "Kind",
    "Parameter",
    "every",
    "read",
    "refused",
]

_LEAST: Final = {"sharedBetween": 2, "presentIn": 1}
"""How many sides each needs."""

_SIDES: Final = frozenset({"country", "countryCode", "stateProvince", "provinceCode"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes
    ----------
    filters : dict of name to Filter
        All of them must hold.
    nulls : dict of name to Filter
        Of each range that leaves rows without a value out: those rows.
    """

    filters: dict[str, Filter]
    nulls: dict[str, Filter]


def read(
    parameters: Sequence[tuple[str, str]], lookup: Lookup, own: Sequence[str], *, more: dict[str, Filter] | None = None
) -> Asked:
    """Read search parameters into filters.

    Parameters
    ----------
    parameters : sequence of (name, value)
        As they stand in the address, repeated ones repeated.
    lookup : Lookup
        The release's look-ups.
    own : sequence of str
        Names that the caller answers itself (`limit`, `facet`).
    more : dict of name to Filter, optional
        Filters that no parameter tells, by a name of their own.

    Returns
    -------
    Asked
        Repeated values of one parameter are alternatives; different parameters must all hold.

    Raises
    ------
    ProblemError
        For a name that is not known or cannot be honoured, an empty value, or one outside its vocabulary.
    """
    told: dict[str, list[str]] = {}
    for name, value in parameters:
        if not value.strip() and name not in gbif_names.UNAVAILABLE:
            raise invalid(field=name, value=value, expected="a value, or the address without this parameter")
        if name in SEARCH or name in ACROSS or name in NULLS:
            told.setdefault(name, []).append(readers.composed(value))
        elif name not in own and name not in gbif_names.ACCEPTED:
            raise refused(name, own)
    for name in told.keys() & NULLS:
        readers.boolean(name, told[name][-1])
    merged = {name: _read_one(SEARCH[name], values, lookup) for name, values in told.items() if name in SEARCH}
    nulls = {name: null for name in merged if (null := SEARCH[name].null) is not None}
    for name in [name for name in nulls if _keeps_null(name, told)]:
        merged[name] = Or((merged[name], nulls.pop(name)))
    merged |= more or {}
    if not told.keys().isdisjoint(ACROSS):
        merged |= _across(told, merged, lookup)
    return Asked(merged, nulls)


def refused(name: str, own: Sequence[str] = ()) -> ProblemError:
    """Return the error for a name that chooses no records here: GBIF's that cannot be honoured, or an unknown one."""
    if name in gbif_names.UNAVAILABLE:
        return unavailable_parameter(name, gbif_names.UNAVAILABLE[name])
    return unknown_parameter(name, {*SEARCH, *ACROSS, INCLUDE_NULL, *own})


def _read_one(parameter: Parameter, values: list[str], lookup: Lookup) -> Filter:
    """Return the filter of one parameter; its values are alternatives."""
    if parameter.kind is Kind.LIST:
        return readers_name.species_list(parameter.name, values, lookup)
    parts = tuple(parameter.to_filter(parameter.name, value, lookup) for value in values)
    return parts[0] if len(parts) == 1 else Or(parts)


def _keeps_null(name: str, told: dict[str, list[str]]) -> bool:
    """Tell whether rows without a value are wanted: by `year.includeNull`, or for every range by `includeNull`."""
    for asked in (f"{name}.{INCLUDE_NULL}", INCLUDE_NULL):
        if asked in told:
            return readers.boolean(asked, told[asked][-1])
    return False


def _across(told: dict[str, list[str]], merged: dict[str, Filter], lookup: Lookup) -> dict[str, Filter]:
    """Return the filters for the records on some sides, of the species that are recorded on every one of them.

    The rows that count as evidence are those that the other parameters ask for, wherever they are: a country, a
    division or the sides themselves do not narrow them.
    """
    lists = {name: told[name] for name in ("sharedBetween", "presentIn") if name in told}
    missing = told.get("missingFrom", [])
    if not lists:
        expected = "sharedBetween=CN,LA, or presentIn=CN with missingFrom=LA"
        raise invalid(field="missingFrom", value=",".join(missing), expected=expected)
    minimum = readers.integer(MINIMUM, told.get(MINIMUM, ["1"])[-1])
    if not 1 <= minimum <= 1_000_000:
        raise invalid(field=MINIMUM, value=str(minimum), expected="1 to 1,000,000")
    on, places = (
        tuple(
            side
            for name, values in lists.items()
            for side in readers_place.sides(name, values, lookup, least=_LEAST[name], as_evidence=as_evidence)
        )
        for as_evidence in (True, False)
    )
    off = readers_place.sides("missingFrom", missing, lookup) if missing else ()
    among = And(tuple(part for name, part in merged.items() if name not in _SIDES))
    return {"sharedBetween": Recorded("species", on, off, among, minimum), "sides": Or(places)}


def every(filters: dict[str, Filter], *, but: str | None = None) -> Filter | None:
    """Return the filter under which all of them hold; None for none. `but` leaves one parameter out."""
    parts = tuple(part for name, part in filters.items() if name != but)
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)
