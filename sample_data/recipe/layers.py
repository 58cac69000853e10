"""Land cover and elevation of the border windows as GeoTIFF, with the tables that explain the classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from recipe import areas, files, ground, terrain
from recipe.tables import table


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of cells: west and north edge, cell side and size, in the units of its coordinate system."""

    name: str
    crs: str
    west: float
    north: float
    cell: float
    width: int
    height: int


WINDOWS = (
    Window("china_laos", "EPSG:4326", 100.0, 22.9, 0.005, 600, 500),
    Window("cambodia_laos_vietnam", "EPSG:32648", 630_000.0, 1_705_000.0, 500.0, 430, 380),
    Window("china_vietnam", "EPSG:4326", 106.1, 23.3, 0.0025, 360, 280),
)
"""Xishuangbanna-Nam Ha-Phou Den Din; Virachey-Chu Mom Ray-Dong Ampham; Bangliang-Trung Khanh."""


def make(out: Path) -> None:
    """Write `layers/*.tif`, `layers/landcover_classes.csv` and `resistance.csv`."""
    folder = out / "layers"
    folder.mkdir(parents=True, exist_ok=True)
    protected = areas.protected_ground()
    for window in WINDOWS:
        longitude, latitude = centres(window)
        cover = ground.landcover(longitude, latitude, protected).reshape(window.height, window.width)
        height = terrain.elevation(longitude, latitude).round().astype(np.int16).reshape(window.height, window.width)
        write(folder / f"landcover_{window.name}.tif", cover, window, nodata=0, description="IGBP-like class")
        write(folder / f"elevation_{window.name}.tif", height, window, nodata=-32768, description="metres")
    classes = table("landcover_classes")
    (folder / "landcover_classes.csv").write_bytes(files.delimited(classes.select("class_value", "class_name", "note")))
    resistance = classes.select("class_value", "class_name", "resistance", "note", "linear")
    (out / "resistance.csv").write_bytes(files.delimited(resistance))


def centres(window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of the cells' centres, row by row from the north-west."""
    x = window.west + (np.arange(window.width) + 0.5) * window.cell
    y = window.north - (np.arange(window.height) + 0.5) * window.cell
    east, north = (axis.ravel() for axis in np.meshgrid(x, y))
    if window.crs == "EPSG:4326":
        return east, north
    longitude, latitude = Transformer.from_crs(window.crs, "EPSG:4326", always_xy=True).transform(east, north)
    return np.asarray(longitude), np.asarray(latitude)


def write(path: Path, cells: NDArray[np.generic], window: Window, *, nodata: int, description: str) -> None:
    """Write one band as a compressed GeoTIFF."""
    import rasterio

    profile = {
        "driver": "GTiff",
        "width": window.width,
        "height": window.height,
        "count": 1,
        "dtype": cells.dtype.name,
        "crs": window.crs,
        "transform": rasterio.Affine(window.cell, 0, window.west, 0, -window.cell, window.north),
        "nodata": nodata,
        "compress": "deflate",
        "predictor": 2,
        "zlevel": 9,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(cells, 1)
        target.set_band_description(1, description)
        target.update_tags(SYNTHETIC="made-up sample data, see sample_data/README.md")
