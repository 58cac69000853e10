"""Numbers and coordinates as people write them."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text.coordinates import Axis, parse_angle, parse_coordinates
from biodata.text.numbers import ascii_digits, parse_decimal, parse_decimals
from case_tables import cases


@pytest.mark.parametrize(
    "script", ["๐๑๒๓๔๕๖๗๘๙", "໐໑໒໓໔໕໖໗໘໙", "០១២៣៤៥៦៧៨៩", "၀၁၂၃၄၅၆၇၈၉", "०१२३४५६७८९", "０１２３４５６７８９"]
)
def test_digits_of_the_regions_scripts(script):
    assert ascii_digits(script) == "0123456789"


@given(st.text())
def test_only_digits_are_changed(text):
    changed = ascii_digits(text)
    assert len(changed) == len(text)
    assert all(a == b or unicodedata.decimal(a, None) == int(b) for a, b in zip(text, changed, strict=True))


@pytest.mark.parametrize(("told", "number", "rule"), cases("parsers_numbers", "test_numbers"))
def test_numbers(told, number, rule):
    assert parse_decimal(told, {"m"}) == (number, rule)
    assert parse_decimals(pl.Series([told]), units={"m"}).row(0) == (told, number, rule)


@pytest.mark.parametrize(("told", "axis", "number"), cases("parsers_numbers", "test_coordinates"))
def test_coordinates(told, axis, number):
    expected = number if number is None else pytest.approx(number, abs=1e-6)
    assert parse_angle(told, Axis(axis))[0] == expected
    assert parse_coordinates(pl.Series([told, "1.5", None]), Axis(axis))["number"].to_list() == [expected, 1.5, None]


@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 59), st.sampled_from("NS"))
def test_written_in_degrees_minutes_and_seconds_it_is_read_back(degrees, minutes, seconds, side):
    value, rule = parse_angle(f"{degrees}°{minutes}'{seconds}\"{side}", Axis.LATITUDE)
    assert value == pytest.approx((degrees + minutes / 60 + seconds / 3600) * (1 if side == "N" else -1))
    assert rule == "degrees_minutes_seconds"


@given(st.lists(st.text(), max_size=6), st.sampled_from(Axis))
def test_no_text_whatever_raises(texts, axis):
    read = parse_coordinates(pl.Series(texts, dtype=pl.String), axis)
    assert read["value"].to_list() == texts
    assert read["number"].is_finite().drop_nulls().all()
