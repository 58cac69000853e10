"""The current between two areas inside their corridor, as one task that any executor runs and that a run keeps."""

from dataclasses import dataclass

import numpy as np

from biodata.analysis.areas import Site
from biodata.analysis.circuit.pinch_points import pinch_points
from biodata.analysis.grid import Floats, Ints
from biodata.analysis.normalised import Floats32, Normalised


@dataclass(frozen=True, slots=True)
class PairCurrents:
    """What flows when 1 A goes from one area to the other, on the window of their corridor.

    Attributes
    ----------
    current : ndarray of float32, (rows, columns)
        Amperes; 0 inside the areas, nan outside the corridor.
    row, column : int
        Where the window starts in the raster.
    resistance : float
        Effective resistance between the areas, in the raster's unit; inf where no current can flow.
    tightest : tuple of int, optional
        Row and column in the raster of the cell with the largest current that is not beside an area; None where none
        flows.
    tightest_a : float
        The current there, amperes; 0 where none flows.
    """

    current: Floats32
    row: int
    column: int
    resistance: float
    tightest: tuple[int, int] | None
    tightest_a: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that the window covers."""
        rows, columns = self.current.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def pair_currents(first: Site, second: Site, corridor: Normalised, resistance: Floats) -> PairCurrents:
    """Send 1 A through the corridor of two areas.

    Parameters
    ----------
    first, second : Site
    corridor : Normalised
        Of this pair.
    resistance : ndarray of float64, (rows, columns)
        The whole raster; nan where nothing can pass.
    """
    cells = [_inside(site.cells, corridor, resistance.shape[1]) for site in (first, second)]
    found = pinch_points(resistance[corridor.window], *cells, corridor=corridor.inside)
    at, amperes = found.tightest, 0.0
    if at is not None:
        amperes = float(found.current[at])
        at = corridor.row + at[0], corridor.column + at[1]
    current = found.current.astype(np.float32)
    return PairCurrents(current, corridor.row, corridor.column, found.resistance, at, amperes)


def _inside(cells: Ints, corridor: Normalised, width: int) -> Ints:
    """Return the cells that lie on the corridor's window, numbered there."""
    rows, columns = np.divmod(cells, width)
    rows, columns = rows - corridor.row, columns - corridor.column
    high, wide = corridor.excess.shape
    inside = (rows >= 0) & (rows < high) & (columns >= 0) & (columns < wide)
    found: Ints = rows[inside] * wide + columns[inside]
    return found
