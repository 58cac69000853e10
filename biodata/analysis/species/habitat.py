"""Area of habitat: cells of suitable land cover and elevation inside a species' range."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import geo, places
from biodata.analysis.grid import Grid

if TYPE_CHECKING:
    from biodata.places import BoundarySet

NO_DATA = 255
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class Habitat:
    """An area of habitat.

    Attributes
    ----------
    cells : ndarray of uint8, grid.shape
        1 habitat, 0 none, NO_DATA outside the range or where a layer tells nothing.
    grid : Grid
        The land-cover layer's own.
    by_country : dict of str to float
        Habitat, km²; ground of no side stands under `""`.
    range_km2, habitat_km2, unknown_km2 : float
        The range; habitat in it; what of it no layer tells anything about.
    """

    cells: NDArray[np.uint8]
    grid: Grid
    by_country: dict[str, float]
    range_km2: float
    habitat_km2: float
    unknown_km2: float

    def told(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "habitat_km2": self.habitat_km2, "habitat_km2_by_country": self.by_country, "range_km2": self.range_km2,
            "unknown_km2": self.unknown_km2,
        }  # fmt: skip


def area_of_habitat(
    land_cover: geo.Floats,
    grid: Grid,
    species_range: shapely.Geometry,
    *,
    classes: tuple[int, ...],
    boundaries: "BoundarySet",
    elevation: geo.Floats | None = None,
    lowest_m: float | None = None,
    highest_m: float | None = None,
) -> Habitat:
    """Return the area of habitat of a species.

    Parameters
    ----------
    land_cover : ndarray of float64, grid.shape
        Classes on their own cells (they are not resampled); nan where there is no data.
    grid : Grid
    species_range : shapely geometry
        Degrees, WGS 84. A cell lies inside where its centre does.
    classes : tuple of int
        Suitable classes.
    boundaries : BoundarySet
        Whose countries habitat is told by.
    elevation : ndarray of float64, grid.shape, optional
        Metres at the centres of the cells; nan where there is no data.
    lowest_m, highest_m : float, optional
        Limits of elevation, both included.

    Returns
    -------
    Habitat

    Raises
    ------
    ValueError
        If limits of elevation are asked without elevation.

    Notes
    -----
    Brooks et al. 2019, https://doi.org/10.1016/j.tree.2019.06.009.
    """
    if elevation is None and (lowest_m is not None or highest_m is not None):
        msg = "limits of elevation need a layer of elevation"
        raise ValueError(msg)
    known = np.isfinite(land_cover)
    suitable = np.isin(land_cover, classes)
    if elevation is not None and (lowest_m is not None or highest_m is not None):
        known &= np.isfinite(elevation)
        with np.errstate(invalid="ignore"):
            suitable &= elevation >= (-np.inf if lowest_m is None else lowest_m)
            suitable &= elevation <= (np.inf if highest_m is None else highest_m)
    inside = _inside(grid, species_range)
    km2 = grid.cell_km2()
    cells = np.where(inside & known, suitable, NO_DATA).astype(np.uint8)
    by_country = _by_country(grid, cells, km2, boundaries)
    whole = float(geo.area_km2(np.array([species_range], dtype=object))[0])
    seen, good = (float((mask * km2).sum()) for mask in (inside & known, cells == 1))
    return Habitat(cells, grid, by_country, whole, good, max(whole - seen, 0.0))


def centres_by_rows(grid: Grid) -> Iterator[tuple[slice, geo.Floats, geo.Floats]]:
    """Yield some rows at a time with longitude and latitude of their cells' centres, flat: never those of a large grid at once."""
    step = max(1, _BLOCK // grid.shape[1])
    for start in range(0, grid.shape[0], step):
        rows = np.arange(start, min(start + step, grid.shape[0]))
        lonlat = grid.lonlat(np.repeat(rows, grid.shape[1]), np.tile(np.arange(grid.shape[1]), len(rows)))
        yield slice(start, start + len(rows)), lonlat[:, 0].copy(), lonlat[:, 1].copy()


def _inside(grid: Grid, region: shapely.Geometry) -> NDArray[np.bool_]:
    """Tell which cells' centres lie in a region."""
    shapely.prepare(region)
    found = np.zeros(grid.shape, dtype=np.bool_)
    for rows, lon, lat in centres_by_rows(grid):
        lon = np.where(lon > 180, lon - 360, lon)
        found[rows] = shapely.contains_xy(region, lon, lat).reshape(-1, grid.shape[1])
    return found


def _by_country(grid: Grid, cells: NDArray[np.uint8], km2: geo.Floats, boundaries: "BoundarySet") -> dict[str, float]:
    """Add up cells of habitat by the country of their centre."""
    totals: dict[str, float] = {}
    for rows, lon, lat in centres_by_rows(grid):
        good = np.flatnonzero(cells[rows].ravel() == 1)
        if not len(good):
            continue
        areas = np.broadcast_to(km2[rows], cells[rows].shape).ravel()[good]
        where = places.locate(lon[good], lat[good], boundaries)["located_country_code"]
        codes = where.fill_null("").to_numpy()
        for code in np.unique(codes):
            totals[str(code)] = totals.get(str(code), 0.0) + float(areas[codes == code].sum())
    return {code: totals[code] for code in sorted(totals)}
