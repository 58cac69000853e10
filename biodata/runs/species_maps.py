"""Habitat and richness layers of an installation's species."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.core.engine_parameters import (
    SpeciesExtent,
    SpeciesHabitat,
    SpeciesModel,
    SpeciesRecords,
    SpeciesRichness,
)
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.runs.reading import raster_layer, species_records, with_layers
from biodata.runs.species_facts import figures_of
from biodata.store.lake import Lake

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.grid import Grid
    from biodata.analysis.species.habitat import Habitat, Scores
    from biodata.core.geo import Floats

MOST_CELLS: Final = 60_000_000


RANKS: Final = ("class", "order", "family", "phylum", "kingdom")
CELL_TOO_LARGE: Final = "published as a cell larger than a cell of the map"


@dataclass(frozen=True, slots=True)
class HabitatReport:
    """An area of habitat and what it was made of."""

    habitat: "Habitat"
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.habitat.to_dict(), **self.facts}

    def write(self, path: Path) -> None:
        """Write the cells as Cloud Optimized GeoTIFF, its tags naming what it was made of."""
        from biodata.exports.cog import write_cog

        tags = {name: str(value) for name, value in self.as_dict().items()}
        write_cog(self.habitat.cells, self.habitat.grid, path, nodata=255, description="habitat: 1, none: 0", tags=tags)


def habitat_of(settings: Settings, request: SpeciesHabitat) -> HabitatReport:
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
    stated = {
        "layers": [{"layer": one.name, "sha256": one.sha256} for one in inputs],
        "classes": list(request.classes),
        "classes_without_cells": [one for one in request.classes if not (values == one).any()],
        "lowest_m": request.lowest_m, "highest_m": request.highest_m,
        **boundaries.to_dict(),
    }  # fmt: skip
    return HabitatReport(found, facts | stated)


def _range(settings: Settings, request: SpeciesHabitat) -> tuple[shapely.Geometry, dict[str, Any]]:
    """Return a species' range, and what it was made of."""
    species = request.species
    if request.range is not None:
        from biodata.analysis.species.ranges import read_codes, read_ranges

        codes = read_codes(request.range_codes)
        found = read_ranges(request.range, species=species, codes=codes)
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            snapshot = lake.snapshot()
        facts = {
            "species": species, "range": request.range.name, "range_polygons": found.facts,
            "evidence_view": "no records were read", "snapshot": snapshot, "sharing_category": str(SharingCategory.OPEN),
        }  # fmt: skip
        return found.places.shapes[0], facts
    figures = SpeciesExtent(species=species, **{name: getattr(request, name) for name in SpeciesRecords.model_fields})
    report = figures_of(settings, figures, occupancy=False)
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


@dataclass(frozen=True, slots=True)
class RichnessReport:
    """Richness by cell, its grid, and what it was made of."""

    cells: pl.DataFrame
    grid: "Grid"
    facts: dict[str, Any]

    def layer(self) -> "gpd.GeoDataFrame":
        """Return the cells as polygons, each with the facts that it must name."""
        import geopandas as gpd

        from biodata.core import geo

        centre = self.grid.centres(self.cells["row"].to_numpy(), self.cells["column"].to_numpy())
        half = self.grid.cell_m / 2
        boxes = shapely.box(*(centre - half).T, *(centre + half).T)
        shapes = geo.project(shapely.segmentize(boxes, self.grid.cell_m / 4), self.grid.crs, 4326)
        kept = (
            "group", "evidence_view", "sharing_category", "snapshot", "boundary_set", "boundary_version", "coverage",
        )  # fmt: skip
        named = {name: self.facts[name] for name in kept}
        return gpd.GeoDataFrame(self.cells.to_pandas().assign(**named), geometry=list(shapes), crs=4326)


def richness_of(settings: Settings, request: SpeciesRichness) -> RichnessReport:
    """Return richness of a group by cell.

    A visit is a day, a place and who recorded, with a record of the group; the species recorded in it are its incidences.
    Of records of one event one plays a part: stated twice, by two datasets, a species found once would be one found twice.
    Cells without a visit are not stated: nobody recorded the group there.

    Raises
    ------
    InputError
        If no record of the group lies in the window.
    """
    from biodata.analysis.evidence.counting import DUPLICATE
    from biodata.analysis.evidence.effort import visit_of
    from biodata.analysis.evidence.sides import reached
    from biodata.analysis.grid import equal_area_grid
    from biodata.analysis.species.figures import STILL_THERE
    from biodata.analysis.species.richness import richness_of_cells

    read = species_records(settings, request, window=request.box)
    own = read.records.filter(pl.any_horizontal(pl.col(rank) == request.group for rank in RANKS))
    if own.is_empty():
        problem = "no record of this group lies in the window"
        expected = "a class, order, family, phylum or kingdom as the records name it"
        raise InputError(problem, column="group", value=request.group, expected=expected, code="GROUP_UNKNOWN")
    counted = read.counted(own, cell_m=request.cell_m)
    used = counted.records.filter(pl.col("why_not").is_null() | pl.col("why_not").is_in(STILL_THERE))
    once = one_of_each_event(used)
    repeated, used = used.height - once.height, once
    too_large = np.nan_to_num(reached(used)["reach_m"].to_numpy()) > request.cell_m
    kept = used.filter(~pl.Series(too_large, dtype=pl.Boolean)).with_columns(visit=visit_of(used.columns).hash(seed=0))
    grid = equal_area_grid(request.box, request.cell_m)
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


MOST_MODEL_CELLS: Final = 4_000_000
MOST_BACKGROUND: Final = 5_000
LEAST_BACKGROUND: Final = 50


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Relative suitability by cell, the model's scores, and what it was made of."""

    suitability: "Floats"
    grid: "Grid"
    scores: "Scores"
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.facts, "scores": self.scores.to_dict()}

    def write(self, path: Path) -> None:
        """Write the suitability as Cloud Optimized GeoTIFF, its tags naming score, view and inputs."""
        from biodata.exports.cog import write_cog

        tags = {name: str(value) for name, value in self.as_dict().items()}
        write_cog(
            self.suitability.astype(np.float32), self.grid, path, description="relative suitability, 0 to 1", tags=tags
        )


def model_of(settings: Settings, request: SpeciesModel) -> ModelReport:
    """Fit a model of a species on layers of an installation.

    Presences are cells with a record of the species. Background is cells with a record of its target group: its class,
    recorded on the same bases. Where fewer than LEAST_BACKGROUND of these are known, every cell is background, and the
    facts say that effort then looks like preference.

    Raises
    ------
    InputError
        If the species has too few records in this view, or a layer is not known.
    MissingExtraError
        If elapid is not installed.
    """
    from biodata.analysis.grid import equal_area_grid, refuse_more
    from biodata.analysis.layers import own_grid
    from biodata.analysis.species.figures import STILL_THERE
    from biodata.analysis.species.habitat import fit_model

    first = raster_layer(settings, request.layer[0].partition("=")[0])
    window = request.box or _degrees(own_grid(first))
    grid = equal_area_grid(window, request.cell_m)
    refuse_more(grid, MOST_MODEL_CELLS, column="--cell-m", expected="larger cells, or a box")
    read = species_records(settings, request, window=window)
    counted = read.counted(read.records, cell_m=request.cell_m)
    used = counted.records.filter(
        pl.col("why_not").is_null() | pl.col("why_not").is_in(STILL_THERE), pl.col("cell_west").is_null()
    )
    own = used.filter(pl.col("species") == request.species)
    if own.is_empty():
        problem = "no record of this species can be used: none is certain enough, or they are published as cells"
        expected = "larger cells, --untold-uncertainty-m, or the view exact"
        raise InputError(problem, column="species", value=request.species, expected=expected, code="PRESENCES_TOO_FEW")
    group = used.filter(
        pl.col("class").is_in(own["class"].drop_nulls().unique().implode()),
        pl.col("basisOfRecord").is_in(own["basisOfRecord"].drop_nulls().unique().implode()),
    )
    lonlat = grid.lonlat(*(part.ravel() for part in np.indices(grid.shape)))
    centres = pl.DataFrame({"longitude": lonlat[:, 0], "latitude": lonlat[:, 1]})
    table, names, inputs = with_layers(settings, centres, request.layer)
    values = table.select(names).to_numpy().astype(np.float64)
    known = np.isfinite(values).all(axis=1)
    presences, visited = (_cells(frame, grid, known) for frame in (own, group))
    uniform = len(visited) < LEAST_BACKGROUND
    background = np.flatnonzero(known) if uniform else visited
    if len(background) > MOST_BACKGROUND:
        background = np.sort(np.random.default_rng(request.seed).choice(background, MOST_BACKGROUND, replace=False))
    wide, alike = _alike(values, known, grid, seed=request.seed)
    block_m = wide if request.block_m is None else request.block_m
    blocks = _blocks(grid, block_m)
    model = fit_model(
        values[presences], values[background], presence_blocks=blocks[presences], background_blocks=blocks[background],
        folds=request.folds, nulls=request.nulls, seed=request.seed,
    )  # fmt: skip
    suitability = np.full(len(values), np.nan)
    suitability[known] = model.predict(values[known])
    reasons = counted.records.filter(pl.col("species") == request.species, ~pl.col("why_not").is_in(STILL_THERE))
    facts = {
        **counted.facts, **read.facts, "species": request.species, "layers": inputs, "cell_m": request.cell_m,
        "block_m": block_m, "blocks": alike if block_m >= wide else f"{alike}; these blocks are narrower, so the score flatters",
        "seed": request.seed, "presences": len(presences), "background": len(background),
        "background_of": "every cell: too little effort is known, so that effort looks like preference" if uniform
        else "cells with a record of the target group",
        "untold_uncertainty_m": request.untold_uncertainty_m,
        "left_out": dict(reasons["why_not"].drop_nulls().value_counts(sort=True).iter_rows()),
    }  # fmt: skip
    return ModelReport(suitability.reshape(grid.shape), grid, model.scores, facts)


def _degrees(grid: "Grid") -> tuple[float, float, float, float]:
    """Return the window of a grid in degrees, WGS 84."""
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(grid.crs.to_wkt(), "EPSG:4326", *grid.bounds, densify_pts=21)
    return float(west), float(south), float(east), float(north)


def _cells(frame: pl.DataFrame, grid: "Grid", known: "np.ndarray[Any, np.dtype[np.bool_]]") -> Any:
    """Return the numbers of the cells with records where every layer states something, each once."""
    rows, columns = grid.cells_at(frame["decimalLongitude"].to_numpy(), frame["decimalLatitude"].to_numpy())
    numbers = np.unique((rows * grid.shape[1] + columns)[rows >= 0])
    return numbers[known[numbers]]


def _alike(values: Any, known: Any, grid: "Grid", *, seed: int) -> tuple[float, str]:
    """Return up to which distance some layer is alike, metres, and that in words; at least a cell."""
    from biodata.analysis.validation import moved_patterns

    ground = known.reshape(grid.shape)
    found = [
        moved_patterns.variogram_range(
            moved_patterns.ranks(values[:, k].reshape(grid.shape), ground),
            ground,
            grid,
            rng=np.random.default_rng(seed),
        )
        for k in range(values.shape[1])
    ]
    widest = max(found, key=lambda one: (one.range_m, not one.bounded))
    return max(widest.range_m, grid.cell_m), widest.message()


def _blocks(grid: "Grid", block_m: float) -> Any:
    """Return the number of the block that each cell lies in."""
    across = max(1, math.ceil(block_m / grid.cell_m - 1e-9))
    rows, columns = (part.ravel() // across for part in np.indices(grid.shape))
    return (rows * (grid.shape[1] // across + 1) + columns).astype(np.int64)
