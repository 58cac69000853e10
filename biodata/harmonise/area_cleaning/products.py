"""The tables of a cleaning: both products, what is not mapped, and what became of each row."""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.geo import Geometries
from biodata.harmonise.area_cleaning import erasing
from biodata.harmonise.area_cleaning.erasing import Loss
from biodata.harmonise.area_cleaning.ground import Ground
from biodata.harmonise.area_cleaning.repair import Repaired
from biodata.harmonise.area_cleaning.steps import Ledger, Rows

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
        rows.append((names[winner], shapely.to_wkb(erasing.only_polygons(np.array([common], dtype=object))[0])))
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
