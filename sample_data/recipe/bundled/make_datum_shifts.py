"""Compute how far a place may be off where nobody tells the datum of its coordinates.

Usage: python sample_data/recipe/bundled/make_datum_shifts.py

Writes `datum_shifts.csv` into `biodata/data`: for each point of a grid of 5 degrees, the metres between WGS 84 and the
farthest of all geographic systems of the EPSG dataset with Greenwich as prime meridian, with the transformation that
PROJ takes without grid files, whether or not the system is meant for that place. The method is that of the
Georeferencing Calculator (Wieczorek and Wieczorek 2021, https://georeferencing.org/calculator/): great circles on a
sphere of 6,378,137 m, and each cell has the value of its south-western corner.
"""

import warnings
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from pyproj import CRS, Transformer, network
from pyproj.database import get_codes
from pyproj.enums import PJType

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
GRID_DEGREES: Final = 5
RADIUS_M: Final = 6_378_137.0


def main() -> None:
    """Write the grid."""
    warnings.simplefilter("ignore")
    network.set_network_enabled(False)  # type: ignore[attr-defined]
    longitude, latitude = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(-180.0, 180.0, GRID_DEGREES), np.arange(-90.0, 90.0, GRID_DEGREES), indexing="ij"
        )
    )
    largest = np.zeros(len(longitude))
    for code in get_codes("EPSG", PJType.GEOGRAPHIC_2D_CRS):
        system = CRS.from_epsg(code)
        if system.prime_meridian is None or system.prime_meridian.name != "Greenwich":
            continue
        x, y = Transformer.from_crs(system, 4326, always_xy=True).transform(longitude, latitude)
        metres = great_circle_m(longitude, latitude, np.asarray(x), np.asarray(y))
        largest = np.fmax(largest, np.where(np.isfinite(metres), metres, 0.0))
    pl.DataFrame(
        {
            "west": longitude.astype(np.int16),
            "south": latitude.astype(np.int16),
            "shift_m": np.round(largest).astype(np.int32),
        }
    ).write_csv(DATA / "datum_shifts.csv")


def great_circle_m(west: np.ndarray, south: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return metres between two arrays of points, degrees."""
    a, b, c, d = (np.radians(values) for values in (west, south, longitude, latitude))
    half = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    metres: np.ndarray = 2 * RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return metres


if __name__ == "__main__":
    main()
