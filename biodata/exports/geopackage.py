"""GeoPackage, streamed through GDAL's Arrow interface: never a data frame of the whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from biodata import terms
from biodata.exports.facts import Facts
from biodata.exports.geoparquet import points
from biodata.exports.request import ExportRequest
from biodata.exports.selection import Selection, Step
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS: Final = 20_480
LAYER: Final = "occurrences"


def write_geopackage(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as the layer `occurrences`; records without a place have no geometry.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is told of them.
    request : ExportRequest
        What was asked for; the time of the last change that GeoPackage keeps is its.
    out : Path
        The file; one that a crash left behind is begun anew.
    step : function
        Told how far the work is; raises to stop it.
    """
    import pyarrow as pa
    import pyogrio

    out.unlink(missing_ok=True)
    trouble: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for place, frame in selection.chunks(terms.names(terms.PUBLISHED_OCCURRENCE), _plain, rows=_BATCH_ROWS):
                yield from _table(frame).to_batches(max_chunksize=_BATCH_ROWS)
                step(selection.share(place))
        except BaseException as error:  # GDAL tells of it in words of its own, so it is kept
            trouble.append(error)
            raise

    schema = _table(_plain(terms.conform(pl.DataFrame(), terms.PUBLISHED_OCCURRENCE))).schema
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{request.created[:19]}.000Z"})
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, batches()),
            out,
            layer=LAYER,
            driver="GPKG",
            geometry_type="Point",
            geometry_name="geometry",
            crs="EPSG:4326",
            dataset_options={"VERSION": "1.3"},
            layer_options={"DESCRIPTION": request.cite_as(facts)},
        )
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


def _table(frame: pl.DataFrame) -> "pa.Table":
    """Return records with their geometry as an Arrow table."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).append_column("geometry", points(frame))
