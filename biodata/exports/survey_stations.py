"""A survey that is proposed, as files for a GIS, a spreadsheet, a hand-held receiver and a form on a telephone."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely

from biodata.core.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.evidence import Proposal

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
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
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
    told = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    pyogrio.write_dataframe(told, path, layer="survey", driver="GPKG", append=True)


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
    told = json.dumps({name: facts[name] for name in named}, ensure_ascii=False)
    frame = _frame(proposal)
    about = {"METADATA_NAME": f"Survey of {facts['species']}", "METADATA_DESCRIPTION": told}
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
