"""Two climates on the same cells: today's and tomorrow's, of one or several variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid, require_aligned
from biodata.errors import InputError

LAPSE_C_PER_KM: Final = -6.5
"""Fall of temperature with height of the standard atmosphere (ISO 2533:1975); real slopes differ by some degrees a km."""
_SEA_LEVEL_C: Final = 25.0
"""Any value does: velocity, analogues and corridors look at differences alone."""


@dataclass(frozen=True, slots=True)
class Climates:
    """Climates of the cells of a grid.

    Attributes
    ----------
    today, future : ndarray of float64, (variables, rows, columns)
        nan in every variable of both where one of them is not known.
    grid : Grid
    names : tuple of str
        Of the variables.
    notes : tuple of str
        What was assumed or left out.
    """

    today: Floats
    future: Floats
    grid: Grid
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read(today: Sequence[Path], future: Sequence[Path]) -> Climates:
    """Read rasters of today's and tomorrow's climate.

    Parameters
    ----------
    today, future : sequence of Path
        A raster of each variable, in the same order, in any system; all on the same cells.

    Returns
    -------
    Climates

    Raises
    ------
    InputError
        If a raster cannot be read, their numbers differ, they do not lie on the same cells, telling exactly in what, or
        no cell is known in all.
    """
    if not today or len(today) != len(future):
        problem = f"{len(today)} rasters of today and {len(future)} of tomorrow"
        raise InputError(problem, expected="one of each for every variable, in the same order", code="CLIMATES_UNEVEN")
    found = [(path, *rasters.read(path)) for path in (*today, *future)]
    require_aligned({f"{path.name} ({number})": own for number, (path, _, own) in enumerate(found, start=1)})
    values = [one for _, one, _ in found]
    return of_arrays(
        np.array(values[: len(today)]), np.array(values[len(today) :]), found[0][2],
        names=tuple(path.stem for path in today),
    )  # fmt: skip


def of_arrays(
    today: Floats, future: Floats, grid: Grid, *, names: tuple[str, ...], notes: tuple[str, ...] = ()
) -> Climates:
    """Return climates of arrays, with cells that lack a value in one of them taken as unknown in all.

    Parameters
    ----------
    today, future : ndarray of float64, (variables, rows, columns)
    grid : Grid
    names : tuple of str
    notes : tuple of str

    Raises
    ------
    InputError
        If no cell is known in all.
    """
    finite = np.concatenate([np.isfinite(today), np.isfinite(future)])
    known = finite.all(axis=0)
    if not known.any():
        problem = "no cell has a value in every raster of the climate"
        raise InputError(problem, expected="rasters of the same ground", code="CLIMATES_EMPTY")
    lost = int((finite.any(axis=0) & ~known).sum())
    if lost:
        notes = (*notes, f"{lost} cells lack a value in one of the rasters and are left out of all")
    return Climates(np.where(known, today, np.nan), np.where(known, future, np.nan), grid, names, notes)


def of_elevation(
    path: Path, *, warming_c: float, lapse_c_per_km: float = LAPSE_C_PER_KM, missing: float | None = None
) -> Climates:
    """Return temperatures by height alone, today's and warmer ones: a stand-in where no climate is at hand.

    Parameters
    ----------
    path : Path
        Elevation, metres.
    warming_c : float
        By how much it is warmer everywhere tomorrow.
    lapse_c_per_km : float
        Change with height, below 0.
    missing : float, optional
        Elevation that stands for the sea where the file does not say so.

    Returns
    -------
    Climates

    Raises
    ------
    InputError
        If the raster cannot be read or the lapse rate is not below 0.
    """
    if not lapse_c_per_km < 0:
        problem = "temperature falls with height"
        raise InputError(problem, column="lapse_c_per_km", value=f"{lapse_c_per_km:g}", expected="-6.5 is usual")
    elevation, grid = rasters.read(path)
    if missing is not None:
        elevation[elevation == missing] = np.nan
    today = _SEA_LEVEL_C + lapse_c_per_km * elevation / 1000
    notes = (
        f"temperature is taken from height alone, {lapse_c_per_km:g} K a kilometre, and {warming_c:+g} K everywhere "
        "tomorrow: an assumption, in which the north is no cooler than the south and slopes have no sun or shade",
    )
    return of_arrays(today[None], today[None] + warming_c, grid, names=("temperature_c",), notes=notes)
