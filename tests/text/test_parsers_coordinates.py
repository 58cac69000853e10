"""Latitude and longitude in one text or two, in the region's languages, and metres of a projection."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text.coordinate_pairs import parse_pairs, parse_two_columns, read_pair, read_two
from biodata.text.coordinates import (
    Axis,
    parse_angle,
    parse_coordinates,
    parse_projected,
    read_angle,
    read_projected,
)
from case_tables import cases

LUANG_NAMTHA = (21 + 28 / 60, 101 + 34 / 60)


@pytest.mark.parametrize("told", cases("parsers_coordinates", "test_a_place_in_every_spelling"))
def test_a_place_in_every_spelling(told):
    read = read_pair(told)
    assert (read.latitude, read.longitude) == pytest.approx(LUANG_NAMTHA)
    assert (read.confidence, read.issues) == ("DEFINITE", ())


@pytest.mark.parametrize(("told", "place", "rule"), cases("parsers_coordinates", "test_pairs_that_are_certain"))
def test_pairs_that_are_certain(told, place, rule):
    read = read_pair(told)
    assert (read.latitude, read.longitude) == pytest.approx(tuple(place))
    assert (read.confidence, read.issues, read.rule) == ("DEFINITE", (), rule)


@pytest.mark.parametrize(("told", "place", "issues", "confidence", "rule"), [
    pytest.param("10.3, 20.5", (10.3, 20.5), (), "PROBABLE", "latitude_first_assumed", id="either could be latitude"),
    pytest.param("101.6 21.5", (21.5, 101.6), ("PRESUMED_SWAPPED_COORDINATE",), "PROBABLE", None, id="swapped"),
    pytest.param("0, 0", (0, 0), ("ZERO_COORDINATE",), "POSSIBLE", None, id="zero"),
    pytest.param("21 30, 101 40", (21.5, 101 + 2 / 3), (), "PROBABLE", "degrees_minutes_unmarked", id="no marks"),
])  # fmt: skip
def test_pairs_that_are_likely(told, place, issues, confidence, rule):
    read = read_pair(told)
    assert (read.latitude, read.longitude) == pytest.approx(place)
    assert (read.issues, read.confidence, read.rule) == (issues, confidence, rule)


@pytest.mark.parametrize(("told", "issue"), [
    *cases("parsers_coordinates", "test_pairs_that_are_not_read"),
    pytest.param("1" * 100_000, "COORDINATE_INVALID", id="long"),
])  # fmt: skip
def test_pairs_that_are_not_read(told, issue):
    read = read_pair(told)
    assert (read.latitude, read.longitude, read.issues, read.confidence) == (None, None, (issue,), None)


@pytest.mark.parametrize(("told", "axis", "number"), cases("parsers_coordinates", "test_single_coordinates"))
def test_single_coordinates(told, axis, number):
    expected = number if number is None else pytest.approx(number, abs=1e-6)
    assert parse_angle(told, Axis(axis))[0] == expected
    assert parse_coordinates(pl.Series([told]), Axis(axis))["number"].to_list() == [expected]


def test_letters_of_the_other_axis_show_that_columns_are_swapped():
    read = read_two("101°34'E", "21°28'N")
    assert (read.latitude, read.longitude) == pytest.approx(LUANG_NAMTHA)
    assert (read.issues, read.confidence) == (("PRESUMED_SWAPPED_COORDINATE",), "PROBABLE")


SPELLINGS = ("{d}°{m}'{s}\"{x}", "{d}º {m}’ {s}” {x}", "{x} {d}°{m}′{s}″", "{d}d{m}m{s}s{x}", "{d} {m} {s} {x}", "{d}:{m}:{s}{x}",
             "{w} {d}°{m}'{s}\"", "{d}°{m}'{s}\" {w}", "{d}度{m}分{s}秒{w}")  # fmt: skip
WORDS = {
    "N": ("north", "北纬", "เหนือ", "ເໜືອ", "ជើង", "မြောက်", "Bắc", "LU", "Norte"),
    "S": ("south", "南纬", "ใต้", "ໃຕ້", "ត្បូង", "တောင်", "Nam", "LS", "Sur"),
    "E": ("east", "东经", "ตะวันออก", "ຕາເວັນອອກ", "កើត", "အရှေ့", "Đông", "BT", "Este"),
    "W": ("west", "西经", "ตะวันตก", "ຕາເວັນຕົກ", "លិច", "အနောက်", "Tây", "BB", "Oeste"),
}
SCRIPTS = ("0123456789", "๐๑๒๓๔๕๖๗๘๙", "໐໑໒໓໔໕໖໗໘໙", "០១២៣៤៥៦៧៨៩", "၀၁၂၃၄၅၆၇၈၉", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩")


@st.composite
def angles(draw, most, sides):
    """Return a coordinate in tenths of seconds, its side, and how it is written."""
    tenths = draw(st.integers(1, most * 36_000))
    side = draw(st.sampled_from(sides))
    degrees, rest = divmod(tenths, 36_000)
    minutes, seconds = divmod(rest, 600)
    told = draw(st.sampled_from(SPELLINGS)).format(
        d=degrees, m=minutes, s=seconds / 10, x=side, w=draw(st.sampled_from(WORDS[side]))
    )
    script = draw(st.sampled_from(SCRIPTS))
    return tenths / 36_000 * (1 if side in "NE" else -1), told.translate(str.maketrans(SCRIPTS[0], script))


@given(angles(90, "NS"), angles(180, "EW"))
def test_what_is_written_is_read_back(latitude, longitude):
    for axis, (number, told) in zip(Axis, (latitude, longitude), strict=True):
        assert parse_angle(told, axis)[0] == pytest.approx(number, abs=1e-9), told
    for told in (f"{latitude[1]}, {longitude[1]}", f"{longitude[1]}; {latitude[1]}"):
        read = read_pair(told)
        assert (read.latitude, read.longitude) == pytest.approx((latitude[0], longitude[0]), abs=1e-9), told
        assert read.confidence == "DEFINITE"


@given(st.floats(-90, 90).map(lambda x: round(x, 6)), st.floats(-180, 180).map(lambda x: round(x, 6)), st.booleans(),
       st.sampled_from([", ", ";", " / ", " "]))  # fmt: skip
def test_decimal_degrees_are_read_back(latitude, longitude, comma, between):
    told = between.join(f"{number:.6f}" for number in (latitude, longitude))
    read = read_pair(told.replace(".", ",") if comma else told)
    if latitude or longitude:
        assert (read.latitude, read.longitude) == pytest.approx((latitude, longitude))


PIECES = st.lists(
    st.sampled_from([*"0123456789.,-+;/NSEWOBTĐ°'\"′″dms :", "北纬", "东经", "，", "北纬21°", "东经101°34′", "21°28'N", "101.5E",
                     "BT", "12", "101", "UTM", "47Q", "735000"]),
    max_size=25,
).map("".join)  # fmt: skip


@given(st.lists(st.one_of(st.text(), PIECES), max_size=6))
def test_every_output_is_in_range_and_nothing_raises(texts):
    values = pl.Series(texts, dtype=pl.String)
    for read in (parse_pairs(values), parse_two_columns(values, values.reverse())):
        assert read.height == len(texts)
        assert read["latitude"].is_between(-90, 90).drop_nulls().all()
        assert read["longitude"].is_between(-180, 180).drop_nulls().all()
        assert (read["latitude"].is_null() == read["longitude"].is_null()).all()
        assert (read["confidence"].is_null() == read["latitude"].is_null()).all()
    assert parse_projected(values)["value"].to_list() == texts
    for text in texts:
        angle = read_angle(text, None)
        assert angle is None or math.isfinite(angle.degrees)


@given(st.lists(PIECES, max_size=6), st.lists(PIECES, max_size=6))
def test_columns_are_read_as_texts_are(texts, others):
    read = parse_pairs(pl.Series(texts, dtype=pl.String)).drop("value").rows()
    assert read == [(p.latitude, p.longitude, [*p.issues], p.confidence, p.rule) for p in map(read_pair, texts)]
    n = min(len(texts), len(others))
    two = parse_two_columns(pl.Series(texts[:n], dtype=pl.String), pl.Series(others[:n], dtype=pl.String)).rows()
    one = [read_two(a, b) for a, b in zip(texts[:n], others[:n], strict=True)]
    assert two == [(p.latitude, p.longitude, [*p.issues], p.confidence, p.rule) for p in one]


@pytest.mark.parametrize(
    ("told", "place", "zone", "band", "grid"), cases("parsers_coordinates", "test_metres_are_taken_apart")
)
def test_metres_are_taken_apart(told, place, zone, band, grid):
    read = read_projected(told)
    assert read is not None
    assert (read.easting_m, read.northing_m) == tuple(place)
    assert (read.zone, read.band, read.grid, read.proven) == (zone, band, grid, True)
    assert read_pair(told).latitude is None


def test_the_meridian_of_a_zone_is_told():
    assert read_projected("VN-2000 105°45' X=2345678 Y=567890").central_meridian == 105.75


def test_south_or_band_s_is_left_open():
    assert read_projected("48S 735000 9375000").hemisphere is None
    assert read_projected("48M 735000 9375000").hemisphere == "S"


def test_near_the_equator_the_order_is_not_proven():
    assert read_projected("47N 500000 800000").proven is False


@pytest.mark.parametrize(
    "told", ["21.5 101.6", "12344", "433819N 1013412E", "735000", "seen 12000 times in 150000 m", ""]
)
def test_what_is_no_projection(told):
    assert read_projected(told) is None


# GBIF's own cases
