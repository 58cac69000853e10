"""The species that evidence names, with what the release's checklists tell of them: Red List category, common names."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import In

_LANGUAGES: Final = MappingProxyType(
    {
        "BN": "ms",
        "CN": "zh",
        "ID": "id",
        "KH": "km",
        "LA": "lo",
        "MM": "my",
        "MY": "ms",
        "PH": "fil",
        "TH": "th",
        "VN": "vi",
    }
)
"""The language in which a country's checklists name species."""


def species_of(evidence: Mapping[str, Any]) -> list[str]:
    """Return the species that evidence names, those on two sides first, then those that are probably on two."""
    told = evidence.get("species") or {}
    sides = [*(told.get("by_country") or {}).values(), *(told.get("uncertain") or {}).values()]
    counted = {name for by_species in sides for name in by_species}
    shared = [name for key in ("shared", "probably_shared") for name in told.get(key) or [] if name in counted]
    return [*shared, *sorted(counted - set(shared))]


def taxa(release: OpenRelease, row: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return Red List categories and common names, as checklists tell them, of the species in a row's evidence."""
    species = species_of(row["evidence"])
    if not species:
        return {}, {}
    columns = ["scientificName", "iucnRedListCategory", "vernacular_names"]
    told = sorted(release.frame("taxa", columns, In("scientificName", tuple(species))).iter_rows(), key=str)
    languages = ["en", *dict.fromkeys(_LANGUAGES[code] for code in row["country_codes"] if code in _LANGUAGES)]
    names: dict[str, list[str]] = {}
    for name, _, common in told:
        by_language = {tag.partition("-")[0]: word for tag, word in json.loads(common or "{}").items()}
        found = [by_language[language] for language in languages if language in by_language]
        if found:
            names.setdefault(name, list(dict.fromkeys(found)))
    return {name: category for name, category, _ in told if category}, names
