"""One band of an analysis as a Cloud Optimized GeoTIFF that tells what it holds and how it was made."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biodata.analysis.grid import Grid


def write_band(
    values: "NDArray[Any]",
    grid: "Grid",
    path: Path,
    *,
    nodata: float,
    description: str,
    unit: str = "",
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Write values on a grid; the file appears whole or not at all.

    Parameters
    ----------
    values : ndarray of floats or whole numbers, grid.shape
        Of floats, nan and inf become `nodata`.
    grid : Grid
        Where the cells lie.
    path : Path
        The file.
    nodata : float
        What stands for no data.
    description, unit : str
        Of the band; the unit stands in the description too, as few programs show it else.
    parameters : mapping of str to str, optional
        The file's metadata.

    Notes
    -----
    Overviews take the nearest cell, so that they hold no value which the band does not. https://gdal.org/drivers/raster/cog.html
    """
    import numpy as np
    import rasterio
    import rasterio.shutil

    whole = not np.issubdtype(values.dtype, np.floating)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": grid.shape[1],
        "height": grid.shape[0],
        "count": 1,
        "dtype": str(values.dtype),
        "nodata": nodata,
        "crs": rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
        "transform": grid.transform,
        "bigtiff": "if_safer",
    }
    part, plain = path.with_name(f"{path.stem}.part.tif"), path.with_name(f"{path.stem}.part.plain.tif")
    try:
        with rasterio.open(plain, "w", **profile) as target:
            target.write(values if whole else np.where(np.isfinite(values), values, nodata).astype(values.dtype), 1)
            target.set_band_description(1, f"{description} ({unit})" if unit else description)
            if unit:
                target.units = (unit,)
            target.update_tags(**(parameters or {}))
        rasterio.shutil.copy(
            plain, part, driver="COG", compress="DEFLATE", predictor="YES", resampling="NEAREST", bigtiff="IF_SAFER"
        )
        part.replace(path)
    finally:
        plain.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
