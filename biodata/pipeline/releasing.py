"""From the lake to a release in one call."""

import logging
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import select

from biodata import assessments, places, sharing
from biodata.core import terms
from biodata.core.errors import NoReleaseError, SharingError
from biodata.core.settings import Settings
from biodata.harmonise.rematch import taxon_statuses
from biodata.pipeline.changing import basis, find, unchanged_tables
from biodata.pipeline.leak_check import DECIDED_BY, HIDDEN, LeakReport, hidden_of, hidden_records, look
from biodata.sharing.plan import fault_message, named_dataset
from biodata.store import floor_set, folders, jobs, releases, sharing_memory, withheld_since
from biodata.store.consents import SHARED, Consents, ask_nodes
from biodata.store.lake import Lake
from biodata.store.models import Submission, SubmissionView
from biodata.store.published_events import published_events
from biodata.store.registry import Registry
from biodata.store.rules_in_force import keep, remember, rules_in_force, stated_licences, withheld_by_list
from biodata.store.survey_steps import JOB, WAITING, outdated

_BATCH_ROWS: Final = 200_000
"""Names are resolved once a batch."""


class _RefusedError(Exception):
    """The gate refuses the finished file."""


logger = logging.getLogger(__name__)


def release(settings: Settings, *, full: bool = False, progress: bool = False) -> releases.Release:
    """Build a release of what the lake holds now, under today's rules, and make it the current one.

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
        If the finished file states what it must not (`sharing.plan`) even without the datasets that it is about; the release
        before stays then, too.
    """
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        Registry.open(settings) as registry,
        ExitStack() as held,
    ):
        held_back = pl.Series("datasetKey", [], dtype=pl.String)
        while True:
            made, faults = _build(settings, lake, registry, held, held_back, full=full, progress=progress)
            if made is not None:
                break
            faults = faults.with_columns(named_dataset())
            # What the gate refuses is left out with its dataset, and the release is made again without it.
            for name, of_dataset in faults.group_by("datasetKey"):
                logger.warning("dataset %s is held back: %s", name[0], fault_message(of_dataset))
            refused = faults["datasetKey"].unique()
            if refused.is_in(held_back.implode()).any():
                raise SharingError(fault_message(faults))
            held_back = pl.concat([held_back, refused])
        check_again(registry, rules_in_force(settings, lake, planned=False).hash)
    return made


def _build(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    held: ExitStack,
    held_back: pl.Series,
    *,
    full: bool,
    progress: bool,
) -> tuple[releases.Release | None, pl.DataFrame]:
    """Build a release without some datasets; return it, or what the gate refuses. What stays open is put into `held`."""
    boundaries = places.load_boundaries(settings.boundaries)
    gazetteer = places.load_gazetteer(boundaries, settings.gazetteer_file)
    # The version is fixed before it is looked at: what comes meanwhile was not looked at.
    snapshot = lake.snapshot()
    floor_set.pin(settings.data, boundaries)
    current = releases.current(settings.data)
    if current is not None:
        held.enter_context(releases.held_open(current.path))
    logger.info("deciding which records are set apart")
    rules = rules_in_force(settings, lake, snapshot=snapshot)
    plan = rules.plan
    assert plan is not None
    # Kept before anything goes out: what a release that was cut off stated is known to the next.
    keep(settings, lake, registry, rules, snapshot=snapshot)
    datasets = registry.datasets()
    licences = dict(datasets.select("key", "license").iter_rows())
    out = ~named_dataset().is_in(held_back.implode())
    stated = stated_licences(lake, plan, snapshot=snapshot)

    hidden = [HIDDEN.to_frame()]

    def publish(batch: pl.DataFrame) -> pl.DataFrame:
        hidden.append(hidden_of(batch, rules, boundaries=boundaries))
        batch = batch.filter(out)
        # The plan knows what was decided of the others; the gate decides about all of them anew.
        came_coarse = batch.with_row_index("of").filter(pl.col("shared_as").struct.field("category").is_not_null())
        decided = sharing.decide(came_coarse.drop("of"), rules, boundaries=boundaries)
        decided = decided.with_columns(row=came_coarse["of"].gather(decided["row"]))
        return sharing.open_records(batch, rules, boundaries=boundaries, decided=decided, licences=licences)

    now = basis(settings, lake, rules, snapshot=snapshot, licences=licences, stated=stated, held_back=held_back)
    change, then = None, sharing_memory.released(registry, settings.data)
    if not full:
        change = find(lake, rules, then, now, base=current, boundaries=boundaries, gazetteer=gazetteer)
    presences = sharing.presence_rows(
        rules,
        boundaries=boundaries,
        licences=licences,
        stated=stated,
        among=None if change is None else change.presences_of,
    ).filter(out)
    same = {"occurrences"} if change is None else {"occurrences", *unchanged_tables(then, now)}
    agreed = Consents.read(registry, settings)
    results: dict[str, pl.DataFrame] = {}
    for name in terms.PUBLISHED_TABLES:
        if name in same:
            continue
        if name == "taxon_statuses":
            results[name] = taxon_statuses(lake.read("taxa"), boundaries)
            continue
        shown = assessments.published_results(lake, name, rules=rules, boundaries=boundaries)
        if name in SHARED and agreed.asks:
            ask_nodes(registry, name, shown)
        results[name] = agreed.public(name, shown)
    events = None
    if change is None:
        events = published_events(lake, rules, boundaries=boundaries, licences=licences, snapshot=snapshot).filter(out)
    reports: list[LeakReport] = []

    def check(path: Path) -> None:
        keys = None if change is None else change.keys
        changed = None if keys is None else pl.concat([keys, presences["key"]])
        spill = folders.service(settings.data) / "tmp"
        reports.append(look(path, pl.concat(hidden), rules, changed=changed, spill=spill))
        if reports[-1].faults.height:
            raise _RefusedError

    build = partial(
        releases.build,
        lake,
        data=settings.data,
        snapshot=snapshot,
        publish=publish,
        presences=presences,
        plan=plan,
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
        check=check,
        change=change,
        memory_limit=settings.memory_limit,
        progress=progress,
    )
    try:
        made = build()
    except _RefusedError:
        return None, reports[-1].faults
    except releases.StaleChangeError as error:
        logger.info("a whole new release: %s", error)
        return _build(settings, lake, registry, held, held_back, full=True, progress=progress)
    withheld_since.record_presences(registry, presences["key"], snapshot)
    sharing_memory.record_released(registry, settings.data, {"release": made.id, **now})
    held.enter_context(releases.held_open(made.path))
    if lake.snapshot() == snapshot:
        remember(settings, lake, rules)
    (report,) = reports
    registry.record_release(
        made.id,
        snapshot=made.snapshot,
        rules_hash=rules.hash,
        counts=made.counts,
        sensitive=report.counts(),
        withheld=withheld_by_list(report.withheld(), rules),
    )
    return made, report.faults


def look_for_leaks(settings: Settings) -> LeakReport:
    """Hold the current release against the exact places of the sensitive records, as they are under today's rules.

    Parameters
    ----------
    settings : Settings
        The installation.

    Returns
    -------
    LeakReport
        By country and rule, which way records are stated; and what is informed that must not.

    Raises
    ------
    NoReleaseError
        If there is no release.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    made = releases.current(settings.data)
    if made is None:
        raise NoReleaseError
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, snapshot=made.snapshot)
        records = lake.batches("occurrences", columns=DECIDED_BY, snapshot=made.snapshot, batch_rows=_BATCH_ROWS)
        hidden = hidden_records(records, rules, boundaries=boundaries)
        return look(made.path, hidden, rules)


def check_again(registry: Registry, rules_hash: str) -> int:
    """Queue the surveys that wait whose rows other rules let out; return how many it was.

    Their rows are gone at once: what a rule hides from today on is shown to nobody who decides.

    Parameters
    ----------
    registry : Registry
    rules_hash : str
        Of the rules in force.
    """
    waits = Submission.state.in_(set(WAITING) - {"committing"})
    with registry.session() as session, session.begin():
        asked = select(Submission).join(SubmissionView, SubmissionView.submission_id == Submission.id)
        found = session.scalars(asked.where(waits, SubmissionView.rules_hash != rules_hash)).all()
        for submission in found:
            outdated(session, submission)
            submission.job_id = jobs.add(session, JOB, {"submission": submission.id})
        return len(found)
