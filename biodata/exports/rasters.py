"""Results on a grid as GeoTIFF."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biodata.analysis.grid import Grid


def write_geotiff(values: "NDArray[np.float64] | NDArray[np.float32]", grid: "Grid", path: Path) -> None:
    """Write values on a grid as a GeoTIFF that appears whole or not at all.

    Parameters
    ----------
    values : ndarray of float64 or float32, grid.shape
        nan and inf become the file's nodata value, nan.
    grid : Grid
        Where the cells lie.
    path : Path
        The file.
    """
    import numpy as np
    import rasterio

    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": grid.shape[1],
        "height": grid.shape[0],
        "count": 1,
        "dtype": values.dtype.name,
        "nodata": float("nan"),
        "crs": rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
        "transform": grid.transform,
        "compress": "deflate",
        "predictor": 3,
        "tiled": True,
    }
    part = path.with_name(f"{path.stem}.part.tif")
    with rasterio.open(part, "w", **profile) as target:
        target.write(np.where(np.isfinite(values), values, np.array(np.nan, values.dtype)), 1)
    part.replace(path)
