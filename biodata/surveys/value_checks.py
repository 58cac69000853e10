"""What is wrong with single cells that harmonising leaves as they are: counts, effort, times of day, garbled text, licence and datum."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.harmonise.datum_moves import is_known
from biodata.harmonise.measures import METRES
from biodata.harmonise.records import is_uncounted
from biodata.ingest.headings import zawgyi
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_project import DATUM, LICENCE
from biodata.parsers import dates
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.parsers.decimals import parse_decimal, parse_decimals
from biodata.parsers.licences import parse_licence
from biodata.surveys.cell_checks import Rows, meant

_DISTANCE: Final = "perpendicular_distance_m"
_NUMBERS: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        **dict.fromkeys(("individualCount", "organismQuantity", "year", "month", "day")),
        **dict.fromkeys(("sampleSizeValue", "samplingEffortValue"), "EFFORT_INVALID"),
        _DISTANCE: "DISTANCE_INVALID",
    }
)
"""Columns of numbers, and what it is called where they hold none; None where something else tells it, or it may be words."""
_WHOLE: Final = ("individualCount", "year", "month", "day")
_LATIN_1_RUN: Final = re.compile(
    "[\u00a1-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{4,}"
)
_LOST: Final = re.compile("\ufffd|\\?{3,}")
_NAMES: Final = ("scientificName", "locality", "verbatimLocality", "stateProvince", "county", "municipality", "habitat",
                 "vernacularName", "occurrenceRemarks", "eventRemarks", "recordedBy")  # fmt: skip


def numbers(rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
    """Find numbers that were read by a rule, and efforts and distances that are none."""
    for column, invalid in _NUMBERS.items():
        if column not in frame.columns:
            continue
        told = {row: own[column] for row, own in rows.own.items() if own.get(column) is not None}
        units = METRES if column == _DISTANCE else ()
        read = parse_decimals(pl.Series(told.values(), dtype=pl.String).str.strip_chars(), units=units)
        for row, (value, number, rule) in zip(told, read.iter_rows(), strict=True):
            right = number is not None and number >= 0 and (column not in _WHOLE or number.is_integer())
            if right and rule is not None:
                yield rows.finding(row, column, "VALUE_READ_AS", blocking=False, read=f"{number:.10g}", rule=rule)
            elif not right and invalid is not None:
                likely = meant(invalid, value, {})
                params = {"proposal": likely} if likely else {}
                yield rows.finding(row, column, invalid, blocking=column != _DISTANCE, **params)


def measured(rows: Rows) -> Iterator[Finding]:
    """Find measurements that are no numbers, or none that such a thing can have; words of a stratum are what they are."""
    for column, kind in rows.table.measured.items():
        for row, own in rows.own.items() if kind.greatest is not None else ():
            cell = own.get(column)
            number = None if cell is None else parse_decimal(cell.strip())[0]
            if cell is not None and (number is None or not (kind.least or 0) <= number <= (kind.greatest or 0)):
                yield rows.finding(row, column, "MEASUREMENT_INVALID", blocking=False, least=f"{kind.least:g}",
                                   greatest=f"{kind.greatest:g}", told=kind.unit)  # fmt: skip


def of_project(rows: Rows) -> Iterator[Finding]:
    """Find a licence or a datum of the whole survey that nobody can read."""
    yield from licences(rows)
    for row, own in rows.own.items():
        if own.get(LICENCE) is not None and parse_licence(own[LICENCE]) is None:
            yield rows.finding(row, LICENCE, "LICENSE_UNKNOWN", blocking=False)
        if own.get(DATUM) is not None and not is_known(own[DATUM]):
            yield rows.finding(row, DATUM, "GEODETIC_DATUM_INVALID", blocking=True)


def licences(rows: Rows) -> Iterator[Finding]:
    """Find licences that are known, and none of those that records can be published under."""
    for row, own in rows.own.items() if LICENCE in rows.table.headings else ():
        told = own.get(LICENCE)
        if told is not None and (row, LICENCE) not in rows.table.covered and parse_licence(told) == "UNSUPPORTED":
            yield rows.finding(row, LICENCE, "LICENSE_UNSUPPORTED", blocking=False)


def times(rows: Rows) -> Iterator[Finding]:
    """Find times of day that nobody can read; two with a slash between them are a beginning and an end."""
    told = {row: own["eventTime"] for row, own in rows.own.items() if own.get("eventTime")}
    if not told:
        return
    parts = pl.DataFrame({"row": list(told), "time": list(told.values())}).with_columns(pl.col("time").str.split("/"))
    parts = parts.explode("time", empty_as_null=False)
    unread = parts.filter(dates.parse_times(parts["time"])["clock"].is_null())
    for row in unread["row"].unique(maintain_order=True):
        likely = meant("TIME_UNREADABLE", told[row], {})
        params = {"proposal": likely} if likely else {}
        yield rows.finding(row, "eventTime", "TIME_UNREADABLE", blocking=False, **params)


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


_PARTS: Final = re.compile(r"[\s\d,;:/|&+()?.-]+|(?<=[♂♀])|(?=[♂♀])")


def uncounted(rows: Rows) -> Iterator[Finding]:
    """Tell how many records say that individuals were there and not counted; at the first of them."""
    told = {row: own["individualCount"] for row, own in rows.own.items() if own.get("individualCount") is not None}
    marked = is_uncounted(pl.Series(told.values(), dtype=pl.String))
    found = [row for row, is_one in zip(told, marked, strict=True) if is_one]
    if found:
        yield rows.finding(
            found[0], "individualCount", "INDIVIDUAL_COUNT_NOT_TOLD", blocking=False, count=str(len(found))
        )


def words_of_sex(rows: Rows) -> Iterator[Finding]:
    """Tell words in the column of the sex that are none of the known ones, each once with how often it is told.

    They may be right ("mixed", "2 workers"), so they stay as they are told.
    """
    told = pl.DataFrame(
        [(row, own["sex"].strip()) for row, own in rows.own.items() if (own.get("sex") or "").strip()],
        schema={"row": pl.Int64, "sex": pl.String}, orient="row",
    )  # fmt: skip
    each = told.group_by("sex", maintain_order=True).agg(pl.col("row").first(), count=pl.len())
    unknown = each.filter(parse_controlled(each["sex"], Vocabulary.SEX)["term"].is_null())
    for sex, row, count in unknown.iter_rows():
        if not _has_known(sex):
            yield rows.finding(row, "sex", "SEX_UNKNOWN", blocking=False, count=str(count))


def _has_known(text: str) -> bool:
    """Tell whether a text of several words or signs names a known sex among them, such as `1 male, 2 females` or `♂♀`."""
    parts = pl.Series([part for part in _PARTS.split(text) if part], dtype=pl.String)
    return bool(parse_controlled(parts, Vocabulary.SEX)["term"].is_not_null().any())
