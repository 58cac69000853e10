"""What maps and figures of a species or a group can be asked."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from biodata.core.run_parameters import GEOTIFF, Box, EngineParameters, Words, reads, split, writes
from biodata.core.vocabularies import EvidenceView

_SPECIES = Field(description="The species, as the records name it.")


class SpeciesRecords(EngineParameters):
    """Which records are read."""

    records: EvidenceView = Field(default=EvidenceView.PUBLIC, description="public or exact.")
    as_of: date | None = Field(default=None, description="Date of the run, YYYY-MM-DD: the lake's.")
    recent_years: int | None = Field(default=None, ge=1, description="Records of so many years: of all times.")
    untold_uncertainty_m: float | None = Field(
        default=None, ge=0, le=1e6, description="Uncertainty of records that tell none."
    )
    keep_suspicious: bool = Field(default=False, description="Use records of suspicious places too.")


class SpeciesExtent(SpeciesRecords):
    """Area of occupancy, extent of occurrence and observed occupancy."""

    species: str = _SPECIES
    max_uncertainty_m: float = Field(default=2_000.0, ge=1, le=1e6, description="Less certain records play no part.")
    cell_m: float = Field(default=2_000.0, ge=10, le=1e6, description="Side of a cell of the area of occupancy.")
    occupancy_cell_m: float = Field(
        default=10_000.0, ge=100, le=1e6, description="Side of a cell of occupancy and effort."
    )
    out: Path | None = writes("GeoPackage of cells and hulls, or JSON of the figures.", ".gpkg", ".json")


class SpeciesHabitat(SpeciesRecords):
    """Suitable land cover and elevation inside a species' range."""

    species: str = _SPECIES
    land_cover: str = Field(description="Layer of land cover.")
    classes: Annotated[tuple[int, ...], BeforeValidator(split)] = Field(description="Suitable classes, with commas.")
    elevation: str | None = Field(default=None, description="Layer of elevation.")
    lowest_m: float | None = Field(default=None, description="Lowest elevation, metres.")
    highest_m: float | None = Field(default=None, description="Highest elevation, metres.")
    range: Path | None = reads("Polygons of the range.")
    range_codes: Words = Field(
        default=(),
        description="Codes of the Red List's polygons that count, as presence=1 or seasonal=1,2,3; presence= takes all. "
        "Several times for several: presence=1,2 origin=1,2,6 seasonal=1,2,3,4.",
    )
    out: Path | None = writes("GeoTIFF (COG) of the habitat.", *GEOTIFF)


class SpeciesRichness(SpeciesRecords):
    """How many species of a group cells hold, at equal completeness."""

    group: str = Field(description="Class, order, family, phylum or kingdom.")
    box: Box = Field(description="west,south,east,north in degrees.")
    cell_m: float = Field(
        default=20_000.0, ge=100, le=1e6, description="Side of a cell; records that are less certain play no part."
    )
    coverage: float = Field(default=0.8, ge=0.05, le=0.99, description="Completeness at which cells are compared.")
    least_visits: int = Field(default=5, ge=2, description="Cells with fewer visits have too little effort.")
    out: Path | None = writes("GeoPackage of the cells.", ".gpkg")


class SpeciesModel(SpeciesRecords):
    """Where a species may live, by a model on layers of the installation."""

    species: str = _SPECIES
    layer: Words = Field(description="NAME or NAME=CLASS,CLASS; may be repeated.")
    box: Box | None = Field(default=None, description="west,south,east,north: the first layer's.")
    cell_m: float = Field(default=2_000.0, ge=30, le=1e6, description="Side of a cell.")
    block_m: float | None = Field(
        default=None,
        ge=100,
        le=1e7,
        description="Side of a block that is held out, metres: how far the layers are alike, where not told.",
    )
    folds: int = Field(default=4, ge=2, le=20, description="Parts that blocks are dealt into.")
    nulls: int = Field(default=19, ge=19, le=999, description="Models of random points.")
    seed: int = Field(default=1, ge=0, description="Start of every random number.")
    out: Path | None = writes("GeoTIFF (COG) of the suitability.", *GEOTIFF)
