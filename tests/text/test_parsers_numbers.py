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


@pytest.mark.parametrize(("told", "axis", "number"), [
    pytest.param("21,500", Axis.LATITUDE, 21.5, id="a degree has no thousands"),
    pytest.param("02° 49' 52\" N", Axis.LATITUDE, 2.831111, id="degrees, minutes, seconds"),
    pytest.param("131°47'03\" W", Axis.LONGITUDE, -131.784167, id="west"),
    pytest.param("42g24m50.00sS", Axis.LATITUDE, -42.413889, id="g, m, s"),
    pytest.param("29º32.3’N", Axis.LATITUDE, 29.538333, id="decimal minutes"),
    pytest.param("N36.93276", Axis.LATITUDE, 36.93276, id="letter before"),
    pytest.param("北纬21°30′", Axis.LATITUDE, 21.5, id="north in Chinese"),
    pytest.param("东经102°42′", Axis.LONGITUDE, 102.7, id="east in Chinese"),
    pytest.param("21.5°", Axis.LATITUDE, 21.5, id="degree sign"),
    pytest.param("21 30", Axis.LATITUDE, None, id="two numbers without a sign"),
    pytest.param("102.7 E", Axis.LATITUDE, None, id="a longitude in the latitude"),
    pytest.param("-21.5 S", Axis.LATITUDE, None, id="south twice"),
    pytest.param("21°60'N", Axis.LATITUDE, None, id="60 minutes"),
    pytest.param("12.5 O", Axis.LONGITUDE, None, id="west or Ost"),
    pytest.param("tim", Axis.LATITUDE, None, id="no coordinate"),
])  # fmt: skip
def test_coordinates(told, axis, number):
    expected = number if number is None else pytest.approx(number, abs=1e-6)
    assert parse_angle(told, axis)[0] == expected
    assert parse_coordinates(pl.Series([told, "1.5", None]), axis)["number"].to_list() == [expected, 1.5, None]


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
