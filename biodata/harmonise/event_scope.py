"""What was looked for at an event, as its sheet tells it; what that means for absence: `analysis.scopes`."""

from typing import Final

import polars as pl

from biodata.harmonise.event_cells import cells
from biodata.harmonise.findings import Findings

_YES: Final = (
    "true",
    "yes",
    "y",
    "1",
    "t",
    "是",
    "有",
    "ใช่",
    "có",
    "ແມ່ນ",
    "បាទ",
    "ចាស",
    "ហုတ်ကဲ့",
    "ya",
    "oo",
    "ဟုတ်ကဲ့",
    "ဟုတ်",
)
_NO: Final = (
    "false",
    "no",
    "n",
    "0",
    "f",
    "否",
    "不",
    "无",
    "ไม่",
    "ไม่ใช่",
    "không",
    "ບໍ່",
    "ບໍ່ແມ່ນ",
    "ទេ",
    "မဟုတ်",
    "tidak",
    "bukan",
    "hindi",
)
_LISTS: Final = ("targetTaxonomicScope", "excludedTaxonomicScope", "absentTaxa")


def read_list(cells: pl.Expr) -> pl.Expr:
    """Return the names that a cell lists between `|`, `;` or the wide marks; null where there is none."""
    names = cells.str.replace_all("[;；、，]", "|").str.split("|").list.eval(pl.element().str.strip_chars())
    filled = names.list.eval(pl.element().filter(pl.element() != ""))
    return pl.when(filled.list.len() > 0).then(filled)


def interpret(told: pl.DataFrame) -> Findings:
    """Read what events looked for.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: the terms of the scope, those that there are.

    Returns
    -------
    Findings of n rows
        `targetTaxonomicScope`, `excludedTaxonomicScope` and `isAbsenceReported`: where the last is told and is neither yes nor
        no, no absence is taken to be told.
    """
    words = pl.col("isAbsenceReported").str.to_lowercase()
    answers = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
    read = cells(told, *_LISTS, "isAbsenceReported").select(
        *(read_list(pl.col(name)).alias(name) for name in _LISTS),
        words.replace_strict(answers, default=None, return_dtype=pl.Boolean),
        unread=words.is_not_null() & ~words.is_in([*answers]),
    )
    absent = read["isAbsenceReported"].fill_null(value=False) | read["absentTaxa"].is_not_null()
    outside = read.select(
        (pl.col("absentTaxa").list.set_intersection("excludedTaxonomicScope").list.len() > 0).fill_null(value=False)
    ).to_series()
    return Findings(
        {
            **{name: read[name] for name in ("targetTaxonomicScope", "excludedTaxonomicScope")},
            "isAbsenceReported": read.select(
                pl.when("unread").then(pl.lit(value=False)).otherwise("isAbsenceReported").alias("isAbsenceReported")
            ).to_series(),
        },
        {
            "ABSENCE_REPORT_INVALID": read["unread"],
            "ABSENCE_SCOPE_MISSING": absent & read["targetTaxonomicScope"].is_null(),
            "ABSENCE_OUT_OF_SCOPE": outside,
        },
    )
