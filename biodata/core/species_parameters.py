"""What maps and figures of a species or a group, and of gaps in their protection, can be asked."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from biodata.core.run_parameters import GEOTIFF, Box, Dates, EngineParameters, Paths, Words, reads, split, writes
from biodata.core.vocabularies import EvidenceView

RANGE_CODES: Final = (
    "Codes of the Red List's polygons that count, as presence=1 or seasonal=1,2,3; presence= takes all. "
    "Several times for several: presence=1,2 origin=1,2,6 seasonal=1,2,3,4."
)
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
        description=RANGE_CODES,
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


class Gaps(EngineParameters):
    """How much is protected and what is missing, by country and jointly."""

    areas: Paths = Field(description="Files of protected areas.", json_schema_extra={"role": "input"})
    country: Words = Field(description="Country as code or name; several times for several.")
    out: Path = Field(description="Folder that gets the tables (CSV), gaps.gpkg and gaps.json.")
    as_of: Dates = Field(default=(), description="Date, YYYY-MM-DD; several times for several: today.")
    with_proposed: bool = Field(default=False, description="Tell everything a second time with proposed sites.")
    provinces: bool = Field(default=False, description="Tell the countries' provinces, too.")
    landscapes: Path | None = reads(
        "Polygons of landscapes or ecoregions to tell, too; effort is then told inside them."
    )
    landscape_name: str = Field(default="name", description="Their column of names.")
    target: float = Field(default=0.3, description="Share that was agreed, of land and of habitats, 0 to 1.")
    ranges: Paths = reads("Polygons of species' ranges; several times for several.", default=())
    range_name: str | None = Field(default=None, description="Their column of species: species, sci_name or binomial.")
    range_codes: Words = Field(default=(), description=RANGE_CODES)
    area_of_habitat: Paths = reads("Raster of a species' habitat (cells above 0), named after it.", default=())
    habitats: Paths = reads("Polygons of ecosystems, or a raster (.tif) of land cover classes.", default=())
    habitat_name: str = Field(default="name", description="Their column of names.")
    species_target: Literal["log-linear", "relative", "absolute"] = Field(
        default="log-linear",
        description="log-linear by range (1,000 km² all to 250,000 km² a tenth), relative or absolute.",
    )
    species_share: float = Field(
        default=0.3, description="Of a relative target, and of cells that records occupy, 0 to 1."
    )
    species_km2: float = Field(default=1_000.0, description="Of an absolute target, km².")
    cell_m: float = Field(default=2_000.0, ge=1, le=1e6, description="Side of cells that records occupy, metres.")
    effort_cell_m: float = Field(
        default=20_000.0, ge=1, le=1e6, description="Side of cells in which effort is told, metres."
    )
    source: str | None = Field(default=None, description="What the areas are, and of which version.")
    areas_country: str | None = Field(default=None, description="Country of sites that tell none, as KH.")
    crs: str | None = Field(default=None, description="Coordinate system of areas that tell none.")
    keep_mab: bool = Field(default=False, description="Keep UNESCO-MAB Biosphere Reserves.")
