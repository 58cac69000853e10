"""Geometry in bytes (WKB, EWKB) looked at before GEOS sees it: how deep, how many vertices, numbers or not.

100,000 collections inside each other end the process, and neither a watchdog nor an exception stops that.
"""

import struct
from typing import Final

import numpy as np

MAX_DEPTH: Final = 8
"""Collections inside collections; honest data has one or two."""

_POINT, _LINE, _POLYGON, _COLLECTION = 1, 2, 3, 7
_CURVES: Final = range(8, 18)


def problem_of(blob: bytes, *, max_vertices: int, max_depth: int = MAX_DEPTH) -> tuple[str, str] | None:
    """Tell why a geometry cannot be taken.

    Parameters
    ----------
    blob : bytes
        WKB in either byte order, with or without Z, M and SRID.
    max_vertices, max_depth : int
        Bounds.

    Returns
    -------
    (code, message) or None
        GEOMETRY_TOO_LARGE, GEOMETRY_TOO_DEEP, COORDINATE_INVALID (a coordinate is no finite number) or
        GEOMETRY_UNREADABLE (damaged, or of a kind that is not read); None where nothing is wrong.
    """
    # A vertex takes at least 16 bytes: the bytes bound the vertices.
    if len(blob) > 16 * max_vertices:
        vertices = len(blob) // 16
        return "GEOMETRY_TOO_LARGE", f"the geometry has about {vertices} vertices; at most {max_vertices} are taken"
    try:
        return _walk(blob, max_depth)
    except struct.error:
        return "GEOMETRY_UNREADABLE", "the geometry is damaged"


def _walk(blob: bytes, max_depth: int) -> tuple[str, str] | None:
    """Walk the parts without recursion."""
    at, left = 0, [1]
    while left:
        if not left[-1]:
            left.pop()
            continue
        left[-1] -= 1
        order = "<" if blob[at : at + 1] == b"\x01" else ">"
        (code,) = struct.unpack_from(f"{order}I", blob, at + 1)
        at += 5 + (4 if code & 0x20000000 else 0)
        flags, plain = code >> 29, code & 0x1FFFFFFF
        kind, iso = plain % 1000, plain // 1000
        extra = (iso in (1, 3)) + (iso in (2, 3)) or bool(flags & 4) + bool(flags & 2)
        if kind in (_POINT, _LINE, _POLYGON):
            rings = 1
            if kind == _POLYGON:
                (rings,) = struct.unpack_from(f"{order}I", blob, at)
                at += 4
            for _ in range(rings):
                count = 1
                if kind != _POINT:
                    (count,) = struct.unpack_from(f"{order}I", blob, at)
                    at += 4
                size = count * 8 * (2 + extra)
                if at + size > len(blob):
                    return "GEOMETRY_UNREADABLE", "the geometry is damaged"
                numbers = np.frombuffer(blob, f"{order}f8", count * (2 + extra), at).reshape(count, 2 + extra)
                at += size
                # A point of NaN is how an empty point is written.
                if not np.isfinite(numbers[:, :2]).all() and not (kind == _POINT and np.isnan(numbers[:, :2]).all()):
                    return "COORDINATE_INVALID", "a coordinate is no finite number"
        elif kind <= _COLLECTION and kind:
            if len(left) > max_depth:
                return "GEOMETRY_TOO_DEEP", f"collections stand more than {max_depth} deep inside each other"
            (count,) = struct.unpack_from(f"{order}I", blob, at)
            at += 4
            left.append(count)
        else:
            what = "of a kind that is not read (a curve)" if kind in _CURVES else "damaged"
            return "GEOMETRY_UNREADABLE", f"the geometry is {what}"
    return None
