"""Area of habitat of a species from layers of an installation."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from biodata import places
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.species_layers.figures import FiguresRequest, figures_of
from biodata.species_layers.layers import raster_layer
from biodata.store.lake import Lake
from biodata.vocabularies import SharingCategory

if TYPE_CHECKING:
    from biodata.analysis.species.habitat import Habitat
    from biodata.analysis.species.ranges import Codes

MOST_CELLS: Final = 60_000_000


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
    from biodata.analysis.layer_reading import own_grid, read_cells
    from biodata.analysis.layer_values import values_at
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
