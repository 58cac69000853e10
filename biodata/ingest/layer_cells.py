"""What a raster's cells hold: their values counted block by block, never all of them in memory."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from tqdm.auto import tqdm

from biodata.formats import geotiff

MAX_VALUES: Final = 20_000
"""Values are counted one by one as long as there are no more different ones."""


@dataclass
class Cells:
    """What was counted.

    Attributes
    ----------
    values : Counter of float to int, or None
        Cells by value, those without data left out; None where there are more than `MAX_VALUES` values.
    empty : int
        Cells without data, as the file declares them by a value or a mask.
    lowest, highest : float
        Of the cells with data; inf and -inf where there are none.
    whole : bool
        True where every value is a whole number.
    """

    values: "Counter[float] | None" = field(default_factory=Counter)
    empty: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    whole: bool = True

    @property
    def any(self) -> bool:
        """True where some cell has data."""
        return self.lowest <= self.highest


def count(raster: Any, band: int, *, nodata: float | None, file: str, progress: bool = False) -> Cells:
    """Read every cell of a band and count what is in it.

    Parameters
    ----------
    raster : rasterio.DatasetReader
    band : int
        The band's number.
    nodata : float, optional
        The value that stands for no data; nan stands for it, too.
    file : str
        What a person calls it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Cells
    """
    found = Cells()
    windows = [window for _, window in raster.block_windows(band)]
    for window in tqdm(windows, desc=file, unit="block", disable=not progress):
        whole, kept = geotiff.read(raster, band, window)
        cells = whole.ravel()
        good = cells == cells
        if kept is not None:
            good &= kept.ravel()
        if nodata is not None and not np.isnan(nodata):
            # A file of float32 tells its nodata value as float64, which then equals none of its cells.
            good &= cells != np.asarray(nodata).astype(cells.dtype)
        found.empty += int(cells.size - good.sum())
        _add(found, cells if good.all() else cells[good])
    return found


def _add(found: Cells, cells: Any) -> None:
    """Count more cells."""
    if not cells.size:
        return
    found.lowest, found.highest = min(found.lowest, float(cells.min())), max(found.highest, float(cells.max()))
    integral = np.issubdtype(cells.dtype, np.integer)
    if found.whole and not integral:
        found.whole = bool(np.all(np.isfinite(cells)) and np.all(cells == np.rint(cells)))
    if found.values is None:
        return
    if integral and found.highest - found.lowest <= 4 * MAX_VALUES:
        low = int(cells.min())
        tallied = np.bincount(cells.astype(np.int64) - low)
        values = np.flatnonzero(tallied)
        pairs = zip((values + low).tolist(), tallied[values].tolist(), strict=True)
    else:
        unique, counts = np.unique(cells, return_counts=True)
        pairs = zip(unique.tolist(), counts.tolist(), strict=True)
    for value, number in pairs:
        found.values[float(value)] += number
    if len(found.values) > MAX_VALUES:
        found.values = None
