"""Areas: each unit's size, what leaves a doubt is named, which unit a column fits is only proposed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.text import units
from biodata.text.numbers import AmbiguousNumberError, read_number
from biodata.text.units import infer_unit, known_unit, parse_area, parse_areas, square_metres
from case_tables import cases


@pytest.mark.parametrize(("told", "number", "unit", "km2"), cases("parsers_areas", "test_areas_of_the_region"))
def test_areas_of_the_region(told, number, unit, km2):
    area = parse_area(told)
    assert (area.issue, area.confidence, area.unit) == (None, "DEFINITE", unit)
    assert (area.number, area.area_km2) == (pytest.approx(number), pytest.approx(km2))


@pytest.mark.parametrize(("told", "issue"), cases("parsers_areas", "test_a_doubt_is_named_and_gives_no_area"))
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


def test_a_declared_decimal_mark_decides():
    column = pl.Series(["1.234", "12,5", "1.234.567"])
    assert parse_areas(column, unit="ha", decimal_mark=",")["number"].to_list() == [1234, 12.5, 1234567]


def test_the_unit_of_a_column_is_proposed_from_its_polygons():
    computed = pl.Series([10.0, 20.0, 333.0, 4.0, None])
    fits = infer_unit(pl.Series([1000.0, 2100.0, 33000.0, 17.0, 5.0]), computed)
    assert fits[0] == ("ha", 3, 4)
    assert infer_unit(pl.Series([15000.0]), pl.Series([10.0]))[0].unit == "mu"


@pytest.mark.parametrize("unit", ["m2", "ha", "km2", "mu", "rai", "acre", "mi2", "万亩"])
def test_an_area_written_in_a_unit_is_inferred_in_it(unit):
    computed = pl.Series([12.0, 340.0, 5.5, 88.0])
    code, factor = known_unit(unit)
    assert infer_unit(computed * 1e6 / (square_metres()[code] * factor), computed)[0].unit == unit


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
