"""Layers of polygons from files, for analyses that take tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from biodata.errors import InputError
from biodata.formats.vectors import read_frame

_POLYGONS: Final = ("Polygon", "MultiPolygon", "GeometryCollection")


def read_polygons(paths: Sequence[Path]) -> gpd.GeoDataFrame:
    """Read files of polygons as one table, in the first file's coordinate system.

    Parameters
    ----------
    paths : sequence of Path
        What GDAL reads: GeoPackage, GeoJSON, shapefile, …; points and lines in them are left out.

    Returns
    -------
    geopandas.GeoDataFrame
        One column, `geometry`; `attrs["left_out"]` has the number of rows that were left out, by the name of the file.

    Raises
    ------
    InputError
        If a file cannot be read (LAYER_UNREADABLE), tells no coordinate system (CRS_MISSING), or has no polygon
        (INPUT_EMPTY).
    """
    found: list[gpd.GeoSeries] = []
    left_out: dict[str, int] = {}
    crs = None
    for path in paths:
        layer = read_frame(path)
        kinds = layer.geom_type.tolist() if "geometry" in layer else []
        polygons = np.array([kind in _POLYGONS for kind in kinds], dtype=np.bool_)
        if not polygons.any():
            problem = "there is no polygon in it"
            raise InputError(problem, file=path.name, code="INPUT_EMPTY")
        if layer.crs is None:
            problem = "the layer tells no coordinate system"
            raise InputError(problem, file=path.name, code="CRS_MISSING")
        shapes = gpd.GeoSeries(layer.geometry.to_numpy()[polygons], crs=layer.crs)
        crs = layer.crs if crs is None else crs
        found.append(shapes.to_crs(crs))
        if not polygons.all():
            left_out[path.name] = int((~polygons).sum())
    table = gpd.GeoDataFrame(geometry=pd.concat(found, ignore_index=True), crs=crs)
    table.attrs["left_out"] = left_out
    return table
