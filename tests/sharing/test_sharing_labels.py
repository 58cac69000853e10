"""Labels of communities: read in any spelling, put on datasets, events and records, and able to withhold."""

import csv
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.access import rule_changes
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import RuleSet, decide, publish
from biodata.sharing.labels import LabelSet, category_of, in_text, in_texts, label_called, labels
from biodata.sharing.licences import LICENCES, UNSPECIFIED, effective, strictest
from biodata.sharing.rule import Assignment
from biodata.store import sharing_rules
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import known_to
from case_tables import cases
from survey_events import commit, event, seen

BOUNDARIES = load_boundaries()


def records(*rows):
    rows = [
        {"key": n, "scientificName": "Lophura nycthemera", "datasetKey": "village"} | row for n, row in enumerate(rows)
    ]
    place = {"decimalLatitude": 21.4, "decimalLongitude": 101.3, "countryCode": "LA"}
    return terms.conform(pl.DataFrame([place | row for row in rows], infer_schema_length=None), terms.OCCURRENCE)


def under(*assignments, rules=()):
    return RuleSet(RuleSet.of(rules).rules, labels=LabelSet(assignments))


@pytest.mark.parametrize(("text", "code"), cases("sharing_labels", "test_labels_are_known_in_any_spelling"))
def test_labels_are_known_in_any_spelling(text, code):
    assert label_called(text) == code


def test_every_label_has_its_page_and_reads_itself():
    for code, label in labels().items():
        assert label_called(label.name) == label_called(label.address) == label_called(code) == code


def test_labels_are_found_in_what_is_said_about_rights():
    told = '{"tkLabels": ["TK SS", "BC P"]} see https://localcontexts.org/label/tk-non-commercial/; Vancouver, BC CA'
    assert in_text(told) == ["BC-P", "TK-NC", "TK-SS"]
    assert in_texts(pl.Series([None, "CC BY 4.0", "TK A"])).to_list() == [None, None, ["TK-A"]]


def test_a_label_that_nobody_knows_withholds():
    assert category_of(["BC-P", "made up"]) is SharingCategory.WITHHELD
    assert category_of(["BC-P", "TK-CS"]) is SharingCategory.TENTH_DEGREE
    assert category_of([]) is SharingCategory.OPEN


def test_a_secret_label_on_a_dataset_withholds_all_of_it():
    frame = records({}, {"datasetKey": "museum"})
    shown = publish(frame, under(Assignment("TK-SS", "village")), boundaries=BOUNDARIES)
    assert shown["datasetKey"].to_list() == ["museum"]


def test_a_label_on_an_event_is_on_its_records_and_on_those_of_its_parts():
    frame = records({"eventID": "e1"}, {"eventID": "e1.1", "parentEventID": "e1"}, {"eventID": "e2"}, {})
    shown = publish(frame, under(Assignment("TK-A", "village", event="e1")), boundaries=BOUNDARIES)
    assert shown["community_labels"].to_list() == [["TK-A"], ["TK-A"], None, None]


def test_a_label_on_an_event_is_on_records_however_deep_their_event_is_a_part_of_it(tmp_path):
    tree = [event("e"), event("e.1", parentEventID="e"), event("e.1.1", parentEventID="e.1"), event("other")]
    told = [
        seen(n, "Lophura nycthemera", name, parentEventID=above)
        for n, (name, above) in enumerate([("e.1.1", "e.1"), ("other", None)])
    ]
    commit(tmp_path, tree, told)
    rules = RuleSet(()).on(date(2026, 1, 1), consents=(), labels=[Assignment("TK-SS", "cameras", event="e")])
    with Lake.open(tmp_path) as lake:
        records, labels = lake.read("occurrences"), known_to(lake, rules).labels
    shown = labels.added(records).sort("eventID").select("eventID", "community_labels").rows()
    assert shown == [("e.1.1", ["TK-SS"]), ("other", None)]


def test_a_label_on_a_record_stands_beside_those_that_it_came_with():
    frame = records({"community_labels": ["BC-P"]}, {})
    shown = publish(frame, under(Assignment("TK-NC", "village", key=0)), boundaries=BOUNDARIES)
    assert shown["community_labels"].to_list() == [["BC-P", "TK-NC"], None]


def test_a_sensitive_label_makes_a_presence_and_is_its_rule():
    shown = publish(records({"community_labels": ["TK-CS"]}), under(), boundaries=BOUNDARIES).row(0, named=True)
    assert (shown["sharing_category"], shown["sharing_rule"]) == ("0_1_degree", "label:TK-CS")
    assert shown["community_labels"] is None
    assert shown["decimalLatitude"] != 21.4
    assert "TK Culturally Sensitive" in shown["dataGeneralizations"] + str(shown["informationWithheld"])


def test_where_the_events_are_not_told_no_record_of_the_dataset_is_taken_for_one_without():
    frame = records({"eventID": "e2"}).drop("eventID", "parentEventID")
    decided = decide(frame, under(Assignment("TK-SS", "village", event="e1")), boundaries=BOUNDARIES)
    assert decided["category"].to_list() == ["withheld"]


@given(st.lists(st.sampled_from(sorted(labels())), max_size=4), st.sampled_from(sorted(labels())))
def test_a_further_label_never_shows_more(some, further):
    before, after = category_of(some), category_of([*some, further])
    assert after.strictness >= before.strictness
    order = list(LICENCES)
    for own in LICENCES:
        assert order.index(effective(own, None, [*some, further]).license) >= order.index(
            effective(own, None, some).license
        )


def test_labels_are_read_from_a_file_with_the_rules(tmp_path):
    rules, labels = tmp_path / "rules.csv", tmp_path / "labels.csv"
    rules.write_text("rule_id,category,reason\n")
    without = RuleSet.read(rules)
    _write(labels, {"label": "TK SS", "dataset": "village", "event": "e1", "community": "Akha of Ban Na"})
    held = RuleSet.read(rules, labels=labels)
    assert held.labels.assignments == (Assignment("TK-SS", "village", "e1", community="Akha of Ban Na"),)
    assert held.hash != without.hash


def test_a_label_ends_with_its_last_day():
    held = [Assignment("TK-S", "village", valid_until=date(2026, 5, 31))]
    assert LabelSet.of(held, day=date(2026, 5, 31)).assignments
    assert not LabelSet.of(held, day=date(2026, 6, 1)).assignments


@pytest.mark.parametrize(("row", "column"), [
    pytest.param({"label": "TK-XY", "dataset": "a"}, "label", id="no such label"),
    pytest.param({"label": "TK-A"}, "dataset", id="of nothing"),
    pytest.param({"label": "TK-A", "dataset": "a", "key": "x1"}, "key", id="no number"),
    pytest.param({"label": "TK-A", "dataset": "a", "key": "1", "event": "e"}, "event", id="event and record"),
    pytest.param({"label": "TK-A", "dataset": "a", "valid_until": "soon"}, "valid_until", id="no date"),
])  # fmt: skip
def test_a_fault_in_the_file_is_named(tmp_path, row, column):
    _write(tmp_path / "labels.csv", row)
    with pytest.raises(InputError) as caught:
        RuleSet.read(None, labels=tmp_path / "labels.csv")
    assert (caught.value.file, caught.value.row, caught.value.column) == ("labels.csv", 2, column)


def _write(path, row):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)


@pytest.mark.parametrize(("record", "dataset", "labels_", "holds", "reason"), [
    pytest.param("CC0_1_0", "CC_BY_NC_4_0", (), "CC_BY_NC_4_0", "its dataset's, stricter than CC0 1.0", id="dataset"),
    pytest.param("CC_BY_NC_4_0", "CC0_1_0", (), "CC_BY_NC_4_0", "the record's, stricter than", id="record"),
    pytest.param(None, "CC BY 4.0", (), "CC_BY_4_0", "its dataset's; the record tells none", id="only dataset"),
    pytest.param("CC_BY_4_0", None, (), "CC_BY_4_0", "the record's; its dataset tells none", id="only record"),
    pytest.param(None, None, (), UNSPECIFIED, "no licence is told", id="none: nobody allowed anything"),
    pytest.param("CC0_1_0", "CC0_1_0", ("TK-NC",), "CC_BY_NC_4_0", "label TK-NC", id="a label against commerce"),
    pytest.param("CC0_1_0", "all rights reserved", ("TK-NC",), "UNSUPPORTED", "its dataset's",
                 id="stricter than a label"),
])  # fmt: skip
def test_the_stricter_licence_holds_and_says_why(record, dataset, labels_, holds, reason):
    found = effective(record, dataset, labels_)
    assert found.license == holds
    assert reason in found.reason


@given(*[st.sampled_from([*LICENCES, None])] * 2)
def test_a_licence_that_holds_is_never_looser_than_either(record, dataset):
    found, order = effective(record, dataset).license, list(LICENCES)
    assert all(order.index(found) >= order.index(told) for told in (record, dataset) if told not in (None, UNSPECIFIED))
    assert found == effective(dataset, record).license
    assert found in (record, dataset, UNSPECIFIED)
    assert strictest([]) == UNSPECIFIED


def test_each_published_record_tells_the_licence_that_holds():
    frame = records({"license": "CC0_1_0"}, {"license": "CC_BY_4_0", "datasetKey": "museum"}, {})
    shown = publish(frame, under(), boundaries=BOUNDARIES, licences={"village": "CC_BY_NC_4_0", "museum": None})
    assert shown["license_effective"].to_list() == ["CC_BY_NC_4_0", "CC_BY_4_0", "CC_BY_NC_4_0"]
    assert shown["license"].to_list() == ["CC0_1_0", "CC_BY_4_0", None]
    assert shown["license_reason"][0] == "its dataset's, stricter than CC0 1.0 of the record"


@pytest.mark.parametrize(("dataset", "rows", "holds"), [
    pytest.param(None, ["CC0_1_0", "CC_BY_NC_4_0", None], "CC_BY_NC_4_0", id="the strictest of its rows"),
    pytest.param("CC_BY_4_0", ["CC0_1_0"] * 3, "CC_BY_4_0", id="the dataset's where that is stricter"),
    pytest.param("CC0_1_0", [None, "CC_BY_4_0", None], "CC_BY_4_0", id="the rows' where they are stricter"),
    pytest.param(None, [None] * 3, UNSPECIFIED, id="none"),
])  # fmt: skip
def test_a_presence_bears_the_strictest_licence_that_its_dataset_or_its_rows_state(dataset, rows, holds):
    label = {"community_labels": ["TK-CS"]}
    frame = records({"license": rows[0]} | label, {"license": rows[1]}, {"license": rows[2]})
    shown = publish(frame, under(), boundaries=BOUNDARIES, licences={"village": dataset})
    presence = shown.filter(pl.col("sharing_category") != "open")
    assert presence["license_effective"].to_list() == [holds]
    assert presence["license"].to_list() == [None]


def test_of_two_labels_that_are_put_at_once_none_is_lost(tmp_path, monkeypatch):
    current = sharing_rules.current

    def slowly(session):
        found = current(session)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(sharing_rules, "current", slowly)
    with Registry.open(Settings(data=tmp_path)) as registry, ThreadPoolExecutor() as pool:
        wanted = [Assignment(code, "village") for code in ("TK-SS", "TK-CV")]
        list(pool.map(lambda one: rule_changes.put_label(registry, one, actor="x"), wanted))
        assert {one.label for one in rule_changes.labels_put(registry)} == {"TK-SS", "TK-CV"}
