"""Rows that tell the same are interpreted once, and what was found of them goes to each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from biodata.harmonise.findings import Findings
from biodata.harmonise.told import Told


class Repeats(NamedTuple):
    """Which of n rows are equal.

    Attributes
    ----------
    first : Series of bool, length n
        True for the rows that no earlier one is equal to.
    of : Series of integers, length n
        Which of those each row is equal to, counted from 0.
    """

    first: pl.Series
    of: pl.Series


def repeats(frame: pl.DataFrame) -> Repeats | None:
    """Find the equal rows of a frame; None where hardly a row comes twice.

    Parameters
    ----------
    frame : polars.DataFrame of n rows

    Returns
    -------
    Repeats or None

    Notes
    -----
    Equal rows have one hash; that those of one hash are equal is looked at.
    """
    if not frame.width or not frame.height:
        return None
    hashed = frame.hash_rows(seed=0)
    first = hashed.is_first_distinct()
    if 2 * first.sum() > frame.height:
        return None
    numbers = hashed.filter(first).to_frame("hash").with_row_index("number")
    of = hashed.to_frame("hash").join(numbers, on="hash", how="left", maintain_order="left")["number"]
    # A column in one piece is much the faster to take rows from.
    same = frame.filter(first).rechunk()
    right = all(same[name].gather(of).eq_missing(frame[name]).all() for name in frame.columns)
    return Repeats(first, of) if right else None


def once(told: Told, names: Sequence[str], interpret: Callable[[Told], Findings]) -> Findings:
    """Interpret rows that are equal in some terms once.

    Parameters
    ----------
    told : Told
        n rows.
    names : sequence of str
        The terms that `interpret` looks at.
    interpret : callable
        Gives the findings of rows, each by itself.

    Returns
    -------
    Findings of n rows
    """
    equal = repeats(told.frame(names))
    if equal is None:
        return interpret(told)
    return _spread(interpret(told.part(equal.first, names)), equal.of)


def _spread(found: Findings, of: pl.Series) -> Findings:
    """Give each row what was found of the one that it is equal to."""
    rows = of.alias("number").to_frame().with_row_index("row")
    return Findings(
        {name: handed_out(column, of) for name, column in found.columns.items()},
        {name: handed_out(mask, of) for name, mask in found.flags.items()},
        [
            rows.join(part.rename({"row": "number"}), on="number", maintain_order="left").select(part.columns)
            for part in found.repairs
        ],
    )


def handed_out(answers: pl.Series, to: pl.Series) -> pl.Series:
    """Return for n rows the answers that they have; many columns are null, or False, for every row.

    Parameters
    ----------
    answers : Series
        A column.
    to : Series of integers, length n
        Which of the answers each row has.
    """
    nulls = answers.null_count()
    refuted = answers.dtype == pl.Boolean and not nulls and not answers.any()
    if len(answers) and (nulls == len(answers) or refuted):
        return answers.new_from_index(0, len(to))
    # A column in one piece is much the faster to take rows from.
    return answers.rechunk().gather(to)
