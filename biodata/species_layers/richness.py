"""Habitat and richness layers of an installation's species."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.species_layers.reading import day_of, raster_layer, records_of
from biodata.species_layers.species_facts import FiguresRequest, figures_of
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.grid import Grid
    from biodata.analysis.species.habitat import Habitat
    from biodata.analysis.species.ranges import Codes


MOST_CELLS: Final = 60_000_000


RANKS: Final = ("class", "order", "family", "phylum", "kingdom")
CELL_TOO_LARGE: Final = "published as a cell larger than a cell of the map"
_PLACE_DEGREES: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class HabitatRequest:
    """What an area of habitat is asked of.

    Attributes
    ----------
    land_cover : str
        Layer of classes.
    classes : tuple of int
        Suitable ones.
    elevation : str, optional
        Layer of metres, for the limits `lowest_m` and `highest_m`.
    range_file : Path, optional
        Polygons of species' ranges, of which those of the species of `records` count; where none is told, the hull of its
        records.
    range_codes : mapping of str to tuple of int
        Codes of the Red List's polygons that count, see `analysis.species.ranges`.
    records : FiguresRequest
        Of which species, and which records.
    """

    land_cover: str
    classes: tuple[int, ...]
    elevation: str | None = None
    lowest_m: float | None = None
    highest_m: float | None = None
    range_file: Path | None = None
    range_codes: "Codes | None" = None
    records: FiguresRequest


@dataclass(frozen=True, slots=True)
class HabitatReport:
    """An area of habitat and what it was made of."""

    habitat: "Habitat"
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.habitat.told(), **self.facts}

    def write(self, path: Path) -> None:
        """Write the cells as Cloud Optimized GeoTIFF, its tags naming what it was made of."""
        from biodata.exports.cog import write_cog

        tags = {name: str(value) for name, value in self.as_dict().items()}
        write_cog(self.habitat.cells, self.habitat.grid, path, nodata=255, description="habitat: 1, none: 0", tags=tags)


def habitat_of(settings: Settings, request: HabitatRequest) -> HabitatReport:
    """Return the area of habitat of a species.

    Raises
    ------
    InputError
        If a layer or the range cannot be used, or they do not meet.
    """
    from biodata.analysis.grid import refuse_more
    from biodata.analysis.layers import own_grid, read_cells, values_at
    from biodata.analysis.species.habitat import area_of_habitat, centres_by_rows

    if request.elevation is None and (request.lowest_m is not None or request.highest_m is not None):
        problem = "limits of elevation need a layer of elevation"
        raise InputError(problem, column="--elevation", expected="the name of a layer", code="PARAMETERS_INVALID")
    low, high = request.lowest_m, request.highest_m
    lowest, highest = (-np.inf if low is None else low), (np.inf if high is None else high)
    if not lowest <= highest:
        problem = "no elevation lies between these limits"
        raise InputError(
            problem, column="--lowest-m", value=f"{low:g} to {highest:g}", expected="metres, the lowest first",
            code="PARAMETERS_INVALID",
        )  # fmt: skip
    boundaries = places.load_boundaries(settings.boundaries)
    region, facts = _range(settings, request)
    cover = raster_layer(settings, request.land_cover)
    box = tuple(float(value) for value in shapely.bounds(region))
    grid = own_grid(cover, box)  # type: ignore[arg-type]
    refuse_more(grid, MOST_CELLS, column="--land-cover", expected="a smaller range or a coarser layer")
    values, grid = read_cells(cover, grid)
    height, inputs = None, [cover]
    if request.elevation is not None:
        layer = raster_layer(settings, request.elevation)
        height = np.empty(grid.shape)
        for rows, lon, lat in centres_by_rows(grid):
            height[rows] = values_at(layer, lon, lat).reshape(-1, grid.shape[1])
        inputs.append(layer)
    found = area_of_habitat(
        values, grid, region, classes=request.classes, boundaries=boundaries, elevation=height,
        lowest_m=request.lowest_m, highest_m=request.highest_m,
    )  # fmt: skip
    told = {
        "layers": [{"layer": one.name, "sha256": one.sha256} for one in inputs],
        "classes": list(request.classes),
        "classes_without_cells": [one for one in request.classes if not (values == one).any()],
        "lowest_m": request.lowest_m, "highest_m": request.highest_m,
        "boundary_set": boundaries.name, "boundary_version": boundaries.version, "viewpoint": boundaries.viewpoint,
        "band_m": boundaries.band_m,
    }  # fmt: skip
    return HabitatReport(found, facts | told)


def _range(settings: Settings, request: HabitatRequest) -> tuple[shapely.Geometry, dict[str, Any]]:
    """Return a species' range, and what it was made of."""
    species = request.records.species
    if request.range_file is not None:
        from biodata.analysis.species.ranges import CODES, read_ranges

        codes = CODES if request.range_codes is None else request.range_codes
        found = read_ranges(request.range_file, species=species, codes=codes)
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            snapshot = lake.snapshot()
        facts = {
            "species": species, "range": request.range_file.name, "range_polygons": found.facts,
            "evidence_view": "no records were read", "snapshot": snapshot, "sharing_category": str(SharingCategory.OPEN),
        }  # fmt: skip
        return found.places.shapes[0], facts
    report = figures_of(settings, request.records, occupancy=False)
    joint = report.figures.joint
    region = joint.extent.polygon()
    if shapely.is_empty(region):
        problem = "the records of this species have no hull"
        raise InputError(
            problem, column="species", value=species, expected="three places not on one line, or --range",
            code="RANGE_EMPTY",
        )  # fmt: skip
    kept = ("evidence_view", "snapshot", "rules", "sharing_category")
    facts = {name: report.facts[name] for name in kept} | {
        "species": species,
        "range": f"hull of {joint.records} records" + (", of their published cells: at most" if joint.bounds else ""),
        "left_out": report.figures.left_out, "parameters": report.figures.facts["parameters"],
    }  # fmt: skip
    return region, facts


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
    from biodata.analysis.evidence.counting import DUPLICATE
    from biodata.analysis.evidence.sides import reached
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
