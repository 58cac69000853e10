"""Tables of cases in `tests/cases`: a text and what it must be read as, one case a line, by the test that reads them."""

import json
from functools import cache
from pathlib import Path

import pytest


def cases(file, test):
    """Return the cases of a test for `pytest.mark.parametrize`."""
    return [
        pytest.param(*one["case"], id=one["id"]) if isinstance(one, dict) else pytest.param(*one)
        for one in _table(file)[test]
    ]


def together(file, test):
    """Return the same for a test that has them all worked out at once, in one table."""
    return [one["case"] if isinstance(one, dict) else one for one in _table(file)[test]]


@cache
def _table(file):
    return json.loads((Path(__file__).parent / "cases" / f"{file}.json").read_text(encoding="utf-8"))
