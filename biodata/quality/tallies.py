"""Answers counted over a whole batch, most of them without a look at its rows.

Most answers depend on a few columns that repeat: they are remembered for each combination of values, and what is left
to do is to count how often a batch has which combination.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from biodata.quality.counting import tallied
from biodata.quality.engine import emptied, named, prepare_with
from biodata.quality.keys import Longs, keys_of
from biodata.quality.memory import filled
from biodata.quality.model import Context, Preparation, Test

_PLANS: Final = 50
"""Sets of headings of which is remembered how to count."""

_NOTHING: Final = pl.DataFrame({"": [None]}, schema={"": pl.String})
"""One row that tells nothing."""


class Part(NamedTuple):
    """Sums that are made together.

    Attributes
    ----------
    terms : tuple of str
        The columns of the file that they depend on.
    preparations : tuple of Preparation
        What must be prepared before.
    sums : mapping of str to Expr of bool
        What is summed, by name.
    """

    terms: tuple[str, ...]
    preparations: tuple[Preparation, ...]
    sums: Mapping[str, pl.Expr]


class Plan(NamedTuple):
    """How the tests of a file with certain columns are counted.

    Attributes
    ----------
    tests : tuple of Test
        The tests.
    by_row : Part
        What is summed over all rows.
    by_value : tuple of Part
        What is summed over distinct combinations of the terms.
    constant : mapping of str to bool
        What is the same in every row.
    """

    tests: tuple[Test, ...]
    by_row: Part
    by_value: tuple[Part, ...]
    constant: Mapping[str, bool]


def tally(frame: pl.DataFrame, tests: tuple[Test, ...], context: Context) -> dict[str, int]:
    """Sum over the rows of a file what `counting.tallied` names of each test, as `label.name`.

    Parameters
    ----------
    frame : polars.DataFrame of n > 0 rows
        Text columns by term.
    tests : tuple of Test
        The tests.
    context : Context
        What they may ask.

    Returns
    -------
    dict of str to int
    """
    told = named(frame)
    columns = tuple(filled(told, told.columns))
    plan: Plan | None = context.memory.plans.get(columns)
    if plan is None or plan.tests != tests:
        plan = _plan(frozenset(columns), tests, context)
        if len(context.memory.plans) >= _PLANS:
            context.memory.plans.clear()
        context.memory.plans[columns] = plan
    needed = {term for part in (plan.by_row, *plan.by_value) for term in part.terms}
    plain = emptied(pl.DataFrame([told[name] for name in columns if name in needed]))
    sums = {name: value * frame.height for name, value in plan.constant.items()}
    for part in plan.by_value:
        sums |= _by_value(part, plain, frame.height, context)
    sums |= _by_row(plan.by_row, plain, context)
    return sums


def _by_row(part: Part, plain: pl.DataFrame, context: Context) -> dict[str, int]:
    """Sum over all rows."""
    if not part.sums:
        return {}
    prepared = prepare_with(pl.DataFrame([plain[term] for term in part.terms]), part.preparations, context)
    return prepared.select(one.sum().alias(name) for name, one in part.sums.items()).row(0, named=True)


def _by_value(part: Part, plain: pl.DataFrame, height: int, context: Context) -> dict[str, int]:
    """Sum over distinct combinations, each as often as it occurs."""
    cells = pl.DataFrame([plain[term] for term in part.terms])

    def make(rows: Longs) -> pl.DataFrame:
        distinct = cells[rows] if part.terms else _NOTHING
        prepared = prepare_with(distinct, part.preparations, context)
        return prepared.select(one.fill_null(value=False).alias(name) for name, one in part.sums.items())

    table = context.memory.table((part.terms, tuple(part.sums)))
    made, place = table.look_up(keys_of(cells, context.memory.seeds), make)
    times = np.bincount(place, minlength=made.height) * (1 if part.terms else height)
    weighed = pl.when(pl.all()).then(pl.Series("times", times)).otherwise(0).sum()
    return made.select(weighed.name.keep()).row(0, named=True)


def _plan(present: frozenset[str], tests: tuple[Test, ...], context: Context) -> Plan:
    """Find out what each sum depends on."""
    made_by = {
        f"{preparation.name}.{name}": preparation
        for preparation in _with_needs(preparation for test in tests for preparation in test.preparations)
        for name in preparation.makes
    }
    constant: dict[str, bool] = {}
    by_row: dict[str, pl.Expr] = {}
    by_value: dict[frozenset[str], dict[str, pl.Expr]] = {}
    for test in tests:
        sums = {f"{test.label}.{name}": one for name, one in tallied(test, test.ask(present, context)).items()}
        varying = {name: one for name, one in sums.items() if one.meta.root_names()}
        constant |= {name: bool(pl.select(one).item()) for name, one in sums.items() if name not in varying}
        preparations = _preparations(varying.values(), made_by)
        terms = _terms(varying.values(), preparations, made_by, present)
        if preparations and (not terms or all(one.distinct for one in _with_needs(preparations))):
            by_value.setdefault(terms, {}).update(varying)
        else:
            by_row |= varying
    return Plan(
        tests,
        _part(by_row, made_by, present),
        tuple(_part(sums, made_by, present) for sums in _joined(by_value)),
        constant,
    )


def _joined(by_terms: Mapping[frozenset[str], Mapping[str, pl.Expr]]) -> list[dict[str, pl.Expr]]:
    """Put together what depends on some of the terms that something else depends on."""
    joined: dict[frozenset[str], dict[str, pl.Expr]] = {}
    for terms in sorted(by_terms, key=lambda terms: (-len(terms), sorted(terms))):
        wider = [other for other in joined if terms <= other] if terms else []
        joined.setdefault(min(wider, key=len, default=terms), {}).update(by_terms[terms])
    return list(joined.values())


def _part(sums: dict[str, pl.Expr], made_by: Mapping[str, Preparation], present: frozenset[str]) -> Part:
    preparations = _preparations(sums.values(), made_by)
    return Part(tuple(sorted(_terms(sums.values(), preparations, made_by, present))), preparations, sums)


def _preparations(sums: Iterable[pl.Expr], made_by: Mapping[str, Preparation]) -> tuple[Preparation, ...]:
    """Return the preparations whose columns are read."""
    roots = (root for one in sums for root in one.meta.root_names())
    return tuple({made_by[root].name: made_by[root] for root in roots if root in made_by}.values())


def _with_needs(preparations: Iterable[Preparation]) -> list[Preparation]:
    """Return preparations and all that they need."""
    return [each for one in preparations for each in (one, *_with_needs(one.needs))]


def _terms(
    sums: Iterable[pl.Expr],
    preparations: Sequence[Preparation],
    made_by: Mapping[str, Preparation],
    present: frozenset[str],
) -> frozenset[str]:
    """Return the columns of the file that are read, by the sums themselves or by what is prepared for them."""
    roots = {root for one in sums for root in one.meta.root_names()}
    read = {term for one in _with_needs(preparations) for term in one.reads}
    return frozenset((roots | read) - made_by.keys()) & present
