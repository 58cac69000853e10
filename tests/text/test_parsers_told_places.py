"""Words that tell a place are known; numbers that are none are let through."""

import pytest

from biodata.text.proposals import names_a_place
from case_tables import cases


@pytest.mark.parametrize("words", cases("parsers_told_places", "test_a_place_is_known"))
def test_a_place_is_known(words):
    assert names_a_place(words)


@pytest.mark.parametrize("words", cases("parsers_told_places", "test_other_numbers_are_none"))
def test_other_numbers_are_none(words):
    assert not names_a_place(words)
