"""Areas: each unit's size, what leaves a doubt is named, which unit a column fits is only proposed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.errors import InputError
from biodata.text import units
from biodata.text.numbers import AmbiguousNumberError, decimal_mark, read_number
from biodata.text.units import infer_unit, known_unit, parse_area, parse_areas, proposed_unit, square_metres


@pytest.mark.parametrize(
    ("told", "number", "unit", "km2"),
    [
        pytest.param("500 ha", 500, "ha", 5, id="hectares"),
        pytest.param("12 Ha.", 12, "ha", 0.12, id="a full stop"),
        pytest.param("12 hectare(s)", 12, "ha", 0.12, id="a form's plural"),
        pytest.param("1,234.5 km²", 1234.5, "km2", 1234.5, id="English marks"),
        pytest.param("1.234,5 ha", 1234.5, "ha", 12.345, id="Indonesian and Vietnamese marks"),
        pytest.param("1 234 567 m²", 1234567, "m2", 1.234567, id="spaces between thousands"),
        pytest.param("120 km^2", 120, "km2", 120, id="a caret"),
        pytest.param("120㎢", 120, "km2", 120, id="one sign for km²"),
        pytest.param("12 sq. km", 12, "km2", 12, id="sq. km"),
        pytest.param("15 亩", 15, "mu", 0.01, id="mu"),
        pytest.param("1.2万亩", 12000, "mu", 8, id="ten thousand mu"),
        pytest.param("1,234公顷", 1234, "ha", 12.34, id="Chinese writers use no decimal comma"),
        pytest.param("１２．５平方公里", 12.5, "km2", 12.5, id="full width"),
        pytest.param("100 ไร่", 100, "rai", 0.16, id="rai"),
        pytest.param("5 ไร่ 2 งาน 30 ตร.ว.", 5.575, "rai", 0.00892, id="rai, ngan, wah"),
        pytest.param("5-2-30 ไร่", 5.575, "rai", 0.00892, id="as on a deed"),
        pytest.param("5 rai 2 ngan", 5.5, "rai", 0.0088, id="rai and ngan in Latin"),
        pytest.param("3 ล้านไร่", 3e6, "rai", 4800, id="millions of rai"),
        pytest.param("๑๒ ตร.กม.", 12, "km2", 12, id="Thai digits"),
        pytest.param("12 เฮกตาร์", 12, "ha", 0.12, id="Thai hectares"),
        pytest.param("12 กม.2", 12, "km2", 12, id="Thai km2"),
        pytest.param("12 ເຮັກຕາ", 12, "ha", 0.12, id="Lao"),
        pytest.param("២៥ ហិកតា", 25, "ha", 0.25, id="Khmer"),
        pytest.param("12 ဟက်တာ", 12, "ha", 0.12, id="Burmese hectares"),
        pytest.param("12,5 hécta", 12.5, "ha", 0.125, id="Vietnamese"),
        pytest.param("2,5 triệu ha", 2.5e6, "ha", 25000, id="Vietnamese millions"),
        pytest.param("1.5 juta hektare", 1.5e6, "ha", 15000, id="Indonesian millions"),
        pytest.param("12,5 kilometer persegi", 12.5, "km2", 12.5, id="Indonesian km²"),
        pytest.param("12 ektarya", 12, "ha", 0.12, id="Filipino"),
        pytest.param("12 hectárea", 12, "ha", 0.12, id="Spanish"),
        pytest.param("1 acre", 1, "acre", 0.0040468564224, id="acre"),
        pytest.param("1 sq mile", 1, "mi2", 2.589988110336, id="square mile"),
        pytest.param("1 စတုရန်းမိုင်", 1, "mi2", 2.589988110336, id="Burmese square mile"),
        pytest.param("1e3 ha", 1000, "ha", 10, id="exponent"),
    ],
)  # fmt: skip
def test_areas_of_the_region(told, number, unit, km2):
    area = parse_area(told)
    assert (area.issue, area.confidence, area.unit) == (None, "DEFINITE", unit)
    assert (area.number, area.area_km2) == (pytest.approx(number), pytest.approx(km2))


@pytest.mark.parametrize(
    ("told", "issue"),
    [
        pytest.param("1,234", units.AMBIGUOUS, id="a thousand and more, or one and a bit"),
        pytest.param("1,234 ha", units.AMBIGUOUS, id="the same with a unit"),
        pytest.param("1.234 ha", units.AMBIGUOUS, id="the same with a point"),
        pytest.param("500", units.UNIT_MISSING, id="no unit"),
        pytest.param("12 mẫu", units.UNIT_UNKNOWN, id="three sizes of mẫu"),
        pytest.param("12 顷", units.UNIT_UNKNOWN, id="100 mu or hectares"),
        pytest.param("12 hektar persegi", units.UNIT_UNKNOWN, id="square hectares are no unit"),
        pytest.param("0 ha", units.INVALID, id="0"),
        pytest.param("-5 ha", units.INVALID, id="negative"),
        pytest.param("100-200 ha", units.INVALID, id="a range"),
        pytest.param("12 ha 5 km2", units.INVALID, id="two areas"),
        pytest.param("1-2-3 ha", units.INVALID, id="a deed's numbers in another unit"),
        pytest.param("1,2,3 ha", units.INVALID, id="groups of one digit"),
        pytest.param("1e12 km2", units.INVALID, id="more than the Earth"),
        pytest.param("unknown", units.INVALID, id="no number"),
        pytest.param("1e999 ha", units.INVALID, id="beyond every number"),
    ],
)
def test_a_doubt_is_named_and_gives_no_area(told, issue):
    area = parse_area(told)
    assert (area.issue, area.area_km2, area.confidence) == (issue, None, None)


def test_a_declared_unit_stands_in_and_a_told_one_wins():
    read = parse_areas(pl.Series(["1.5", "3 ha", None]), unit="万亩")
    assert read["area_km2"].to_list() == [pytest.approx(10), pytest.approx(0.03), None]
    assert read["rule"].to_list() == ["declared_unit", None, None]
    with pytest.raises(InputError, match="cubit"):
        parse_areas(pl.Series(["1"]), unit="cubit")


def test_an_approximate_area_is_only_probable():
    assert parse_area("约500公顷")[:6] == (500, "ha", 5, "approximate", None, "PROBABLE")


def test_the_column_tells_the_decimal_mark():
    column = pl.Series(["1.234", "12,5", "1.234.567"])
    assert decimal_mark(column) == ","
    assert parse_areas(column, unit="ha", decimal_mark=",")["number"].to_list() == [1234, 12.5, 1234567]
    assert decimal_mark(pl.Series(["1,5", "1.5"])) is None
    assert decimal_mark(pl.Series(["1,234", "500"])) is None


@given(st.lists(st.sampled_from(["1,5", "1.5", "1.234.567", "1,234", "0.123", "x"])), st.randoms())
def test_the_mark_depends_on_no_order(texts, random):
    shuffled = random.sample(texts, len(texts)) * 2
    assert decimal_mark(pl.Series(texts, dtype=pl.String)) == decimal_mark(pl.Series(shuffled, dtype=pl.String))


def test_the_unit_of_a_column_is_proposed_from_its_polygons():
    computed = pl.Series([10.0, 20.0, 333.0, 4.0, None])
    fits = infer_unit(pl.Series([1000.0, 2100.0, 33000.0, 17.0, 5.0]), computed)
    assert fits[0] == ("ha", 3, 4)
    assert proposed_unit(fits) == ("ha", 3, 4)
    assert infer_unit(pl.Series([15000.0]), pl.Series([10.0]))[0].unit == "mu"
    assert proposed_unit(infer_unit(pl.Series([15000.0]), pl.Series([10.0]))) is None


@pytest.mark.parametrize("unit", ["m2", "ha", "km2", "mu", "rai", "acre", "mi2", "万亩"])
def test_an_area_written_in_a_unit_is_inferred_in_it(unit):
    computed = pl.Series([12.0, 340.0, 5.5, 88.0])
    code, factor = known_unit(unit)
    assert proposed_unit(infer_unit(computed * 1e6 / (square_metres()[code] * factor), computed)).unit == unit


@given(
    st.decimals(min_value="0.01", max_value="999999", places=2),
    st.sampled_from(["ha", "km²", "亩", "ไร่", "ເຮັກຕາ", "ហិកតា", "ဧက", "hektar", "hécta"]),
    st.sampled_from([("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), ("'", ".")]),
)
def test_what_is_written_is_read_back(number, unit, marks):
    text = f"{number:,.2f}".translate({ord(","): marks[0], ord("."): marks[1]})
    area = parse_area(f"{text} {unit}")
    assert area.number == pytest.approx(float(number))
    assert area.area_km2 == pytest.approx(float(number) * square_metres()[known_unit(unit)[0]] / 1e6)


@given(st.lists(st.one_of(st.text(), st.from_regex(r"[0-9.,' -]{1,12}(ha|km2|亩|ไร่)?", fullmatch=True)), max_size=8))
def test_no_text_whatever_raises_and_each_gets_one_answer(texts):
    read = parse_areas(pl.Series(texts, dtype=pl.String))
    assert read["value"].to_list() == texts
    assert (read["area_km2"].is_null() == read["issue"].is_not_null()).all()
    assert read["area_km2"].drop_nulls().is_between(0, units.LARGEST_KM2).all()


@pytest.mark.parametrize("text", ["1,234", "12.345", "999,999"])
def test_three_digits_behind_one_mark_are_not_guessed(text):
    with pytest.raises(AmbiguousNumberError):
        read_number(text)
