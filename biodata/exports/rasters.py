"""Results on a grid as GeoTIFF."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.exports.cog import write_cog

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biodata.analysis.grid import Grid


def write_geotiff(values: "NDArray[Any]", grid: "Grid", path: Path) -> None:
    """Write quantities on a grid as a Cloud Optimized GeoTIFF that appears whole or not at all.

    Parameters
    ----------
    values : ndarray of float64 or float32, grid.shape
        nan and inf become the file's nodata value, nan.
    grid : Grid
        Where the cells lie.
    path : Path
        The file.
    """
    write_cog(values, grid, path)
