"""From a source to rows that are harmonised and put aside: what is asked of an upload before it is committed, and what is."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import harmonise, places
from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.harmonise import camera_clocks
from biodata.harmonise.dates import DateOrders
from biodata.ingest import open_source
from biodata.ingest.protocol import DECLARABLE, DESCRIBABLE, Source, VerbatimTable
from biodata.pipeline import descriptions
from biodata.pipeline.executors import dask_workers
from biodata.pipeline.report import IngestReport
from biodata.pipeline.tables import Table, harmonise_table, table_at
from biodata.store import survey_steps
from biodata.store.folders import secret
from biodata.store.lake import Lake, RowFiles
from biodata.store.purging import Tombstones
from biodata.store.registry import Registry

_IDENTITY: Final = "source_record_id"

Hear = Callable[[int, VerbatimTable], VerbatimTable]
"""What hears the verbatim batches of a source's tables, by their number, as they are read: returns the table to go on with.
One that is read once more comes again under its number."""


@dataclass(eq=False)
class Interpreted:
    """What was read of a source: harmonised, counted and put aside, and not committed.

    Attributes
    ----------
    source : str
        Its name.
    tables : list of Table
        Its tables.
    tombstones : Tombstones
        What was withdrawn when it was read.
    stated : mapping of str to str
        What a person states of its one dataset: title, license, citation, doi.
    part : str, optional
        The part of its dataset that it is, whole.
    """

    source: str
    tables: list[Table]
    tombstones: Tombstones
    stated: Mapping[str, str] = field(default_factory=dict)
    part: str | None = None

    def surveys(self) -> Iterator[list[Table]]:
        """Yield the tables that are committed together: events with the occurrences right after them, others by themselves."""
        events: list[Table] = []
        for table in self.tables:
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

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the events and the records that it would bring into the lake (`terms.EVENT`, `terms.OCCURRENCE`); exact.

        Of rows of one identifier the first counts, as when it is taken in.
        """
        seen = [_together(one) for one in self.surveys()]
        events = pl.concat([one for one, _ in seen]).unique("event_key", keep="first", maintain_order=True)
        records = pl.concat([one for _, one in seen])
        return events, records.unique(_IDENTITY, keep="first", maintain_order=True)

    def check_withdrawn(self, settings: Settings) -> None:
        """Make sure that nothing was withdrawn since it was read.

        Raises
        ------
        StoreError
            If something was.
        """
        if tombstones(settings) != self.tombstones:
            message = "something was withdrawn while the records were read, and may be among them; take them in again"
            raise StoreError(message)


class Opened:
    """A source that is opened, with what is stated and declared of it.

    Parameters
    ----------
    source, paths, settings, dataset, options, progress
        As `ingest` has them.

    Raises
    ------
    InputError
        If it cannot be opened so.
    UnknownSourceError
        If there is no such source.
    """

    def __init__(
        self, source: str, paths: Sequence[Path], settings: Settings, *, dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}), progress: bool = False,
    ) -> None:  # fmt: skip
        facts = dict(options)
        self.source, self.paths, self.dataset, self.progress = source, paths, dataset, progress
        self.declared = {name: facts.pop(name) for name in DECLARABLE if name in facts}
        self.stated = descriptions.checked({name: facts[name] for name in DESCRIBABLE if name in facts})
        for name in self.stated:
            if (source, name) != ("survey", "license"):  # a survey's fills what its rows leave open, too
                del facts[name]
        self._told = (
            _with_kept_headings(facts, dataset, settings) if source == "survey" and dataset is not None else facts
        )
        self._first: Source | None = self._open()  # what cannot be opened is known at once

    def read(self) -> Iterator[VerbatimTable]:
        """Return its tables; each time from the beginning."""
        source, self._first = self._first or self._open(), None
        return source.read()

    def _open(self) -> Source:
        return open_source(self.source, self.paths, dataset=self.dataset, options=self._told, progress=self.progress)


@contextmanager
def interpreting(
    opened: Opened, lake: Lake, settings: Settings, *, extra: Mapping[str, Any] = MappingProxyType({}),
    part: str | None = None, hear: Hear | None = None, counted: bool = True, with_countries: bool = False,
    with_outcomes: bool = False,
) -> Iterator[Interpreted]:  # fmt: skip
    """Read a source and harmonise it; what is put aside is there inside the `with` block.

    Parameters
    ----------
    opened : Opened
        The source.
    lake : Lake
        Its checklists.
    settings, extra, part
        As `ingest` has them.
    hear : function, optional
        `Hear`.
    counted : bool
        Count the answers to TDWG BDQ Core's validations for the report.
    with_countries : bool
        Note the `countries` of its tables.
    with_outcomes : bool
        Keep what `write_outcomes` needs.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    dataset, declared, progress = opened.dataset, opened.declared, opened.progress
    boundaries, today = places.load_boundaries(settings.boundaries), datetime.now(UTC).date()
    withdrawn = tombstones(settings)
    with ExitStack() as stack:
        harmoniser = harmonise.Harmoniser(
            boundaries=boundaries,
            secret=secret(settings.data),
            checklist=_checklist(lake),
            today=today,
            gazetteer=places.load_gazetteer(boundaries, settings.gazetteer_file),
            counted=counted,
        )
        harmoniser.identities.part = part
        elsewhere = stack.enter_context(dask_workers(settings))
        tables: list[Table] = []
        seen: dict[str, set[str]] = {}

        def begin(number: int, verbatim: VerbatimTable, orders: DateOrders | None = None) -> Table:
            if hear is not None:
                verbatim = hear(number, verbatim)
            verbatim.declarations = {**verbatim.declarations, **declared}
            staging = stack.enter_context(lake.staging()) if verbatim.kind == "occurrences" else None
            events = stack.enter_context(lake.row_files("events")) if verbatim.kind == "events" else None
            report = IngestReport(_dataset_key(verbatim, dataset), verbatim.kind, verbatim.name)
            heard = DateOrders(today=today, declarations=verbatim.declarations)
            images: list[pl.DataFrame] | None = [] if tables and tables[-1].report.table == "events" else None
            return Table(
                verbatim, report, heard, staging, events, told_orders=orders, tombstones=withdrawn, images=images,
                countries=[] if with_countries else None, part=part,
            )  # fmt: skip

        for number, verbatim in enumerate(opened.read()):
            before = harmoniser.identities.counted()
            table = begin(number, verbatim)
            harmonise_table(
                table, harmoniser, boundaries, seen, with_outcomes=with_outcomes, progress=progress, elsewhere=elsewhere
            )
            if table.orders.decide() and "day_month_order" not in table.verbatim.declarations:
                # Which of two numbers is the day was known only when every row had been heard.
                orders = table.orders
                harmoniser.identities.count_from(before)
                table = begin(number, table_at(opened.read(), number), orders=orders)
                table.report.notes += orders.sentences()
                harmonise_table(
                    table,
                    harmoniser,
                    boundaries,
                    seen,
                    with_outcomes=with_outcomes,
                    progress=progress,
                    elsewhere=elsewhere,
                )
            table.report.notes += table.orders.contradictions() + table.verbatim.notes
            tables.append(table)
        for table in tables:
            table.report.repairs = list(table.verbatim.repairs)
        if not any(table.report.rows for table in tables):
            problem, file = "there is nothing in it to take in", ", ".join(path.name for path in opened.paths)
            expected = None if opened.paths else "files; `biodata pull` asks GBIF and other services for them"
            raise InputError(problem, file=file, expected=expected, code="INPUT_EMPTY")
        several = set().union(*(table.datasets for table in tables))
        if opened.stated and len(several) > 1:
            name, value = next(iter(opened.stated.items()))
            problem = f"one dataset is described by this, and these rows are of {len(several)}"
            expected = "`biodata dataset set KEY` for each of them"
            raise InputError(problem, column=name, value=value, expected=expected, code="OPTIONS_UNFIT")
        if "uncertainty_m" in declared and all(table.report.table != "occurrences" for table in tables):
            problem = f"uncertainty_m is declared of records, and {opened.source} gave none"
            raise InputError(problem, column="uncertainty_m", value=declared["uncertainty_m"], code="OPTIONS_UNFIT")
        _of_submission(tables, dataset, extra)
        del harmoniser  # what it remembers takes the memory that the commit needs
        yield Interpreted(opened.source, tables, withdrawn, opened.stated, part)


def with_clock_faults(events: Table | None, records: Table | None) -> RowFiles | None:
    """Return where the events were put aside, flagged with what their records tell of cameras' clocks."""
    if events is None or events.events is None:
        return None
    rows = events.events
    if records is None or not records.images:  # a table without any record has no batch that states the columns
        return rows
    table = rows.read(camera_clocks.EVENT_COLUMNS)
    found = camera_clocks.clock_faults(table, pl.concat(records.images), records.verbatim.images)
    if found:
        rows.replace(camera_clocks.flagged(rows.read(), found))
        flags = rows.read(["quality_flags"])["quality_flags"].explode().drop_nulls()
        events.report.flags = dict(sorted(Counter(flags).items()))
    return rows


def tombstones(settings: Settings) -> Tombstones:
    """Return what was withdrawn."""
    with Registry.open(settings) as registry:
        return Tombstones.read(registry, secret(settings.data))


def _together(together: Sequence[Table]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events and the records of tables that are committed together."""
    records = next((table for table in together if table.staging is not None), None)
    events = next((table for table in together if table.report.table == "events"), None)
    staged = records.staging.read("occurrences") if records is not None and records.staging is not None else None
    rows = with_clock_faults(events, records)
    return (
        pl.DataFrame(schema=terms.schema(terms.EVENT)) if rows is None else rows.read(),
        pl.DataFrame(schema=terms.schema(terms.OCCURRENCE)) if staged is None else staged,
    )


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


def _with_kept_headings(facts: Mapping[str, str], dataset: str, settings: Settings) -> dict[str, str]:
    """Return a survey's options with what was decided about the dataset's headings before."""
    with Registry.open(settings) as registry:
        return {**survey_steps.options(registry, dataset), **facts}


def _dataset_key(verbatim: VerbatimTable, dataset: str | None) -> str:
    """Return the key of rows that state none: as asked, as the dataset says, else made from the table's name."""
    return dataset or verbatim.dataset.key or dataset_key(verbatim.name)


def dataset_key(name: str) -> str:
    """Return the key of a dataset of which nothing is stated but the name of its file or table.

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
