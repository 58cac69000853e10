"""How often each answer was given: what is summed of a test, and the numbers that follow from the sums."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

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

_KINDS: Final = tuple(SUMMARY.names()[3:])
Number = TypeVar("Number", int, pl.Expr)


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
    derived = [
        one.alias(f"{test.label}.{outcome}")
        for test in tests
        for outcome, one in _outcomes(
            test,
            pl.col("rows"),
            pl.col(f"{test.label}.runs"),
            pl.col(f"{test.label}.first"),
            pl.col(f"{test.label}.external") if f"{test.label}.external" in columns else pl.lit(0, dtype=pl.Int64),
        ).items()
    ]
    return summed.select(*by, "rows", *derived).collect()


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


def _outcomes(test: Test, rows: Number, runs: Number, first: Number, external: Number) -> dict[str, Number]:
    """Return the numbers of `SUMMARY` from what was summed."""
    of_kind = {
        Kind.VALIDATION: {"compliant": first, "not_compliant": runs - first},
        Kind.ISSUE: {"compliant": runs - first, "not_compliant": first},
        Kind.AMENDMENT: {"proposed": first},
        Kind.MEASURE: {"compliant": runs},
    }
    return {**of_kind[test.kind], "internal": rows - runs - external, "external": external}


def summary_of(counts: pl.DataFrame, tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test of the sums of what `counted` returned."""
    row = counts.select(pl.col(pl.Int64).sum()).row(0, named=True) if counts.height else {}
    return _summary(
        {test.label: {kind: row.get(f"{test.label}.{kind}", 0) for kind in _KINDS} for test in tests}, tests
    )


def summary_of_sums(sums: Mapping[str, int], rows: int, tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test of the sums over so many rows, `label.name`, of what `tallied` names."""
    numbers = {
        test.label: _outcomes(
            test,
            rows,
            sums[f"{test.label}.runs"],
            sums[f"{test.label}.first"],
            sums.get(f"{test.label}.external", 0),
        )
        for test in tests
    }
    return _summary(numbers, tests)


def _summary(numbers: Mapping[str, Mapping[str, int]], tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test; what is not counted of its kind is 0."""
    told = [
        (test.label, test.guid, test.kind.value, *(numbers[test.label].get(kind, 0) for kind in _KINDS))
        for test in tests
    ]
    return pl.DataFrame(told, schema=SUMMARY, orient="row")
