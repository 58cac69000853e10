"""Order never matters, a rule or a label more never reveals more, and two releases tell no more than the later one."""

import random
from dataclasses import replace
from datetime import date

import polars as pl
from biodata.sharing.siblings import KEPT, SAME_EVENT, Finder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import releases as fixture
from biodata import terms
from biodata.sharing import Rule, RuleSet, decide, publish
from biodata.vocabularies import SharingCategory

BOUNDARIES = fixture.neighbours()
NAMES = ["Panthera tigris", "Bos gaurus", "Pycnonotus jocosus", "Felidae", "tiger?", None]
COARSE = [c for c in SharingCategory if c is not SharingCategory.OPEN]
records = st.lists(
    st.fixed_dictionaries(
        {
            "scientificName": st.sampled_from(NAMES),
            "datasetKey": st.sampled_from(["a", "b"]),
            "eventID": st.sampled_from(["e1", "e2", None]),
            "recordedBy": st.sampled_from(["A", None]),
            "event_start": st.sampled_from([date(2024, 5, 1), date(2024, 6, 1), None]),
            "decimalLongitude": st.sampled_from([101.2345, 101.2351, 101.2901, 102.7, None]),
            "decimalLatitude": st.sampled_from([21.5432, 21.5501]),
            "community_labels": st.sampled_from([[], ["TK A"]]),
        }
    ),
    min_size=2,
    max_size=7,
)
rules = st.lists(
    st.builds(
        Rule,
        rule_id=st.sampled_from("pqrs"),
        category=st.sampled_from(COARSE),
        reason=st.just("hunted"),
        scientific_name=st.sampled_from([None, *NAMES[:4]]),
        dataset=st.sampled_from([None, "a"]),
        month_from=st.just(None),
        label=st.sampled_from([None, None, "TK A"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda rule: rule.rule_id,
)
quick = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])


def frame_of(rows):
    made = [{"key": n, **row} for n, row in enumerate(rows)]
    return terms.conform(pl.DataFrame(made, infer_schema_length=None), terms.OCCURRENCE)


def judged(frame, given_rules, kept=None):
    """Return the strictness of each record by its key, and the records that are tied, as a release finds both."""
    ruleset = RuleSet.of(given_rules)
    finder = Finder()
    finder.add(frame, decide(frame, ruleset, boundaries=BOUNDARIES))
    ruleset = replace(ruleset, siblings=finder.found(kept))
    found = decide(frame, ruleset, boundaries=BOUNDARIES)
    found = found.with_columns(key=frame["key"].gather(found["row"]))
    told = {key: SharingCategory(category).strictness for key, category in found.select("key", "category").iter_rows()}
    tied = found.filter(rule_id=SAME_EVENT).select(pl.col(name).cast(dtype) for name, dtype in KEPT.items())
    return told, tied, ruleset


@quick
@given(records, rules, st.integers(0, 99))
def test_neither_the_order_of_rules_nor_that_of_records_matters(rows, given_rules, seed):
    frame = frame_of(rows)
    shuffled = random.Random(seed).sample(range(frame.height), frame.height)
    assert judged(frame, given_rules)[0] == judged(frame[shuffled], given_rules[::-1])[0]


@quick
@given(records, rules, rules)
def test_a_rule_more_never_reveals_more_in_the_next_release(rows, given_rules, more):
    frame = frame_of(rows)
    before, tied, _ = judged(frame, given_rules)
    added = [replace(rule, rule_id=f"x{rule.rule_id}") for rule in more]
    after, _, _ = judged(frame, [*given_rules, *added], tied)
    assert all(after.get(key, 0) >= strictness for key, strictness in before.items())


@quick
@given(records, rules)
def test_a_label_more_never_reveals_more(rows, given_rules):
    before, tied, _ = judged(frame_of(rows), given_rules)
    labelled = [{**row, "community_labels": ["TK A", "TK B"]} for row in rows]
    after, _, _ = judged(frame_of(labelled), given_rules, tied)
    assert all(after.get(key, 0) >= strictness for key, strictness in before.items())


@quick
@given(records, records, rules)
def test_records_more_never_reveal_more_of_those_that_were_there(rows, more, given_rules):
    """So who has the release before and the one after has nothing that the stricter of both does not tell."""
    before, tied, _ = judged(frame_of(rows), given_rules)
    after, _, _ = judged(frame_of([*rows, *more]), given_rules, tied)
    assert all(after.get(key, 0) >= strictness for key, strictness in before.items())


@quick
@given(records, rules)
def test_no_open_record_of_an_event_stands_where_a_hidden_one_does(rows, given_rules):
    frame = frame_of(rows)
    _, _, ruleset = judged(frame, given_rules)
    shown = publish(frame, ruleset, boundaries=BOUNDARIES).filter(sharing_category="open")
    hidden = frame.filter(~pl.col("key").is_in(shown["key"].implode()), pl.col("scientificName").is_in(NAMES[:2]))
    coarse = publish(frame, ruleset, boundaries=BOUNDARIES)["key"]
    hidden = hidden.filter(pl.col("key").is_in(coarse.implode()))
    beside = frame.join(shown.select("key"), on="key").join(hidden, on=["datasetKey", "eventID"])
    near = (pl.col("decimalLongitude") - pl.col("decimalLongitude_right")).abs() < 0.001
    assert beside.filter(near & (pl.col("decimalLatitude") == pl.col("decimalLatitude_right"))).height == 0
