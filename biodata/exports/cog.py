"""Rasters as Cloud Optimized GeoTIFF: tiled, with overviews, read in parts over the network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biodata.analysis.grid import Grid

_BLOCK = 512


def write_cog(
    values: "NDArray[Any]",
    grid: "Grid",
    path: Path,
    *,
    classes: bool = False,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write values on a grid as a Cloud Optimized GeoTIFF; the file appears whole or not at all.

    Parameters
    ----------
    values : ndarray, grid.shape
        Of float64 or float32: nan and inf become the file's nodata value, nan. Of classes whole numbers from 1 to
        65 535 as floats, nan where there is none; they are written as whole numbers, 0 being no data.
    grid : Grid
        Where the cells lie.
    path : Path
        The file.
    classes : bool
        True for classes: overviews take the nearest cell, and an average else.
    tags : mapping of str to str, optional
        The file's metadata.

    Raises
    ------
    ValueError
        If a class is no such number.

    Notes
    -----
    https://www.ogc.org/standard/ogc-cog (OGC 21-026).
    """
    import numpy as np
    import rasterio
    import rasterio.shutil

    dtype, nodata = str(values.dtype), float("nan")
    cells = np.where(np.isfinite(values), values, np.nan).astype(dtype)
    if classes:
        known = cells[np.isfinite(cells)]
        if known.size and not (known.min() >= 1 and known.max() <= 65_535 and (known == np.rint(known)).all()):
            message = "classes are whole numbers from 1 to 65 535"
            raise ValueError(message)
        dtype, nodata = "uint8" if not known.size or known.max() <= 255 else "uint16", 0.0
        cells = np.nan_to_num(cells, nan=0).astype(dtype)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": grid.shape[1],
        "height": grid.shape[0],
        "count": 1,
        "dtype": dtype,
        "nodata": nodata,
        "crs": rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
        "transform": grid.transform,
    }
    part, plain = path.with_name(f"{path.stem}.part.tif"), path.with_name(f"{path.stem}.part.plain.tif")
    try:
        with rasterio.open(plain, "w", **profile) as target:
            target.write(cells, 1)
            target.update_tags(**(tags or {}))
        resampling = "NEAREST" if classes else "AVERAGE"
        rasterio.shutil.copy(
            plain, part, driver="COG", compress="DEFLATE", predictor="YES", blocksize=_BLOCK,
            overview_resampling=resampling, resampling=resampling, bigtiff="IF_SAFER",
        )  # fmt: skip
        part.replace(path)
    finally:
        plain.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
