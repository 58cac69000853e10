"""Areas by their id and by their names: protected areas, corridors, candidates, boundaries, and those that were uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from api.errors import Code, ProblemError, invalid
from biodata.core import grouped
from biodata.places.names import country_names, division_names, plain_division
from biodata.store.query.filters import And, Compare, Filter
from biodata.store.reader import OpenRelease
from biodata.text.vernaculars import folded

if TYPE_CHECKING:
    from biodata.store.registry import Registry

UPLOADED: Final = "uploaded"

KEYS: Final = {
    "protected_areas": ("area_id",),
    "boundaries": ("code",),
    "reserve_candidates": ("candidate_id", "run_id"),
    "corridors": ("corridor_id", "run_id"),
}
"""The tables that areas are looked for in, and the columns that identify a row."""

TOLD: Final = {
    "protected_areas": ("name", "original_name", "designation", "iucn_category", "status", "country_codes", "computed_area_km2"),
    "boundaries": ("name", "level", "country_code"),
    "reserve_candidates": ("run_id", "name", "country_codes", "rank", "area_km2"),
    "corridors": ("run_id", "from_name", "to_name", "country_codes", "area_km2"),
}  # fmt: skip
"""What is told of an area besides."""


@dataclass(frozen=True, slots=True)
class Found:
    """An area.

    Attributes
    ----------
    kind : str
        The table that holds it; `uploaded` for one that somebody sent.
    id : str
        Its identifier there.
    wkb : bytes, optional
        Its polygon.
    row : dict
        What else is known of it.
    """

    kind: str
    id: str
    wkb: bytes | None
    row: dict[str, Any]


def find(release: OpenRelease, registry: "Registry", identifier: str) -> list[Found]:
    """Return the areas of an id.

    Parameters
    ----------
    release : OpenRelease
        Where areas are looked for.
    registry : Registry
        Where uploaded areas stand.
    identifier : str
        The id alone, or `kind:id`; a corridor or candidate may also be told as `run/id`.
    """
    kind, _, rest = identifier.partition(":")
    if kind not in (*KEYS, UPLOADED) or not rest:
        kind, rest = "", identifier
    found = [
        Found(table, str(values[0]), values[-1], dict(zip(columns, values[:-1], strict=True)))
        for table, keys in KEYS.items()
        if kind in ("", table)
        for columns in [(keys[0], *TOLD[table])]
        for values in release.page(table, _keyed(keys, rest), (*columns, "geometry"), limit=5).rows
    ]
    if kind in ("", UPLOADED) and len(rest) == 64:
        from biodata.store.models import Area

        with registry.session(read_only=True) as session:
            area = session.get(Area, rest.lower())
            if area is not None:
                row = {"id": area.id, "name": area.name, "created": area.created}
                found.append(Found(UPLOADED, area.id, area.wkb, row))
    return found


def the_one(found: Sequence[Found], *, field: str, identifier: str) -> Found:
    """Return the only area of an id.

    Raises
    ------
    ProblemError
        AREA_MISSING if there is none; PARAMETER_INVALID if there are several, or it has no polygon.
    """
    if not found:
        detail = f"no area has the id {identifier[:100]!r}"
        raise ProblemError(Code.AREA_MISSING, detail, field=field, expected="an id that /v1/areas?q=… finds")
    if len(found) > 1:
        text = " or ".join(_full_id(area) for area in found)
        raise invalid(field=field, value=identifier, expected=f"which of them: {text}")
    if found[0].wkb is None:
        raise invalid(
            field=field, value=identifier, expected="an area with a polygon; of this one only the name is known"
        )
    return found[0]


def _full_id(area: Found) -> str:
    """Return the id that means this area only."""
    run = area.row.get("run_id")
    return f"{area.kind}:{run}/{area.id}" if run else f"{area.kind}:{area.id}"


def _keyed(keys: tuple[str, ...], identifier: str) -> Filter:
    """Return the filter for a row by its id, with its run before a slash where one is told."""
    run, slash, rest = identifier.partition("/")
    if len(keys) == 2 and slash:
        return And((Compare(keys[0], "=", rest), Compare(keys[1], "=", run)))
    return Compare(keys[0], "=", identifier)


_EVERY_AREA = 1_000_000
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
        divisions = [area for area in self._areas if area.kind == "boundaries" and "-" in area.id]
        found = grouped((plain_division(name), area.id) for area in divisions for name in area.names)
        return {name: sorted({*codes}) for name, codes in found.items() if name}

    @cached_property
    def _stated(self) -> dict[str, list[str]]:
        """What records tell as their division, by the form in which names are compared."""
        stated = self._release.facet("occurrences", None, "stateProvince", limit=_EVERY_AREA)
        found = grouped((plain_division(text), text) for text, _ in stated if len(text) <= _LONGEST)
        return {plain: texts for plain, texts in found.items() if plain}

    @cached_property
    def _areas(self) -> list[Named]:
        """Every area with a name."""
        found = []
        for kind, columns in _NAME_COLUMNS.items():
            for row in self._release.page(kind, None, columns, limit=_EVERY_AREA).rows:
                facts = dict(zip(columns, row, strict=True))
                names = tuple(dict.fromkeys(_names(kind, facts)))
                countries = tuple(facts.get("country_codes") or filter(None, [facts.get("country_code")]))
                plain = tuple({p: None for name in names if (p := folded(name))})
                found.append(Named(kind, str(row[0]), names, countries, plain))
        return found


_NAME_COLUMNS = {
    "boundaries": ("code", "name", "country_code"),
    "protected_areas": ("area_id", "name", "original_name", "country_codes"),
    "reserve_candidates": ("candidate_id", "name", "country_codes"),
    "corridors": ("corridor_id", "from_name", "to_name", "country_codes"),
}


def _names(kind: str, facts: dict[str, Any]) -> list[str]:
    """Return the names of an area."""
    if kind == "corridors":
        return [f"{facts['from_name']} – {facts['to_name']}"]
    names = [name for name in (facts["name"], facts.get("original_name")) if name]
    if kind == "boundaries":
        code = str(facts["code"])
        names += country_names().get(code, ()) if len(code) == 2 else division_names().get(code, ())
    return names
