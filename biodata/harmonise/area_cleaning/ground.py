"""The steps of `coverage` on the plane: circles, copies, snapping, parts of a site, overlaps, slivers, and the proof."""

from functools import partial
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.geo import Floats, Geometries, in_threads
from biodata.harmonise.area_cleaning import steps
from biodata.harmonise.area_cleaning.repair import Repaired
from biodata.harmonise.area_cleaning.steps import Ledger, Options, Rows, circles, to_plane

# Overlaps taken away, each ground left with the first site that has it.
#
# A site loses the ground of every earlier site that it meets: found in one query of a tree, taken away one rank of
# neighbours at a time over whole arrays, on both cores. What is taken away are the earlier sites as they were, not what
# was left of them, so that no site's result hangs on another's and the order of computing does not matter.

Longs = NDArray[np.int64]

_BLOCK: Final = 1_000
"""Sites asked of the tree at once: bounds the memory that pairs take where everything overlaps everything."""

_NOISE_M2: Final = 1e-4
"""Neighbours that only touch share less than this by the rounding of coordinates."""

COPY_SHARE: Final = 0.5
"""Rows of one identity that share more of their joint ground than this are copies of each other."""


class Loss(NamedTuple):
    """Which ground went from which site to which.

    Attributes
    ----------
    loser, winner : ndarray of int64
        Positions.
    area_m2 : ndarray of float64
        Square metres.
    """

    loser: Longs
    winner: Longs
    area_m2: Floats


def erase(shapes: Geometries, group: Longs, *, same_group: bool) -> tuple[Geometries, Loss]:
    """Take from each shape the ground of those before it.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        On the plane, metres, valid; the first has the first right to its ground.
    group : ndarray of int64, length n
        The site that each is a part of.
    same_group : bool
        True takes only from parts of the same site, False only from parts of others.

    Returns
    -------
    ndarray of n shapely polygons, Loss
        Empty where nothing is left. Ground shared by several is lost to the first of them.
    """
    result = shapes.copy()
    losses: list[tuple[Longs, Longs, Floats]] = []
    if not len(shapes):
        return result, _joined(losses)
    tree = shapely.STRtree(shapes)
    for start in range(0, len(shapes), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(shapes)))
        later, earlier = tree.query(shapes[rows])
        later = rows[later]
        # Whoever has lost everything has nothing that others do not have: the first of those is here, too.
        wanted = (
            (earlier < later) & ((group[earlier] == group[later]) == same_group) & ~shapely.is_empty(result)[earlier]
        )
        later, earlier = later[wanted], earlier[wanted]
        order = np.lexsort((earlier, later))
        losses += _one_block(result, shapes, later[order], earlier[order])
    return result, _joined(losses)


def _one_block(
    result: Geometries, shapes: Geometries, later: Longs, earlier: Longs
) -> list[tuple[Longs, Longs, Floats]]:
    """Take the ground of `earlier` from `later`, pairs sorted; `result` is changed in place."""
    losses = []
    starts = np.flatnonzero(np.concatenate([[True], later[1:] != later[:-1]])) if len(later) else np.empty(0, np.int64)
    counts = np.diff(np.append(starts, len(later)))
    rank = np.arange(len(later)) - np.repeat(starts, counts)
    by_rank = np.argsort(rank, kind="stable")
    for at in np.split(by_rank, np.cumsum(np.bincount(rank))[:-1]) if len(rank) else []:
        at = at[~shapely.is_empty(result[later[at]])]
        loser, winner = later[at], earlier[at]
        before = result[loser]
        after = in_threads(_difference, before, shapes[winner])
        lost = shapely.area(before) - shapely.area(after)
        touched = lost > _NOISE_M2
        result[loser[touched]] = after[touched]
        losses.append((loser[touched], winner[touched], lost[touched]))
    return losses


def _difference(shape: Geometries, other: Geometries) -> Geometries:
    """Return the difference where two shapes share ground, the shape itself where they do not."""
    meets = shapely.intersects(shape, other)
    result = shape.copy()
    result[meets] = only_polygons(shapely.difference(shape[meets], other[meets]))
    return result


def _joined(losses: list[tuple[Longs, Longs, Floats]]) -> Loss:
    """Put the blocks' losses together."""
    if not losses:
        return Loss(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Loss(*(np.concatenate(column) for column in zip(*losses, strict=True)))


def only_polygons(shapes: Geometries) -> Geometries:
    """Return geometries without the points and lines that an overlay leaves behind."""
    for at in np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6))):
        parts = shapely.get_parts(shapes[at])
        shapes[at] = shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])
    return shapes


def without_slivers(shapes: Geometries, least_m2: float) -> tuple[Geometries, NDArray[np.int64]]:
    """Drop the parts of multipolygons that are smaller; return the shapes, and how many parts each lost."""
    parts, index = shapely.get_parts(shapes, return_index=True)
    small = shapely.area(parts) < least_m2
    lost = np.bincount(index[small], minlength=len(shapes))
    result = shapes.copy()
    for at in np.flatnonzero(lost):
        kept = parts[(index == at) & ~small] if lost[at] else parts[index == at]
        result[at] = kept[0] if len(kept) == 1 else shapely.multipolygons(kept)
    return result, lost


def copies(shapes: Geometries, identity: list[str]) -> Longs:
    """Tell which rows are copies of an earlier row of the same identity.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        On the plane; the row to keep first.
    identity : list of n str

    Returns
    -------
    ndarray of int64, length n
        Position of the row that is kept; -1 for rows that are no copy.
    """
    found = np.full(len(shapes), -1, dtype=np.int64)
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(identity):
        for earlier in rows.get(name, []):
            common = shapely.area(shapely.intersection(shapes[earlier], shapes[at]))
            joint = shapely.area(shapes[earlier]) + shapely.area(shapes[at]) - common
            if common > COPY_SHARE * joint:
                found[at] = earlier
                break
        else:
            rows.setdefault(name, []).append(at)
    return found


def largest_overlap_m2(shapes: Geometries) -> float:
    """Return the largest ground that any two shapes share, square metres: the proof that nothing is counted twice."""
    worst = 0.0
    tree = shapely.STRtree(shapes)
    for start in range(0, len(shapes), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(shapes)))
        first, second = tree.query(shapes[rows], predicate="intersects")
        first = rows[first]
        pair = first < second
        if pair.any():
            shared = in_threads(shapely.intersection, shapes[first[pair]], shapes[second[pair]])
            worst = max(worst, float(shapely.area(shared).max()))
    return worst


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
        By their right to their ground, see `steps.ordered`.
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
    finer = rows[steps.parts_first(sites[rows], shapely.area(snapped[rows]))]
    ground[finer], own = erase(snapped[finer], group[finer], same_group=True)
    own_loss: Floats = np.bincount(finer[own.loser], weights=own.area_m2, minlength=len(flat)).astype(np.float64)
    ledger.step(
        "parts and zones of one site fitted together",
        drop={"COVERED_BY_OWN_PARTS": _gone(ground)},
        changed=own_loss > 0,
    )
    rows = np.flatnonzero(ledger.inside)
    claimed = ground.copy()
    ground[rows], loss = erase(ground[rows], group[rows], same_group=False)
    loss = Loss(rows[loss.loser], rows[loss.winner], loss.area_m2)
    lost = np.bincount(loss.loser, weights=loss.area_m2, minlength=len(flat))
    ledger.step("overlaps erased", drop={"COVERED_BY_OTHERS": _gone(ground)}, changed=lost > 0)

    rows = np.flatnonzero(ledger.inside)
    ground[rows], small = without_slivers(ground[rows], options.sliver_m2)
    trimmed = np.zeros(len(flat), dtype=bool)
    trimmed[rows[small > 0]] = True
    note = f"{int(small.sum())} parts smaller than {options.sliver_m2:g} m² out"
    ledger.step("slivers out", drop={"SLIVER": _gone(ground)}, changed=trimmed, note=note)
    ground[~ledger.inside] = None
    overlap = largest_overlap_m2(ground[ledger.inside])
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
    found = copies(ground[best], steps.identity(sites)[best].to_list())
    result = np.full(sites.height, -1, dtype=np.int64)
    copy = found >= 0
    result[best[copy]] = best[found[copy]]
    return result
