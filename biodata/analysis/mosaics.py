"""Corridors and barriers of all pairs laid together on the raster."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from biodata.analysis.barriers import Improvement
from biodata.analysis.normalised import Floats32, Normalised


@dataclass(frozen=True, slots=True)
class Mosaic:
    """The least of all normalised corridors in each cell, as in Linkage Mapper.

    Attributes
    ----------
    least : ndarray of float32, (rows, columns)
        What the best of the corridors through a cell costs more than its cheapest path, cost-metres; inf outside all.
    """

    least: Floats32

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "Mosaic":
        """Return a mosaic of no corridor."""
        return cls(np.full(shape, np.inf, dtype=np.float32))

    def add(self, corridor: Normalised) -> None:
        """Lay a corridor into the mosaic."""
        place = self.least[corridor.window]
        np.minimum(place, corridor.excess, out=place)


@dataclass(frozen=True, slots=True)
class BarrierMosaic:
    """What restoring ground around each cell would save.

    Attributes
    ----------
    largest, total : ndarray of float32 and float64, (rows, columns)
        The best score of any pair, and the sum of all pairs' scores; 0 where nothing is saved.
    """

    largest: Floats32
    total: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "BarrierMosaic":
        """Return a mosaic of no pair."""
        return cls(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float64))

    def add(self, found: Improvement) -> None:
        """Lay a pair's scores into the mosaic; the sum is the same to the last bit only in the same order of pairs."""
        rows, columns = found.score.shape
        window = slice(found.row, found.row + rows), slice(found.column, found.column + columns)
        np.maximum(self.largest[window], found.score, out=self.largest[window])
        self.total[window] += found.score

    def layers(self) -> dict[str, np.ndarray[tuple[int, int], Any]]:
        """Return the rasters by name."""
        return {"largest": self.largest, "total": self.total}
