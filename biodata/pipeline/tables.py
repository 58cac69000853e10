"""A source's table on its way to the lake: batch after batch harmonised, put aside and counted."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl
from tqdm.auto import tqdm

from biodata import harmonise, places
from biodata.core.errors import Refusal, StoreError
from biodata.harmonise import camera_clocks
from biodata.harmonise.dates import DateOrders
from biodata.harmonise.events import event_slices
from biodata.harmonise.occurrences import Elsewhere, HarmonisedBatch, harmonise_batches
from biodata.harmonise.protected_areas import not_mapped, protected_areas
from biodata.harmonise.taxa import taxa
from biodata.ingest.protocol import VerbatimTable
from biodata.pipeline.report import IngestReport, quality_counts
from biodata.store.lake import RowFiles, Staging
from biodata.store.purging import CODE, Tombstones


@dataclass
class Table:
    """A table on its way: its rows harmonised and staged, nothing committed.

    Attributes
    ----------
    verbatim : VerbatimTable
        What a source reads.
    report : IngestReport
        Grows with each batch.
    orders, told_orders : DateOrders
        What its batches say of the order of day and month; and what is known of it from an earlier reading.
    staging : Staging or None
        Where records are put aside; None for other tables.
    events : RowFiles or None
        Where events are put aside; None for other tables.
    frames : list of polars.DataFrame
        The interpreted rows of the others.
    outcomes : list of polars.DataFrame
        For `write_outcomes`.
    datasets : set of str
        The datasets that rows belong to.
    tombstones : Tombstones, optional
        What was withdrawn, and is refused.
    images : list of polars.DataFrame, optional
        `camera_clocks.COLUMNS` of the records, where events before them may be those of cameras.
    countries : list of polars.DataFrame, optional
        Where they are asked for: the distinct `country_codes` and `countryCode` of each batch of events or records, of
        withdrawn ones too.
    part : str, optional
        The part of its dataset that its rows are.
    stated : list of polars.DataFrame
        datasetKey, datasetName, license : the distinct ones of each batch, verbatim.
    """

    verbatim: VerbatimTable
    report: IngestReport
    orders: DateOrders
    staging: Staging | None = None
    events: RowFiles | None = None
    frames: list[pl.DataFrame] = field(default_factory=list)
    outcomes: list[pl.DataFrame] = field(default_factory=list)
    datasets: set[str] = field(default_factory=set)
    told_orders: DateOrders | None = None
    tombstones: Tombstones | None = None
    images: list[pl.DataFrame] | None = None
    countries: list[pl.DataFrame] | None = None
    part: str | None = None
    stated: list[pl.DataFrame] = field(default_factory=list)

    def note_stated(self, rows: pl.DataFrame) -> None:
        """Note how verbatim rows name and license the datasets that they are of."""
        names = ("datasetKey", "datasetName", "license")
        columns = [
            pl.col(n).str.strip_chars() if n in rows.columns else pl.lit(None, pl.String).alias(n) for n in names
        ]
        self.stated.append(rows.select(columns).unique() if rows.height else rows.clear().select(columns))

    def note_countries(self, rows: pl.DataFrame) -> None:
        """Note where rows may lie."""
        if self.countries is not None:
            stated = pl.col("countryCode") if "countryCode" in rows.columns else pl.lit(None, dtype=pl.String)
            self.countries.append(rows.select("country_codes", stated.alias("countryCode")).unique())


@dataclass
class _Batch:
    """What a batch leaves behind when its rows have been put aside."""

    refusals: list[Refusal]
    flags: dict[str, int]
    datasets: set[str]
    outcomes: pl.DataFrame | None
    quality: pl.DataFrame | None = None


def harmonise_table(
    table: Table,
    harmoniser: harmonise.Harmoniser,
    boundaries: places.BoundarySet,
    seen: dict[str, set[str]],
    *,
    with_outcomes: bool,
    progress: bool,
    elsewhere: Elsewhere | None = None,
) -> None:
    """Harmonise every batch of the table and stage it; counts go into its report.

    Parameters
    ----------
    table : Table
        The table.
    harmoniser : Harmoniser
        Interprets records.
    boundaries : BoundarySet
        The map that protected areas are set beside.
    seen : dict of str to set of str
        The identifiers of protected areas that came so far, by dataset; grows.
    with_outcomes : bool
        Keep what `write_outcomes` needs.
    progress : bool
        Show a progress bar.
    elsewhere : Elsewhere, optional
        Who interprets records in other processes.
    """
    report, flags = table.report, Counter[str]()
    counts = []
    batches = (
        _records(table, harmoniser, elsewhere)
        if table.staging is not None
        else _others(table, harmoniser, boundaries, seen)
    )
    for batch in tqdm(batches, desc=report.source, unit="batch", disable=not progress):
        report.refusals += batch.refusals
        flags.update(batch.flags)
        table.datasets.update(batch.datasets)
        if batch.quality is not None:
            counts.append(batch.quality)
        if with_outcomes and batch.outcomes is not None:
            table.outcomes.append(batch.outcomes)
    report.rows += len(table.verbatim.refusals)
    report.refusals += table.verbatim.refusals
    report.flags = dict(sorted(flags.items()))
    report.quality = quality_counts(counts)


def table_at(tables: Iterator[VerbatimTable], number: int) -> VerbatimTable:
    """Return a source's table by its number; the batches of those before it are read and left."""
    for position, table in enumerate(tables):
        if position == number:
            return table
        deque(table.batches, maxlen=0)
    message = f"the source gave {number} tables where it gave more before"
    raise StoreError(message)


def _counted(table: Table) -> Iterator[pl.DataFrame]:
    """Yield the batches as they come and count their rows: what the report's other numbers must add up to."""
    for batch in table.verbatim.batches:
        table.report.rows += batch.height
        table.note_stated(batch)
        yield batch


def _records(table: Table, harmoniser: harmonise.Harmoniser, elsewhere: Elsewhere | None) -> Iterator[_Batch]:
    """Interpret the records of each batch and put them aside."""
    staging = table.staging
    if staging is None:
        message = "records need a place to be put aside"
        raise StoreError(message)

    def put_aside(number: int, result: HarmonisedBatch) -> _Batch:
        table.note_countries(result.interpreted)
        result = _without_withdrawn(result, table.tombstones)
        of_part = pl.lit(table.part, pl.String).alias("dataset_part")
        staging.add(result.interpreted.with_columns(of_part), result.verbatim.with_columns(of_part), part=number)
        if table.images is not None:
            table.images.append(result.interpreted.select(camera_clocks.COLUMNS))
        datasets = set(result.interpreted["datasetKey"].unique())
        refusals = _in_sheet(result.refusals, table.verbatim, number)
        return _left_behind(result.interpreted, refusals, datasets, result.quality)

    return harmonise_batches(
        harmoniser,
        _counted(table),
        finish=put_aside,
        dataset_key=table.report.dataset,
        declarations=table.verbatim.declarations,
        orders=table.told_orders,
        heard=table.orders if table.told_orders is None else None,
        elsewhere=elsewhere,
    )


def _without_withdrawn(result: HarmonisedBatch, tombstones: Tombstones | None) -> HarmonisedBatch:
    """Refuse the records that were withdrawn before; of them the refusal tells file and row alone."""
    if tombstones is None:
        return result
    gone = tombstones.withdrawn(result.interpreted)
    if not gone.any():
        return result
    message = "this record was withdrawn; what is withdrawn is not taken in again"
    rows = result.interpreted.filter(gone).select("source_file", "source_row").iter_rows()
    refused = [Refusal(file or "", row, None, None, CODE, message) for file, row in rows]
    return replace(
        result,
        interpreted=result.interpreted.filter(~gone),
        verbatim=result.verbatim.filter(~gone),
        refusals=[*result.refusals, *refused],
    )


def _without_withdrawn_events(
    frame: pl.DataFrame, refusals: list[Refusal], tombstones: Tombstones | None
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Refuse the events that were withdrawn before; of them the refusal tells file and row alone."""
    gone = None if tombstones is None else tombstones.withdrawn_events(frame)
    if gone is None or not gone.any():
        return frame, refusals
    message = "this event was withdrawn; what is withdrawn is not taken in again"
    rows = frame.filter(gone).select("source_file", "source_row").iter_rows()
    return frame.filter(~gone), [
        *refusals,
        *(Refusal(file or "", row, None, None, CODE, message) for file, row in rows),
    ]


def _in_sheet(refusals: list[Refusal], verbatim: VerbatimTable, number: int) -> list[Refusal]:
    """Return the refusals of a batch with the sheet that its rows stand in."""
    sheet = verbatim.sheet_of(number)
    return refusals if sheet is None else [replace(refusal, sheet=sheet) for refusal in refusals]


def _left_behind(
    frame: pl.DataFrame, refusals: list[Refusal], datasets: set[str], quality: pl.DataFrame | None = None
) -> _Batch:
    """Return what the report tells of interpreted rows."""
    flagged = "quality_flags" in frame.columns
    counted = frame["quality_flags"].explode().drop_nulls().value_counts().rows() if flagged else []
    lines = ["source_file", "source_row", *(["quality_flags"] if flagged else [])]
    outcomes = frame.select(lines) if "source_row" in frame.columns else None
    return _Batch(refusals, dict(counted), datasets, outcomes, quality)


def _others(
    table: Table, harmoniser: harmonise.Harmoniser, boundaries: places.BoundarySet, seen: dict[str, set[str]]
) -> Iterator[_Batch]:
    """Interpret the rows of each batch of a table that holds no records."""
    for number, batch in enumerate(_counted(table)):
        if table.events is not None:
            yield from _events(table, table.events, number, batch, harmoniser)
            continue
        frame, refusals = _harmonise_other(table, batch, boundaries, seen)
        table.frames.append(frame)
        if table.report.table == "protected_areas":
            table.report.not_mapped = not_mapped(frame)
        yield _left_behind(frame, _in_sheet(refusals, table.verbatim, number), {table.report.dataset})


def _events(
    table: Table, aside: RowFiles, number: int, batch: pl.DataFrame, harmoniser: harmonise.Harmoniser
) -> Iterator[_Batch]:
    """Interpret a batch of events and put them aside, some at a time."""
    dataset, declarations = table.report.dataset, table.verbatim.declarations
    slices, refusals = event_slices(batch, harmoniser, dataset_key=dataset, declarations=declarations)
    for rows in slices:
        table.note_countries(rows)
        frame, refusals = _without_withdrawn_events(rows, refusals, table.tombstones)
        aside.add(frame.with_columns(pl.lit(table.part, pl.String).alias("dataset_part")))
        of_rows = set(frame["datasetKey"].drop_nulls())
        yield _left_behind(frame, _in_sheet(refusals, table.verbatim, number), of_rows or {dataset})
        refusals = []


def _harmonise_other(
    table: Table,
    batch: pl.DataFrame,
    boundaries: places.BoundarySet,
    seen: dict[str, set[str]],
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
