"""Where stations of a survey could stand in a corridor, what each place is worth, and which are taken."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata.analysis.evidence import sides as sides_of
from biodata.analysis.evidence.effort import NO_EFFORT, Effort
from biodata.errors import InputError
from biodata.geo import Floats

if TYPE_CHECKING:
    from biodata.places import BoundarySet

MOST_PLACES: Final = 2_000_000
Values = Callable[[Floats, Floats], Floats]
"""Longitudes and latitudes in, what the corridor is worth there out; nan where it is not known."""


def places(flat: shapely.Geometry, effort: Effort, spacing_m: float) -> pl.DataFrame:
    """Return the middles of squares inside a corridor that lie in cells without effort: x, y, cell."""
    west, south, east, north = shapely.bounds(flat)
    n = (np.floor(east / spacing_m) - np.ceil(west / spacing_m) + 1) * (
        np.floor(north / spacing_m) - np.ceil(south / spacing_m) + 1
    )
    if n > MOST_PLACES:
        problem = f"a spacing of {spacing_m:g} m makes {n:.3g} places in this corridor's box"
        raise InputError(problem, column="spacing_m", expected="a wider spacing", code="DESIGN_TOO_FINE")
    # In the middles of squares: an effort cell that is as wide then has one place, and none on its edge.
    xs = (np.arange(np.floor(west / spacing_m), np.ceil(east / spacing_m)) + 0.5) * spacing_m
    ys = (np.arange(np.ceil(north / spacing_m), np.floor(south / spacing_m), -1) - 0.5) * spacing_m
    x, y = (part.ravel() for part in np.meshgrid(xs, ys))
    shapely.prepare(flat)
    inside = shapely.contains_xy(flat, x, y)
    x, y = x[inside], y[inside]
    transform = effort.grid.transform
    column = np.floor((x - transform.c) / transform.a).astype(np.int64)
    row = np.floor((y - transform.f) / transform.e).astype(np.int64)
    found = pl.DataFrame({"x": x, "y": y, "row": row, "column": column})
    empty = effort.cells.filter(pl.col("state") == NO_EFFORT).select("row", "column")
    found = found.join(empty, on=["row", "column"], how="semi", maintain_order="left")
    return found.with_columns(cell=pl.col("row") * effort.grid.shape[1] + pl.col("column"))


def worth(
    lonlat: Floats, xy: Floats, flat: shapely.Geometry, line: shapely.Geometry | None, value: Values | None
) -> Floats:
    """Return what the corridor is worth at places."""
    if value is not None:
        return np.asarray(value(lonlat[:, 0], lonlat[:, 1]), dtype=np.float64)
    if line is None or not shapely.length(line):
        return np.ones(len(xy))
    half_m = shapely.area(flat) / shapely.length(line) / 2
    away: Floats = shapely.distance(line, np.asarray(shapely.points(xy), dtype=object))
    return np.asarray(1 / (1 + away / max(half_m, 1.0)))


def across(xy: Floats, line: shapely.Geometry | None) -> Floats:
    """Return the direction across a line at its places nearest to others, as vectors of length 1; eastward without one."""
    out = np.tile([1.0, 0.0], (len(xy), 1))
    if line is None or not len(xy):
        return out
    whole = shapely.line_merge(line)
    length = shapely.length(whole)
    if whole.geom_type != "LineString" or not length:
        return out
    step = min(1000.0, length / 2)
    at = shapely.line_locate_point(whole, np.asarray(shapely.points(xy), dtype=object))
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(whole, np.clip(at + by, 0, length)))
        for by in (-step, step)
    )
    along = after - before
    size = np.hypot(along[:, 0], along[:, 1])
    turned = np.column_stack([-along[:, 1], along[:, 0]])
    known = size > 0
    out[known] = turned[known] / size[known, None]
    return out


def sure_side(
    lonlat: list[Floats], sides: list[tuple[str, ...]], boundaries: "BoundarySet", place_m: float
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the number of the side that all of a station surely lies on; -1 for none."""
    number = {code: n for n, codes in enumerate(sides) for code in codes}
    of = np.array([number.get(code, -1) if code else -1 for code in boundaries.countries] + [-1], dtype=np.int64)
    out = np.full(len(lonlat[0]), -1, dtype=np.int64)
    for n, part in enumerate(lonlat):
        found = sides_of.shares(part[:, 0], part[:, 1], np.full(len(part), place_m), boundaries)
        side = np.where(found.surely >= 0.999, of[found.country], -1)
        out = side if n == 0 else np.where(side == out, out, -1)
    return out


def greedy(
    places: "np.ndarray[Any, np.dtype[np.int64]]", worth: Floats, cells: "np.ndarray[Any, Any]", quota: int
) -> list[int]:
    """Return the places that matter most, one after the other; of equal ones the north-western first."""
    left = worth[places].copy()
    taken: dict[int, int] = {}
    chosen: list[int] = []
    own = cells[places]
    while len(chosen) < min(quota, len(places)):
        best = int(np.argmax(left))
        at = int(places[best])
        chosen.append(at)
        cell = int(cells[at])
        taken[cell] = taken.get(cell, 0) + 1
        same = (own == cell) & np.isfinite(left)
        left[same] = worth[places[same]] / (1 + taken[cell])
        left[best] = -np.inf
    return chosen
