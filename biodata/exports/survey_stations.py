"""A survey that is proposed, as files for a GIS, a spreadsheet, a hand-held receiver and a form on a telephone."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import numpy as np
import shapely

from biodata.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from biodata.analysis.evidence import Proposal

_DECIMALS: Final = 6
_COLUMNS: Final = (
    "name", "label", "geometry", "station_id", "kind", "side", "order", "latitude", "longitude", "end_latitude",
    "end_longitude", "nights", "value", "boundary_set",
)  # fmt: skip


def write_proposal(proposal: "Proposal", path: Path) -> None:
    """Write a survey in the form that the file's name tells; it appears whole or not at all.

    `.gpkg` (layer `stations` and the table `survey` with every fact), `.geojson` (facts as the member `survey`), `.csv` (one station a
    row; `name`, `label` and `geometry` as KoBoToolbox and ODK read choices from a file, https://docs.getodk.org/form-datasets/,
    `latitude` and `longitude` as SMART reads points), `.gpx` 1.1 (waypoints; a transect is a route).

    Raises
    ------
    InputError
        If the name tells no such form.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        problem = "a survey cannot be written in this form"
        expected = f"a name that ends with {', '.join(WRITERS)}"
        raise InputError(problem, file=path.name, expected=expected, code="FORMAT_UNKNOWN")
    part = path.with_name(f"{path.stem}.part{path.suffix.lower()}")
    part.unlink(missing_ok=True)
    writer(proposal, part)
    part.replace(path)


def shapes(stations: "pl.DataFrame") -> "np.ndarray[Any, np.dtype[np.object_]]":
    """Return the points of cameras and the lines of transects, degrees."""
    start = stations.select("decimalLongitude", "decimalLatitude").to_numpy()
    end = stations.select("end_longitude", "end_latitude").to_numpy()
    lines = np.isfinite(end).all(axis=1) if len(end) else np.zeros(0, dtype=bool)
    out = np.empty(len(start), dtype=object)
    out[~lines] = shapely.points(start[~lines])
    out[lines] = shapely.linestrings(np.stack([start[lines], end[lines]], axis=1))
    return out


def _geopackage(proposal: "Proposal", path: Path) -> None:
    """Write the stations, and a table of the facts."""
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    kind = "LineString" if (proposal.stations["kind"] == "transect").any() else "Point"
    frame = gpd.GeoDataFrame(proposal.stations.to_pandas(), geometry=shapes(proposal.stations), crs="EPSG:4326")
    pyogrio.write_dataframe(frame, path, layer="stations", driver="GPKG", geometry_type=kind)
    facts = proposal.facts
    told = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    pyogrio.write_dataframe(told, path, layer="survey", driver="GPKG", append=True)


def _geojson(proposal: "Proposal", path: Path) -> None:
    """Write a FeatureCollection with the facts as a member of its own (RFC 7946, section 6.1)."""
    rows = proposal.stations.iter_rows(named=True)
    features = [
        {
            "type": "Feature",
            "id": row["station_id"],
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(shape, 10**-_DECIMALS))),
            "properties": row,
        }
        for row, shape in zip(rows, shapes(proposal.stations), strict=True)
    ]
    whole = {"type": "FeatureCollection", "survey": proposal.facts, "features": features}
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")


def _csv(proposal: "Proposal", path: Path) -> None:
    """Write a list that a spreadsheet, KoBoToolbox, ODK and SMART read."""
    facts = proposal.facts
    boundary_set = (
        f"{facts['boundary_set']} {facts['boundary_version']}, band {facts['band_m']:g} m: {facts['viewpoint']}"
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for row in proposal.stations.iter_rows(named=True):
            places = [(row["decimalLatitude"], row["decimalLongitude"])]
            if row["end_latitude"] is not None:
                places.append((row["end_latitude"], row["end_longitude"]))
            (latitude, longitude), *end = ((_degrees(y), _degrees(x)) for y, x in places)
            geometry = ";".join(f"{_degrees(y)} {_degrees(x)} 0 0" for y, x in places)
            writer.writerow(
                [
                    row["station_id"], _label(row), geometry, row["station_id"], row["kind"], row["side"], row["order"],
                    latitude, longitude, *(end[0] if end else ("", "")), row["nights"], f"{row['value']:.6g}", boundary_set,
                ]
            )  # fmt: skip


def _gpx(proposal: "Proposal", path: Path) -> None:
    """Write waypoints and routes for a receiver."""
    facts = proposal.facts
    named = ("boundary_set", "boundary_version", "viewpoint", "band_m", "sharing_category", "design")
    told = json.dumps({name: facts[name] for name in named}, ensure_ascii=False)
    points, routes = [], []
    for row in proposal.stations.iter_rows(named=True):
        station, ends = row["station_id"], [(row["decimalLatitude"], row["decimalLongitude"])]
        words = f"<name>{escape(station)}</name><desc>{escape(_label(row))}</desc><type>{escape(row['kind'])}</type>"
        if row["end_latitude"] is None:
            points.append(f"<wpt {_place(*ends[0])}>{words}</wpt>")
            continue
        ends.append((row["end_latitude"], row["end_longitude"]))
        way = "".join(
            f"<rtept {_place(*place)}><name>{escape(station)} {end}</name></rtept>"
            for place, end in zip(ends, ("start", "end"), strict=True)
        )
        routes.append(f"<rte>{words}{way}</rte>")
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="biodata">\n'
        f"<metadata><name>Survey of {escape(facts['species'])}</name><desc>{escape(told)}</desc></metadata>\n"
        + "\n".join([*points, *routes]) + "\n</gpx>\n",
        encoding="utf-8",
    )  # fmt: skip


def _place(latitude: float, longitude: float) -> str:
    """Return a place as attributes of GPX."""
    return f'lat="{_degrees(latitude)}" lon="{_degrees(longitude)}"'


def _degrees(value: float) -> str:
    """Return degrees to a tenth of a metre."""
    return f"{value:.{_DECIMALS}f}"


def _label(row: Mapping[str, Any]) -> str:
    """Say in a few words what is to be done at a station."""
    unit = "walks" if row["kind"] == "transect" else "nights"
    return f"{row['kind']} {row['order']} of {row['side']}, {row['nights']} {unit}"


WRITERS: Final[Mapping[str, Callable[["Proposal", Path], None]]] = MappingProxyType(
    {".gpkg": _geopackage, ".geojson": _geojson, ".csv": _csv, ".gpx": _gpx}
)
"""The forms, by the end of the file's name."""
