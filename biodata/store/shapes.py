"""Polygons and lines as a release holds them: with their box, and made simpler for each band of zooms."""

from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.store.mercator import MAXIMUM_LATITUDE

BANDS: Final = (3, 6, 9, 12)
"""The last zoom of each band; the last band serves every higher zoom too."""

_RADIUS_M: Final = 6378137.0
_TILE_UNITS: Final = 4096
_WORLD_M: Final = 2 * np.pi * _RADIUS_M


def band_of(zoom: int) -> int:
    """Return the band that serves a zoom."""
    return next((band for band in BANDS if zoom <= band), BANDS[-1])


def boxes(wkb: pl.Series) -> pl.DataFrame:
    """Return west, south, east, north of n geometries, degrees; null where there is none."""
    bounds = shapely.bounds(shapely.from_wkb(wkb.to_numpy()))
    return pl.DataFrame(bounds, schema=dict.fromkeys(("west", "south", "east", "north"), pl.Float64)).fill_nan(None)


def simplified(collection: str, ids: pl.Series, wkb: pl.Series) -> pl.DataFrame:
    """Return the geometries in Web Mercator, once for each band, without detail that its zooms cannot show.

    Parameters
    ----------
    collection : str
        The table that they belong to.
    ids : polars.Series of n strings
        What joins them to its rows.
    wkb : polars.Series of n binary
        Degrees, WGS 84; rows without a geometry give none.

    Returns
    -------
    polars.DataFrame
        collection, id, band, xmin, ymin, xmax, ymax (metres, EPSG:3857), geometry (WKB, EPSG:3857). What is smaller
        than half a unit of a tile is left out of its band.
    """
    here = wkb.is_not_null().to_numpy()
    projected = shapely.transform(shapely.from_wkb(wkb.to_numpy()[here]), _to_mercator)
    frames = []
    for band in BANDS:
        unit_m = _WORLD_M / 2**band / _TILE_UNITS
        simple = shapely.simplify(projected, unit_m if band != BANDS[-1] else unit_m / 8, preserve_topology=True)
        bounds = shapely.bounds(simple)
        large = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) >= unit_m / 2
        kept = large | (band == BANDS[-1])
        frames.append(
            pl.DataFrame(
                {
                    "collection": [collection] * int(kept.sum()),
                    "id": ids.to_numpy()[here][kept],
                    "band": [band] * int(kept.sum()),
                    **{name: bounds[kept, i] for i, name in enumerate(("xmin", "ymin", "xmax", "ymax"))},
                    "geometry": shapely.to_wkb(simple[kept]),
                },
                schema=SHAPES,
            )
        )
    return pl.concat(frames)


SHAPES: Final = {
    "collection": pl.String,
    "id": pl.String,
    "band": pl.Int32,
    "xmin": pl.Float64,
    "ymin": pl.Float64,
    "xmax": pl.Float64,
    "ymax": pl.Float64,
    "geometry": pl.Binary,
}
"""Columns of the release's table `shapes`."""


def _to_mercator(positions: NDArray[Any]) -> NDArray[Any]:
    """Project degrees to metres of EPSG:3857."""
    radians = np.radians(np.clip(positions[:, 1], -MAXIMUM_LATITUDE, MAXIMUM_LATITUDE))
    return np.column_stack([np.radians(positions[:, 0]), np.arcsinh(np.tan(radians))]) * _RADIUS_M
