"""The grid of an analysis: where its cells lie, and whether two rasters lie on the same cells."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from biodata.core import geo
from biodata.core.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NODES = 65
"""Along each side of a grid, where the areas of its cells are found."""


@dataclass(frozen=True)
class Grid:
    """Where the cells of a raster lie.

    Attributes
    ----------
    crs : pyproj.CRS
        The coordinate system.
    transform : affine.Affine
        From column and row to x and y of the system; north up, no rotation.
    shape : rows, columns
    cell_m : float
        Side of a cell in metres; of a cell in the middle row on a geographic grid.
    """

    crs: CRS
    transform: Affine
    shape: tuple[int, int]
    cell_m: float

    @classmethod
    def of(cls, crs: CRS, transform: Affine, shape: tuple[int, int]) -> "Grid":
        """Return a grid with the side of its middle cell in metres."""
        wide, high = cls(crs, transform, shape, 0.0).cell_sizes_m()
        middle = shape[0] // 2
        return cls(crs, transform, shape, float(math.sqrt(wide[middle] * high[middle])))

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the grid's own system."""
        west, north = self.transform.c, self.transform.f
        return west, north + self.shape[0] * self.transform.e, west + self.shape[1] * self.transform.a, north

    @property
    def in_metres(self) -> bool:
        """True where the system is a plane whose unit is the metre."""
        return bool(self.crs.is_projected) and math.isclose(self.crs.axis_info[0].unit_conversion_factor, 1)

    def square(self, *, within: float = 1e-6) -> bool:
        """Return whether the sides of a cell differ by no more than this share, in the system's own unit."""
        return math.isclose(self.transform.a, -self.transform.e, rel_tol=within)

    def lies_as(self, other: "Grid") -> bool:
        """Return whether the cells of another grid are these cells."""
        near = np.allclose(self.bounds, other.bounds, rtol=0, atol=1e-3 * self.transform.a)
        return self.shape == other.shape and self.crs == other.crs and bool(near)

    def cell_sizes_m(self) -> tuple[Floats, Floats]:
        """Return width and height of the cells of each row, metres, both of length rows."""
        rows = self.shape[0]
        if self.crs.is_projected:
            unit = float(self.crs.axis_info[0].unit_conversion_factor)
            return np.full(rows, self.transform.a * unit), np.full(rows, -self.transform.e * unit)
        latitude: Floats = self.transform.f + self.transform.e * (np.arange(rows, dtype=np.float64) + 0.5)
        east, north = geo.metres_per_degree(latitude)
        return east * self.transform.a, north * -self.transform.e

    def cell_km2(self) -> Floats:
        """Return what cells hold on the ellipsoid, km², shape (rows, 1) or (rows, columns).

        A plane that does not keep areas tells its own: Web Mercator's cells hold 15 % less than their sides say at 21° N.
        On a plane it is found at nodes and stated between them in a straight line, right to a ten-thousandth on the maps of a
        country.
        """
        if not self.crs.is_projected:
            wide, high = self.cell_sizes_m()
            return (wide * high / 1e6)[:, None]
        rows, columns = (np.unique(np.linspace(0, side - 1, _NODES).round()).astype(np.int64) for side in self.shape)
        centre = self.centres(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))
        half = np.array([self.transform.a, -self.transform.e]) / 2
        boxes = shapely.segmentize(shapely.box(*(centre - half).T, *(centre + half).T), half.max() / 2)
        km2 = geo.area_km2(geo.project(boxes, self.crs, 4326)).reshape(len(rows), len(columns))
        if np.ptp(km2) <= 1e-6 * km2.max():
            return np.full((self.shape[0], 1), km2.mean())
        along = np.array([np.interp(np.arange(self.shape[1]), columns, line) for line in km2])
        at = np.interp(np.arange(self.shape[0]), rows, np.arange(len(rows)))
        low = np.minimum(at.astype(np.int64), max(len(rows) - 2, 0))
        part = (at - low)[:, None]
        whole: Floats = along[low] * (1 - part) + along[np.minimum(low + 1, len(rows) - 1)] * part
        return whole

    def centres(self, rows: Ints, columns: Ints) -> Floats:
        """Return x and y of cells' centres in the grid's own system, shape (n, 2)."""
        x = self.transform.c + (np.asarray(columns) + 0.5) * self.transform.a
        y = self.transform.f + (np.asarray(rows) + 0.5) * self.transform.e
        return np.column_stack([x, y])

    def lonlat(self, rows: Ints, columns: Ints) -> Floats:
        """Return longitude and latitude (WGS 84) of cells' centres, shape (n, 2)."""
        projected: Floats = geo.project(self.centres(rows, columns), self.crs, 4326)
        return projected

    def cells_under(self, xy: Floats) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Return the rows and columns of places in the grid's own system, and which of them lie inside it.

        Parameters
        ----------
        xy : ndarray of float64, (n, 2)
            A place that is not finite lies outside.
        """
        with np.errstate(invalid="ignore"):
            columns = np.floor((xy[:, 0] - self.transform.c) / self.transform.a)
            rows = np.floor((xy[:, 1] - self.transform.f) / self.transform.e)
            inside = (rows >= 0) & (rows < self.shape[0]) & (columns >= 0) & (columns < self.shape[1])
        return np.where(inside, rows, -1).astype(np.int64), np.where(inside, columns, -1).astype(np.int64), inside

    def cells_at(self, longitude: Floats, latitude: Floats) -> tuple[Ints, Ints]:
        """Return rows and columns of the cells that hold the points (degrees, WGS 84); -1 for points outside.

        On a grid in degrees that runs on over 180° (or from 0° to 360°) a point is found by either of its longitudes.
        """
        xy = geo.project(np.column_stack([longitude, latitude]).astype(np.float64), 4326, self.crs)
        if self.crs.is_geographic:
            west, _, east, _ = self.bounds
            xy[:, 0] += 360.0 * ((xy[:, 0] < west).astype(np.float64) - (xy[:, 0] >= east))
        return self.cells_under(xy)[:2]


def equal_area_grid(bounds: Iterable[float], cell_m: float) -> Grid:
    """Return a grid of square cells of equal area that covers a window.

    Parameters
    ----------
    bounds : west, south, east, north
        Degrees, WGS 84.
    cell_m : float
        Side of a cell, metres.

    Returns
    -------
    Grid
        Lambert azimuthal equal-area around the middle of the window; edges are whole multiples of the cell, so that
        a window that grows keeps the cells it had as long as it keeps its middle.

    Raises
    ------
    InputError
        If the window or the cell is empty.
    """
    west, south, east, north = map(float, bounds)
    if not (west < east and south < north and cell_m > 0):
        problem = "the window needs west < east, south < north and a cell above 0 m"
        raise InputError(problem, value=f"{(west, south, east, north)}, {cell_m} m", code="GRID_EMPTY")
    crs = geo.equal_area_crs((west, south, east, north))
    outline = geo.densify(
        shapely.box(west, south, east, north), max_segment_degrees=max(east - west, north - south) / 32
    )
    left, bottom, right, top = shapely.bounds(geo.project(outline, 4326, crs)) / cell_m
    left, bottom, right, top = math.floor(left), math.floor(bottom), math.ceil(right), math.ceil(top)
    transform = Affine(cell_m, 0.0, left * cell_m, 0.0, -cell_m, top * cell_m)
    return Grid(crs, transform, (top - bottom, right - left), float(cell_m))


def refuse_more(grid: Grid, most: int, *, column: str, expected: str) -> None:
    """Refuse a grid of more cells than fit into memory.

    Raises
    ------
    InputError
        With the option that would make it smaller (INPUT_TOO_LARGE).
    """
    if grid.cells > most:
        problem = "there would be too many cells"
        raise InputError(
            problem, column=column, value=f"{grid.cells:,}", expected=f"at most {most:,}: {expected}",
            code="INPUT_TOO_LARGE",
        )  # fmt: skip


def require_aligned(grids: Mapping[str, Grid]) -> None:
    """Refuse rasters that do not lie on the same cells.

    Parameters
    ----------
    grids : mapping of str to Grid
        The rasters' names and grids.

    Raises
    ------
    InputError
        If one differs from the first, telling exactly in what and by how much.
    """
    (first_name, first), *others = grids.items()
    for name, grid in others:
        if different := _differences(first, grid):
            problem = f"does not lie on the cells of {first_name}: {'; '.join(different)}"
            raise InputError(problem, file=name, expected="warp both into one grid", code="RASTERS_NOT_ALIGNED")


def _differences(first: Grid, other: Grid) -> list[str]:
    """Tell in what two grids differ; a thousandth of a cell is no difference."""
    found = []
    if first.crs != other.crs:
        found.append(f"coordinate system {other.crs.name}, not {first.crs.name}")
    if first.shape != other.shape:
        found.append(f"{other.shape[0]} rows x {other.shape[1]} columns, not {first.shape[0]} x {first.shape[1]}")
    a, b = first.transform, other.transform
    wide, high = b.a - a.a, b.e - a.e
    if max(abs(wide) * first.shape[1], abs(high) * first.shape[0]) > 1e-3 * a.a:
        found.append(f"cells of {b.a:.10g} x {-b.e:.10g}, not {a.a:.10g} x {-a.e:.10g}")
    if max(abs(b.c - a.c), abs(b.f - a.f)) > 1e-3 * a.a:
        found.append(f"upper left corner {b.c - a.c:+.10g} in x, {b.f - a.f:+.10g} in y")
    return found
