"""The cleaning: sites in, `coverage` and `planning` out, every row accounted for.

The steps of `coverage` and their order are wdpar's (https://prioritizr.github.io/wdpar/reference/wdpa_clean.html,
Hanson 2022, https://doi.org/10.21105/joss.04594); what differs is said where it does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata.core import geo
from biodata.core.geo import Geometries
from biodata.harmonise.area_cleaning import ground
from biodata.harmonise.area_cleaning import steps as order
from biodata.harmonise.area_cleaning.ground import Ground, Loss, take_ground
from biodata.harmonise.area_cleaning.repair import Repaired, repair
from biodata.harmonise.area_cleaning.steps import (
    LARGEST_SITE_KM2,
    PLANE,
    Ledger,
    Options,
    Rows,
    Step,
    split_at_antimeridian,
    to_plane,
)

# The tables of a cleaning: both products, what is not mapped, and what became of each row.

_TOLD: Final = (
    "area_id part_of zone datasetKey site_id wdpaid name original_name designation level iucn_category status "
    "status_year is_oecm marine country_codes reported_area_km2 legal_area_km2 legal_area_unit zone_areas_km2"
).split()
_SOURCE: Final = ("quality_flags", "source_file", "source_row")
_ERASERS_NAMED: Final = 5


def fates(
    sites: pl.DataFrame, shapes: Geometries, repaired: Repaired, changed: Rows, coverage: Ledger, planning: Ledger,
    done: Ground,
) -> pl.DataFrame:  # fmt: skip
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
    entries: list[list[str]] = [[] for _ in names]
    by_size = np.lexsort((loss.winner, -loss.area_m2, loss.loser))
    for at in by_size:
        entries[loss.loser[at]].append(names[loss.winner[at]])
    texts = [
        "; ".join(ids[:_ERASERS_NAMED])
        + (f"; and {len(ids) - _ERASERS_NAMED} more" if len(ids) > _ERASERS_NAMED else "")
        for ids in entries
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
    table = sites.select(*_TOLD, *_SOURCE)
    found = became.select(
        "in_coverage", "not_in_coverage_because", "copy_of", pl.col("geometry_kind").replace(kinds),
        "geometry_repaired", "computed_area_km2", "coverage_km2", "own_parts_km2", "erased_km2", "erased_by",
    )  # fmt: skip
    frame = table.hstack(found).with_columns(pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary))
    return frame.filter(rows).sort("area_id")


def not_mapped(sites: pl.DataFrame, became: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """Return what is known of the sites that cannot be drawn."""
    table = sites.select(*_TOLD, *_SOURCE, "attributes")
    return table.hstack(became.select(reason="not_mapped_because")).filter(rows).sort("area_id")


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
    entries = sites["geometry_problem"].to_list() if "geometry_problem" in sites.columns else [None] * sites.height
    reasons = pl.Series([a or b for a, b in zip(entries, repaired.reasons, strict=True)], dtype=pl.String)
    return {name: (reasons == name).fill_null(value=False).to_numpy() for name in reasons.drop_nulls().unique().sort()}


def _crossing(wrapped: Rows) -> str:
    return f"{int(wrapped.sum())} cut at the antimeridian" if wrapped.any() else ""


def not_in_force(sites: pl.DataFrame, options: Options) -> tuple[dict[str, Rows], str]:
    """Return by reason the rows that are not in force.

    A file that states no status for any site (national lists of what exists) does not have its sites dropped for that.
    """
    table = sites.select(
        kept=pl.col("status").is_in(options.statuses),
        null=pl.col("status").is_null() & ~pl.col("attributes").fill_null("").str.contains(_NOT_REPORTED),
        silent=pl.col("status").is_null().all().over("datasetKey", "source_file"),
    )
    silent = table["null"] & table["silent"]
    not_told = table["null"] & ~silent
    drop = {
        "STATUS_NOT_TOLD": not_told.to_numpy(),
        "STATUS_NOT_IN_FORCE": (~table["kept"].fill_null(value=False) & ~silent & ~not_told).to_numpy(),
    }
    note = f"{silent.sum()} of files that tell no status were kept" if silent.any() else ""
    return drop, note


def _points_out(sites: pl.DataFrame, point: Rows) -> dict[str, Rows]:
    """Return by reason the points that cannot become circles."""
    area = sites["reported_area_km2"].fill_null(0.0).to_numpy()
    return {"POINT_WITHOUT_AREA": point & ~(area > 0), "AREA_NOT_PLAUSIBLE": point & (area > LARGEST_SITE_KM2)}
