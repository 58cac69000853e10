"""The equal-area plane on which coverage is measured, the same as that of cleaned protected areas."""

from typing import Final

import numpy as np
import shapely

from biodata import geo
from biodata.analysis.areas import polygonal
from biodata.geo import Geometries

PLANE: Final = "EPSG:6933"
"""WGS 84 / NSIDC EASE-Grid 2.0 Global; areas on it are those of the ellipsoid."""

_LONGEST_DEGREES: Final = 0.05
"""An edge is straight in degrees; projected by its ends alone one of this length strays by less than half a metre."""


def to_plane(shapes: Geometries) -> Geometries:
    """Return polygons (degrees, WGS 84) as valid polygons on the plane, metres; what is no polygon becomes empty."""
    found = polygonal(np.asarray(shapes, dtype=object))
    coordinates, index = shapely.get_coordinates(found, return_index=True)
    steps = np.abs(np.diff(coordinates, axis=0)).max(axis=1, initial=0.0)
    long = np.unique(index[1:][(index[1:] == index[:-1]) & (steps > _LONGEST_DEGREES)])
    found[long] = geo.densify(found[long], max_segment_degrees=_LONGEST_DEGREES)
    return polygonal(np.asarray(geo.project(found, 4326, PLANE), dtype=object))
