"""The cleaning: sites in, `coverage` and `planning` out, every row accounted for.

The steps of `coverage` and their order are wdpar's (https://prioritizr.github.io/wdpar/reference/wdpa_clean.html,
Hanson 2022, https://doi.org/10.21105/joss.04594); what differs is said where it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, terms
from biodata.errors import InputError
from biodata.formats.vectors import MAX_DEPTH
from biodata.geo import Geometries
from biodata.harmonise.area_cleaning import ground
from biodata.harmonise.area_cleaning import steps as order
from biodata.harmonise.area_cleaning.countries import coverage_by_country, not_mapped_by_country
from biodata.harmonise.area_cleaning.ground import Ground, Loss, take_ground
from biodata.harmonise.area_cleaning.repair import Repaired, checked, repair
from biodata.harmonise.area_cleaning.steps import (
    LARGEST_SITE_KM2,
    PLANE,
    REASONS,
    Ledger,
    Options,
    Rows,
    Step,
    split_at_antimeridian,
    steps_frame,
    to_plane,
)
from biodata.harmonise.area_sites import sites
from biodata.places import BoundarySet, load_boundaries

_TOLD: Final = (
    "area_id part_of zone datasetKey site_id wdpaid name original_name designation level iucn_category status "
    "status_year is_oecm marine country_codes reported_area_km2 legal_area_km2 legal_area_unit zone_areas_km2"
).split()
_SOURCE: Final = ("quality_flags", "source_file", "source_row")
_ERASERS_NAMED: Final = 5


def fates(
    sites: pl.DataFrame,
    shapes: Geometries,
    repaired: Repaired,
    changed: Rows,
    coverage: Ledger,
    planning: Ledger,
    done: Ground,
) -> pl.DataFrame:
    """Return what became of each row."""
    kind = np.select([repaired.point, ~shapely.is_missing(shapes)], ["point", "polygon"], "none")
    lost = np.bincount(done.loss.loser, weights=done.loss.area_m2, minlength=sites.height)
    km2 = np.where(coverage.inside, shapely.area(done.shapes), np.nan) / 1e6
    return sites.select(
        "area_id",
        "part_of",
        "name",
        "country_codes",
        "status",
        "source_file",
        "source_row",
        in_coverage=pl.Series(coverage.inside),
        in_planning=pl.Series(planning.inside),
        not_in_coverage_because=pl.Series(coverage.reasons.tolist(), dtype=pl.String),
        not_mapped_because=pl.Series(planning.reasons.tolist(), dtype=pl.String),
        copy_of=pl.Series(done.copy_of, dtype=pl.String),
        geometry_kind=pl.Series(kind.tolist(), dtype=pl.String),
        geometry_repaired=pl.Series(changed),
        computed_area_km2=pl.Series(np.where(kind == "polygon", geo.area_km2(shapes), np.nan)).fill_nan(None),
        coverage_km2=pl.Series(km2).fill_nan(None),
        own_parts_km2=pl.Series(done.own_loss_m2 / 1e6),
        erased_km2=pl.Series(lost / 1e6),
        erased_by=_erased_by(sites["area_id"].to_list(), done.loss),
    )


def _erased_by(names: list[str], loss: Loss) -> pl.Series:
    """Return for each row the sites that it lost most ground to, and how many more there are."""
    told: list[list[str]] = [[] for _ in names]
    by_size = np.lexsort((loss.winner, -loss.area_m2, loss.loser))
    for at in by_size:
        told[loss.loser[at]].append(names[loss.winner[at]])
    texts = [
        "; ".join(ids[:_ERASERS_NAMED])
        + (f"; and {len(ids) - _ERASERS_NAMED} more" if len(ids) > _ERASERS_NAMED else "")
        for ids in told
    ]
    return pl.Series("erased_by", [text or None for text in texts], dtype=pl.String)


def shared(sites: pl.DataFrame, done: Ground) -> pl.DataFrame:
    """Return which ground of OECMs protected areas hold too."""
    oecm = sites["is_oecm"].fill_null(value=False).to_numpy()
    both = oecm[done.loss.winner] & ~oecm[done.loss.loser] & ~shapely.is_missing(done.shapes[done.loss.winner])
    names = sites["area_id"].to_list()
    rows: list[tuple[str, bytes]] = []
    for winner in np.unique(done.loss.winner[both]):
        losers = done.loss.loser[both & (done.loss.winner == winner)]
        common = shapely.intersection(done.shapes[winner], shapely.union_all(done.claimed[losers]))
        rows.append((names[winner], shapely.to_wkb(ground.only_polygons(np.array([common], dtype=object))[0])))
    return pl.DataFrame(rows, schema={"area_id": pl.String, "geometry": pl.Binary}, orient="row")


def product(
    sites: pl.DataFrame, became: pl.DataFrame, shapes: Geometries, rows: Rows, *, kinds: dict[str, str]
) -> pl.DataFrame:
    """Return the rows of a product with their geometry on the plane."""
    told = sites.select(*_TOLD, *_SOURCE)
    found = became.select(
        "in_coverage",
        "not_in_coverage_because",
        "copy_of",
        pl.col("geometry_kind").replace(kinds),
        "geometry_repaired",
        "computed_area_km2",
        "coverage_km2",
        "own_parts_km2",
        "erased_km2",
        "erased_by",
    )
    frame = told.hstack(found).with_columns(pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary))
    return frame.filter(rows).sort("area_id")


def not_mapped(sites: pl.DataFrame, became: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Return what is known of the sites that cannot be drawn."""
    told = sites.select(*_TOLD, *_SOURCE, "attributes")
    return told.hstack(became.select(reason="not_mapped_because")).filter(rows).sort("area_id")


_MAB: Final = (
    r"(?i)unesco.{0,3}mab|\bmab\b.{0,3}biosphere|unesco.{0,30}biosphere|man and (the )?biosphere|人与生物圈|世界生物圈"
)
_NOT_REPORTED: Final = r'(?i)"status"\s*:\s*"not reported"'


@dataclass(frozen=True)
class Cleaned:
    """The products of one run; every row of the input is in `planning` or in `not_mapped`, never in both.

    Attributes
    ----------
    coverage : polars.DataFrame
        What is protected, no ground twice; `geometry` as WKB on `steps.PLANE`, metres.
    planning : polars.DataFrame
        All mapped sites as they are drawn, of every status, points as points; `geometry` as WKB on the plane.
    not_mapped : polars.DataFrame
        Sites without a geometry that can be drawn, with the reason and their claims.
    shared : polars.DataFrame
        `area_id` of OECMs in `coverage`, and as `geometry` the part of their ground that protected areas hold too.
    fates : polars.DataFrame
        One row a row of the input: which product holds it, else why not, and what it lost to whom.
    steps : list of Step
        What every step did.
    largest_overlap_m2 : float
        The largest ground that two rows of `coverage` share.
    """

    coverage: pl.DataFrame
    planning: pl.DataFrame
    not_mapped: pl.DataFrame
    shared: pl.DataFrame
    fates: pl.DataFrame
    steps: list[Step]
    largest_overlap_m2: float


def clean(sites: pl.DataFrame, options: Options | None = None) -> Cleaned:
    """Clean sites.

    Parameters
    ----------
    sites : polars.DataFrame of n rows
        Columns of `terms.PROTECTED_AREA`, as `area_sites.sites` or the lake gives them; geometry as it came, WKB,
        degrees. A column `geometry_problem` tells why a reader could not take a geometry.
    options : Options, optional

    Returns
    -------
    Cleaned
    """
    options = options or Options()
    sites = sites[order.ordered(sites)]
    repaired = repair(sites["geometry"].to_list())
    shapes, wrapped = split_at_antimeridian(repaired.shapes)
    changed = repaired.changed | wrapped
    unmapped = _unmapped(sites, repaired)
    missing = {name: rows for name, rows in unmapped.items() if name == "GEOMETRY_MISSING"}
    broken = {name: rows for name, rows in unmapped.items() if name not in missing}

    planning = Ledger("planning", sites.height)
    planning.step("sites without geometry set apart", drop=missing)
    planning.step("geometry repaired", drop=broken, changed=changed, note=_crossing(wrapped))

    coverage = Ledger("coverage", sites.height)
    coverage.step("sites without geometry set apart", drop=missing)
    drop, note = not_in_force(sites, options)
    coverage.step("sites that are in force kept", drop=drop, note=note)
    if not options.keep_mab:
        coverage.step("UNESCO-MAB Biosphere Reserves out", drop={"UNESCO_MAB": is_mab(sites)})
    coverage.step("points without area out", drop=_points_out(sites, repaired.point))
    coverage.step("geometry repaired", drop=broken, changed=changed, note=_crossing(wrapped))

    flat = to_plane(shapes)
    coverage.step("projected to an equal-area plane", note=PLANE)
    done = take_ground(sites, shapes, flat, repaired, coverage, options)
    planning.step("projected to an equal-area plane", note=PLANE)
    site_fates = fates(sites, shapes, repaired, changed, coverage, planning, done)
    return Cleaned(
        coverage=product(sites, site_fates, done.shapes, coverage.inside, kinds={"point": "circle"}),
        planning=product(sites, site_fates, flat, planning.inside, kinds={}),
        not_mapped=not_mapped(sites, site_fates, ~planning.inside),
        shared=shared(sites, done),
        fates=site_fates.sort("area_id"),
        steps=[*coverage.steps, *planning.steps],
        largest_overlap_m2=done.largest_overlap_m2,
    )


def is_mab(sites: pl.DataFrame) -> Rows:
    """Tell which sites are UNESCO-MAB Biosphere Reserves, by their designation."""
    return sites["designation"].fill_null("").str.contains(_MAB).to_numpy()


def _unmapped(sites: pl.DataFrame, repaired: Repaired) -> dict[str, Rows]:
    """Return by reason the rows that cannot be mapped; a reader's reason goes before ours."""
    told = sites["geometry_problem"].to_list() if "geometry_problem" in sites.columns else [None] * sites.height
    reasons = pl.Series([a or b for a, b in zip(told, repaired.reasons, strict=True)], dtype=pl.String)
    return {name: (reasons == name).fill_null(value=False).to_numpy() for name in reasons.drop_nulls().unique().sort()}


def _crossing(wrapped: Rows) -> str:
    return f"{int(wrapped.sum())} cut at the antimeridian" if wrapped.any() else ""


def not_in_force(sites: pl.DataFrame, options: Options) -> tuple[dict[str, Rows], str]:
    """Return by reason the rows that are not in force.

    A file that tells no status for any site (national lists of what exists) does not have its sites dropped for that.
    """
    told = sites.select(
        kept=pl.col("status").is_in(options.statuses),
        null=pl.col("status").is_null() & ~pl.col("attributes").fill_null("").str.contains(_NOT_REPORTED),
        silent=pl.col("status").is_null().all().over("datasetKey", "source_file"),
    )
    silent = told["null"] & told["silent"]
    not_told = told["null"] & ~silent
    drop = {
        "STATUS_NOT_TOLD": not_told.to_numpy(),
        "STATUS_NOT_IN_FORCE": (~told["kept"].fill_null(value=False) & ~silent & ~not_told).to_numpy(),
    }
    note = f"{silent.sum()} of files that tell no status were kept" if silent.any() else ""
    return drop, note


def _points_out(sites: pl.DataFrame, point: Rows) -> dict[str, Rows]:
    """Return by reason the points that cannot become circles."""
    area = sites["reported_area_km2"].fill_null(0.0).to_numpy()
    return {
        "POINT_WITHOUT_AREA": point & ~(area > 0),
        "AREA_NOT_PLAUSIBLE": point & (area > LARGEST_SITE_KM2),
    }


# The report of a cleaning as one object: steps, fates, countries, and the sums that must agree.


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
    areas: Any,
    *,
    options: Options | None = None,
    boundaries: BoundarySet | None = None,
    dataset_key: str = "areas",
    country: str | None = None,
) -> CleanedAreas:
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
        ISO 3166-1 alpha-2 code of sites that tell no country.

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


# The tables of a cleaning: both products, what is not mapped, and what became of each row.
