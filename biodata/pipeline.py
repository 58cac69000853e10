"""From a source to the lake, and from the lake to a release, in one call each, with a report whose numbers add up."""

import logging
import os
import re
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import polars as pl
from tqdm.auto import tqdm

from biodata import assessments, harmonise, places, sharing, terms
from biodata.errors import InputError, Refusal, StoreError
from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.protected_areas import not_mapped, protected_areas
from biodata.harmonise.rules import versions as rule_versions
from biodata.harmonise.streams import harmonise_batches
from biodata.harmonise.taxa import taxa
from biodata.ingest import open_source
from biodata.ingest.gbif_download import GbifDownload
from biodata.ingest.protocol import DECLARABLE, VerbatimTable
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import CommitReport, Lake, Staging
from biodata.store.registry import Registry

logger = logging.getLogger(__name__)

KEY_COLUMNS: Final = {"protected_areas": "area_id", "taxa": "taxon_id", "layers": "name"}
"""The column that identifies a row of the tables that are no records."""


@dataclass
class IngestReport:
    """What became of every row of one table; `rows` = `stored` + `unchanged` + `refused`.

    Attributes
    ----------
    dataset : str
        The dataset that rows without one of their own were given.
    table : str
        The lake's table.
    source : str
        What was read: the file, sheet or service.
    rows, stored, unchanged, refused : int
        Rows read, taken in (new or changed), known already, and not taken in.
    new, changed, gone : int
        Parts of `stored`; and records that are no longer in the source.
    flags : dict of str to int
        How many rows carry each flag.
    not_mapped : dict of str to int
        Of protected areas: how many sites without geometry each country has, `-` where none is told.
    refusals : list of Refusal
        Each row that was not taken in, and why.
    quality : dict of str to dict of str to int
        How many rows are compliant, not compliant, or cannot be tested, by validation of TDWG BDQ Core.
    notes : list of str
        What was concluded from the table as a whole.
    snapshot : int or None
        The lake's version afterwards; None for a dry run.
    """

    dataset: str
    table: str
    source: str
    rows: int = 0
    stored: int = 0
    unchanged: int = 0
    refused: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    flags: dict[str, int] = field(default_factory=dict)
    not_mapped: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    quality: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    snapshot: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**asdict(self), "refusals": [refusal.as_dict() for refusal in self.refusals]}


@dataclass
class _Table:
    """A table on its way: its rows harmonised and staged, nothing committed."""

    verbatim: VerbatimTable
    report: IngestReport
    staging: Staging | None = None
    frames: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[pl.DataFrame] = field(default_factory=list)
    datasets: set[str] = field(default_factory=set)
    counts: list[pl.DataFrame] = field(default_factory=list)
    orders: DateOrders = field(default_factory=DateOrders)
    told_orders: DateOrders | None = None


def ingest(
    source: str,
    paths: Sequence[Path | str],
    settings: Settings,
    *,
    dataset: str | None = None,
    options: Mapping[str, str] | None = None,
    dry_run: bool = False,
    extra: Mapping[str, Any] | None = None,
    report_file: Path | None = None,
    progress: bool = False,
) -> list[IngestReport]:
    """Read a source, harmonise it and commit it to the lake: all of its tables or none.

    Parameters
    ----------
    source : str
        A name of `biodata.ingest.SOURCES`.
    paths : sequence of path
        What to read; with `gbif` and no path the records are asked of GBIF's download service.
    settings : Settings
        The installation.
    dataset : str, optional
        Key of the dataset for rows that tell none.
    options : mapping of str to str, optional
        What the source can be told besides, such as `encoding`; and what is declared of the dataset's values:
        `calendar`, `datum`, `day_month_order` and `time_zone`.
    dry_run : bool
        Say what would happen and change nothing.
    extra : mapping, optional
        More to keep with the lake's version: the number of a submission, for example.
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
        If a file cannot be read; the store is then as it was.
    UnknownSourceError
        If there is no such source.
    """
    told = dict(options or {})
    declared = {name: told.pop(name) for name in DECLARABLE if name in told}
    download = None
    if source == "gbif" and not paths:
        download = GbifDownload(dataset=dataset, options=told, settings=settings, progress=progress)
    opened = download or open_source(source, [Path(p) for p in paths], dataset=dataset, options=told, progress=progress)
    settings.data.mkdir(parents=True, exist_ok=True)
    boundaries = places.load_boundaries(settings.boundaries)
    with ExitStack() as stack:
        lake = stack.enter_context(Lake.open(settings.data, memory_limit=settings.memory_limit))
        harmoniser = harmonise.Harmoniser(
            boundaries=boundaries,
            secret=secret(settings.data),
            checklist=_checklist(lake),
            today=_now().date(),
            gazetteer=places.load_gazetteer(boundaries, settings.gazetteer_file),
            counted=True,
        )
        tables: list[_Table] = []
        seen: dict[str, set[str]] = {}

        def begin(verbatim: VerbatimTable, orders: DateOrders | None = None) -> _Table:
            verbatim.declarations = {**verbatim.declarations, **declared}
            staging = stack.enter_context(lake.staging()) if verbatim.kind == "occurrences" else None
            report = IngestReport(_dataset_key(verbatim, dataset), verbatim.kind, verbatim.name)
            return _Table(verbatim, report, staging, told_orders=orders)

        for number, verbatim in enumerate(opened.read()):
            counted = harmoniser.identities.counted()
            table = begin(verbatim)
            _harmonise(table, harmoniser, boundaries, seen, with_outcomes=report_file is not None, progress=progress)
            if download is None and table.orders.decide() and "day_month_order" not in table.verbatim.declarations:
                # Which of two numbers is the day was known only when every row had been heard.
                orders = table.orders
                again = open_source(source, [Path(p) for p in paths], dataset=dataset, options=told, progress=progress)
                harmoniser.identities.count_from(counted)
                table = begin(_table_at(again.read(), number), orders=orders)
                table.report.notes += orders.sentences()
                _harmonise(
                    table, harmoniser, boundaries, seen, with_outcomes=report_file is not None, progress=progress
                )
            tables.append(table)
        if download is None and not any(table.report.rows for table in tables):
            problem = "there is nothing in it to take in"
            raise InputError(problem, file=", ".join(Path(p).name for p in paths), code="INPUT_EMPTY")
        for table in tables:
            _commit(table, lake, settings, source=source, extra=extra or {}, dry_run=dry_run)
        if not dry_run:
            _register(tables, settings, source)
        if download is not None and not dry_run:
            download.committed()
    if report_file is not None:
        _write_outcomes(tables, report_file)
    return [table.report for table in tables]


def release(settings: Settings, *, progress: bool = False) -> releases.Release:
    """Build a release of what the lake holds now, under today's rules, and make it the current one.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are `sharing_rules.csv` in its data folder, else the bundled list.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is not enough room; the release before stays the current one.
    """
    rules = sharing.RuleSet.read(settings.rules_file)
    boundaries = places.load_boundaries(settings.boundaries)
    gazetteer = places.load_gazetteer(boundaries, settings.gazetteer_file)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake, Registry.open(settings) as registry:
        assessments.assess(settings, lake=lake)
        results = {
            name: sharing.publish_results(name, lake.read(name), boundaries=boundaries)
            for name in terms.PUBLISHED_TABLES
            if name != "occurrences"
        }
        made = releases.build(
            lake,
            data=settings.data,
            publish=lambda frame: sharing.publish(frame, rules, boundaries=boundaries),
            results=results,
            boundaries=boundaries,
            rules_hash=rules.hash,
            datasets=registry.datasets(),
            assess=lambda parts: assessments.of_release(
                parts,
                gazetteer=gazetteer,
                work=settings.data / "staging",
                rows_told=assessments.unidentified(lake),
            ),
            memory_limit=settings.memory_limit,
            progress=progress,
        )
        registry.record_release(made.id, snapshot=made.snapshot, rules_hash=rules.hash, counts=made.counts)
    return made


def secret(data: Path) -> bytes:
    """Return the installation's secret, made at the first call; it never leaves the folder."""
    path = data / "secret"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(32))
        file.flush()
        os.fsync(file.fileno())
    return path.read_bytes()


def _dataset_key(verbatim: VerbatimTable, dataset: str | None) -> str:
    """Return the key of rows that tell none: as asked, as the dataset says, else made from the table's name."""
    stem = Path(verbatim.name).name.split(".")[0]
    return dataset or verbatim.dataset.key or re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "dataset"


def _checklist(lake: Lake) -> pl.DataFrame | None:
    """Return the taxa loaded so far; None where there are none."""
    taxa_so_far = lake.read("taxa")
    return None if taxa_so_far.is_empty() else taxa_so_far


def _harmonise(
    table: _Table,
    harmoniser: harmonise.Harmoniser,
    boundaries: places.BoundarySet,
    seen: dict[str, set[str]],
    *,
    with_outcomes: bool,
    progress: bool,
) -> None:
    """Harmonise every batch of the table and stage it; counts go into its report."""
    report, flags = table.report, Counter[str]()
    interpreted = _records(table, harmoniser) if table.staging is not None else _others(table, boundaries, seen)
    for frame, refusals in tqdm(interpreted, desc=report.source, unit="batch", disable=not progress):
        report.refusals += refusals
        if "quality_flags" in frame.columns:
            counted = frame["quality_flags"].explode().drop_nulls().value_counts()
            flags.update(dict(counted.iter_rows()))
        if report.table == "protected_areas":
            report.not_mapped = not_mapped(frame)
        if with_outcomes and "source_row" in frame.columns:
            table.outcomes.append(frame.select("source_file", "source_row", *_if_there(frame, "quality_flags")))
    report.rows += len(table.verbatim.refusals)
    report.refusals += table.verbatim.refusals
    report.flags = dict(sorted(flags.items()))
    report.quality = _quality(table.counts)


def _quality(counts: Sequence[pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Return the answers to each test over all batches, by label; tests that could be put to no row are left out."""
    if not counts:
        return {}
    kinds = ["compliant", "not_compliant", "internal", "external"]
    summed = pl.concat(counts).group_by("label", maintain_order=True).agg(pl.col(kinds).sum())
    ran = summed.filter(pl.col("compliant") + pl.col("not_compliant") > 0)
    return {row.pop("label"): row for row in ran.to_dicts()}


def _counted(table: _Table) -> Iterator[pl.DataFrame]:
    """Yield the batches as they come and count their rows: what the report's other numbers must add up to."""
    for batch in table.verbatim.batches:
        table.report.rows += batch.height
        yield batch


def _table_at(tables: Iterator[VerbatimTable], number: int) -> VerbatimTable:
    """Return a source's table by its number; the batches of those before it are read and left."""
    for position, table in enumerate(tables):
        if position == number:
            return table
        deque(table.batches, maxlen=0)
    message = f"the source gave {number} tables where it gave more before"
    raise StoreError(message)


def _records(table: _Table, harmoniser: harmonise.Harmoniser) -> Iterator[tuple[pl.DataFrame, list[Refusal]]]:
    """Yield the interpreted records of each batch while the batch before is put aside."""
    if table.staging is None:
        message = "records need a place to be put aside"
        raise StoreError(message)
    results = harmonise_batches(
        harmoniser,
        _counted(table),
        dataset_key=table.report.dataset,
        declarations=table.verbatim.declarations,
        orders=table.told_orders,
        heard=table.orders if table.told_orders is None else None,
    )
    with ThreadPoolExecutor(1) as writer:
        written: Future[None] | None = None
        for result in results:
            if written is not None:
                written.result()
            written = writer.submit(table.staging.add, result.interpreted, result.verbatim)
            table.datasets.update(result.interpreted["datasetKey"].unique())
            table.counts += [] if result.quality is None else [result.quality]
            yield result.interpreted, result.refusals
        if written is not None:
            written.result()


def _others(
    table: _Table, boundaries: places.BoundarySet, seen: dict[str, set[str]]
) -> Iterator[tuple[pl.DataFrame, list[Refusal]]]:
    """Yield the interpreted rows of each batch of a table that holds no records."""
    for batch in _counted(table):
        frame, refusals = _harmonise_other(table, batch, boundaries, seen)
        table.frames.append(frame)
        table.datasets.add(table.report.dataset)
        yield frame, refusals


def _harmonise_other(
    table: _Table, batch: pl.DataFrame, boundaries: places.BoundarySet, seen: dict[str, set[str]]
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Harmonise a batch of a table that holds no records."""
    match table.verbatim.kind:
        case "protected_areas":
            return protected_areas(
                batch,
                dataset_key=table.report.dataset,
                boundaries=boundaries,
                declarations=table.verbatim.declarations,
                seen=seen.setdefault(table.report.dataset, set()),
            )
        case "taxa":
            return taxa(batch, checklist=table.report.dataset, declarations=table.verbatim.declarations)
        case "layers":
            return batch, []
        case kind:
            message = f"a source gave a table of unknown kind {kind!r}"
            raise StoreError(message)


def _commit(
    table: _Table, lake: Lake, settings: Settings, *, source: str, extra: Mapping[str, Any], dry_run: bool
) -> None:
    """Commit the table, or say what committing would do, and complete its report."""
    report = table.report
    message = f"ingest {source}: {report.source}"
    if table.staging is not None:
        # By what these records were interpreted; `stories` tells it.
        by = {"biodata": version("biodata"), "rules": rule_versions(), "declared": dict(table.verbatim.declarations)}
        outcome = lake.commit_occurrences(
            table.staging,
            author="ingest",
            message=message,
            extra={**extra, **by},
            complete_datasets=table.datasets if table.verbatim.complete else (),
            gone=table.verbatim.gone,
            dry_run=dry_run,
        )
    else:
        frame = pl.concat(table.frames) if table.frames else pl.DataFrame()
        if report.table == "layers" and not dry_run:
            frame = _copy_layers(frame, settings.data / "layers")
        frame = terms.conform(frame, terms.TABLES[report.table])
        scope = {"checklist": report.dataset} if report.table == "taxa" else None
        outcome = lake.commit_table(
            report.table,
            frame,
            key=KEY_COLUMNS[report.table],
            scope=scope,
            author="ingest",
            message=message,
            extra=extra,
            dry_run=dry_run,
        )
    _complete(report, outcome, dry_run=dry_run)


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


def _copy_layers(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Copy each layer's file into the installation under its checksum's name, and tell that name."""
    folder.mkdir(parents=True, exist_ok=True)
    file_names = []
    for path, checksum in frame.select("path", "sha256").iter_rows():
        file_name = f"{checksum[:16]}.tif"
        if not (folder / file_name).exists():
            part = folder / f"{file_name}.part"
            shutil.copyfile(path, part)
            part.replace(folder / file_name)
        file_names.append(file_name)
    return frame.with_columns(pl.Series("file_name", file_names, dtype=pl.String))


def _register(tables: Sequence[_Table], settings: Settings, source: str) -> None:
    """Put what is known of the datasets, and the reports, into the registry."""
    with Registry.open(settings) as registry:
        for table in tables:
            facts = {key: table.verbatim.datasets.get(key, table.verbatim.dataset) for key in sorted(table.datasets)}
            registry.record_datasets(facts, declarations=table.verbatim.declarations)
            registry.record_ingest(source, table.report.as_dict())


def _write_outcomes(tables: Sequence[_Table], path: Path) -> None:
    """Write one line a row: where it went, and its flags or the reason of its refusal."""
    columns = ["file", "row", "outcome", "flags", "message"]
    parts = []
    for table in tables:
        refused = pl.DataFrame(
            {
                "file": [r.file for r in table.report.refusals],
                "row": [r.row for r in table.report.refusals],
                "outcome": ["refused"] * table.report.refused,
                "flags": [r.code for r in table.report.refusals],
                "message": [r.message for r in table.report.refusals],
            },
            schema=dict.fromkeys(columns, pl.String) | {"row": pl.Int64},
        )
        for frame in table.outcomes:
            flags = pl.col("quality_flags").list.join(";") if "quality_flags" in frame.columns else pl.lit("")
            taken = frame.select(
                file="source_file", row="source_row", outcome=pl.lit("taken in"), flags=flags, message=pl.lit("")
            )
            parts.append(taken.join(refused.select("file", "row"), on=["file", "row"], how="anti"))
        parts.append(refused)
    pl.concat(parts).sort("file", "row").write_csv(path)


def _if_there(frame: pl.DataFrame, *columns: str) -> list[str]:
    """Return those of the columns that the frame has."""
    return [column for column in columns if column in frame.columns]


def _now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
