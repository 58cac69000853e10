"""GeoParquet 1.1 with a covering box, streamed (https://geoparquet.org/releases/v1.1.0)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata import terms
from biodata.exports.facts import Facts
from biodata.exports.request import ExportRequest
from biodata.exports.selection import Selection, Step

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
        What is told of them; the file's metadata hold their box.
    request : ExportRequest
        What was asked for.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Told how far the work is; raises to stop it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = terms.names(terms.PUBLISHED_OCCURRENCE)
    empty = _table(terms.conform(pl.DataFrame(), terms.PUBLISHED_OCCURRENCE))
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
            table = _table(frame)
            assert isinstance(table, pa.Table)
            writer.write_table(table.replace_schema_metadata(metadata), row_group_size=_GROUP_ROWS)
            step(selection.share(place))


def _same(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _table(frame: pl.DataFrame) -> "pa.Table":
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
