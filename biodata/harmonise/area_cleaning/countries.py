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

from biodata.geo import Floats, Geometries
from biodata.harmonise.area_borders import outside_band_km2
from biodata.harmonise.area_cleaning.cleaning import Cleaned
from biodata.harmonise.area_cleaning.erasing import in_threads
from biodata.harmonise.area_cleaning.plane import to_degrees, to_plane
from biodata.places import BoundarySet, country_geometry

_COUNTRIES: Final = pl.Schema(
    {
        "country_code": pl.String,
        "kind": pl.String,
        "realm": pl.String,
        "sites": pl.Int64,
        "km2": pl.Float64,
        "share_of_land": pl.Float64,
        "border_disagreement_km2": pl.Float64,
        "elsewhere_km2": pl.Float64,
        "coast_disagreement_km2": pl.Float64,
    }
)
_NOISE_KM2: Final = 1e-9
DISPUTED: Final = "disputed"
"""In place of a code: land that the boundary set gives to no side."""


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
        `coast_disagreement_km2`, ground off every land of sites said to be terrestrial, or on land of marine ones.
    """
    coverage, pieces = cleaned.coverage, _pieces(cleaned)
    stated: list[list[str]] = [codes or [] for codes in coverage["country_codes"].to_list()]
    realms, sites = coverage["marine"].to_list(), coverage["part_of"].to_list()
    whole_km2 = shapely.area(pieces.shapes) / 1e6
    on_land = np.zeros(len(whole_km2))
    lines: list[tuple[Any, ...]] = []
    codes, land = _land(boundaries)
    for code, piece, part, km2 in _on_land(pieces.shapes, codes, land):
        on_land[piece] += km2
        row, kind = pieces.row[piece], str(pieces.kind[piece])
        own = stated[row]
        if own and code not in own and code != DISPUTED:
            beyond = min(km2, outside_band_km2(to_degrees(np.array([part], dtype=object))[0], own, boundaries))
            lines.append((code, kind, "terrestrial", None, 0.0, km2 - beyond, beyond, 0.0))
        elif realms[row] == "marine":
            lines.append((code, kind, "marine", None, 0.0, 0.0, 0.0, km2))
        else:
            lines.append((code, kind, "terrestrial", sites[row], km2, 0.0, 0.0, 0.0))
    for piece in np.flatnonzero(whole_km2 - on_land > _NOISE_KM2).tolist():
        row, km2 = pieces.row[piece], float(whole_km2[piece] - on_land[piece])
        holders, kind = ";".join(sorted(stated[row])) or None, str(pieces.kind[piece])
        if realms[row] == "terrestrial":
            lines.append((holders, kind, "terrestrial", None, 0.0, 0.0, 0.0, km2))
        else:
            lines.append((holders, kind, "marine", sites[row], km2, 0.0, 0.0, 0.0))
    return _summed(lines, dict(zip(codes, shapely.area(land) / 1e6, strict=True)))


def _summed(lines: list[tuple[Any, ...]], land_km2: dict[str, float]) -> pl.DataFrame:
    """Sum the pieces by country, kind and realm."""
    names = ["country_code", "kind", "realm", "site", "km2", "border_disagreement_km2", "elsewhere_km2"]
    names.append("coast_disagreement_km2")
    types = [pl.String] * 4 + [pl.Float64] * 4
    frame = pl.DataFrame(lines, schema=dict(zip(names, types, strict=True)), orient="row")
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
    flat = to_plane(np.array(shapes, dtype=object))
    return codes, np.array(
        [
            shape if shape.is_valid else shapely.make_valid(shape, method="structure", keep_collapsed=False)
            for shape in flat
        ],
        dtype=object,
    )


def _on_land(shapes: Geometries, codes: list[str], land: Geometries) -> list[tuple[str, int, Any, float]]:
    """Return country, piece, the part of the piece on the country's land, and its area, km²."""
    found: list[tuple[str, int, Any, float]] = []
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


def _near(country: Any, box: NDArray[np.float64]) -> Any:
    """Return the part of a country's land in a box."""
    part = shapely.clip_by_rect(country, *box)
    return part if shapely.is_valid(part) else shapely.make_valid(part, method="structure", keep_collapsed=False)


def not_mapped_by_country(not_mapped: pl.DataFrame) -> pl.DataFrame:
    """Return how many sites cannot be drawn, by country, level and reason, with the areas that they claim, km²."""
    return (
        not_mapped.with_columns(
            country_code=pl.col("country_codes").list.sort().list.join(";").replace("", None),
            claimed=pl.coalesce("reported_area_km2", "legal_area_km2"),
        )
        .group_by("country_code", "level", "reason")
        .agg(
            sites=pl.col("part_of").n_unique(),
            rows=pl.len(),
            claimed_km2=pl.col("claimed").sum(),
            without_area=pl.col("claimed").is_null().sum(),
        )
        .sort("country_code", "level", "reason")
    )
