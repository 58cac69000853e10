"""Licences as names or addresses, to GBIF's spelling."""

import re
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.parsers.distinct import over_distinct

SCHEMA: Final = pl.Schema({"value": pl.String, "license": pl.String})

_PART: Final = r"(?:nc|nd|sa|non[\s_-]?commercial|no[\s_-]?deriv(?:ative|ation)?s?(?:[\s_-]works)?|share[\s_-]?alike)"
_JOINT: Final = r"[\s_,-]{1,3}"
# The abbreviation (CC BY-NC 4.0), the address, or the words (Creative Commons Attribution-NonCommercial 4.0).
_CREATIVE_COMMONS: Final = re.compile(
    r"(?:creativecommons\.org/licen[sc]es/by|\bcc[\s_-]{0,3}by|\b(?:creative[\s-]commons|cc)[\s:,-]{1,3}"
    r"(?:licen[sc]e[\s:,-]{1,3})?attribution)"
    rf"(?:{_JOINT}(?:and )?{_PART}(?![a-z])){{0,3}}"
    r"(?:[\s/_,v-]{0,3}(?:\(?cc[\s_-]{0,3}by[a-z\s_-]{0,12}\)?)?[\s/_,-]{0,3}(?:licen[sc]e\b)?"
    r"[\s/_,-]{0,3}(?:v\.?|version)?\s?(?P<version>\d(?:[._]\d)?))?"
)
_ZERO: Final = re.compile(
    r"creativecommons\.org/publicdomain/zero|\bcc[\s_-]*0|\bcc[\s_-]*zero|^public\s?domain$|opendatacommons\.org/licenses/pddl"
)
_OPEN_DATA_COMMONS_BY: Final = re.compile(r"opendatacommons\.org/licenses/by/|^odc[\s_-]*by")
# The name or address of a licence stands at the beginning of what is written about it.
_LONGEST: Final = 500
_OTHERS: Final = re.compile(
    r"opendatacommons\.org/licenses/odbl|^odbl\b|\bgnu (?:general|lesser|free)|^l?gpl\b|^gfdl\b|creativecommons\.org/licen[sc]es/[a-z]"
)
_RESTRICTIONS: Final = MappingProxyType(
    {
        "nc": re.compile(r"(?<![a-z])nc(?![a-z])|non[\s_-]?commercial"),
        "nd": re.compile(r"(?<![a-z])nd(?![a-z])|no[\s_-]?deriv"),
        "sa": re.compile(r"(?<![a-z])sa(?![a-z])|share[\s_-]?alike"),
    }
)
_UNSPECIFIED: Final = frozenset({"unspecified", "unsupported"})


def parse_licences(values: pl.Series) -> pl.DataFrame:
    """Read a column of licences.

    Parameters
    ----------
    values : polars.Series of str, length n
        Names or addresses.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `license` in GBIF's spelling (`CC0_1_0`, `CC_BY_4_0`, `CC_BY_NC_4_0`), null where unknown.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        return pl.DataFrame([(text, parse_licence(text)) for text in distinct], schema=SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_licence(text: str) -> str | None:
    """Return GBIF's spelling of one licence, `UNSPECIFIED` or `UNSUPPORTED`; None where it is not known.

    Other versions and variants of Creative Commons than GBIF's three are `UNSUPPORTED`: they are known licences, but
    not one of those, and their terms are not the same.
    """
    told = " ".join(text[:_LONGEST].casefold().split())
    if told in _UNSPECIFIED:
        return told.upper()
    if _ZERO.search(told):
        return "CC0_1_0"
    if _OPEN_DATA_COMMONS_BY.search(told):
        return "CC_BY_4_0"
    match = _CREATIVE_COMMONS.search(told)
    if match is None:
        return "UNSUPPORTED" if _OTHERS.search(told) else None
    # All that stands between the name and the version counts: "Attribution (CC BY-NC) 4.0" is non-commercial.
    parts = {name for name, words in _RESTRICTIONS.items() if words.search(match[0])}
    version = (match["version"] or "").replace("_", ".")
    if parts - {"nc"} or version not in {"4.0", "4"}:
        return "UNSUPPORTED"
    return "CC_BY_NC_4_0" if parts else "CC_BY_4_0"
