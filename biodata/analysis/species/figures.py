"""Extent of occurrence and area of occupancy of a species, as the IUCN's guidelines compute them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely
from shapely import affinity

from biodata.analysis.evidence import Counted, counting
from biodata.analysis.species.ranges import CELL_M, SHIFTS, OccupiedArea, OccupiedBound, occupied_area, occupied_bound
from biodata.core import geo

if TYPE_CHECKING:
    from biodata.places import BoundarySet


FARTHEST_DEGREES: Final = 80.0
"""Points farther than this from their middle have no hull: it would hold half the globe."""
_EDGE_M: Final = 25_000.0
_FLATTENING_RATIO: Final = float(np.sqrt(1 - geo.ECCENTRICITY_2))


STILL_THERE: Final = (
    counting.OVER_SEA, counting.OVER_BORDER, counting.IN_BAND, counting.DUPLICATE, counting.DEPENDENT,
)  # fmt: skip
"""Reasons with which a record is no evidence for a side, and the species was there all the same."""
EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")


@dataclass(frozen=True, slots=True)
class Extent:
    """An extent of occurrence.

    Attributes
    ----------
    hull_km2 : float or None
        Area of the hull on the ellipsoid; 0 of one point, two, or points on one line. None where there is no hull.
    corners : ndarray of float64, shape (k, 2)
        The points that are the hull's corners, degrees, WGS 84, counterclockwise.
    why_none : str or None
        Why there is no hull.
    """

    hull_km2: float | None
    corners: geo.Floats
    why_none: str | None = None

    def area_km2(self, occupied_km2: float) -> float | None:
        """Return the extent: the hull's area, but never less than the area of occupancy.

        IUCN Standards and Petitions Committee 2024, Guidelines version 16, 4.9.
        """
        return None if self.hull_km2 is None else max(self.hull_km2, occupied_km2)

    def polygon(self) -> shapely.Geometry:
        """Return the hull, degrees, WGS 84, cut in two where it crosses 180°; an empty polygon where it has no area."""
        if len(self.corners) < 3:
            return shapely.Polygon()
        ring = _densified(self.corners)
        return _within_180(shapely.Polygon(ring))


def extent(longitude: geo.Floats, latitude: geo.Floats) -> Extent:
    """Return the extent of occurrence of points.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84; on both sides of 180° if need be.

    Returns
    -------
    Extent
        Not clipped: the hull holds sea and unsuitable ground.

    Notes
    -----
    Which points are corners is found in a gnomonic view, in which great circles are straight, of the auxiliary sphere of
    parametric latitudes: a point that lies outside by less than some metres on 1000 km of edge may be taken for inside.
    The area inside the geodesics between the corners is that of Karney 2013, https://doi.org/10.1007/s00190-012-0578-z.
    """
    points = np.unique(np.column_stack([longitude, latitude]).astype(np.float64), axis=0)
    if not len(points):
        return Extent(0.0, points)
    vectors = _vectors(points)
    middle = vectors.mean(axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-9 or (vectors @ (middle / length)).min() < np.cos(np.radians(FARTHEST_DEGREES)):
        return Extent(None, points[:0], f"the points lie more than {FARTHEST_DEGREES:g}° from their middle")
    order = _corners(vectors, middle / length)
    corners = points[order]
    if len(corners) < 3:
        return Extent(0.0, corners)
    area, _ = geo.WGS84.polygon_area_perimeter(corners[:, 0], corners[:, 1])
    return Extent(abs(area) / 1e6, corners if area > 0 else corners[::-1])


def land_km2(hull: shapely.Geometry, boundaries: "BoundarySet") -> dict[str, float]:
    """Return how much of a hull is land of each country; ground of no side stands under `""`.

    Parameters
    ----------
    hull : shapely geometry
        Degrees, WGS 84, edges with vertices often enough to be taken as straight.
    boundaries : BoundarySet

    Returns
    -------
    dict of str to float
        Square kilometres by country code, in the order of the codes.
    """
    if shapely.is_empty(hull):
        return {}
    shapely.prepare(hull)
    found = boundaries.tree.query(hull, predicate="intersects")
    inside = shapely.contains_properly(hull, boundaries.shapes[found])
    shapes = boundaries.shapes[found].copy()
    shapes[~inside] = shapely.intersection(shapes[~inside], hull)
    codes = boundaries.units["country_code"].gather(found.tolist()).fill_null("").to_list()
    totals: dict[str, float] = {}
    for code, area in zip(codes, geo.area_km2(shapes), strict=True):
        totals[code] = totals.get(code, 0.0) + float(area)
    return {code: totals[code] for code in sorted(totals) if totals[code] > 0}


def extent_values(found: Extent, occupied_km2: float, boundaries: "BoundarySet") -> dict[str, Any]:
    """Return an extent as plain values, with what of the hull is land beside it."""
    if found.hull_km2 is None:
        return {"area_km2": None, "why_none": found.why_none}
    land = land_km2(found.polygon(), boundaries)
    return {
        "area_km2": found.area_km2(occupied_km2),
        "hull_km2": found.hull_km2,
        "raised_to_occupied_area": found.hull_km2 < occupied_km2,
        "hull_land_km2": sum(land.values()),
        "hull_land_km2_by_country": land,
    }


def _vectors(points: geo.Floats) -> geo.Floats:
    """Return unit vectors of points by their parametric latitude."""
    lon, lat = np.radians(points).T
    beta = np.arctan(_FLATTENING_RATIO * np.tan(lat))
    return np.column_stack([np.cos(beta) * np.cos(lon), np.cos(beta) * np.sin(lon), np.sin(beta)])


def _corners(vectors: geo.Floats, middle: geo.Floats) -> list[int]:
    """Return the rows of the hull's corners in their order round it; one or two rows where it has no area."""
    helper = np.eye(3)[np.argmin(np.abs(middle))]
    east = np.cross(helper, middle)
    east /= np.linalg.norm(east)
    north = np.cross(middle, east)
    flat = np.column_stack([vectors @ east, vectors @ north]) / (vectors @ middle)[:, None]
    hull = shapely.convex_hull(shapely.multipoints(flat))
    rows = {tuple(place): row for row, place in enumerate(flat.tolist())}
    ring = shapely.get_coordinates(hull)
    return list(dict.fromkeys(rows[tuple(place)] for place in ring.tolist()))


def _densified(corners: geo.Floats) -> geo.Floats:
    """Return a ring with vertices along its geodesics, longitudes running on over 180°."""
    ring = []
    for (lon1, lat1), (lon2, lat2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _, _, length = geo.WGS84.inv(lon1, lat1, lon2, lat2)
        steps = int(length // _EDGE_M)
        ring += [(lon1, lat1), *(geo.WGS84.npts(lon1, lat1, lon2, lat2, steps) if steps else [])]
    out = np.array(ring)
    out[:, 0] = np.degrees(np.unwrap(np.radians(out[:, 0])))
    return out


def _within_180(polygon: shapely.Geometry) -> shapely.Geometry:
    """Return a polygon whose longitudes run on over 180° in two parts."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(polygon, shapely.box(-180 + turn, -90, 180 + turn, 90))
        if shapely.area(part) > 0:
            parts.append(affinity.translate(part, -turn))
    return shapely.union_all(parts)


@dataclass(frozen=True, slots=True)
class Figures:
    """Area of occupancy and extent of occurrence of some records of a species.

    Attributes
    ----------
    records : int
        How many they are.
    occupied : OccupiedArea or OccupiedBound
        A bound where some of the records are published as cells.
    extent : Extent
        Then the hull of the cells, too: the extent is at most so large.
    extent_told : dict
        Its figures as plain values, with the land of the hull by country.
    """

    records: int
    occupied: OccupiedArea | OccupiedBound
    extent: Extent
    extent_told: dict[str, Any]

    @property
    def bounds(self) -> bool:
        """True where the figures are bounds, as some of the records are published as cells."""
        return isinstance(self.occupied, OccupiedBound)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values; the names of bounds say which way they bound."""
        extent = self.extent_told
        if self.bounds:
            extent = {f"{name}_at_most" if name != "why_none" else name: value for name, value in extent.items()}
        return {"records": self.records, "occupied_area": self.occupied.to_dict(), "extent": extent}


@dataclass(frozen=True, slots=True)
class SpeciesFigures:
    """Figures of a species.

    Attributes
    ----------
    species : str
    joint : Figures
        Of all records that can be used, on whichever side.
    by_country : mapping of str to Figures
        Of the records that are surely on the side of a country.
    left_out : dict of str to int
        The other records of the species, by reason.
    on_no_side : int
        Records used in `joint` that are surely on no side.
    facts : dict
        Boundary set and parameters, as plain values.
    """

    species: str
    joint: Figures
    by_country: Mapping[str, Figures]
    left_out: dict[str, int]
    on_no_side: int
    facts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "species": self.species,
            **self.facts,
            "joint": self.joint.to_dict(),
            "by_country": {code: figures.to_dict() for code, figures in self.by_country.items()},
            "on_no_side": self.on_no_side,
            "left_out": self.left_out,
        }


def usable(counted: Counted, species: str) -> pl.DataFrame:
    """Return the records that say where a species was: what keeps one from being evidence for a side may not matter."""
    return counted.records.filter(
        pl.col("species") == species, pl.col("why_not").is_null() | pl.col("why_not").is_in(STILL_THERE)
    )


def species_figures(
    counted: Counted, species: str, *, boundaries: "BoundarySet", cell_m: float = CELL_M, shifts: int = SHIFTS
) -> SpeciesFigures:
    """Return area of occupancy and extent of occurrence of a species, jointly and by country.

    Parameters
    ----------
    counted : Counted
        Records of the species, others may be among them. Records that are no evidence are left out, but those too near a
        border, another record or the coast are used: the species was there.
    species : str
        As the records name it.
    boundaries : BoundarySet
    cell_m, shifts
        Of the area of occupancy, see `occupied_area`.

    Returns
    -------
    SpeciesFigures
        Where a record is published as a cell, the area of occupancy is stated as `at_least` and `at_most` and the extent,
        that of all of the cells, as `at_most`: functions of published values alone.
    """
    own = counted.records.filter(pl.col("species") == species)
    used = usable(counted, species)
    codes = used["side"].drop_nulls().unique().sort().to_list()

    def of(records: pl.DataFrame) -> Figures:
        return _figures(records, boundaries, cell_m, shifts)

    reasons = own.filter(~pl.col("why_not").is_in(STILL_THERE)).drop_nulls("why_not")["why_not"]
    counts = dict(reasons.value_counts().iter_rows())
    return SpeciesFigures(
        species, of(used), {code: of(used.filter(pl.col("side") == code)) for code in codes},
        {reason: counts[reason] for reason in counting.REASONS if reason in counts}, used["side"].null_count(),
        counted.facts,
    )  # fmt: skip


def _figures(records: pl.DataFrame, boundaries: "BoundarySet", cell_m: float, shifts: int) -> Figures:
    """Return the figures of some records."""
    lon, lat = (records[name].to_numpy().astype(np.float64) for name in ("decimalLongitude", "decimalLatitude"))
    as_cells = records.drop_nulls(EDGES[0]) if EDGES[0] in records.columns else records.clear()
    occupied: OccupiedArea | OccupiedBound
    if as_cells.is_empty():
        occupied = occupied_area(lon, lat, cell_m=cell_m, shifts=shifts)
        never_below = occupied.area_km2
    else:
        occupied = occupied_bound(records, cell_m=cell_m, shifts=shifts)
        never_below = occupied.area_at_most_km2
        points = records.filter(pl.col(EDGES[0]).is_null())
        west, south, east, north = (as_cells[name].to_numpy().astype(np.float64) for name in EDGES)
        south, north = _with_arcs(south, north, east - west)
        lon = np.concatenate([points["decimalLongitude"].to_numpy(), west, west, east, east])
        lat = np.concatenate([points["decimalLatitude"].to_numpy(), south, north, south, north])
    found = extent(lon, lat)
    return Figures(records.height, occupied, found, extent_values(found, never_below, boundaries))


def _with_arcs(south: geo.Floats, north: geo.Floats, width: geo.Floats) -> tuple[geo.Floats, geo.Floats]:
    """Return the edges of cells with that toward the equator moved until the shortest line between its ends is inside.

    A parallel bends away from the shortest line; of a cell of 1° at 20° N the line passes 80 m inside its southern edge.
    """

    def bend(edge: geo.Floats) -> geo.Floats:
        height: geo.Floats = np.radians(width) ** 2 / 16 * np.abs(np.sin(2 * np.radians(edge)))
        return np.degrees(height) * 1.02

    return np.where(south > 0, south - bend(south), south), np.where(north < 0, north + bend(north), north)


def untold_as(records: pl.DataFrame, metres: float) -> pl.DataFrame:
    """Return records with an uncertainty where none is stated: an assumption, to be named with the result.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, uncertainty and EDGES, as `sharing.evidence_view` returns them.
    metres : float
        What to take for the uncertainty of a record that states none; of a published cell, beside its half diagonal.
    """
    west, south, east, north = (records[name].cast(pl.Float64).to_numpy() for name in EDGES)
    half = np.zeros(records.height)
    known = np.isfinite(west)
    if known.any():
        middle = (west[known] + east[known]) / 2, (south[known] + north[known]) / 2
        half[known] = np.maximum(
            *(geo.geodesic_distance_m(*middle, west[known], corner[known]) for corner in (south, north))
        )
    assumed = pl.Series(np.where(known, np.ceil(half), 0.0) + metres)
    return records.with_columns(
        coordinateUncertaintyInMeters=pl.col("coordinateUncertaintyInMeters").fill_null(assumed)
    )
