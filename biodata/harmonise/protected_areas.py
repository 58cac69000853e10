"""Protected areas interpreted: identity, names, geometry, areas, and the countries that hold them."""

import re
from collections.abc import Mapping, MutableSet
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import edges, geo, terms
from biodata.errors import Refusal
from biodata.harmonise.area_cleaning import repair
from biodata.harmonise.area_sites import sites
from biodata.places import BoundarySet, country_geometry, locate
from biodata.text.countries import parse_country

# Where sites lie: the countries that hold them, and how much of them spills over a border, inside and outside its band.
#
# A site drawn on one map and a border drawn on another disagree: Hkakaborazi, all of it in Myanmar, spills over the Natural
# Earth line into China. What lies inside the band around a border is a disagreement of maps; only what lies farther out is
# held by the other country.

LEAST_SPILL_KM2: Final = 0.01
"""Less than a hectare over the line is rounding of coordinates."""

LEAST_HELD_SHARE: Final = 0.01
"""Share of a site that must lie outside the band before a country counts as holding part of it."""

_METRES_PER_DEGREE: Final = 111_000.0


@dataclass(frozen=True, slots=True)
class Spill:
    """Where a site lies.

    Attributes
    ----------
    located : list of str
        Countries that hold more of it than the band allows, the one with the largest part first; empty at sea.
    spill_km2 : float or None
        Its area in other countries than its own; None for points and sites without geometry. Its own are the stated
        ones; where none is stated, the one that holds most of it.
    outside_band_km2 : float or None
        The part of that farther than the band from its own countries.
    elsewhere : bool
        Most of it lies in other countries than stated, and outside the band.
    sides : list of str
        Countries that it may belong to, where none is stated: those that hold it; those whose border or, at sea, whose land
        is so near that the band around them holds all of it.
    """

    located: list[str]
    spill_km2: float | None = None
    outside_band_km2: float | None = None
    elsewhere: bool = False
    sides: list[str] = field(default_factory=list)


@lru_cache(maxsize=4096)
def _codes(stated: str) -> tuple[str, ...]:
    found = (parse_country(part)[0] for part in re.split(r"[;,/|]", stated) if part.strip())
    return tuple(dict.fromkeys(code for code in found if code))


def country_codes(stated: str | None) -> list[str]:
    """Return the ISO 3166-1 alpha-2 codes of countries as sources state them (`LAO;VNM`, `KH`, `Viet Nam`)."""
    return list(_codes(stated or ""))


def spill(shapes: NDArray[np.object_], stated: list[list[str]], boundaries: BoundarySet) -> list[Spill]:
    """Tell for each site which countries hold it and how much of it spills over their borders.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries or None
        Valid; degrees, WGS 84.
    stated : list of n lists of str
        ISO 3166-1 alpha-2 codes that the source states.
    boundaries : BoundarySet
        Countries and the width of the band.

    Returns
    -------
    list of n Spill

    Notes
    -----
    Only the countries that a site meets are cut with it, and only their parts inside its box: a site inside one
    country costs one lookup. The band is a buffer on an equal-area plane around the site; at its size the plane's
    distances are right to a thousandth.
    """
    codes, countries, tree = _index(boundaries)
    meets: list[dict[str, Any]] = [{} for _ in shapes]
    for site, country in tree.query(shapes, predicate="intersects").T:
        meets[site][codes[country]] = countries[country]
    found = [_one(shape, own, met, boundaries) for shape, own, met in zip(shapes, stated, meets, strict=True)]
    silent = [at for at, (shape, own) in enumerate(zip(shapes, stated, strict=True)) if shape is not None and not own]
    if silent:
        inside = shapely.get_coordinates(shapely.point_on_surface(shapes[silent]))
        near = locate(inside[:, 0], inside[:, 1], boundaries)["country_codes"].to_list()
        for at, codes_near in zip(silent, near, strict=True):
            found[at] = replace(found[at], sides=_sides(shapes[at], found[at].located, codes_near or [], boundaries))
    return found


def _sides(shape: Any, located: list[str], near: list[str], boundaries: BoundarySet) -> list[str]:
    """Return the countries that a site may belong to: those that hold it, and those whose band holds all of it."""
    others = [code for code in near if code not in located]
    if not located or not _is_area(shape):
        return [*located, *others]
    least_km2 = LEAST_HELD_SHARE * float(geo.area_km2(shape)[0])
    return [*located, *(code for code in others if outside_band_km2(shape, [code], boundaries) < least_km2)]


def _one(shape: Any, stated: list[str], met: dict[str, Any], boundaries: BoundarySet) -> Spill:
    """Tell where one site lies that meets these countries."""
    own = [code for code in stated if code in met]
    if not _is_area(shape):
        elsewhere = bool(stated) and bool(met) and not own and not _within_band(shape, stated, boundaries)
        return Spill(own or list(met), elsewhere=elsewhere)
    if len(met) <= 1 and (own or not stated or not met):
        return Spill(list(met), 0.0, 0.0)
    return _cut(shape, stated, met, boundaries)


def _is_area(shape: Any) -> bool:
    return shape is not None and shape.geom_type in ("Polygon", "MultiPolygon")


@lru_cache(maxsize=4)
def _index(boundaries: BoundarySet) -> tuple[list[str], NDArray[np.object_], shapely.STRtree]:
    """Return codes, geometries and a tree of all countries of the set."""
    codes = [code for code in boundaries.countries if code is not None]
    countries = np.array([country_geometry(code, boundaries) for code in codes], dtype=object)
    shapely.prepare(countries)
    return codes, countries, shapely.STRtree(countries)


def _cut(shape: Any, stated: list[str], met: dict[str, Any], boundaries: BoundarySet) -> Spill:
    """Cut a site along the borders that it meets."""
    box = shapely.bounds(shape)
    pieces = {code: shapely.intersection(shape, _clipped(country, box)) for code, country in met.items()}
    areas = dict(zip(pieces, geo.area_km2(np.array(list(pieces.values()), dtype=object)), strict=True))
    own = stated or [max(areas, key=lambda code: areas[code])]
    others = [code for code in met if code not in own]
    whole = float(geo.area_km2(shape)[0])
    outside = {code: outside_band_km2(pieces[code], own, boundaries) for code in others}
    held = [code for code in met if code in own or outside[code] >= LEAST_HELD_SHARE * whole]
    spilled, spilled_far = sum(areas[code] for code in others), sum(outside.values())
    return Spill(
        # A site all of which lies in the band beyond its country's border may well be that country's.
        sorted(held, key=lambda code: -areas[code]) or own,
        spilled,
        spilled_far,
        elsewhere=bool(stated) and spilled_far > whole / 2,
    )


def _clipped(country: Any, box: NDArray[np.float64], margin: float = 0.0) -> Any:
    """Return the part of a country inside a box of degrees."""
    west, south, east, north = box
    part = shapely.clip_by_rect(country, west - margin, south - margin, east + margin, north + margin)
    return valid(np.array([part], dtype=object))[0]


def valid(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons that a projection or a cut left not quite valid as valid ones."""
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    result = shapes.copy()
    result[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return result


def outside_band_km2(piece: Any, own: list[str], boundaries: BoundarySet) -> float:
    """Return how much of a piece lies farther than the band from the site's own countries.

    Parameters
    ----------
    piece : shapely geometry
        Degrees, WGS 84.
    own : list of str
        ISO 3166-1 alpha-2 codes.
    boundaries : BoundarySet
        Countries and the width of the band.

    Returns
    -------
    float
        Square kilometres.
    """
    if shapely.is_empty(piece):
        return 0.0
    flat, band = _flat_with_band(piece, own, boundaries)
    return float(shapely.area(shapely.difference(flat, band))) / 1e6


def _within_band(shape: Any, own: list[str], boundaries: BoundarySet) -> bool:
    """Tell whether any of a point lies within the band around its own countries."""
    return bool(shapely.intersects(*_flat_with_band(shape, own, boundaries)))


def _flat_with_band(shape: Any, own: list[str], boundaries: BoundarySet) -> tuple[Any, Any]:
    """Return a geometry and its own countries with the band around them, on an equal-area plane in metres."""
    box = shapely.bounds(shape)
    poleward = np.radians(min(80.0, float(np.abs(box[[1, 3]]).max())))
    margin = 2 * boundaries.band_m / (_METRES_PER_DEGREE * float(np.cos(poleward)))
    near = [_clipped(country_geometry(code, boundaries), box, margin) for code in own if code in _index(boundaries)[0]]
    flat = valid(geo.project(np.array([shape, *near], dtype=object), "EPSG:4326", geo.equal_area_crs(tuple(box))))
    return flat[0], shapely.buffer(shapely.union_all(flat[1:]), boundaries.band_m)


def protected_areas(
    batch: pl.DataFrame,
    *,
    dataset_key: str,
    boundaries: BoundarySet,
    declarations: Mapping[str, str] | None = None,
    seen: MutableSet[str] | None = None,
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret the sites of one table.

    Who they are and what they say is `area_sites.sites`; here their geometry is repaired, measured and placed.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.protected_areas` gives it.
    dataset_key : str
        The dataset.
    boundaries : BoundarySet
        Whose borders decide what spills over.
    declarations : mapping, optional
        `crs` where the coordinate system is told (if it is not, WGS 84 was assumed and each site is flagged);
        `country` for sites that tell none.
    seen : set of str, optional
        Identities already given in this dataset by other tables of the same ingest; is added to.

    Returns
    -------
    frame of `terms.PROTECTED_AREA`, list of Refusal
        n = rows + refusals: a site whose edges cross too often to be repaired is refused (GEOMETRY_TOO_COMPLEX).

    Notes
    -----
    Areas are computed on the ellipsoid; reported areas of 0 mean not known in WDPA. AREA_DISAGREES compares with the
    computed area; points and sites without geometry have none.
    """
    frame = sites(batch, dataset_key=dataset_key, declarations=declarations, seen=seen)
    flags: list[list[str]] = frame["quality_flags"].to_list()
    shapes, too_complex = _shapes(batch["geometry"].to_list(), flags)
    frame = frame.with_columns(_measured(shapes, frame, boundaries, flags))
    frame = frame.with_columns(
        pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary),
        pl.Series("quality_flags", flags, dtype=pl.List(pl.String)),
    )
    refusals = [
        Refusal(file, row, "geometry", name, "GEOMETRY_TOO_COMPLEX", "its edges cross too often to be repaired")
        for file, row, name in frame.filter(too_complex).select("source_file", "source_row", "name").iter_rows()
    ]
    return terms.conform(frame.filter(~too_complex), terms.PROTECTED_AREA), refusals


def not_mapped(frame: pl.DataFrame) -> dict[str, int]:
    """Return by country how many sites of a table have no geometry; a site of several countries counts in each.

    Parameters
    ----------
    frame : polars.DataFrame of terms.PROTECTED_AREA
        A whole table; parts and zones of a site count once.

    Returns
    -------
    dict of str to int
        By ISO 3166-1 alpha-2 code; `-` for sites that tell no country.
    """
    mapped = frame.filter(pl.col("geometry").is_not_null())["part_of"]
    missing = frame.filter(~pl.col("part_of").is_in(mapped.implode())).select("part_of", country="country_codes")
    told = pl.when(pl.col("country").list.len() > 0).then("country").otherwise(pl.lit(["-"]))
    each = missing.with_columns(country=told).explode("country").unique()
    return dict(each.group_by("country").len().sort("country").iter_rows())


def _shapes(blobs: list[bytes | None], flags: list[list[str]]) -> tuple[repair.Geometries, pl.Series]:
    """Return valid geometries with their flags set, and which are too complex to be repaired."""
    shapes = repair.read_wkb(blobs)
    too_complex = np.zeros(len(shapes), dtype=bool)
    for at, shape in enumerate(shapes):
        if shape is None:
            flags[at].append("GEOMETRY_MISSING")
            continue
        shape = shapes[at] = repair.polygons_of(shape)
        if shape.geom_type in ("Point", "MultiPoint"):
            flags[at].append("GEOMETRY_POINT")
        elif edges.problem_of(shape) is not None:
            flags[at].append("GEOMETRY_INVALID")
            shapes[at], too_complex[at] = None, True
        elif not shape.is_valid:
            flags[at].append("GEOMETRY_INVALID")
            shape = shapes[at] = repair.repaired(shape)
            too_complex[at] = shape is None
            if shape is not None and not shapely.area(shape):
                shapes[at] = None
                flags[at].append("GEOMETRY_MISSING")
    return shapes, pl.Series(too_complex, dtype=pl.Boolean)


def _measured(
    shapes: repair.Geometries, frame: pl.DataFrame, boundaries: BoundarySet, flags: list[list[str]]
) -> list[pl.Series]:
    """Return computed areas, what spills over borders, and the countries where none is stated; doubts go into `flags`."""
    polygon = np.array([shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") for shape in shapes])
    computed = np.where(polygon, geo.area_km2(shapes), np.nan)
    spilled = spill(shapes, frame["country_codes"].to_list(), boundaries)
    for at, (reported, area) in enumerate(zip(frame["reported_area_km2"], computed, strict=True)):
        if reported is not None and polygon[at] and abs(reported - area) > 0.1 * area:
            flags[at].append("AREA_DISAGREES")
        beyond = spilled[at]
        if beyond.spill_km2 is not None and beyond.spill_km2 >= LEAST_SPILL_KM2:
            flags[at].append("BOUNDARY_DISAGREEMENT")
        if beyond.elsewhere:
            flags[at].append("COUNTRY_DISAGREES")
        if beyond.sides:
            flags[at].append("COUNTRY_DERIVED_FROM_COORDINATES")
        if set(beyond.sides) - set(beyond.located) and len(beyond.sides) > 1:
            flags[at].append("BORDER_AMBIGUOUS")
    stated = frame["country_codes"].to_list()
    return [
        pl.Series(
            "country_codes", [own or s.sides for own, s in zip(stated, spilled, strict=True)], dtype=pl.List(pl.String)
        ),
        pl.Series("computed_area_km2", computed).fill_nan(None),
        pl.Series("located_country_codes", [s.located for s in spilled], dtype=pl.List(pl.String)),
        pl.Series("spill_km2", [s.spill_km2 for s in spilled], dtype=pl.Float64),
        pl.Series("spill_outside_band_km2", [s.outside_band_km2 for s in spilled], dtype=pl.Float64),
    ]
