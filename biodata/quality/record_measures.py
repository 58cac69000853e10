"""Measures of BDQ Core that count what the other tests answered of a record."""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from biodata.quality import location_country, location_datum, location_map, location_values, record, taxon, time
from biodata.quality.model import FILLED_TESTS, Answer, Arguments, Kind, Test, described, test

_ORDER: Final = {label: number for number, label in enumerate(described())}
MEASURED: Final = tuple(
    sorted(
        (
            *FILLED_TESTS,
            *record.TESTS,
            *location_country.TESTS,
            *location_datum.TESTS,
            *location_map.TESTS,
            *location_values.TESTS,
            *time.TESTS,
            *taxon.TESTS,
        ),
        key=lambda test: _ORDER[test.label],
    )
)
"""The tests whose answers are counted: all others."""
_VALIDATIONS: Final = tuple(test for test in MEASURED if test.kind is Kind.VALIDATION)
_AMENDMENTS: Final = tuple(test for test in MEASURED if test.kind is Kind.AMENDMENT)


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


def _counting(label: str, counted: Sequence[Test], counts: Callable[[Answer], pl.Expr]) -> Test:
    """Return the measure that counts tests whose answer is of a sort."""

    def answer(arguments: Arguments) -> Answer:
        answers = (each.ask(arguments.present, arguments.context) for each in counted)
        return Answer(pl.sum_horizontal(counts(one).cast(pl.Int32) for one in answers))

    return test(label, answer, *{p.name: p for each in counted for p in each.preparations}.values())


TESTS: Final = (
    *MEASURED,
    _counting("MEASURE_VALIDATIONTESTS_COMPLIANT", _VALIDATIONS, compliant),
    _counting("MEASURE_VALIDATIONTESTS_NOTCOMPLIANT", _VALIDATIONS, not_compliant),
    _counting("MEASURE_VALIDATIONTESTS_PREREQUISITESNOTMET", _VALIDATIONS, not_run),
    _counting("MEASURE_AMENDMENTS_PROPOSED", _AMENDMENTS, proposed),
)
"""All tests, in the order of their answers."""
