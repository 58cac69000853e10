"""The events of an archive: a core of sampling events with the Humboldt extension, their occurrences beside it.

Every occurrence beside a core of events has to point at a row of it. Those whose event is not stated, since their place is
coarse or they name none, point at a row that stands for where and when they were made, as it is published: its `eventType`
is Observation, it has no method and no effort, and our own term `stands_for` says that it is no event.

https://eco.tdwg.org/, https://dwc.tdwg.org/text/
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from biodata.core import terms
from biodata.exports.request import Facts
from biodata.exports.selection import Selection
from biodata.sharing.measurements import COLUMN, FIELDS, OF_OBIS, items
from biodata.store.query.filters import And, Compare, Filter, In
from biodata.store.tables import RELEASE

EVENT_FILE: Final = "event.txt"
HUMBOLDT_FILE: Final = "humboldt.txt"
CORE: Final = f"{terms.DWC}Event"
HUMBOLDT: Final = f"{terms.ECO}Event"

_TOLD_BY_HUMBOLDT: Final = ("targetTaxonomicScope", "excludedTaxonomicScope", "isAbsenceReported")
_CORE_TERMS: Final = {
    **{name: terms.DWC + name for name in ("eventID", "parentEventID")},
    "eventType": f"{terms.DWC}eventType",
    "datasetID": f"{terms.DWC}datasetID",
    "datasetKey": f"{terms.GBIF}datasetKey",
    **{
        name: terms.DWC + name
        for name in (
            "locationID", "samplingProtocol", "eventDate", "year", "sampleSizeValue", "sampleSizeUnit", "samplingEffort",
            "decimalLatitude", "decimalLongitude", "geodeticDatum", "coordinateUncertaintyInMeters", "footprintWKT",
            "footprintSRS", "countryCode", "stateProvince", "locality", "habitat", "informationWithheld", "dataGeneralizations",
        )
    },
    "license": f"{terms.DC}license",
    **{
        name: terms.OWN + name
        for name in (
            "stands_for", "design", "event_start", "event_end", "time_zone", "effort_basis", "failed_days", "country_codes",
            "sharing_category", "community_labels", "quality_flags", "records", "species",
        )
    },
}  # fmt: skip
"""Columns of `event.txt` behind the row's own identifier, and their terms."""
_HUMBOLDT_TERMS: Final = {
    name: terms.ECO + name
    for name in (
        "targetTaxonomicScope", "excludedTaxonomicScope", "isAbsenceReported", "isSamplingEffortReported", "samplingEffortValue",
        "samplingEffortUnit", "protocolNames",
    )
}  # fmt: skip
"""Columns of `humboldt.txt` behind the identifier of the event's row."""
POINTING: Final = (
    "datasetKey", "eventID", "parentEventID", "eventDate", "year", "decimalLatitude", "decimalLongitude", "geodeticDatum",
    "coordinateUncertaintyInMeters", "countryCode",
)  # fmt: skip
"""Columns of records that say which row of the core they point at."""
_WHERE_AND_WHEN: Final = tuple(name for name in POINTING if name not in ("eventID", "parentEventID"))
_OBSERVATION: Final = "Observation"
_LEVEL: Final = 5
"""Of compression."""
_MADE: Final = "records-"
"""How the identifiers of rows begin that stand for records; a survey's own begin with its dataset."""


@dataclass(frozen=True)
class Events:
    """The events that an archive has.

    Attributes
    ----------
    rows : polars.DataFrame
        Of the release's `surveys`.
    """

    rows: pl.DataFrame

    @property
    def count(self) -> int:
        """How many sampling events there are."""
        return self.rows["license"].count()

    @property
    def are_measured(self) -> bool:
        """Whether anything measured is stated of any."""
        return bool(self.rows["measurements"].count())

    def core_ids(self, records: pl.DataFrame) -> pl.Series:
        """Return which row of the core each record (`POINTING`) belongs to: its event, else the one that this is a part of.

        Which of the events that are stated coarse a record is of would state more than either: such records share the row of
        what is published of their place and date.
        """
        named = self.rows.select("datasetKey", "eventID", "survey_id").drop_nulls()
        upper = named.rename({"eventID": "parentEventID", "survey_id": "upper_id"})
        found = records.select(POINTING).join(named, on=["datasetKey", "eventID"], how="left", maintain_order="left")
        found = found.join(upper, on=["datasetKey", "parentEventID"], how="left", maintain_order="left")
        return (
            found.with_columns(made=_made_ids(found))
            .select(id=pl.coalesce("survey_id", "upper_id", "made"))
            .to_series()
        )

    def zones(self, records: pl.DataFrame) -> pl.Series:
        """Return the time zone of each record's event, else of the one that it is a part of."""
        own = self.rows.select("datasetKey", "eventID", "time_zone").drop_nulls()
        upper = own.rename({"eventID": "parentEventID", "time_zone": "zone_above"})
        found = records.select("datasetKey", "eventID", "parentEventID")
        found = found.join(own, on=["datasetKey", "eventID"], how="left", maintain_order="left")
        found = found.join(upper, on=["datasetKey", "parentEventID"], how="left", maintain_order="left")
        return found.select(pl.coalesce("time_zone", "zone_above")).to_series()

    def write(self, selection: Selection, archive: ZipFile) -> None:
        """Write `event.txt` and `humboldt.txt`; the events of the surveys first, then rows for records without one."""
        with text_table(archive, EVENT_FILE, ["id", *_CORE_TERMS]) as member:
            member.write(in_lines(_core_rows(self.rows)))
            written = pl.Series([], dtype=pl.String)
            for _, rows in selection.chunks(POINTING, self._without_event):
                new = rows.filter(~pl.col("id").is_in(written.implode()))
                member.write(in_lines(_with(new, "id", _CORE_TERMS)))
                written = written.append(new["id"])
        with text_table(archive, HUMBOLDT_FILE, ["coreid", *_HUMBOLDT_TERMS]) as member:
            member.write(in_lines(_humboldt_rows(self.rows)))

    def _without_event(self, records: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of the core for records whose event is not stated, each once."""
        made = records.with_columns(id=self.core_ids(records)).filter(pl.col("id").str.starts_with(_MADE))
        return made.unique("id", maintain_order=True).with_columns(
            eventID="id",
            parentEventID=pl.lit(None, pl.String),
            datasetID="datasetKey",
            eventType=pl.lit(_OBSERVATION),
            stands_for=pl.lit(str(terms.ArchivedRow.RECORDS)),
        )


def _made_ids(records: pl.DataFrame) -> pl.Series:
    """Return an identifier for each place and date, made of what is published of them and of nothing else."""
    texts = records.select(pl.struct(_WHERE_AND_WHEN).struct.json_encode()).to_series()
    distinct = texts.unique()
    marks = [_MADE + hashlib.sha256(text.encode()).hexdigest()[:12] for text in distinct]
    return texts.replace_strict(distinct, marks, return_dtype=pl.String)


def archived_events(selection: Selection, facts: Facts) -> Events | None:
    """Return the events of what is exported; None where some of it is of datasets without events in the lake.

    Parameters
    ----------
    selection : Selection
        Which records. Where they are whole datasets, all of the datasets' events are in the archive; else those that the
        records name, with the events that these are parts of.
    facts : Facts
        What is stated of the records.
    """
    asked = whole_datasets(selection.filter)
    datasets = {share.key for share in facts.datasets} | (asked or set())
    surveys = RELEASE["surveys"].columns
    names = ", ".join(f'"{name}"' for name in surveys)
    rows = selection.query(f"SELECT {names} FROM surveys ORDER BY survey_id")  # noqa: S608 - our own names
    rows = terms.conform(rows, surveys.values())
    # Of an event that only records state no licence is stated.
    known = set(rows.filter(pl.col("license").is_not_null())["datasetKey"])
    if asked is not None and not asked:
        datasets |= known
    if not datasets or datasets - known:
        return None
    rows = rows.filter(pl.col("datasetKey").is_in(list(datasets)))
    return Events(rows if asked is not None else _named(rows, selection))


def whole_datasets(filter_: Filter | None) -> set[str | None] | None:
    """Return the datasets that a filter asks for whole, none for all of them; None where it asks for a part."""
    match filter_:
        case None:
            return set()
        case Compare("datasetKey", "=", str(key)):
            return {key}
        case In("datasetKey", values):
            return {str(value) for value in values}
        case And(parts):
            found = [whole_datasets(part) for part in parts]
            named = [datasets for datasets in found if datasets]
            return None if None in found or len(named) > 1 else named[0] if named else set()
        case _:
            return None


def _named(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    """Return the events that the chosen records name, and those that these are parts of."""
    statement, params = selection.chosen('DISTINCT "datasetKey", unnest(["eventID", "parentEventID"]) AS "eventID"')
    asked = selection.query(statement, params).drop_nulls()
    found = rows.join(asked, on=["datasetKey", "eventID"], how="semi")
    while True:
        upper = found.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
        more = rows.join(upper, on=["datasetKey", "eventID"], how="semi").join(found, on="survey_id", how="anti")
        if more.is_empty():
            return found.sort("survey_id")
        found = pl.concat([found, more])


def _centre(shape: BaseGeometry | None) -> tuple[float | None, float | None]:
    """Return longitude and latitude of a shape's middle: a point's own, else to a centimetre."""
    if shape is None:
        return None, None
    middle = shape.centroid
    return (middle.x, middle.y) if shape.geom_type == "Point" else (round(middle.x, 7), round(middle.y, 7))


def _core_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `event.txt`; the centre stands for a cell, a line or an outline, which is stated beside it."""
    shapes = shapely.from_wkb(rows["geometry"].to_list())
    centres = pl.DataFrame(
        [_centre(shape) for shape in shapes],
        schema={"decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64},
        orient="row",
    )
    outlines = [None if shape is None or shape.geom_type == "Point" else shape.wkt for shape in shapes]
    frame = rows.with_columns(footprintWKT=pl.Series(outlines, dtype=pl.String)).hstack(centres)
    placed, outlined = pl.col("decimalLatitude").is_not_null(), pl.col("footprintWKT").is_not_null()
    effort = pl.when(pl.col("effort_value").is_not_null())
    frame = frame.with_columns(
        eventID=pl.coalesce("eventID", "survey_id"),
        datasetID="datasetKey",
        # What only records state is stated by them: it is none of the lake's events, of which a licence is always stated.
        stands_for=pl.when(pl.col("license").is_not_null())
        .then(pl.lit(str(terms.ArchivedRow.EVENT)))
        .otherwise(pl.lit(str(terms.ArchivedRow.RECORDS))),
        sampleSizeValue="effort_value",
        sampleSizeUnit=effort.then("effort_unit"),
        samplingEffort=effort.then(pl.format("{} {}", "effort_value", pl.col("effort_unit").fill_null(""))),
        geodeticDatum=pl.when(placed).then(pl.lit("WGS84")),
        footprintSRS=pl.when(outlined).then(pl.lit("EPSG:4326")),
        countryCode=pl.when(pl.col("country_codes").list.len() == 1).then(pl.col("country_codes").list.first()),
        eventDate=pl.coalesce("eventDate", _interval()),
    )
    return _with(frame, "survey_id", _CORE_TERMS)


def _interval() -> pl.Expr:
    """Return the days as ISO 8601; null where they are not stated."""
    start, end = (pl.col(name).cast(pl.String) for name in ("event_start", "event_end"))
    return pl.when(start == end).then(start).otherwise(pl.format("{}/{}", start, end))


def _humboldt_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `humboldt.txt`: what was looked for and how much, of the events that state any of it."""
    effort = pl.col("effort_value").is_not_null()
    table = rows.filter(effort | pl.any_horizontal(pl.col(name).is_not_null() for name in _TOLD_BY_HUMBOLDT))
    frame = table.with_columns(
        pl.col("targetTaxonomicScope", "excludedTaxonomicScope").list.join(" | "),
        isSamplingEffortReported=effort,
        samplingEffortValue="effort_value",
        samplingEffortUnit=pl.when(effort).then("effort_unit"),
        protocolNames=pl.coalesce("samplingProtocol", "design"),
    )
    return _with(frame, "survey_id", _HUMBOLDT_TERMS)


def _with(frame: pl.DataFrame, key: str, columns: dict[str, str]) -> pl.DataFrame:
    """Return the identifier and the named columns, null where the frame has none; lists joined by semicolons."""
    lacking = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    table = frame.with_columns(lacking).select(pl.col(key).alias("id"), *columns)
    return table.with_columns(pl.col(name).list.join(";") for name, dtype in table.schema.items() if dtype == pl.List)


def zipped(out: Path) -> ZipFile:
    """Begin an archive; its bytes follow from its members alone, since one moment stands for the time of all."""
    return ZipFile(out, "w", ZIP_DEFLATED, compresslevel=_LEVEL)


@contextmanager
def text_table(archive: ZipFile, name: str, heading: Sequence[str]) -> Iterator[IO[bytes]]:
    """Write a tab-separated member; its lines are added inside the block."""
    with archive.open(name, "w", force_zip64=True) as member:
        member.write(("\t".join(heading) + "\n").encode())
        yield member


def in_lines(frame: pl.DataFrame) -> bytes:
    """Return rows as lines of a tab-separated table."""
    return frame.write_csv(separator="\t", include_header=False).encode()


def described() -> list[tuple[str, str, list[str]]]:
    """Return file, row type and terms of the core and of the extension."""
    return [(EVENT_FILE, CORE, list(_CORE_TERMS.values())), (HUMBOLDT_FILE, HUMBOLDT, list(_HUMBOLDT_TERMS.values()))]


# The measurements of an archive: a row for each, of a record or of an event.
_OBIS: Final = "http://rs.iobis.org/obis/terms/"
_RECORD: Final = "occurrenceID"
_OF_EVENTS: Final = ("extendedmeasurementorfact.txt", f"{_OBIS}ExtendedMeasurementOrFact")
_OF_RECORDS: Final = ("measurementorfact.txt", f"{terms.DWC}MeasurementOrFact")


def described_measurements(*, of_events: bool) -> tuple[str, str, list[str]]:
    """Return file, row type and terms; beside a core of events the first term is the record's identifier."""
    uris = [f"{_OBIS if name in OF_OBIS else terms.DWC}{name}" for name in FIELDS]
    return (*_OF_EVENTS, [f"{terms.DWC}{_RECORD}", *uris]) if of_events else (*_OF_RECORDS, uris)


def write_measurements(selection: Selection, archive: ZipFile, events: Events | None) -> None:
    """Write what is stated of measurements, events' own first.

    Parameters
    ----------
    selection : Selection
        Which records.
    archive : ZipFile
        What they are written to.
    events : Events or None
        The core, where it is one of events.
    """
    of_events = events is not None
    columns = dict.fromkeys(["key", _RECORD, *POINTING, COLUMN])
    name, _, _ = described_measurements(of_events=of_events)
    with text_table(archive, name, _measurement_heading(of_events=of_events)) as member:
        if events is not None:
            own = events.rows.drop_nulls(COLUMN).select("survey_id", pl.lit(None, pl.String), COLUMN)
            member.write(_measurement_lines(own.iter_rows(), of_events=True))
        for _, lines in selection.chunks([*columns], partial(_measurements_of, events=events)):
            member.write(lines)


def _measurements_of(frame: pl.DataFrame, *, events: Events | None) -> bytes:
    """Return the measurements of records as lines."""
    number = pl.col("key").cast(pl.String)
    if events is None:
        rows = frame.select(number, pl.lit(None, pl.String).alias(_RECORD), COLUMN)
    else:
        rows = frame.select(events.core_ids(frame).alias("coreid"), pl.coalesce(_RECORD, number), COLUMN)
    return _measurement_lines(rows.drop_nulls(COLUMN).iter_rows(), of_events=events is not None)


def _measurement_lines(entries: Iterable[tuple[str, str | None, str]], *, of_events: bool) -> bytes:
    """Return a line for each measurement of (row of the core, record, JSON)."""
    rows = [
        (core, *([record] if of_events else []), *(one.get(name) for name in FIELDS))
        for core, record, text in entries
        for one in items(text)
    ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(_measurement_heading(of_events=of_events), pl.String), orient="row")
    return in_lines(frame)


def _measurement_heading(*, of_events: bool) -> list[str]:
    return ["coreid", *([_RECORD] if of_events else []), *FIELDS]
