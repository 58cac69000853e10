"""The report's map as SVG: areas, corridor, narrowest place, border with its band, no record's place; and its plots."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any, ClassVar, Final

import shapely
from markupsafe import Markup

from biodata.core import geo
from biodata.exports.reports.findings import metres, number
from biodata.exports.reports.material import Material
from biodata.exports.templating import add_functions, drawing, environment

WIDTH: Final = 720
INK: Final = MappingProxyType(
    {
        "border": "#5b4636", "band": "#c9743f", "area": "#2e7d5b", "near": "#a9cdbb", "corridor": "#6a3d9a",
        "subject": "#8a6500", "quiet": "#4c5652",
    }
)  # fmt: skip
_TALLEST, _FLATTEST = 1.0, 0.6
_MARGIN: Final = 0.09
_LEAST_M: Final = 8_000.0
_NAMED: Final = 0.02
"""Share of the map that a country needs for its name."""

Pixel = Callable[[Any], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the map lies: metres of a plane to pixels.

    Attributes
    ----------
    west, north : float
        Its upper left corner, metres.
    scale : float
        Pixels a metre.
    height : int
        Pixels.
    crs : pyproj.CRS
        Of the plane.
    """

    west: float
    north: float
    scale: float
    height: int
    crs: Any
    width: ClassVar[int] = WIDTH

    def pixel(self, corner: Any) -> tuple[float, float]:
        """Return the pixel of a corner in metres."""
        return (corner[0] - self.west) * self.scale, (self.north - corner[1]) * self.scale

    @property
    def box(self) -> Any:
        """The map's ground, metres."""
        south, east = self.north - self.height / self.scale, self.west + WIDTH / self.scale
        return shapely.box(self.west, south, east, self.north)


def draw(material: Material, *, band_m: float | None, title: str) -> Markup:
    """Return the map as SVG.

    Parameters
    ----------
    material : Material
        What is drawn.
    band_m : float or None
        Half the width of the band along borders; none is drawn without.
    title : str
        Read out in place of the map.

    Returns
    -------
    Markup
        Empty where there is no shape to draw.
    """
    if (frame := _frame(material)) is None:
        return Markup("")
    corridors = [material.row] if material.table == "corridors" else list(material.corridors)
    on_map = [(one, _on_map(one["geometry"], frame)) for one in material.borders]
    areas = [(area, _on_map(area["geometry"], frame)) for area in material.areas]
    own = [shape for area, shape in areas if area["member"]]
    subject = None if material.table == "corridors" else material.row["geometry"]
    rows = [*numbered(material), material.row, *material.corridors]
    shapes = [_on_map(row["geometry"], frame) for row in rows if row["geometry"] is not None]
    taken = shapely.buffer(shapely.union_all(shapes), 14 / frame.scale)
    border = _path(_border(material, frame), frame.pixel, closed=False)
    made = environment("biodata.exports.reports", lenient=True)
    add_functions(made, {"metres": metres})
    drawn = made.get_template("map.svg").render(
        title=title,
        frame=frame,
        ink=INK,
        land=[_path(shape, frame.pixel) for one, shape in on_map if one["level"] == "country"],
        disputed=[_path(shape, frame.pixel) for one, shape in on_map if one["level"] == "disputed"],
        border=border,
        band_px=2 * band_m * frame.scale if band_m and border else 0,
        near=[_path(shape, frame.pixel) for area, shape in areas if not area["member"]],
        own=[_path(shape, frame.pixel) for shape in own],
        subject="" if subject is None else _path(_on_map(subject, frame), frame.pixel),
        corridors=[_corridor(one, frame) for one in corridors],
        numbers=[_pixel_of(_middle(shapely.intersection(shape, frame.box)), frame) for shape in own],
        names=_names(on_map, frame, taken),
        scale_m=_round_length(WIDTH / 5 / frame.scale),
    )
    return drawing(drawn)


def numbered(material: Material) -> list[Mapping[str, Any]]:
    """Return the areas that have a number on the map, the first is 1."""
    return [area for area in material.areas if area["member"]]


def _frame(material: Material) -> Frame | None:
    """Return the frame around the row, its corridors and its areas."""
    rows = [material.row, *material.corridors, *numbered(material)]
    shapes = [row[name] for row in rows for name in ("geometry", "path") if row.get(name) is not None]
    if not shapes:
        return None
    crs = geo.equal_area_crs(shapely.total_bounds(shapes))
    west, south, east, north = shapely.total_bounds([geo.project(shape, 4326, crs) for shape in shapes]).tolist()
    across, up = max(east - west, _LEAST_M), max(north - south, _LEAST_M)
    across, up = across * (1 + 2 * _MARGIN), up * (1 + 2 * _MARGIN)
    across, up = max(across, up / _TALLEST), max(up, across * _FLATTEST)
    x, y = (west + east) / 2, (south + north) / 2
    return Frame(x - across / 2, y + up / 2, WIDTH / across, round(WIDTH * up / across), crs)


def _on_map(shape: Any, frame: Frame) -> Any:
    """Return a shape in degrees as what the map shows of it, in metres, with no more detail than a pixel holds."""
    corners = geo.project(geo.densify(frame.box, max_segment_degrees=1 / frame.scale * 60), frame.crs, 4326)
    west, south, east, north = corners.bounds
    near = shapely.clip_by_rect(shapely.make_valid(shape), west - 0.2, south - 0.2, east + 0.2, north + 0.2)
    return shapely.simplify(geo.project(near, 4326, frame.crs), 0.4 / frame.scale)


def _path(shape: Any, pixel: Pixel, *, closed: bool = True) -> str:
    """Return the rings of polygons, or lines, as an SVG path."""
    parts = [part for part in shapely.get_parts(shape) if not part.is_empty]
    if closed:
        rings = [ring for part in parts if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)]
    else:
        rings = [part for part in parts if part.geom_type in ("LineString", "LinearRing")]
    corners = ("L".join("{:.1f} {:.1f}".format(*pixel(corner)) for corner in ring.coords) for ring in rings)
    return "".join(f"M{line}{'Z' if closed else ''}" for line in corners)


def _border(material: Material, frame: Frame) -> Any:
    """Return the borders between countries, and of disputed units, metres."""
    # Cut before they are made simpler, so that both sides of a border keep the same corners.
    west, south, east, north = geo.project(frame.box, frame.crs, 4326).bounds
    window = shapely.box(west - 0.3, south - 0.3, east + 0.3, north + 0.3)
    near = [shapely.intersection(one["geometry"], window) for one in material.borders]
    shared = [
        shapely.intersection(shapely.boundary(a), shapely.boundary(b))
        for a, b in combinations(near, 2)
        if a.intersects(b)
    ]
    lines = [part for shape in shared for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
    plane = geo.project(
        shapely.line_merge(shapely.union_all(lines) if lines else shapely.MultiLineString()), 4326, frame.crs
    )
    return shapely.simplify(plane, 0.3 / frame.scale)


def _corridor(row: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """Return a corridor, its cheapest path and its narrowest place."""
    ground, path, at = row["geometry"], row["path"], None
    if row["narrowest_longitude"] is not None:
        place = shapely.Point(row["narrowest_longitude"], row["narrowest_latitude"])
        at = _pixel_of(geo.project(place, 4326, frame.crs), frame)
    return {
        "ground": "" if ground is None else _path(_on_map(ground, frame), frame.pixel),
        "path": "" if path is None else _path(_on_map(path, frame), frame.pixel, closed=False),
        "at": at,
        "narrowest_m": row["narrowest_m"],
    }


def _names(
    units: Iterable[tuple[Mapping[str, Any], Any]], frame: Frame, taken: Any
) -> list[tuple[float | None, float | None, str]]:
    """Return the names of countries and disputed units where they leave room."""
    whole, found = frame.box.area, []
    inner = shapely.buffer(frame.box, -34 / frame.scale)
    for one, shape in units:
        part = shapely.intersection(shape, inner)
        if part.area < _NAMED * whole and one["level"] == "country":
            continue
        free = shapely.difference(part, taken)
        at = _middle(free if free.area > 0.1 * part.area else part)
        if at is not None:
            name = one["name"] if one["level"] == "country" else f"{one['name']} (disputed)"
            found.append((*_pixel_of(at, frame), name))
    return found


def _middle(shape: Any) -> Any:
    """Return the place of a shape that is farthest from its edge; None where there is no ground."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        return None
    largest = max(parts, key=lambda part: part.area)
    tolerance = math.sqrt(largest.area) / 40
    return shapely.Point(shapely.maximum_inscribed_circle(largest, tolerance=tolerance).coords[0])


def _pixel_of(point: Any, frame: Frame) -> tuple[float | None, float | None]:
    return (None, None) if point is None else frame.pixel((point.x, point.y))


def _round_length(wanted: float) -> float:
    """Return the largest of 1, 2, 5, 10, … that is no longer than what is wanted."""
    power = 10 ** math.floor(math.log10(wanted))
    return float(max(step * power for step in (1, 2, 5) if step * power <= wanted))


# The report's plots as SVG: criteria against the other candidates, acceptability, evidence by side.
SIDE_COLOURS: Final = ("#2166ac", "#b2452b", "#4d7f2a", "#6a3d9a")
"""One for each side."""
_LOOK: Final = {"width": 520, "ink": "#1d2a26", "quiet": "#4c5652", "other": "#6d7f78", "this": "#8a6500"}
_MOST_BARS: Final = 20
_LONGEST: Final = 70
"""Letters of a name above its bar."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that rows of a run are compared by.

    Attributes
    ----------
    name, unit : str
        Of the measure.
    direction : str
        `more` or `less` is better; empty where neither is.
    mine : float or None
        The reported row's value.
    others : sequence of float or None
        Those of the other rows.
    """

    name: str
    unit: str
    direction: str
    mine: float | None
    others: Sequence[float | None]

    def known(self) -> list[float]:
        """Return the values that are known."""
        return [value for value in (*self.others, self.mine) if value is not None]

    def ends(self) -> tuple[float, float]:
        """Return the values at the left and at the right end; better is to the right."""
        low, high = min(self.known()), max(self.known())
        return (high, low) if self.direction == "less" else (low, high)

    def place(self, value: float, left: float, right: float) -> float:
        """Return where a value stands between two ends."""
        low, high = self.ends()
        return left + (right - left) * ((value - low) / (high - low) if high != low else 0.5)

    def standing(self) -> str:
        """Return how many of the others are better, in words."""
        if self.mine is None or not self.direction:
            return ""
        known = [value for value in self.others if value is not None]
        better = sum(value > self.mine if self.direction == "more" else value < self.mine for value in known)
        return f"{better} of {len(self.others)} better"


def parallel_dots(axes: Sequence[Axis], *, title: str) -> Markup:
    """Return a row of dots for each axis: the reported one is a diamond, every other a ring; better is to the right."""
    return _drawn("parallel_dots", axes, title)


def acceptability_bars(rows: Sequence[tuple[str, float, float, bool]], *, title: str) -> Markup:
    """Return how often candidates stand first, and among the first, of all sampled weights: the best, and the one reported.

    Parameters
    ----------
    rows : sequence of (name, first, within, reported)
        In the order of their ranks.
    title : str
        Read out in place of the drawing.
    """
    shown = [
        (rank, name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…", first, within, own)
        for rank, (name, first, within, own) in enumerate(rows, start=1)
        if rank <= _MOST_BARS or own
    ]
    return _drawn("acceptability_bars", shown, title)


def evidence_bars(species: Sequence[str], by_side: Mapping[str, Mapping[str, int]], *, title: str) -> Markup:
    """Return for each species a bar for each side, as long as the records that count."""
    most = max((n for counts in by_side.values() for n in counts.values()), default=1)
    return _drawn("evidence_bars", species, by_side, most, SIDE_COLOURS, title)


def _drawn(name: str, *values: Any) -> Markup:
    """Return what a macro of `plots.svg` draws."""
    made = environment("biodata.exports.reports", lenient=True)
    add_functions(made, {"number": number})
    return drawing(getattr(made.get_template("plots.svg", globals=_LOOK).module, name)(*values))
