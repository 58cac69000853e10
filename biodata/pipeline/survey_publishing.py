"""From the lake's events to what a release may tell of them."""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from biodata import sharing, terms
from biodata.pipeline.event_footprints import footprints, is_patrol
from biodata.pipeline.kept_coarse import kept_events
from biodata.places import BoundarySet
from biodata.sharing.event_ties import FACTS, PLACE, facts_of
from biodata.sharing.events import publish_events
from biodata.sharing.facts import USED
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.siblings import COLUMNS
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.releases import Release
from biodata.store.rules_in_force import Batches

_BATCH_ROWS: Final = 200_000
JUDGED_BY: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *COLUMNS, *PLACE})
"""Of the records: what decides how they, and the events and records beside them, are told."""
_SAID: Final = ("informationWithheld", "dataGeneralizations")


def published_events(
    lake: Lake,
    rules: sharing.RuleSet,
    *,
    boundaries: BoundarySet,
    licences: Mapping[str, str | None],
    snapshot: int | None = None,
    before: Release | None = None,
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
    before : Release, optional
        The one before. Under the same rules an event that was coarse in it or in earlier ones, or not there, stays so: were
        it told exactly since the sensitive record went, whoever has both releases would know where that was (`kept_coarse`).

    Returns
    -------
    polars.DataFrame of `terms.SURVEY`

    Notes
    -----
    All records of the events' datasets are looked at, whatever a release adds to: a new one can hide an older event. Days and
    ways of patrols are let out by no rule: they would tell poachers when and where rangers walk.
    """
    events = lake.read("events", snapshot=snapshot)
    where = In("datasetKey", tuple(events["datasetKey"].drop_nulls().unique().sort()))

    def batches() -> Iterable[pl.DataFrame]:
        return lake.batches("occurrences", columns=JUDGED_BY, where=where, snapshot=snapshot, batch_rows=_BATCH_ROWS)

    return shown_events(events, batches, lake, rules, boundaries=boundaries, licences=licences, before=before)


def shown_events(
    events: pl.DataFrame, records: Batches, lake: Lake, rules: sharing.RuleSet, *, boundaries: BoundarySet,
    licences: Mapping[str, str | None], before: Release | None,
) -> pl.DataFrame:  # fmt: skip
    """Return what the rules let out of events (`terms.EVENT`), by all records of their datasets; see `published_events`."""
    events = events.filter(~is_patrol())
    if events.is_empty():
        return pl.DataFrame(schema=terms.schema(terms.SURVEY))
    found = [pl.DataFrame(schema=FACTS)]
    for batch in records():
        decided = sharing.decide(batch, rules, boundaries=boundaries)
        found.append(facts_of(batch, decided, rules, boundaries=boundaries))
    drawn = events.with_columns(
        footprint=footprints(events),
        # What a publisher says of a place that it made coarser is told with it.
        **{name: pl.col("verbatim").str.json_path_match(f"$.{name}") for name in _SAID},
    )
    kept = None if before is None else kept_events(events, lake, rules, before=before)
    return publish_events(drawn, pl.concat(found).unique(), rules, boundaries=boundaries, licences=licences, kept=kept)
