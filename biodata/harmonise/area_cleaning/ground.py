"""The steps of `coverage` on the plane: circles, copies, snapping, parts of a site, overlaps, slivers, and the proof."""

from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.geo import Floats, Geometries, in_threads
from biodata.harmonise.area_cleaning import erasing, order
from biodata.harmonise.area_cleaning.erasing import Loss
from biodata.harmonise.area_cleaning.options import Options
from biodata.harmonise.area_cleaning.plane import circles, to_plane
from biodata.harmonise.area_cleaning.repair import Repaired
from biodata.harmonise.area_cleaning.steps import Ledger, Rows


class Ground(NamedTuple):
    """What the steps on the plane gave to n rows.

    Attributes
    ----------
    shapes : ndarray of n shapely polygons or None
        None where a row is not in the product.
    claimed : ndarray of n shapely polygons or None
        What each had before the overlaps with others were erased.
    copy_of : list of n str or None
        The row of which it is a copy.
    loss : Loss
        What rows lost to other sites.
    own_loss_m2 : ndarray of float64, length n
        What each lost to parts of its own site.
    largest_overlap_m2 : float
        What two rows still share at most.
    """

    shapes: Geometries
    claimed: Geometries
    copy_of: list[str | None]
    loss: Loss
    own_loss_m2: Floats
    largest_overlap_m2: float


def take_ground(
    sites: pl.DataFrame, shapes: Geometries, flat: Geometries, repaired: Repaired, ledger: Ledger, options: Options
) -> Ground:
    """Do the steps of `coverage` on the plane.

    Parameters
    ----------
    sites : polars.DataFrame of n rows
        By their right to their ground, see `order.ordered`.
    shapes, flat : ndarray of n shapely geometries or None
        In degrees and on the plane.
    repaired : Repaired
        What the repair found.
    ledger : Ledger
        Of `coverage`; gets the steps.
    options : Options

    Returns
    -------
    Ground
    """
    ground = np.full(len(flat), None, dtype=object)
    ground[ledger.inside] = flat[ledger.inside]
    point = repaired.point & ledger.inside
    area = sites["reported_area_km2"].to_numpy()
    ground[point] = to_plane(circles(shapes[point], area[point]))
    ledger.step("points buffered to their reported area", changed=point)

    copy_of: list[str | None] = [None] * len(ground)
    original = _copies(sites, ground, repaired.changed, ledger.inside)
    names = sites["area_id"].to_list()
    for at in np.flatnonzero(original >= 0):
        copy_of[at] = names[original[at]]
    ledger.step("copies out", drop={"COPY": original >= 0})

    snapped = ground.copy()
    polygon = ledger.inside & ~point
    if options.snap_m:
        snapped[polygon] = in_threads(partial(_snapped, grid_m=options.snap_m), ground[polygon])
    moved = ledger.inside & ~shapely.equals_identical(snapped, ground)
    ledger.step(f"snapped to a grid of {options.snap_m:g} m", drop={"SLIVER": _gone(snapped)}, changed=moved)

    rows = np.flatnonzero(ledger.inside)
    ground = np.full(len(flat), None, dtype=object)
    group = sites["part_of"].rank("dense").to_numpy().astype(np.int64)
    finer = rows[order.parts_first(sites[rows], shapely.area(snapped[rows]))]
    ground[finer], own = erasing.erase(snapped[finer], group[finer], same_group=True)
    own_loss: Floats = np.bincount(finer[own.loser], weights=own.area_m2, minlength=len(flat)).astype(np.float64)
    ledger.step(
        "parts and zones of one site fitted together",
        drop={"COVERED_BY_OWN_PARTS": _gone(ground)},
        changed=own_loss > 0,
    )
    rows = np.flatnonzero(ledger.inside)
    claimed = ground.copy()
    ground[rows], loss = erasing.erase(ground[rows], group[rows], same_group=False)
    loss = Loss(rows[loss.loser], rows[loss.winner], loss.area_m2)
    lost = np.bincount(loss.loser, weights=loss.area_m2, minlength=len(flat))
    ledger.step("overlaps erased", drop={"COVERED_BY_OTHERS": _gone(ground)}, changed=lost > 0)

    rows = np.flatnonzero(ledger.inside)
    ground[rows], small = erasing.without_slivers(ground[rows], options.sliver_m2)
    trimmed = np.zeros(len(flat), dtype=bool)
    trimmed[rows[small > 0]] = True
    note = f"{int(small.sum())} parts smaller than {options.sliver_m2:g} m² out"
    ledger.step("slivers out", drop={"SLIVER": _gone(ground)}, changed=trimmed, note=note)
    ground[~ledger.inside] = None
    overlap = erasing.largest_overlap_m2(ground[ledger.inside])
    ledger.step("checked", note=f"the largest overlap left is {overlap:.1e} m²")
    return Ground(ground, claimed, copy_of, loss, own_loss, overlap)


def _snapped(shapes: Geometries, *, grid_m: float) -> Geometries:
    """Return polygons on a grid; parts that collapse go. The grid does not bind what is computed from them."""
    on_grid = shapely.set_precision(shapes, grid_m)
    return np.asarray(shapely.set_precision(on_grid, 0), dtype=object)


def _gone(shapes: Geometries) -> Rows:
    """Tell which shapes hold nothing."""
    return np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes), dtype=bool)


def _copies(sites: pl.DataFrame, ground: Geometries, repaired: Rows, inside: Rows) -> NDArray[np.int64]:
    """Return which row each copy is a copy of; -1 for others.

    A shape that came valid is kept before a repaired one, then the larger one.
    """
    rows = np.flatnonzero(inside)
    best = rows[np.lexsort((rows, -shapely.area(ground[rows]), repaired[rows]))]
    found = erasing.copies(ground[best], order.identity(sites)[best].to_list())
    result = np.full(sites.height, -1, dtype=np.int64)
    copy = found >= 0
    result[best[copy]] = best[found[copy]]
    return result
