"""Counts by the values of a search parameter: each is the number that a search with that value finds."""

from collections import Counter
from typing import Any, Final

from api.dependencies import Opened
from api.gbif_names import CONTINENT_OF, CONTINENTS, TAXONOMIC_ISSUES
from api.parameters import FACETS, RANK_KEYS, SEARCH, Kind
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Filter, InCountry, IsNull

Counts = list[tuple[Any, int]]

COUNTRY: Final = "countryCode"
CONTINENT: Final = "continent"
TAXONOMIC_ISSUE: Final = "taxonomicIssue"
BOOLEANS: Final = frozenset(name for name, p in SEARCH.items() if p.kind is Kind.BOOLEAN and p.column is None)
"""What is true or false of a record without a column of its own: whether it has coordinates, …"""

KNOWN: Final = (*FACETS, CONTINENT, TAXONOMIC_ISSUE, *sorted(BOOLEANS))
"""What can be counted by."""

_COUNTRIES: Final = 1_000
_FLAGS: Final = 1_000


def counted(release: Opened, filter_: Filter | None, name: str, *, limit: int, offset: int, minimum: int) -> Counts:
    """Return the values of a parameter and how many records have each, the most frequent first.

    Parameters
    ----------
    release : Opened
        The release.
    filter_ : Filter, optional
        Which occurrences.
    name : str
        One of `KNOWN`.
    limit, offset, minimum : int
        See `OpenRelease.facet`.
    """
    if name == CONTINENT:
        return _window(_continents(release, filter_), limit, offset, minimum)
    if name in BOOLEANS:
        return _window(_booleans(release, filter_, name), limit, offset, minimum)
    if name == TAXONOMIC_ISSUE:
        flags = release.facet("occurrences", filter_, FACETS["issue"], limit=_FLAGS)
        of_names = Counter({flag: number for flag, number in flags if flag.startswith(TAXONOMIC_ISSUES)})
        return _window(of_names, limit, offset, minimum)
    column = FACETS[name]
    if column == COUNTRY:
        return _window(countries(release, filter_), limit, offset, minimum)
    found = release.facet("occurrences", filter_, column, limit=limit, offset=offset, minimum=minimum)
    if name in RANK_KEYS:
        return [
            (key, number) for value, number in found if (key := release.facts.extras.key_of(RANK_KEYS[name], value))
        ]
    return found


def countries(release: Opened | OpenRelease, filter_: Filter | None) -> Counter[str]:
    """Count occurrences by country, as `InCountry` has it: a cell that reaches several counts under each."""
    found: Counter[str] = Counter(dict(release.facet("occurrences", filter_, COUNTRY, limit=_COUNTRIES)))
    found.update(dict(release.facet("occurrences", _of_cells(filter_), "country_codes", limit=_COUNTRIES)))
    return found


def _continents(release: Opened, filter_: Filter | None) -> Counter[str]:
    """Count by continent; a cell that reaches several countries of one counts once."""
    found: Counter[str] = Counter()
    for code, number in release.facet("occurrences", filter_, COUNTRY, limit=_COUNTRIES):
        if code in CONTINENT_OF:
            found[CONTINENT_OF[code]] += number
    cells = _of_cells(filter_)
    reached = release.facet("occurrences", cells, "country_codes", limit=_COUNTRIES)
    for name in {CONTINENT_OF[code] for code, _ in reached if code in CONTINENT_OF}:
        found[name] += release.count("occurrences", And((cells, InCountry(CONTINENTS[name]))))
    return found


def _booleans(release: Opened, filter_: Filter | None, name: str) -> Counter[str]:
    """Count the records of which a condition is true, and those of which it is false."""
    rest = () if filter_ is None else (filter_,)
    return Counter(
        {
            value: release.count("occurrences", And((SEARCH[name].to_filter(name, value, release), *rest)))
            for value in ("true", "false")
        }
    )


def _of_cells(filter_: Filter | None) -> Filter:
    """Return the filter for records without a country of their own."""
    return And((IsNull(COUNTRY), *([filter_] if filter_ is not None else [])))


def _window(counts: Counter[str], limit: int, offset: int, minimum: int) -> Counts:
    """Return the most frequent values behind an offset."""
    kept = sorted((row for row in counts.items() if row[1] >= max(minimum, 1)), key=lambda row: (-row[1], row[0]))
    return kept[offset : offset + limit]
