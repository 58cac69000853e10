"""Protected areas with real names and rough made-up shapes around their real places."""

from functools import cache

import numpy as np
import polars as pl
import shapely
from pyproj import Geod

from biodata.places import country_geometry, load_boundaries
from recipe.tables import chance, table
from recipe.terrain import KM_PER_DEGREE

ALPHA2 = {"CHN": "CN", "LAO": "LA", "VNM": "VN", "KHM": "KH", "MMR": "MM", "THA": "TH"}
GEOD = Geod(ellps="WGS84")
INSIDE_DEGREES = 0.004
"""How far inside their country the shapes stop (about 400 m)."""
SPILL_DEGREES = {"band": 0.025, "beyond": 0.085}
"""How far a documented spill may go over the line: about 2.7 km (inside the 5 km band) and about 9 km."""


@cache
def areas() -> pl.DataFrame:
    """Return the table of areas with a column `geometry` (shapely), clipped to their countries and each other."""
    rows = table("areas", numbers=("lon", "lat", "rep_area_km2", "aspect", "angle"))
    boundaries = load_boundaries("natural_earth")
    inner: dict[str, shapely.Geometry] = {}
    for iso3, code in ALPHA2.items():
        country = shapely.clip_by_rect(country_geometry(code, boundaries), 95, 10, 110, 30)
        inner[iso3] = shapely.buffer(country, -INSIDE_DEGREES)
    taken: dict[str, shapely.Geometry] = {iso3: shapely.Polygon() for iso3 in ALPHA2}
    shapes = []
    for row in rows.iter_rows(named=True):
        allowed = inner[row["iso3"]]
        if row["spill"]:
            allowed = shapely.buffer(inner[row["iso3"]], INSIDE_DEGREES + SPILL_DEGREES[row["spill"]])
        shape = _fitted(row, shapely.difference(allowed, taken[row["iso3"]]))
        taken[row["iso3"]] = shapely.union(taken[row["iso3"]], shapely.buffer(shape, 0.006))
        shapes.append(shape)
    return rows.with_columns(geometry=pl.Series(shapes, dtype=pl.Object))


def protected_ground() -> shapely.Geometry:
    """Return all areas as one geometry."""
    return shapely.union_all(areas()["geometry"].to_list())


def square_km(shape: shapely.Geometry) -> float:
    """Return the area on the ellipsoid, km²."""
    return abs(GEOD.geometry_area_perimeter(shape)[0]) / 1e6


def _fitted(row: dict[str, object], allowed: shapely.Geometry) -> shapely.Geometry:
    """Return the wobbly shape, grown until what is allowed of it has about the reported area."""
    target = float(str(row["rep_area_km2"]))
    grown = 1.0
    shape: shapely.Geometry = shapely.Polygon()
    for _ in range(12):
        shape = _largest(shapely.intersection(_wobbly(row, grown), allowed))
        shape = shapely.set_precision(shapely.simplify(shape, 0.00004 * np.sqrt(target)), 1e-5)
        found = square_km(shape)
        if abs(found / target - 1) < 0.01:
            break
        grown *= (target / found) ** 0.6
    return shape


def _wobbly(row: dict[str, object], grown: float) -> shapely.Geometry:
    """Return a rough oval with a wobbly edge, the same for the same key."""
    rng = chance(f"area {row['key']}")
    angle = np.linspace(0, 2 * np.pi, 97)[:-1]
    edge = np.ones_like(angle)
    for wave in range(2, 12):
        edge += rng.normal(0, 0.24 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    aspect, turn = float(str(row["aspect"])), np.radians(float(str(row["angle"])))
    radius_km = np.sqrt(float(str(row["rep_area_km2"])) * grown / np.pi) * np.clip(edge, 0.35, None)
    along, across = radius_km * np.sqrt(aspect) * np.cos(angle), radius_km / np.sqrt(aspect) * np.sin(angle)
    east, north = along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)
    longitude, latitude = float(str(row["lon"])), float(str(row["lat"]))
    corners = np.stack(
        [longitude + east / (KM_PER_DEGREE * np.cos(np.radians(latitude))), latitude + north / KM_PER_DEGREE], axis=1
    )
    return shapely.make_valid(shapely.Polygon(corners))


def _largest(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the largest polygon of a geometry, without holes below 1 km²."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    widest = max(parts, key=lambda part: part.area)
    holes = [ring for ring in widest.interiors if square_km(shapely.Polygon(ring)) > 1.0]
    return shapely.Polygon(widest.exterior, holes)
