"""Where the report's map lies: lines of longitude and latitude over it, and a small map of the countries around."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely

from biodata import geo
from biodata.exports.reports.map_frame import WIDTH, Frame, label
from biodata.exports.reports.words import text

_STEPS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_LINES: Final = 4
"""Lines that cross the map, about."""
_INK: Final = "#4c5652"
INSET_WIDTH, INSET_HEIGHT = 170, 150
_INSET_DEGREES: Final = 24.0
"""How much of the world the small map shows from west to east."""
_EDGE: Final = 8
_NAMED: Final = 0.025
"""Share of the small map that a country needs for its code."""


def graticule(frame: Frame) -> str:
    """Draw meridians and parallels with their degrees at the lower and the left edge."""
    degrees = geo.project(geo.densify(frame.box, max_segment_degrees=60 / frame.scale), frame.crs, 4326)
    west, south, east, north = degrees.bounds
    step = next((one for one in _STEPS if (east - west) / one <= _LINES), _STEPS[-1])
    drawn = words = ""
    for longitude in _between(west, east, step):
        line = shapely.LineString([(longitude, y) for y in np.linspace(south - 1, north + 1, 40).clip(-90, 90)])
        seen = _seen(line, frame)
        if seen is not None:
            drawn += _line(seen, frame)
            x = min(seen.coords, key=lambda corner: corner[1])[0]
            words += _degrees(frame.x(x), frame.height - 6, longitude, "E", "W", "middle", frame)
    for latitude in _between(south, north, step):
        line = shapely.LineString([(x, latitude) for x in np.linspace(west - 1, east + 1, 40)])
        seen = _seen(line, frame)
        if seen is not None:
            drawn += _line(seen, frame)
            y = min(seen.coords, key=lambda corner: corner[0])[1]
            words += _degrees(6, frame.y(y) - 4, latitude, "N", "S", "start", frame)
    return f'<g fill="none" stroke="{_INK}" stroke-opacity="0.28" stroke-width="0.7">{drawn}</g>{words}'


def inset(around: Sequence[Mapping[str, Any]], frame: Frame, taken: Any) -> str:
    """Draw the countries around, with the map's ground as a square, in the corner that leaves most to be seen.

    Parameters
    ----------
    around : sequence of mapping
        name, level, geometry in degrees.
    frame : Frame
        Of the large map.
    taken : shapely geometry
        What the large map must show, metres of its plane.
    """
    if not around:
        return ""
    left, top = _corner(frame, taken)
    ground = geo.project(frame.box, frame.crs, 4326)
    at = shapely.centroid(ground)
    pixels = INSET_WIDTH / max(_INSET_DEGREES, 3 * (ground.bounds[2] - ground.bounds[0]))
    squeeze = math.cos(math.radians(min(abs(at.y), 80.0)))

    def pixel(corner: Any) -> tuple[float, float]:
        x = INSET_WIDTH / 2 + (corner[0] - at.x) * pixels
        return x, INSET_HEIGHT / 2 - (corner[1] - at.y) * pixels / squeeze

    across, up = INSET_WIDTH / pixels / 2, INSET_HEIGHT / pixels / 2 * squeeze
    window = shapely.box(at.x - across, at.y - up, at.x + across, at.y + up)
    fills = {"country": "#f6f3ea", "disputed": "#b9b3a6"}
    drawn = ""
    for one in around:
        near = shapely.clip_by_rect(shapely.make_valid(one["geometry"]), *window.buffer(1).bounds)
        rings = [part.exterior for part in shapely.get_parts(shapely.simplify(near, 0.7 / pixels)) if _drawable(part)]
        path = "".join(
            "M" + "L".join("{:.1f} {:.1f}".format(*pixel(corner)) for corner in ring.coords) + "Z" for ring in rings
        )
        if path:
            drawn += f'<path d="{path}" fill="{fills.get(one["level"], "#b9b3a6")}"/>'
    west, south, east, north = ground.bounds
    wide, high = max((east - west) * pixels, 7.0), max((north - south) * pixels / squeeze, 7.0)
    names = _names(around, ground, window, pixel)
    return (
        f'<g transform="translate({left} {top})"><clipPath id="inset-edge"><rect width="{INSET_WIDTH}" height="{INSET_HEIGHT}"/></clipPath>'
        f'<g clip-path="url(#inset-edge)"><rect width="{INSET_WIDTH}" height="{INSET_HEIGHT}" fill="#dfeaf2"/>'
        f'<g stroke="#8b8577" stroke-width="0.6">{drawn}</g>{names}'
        f'<rect x="{(INSET_WIDTH - wide) / 2:.1f}" y="{(INSET_HEIGHT - high) / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" '
        f'fill="#b2182b" fill-opacity="0.25" stroke="#b2182b" stroke-width="1.8"/></g>'
        f'<rect width="{INSET_WIDTH}" height="{INSET_HEIGHT}" fill="none" stroke="#5b635f"/></g>'
    )


def _corner(frame: Frame, taken: Any) -> tuple[float, float]:
    """Return the left and upper pixel of the small map: the corner that hides least; north and scale keep theirs."""
    corners = (
        (_EDGE, _EDGE),
        (WIDTH - INSET_WIDTH - _EDGE, frame.height - INSET_HEIGHT - _EDGE - 18),
        (WIDTH - INSET_WIDTH - _EDGE - 48, _EDGE),
        (_EDGE, frame.height - INSET_HEIGHT - 52),
    )

    return min(corners, key=lambda corner: float(shapely.intersection(_over(frame, corner), taken).area))


def inset_ground(around: Sequence[Mapping[str, Any]], frame: Frame, taken: Any) -> Any:
    """Return the ground of the large map that the small one hides, metres; empty where there is none."""
    return _over(frame, _corner(frame, taken)) if around else shapely.Polygon()


def _over(frame: Frame, corner: tuple[float, float]) -> Any:
    """Return the ground under a small map whose left and upper pixel is told."""
    west, north = frame.west + corner[0] / frame.scale, frame.north - corner[1] / frame.scale
    return shapely.box(west, north - INSET_HEIGHT / frame.scale, west + INSET_WIDTH / frame.scale, north)


def _names(
    around: Sequence[Mapping[str, Any]], ground: Any, window: Any, pixel: Callable[[Any], tuple[float, float]]
) -> str:
    """Write the codes of countries where the small map has room, those on the large map's ground first."""
    countries = [one for one in around if one["level"] == "country"]
    parts = [shapely.intersection(one["geometry"], window) for one in countries]
    order = sorted(range(len(countries)), key=lambda n: (not parts[n].intersects(ground), -parts[n].area))
    written: list[tuple[float, float]] = []
    told = ""
    for n in order:
        pieces = [piece for piece in shapely.get_parts(parts[n]) if _drawable(piece)]
        if not pieces or parts[n].area < _NAMED * window.area:
            continue
        x, y = pixel(shapely.point_on_surface(max(pieces, key=lambda piece: piece.area)).coords[0])
        if any(abs(x - other) < 22 and abs(y - across) < 13 for other, across in written):
            continue
        written.append((x, y))
        told += f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="11" fill="{_INK}" text-anchor="middle">{text(countries[n]["code"])}</text>'
    return told


def _drawable(part: Any) -> bool:
    return part.geom_type == "Polygon" and not part.is_empty


def _seen(line: Any, frame: Frame) -> Any:
    """Return the longest piece of a line in degrees that the map shows, in metres."""
    pieces = shapely.get_parts(shapely.intersection(geo.project(line, 4326, frame.crs), frame.box))
    found = [piece for piece in pieces if piece.geom_type == "LineString" and not piece.is_empty]
    return max(found, key=lambda piece: piece.length, default=None)


def _line(line: Any, frame: Frame) -> str:
    return '<path d="M' + "L".join(f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in line.coords) + '"/>'


def _between(low: float, high: float, step: float) -> Iterable[float]:
    """Return the multiples of a step between two numbers."""
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _degrees(x: float, y: float, value: float, plus: str, minus: str, anchor: str, frame: Frame) -> str:
    """Write degrees, but where the scale bar stands."""
    bar = x < WIDTH / 5 + 60 and y > frame.height - 52
    if bar or not 12 < y < frame.height or not 4 < x < WIDTH - 22:
        return ""
    told = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    return label(
        x, y, f"{told}° {plus if value >= 0 else minus}" if value else "0°", size=11, anchor=anchor, colour=_INK
    )
