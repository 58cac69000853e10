"""Places: which country and division a point lies in, how near a border, and what places are called.

`load_boundaries`, `locate` and `find_province` are the three most used. A boundary set is named and replaceable; near its
lines a point is ambiguous, and no side is ever chosen for it.
"""

from biodata.places.boundaries import BoundarySet, load_boundaries
from biodata.places.gazetteer import Gazetteer, load_gazetteer
from biodata.places.locate import locate
from biodata.places.names import (
    country_geometry,
    country_name,
    find_province,
    find_provinces,
    province_geometry,
    province_name,
)

__all__ = [
    "BoundarySet", "Gazetteer", "country_geometry", "country_name", "find_province", "find_provinces",
    "load_boundaries", "load_gazetteer", "locate", "province_geometry", "province_name",
]  # fmt: skip
