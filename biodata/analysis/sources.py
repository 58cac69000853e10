"""Where a search over a raster starts: the cells of points, polygons or another raster."""

from pathlib import Path

import numpy as np
import shapely

from biodata import geo
from biodata.analysis import rasters
from biodata.analysis.grid import Grid, Ints, require_aligned
from biodata.errors import InputError


def read_cells(path: Path, grid: Grid) -> Ints:
    """Return the cells of a grid that a file names as sources.

    Parameters
    ----------
    path : Path
        A GeoTIFF on the same grid, whose cells above 0 are sources; or a layer of points, lines or polygons.
    grid : Grid
        The raster that will be searched.

    Returns
    -------
    ndarray of int64, (n,)
        Flat indexes, sorted, each once.

    Raises
    ------
    InputError
        If the file cannot be read, its raster lies on another grid, or none of it lies on this one.
    """
    cells = _of_raster(path, grid) if path.suffix.lower() in {".tif", ".tiff", ".asc"} else _of_layer(path, grid)
    if not cells.size:
        problem = "no source lies on the raster"
        raise InputError(problem, file=path.name, expected="points or areas inside it", code="SOURCES_OUTSIDE")
    return np.unique(cells)


def _of_raster(path: Path, grid: Grid) -> Ints:
    """Return the cells above 0."""
    values, own = rasters.read(path)
    require_aligned({"the raster": grid, path.name: own})
    return np.flatnonzero(np.nan_to_num(values.ravel()) > 0).astype(np.int64)


def _of_layer(path: Path, grid: Grid) -> Ints:
    """Return the cells that hold a point or the middle of which lies in an area."""
    import geopandas as gpd

    try:
        layer = gpd.read_file(path, engine="pyogrio")
    except (OSError, RuntimeError) as error:
        problem = f"the file cannot be read as a layer ({error})"
        raise InputError(problem, file=path.name, code="LAYER_UNREADABLE") from error
    if layer.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, code="CRS_MISSING")
    parts = []
    for shape in layer[layer.geometry.notna()].to_crs(4326).geometry:
        if shape.geom_type in {"Point", "MultiPoint"}:
            lonlat = shapely.get_coordinates(shape)
            rows, columns = grid.cells_at(lonlat[:, 0], lonlat[:, 1])
            parts.append((rows * grid.shape[1] + columns)[rows >= 0])
        else:
            parts.append(rasters.cells_inside(geo.project(shape, 4326, grid.crs), grid))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
