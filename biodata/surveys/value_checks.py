"""What is wrong with single cells that harmonising leaves as they are: counts, effort, times of day, garbled text."""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from biodata.ingest.headings import zawgyi
from biodata.ingest.protocol import Finding
from biodata.parsers import dates
from biodata.parsers.decimals import parse_decimals
from biodata.surveys.cell_checks import Rows

_COUNTED: Final = ("individualCount", "sampleSizeValue", "samplingEffortValue", "organismQuantity")
_EFFORT: Final = ("sampleSizeValue", "samplingEffortValue")
_LATIN_1_RUN: Final = re.compile(
    "[\u00a1-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{4,}"
)
_LOST: Final = re.compile("\ufffd|\\?{3,}")
_NAMES: Final = ("scientificName", "locality", "verbatimLocality", "stateProvince", "county", "municipality", "habitat",
                 "vernacularName", "occurrenceRemarks", "eventRemarks", "recordedBy")  # fmt: skip


def numbers(rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
    """Find numbers that were read by a rule, and effort that is none."""
    for column in _COUNTED:
        if column not in frame.columns:
            continue
        read = parse_decimals(frame[column].str.strip_chars())
        odd = read.with_columns(frame["source_row"]).filter(
            pl.col("value").is_not_null()
            & (pl.col("rule").is_not_null() | pl.col("number").is_null() | (pl.col("number") < 0))
        )
        for _, number, rule, row in odd.iter_rows():
            if rows.own[row].get(column) is None:
                continue  # NA, n/a: it says that nothing is told
            if rule is not None and number >= 0:
                yield rows.finding(row, column, "VALUE_READ_AS", blocking=False, read=f"{number:g}", rule=rule)
            elif column in _EFFORT:
                yield rows.finding(row, column, "EFFORT_INVALID", blocking=True)


def times(rows: Rows) -> Iterator[Finding]:
    """Find times of day that nobody can read; two with a slash between them are a beginning and an end."""
    told = {row: own["eventTime"] for row, own in rows.own.items() if own.get("eventTime")}
    if not told:
        return
    parts = pl.DataFrame({"row": list(told), "time": list(told.values())}).with_columns(pl.col("time").str.split("/"))
    parts = parts.explode("time", empty_as_null=False)
    unread = parts.filter(dates.parse_times(parts["time"])["clock"].is_null())
    for row in unread["row"].unique(maintain_order=True):
        yield rows.finding(row, "eventTime", "TIME_UNREADABLE", blocking=False)


def texts(rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
    """Find text that was saved or opened in a wrong encoding."""
    for column in frame.columns:
        if column not in _NAMES:
            continue
        odd = frame.select("source_row", column).filter(~pl.col(column).str.contains("^[\\x20-\\x3e\\x40-\\x7e]*$"))
        for row, text in odd.iter_rows():
            if zawgyi.looks_like(text):
                unicode = zawgyi.to_unicode(text)
                yield rows.finding(row, column, "ENCODING_ZAWGYI", blocking=True, proposal=unicode)
            elif _LOST.search(text):
                yield rows.finding(row, column, "TEXT_GARBLED", blocking=True)
            elif (meant := meant_text(text)) is not None:
                yield rows.finding(row, column, "TEXT_GARBLED", blocking=True, **({"proposal": meant} if meant else {}))


def meant_text(text: str) -> str | None:
    """Return what a text was before UTF-8 was opened as Latin letters; empty where it is garbled and nobody can say.

    None for a text that is as it should be.
    """
    for encoding in ("cp1252", "latin-1"):
        try:
            meant = text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if meant != text:
            return meant
    return "" if _LATIN_1_RUN.search(text) else None
