"""Planning units as Marxan's tables and as a styled layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.exports import layers
from biodata.formats.marxan_output import write_settings, write_units
from biodata.harmonise.area_cleaning.plane import split_at_antimeridian

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.formats.marxan_bounds import Bounds

LAYER: Final = "planning_units"


def unit_table(units: "gpd.GeoDataFrame", cost: Any, status: Any = 0) -> pl.DataFrame:
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
    from biodata.analysis.reserves.planning_units import crs_of

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


def bounds_of(units: "gpd.GeoDataFrame") -> "Bounds":
    """Return the lengths that units share, and what is left of each outline, kilometres."""
    from biodata.analysis.reserves.planning_units import boundary_of
    from biodata.formats.marxan_bounds import Bounds

    shared = boundary_of(units, penalty=0.0)
    return Bounds(shared.first, shared.second, shared.length, shared.outer, symmetric=True)


def write_units_layer(
    units: "gpd.GeoDataFrame", table: pl.DataFrame, path: Path, *, facts: Mapping[str, str | float] | None = None
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
    import geopandas as gpd

    from biodata.analysis.reserves.planning_units import crs_of

    told = table.to_pandas().assign(
        country_code=units["country_code"].to_numpy(), area_km2=units["area_km2"].to_numpy()
    )
    shapes, _ = split_at_antimeridian(geo.project(units.geometry.to_numpy(), crs_of(units), 4326))
    layers.write_layer(gpd.GeoDataFrame(told, geometry=shapes, crs=4326), path, layer=LAYER, facts=facts)


def write_project_of_units(
    units: "gpd.GeoDataFrame", cost: Any, folder: Path, *, facts: Mapping[str, str | float] | None = None
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
