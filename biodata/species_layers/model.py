"""A distribution model of a species of an installation."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.species_layers.reading import day_of, raster_layer, records_of, with_layers
from biodata.vocabularies import EvidenceView

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.analysis.species.habitat import Scores
    from biodata.geo import Floats

MOST_CELLS: Final = 4_000_000
MOST_BACKGROUND: Final = 5_000
LEAST_BACKGROUND: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked of.

    Attributes
    ----------
    species : str
    layers : tuple of str
        Covariates, as `layers.with_layers` reads them; taken at the centres of cells.
    window : west, south, east, north, optional
        Degrees, WGS 84; that of the first layer where none is told.
    view : EvidenceView
    cell_m : float
        Side of a cell of the model, metres; records that are less certain play no part.
    block_m : float, optional
        Side of the blocks of ground that are held out together, metres; where none is told, the widest range of the
        layers' variograms, so that ground which is alike is in one block.
    folds, nulls, seed : int
        As for `analysis.species.model.fit_model`.
    """

    species: str
    layers: tuple[str, ...]
    window: tuple[float, float, float, float] | None = None
    view: EvidenceView = EvidenceView.PUBLIC
    cell_m: float = 2_000.0
    block_m: float | None = None
    folds: int = 4
    nulls: int = 19
    seed: int = 1
    as_of: date | None = None
    recent_years: int | None = None
    untold_uncertainty_m: float | None = None
    keep_suspicious: bool = False


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Relative suitability by cell, the model's scores, and what it was made of."""

    suitability: "Floats"
    grid: "Grid"
    scores: "Scores"
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.facts, "scores": self.scores.told()}

    def write(self, path: Path) -> None:
        """Write the suitability as Cloud Optimized GeoTIFF, its tags naming score, view and inputs."""
        from biodata.exports.cog import write_cog

        tags = {name: str(value) for name, value in self.as_dict().items()}
        write_cog(
            self.suitability.astype(np.float32), self.grid, path, description="relative suitability, 0 to 1", tags=tags
        )


def model_of(settings: Settings, request: ModelRequest) -> ModelReport:
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
    from biodata.analysis import evidence
    from biodata.analysis.grid import equal_area_grid, refuse_more
    from biodata.analysis.layers import own_grid
    from biodata.analysis.species.figures import STILL_THERE, untold_as
    from biodata.analysis.species.habitat import fit_model

    first = raster_layer(settings, request.layers[0].partition("=")[0])
    window = request.window or _degrees(own_grid(first))
    grid = equal_area_grid(window, request.cell_m)
    refuse_more(grid, MOST_CELLS, column="--cell-m", expected="larger cells, or a box")
    read = records_of(settings, view=request.view, window=window)
    records = read.records
    if request.untold_uncertainty_m is not None:
        records = untold_as(records, request.untold_uncertainty_m)
    parameters = evidence.EvidenceParameters(
        as_of=day_of(settings, request.as_of), cell_m=request.cell_m, recent_years=request.recent_years,
        excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
    )  # fmt: skip
    counted = evidence.counted(records, boundaries=read.boundaries, parameters=parameters)
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
    table, names, inputs = with_layers(settings, centres, request.layers)
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
    """Return the numbers of the cells with records where every layer tells something, each once."""
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
    return max(widest.range_m, grid.cell_m), widest.told()


def _blocks(grid: "Grid", block_m: float) -> Any:
    """Return the number of the block that each cell lies in."""
    across = max(1, math.ceil(block_m / grid.cell_m - 1e-9))
    rows, columns = (part.ravel() // across for part in np.indices(grid.shape))
    return (rows * (grid.shape[1] // across + 1) + columns).astype(np.int64)
