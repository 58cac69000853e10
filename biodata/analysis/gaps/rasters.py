"""Habitats and areas of habitat that come as rasters: how much of their classes lies in countries and protected ground."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.gaps.plane import PLANE
from biodata.analysis.gaps.protected import AMOUNTS, Layers
from biodata.analysis.grid import Floats, Grid, Ints

_LONGEST_M = 5_000.0


def amounts_of_classes(
    values: Floats, grid: Grid, layers: Layers, *, features: Mapping[str, Sequence[float] | None]
) -> pl.DataFrame:
    """Return what each class of a raster shares with layers; a cell counts where its centre lies.

    Parameters
    ----------
    values : ndarray of float64, (rows, columns)
        Class numbers; nan where there is no data.
    grid : Grid
    layers : Layers
        Of `protected.layers_of`.
    features : mapping of str to sequence of float
        The classes of each feature; None for every cell above 0, as in an area of habitat.

    Returns
    -------
    polars.DataFrame of protected.AMOUNTS
        Features by their number in the mapping.
    """
    cell_km2 = np.broadcast_to(grid.cell_km2(), grid.shape).ravel()
    flat = values.ravel()
    what = layers.keys["what"].to_numpy()
    owners = [_owners(layers, np.flatnonzero(what == name), grid) for name in ("land", "inner", "protected")]
    rows: list[tuple[int, str, int | None, float]] = []
    for number, classes in enumerate(features.values()):
        inside = flat > 0 if classes is None else np.isin(flat, np.asarray(classes, dtype=np.float64))
        rows.append((number, "all", None, float(cell_km2[inside].sum())))
        for owner in owners:
            held = inside & (owner >= 0)
            sums = np.bincount(owner[held], cell_km2[held], layers.keys.height)
            rows += [(number, str(what[key]), int(key), float(sums[key])) for key in np.flatnonzero(sums)]
    schema = {"feature": pl.Int64, "what": pl.String, "key": pl.Int64, "km2": pl.Float64}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    keys = layers.keys.drop("what").with_row_index("key").with_columns(pl.col("key").cast(pl.Int64))
    return found.join(keys, on="key", how="left", maintain_order="left").select(
        pl.col(name).cast(dtype) for name, dtype in AMOUNTS.items()
    )


def _owners(layers: Layers, keys: Ints, grid: Grid) -> Ints:
    """Return which of these keys holds each cell's centre, -1 for none; flat."""
    from rasterio.features import rasterize

    west, south, east, north = grid.bounds
    window = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 50)
    near = shapely.intersects(
        shapely.box(*shapely.bounds(geo.project(window, grid.crs, PLANE))), layers.shapes
    ) & np.isin(layers.key, keys)
    rows = np.flatnonzero(near)
    if not len(rows):
        return np.full(grid.cells, -1, dtype=np.int64)
    shapes = geo.project(shapely.segmentize(layers.shapes[rows], _LONGEST_M), PLANE, grid.crs)
    burnt = rasterize(
        zip(shapes, (layers.key[rows] + 1).tolist(), strict=True),
        out_shape=grid.shape,
        transform=grid.transform,
        dtype="int32",
    )
    owner: Ints = burnt.ravel().astype(np.int64) - 1
    return owner
