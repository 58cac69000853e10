"""How far a patrol went in each coarse cell of a day; the track itself is looked at here and nowhere kept."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import floor
from typing import Final

import numpy as np
import pyproj
import shapely

from biodata.formats.wkb import problem_of

CELL_DEGREES: Final = 0.1
"""Side of the cells that a day's effort is told by: some 11 km."""
_MAX_VERTICES: Final = 1_000_000
_PIECE_M: Final = 250.0
_MAX_PIECES: Final = 1_000_000
_ORIGIN: Final = np.array([180.0, 90.0])
_GEOD: Final = pyproj.Geod(ellps="WGS84")


class TrackError(ValueError):
    """A track that cannot be read; its text tells nothing of it."""


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """A square in degrees, counted from 180° W and 90° S.

    Attributes
    ----------
    column, row : int
        Its number eastwards and northwards.
    tenths : int
        Its side in tenths of a degree: 1, or 10 where places of a day lie further apart.
    """

    column: int
    row: int
    tenths: int = 1

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of its middle, degrees."""
        side = self.tenths * CELL_DEGREES
        return round((self.column + 0.5) * side - 180, 6), round((self.row + 0.5) * side - 90, 6)

    @property
    def radius_m(self) -> int:
        """From the middle to the furthest corner, metres, rounded up to a hundred."""
        longitude, latitude = self.middle
        half = self.tenths * CELL_DEGREES / 2
        corners = [_GEOD.inv(longitude, latitude, longitude + half, latitude + sign * half)[2] for sign in (-1, 1)]
        return int(-(-max(corners) // 100) * 100)


def cell_of(longitude: float, latitude: float) -> Cell | None:
    """Return the cell of 0.1° that a place lies in; None for a place outside the world."""
    if abs(longitude) > 180 or abs(latitude) > 90:
        return None
    # 101.7 lies in the cell that begins there, although 281.7 / 0.1 is 2816.9999….
    return Cell(floor((longitude + 180) / CELL_DEGREES + 1e-9), floor((latitude + 90) / CELL_DEGREES + 1e-9))


def common_cell(cells: Iterable[Cell]) -> Cell | None:
    """Return the one cell of 0.1°, else of 1°, that cells of 0.1° are or lie in; None where there is none."""
    fine = set(cells)
    coarse = {Cell(cell.column // 10, cell.row // 10, 10) for cell in fine}
    return fine.pop() if len(fine) == 1 else coarse.pop() if len(coarse) == 1 else None


def kilometres(geometry: str) -> Counter[Cell]:
    """Return how many kilometres of a track lie in each cell.

    Parameters
    ----------
    geometry : str
        WKB of a line or several, in hexadecimal figures; longitude and latitude, WGS 84. A third number is the time and
        is not looked at.

    Raises
    ------
    TrackError
        If it cannot be read, or has no line.
    """
    try:
        blob = bytes.fromhex(geometry.strip())
    except ValueError:
        raise TrackError from None
    if problem_of(blob, max_vertices=_MAX_VERTICES) is not None:
        raise TrackError
    try:
        lines = [part for part in shapely.get_parts(shapely.from_wkb(blob)) if part.geom_type == "LineString"]
    except shapely.GEOSException:
        raise TrackError from None
    found: Counter[Cell] = Counter()
    for line in lines:
        found += _of_line(shapely.get_coordinates(line))
    if not lines:
        raise TrackError
    return found


def _of_line(vertices: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Counter[Cell]:
    """Return the kilometres of a line of n × 2 degrees; long steps are cut, so that each piece lies in one cell."""
    if not (np.abs(vertices) <= (180, 90)).all():
        raise TrackError
    start, step = vertices[:-1], np.diff(vertices, axis=0)
    _, _, metres = _GEOD.inv(*start.T, *vertices[1:].T)
    pieces = np.maximum(np.ceil(metres / _PIECE_M), 1).astype(int)
    if pieces.sum() > _MAX_PIECES:
        raise TrackError
    of = np.repeat(np.arange(len(pieces)), pieces)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[of]
    middles = start[of] + share[:, None] * step[of]
    cells = np.floor((middles + _ORIGIN) / CELL_DEGREES + 1e-9).astype(int)
    distinct, number = np.unique(cells, axis=0, return_inverse=True)
    lengths = np.bincount(number.ravel(), weights=(metres / pieces)[of] / 1000, minlength=len(distinct))
    return Counter(
        {Cell(int(column), int(row)): float(km) for (column, row), km in zip(distinct, lengths, strict=True)}
    )
