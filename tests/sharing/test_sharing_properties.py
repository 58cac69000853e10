"""Order never matters, a rule or a label more never reveals more, and two releases tell no more than the later one."""

import random
from dataclasses import replace
from datetime import date

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import releases as fixture
from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule, RuleSet, decide, publish
from biodata.sharing.plan import BEFORE, PLACED, Plan, plan_of, sensitive_records
from biodata.sharing.set_apart import Memory

BOUNDARIES = fixture.neighbours()
NAMES = ["Panthera tigris", "Bos gaurus", "Pycnonotus jocosus", "Felidae", "tiger?", None]
COARSE = [c for c in SharingCategory if c is not SharingCategory.OPEN]
records = st.lists(
    st.fixed_dictionaries({
        "scientificName": st.sampled_from(NAMES),
        "datasetKey": st.sampled_from(["a", "b", None]),
        "eventID": st.sampled_from(["e1", "e2", None]),
        "recordedBy": st.sampled_from(["A", None]),
        "event_start": st.sampled_from([date(2024, 5, 1), date(2024, 6, 1), None]),
        "decimalLongitude": st.sampled_from([101.2345, 101.2351, 101.2901, 102.7, None]),
        "decimalLatitude": st.sampled_from([21.5432, 21.5501]),
        "community_labels": st.sampled_from([[], ["TK A"]]),
    }),
    min_size=2,
    max_size=7,
)  # fmt: skip
rules = st.lists(
    st.builds(Rule, rule_id=st.sampled_from("pqrs"), category=st.sampled_from(COARSE), reason=st.just("hunted"),
              scientific_name=st.sampled_from([None, *NAMES[:4]]), dataset=st.sampled_from([None, "a"]),
              month_from=st.just(None), label=st.sampled_from([None, None, "TK A"])),
    min_size=1,
    max_size=3,
    unique_by=lambda rule: rule.rule_id,
)  # fmt: skip
quick = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])


def frame_of(rows):
    made = [{"key": n, **row} for n, row in enumerate(rows)]
    return terms.conform(pl.DataFrame(made, infer_schema_length=None), terms.OCCURRENCE)


def planned(frame, given_rules, memory=None) -> Plan:
    """Return the plan of a release that follows one of a memory."""
    ruleset = RuleSet.of(given_rules)
    sensitive = sensitive_records(frame, decide(frame, ruleset, boundaries=BOUNDARIES), BOUNDARIES, ruleset.resolver)
    events = terms.conform(pl.DataFrame(), terms.EVENT).with_columns(shown=pl.lit(value=False))
    return plan_of(frame.select(PLACED), events, sensitive, memory=memory or Memory(), before=BEFORE.to_frame(),
                   released=frozenset() if memory is None else frozenset({"a", "b", ""}), secret=b"secret",
                   today=date(2026, 11, 30))  # fmt: skip


def strictness(plan) -> dict[int, int]:
    hidden = plan.apart.hidden.select("key", "category").iter_rows()
    return {key: SharingCategory(category).strictness for key, category in hidden}


@quick
@given(records, rules, st.integers(0, 99))
def test_neither_the_order_of_rules_nor_that_of_records_matters(rows, given_rules, seed):
    frame = frame_of(rows)
    shuffled = random.Random(seed).sample(range(frame.height), frame.height)
    one, two = planned(frame, given_rules), planned(frame[shuffled], given_rules[::-1])
    assert strictness(one) == strictness(two)
    both = [
        publish(some, replace(RuleSet.of(given_rules), plan=plan), boundaries=BOUNDARIES).sort("key")
        for some, plan in ((frame, one), (frame[shuffled], two))
    ]
    assert (
        both[0].drop("sharing_rule", "informationWithheld").equals(both[1].drop("sharing_rule", "informationWithheld"))
    )


@quick
@given(records, rules, rules)
def test_a_rule_more_never_reveals_more_in_the_next_release(rows, given_rules, more):
    frame = frame_of(rows)
    before = planned(frame, given_rules)
    added = [replace(rule, rule_id=f"x{rule.rule_id}") for rule in more]
    after = strictness(planned(frame, [*given_rules, *added], before.apart))
    assert all(after.get(key, 0) >= strict for key, strict in strictness(before).items())


@quick
@given(records, rules)
def test_a_rule_less_opens_nothing_that_went_out_as_a_presence(rows, given_rules):
    frame = frame_of(rows)
    before = planned(frame, given_rules)
    withheld = [Rule("all", SharingCategory.WITHHELD, "hunted")]
    between = planned(frame, withheld, before.apart)
    after = strictness(planned(frame, [], between.apart))
    went_out = before.apart.states.filter("published")["key"]
    assert all(after.get(key, 0) >= strictness(before)[key] for key in went_out)


@quick
@given(records, rules)
def test_a_label_more_never_reveals_more(rows, given_rules):
    before = planned(frame_of(rows), given_rules)
    labelled = [{**row, "community_labels": ["TK A", "TK B"]} for row in rows]
    after = strictness(planned(frame_of(labelled), given_rules, before.apart))
    assert all(after.get(key, 0) >= strict for key, strict in strictness(before).items())


@quick
@given(records, records, rules)
def test_records_more_never_reveal_more_of_those_that_were_there(rows, more, given_rules):
    """So who has the release before and the one after has nothing that the stricter of both does not tell."""
    before = planned(frame_of(rows), given_rules)
    after = strictness(planned(frame_of([*rows, *more]), given_rules, before.apart))
    assert all(after.get(key, 0) >= strict for key, strict in strictness(before).items())


def test_a_record_that_gets_a_place_after_it_went_out_without_one_waits_as_any_other():
    tigers = [Rule("p", SharingCategory.TENTH_DEGREE, "hunted", scientific_name="Panthera tigris")]
    row = {"scientificName": "Panthera tigris", "datasetKey": "a", "decimalLatitude": 21.5}
    without = planned(frame_of([row]), tigers)
    placed = planned(frame_of([{**row, "decimalLongitude": 101.2}]), tigers, without.apart)
    assert [plan.apart.states["published"].to_list() for plan in (without, placed)] == [[True], [False]]
    assert placed.apart.waiting["places"].to_list() == [1]
