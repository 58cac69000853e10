"""The units of a boundary set cut along whole and tenth degrees: small boxes meet small shapes, not a whole coast."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import Floats, Geometries

Longs = NDArray[np.int64]
_WIDEST: Final = 4
"""Boxes over more squares than these meet the whole shapes."""
_SMALL: Final = 0.0101
"""Boxes up to this many degrees are cut out of squares of a tenth degree."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The units by squares of one degree and of a tenth, each square cut when it is first asked for.

    Attributes
    ----------
    shapes : ndarray of shapely geometries, length u
        The units, degrees.
    tree : STRtree
        Their index.
    """

    shapes: Geometries
    tree: shapely.STRtree
    _squares: dict[tuple[int, int, int], tuple[Longs, Geometries]] = field(default_factory=dict, repr=False)

    def cut(self, west: Floats, south: Floats, east: Floats, north: Floats) -> tuple[Longs, Longs, Geometries]:
        """Return what of each unit lies in each box.

        Parameters
        ----------
        west, south, east, north : ndarray of float64, length n
            Edges of boxes, degrees; none reaches over a whole degree, nor those of at most 0.01° over a tenth.

        Returns
        -------
        box, unit : ndarray of int64, length m
            Which box, and which unit.
        piece : ndarray of shapely geometries, length m
            What they share; edges that only touch may be among them.
        """
        boxes = shapely.box(west, south, east, north)
        scale = 10 if len(boxes) and (east - west).max() <= _SMALL else 1
        column, row = (np.floor(middle * scale).astype(np.int64) for middle in ((west + east) / 2, (south + north) / 2))
        found: list[tuple[Longs, Longs, Geometries]] = []
        for square, asked in _by_square(column, row, np.arange(len(boxes))):
            unit, shape = self._square(scale, *square)
            which, at = shapely.STRtree(boxes[asked]).query(shape, predicate="intersects")
            box = asked[at]
            found.append((box, unit[which], shapely.intersection(shape[which], boxes[box])))
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object)
        return (
            np.concatenate([part[0] for part in found]),
            np.concatenate([part[1] for part in found]),
            np.concatenate([part[2] for part in found]),
        )

    def touched(self, west: Floats, south: Floats, east: Floats, north: Floats) -> NDArray[np.bool_]:
        """Tell which of n boxes have a point with any unit in common; edges count."""
        boxes = shapely.box(west, south, east, north)
        scale = 10 if len(boxes) and (east - west).max() <= _SMALL * 10 else 1
        first = np.floor(np.stack([west, south]) * scale).astype(np.int64)
        spans = np.floor(np.stack([east, north]) * scale).astype(np.int64) - first
        touched = np.zeros(len(boxes), dtype=bool)
        wide = np.flatnonzero(spans.max(axis=0, initial=0) > _WIDEST)
        touched[wide[np.unique(self.tree.query(boxes[wide], predicate="intersects")[0])]] = True
        for aside in range(_WIDEST + 1):
            for up in range(_WIDEST + 1):
                reach = (spans[0] >= aside) & (spans[1] >= up) & ~touched
                at = np.flatnonzero(reach & (spans.max(axis=0, initial=0) <= _WIDEST))
                for square, asked in _by_square(first[0, at] + aside, first[1, at] + up, at):
                    _, shape = self._square(scale, *square)
                    hit = shapely.STRtree(boxes[asked]).query(shape, predicate="intersects")[1]
                    touched[asked[hit]] = True
        return touched

    def _square(self, scale: int, column: int, row: int) -> tuple[Longs, Geometries]:
        """Return the units that reach into a square of 1/scale degrees, and what of them lies in it."""
        known = self._squares.get((scale, column, row))
        if known is None:
            box = shapely.box(column / scale, row / scale, (column + 1) / scale, (row + 1) / scale)
            if scale == 1:
                unit = np.sort(self.tree.query(box, predicate="intersects")).astype(np.int64)
                shapes = self.shapes[unit]
            else:
                unit, shapes = self._square(1, column // scale, row // scale)
                at = np.flatnonzero(shapely.intersects(shapes, box))
                unit, shapes = unit[at], shapes[at]
            known = unit, shapely.intersection(shapes, box)
            self._squares[scale, column, row] = known
        return known


def _by_square(column: Longs, row: Longs, asked: Longs) -> Iterator[tuple[tuple[int, int], Longs]]:
    """Yield each square with those that ask for it."""
    if not len(asked):
        return
    squares, inverse = np.unique(np.stack([column, row]), axis=1, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(inverse.ravel()))
    for number, part in enumerate(np.split(order, ends[:-1])):
        yield (int(squares[0, number]), int(squares[1, number])), asked[part]
