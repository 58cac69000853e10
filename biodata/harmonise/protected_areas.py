"""Protected areas interpreted: identity, names, geometry, areas, and the countries that hold them."""

from collections.abc import Mapping, MutableSet

import numpy as np
import polars as pl
import shapely

from biodata.core import edges, geo, terms
from biodata.core.errors import Refusal
from biodata.harmonise import area_borders
from biodata.harmonise.area_cleaning import repair
from biodata.harmonise.area_sites import sites
from biodata.places import BoundarySet


def protected_areas(
    batch: pl.DataFrame, *, dataset_key: str, boundaries: BoundarySet, declarations: Mapping[str, str] | None = None,
    seen: MutableSet[str] | None = None,
) -> tuple[pl.DataFrame, list[Refusal]]:  # fmt: skip
    """Interpret the sites of one table.

    Who they are and what they say is `area_sites.sites`; here their geometry is repaired, measured and placed.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.protected_areas` gives it.
    dataset_key : str
        The dataset.
    boundaries : BoundarySet
        Whose borders decide what spills over.
    declarations : mapping, optional
        `crs` where the coordinate system is stated (if it is not, WGS 84 was assumed and each site is flagged);
        `country` for sites that state none.
    seen : set of str, optional
        Identities already given in this dataset by other tables of the same ingest; is added to.

    Returns
    -------
    frame of `terms.PROTECTED_AREA`, list of Refusal
        n = rows + refusals: a site whose edges cross too often to be repaired is refused (GEOMETRY_TOO_COMPLEX).

    Notes
    -----
    Areas are computed on the ellipsoid; reported areas of 0 mean not known in WDPA. AREA_DISAGREES compares with the
    computed area; points and sites without geometry have none.
    """
    frame = sites(batch, dataset_key=dataset_key, declarations=declarations, seen=seen)
    flags: list[list[str]] = frame["quality_flags"].to_list()
    shapes, too_complex = _shapes(batch["geometry"].to_list(), flags)
    frame = frame.with_columns(_measured(shapes, frame, boundaries, flags))
    frame = frame.with_columns(
        pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary),
        pl.Series("quality_flags", flags, dtype=pl.List(pl.String)),
    )
    refusals = [
        Refusal(file, row, "geometry", name, "GEOMETRY_TOO_COMPLEX", "its edges cross too often to be repaired")
        for file, row, name in frame.filter(too_complex).select("source_file", "source_row", "name").iter_rows()
    ]
    return terms.conform(frame.filter(~too_complex), terms.PROTECTED_AREA), refusals


def not_mapped(frame: pl.DataFrame) -> dict[str, int]:
    """Return by country how many sites of a table have no geometry; a site of several countries counts in each.

    Parameters
    ----------
    frame : polars.DataFrame of terms.PROTECTED_AREA
        A whole table; parts and zones of a site count once.

    Returns
    -------
    dict of str to int
        By ISO 3166-1 alpha-2 code; `-` for sites that state no country.
    """
    mapped = frame.filter(pl.col("geometry").is_not_null())["part_of"]
    missing = frame.filter(~pl.col("part_of").is_in(mapped.implode())).select("part_of", country="country_codes")
    stated = pl.when(pl.col("country").list.len() > 0).then("country").otherwise(pl.lit(["-"]))
    each = missing.with_columns(country=stated).explode("country").unique()
    return dict(each.group_by("country").len().sort("country").iter_rows())


def _shapes(blobs: list[bytes | None], flags: list[list[str]]) -> tuple[repair.Geometries, pl.Series]:
    """Return valid geometries with their flags set, and which are too complex to be repaired."""
    shapes = repair.read_wkb(blobs)
    too_complex = np.zeros(len(shapes), dtype=bool)
    for at, shape in enumerate(shapes):
        if shape is None:
            flags[at].append("GEOMETRY_MISSING")
            continue
        shape = shapes[at] = repair.polygons_of(shape)
        if shape.geom_type in ("Point", "MultiPoint"):
            flags[at].append("GEOMETRY_POINT")
        elif edges.problem_of(shape) is not None:
            flags[at].append("GEOMETRY_INVALID")
            shapes[at], too_complex[at] = None, True
        elif not shape.is_valid:
            flags[at].append("GEOMETRY_INVALID")
            shape = shapes[at] = repair.repaired(shape)
            too_complex[at] = shape is None
            if shape is not None and not shapely.area(shape):
                shapes[at] = None
                flags[at].append("GEOMETRY_MISSING")
    return shapes, pl.Series(too_complex, dtype=pl.Boolean)


def _measured(
    shapes: repair.Geometries, frame: pl.DataFrame, boundaries: BoundarySet, flags: list[list[str]]
) -> list[pl.Series]:
    """Return computed areas, what spills over borders, and the countries where none is stated; doubts go into `flags`."""
    polygon = np.array([shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") for shape in shapes])
    computed = np.where(polygon, geo.area_km2(shapes), np.nan)
    spilled = area_borders.spill(shapes, frame["country_codes"].to_list(), boundaries)
    for at, (reported, area) in enumerate(zip(frame["reported_area_km2"], computed, strict=True)):
        if reported is not None and polygon[at] and abs(reported - area) > 0.1 * area:
            flags[at].append("AREA_DISAGREES")
        spill = spilled[at]
        if spill.spill_km2 is not None and spill.spill_km2 >= area_borders.LEAST_SPILL_KM2:
            flags[at].append("BOUNDARY_DISAGREEMENT")
        if spill.elsewhere:
            flags[at].append("COUNTRY_DISAGREES")
        if spill.sides:
            flags[at].append("COUNTRY_DERIVED_FROM_COORDINATES")
        if set(spill.sides) - set(spill.located) and len(spill.sides) > 1:
            flags[at].append("BORDER_AMBIGUOUS")
    stated = frame["country_codes"].to_list()
    return [
        pl.Series(
            "country_codes", [own or s.sides for own, s in zip(stated, spilled, strict=True)], dtype=pl.List(pl.String)
        ),
        pl.Series("computed_area_km2", computed).fill_nan(None),
        pl.Series("located_country_codes", [s.located for s in spilled], dtype=pl.List(pl.String)),
        pl.Series("spill_km2", [s.spill_km2 for s in spilled], dtype=pl.Float64),
        pl.Series("spill_outside_band_km2", [s.outside_band_km2 for s in spilled], dtype=pl.Float64),
    ]
