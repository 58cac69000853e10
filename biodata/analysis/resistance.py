"""Resistance to movement from land cover and slope; cells without data stay without data, and are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid, require_aligned
from biodata.analysis.lines import burn_cells, sealed
from biodata.analysis.resistance_table import ResistanceTable
from biodata.errors import InputError


@dataclass(frozen=True, slots=True)
class SlopeEffect:
    """How slope makes ground harder: resistance x min(1 + slope / doubles_at_degrees, at_most).

    Attributes
    ----------
    doubles_at_degrees : float
        Slope at which resistance is twice that of flat ground.
    at_most : float
        Largest factor.
    """

    doubles_at_degrees: float = 30.0
    at_most: float = 3.0

    def __post_init__(self) -> None:
        if not (self.doubles_at_degrees > 0 and self.at_most >= 1):
            problem = "slope needs doubles_at_degrees above 0 and at_most of 1 or more"
            raise InputError(problem, value=f"{self.doubles_at_degrees}, {self.at_most}", code="PARAMETERS_INVALID")


@dataclass(frozen=True, slots=True)
class ResistanceLayer:
    """Resistance on a grid, and what became of its cells.

    Attributes
    ----------
    resistance : ndarray of float64, grid.shape
        Cost of a metre; nan where there is no data or a barrier.
    grid : Grid
    counts : mapping of str to int
        cells; no_land_cover; barrier; no_elevation (land cover known, slope not). From files also line_cells (cells
        that a line runs through); sealed (cells filled so that a line has no gap at a corner); bridged (cells with
        data although some of the ground below them, less than half, has none).
    """

    resistance: Floats
    grid: Grid
    counts: Mapping[str, int]


def from_files(
    land_cover: Path,
    table: ResistanceTable,
    grid: Grid,
    *,
    elevation: Path | None = None,
    slope: SlopeEffect | None = None,
    resampling: str = "mode",
) -> ResistanceLayer:
    """Make a resistance layer from raster files, warped into a grid.

    A cell takes the most common class of the ground below it. Classes that the table calls linear keep, in a coarser
    cell, the highest resistance of any line that runs through it; where such cells meet at a corner only, one more is
    filled, since a diagonal step would slip through. A cell has no data where at least half of its ground has none.

    Parameters
    ----------
    land_cover : Path
        Raster of classes.
    table : ResistanceTable
    grid : Grid
        Square cells.
    elevation : Path, optional
        Raster of metres; needed for slope.
    slope : SlopeEffect, optional
        Where given, slope counts.
    resampling : str
        Of classes: `mode` (the most common) or `nearest`.

    Returns
    -------
    ResistanceLayer

    Raises
    ------
    InputError
        If a raster cannot be used, has a class that is not in the table, or slope is asked for without elevation.
    """
    classes = rasters.warp(land_cover, grid, resampling=resampling)
    missing = rasters.missing_share(land_cover, grid)
    classes[missing >= 0.5] = np.nan
    lines, filled = sealed(burn_cells(*_linear(land_cover, table), grid))
    counts = {
        "bridged": int((np.isfinite(classes) & (missing > 0)).sum()),
        "line_cells": int((~np.isnan(lines)).sum()),
        "sealed": filled,
    }
    resistance = _look_up(classes, table, land_cover.name)
    resistance = np.where(np.isnan(resistance), np.nan, np.fmax(resistance, lines))
    heights = None if elevation is None else rasters.warp(elevation, grid, resampling="bilinear")
    return _layer(resistance, grid, counts, heights, slope)


def from_layers(
    land_cover: tuple[Floats, Grid],
    table: ResistanceTable,
    *,
    elevation: tuple[Floats, Grid] | None = None,
    slope: SlopeEffect | None = None,
) -> ResistanceLayer:
    """Make a resistance layer from rasters as they are, cell by cell.

    Parameters
    ----------
    land_cover, elevation : ndarray of float64 and its Grid
        As `rasters.read` returns them: classes, and metres.
    table : ResistanceTable
    slope : SlopeEffect, optional
        Where given, slope counts.

    Returns
    -------
    ResistanceLayer
        On the land cover's grid.

    Raises
    ------
    InputError
        If the rasters do not lie on the same cells (telling how they differ), a class is not in the table, or slope is
        asked for without elevation.
    """
    classes, grid = land_cover
    if elevation is not None:
        require_aligned({"land cover": grid, "elevation": elevation[1]})
    resistance = _look_up(classes, table, "land cover")
    return _layer(resistance, grid, {}, None if elevation is None else elevation[0], slope)


def slope_degrees(elevation: Floats, grid: Grid) -> Floats:
    """Return the slope of the ground.

    Parameters
    ----------
    elevation : ndarray of float64, grid.shape
        Metres; nan where there is no data.
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        Degrees; nan where there is no elevation. A neighbour without elevation counts as level with the cell.

    Notes
    -----
    Horn 1981, https://doi.org/10.1109/PROC.1981.11918, as in gdaldem.
    """
    padded = np.pad(elevation, 1, constant_values=np.nan)
    rows, columns = elevation.shape

    def beside(down: int, right: int) -> Floats:
        moved = padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        return np.where(np.isnan(moved), elevation, moved)

    wide, high = grid.cell_sizes_m()
    east = beside(-1, 1) + 2 * beside(0, 1) + beside(1, 1) - beside(-1, -1) - 2 * beside(0, -1) - beside(1, -1)
    south = beside(1, -1) + 2 * beside(1, 0) + beside(1, 1) - beside(-1, -1) - 2 * beside(-1, 0) - beside(-1, 1)
    degrees = np.degrees(np.arctan(np.hypot(east / (8 * wide[:, None]), south / (8 * high[:, None]))))
    return np.where(np.isnan(elevation), np.nan, degrees)


def _layer(
    resistance: Floats, grid: Grid, counts: dict[str, int], heights: Floats | None, slope: SlopeEffect | None
) -> ResistanceLayer:
    """Apply slope, turn barriers (inf) into cells without data, and count."""
    no_elevation = 0
    if slope is not None:
        if heights is None:
            problem = "slope is asked for without elevation"
            raise InputError(problem, expected="give an elevation raster", code="ELEVATION_MISSING")
        steep = np.minimum(1 + slope_degrees(heights, grid) / slope.doubles_at_degrees, slope.at_most)
        no_elevation = int((np.isnan(steep) & np.isfinite(resistance)).sum())
        resistance = resistance * steep
    counts = counts | {
        "cells": grid.cells,
        "barrier": int(np.isinf(resistance).sum()),
        "no_elevation": no_elevation,
        "no_land_cover": int(np.isnan(resistance).sum()) - no_elevation,
    }
    return ResistanceLayer(np.where(np.isfinite(resistance), resistance, np.nan), grid, counts)


def _look_up(classes: Floats, table: ResistanceTable, file: str) -> Floats:
    """Return each class's resistance: nan where there is no class, inf for a barrier."""
    known = np.array(sorted(table.classes), dtype=np.float64)
    values = np.array([table.classes[int(value)].resistance for value in known])
    place = np.searchsorted(known, classes).clip(max=known.size - 1)
    unknown = np.isfinite(classes) & (known[place] != classes)
    if unknown.any():
        found, counts = np.unique(classes[unknown], return_counts=True)
        listed = ", ".join(f"{value:g} ({count} cells)" for value, count in zip(found[:5], counts[:5], strict=True))
        problem = f"{found.size} classes of the raster are not in {table.name}: {listed}"
        expected = "give each class a resistance, or the word barrier"
        raise InputError(problem, file=file, expected=expected, code="RESISTANCE_CLASS_UNKNOWN")
    return np.where(np.isnan(classes), np.nan, np.where(np.isnan(values), np.inf, values)[place])


def _linear(land_cover: Path, table: ResistanceTable) -> tuple[Floats, Grid]:
    """Return the raster's own cells of linear classes with their resistance, nan elsewhere; inf for barriers."""
    classes, own = rasters.read(land_cover)
    resistance = np.full(classes.shape, np.nan)
    for one in table.classes.values():
        if one.linear:
            resistance[classes == one.value] = np.inf if np.isnan(one.resistance) else one.resistance
    return resistance, own
