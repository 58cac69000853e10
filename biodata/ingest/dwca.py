"""Darwin Core Archives of any publisher: occurrences, sampling events with their occurrences, checklists."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, ClassVar, Final

import polars as pl

from biodata.core import terms
from biodata.core.errors import InputError, Refusal
from biodata.formats.archives import is_archive, open_archive
from biodata.formats.delimited import Delimited
from biodata.formats.dwca import META, METADATA, DarwinCoreArchive, DatasetDescription, open_dwca, read_eml
from biodata.formats.meta_xml import DataFile
from biodata.formats.records import Repairs
from biodata.ingest.event_tables import event_tables
from biodata.ingest.protocol import Source, VerbatimTable
from biodata.ingest.table_headings import open_table, renamed, term_of, terms_of
from biodata.ingest.tables import (
    MEASUREMENT_KINDS,
    MEDIA,
    MEDIA_KINDS,
    POINTER,
    Datasets,
    archive_rows,
    as_json,
    core_id_name,
    dataset_info,
    extension_rows,
    filled_from,
    opener,
    plain_table,
    with_extensions,
)
from biodata.sharing.measurements import COLUMN as MEASUREMENTS

# Tables of a survey that stand side by side without a meta.xml: event.csv, occurrence.csv, emof.csv, as OBIS passes them on.
EVENTS, RECORDS, MEASURED, HUMBOLDT = "Event", "Occurrence", "ExtendedMeasurementOrFact", "Humboldt"
_PLACED: Final = frozenset({"eventDate", "decimalLatitude", "parentEventID", "locality", "samplingProtocol"})
_SUFFIXES: Final = (".csv", ".tsv", ".txt")


def kind_of(headings: Sequence[str]) -> str | None:
    """Return what a table's rows are, as its headings tell; None where they state no kind."""
    terms = {term_of(heading).rpartition(":")[2] for heading in headings}
    if {"measurementType", "measurementValue"} & terms:
        return MEASURED if {"eventID", "occurrenceID"} & terms else None
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
        `encoding`, `separator` and `heading.*`, where they are stated.
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
        others = [(MEASURED, _rows(table)) for table in self.tables.get(MEASURED, ())]
        for table in event_tables(events, records, humboldt=humboldt, others=others):
            if table is events:
                events.batches = self._with_refusals(events, events.batches)
            yield table

    def _with_refusals(self, events: VerbatimTable, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the events; then the refusals of the tables beside them are complete, and are stated with theirs."""
        yield from batches
        for beside in (*self.tables.get(HUMBOLDT, ()), *self.tables.get(MEASURED, ())):
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
        rows = frame.rename(names, strict=False).select(pl.lit(table.file).alias("source_file"), pl.all())
        event = pl.col("eventID") if "eventID" in rows.columns else pl.lit(None, pl.String)
        yield rows.with_columns(event.alias("coreid"))


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


# Archives of sampling events that biodata wrote: every row is whole, and tells which dataset it is of.
#
# What an event or a record does not state is not known, or was left out by rules of sharing: nothing is taken from the
# event above, and nothing is made of outlines. Rows of the core that only stand for where records were made are no events.

_NAMES: Final = MappingProxyType({f"{terms.OWN}design": "design", f"{terms.OWN}time_zone": "timeZone"})
"""Terms of ours that are read as if they stood in a sheet."""
_OF_RECORD: Final = (POINTER, "occurrenceID")


def is_own(core: DataFile) -> bool:
    """Return whether the core of an archive is one of ours."""
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
        stated = frame.filter(~stand_for)
        if stated.height < frame.height:
            events.notes.append(
                f"{frame.height - stated.height} rows of {core.locations[0]} are no events: they stand for where and when "
                "records were made whose event is not told"
            )
        key = core_id_name(core)
        frames = [_with_measured(_with_humboldt(stated, rows("Event"), key), measured, key)]
        only = set(frame["datasetKey"]) if "datasetKey" in frame.columns else set()
        if len(only) == 1 and (key := only.pop()) in events.datasets:
            # What is stated of the whole archive is stated of the download that it was.
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
    table = pl.concat(frames).drop("source_file", "source_row").unique(POINTER, keep="first", maintain_order=True)
    return events.join(table, left_on=key, right_on=POINTER, how="left", maintain_order="left")


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
    for table in beside:
        if table.height:
            records = records.join(table, on=list(_OF_RECORD), how="left", maintain_order="left")
    return records.drop(POINTER)


_TAXON: Final = "taxonID"
_AT_ONCE: Final = 65_536
"""Records of events that are interpreted at once."""
_IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
"""What may identify a record; a core's identifier may be another term."""
# What these tell is true of the core's own row, not of the occurrences that belong to it.
_NOT_JOINED: Final = frozenset({"id", "source_file", "source_row", "type", "modified", "references", "identifier"})


class DwcaSource(Source):
    """Darwin Core Archives: zip or tar files, or the folders that they were unpacked to.

    A core of occurrences gives them, with their pictures, sounds and measurements. A core of events gives the events with the terms of
    the Humboldt extension, and with place and date of the event above where they state none; then the occurrences of its
    extension, each with its event's terms where it has none of its own. Rows of all its other extensions stand beside the
    event or the occurrence as JSON; archives of ours are read as they are (`own_archive`). A core of taxa gives a table of taxa, and occurrences with theirs. A core of events or
    taxa is held in memory.

    Parameters
    ----------
    paths : sequence of Path
        Zip files, tar files or folders. Without a meta.xml: one table, or the tables of one survey with its events, in a folder, a zip
        or stated one by one; their headings say which is which.
    dataset : str, optional
        Key of the dataset; else the UUID in its description, else none.
    options : mapping
        `complete` = `yes`: what is not in the archive any more is gone. `encoding`, where meta.xml tells a wrong one
        or there is none; `separator`, where there is no meta.xml.
    """

    name: ClassVar[str] = "dwca"
    reads: ClassVar[str] = "zip files, tar files or folders of Darwin Core Archives"
    known_options: ClassVar[frozenset[str]] = frozenset({"complete", "encoding", "separator"})

    def _read_options(self) -> None:
        self.complete = self.options.pop("complete", "no").lower() in {"yes", "true", "1"}

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the tables of each archive.

        Raises
        ------
        InputError
            If an archive cannot be taken.
        """
        loose = [path for path in self.paths if not is_archive(path)]
        if len(loose) > 1:
            yield from self._named(of_files(loose, self.options))
        for path in self.paths:
            if len(loose) > 1 and path in loose:
                continue
            found = in_folder(path, self.options)
            yield from self._named(found if found is not None else open_dwca(path))

    def _named(self, found: DarwinCoreArchive | LooseTables) -> Iterator[VerbatimTable]:
        """Yield the tables of an archive, with what is stated of their dataset."""
        for table in found.read() if isinstance(found, LooseTables) else self._tables(found):
            key = self.dataset or (found.metadata.key if found.metadata else None)
            if self.dataset is not None or table.dataset.key is None:
                table.dataset = dataset_info(key, found.metadata)
            table.complete = self.complete
            yield table

    def _tables(self, dwca: DarwinCoreArchive) -> Iterator[VerbatimTable]:
        """Yield the tables of one archive."""
        if dwca.description is None:
            member = dwca.only_table
            yield plain_table(
                lambda: dwca.archive.open(member),
                name=dwca.name,
                file=f"{dwca.name}/{member}",
                dataset=dataset_info(None, None),
                options=self.options,
                repairs=dwca.repairs,
            )
            return
        core = dwca.description.core
        if core.kind == "Occurrence":
            table = _table(dwca, core, "occurrences", self.options)
            table.batches = with_extensions(dwca, core, table.batches, table.refusals, self.options)
            key = core_id_name(core)
            if key not in _IDENTIFIERS:
                # A row that states no identifier of the record has that of the archive.
                table.batches = map(partial(_with_column, column=pl.col(key).alias("id")), table.batches)
            yield table
            return
        if core.kind == "Event":
            yield from _event_tables(dwca, core, self.options)
            return
        taxa = _table(dwca, core, "taxa", self.options)
        taxa.notes.append(
            f"this archive is a checklist; `biodata ingest checklist {shlex.quote(dwca.name)}` takes in its common names and its "
            "version, too"
        )
        yield taxa
        for extension in (file for file in dwca.description.extensions if file.kind == "Occurrence"):
            table = _table(dwca, extension, "occurrences", self.options)
            table.batches = _with_core(core, archive_rows(dwca, core, table.refusals, self.options), table.batches)
            yield table


def _event_tables(dwca: DarwinCoreArchive, core: DataFile, options: Mapping[str, str]) -> Iterator[VerbatimTable]:
    """Yield the events of an archive, then their occurrences."""
    extensions = dwca.description.extensions if dwca.description else ()
    events = _table(dwca, core, "events", options)
    records = [_table(dwca, file, "occurrences", options) for file in extensions if file.kind == "Occurrence"]
    if is_own(core):
        yield from own_tables(dwca, core, events, records, options)
        return
    for table in records:
        table.batches = _few(table.batches)
    key = pl.col(core_id_name(core)).alias("coreid")
    events.batches = map(partial(_with_column, column=key), events.batches)

    def rows(file: DataFile) -> Iterator[pl.DataFrame]:
        return extension_rows(dwca, file, events.refusals, options)

    yield from event_tables(
        events,
        records,
        humboldt=(frame for file in extensions if file.kind == "Event" for frame in rows(file)),
        others=((file.kind, rows(file)) for file in extensions if file.kind not in ("Occurrence", "Event")),
    )


def _few(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield batches of few rows: each row gets all that its event tells."""
    for batch in batches:
        yield from batch.iter_slices(_AT_ONCE)


def _with_column(frame: pl.DataFrame, *, column: pl.Expr) -> pl.DataFrame:
    """Return a frame with a column more."""
    return frame.with_columns(column)


def _table(dwca: DarwinCoreArchive, data_file: DataFile, kind: str, options: Mapping[str, str]) -> VerbatimTable:
    """Return a core or an extension as a table; what was mended of the archive as a whole stands with its core."""
    refusals: list[Refusal] = []
    repairs = dwca.repairs if dwca.description is None or data_file is dwca.description.core else Repairs()
    return VerbatimTable(
        kind=kind,
        name=dwca.name,
        dataset=dataset_info(None, None),
        batches=archive_rows(dwca, data_file, refusals, options, repairs),
        refusals=refusals,
        repairs=repairs,
        datasets=Datasets(dwca.constituents),
    )


def _with_core(
    core: DataFile, core_rows: Iterator[pl.DataFrame], batches: Iterator[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Yield the occurrences with the terms of the core that they do not state themselves."""
    frames = list(core_rows)
    key, id_name = core_id_name(core), _TAXON
    # An identifier that stands twice counts once, or its occurrences would be doubled.
    once = pl.concat(frames).unique(key, keep="first", maintain_order=True) if frames else None
    for batch in batches:
        joined = batch if once is None else filled_from(batch, once, by="coreid", key=key, without=_NOT_JOINED)
        entries = [pl.col(id_name)] if id_name in joined.columns else []
        yield joined.with_columns(pl.coalesce(*entries, "coreid").alias(id_name)).drop("coreid")
