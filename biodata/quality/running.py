"""Run the tests of BDQ Core over a frame: every answer, the answers to one test a row, or how often each was given."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.quality.engine import normalise, prepare, responses
from biodata.quality.model import NEVER, Answer, Context, Kind, Test
from biodata.quality.record_measures import proposed
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
        `by`, `rows`, and columns `label.outcome` of numbers, for the outcomes of `SUMMARY`.
    """
    present = frozenset(prepared.columns)
    tallied = {test.label: _tallied(test, test.ask(present, context)) for test in tests}
    columns = {f"{label}.{name}": one for label, of_test in tallied.items() for name, one in of_test.items()}
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
        for outcome, one in _outcomes(test, has_external="external" in tallied[test.label]).items()
    ]
    return summed.select(*by, "rows", *derived).collect()


def _tallied(test: Test, answer: Answer) -> dict[str, pl.Expr]:
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
