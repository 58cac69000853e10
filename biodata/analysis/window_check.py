"""Whether corridors stay as they are when the window around their areas grows."""

import json
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
from affine import Affine

from biodata.analysis import areas as areas_of
from biodata.analysis import corridors
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Floats, Grid, Ints

if TYPE_CHECKING:
    from biodata.places import BoundarySet

_SAME_COST: Final = 1e-9
_SAME_AREA: Final = 1e-3
"""Outlines of the same cells differ by up to a ten thousandth, since rounding decides how sharp corners are cut."""
_KEYS: Final = ["from_area_id", "to_area_id"]
_VALUES: Final = ["least_cost", "area_km2"]


@dataclass(frozen=True, slots=True)
class WindowCheck:
    """Corridors of a window, and of the larger one that it grew to.

    Attributes
    ----------
    growth : float
        By which share the window's sides grew on average.
    changes : pandas.DataFrame
        A row for each pair of either window: from_area_id, to_area_id; least_cost and area_km2 in the larger one;
        least_cost_change and area_change (share of what the smaller one gave; inf where a link is only in one of
        them); stable.
    cut_short : bool
        True where it grew less than asked, as an area lies so near to the raster's edge that a smaller window would cut it.
    """

    growth: float
    changes: pd.DataFrame
    cut_short: bool = False

    def message(self) -> str:
        """Return the result as a line for a person."""
        if not self.growth > 0:
            return (
                "window: the areas reach to the raster's edge, so it cannot be shown whether the window is large enough"
            )
        changed = self.changes[~self.changes["stable"]]
        short = " only, as areas lie near the raster's edge (a larger raster would show more)" if self.cut_short else ""
        same = len(self.changes) - len(changed)
        text = (
            f"window: from a smaller one inside the raster that grew by {self.growth:.0%} to all of it{short}, {same} of "
            f"{len(self.changes)} pairs stayed the same"
        )
        entries = (changed[name].to_list()[:5] for name in (*_KEYS, "least_cost_change", "area_change"))
        for first, second, cost, area in zip(*entries, strict=True):
            text += f"; {first} - {second}: least cost {_percent(cost)}, area {_percent(area)}"
        return text + ("; …" if len(changed) > 5 else "")


def check(
    after: pd.DataFrame, cells: Ints, grid: Grid, resistance: Floats, run: Callable[[Floats, Grid], pd.DataFrame], *,
    by: float = 0.2,
) -> WindowCheck:  # fmt: skip
    """Compare corridors with those of a smaller window, from which the whole raster grew.

    Parameters
    ----------
    after : pandas.DataFrame
        Columns from_area_id, to_area_id, least_cost and area_km2, of the whole raster.
    cells : ndarray of int64
        Flat indexes of the cells that the smaller window must hold: those of the areas.
    grid : Grid
    resistance : ndarray of float64, grid.shape
    run : callable
        Returns the same columns for another window of the raster.
    by : float
        How much the sides of the smaller window grow; less on a side where an area would be cut.
    """
    rows, columns = smaller_window(cells, grid, by=by)
    inner = cropped(grid, rows, columns)
    growth = (grid.shape[0] / inner.shape[0] + grid.shape[1] / inner.shape[1]) / 2 - 1
    before = run(np.ascontiguousarray(resistance[rows, columns]), inner) if growth > 0 else after
    nothing = np.zeros(0, dtype=np.int64)
    cut_short = (rows, columns) != smaller_window(nothing, grid, by=by)
    return WindowCheck(growth, changes(before, after), cut_short)


def between(
    found: pl.DataFrame, areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid, *, parameters: CorridorParameters,
    boundaries: "BoundarySet", executor: Executor | None = None,
) -> WindowCheck:  # fmt: skip
    """Compare what `corridors.between` found with what a smaller window gives that holds the areas which are paired."""
    paired = {*found["from_area_id"], *found["to_area_id"]}
    own = areas_of.within_stated(areas.to_crs(4326), boundaries)
    sites = [site for site in areas_of.on_grid(own, resistance, grid) if site.area_id in paired]
    cells = np.concatenate([np.zeros(0, dtype=np.int64), *(site.all_cells for site in sites)])

    cuts = [json.loads(text).get("cut_cost") for text in found["evidence"]]
    same = with_cut_of(parameters, cuts)

    def run(ground: Floats, inner: Grid) -> pd.DataFrame:
        return corridors.between(
            areas, ground, inner, parameters=same, boundaries=boundaries, executor=executor
        ).to_pandas()

    return check(found.to_pandas(), cells, grid, resistance, run)


def with_cut_of(parameters: CorridorParameters, cuts: Iterable[float | None]) -> CorridorParameters:
    """Return parameters with the cut that some corridors have, so that others are cut at the same cost."""
    known = [cut for cut in cuts if cut is not None and math.isfinite(cut)]
    return replace(parameters, cut_cost=max(known)) if known else parameters


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return how the pairs of one table differ from those of another, as in `WindowCheck`."""
    both = after[_KEYS + _VALUES].merge(before[_KEYS + _VALUES], on=_KEYS, how="outer", suffixes=("", "_before"))
    for value, change in zip(_VALUES, ("least_cost_change", "area_change"), strict=True):
        now, then = (both[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in (value, f"{value}_before"))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(now == then, 0.0, now / then - 1)
        both[change] = np.where(np.isnan(now) & np.isnan(then), 0.0, np.where(np.isnan(share), np.inf, share))
    both["stable"] = (both["least_cost_change"].abs() <= _SAME_COST) & (both["area_change"].abs() <= _SAME_AREA)
    return both.drop(columns=[f"{value}_before" for value in _VALUES])


def smaller_window(cells: Ints, grid: Grid, *, by: float) -> tuple[slice, slice]:
    """Return rows and columns of a window in the middle that grows by a share to the whole grid, and holds the cells."""
    window = []
    for of_axis, length in zip(np.divmod(cells, grid.shape[1]), grid.shape, strict=True):
        off = round(length * (1 - 1 / (1 + by)) / 2)
        low, high = (int(of_axis.min()), int(of_axis.max()) + 1) if cells.size else (length, 0)
        window.append(slice(min(off, low), max(length - off, high)))
    return window[0], window[1]


def cropped(grid: Grid, rows: slice, columns: slice) -> Grid:
    """Return the grid of some of its rows and columns."""
    a, e = grid.transform.a, grid.transform.e
    transform = Affine(a, 0.0, grid.transform.c + columns.start * a, 0.0, e, grid.transform.f + rows.start * e)
    return Grid(grid.crs, transform, (rows.stop - rows.start, columns.stop - columns.start), grid.cell_m)


def _percent(share: float) -> str:
    if np.isinf(share):
        return "only in one window"
    return f"{share:+.2%}" if abs(share) >= _SAME_AREA / 10 else "the same"
