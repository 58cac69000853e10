"""`biodata parse` of dates: one text, or Darwin Core's columns together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import polars as pl

from biodata.cli.parse_columns import Columns
from biodata.flags import FLAGS
from biodata.harmonise import dates
from biodata.harmonise.findings import REPAIR_ROWS, Findings, Told
from biodata.terms import VERBATIM_TERMS
from biodata.text.tables import Confidence

TERMS: Final = ("eventdate", "verbatimeventdate", "year", "month", "day", "startdayofyear", "enddayofyear")
_COLUMNS: Final = {
    "eventDate": "eventDate",
    "event_start": "start",
    "event_end": "end",
    "event_precision": "precision",
    "event_time": "time",
    "event_zone": "zone",
}


def date(columns: Columns, declared: Mapping[str, str]) -> pl.DataFrame:
    """Read dates as the harmoniser does."""
    spelling = {term.lower(): term for term in VERBATIM_TERMS}
    told = Told(
        pl.DataFrame(
            [column.alias(spelling[name] if name in TERMS else "eventDate") for name, column in columns.items()]
        )
    )
    found = dates.interpret(told, today=datetime.now(UTC).date(), declarations=declared)
    out = pl.DataFrame([found.columns[name].alias(short) for name, short in _COLUMNS.items()])
    issues, doubts = (_names(found, told.height, gbif=gbif) for gbif in (True, False))
    # What is ambiguous or only proposed has no date; to GBIF that is a date that cannot be read.
    row = pl.DataFrame({"issues": issues, "read": out["eventDate"], "told": ~told.silent(), "doubts": doubts})
    judged = row.select(
        "doubts",
        issues=pl.when(pl.col("told") & pl.col("read").is_null() & (pl.col("issues") == ""))
        .then(pl.lit("RECORDED_DATE_INVALID"))
        .otherwise("issues"),
        confidence=pl.when(pl.col("read").is_not_null()).then(
            pl.when(pl.col("issues") == "")
            .then(pl.lit(str(Confidence.DEFINITE)))
            .otherwise(pl.lit(str(Confidence.PROBABLE)))
        ),
    )
    notes = _notes(found, told.height)
    return out.with_columns(notes["proposal"], judged["issues"], judged["confidence"], notes["rule"], judged["doubts"])


def _names(found: Findings, height: int, *, gbif: bool) -> pl.Series:
    """Write the names of the doubts of each row, GBIF's or ours."""
    masks = {name: mask for name, mask in found.flags.items() if FLAGS[name].gbif is gbif}
    said = [pl.when(name).then(pl.lit(name)) for name in masks]
    frame = pl.DataFrame([mask.fill_null(value=False).alias(name) for name, mask in masks.items()])
    if not said:
        return pl.repeat("", height, eager=True)
    return frame.select(pl.concat_str(said, separator=";", ignore_nulls=True).alias("names"))["names"]


def _notes(found: Findings, height: int) -> pl.DataFrame:
    """Return the proposal and the rules of each row."""
    notes = pl.concat([pl.DataFrame(schema=REPAIR_ROWS), *(part for part in found.repairs if part.height)])
    notes = (
        notes.filter(term="eventDate")
        .group_by("row")
        .agg(
            proposal=pl.col("value").filter(~pl.col("applied")).first(),
            rule=pl.col("rule").unique().sort().str.join("+"),
        )
    )
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(notes, on="row", how="left", maintain_order="left")
