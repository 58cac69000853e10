"""The cleaning: sites in, `coverage` and `planning` out, every row accounted for.

The steps of `coverage` and their order are wdpar's (https://prioritizr.github.io/wdpar/reference/wdpa_clean.html,
Hanson 2022, https://doi.org/10.21105/joss.04594); what differs is said where it does.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.harmonise.area_cleaning import order, products
from biodata.harmonise.area_cleaning.ground import take_ground
from biodata.harmonise.area_cleaning.options import LARGEST_SITE_KM2, PLANE, Options
from biodata.harmonise.area_cleaning.plane import split_at_antimeridian, to_plane
from biodata.harmonise.area_cleaning.repair import Repaired, repair
from biodata.harmonise.area_cleaning.steps import Ledger, Rows, Step

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
        What is protected, no ground twice; `geometry` as WKB on `options.PLANE`, metres.
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
    fates = products.fates(sites, shapes, repaired, changed, coverage, planning, done)
    return Cleaned(
        coverage=products.product(sites, fates, done.shapes, coverage.inside, kinds={"point": "circle"}),
        planning=products.product(sites, fates, flat, planning.inside, kinds={}),
        not_mapped=products.not_mapped(sites, fates, ~planning.inside),
        shared=products.shared(sites, done),
        fates=fates.sort("area_id"),
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
