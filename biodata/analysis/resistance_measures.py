"""What a function of a table is of: a layer's value, density, slope or distance, on a grid; and its resistance."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from tqdm.auto import tqdm

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.layer_reading import LayerFile, own_grid, pieces, reaches, read_cells, read_features
from biodata.analysis.lines import burn_cells, burn_shapes, distance_m, padded
from biodata.analysis.resistance_rules import Rule, unfit
from biodata.analysis.slope import slope_degrees

_FARTHEST_CELLS: Final = 300
"""How far beyond the window features are looked for, where a function of distance reaches so far."""


def of_measure(rule: Rule, layer: LayerFile, grid: Grid, *, progress: bool = False) -> Floats:
    """Return the resistance that a rule of a function gives.

    Parameters
    ----------
    rule : Rule
        Of a function.
    layer : LayerFile
    grid : Grid
    progress : bool
        Show a progress bar.

    Returns
    -------
    ndarray of float64, grid.shape
        nan where the layer knows nothing, inf for a barrier.

    Raises
    ------
    InputError
        If the function asks of the layer what it has not.
    """
    return rule.resistance_at(_measured(rule, layer, grid, progress=progress))


def _measured(rule: Rule, layer: LayerFile, grid: Grid, *, progress: bool) -> Floats:
    """Return value, density, slope in degrees, or distance in metres; nan where not known."""
    if rule.function == "distance":
        reach = min(_FARTHEST_CELLS, int(np.ceil(rule.points[-1][0] / grid.cell_m)) + 1)
        wide = padded(grid, reach)
        present = _features(layer, wide) if layer.form == "vector" else _cells_above_0(layer, wide, progress=progress)
        return distance_m(present, wide)[reach:-reach, reach:-reach]
    if layer.form == "vector":
        problem = "a layer of features has no value; its function can be distance"
        raise unfit(rule, layer.name, problem, column="function")
    if layer.theme == "land_cover" or layer.legend is not None:
        problem = "classes have no value; their lines name a class"
        raise unfit(rule, layer.name, problem, column="function")
    if own_grid(layer).cell_m >= grid.cell_m:
        values, own = _values(rule, layer, grid)
        resampled = values if own.lies_as(grid) else rasters.warp_values(values, own, grid, resampling="bilinear")
        return slope_degrees(resampled, grid) if rule.function == "slope" else resampled

    def averaged(piece: Grid) -> Floats:
        values, own = _values(rule, layer, piece)
        # Slope is of the ground: that of a coarse mean of heights would be lower.
        measured = slope_degrees(values, own) if rule.function == "slope" else values
        return rasters.warp_values(measured, own, piece, resampling="average")

    return _in_pieces(averaged, layer, grid, progress=progress)


def _values(rule: Rule, layer: LayerFile, grid: Grid) -> tuple[Floats, Grid]:
    """Return a layer's values on its own grid; of a density by km²."""
    values, own = read_cells(layer, grid)
    if rule.function == "density":
        wide_m, high_m = own.cell_sizes_m()
        values = values / (wide_m * high_m / 1e6)[:, None]
    return values, own


def _in_pieces(make: Callable[[Grid], Floats], layer: LayerFile, grid: Grid, *, progress: bool) -> Floats:
    """Return what is made of a raster layer piece by piece; nan where the layer does not reach."""
    made = np.full(grid.shape, np.nan)
    for place, piece in tqdm(list(pieces(layer, grid)), desc=layer.name, unit="piece", disable=not progress):
        if reaches(layer, piece):
            made[place] = make(piece)
    return made


def _features(layer: LayerFile, grid: Grid) -> Any:
    """Return which cells a feature touches."""
    shapes = np.asarray(read_features(layer, grid).geometry)
    return ~np.isnan(burn_shapes(shapes, np.ones(len(shapes)), grid))


def _cells_above_0(layer: LayerFile, grid: Grid, *, progress: bool) -> Any:
    """Return which cells a cell above 0 lies in."""

    def burnt(piece: Grid) -> Floats:
        values, own = read_cells(layer, piece)
        return burn_cells(np.where(values > 0, 1.0, np.nan), own, piece)

    return ~np.isnan(_in_pieces(burnt, layer, grid, progress=progress))
