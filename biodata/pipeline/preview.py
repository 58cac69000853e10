"""What an upload would publish: harmonised, judged beside all that its dataset has, and let out by `sharing`; nothing is kept."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from biodata import places, sharing
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.pipeline.reading import Interpreted, Opened, interpreting
from biodata.places import BoundarySet
from biodata.sharing.plan import Plan
from biodata.store import releases, sharing_memory
from biodata.store.lake import Lake
from biodata.store.published_events import published_events, rows_of
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.rules_in_force import JUDGED, rules_in_force

_BATCH_ROWS: Final = 200_000
_IDENTITY: Final = "source_record_id"
_COUNTRIES: Final = ("country_codes", "countryCode")
_NUMBERS: Final = ("occurrenceID", "eventID", "parentEventID")
"""A source's own numbers, which whoever decides about a survey knows its rows by."""


@dataclass(frozen=True, eq=False)
class Preview:
    """What a release would tell of an upload.

    Attributes
    ----------
    occurrences : polars.DataFrame of `terms.PUBLISHED_OCCURRENCE`
        Records that the rules let out, with their source's own numbers; of a sensitive one what is published of it. One
        that the dataset has already has its key.
    events : polars.DataFrame of `terms.SURVEY`
        Events, with the counts of the upload's own published records.
    before : polars.DataFrame of `terms.PUBLISHED_OCCURRENCE`
        What the current release has of the dataset, in the same way.
    events_before : frozenset of str
        Identifiers of the events that it tells of it.
    gone : tuple of int
        Numbers of records that would not be stated any more: those that go, and those that no rule lets out from now on.
    touched : frozenset of str
        The countries that records of the dataset lie in which go, or which the upload tells anew: it is theirs, too.
    withheld : polars.Series of list of str
        The countries that each record that no rule lets out may lie in.
    waiting : polars.DataFrame
        `countries` of each record that waits for more places, and how many `places` there are.
    rules_hash : str
        Of the rules.
    records, had : polars.DataFrame
        The upload's records, and what the dataset has: `identifier`, `key`.
    event_places, had_events : polars.DataFrame
        Events of the upload and of the dataset: `identifier`, `countries`.
    """

    occurrences: pl.DataFrame
    events: pl.DataFrame
    before: pl.DataFrame
    events_before: frozenset[str]
    gone: tuple[int, ...]
    touched: frozenset[str]
    withheld: pl.Series
    waiting: pl.DataFrame
    rules_hash: str
    records: pl.DataFrame
    had: pl.DataFrame
    event_places: pl.DataFrame
    had_events: pl.DataFrame


def preview(read: Interpreted, lake: Lake, settings: Settings, *, dataset: str) -> Preview:
    """Return what a release would tell of a part of a dataset, taken in as it was read, under today's rules.

    Parameters
    ----------
    read : Interpreted
        The part, as it would be.
    lake, settings, dataset
        As `ingest` has them.

    Raises
    ------
    StoreError
        If something was withdrawn since it was read.

    Notes
    -----
    It is made by what makes a release, of the same records: those of the upload, and beside them those of the dataset's
    other parts, which may tie them to sensitive ones. So it states no more than the release after it would.
    """
    events, brought = read.frames()
    boundaries, where = places.load_boundaries(settings.boundaries), Compare("datasetKey", "=", dataset)
    current = releases.current(settings.data)
    with Registry.open(settings) as registry, ExitStack() as held:
        if current is not None:
            held.enter_context(releases.held_open(current.path))
        columns = ["key", _IDENTITY, "dataset_part", *_COUNTRIES, *_NUMBERS]
        known = lake.read("occurrences", columns=columns, where=where)
        known = known.drop_nulls(["key", _IDENTITY])
        had = known.select("key", identifier=_IDENTITY)
        its_events = lake.read("events", where=where)
        had_events = _of_events(its_events)
        numbers = pl.coalesce(pl.col("known"), pl.col("key"))
        brought = (
            brought.join(known.select(_IDENTITY, known="key"), on=_IDENTITY, how="left", maintain_order="left")
            .with_columns(key=numbers)
            .drop("known")
        )
        absent = known.filter(~pl.col(_IDENTITY).is_in(brought[_IDENTITY].implode()))
        own = pl.col("dataset_part").eq_missing(read.part)
        going, others = absent.filter(own)["key"], absent.filter(~own)["key"]

        def records() -> Iterable[pl.DataFrame]:
            if others.len():
                for batch in lake.batches("occurrences", columns=JUDGED, where=where, batch_rows=_BATCH_ROWS):
                    yield batch.filter(pl.col("key").is_in(others.implode()))
            yield brought

        kept_events = its_events.filter(~own).join(events, on="eventID", how="anti")
        every_event = terms.conform(pl.concat([events, kept_events], how="diagonal_relaxed"), terms.EVENT)
        rules = rules_in_force(settings, lake, among=records, events=every_event)
        licences = dict(registry.datasets().select("key", "license").iter_rows())
        plan = rules.plan
        assert plan is not None
        opened = sharing.open_records(brought, _own(rules, plan), boundaries=boundaries, licences=licences)
        apart = brought.filter(pl.col("key").is_in(plan.apart.hidden["key"].implode()))
        published = pl.concat([opened, _as_presences(apart, rules, boundaries)])
        shown = published_events(lake, _own(rules, plan), boundaries=boundaries, licences=licences, events=events)
        before = _published_now(current, "occurrences", where, terms.PUBLISHED_OCCURRENCE)
        before = before.filter(pl.col("key").is_in(had["key"].implode()))
        if current is not None:
            memory = replace(plan, apart=sharing_memory.read(registry, settings.data))
            presences = _as_presences(had, replace(rules, plan=memory), boundaries)
            before = pl.concat([before, presences.join(before, on="key", how="anti")])
        of_events = _published_now(current, "surveys", where, terms.SURVEY)
        by_mark = _by_mark(plan, [known, brought.select(_NUMBERS), every_event])
        before = before.with_columns(pl.col(_NUMBERS).replace(by_mark))
        events_before = of_events["eventID"].replace(by_mark).drop_nulls()
    read.check_withdrawn(settings)
    hidden = brought.join(published.select("key"), on="key", how="anti")
    waiting = hidden.join(plan.apart.waiting, on="key")
    touched = known.filter(~pl.col("key").is_in(others.implode()))
    return Preview(
        published,
        rows_of(published, shown),
        before,
        frozenset(events_before),
        (*going, *hidden["key"]),
        frozenset(_countries(touched).explode().drop_nulls()),
        _countries(hidden.join(waiting, on="key", how="anti")),
        waiting.select("places").with_columns(_countries(waiting)),
        rules.hash,
        brought.select("key", identifier=_IDENTITY),
        had,
        _of_events(events),
        had_events,
    )


def _own(rules: sharing.RuleSet, plan: Plan) -> sharing.RuleSet:
    """Return rules that leave the source's own numbers as they are."""
    return replace(rules, plan=replace(plan, apart=replace(plan.apart, marked=plan.apart.marked.clear())))


def _by_mark(plan: Plan, frames: Iterable[pl.DataFrame]) -> dict[str, str]:
    """Return a source's own numbers by the marks that are published of them."""
    columns = [frame[name] for frame in frames for name in _NUMBERS if name in frame.columns]
    own = pl.concat(columns).drop_nulls().unique()
    return dict(zip(plan.mark(own), own, strict=True))


def _as_presences(records: pl.DataFrame, rules: sharing.RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what is published of sensitive records, without those of which nothing is."""
    return sharing.as_published(records, rules, boundaries=boundaries).drop_nulls("sharing_category")


def _of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return where events lie, by what their files call them."""
    return events.select(identifier=pl.col("eventID"), countries=pl.col("country_codes").fill_null([]))


def _countries(records: pl.DataFrame) -> pl.Series:
    """Return the countries that each record may lie in, or is said to."""
    return records.select(countries=countries_of(records))["countries"]


def interpreted(
    source: str, paths: Sequence[Path], settings: Settings, *, dataset: str, part: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events and the records that an upload would bring into the lake, as `Interpreted.frames` does."""
    opened = Opened(source, paths, settings, dataset=dataset)
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        interpreting(opened, lake, settings, part=part, counted=False) as read,
    ):
        return read.frames()


def _published_now(
    current: releases.Release | None, table: str, where: Compare, columns: Sequence[terms.Column]
) -> pl.DataFrame:
    """Return what the current release tells of a dataset in one of its tables, of these columns."""
    if current is None:
        return pl.DataFrame(schema=terms.schema(columns))
    return releases.read(current, table, where=where)


def countries_of(rows: pl.DataFrame) -> pl.Expr:
    """Return the countries of each row of `terms.OCCURRENCE`, `terms.EVENT` or what is published of them: a sorted list."""
    codes = [pl.col("country_codes").fill_null([])]
    if "countryCode" in rows.columns:
        codes.append(pl.concat_list("countryCode").list.drop_nulls())
    return pl.concat_list(codes).list.unique().list.sort()
