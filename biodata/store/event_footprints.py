"""What the lake's events say of their lines and outlines, and which events are walks of patrols."""

from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.vocabularies import PATROL_PROTOCOL
from biodata.store.query.shape_text import read_wkt

_DEGREES: Final = ("", "4326", "epsg:4326", "wgs84", "wgs 84", "wgs_84")
"""How a source says that the coordinates of a shape are those of WGS 84."""


def is_patrol() -> pl.Expr:
    """Tell which events are days and ways of patrols, which no rule lets out."""
    return pl.col("samplingProtocol").str.to_lowercase().str.starts_with(PATROL_PROTOCOL).fill_null(value=False)


def footprints(events: pl.DataFrame) -> pl.Series:
    """Return the lines and outlines that can be read as WKB; null for others, which the lake keeps as they came."""
    told = events.select(
        "footprintWKT", srs=pl.col("verbatim").str.json_path_match("$.footprintSRS").fill_null("").str.to_lowercase()
    )
    return pl.Series([_shape(text, srs) for text, srs in told.iter_rows()], dtype=pl.Binary)


def _shape(text: str | None, srs: str) -> bytes | None:
    if text is None or srs.strip() not in _DEGREES:
        return None
    try:
        return read_wkt(text)
    except InputError:
        return None
