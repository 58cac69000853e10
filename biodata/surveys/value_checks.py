"""What is wrong with single texts and numbers that harmonising leaves as they are: counts, effort, garbled text."""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.ingest.protocol import Finding
from biodata.parsers.decimals import parse_decimals
from biodata.surveys.cell_checks import Rows
from biodata.vocabularies import EFFORT_UNITS, SurveyDesign

_COUNTED: Final = ("individualCount", "sampleSizeValue", "samplingEffortValue", "organismQuantity")
_EFFORT: Final = ("sampleSizeValue", "samplingEffortValue")
_UNITS: Final = ("sampleSizeUnit", "samplingEffortUnit")
_LATIN_1_RUN: Final = re.compile(
    "[\u00a1-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{4,}"
)
_LOST: Final = re.compile("\ufffd|\\?{3,}")
_ZAWGYI: Final = re.compile("(?:^|[\\s\u1038])[\u1031\u103b][\u1000-\u1021]")
_NAMES: Final = ("scientificName", "locality", "verbatimLocality", "stateProvince", "county", "municipality", "habitat",
                 "vernacularName", "occurrenceRemarks", "eventRemarks", "recordedBy")  # fmt: skip
_TIMES: Final = "hour minute second h hr hrs min mins hours minutes 小时 时 分 分钟 ชั่วโมง นาที giờ phút ຊົ່ວໂມງ ນາທີ ម៉ោង នាទី နာရီ မိနစ် jam minit menit oras minuto"
_LENGTHS: Final = "km m kilometre kilometres kilometer kilometers metre metres meter meters 公里 千米 米 กิโลเมตร กม. เมตร ກິໂລແມັດ ກມ ແມັດ គីឡូម៉ែត្រ គម ម៉ែត្រ ကီလိုမီတာ မီတာ kilometro metro"
_NIGHTS: Final = "trap-night trap-nights trapnight trapnights camera-day camera-days night nights day days 相机日 天 夜 คืน วัน đêm ngày ຄືນ ມື້ យប់ ថ្ងៃ ညများ ည ရက် malam hari gabi araw"
_AREAS: Final = "m² m2 ha hectare hectares km² km2 公顷 平方米 ไร่ ตารางเมตร เฮกตาร์ hecta ເຮັກຕາ ហិកតា ဟက်တာ hektar ektarya"
_KINDS: Final = MappingProxyType(
    {
        word: kind
        for kind, words in (("time", _TIMES), ("length", _LENGTHS), ("night", _NIGHTS), ("area", _AREAS))
        for word in words.split()
    }
)
_FITTING: Final = MappingProxyType(
    {
        SurveyDesign.CAMERA_TRAP: ("night",),
        SurveyDesign.LINE_TRANSECT: ("length",),
        SurveyDesign.SIGN_TRANSECT: ("length",),
        SurveyDesign.LISTENING_POST: ("time",),
        SurveyDesign.POINT_COUNT: ("time",),
        SurveyDesign.MIST_NET: (),
        SurveyDesign.PLOT: ("area",),
        SurveyDesign.CONFLICT_INCIDENT: ("night",),
    }
)
_PROTOCOLS: Final = MappingProxyType(
    {
        "camera trap": "camera_trap",
        "line transect": "line_transect",
        "mist net": "mist_net",
        "point count": "point_count",
    }
)


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
            if rule is not None and number >= 0:
                yield rows.finding(row, column, "VALUE_READ_AS", blocking=False, read=f"{number:g}")
            elif column in _EFFORT:
                yield rows.finding(row, column, "EFFORT_INVALID", blocking=True)


def efforts(rows: Rows) -> Iterator[Finding]:
    """Find designs that are not known, and units of effort that do not fit the design."""
    designs = {design.value: design for design in SurveyDesign}
    for row, own in rows.own.items():
        told = own.get("design")
        if told is not None and told.strip() not in designs:
            yield rows.finding(row, "design", "DESIGN_UNKNOWN", blocking=True, known=", ".join(designs))
            continue
        protocol = (own.get("samplingProtocol") or "").strip().lower().rstrip("s")
        design = designs.get((told or "").strip() or _PROTOCOLS.get(protocol, ""))
        if design is None:
            continue
        for column in _UNITS:
            unit = (own.get(column) or "").strip().lower()
            kind = _KINDS.get(unit)
            if kind is not None and kind not in _FITTING[design]:
                yield rows.finding(row, column, "EFFORT_UNIT_UNFIT", blocking=True, unit=EFFORT_UNITS[design])


def texts(rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
    """Find text that was saved or opened in a wrong encoding."""
    for column in frame.columns:
        if column not in _NAMES:
            continue
        odd = frame.select("source_row", column).filter(~pl.col(column).str.contains("^[\\x20-\\x3e\\x40-\\x7e]*$"))
        for row, text in odd.iter_rows():
            if _ZAWGYI.search(text):
                yield rows.finding(row, column, "ENCODING_ZAWGYI", blocking=True)
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
