"""What engines beside those of corridors can be asked: maps of species and gaps; layers, rasters and projects of other programs."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from biodata.core.run_parameters import (
    GEOTIFF,
    Box,
    Dates,
    EngineParameters,
    Numbers,
    OwnGround,
    Pairs,
    Paths,
    Words,
    reads,
    silent,
    split,
    writes,
    writes_into,
)
from biodata.core.vocabularies import ConnectionKind, ConnectionLayout, EvidenceView

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


class Resistance(EngineParameters):
    """Resistance of every species of a table, from layers."""

    table: Path = reads("CSV table of resistance.", default=...)
    layers: Path = reads("Folder of the layers, of the installation, or the one raster itself.", default=...)
    species: str | None = Field(default=None, description="Only this species of the table.")
    use: Pairs | None = Field(default=None, description="LAYER=NAME: which layer is meant; may be repeated.")
    cell_m: float | None = Field(
        default=None, ge=1, description="Side of a cell of an equal-area grid, metres; else land cover's own cells."
    )
    box: Box | None = Field(default=None, description="Only inside west,south,east,north in degrees.")
    nearest: bool = Field(default=False, description="Resample classes by the nearest cell, not the most common.")
    out: Path | None = writes("GeoTIFF to write; of several species FILE_SPECIES.tif.", *GEOTIFF)


class CostDistance(EngineParameters):
    """The cost of moving away from sources over one's own resistance raster."""

    raster: Path = reads("Resistance: any raster that GDAL reads.", default=...)
    sources: Path = reads("Where to start: layer, table or raster of ids.", default=...)
    out: Path | None = writes("GeoTIFF of accumulated costs.", *GEOTIFF)
    allocation: Path | None = writes("GeoTIFF of the id of each cell's cheapest source.", *GEOTIFF)
    back_link: Path | None = writes("GeoTIFF of the step that leads into each cell.", *GEOTIFF)
    targets: Path | None = reads("Places that paths lead to.")
    paths: Path | None = writes("The cheapest paths to --targets.", ".gpkg", ".geojson")
    neighbours: int = Field(default=8, ge=4, le=8, multiple_of=4, description="4 or 8.")
    max_cost: float | None = Field(default=None, ge=0, description="Where to stop, cost-metres.")
    cut_corners: bool = Field(
        default=True, description="Whether a diagonal step may pass between two cells without data, as r.cost allows."
    )
    band: int | None = OwnGround.model_fields["band"]  # type: ignore[assignment]
    nodata: float | None = OwnGround.model_fields["nodata"]  # type: ignore[assignment]
    crs: str | None = OwnGround.model_fields["crs"]  # type: ignore[assignment]
    id_column: str | None = Field(default=None, description="Column of the sources' ids; else they are numbered.")
    sources_layer: str | None = Field(default=None, description="Layer of the sources' file.")


class Circuit(EngineParameters):
    """A project of Circuitscape."""

    ini: Path = reads("The project's .ini file.", default=...)
    out: Path | None = writes_into("Folder for what comes out.")


class ProtConn(EngineParameters):
    """The protected and connected part of a country or a landscape."""

    areas: Paths = reads("Files of protected areas.", default=...)
    country: str | None = Field(default=None, description="The region as a country's code or name.")
    region: Path | None = reads("The region as a file of polygons.")
    distance_m: Numbers = Field(default=(10_000.0,), description="Dispersal distance, metres; can be given again.")
    probability: float = Field(default=0.5, gt=0, lt=1, description="Probability of that distance; 0.5 for the median.")
    transboundary_m: float = Field(
        default=50_000.0,
        description="How far beyond the border areas count, metres; -1 for none, 0 for those that touch.",
    )
    out: Path | None = writes("JSON file to write.")


class Network(EngineParameters):
    """Conefor's files."""

    nodes: Path = Field(description="Conefor's node file.", json_schema_extra={"role": "input"})
    connections: Path = Field(description="Conefor's connection file.", json_schema_extra={"role": "input"})
    kind: ConnectionKind | None = Field(
        default=None,
        description="What the connections tell: distance, probability or link; distances where a distance is told, else found.",
    )
    layout: ConnectionLayout | None = Field(default=None, description="list of pairs or matrix; found if not told.")
    distance: float | None = Field(default=None, description="Distance whose probability is known, in the file's unit.")
    probability: float | None = Field(
        default=None, description="That probability (0.5 if not told); or the probability of mere links."
    )
    threshold: float | None = Field(
        default=None,
        description="Longest distance, or least probability, of a link in the binary indices [--distance].",
    )
    total_area: float | None = Field(
        default=None, description="Area of the landscape (AL), in the unit of the nodes' areas."
    )
    index: Words = Field(
        default=("PC", "IIC"), description="Only this index, PC or IIC, and what goes with it; both if not told."
    )
    only_overall: bool = Field(default=False, description="No importance of nodes and links.")
    no_links: bool = Field(default=False, description="No importance of links.")
    between: tuple[int, int] | None = Field(default=None, description="Two nodes that the best paths are asked for of.")
    paths: int = Field(default=3, ge=1, description="How many paths.")
    out: Path | None = writes("JSON file to write.")
    tables: Path | None = writes_into("Folder that gets the same as CSV: overall, nodes, links.")
    conefor: Path | None = writes_into(
        "Folder that gets Conefor's files: overall_indices.txt, node_importances.txt, link_importances.txt."
    )


class Reserves(EngineParameters):
    """A project of Marxan."""

    project: Path = reads("Folder with input.dat, or that file.", default=...)
    gap: float = Field(
        default=0.0, ge=0, le=1, description="Stop within this share of the best plan; 0 is the best plan."
    )
    seconds: float = Field(default=300.0, gt=0, description="Stop after about this time.")
    threads: int = silent(default=1, description="Threads of the solver.", ge=1)
    runs: int | None = Field(default=None, ge=1, description="Plans to write; NUMREPS where not given.")
    out: Path | None = writes_into("Folder to write into.")
