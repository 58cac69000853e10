"""From the lake's events to what a release may tell of them."""

from collections.abc import Iterable, Mapping
from typing import Final

import duckdb
import polars as pl

from biodata import sharing, terms
from biodata.errors import InputError, StoreError
from biodata.places import BoundarySet
from biodata.sharing.event_ties import FACTS, PLACE, facts_of
from biodata.sharing.events import publish_events
from biodata.sharing.facts import USED
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.siblings import COLUMNS
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.query.shape_text import read_wkt
from biodata.store.releases import Release
from biodata.store.rules_in_force import Batches
from biodata.vocabularies import PATROL_PROTOCOL, SharingCategory

_BATCH_ROWS: Final = 200_000
_COLUMNS: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *COLUMNS, *PLACE})
_NAMED: Final = ("event_key", "datasetKey", "eventID", "parentEventID")
_SAID: Final = ("informationWithheld", "dataGeneralizations")
_DEGREES: Final = ("", "4326", "epsg:4326", "wgs84", "wgs 84", "wgs_84")
"""How a source says that the coordinates of a shape are those of WGS 84."""


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
        The one before. Under the same rules an event that was coarse in it, or not there, stays so: were it told exactly
        since the sensitive record went, whoever has both releases would know where that was.

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
        return lake.batches("occurrences", columns=_COLUMNS, where=where, snapshot=snapshot, batch_rows=_BATCH_ROWS)

    return shown_events(events, batches, lake, rules, boundaries=boundaries, licences=licences, before=before)


def shown_events(
    events: pl.DataFrame, records: Batches, lake: Lake, rules: sharing.RuleSet, *, boundaries: BoundarySet,
    licences: Mapping[str, str | None], before: Release | None,
) -> pl.DataFrame:  # fmt: skip
    """Return what the rules let out of events (`terms.EVENT`), by all records of their datasets; see `published_events`."""
    patrol = pl.col("samplingProtocol").str.to_lowercase().str.starts_with(PATROL_PROTOCOL)
    events = events.filter(~patrol.fill_null(value=False))
    if events.is_empty():
        return pl.DataFrame(schema=terms.schema(terms.SURVEY))
    found = [pl.DataFrame(schema=FACTS)]
    for batch in records():
        decided = sharing.decide(batch, rules, boundaries=boundaries)
        found.append(facts_of(batch, decided, rules, boundaries=boundaries))
    drawn = events.with_columns(
        footprint=_footprints(events),
        # What a publisher says of a place that it made coarser is told with it.
        **{name: pl.col("verbatim").str.json_path_match(f"$.{name}") for name in _SAID},
    )
    kept = None if before is None else _kept(lake, before, rules)
    return publish_events(drawn, pl.concat(found).unique(), rules, boundaries=boundaries, licences=licences, kept=kept)


def _kept(lake: Lake, before: Release, rules: sharing.RuleSet) -> pl.DataFrame | None:
    """Return the events that a release under the same rules did not tell exactly, with a category; None where it is of others.

    Which of its coarse rows is which event nobody can tell: the strictest of the dataset's holds for them all. Where it has
    fewer rows than there were such events some were not there, and all of them stay away.
    """
    try:
        with releases.connect(before.path) as connection:
            rows = connection.execute('SELECT survey_id, "datasetKey", sharing_category AS category FROM surveys').pl()
            (same,) = connection.execute(
                "SELECT value = ? FROM release_info WHERE key = 'rules_hash'", [rules.hash]
            ).fetchall()[0]
        events = lake.read("events", snapshot=before.snapshot, columns=_NAMED)
    except (duckdb.Error, StoreError):
        return None  # it was made by another biodata, which published no events; or its version is not kept
    if not same:
        return None
    upper = events.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = events.join(upper, on=["datasetKey", "eventID"], how="anti")
    opened = rows.filter(pl.col("category") == SharingCategory.OPEN)
    untold = single.join(opened, left_on="event_key", right_on="survey_id", how="anti")
    strictness = pl.col("category").replace_strict({str(c): c.strictness for c in SharingCategory})
    coarse = rows.filter(pl.col("category") != SharingCategory.OPEN).sort(strictness, descending=True)
    strictest = coarse.group_by("datasetKey", maintain_order=True).agg(pl.col("category").first(), shown=pl.len())
    found = untold.with_columns(count=pl.len().over("datasetKey")).join(strictest, on="datasetKey", how="left")
    found = found.with_columns(pl.when(pl.col("shown") == pl.col("count")).then("category"))
    return found.select("event_key", pl.col("category").fill_null(str(SharingCategory.WITHHELD)))


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
