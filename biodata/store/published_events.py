"""From the lake's events to what a release may tell of them."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata import sharing
from biodata.core.errors import InputError
from biodata.core.vocabularies import PATROL_PROTOCOL
from biodata.places import BoundarySet
from biodata.sharing.events import publish_events
from biodata.store.lake import Lake
from biodata.store.query.shape_text import read_wkt

_SAID: Final = ("informationWithheld", "dataGeneralizations")
_BAND_ROWS: Final = 50_000


def published_events(
    lake: Lake, rules: sharing.RuleSet, *, boundaries: BoundarySet, licences: Mapping[str, str | None],
    snapshot: int | None = None, events: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Return the events (`terms.EVENT`; the lake's where none are given) as rules with a plan let them out, as `terms.SURVEY`.

    Days and ways of patrols are let out by no rule: they would state poachers when and where rangers walk.
    """
    bands = lake.batches("events", snapshot=snapshot, batch_rows=_BAND_ROWS) if events is None else [events]
    return publish_events(filter(len, map(_drawn, bands)), rules, boundaries=boundaries, licences=licences)


def _drawn(events: pl.DataFrame) -> pl.DataFrame:
    """Return events that are no patrols, with their lines and outlines and what their publisher says of their places."""
    events = events.filter(~is_patrol())
    return events.with_columns(
        footprint=footprints(events),
        # What a publisher says of a place that it made coarser is published with it.
        **{name: pl.col("verbatim").str.json_path_match(f"$.{name}") for name in _SAID},
    )


_DEGREES: Final = ("", "4326", "epsg:4326", "wgs84", "wgs 84", "wgs_84")
"""How a source says that the coordinates of a shape are those of WGS 84."""


def is_patrol() -> pl.Expr:
    """Tell which events are days and ways of patrols, which no rule lets out."""
    return pl.col("samplingProtocol").str.to_lowercase().str.starts_with(PATROL_PROTOCOL).fill_null(value=False)


def footprints(events: pl.DataFrame) -> pl.Series:
    """Return the lines and outlines that can be read as WKB; null for others, which the lake keeps as they came."""
    table = events.select(
        "footprintWKT", srs=pl.col("verbatim").str.json_path_match("$.footprintSRS").fill_null("").str.to_lowercase()
    )
    return pl.Series([_shape(text, srs) for text, srs in table.iter_rows()], dtype=pl.Binary)


def _shape(text: str | None, srs: str) -> bytes | None:
    if text is None or srs.strip() not in _DEGREES:
        return None
    try:
        return read_wkt(text)
    except InputError:
        return None
