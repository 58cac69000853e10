"""Planning units, and published records and protected areas on them, as a project of Marxan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis.reserves.planning_units import boundary_of, costs_by_country, crs_of, cut_at_borders, unit_of
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.exports import layers
from biodata.exports.engine_inputs import KEY_FILE, Box, Written, published_areas
from biodata.exports.selection import Selection
from biodata.formats.marxan import Bounds
from biodata.formats.marxan_output import write_project, write_settings, write_units
from biodata.store.query.filters import Filter
from biodata.store.releases import Release

LAYER: Final = "planning_units"
_LOCKED_IN: Final = 2


def unit_table(units: gpd.GeoDataFrame, cost: Any, status: Any = 0) -> pl.DataFrame:
    """Return the table of units as Marxan has it.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        As `analysis.reserves.planning_units` makes them, n rows.
    cost : array of float64, length n
    status : array of int64, length n, or int
        Marxan's: 0 free, 2 locked in, 3 locked out.

    Returns
    -------
    polars.DataFrame
        id, cost, status, xloc and yloc (degrees of a point inside the unit).
    """
    points = shapely.get_coordinates(
        geo.project(np.asarray(shapely.point_on_surface(units.geometry.to_numpy())), crs_of(units), 4326)
    )
    return pl.DataFrame(
        {
            "id": units["unit_id"].to_numpy(),
            "cost": cost,
            "status": np.broadcast_to(np.asarray(status, dtype=np.int64), len(units)),
            "xloc": points[:, 0].round(5),
            "yloc": points[:, 1].round(5),
        }
    )


def bounds_of(units: gpd.GeoDataFrame) -> Bounds:
    """Return the lengths that units share, and what is left of each outline, kilometres."""
    shared = boundary_of(units, penalty=0.0)
    return Bounds(shared.first, shared.second, shared.length, shared.outer, symmetric=True)


def write_units_layer(
    units: gpd.GeoDataFrame, table: pl.DataFrame, path: Path, *, facts: Mapping[str, str | float] | None = None
) -> None:
    """Write the units as a layer in degrees, styled by status; the file appears whole or not at all.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        country_code, area_km2 and geometry.
    table : polars.DataFrame
        As `unit_table` returns it, in the same order.
    path : Path
        Of the GeoPackage.
    facts : mapping, optional
        The boundary set that they are cut by, for the layer's metadata.
    """
    rows = table.to_pandas().assign(
        country_code=units["country_code"].to_numpy(), area_km2=units["area_km2"].to_numpy()
    )
    shapes = geo.project(units.geometry.to_numpy(), crs_of(units), 4326)
    layers.write_layer(gpd.GeoDataFrame(rows, geometry=shapes, crs=4326), path, layer=LAYER, facts=facts)


def write_project_of_units(
    units: gpd.GeoDataFrame, cost: Any, folder: Path, *, facts: Mapping[str, str | float] | None = None
) -> tuple[Path, ...]:
    """Write the part of a Marxan project that does not depend on the species.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    cost : array of float64, one a unit
    folder : Path
        Gets input/pu.dat, input/bound.dat and units.gpkg; and input.dat, which names spec.dat and puvspr.dat too, where
        it has none yet.
    facts : mapping, optional
        As of `write_units_layer`.

    Returns
    -------
    tuple of Path
        What was written.
    """
    table = unit_table(units, cost)
    files = [*write_units(folder, table, bounds_of(units)), folder / "units.gpkg"]
    write_units_layer(units, table, files[-1], facts=facts)
    if not (folder / "input.dat").exists():
        files.append(write_settings(folder, bounded=True))
    return tuple(files)


@dataclass(frozen=True, slots=True)
class MarxanRequest:
    """What a project is to hold.

    Attributes
    ----------
    box : west, south, east, north
        Degrees, WGS 84.
    side_m : float
        Side of a planning unit that is a square, metres; a hexagon has the same area. Borders and the box cut them.
    target : float
        The share of each species' units that a reserve has to hold, 0-1.
    least_units : int
        Species in fewer units are left out.
    locked_in_share : float
        Units with this share of protected ground or more are locked in; above 1 for none.
    countries : sequence of str
        ISO 3166-1 alpha-2: units on their land; of all countries in the box where none are named.
    boundary_modifier : float
        Marxan's BLM.
    shape : str
        'square' or 'hexagon'.
    cost_per_km2 : mapping of str to float
        By country: a unit's cost is its area, km², times this; 1 where no country is named.
    """

    box: Box
    side_m: float
    target: float = 0.3
    least_units: int = 1
    locked_in_share: float = 0.5
    countries: Sequence[str] = ()
    boundary_modifier: float = 0.0
    shape: Literal["hexagon", "square"] = "square"
    cost_per_km2: Mapping[str, float] = field(default_factory=dict)


def write_marxan(
    release: Release, request: MarxanRequest, folder: Path, *, boundaries: places.BoundarySet,
    where: Filter | None = None,
) -> Written:  # fmt: skip
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
        If there would be no unit, too many, no species, or a country has no cost (REGION_EMPTY, UNITS_TOO_MANY,
        SPECIES_MISSING, COST_MISSING).

    Notes
    -----
    The amount of a species in a unit is 1 where a record of it lies there: records state where somebody looked, and not
    how many there are. A record whose published uncertainty is larger than `side_m`, as that of a sensitive species
    whose place was made coarser, is in no unit and is counted.
    """
    units = cut_at_borders(
        request.countries, boundaries, unit_km2=(request.side_m / 1000) ** 2, shape=request.shape, bounds=request.box
    )
    cost = costs_by_country(units, request.cost_per_km2 or dict.fromkeys(units["country_code"].unique(), 1.0))
    present, left_out = _present(release, units, request.side_m, where)
    by_species = present.group_by("species").agg(pl.len().alias("units")).filter(pl.col("units") >= request.least_units)
    by_species = by_species.sort("species").with_row_index("id", offset=1)
    if by_species.is_empty():
        problem = "no species has records in the planning units"
        expected = "records there, taken in with `biodata ingest` and published with `biodata release`"
        raise InputError(problem, file=release.id, expected=expected, code="SPECIES_MISSING")
    amounts = present.join(by_species.select("species", "id"), on="species").select(
        pl.col("id").cast(pl.Int64).alias("species"), "pu", pl.lit(1).alias("amount")
    )
    table = unit_table(units, cost, _status(release, units, request))
    species = by_species.select(
        pl.col("id").cast(pl.Int64), pl.lit(request.target).alias("prop"), pl.lit(1.0).alias("spf"),
        pl.col("species").str.replace_all(r"[^\w.-]+", "_").alias("name"),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = write_project(
        folder, units=table, species=species, amounts=amounts, bounds=bounds_of(units),
        blm=request.boundary_modifier,
    )  # fmt: skip
    by_species.select("id", "species", "units").write_csv(folder / KEY_FILE)
    write_units_layer(units, table, folder / "units.gpkg")
    locked = int((table["status"] == _LOCKED_IN).sum())
    counts = {
        "units": len(units), "locked in": locked, "species": species.height, "amounts": amounts.height, **left_out,
    }  # fmt: skip
    return Written((path, folder / KEY_FILE, folder / "units.gpkg"), counts)


def _present(
    release: Release, units: gpd.GeoDataFrame, side_m: float, where: Filter | None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return which species has a record in which unit, once each, and how many records are in none and why."""
    found: list[pl.DataFrame] = []
    coarse = outside = 0
    numbers = units["unit_id"].to_numpy()
    select = '"species", "decimalLongitude" AS x, "decimalLatitude" AS y, "coordinateUncertaintyInMeters" AS metres'
    condition = "AND species IS NOT NULL AND \"occurrenceStatus\" IS DISTINCT FROM 'ABSENT' AND x IS NOT NULL"
    with Selection(release.path, where) as selection:
        for batch in selection.batches(select, after=condition):
            precise = batch.filter((pl.col("metres") <= side_m).fill_null(value=True))
            coarse += batch.height - precise.height
            unit = unit_of(units, precise.select("x", "y").to_numpy())
            outside += int((unit < 0).sum())
            placed = precise.select("species", pu=pl.Series(numbers[unit])).filter(pl.Series(unit >= 0))
            found.append(placed.unique())
    whole = pl.concat(found).unique().sort("species", "pu")
    return whole, {"records coarser than a unit": coarse, "records outside": outside}


def _status(release: Release, units: gpd.GeoDataFrame, request: MarxanRequest) -> Any:
    """Return which units are locked in, for the protected ground that they hold."""
    shapes = units.geometry.to_numpy()
    share = np.zeros(len(shapes))
    if request.locked_in_share <= 1:
        try:
            areas = published_areas(release, request.box)
        except InputError:
            areas = None
        if areas is not None:
            ground = shapely.union_all(geo.project(np.asarray(areas.geometry), 4326, crs_of(units)))
            shapely.prepare(ground)
            near = shapely.intersects(ground, shapes)
            share[near] = shapely.area(shapely.intersection(shapes[near], ground)) / shapely.area(shapes[near])
    return np.where(share >= request.locked_in_share, _LOCKED_IN, 0)
