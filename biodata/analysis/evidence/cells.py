"""Records that are published as a cell: how far their place may be, before and after the cell was added."""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata.geo import area_km2, geodesic_distance_m

EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")


def reached(records: pl.DataFrame) -> pl.DataFrame:
    """Add how exact each place was, and how far around its point it is now.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, their uncertainty, and EDGES, which are null for a record whose own place is told.

    Returns
    -------
    polars.DataFrame of n rows
        With `own_radius_m`, metres: the uncertainty, or what it was before half the diagonal of the cell was added to it
        and the sum rounded up to a metre (`sharing.generalise`); and `reach_m`: the uncertainty, or the radius of a
        circle of the cell's area and what lies `own_radius_m` around it.
    """
    radius = records["coordinateUncertaintyInMeters"].cast(pl.Float64)
    told = records[EDGES[0]].is_not_null().to_numpy()
    own, reach = (radius.fill_null(np.nan).to_numpy().copy() for _ in range(2))
    if told.any():
        west, south, east, north = (records[name].to_numpy()[told] for name in EDGES)
        longitude, latitude = (west + east) / 2, (south + north) / 2
        half = np.maximum(*(geodesic_distance_m(longitude, latitude, west, corner) for corner in (south, north)))
        own[told] = np.maximum(np.floor(own[told] - half + 1e-6), 0.0)
        reach[told] = 1000 * np.sqrt(area_km2(shapely.box(west, south, east, north)) / np.pi) + own[told]
    return records.with_columns(own_radius_m=pl.Series(own).fill_nan(None), reach_m=pl.Series(reach).fill_nan(None))
