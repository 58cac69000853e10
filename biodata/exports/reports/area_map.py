"""The report's map, drawn here as SVG: areas, corridor, narrowest place, border with its band, no record's place."""

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Final

import shapely

from biodata import geo
from biodata.exports.reports.map_frame import WIDTH, Frame, label, north_arrow, path, scale_bar
from biodata.exports.reports.map_key import AREA, BAND, BORDER, CORRIDOR, NEAR, SUBJECT
from biodata.exports.reports.map_surroundings import graticule, inset, inset_ground
from biodata.exports.reports.material import Material
from biodata.exports.reports.words import metres, text

_TALLEST, _FLATTEST = 1.0, 0.6
_MARGIN: Final = 0.09
_LEAST_M: Final = 8_000.0
_SEA, _LAND = "#dfeaf2", "#f6f3ea"
_NAMED: Final = 0.02
"""Share of the map that a country needs for its name."""
_LABEL_PX: Final = 15


def draw(material: Material, *, band_m: float | None, title: str) -> str:
    """Return the map as SVG.

    Parameters
    ----------
    material : Material
        Published shapes, degrees.
    band_m : float, optional
        Half the width of the border's band, metres; none is drawn where it is not known.
    title : str
        What the map shows, for who cannot see it.

    Returns
    -------
    str
        Empty where the row has no shape.

    Notes
    -----
    Drawn in Lambert's azimuthal equal-area plane around its middle, in which a length over 100 km near there is told to
    better than 0.1 %. Text stays text, so that the reader's own fonts write every script.
    """
    frame = _frame(material)
    if frame is None:
        return ""
    border = _border(material, frame)
    parts = [_land(material, frame), _band(border, frame, band_m), _areas(material, frame), _subject(material, frame)]
    parts.append(
        f'<g fill="none" stroke="{BORDER}" stroke-width="1.6" stroke-dasharray="9 3 2 3">{border}</g>' if border else ""
    )
    parts += [_corridor(one, frame) for one in _drawn_corridors(material)]
    taken = _taken(material, frame)
    hidden = inset_ground(material.around, frame, taken)
    parts += [graticule(frame), _numbers(material, frame), _names(material, frame, taken, hidden), scale_bar(frame)]
    parts += [north_arrow(frame), inset(material.around, frame, taken)]
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH} {frame.height}" width="{WIDTH}" height="{frame.height}" role="img" '
        f'aria-label="{text(title)}" font-family="sans-serif"><defs>'
        f'<clipPath id="map-edge"><rect width="{WIDTH}" height="{frame.height}"/></clipPath></defs>'
        f'<g clip-path="url(#map-edge)"><rect width="{WIDTH}" height="{frame.height}" fill="{_SEA}"/>'
        f'{"".join(parts)}</g><rect width="{WIDTH}" height="{frame.height}" fill="none" stroke="#5b635f"/></svg>'
    )


def numbered(material: Material) -> list[Mapping[str, Any]]:
    """Return the areas that have a number on the map, the first is 1."""
    return [area for area in material.areas if area["member"]]


def _drawn_corridors(material: Material) -> list[Mapping[str, Any]]:
    return [material.row] if material.table == "corridors" else list(material.corridors)


def _frame(material: Material) -> Frame | None:
    """Return the frame around the row, its corridors and its areas."""
    rows = [material.row, *material.corridors, *numbered(material)]
    shapes = [row[name] for row in rows for name in ("geometry", "path") if row.get(name) is not None]
    if not shapes:
        return None
    crs = geo.equal_area_crs(tuple(shapely.total_bounds(shapes).tolist()))
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


def _land(material: Material, frame: Frame) -> str:
    """Draw countries and disputed units."""
    units = [(one, _on_map(one["geometry"], frame)) for one in material.borders]
    drawn = "".join(path(shape, frame) for one, shape in units if one["level"] == "country")
    disputed = "".join(path(shape, frame) for one, shape in units if one["level"] == "disputed")
    return (
        f'<g fill="{_LAND}" fill-rule="evenodd">{drawn}</g>'
        f'<g fill="#b9b3a6" fill-rule="evenodd" stroke="{BORDER}" stroke-dasharray="2 3">{disputed}</g>'
    )


def _border(material: Material, frame: Frame) -> str:
    """Return the borders between countries, and of disputed units, as a path."""
    # Cut before they are made simpler, so that both sides of a border keep the same corners.
    near = [_near(one["geometry"], frame) for one in material.borders]
    pairs = combinations(near, 2)
    lines = [shapely.intersection(shapely.boundary(a), shapely.boundary(b)) for a, b in pairs if a.intersects(b)]
    plane = geo.project(shapely.line_merge(_lines(lines)), 4326, frame.crs)
    return path(shapely.simplify(plane, 0.3 / frame.scale), frame, closed=False)


def _band(border: str, frame: Frame, band_m: float | None) -> str:
    """Draw the band along the borders."""
    if not band_m:
        return ""
    return (
        f'<g fill="none" stroke="{BAND}" stroke-opacity="0.22" stroke-width="{2 * band_m * frame.scale:.1f}" '
        f'stroke-linejoin="round">{border}</g>'
    )


def _near(shape: Any, frame: Frame) -> Any:
    """Return what lies near the map of a unit, in degrees with all its corners."""
    west, south, east, north = geo.project(frame.box, frame.crs, 4326).bounds
    return shapely.intersection(shape, shapely.box(west - 0.3, south - 0.3, east + 0.3, north + 0.3))


def _lines(shapes: Iterable[Any]) -> Any:
    """Return the lines among shapes as one."""
    lines = [part for shape in shapes for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
    return shapely.union_all(lines) if lines else shapely.MultiLineString()


def _areas(material: Material, frame: Frame) -> str:
    """Draw protected areas, those of the row above the others."""
    near = "".join(path(_on_map(area["geometry"], frame), frame) for area in material.areas if not area["member"])
    own = "".join(path(_on_map(area["geometry"], frame), frame) for area in numbered(material))
    return (
        f'<g fill="{NEAR}" fill-opacity="0.55" stroke="#7fae97" stroke-width="0.8" fill-rule="evenodd">{near}</g>'
        f'<g fill="{AREA}" fill-opacity="0.42" stroke="{AREA}" stroke-width="1.2" fill-rule="evenodd">{own}</g>'
    )


def _subject(material: Material, frame: Frame) -> str:
    """Draw the candidate or the ground; a corridor is drawn as one."""
    if material.table == "corridors" or material.row["geometry"] is None:
        return ""
    drawn = path(_on_map(material.row["geometry"], frame), frame)
    return (
        f'<g fill="{SUBJECT}" fill-opacity="0.10" stroke="{SUBJECT}" stroke-width="2.4" stroke-dasharray="7 4" '
        f'fill-rule="evenodd">{drawn}</g>'
    )


def _corridor(row: Mapping[str, Any], frame: Frame) -> str:
    """Draw a corridor, its cheapest path and a ring around its narrowest place."""
    told = ""
    if row["geometry"] is not None:
        drawn = path(_on_map(row["geometry"], frame), frame)
        told += f'<g fill="{CORRIDOR}" fill-opacity="0.38" stroke="{CORRIDOR}" stroke-width="1">{drawn}</g>'
    if row["path"] is not None:
        drawn = path(_on_map(row["path"], frame), frame, closed=False)
        told += f'<g fill="none" stroke="{CORRIDOR}" stroke-width="2.2">{drawn}</g>'
    if row["narrowest_longitude"] is not None:
        at = geo.project(shapely.Point(row["narrowest_longitude"], row["narrowest_latitude"]), 4326, frame.crs)
        x, y = frame.x(at.x), frame.y(at.y)
        told += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="#ffffff" stroke-width="5"/>'
        told += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{CORRIDOR}" stroke-width="2.5"/>'
        told += label(
            x + 13, y + 5, f"narrowest {metres(row['narrowest_m'])}", size=13, anchor="start", colour=CORRIDOR
        )
    return told


def _numbers(material: Material, frame: Frame) -> str:
    """Write the areas' numbers in discs."""
    told = ""
    for number, area in enumerate(numbered(material), start=1):
        shown = shapely.intersection(_on_map(area["geometry"], frame), frame.box)
        at = _middle(shown)
        if at is None:
            continue
        x, y = frame.x(at.x), frame.y(at.y)
        told += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="#ffffff" stroke="{AREA}" stroke-width="2"/>'
        told += (
            f'<text x="{x:.1f}" y="{y + 5:.1f}" font-size="14" font-weight="bold" text-anchor="middle">{number}</text>'
        )
    return told


def _taken(material: Material, frame: Frame) -> Any:
    """Return the ground that the map is about, with a little around it, metres."""
    rows = [*numbered(material), material.row, *material.corridors]
    shapes = [_on_map(row["geometry"], frame) for row in rows if row["geometry"] is not None]
    return shapely.buffer(shapely.union_all(shapes), 14 / frame.scale)


def _names(material: Material, frame: Frame, taken: Any, hidden: Any) -> str:
    """Write the names of countries and disputed units where they leave room."""
    whole, told = frame.box.area, ""
    inner = shapely.buffer(frame.box, -34 / frame.scale)
    for one in material.borders:
        part = shapely.difference(shapely.intersection(_on_map(one["geometry"], frame), inner), hidden)
        if part.area < _NAMED * whole and one["level"] == "country":
            continue
        free = shapely.difference(part, taken)
        at = _middle(free if free.area > 0.1 * part.area else part)
        if at is not None:
            name = one["name"] if one["level"] == "country" else f"{one['name']} (disputed)"
            told += label(frame.x(at.x), frame.y(at.y) + 5, name, size=_LABEL_PX, anchor="middle", colour="#3c352c")
    return told


def _middle(shape: Any) -> Any:
    """Return the place of a shape that is farthest from its edge; None where there is no ground."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        return None
    largest = max(parts, key=lambda part: part.area)
    tolerance = math.sqrt(largest.area) / 40
    return shapely.Point(shapely.maximum_inscribed_circle(largest, tolerance=tolerance).coords[0])
