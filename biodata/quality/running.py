"""Run the tests of BDQ Core over a frame: every answer, the answers to one test a row, or how often each was given."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.quality.counting import summary_of, summary_of_sums
from biodata.quality.engine import normalise, prepare, responses
from biodata.quality.model import Context, Test
from biodata.quality.registry import TESTS, VALIDATIONS, find
from biodata.quality.tallies import tally

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
    if not frame.height:
        return summary_of(pl.DataFrame(), tests)
    return summary_of_sums(tally(frame, tuple(tests), context), frame.height, tests)
