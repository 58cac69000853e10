"""Sampling events with their records: events as their own table, records with what their event tells, nothing else lost.

What other tables tell of an event or a record (measurements, pictures, relations) stands beside it as JSON, as it came.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import shorten
from biodata.ingest.tables import COLUMNS, MEDIA
from biodata.sharing.measurements import COLUMN as MEASUREMENTS
from biodata.sharing.measurements import kept_inside

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
"""What an event takes from the event that it is a part of, each group whole where the event tells nothing of it."""
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
        """Return events with a column for each table that tells something of any of them."""
        for column in self._of_events:
            frame = _joined(frame, "eventID", self._events(column), column)
        return frame

    def beside_records(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return records with a column for each table that tells something of any."""
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
        """Yield which measurements of events are told of none."""
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
    """Return events with the terms of the Humboldt extension; of several rows of an event the first that tells a term.

    Parameters
    ----------
    events : polars.DataFrame
        n events.
    frames : sequence of polars.DataFrame
        The extension's rows, `coreid` and terms by their local names.
    """
    if not frames:
        return events
    told = pl.concat(frames, how="diagonal").drop("source_file", "source_row", "eventID", strict=False)
    names = [name for name in told.columns if name != "coreid"]
    once = told.group_by("coreid", maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in names)
    joined = events.join(once, left_on="eventID", right_on="coreid", how="left", suffix=" of it", maintain_order="left")
    both = [name for name in names if name in events.columns]
    return joined.with_columns(pl.coalesce(name, f"{name} of it").alias(name) for name in both).drop(
        f"{name} of it" for name in both
    )


def inherit(events: pl.DataFrame) -> pl.DataFrame:
    """Return events with the place, region and date of the nearest event above them that tells it, where they do not.

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
    told = [json.dumps({group: key for group, key in row.items() if key}, ensure_ascii=False) for row in rows]
    return events.with_columns(pl.Series(INHERITED, told, dtype=pl.String).replace("{}", None))


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
    terms = [name for name in events.columns if name not in NOT_JOINED and name != "eventID"]
    of_event = {name: f"{name} of the event" for name in terms}
    keyed = events.select(pl.col("eventID").alias("coreid"), *(pl.col(name).alias(of_event[name]) for name in terms))
    found = batch.join(keyed, on="coreid", how="left", maintain_order="left")
    filled = []
    for name in terms:
        # Of a place and of a date either everything is the event's, or nothing.
        group = next((group for group in (PLACE, DATE) if name in group), ())
        own = [pl.col(one) for one in group if one in batch.columns]
        silent = pl.all_horizontal(one.is_null() for one in own) if own else pl.lit(value=True)
        theirs = pl.when(silent).then(of_event[name])
        filled.append((pl.coalesce(name, theirs) if name in batch.columns else theirs).alias(name))
    told = [pl.col("eventID")] if "eventID" in batch.columns else []
    return found.with_columns(*filled, pl.coalesce(*told, "coreid").alias("eventID")).drop("coreid", *of_event.values())
