"""The land borders of a boundary set as barriers."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from biodata import geo, places
from biodata.analysis.grid import Grid
from biodata.analysis.scenarios.barriers import CLOSED, Barrier

if TYPE_CHECKING:
    from biodata.places import BoundarySet

_SEGMENT_DEGREES = 0.02


def border_barriers(
    grid: Grid,
    boundaries: "BoundarySet",
    *,
    between: Collection[frozenset[str]] | None = None,
    resistance: float = CLOSED,
) -> list[Barrier]:
    """Return the borders inside a raster's window as barriers, one for each pair of countries.

    Parameters
    ----------
    grid : Grid
    boundaries : BoundarySet
        Whose lines; a disputed or uncoded unit has ? for a code.
    between : collection of frozenset of two str, optional
        Pairs of country codes whose border is closed; all where it is not given.
    resistance : float
        Cost of a metre on the line; `CLOSED` where nothing passes.

    Returns
    -------
    list of Barrier
        By their ids, as "border CN-LA"; empty where no border runs through the window.
    """
    edges = boundaries.border_edges
    outline = geo.project(shapely.segmentize(shapely.box(*grid.bounds), 20 * grid.cell_m), grid.crs, 4326)
    west, south, east, north = shapely.bounds(outline)
    ends = edges.ends
    near = (np.maximum(ends[:, 0], ends[:, 2]) >= west) & (np.minimum(ends[:, 0], ends[:, 2]) <= east)
    near &= (np.maximum(ends[:, 1], ends[:, 3]) >= south) & (np.minimum(ends[:, 1], ends[:, 3]) <= north)
    codes = np.array([code or "?" for code in boundaries.countries], dtype=object)[boundaries.country_of]
    pieces: dict[frozenset[str], list[shapely.Geometry]] = {}
    for at in np.flatnonzero(near):
        pair = frozenset((codes[edges.left[at]], codes[edges.right[at]]))
        if between is None or pair in between:
            pieces.setdefault(pair, []).append(shapely.LineString(ends[at].reshape(2, 2)))
    window = shapely.box(*grid.bounds)
    found = []
    for pair, lines in sorted(pieces.items(), key=lambda item: sorted(item[0])):
        line = shapely.segmentize(shapely.line_merge(shapely.union_all(lines)), _SEGMENT_DEGREES)
        line = geo.project(line, 4326, grid.crs)
        if shapely.intersects(line, window):
            found.append(Barrier(f"border {'-'.join(sorted(pair))}", "border", line, resistance))
    return found


def with_countries(areas: gpd.GeoDataFrame, boundaries: "BoundarySet") -> gpd.GeoDataFrame:
    """Return areas with the country that a place inside each lies in, in the column country_codes.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `dividing.divided` cuts them: none lies on both sides of a border that is closed.
    boundaries : BoundarySet
        A place at sea or in a disputed unit has no country.

    Returns
    -------
    geopandas.GeoDataFrame
        With country_codes, tuples of no or one code.
    """
    inside = shapely.get_coordinates(
        geo.project(shapely.point_on_surface(areas.geometry.to_numpy()), areas.crs or 4326, 4326)
    )
    codes = places.locate(inside[:, 0], inside[:, 1], boundaries)["located_country_code"].to_list()
    found = np.empty(len(codes), dtype=object)
    found[:] = [() if code is None else (code,) for code in codes]
    return areas.assign(country_codes=found)
