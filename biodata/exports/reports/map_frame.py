"""What the report's map is drawn with: its frame, paths of shapes, words, scale bar and north."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import shapely

from biodata.exports.reports.words import metres, text

WIDTH: Final = 720


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the map lies: metres of a plane to pixels."""

    west: float
    north: float
    scale: float
    height: int
    crs: Any

    def x(self, metre: float) -> float:
        """Return the pixel of a metre to the east."""
        return (metre - self.west) * self.scale

    def y(self, metre: float) -> float:
        """Return the pixel of a metre to the north."""
        return (self.north - metre) * self.scale

    @property
    def box(self) -> Any:
        """The map's ground, metres."""
        return shapely.box(self.west, self.north - self.height / self.scale, self.west + WIDTH / self.scale, self.north)


def scale_bar(frame: Frame) -> str:
    """Draw a bar of a round length about a fifth of the map."""
    wanted = WIDTH / 5 / frame.scale
    power = 10 ** math.floor(math.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    width, y = length * frame.scale, frame.height - 18
    return (
        f'<rect x="10" y="{y - 24}" width="{width + 24:.1f}" height="36" fill="#ffffff" fill-opacity="0.8"/>'
        f'<path d="M22 {y - 6}V{y}H{22 + width:.1f}V{y - 6}" fill="none" stroke="#1d2a26" stroke-width="2"/>'
        f'<text x="{22 + width / 2:.1f}" y="{y - 9}" font-size="13" text-anchor="middle">{metres(length)}</text>'
    )


def north_arrow(frame: Frame) -> str:
    """Draw an arrow to the north, which is up in the middle of the map."""
    x = WIDTH - 26
    return (
        f'<rect x="{x - 16}" y="8" width="32" height="52" fill="#ffffff" fill-opacity="0.8"/>'
        f'<path d="M{x} 12L{x + 8} 36L{x} 30L{x - 8} 36Z" fill="#1d2a26"/>'
        f'<text x="{x}" y="54" font-size="15" font-weight="bold" text-anchor="middle">N</text>'
    )


def label(x: float, y: float, words: str, *, size: int, anchor: str, colour: str) -> str:
    """Write words with a light edge around them, so that they can be read on any ground."""
    told = text(words)
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="bold" text-anchor="{anchor}"'
    edge = f'<text {place} fill="#ffffff" stroke="#ffffff" stroke-width="3.5" stroke-opacity="0.85" aria-hidden="true">{told}</text>'
    return f'{edge}<text {place} fill="{colour}">{told}</text>'


def path(shape: Any, frame: Frame, *, closed: bool = True) -> str:
    """Return the rings of polygons, or lines, as an SVG path."""
    parts = [part for part in shapely.get_parts(shape) if not part.is_empty]
    if closed:
        rings = [ring for part in parts if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)]
    else:
        rings = [part for part in parts if part.geom_type in ("LineString", "LinearRing")]
    told = "".join(_points(ring.coords, frame.x, frame.y) + ("Z" if closed else "") for ring in rings)
    return f'<path d="{told}"/>' if told else ""


def _points(corners: Iterable[Any], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    return "M" + "L".join(f"{x(corner[0]):.1f} {y(corner[1]):.1f}" for corner in corners)
