"""Rows of a release as GeoJSON features: every property in every feature, null where nothing is known."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import orjson
import shapely

from api.collections import Collection

_LONGITUDE: Final = "decimalLongitude"
_LATITUDE: Final = "decimalLatitude"


def columns(collection: Collection) -> tuple[str, ...]:
    """Return the columns that features are made from: the properties, then the geometry where it is a shape."""
    return collection.properties if collection.points else (*collection.properties, "geometry")


def features(collection: Collection, rows: Sequence[Sequence[Any]], *, flipped: bool) -> list[dict[str, Any]]:
    """Return n features from n rows.

    Parameters
    ----------
    collection : Collection
        What the rows are of.
    rows : sequence of n rows
        Values in the order of `columns`.
    flipped : bool
        Latitude first, as EPSG:4326 has it.

    Returns
    -------
    list of n dict
        GeoJSON features; geometries made of WKB are text that orjson takes as it stands.
    """
    names = collection.properties
    at_key = names.index(collection.key)
    geometries = (
        _points(collection, rows, flipped=flipped)
        if collection.points
        else _shapes((r[-1] for r in rows), flipped=flipped)
    )
    special = {n: names.index(n) for n in (*collection.documents, *collection.shapes)}
    shapes = {n: _shapes((row[special[n]] for row in rows), flipped=flipped) for n in collection.shapes}
    found = []
    for number, row in enumerate(rows):
        properties = dict(zip(names, row, strict=False))
        for name in collection.documents:
            text = properties[name]
            properties[name] = orjson.loads(text) if text is not None else None
        for name, converted in shapes.items():
            properties[name] = converted[number]
        found.append({"type": "Feature", "id": row[at_key], "geometry": geometries[number], "properties": properties})
    return found


def told(rows: Sequence[Sequence[str]], *, read: bool) -> list[Any]:
    """Return features that the release told as text: text that orjson takes as it stands, or dicts where `read`."""
    return [orjson.loads(text) if read else orjson.Fragment(text) for (text,) in rows]


def _points(collection: Collection, rows: Sequence[Sequence[Any]], *, flipped: bool) -> list[dict[str, Any] | None]:
    """Return a point for each row that has coordinates."""
    x, y = (
        collection.properties.index(name) for name in ((_LATITUDE, _LONGITUDE) if flipped else (_LONGITUDE, _LATITUDE))
    )
    return [
        {"type": "Point", "coordinates": [row[x], row[y]]} if row[x] is not None and row[y] is not None else None
        for row in rows
    ]


def _shapes(wkb: Iterable[bytes | None], *, flipped: bool) -> list[orjson.Fragment | None]:
    """Return GeoJSON text for each WKB."""
    geometries = shapely.from_wkb(np.array([bytes(w) if w is not None else None for w in wkb], dtype=object))
    if flipped:
        geometries = shapely.transform(geometries, lambda positions: positions[:, ::-1])
    return [
        orjson.Fragment(text) if text is not None else None for text in np.atleast_1d(shapely.to_geojson(geometries))
    ]
