"""Events, their records and what other tables tell of both, put together whatever file they stand in."""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from biodata.errors import shorten
from biodata.ingest.event_core import Beside, inherit, with_events, with_humboldt
from biodata.ingest.measured_effort import with_measured_effort
from biodata.ingest.protocol import VerbatimTable
from biodata.sharing.measurements import COLUMN as MEASUREMENTS


def event_tables(
    events: VerbatimTable,
    records: Sequence[VerbatimTable],
    *,
    humboldt: Iterable[pl.DataFrame] = (),
    others: Iterable[tuple[str, Iterable[pl.DataFrame]]] = (),
) -> Iterator[VerbatimTable]:
    """Yield the events, then the records.

    Parameters
    ----------
    events : VerbatimTable
        Its rows have `coreid`, which the other tables point at, and `eventID` where it is told apart from that; they are
        held in memory.
    records : sequence of VerbatimTable
        Their rows point at an event by `coreid`.
    humboldt : iterable of polars.DataFrame
        Rows of the Humboldt extension, `coreid` and terms.
    others : iterable of (row type, frames)
        Rows of other tables, each with `coreid` or `occurrenceID`.
    """
    frames = list(events.batches)
    core, ids = _identified(pl.concat(frames)) if frames else (None, {})
    if core is not None:
        core = inherit(with_humboldt(core, [_pointing(frame, ids) for frame in humboldt]))
    beside = Beside(set() if core is None else set(core["eventID"].drop_nulls()))
    for kind, rows in others:
        beside.add(kind, (_pointing(frame, ids) for frame in rows))
    if core is not None:
        core, told = with_measured_effort(core, beside.of_events.get(MEASUREMENTS, {}))
        events.notes += told
    events.batches = iter([] if core is None else [beside.beside_events(core)])
    if not records:
        events.notes += beside.notes()
    yield events
    # An identifier that stands twice counts once, or its records would be doubled.
    nothing = pl.DataFrame(schema={"eventID": pl.String})
    once = nothing if core is None else core.unique("eventID", keep="first", maintain_order=True)
    for table in records:
        rows = (_pointing(frame, ids) for frame in table.batches)
        table.batches = _told(table, rows, once, beside, is_last=table is records[-1])
        yield table


def _identified(events: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return events by `eventID`, and the `eventID` of each `coreid` that is told by another.

    An archive may point at its events by identifiers of its own; the events' own stand where they tell them apart.
    """
    own = events["eventID"] if "eventID" in events.columns else events["coreid"]
    if own.eq_missing(events["coreid"]).all():
        return events.with_columns(own.alias("eventID")).drop("coreid"), {}
    if own.null_count() or not own.is_unique().all():
        return events.with_columns(pl.col("coreid").alias("eventID"), own.alias("eventID as told")).drop("coreid"), {}
    ids = dict(events.select("coreid", "eventID").drop_nulls().iter_rows())
    return events.drop("coreid"), ids


def _pointing(frame: pl.DataFrame, ids: dict[str, str]) -> pl.DataFrame:
    """Return rows that point at events by `eventID`."""
    return frame.with_columns(pl.col("coreid").replace(ids)) if ids else frame


def _told(
    table: VerbatimTable, batches: Iterator[pl.DataFrame], events: pl.DataFrame, beside: Beside, *, is_last: bool
) -> Iterator[pl.DataFrame]:
    """Yield records with what their events and other tables tell of them."""
    lost, first = 0, ""
    for batch in batches:
        unknown = batch.filter(~pl.col("coreid").is_in(events["eventID"].implode()) | pl.col("coreid").is_null())
        if unknown.height and not lost:
            file, row, event = unknown.select("source_file", "source_row", "coreid").row(0)
            first = f"{file}, row {row}, event {shorten(event)!r}" if event else f"{file}, row {row}, no event"
        lost += unknown.height
        yield beside.beside_records(with_events(batch, events))
    if lost:
        table.notes.append(
            f"{first}: {lost} records point at no event of the archive; they are kept without one's place and date"
        )
    if is_last:
        table.notes += beside.notes()
