"""Richness of a group of an installation, by cell, corrected for effort."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.species_layers.reading import day_of, records_of
from biodata.vocabularies import EvidenceView

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.grid import Grid

RANKS: Final = ("class", "order", "family", "phylum", "kingdom")
CELL_TOO_LARGE: Final = "published as a cell larger than a cell of the map"
_PLACE_DEGREES: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class RichnessRequest:
    """What richness is asked.

    Attributes
    ----------
    group : str
        Class, order, family, phylum or kingdom, as the records name it.
    window : west, south, east, north
        Degrees, WGS 84.
    view : EvidenceView
    cell_m : float
        Side of a cell, metres; records that are less certain play no part.
    coverage : float
        Cells are compared at this completeness.
    least_visits : int
        Cells with fewer have too little effort.
    """

    group: str
    window: tuple[float, float, float, float]
    view: EvidenceView = EvidenceView.PUBLIC
    cell_m: float = 20_000.0
    coverage: float = 0.8
    least_visits: int = 5
    as_of: date | None = None
    recent_years: int | None = None
    untold_uncertainty_m: float | None = None
    keep_suspicious: bool = False


@dataclass(frozen=True, slots=True)
class RichnessReport:
    """Richness by cell, its grid, and what it was made of."""

    cells: pl.DataFrame
    grid: "Grid"
    facts: dict[str, Any]

    def layer(self) -> "gpd.GeoDataFrame":
        """Return the cells as polygons, each with the facts that it must name."""
        import geopandas as gpd

        from biodata import geo

        centre = self.grid.centres(self.cells["row"].to_numpy(), self.cells["column"].to_numpy())
        half = self.grid.cell_m / 2
        boxes = shapely.box(*(centre - half).T, *(centre + half).T)
        shapes = geo.project(shapely.segmentize(boxes, self.grid.cell_m / 4), self.grid.crs, 4326)
        kept = (
            "group",
            "evidence_view",
            "sharing_category",
            "snapshot",
            "boundary_set",
            "boundary_version",
            "coverage",
        )
        named = {name: self.facts[name] for name in kept}
        return gpd.GeoDataFrame(self.cells.to_pandas().assign(**named), geometry=list(shapes), crs=4326)


def richness_of(settings: Settings, request: RichnessRequest) -> RichnessReport:
    """Return richness of a group by cell.

    A visit is a day, a place and who recorded, with a record of the group; the species recorded in it are its incidences.
    Of records of one event one plays a part: told twice, by two datasets, a species found once would be one found twice.
    Cells without a visit are not told: nobody recorded the group there.

    Raises
    ------
    InputError
        If no record of the group lies in the window.
    """
    from biodata.analysis import evidence
    from biodata.analysis.evidence.cells import reached
    from biodata.analysis.evidence.counting import DUPLICATE
    from biodata.analysis.grid import equal_area_grid
    from biodata.analysis.species.figures import STILL_THERE, untold_as
    from biodata.analysis.species.richness import richness_of_cells

    read = records_of(settings, view=request.view, window=request.window)
    parameters = evidence.EvidenceParameters(
        as_of=day_of(settings, request.as_of), cell_m=request.cell_m, recent_years=request.recent_years,
        excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
    )  # fmt: skip
    own = read.records.filter(pl.any_horizontal(pl.col(rank) == request.group for rank in RANKS))
    if own.is_empty():
        problem = "no record of this group lies in the window"
        expected = "a class, order, family, phylum or kingdom as the records name it"
        raise InputError(problem, column="group", value=request.group, expected=expected, code="GROUP_UNKNOWN")
    if request.untold_uncertainty_m is not None:
        own = untold_as(own, request.untold_uncertainty_m)
    counted = evidence.counted(own, boundaries=read.boundaries, parameters=parameters)
    used = counted.records.filter(pl.col("why_not").is_null() | pl.col("why_not").is_in(STILL_THERE))
    once = one_of_each_event(used)
    repeated, used = used.height - once.height, once
    too_large = np.nan_to_num(reached(used)["reach_m"].to_numpy()) > request.cell_m
    visit = pl.struct(
        pl.coalesce(pl.col("event_start"), pl.date(pl.col("year"), 1, 1)),
        (pl.col("decimalLongitude") / _PLACE_DEGREES).round(),
        (pl.col("decimalLatitude") / _PLACE_DEGREES).round(),
        pl.coalesce("recordedBy", "datasetKey"),
    ).hash(seed=0)
    kept = used.filter(~pl.Series(too_large, dtype=pl.Boolean)).with_columns(visit=visit)
    grid = equal_area_grid(request.window, request.cell_m)
    cells = richness_of_cells(kept, grid, coverage=request.coverage, least_visits=request.least_visits)
    lonlat = grid.lonlat(cells["row"].to_numpy(), cells["column"].to_numpy())
    where = places.locate(lonlat[:, 0].copy(), lonlat[:, 1].copy(), read.boundaries)
    cells = cells.with_columns(country_code=where["located_country_code"])
    facts = {
        **counted.facts, **read.facts, "group": request.group, "cell_m": request.cell_m, "coverage": request.coverage,
        "least_visits": request.least_visits, "untold_uncertainty_m": request.untold_uncertainty_m,
        "left_out": {
            **{k: n for k, n in counted.reasons().items() if k not in STILL_THERE}, CELL_TOO_LARGE: int(too_large.sum()),
            DUPLICATE: repeated,
        },
        "cells_in_window": grid.shape[0] * grid.shape[1],
        "source": "Chao2 and coverage: Chao et al. 2014, https://doi.org/10.1890/13-0133.1",
    }  # fmt: skip
    return RichnessReport(cells, grid, facts)


def one_of_each_event(records: pl.DataFrame) -> pl.DataFrame:
    """Return one record of each cluster: the one that represents it, else its first."""
    if "cluster_id" not in records.columns:
        return records
    group = pl.coalesce("cluster_id", "key")
    first = (
        records.select("key", group=group).sort(pl.col("key") != pl.col("group"), "key").unique("group", keep="first")
    )
    return records.join(first.select("key"), on="key", how="semi", maintain_order="left")
