"""Tables as CSV that a spreadsheet opens without running anything in it: records, occurrence cubes, lists of species; stations for the forms of KoBoToolbox, ODK and SMART."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely

from biodata import lists
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import CubeGrid
from biodata.exports.request import Columns, ExportRequest, Facts
from biodata.exports.selection import LABELS_OF_GROUP, Selection, Step

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.evidence import Proposal
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may run (https://owasp.org/www-community/attacks/CSV_Injection)."""


def plain_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return expressions that turn every column into a plain cell: lists joined by semicolons, geometry left out, texts guarded."""
    columns = []
    for name, dtype in frame.schema.items():
        is_list = isinstance(dtype, pl.List)
        column = pl.col(name).list.join(";") if is_list else pl.col(name)
        if (is_list or dtype == pl.String) and frame[name].null_count() < frame.height:
            column = guarded(column).alias(name)
        if dtype != pl.Binary:
            columns.append(column)
    return columns


def guarded(text: pl.Expr) -> pl.Expr:
    """Return text with an apostrophe before what a spreadsheet would take for a formula."""
    return pl.when(text.str.slice(0, 1).is_in(FORMULA_STARTS)).then("'" + text).otherwise(text)


# Published tables as CSV that a spreadsheet opens without running anything in it.
def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as CSV.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows; lists are joined by semicolons, geometry in WKB is left out.
    path : Path
        The file; it appears whole or not at all.

    Notes
    -----
    Formulas are guarded, see `spreadsheets.plain_columns`.
    """
    part = path.with_name(f"{path.name}.part")
    frame.select(plain_columns(frame)).write_csv(part)
    part.replace(path)


# CSV for spreadsheets and scripts: GBIF's simple columns, formulas guarded.
_GBIF_NAMES: Final = tuple(
    """
    gbifID datasetKey occurrenceID kingdom phylum class order family genus species infraspecificEpithet taxonRank
    scientificName verbatimScientificName verbatimScientificNameAuthorship countryCode locality stateProvince
    occurrenceStatus individualCount publishingOrgKey decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    coordinatePrecision elevation elevationAccuracy depth depthAccuracy eventDate day month year taxonKey speciesKey
    basisOfRecord institutionCode collectionCode catalogNumber recordNumber identifiedBy dateIdentified license
    rightsHolder recordedBy typeStatus establishmentMeans lastInterpreted mediaType issue
    """.split()
)
_OWN: Final = ("key", "acceptedScientificName", "sharing_category", "dataGeneralizations", "informationWithheld",
         "license_effective", "community_labels", *lists.PARAMETERS)  # fmt: skip
_ELSEWHERE: Final = {"issue": "quality_flags"}
"""Columns of GBIF's that have another name with us."""

_PUBLISHED: Final = {column.name: column for column in terms.EXPORTED_OCCURRENCE}


def write_simple_csv(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as CSV, UTF-8, with GBIF's simple columns, every published one, or those asked for.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is stated of them.
    request : ExportRequest
        What was asked for.
    out : Path
        The file on its way.
    step : function
        Stated how far the work is; raises to stop it.

    Notes
    -----
    GBIF's columns that are not published here stand empty: `verbatimScientificName`, `verbatimScientificNameAuthorship`
    and `dateIdentified`. `issue` holds every doubt, ours too.
    """
    columns = choose_columns(request.columns)
    sources = {name: _ELSEWHERE.get(name, name) for name in columns}
    published = [name for name in dict.fromkeys(sources.values()) if name in _PUBLISHED]
    with out.open("wb") as file:
        file.write((",".join(columns) + "\n").encode())
        for place, lines in selection.chunks(published, partial(_csv_lines, sources=sources)):
            file.write(lines)
            step(selection.share(place))


def _csv_lines(frame: pl.DataFrame, *, sources: Mapping[str, str]) -> bytes:
    """Return records as lines; a column that is not published stands empty."""
    plain = frame.select(plain_columns(frame))
    cells = [
        (pl.col(source) if source in _PUBLISHED else pl.lit(None, pl.String)).alias(name)
        for name, source in sources.items()
    ]
    return plain.select(cells).write_csv(include_header=False).encode()


def write_guarded(batches: Iterator[pl.DataFrame], out: Path) -> None:
    """Write a small table of counts as CSV, formulas guarded; the first batch tells its columns."""
    with out.open("wb") as file:
        for number, batch in enumerate(batches):
            batch.select(plain_columns(batch)).write_csv(file, include_header=number == 0)


def choose_columns(text: str) -> tuple[str, ...]:
    """Return the names at the top of the file.

    Parameters
    ----------
    text : str
        `simple`, `all`, or names of published columns or GBIF's simple ones, with commas between them.

    Raises
    ------
    InputError
        If a name is none, or stands twice.
    """
    if text == Columns.SIMPLE:
        return (*_GBIF_NAMES, *_OWN)
    if text == Columns.ALL:
        return tuple(_PUBLISHED)
    names = tuple(name.strip() for name in text.split(","))
    for place, name in enumerate(names):
        if name not in _PUBLISHED and name not in _GBIF_NAMES:
            problem = f"there is no column {name[:40]!r}"
            expected = f"simple, all, or names with commas between them: {', '.join(_PUBLISHED)}"
            raise InputError(problem, column="columns", value=text[:200], expected=expected, code="COLUMN_UNKNOWN")
        if name in names[:place]:
            problem = f"the column {name} is asked for twice"
            raise InputError(problem, column="columns", value=text[:200], code="COLUMN_TWICE")
    return names


# Occurrence cubes: records counted by taxon, year and grid cell, none lost on the way.
_LAT, _LON = '"decimalLatitude"', '"decimalLongitude"'

# A corner of the Earth itself belongs to the last cell: 90° north and 180° east have none behind them.
_ROW, _COLUMN = (
    f"least(greatest(floor({value} * {{per}}), {low} * {{per}}), {high} * {{per}} - 1)::INTEGER"
    for value, low, high in ((_LAT, -90, 90), (_LON, -180, 180))
)


def _half(bit: int) -> str:
    """Return the letter of the quarter that a point lies in at one level: A B above C D, as QDGC has it."""
    north, east = (f"(({index.format(per=4)} + 1440) >> {bit}) & 1" for index in (_ROW, _COLUMN))
    return f"CASE WHEN {north} = 1 THEN CASE WHEN {east} = 1 THEN 'B' ELSE 'A' END ELSE CASE WHEN {east} = 1 THEN 'D' ELSE 'C' END END"


def _degree(index: str, positive: str, negative: str, digits: int) -> str:
    """Return a whole degree with its letter, counted away from zero: the cell from -1 to 0 is 000 of the west."""
    degree = f"({index.format(per=1)})"
    return (
        f"CASE WHEN {degree} >= 0 THEN '{positive}' || lpad({degree}::VARCHAR, {digits}, '0') "
        f"ELSE '{negative}' || lpad((-{degree} - 1)::VARCHAR, {digits}, '0') END"
    )


_QUARTER: Final = f"({_degree(_COLUMN, 'E', 'W', 3)}) || ({_degree(_ROW, 'N', 'S', 2)}) || ({_half(1)}) || ({_half(0)})"

_TENTH: Final = f"printf('%.1f,%.1f', ({_ROW.format(per=10)}) / 10.0, ({_COLUMN.format(per=10)}) / 10.0)"

# EPSG:6933: Lambert's cylindrical equal-area projection of the WGS 84 ellipsoid, true at 30°; Snyder 1987, pages 81-83.
_A, _E = 6378137.0, 0.0818191908426215
_K0: Final = 0.75**0.5 / (1 - _E**2 * 0.25) ** 0.5
_SIN: Final = f"sin(radians({_LAT}))"
_Q: Final = (
    f"{1 - _E**2!r} * ({_SIN} / (1 - {_E**2!r} * {_SIN} * {_SIN}) "
    f"- {1 / (2 * _E)!r} * ln((1 - {_E!r} * {_SIN}) / (1 + {_E!r} * {_SIN})))"
)
_EAST: Final = f"floor(radians({_LON}) * {_A * _K0 / 10_000!r})::INTEGER"
_NORTH: Final = f"floor(({_Q}) * {_A / (2 * _K0) / 10_000!r})::INTEGER"
_SQUARE: Final = (
    f"'10km' || CASE WHEN {_EAST} >= 0 THEN 'E' ELSE 'W' END || abs({_EAST})::VARCHAR "
    f"|| CASE WHEN {_NORTH} >= 0 THEN 'N' ELSE 'S' END || abs({_NORTH})::VARCHAR"
)

CELLS: Final = MappingProxyType(
    {
        CubeGrid.EQDGC: ("eqdgcCellCode", _QUARTER),
        CubeGrid.TENTH_DEGREE: ("cellSouthWest", _TENTH),
        CubeGrid.EQUAL_AREA: ("easeCellCode", _SQUARE),
    }
)
"""Of each grid the column's name and the code of a cell in SQL over published coordinates.

`eqdgcCellCode` is E104N22AB: the degree's corner nearest to zero, then quarter and quarter of the quarter; `cellSouthWest`
is 22.3,104.5, the south-western corner; `easeCellCode` is 10kmE1004N300, the south-western corner in units of 10 km east and
north of 0°, 0°, those to the south and west with a minus stated as S and W.
"""

_TAXON: Final = 'kingdom, phylum, class, "order", family, genus, species, "speciesKey"'


def write_cube(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every taxon, year and cell: `occurrences`, `minCoordinateUncertaintyInMeters`, `community_labels`.

    The sum of `occurrences` is the number of records.
    """
    del facts
    name, code = CELLS[request.grid]
    cell = f"CASE WHEN {_LAT} IS NOT NULL AND {_LON} IS NOT NULL THEN {code} END"
    select = (
        f'{_TAXON}, year, {cell} AS "{name}", count(*) AS occurrences, '
        f'min("coordinateUncertaintyInMeters") AS "minCoordinateUncertaintyInMeters", {LABELS_OF_GROUP}'
    )
    write_guarded(selection.batches(select, after=f'GROUP BY ALL ORDER BY {_TAXON}, year, "{name}"'), out)
    step(1.0)


# A species list: every name of the chosen records with the number of records, the most frequent first.
_TAXON_COLUMNS: Final = (
    '"taxonKey", "scientificName", "acceptedScientificName", "taxonRank", "taxonomicStatus", kingdom, phylum, class, '
    '"order", family, genus, species, "speciesKey", taxon_id, checklist, "iucnRedListCategory"'
)


def write_species_list(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every name with `numberOfOccurrences`, the years of the first and the last record, and labels.

    Then a column for each kind of status, `CN I; VN IB`: what lists say of the species, or of the lowest group above it.
    The sum of `numberOfOccurrences` is the number of records; those without a name have a line of their own.
    """
    del facts, request
    select = f'{_TAXON_COLUMNS}, count(*) AS "numberOfOccurrences", min(year) AS "firstYear", max(year) AS "lastYear", {LABELS_OF_GROUP}'
    order = f'GROUP BY {_TAXON_COLUMNS} ORDER BY "numberOfOccurrences" DESC, {_TAXON_COLUMNS}'
    stated = selection.query("SELECT * FROM taxon_statuses")
    found = (
        lists.of_records(batch.with_columns(infraspecificEpithet=pl.lit(None, pl.String)), stated)
        for batch in selection.batches(select, after=order)
    )
    write_guarded((batch.drop("infraspecificEpithet") for batch in found), out)
    step(1.0)


# A survey that is proposed, as files for a GIS, a spreadsheet, a hand-held receiver and a form on a telephone.
_DECIMALS: Final = 6
_COLUMNS: Final = (
    "name", "label", "geometry", "station_id", "kind", "side", "order", "latitude", "longitude", "end_latitude",
    "end_longitude", "nights", "value", "boundary_set",
)  # fmt: skip


def write_proposal(proposal: "Proposal", path: Path) -> None:
    """Write a survey in the form that the file's name tells, whole or not at all; FORMAT_UNKNOWN is raised of another name.

    `.gpkg` (layer `stations` and the table `survey` with every fact), `.csv` (one station a
    row; `name`, `label` and `geometry` as KoBoToolbox and ODK read choices from a file, https://docs.getodk.org/form-datasets/,
    `latitude` and `longitude` as SMART reads points), `.gpx` 1.1 (waypoints; a transect is a route).
    """
    if (writer := WRITERS.get(path.suffix.lower())) is None:
        problem, expected = "a survey cannot be written in this form", f"a name that ends with {', '.join(WRITERS)}"
        raise InputError(problem, file=path.name, expected=expected, code="FORMAT_UNKNOWN")
    part = path.with_name(f"{path.stem}.part{path.suffix.lower()}")
    part.unlink(missing_ok=True)
    writer(proposal, part)
    part.replace(path)


def _frame(proposal: "Proposal") -> "gpd.GeoDataFrame":
    import geopandas as gpd

    stations = proposal.stations
    start, end = (
        np.asarray(shapely.points(stations.select(names).to_numpy()), dtype=object)
        for names in (("decimalLongitude", "decimalLatitude"), ("end_longitude", "end_latitude"))
    )
    walks = (stations["kind"] == "transect").to_numpy()
    lines = [shapely.LineString([a, b]) if walk else a for a, b, walk in zip(start, end, walks, strict=True)]
    shapes = shapely.set_precision(np.array(lines, dtype=object), 10**-_DECIMALS)
    return gpd.GeoDataFrame(stations.to_pandas(), geometry=shapes, crs="EPSG:4326")


def _kind(frame: "gpd.GeoDataFrame") -> str:
    return "LineString" if "transect" in set(frame["kind"]) else "Point"


def _geopackage(proposal: "Proposal", path: Path) -> None:
    import pandas as pd
    import pyogrio

    frame = _frame(proposal)
    pyogrio.write_dataframe(frame, path, layer="stations", driver="GPKG", geometry_type=_kind(frame))
    facts = proposal.facts
    table = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    pyogrio.write_dataframe(table, path, layer="survey", driver="GPKG", append=True)


def _csv(proposal: "Proposal", path: Path) -> None:
    facts, stations = proposal.facts, proposal.stations
    version = f"{facts['boundary_set']} {facts['boundary_version']}, band {facts['band_m']:g} m: {facts['viewpoint']}"
    places = [
        ";".join(f"{y:.{_DECIMALS}f} {x:.{_DECIMALS}f} 0 0" for x, y in shapely.get_coordinates(shape))
        for shape in _frame(proposal).geometry
    ]
    table = stations.with_columns(
        name=pl.col("station_id"), label=pl.Series(_labels(stations), dtype=pl.String), geometry=pl.Series(places, dtype=pl.String),
        latitude=pl.col("decimalLatitude"), longitude=pl.col("decimalLongitude"), boundary_set=pl.lit(version),
    )  # fmt: skip
    table.select(_COLUMNS).write_csv(path, float_precision=_DECIMALS)


def _gpx(proposal: "Proposal", path: Path) -> None:
    import pyogrio

    facts = proposal.facts
    named = ("boundary_set", "boundary_version", "viewpoint", "band_m", "sharing_category", "design")
    text = json.dumps({name: facts[name] for name in named}, ensure_ascii=False)
    frame = _frame(proposal)
    about = {"METADATA_NAME": f"Survey of {facts['species']}", "METADATA_DESCRIPTION": text}
    kind = _kind(frame)
    stations = frame[["geometry"]].assign(name=frame["station_id"], desc=_labels(proposal.stations), type=frame["kind"])
    layer = "waypoints" if kind == "Point" else "routes"
    pyogrio.write_dataframe(stations, path, layer=layer, driver="GPX", geometry_type=kind, dataset_options=about)


def _labels(stations: pl.DataFrame) -> list[str]:
    return [
        f"{row['kind']} {row['order']} of {row['side']}, {row['nights']} {'walks' if row['kind'] == 'transect' else 'nights'}"
        for row in stations.iter_rows(named=True)
    ]


WRITERS: Final[Mapping[str, Callable[["Proposal", Path], None]]] = MappingProxyType(
    {".gpkg": _geopackage, ".csv": _csv, ".gpx": _gpx}
)
