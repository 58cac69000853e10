"""The report of a cleaning: every step with what went in, what it kept, changed and dropped, and why."""

import hashlib
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core import geo
from biodata.core.geo import Floats, Geometries
from biodata.harmonise.area_borders import valid

PLANE: Final = "EPSG:6933"
"""WGS 84 / NSIDC EASE-Grid 2.0 Global: cylindrical equal-area, true to shape at 30°, as wdpar's World Behrmann.

Areas on it are those of the ellipsoid; ESRI:54034 has the same areas but is true to shape at the equator only, and the
region reaches to 36° N.
"""

LARGEST_SITE_KM2: Final = 5_000_000.0
"""No site is larger (the largest marine areas have about two million): a point is not spread over more."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a cleaning may be stated.

    Attributes
    ----------
    statuses : tuple of str
        Kept in `coverage`: what is in force (wdpar's `retain_status`).
    keep_mab : bool
        Keep UNESCO-MAB Biosphere Reserves in `coverage`; much of them is no protected area
        (Coetzer et al. 2014, https://doi.org/10.1111/brv.12044).
    snap_m : float
        Grid to which polygons are snapped, metres; 0 for none. Lines drawn closer than half of it become one.
    sliver_m2 : float
        Parts smaller than this are slivers, square metres (wdpar's threshold).
    """

    statuses: tuple[str, ...] = ("Designated", "Inscribed", "Established")
    keep_mab: bool = False
    snap_m: float = 1.0
    sliver_m2: float = 0.1


Rows = NDArray[np.bool_]

REASONS: Final = {
    "GEOMETRY_MISSING": "there is no geometry",
    "GEOMETRY_NO_AREA": "the geometry is lines, neither polygons nor points",
    "GEOMETRY_COLLAPSED": "the polygon holds no ground",
    "GEOMETRY_TOO_COMPLEX": "its edges cross too often to be repaired",
    "GEOMETRY_TOO_LARGE": "it has too many vertices",
    "GEOMETRY_TOO_DEEP": "collections stand too deep inside each other",
    "GEOMETRY_UNREADABLE": "the geometry is damaged or of a kind that is not read",
    "COORDINATE_INVALID": "a coordinate is no finite number",
    "COORDINATE_OUT_OF_RANGE": "the coordinates are no degrees",
    "STATUS_NOT_IN_FORCE": "its status is none of those kept",
    "STATUS_NOT_TOLD": "its file tells a status for other sites and none for this one",
    "UNESCO_MAB": "a UNESCO-MAB Biosphere Reserve", "POINT_WITHOUT_AREA": "a point without a reported area",
    "AREA_NOT_PLAUSIBLE": "a point with a larger area than any site has",
    "COPY": "a copy of another row of the same site", "COVERED_BY_OTHERS": "all of it is ground of sites before it",
    "COVERED_BY_OWN_PARTS": "all of it is ground of its own parts and zones", "SLIVER": "smaller than a sliver",
}  # fmt: skip
"""Why a row is not in a product."""


@dataclass
class Step:
    """One step of one product; `rows` = `kept` + the sum of `dropped`.

    Attributes
    ----------
    product : str
        coverage or planning.
    name : str
        The step.
    rows, kept, changed : int
        Rows that went in, that stayed, and of those the ones whose geometry it changed.
    dropped : dict of str to int
        By reason (a key of `REASONS`), how many rows went.
    note : str
        What was counted besides.
    """

    product: str
    name: str
    rows: int
    kept: int
    changed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the step as plain values."""
        return {**self.__dict__, "dropped": dict(self.dropped)}


class Ledger:
    """Counts what every step of a product does, and keeps why each row left.

    Parameters
    ----------
    product : str
        coverage or planning.
    rows : int
        Rows read.
    """

    def __init__(self, product: str, rows: int) -> None:
        self.product = product
        self.steps: list[Step] = [Step(product, "read", rows, rows)]
        self.inside: Rows = np.ones(rows, dtype=bool)
        self.reasons = np.full(rows, None, dtype=object)

    def step(
        self, name: str, *, drop: dict[str, Rows] | None = None, changed: Rows | None = None, note: str = ""
    ) -> None:
        """Note a step.

        Parameters
        ----------
        name : str
            The step.
        drop : dict of str to ndarray of bool
            By reason, the rows that go; those that are gone already do not count again.
        changed : ndarray of bool, optional
            Rows whose geometry changed.
        note : str
            What else there is to tell.
        """
        before, dropped = int(self.inside.sum()), {}
        for reason, rows in (drop or {}).items():
            going = rows & self.inside
            if going.any():
                dropped[reason] = int(going.sum())
                self.reasons[going] = reason
                self.inside = self.inside & ~going
        kept = int(self.inside.sum())
        touched = 0 if changed is None else int((changed & self.inside).sum())
        self.steps.append(Step(self.product, name, before, kept, touched, dropped, note))


def steps_frame(steps: list[Step]) -> pl.DataFrame:
    """Return steps as a table, one row a step and reason."""
    rows = [
        (number, step.product, step.name, step.rows, step.kept, step.changed, sum(step.dropped.values()),
         "; ".join(f"{reason} {count}" for reason, count in step.dropped.items()), step.note)
        for number, step in enumerate(steps, start=1)
    ]  # fmt: skip
    names = ["step", "product", "name", "rows", "kept", "changed", "dropped", "reasons", "note"]
    types = [pl.Int64, pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64, pl.Int64, pl.String, pl.String]
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")


# Which site has the first right to its ground.

# wdpar's order of IUCN_CAT; null is a source that states nothing.
IUCN_RANK: Final = MappingProxyType(
    {
        name: rank
        for rank, name in enumerate(
            ("Ia", "Ib", "II", "III", "IV", "V", "VI", "Not Reported", "Not Applicable", "Not Assigned")
        )
    }
)
# What is no category is stated by the source alone.
_WITHOUT_CATEGORY: Final = r'(?i)"iucn_cat"\s*:\s*"(Not (?:Reported|Applicable|Assigned))"'
_ZONE_RANK: Final = MappingProxyType({"core": 0, "buffer": 1, "experimental": 2, "control": 2})


def ordered(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return the positions of the sites, the one with the first right to its ground first.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Columns of `terms.PROTECTED_AREA`; geometry as it came.

    Returns
    -------
    ndarray of int64, length n
        By IUCN category (those without one last), then the older year (none last), then, where both are equal, the
        identifier without the `~2` of a repeated row, then a digest of the geometry: never by the order of rows.
    """
    without = pl.col("attributes").str.extract(_WITHOUT_CATEGORY)
    keys = frame.select(
        iucn=pl.coalesce("iucn_category", without).replace_strict(
            IUCN_RANK, default=len(IUCN_RANK), return_dtype=pl.Int32
        ),
        year=pl.col("status_year"),
        identity=identity(frame),
        digest=pl.Series([hashlib.sha256(blob or b"").hexdigest() for blob in frame["geometry"]], dtype=pl.String),
        at=pl.int_range(pl.len()),
    )
    return keys.sort("iucn", "year", "identity", "digest", nulls_last=True, maintain_order=True)["at"].to_numpy()


def identity(frame: pl.DataFrame) -> pl.Series:
    """Return `area_id` without the `~2` that states a repeated row from the first."""
    return frame["area_id"].str.replace(r"~\d+$", "")


def parts_first(frame: pl.DataFrame, area_m2: Floats) -> NDArray[np.int64]:
    """Return positions so that of the parts of one site the finer statement comes first.

    Core before buffer before experimental zone before what states no zone; then the smaller part before the one that
    it lies in; then the order that the rows have.
    """
    keys = frame.select(
        zone=pl.col("zone").replace_strict(_ZONE_RANK, default=3, return_dtype=pl.Int32),
        area=pl.Series(area_m2),
        at=pl.int_range(pl.len()),
    )
    return keys.sort("zone", "area", maintain_order=True)["at"].to_numpy()


# Sites on the equal-area plane: the antimeridian, long edges, and circles in the place of points.

_CIRCLE_VERTICES: Final = 64
_LONGEST_DEGREES: Final = 0.05
"""An edge is straight in degrees; projected by its ends alone one of this length strays by less than half a metre."""

_WORLD: Final = shapely.box(-180, -90, 180, 90)


def to_plane(shapes: Geometries) -> Geometries:
    """Return geometries in degrees on the equal-area plane, metres, valid ones as valid ones; None stays None."""
    return valid(np.asarray(geo.project(_short_edges(shapes), "EPSG:4326", PLANE), dtype=object))


def to_degrees(shapes: Geometries) -> Geometries:
    """Return geometries of the plane in degrees."""
    return np.asarray(geo.project(shapes, PLANE, "EPSG:4326"), dtype=object)


def _short_edges(shapes: Geometries) -> Geometries:
    """Return geometries without edges that would stray on the plane."""
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    steps = np.abs(np.diff(coordinates, axis=0)).max(axis=1) if len(coordinates) > 1 else np.zeros(0)
    long = np.unique(index[1:][(index[1:] == index[:-1]) & (steps > _LONGEST_DEGREES)])
    result = shapes.copy()
    result[long] = geo.densify(shapes[long], max_segment_degrees=_LONGEST_DEGREES)
    return result


def split_at_antimeridian(shapes: Geometries) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return polygons cut at 180°, and which ones were.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries or None
        Degrees. A polygon crosses the antimeridian where an edge spans more than 180° of longitude, or where it goes
        beyond ±180°.

    Notes
    -----
    RFC 7946, section 3.1.9; wdpar does the same with `st_wrap_dateline`.
    """
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    jumps = (np.abs(np.diff(coordinates[:, 0])) > 180) & (index[1:] == index[:-1])
    beyond = np.abs(coordinates[:, 0]) > 180
    crossing = np.zeros(len(shapes), dtype=bool)
    crossing[np.concatenate([index[1:][jumps], index[beyond]])] = True
    crossing &= np.isin(shapely.get_type_id(shapes), (3, 6))
    result = shapes.copy()
    for at in np.flatnonzero(crossing):
        result[at] = _split(shapes[at])
    return result, crossing


def _split(shape: Any) -> Any:
    """Cut one polygon at the antimeridian."""
    parts = []
    for polygon in shapely.get_parts(shape):
        rings = [_unwrapped(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
        middle = rings[0][:, 0].mean()
        # Holes are brought to the turn of their shell.
        moved = [ring - [360 * np.round((ring[:, 0].mean() - middle) / 360), 0] for ring in rings]
        whole: Any = shapely.Polygon(moved[0], moved[1:])
        if not shapely.is_valid(whole):
            whole = shapely.make_valid(whole, method="structure", keep_collapsed=False)
        for turn in (-360.0, 0.0, 360.0):
            shifted = shapely.transform(whole, partial(np.add, [turn, 0.0]))
            piece = shapely.intersection(shifted, _WORLD)
            parts += [part for part in shapely.get_parts(piece) if part.geom_type == "Polygon"]
    return shapely.union_all(parts) if parts else shape


def _unwrapped(ring: Floats) -> Floats:
    """Return a ring whose longitudes go on beyond ±180 instead of jumping."""
    turns = np.concatenate([[0], np.cumsum(-np.round(np.diff(ring[:, 0]) / 360))])
    return np.column_stack([ring[:, 0] + 360 * turns, ring[:, 1]])


def circles(points: Geometries, area_km2: Floats) -> Geometries:
    """Return circles on the ground with exactly these areas.

    Parameters
    ----------
    points : ndarray of n shapely points or multipoints
        Degrees; the area is shared out equally among the points of one site.
    area_km2 : ndarray of float64, length n
        Square kilometres.

    Returns
    -------
    ndarray of n shapely polygons or multipolygons
        Degrees, cut at the antimeridian. Circles of one site that overlap are joined, so that it then has less than
        its area.

    Notes
    -----
    Vertices lie at one geodesic distance around the point; the distance is chosen so that the polygon, and not the
    circle around it, has the area. wdpar buffers on its plane, where circles on the ground are none.
    """
    each, site = shapely.get_parts(points, return_index=True)
    if not len(each):
        return np.empty(0, dtype=object)
    share = area_km2[site] / np.bincount(site, minlength=len(points))[site]
    corner = 2 * np.pi / _CIRCLE_VERTICES
    radius = np.sqrt(share * 1e6 * 2 / (_CIRCLE_VERTICES * np.sin(corner)))
    longitude, latitude = shapely.get_x(each), shapely.get_y(each)
    for _ in range(3):
        rings = _rings(longitude, latitude, radius)
        radius = radius * np.sqrt(share / geo.area_km2(_polygons(rings)))
    shapes, _ = split_at_antimeridian(_polygons(_rings(longitude, latitude, radius)))
    result = np.empty(len(points), dtype=object)
    single = np.bincount(site, minlength=len(points))[site] == 1
    result[site[single]] = shapes[single]
    for at in np.unique(site[~single]):
        result[at] = shapely.union_all(shapes[site == at])
    return result


def _rings(longitude: Floats, latitude: Floats, radius_m: Floats) -> Floats:
    """Return rings of vertices around points, shape (n, vertices, 2); longitudes do not jump."""
    shape = (len(longitude), _CIRCLE_VERTICES)
    azimuth = np.arange(_CIRCLE_VERTICES) * 360 / _CIRCLE_VERTICES
    x, y, metres = (np.repeat(column, _CIRCLE_VERTICES) for column in (longitude, latitude, radius_m))
    east, north, _ = geo.WGS84.fwd(x, y, np.tile(azimuth, len(longitude)), metres)
    east = x + (np.asarray(east) - x + 180) % 360 - 180
    return np.stack([east.reshape(shape), np.asarray(north).reshape(shape)], axis=-1)


def _polygons(rings: Floats) -> Geometries:
    return np.asarray(shapely.polygons(rings), dtype=object)


# What a cleaning may be stated; each default with its reason.
