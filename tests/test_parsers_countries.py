"""Countries by code and by name in the region's languages."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.parsers.countries import parse_countries, parse_country
from biodata.vocabularies import MEMBERS


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("vn", "VN"), ("LAO", "LA"), ("Lao PDR", "LA"), ("Burma", "MM"), ("P.R. China", "CN"), ("East Timor", "TL"),
        ("中国", "CN"), ("老挝", "LA"), ("越南", "VN"), ("ລາວ", "LA"), ("กัมพูชา", "KH"), ("မြန်မာ", "MM"), ("កម្ពុជា", "KH"),
        ("Việt Nam", "VN"), ("Tiongkok", "CN"), ("Pilipinas", "PH"), ("Siam", "TH"), ("NA", "NA"), ("ISO-3166-2:BTN", "BT"),
        ("Great  Britain", "GB"), ("Zaïre", "CD"),
    ],
)  # fmt: skip
def test_known_countries(told, code):
    assert parse_country(told) == (code, True)


@pytest.mark.parametrize("told", ["ZZ", "zz", "XX"])
def test_a_code_that_says_unknown_is_understood_and_names_none(told):
    assert parse_country(told) == (None, True)


@pytest.mark.parametrize("told", ["Padua", "N/a", "[n/a]", "Atlantis", "QQ", "Korea", "Congo river"])
def test_what_is_no_country_or_could_be_two(told):
    assert parse_country(told) == (None, False)


def test_each_country_of_the_scope_is_known_by_its_own_name():
    names = pl.Series([member.name for member in MEMBERS.values()])
    assert parse_countries(names)["code"].to_list() == list(MEMBERS)


@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_no_text_whatever_raises(texts):
    assert parse_countries(pl.Series(texts, dtype=pl.String))["value"].to_list() == texts


def test_gbifs_own_cases_of_countries(shared):
    english = {"UNITED_KINGDOM": "GB", "DENMARK": "DK", "MONTENEGRO": "ME", "GERMANY": "DE", "FAROE_ISLANDS": "FO"}
    more = {"CONGO_DEMOCRATIC_REPUBLIC": "CD", "ANGOLA": "AO", "TURKEY": "TR", "BHUTAN": "BT", "NAMIBIA": "NA"}
    codes = english | more
    for case in json.loads((shared / "suites" / "gbif_parsers" / "cases.json").read_text()):
        if case["suite"] == "country":
            assert parse_country(case["args"][0])[0] == codes.get(case.get("expect")), case["args"]
