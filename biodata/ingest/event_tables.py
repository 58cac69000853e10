"""Events, their records and what other tables tell of both, put together whatever file they stand in."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import shorten
from biodata.ingest.protocol import VerbatimTable
from biodata.ingest.tables import COLUMNS, MEDIA, filled_from
from biodata.sharing.measurements import COLUMN as MEASUREMENTS
from biodata.sharing.measurements import kept_inside
from biodata.text.units import effort_unit, read_effort

# Sampling events with their records: events as their own table, records with what their event tells, nothing else lost.
#
# What other tables tell of an event or a record (measurements, pictures, relations) stands beside it as JSON, as it came.

INHERITED: Final = "inherited"
"""The column that says which event a place or a date was taken from, a JSON object."""
PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "geodeticDatum", "coordinateUncertaintyInMeters", "coordinatePrecision",
    "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude", "verbatimCoordinateSystem", "verbatimSRS",
    "footprintWKT", "footprintSRS", "georeferencedBy", "georeferenceProtocol",
)  # fmt: skip
REGION: Final = (
    "locationID", "continent", "waterBody", "islandGroup", "island", "country", "countryCode", "stateProvince", "county",
    "municipality", "locality", "verbatimLocality", "higherGeography",
)  # fmt: skip
DATE: Final = (
    "eventDate", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear", "eventTime",
)  # fmt: skip
_GROUPS: Final = MappingProxyType({"place": PLACE, "region": REGION, "date": DATE})
"""What an event takes from the event that it is a part of, each group whole where the event states nothing of it."""
_MAX_LEVELS: Final = 20
_MOST_NAMED: Final = 8
_OF_ROWS: Final = frozenset({"source_file", "source_row", "coreid", "id"})
# What these tell is true of the event's own row, not of the records that belong to it.
NOT_JOINED: Final = frozenset(
    {
        "id",
        "source_file",
        "source_row",
        "type",
        "modified",
        "references",
        "identifier",
        "samplingPerformedBy",
        INHERITED,
        MEASUREMENTS,
        MEDIA,
    }
)


def column_of(kind: str) -> str:
    """Return the column in which the rows of another table stand; `resource_relationship` for ResourceRelationship."""
    return COLUMNS.get(kind, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower())


class Beside:
    """Rows of other tables, by the event or the record that they belong to: each kept as JSON, never as an object.

    Parameters
    ----------
    events : polars.Series of str
        The identifiers of the events.

    Attributes
    ----------
    counts : Counter of str
        Rows by column.
    """

    def __init__(self, events: pl.Series) -> None:
        self.events = events.drop_nulls().unique()
        self.counts = Counter[str]()
        self._of_events: dict[str, list[pl.DataFrame]] = {}
        self._of_records: dict[str, list[pl.DataFrame]] = {}
        self._listed: dict[str, pl.DataFrame] = {}
        self._found: dict[str, list[pl.Series]] = {}

    def add(self, kind: str, frames: Iterable[pl.DataFrame]) -> None:
        """Add a table whose rows point at an event by `coreid`, or at a record by `occurrenceID`."""
        column = column_of(kind)
        for frame in frames:
            self.counts[column] += frame.height
            texts = pl.Series(
                "row", map(_as_text, frame.drop(*_OF_ROWS, strict=False).iter_rows(named=True)), pl.String
            )
            record, event = (
                frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height, pl.String)
                for name in ("occurrenceID", "coreid")
            )
            rows = pl.DataFrame({"record": record.replace("", None), "event": event.replace("", None), "row": texts})
            of_event = pl.col("record").is_null() & pl.col("event").is_in(self.events.implode())
            kept = rows.filter(pl.col("record").is_not_null() | pl.col("event").is_not_null())
            self._of_events.setdefault(column, []).append(kept.filter(of_event).select("row", key="event"))
            # Some archives point with the core's identifier at a record.
            others = kept.filter(~of_event).select("row", key=pl.coalesce("record", "event"))
            self._of_records.setdefault(column, []).append(others)

    def measurements(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Yield the events that have measurements, each with their rows."""
        for event, text in self._events(MEASUREMENTS).iter_rows():
            yield event, json.loads(text)

    def beside_events(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return events with a column for each table that states something of any of them."""
        for column in self._of_events:
            frame = _joined(frame, "eventID", self._events(column), column)
        return frame

    def beside_records(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return records with a column for each table that states something of any."""
        if "occurrenceID" not in frame.columns:
            return frame
        for column in self._of_records:
            rows = self._records(column)
            self._found.setdefault(column, []).append(
                rows["key"].filter(rows["key"].is_in(frame["occurrenceID"].drop_nulls().implode()))
            )
            frame = _joined(frame, "occurrenceID", rows, column)
        return frame

    def notes(self) -> Iterator[str]:
        """Yield how many rows are kept without being published, and belong to nothing; to be asked when all records are read."""
        for column, frames in self._of_records.items():
            found = (
                pl.concat(self._found[column]).implode()
                if column in self._found
                else pl.Series([[]], dtype=pl.List(pl.String))
            )
            lost = sum(frame.filter(~pl.col("key").is_in(found)).height for frame in frames)
            if lost:
                yield f"{lost} of {self.counts[column]} rows of {column} point at no event and no record, and are not kept"
            if self.counts[column] > lost and column not in (MEDIA, MEASUREMENTS):
                yield (
                    f"{self.counts[column] - lost} rows of {column} are kept beside their events and records, and are no part of what "
                    "is published: whatever else was met there may stand in them"
                )
        yield from self._kept_inside()

    def _kept_inside(self) -> Iterator[str]:
        """Yield which measurements of events are stated of none."""
        count = sum(frame.height for frame in self._of_events.get(MEASUREMENTS, ()))
        inside = kept_inside(row for _, rows in self.measurements() for row in rows)
        if inside:
            types = [shorten(one) or "no type" for one in sorted(inside)]
            shown = ", ".join(types[:_MOST_NAMED]) + (
                f" and {len(types) - _MOST_NAMED} more" * (len(types) > _MOST_NAMED)
            )
            yield (
                f"{inside.total()} of {count} measurements of events are kept and not published, since they may tell what "
                f"was met there: {shown}; published are those of water, weather and ground, in words that are known here"
            )

    def _events(self, column: str) -> pl.DataFrame:
        """Return the rows of a table by event: key, list in JSON."""
        return _lists(self._of_events.get(column, []))

    def _records(self, column: str) -> pl.DataFrame:
        """Return the rows of a table by record, put together once."""
        if column not in self._listed:
            self._listed[column] = _lists(self._of_records[column])
        return self._listed[column]


def _as_text(row: Mapping[str, str | None]) -> str:
    """Return what a row tells, as JSON."""
    return json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False)


def _lists(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of each key as one list in JSON, in the order in which they came."""
    schema = {"key": pl.String, "row": pl.String}
    rows = pl.concat([pl.DataFrame(schema=schema), *(frame.select("key", "row") for frame in frames)])
    return rows.group_by("key", maintain_order=True).agg(("[" + pl.col("row").str.join(", ") + "]").alias("row"))


def _joined(frame: pl.DataFrame, key: str, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a frame with the rows of another table as JSON."""
    if rows.is_empty():
        return frame
    named = rows.select(pl.col("key").alias(key), pl.col("row").alias(column))
    return frame.drop(column, strict=False).join(named, on=key, how="left", maintain_order="left")


def with_humboldt(events: pl.DataFrame, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return events with the terms of the Humboldt extension; of several rows of an event the first that states a term.

    Parameters
    ----------
    events : polars.DataFrame
        n events.
    frames : sequence of polars.DataFrame
        The extension's rows, `coreid` and terms by their local names.
    """
    if not frames:
        return events
    table = pl.concat(frames, how="diagonal").drop("source_file", "source_row", "eventID", strict=False)
    names = [name for name in table.columns if name != "coreid"]
    once = table.group_by("coreid", maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in names)
    return filled_from(events, once, by="eventID", key="coreid", without=["coreid"])


def inherit(events: pl.DataFrame) -> pl.DataFrame:
    """Return events with the place, region and date of the nearest event above them that states it, where they do not.

    Parameters
    ----------
    events : polars.DataFrame
        n events, `eventID` and, where there is a hierarchy, `parentEventID`.

    Returns
    -------
    polars.DataFrame of n rows
        With `inherited` where anything was taken: a JSON object of group → eventID.
    """
    if "parentEventID" not in events.columns or events.is_empty():
        return events
    sources: dict[str, pl.Series] = {}
    for group, terms in _GROUPS.items():
        own = [name for name in terms if name in events.columns]
        if own:
            events, sources[group] = _inherited(events, own)
    if not any(source.null_count() < events.height for source in sources.values()):
        return events
    rows = pl.DataFrame(sources).iter_rows(named=True)
    names = [json.dumps({group: key for group, key in row.items() if key}, ensure_ascii=False) for row in rows]
    return events.with_columns(pl.Series(INHERITED, names, dtype=pl.String).replace("{}", None))


def _inherited(events: pl.DataFrame, terms: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Fill a group of terms from above; also return the event that each row took it from."""
    empty = pl.all_horizontal(pl.col(name).is_null() for name in terms)
    once = events.select("eventID", "parentEventID", *terms).unique("eventID", keep="first", maintain_order=True)
    above = once.select(pl.col("eventID").alias("asked"), pl.col("parentEventID").alias("next"), empty.alias("silent"))
    # Climb until somebody tells something; a circle ends with the levels.
    at = events.select(source=pl.when(empty).then("parentEventID"))
    for _ in range(_MAX_LEVELS):
        step = at.join(above, left_on="source", right_on="asked", how="left", maintain_order="left")
        climbs = step["silent"].fill_null(value=False)
        if not climbs.any():
            break
        at = step.select(source=pl.when(climbs).then("next").otherwise("source"))
    known = above.filter(~pl.col("silent"))["asked"]
    at = at.with_columns(pl.when(pl.col("source").is_in(known.implode())).then("source"))
    given = at.join(
        once.select("eventID", *terms), left_on="source", right_on="eventID", how="left", maintain_order="left"
    )
    filled = events.with_columns(pl.coalesce(pl.col(name), given[name]).alias(name) for name in terms)
    return filled, at["source"]


def with_events(batch: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return records with the terms of the events that they point at by `coreid`, where they have none of their own.

    Parameters
    ----------
    batch : polars.DataFrame
        n records.
    events : polars.DataFrame
        Events, each once, by `eventID`.
    """
    found = filled_from(
        batch, events, by="coreid", key="eventID", whole=(PLACE, DATE), without={*NOT_JOINED, "eventID"}
    )
    entries = [pl.col("eventID")] if "eventID" in batch.columns else []
    return found.with_columns(pl.coalesce(*entries, "coreid").alias("eventID")).drop("coreid")


# Effort that stands among the measurements of an event, as archives of OBIS have it, where the event does not state it itself.
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
    facts: dict[str, dict[str, str]] = {}
    taken, likely = Counter[str](), Counter[str]()
    for event, rows in measurements:
        for pair, kind, cells in _certain(rows, likely):
            facts.setdefault(event, {"eventID": event}).update(dict(zip(pair, cells, strict=True)))
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
    if not facts:
        return events, notes
    names = sorted({name for row in facts.values() for name in row})
    frame = pl.DataFrame(
        [{name: row.get(name) for name in names} for row in facts.values()], schema=dict.fromkeys(names, pl.String)
    )
    # A value and its unit are the event's or the measurement's, never one of each.
    pairs = (_EFFORT, _LENGTH, _DURATION, _AREA)
    return filled_from(events, frame, by="eventID", key="eventID", whole=pairs), notes


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
    for pair, names in found.items():
        if len({(value, unit) for _, value, unit in names}) > 1:
            likely.update(kind for kind, _, _ in names)
            continue
        kind, value, unit = min(names)
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
        Its rows have `coreid`, which the other tables point at, and `eventID` where it is distinguished from that; they are
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
            core, names = with_measured_effort(core, self.beside.measurements())
            self.table.notes += names
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
        yield from _with_events(table, rows, self.once, self.beside, is_last=is_last)


def _identified(events: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return events by `eventID`, and the `eventID` of each `coreid` that is stated by another.

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


def _with_events(
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
