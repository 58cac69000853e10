"""Measures of BDQ Core that count what the other tests answered of a record."""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from biodata.quality import location, record, record_occurrence, taxon, time
from biodata.quality.model import Answer, Arguments, Kind, Test

_ALL: Final = (*record.TESTS, *record_occurrence.TESTS, *location.TESTS, *time.TESTS, *taxon.TESTS)
_VALIDATIONS: Final = tuple(test for test in _ALL if test.kind is Kind.VALIDATION)
_AMENDMENTS: Final = tuple(test for test in _ALL if test.kind is Kind.AMENDMENT)


def compliant(answer: Answer) -> pl.Expr:
    """Tell which rows a validation finds compliant."""
    return answer.result.fill_null(value=False) & ~answer.external


def not_compliant(answer: Answer) -> pl.Expr:
    """Tell which rows a validation finds not compliant."""
    return (~answer.result).fill_null(value=False) & ~answer.external


def not_run(answer: Answer) -> pl.Expr:
    """Tell which rows a test could not be run on."""
    return answer.result.is_null() | answer.external


def proposed(answer: Answer) -> pl.Expr:
    """Tell which rows an amendment proposes something for."""
    any_value = pl.any_horizontal(value.is_not_null() for value in answer.proposals.values())
    return any_value & ~not_run(answer)


def _counting(label: str, guid: str, asks: str, counted: Sequence[Test], counts: Callable[[Answer], pl.Expr]) -> Test:
    """Return the measure that counts tests whose answer is of a sort."""

    def answer(arguments: Arguments) -> Answer:
        answers = (test.ask(arguments.present, arguments.context) for test in counted)
        return Answer(pl.sum_horizontal(counts(one).cast(pl.Int32) for one in answers))

    preparations = tuple({p.name: p for test in counted for p in test.preparations}.values())
    return Test(label, guid, (), asks, answer, preparations=preparations)


TESTS: Final = (
    _counting(
        "MEASURE_VALIDATIONTESTS_COMPLIANT",
        "45fb49eb-4a1b-4b49-876f-15d5034dfc73",
        "How many validations does the record pass?",
        _VALIDATIONS,
        compliant,
    ),
    _counting(
        "MEASURE_VALIDATIONTESTS_NOTCOMPLIANT",
        "453844ae-9df4-439f-8e24-c52498eca84a",
        "How many validations does the record fail?",
        _VALIDATIONS,
        not_compliant,
    ),
    _counting(
        "MEASURE_VALIDATIONTESTS_PREREQUISITESNOTMET",
        "49a94636-a562-4e6b-803c-665c80628a3d",
        "How many validations could not be run on the record?",
        _VALIDATIONS,
        not_run,
    ),
    _counting(
        "MEASURE_AMENDMENTS_PROPOSED",
        "03049fe5-a575-404f-b564-ae63f5a1cf8b",
        "How many amendments propose something for the record?",
        _AMENDMENTS,
        proposed,
    ),
)
"""The measures of this file."""
