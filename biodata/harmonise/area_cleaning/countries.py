"""How much of each country is covered: land and sea, protected areas and OECMs apart, no ground twice.

A site that is drawn over the border of the country that it states is a disagreement of maps inside the border's band,
and is counted apart; what lies farther than the band inside another country is counted apart as well. The boundary set
has no sea borders: ground off every country's land belongs to the countries that the site states.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core import grouped
from biodata.core.geo import Floats, Geometries, equal_area_crs, in_threads, project
from biodata.harmonise.area_borders import outside_band_km2, valid
from biodata.harmonise.area_cleaning import ground
from biodata.harmonise.area_cleaning.cleaning import Cleaned
from biodata.harmonise.area_cleaning.steps import identity, to_degrees, to_plane
from biodata.places import BoundarySet, country_geometry

# Ground that a coarse coast puts into the sea: of sites that do not say whether they are marine.

MOSTLY: Final = 0.5
"""A site with this share of its ground on land is one of the land, where it does not say so itself."""


def maps_disagree(
    pieces: Geometries, on_land_km2: Floats, sites: list[Any], realms: list[str | None], land: Geometries, band_m: float
) -> NDArray[np.bool_]:
    """Tell of which pieces the part off every land is a disagreement about the coast and no sea.

    Parameters
    ----------
    pieces : ndarray of n shapely polygons
        Ground of sites on `steps.PLANE`.
    on_land_km2 : ndarray of float64, length n
        How much of each lies on land.
    sites : list of n
        Whose each is.
    realms : list of n str or None
        What its site says: terrestrial, coastal, marine.
    land : ndarray of m shapely polygons
        Of every country, on the same plane.
    band_m : float
        Within so many metres of a coast two maps may disagree.

    Returns
    -------
    ndarray of bool, length n
        True where the site says nothing, most of its ground lies on land, and no place of the part off land is farther
        from it than the band.
    """
    whole = shapely.area(pieces) / 1e6
    found = np.zeros(len(pieces), dtype=np.bool_)
    _, owner = np.unique(np.array([str(site) for site in sites], dtype=object), return_inverse=True)
    on_land = np.bincount(owner, on_land_km2) >= MOSTLY * np.bincount(owner, whole)
    silent = np.array([realm is None for realm in realms], dtype=np.bool_)
    boxes = shapely.bounds(land)
    for at in np.flatnonzero(silent & on_land[owner] & (whole - on_land_km2 > 1e-9)):
        west, south, east, north = shapely.bounds(pieces[at])
        # Twice the band: the plane stretches by as much as it shrinks across.
        reach = (west - 2 * band_m, south - 2 * band_m, east + 2 * band_m, north + 2 * band_m)
        near = (boxes[:, 0] < reach[2]) & (boxes[:, 2] > reach[0]) & (boxes[:, 1] < reach[3]) & (boxes[:, 3] > reach[1])
        ground = shapely.union_all(valid(shapely.clip_by_rect(land[near], *reach)))
        found[at] = _within(shapely.difference(pieces[at], ground), ground, band_m)
    return found


def _within(off: Any, ground: Any, band_m: float) -> bool:
    """Return whether no place of what lies off land is farther from it than so many metres."""
    both = to_degrees(np.array([off, ground], dtype=object))
    if shapely.is_empty(both).any():
        return False
    flat_off, flat_ground = project(both, 4326, equal_area_crs(shapely.bounds(both[0])))
    shapely.prepare(flat_ground)
    corners = shapely.points(shapely.get_coordinates(shapely.segmentize(flat_off, band_m / 4)))
    if not shapely.dwithin(flat_ground, corners, band_m).all():
        return False
    # A bay may be all coast and still be wide in its middle.
    return bool(shapely.is_empty(shapely.buffer(flat_off, -band_m)))


_COUNTRIES: Final = pl.Schema(
    {
        "country_code": pl.String, "kind": pl.String, "realm": pl.String, "sites": pl.Int64, "km2": pl.Float64,
        "share_of_land": pl.Float64, "border_disagreement_km2": pl.Float64, "elsewhere_km2": pl.Float64,
        "coast_disagreement_km2": pl.Float64,
    }
)  # fmt: skip
_NOISE_KM2: Final = 1e-9
DISPUTED: Final = "disputed"
"""In place of a code: land that the boundary set gives to no side."""


_STRETCH: Final = 2.0
"""The plane is stretched, one way or the other, by less than this below 64° of latitude; the set ends before."""

_Found = tuple[str, int, Any, float]

GROUND: Final = pl.Schema(
    {
        "country_code": pl.String, "kind": pl.String, "realm": pl.String, "site": pl.String,
        "geometry_kind": pl.String, "status": pl.String, "status_year": pl.Int32, "km2": pl.Float64,
        "geometry": pl.Binary,
    }
)  # fmt: skip
"""Ground that is counted for a country, no ground twice; `geometry` as WKB on `steps.PLANE`."""


class _Line(NamedTuple):
    """One part of a piece, or what of it lies off every land: in `km2` if it is counted, else in one of the others."""

    country_code: str | None
    kind: str
    realm: str
    site: str | None
    km2: float
    border_disagreement_km2: float
    elsewhere_km2: float
    coast_disagreement_km2: float
    piece: int
    part: Any


class _Pieces(NamedTuple):
    """Ground of one kind of one row of `coverage`."""

    row: NDArray[np.int64]
    kind: NDArray[np.str_]
    shapes: Geometries


def coverage_by_country(cleaned: Cleaned, boundaries: BoundarySet) -> pl.DataFrame:
    """Return how much of each country is covered.

    Parameters
    ----------
    cleaned : Cleaned
        What `cleaning.clean` returned.
    boundaries : BoundarySet
        Whose land.

    Returns
    -------
    polars.DataFrame, one row a country, kind and realm
        `country_code`: ISO 3166-1 alpha-2; `disputed` for land that belongs to no side; at sea the stated countries,
        joined by `;`; null where none is stated. `kind`: protected_area, or oecm for ground that no protected area
        holds too. `realm`: terrestrial or marine. `sites` with ground in `km2`; `share_of_land` (0-1).
        Counted apart, so that the sum of these and of `km2` is all of `coverage`: `border_disagreement_km2`, ground of
        sites that state another country, inside the band around that one's land; `elsewhere_km2`, beyond the band;
        `coast_disagreement_km2`, ground off every land of sites said to be terrestrial, or on land of marine ones; and of
        sites that say nothing and lie mostly on land, what is off it and inside the band of the coast.
    """
    codes, land = _land(boundaries)
    return _summed(
        _lines(cleaned, _pieces(cleaned), boundaries), dict(zip(codes, shapely.area(land) / 1e6, strict=True))
    )


def ground_by_country(cleaned: Cleaned, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the ground that `coverage_by_country` counts in `km2`, piece by piece, for overlays with other layers.

    Parameters
    ----------
    cleaned : Cleaned
        What `cleaning.clean` returned.
    boundaries : BoundarySet
        Whose land; what spills over a border is cut off, inside its band or beyond it.

    Returns
    -------
    polars.DataFrame of GROUND
        `geometry_kind` is circle where a point was given its reported area; `status` and `status_year` are the site's.
    """
    pieces = _pieces(cleaned)
    lines = _lines(cleaned, pieces, boundaries)
    on_land = grouped((line.piece, line.part) for line in lines if line.part is not None)
    counted = [line for line in lines if line.site is not None]
    shapes = [
        shapely.difference(pieces.shapes[line.piece], shapely.union_all(on_land.get(line.piece, [])))
        if line.part is None
        else line.part
        for line in counted
    ]
    rows = pieces.row[[line.piece for line in counted]]
    return pl.DataFrame(
        {
            **{name: [getattr(line, name) for line in counted] for name in ("country_code", "kind", "realm", "site")},
            **{name: cleaned.coverage[name][rows] for name in ("geometry_kind", "status", "status_year")},
            "km2": [line.km2 for line in counted],
            "geometry": list(shapely.to_wkb(ground.only_polygons(np.array(shapes, dtype=object)))),
        },
        schema_overrides=dict(GROUND),
    ).select(GROUND.names())


def _lines(cleaned: Cleaned, pieces: _Pieces, boundaries: BoundarySet) -> list[_Line]:
    """Return what every piece gives to which country."""
    coverage = cleaned.coverage
    stated: list[list[str]] = [codes or [] for codes in coverage["country_codes"].to_list()]
    realms, sites = coverage["marine"].to_list(), coverage["part_of"].to_list()
    whole_km2 = shapely.area(pieces.shapes) / 1e6
    on_land = np.zeros(len(whole_km2))
    lines: list[_Line] = []
    found = _on_land(pieces.shapes, *_land(boundaries))
    beyond = _beyond_band(found, [stated[row] for row in pieces.row], boundaries)
    for (code, piece, part, km2), far in zip(found, beyond, strict=True):
        on_land[piece] += km2
        row, kind = pieces.row[piece], str(pieces.kind[piece])
        if far is not None:
            lines.append(_Line(code, kind, "terrestrial", None, 0.0, km2 - far, far, 0.0, piece, part))
        elif realms[row] == "marine":
            lines.append(_Line(code, kind, "marine", None, 0.0, 0.0, 0.0, km2, piece, part))
        else:
            lines.append(_Line(code, kind, "terrestrial", sites[row], km2, 0.0, 0.0, 0.0, piece, part))
    of_piece = [sites[row] for row in pieces.row], [realms[row] for row in pieces.row]
    disagree = maps_disagree(pieces.shapes, on_land, *of_piece, _land(boundaries)[1], boundaries.band_m)
    for piece in np.flatnonzero(whole_km2 - on_land > _NOISE_KM2).tolist():
        row, km2 = pieces.row[piece], float(whole_km2[piece] - on_land[piece])
        holders, kind = ";".join(sorted(stated[row])) or None, str(pieces.kind[piece])
        if realms[row] == "terrestrial" or disagree[piece]:
            lines.append(_Line(holders, kind, "terrestrial", None, 0.0, 0.0, 0.0, km2, piece, None))
        else:
            lines.append(_Line(holders, kind, "marine", sites[row], km2, 0.0, 0.0, 0.0, piece, None))
    return lines


def _summed(lines: list[_Line], land_km2: dict[str, float]) -> pl.DataFrame:
    """Sum the pieces by country, kind and realm."""
    names = ["country_code", "kind", "realm", "site", "km2", "border_disagreement_km2", "elsewhere_km2"]
    names.append("coast_disagreement_km2")
    types = [pl.String] * 4 + [pl.Float64] * 4
    frame = pl.DataFrame([line[:8] for line in lines], schema=dict(zip(names, types, strict=True)), orient="row")
    summed = frame.group_by("country_code", "kind", "realm").agg(
        pl.col("site").drop_nulls().n_unique().cast(pl.Int64).alias("sites"), pl.col(names[4:]).sum()
    )
    area = pl.col("country_code").replace_strict(land_km2, default=None, return_dtype=pl.Float64)
    share = pl.when(pl.col("realm") == "terrestrial").then(pl.col("km2") / area)
    return summed.with_columns(share_of_land=share).select(_COUNTRIES.names()).sort("country_code", "kind", "realm")


def _pieces(cleaned: Cleaned) -> _Pieces:
    """Return the ground of each row; of an OECM, what protected areas hold too is theirs."""
    shapes = shapely.from_wkb(cleaned.coverage["geometry"].to_numpy())
    oecm = cleaned.coverage["is_oecm"].fill_null(value=False).to_numpy()
    kind = np.where(oecm, "oecm", "protected_area")
    place = {name: at for at, name in enumerate(cleaned.coverage["area_id"])}
    rows = np.array([place[name] for name in cleaned.shared["area_id"]], dtype=np.int64)
    shared = shapely.from_wkb(cleaned.shared["geometry"].to_numpy())
    shapes = np.asarray(shapes, dtype=object)
    shapes[rows] = shapely.difference(shapes[rows], shared)
    return _Pieces(
        np.concatenate([np.arange(len(shapes)), rows]),
        np.concatenate([kind, np.full(len(rows), "protected_area")]),
        np.concatenate([shapes, np.asarray(shared, dtype=object)]),
    )


@lru_cache(maxsize=4)
def _land(boundaries: BoundarySet) -> tuple[list[str], Geometries]:
    """Return the countries' codes and land on the plane; land of no side last."""
    codes = [code for code in boundaries.countries if code is not None]
    shapes = [country_geometry(code, boundaries) for code in codes]
    sideless = boundaries.shapes[boundaries.units["country_code"].is_null().to_numpy()]
    if len(sideless):
        codes, shapes = [*codes, DISPUTED], [*shapes, shapely.union_all(sideless)]
    return codes, valid(to_plane(np.array(shapes, dtype=object)))


def _on_land(shapes: Geometries, codes: list[str], land: Geometries) -> list[_Found]:
    """Return country, piece, the part of the piece on the country's land, and its area, km²."""
    found: list[_Found] = []
    tree = shapely.STRtree(shapes)
    for code, country in zip(codes, land, strict=True):
        meets = np.sort(tree.query(country, predicate="intersects"))
        inside = np.isin(meets, tree.query(country, predicate="contains"))
        parts = shapes[meets].copy()
        crossing = np.flatnonzero(~inside)
        near = np.array([_near(country, box) for box in shapely.bounds(parts[crossing])], dtype=object)
        if len(crossing):
            parts[crossing] = in_threads(shapely.intersection, parts[crossing], near)
        areas: Floats = shapely.area(parts) / 1e6
        found += [
            (code, int(piece), part, float(km2))
            for piece, part, km2 in zip(meets, parts, areas, strict=True)
            if km2 > _NOISE_KM2
        ]
    return found


def _beyond_band(found: list[_Found], stated: list[list[str]], boundaries: BoundarySet) -> list[float | None]:
    """Return how much of each part on land of a country that its site does not state lies beyond the band, km².

    None for parts on land of a country that the site states, and of sites that state none.
    """
    result: list[float | None] = [None] * len(found)
    codes, land = _land(boundaries)
    owned = ((at, code, tuple(stated[piece])) for at, (code, piece, _, _) in enumerate(found))
    by_own = grouped((own, at) for at, code, own in owned if own and code not in own and code != DISPUTED)
    for holders, places in by_own.items():
        home = shapely.union_all(land[[codes.index(code) for code in holders if code in codes]])
        shapely.prepare(home)
        parts = np.array([found[at][2] for at in places], dtype=object)
        # The plane stretches by as much as it shrinks across; what is that far on it is beyond the band on the ground.
        near = shapely.dwithin(home, parts, boundaries.band_m * _STRETCH)
        for at, part, is_near in zip(places, parts, near, strict=True):
            km2 = found[at][3]
            result[at] = min(km2, outside_band_km2(_degrees(part), list(holders), boundaries)) if is_near else km2
    return result


def _degrees(part: Any) -> Any:
    """Return one shape of the plane in degrees, valid."""
    return valid(to_degrees(np.array([part], dtype=object)))[0]


def _near(country: Any, box: NDArray[np.float64]) -> Any:
    """Return the part of a country's land in a box."""
    return valid(np.array([shapely.clip_by_rect(country, *box)], dtype=object))[0]


def not_mapped_by_country(not_mapped: pl.DataFrame) -> pl.DataFrame:
    """Return how many sites cannot be drawn, by country, level and reason, with the areas that they claim.

    Parameters
    ----------
    not_mapped : polars.DataFrame
        As `cleaning.Cleaned` has it.

    Returns
    -------
    polars.DataFrame, one row a country, level and reason
        `sites`, `rows`, `claimed_km2` (the reported area, else the legal one; of a site stated as a whole and in zones the
        whole's, of one stated in parts their sum, of a repeated row once), `without_area` (sites that claim none).
    """
    keys = ["country_code", "level", "reason"]
    rows = not_mapped.select(
        "part_of",
        "level",
        "reason",
        country_code=pl.col("country_codes").list.sort().list.join(";").replace("", None),
        identity=identity(not_mapped),
        whole=pl.col("zone").is_null(),
        claimed=pl.coalesce("reported_area_km2", "legal_area_km2"),
    )
    once = rows.group_by(*keys, "part_of", "identity", "whole").agg(pl.col("claimed").max(), rows=pl.len())
    parts = once.group_by(*keys, "part_of", "whole").agg(
        claimed=pl.when(pl.col("claimed").count() > 0).then(pl.col("claimed").sum()), rows=pl.col("rows").sum()
    )
    sites = parts.group_by(*keys, "part_of").agg(
        claimed=pl.coalesce(pl.col("claimed").filter("whole").max(), pl.col("claimed").filter(~pl.col("whole")).max()),
        rows=pl.col("rows").sum(),
    )
    return (
        sites.group_by(keys)
        .agg(
            sites=pl.len().cast(pl.Int64),
            rows=pl.col("rows").sum().cast(pl.Int64),
            claimed_km2=pl.col("claimed").sum(),
            without_area=pl.col("claimed").is_null().sum().cast(pl.Int64),
        )
        .sort(keys)
    )
