"""GeoJSON as RFC 7946 wants it: degrees of WGS 84, longitude first, outer rings against the clock, no `crs`."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import orjson
import polars as pl
import shapely

from biodata import terms
from biodata.exports.facts import Facts
from biodata.exports.request import ExportRequest
from biodata.exports.selection import Selection, Step

DECIMALS: Final = 7
"""Of coordinates: a centimetre, as RFC 7946 section 11.2 advises."""
_BATCH: Final = 20_480


def write_collection(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as a FeatureCollection; the file appears whole or not at all.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `geometry` in WKB, or with `decimalLongitude` and `decimalLatitude`; other columns become
        properties, other geometry in WKB is left out.
    path : Path
        The file.
    """
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        _write(file, iter([frame]))
    part.replace(path)


def write_geojson(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as a FeatureCollection; records without a place have no geometry.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is told of them.
    request : ExportRequest
        What was asked for.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Told how far the work is; raises to stop it.
    """

    def batches() -> Iterator[pl.DataFrame]:
        for place, frame in selection.chunks(terms.names(terms.PUBLISHED_OCCURRENCE), lambda f: f, rows=_BATCH):
            yield frame
            step(selection.share(place))

    with out.open("wb") as file:
        _write(file, batches(), biodata=request.cite_as(facts))


def _write(file: IO[bytes], batches: Iterator[pl.DataFrame], **members: str) -> None:
    """Write a collection feature by feature."""
    told = b"".join(b"," + orjson.dumps(name) + b":" + orjson.dumps(value) for name, value in members.items())
    file.write(b'{"type":"FeatureCollection"' + told + b',"features":[')
    first = True
    for frame in batches:
        for feature in _features(frame):
            file.write((b"\n" if first else b",\n") + orjson.dumps(feature))
            first = False
    file.write(b"\n]}\n")


def _features(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows as features."""
    shapes = _shapes(frame)
    kept = [name for name, dtype in frame.schema.items() if dtype != pl.Binary]
    geometries = shapely.to_geojson(shapes)
    boxes = shapely.bounds(shapes).round(DECIMALS)
    plain = frame.select(
        pl.col(name).cast(pl.String) if dtype.is_temporal() else pl.col(name)
        for name, dtype in frame.select(kept).schema.items()
    )
    rows = plain.iter_rows(named=True) if kept else ({} for _ in shapes)
    for row, geometry, box in zip(rows, geometries, boxes, strict=True):
        feature: dict[str, Any] = {"type": "Feature"}
        if geometry is not None:
            feature["bbox"] = box.tolist()
        feature["geometry"] = None if geometry is None else orjson.Fragment(geometry)
        feature["properties"] = row
        yield feature


def _shapes(frame: pl.DataFrame) -> Any:
    """Return the rows' geometry, rounded, its outer rings against the clock; None where there is none."""
    if "geometry" in frame.columns:
        shapes = shapely.from_wkb(frame["geometry"].to_numpy())
    else:
        places = frame.select(pl.col("decimalLongitude", "decimalLatitude").cast(pl.Float64)).to_numpy()
        known = np.isfinite(places).all(axis=1)
        shapes = np.full(frame.height, None, dtype=object)
        shapes[known] = shapely.points(places[known])
    whole = shapely.set_precision(shapes, 10.0**-DECIMALS)
    # A shape smaller than the grid of the rounding would vanish: it stays as it is.
    gone = shapely.is_empty(whole) & ~shapely.is_empty(shapes)
    whole[gone] = shapes[gone]
    empty = shapely.is_empty(whole)
    whole[empty] = None
    return shapely.orient_polygons(whole, exterior_cw=False)
