"""Coordinate systems of the region: what they are, where they are used, and how a place in them is had in WGS 84.

`find_system`, `all_systems` and `to_wgs84` are the three most used. A move says by which operation and how accurately; a
system that nobody named is never assumed here.
"""

from biodata.places.datums.operations import Moved, to_wgs84
from biodata.places.datums.systems import Form, System, all_systems, find_system

__all__ = ["Form", "Moved", "System", "all_systems", "find_system", "to_wgs84"]
