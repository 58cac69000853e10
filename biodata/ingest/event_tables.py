"""Events, their records and what other tables tell of both, put together whatever file they stand in."""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from biodata.errors import shorten
from biodata.ingest.event_core import NOT_JOINED, Beside, inherit, with_events, with_humboldt
from biodata.ingest.measured_effort import with_measured_effort
from biodata.ingest.protocol import VerbatimTable


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
    survey = _Survey(events, humboldt, others)
    rows = survey.events(events.batches, alone=not records)
    events.batches = rows
    yield events
    for table in records:
        table.batches = survey.records(table, table.batches, is_last=table is records[-1])
        yield table


class _Survey:
    """What the events of a survey and the tables beside them tell of its records; there when the events were read."""

    def __init__(
        self,
        table: VerbatimTable,
        humboldt: Iterable[pl.DataFrame],
        others: Iterable[tuple[str, Iterable[pl.DataFrame]]],
    ) -> None:
        self.table, self.humboldt, self.others = table, humboldt, others
        self.ids: dict[str, str] = {}
        self.once = pl.DataFrame(schema={"eventID": pl.String})
        self.beside = Beside(self.once["eventID"])

    def events(self, batches: Iterator[pl.DataFrame], *, alone: bool) -> Iterator[pl.DataFrame]:
        """Yield the events as one frame, with what other tables tell of them."""
        frames, core = list(batches), None
        if frames:
            core, self.ids = _identified(pl.concat(frames))
            frames.clear()
            core = inherit(with_humboldt(core, [_pointing(frame, self.ids) for frame in self.humboldt]))
            self.beside = Beside(core["eventID"])
        for kind, rows in self.others:
            self.beside.add(kind, (_pointing(frame, self.ids) for frame in rows))
        if core is not None:
            core, told = with_measured_effort(core, self.beside.measurements())
            self.table.notes += told
            # An identifier that stands twice counts once, or its records would be doubled.
            joined = core.drop(NOT_JOINED, strict=False)
            alike = not joined["eventID"].is_unique().all()
            self.once = joined.unique("eventID", keep="first", maintain_order=True) if alike else joined
        if alone:
            self.table.notes += self.beside.notes()
        if core is not None:
            yield self.beside.beside_events(core)

    def records(
        self, table: VerbatimTable, batches: Iterator[pl.DataFrame], *, is_last: bool
    ) -> Iterator[pl.DataFrame]:
        """Yield records with what their events and other tables tell of them."""
        rows = (_pointing(frame, self.ids) for frame in batches)
        yield from _told(table, rows, self.once, self.beside, is_last=is_last)


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
