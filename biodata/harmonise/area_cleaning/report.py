"""The report of a cleaning as one object: steps, fates, countries, and the sums that must agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import shapely

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.formats.vectors import MAX_DEPTH
from biodata.harmonise.area_cleaning.cleaning import Cleaned, clean
from biodata.harmonise.area_cleaning.countries import coverage_by_country, not_mapped_by_country
from biodata.harmonise.area_cleaning.repair import checked
from biodata.harmonise.area_cleaning.steps import PLANE, REASONS, Options, Step, steps_frame
from biodata.harmonise.area_sites import sites
from biodata.places import BoundarySet, load_boundaries


@dataclass(frozen=True)
class Report:
    """What a cleaning did.

    Attributes
    ----------
    steps : list of Step
        What every step of each product kept, changed and dropped.
    sites : polars.DataFrame
        One row a row of the input, see `cleaning.Cleaned.fates`.
    countries : polars.DataFrame
        How much of each country is covered, see `countries.coverage_by_country`.
    not_mapped : polars.DataFrame
        Sites that cannot be drawn, by country, level and reason, with the areas that they claim.
    largest_overlap_m2 : float
        The largest ground that two rows of `coverage` share.
    boundaries : str
        The boundary set, its version and its viewpoint.
    """

    steps: list[Step]
    sites: pl.DataFrame
    countries: pl.DataFrame
    not_mapped: pl.DataFrame
    largest_overlap_m2: float
    boundaries: str

    def steps_table(self) -> pl.DataFrame:
        """Return the steps as a table, one row a step."""
        return steps_frame(self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        sites = self.sites
        return {
            "rows": sites.height,
            "coverage": int(sites["in_coverage"].sum()),
            "planning": int(sites["in_planning"].sum()),
            "not_mapped": int((~sites["in_planning"]).sum()),
            "coverage_km2": float(sites["coverage_km2"].sum()),
            "largest_overlap_m2": self.largest_overlap_m2,
            "plane": PLANE,
            "boundaries": self.boundaries,
            "steps": [step.as_dict() for step in self.steps],
            "countries": self.countries.to_dicts(),
            "not_mapped_by_country": self.not_mapped.to_dicts(),
            "reasons": {name: REASONS[name] for name in sorted(self._reasons())},
            "sites": sites.to_dicts(),
        }

    def _reasons(self) -> set[str]:
        columns = ("not_in_coverage_because", "not_mapped_because")
        return {reason for name in columns for reason in self.sites[name].drop_nulls().unique()}


def report_of(cleaned: Cleaned, boundaries: BoundarySet) -> Report:
    """Return the report of a cleaning, with how much of each country is covered."""
    return Report(
        steps=cleaned.steps,
        sites=cleaned.fates,
        countries=coverage_by_country(cleaned, boundaries),
        not_mapped=not_mapped_by_country(cleaned.not_mapped),
        largest_overlap_m2=cleaned.largest_overlap_m2,
        boundaries=f"{boundaries.name} {boundaries.version}, {boundaries.licence}. {boundaries.viewpoint}",
    )


# The cleaning in one call: GeoDataFrames in, GeoDataFrames out.

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_ADMINISTRATION: Final = ("source_file", "source_row")


@dataclass(frozen=True)
class CleanedAreas:
    """What a cleaning gives to a notebook.

    Attributes
    ----------
    coverage, planning : geopandas.GeoDataFrame
        On the equal-area plane (`steps.PLANE`), metres; see `cleaning.Cleaned`.
    not_mapped : pandas.DataFrame
        Sites without a geometry that can be drawn.
    report : Report
        Steps, what became of each row, and how much of each country is covered.
    """

    coverage: "gpd.GeoDataFrame"
    planning: "gpd.GeoDataFrame"
    not_mapped: "pd.DataFrame"
    report: Report


def clean_protected_areas(
    areas: Any, *, options: Options | None = None, boundaries: BoundarySet | None = None, dataset_key: str = "areas",
    country: str | None = None,
) -> CleanedAreas:  # fmt: skip
    """Clean protected areas into `coverage` and `planning`.

    Parameters
    ----------
    areas : table or sequence of tables
        A GeoDataFrame with WDPA's old or new columns or those of a national file; a DataFrame without geometry, whose
        sites count as not mapped; a polars frame of `terms.PROTECTED_AREA`, as the lake gives it.
    options : Options, optional
        What to keep and how fine to snap.
    boundaries : BoundarySet, optional
        Whose countries; Natural Earth's where none is given.
    dataset_key : str
        Dataset of tables that are not from the lake.
    country : str, optional
        ISO 3166-1 alpha-2 code of sites that state no country.

    Returns
    -------
    CleanedAreas

    Raises
    ------
    InputError
        If a geometry is hostile: nested too deep, too large, or with coordinates that are no numbers; with its row.
        Nothing of it was given to GEOS.

    Notes
    -----
    Steps after wdpar, https://doi.org/10.21105/joss.04594.
    """
    tables = areas if isinstance(areas, Sequence) else [areas]
    seen: set[str] = set()
    frames = [
        _sites(table, f"table {number}", dataset_key, country, seen) for number, table in enumerate(tables, start=1)
    ]
    cleaned = clean(pl.concat(frames), options)
    report = report_of(cleaned, boundaries or load_boundaries())
    return CleanedAreas(
        to_geodataframe(cleaned.coverage), to_geodataframe(cleaned.planning), cleaned.not_mapped.to_pandas(), report
    )


def to_geodataframe(frame: pl.DataFrame) -> "gpd.GeoDataFrame":
    """Return a product as a GeoDataFrame on the plane; lists become text."""
    import geopandas as gpd

    plain = frame.drop("geometry").with_columns(
        pl.col(name).list.join(";") for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)
    )
    return gpd.GeoDataFrame(plain.to_pandas(), geometry=shapely.from_wkb(frame["geometry"].to_numpy()), crs=PLANE)


def _sites(table: Any, label: str, dataset_key: str, country: str | None, seen: set[str]) -> pl.DataFrame:
    """Return a table as sites, after a look at its geometry."""
    if isinstance(table, pl.DataFrame) and "area_id" in table.columns:
        frame = terms.conform(table, terms.PROTECTED_AREA)
        _refuse_hostile(frame["geometry"], label)
        return frame
    batch = _verbatim(table, label)
    _refuse_hostile(batch["geometry"], label)
    declarations = {"crs": "EPSG:4326"} | ({"country": country} if country else {})
    return sites(batch, dataset_key=dataset_key, declarations=declarations, seen=seen)


def _verbatim(table: Any, label: str) -> pl.DataFrame:
    """Return a DataFrame as a source would have given it: text, and geometry as WKB in WGS 84."""
    geometry = getattr(table, "geometry", None) if hasattr(table, "crs") else None
    blobs: list[bytes | None] = [None] * len(table)
    plain = table
    if geometry is not None:
        for row, shape in enumerate(geometry, start=1):
            _check_depth(shape, label, row)
        located = geometry if geometry.crs is None else geometry.to_crs("EPSG:4326")
        blobs = list(shapely.to_wkb(located.to_numpy()))
        plain = table.drop(columns=geometry.name)
    if isinstance(plain, pl.DataFrame):
        text = plain.cast(pl.String)
    else:
        text = pl.from_pandas(plain.astype(object).where(plain.notna(), None).map(_as_text), schema_overrides=None)
    rows = pl.int_range(1, len(table) + 1, dtype=pl.Int64, eager=True)
    renamed = {name: f"{name}_" for name in text.columns if name in (*_ADMINISTRATION, "geometry")}
    return text.rename(renamed).with_columns(
        pl.lit(label).alias("source_file"), rows.alias("source_row"), pl.Series("geometry", blobs, dtype=pl.Binary)
    )


def _as_text(value: Any) -> str | None:
    """Return a cell as text."""
    return None if value is None or value == "" else str(value)


def _check_depth(shape: Any, label: str, row: int) -> None:
    """Refuse collections too deep inside each other, one level at a time."""
    level = [shape]
    for _ in range(MAX_DEPTH + 1):
        level = [
            part for one in level if one is not None and one.geom_type == "GeometryCollection" for part in one.geoms
        ]
        if not level:
            return
    raise _hostile(label, row, code="GEOMETRY_TOO_DEEP")


def _refuse_hostile(blobs: pl.Series, label: str) -> None:
    """Raise for the first geometry that may not reach GEOS."""
    for row, code in enumerate(checked(blobs.to_list()), start=1):
        if code is not None and code != "GEOMETRY_UNREADABLE":
            raise _hostile(label, row, code)


def _hostile(label: str, row: int, code: str) -> InputError:
    return InputError(REASONS[code], file=label, row=row, column="geometry", expected="polygons or points", code=code)
