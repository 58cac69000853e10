"""Values that stay as they are told, with nothing made of them and nothing to mend: each is told once a table."""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from biodata.harmonise.records import is_uncounted
from biodata.ingest.protocol import Finding
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.surveys.cell_checks import Rows

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
