"""Tables of a survey that stand side by side without a meta.xml: event.csv, occurrence.csv, emof.csv, as OBIS passes them on.

Which is which is told by their headings, not by their names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.formats.archives import open_archive
from biodata.formats.delimited import Delimited
from biodata.formats.dwca import META, METADATA, DatasetDescription, read_eml
from biodata.ingest.event_tables import event_tables
from biodata.ingest.protocol import VerbatimTable
from biodata.ingest.table_headings import open_table, renamed, term_of, terms_of
from biodata.ingest.tables import dataset_info, opener

EVENTS, RECORDS, MEASUREMENTS, HUMBOLDT = "Event", "Occurrence", "ExtendedMeasurementOrFact", "Humboldt"
_PLACED: Final = frozenset({"eventDate", "decimalLatitude", "parentEventID", "locality", "samplingProtocol"})
_SUFFIXES: Final = (".csv", ".tsv", ".txt")


def kind_of(headings: Sequence[str]) -> str | None:
    """Return what a table's rows are, as its headings tell; None where they tell no kind."""
    terms = {term_of(heading).rpartition(":")[2] for heading in headings}
    if {"measurementType", "measurementValue"} & terms:
        return MEASUREMENTS if {"eventID", "occurrenceID"} & terms else None
    if "occurrenceID" in terms or {"eventID", "scientificName"} <= terms:
        return RECORDS
    if "eventID" not in terms:
        return None
    return HUMBOLDT if {"isAbsenceReported", "targetTaxonomicScope"} & terms and not _PLACED & terms else EVENTS


class LooseTables:
    """The tables of one survey.

    Parameters
    ----------
    name : str
        What they are called together.
    openers : mapping of str to callable
        Opens each file anew, by its name.
    options : mapping
        `encoding`, `separator` and `heading.*`, where they are told.
    metadata : DatasetDescription, optional
        The description that stands beside them.
    """

    def __init__(
        self,
        name: str,
        openers: Mapping[str, Callable[[], BinaryIO]],
        options: Mapping[str, str],
        metadata: DatasetDescription | None = None,
    ) -> None:
        self.name, self.metadata = name, metadata
        self.tables: dict[str, list[Delimited]] = {}
        for file, opened in openers.items():
            table = open_table(opened, file=file, options=options, without_blank=True)
            self.tables.setdefault(kind_of(table.headings) or "", []).append(table)

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the events, then the occurrences.

        Raises
        ------
        InputError
            If not one of the tables is that of the events (TABLES_UNKNOWN).
        """
        core = self._core()
        events = self._table("events", core)
        records = [self._table("occurrences", table) for table in self.tables.get(RECORDS, ())]
        humboldt = [frame for table in self.tables.get(HUMBOLDT, ()) for frame in _rows(table)]
        others = [(MEASUREMENTS, _rows(table)) for table in self.tables.get(MEASUREMENTS, ())]
        for table in event_tables(events, records, humboldt=humboldt, others=others):
            if table is events:
                events.batches = self._with_refusals(events, events.batches)
            yield table

    def _with_refusals(self, events: VerbatimTable, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the events; then the refusals of the tables beside them are complete, and are told with theirs."""
        yield from batches
        for beside in (*self.tables.get(HUMBOLDT, ()), *self.tables.get(MEASUREMENTS, ())):
            events.refusals += beside.refusals

    def _core(self) -> Delimited:
        """Return the table of the events."""
        unknown, events = self.tables.get("", ()), self.tables.get(EVENTS, ())
        if len(events) == 1 and not unknown:
            return events[0]
        if unknown:
            file, problem = unknown[0].file, "nothing tells what the rows of this table are"
        else:
            file, problem = self.name, f"{len(events)} of the tables are events, by their headings"
        expected = "one table of events (eventID), with tables of occurrences and measurements that have eventID"
        raise InputError(problem, file=file, expected=expected, code="TABLES_UNKNOWN")

    def _table(self, kind: str, table: Delimited) -> VerbatimTable:
        """Return a table under its terms."""
        return VerbatimTable(
            kind=kind,
            name=self.name,
            dataset=dataset_info(None, self.metadata),
            batches=_rows(table),
            refusals=table.refusals,
            declarations=renamed(terms_of(table.headings, file=table.file)),
        )


def _rows(table: Delimited) -> Iterator[pl.DataFrame]:
    """Yield a table's rows under the terms that their headings name."""
    names = terms_of(table.headings, file=table.file)
    for frame in table.batches:
        told = frame.rename(names, strict=False).select(pl.lit(table.file).alias("source_file"), pl.all())
        event = pl.col("eventID") if "eventID" in told.columns else pl.lit(None, pl.String)
        yield told.with_columns(event.alias("coreid"))


def in_folder(path: Path, options: Mapping[str, str]) -> LooseTables | None:
    """Return the tables of a folder or zip without a meta.xml; None where it holds something else, or a single table."""
    archive = open_archive(path)
    texts = [name for name in archive.sizes if name.lower().endswith(_SUFFIXES) and archive.sizes[name]]
    described = [name for name in archive.sizes if name.lower() in METADATA]
    if META in archive.sizes or len(texts) < 2 or len(texts) + len(described) < len(archive.sizes):
        return None
    metadata = None
    if described:
        with archive.open(described[0]) as stream:
            metadata = read_eml(stream.read(4_000_000), file=f"{archive.name}/{described[0]}")
    openers = {f"{archive.name}/{name}": partial(archive.open, name) for name in texts}
    return LooseTables(archive.name, openers, options, metadata)


def of_files(paths: Sequence[Path], options: Mapping[str, str]) -> LooseTables:
    """Return the tables of several files of one survey."""
    parents = {path.parent.name for path in paths}
    name = parents.pop() if len(parents) == 1 else paths[0].name
    return LooseTables(name or paths[0].name, {path.name: opener(path) for path in paths}, options)
