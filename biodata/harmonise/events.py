"""Sampling events: verbatim batches in, `terms.EVENT` out; places, dates and measures are read as those of records."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import Refusal
from biodata.flags import FLAGS
from biodata.harmonise import came_coarse, date_zones, event_clocks, event_effort, event_scope, event_sites, event_zones
from biodata.harmonise.event_cells import cells
from biodata.harmonise.event_times import ends_of, with_event_date
from biodata.harmonise.findings import Findings, quality_flags
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser
from biodata.harmonise.told import Told, as_written
from biodata.sharing import measurements
from biodata.text.controlled import Vocabulary, parse_controlled

_READ_WITH_RECORDS: Final = (
    "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "country_codes", "stateProvince", "locality",
    "habitat", "eventDate", "license",
)  # fmt: skip
_NOT_OF_EVENTS: Final = (
    "SCIENTIFIC_NAME_",
    "TAXON_",
    "BASIS_OF_RECORD_",
    "OCCURRENCE_",
    "INDIVIDUAL_COUNT_",
    "IDENTIFIED_",
)
"""Beginnings of the flags that are about a record and not about where and when somebody looked."""

_AS_TOLD: Final = (
    "eventID", "parentEventID", "locationID", "samplingProtocol", "footprintWKT", "eventRemarks", "source_sheet",
)  # fmt: skip

_SLICE: Final = 32_768
"""Events that are interpreted at once: what is found out about each takes thirty times what is kept of it."""

_NEVER_KEPT: Final = ("samplingPerformedBy",)


def events(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret a batch of events.

    Parameters
    ----------
    batch : polars.DataFrame
        n rows: `source_file`, `source_row`, `source_sheet` where there are sheets, and text columns by
        `terms.EVENT_TERMS` or as headed.
    harmoniser : Harmoniser
        Reads places, dates and measures.
    dataset_key : str
        The dataset of rows that tell none.
    declarations : mapping
        As for `Harmoniser.occurrences`.

    Returns
    -------
    frame : polars.DataFrame of `terms.EVENT`
        m rows.
    refusals : list of Refusal
        The n - m rows without an `eventID`, or with one that an earlier row of their dataset has.
    """
    slices, refusals = event_slices(batch, harmoniser, dataset_key=dataset_key, declarations=declarations)
    return pl.concat(slices), refusals


def event_slices(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[Iterator[pl.DataFrame], list[Refusal]]:
    """Interpret a batch of events as `events` does, and give them some at a time; at least one frame."""
    batch = batch.drop(*_NEVER_KEPT, strict=False)
    if "eventID" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("eventID"))
    batch = batch.with_columns(Told(batch)["eventID"])  # without the spaces around it; "-" is none
    lacking = batch["eventID"].is_null()
    told_datasets = cells(batch, "datasetKey")["datasetKey"].fill_null(dataset_key)
    repeated = ~lacking & ~pl.select(pl.struct(told_datasets, batch["eventID"]).is_first_distinct()).to_series()
    refusals = _refused(batch.filter(lacking), "EVENT_ID_MISSING", "nothing identifies this event")
    refusals += _refused(batch.filter(repeated), "EVENT_REPEATED", "an earlier row has the same eventID")
    refused = lacking | repeated
    kept = batch.filter(~refused) if refused.any() else batch
    return _with_sites(kept, harmoniser, dataset_key=dataset_key, declarations=declarations), refusals


def _with_sites(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Yield events with what a comparison of the sites and cameras of all of them finds; till then they wait packed."""
    packed, placed, times = [], [], []
    for part in kept.iter_slices(_SLICE) if kept.height else [kept]:
        frame, ends = _interpret(part, harmoniser, dataset_key=dataset_key, declarations=declarations)
        placed.append(frame.select(event_sites.PLACE))
        times.append(ends)
        told = [column.name for column in frame if column.null_count() < frame.height]
        waiting = io.BytesIO()
        frame.select("event_key", *(name for name in told if name != "event_key")).write_ipc(waiting, compression="lz4")
        packed.append(waiting.getvalue())
    found = event_sites.interpret(kept, pl.concat(placed), pl.concat(times))
    added = pl.DataFrame([quality_flags([found], kept.height).alias("doubts"), *_named(found.columns)])
    begin = 0
    while packed:
        frame = terms.conform(pl.read_ipc(io.BytesIO(packed.pop(0))), terms.EVENT)
        here = added.slice(begin, frame.height)
        begin += frame.height
        flags = pl.col("quality_flags").list.concat(here["doubts"]).list.unique(maintain_order=True)
        yield frame.with_columns(flags, *here.drop("doubts"))


def _named(columns: Mapping[str, pl.Series]) -> list[pl.Series]:
    """Return columns under their names."""
    return [column.alias(name) for name, column in columns.items()]


def _interpret(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interpret some events of a table, and return when each begins and ends, too; their sites are compared later."""
    dated, doubts = with_event_date(kept, today=harmoniser.today, declarations=declarations)
    # The zone of an event stands in a column of its own.
    records = dated.select(pl.exclude("occurrenceID", date_zones.COLUMN)).with_columns(
        pl.col("eventID").alias("occurrenceID")
    )
    identified = harmoniser.identify(records, dataset_key=dataset_key)
    read = harmoniser.interpret(identified, declarations=declarations, counted=False)
    ends = ends_of(read.interpreted["eventDate"])
    found = _put_together(kept, read, ends, Findings(flags=doubts), declarations.get("time_zone"))
    return terms.conform(found, terms.EVENT), ends


def _put_together(
    kept: pl.DataFrame, read: HarmonisedBatch, ends: pl.DataFrame, doubts: Findings, zone: str | None
) -> pl.DataFrame:
    """Return the columns of `terms.EVENT` that can be told of the events."""
    interpreted = read.interpreted.with_columns(_countries(kept, read.interpreted["country_codes"]))
    design = _design(kept)
    parts = [
        doubts,
        design,
        event_zones.interpret(kept, ends, interpreted["country_codes"], declared=zone),
        event_effort.interpret(kept, ends, design.columns["design"]),
        event_scope.interpret(kept),
        event_clocks.interpret(kept, ends),
    ]
    own = quality_flags(parts, kept.height)
    flags = pl.col("quality_flags").list.eval(
        pl.element().filter(~pl.any_horizontal(pl.element().str.starts_with(start) for start in _NOT_OF_EVENTS))
    )
    came = as_written(kept.drop("source_file", "source_row", "source_sheet", strict=False))
    verbatim = [
        json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
        for row in came.iter_rows(named=True)
    ]
    return interpreted.select(
        "datasetKey", *_READ_WITH_RECORDS, flags.alias("quality_flags"), "source_file", "source_row"
    ).with_columns(
        *(kept[name] for name in _AS_TOLD if name in kept.columns),
        *(column.alias(name) for part in parts for name, column in part.columns.items()),
        measurements.column(cells(kept, measurements.COLUMN)[measurements.COLUMN]),
        ends["start"].alias("event_start"),
        ends["end"].alias("event_end"),
        (interpreted["datasetKey"] + ":" + kept["eventID"]).alias("event_key"),
        pl.col("quality_flags").list.concat(own).list.concat(_doubts_told(kept)).list.unique(maintain_order=True),
        pl.Series("verbatim", verbatim, dtype=pl.String),
        came_coarse.events(kept),
    )


def _design(kept: pl.DataFrame) -> Findings:
    """Read the design, which the protocol tells where no design does."""
    told, protocol = cells(kept, "design", "samplingProtocol").get_columns()
    by_design, by_protocol = (parse_controlled(column, Vocabulary.SURVEY_DESIGN)["term"] for column in (told, protocol))
    design = pl.select(pl.coalesce(by_design, by_protocol).alias("design")).to_series()
    return Findings({"design": design}, {"DESIGN_UNKNOWN": told.is_not_null() & by_design.is_null()})


def _countries(kept: pl.DataFrame, found: pl.Series) -> pl.Series:
    """Return the countries that places may lie in: those that an archive of ours tells, since a cell is more than its centre."""
    read = cells(kept, terms.ARCHIVED_COUNTRIES).select(
        pl.col(terms.ARCHIVED_COUNTRIES)
        .str.split(";")
        .list.eval(pl.element().filter(pl.element().str.contains("^[A-Z]{2}$")))
    )
    told = pl.col(terms.ARCHIVED_COUNTRIES)
    chosen = pl.when(told.list.len() > 0).then(told).otherwise(found)
    return read.select(chosen.alias("country_codes")).to_series()


def _doubts_told(kept: pl.DataFrame) -> pl.Series:
    """Return the doubts that an archive of ours tells: a zone that was assumed stays so, although it is told now."""
    told = cells(kept, terms.ARCHIVED_FLAGS)[terms.ARCHIVED_FLAGS].fill_null("").str.split(";")
    return told.list.set_intersection(list(FLAGS))


def _refused(rows: pl.DataFrame, code: str, message: str) -> list[Refusal]:
    """Return rows as refusals."""
    return [
        Refusal(file or "", row, "eventID", event, code, message)
        for file, row, event in rows.select("source_file", "source_row", "eventID").iter_rows()
    ]
