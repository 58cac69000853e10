"""Licences as names or addresses, to GBIF's spelling."""

import re
from typing import Final

import polars as pl

from biodata.parsers.distinct import over_distinct

SCHEMA: Final = pl.Schema({"value": pl.String, "license": pl.String})

_CREATIVE_COMMONS: Final = re.compile(
    r"(?:creativecommons\.org/licenses/|\bcc[\s_-]*)"
    r"(?P<parts>by(?:[\s_-]*(?:nc|nd|sa)\b|[\s_-]*(?:nc|nd|sa)(?=_))*)"
    r"(?:[\s/_v-]*(?P<version>\d(?:[._]\d)?))?"
)
_ZERO: Final = re.compile(
    r"creativecommons\.org/publicdomain/zero|\bcc[\s_-]*0|\bcc[\s_-]*zero|^public\s?domain$|opendatacommons\.org/licenses/pddl"
)
_OPEN_DATA_COMMONS_BY: Final = re.compile(r"opendatacommons\.org/licenses/by/|^odc[\s_-]*by")
# The name or address of a licence stands at the beginning of what is written about it.
_LONGEST: Final = 500
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
        return None
    parts = set(re.findall(r"nc|nd|sa", match["parts"]))
    version = (match["version"] or "").replace("_", ".")
    if parts - {"nc"} or version not in {"4.0", "4"}:
        return "UNSUPPORTED"
    return "CC_BY_NC_4_0" if parts else "CC_BY_4_0"
