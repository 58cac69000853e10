"""From the lake to a release in one call."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

import polars as pl

from biodata import assessments, places, sharing, terms
from biodata.errors import NoReleaseError
from biodata.pipeline import kept_coarse
from biodata.pipeline.leak_check import LeakCheck, LeakReport
from biodata.pipeline.survey_publishing import published_events
from biodata.pipeline.views_again import check_again
from biodata.settings import Settings
from biodata.sharing.lists import withheld_by_list
from biodata.store import floor_set, kept_places, kept_ties, releases
from biodata.store.consents import SHARED, Consents
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force, ties_older
from biodata.store.shared_outputs import put_down
from biodata.store.staging import WorkFolder

logger = logging.getLogger(__name__)


def release(settings: Settings, *, full: bool = False, progress: bool = False) -> releases.Release:
    """Build a release of what the lake holds now, under today's rules, and make it the current one.

    What a release made coarse stays coarse, and so may what is tied to that. So it is built again until this changes
    nothing: a later release of the same lake is the same.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are the last version that its registry has.
    full : bool
        Make a whole new file, even where adding to the release before would do.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is not enough room; the release before stays the current one.
    SharingError
        If the finished file tells a place that it must not (`leak_check`); the release before stays then, too.
    """
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        Registry.open(settings) as registry,
        ExitStack() as held,
    ):
        assessments.assess(settings, lake=lake)
        made, events = _build(settings, lake, registry, held, full=full, progress=progress)
        while settings.keep_ties and _changes(settings, lake, registry, made, events):
            logger.info("building again: what is coarse now makes others coarse")
            before = made
            made, events = _build(settings, lake, registry, held, full=True, progress=progress)
            if made.id == before.id:
                break
        rules = rules_in_force(settings, lake, tied=False)
        check_again(registry, rules.hash)
    return made


def _changes(settings: Settings, lake: Lake, registry: Registry, made: releases.Release, events: pl.DataFrame) -> bool:
    """Tell whether a release that follows one of the same lake, which told these events, would be another one."""
    rules = rules_in_force(settings, lake)
    if ties_older(lake, rules, made):
        return True
    licences = dict(registry.datasets().select("key", "license").iter_rows())
    boundaries = places.load_boundaries(settings.boundaries)
    following = published_events(
        lake, rules, boundaries=boundaries, licences=licences, snapshot=made.snapshot, before=made
    )
    return not following.sort("survey_id").equals(events.sort("survey_id"))


def _build(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    held: ExitStack,
    *,
    full: bool,
    progress: bool,
) -> tuple[releases.Release, pl.DataFrame]:
    """Build a release once, and return it with the lake's events in it; what stays open is put into `held`."""
    boundaries = places.load_boundaries(settings.boundaries)
    gazetteer = places.load_gazetteer(boundaries, settings.gazetteer_file)
    # The version is fixed before it is looked at: what comes meanwhile may tie records of it, and was not looked at.
    snapshot = lake.snapshot()
    floor_set.pin(settings.data, boundaries)
    logger.info("looking which records are tied to sensitive ones")
    rules = rules_in_force(settings, lake)
    if rules.siblings is not None:
        kept_places.remember(lake, rules.siblings)
    before = releases.current(settings.data)
    if before is not None:
        held.enter_context(releases.held_open(before.path))
    full = full or (before is not None and ties_older(lake, rules, before))
    work = held.enter_context(WorkFolder(settings.data / "staging"))
    leaks = LeakCheck(work.folder / "exact")
    datasets = registry.datasets()
    licences = dict(datasets.select("key", "license").iter_rows())

    def publish(batch: pl.DataFrame) -> pl.DataFrame:
        decided = sharing.decide(batch, rules, boundaries=boundaries)
        leaks.put_aside(batch, decided)
        return sharing.publish(batch, rules, boundaries=boundaries, decided=decided, licences=licences)

    agreed = Consents.read(registry, settings)
    results = {}
    for name in terms.PUBLISHED_TABLES:
        if name == "occurrences":
            continue
        shown = assessments.published_results(lake, name, rules=rules, boundaries=boundaries)
        if name in SHARED and agreed.asks:
            put_down(registry, name, shown)
        results[name] = agreed.public(name, shown)
    events = published_events(
        lake,
        rules,
        boundaries=boundaries,
        licences=licences,
        snapshot=snapshot,
        before=before if settings.keep_ties else None,
    )
    made = releases.build(
        lake,
        data=settings.data,
        snapshot=snapshot,
        publish=publish,
        results=results,
        boundaries=boundaries,
        rules_hash=rules.hash,
        datasets=datasets,
        events=events,
        assess=lambda parts: assessments.of_release(
            parts,
            gazetteer=gazetteer,
            work=settings.data / "staging",
            rows_told=assessments.unidentified(lake),
        ),
        assess_columns=assessments.RELEASE_COLUMNS,
        check=leaks.refuse_leaks,
        full=full,
        memory_limit=settings.memory_limit,
        progress=progress,
    )
    held.enter_context(releases.held_open(made.path))
    kept_ties.remember(settings.data, made, older=settings.keep_ties)
    kept_places.remember_told(lake)
    kept_coarse.remember(lake, rules, made=made, before=before if settings.keep_ties else None)
    told, withheld = {}, {}
    if leaks.report is not None:
        told, withheld = leaks.report.counts(), withheld_by_list(leaks.report.withheld(), rules)
    if before is not None and releases.was_added_to(made):
        # Only the additions were looked at; the others were when the release before was made.
        older = registry.sensitive_counts(before.id)
        told, withheld = _added(told, older["sensitive"]), _added(withheld, older["withheld"])
    registry.record_release(
        made.id,
        snapshot=made.snapshot,
        rules_hash=rules.hash,
        counts=made.counts,
        sensitive=told,
        withheld=withheld,
    )
    return made, events


def _added(some: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {name: some.get(name, 0) + others.get(name, 0) for name in sorted({*some, *others})}


def look_for_leaks(settings: Settings) -> LeakReport:
    """Hold the current release against the exact places of the sensitive records, as they are under today's rules.

    Parameters
    ----------
    settings : Settings
        The installation.

    Returns
    -------
    LeakReport
        By country and rule, which way records are told; and what is told that must not.

    Raises
    ------
    NoReleaseError
        If there is no release.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    made = releases.current(settings.data)
    if made is None:
        raise NoReleaseError
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        WorkFolder(settings.data / "staging") as work,
    ):
        rules = rules_in_force(settings, lake)
        leaks = LeakCheck(work.folder / "exact")
        for batch in lake.batches("occurrences", snapshot=made.snapshot):
            leaks.put_aside(batch, sharing.decide(batch, rules, boundaries=boundaries))
        return leaks.look(made.path)
