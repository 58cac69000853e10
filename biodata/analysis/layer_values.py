"""What raster layers tell at points, however far apart these are: only the blocks of cells that hold points are read."""

from typing import Final

import numpy as np

from biodata.analysis.grid import Floats
from biodata.analysis.layer_reading import LayerFile, own_grid, part, read_cells

_BLOCK: Final = 1024
"""Side of a block, cells."""


def values_at(layer: LayerFile, longitude: Floats, latitude: Floats) -> Floats:
    """Return the values of a raster layer's cells at points.

    Parameters
    ----------
    layer : LayerFile
        A raster of any size, over 180° too.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.

    Returns
    -------
    ndarray of float64, length n
        nan where the layer has no cell or no data.
    """
    whole = own_grid(layer)
    rows, columns = whole.cells_at(longitude, latitude)
    found = np.full(len(rows), np.nan)
    inside = np.flatnonzero(rows >= 0)
    block = (rows[inside] // _BLOCK) * (whole.shape[1] // _BLOCK + 1) + columns[inside] // _BLOCK
    order = np.argsort(block, kind="stable")
    for at in np.split(inside[order], np.flatnonzero(np.diff(block[order])) + 1) if len(inside) else ():
        row, column = int(rows[at].min()), int(columns[at].min())
        window = row, column, int(rows[at].max()) - row + 1, int(columns[at].max()) - column + 1
        cells, _ = read_cells(layer, part(whole, window))
        found[at] = cells[rows[at] - row, columns[at] - column]
    return found
