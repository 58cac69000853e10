"""Protected ground on a plane: the union of areas by class.

What a polygon shares with layers is overlaid only where their edges cross: a site inside a range, or a range inside a
country, counts with its whole area. An overlay looks at the part of the polygon around the layer alone.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.core import geo
from biodata.core.geo import Floats, Geometries, area_km2, equal_area_crs, in_threads, project

PLANE: Final = "EPSG:6933"
"""WGS 84 / NSIDC EASE-Grid 2.0 Global; areas on it are those of the ellipsoid."""

_LONGEST_DEGREES: Final = 0.05
"""An edge is straight in degrees; projected by its ends alone one of this length strays by less than half a metre."""


Longs = NDArray[np.int64]
IN_FORCE: Final = "in force"
WITH_PROPOSED: Final = "with proposed"
AMOUNTS: Final = pl.Schema(
    {
        "feature": pl.Int64, "what": pl.String, "country_code": pl.String, "kind": pl.String, "realm": pl.String,
        "circle": pl.Boolean, "undated": pl.Boolean, "km2": pl.Float64,
    }
)  # fmt: skip
"""How much of a feature (its number) lies on a country's land, in its protected ground, or anywhere: `what` is one of
land, inner (the land that is farther than the band from every border of countries), protected, all. Of protected ground: `kind` is protected_area or oecm; `circle` is True where a point was given its
reported area, `undated` where the site tells no year."""
_LONGEST_M: Final = 5_000.0
_GROUND_KEY: Final = ("country_code", "kind", "realm", "circle", "undated")


def to_plane(shapes: Geometries) -> Geometries:
    """Return polygons (degrees, WGS 84) as valid polygons on the plane, metres; what is no polygon becomes empty."""
    found = polygonal(np.asarray(shapes, dtype=object))
    coordinates, index = shapely.get_coordinates(found, return_index=True)
    steps = np.abs(np.diff(coordinates, axis=0)).max(axis=1, initial=0.0)
    long = np.unique(index[1:][(index[1:] == index[:-1]) & (steps > _LONGEST_DEGREES)])
    found[long] = geo.densify(found[long], max_segment_degrees=_LONGEST_DEGREES)
    return polygonal(np.asarray(geo.project(found, 4326, PLANE), dtype=object))


def shared_km2(features: Geometries, layers: Geometries, key: Longs, *, keys: int) -> Floats:
    """Return how much of each feature lies in the layers of each key.

    Parameters
    ----------
    features : ndarray of n shapely polygons
        On an equal-area plane, metres, valid; an empty one shares nothing.
    layers : ndarray of m shapely polygons
        On the same plane, valid; those of one key do not overlap.
    key : ndarray of int64, length m
        0 … keys - 1.
    keys : int
        How many keys there are.

    Returns
    -------
    ndarray of float64, (n, keys)
        Square kilometres.
    """
    result = np.zeros((len(features), keys))
    some = np.flatnonzero(~(shapely.is_missing(features) | shapely.is_empty(features)))
    if not len(some) or not len(layers):
        return result
    shapely.prepare(features)
    shapely.prepare(layers)
    at, layer = shapely.STRtree(layers).query(features[some], predicate="intersects")
    feature = some[at]
    held = shapely.contains_properly(features[feature], layers[layer])
    holds = shapely.contains_properly(layers[layer], features[feature])
    area = np.where(held, shapely.area(layers)[layer], np.where(holds, shapely.area(features)[feature], 0.0))
    crossing = np.flatnonzero(~(held | holds))
    parts = layers[layer[crossing]]
    area[crossing] = shapely.area(in_threads(shapely.intersection, _near(features[feature[crossing]], parts), parts))
    np.add.at(result, (feature, key[layer]), area)
    return result / 1e6


def _near(shapes: Geometries, others: Geometries) -> Geometries:
    """Return what of each shape lies in the box of another: overlays take as long as their shapes have corners."""
    boxes = shapely.bounds(others)
    near = np.array([shapely.clip_by_rect(shape, *box) for shape, box in zip(shapes, boxes, strict=True)], dtype=object)
    return np.where(shapely.is_valid(near), near, shapes)


@dataclass(frozen=True, slots=True, eq=False)
class Protected:
    """What was protected at a date.

    Attributes
    ----------
    scenario : str
        IN_FORCE or WITH_PROPOSED.
    as_of : date
        Sites of later years are left out; those that state no year are kept and distinguished.
    ground : polars.DataFrame
        country_code, kind, realm, site, geometry_kind, status_year, km2, and geometry as WKB on `plane.PLANE`, as
        `harmonise.area_cleaning` tells it of each country: no ground twice, and nothing beyond the border of a country
        that the site states.
    apart : polars.DataFrame
        By country_code, kind and realm: border_disagreement_km2, elsewhere_km2 and coast_disagreement_km2, which are
        counted for nobody.
    not_mapped : polars.DataFrame
        By country_code: sites, claimed_km2, without_area, of sites of this date and choice that nobody can draw.
    facts : dict
        Source and version of the areas, statuses, boundary set, its version, viewpoint and band, as plain values.
    """

    scenario: str
    as_of: date
    ground: pl.DataFrame
    apart: pl.DataFrame
    not_mapped: pl.DataFrame
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Land of countries and protected ground, to be measured inside features.

    Attributes
    ----------
    shapes : ndarray of n shapely polygons
        On `plane.PLANE`.
    key : ndarray of int64, length n
        Row of `keys`.
    keys : polars.DataFrame
        The columns of AMOUNTS without `feature` and `km2`.
    """

    shapes: Geometries
    key: Longs
    keys: pl.DataFrame


def layers_of(protected: Protected, countries: list[str], boundaries: places.BoundarySet) -> Layers:
    """Return the land of countries, and the ground that is protected in them and at sea by them.

    Parameters
    ----------
    protected : Protected
    countries : list of str
        ISO 3166-1 alpha-2 codes.
    boundaries : BoundarySet
    """
    land = to_plane(np.array([places.country_geometry(code, boundaries) for code in countries], dtype=object))
    inner = shapely.difference(land, _band(tuple(countries), boundaries))
    ground = keyed_ground(protected, countries)
    keys = ground.select(_GROUND_KEY).unique(maintain_order=True).with_row_index("key", offset=2 * len(countries))
    at = ground.join(keys, on=_GROUND_KEY, how="left", nulls_equal=True, maintain_order="left")["key"]
    table = pl.concat(
        [
            *(
                pl.DataFrame({"what": what, "country_code": countries}, schema_overrides={"country_code": pl.String})
                for what in ("land", "inner")
            ),
            keys.select(pl.lit("protected").alias("what"), *_GROUND_KEY),
        ],
        how="diagonal",
    )
    shapes = [*land, *inner, *shapely.from_wkb(ground["geometry"].to_numpy())]
    key = np.concatenate([np.arange(2 * len(countries)), at.to_numpy().astype(np.int64)])
    return Layers(np.array(shapes, dtype=object), key.astype(np.int64), table)


@lru_cache(maxsize=4)
def _band(countries: tuple[str, ...], boundaries: places.BoundarySet) -> shapely.Geometry:
    """Return what lies within the boundary set's band of the land borders of countries, on the plane.

    Drawn on a plane around all of them; at 2,000 km from its middle the band is a hundredth too wide or too narrow.
    """
    edges, codes = boundaries.border_edges, np.array(boundaries.countries, dtype=object)
    sides = codes[boundaries.country_of[edges.left]], codes[boundaries.country_of[edges.right]]
    ends = edges.ends[np.isin(sides[0], countries) | np.isin(sides[1], countries)]
    if not len(ends) or boundaries.band_m <= 0:
        return shapely.Polygon()
    lines = shapely.multilinestrings(list(ends.reshape(-1, 2, 2)))
    crs = equal_area_crs(shapely.bounds(lines))
    zone = shapely.buffer(shapely.line_merge(project(lines, 4326, crs)), boundaries.band_m, quad_segs=4)
    zone = shapely.segmentize(zone, _LONGEST_M)
    band: shapely.Geometry = to_plane(np.array([project(zone, crs, 4326)], dtype=object))[0]
    return band


def keyed_ground(protected: Protected, countries: list[str]) -> pl.DataFrame:
    """Return the ground of countries, at sea that of sites which state one of them alone, with the columns of AMOUNTS."""
    return protected.ground.filter(pl.col("country_code").is_in(countries)).with_columns(
        circle=pl.col("geometry_kind") == "circle", undated=pl.col("status_year").is_null()
    )


def amounts(features: Geometries, layers: Layers) -> pl.DataFrame:
    """Return what each feature shares with layers.

    Parameters
    ----------
    features : ndarray of n shapely polygons
        On `plane.PLANE`, valid.
    layers : Layers

    Returns
    -------
    polars.DataFrame of AMOUNTS
        One row a feature and key of which it holds more than a square metre, and one a feature of what it is in `all`.
    """
    found = shared_km2(features, layers.shapes, layers.key, keys=layers.keys.height)
    feature, key = np.nonzero(found > 1e-6)
    rows = layers.keys[key].with_columns(
        feature=pl.Series(feature, dtype=pl.Int64), km2=pl.Series(found[feature, key], dtype=pl.Float64)
    )
    whole = pl.DataFrame(
        {"feature": np.arange(len(features)), "what": "all", "km2": shapely.area(features) / 1e6},
        schema_overrides={"feature": pl.Int64, "km2": pl.Float64},
    )
    return pl.concat([whole, rows], how="diagonal_relaxed").select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in AMOUNTS.items()
    )


def land_km2(code: str, boundaries: places.BoundarySet) -> float:
    """Return a country's land on the ellipsoid, km², as the boundary set draws it."""
    return float(area_km2([places.country_geometry(code, boundaries)])[0])
