"""From the lake's events to what a release may tell of them."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata import sharing, terms
from biodata.errors import InputError
from biodata.places import BoundarySet
from biodata.sharing.event_ties import FACTS, PLACE, facts_of
from biodata.sharing.events import publish_events
from biodata.sharing.facts import USED
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.siblings import COLUMNS
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.query.shape_text import read_wkt

_BATCH_ROWS: Final = 200_000
_COLUMNS: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *COLUMNS, *PLACE})
_DEGREES: Final = ("", "4326", "epsg:4326", "wgs84", "wgs 84", "wgs_84")
"""How a source says that the coordinates of a shape are those of WGS 84."""


def published_events(
    lake: Lake,
    rules: sharing.RuleSet,
    *,
    boundaries: BoundarySet,
    licences: Mapping[str, str | None],
    snapshot: int | None = None,
) -> pl.DataFrame:
    """Return the events of the lake that the rules let out.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
        Those in force, with what ties records (`rules_in_force`).
    boundaries : BoundarySet
        Whose land the floor counts.
    licences : mapping of str to str or None
        Licence of each dataset by its key.
    snapshot : int, optional
        The version; today's where none is given.

    Returns
    -------
    polars.DataFrame of `terms.SURVEY`

    Notes
    -----
    All records of the events' datasets are looked at, whatever a release adds to: a new one can hide an older event.
    """
    events = lake.read("events", snapshot=snapshot)
    if events.is_empty():
        return pl.DataFrame(schema=terms.schema(terms.SURVEY))
    where = In("datasetKey", tuple(events["datasetKey"].drop_nulls().unique().sort()))
    found = [pl.DataFrame(schema=FACTS)]
    for batch in lake.batches("occurrences", columns=_COLUMNS, where=where, snapshot=snapshot, batch_rows=_BATCH_ROWS):
        decided = sharing.decide(batch, rules, boundaries=boundaries)
        found.append(facts_of(batch, decided, rules, boundaries=boundaries))
    drawn = events.with_columns(footprint=_footprints(events))
    return publish_events(drawn, pl.concat(found).unique(), rules, boundaries=boundaries, licences=licences)


def _footprints(events: pl.DataFrame) -> pl.Series:
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
