"""What a report tells, read from a release: the candidate, corridor or ground, what it is compared with, and the map."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import shapely

from biodata.core import grouped
from biodata.core.errors import InputError
from biodata.exports.reports.findings import agreeing
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Compare, Filter, In, InBox, IsNull, Not
from biodata.store.tables import RELEASE

KINDS: Final = MappingProxyType(
    {"reserve_candidates": "candidate_id", "corridors": "corridor_id", "considered_ground": "considered_id"}
)
"""The tables that reports are made of, and the column that names a row; asked in this order."""

_SHAPES: Final = ("geometry", "path")
_JSON: Final = ("parts", "evidence")
_AREA: Final = (
    "area_id", "name", "original_name", "designation", "iucn_category", "status", "country_codes", "geometry",
)  # fmt: skip
_BORDER: Final = ("code", "name", "level", "country_code", "geometry")
_LEAST_DEGREES: Final = 0.3
_MARGIN: Final = 0.6
"""The map's ground around what it shows, as a share of that."""
_MOST_AREAS: Final = 400

_LANGUAGES: Final = MappingProxyType(
    {
        "BN": "ms", "CN": "zh", "ID": "id", "KH": "km", "LA": "lo", "MM": "my", "MY": "ms", "PH": "fil", "TH": "th",
        "VN": "vi",
    }
)  # fmt: skip
"""The language in which a country's checklists name species."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All that a report tells; published values only.

    Attributes
    ----------
    table : str
        `reserve_candidates`, `corridors` or `considered_ground`.
    row : mapping
        The row's columns; `parts` and `evidence` as objects, `geometry` and `path` as shapely geometries in degrees.
    others : sequence of mapping
        The other rows of the same table and run.
    corridors : sequence of mapping
        Corridors that the map shows.
    candidates : sequence of mapping
        Of a corridor: the candidates of its run that it is a link of.
    areas : sequence of mapping
        Protected areas on the map: area_id, name, original_name, designation, iucn_category, status, country_codes,
        geometry.
    borders : sequence of mapping
        Units of the release's boundaries on the map: code, name, level, country_code, geometry.
    categories : mapping of str to str
        Global Red List category by species, of those that the evidence names.
    datasets : sequence of mapping
        Datasets of the release: key, title, license, citation, doi, labels.
    release : mapping
        What the release tells of itself.
    findings : mapping of str to mapping
        What other commands found over the row's own run, and what the reader gave in place of it: `validation`,
        `uncertainty`, `scenarios`.
    names : mapping of str to sequence of str
        Common names of species, as checklists tell them: English, then one in each language of the countries.
    """

    table: str
    row: Mapping[str, Any]
    others: Sequence[Mapping[str, Any]]
    corridors: Sequence[Mapping[str, Any]]
    candidates: Sequence[Mapping[str, Any]]
    areas: Sequence[Mapping[str, Any]]
    borders: Sequence[Mapping[str, Any]]
    categories: Mapping[str, str]
    datasets: Sequence[Mapping[str, Any]]
    release: Mapping[str, Any]
    findings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The row's identifier."""
        return str(self.row[KINDS[self.table]])

    @property
    def evidence(self) -> Mapping[str, Any]:
        """The row's evidence."""
        found: Mapping[str, Any] = self.row["evidence"]
        return found


def read(release: OpenRelease, identifier: str, *, findings: Mapping[str, Mapping[str, Any]] | None = None) -> Material:
    """Read what a report tells from a release.

    Parameters
    ----------
    release : OpenRelease
        Holds published values only.
    identifier : str
        Of a candidate, a corridor or ground that was looked at.
    findings : mapping of str to mapping, optional
        See `Material`.

    Raises
    ------
    InputError
        If the release has none of that name (RESULT_UNKNOWN), or a finding is not for it (`findings.agreeing`).
    """
    for table, key in KINDS.items():
        if found := _rows(release, table, Compare(key, "=", identifier)):
            break
    else:
        known = [row[key] for table, key in KINDS.items() for row in release.frame(table, [key]).head(3).to_dicts()]
        problem = f"release {release.id} has no candidate, corridor or ground of this name"
        text = f"such as {', '.join(known)}" if known else "run `biodata corridors` and `biodata release` first"
        raise InputError(problem, value=identifier, expected=text, code="RESULT_UNKNOWN")
    row = found[0]
    same_run = _rows(release, table, Compare("run_id", "=", row["run_id"])) if row["run_id"] is not None else []
    corridors = [] if table == "corridors" else _linked(release, row)
    box = _box([row, *corridors])
    held = ("area_ids",) if table != "corridors" else ("from_area_id", "to_area_id")
    members = [one for name in held for one in (row[name] if isinstance(row[name], list) else [row[name]]) if one]
    areas = {
        area["area_id"]: area for area in _shaped(release, "protected_areas", _AREA, In("area_id", tuple(members)))
    }
    box = _box([row, *corridors, *areas.values()]) or box
    if box is not None:
        window = InBox(*box)
        near = _shaped(release, "protected_areas", _AREA, window)[:_MOST_AREAS]
        areas |= {area["area_id"]: area for area in near if area["area_id"] not in areas}
        borders = _shaped(release, "boundaries", _BORDER, And((window, In("level", ("country", "disputed")))))
    else:
        borders = []
    categories, common = _taxa(release, row)
    given = {kind: agreeing(kind, found, row) for kind, found in (findings or {}).items()}
    return Material(
        table=table,
        row=row,
        others=[one for one in same_run if one[key] != identifier],
        corridors=corridors,
        candidates=_users(release, row) if table == "corridors" else [],
        areas=[dict(area, member=area["area_id"] in members) for area in areas.values()],
        borders=borders,
        categories=categories,
        datasets=_datasets(release),
        release={"id": release.id, **release.info},
        findings={**(row["evidence"].get("findings") or {}), **given},
        names=common,
    )


def _datasets(release: OpenRelease) -> list[dict[str, Any]]:
    """Return the datasets of the release, with the labels of communities that their records carry."""
    table = release.frame("occurrences", ["datasetKey", "community_labels"], Not(IsNull("community_labels")))
    labels = table.explode("community_labels").unique().sort("datasetKey", "community_labels")
    carried: dict[str, list[str]] = grouped(labels.iter_rows())
    known = release.frame("datasets", ["key", "title", "license", "citation", "doi"]).to_dicts()
    return [one | {"labels": carried.get(one["key"], [])} for one in known]


def same_boundaries(material: Material) -> bool:
    """Return whether the release, whose borders the map draws, has the boundary set that the result was reckoned with."""
    stated_any, drawn = material.evidence.get("boundaries") or {}, material.release.get("boundaries") or {}
    names = (("name", "boundary_set"), ("version", "boundary_version"), ("band_m", "band_m"))
    return not stated_any or not drawn or all(stated_any.get(one) == drawn.get(other) for one, other in names)


def _rows(release: OpenRelease, table: str, where: Filter) -> list[dict[str, Any]]:
    """Return rows of results, their texts of JSON and their shapes read."""
    found = release.frame(table, list(RELEASE[table].columns), where).to_dicts()
    for row in found:
        for name in _JSON:
            if name in row:
                row[name] = json.loads(row[name]) if row[name] else {}
        for name in _SHAPES:
            if name in row:
                row[name] = None if row[name] is None else shapely.from_wkb(row[name])
    return found


def _shaped(release: OpenRelease, table: str, columns: Sequence[str], where: Filter) -> list[dict[str, Any]]:
    """Return rows that have a shape, in a stated order."""
    rows = release.frame(table, list(columns), where).sort(columns[0]).to_dicts()
    return [row | {"geometry": shapely.from_wkb(row["geometry"])} for row in rows if row["geometry"] is not None]


def _linked(release: OpenRelease, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the corridors that join the areas of some ground."""
    ids = [one.get("corridor_id") for one in row["evidence"].get("links") or []]
    named = tuple(one for one in ids if isinstance(one, str))
    return _rows(release, "corridors", In("corridor_id", named)) if named else []


def _users(release: OpenRelease, corridor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the candidates of the same run that a corridor is a link of, the first ranks first."""
    if corridor["run_id"] is None:
        return []
    found = _rows(release, "reserve_candidates", Compare("run_id", "=", corridor["run_id"]))
    using = [
        one for one in found
        if any(link.get("corridor_id") == corridor["corridor_id"] for link in one["evidence"].get("links") or [])
    ]  # fmt: skip
    return sorted(using, key=lambda one: one["rank"] or 0)


def _box(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float, float, float] | None:
    """Return the box around rows' shapes with ground on every side, degrees; None where none has a shape."""
    shapes = [row[name] for row in rows for name in _SHAPES if row.get(name) is not None and not row[name].is_empty]
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    around = max(east - west, north - south, _LEAST_DEGREES) * _MARGIN
    return max(west - around, -180.0), max(south - around, -90.0), min(east + around, 180.0), min(north + around, 90.0)


def species_of(evidence: Mapping[str, Any]) -> list[str]:
    """Return the species that evidence names, those on two sides first, then those that are probably on two."""
    stated_any = evidence.get("species") or {}
    sides = [
        *(stated_any.get("by_country") or {}).values(),
        *(stated_any.get("uncertain") or {}).values(),
        *(stated_any.get("listed") or {}).values(),
    ]
    counted = {name for by_species in sides for name in by_species}
    shared = [
        name
        for key in ("shared", "probably_shared", "shared_by_list")
        for name in stated_any.get(key) or []
        if name in counted
    ]
    return [*shared, *sorted(counted - set(shared))]


def _taxa(release: OpenRelease, row: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return Red List categories and common names, as checklists tell them, of the species in a row's evidence."""
    if not (species := species_of(row["evidence"])):
        return {}, {}
    columns = ["scientificName", "iucnRedListCategory", "vernacular_names"]
    entries = sorted(release.frame("taxa", columns, In("scientificName", tuple(species))).iter_rows(), key=str)
    languages = ["en", *dict.fromkeys(_LANGUAGES[code] for code in row["country_codes"] if code in _LANGUAGES)]
    names: dict[str, list[str]] = {}
    for name, _, common in entries:
        by_language = {tag.partition("-")[0]: word for tag, word in json.loads(common or "{}").items()}
        if found := [by_language[language] for language in languages if language in by_language]:
            names.setdefault(name, list(dict.fromkeys(found)))
    return {name: category for name, category, _ in entries if category}, names
