"""Events, their records and what other tables tell of both, put together whatever file they stand in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import shorten
from biodata.ingest.event_core import NOT_JOINED, Beside, inherit, with_events, with_humboldt
from biodata.ingest.protocol import VerbatimTable
from biodata.text.units import effort_unit, read_effort

# Effort that stands among the measurements of an event, as archives of OBIS have it, where the event does not tell it itself.
#
# Taken is what a measurement of the event itself (never one of a record) says in so many words, with a unit of effort and one
# value: sampling effort, the length of a transect, a duration of the sampling, an area that was sampled.

_EFFORT: Final = ("samplingEffortValue", "samplingEffortUnit")
_LENGTH: Final = ("sampleSizeValue", "sampleSizeUnit")
_DURATION: Final = ("eventDurationValue", "eventDurationUnit")
_AREA: Final = ("totalAreaSampledValue", "totalAreaSampledUnit")
_TYPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    dict.fromkeys(("sampling effort", "samplingeffort", "samplingeffortvalue", "survey effort"), _EFFORT)
    | dict.fromkeys(("transect length", "length of transect", "length of the transect"), _LENGTH)
    | dict.fromkeys(("sampling duration", "survey duration", "event duration", "duration of sampling"), _DURATION)
    | dict.fromkeys(("sampled area", "area sampled", "total area sampled", "sampling area", "plot area"), _AREA)
)
"""measurementType, in small letters with single spaces → the terms that it is."""
_DIMENSIONS: Final = MappingProxyType({_LENGTH: "length", _AREA: "area"})
_LIKELY: Final = ("effort", "duration", "transect length", "area sampled", "trap night", "trap-night")
"""Words in a type that may mean effort: it is named, and nothing is made of it."""


def with_measured_effort(
    events: pl.DataFrame, measurements: Iterable[tuple[str, Sequence[Mapping[str, str]]]]
) -> tuple[pl.DataFrame, list[str]]:
    """Return events with the effort that their measurements tell, and sentences about what was taken and what was not.

    Parameters
    ----------
    events : polars.DataFrame
        n events by `eventID`.
    measurements : iterable of (str, sequence of mapping)
        Events that have measurements, each with their rows.
    """
    told: dict[str, dict[str, str]] = {}
    taken, likely = Counter[str](), Counter[str]()
    for event, rows in measurements:
        for pair, kind, cells in _certain(rows, likely):
            told.setdefault(event, {"eventID": event}).update(dict(zip(pair, cells, strict=True)))
            taken[kind] += 1
    notes = []
    if taken:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(taken.items()))
        notes.append(f"effort is taken from measurements where the events tell none themselves: {listed}")
    if likely:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(likely.items()))
        notes.append(
            f"measurements that may tell effort, and are kept as measurements alone: {listed}; samplingEffortValue and "
            "samplingEffortUnit of an event would tell it for certain"
        )
    if not told:
        return events, notes
    names = sorted({name for row in told.values() for name in row})
    frame = pl.DataFrame(
        [{name: row.get(name) for name in names} for row in told.values()], schema=dict.fromkeys(names, pl.String)
    )
    joined = events.join(frame, on="eventID", how="left", suffix=" measured", maintain_order="left")
    for value, unit in (_EFFORT, _LENGTH, _DURATION, _AREA):
        if f"{value} measured" in joined.columns or f"{unit} measured" in joined.columns:
            # A value and its unit are the event's or the measurement's, never one of each.
            own = pl.any_horizontal(pl.col(name).is_not_null() for name in (value, unit) if name in events.columns)
            columns = {name: f"{name} measured" if name in events.columns else name for name in (value, unit)}
            kept = {name: pl.col(name) if name in events.columns else pl.lit(None, pl.String) for name in (value, unit)}
            joined = joined.with_columns(
                pl.when(own).then(kept[name]).otherwise(pl.col(column)).alias(name) for name, column in columns.items()
            ).drop(column for name, column in columns.items() if column != name)
    return joined, notes


def _certain(
    rows: Sequence[Mapping[str, str]], likely: Counter[str]
) -> Iterator[tuple[tuple[str, str], str, tuple[str, str]]]:
    """Yield the terms that an event's measurements are, the type, and value and unit; count what may be effort."""
    found: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for row in rows:
        kind = " ".join((row.get("measurementType") or "").split())
        value, unit = row.get("measurementValue") or "", row.get("measurementUnit")
        pair = _TYPES.get(kind.lower())
        number, written = read_effort(value)
        known = effort_unit(unit or written or "")
        fits = known is not None and _DIMENSIONS.get(pair or ("", ""), known.dimension) == known.dimension
        if pair is not None and number is not None and number >= 0 and fits:
            found.setdefault(pair, set()).add((kind, value, unit or written or ""))
        elif pair is not None or any(word in kind.lower() for word in _LIKELY):
            likely[kind] += 1
    for pair, told in found.items():
        if len({(value, unit) for _, value, unit in told}) > 1:
            likely.update(kind for kind, _, _ in told)
            continue
        kind, value, unit = min(told)
        yield pair, kind, (value, unit)


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
