"""Published records and protected areas as a project of Marxan: units, species, what is where, shared edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl
import shapely

from biodata import geo, places
from biodata.errors import InputError
from biodata.exports.engine_inputs import KEY_FILE, Box, Written, published_areas
from biodata.exports.selection import Selection

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.store.query.filters import Filter
    from biodata.store.releases import Release

_LOCKED_IN: Final = 2


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
        If there would be no unit, too many, no species, or a country has no cost (REGION_EMPTY, UNITS_TOO_MANY,
        SPECIES_MISSING, COST_MISSING).

    Notes
    -----
    The amount of a species in a unit is 1 where a record of it lies there: records tell where somebody looked, and not
    how many there are. A record whose published uncertainty is larger than `side_m`, as that of a sensitive species
    whose place was made coarser, is in no unit and is counted.
    """
    from biodata.analysis.reserves import planning_units
    from biodata.exports.planning_units import bounds_of, unit_table, write_units_layer
    from biodata.formats.marxan_output import write_project

    units = planning_units.cut_at_borders(
        request.countries, boundaries, unit_km2=(request.side_m / 1000) ** 2, shape=request.shape, bounds=request.box
    )
    cost = planning_units.costs_by_country(
        units, request.cost_per_km2 or dict.fromkeys(units["country_code"].unique(), 1.0)
    )
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
        "units": len(units),
        "locked in": locked,
        "species": species.height,
        "amounts": amounts.height,
        **left_out,
    }
    return Written((path, folder / KEY_FILE, folder / "units.gpkg"), counts)


def _present(
    release: "Release", units: "gpd.GeoDataFrame", side_m: float, where: "Filter | None"
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return which species has a record in which unit, once each, and how many records are in none and why."""
    from biodata.analysis.reserves.planning_units import unit_of

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


def _status(release: "Release", units: "gpd.GeoDataFrame", request: MarxanRequest) -> Any:
    """Return which units are locked in, for the protected ground that they hold."""
    from biodata.analysis.reserves.planning_units import crs_of

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
