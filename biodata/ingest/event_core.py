"""Sampling events with their records: events as their own table, records with what their event tells, nothing else lost.

What other tables tell of an event or a record (measurements, pictures, relations) stands beside it as JSON, as it came.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import shorten
from biodata.ingest.beside_records import COLUMNS, MEDIA
from biodata.sharing.event_measurements import kept_inside
from biodata.sharing.measurements import COLUMN as MEASUREMENTS

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


@dataclass
class Beside:
    """Rows of other tables, by the event or the record that they belong to.

    Attributes
    ----------
    events : set of str
        The identifiers of the events.
    of_events, of_records : dict of str to dict of str to list
        Column → identifier → rows as they came.
    counts : Counter of str
        Rows by column.
    """

    events: set[str]
    of_events: dict[str, dict[str, list[dict[str, str]]]] = field(default_factory=dict)
    of_records: dict[str, dict[str, list[dict[str, str]]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    _found: set[tuple[str, str]] = field(default_factory=set)

    def add(self, kind: str, frames: Iterable[pl.DataFrame]) -> None:
        """Add a table whose rows point at an event by `coreid`, or at a record by `occurrenceID`."""
        column = column_of(kind)
        events = self.of_events.setdefault(column, defaultdict(list))
        records = self.of_records.setdefault(column, defaultdict(list))
        for frame in frames:
            for row in frame.iter_rows(named=True):
                item = {name: value for name, value in row.items() if value is not None and name not in _OF_ROWS}
                record, event = row.get("occurrenceID"), row.get("coreid")
                self.counts[column] += 1
                if record:
                    records[record].append(item)
                elif event:
                    # Some archives point with the core's identifier at a record.
                    (events if event in self.events else records)[event].append(item)

    def beside_events(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return events with a column for each table that tells something of any of them."""
        return _with_columns(frame, "eventID", self.of_events)

    def beside_records(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return records with a column for each table that tells something of any."""
        if "occurrenceID" not in frame.columns:
            return frame
        asked = set(frame["occurrenceID"].drop_nulls())
        self._found |= {(column, key) for column, items in self.of_records.items() for key in items.keys() & asked}
        return _with_columns(frame, "occurrenceID", self.of_records)

    def notes(self) -> Iterator[str]:
        """Yield how many rows are kept without being published, and belong to nothing; to be asked when all records are read."""
        for column, items in self.of_records.items():
            lost = sum(len(rows) for key, rows in items.items() if (column, key) not in self._found)
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
        rows = [row for listed in self.of_events.get(MEASUREMENTS, {}).values() for row in listed]
        inside = kept_inside(rows)
        if inside:
            types = [shorten(one) or "no type" for one in sorted(inside)]
            shown = ", ".join(types[:_MOST_NAMED]) + (
                f" and {len(types) - _MOST_NAMED} more" * (len(types) > _MOST_NAMED)
            )
            yield (
                f"{inside.total()} of {len(rows)} measurements of events are kept and not published, since they may tell what "
                f"was met there: {shown}; published are those of water, weather and ground, in words that are known here"
            )


def _with_columns(
    frame: pl.DataFrame, key: str, told: Mapping[str, Mapping[str, Sequence[dict[str, str]]]]
) -> pl.DataFrame:
    """Return a frame with the rows of other tables as JSON."""
    for column, items in told.items():
        if items:
            texts = [json.dumps(rows, ensure_ascii=False) for rows in items.values()]
            listed = pl.DataFrame({key: list(items), column: texts}, schema={key: pl.String, column: pl.String})
            frame = frame.drop(column, strict=False).join(listed, on=key, how="left", maintain_order="left")
    return frame


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
    once = events.unique("eventID", keep="first", maintain_order=True)
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
