"""Rules of places, publishers and labels; looser rules with the consent of stricter owners."""

from datetime import date, timedelta

import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Consent, Rule, RuleSet, SourceKind, decide, publish
from biodata.sharing.why import why

BOUNDARIES = places.load_boundaries()
TIGER = "Panthera tigris"
RESERVE = "POLYGON ((101.02 21.02, 101.08 21.02, 101.08 21.08, 101.02 21.08, 101.02 21.02))"
DAY = date(2026, 1, 1)


def rule(rule_id="r", category="0_1_degree", **more):
    return Rule(rule_id, SharingCategory(category), "hunted", **{"scientific_name": TIGER, **more})


def record(longitude=None, latitude=None, **more):
    row = {"scientificName": TIGER, "decimalLongitude": longitude, "decimalLatitude": latitude, "key": 1, **more}
    return terms.conform(pl.DataFrame([row], infer_schema_length=None), terms.OCCURRENCE)


def decided(frame, rules):
    found = decide(frame, rules, boundaries=BOUNDARIES)
    return found["rule_id"].item() if found.height else None


@pytest.mark.parametrize(("row", "condition", "applies"), [
    pytest.param({"publishingCountry": "CN"}, {"publishing_country": "CN"}, True, id="its publisher"),
    pytest.param({"publishingCountry": "LA"}, {"publishing_country": "CN"}, False, id="another publisher"),
    pytest.param({}, {"publishing_country": "CN"}, True, id="no publisher told"),
    pytest.param({}, {"label": "TK-S"}, False, id="a label is there only where somebody put it"),
    pytest.param({}, {"area_id": "wdpa:1"}, True, id="no place told"),
])  # fmt: skip
def test_publishers_labels_and_missing_places(row, condition, applies):
    assert (decided(record(**row), RuleSet.of([rule(**condition)])) is not None) is applies


def test_a_label_of_the_record_is_found():
    frame = record().with_columns(community_labels=pl.lit(["BC-P", "TK-S"], pl.List(pl.String)))
    assert decided(frame, RuleSet.of([rule(label="BC-P")])) == "label:TK-S"
    frame = record().with_columns(community_labels=pl.lit(["BC-P"], pl.List(pl.String)))
    assert decided(frame, RuleSet.of([rule(label="BC-P")])) == "r"


@pytest.mark.parametrize(("longitude", "latitude", "category", "radius", "applies"), [
    pytest.param(101.05, 21.05, "0_1_degree", 10, True, id="inside"),
    pytest.param(101.001, 21.001, "0_1_degree", 10, True, id="outside, in a cell that the reserve touches"),
    pytest.param(101.15, 21.05, "0_1_degree", 10, False, id="in the next cell"),
    pytest.param(101.15, 21.05, "0_1_degree", 20_000, True, id="in the next cell, with a wide circle"),
    pytest.param(101.001, 21.001, "withheld", 10, False, id="outside: of a withheld record nothing is told"),
    pytest.param(101.019, 21.05, "withheld", 300, True, id="its circle reaches in"),
    pytest.param(101.019, 21.05, "withheld", None, True, id="no circle told"),
])  # fmt: skip
def test_a_reserve_decides_for_whole_cells(longitude, latitude, category, radius, applies):
    frame = record(longitude, latitude, coordinateUncertaintyInMeters=radius)
    for rules in (
        RuleSet.of([rule(category=category, polygon=RESERVE)]),
        RuleSet((rule(category=category, area_id="a"),), areas={"a": shapely.from_wkt(RESERVE)}),
    ):
        assert (decided(frame, rules) is not None) is applies


def test_a_reserve_that_nobody_knows_may_be_anywhere():
    assert decided(record(110.0, 30.0), RuleSet.of([rule(area_id="gone")])) == "r"
    rules = RuleSet.of([rule(area_id="gone"), rule("known", "1_degree", polygon=RESERVE)])
    assert decided(record(110.0, 30.0), rules) == "r"


def test_a_countrys_rule_never_tells_the_side_of_its_border():
    # The cell 101.4-101.5 E, 21.2-21.3 N is cut by the border of China and Laos.
    rules = RuleSet.of([rule("laos", country_code="LA", source="Laos")])
    frame = pl.concat([record(101.4 + x / 100, 21.2 + y / 100) for x in range(1, 10, 2) for y in range(1, 10, 2)])
    located = places.locate(frame["decimalLongitude"].to_numpy(), frame["decimalLatitude"].to_numpy(), BOUNDARIES)
    code = located["located_country_code"]
    assert {"CN", "LA"} <= set(code)
    frame = frame.with_columns(countryCode=code, located_country_code=code, country_codes=located["country_codes"])
    frame = frame.with_columns(ambiguous=pl.lit(value=False))
    shown = publish(frame, rules, boundaries=BOUNDARIES)
    told = shown.select("sharing_rule", "decimalLongitude", "decimalLatitude", "countryCode", "informationWithheld")
    assert told["sharing_rule"].null_count() == 0
    # Places that share a block of cells are told alike, whichever side they are on.
    assert told.unique().height == told.unique(["decimalLongitude", "decimalLatitude"]).height
    far = record(101.55, 24.55, countryCode="CN", located_country_code="CN", country_codes=["CN"])
    assert decided(far, rules) is None


LOOSE = rule("loose", "0_01_degree", country_code="LA", owner="Laos")
STRICT = rule("strict", "1_degree", owner="global")
OTHER = rule("other", "0_1_degree", owner="reserve")
INSIDE = {"countryCode": "LA", "located_country_code": "LA", "country_codes": ["LA"], "ambiguous": False,
          "coordinateUncertaintyInMeters": 10.0}  # fmt: skip
# A cell of 1° that is all of Laos.
LAOS = (102.5, 19.5)


def consent(owner, until=None, looser="loose"):
    return Consent(looser, owner, "an office", DAY, until)


@pytest.mark.parametrize(("place", "more", "consents", "decides"), [
    pytest.param(LAOS, {}, [], "strict", id="nobody consented"),
    pytest.param(LAOS, {}, ["global"], "strict", id="one of two consented"),
    pytest.param(LAOS, {}, ["global", "reserve"], "loose", id="every stricter owner consented"),
    pytest.param(LAOS, {"countryCode": None}, ["global", "reserve"], "loose", id="no country stated, located there"),
    pytest.param(LAOS, {"countryCode": "TH"}, ["global", "reserve"], "strict", id="another country stated"),
    pytest.param((101.45, 21.25), {}, ["global", "reserve"], "strict", id="a cell that reaches over the border"),
    pytest.param((None, None), {}, ["global", "reserve"], "strict", id="no place"),
    pytest.param(LAOS, {"scientificName": "Panthera"}, ["global", "reserve"], "strict", id="only the genus"),
    pytest.param(LAOS, {"scientificName": "Pantera tigris"}, ["global", "reserve"], "strict", id="a slip"),
])  # fmt: skip
def test_a_looser_rule_acts_only_where_it_is_certain_and_all_consented(place, more, consents, decides):
    rules = RuleSet.of([LOOSE, STRICT, OTHER], [consent(owner) for owner in consents])
    assert decided(record(*place, **{**INSIDE, **more}), rules) == decides


def test_consents_stand_in_a_file_and_end_on_their_last_day(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text("rule_id,category,reason\na,open,x\n", encoding="utf-8")
    before = RuleSet.read(path).hash
    beside = tmp_path / "consents.csv"
    heading = "looser_rule,stricter_owner,given_by,given_on,valid_until\n"
    beside.write_text(f"{heading}a,global,an office,2020-01-01,2020-12-31\n", encoding="utf-8")
    assert RuleSet.read(path, consents=beside).consents == ()
    assert RuleSet.read(path, consents=beside).hash == before
    beside.write_text(f"{heading}a,global,an office,2020-01-01,\n", encoding="utf-8")
    assert RuleSet.read(path, consents=beside).consents == (Consent("a", "global", "an office", date(2020, 1, 1)),)
    assert RuleSet.read(path, consents=beside).hash != before
    assert not consent("x", DAY).holds(DAY + timedelta(days=1))
    beside.write_text(f"{heading}a,global,an office,2020-02-01,2020-01-01\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"consents\.csv, row 2, column valid_until"):
        RuleSet.read(path, consents=beside)


@pytest.mark.parametrize(("column", "value", "message"), [
    ("source_kind", "planet", "one of global"),
    ("publishing_country", "XX", "no such country"),
    ("polygon", "POINT (1 2)", "no polygon"),
    ("polygon", "POLYGON ((0 0, 1 1, 0 1, 1 0, 0 0))", "no polygon"),
])  # fmt: skip
def test_faults_in_the_new_columns_are_named(tmp_path, column, value, message):
    path = tmp_path / "rules.csv"
    path.write_text(f'rule_id,category,reason,{column}\na,open,x,"{value}"\n', encoding="utf-8")
    with pytest.raises(InputError, match=f"column {column}.*{message}"):
        RuleSet.read(path)


def test_the_new_columns_are_read(tmp_path):
    path = tmp_path / "rules.csv"
    heading = "rule_id,category,reason,source_kind,owner,publishing_country,area_id,label"
    path.write_text(f"{heading}\na,open,x,community,elders of X,LA,wdpa:1,TK-S\n", encoding="utf-8")
    one = RuleSet.read(path).rules[0]
    assert (one.source_kind, one.owner, one.area_id, one.label) == (
        SourceKind.COMMUNITY, "elders of X", "wdpa:1", "TK-S",
    )  # fmt: skip


RULES = st.lists(
    st.builds(
        Rule,
        rule_id=st.sampled_from("abcdefgh"),
        category=st.sampled_from(SharingCategory),
        reason=st.just("hunted"),
        scientific_name=st.sampled_from(
            [None, TIGER, "Panthera", "Felidae", "Elephas maximus", "Panthera tigris corbetti"]
        ),
        country_code=st.sampled_from([None, "LA", "CN"]),
        publishing_country=st.sampled_from([None, "LA"]),
        polygon=st.sampled_from([None, RESERVE]),
        owner=st.sampled_from([None, "x", "y"]),
    ),
    max_size=6,
    unique_by=lambda r: r.rule_id,
)
CONSENTS = st.lists(
    st.builds(Consent, st.sampled_from("abcd"), st.sampled_from(["x", "y", *"abcdefgh"]), st.just("z"), st.just(DAY)),
    max_size=12,
)
SEVERAL = pl.concat([
    record(*LAOS, **INSIDE),
    record(101.45, 21.25, countryCode="CN", publishingCountry="CN"),
    record(101.05, 21.05, scientificName="亚洲象"),
    record(101.05, 21.05, scientificName="E. maximus"),
    record(scientificName="Panthera"),
    record(101.05, 21.05, scientificName="Passer montanus"),
])  # fmt: skip


def strictnesses(rules):
    found = dict(decide(SEVERAL, rules, boundaries=BOUNDARIES).select("row", "category").iter_rows())
    return [SharingCategory(found.get(row, "open")).strictness for row in range(SEVERAL.height)]


@settings(max_examples=12)
@given(RULES, CONSENTS, st.data())
def test_taking_a_consent_back_never_reveals_more(rules, consents, data):
    fewer = data.draw(st.lists(st.sampled_from(consents)) if consents else st.just([]))
    pairs = zip(strictnesses(RuleSet.of(rules, consents)), strictnesses(RuleSet.of(rules, fewer)), strict=True)
    assert all(before <= after for before, after in pairs)


def test_why_tells_every_rule_and_who_did_not_consent():
    frame = record(*LAOS, **INSIDE)
    chain = why(frame, RuleSet.of([LOOSE, STRICT, OTHER], [consent("global")]), boundaries=BOUNDARIES)
    assert [(s.rule_id, str(s.category), s.decides, s.without_consent) for s in chain] == [
        ("strict", "1_degree", True, ()),
        ("other", "0_1_degree", False, ()),
        ("loose", "0_01_degree", False, ("reserve",)),
    ]
    chain = why(
        frame, RuleSet.of([LOOSE, STRICT, OTHER], [consent("global"), consent("reserve")]), boundaries=BOUNDARIES
    )
    assert [(s.rule_id, s.decides, s.replaced) for s in chain] == [
        ("strict", False, True), ("other", False, True), ("loose", True, False),
    ]  # fmt: skip
    assert why(record(scientificName="Passer montanus"), RuleSet.of([STRICT]), boundaries=BOUNDARIES) == ()
