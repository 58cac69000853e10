"""What engines over files of other programs can be asked: layers, rasters and projects."""

from pathlib import Path

from pydantic import Field

from biodata.core.run_parameters import (
    GEOTIFF,
    Box,
    EngineParameters,
    Numbers,
    OwnGround,
    Pairs,
    Paths,
    Words,
    reads,
    silent,
    writes,
    writes_into,
)
from biodata.core.vocabularies import ConnectionKind, ConnectionLayout


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
