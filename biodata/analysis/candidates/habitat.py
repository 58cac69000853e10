"""Habitat that goes on over a border: connected cells of low resistance with ground on both sides beyond the band."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from biodata import geo
from biodata.analysis.candidates.ground import Side
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside

_EIGHT = np.ones((3, 3), dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Habitat:
    """Which cells of a grid are habitat.

    Attributes
    ----------
    grid : Grid
    cells : ndarray of bool, grid.shape
        True where the resistance is known and low.
    known : ndarray of bool, grid.shape
        True where the resistance is known.
    limit : float
        Resistance up to which a cell is habitat.
    """

    grid: Grid
    cells: NDArray[np.bool_]
    known: NDArray[np.bool_]
    limit: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Habitat of some ground.

    Attributes
    ----------
    crossing_km2 : float
        Habitat in pieces that hold ground of two sides or more beyond the band, km².
    habitat_km2, known_km2, ground_km2 : float
        All habitat, all ground whose resistance is known, and all ground, km².
    """

    crossing_km2: float
    habitat_km2: float
    known_km2: float
    ground_km2: float


def of_resistance(resistance: Floats, grid: Grid, *, limit: float) -> Habitat:
    """Return which cells are habitat.

    Parameters
    ----------
    resistance : ndarray of float64, grid.shape
        nan where not known.
    grid : Grid
        Of square cells.
    limit : float
        Resistance up to which a cell is habitat.
    """
    known = np.isfinite(resistance)
    return Habitat(grid, known & (np.where(known, resistance, np.inf) <= limit), known, limit)


def crossing(habitat: Habitat, polygon: shapely.Geometry, beyond: Mapping[Side, shapely.Geometry]) -> Crossing:
    """Measure the habitat of some ground that goes on over the border, inside that ground alone.

    Parameters
    ----------
    habitat : Habitat
    polygon : shapely geometry
        Degrees, WGS 84.
    beyond : mapping of side to shapely geometry
        Each side's ground beyond the band, as `ground.beyond_band` returns it.

    Returns
    -------
    Crossing
        In whole cells.
    """
    grid = habitat.grid
    cell_km2 = grid.cell_m**2 / 1e6
    inside = _cells(polygon, grid)
    mask = np.zeros(grid.cells, dtype=bool)
    mask[inside] = True
    mask &= habitat.cells.ravel()
    labels, count = ndimage.label(mask.reshape(grid.shape), structure=_EIGHT)
    piece = labels.ravel()
    sides = np.zeros(count + 1, dtype=np.int64)
    for own in beyond.values():
        touched = np.unique(piece[_cells(own, grid)]) if not shapely.is_empty(own) else np.zeros(0, dtype=np.int64)
        sides[touched] += 1
    sides[0] = 0
    of_piece = np.bincount(piece, minlength=count + 1)
    return Crossing(
        crossing_km2=round(float(of_piece[sides >= 2].sum()) * cell_km2, 6),
        habitat_km2=round(float(mask.sum()) * cell_km2, 6),
        known_km2=round(float(habitat.known.ravel()[inside].sum()) * cell_km2, 6),
        ground_km2=round(float(inside.size) * cell_km2, 6),
    )


def _cells(polygon: shapely.Geometry, grid: Grid) -> Ints:
    """Return the cells whose centres a polygon (degrees, WGS 84) holds."""
    return cells_inside(geo.project(polygon, 4326, grid.crs), grid)
