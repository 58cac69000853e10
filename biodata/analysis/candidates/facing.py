"""Which areas of different countries are looked at together: those that face each other or have a corridor."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.areas import differ

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facing:
    """Two areas that are looked at together: how far apart, and the corridor between them if one was sought."""

    distance_m: float
    corridor: dict[str, Any] | None

    @property
    def functional(self) -> bool | None:
        """Whether a corridor joins them; None where none was sought."""
        return None if self.corridor is None else bool(self.corridor["functional"])


def pairs(table: gpd.GeoDataFrame, corridors: pl.DataFrame, *, distance_m: float) -> dict[Pair, Facing]:
    """Return the pairs of areas of different countries that face each other or between which a corridor was sought.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Columns area_id, country_codes; degrees, WGS 84.
    corridors : polars.DataFrame of terms.CORRIDOR
    distance_m : float
        Areas whose edges lie this near face each other, metres.

    Returns
    -------
    dict of (str, str) to Facing
        By the two area ids, the lower first.
    """
    if table.empty:
        return {}
    found: dict[Pair, Facing] = {}
    ids, codes = table["area_id"].to_list(), dict(zip(table["area_id"], table["country_codes"], strict=True))
    for row in corridors.iter_rows(named=True):
        first, second = sorted((row["from_area_id"], row["to_area_id"]))
        if first in codes and second in codes and differ(codes[first], codes[second]):
            found[first, second] = Facing(row["euclidean_m"], row)
    west, south, east, north = (float(v) for v in table.total_bounds)
    crs = geo.equal_area_crs((west, south, east, north))
    shapes = geo.project(table.geometry.to_numpy(), 4326, crs)
    # The system stretches distances far from its middle by a few percent: take more, then measure on the ellipsoid.
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=distance_m * 1.2)
    for i, j in near.T[near[0] < near[1]]:
        first, second = sorted((ids[i], ids[j]))
        if (first, second) in found or not differ(codes[first], codes[second]):
            continue
        line = geo.project(shapely.get_coordinates(shapely.shortest_line(shapes[i], shapes[j])), crs, 4326)
        apart_m = float(geo.geodesic_distance_m(*line[0], *line[1]))
        if apart_m <= distance_m:
            found[first, second] = Facing(apart_m, None)
    return dict(sorted(found.items()))


def triples(linked: list[Pair]) -> list[tuple[str, str, str]]:
    """Return the triples of areas in which every two are such a pair, so that their countries are three."""
    beside: dict[str, set[str]] = {}
    for first, second in linked:
        beside.setdefault(first, set()).add(second)
        beside.setdefault(second, set()).add(first)
    return [
        (first, second, third)
        for first, second in linked
        for third in sorted(beside[first] & beside[second])
        if third > second
    ]
