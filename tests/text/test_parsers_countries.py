"""Countries by code and by name in the region's languages."""

import polars as pl
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.core.vocabularies import MEMBERS
from biodata.text.countries import parse_countries, parse_country
from case_tables import cases


@pytest.mark.parametrize(("told", "code"), cases("parsers_countries", "test_known_countries"))
def test_known_countries(told, code):
    assert parse_country(told) == (code, True)


@pytest.mark.parametrize("told", ["ZZ", "zz", "XX"])
def test_a_code_that_says_unknown_is_understood_and_names_none(told):
    assert parse_country(told) == (None, True)


@pytest.mark.parametrize(
    "told", ["Padua", "N/a", "[n/a]", "Atlantis", "QQ", "Korea", "Congo river", "ประเทศ", "ประเทศเกาหลี"]
)
def test_what_is_no_country_or_could_be_two(told):
    assert parse_country(told) == (None, False)


@pytest.mark.parametrize(("told", "codes"), [
    ("Indochine", ["KH", "LA", "VN"]), ("Annam", ["LA", "VN"]), ("Korea", ["KP", "KR"]), ("Borneo", ["BN", "ID", "MY"]),
    ("婆罗洲", ["BN", "ID", "MY"]), ("Straits Settlements", ["MY", "SG"]), ("Laos", []), ("Atlantis", []),
    ("Georgia (USA)", []), ("x" * 100_000, []),
])  # fmt: skip
def test_a_name_of_several_countries_says_which(told, codes):
    assert parse_countries(pl.Series([told]))["candidates"].to_list() == [codes]


def test_iso_names_and_codes_lead_to_their_country():
    told = {
        text: country.alpha_2
        for country in pycountry.countries
        for text in (country.alpha_2, country.alpha_3, country.name, country.alpha_2.lower())
    }
    assert {text: parse_country(text) for text in told} == {text: (code, True) for text, code in told.items()}


def test_each_country_of_the_scope_is_known_by_its_own_name():
    names = pl.Series([member.name for member in MEMBERS.values()])
    assert parse_countries(names)["code"].to_list() == list(MEMBERS)


@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_no_text_whatever_raises(texts):
    assert parse_countries(pl.Series(texts, dtype=pl.String))["value"].to_list() == texts
