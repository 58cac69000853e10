"""Areas by their id: protected areas, corridors, candidates, boundaries of a release, and those that were uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api.errors import Code, ProblemError, invalid
from biodata.store.query.filters import And, Compare, Filter
from biodata.store.reader import OpenRelease

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
        told = " or ".join(_full_id(area) for area in found)
        raise invalid(field=field, value=identifier, expected=f"which of them: {told}")
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
