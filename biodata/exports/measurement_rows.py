"""The measurements of an archive: a row for each, of a record or of an event.

Beside a core of events they stand in OBIS's extension, which tells the record that a row is of; beside a core of records in
Darwin Core's. https://rs.gbif.org/extensions.html
"""

from collections.abc import Iterable
from functools import partial
from typing import Final

import polars as pl

from biodata import terms
from biodata.exports.event_archive import POINTING, Events
from biodata.exports.selection import Selection
from biodata.exports.zips import Piece, ZipWriter, compress
from biodata.sharing.measurements import COLUMN, FIELDS, OF_OBIS, items

_OBIS: Final = "http://rs.iobis.org/obis/terms/"
_RECORD: Final = "occurrenceID"
_OF_EVENTS: Final = ("extendedmeasurementorfact.txt", f"{_OBIS}ExtendedMeasurementOrFact")
_OF_RECORDS: Final = ("measurementorfact.txt", f"{terms.DWC}MeasurementOrFact")


def described(*, of_events: bool) -> tuple[str, str, list[str]]:
    """Return file, row type and terms; beside a core of events the first term is the record's identifier."""
    uris = [f"{_OBIS if name in OF_OBIS else terms.DWC}{name}" for name in FIELDS]
    return (*_OF_EVENTS, [f"{terms.DWC}{_RECORD}", *uris]) if of_events else (*_OF_RECORDS, uris)


def write_measurements(selection: Selection, archive: ZipWriter, events: Events | None) -> None:
    """Write what is told of measurements, events' own first.

    Parameters
    ----------
    selection : Selection
        Which records.
    archive : ZipWriter
        What they are written to.
    events : Events or None
        The core, where it is one of events.
    """
    member = archive.begin(described(of_events=events is not None)[0])
    archive.append(member, compress(("\t".join(_heading(of_events=events is not None)) + "\n").encode()))
    if events is not None:
        told = events.rows.drop_nulls(COLUMN).select("survey_id", pl.lit(None, pl.String), COLUMN)
        archive.append(member, _lines(told.iter_rows(), of_events=True))
    columns = dict.fromkeys(["key", _RECORD, *POINTING, COLUMN])
    for _, piece in selection.chunks([*columns], partial(_piece, events=events), after=-1):
        archive.append(member, piece)
    archive.end(member)


def _piece(frame: pl.DataFrame, *, events: Events | None) -> Piece:
    """Return the measurements of records as compressed lines."""
    number = pl.col("key").cast(pl.String)
    if events is None:
        told = frame.select(number, pl.lit(None, pl.String).alias(_RECORD), COLUMN)
    else:
        told = frame.select(events.core_ids(frame).alias("coreid"), pl.coalesce(_RECORD, number), COLUMN)
    return _lines(told.drop_nulls(COLUMN).iter_rows(), of_events=events is not None)


def _lines(told: Iterable[tuple[str, str | None, str]], *, of_events: bool) -> Piece:
    """Return a line for each measurement of (row of the core, record, JSON)."""
    rows = [
        (core, *([record] if of_events else []), *(one.get(name) for name in FIELDS))
        for core, record, text in told
        for one in items(text)
    ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(_heading(of_events=of_events), pl.String), orient="row")
    return compress(frame.write_csv(separator="\t", include_header=False).encode())


def _heading(*, of_events: bool) -> list[str]:
    return ["coreid", *([_RECORD] if of_events else []), *FIELDS]
