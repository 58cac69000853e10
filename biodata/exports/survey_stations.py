"""A survey that is proposed, as files for a GIS, a spreadsheet, a hand-held receiver and a form on a telephone."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import shapely

from biodata.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from biodata.analysis.evidence import Proposal

_GPX: Final = "http://www.topografix.com/GPX/1/1"
_DECIMALS: Final = 6
_COLUMNS: Final = (
    "name", "label", "geometry", "station_id", "kind", "side", "order", "latitude", "longitude", "end_latitude",
    "end_longitude", "nights", "value", "boundary_set",
)  # fmt: skip


def write_proposal(proposal: "Proposal", path: Path) -> None:
    """Write a survey in the form that the file's name tells; it appears whole or not at all.

    Parameters
    ----------
    proposal : Proposal
    path : Path
        `.gpkg` (layer `stations` and the table `survey` with every fact), `.geojson` (facts as the member `survey`),
        `.csv` (one station a row; `name`, `label` and `geometry` as KoBoToolbox and ODK read choices from a file,
        `latitude` and `longitude` as SMART reads points), `.gpx` (waypoints; a transect is a route).

    Raises
    ------
    InputError
        If the name tells no such form.

    Notes
    -----
    Choices from files: https://docs.getodk.org/form-datasets/; GPX 1.1: https://www.topografix.com/GPX/1/1/.
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
    ET.register_namespace("", _GPX)
    root = ET.Element(f"{{{_GPX}}}gpx", {"version": "1.1", "creator": "biodata"})
    metadata = ET.SubElement(root, f"{{{_GPX}}}metadata")
    facts = proposal.facts
    _text(metadata, "name", f"Survey of {facts['species']}")
    told = {
        name: facts[name]
        for name in ("boundary_set", "boundary_version", "viewpoint", "band_m", "sharing_category", "design")
    }
    _text(metadata, "desc", json.dumps(told, ensure_ascii=False))
    routes = []
    for row in proposal.stations.iter_rows(named=True):
        if row["end_latitude"] is None:
            point = ET.SubElement(root, f"{{{_GPX}}}wpt", _place(row["decimalLatitude"], row["decimalLongitude"]))
            _described(point, row)
        else:
            routes.append(row)
    for row in routes:
        route = ET.SubElement(root, f"{{{_GPX}}}rte")
        _described(route, row)
        for prefix, y, x in (
            ("start", row["decimalLatitude"], row["decimalLongitude"]),
            ("end", row["end_latitude"], row["end_longitude"]),
        ):
            _text(ET.SubElement(route, f"{{{_GPX}}}rtept", _place(y, x)), "name", f"{row['station_id']} {prefix}")
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _described(parent: ET.Element, row: Mapping[str, Any]) -> None:
    """Add a name, a description and a kind, in the order that GPX asks for."""
    _text(parent, "name", row["station_id"])
    _text(parent, "desc", _label(row))
    _text(parent, "type", row["kind"])


def _text(parent: ET.Element, name: str, text: str) -> None:
    """Add an element with a text."""
    ET.SubElement(parent, f"{{{_GPX}}}{name}").text = text


def _place(latitude: float, longitude: float) -> dict[str, str]:
    """Return a place as attributes of GPX."""
    return {"lat": _degrees(latitude), "lon": _degrees(longitude)}


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
