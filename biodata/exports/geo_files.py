"""Chosen records as GeoParquet, GeoPackage and GeoJSON, streamed: never a data frame of the whole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import polars as pl
import shapely

from biodata.core import terms
from biodata.exports.request import ExportRequest, Facts
from biodata.exports.selection import Selection, Step
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP_ROWS: Final = 61_440
"""Rows of a row group: written as one, whatever steps they were read in."""

_EDGES: Final = (
    ("xmin", "decimalLongitude"),
    ("ymin", "decimalLatitude"),
    ("xmax", "decimalLongitude"),
    ("ymax", "decimalLatitude"),
)


def write_geoparquet(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as GeoParquet: every published column, `geometry` as WKB points, `bbox` as its covering.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is stated of them; the file's metadata hold their box.
    request : ExportRequest
        What was asked for.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Stated how far the work is; raises to stop it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = terms.names(terms.EXPORTED_OCCURRENCE)
    empty = _parquet_table(terms.conform(pl.DataFrame(), terms.EXPORTED_OCCURRENCE))
    about = {
        "license": facts.license,
        "community_labels": facts.labels,
        "citation": request.cite_as(facts),
        "generalisation": facts.generalisation(),
    }
    metadata = {"geo": json.dumps(_geo(facts)), "biodata": json.dumps(about, ensure_ascii=False)}
    schema = empty.schema.with_metadata(metadata)
    with pq.ParquetWriter(out, schema, version="2.6", compression="zstd", write_page_index=True) as writer:
        for place, frame in selection.chunks(names, _same, rows=_GROUP_ROWS):
            table = _parquet_table(frame)
            assert isinstance(table, pa.Table)
            writer.write_table(table.replace_schema_metadata(metadata), row_group_size=_GROUP_ROWS)
            step(selection.share(place))


def _same(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _parquet_table(frame: pl.DataFrame) -> "pa.Table":
    """Return records with their geometry and its box as an Arrow table."""
    import pyarrow as pa

    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    placed = frame.select(pl.all_horizontal(pl.col("decimalLongitude", "decimalLatitude").is_not_null())).to_series()
    edges = [frame[source].to_arrow().cast(pa.float64()) for _, source in _EDGES]
    absent = pa.array(~placed.to_numpy())
    box = pa.StructArray.from_arrays(edges, names=[name for name, _ in _EDGES], mask=absent)
    return table.append_column("bbox", box).append_column("geometry", points(frame))


def points(frame: pl.DataFrame) -> "pa.Array[Any]":
    """Return published places as an Arrow array of WKB, length n; null where there is none."""
    import pyarrow as pa

    there = (
        frame.select(pl.all_horizontal(pl.col("decimalLongitude", "decimalLatitude").is_not_null()))
        .to_series()
        .to_numpy()
    )
    known = frame.filter(pl.Series(there))
    wkb = np.empty(known.height, dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    wkb["order"], wkb["kind"] = 1, 1
    wkb["x"], wkb["y"] = known["decimalLongitude"].to_numpy(), known["decimalLatitude"].to_numpy()
    ends = np.zeros(frame.height + 1, dtype=np.int32)
    np.cumsum(there * wkb.itemsize, out=ends[1:])
    present = pa.array(there).buffers()[1]
    return pa.Array.from_buffers(
        pa.binary(), frame.height, [present, pa.py_buffer(ends.tobytes()), pa.py_buffer(wkb.tobytes())]
    )


def _geo(facts: Facts) -> dict[str, object]:
    """Return GeoParquet's metadata; without `crs` the coordinates are longitude and latitude of WGS 84 (OGC:CRS84)."""
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "covering": {"bbox": {name: ["bbox", name] for name, _ in _EDGES}},
    }
    if facts.bounds is not None:
        column["bbox"] = list(facts.bounds)
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}


# GeoPackage, streamed through GDAL's Arrow interface: never a data frame of the whole.
_BATCH_ROWS: Final = 20_480
LAYER: Final = "occurrences"


def write_geopackage(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as the layer `occurrences`; records without a place have no geometry.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is stated of them.
    request : ExportRequest
        What was asked for; the time of the last change that GeoPackage keeps is its.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Stated how far the work is; raises to stop it.
    """
    import pyarrow as pa
    import pyogrio

    out.unlink(missing_ok=True)
    trouble: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for place, frame in selection.chunks(terms.names(terms.EXPORTED_OCCURRENCE), _plain, rows=_BATCH_ROWS):
                yield from _layer_table(frame).to_batches(max_chunksize=_BATCH_ROWS)
                step(selection.share(place))
        except BaseException as error:  # GDAL tells of it in words of its own, so it is kept
            trouble.append(error)
            raise

    schema = _layer_table(_plain(terms.conform(pl.DataFrame(), terms.EXPORTED_OCCURRENCE))).schema
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{request.created[:19]}.000Z"})
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, batches()), out, layer=LAYER, driver="GPKG",
            geometry_type="Point", geometry_name="geometry", crs="EPSG:4326", dataset_options={"VERSION": "1.3"},
            layer_options={"DESCRIPTION": request.cite_as(facts)},
        )  # fmt: skip
    except Exception as error:
        if trouble:
            raise trouble[0] from error
        raise
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    add_styles(out, [LAYER], as_of=f"{request.created[:19]}.000Z")


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return records with their lists as text."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).list.join(";"))


def _layer_table(frame: pl.DataFrame) -> "pa.Table":
    """Return records with their geometry as an Arrow table."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).append_column("geometry", points(frame))


# GeoJSON as RFC 7946 wants it: degrees of WGS 84, longitude first, outer rings against the clock, no `crs`.
DECIMALS: Final = 7
"""Of coordinates: a centimetre, as RFC 7946 section 11.2 advises."""
_JSON_BATCH: Final = 20_480


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
        What is stated of them.
    request : ExportRequest
        What was asked for.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Stated how far the work is; raises to stop it.
    """

    def batches() -> Iterator[pl.DataFrame]:
        for place, frame in selection.chunks(terms.names(terms.EXPORTED_OCCURRENCE), lambda f: f, rows=_JSON_BATCH):
            yield frame
            step(selection.share(place))

    with out.open("wb") as file:
        _write(file, batches(), biodata=request.cite_as(facts))


def _write(file: IO[bytes], batches: Iterator[pl.DataFrame], **members: str) -> None:
    """Write a collection feature by feature."""
    content = b"".join(b"," + orjson.dumps(name) + b":" + orjson.dumps(value) for name, value in members.items())
    file.write(b'{"type":"FeatureCollection"' + content + b',"features":[')
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
