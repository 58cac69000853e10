"""Areas that a barrier divides, taken as their parts.

A search starts from all cells of an area at once. An area that lies on both sides of a fence would so be a gate in it,
and two areas that touch along a closed border would stay joined at no cost. So the barriers' cells belong to no area,
whether the border is open or closed, and what they divide is two areas.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis.grid import Grid

SMALLEST_SHARE = 0.01
"""A part smaller than this share of its area is no area of its own: two maps of one line differ by as much."""


def divided(areas: gpd.GeoDataFrame, barred: NDArray[np.bool_], grid: Grid) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Cut areas along barriers.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `own_areas.on_plane` returns them, in the grid's own system.
    barred : ndarray of bool, grid.shape
        The barriers' cells.
    grid : Grid

    Returns
    -------
    areas : geopandas.GeoDataFrame
        The same columns and whole_id, the id of the area that a part is of; parts are called `id|1`, `id|2` and so on,
        by falling size.
    notes : list of str
        Which areas were divided, and what was too small to stay.
    """
    from rasterio.features import shapes as outlines

    squares = [
        shapely.geometry.shape(shape)
        for shape, _ in outlines(barred.astype(np.uint8), mask=barred, transform=grid.transform)
    ]
    tree = shapely.STRtree(squares)
    rows, notes = [], []
    for position, shape in enumerate(areas.geometry):
        told: dict[str, Any] = {name: areas[name].iloc[position] for name in areas.columns}
        area_id = str(told["area_id"])
        told["whole_id"] = area_id
        touched = tree.query(shape, predicate="intersects")
        if not touched.size:
            rows.append(told)
            continue
        first, others, lost = _parts(shape, shapely.union_all([squares[at] for at in touched]), grid)
        if lost > 0.0005:
            notes.append(f"{area_id}: {lost:.1%} of it lies on barriers or in pieces too small to stay")
        if not others:
            rows.append(told | {"geometry": first})
            continue
        notes.append(f"{area_id}: a barrier divides it into {1 + len(others)} parts, which are areas of their own")
        for number, part in enumerate([first, *others], start=1):
            names = {"area_id": f"{area_id}|{number}", "name": f"{told['name']} (part {number})"}
            rows.append(told | names | {"geometry": part})
    return gpd.GeoDataFrame(rows, columns=[*areas.columns, "whole_id"], geometry="geometry", crs=areas.crs), notes


def _parts(
    shape: shapely.Geometry, wall: shapely.Geometry, grid: Grid
) -> tuple[shapely.Geometry, list[shapely.Geometry], float]:
    """Return the first part, the others by falling size, and the share of the area that is in none.

    The first part holds the largest piece of every piece that the area had before: those are not the barrier's doing.
    """
    first: list[shapely.Geometry] = []
    others: list[shapely.Geometry] = []
    whole = float(shapely.area(shape))
    smallest = max(SMALLEST_SHARE * whole, grid.cell_m**2)
    for piece in shapely.get_parts(shape):
        found = shapely.get_parts(shapely.difference(piece, wall))
        left = sorted(found[shapely.get_dimensions(found) == 2], key=_falling)
        first += left[:1]
        others += [part for part in left[1:] if shapely.area(part) >= smallest]
    kept = shapely.union_all(first) if first else shapely.Polygon()
    others.sort(key=_falling)
    lost = 1 - float(shapely.area([kept, *others]).sum()) / whole if whole else 0.0
    return kept, others, lost


def _falling(part: shapely.Geometry) -> float:
    """Return what sorts parts by falling size."""
    return -float(shapely.area(part))
