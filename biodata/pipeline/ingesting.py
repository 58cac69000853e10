"""From a source to the lake in one call, with a report whose numbers add up."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import harmonise, places, terms
from biodata.errors import InputError, StoreError
from biodata.harmonise import camera_images
from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.rules import versions as rule_versions
from biodata.ingest import open_source
from biodata.ingest.gbif_download import GbifDownload
from biodata.ingest.layer_copies import store_layers
from biodata.ingest.protocol import DECLARABLE, VerbatimTable
from biodata.pipeline import node_harvest
from biodata.pipeline.report import IngestReport, write_outcomes
from biodata.pipeline.tables import Table, harmonise_table, table_at
from biodata.settings import Settings
from biodata.store import heading_mappings
from biodata.store.lake import CommitReport, Lake
from biodata.store.private_reports import keep_report
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.secret import secret
from biodata.store.tombstones import Tombstones

logger = logging.getLogger(__name__)

Look = Callable[[pl.DataFrame, pl.DataFrame], None]
"""What sees the events and the records of a commit before they are committed."""

KEY_COLUMNS: Final = {"protected_areas": "area_id", "taxa": "taxon_id", "layers": "name"}
"""The column that identifies a row of the tables that are no records."""

_SCOPES: Final = {"taxa": "checklist"}
"""Tables of which a dataset's whole state is given each time, by the column of the dataset."""


@dataclass(frozen=True)
class Moved:
    """What is kept under another identifier: records by the one before, and the events that go for it."""

    records: Mapping[str, str]
    events: Sequence[str]


def ingest(
    source: str,
    paths: Sequence[Path | str],
    settings: Settings,
    *,
    dataset: str | None = None,
    options: Mapping[str, str] | None = None,
    dry_run: bool = False,
    extra: Mapping[str, Any] | None = None,
    complete: bool = False,
    renamed: Mapping[str, str] = MappingProxyType({}),
    gone_events: Sequence[str] = (),
    report_file: Path | None = None,
    look: Look | None = None,
    progress: bool = False,
) -> list[IngestReport]:
    """Read a source, harmonise it and commit it to the lake: all of its tables or none.

    Parameters
    ----------
    source : str
        A name of `biodata.ingest.SOURCES`; or `node`, the folder of a national node (`node_harvest`).
    paths : sequence of path
        What to read; with `gbif` and no path the records are asked of GBIF's download service.
    settings : Settings
        The installation.
    dataset : str, optional
        Key of the dataset for rows that tell none.
    options : mapping of str to str, optional
        What the source can be told besides, such as `encoding`; and what is declared of the dataset's values:
        `calendar`, `datum`, `day_month_order`, `time_zone` and `uncertainty_m`.
    dry_run : bool
        Say what would happen and change nothing.
    extra : mapping, optional
        More to keep with the lake's version: the number of a submission, for example.
    complete : bool
        What is read is the whole state of its dataset: what is not in it goes.
    renamed : mapping of str to str
        Records of the dataset that keep their number under another identifier: before → now.
    gone_events : sequence of str
        Identifiers of the dataset's events that go, since what is read has them under another one.
    report_file : Path, optional
        A CSV file that gets one line for every row: where it went, and its flags.
    look : function of two frames, optional
        Sees the events and the records (`terms.EVENT`, `terms.OCCURRENCE`) that are committed together, before they are.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of IngestReport, one a table

    Raises
    ------
    InputError
        If a file cannot be read; the store is then as it was.
    UnknownSourceError
        If there is no such source.
    """
    if source == node_harvest.SOURCE:
        if options or dataset is not None:
            problem = "what a node shares is taken as its manifest tells it; there is nothing to declare"
            raise InputError(problem, value=", ".join(options or {}) or dataset, code="OPTIONS_UNFIT")
        return node_harvest.harvest([Path(p) for p in paths], settings, dry_run=dry_run)
    told = dict(options or {})
    declared = {name: told.pop(name) for name in DECLARABLE if name in told}
    if source == "survey" and dataset is not None:
        told = _with_kept_headings(told, dataset, settings)
    download = None
    if source == "gbif" and not paths:
        download = GbifDownload(dataset=dataset, options=told, settings=settings, progress=progress)
    opened = download or open_source(source, [Path(p) for p in paths], dataset=dataset, options=told, progress=progress)
    settings.data.mkdir(parents=True, exist_ok=True)
    boundaries, today = places.load_boundaries(settings.boundaries), _now().date()
    tombstones = _tombstones(settings)
    with ExitStack() as stack:
        lake = stack.enter_context(Lake.open(settings.data, memory_limit=settings.memory_limit))
        harmoniser = harmonise.Harmoniser(
            boundaries=boundaries,
            secret=secret(settings.data),
            checklist=_checklist(lake),
            today=today,
            gazetteer=places.load_gazetteer(boundaries, settings.gazetteer_file),
            counted=True,
        )
        tables: list[Table] = []
        seen: dict[str, set[str]] = {}

        def begin(verbatim: VerbatimTable, orders: DateOrders | None = None) -> Table:
            verbatim.declarations = {**verbatim.declarations, **declared}
            verbatim.complete = verbatim.complete or complete
            staging = stack.enter_context(lake.staging()) if verbatim.kind == "occurrences" else None
            report = IngestReport(_dataset_key(verbatim, dataset), verbatim.kind, verbatim.name)
            heard = DateOrders(today=today, declarations=verbatim.declarations)
            images: list[pl.DataFrame] | None = [] if tables and tables[-1].report.table == "events" else None
            return Table(verbatim, report, heard, staging, told_orders=orders, tombstones=tombstones, images=images)

        for number, verbatim in enumerate(opened.read()):
            counted = harmoniser.identities.counted()
            table = begin(verbatim)
            harmonise_table(
                table, harmoniser, boundaries, seen, with_outcomes=report_file is not None, progress=progress
            )
            if download is None and table.orders.decide() and "day_month_order" not in table.verbatim.declarations:
                # Which of two numbers is the day was known only when every row had been heard.
                orders = table.orders
                again = open_source(source, [Path(p) for p in paths], dataset=dataset, options=told, progress=progress)
                harmoniser.identities.count_from(counted)
                table = begin(table_at(again.read(), number), orders=orders)
                table.report.notes += orders.sentences()
                harmonise_table(
                    table, harmoniser, boundaries, seen, with_outcomes=report_file is not None, progress=progress
                )
            table.report.notes += table.orders.contradictions() + table.verbatim.notes
            tables.append(table)
        if download is None and not any(table.report.rows for table in tables):
            problem = "there is nothing in it to take in"
            raise InputError(problem, file=", ".join(Path(p).name for p in paths), code="INPUT_EMPTY")
        if "uncertainty_m" in declared and all(table.report.table != "occurrences" for table in tables):
            problem = f"uncertainty_m is declared of records, and {source} gave none"
            raise InputError(problem, column="uncertainty_m", value=declared["uncertainty_m"], code="OPTIONS_UNFIT")
        _of_submission(tables, dataset, extra or {})
        del harmoniser  # what it remembers takes the memory that the commit needs
        if _tombstones(settings) != tombstones:
            message = "something was withdrawn while the records were read, and may be among them; take them in again"
            raise StoreError(message)
        for together in surveys_of(tables):
            if look is not None:
                look(*_together(together))
            moved = Moved(renamed, gone_events)
            _commit(together, lake, settings, source=source, extra=extra or {}, moved=moved, dry_run=dry_run)
        if not dry_run:
            _register(tables, settings, source)
        if download is not None and not dry_run:
            download.committed()
    if report_file is not None:
        write_outcomes(((table.report, table.outcomes) for table in tables), report_file)
    return [table.report for table in tables]


def _of_submission(tables: Sequence[Table], dataset: str | None, extra: Mapping[str, Any]) -> None:
    """See that what is submitted stays in the dataset that it was submitted to, whatever its rows tell.

    Raises
    ------
    InputError
        If a row is of another one (DATASET_OTHER).
    """
    others = set().union(*(table.datasets for table in tables)) - {dataset} if "submission" in extra else set()
    if others:
        problem = "rows tell that they are of another dataset than the one that they were sent for"
        raise InputError(
            problem,
            column="datasetKey",
            value=min(others),
            expected=f"{dataset}, or no such column",
            code="DATASET_OTHER",
        )


def _with_kept_headings(told: Mapping[str, str], dataset: str, settings: Settings) -> dict[str, str]:
    """Return a survey's options with what was decided about the dataset's headings before."""
    with Registry.open(settings) as registry:
        known = heading_mappings.kept(registry, dataset)
    return {**({"headings": json.dumps(known)} if known else {}), **told}


def _tombstones(settings: Settings) -> Tombstones:
    """Return what was withdrawn."""
    with Registry.open(settings) as registry:
        return Tombstones.read(registry, secret(settings.data))


def _dataset_key(verbatim: VerbatimTable, dataset: str | None) -> str:
    """Return the key of rows that tell none: as asked, as the dataset says, else made from the table's name."""
    return dataset or verbatim.dataset.key or dataset_key(verbatim.name)


def dataset_key(name: str) -> str:
    """Return the key of a dataset of which nothing is told but the name of its file or table.

    Examples
    --------
    >>> dataset_key("Nam Ha 2026.xlsx")
    'nam-ha-2026'
    """
    stem = Path(name).name.split(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "dataset"


def _checklist(lake: Lake) -> pl.DataFrame | None:
    """Return the taxa loaded so far; None where there are none."""
    taxa_so_far = lake.read("taxa")
    return None if taxa_so_far.is_empty() else taxa_so_far


def surveys_of(tables: Sequence[Table]) -> Iterator[list[Table]]:
    """Yield the tables that are committed together: events with the occurrences right after them, others by themselves."""
    events: list[Table] = []
    for table in tables:
        if table.staging is not None:
            yield [*events, table]
            events = []
            continue
        if events:
            yield events
            events = []
        if table.report.table == "events":
            events = [table]
        else:
            yield [table]
    if events:
        yield events


def _commit(
    together: Sequence[Table], lake: Lake, settings: Settings, *, source: str, extra: Mapping[str, Any],
    moved: Moved, dry_run: bool,
) -> None:  # fmt: skip
    """Commit tables as one version, or say what committing would do, and complete their reports."""
    message = f"ingest {source}: {together[-1].report.source}"
    if together[-1].report.table in ("events", "occurrences"):
        _commit_records(together, lake, message=message, extra=extra, moved=moved, dry_run=dry_run)
        return
    for table in together:
        report = table.report
        frame = pl.concat(table.frames) if table.frames else pl.DataFrame()
        if report.table == "layers" and not dry_run:
            frame = store_layers(frame, settings.data / "layers")
        frame = terms.conform(frame, terms.TABLES[report.table])
        if report.table == "layers":
            known = lake.read("layers").select("name", was="theme").join(frame, on="name")
            other = known.filter(pl.col("was") != pl.col("theme")).select("name", "was", "theme")
            report.notes += [f"layer {name} was {was} and is {now} from now on" for name, was, now in other.iter_rows()]
        scope = _SCOPES.get(report.table)
        outcome = lake.commit_table(
            report.table,
            frame,
            key=KEY_COLUMNS[report.table],
            scope={scope: report.dataset} if scope else None,
            author="ingest",
            message=message,
            extra=extra,
            dry_run=dry_run,
        )
        _complete(report, outcome, dry_run=dry_run)


def _commit_records(
    together: Sequence[Table], lake: Lake, *, message: str, extra: Mapping[str, Any], moved: Moved, dry_run: bool
) -> None:  # fmt: skip
    """Commit occurrences with the events before them, and complete their reports."""
    records = next((table for table in together if table.staging is not None), None)
    events = next((table for table in together if table.staging is None), None)
    # By what these records were interpreted; `stories` tells it.
    by = {
        "biodata": version("biodata"),
        "rules": rule_versions(),
        "declared": dict(together[-1].verbatim.declarations),
    }
    whole = set().union(*(table.datasets for table in together)) if together[-1].verbatim.complete else set[str]()
    without_ids, before = 0, 0
    if records is not None:
        without_ids = records.report.flags.get("OCCURRENCE_ID_FROM_CONTENT", 0)
        where = In("datasetKey", tuple(sorted(records.datasets)))
        before = lake.count("occurrences", where=where) if without_ids else 0
    with ExitStack() as stack:
        staged = records.staging if records is not None else None
        outcome, of_events = lake.commit_survey(
            staged or stack.enter_context(lake.staging()),
            _events(events, records),
            author="ingest",
            message=message,
            extra={**extra, **by},
            renamed=[(together[-1].report.dataset, was, now) for was, now in moved.records.items()],
            gone_events=[] if events is None else [f"{events.report.dataset}:{was}" for was in moved.events],
            complete_datasets=whole,
            gone=records.verbatim.gone if records is not None else (),
            dry_run=dry_run,
        )
    if records is not None:
        _complete(records.report, outcome, dry_run=dry_run)
        if before and outcome.new:
            records.report.notes.append(
                f"these rows have no identifier, so they are known again only where every cell is as it was: {outcome.new} are "
                f"new, and {before} records that were there stay beside them. If this is a new state of an earlier file, give "
                "both a column occurrenceID, or another --dataset"
            )
    if events is not None:
        _complete(events.report, of_events, dry_run=dry_run)


def _together(together: Sequence[Table]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events and the records of tables that are committed together."""
    records = next((table for table in together if table.staging is not None), None)
    events = next((table for table in together if table.report.table == "events"), None)
    staged = records.staging.read("occurrences") if records is not None and records.staging is not None else None
    return (
        terms.conform(_events(events, records), terms.EVENT),
        pl.DataFrame(schema=terms.schema(terms.OCCURRENCE)) if staged is None else staged,
    )


def _events(events: Table | None, records: Table | None) -> pl.DataFrame:
    """Return the events, with what their records tell of cameras' clocks."""
    if events is None or not events.frames:
        return pl.DataFrame()
    frame = pl.concat(events.frames)
    if records is None or not records.images:  # a table without any record has no batch that tells the columns
        return frame
    found = camera_images.clock_faults(frame, pl.concat(records.images), records.verbatim.images)
    frame = camera_images.flagged(frame, found)
    events.report.flags = dict(sorted(Counter(frame["quality_flags"].explode().drop_nulls()).items()))
    return frame


def _complete(report: IngestReport, outcome: CommitReport, *, dry_run: bool) -> None:
    """Put the commit's counts into the report and see that they add up."""
    report.refusals += outcome.refusals
    report.refused = len(report.refusals)
    report.new, report.changed, report.unchanged = outcome.new, outcome.changed, outcome.unchanged
    report.stored, report.gone = outcome.new + outcome.changed, outcome.gone
    report.snapshot = None if dry_run else outcome.snapshot
    if report.rows != report.stored + report.unchanged + report.refused:
        message = (
            f"{report.source}: {report.rows} rows were read but {report.stored} stored, "
            f"{report.unchanged} unchanged and {report.refused} refused"
        )
        raise StoreError(message)
    logger.info("%s: %d rows, %d stored, %d refused", report.source, report.rows, report.stored, report.refused)


def _register(tables: Sequence[Table], settings: Settings, source: str) -> None:
    """Put what is known of the datasets, and the reports, into the registry."""
    with Registry.open(settings) as registry:
        for table in tables:
            facts = {key: table.verbatim.datasets.get(key, table.verbatim.dataset) for key in sorted(table.datasets)}
            registry.record_datasets(facts, declarations=table.verbatim.declarations)
            number = registry.record_ingest(source, table.report.without_values())
            keep_report(settings.data, f"ingest-{number}", table.report.as_dict())


def _now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
