"""Countries by code and by name in the region's languages."""

import json

import polars as pl
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text.countries import parse_countries, parse_country
from biodata.vocabularies import MEMBERS


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("vn", "VN"), ("LAO", "LA"), ("Lao PDR", "LA"), ("Burma", "MM"), ("P.R. China", "CN"), ("East Timor", "TL"),
        ("中国", "CN"), ("老挝", "LA"), ("越南", "VN"), ("ລາວ", "LA"), ("กัมพูชา", "KH"), ("မြန်မာ", "MM"), ("កម្ពុជា", "KH"),
        ("Việt Nam", "VN"), ("Tiongkok", "CN"), ("Pilipinas", "PH"), ("Siam", "TH"), ("NA", "NA"), ("ISO-3166-2:BTN", "BT"),
        ("Great  Britain", "GB"), ("Zaïre", "CD"), ("Tonkin", "VN"), ("Cochinchine", "VN"), ("Kampuchea", "KH"),
        ("สยาม", "TH"), ("ဗမာ", "MM"), ("Miến Điện", "MM"), ("Hindia Belanda", "ID"), ("ສປປ ລາວ", "LA"), ("暹羅", "TH"),
        ("Sabah", "MY"), ("Tibet", "CN"), ("Áo", "AT"), ("Россия", "RU"), ("[Brasil]", "BR"), ("Myanmar (Burma)", "MM"),
        ("Indochine (Laos)", "LA"), ("China (Yunnan)", "CN"), ("Congo", "CG"), ("XK", "XK"), ("Bonaire", "BQ"), ("Svalbard", "SJ"),
        ("Česká republika", "CZ"), ("Eesti", "EE"),
        ("香港", "HK"), ("澳门", "MO"), ("เมียนมา", "MM"), ("ประเทศลาว", "LA"), ("ประเทศ เมียนมา", "MM"), ("ປະເທດໄທ", "TH"),
        ("สาธารณรัฐประชาชนจีน", "CN"), ("မြန်မာနိုင်ငံ", "MM"), ("ထိုင်းနိုင်ငံ", "TH"), ("ប្រទេសកម្ពុជា", "KH"),
        ("ສາທາລະນະລັດປະຊາທິປະໄຕປະຊາຊົນລາວ", "LA"), ("ປະເທດ ລາວ", "LA"),
        ("ပြည်ထောင်စု သမ္မတ မြန်မာနိုင်ငံတော်", "MM"), ("Cộng hòa Xã hội chủ nghĩa Việt Nam", "VN"), ("泰王国", "TH"),
        ("ព្រះរាជាណាចក្រកម្ពុជា", "KH"), ("República Democrática de Timor-Leste", "TL"), ("新加坡共和国", "SG"),
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ("Indochine", ["KH", "LA", "VN"]), ("Annam", ["LA", "VN"]), ("Korea", ["KP", "KR"]), ("Borneo", ["BN", "ID", "MY"]),
        ("婆罗洲", ["BN", "ID", "MY"]), ("Straits Settlements", ["MY", "SG"]), ("Laos", []), ("Atlantis", []),
        ("Georgia (USA)", []), ("x" * 100_000, []),
    ],
)  # fmt: skip
def test_a_name_of_several_countries_says_which(told, codes):
    assert parse_countries(pl.Series([told]))["candidates"].to_list() == [codes]


@pytest.mark.parametrize("country", list(pycountry.countries), ids=lambda country: country.alpha_2)
def test_iso_names_and_codes_lead_to_their_country(country):
    told = (country.alpha_2, country.alpha_3, country.name, country.alpha_2.lower())
    assert {parse_country(text) for text in told} == {(country.alpha_2, True)}


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
