"""Where corridors are squeezed: the current inside each, laid together on the raster."""

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np

from biodata.analysis.adjacency import Pair
from biodata.analysis.corridor_rows import NAMES
from biodata.analysis.grid import Grid
from biodata.analysis.normalised import Floats32
from biodata.analysis.pair_currents import PairCurrents


@dataclass(frozen=True, slots=True)
class CurrentMosaic:
    """The current of 1 A between each pair of areas, inside the pair's corridor alone.

    Attributes
    ----------
    largest : ndarray of float32, (rows, columns)
        Amperes, the most of any pair; 0 inside the pair's own areas, nan outside all corridors.
    tightest : dict of pair to (current, resistance, row, column)
        By pair: the most current of a cell that is not beside an area, where it is, and the effective resistance between
        the areas in the raster's unit.
    """

    largest: Floats32
    tightest: dict[Pair, tuple[float, float, int, int]] = field(default_factory=dict)

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "CurrentMosaic":
        """Return a mosaic of no pair."""
        return cls(np.full(shape, np.nan, dtype=np.float32))

    def add(self, pair: Pair, found: PairCurrents) -> None:
        """Lay the current of a pair into the mosaic."""
        place = self.largest[found.window]
        np.fmax(place, found.current, out=place)
        if found.tightest is not None:
            self.tightest[pair] = found.tightest_a, found.resistance, *found.tightest

    def table(self, rows: list[dict[str, Any]], pairs: list[Pair], grid: Grid) -> gpd.GeoDataFrame:
        """Return the tightest place of each pair, the most current first.

        Parameters
        ----------
        rows : list of dict
            `corridor_rows.plain_row` of each pair.
        pairs : list of (int, int)
            The same pairs by their sites.
        grid : Grid
        """
        named = dict(zip(pairs, rows, strict=True))
        told = sorted(self.tightest.items(), key=lambda item: (-item[1][0], item[0]))
        at = np.array([place[2:] for _, place in told], dtype=np.int64).reshape(-1, 2)
        columns: dict[str, list[Any]] = {name: [named[pair][name] for pair, _ in told] for name in NAMES}
        columns["current_a"] = [place[0] for _, place in told]
        columns["effective_resistance"] = [place[1] for _, place in told]
        centres = grid.centres(at[:, 0], at[:, 1]).reshape(-1, 2)
        points = gpd.points_from_xy(centres[:, 0], centres[:, 1])
        return gpd.GeoDataFrame(columns, geometry=points, crs=grid.crs)
