"""What problems are called: each code's message, and what would be right, in the ten languages of the region."""

import csv
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from biodata.ingest.headings import LANGUAGES as LANGUAGES
from biodata.surveys.designs import words as designs

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_PARAM: Final = re.compile(r"\{(\w+)\}")
_NOISE: Final = re.compile(r"\d+\.\d{12,}")
"""A number with more digits than anybody measures: they come of computing with it."""
_TAGS: Final = MappingProxyType({"tl": "fil", "in": "id", "msa": "ms", "zsm": "ms", "yue": "zh", "cmn": "zh"})
"""Other tags of the same languages."""

_ALIKE: Final = MappingProxyType(
    {
        "ABSENT": "absent_where_none_counted presence_assumed",
        "ACCEPTED": "accepted_proposal",
        "DATE_WORDS": "month_name words chinese clock",
        "DATUM": "datum_transform datum_uncertainty wgs84_assumed datum_name",
        "DAY_FIRST": "day_first day_first_by_column day_first_by_parts",
        "DECIMAL_COMMA": "decimal_comma",
        "DEGREES": "hemisphere degrees_minutes_seconds degrees_minutes_unmarked packed",
        "DIGITS": "digits",
        "ERA": "buddhist_era khmer_buddhist_era minguo",
        "MONTH_FIRST": "month_first month_first_by_column month_first_by_parts",
        "OTHER_COLUMN": "verbatim_event_date year_month_day verbatim_latitude_longitude verbatim_coordinates footprint half_range",
        "RANGE": "range duration",
        "SERIAL": "excel_serial_1900 excel_serial_1904",
        "UNIT": "unit",
        "YEAR_FIRST": "year_first year_last basic ordinal week",
        "ZONE": "zone_name zone_of_country zone_of_event",
    }
)
RULE_WORDS: Final = MappingProxyType({name: code for code, names in _ALIKE.items() for name in names.split()})
"""Rules of `harmonise.rules` that an uploader is told of, by the words for them."""

_INSTEAD: Final = MappingProxyType(
    {
        "ARCHIVE_BROKEN": "ARCHIVE_NOT_ZIP GZIP_BROKEN",
        "FILE_UNREADABLE": "COLUMNS_TOO_MANY INPUT_INVALID JSON_INVALID META_INVALID ROWS_REFUSED_TOO_MANY XML_INVALID "
        "XML_TOO_DEEP XML_TOO_LARGE DATAMODEL_INVALID HEADING_INVALID",
        "FORM_UNKNOWN": "ARCHIVE_NOT_DWCA ARCHIVE_NOT_GBIF KOBO_NOT_EXPORT SMART_NOT_PATROL TABLES_UNKNOWN",
        "INPUT_TOO_LARGE": "SMART_TOO_LARGE",
        "OPTION_UNFIT": "DECLARATION_UNKNOWN OPTION_INVALID OPTION_MISSING OPTION_UNKNOWN OPTIONS_UNFIT TERM_PERSONAL",
        "PART_MISSING": "DEPLOYMENTS_MISSING FILE_MISSING INPUT_MISSING META_FILE_MISSING TABLE_MISSING",
        "PROPERTY_INVALID": "DESCRIPTOR_INVALID",
        "ROW_UNREADABLE": "PATROL_DATE_INVALID PATROL_ID_MISSING PICTURE_FAILED PICTURE_INVALID ROW_FIELD_COUNT ROW_HAS_NUL "
        "ROW_QUOTE_INVALID SCORE_INVALID SUBMISSION_ID_INVALID SUBMISSION_UNKNOWN",
    }
)
_WORDS_OF: Final = MappingProxyType({name: code for code, names in _INSTEAD.items() for name in names.split()})
"""Codes of readers without words of their own, by the code whose words say the same with less."""


def code_of(code: str) -> str | None:
    """Return the code whose words tell of a code: its own, or those of one that says the same with less; None where none do.

    Examples
    --------
    >>> code_of("FILE_EMPTY"), code_of("JSON_INVALID"), code_of("NEVER_HEARD")
    ('FILE_EMPTY', 'FILE_UNREADABLE', None)
    """
    return code if has(code) else _WORDS_OF.get(code)


def told(code: str, params: Mapping[str, Any], language: str = "en") -> tuple[str, str | None]:
    """Return what is wrong, and what would be right, in one language.

    Parameters
    ----------
    code : str
        The problem's code.
    params : mapping
        What the words name: `{near}`, `{term}`, …. A part in square brackets is left out where one of its own is missing.
    language : str
        One of `LANGUAGES`; where it lacks the code, English tells it.

    Returns
    -------
    message : str
        The code itself where no language has it.
    expected : str or None
    """
    message, expected = words(language).get(code) or words("en").get(code) or (code, "")
    params = {name: _in_words(name, str(value), language) for name, value in params.items() if value is not None}
    return _filled(message, params), _filled(expected, params) or None


def lacks(code: str, params: Mapping[str, Any], language: str) -> bool:
    """Tell whether what would be right cannot be told without a param that is missing."""
    _, expected = words(language).get(code) or words("en")[code]
    return not set(_PARAM.findall(_OPTIONAL.sub("", expected))) <= params.keys()


def _in_words(name: str, value: str, language: str) -> str | None:
    """Return what a param says in a language: rules, units of effort and designs are told by words, all else as it is."""
    if name == "rule":
        return rule_in_words(value, language)
    if name in {"reason", "owner"}:
        from biodata.surveys.words import sentences

        return sentences.retold(value, language)
    if name == "unit":
        return designs.called(f"unit.{value}", language) or value
    if name == "known":
        return ", ".join(designs.called(f"design.{one}", language) or one for one in value.split(", "))
    return _NOISE.sub(lambda number: f"{float(number[0]):.10g}", value)


def rule_in_words(rule: str, language: str = "en") -> str | None:
    """Return what a rule of harmonising did, as a reader of the language understands it; None where it has no words.

    Examples
    --------
    >>> rule_in_words("digits+buddhist_era")
    'digits of another script, or signs of typesetting, were read; the year counts in another era'
    """
    names = rule.partition(": ")[0].split("+")
    codes = dict.fromkeys(RULE_WORDS[name] for name in names if name in RULE_WORDS)
    return "; ".join(words(language)[f"RULE_{code}"][0] for code in codes) or None


def has(code: str, language: str = "en") -> bool:
    """Tell whether a language has words for a code."""
    return code in words(language)


def called(kind: str, name: str, language: str = "en") -> str:
    """Return what one of our own names is called, such as the `STATE` `published`; the name itself where it has no words.

    Examples
    --------
    >>> called("STATE", "published", "vi"), called("STATE", "never_heard")
    ('đã công bố', 'never_heard')
    """
    code = f"{kind}_{name.upper()}"
    return told(code, {}, language)[0] if has(code) else name


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Mapping[str, tuple[str, str]]:
    """Return the message and the expected of every code of a language."""
    text = (files("biodata.surveys.words") / f"{language}.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {row["code"]: (row["message"], row["expected"]) for row in csv.DictReader(text.splitlines())}
    )


def language_of(tag: str) -> str | None:
    """Return the language of a tag such as `lo`, `zh-Hant-TW` or `tl`; None where it is none of the ten.

    Examples
    --------
    >>> language_of("zh-TW"), language_of("tl"), language_of("fr")
    ('zh', 'fil', None)
    """
    first = re.split("[-_]", tag.strip().lower())[0]
    first = _TAGS.get(first, first)
    return first if first in LANGUAGES else None


def accepted(header: str | None) -> str:
    """Return the language that an `Accept-Language` header asks for first among the ten; English where it asks none.

    Examples
    --------
    >>> accepted("fr, lo;q=0.8, th;q=0.9"), accepted(None), accepted("*")
    ('th', 'en', 'en')
    """
    wanted = []
    for number, part in enumerate((header or "")[:1_000].split(",")):
        tag, _, quality = part.partition(";")
        match = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        weight = float(match[1]) if match else 0.0 if quality else 1.0
        language = language_of(tag)
        if language is not None and weight > 0:
            wanted.append((-weight, number, language))
    return min(wanted)[2] if wanted else "en"


def _filled(text: str, params: Mapping[str, Any]) -> str:
    """Put the params into a text; leave out what is in brackets and lacks one."""
    told = {name: str(value) for name, value in params.items() if value is not None and value != ""}

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(name in told for name in _PARAM.findall(match[1])) else ""

    # Values go in at once and last: one that holds brackets or braces is not read as words.
    return _PARAM.sub(lambda match: told.get(match[1], "…"), _OPTIONAL.sub(optional, text))
