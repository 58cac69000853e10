"""Archives of sampling events that biodata wrote: every row is whole, and tells which dataset it is of.

What an event or a record does not tell is not known, or was left out by rules of sharing: nothing is taken from the event
above, and nothing is made of outlines. Rows of the core that only stand for where records were made are no events.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import terms
from biodata.formats.dwca import DarwinCoreArchive
from biodata.formats.meta_xml import DataFile
from biodata.ingest.beside_records import MEASUREMENT_KINDS, MEDIA, MEDIA_KINDS, POINTER, as_json
from biodata.ingest.protocol import VerbatimTable
from biodata.ingest.tables import core_id_name, extension_rows
from biodata.sharing.measurements import COLUMN as MEASUREMENTS

_NAMES: Final = MappingProxyType({f"{terms.OWN}design": "design", f"{terms.OWN}time_zone": "timeZone"})
"""Terms of ours that are read as if they stood in a sheet."""
_OF_RECORD: Final = (POINTER, "occurrenceID")


def is_own(core: DataFile) -> bool:
    """Tell whether the core of an archive is one of ours."""
    return any(field.term == terms.ARCHIVED_ROW for field in core.fields)


def own_tables(
    dwca: DarwinCoreArchive,
    core: DataFile,
    events: VerbatimTable,
    records: list[VerbatimTable],
    options: Mapping[str, str],
) -> Iterator[VerbatimTable]:
    """Yield the events of an archive of ours, then its records.

    Parameters
    ----------
    dwca : DarwinCoreArchive
    core : DataFile
        Its core.
    events : VerbatimTable
        The rows of the core, all of which are held in memory.
    records : list of VerbatimTable
        The rows of its extensions of occurrences, with `coreid`.
    options : mapping
        Of the source.
    """
    extensions = dwca.description.extensions if dwca.description else ()

    def rows(*kinds: str) -> list[pl.DataFrame]:
        files = (file for file in extensions if file.kind in kinds)
        return [frame for file in files for frame in extension_rows(dwca, file, events.refusals, options)]

    measured = as_json(rows(*MEASUREMENT_KINDS), _OF_RECORD, MEASUREMENTS)
    frames = list(events.batches)
    if frames:
        frame = pl.concat(frames).rename(_NAMES, strict=False)
        stand_for = (pl.col(terms.ARCHIVED_ROW) == terms.ArchivedRow.RECORDS).fill_null(value=False)
        told = frame.filter(~stand_for)
        if told.height < frame.height:
            events.notes.append(
                f"{frame.height - told.height} rows of {core.locations[0]} are no events: they stand for where and when "
                "records were made whose event is not told"
            )
        key = core_id_name(core)
        frames = [_with_measured(_with_humboldt(told, rows("Event"), key), measured, key)]
        only = set(frame["datasetKey"]) if "datasetKey" in frame.columns else set()
        if len(only) == 1 and (key := only.pop()) in events.datasets:
            # What is told of the whole archive is told of the download that it was.
            for table in (events, *records):
                table.dataset = events.datasets[key]
    events.batches = iter(frames)
    yield events
    beside = [as_json(rows(*MEDIA_KINDS), _OF_RECORD, MEDIA), measured]
    for table in records:
        table.batches = map(partial(_with_beside, beside=beside), table.batches)
        yield table


def _with_humboldt(events: pl.DataFrame, frames: list[pl.DataFrame], key: str) -> pl.DataFrame:
    """Return events with what their row of the Humboldt extension tells."""
    if not frames:
        return events
    told = pl.concat(frames).drop("source_file", "source_row").unique(POINTER, keep="first", maintain_order=True)
    return events.join(told, left_on=key, right_on=POINTER, how="left", maintain_order="left")


def _with_measured(events: pl.DataFrame, measured: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return events with what was measured at them."""
    of_events = measured.filter(pl.col("occurrenceID").is_null()).drop("occurrenceID")
    return (
        events.join(of_events, left_on=key, right_on=POINTER, how="left", maintain_order="left")
        if of_events.height
        else events
    )


def _with_beside(records: pl.DataFrame, *, beside: list[pl.DataFrame]) -> pl.DataFrame:
    """Return records with their pictures, sounds and measurements, without the row of the core that they point at."""
    for told in beside:
        if told.height:
            records = records.join(told, on=list(_OF_RECORD), how="left", maintain_order="left")
    return records.drop(POINTER)
