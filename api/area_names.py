"""Areas by their names, in any language that tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from biodata.places.names import country_names, division_names, plain_division
from biodata.store.reader import OpenRelease
from biodata.text.vernaculars import folded

_EVERY = 1_000_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Named:
    """An area and its names.

    Attributes
    ----------
    kind, id : str
        The table that holds it, and its identifier there.
    names : tuple of str
        Its names, the first one for display.
    countries : tuple of str
        The countries that it is told for.
    plain : tuple of str
        The names as they are compared.
    """

    kind: str
    id: str
    names: tuple[str, ...]
    countries: tuple[str, ...]
    plain: tuple[str, ...]


class AreaNames:
    """The names of the areas of one release.

    Parameters
    ----------
    release : OpenRelease
        The release.
    """

    def __init__(self, release: OpenRelease) -> None:
        self._release = release

    def provinces(self, name: str) -> list[str]:
        """Return the codes of the divisions of that name, in any language of the region."""
        return self._provinces.get(plain_division(name), []) if len(name) <= _LONGEST else []

    def spellings(self, codes: Sequence[str]) -> list[str]:
        """Return how records spell the names of divisions: each text that is one of their names, in any language."""
        wanted = set(codes)
        names = [name for name, meant in self._provinces.items() if not wanted.isdisjoint(meant)]
        return [text for name in names for text in self._stated.get(name, ())]

    def search(self, text: str, *, kind: str | None = None, country: str | None = None) -> list[Named]:
        """Return the areas of which a name holds a text, whole names first; every area for no text."""
        wanted = folded(text)
        found = [
            (wanted not in area.plain, place, area)
            for place, area in enumerate(self._areas)
            if kind in (None, area.kind)
            and (country is None or country in area.countries)
            and any(wanted in plain for plain in area.plain)
        ]
        return [area for _, _, area in sorted(found, key=lambda row: row[:2])]

    @cached_property
    def _provinces(self) -> dict[str, list[str]]:
        """The codes of divisions by each of their names, without the word for a division."""
        found: dict[str, set[str]] = {}
        for area in self._areas:
            if area.kind == "boundaries" and "-" in area.id:
                for name in area.names:
                    found.setdefault(plain_division(name), set()).add(area.id)
        return {name: sorted(codes) for name, codes in found.items() if name}

    @cached_property
    def _stated(self) -> dict[str, list[str]]:
        """What records tell as their division, by the form in which names are compared."""
        found: dict[str, list[str]] = {}
        for text, _ in self._release.facet("occurrences", None, "stateProvince", limit=_EVERY):
            if len(text) <= _LONGEST and (plain := plain_division(text)):
                found.setdefault(plain, []).append(text)
        return found

    @cached_property
    def _areas(self) -> list[Named]:
        """Every area with a name."""
        found = []
        for kind, columns in _NAMES.items():
            for row in self._release.page(kind, None, columns, limit=_EVERY).rows:
                told = dict(zip(columns, row, strict=True))
                names = tuple(dict.fromkeys(_names(kind, told)))
                countries = tuple(told.get("country_codes") or filter(None, [told.get("country_code")]))
                plain = tuple({p: None for name in names if (p := folded(name))})
                found.append(Named(kind, str(row[0]), names, countries, plain))
        return found


_NAMES = {
    "boundaries": ("code", "name", "country_code"),
    "protected_areas": ("area_id", "name", "original_name", "country_codes"),
    "reserve_candidates": ("candidate_id", "name", "country_codes"),
    "corridors": ("corridor_id", "from_name", "to_name", "country_codes"),
}


def _names(kind: str, told: dict[str, Any]) -> list[str]:
    """Return the names of an area."""
    if kind == "corridors":
        return [f"{told['from_name']} – {told['to_name']}"]
    names = [name for name in (told["name"], told.get("original_name")) if name]
    if kind == "boundaries":
        code = str(told["code"])
        names += country_names().get(code, ()) if len(code) == 2 else division_names().get(code, ())
    return names
