"""Rules: what a file may say, which rule decides, and that order plays no part."""

from datetime import date

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet, strictest
from biodata.sharing.decide import decide
from case_tables import cases

BOUNDARIES = load_boundaries()
HEADING = "rule_id,source,scientificName,rank,country_code,province_code,dataset,month_from,month_to,category,reason,review_date"


def records(*rows):
    return terms.conform(pl.DataFrame(list(rows), infer_schema_length=None), terms.OCCURRENCE)


def rule(rule_id="r", category="0_1_degree", **more):
    return Rule(rule_id=rule_id, category=SharingCategory(category), reason="hunted", **more)


def deciding(row, *rules):
    found = decide(records(row), RuleSet.of(rules), boundaries=BOUNDARIES)
    return found["rule_id"].item() if found.height else None


def test_a_file_is_read_with_all_its_columns(tmp_path):
    path = tmp_path / "rules.csv"
    line = "CN-1,省林草局,Nomascus nasutus,SPECIES,CN,CN-GX,d1,11,2,1_degree,hunted,2027-01-31"
    path.write_text(f"\ufeff{HEADING}\n{line}\n", encoding="utf-8")
    assert RuleSet.read(path).rules == (
        Rule(rule_id="CN-1", source="省林草局", scientific_name="Nomascus nasutus", rank="SPECIES", country_code="CN",
             province_code="CN-GX", dataset="d1", month_from=11, month_to=2, category=SharingCategory.ONE_DEGREE,
             reason="hunted", review_date=date(2027, 1, 31)),
    )  # fmt: skip


def test_columns_that_are_not_required_may_be_missing(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text("rule_id,category,reason\nall,0_01_degree,everything here\n", encoding="utf-8")
    assert RuleSet.read(path).rules[0].scientific_name is None


@pytest.mark.parametrize(("text", "message"), cases("sharing_rules", "test_faults_name_file_row_column_and_value"))
def test_faults_name_file_row_column_and_value(tmp_path, text, message):
    path = tmp_path / "rules.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        RuleSet.read(path)


def test_a_file_that_is_not_there_or_no_utf_8_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: it cannot be read"):
        RuleSet.read(tmp_path / "none.csv")
    (tmp_path / "gbk.csv").write_bytes("rule_id,category,reason\na,open,云南\n".encode("gbk"))
    with pytest.raises(InputError, match=r"gbk\.csv: byte \d+ is no UTF-8"):
        RuleSet.read(tmp_path / "gbk.csv")


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two rules are called 'r'"):
        RuleSet.of([rule(), rule()])


def test_the_bundled_list_covers_the_flagship_species():
    rules = RuleSet.read(None)
    for name in ("Hylobates lar (Linnaeus, 1771)", "Nomascus nasutus", "Elephas maximus indicus Cuvier, 1798",
                 "Pseudoryx nghetinhensis", "Panthera tigris corbetti", "Manis pentadactyla", "Rhinopithecus bieti",
                 "Crocodylus siamensis", "Rhinoplax vigil", "Dalbergia cochinchinensis Pierre",
                 "Paphiopedilum armeniacum"):  # fmt: skip
        assert (
            strictest(records({"scientificName": name}), rules, boundaries=BOUNDARIES).strictness
            >= SharingCategory.TENTH_DEGREE.strictness
        )
    assert (
        strictest(records({"scientificName": "Passer montanus"}), rules, boundaries=BOUNDARIES) is SharingCategory.OPEN
    )


@pytest.mark.parametrize(
    ("name", "rank", "row", "applies"), cases("sharing_rules", "test_a_taxon_is_found_in_any_name_of_the_record")
)
def test_a_taxon_is_found_in_any_name_of_the_record(name, rank, row, applies):
    assert (deciding(row, rule(scientific_name=name, rank=rank)) == "r") is applies


TIGER = {"scientificName": "Panthera tigris"}
A_TIGER = {"scientific_name": "Panthera tigris"}


@pytest.mark.parametrize(("row", "where", "applies"), [
    pytest.param({"countryCode": "LA"}, {"country_code": "LA"}, True, id="stated in Laos"),
    pytest.param({"countryCode": "VN", "located_country_code": "LA"}, {"country_code": "LA"}, True,
                 id="located in Laos"),
    pytest.param({"countryCode": "VN", "country_codes": ["LA", "VN"]}, {"country_code": "LA"}, True,
                 id="may be in Laos"),
    pytest.param({"countryCode": "VN"}, {"country_code": "LA"}, False, id="in Viet Nam"),
    pytest.param({}, {"country_code": "LA"}, True, id="no country told"),
    pytest.param({"province_code": "CN-YN"}, {"province_code": "CN-YN"}, True, id="in Yunnan"),
    pytest.param({"province_code": "CN-GX", "ambiguous": False}, {"province_code": "CN-YN"}, False, id="in Guangxi"),
    pytest.param({"province_code": "CN-GX", "ambiguous": True}, {"province_code": "CN-YN"}, True, id="at a border"),
    pytest.param({"countryCode": "CN"}, {"province_code": "CN-YN"}, True, id="in China, province unknown"),
    pytest.param({"datasetKey": "d1"}, {"dataset": "d1"}, True, id="the dataset"),
    pytest.param({"datasetKey": "d2"}, {"dataset": "d1"}, False, id="another dataset"),
    pytest.param({"month": 12}, {"month_from": 11, "month_to": 2}, True, id="December in November-February"),
    pytest.param({"month": 3}, {"month_from": 11, "month_to": 2}, False, id="March in November-February"),
    pytest.param({}, {"month_from": 11, "month_to": 2}, True, id="no month told"),
    pytest.param({"event_start": date(2020, 10, 20), "event_end": date(2020, 11, 2), "month": None},
                 {"month_from": 11, "month_to": 2}, True, id="an interval that reaches into November"),
    pytest.param({"event_start": date(2020, 12, 20), "event_end": date(2021, 1, 2)}, {"month_from": 1, "month_to": 1},
                 True, id="an interval over New Year"),
    pytest.param({"event_start": date(2020, 1, 1), "event_end": date(2020, 12, 31)}, {"month_from": 6, "month_to": 6},
                 True, id="a whole year"),
    pytest.param({"event_start": date(2020, 6, 1), "event_end": date(2020, 4, 30)}, {"month_from": 10, "month_to": 10},
                 True, id="an interval that ends before it begins"),
    pytest.param({"event_start": date(2020, 3, 1), "event_end": date(2020, 4, 30), "month": None},
                 {"month_from": 5, "month_to": 2}, False, id="an interval outside the season"),
])  # fmt: skip
def test_a_rule_is_left_aside_only_for_a_fact_that_speaks_against_it(row, where, applies):
    full = records({"event_start": None, "event_end": None, "month": None, "country_codes": None} | TIGER | row)
    found = decide(full, RuleSet.of([rule(**A_TIGER, **where)]), boundaries=BOUNDARIES)
    assert (found.height == 1) is applies


def test_the_strictest_decides_and_of_equals_the_first_by_name():
    rules = [rule("c", "0_1_degree", **A_TIGER), rule("b", "1_degree", **A_TIGER), rule("a", "0_01_degree", **A_TIGER),
             rule("d", "1_degree", **A_TIGER)]  # fmt: skip
    assert deciding(TIGER, *rules) == "b"


def test_a_rule_that_opens_opens_nothing():
    assert deciding(TIGER, rule("a", "open", **A_TIGER), rule("b", "0_001_degree", **A_TIGER)) == "b"
    assert deciding(TIGER, rule("a", "open", **A_TIGER)) is None


def test_a_rule_without_a_taxon_is_about_all(tmp_path):
    frame = records(
        {"scientificName": "Passer montanus", "datasetKey": "d1"}, {"scientificName": None, "datasetKey": "d2"}
    )
    found = decide(frame, RuleSet.of([rule(dataset="d1")]), boundaries=BOUNDARIES)
    assert found["row"].to_list() == [0]
    assert strictest(frame, RuleSet.of([rule(category="withheld")]), boundaries=BOUNDARIES) is SharingCategory.WITHHELD


def test_no_records_and_no_rules_are_open():
    assert strictest(records(TIGER).clear(), RuleSet.of([rule()]), boundaries=BOUNDARIES) is SharingCategory.OPEN
    assert strictest(records(TIGER), RuleSet.of([]), boundaries=BOUNDARIES) is SharingCategory.OPEN


def test_the_hash_tells_rules_apart():
    assert RuleSet.of([rule()]).hash != RuleSet.of([rule(country_code="LA")]).hash
