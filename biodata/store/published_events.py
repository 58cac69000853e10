"""From the lake's events to what a release may tell of them."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata import sharing
from biodata.core import terms
from biodata.places import BoundarySet
from biodata.sharing.events import publish_events
from biodata.store.event_footprints import footprints, is_patrol
from biodata.store.lake import Lake

_SAID: Final = ("informationWithheld", "dataGeneralizations")


def published_events(
    lake: Lake, rules: sharing.RuleSet, *, boundaries: BoundarySet, licences: Mapping[str, str | None],
    snapshot: int | None = None, events: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Return the events (`terms.EVENT`; the lake's where none are given) as rules with a plan let them out, as `terms.SURVEY`.

    Days and ways of patrols are let out by no rule: they would tell poachers when and where rangers walk.
    """
    events = (lake.read("events", snapshot=snapshot) if events is None else events).filter(~is_patrol())
    if events.is_empty():
        return pl.DataFrame(schema=terms.schema(terms.SURVEY))
    drawn = events.with_columns(
        footprint=footprints(events),
        # What a publisher says of a place that it made coarser is published with it.
        **{name: pl.col("verbatim").str.json_path_match(f"$.{name}") for name in _SAID},
    )
    return publish_events(drawn, rules, boundaries=boundaries, licences=licences)
