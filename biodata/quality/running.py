"""Run the tests of BDQ Core over a frame: every answer, the answers to one test a row, or how often each was given."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.quality.engine import normalise, prepare, responses
from biodata.quality.model import Answer, Context, Kind, Test
from biodata.quality.record_measures import compliant, not_compliant, proposed
from biodata.quality.registry import TESTS, VALIDATIONS, find

LONG: Final = pl.Schema(
    {
        "row": pl.UInt32,
        "label": pl.String,
        "guid": pl.String,
        "status": pl.String,
        "result": pl.String,
        "comment": pl.String,
    }
)
"""The columns of `run`."""

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


def run(frame: pl.DataFrame, context: Context, tests: Sequence[Test] = TESTS) -> pl.DataFrame:
    """Answer every test on every row.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Text columns by Darwin Core term, with or without prefix, as they were told; columns such as
        `bdqval:sourceAuthority` hold parameters of their row.
    context : Context
        What the tests may ask.
    tests : sequence of Test
        Which tests.

    Returns
    -------
    polars.DataFrame of n × len(tests) rows
        `row` (from 0), `label`, `guid`, `status`, `result`, `comment`; by row, then by test.
    """
    prepared = prepare(normalise(frame), tests, context)
    parts = [
        responses(prepared, test, context).select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
            pl.lit(number, dtype=pl.UInt16).alias("test"),
            pl.lit(test.label).alias("label"),
            pl.lit(test.guid).alias("guid"),
            pl.all(),
        )
        for number, test in enumerate(tests)
    ]
    if not parts or not frame.height:
        return pl.DataFrame(schema=LONG)
    return pl.concat(parts).sort("row", "test").select(LONG.names())


def run_named(frame: pl.DataFrame, context: Context, test_column: str) -> pl.DataFrame:
    """Answer for each row the test that it names.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        As in `run`.
    context : Context
        What the tests may ask.
    test_column : str
        The column that holds a label or GUID of a test.

    Returns
    -------
    polars.DataFrame of n rows
        As in `run`, in the order of the rows.

    Raises
    ------
    InputError
        If there is no such column, or a row names no test.
    """
    if test_column not in frame.columns:
        problem = "there is no such column"
        raise InputError(problem, column=test_column, expected=f"one of {', '.join(frame.columns[:20])}")
    wanted = frame[test_column].fill_null("").rename("name").to_frame().with_row_index("row")
    plain = normalise(frame.drop(test_column))
    parts = []
    for (name,), rows in wanted.group_by("name", maintain_order=True):
        test = find(str(name))
        chosen = prepare(plain[rows["row"]], [test], context)
        answered = responses(chosen, test, context)
        labelled = answered.with_columns(rows["row"], label=pl.lit(test.label), guid=pl.lit(test.guid))
        parts.append(labelled.select(LONG.names()))
    return pl.concat(parts).sort("row") if parts else pl.DataFrame(schema=LONG)


def summarise(frame: pl.DataFrame, context: Context, tests: Sequence[Test] = VALIDATIONS) -> pl.DataFrame:
    """Count the answers to each test, without making a text.

    Parameters
    ----------
    frame, context, tests
        As in `run`; the validations unless told otherwise.

    Returns
    -------
    polars.DataFrame, one row a test
        `label`, `guid`, `kind`, and the numbers of rows that are `compliant` (of an issue: NOT_ISSUE; of a measure:
        measured), `not_compliant` (of an issue: POTENTIAL_ISSUE), have something `proposed`, and where `internal` or
        `external` prerequisites were not met.
    """
    prepared = prepare(normalise(frame), tests, context)
    counts = counted(prepared, tests, context, []) if prepared.height else pl.DataFrame()
    return summary_of(counts, tests)


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
        Columns `label.outcome` of numbers, for the outcomes of `SUMMARY`.
    """
    present = frozenset(prepared.columns)
    columns = {
        f"{test.label}.{outcome}": expression
        for test in tests
        for outcome, expression in outcomes(test, test.ask(present, context)).items()
    }
    told = prepared.lazy().with_columns(expression.alias(name) for name, expression in columns.items())
    sums = [pl.col(name).sum().cast(pl.Int64) for name in columns]
    return (told.group_by(by, maintain_order=True).agg(sums) if by else told.select(sums)).collect()


def outcomes(test: Test, answer: Answer) -> dict[str, pl.Expr]:
    """Return by outcome which rows have it."""
    external = answer.external.fill_null(value=False)
    internal = answer.result.is_null() & ~external
    found = {"internal": internal, "external": external}
    if test.kind is Kind.AMENDMENT:
        return {"proposed": proposed(answer), **found}
    if test.kind is Kind.MEASURE:
        return {"compliant": ~internal & ~external, **found}
    yes, no = compliant(answer), not_compliant(answer)
    return (
        {"compliant": no, "not_compliant": yes, **found}
        if test.kind is Kind.ISSUE
        else ({"compliant": yes, "not_compliant": no, **found})
    )


def summary_of(counts: pl.DataFrame, tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test of the sums of what `counted` returned."""
    row = counts.select(pl.exclude(pl.String).sum()).row(0, named=True) if counts.height else {}
    kinds = SUMMARY.names()[3:]
    rows = [
        (test.label, test.guid, test.kind.value, *(row.get(f"{test.label}.{kind}", 0) for kind in kinds))
        for test in tests
    ]
    return pl.DataFrame(rows, schema=SUMMARY, orient="row")
