"""Barriers and crossings out of files of layers."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.grid import Grid
from biodata.analysis.scenarios.barriers import CLOSED, Barrier, Crossing
from biodata.errors import InputError
from biodata.formats import vectors


def read_barriers(
    path: Path, grid: Grid, *, kind: str, resistance: float = CLOSED, layer: str | None = None
) -> tuple[list[Barrier], list[str]]:
    """Read barriers.

    Parameters
    ----------
    path : Path
        Lines or polygons; the columns barrier_id, kind and resistance are taken where the file has them, an empty
        resistance being what `resistance` says.
    grid : Grid
    kind : str
        Kind of those that tell none.
    resistance : float
        Of those that tell none.
    layer : str, optional
        Which layer, where the file has several.

    Returns
    -------
    barriers : list of Barrier
        Those without a geometry, or outside the raster, are left out. Where no id is told, all of the same kind and
        resistance are one.
    notes : list of str
        How many were left out.

    Raises
    ------
    InputError
        As `vectors.open_layers`; or if there is no feature, no coordinate system, or a resistance is no number above 0.
    """
    rows, shapes = _features(path, grid, layer=layer)
    window = shapely.box(*grid.bounds)
    near = shapely.intersects(shapes, window)
    found: dict[tuple[str, str, float], list[shapely.Geometry]] = {}
    for row in np.flatnonzero(near):
        told = _text(rows, "kind", int(row)) or kind
        level = _number(rows, "resistance", int(row), path, default=resistance)
        barrier_id = _text(rows, "barrier_id", int(row)) or told
        found.setdefault((barrier_id, told, level), []).append(shapes[row])
    notes = [] if near.all() else [f"{int((~near).sum())} of {near.size} barriers lie outside the raster"]
    return [Barrier(*key[:2], shapely.union_all(pieces), key[2]) for key, pieces in found.items()], notes


def read_crossings(
    path: Path, grid: Grid, *, width_m: float, layer: str | None = None
) -> tuple[list[Crossing], list[str]]:
    """Read crossings.

    Parameters
    ----------
    path : Path
        Points, lines or polygons; the columns crossing_id, name and width_m are taken where the file has them.
    grid : Grid
    width_m : float
        Of those that tell none.
    layer : str, optional
        Which layer, where the file has several.

    Returns
    -------
    crossings : list of Crossing
        Numbered from 1 where no id is told.
    notes : list of str
        How many lie outside the raster and are left out.

    Raises
    ------
    InputError
        As `read_barriers`.
    """
    rows, shapes = _features(path, grid, layer=layer)
    near = shapely.intersects(shapes, shapely.box(*grid.bounds))
    found = []
    for row in np.flatnonzero(near):
        crossing_id = _text(rows, "crossing_id", int(row)) or str(row + 1)
        name = _text(rows, "name", int(row)) or crossing_id
        width = _number(rows, "width_m", int(row), path, default=width_m)
        found.append(Crossing(crossing_id, name, shapes[row], width))
    notes = [] if near.all() else [f"{int((~near).sum())} of {near.size} crossings lie outside the raster"]
    return found, notes


def _features(
    path: Path, grid: Grid, *, layer: str | None
) -> tuple[pl.DataFrame, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Return the rows of a layer and their shapes in the grid's system."""
    layers = vectors.open_layers(path, layer=layer)
    if len(layers) != 1:
        problem = f"the file has {len(layers)} layers: {', '.join(one.label for one in layers)}"
        raise InputError(problem, file=path.name, expected="name one of them", code="LAYER_AMBIGUOUS")
    (only,) = layers
    rows = pl.concat(list(only.batches()) or [pl.DataFrame()])
    if not rows.height:
        problem = "the layer has no features"
        raise InputError(problem, file=path.name, expected="one or more", code="INPUT_EMPTY")
    if only.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, expected="a .prj beside it, or a GeoPackage", code="CRS_MISSING")
    shapes = shapely.force_2d(shapely.from_wkb(rows["geometry"].to_numpy(), on_invalid="fix"))
    shapes[shapely.is_missing(shapes)] = shapely.Point()
    shapes = np.asarray(geo.project(shapes, only.crs, grid.crs), dtype=object)
    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    shapes[of[~np.isfinite(coordinates).all(axis=1)]] = shapely.Point()
    return rows, shapes


def _text(rows: pl.DataFrame, column: str, row: int) -> str | None:
    """Return a value of a column that may not be there."""
    return (rows[column][row] or "").strip() or None if column in rows.columns else None


def _number(rows: pl.DataFrame, column: str, row: int, path: Path, *, default: float) -> float:
    """Return a number of a column that may not be there."""
    text = _text(rows, column, row)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        problem = "this must be a number above 0"
        raise InputError(problem, file=path.name, row=row + 1, column=column, value=text, code="NUMBER_INVALID")
    return value
