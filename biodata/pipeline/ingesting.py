"""From a source to the lake in one call, with a report whose numbers add up."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import lists, places
from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.harmonise.names import NAME_COLUMNS, NAME_FLAGS, NAME_TERMS
from biodata.harmonise.rematch import Resolution
from biodata.harmonise.rules import versions as rule_versions
from biodata.ingest.layer import store_layers
from biodata.pipeline import node_harvest
from biodata.pipeline.descriptions import missing, of_table
from biodata.pipeline.reading import Hear, Interpreted, Opened, interpreting, with_clock_faults
from biodata.pipeline.report import IngestReport, write_outcomes
from biodata.pipeline.tables import Table
from biodata.store.lake import CommitReport, Lake
from biodata.store.private_reports import keep_report
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.text.reference_list import reference_list

logger = logging.getLogger(__name__)

KEY_COLUMNS: Final = {"protected_areas": "area_id", "taxa": "taxon_id", "layers": "name"}
"""The column that identifies a row of the tables that are no records."""

_CHANGES_SHOWN: Final = 50
_SCOPES: Final = {"taxa": "checklist"}
"""Tables of which a dataset's whole state is given each time, by the column of the dataset."""


def ingest(
    source: str,
    paths: Path | str | Sequence[Path | str],
    settings: Settings,
    *,
    dataset: str | None = None,
    options: Mapping[str, str] | None = None,
    dry_run: bool = False,
    extra: Mapping[str, Any] | None = None,
    part: str | None = None,
    hear: Hear | None = None,
    report_file: Path | None = None,
    progress: bool = False,
) -> list[IngestReport]:
    """Read a source, harmonise it and commit it to the lake: all of its tables or none.

    Parameters
    ----------
    source : str
        A name of `biodata.ingest.SOURCES`; or `node`, the folder of a national node (`node_harvest`).
    paths : path or sequence of path
        What to read.
    settings : Settings
        The installation.
    dataset : str, optional
        Key of the dataset for rows that state none.
    options : mapping of str to str, optional
        What the source can be stated besides, such as `encoding`; and what is declared of the dataset's values:
        `calendar`, `datum`, `day_month_order`, `time_zone` and `uncertainty_m`; and what is stated of the dataset:
        `title`, `license`, `citation` and `doi`.
    dry_run : bool
        Say what would happen and change nothing.
    extra : mapping, optional
        More to keep with the lake's version: the number of a submission, for example.
    part : str, optional
        The part of its dataset that is read, as a team names it: what the dataset has of that part goes, all of it, and
        what is read stands in its place; its other parts stay.
    hear : function, optional
        `reading.Hear`: what the caller knows of the tables besides, such as where they came from.
    report_file : Path, optional
        A CSV file that gets one line for every row: where it went, and its flags.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of IngestReport, one a table

    Raises
    ------
    InputError
        If a file cannot be read, or holds an identifier of another part; the store is then as it was.
    UnknownSourceError
        If there is no such source.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, Path | str) else paths)]
    if source == node_harvest.SOURCE:
        if options or dataset is not None:
            problem = "what a node shares is taken as its manifest tells it; there is nothing to declare"
            raise InputError(problem, value=", ".join(options or {}) or dataset, code="OPTIONS_UNFIT")
        return node_harvest.harvest(files, settings, dry_run=dry_run)
    opened = Opened(source, files, settings, dataset=dataset, options=options or {}, progress=progress)
    settings.data.mkdir(parents=True, exist_ok=True)
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        interpreting(
            opened, lake, settings, extra=extra or {}, part=part, hear=hear, with_outcomes=report_file is not None
        ) as read,
    ):
        reports = commit(read, lake, settings, extra=extra or {}, dry_run=dry_run)
        if report_file is not None:
            write_outcomes(((table.report, table.outcomes) for table in read.tables), report_file)
    return reports


def commit(
    read: Interpreted, lake: Lake, settings: Settings, *, extra: Mapping[str, Any] = MappingProxyType({}),
    check: Callable[[], None] = lambda: None, dry_run: bool = False,
) -> list[IngestReport]:  # fmt: skip
    """Commit what was read to the lake, all of its tables or none; once.

    Parameters
    ----------
    read : Interpreted
    lake, settings, extra, dry_run
        As `ingest` has them.
    check : function, optional
        Called when nobody else can write records and events; what it raises keeps them out.

    Returns
    -------
    list of IngestReport, one a table

    Raises
    ------
    StoreError
        If something was withdrawn since it was read.
    InputError
        With IDENTIFIER_IN_TWO_PARTS, if another part of the dataset has a row of it.
    """

    def still() -> None:
        read.check_withdrawn(settings)
        check()

    read.check_withdrawn(settings)
    groups = list(read.surveys())
    if read.part is not None and len(groups) > 1:
        _commit_part(groups, lake, read=read, part=read.part, extra=extra, check=still, dry_run=dry_run)
        groups = []
    for together in groups:
        _commit(together, lake, settings, read=read, extra=extra, check=still, dry_run=dry_run)
    if not dry_run:
        _register(read, settings, submission=extra.get("submission"))
    if "submission" not in extra:
        read.tables[-1].report.notes += missing(read.tables, read.source, read.stated, settings)
    return [table.report for table in read.tables]


def _commit(
    together: Sequence[Table], lake: Lake, settings: Settings, *, read: Interpreted, extra: Mapping[str, Any],
    check: Callable[[], None], dry_run: bool,
) -> None:  # fmt: skip
    """Commit tables as one version, or say what committing would do, and complete their reports."""
    message = f"ingest {read.source}: {together[-1].report.source}"
    if together[-1].report.table in ("events", "occurrences"):
        _commit_records(together, lake, message=message, extra=extra, part=read.part, check=check, dry_run=dry_run)
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
        if report.table == "taxa":
            known_taxa = lake.read("taxa")
            own = pl.col("checklist") == report.dataset
            before, others = known_taxa.filter(own), known_taxa.filter(~own)
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
        if report.table == "taxa" and outcome.changes:
            resolved = resolve_names(lake, settings, taxa=pl.concat([others, frame]), dry_run=dry_run)
            report.notes.append(str(resolved))
            report.notes += _changed_statuses(lake, before, frame)


def _changed_statuses(lake: Lake, before: pl.DataFrame, now: pl.DataFrame) -> list[str]:
    """Return a sentence for each status that a list's new version changed, with the records of that name; 50 at most.

    Of a list that is new, return how many statuses of each kind it has.
    """
    if before.is_empty():
        kinds = lists.statuses(now)["kind"].value_counts(sort=True)
        return (
            [f"statuses: {', '.join(f'{number} {kind}' for kind, number in kinds.iter_rows())}"] if kinds.height else []
        )
    changed = lists.changes(before, now)
    names = changed["scientificName"].unique()
    asked = In("species", tuple(changed.head(_CHANGES_SHOWN)["scientificName"].unique()))
    records = lake.read("occurrences", columns=["species"], where=asked)["species"]
    count = dict(records.value_counts().iter_rows())
    sentences = [
        f"{row['scientificName']}: {row['kind']} in {row['area']} was {row['was'] or 'not stated'} and is "
        f"{row['now'] or 'not stated'} ({count.get(row['scientificName'], 0)} records)"
        for row in changed.head(_CHANGES_SHOWN).iter_rows(named=True)
    ]
    if sentences:
        sentences.insert(0, f"{changed.height} statuses of {len(names)} names changed")
    return sentences


def _commit_records(
    together: Sequence[Table], lake: Lake, *, message: str, extra: Mapping[str, Any], part: str | None,
    check: Callable[[], None], dry_run: bool,
) -> None:  # fmt: skip
    """Commit occurrences with the events before them, and complete their reports."""
    records = next((table for table in together if table.staging is not None), None)
    events = next((table for table in together if table.staging is None), None)
    is_whole = together[-1].verbatim.complete and part is None
    whole = set().union(*(table.datasets for table in together)) if is_whole else set[str]()
    told_gone = () if records is None else records.verbatim.gone
    without_ids, before = 0, 0
    if records is not None:
        without_ids = records.report.flags.get("OCCURRENCE_ID_FROM_CONTENT", 0)
        where = In("datasetKey", tuple(sorted(records.datasets)))
        before = lake.count("occurrences", where=where) if without_ids else 0
    with ExitStack() as stack:
        staged = records.staging if records is not None else None
        outcome, of_events = lake.commit_survey(
            staged or stack.enter_context(lake.staging()),
            with_clock_faults(events, records) or stack.enter_context(lake.row_files("events")),
            author="ingest",
            message=message,
            extra={**extra, **_by(together[-1:])},
            part=None if part is None else (together[-1].report.dataset, part),
            complete_datasets=whole,
            gone=told_gone,
            check=check,
            dry_run=dry_run,
        )
    if records is not None:
        _complete(records.report, outcome, dry_run=dry_run)
        if before and outcome.new and part is None:
            records.report.notes.append(
                f"these rows have no identifier, so they are known again only where every cell is as it was: {outcome.new} are "
                f"new, and {before} records that were there stay beside them. If this is a new state of an earlier file, give "
                "both a column occurrenceID, or another --dataset"
            )
    if events is not None:
        _complete(events.report, of_events, dry_run=dry_run)


def _commit_part(
    groups: Sequence[Sequence[Table]], lake: Lake, *, read: Interpreted, part: str, extra: Mapping[str, Any],
    check: Callable[[], None], dry_run: bool,
) -> None:  # fmt: skip
    """Commit a part that came in several files as one version: each of them alone would take the place of the others."""
    tables = [table for together in groups for table in together]
    last = tables[-1].report
    with lake.staging() as staging, lake.row_files("events") as aside:
        for together in groups:
            records = next((table for table in together if table.staging is not None), None)
            events = with_clock_faults(next((table for table in together if table.staging is None), None), records)
            if records is not None and records.staging is not None:
                staging.add(
                    records.staging.read("occurrences").drop("key"), records.staging.read("verbatim").drop("key")
                )
            if events is not None:
                aside.add(events.read())
        outcomes = lake.commit_survey(
            staging, aside, author="ingest", message=f"ingest {read.source}: {last.source}",
            extra={**extra, **_by(tables)}, part=(last.dataset, part), check=check, dry_run=dry_run,
        )  # fmt: skip
    for outcome, kind in zip(outcomes, ("occurrences", "events"), strict=True):
        _share([table for table in tables if table.report.table == kind], outcome, dry_run=dry_run)


def _share(tables: Sequence[Table], outcome: CommitReport, *, dry_run: bool) -> None:
    """Complete the reports of tables that were committed together: their sums are what was done, the files stated in order."""
    unchanged, new, refusals = outcome.unchanged, outcome.new, list(outcome.refusals)
    for place, table in enumerate(tables, 1):
        report = table.report
        own = [one for one in refusals if place == len(tables) or one.file == report.source]
        refusals = [one for one in refusals if one not in own]
        taken = report.rows - len(report.refusals) - len(own)
        of_unchanged = min(taken, unchanged)
        of_new = min(taken - of_unchanged, new)
        unchanged, new = unchanged - of_unchanged, new - of_new
        gone = outcome.gone if place == len(tables) else 0
        counts = CommitReport(outcome.snapshot, of_new, taken - of_unchanged - of_new, of_unchanged, gone, own)
        _complete(report, counts, dry_run=dry_run)


def _by(tables: Sequence[Table]) -> dict[str, Any]:
    """Return by what records were interpreted; `stories` tells it."""
    declared = {name: value for table in tables for name, value in table.verbatim.declarations.items()}
    return {"biodata": version("biodata"), "rules": rule_versions(), "declared": declared}


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


def _register(read: Interpreted, settings: Settings, *, submission: int | None) -> None:
    """Put what is known of the datasets, and the reports, into the registry; with the survey's number where it is one."""
    of = {} if submission is None else {"submission": submission}
    with Registry.open(settings) as registry:
        for table in read.tables:
            facts = of_table(table, read.source, read.stated)
            registry.record_datasets(facts, declarations=table.verbatim.declarations)
            number = registry.record_ingest(read.source, {**table.report.without_values(), **of})
            keep_report(settings.data, f"ingest-{number}", table.report.as_dict())


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many records changed, of how many distinct names."""

    records: int
    names: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.records} records changed ({self.names} names)"


def resolve_names(
    lake: Lake, settings: Settings, *, taxa: pl.DataFrame | None = None, dry_run: bool = False
) -> Resolved:
    """Resolve the distinct names of all records with the checklists as they are, and change what differs.

    Parameters
    ----------
    lake : Lake
        The records.
    settings : Settings
        Their installation.
    taxa : polars.DataFrame of `terms.TAXON`, optional
        The checklists; those of the lake where none are given.
    dry_run : bool
        Count, and change nothing.
    """
    listed = lake.read("taxa") if taxa is None else taxa
    resolution = Resolution(listed, places.load_boundaries(settings.boundaries))
    records, names = lake.resolve_names(
        resolution.resolve,
        terms=NAME_TERMS,
        columns=NAME_COLUMNS,
        flags=NAME_FLAGS,
        doubts=resolution.doubts,
        author="names",
        extra={"reference_list": reference_list().version},
        dry_run=dry_run,
    )
    return Resolved(records, names)
