"""Published records and protected areas as a project of Marxan: units, species, what is where, shared edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, places
from biodata.errors import InputError
from biodata.exports.engine_inputs import KEY_FILE, Box, Written, country_land, published_areas
from biodata.exports.selection import Selection

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.store.query.filters import Filter
    from biodata.store.releases import Release

MAX_UNITS: Final = 1_000_000
_LOCKED_IN: Final = 2


@dataclass(frozen=True, slots=True)
class MarxanRequest:
    """What a project is to hold.

    Attributes
    ----------
    box : west, south, east, north
        Degrees, WGS 84.
    side_m : float
        Side of a planning unit, a square of equal area, metres.
    target : float
        The share of each species' units that a reserve has to hold, 0-1.
    least_units : int
        Species in fewer units are left out.
    locked_in_share : float
        Units with this share of protected ground or more are locked in; above 1 for none.
    countries : sequence of str
        ISO 3166-1 alpha-2: only units whose middle lies on their land; all where none are named.
    boundary_modifier : float
        Marxan's BLM.
    """

    box: Box
    side_m: float
    target: float = 0.3
    least_units: int = 1
    locked_in_share: float = 0.5
    countries: Sequence[str] = ()
    boundary_modifier: float = 0.0


def write_marxan(
    release: "Release",
    request: MarxanRequest,
    folder: Path,
    *,
    boundaries: places.BoundarySet,
    where: "Filter | None" = None,
) -> Written:
    """Write a Marxan project of what is published.

    Parameters
    ----------
    release : Release
        The current release.
    request : MarxanRequest
    folder : Path
        Gets input.dat, the folder input with Marxan's tables, key.csv, and units.gpkg, whose layer planning_units is
        styled by status.
    boundaries : BoundarySet
        Whose land countries have.
    where : Filter, optional
        Which records; all that are present and have a species, where none is given.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If there would be no unit, too many, or no species (UNITS_MISSING, UNITS_TOO_MANY, SPECIES_MISSING).

    Notes
    -----
    The amount of a species in a unit is 1 where a record of it lies there: records tell where somebody looked, and not
    how many there are. A record whose published uncertainty is larger than a unit's side, as that of a sensitive species
    whose place was made coarser, is in no unit and is counted.
    """
    from biodata.analysis.grid import equal_area_grid
    from biodata.formats.marxan_output import write_project

    grid = equal_area_grid(request.box, request.side_m)
    if grid.cells > MAX_UNITS:
        problem = f"there would be {grid.cells:,} planning units"
        raise InputError(problem, expected=f"at most {MAX_UNITS:,}: a longer side", code="UNITS_TOO_MANY")
    number = _numbers(grid, request, boundaries)
    count = int(number.max())
    if not count:
        problem = "no planning unit lies there"
        raise InputError(problem, expected="a box on the land of the countries", code="UNITS_MISSING")
    present, left_out = _present(release, grid, number, request.side_m, where)
    by_species = present.group_by("species").agg(pl.len().alias("units")).filter(pl.col("units") >= request.least_units)
    by_species = by_species.sort("species").with_row_index("id", offset=1)
    if by_species.is_empty():
        problem = "no species has records in the planning units"
        raise InputError(problem, file=release.id, code="SPECIES_MISSING")
    amounts = present.join(by_species.select("species", "id"), on="species").select(
        pl.col("id").cast(pl.Int64).alias("species"), "pu", pl.lit(1).alias("amount")
    )
    units, shapes = _units(release, grid, number, request)
    species = by_species.select(
        pl.col("id").cast(pl.Int64), pl.lit(request.target).alias("prop"), pl.lit(1.0).alias("spf"),
        pl.col("species").str.replace_all(r"[^\w.-]+", "_").alias("name"),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = write_project(
        folder, units=units, species=species, amounts=amounts, bounds=_bounds(number, request.side_m),
        blm=request.boundary_modifier,
    )  # fmt: skip
    by_species.select("id", "species", "units").write_csv(folder / KEY_FILE)
    _write_units(units, shapes, folder / "units.gpkg")
    locked = int((units["status"] == _LOCKED_IN).sum())
    counts = {"units": count, "locked in": locked, "species": species.height, "amounts": amounts.height, **left_out}
    return Written((path, folder / KEY_FILE, folder / "units.gpkg"), counts)


def _numbers(grid: "Grid", request: MarxanRequest, boundaries: places.BoundarySet) -> Any:
    """Return the number of each cell's unit, from 1; 0 where there is none."""
    rows, columns = np.indices(grid.shape)
    lonlat = grid.lonlat(rows.ravel(), columns.ravel())
    west, south, east, north = request.box
    inside = (lonlat[:, 0] >= west) & (lonlat[:, 0] <= east) & (lonlat[:, 1] >= south) & (lonlat[:, 1] <= north)
    if request.countries:
        land = country_land(tuple(request.countries), boundaries)
        shapely.prepare(land)
        inside &= shapely.contains_xy(land, lonlat[:, 0], lonlat[:, 1])
    number = np.zeros(grid.cells, dtype=np.int64)
    number[inside] = np.arange(1, inside.sum() + 1)
    return number.reshape(grid.shape)


def _present(
    release: "Release", grid: "Grid", number: Any, side_m: float, where: "Filter | None"
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return which species has a record in which unit, once each, and how many records are in none and why."""
    found: list[pl.DataFrame] = []
    coarse = outside = 0
    select = '"species", "decimalLongitude" AS x, "decimalLatitude" AS y, "coordinateUncertaintyInMeters" AS metres'
    condition = "AND species IS NOT NULL AND \"occurrenceStatus\" IS DISTINCT FROM 'ABSENT' AND x IS NOT NULL"
    with Selection(release.path, where) as selection:
        for batch in selection.batches(select, after=condition):
            precise = batch.filter((pl.col("metres") <= side_m).fill_null(value=True))
            coarse += batch.height - precise.height
            rows, columns = grid.cells_at(precise["x"].to_numpy(), precise["y"].to_numpy())
            unit = np.where(rows >= 0, number[rows, columns], 0)
            outside += int((unit == 0).sum())
            placed = precise.select("species", pu=pl.Series(unit)).filter(pl.col("pu") > 0)
            found.append(placed.unique())
    whole = pl.concat(found).unique().sort("species", "pu")
    return whole, {"records coarser than a unit": coarse, "records outside": outside}


def _units(release: "Release", grid: "Grid", number: Any, request: MarxanRequest) -> tuple[pl.DataFrame, Any]:
    """Return the units with their shapes in degrees; cost is a unit's area in km²."""
    rows, columns = np.nonzero(number)
    x, y = grid.centres(rows, columns).T
    half = grid.cell_m / 2
    squares = shapely.box(x - half, y - half, x + half, y + half)
    share = np.zeros(x.size)
    if request.locked_in_share <= 1:
        try:
            areas = published_areas(release, request.box)
        except InputError:
            areas = None
        if areas is not None:
            ground = shapely.union_all(geo.project(np.asarray(areas.geometry), 4326, grid.crs))
            shapely.prepare(ground)
            near = shapely.intersects(ground, squares)
            share[near] = shapely.area(shapely.intersection(squares[near], ground)) / grid.cell_m**2
    lonlat = grid.lonlat(rows, columns)
    table = pl.DataFrame(
        {
            "id": number[rows, columns],
            "cost": np.full(x.size, grid.cell_m**2 / 1e6),
            "status": np.where(share >= request.locked_in_share, _LOCKED_IN, 0),
            "xloc": lonlat[:, 0].round(5),
            "yloc": lonlat[:, 1].round(5),
        }
    )
    return table, geo.project(squares, grid.crs, 4326)


def _bounds(number: Any, side_m: float) -> Any:
    """Return the edges that units share, and their outer ones, kilometres."""
    from biodata.formats.marxan_bounds import Bounds

    pairs = []
    shared = np.zeros(int(number.max()) + 1)
    for one, other in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
        both = (one > 0) & (other > 0)
        pairs.append(np.column_stack([one[both], other[both]]))
    whole = np.concatenate(pairs)
    whole = whole[np.lexsort((whole[:, 1], whole[:, 0]))]
    np.add.at(shared, whole.ravel(), 1)
    side_km = side_m / 1000
    return Bounds(
        whole[:, 0] - 1, whole[:, 1] - 1, np.full(len(whole), side_km), (4 - shared[1:]) * side_km, symmetric=True
    )


def _write_units(units: pl.DataFrame, shapes: Any, path: Path) -> None:
    """Write the units as a styled layer."""
    import geopandas as gpd

    from biodata.exports.styles import add_styles

    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    frame = gpd.GeoDataFrame(units.to_pandas(), geometry=shapes, crs=4326)
    frame.to_file(part, layer="planning_units", driver="GPKG", engine="pyogrio")
    add_styles(part, ["planning_units"])
    part.replace(path)
