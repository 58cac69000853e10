"""How often each answer was given: what is summed of a test, and the numbers that follow from the sums."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.quality.model import NEVER, Answer, Context, Kind, Test
from biodata.quality.record_measures import proposed

SUMMARY: Final = pl.Schema(
    {
        "label": pl.String,
        "guid": pl.String,
        "kind": pl.String,
        "compliant": pl.Int64,
        "not_compliant": pl.Int64,
        "proposed": pl.Int64,
        "internal": pl.Int64,
        "external": pl.Int64,
    }
)
"""The columns of `summarise`."""


def counted(prepared: pl.DataFrame, tests: Sequence[Test], context: Context, by: Sequence[str]) -> pl.DataFrame:
    """Count the answers over a prepared frame, by the values of columns.

    Parameters
    ----------
    prepared : polars.DataFrame
        What `prepare` returned.
    tests, context
        As in `run`.
    by : sequence of str
        Columns of `prepared`; without any the whole is counted.

    Returns
    -------
    polars.DataFrame, one row a combination of `by`
        `by`, `rows`, and columns `label.outcome` of numbers, for the outcomes of `SUMMARY`.
    """
    present = frozenset(prepared.columns)
    columns = {
        f"{test.label}.{name}": one for test in tests for name, one in tallied(test, test.ask(present, context)).items()
    }
    rows = pl.len().cast(pl.Int64)
    # What is the same in every row is no column: it counts as often as there are rows.
    sums = [
        (one.sum() if one.meta.root_names() else one.cast(pl.Int64) * rows).cast(pl.Int64).alias(name)
        for name, one in columns.items()
    ]
    told = prepared.lazy()
    sums = [rows.alias("rows"), *sums]
    summed = told.group_by(by, maintain_order=True).agg(sums) if by else told.select(sums)
    return outcomes(summed, tests, by)


def outcomes(sums: pl.LazyFrame, tests: Sequence[Test], by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the numbers of `SUMMARY`, as `counted` does, from `rows` and the sums `label.name` of what `tallied` names."""
    names = frozenset(sums.collect_schema().names())
    derived = [
        one.alias(f"{test.label}.{outcome}")
        for test in tests
        for outcome, one in _outcomes(test, has_external=f"{test.label}.external" in names).items()
    ]
    return sums.select(*by, "rows", *derived).collect()


def tallied(test: Test, answer: Answer) -> dict[str, pl.Expr]:
    """Return what is summed of a test: where it ran, where its outcome is the first one, where an authority lacks."""
    runs = answer.result.is_not_null()
    if test.kind is Kind.AMENDMENT:
        first = proposed(answer)
    else:
        first = pl.lit(value=False) if test.kind is Kind.MEASURE else answer.result
    if answer.external is NEVER:
        return {"runs": runs, "first": first}
    external = answer.external.fill_null(value=False)
    return {"runs": runs & ~external, "first": first & ~external, "external": external}


def _outcomes(test: Test, *, has_external: bool) -> dict[str, pl.Expr]:
    """Return the numbers of `SUMMARY` from what was summed."""
    runs, first = pl.col(f"{test.label}.runs"), pl.col(f"{test.label}.first")
    external = pl.col(f"{test.label}.external") if has_external else pl.lit(0, dtype=pl.Int64)
    of_kind = {
        Kind.VALIDATION: {"compliant": first, "not_compliant": runs - first},
        Kind.ISSUE: {"compliant": runs - first, "not_compliant": first},
        Kind.AMENDMENT: {"proposed": first},
        Kind.MEASURE: {"compliant": runs},
    }
    return {**of_kind[test.kind], "internal": pl.col("rows") - runs - external, "external": external}


def summary_of(counts: pl.DataFrame, tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test of the sums of what `counted` returned."""
    row = counts.select(pl.col(pl.Int64).sum()).row(0, named=True) if counts.height else {}
    kinds = SUMMARY.names()[3:]
    rows = [
        (test.label, test.guid, test.kind.value, *(row.get(f"{test.label}.{kind}", 0) for kind in kinds))
        for test in tests
    ]
    return pl.DataFrame(rows, schema=SUMMARY, orient="row")
