"""Counts by the values of a search parameter: each is the number that a search with that value finds."""

from collections import Counter
from typing import Any, Final

from api.dependencies import Opened
from api.gbif_names import CONTINENTS
from api.parameters import FACETS, RANK_KEYS, SEARCH
from biodata.store.query.filters import And, Filter, IsNull

Counts = list[tuple[Any, int]]

COUNTRY: Final = "countryCode"
CONTINENT: Final = "continent"
KNOWN: Final = (*FACETS, CONTINENT)
"""What can be counted by."""

_COUNTRIES: Final = 1_000


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
    column = FACETS[name]
    if column == COUNTRY:
        return _window(_countries(release, filter_), limit, offset, minimum)
    found = release.facet("occurrences", filter_, column, limit=limit, offset=offset, minimum=minimum)
    if name in RANK_KEYS:
        return [(key, number) for value, number in found if (key := release.extras.key_of(RANK_KEYS[name], value))]
    return found


def _countries(release: Opened, filter_: Filter | None) -> Counter[str]:
    """Count by country; a record that tells several, and none of them as its own, counts under each."""
    found: Counter[str] = Counter(dict(release.facet("occurrences", filter_, COUNTRY, limit=_COUNTRIES)))
    several = And((IsNull(COUNTRY), *([filter_] if filter_ is not None else [])))
    found.update(dict(release.facet("occurrences", several, "country_codes", limit=_COUNTRIES)))
    return found


def _continents(release: Opened, filter_: Filter | None) -> Counter[str]:
    """Count by continent."""
    found: Counter[str] = Counter()
    for name in CONTINENTS:
        there = SEARCH[CONTINENT].to_filter(CONTINENT, name, release)
        found[name] = release.count("occurrences", And((there, *([filter_] if filter_ is not None else []))))
    return found


def _window(counts: Counter[str], limit: int, offset: int, minimum: int) -> Counts:
    """Return the most frequent values behind an offset."""
    kept = sorted((row for row in counts.items() if row[1] >= max(minimum, 1)), key=lambda row: (-row[1], row[0]))
    return kept[offset : offset + limit]
