"""Sampling events: verbatim batches in, `terms.EVENT` out; places, dates and measures are read as those of records."""

import json
from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import Refusal
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser
from biodata.vocabularies import EFFORT_UNITS, SurveyDesign

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
        The dataset.
    declarations : mapping
        As for `Harmoniser.occurrences`.

    Returns
    -------
    frame : polars.DataFrame of `terms.EVENT`
        m rows.
    refusals : list of Refusal
        The n - m rows without an `eventID`, or with one that an earlier row has.
    """
    batch = batch.drop(*_NEVER_KEPT, strict=False)
    if "eventID" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("eventID"))
    identifier = pl.col("eventID").str.strip_chars()
    batch = batch.with_columns(pl.when(identifier != "").then(identifier).alias("eventID"))
    lacking = batch["eventID"].is_null()
    repeated = ~lacking & ~batch["eventID"].is_first_distinct()
    refusals = _refused(batch.filter(lacking), "EVENT_ID_MISSING", "nothing identifies this event")
    refusals += _refused(batch.filter(repeated), "EVENT_REPEATED", "an earlier row has the same eventID")
    kept = batch.filter(~lacking & ~repeated)
    records = kept.select(pl.exclude("occurrenceID")).with_columns(pl.col("eventID").alias("occurrenceID"))
    read = harmoniser.interpret(harmoniser.identify(records, dataset_key=dataset_key), declarations=declarations)
    return terms.conform(_put_together(kept, read, dataset_key), terms.EVENT), refusals


def _put_together(kept: pl.DataFrame, read: HarmonisedBatch, dataset_key: str) -> pl.DataFrame:
    """Return the columns of `terms.EVENT` that can be told of the events."""
    interpreted = read.interpreted
    told = {name: kept[name] if name in kept.columns else pl.Series(name, [None] * kept.height, dtype=pl.String)
            for name in ("design", "samplingProtocol", "timeZone", "targetTaxonomicScope", "isAbsenceReported",
                         "sampleSizeValue", "sampleSizeUnit", "samplingEffortValue", "samplingEffortUnit")}  # fmt: skip
    design = told["design"].replace_strict(
        {d.value: d.value for d in SurveyDesign}, default=None, return_dtype=pl.String
    )
    value = pl.select(pl.coalesce(told["samplingEffortValue"], told["sampleSizeValue"])).to_series()
    flags = pl.col("quality_flags").list.eval(
        pl.element().filter(~pl.any_horizontal(pl.element().str.starts_with(start) for start in _NOT_OF_EVENTS))
    )
    cells = [name for name in kept.columns if name not in ("source_file", "source_row", "source_sheet")]
    verbatim = [
        json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
        for row in kept.select(cells).iter_rows(named=True)
    ]
    plain = (
        "eventID",
        "parentEventID",
        "locationID",
        "samplingProtocol",
        "footprintWKT",
        "eventRemarks",
        "source_sheet",
    )
    return interpreted.select(
        *_READ_WITH_RECORDS,
        pl.col("event_start", "event_end").cast(pl.Datetime("us")),
        flags.alias("quality_flags"),
        "source_file",
        "source_row",
    ).with_columns(
        *(kept[name] for name in plain if name in kept.columns),
        pl.lit(dataset_key).alias("datasetKey"),
        (dataset_key + ":" + kept["eventID"]).alias("event_key"),
        design.alias("design"),
        told["timeZone"].alias("time_zone"),
        value.str.strip_chars().cast(pl.Float64, strict=False).alias("effort_value"),
        design.replace_strict({d.value: unit for d, unit in EFFORT_UNITS.items()}, default=None, return_dtype=pl.String)
        .alias("effort_unit"),
        told["targetTaxonomicScope"].str.split("|").list.eval(pl.element().str.strip_chars()),
        told["isAbsenceReported"].str.to_lowercase().replace_strict({"true": True, "yes": True, "false": False, "no": False},
                                                                   default=None, return_dtype=pl.Boolean),
        pl.Series("verbatim", verbatim, dtype=pl.String),
    )  # fmt: skip


def _refused(rows: pl.DataFrame, code: str, message: str) -> list[Refusal]:
    """Return rows as refusals."""
    return [
        Refusal(file or "", row, "eventID", event, code, message)
        for file, row, event in rows.select("source_file", "source_row", "eventID").iter_rows()
    ]
