"""The engine of BDQ Core: empty cells, preparations, parameters, counting, and what must never change an answer."""

import csv
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.core.errors import InputError
from biodata.core.flags import FLAGS
from biodata.quality import TESTS, Answer, Context, Kind, Preparation, find, run, run_named, summarise
from biodata.quality import Test as QualityTest
from biodata.quality.engine import BY_LABEL, local_name, normalise, prepare, responses

CONTEXT = Context(date(2026, 11, 24), places.load_boundaries())
TERMS = sorted({term for test in TESTS for term in (*test.acted_upon, *test.consulted)})
ROWS = pl.DataFrame({
    "dwc:decimalLatitude": ["21.3", "102.0", " ", "x", "-42.85"],
    "dwc:decimalLongitude": ["102.0", "21.3", "1", "1\x00", "146.75"],
    "dwc:countryCode": ["LA", "LA", "la", None, "AU"],
    "dwc:stateProvince": [None, "Phongsaly", "云南", "\t", "Tasmania"],
    "dwc:eventDate": ["2020-02-30", "2020-02", "5.6.1999", "", "null"],
    "dwc:scientificName": ["Panthera tigris", "Bos javanicus d'Alton, 1823", None, " ", "x"],
    "dwc:sex": ["Male", "f", "?", "\n", None],
})  # fmt: skip


def test_every_test_stands_once_with_its_label_and_guid():
    assert len(TESTS) == 110
    assert len({test.label for test in TESTS}) == len({test.guid for test in TESTS}) == 110
    for test in TESTS:
        assert test.asks[0].isupper()
        assert test.asks[-1] in "?."
        assert find(test.label) is find(test.guid) is find(f" urn:uuid:{test.guid}") is test


def test_labels_and_terms_are_the_standards(shared):
    with (shared / "suites/bdq/tests.csv").open(newline="", encoding="utf-8") as file:
        standard = {row["term_localName"]: row for row in csv.DictReader(file)}
    assert {test.guid: test.label for test in TESTS} == {guid: row["Label"] for guid, row in standard.items()}
    for test in TESTS:
        told = standard[test.guid]["InformationElement:ActedUpon"].split(",")
        assert set(test.acted_upon) == {name.strip().partition(":")[2] for name in told if name.strip()}


def test_every_flag_names_tests_that_exist():
    assert {label for flag in FLAGS.values() for label in flag.bdq} <= set(BY_LABEL)
    assert FLAGS["ZERO_COORDINATE"].bdq == ("VALIDATION_COORDINATES_NOTZERO",)


def test_a_test_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="VALIDATION_NOTHING"):
        find("VALIDATION_NOTHING")


@pytest.mark.parametrize(("heading", "name"), [
    ("dwc:eventDate", "eventDate"),
    ("eventDate", "eventDate"),
    ("dc:type", "type"),
    ("dcterms:license", "license"),
    ("http://rs.tdwg.org/dwc/terms/sex", "sex"),
    ("bdqval:sourceAuthority", "bdqval:sourceAuthority"),
])  # fmt: skip
def test_headings(heading, name):
    assert local_name(heading) == name


def test_empty_cells_are_null_and_others_stay_as_they_are():
    told = pl.DataFrame({"dwc:sex": ["", " \t\r\n\x00\x1f", "null", " a ", "\u00a0", None]})
    assert normalise(told)["sex"].to_list() == [None, None, "null", " a ", "\u00a0", None]


def test_a_preparation_sees_each_distinct_value_once_and_serves_every_test():
    seen = []

    def make(frame, _):
        seen.append(frame.rows())
        return frame.select(length=pl.col("sex").str.len_chars())

    length = Preparation("length", ("sex", "bdqval:limit"), {"length": pl.UInt32}, make)

    def answer(arguments):
        return Answer(length.column("length") <= arguments.number("limit"))

    tests = [
        QualityTest(f"VALIDATION_{n}", n, ("sex",), "?", answer, parameters={"limit": "2"}, preparations=(length,))
        for n in ("A", "B")
    ]
    told = pl.DataFrame({"sex": ["a", "bbb", "a", None, "bbb"], "bdqval:limit": [None, None, None, None, "5"]})
    results = run(told, CONTEXT, tests)
    assert len(seen) == 1
    assert sorted(seen[0], key=str) == [("a", None), ("bbb", "5"), ("bbb", None), (None, None)]
    of_a = results.filter(pl.col("label") == "VALIDATION_A")["result"].to_list()
    assert of_a == ["COMPLIANT", "NOT_COMPLIANT", "COMPLIANT", "", "COMPLIANT"]


def test_parameters_of_the_context_stand_in_for_the_standards_and_the_rows_own_before_both():
    context = Context(CONTEXT.today, CONTEXT.boundaries, parameters={"maximumValidDepthInMeters": "100"})
    told = pl.DataFrame({"maximumDepthInMeters": ["200", "200"], "bdqval:maximumValidDepthInMeters": [None, "300"]})
    test = [find("VALIDATION_MAXDEPTH_INRANGE")]
    assert run(told, CONTEXT, test)["result"].to_list() == ["COMPLIANT"] * 2
    assert run(told, context, test)["result"].to_list() == ["NOT_COMPLIANT", "COMPLIANT"]


def test_proposals_are_json_whatever_stands_in_them():
    odd = 'a"b\\c\x00\n\u202e<云>'
    test = QualityTest(
        "AMENDMENT_X", "x", ("sex",), "?", lambda a: Answer(a.filled("sex"), proposals={"sex": a["sex"]})
    )
    result = run(pl.DataFrame({"sex": [odd]}), CONTEXT, [test])["result"][0]
    assert pl.Series([result]).str.json_decode(pl.Struct({"dwc:sex": pl.String})).struct.field("dwc:sex")[0] == odd


def test_counting_agrees_with_answering():
    answers = run(ROWS, CONTEXT)
    counts = summarise(ROWS, CONTEXT, TESTS)
    for row in counts.iter_rows(named=True):
        mine = answers.filter(pl.col("label") == row["label"])
        assert row["internal"] == (mine["status"] == "INTERNAL_PREREQUISITES_NOT_MET").sum(), row["label"]
        assert row["external"] == (mine["status"] == "EXTERNAL_PREREQUISITES_NOT_MET").sum(), row["label"]
        if row["kind"] in (Kind.VALIDATION, Kind.ISSUE):
            good, bad = (
                ("COMPLIANT", "NOT_COMPLIANT") if row["kind"] == "Validation" else ("NOT_ISSUE", "POTENTIAL_ISSUE")
            )
            assert row["compliant"] == (mine["result"] == good).sum(), row["label"]
            assert row["not_compliant"] == (mine["result"] == bad).sum(), row["label"]
        if row["kind"] == Kind.AMENDMENT:
            assert row["proposed"] == mine["status"].is_in(["AMENDED", "FILLED_IN"]).sum(), row["label"]


def test_nothing_to_test():
    assert run(ROWS.clear(), CONTEXT).height == 0
    assert summarise(ROWS.clear(), CONTEXT)["compliant"].sum() == 0
    assert summarise(pl.DataFrame({"other": ["x"]}), CONTEXT)["not_compliant"].sum() > 0


def test_a_test_named_by_the_row():
    told = ROWS.with_columns(
        test=pl.Series(["VALIDATION_SEX_STANDARD", find("AMENDMENT_SEX_STANDARDIZED").guid] * 2 + [""])
    )
    with pytest.raises(InputError, match="no such test"):
        run_named(told, CONTEXT, "test")
    answers = run_named(told.head(4), CONTEXT, "test")
    assert answers["row"].to_list() == [0, 1, 2, 3]
    assert answers["result"].to_list() == ["COMPLIANT", '{"dwc:sex":"Female"}', "NOT_COMPLIANT", ""]
    with pytest.raises(InputError, match="no such column"):
        run_named(told, CONTEXT, "tests")


TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("\x00\t\r\n \u00a0\u202e\u200b0123456789.-/:|,°'\"NSEWx{}"))
)
VALUES = st.one_of(
    st.none(), TEXTS, st.sampled_from(["2020-01-01", "12", "LA", "EPSG:4326", "10-15 ft", "Holotype | x"])
)


@given(st.lists(st.lists(VALUES, min_size=len(TERMS), max_size=len(TERMS)), min_size=1, max_size=3))
@settings(max_examples=4)
def test_any_text_gets_an_answer(rows):
    told = pl.DataFrame(rows, schema=dict.fromkeys(TERMS, pl.String), orient="row")
    answers = run(told, CONTEXT)
    assert answers.height == told.height * len(TESTS)
    assert (
        answers["status"]
        .is_in(
            ["RUN_HAS_RESULT", "AMENDED", "FILLED_IN", "NOT_AMENDED"]
            + [f"{kind}_PREREQUISITES_NOT_MET" for kind in ("INTERNAL", "EXTERNAL")]
        )
        .all()
    )


@given(st.permutations(range(ROWS.height)), st.integers(1, ROWS.height))
@settings(max_examples=2)
def test_neither_order_nor_batches_change_an_answer(order, size):
    whole = run(ROWS, CONTEXT).select("row", "label", "status", "result", "comment")
    shuffled = ROWS[list(order)]
    parts = [
        _numbered(part, order[start : start + size])
        for start, part in zip(range(0, ROWS.height, size), shuffled.iter_slices(size), strict=True)
    ]
    again = pl.concat(parts).sort("row", maintain_order=True).select(whole.columns)
    assert again.equals(whole)


def _numbered(part, rows):
    """Return the answers of a part with the numbers that its rows have in the whole."""
    answers = run(part, CONTEXT)
    return answers.with_columns(row=pl.Series(rows, dtype=pl.UInt32).gather(answers["row"]))


@given(st.lists(st.sampled_from(TESTS), min_size=1, max_size=6, unique_by=lambda test: test.label))
@settings(max_examples=3)
def test_no_test_changes_the_answer_of_another(tests):
    together = prepare(normalise(ROWS), TESTS, CONTEXT)
    for test in tests:
        alone = prepare(normalise(ROWS), [test], CONTEXT)
        assert responses(alone, test, CONTEXT).equals(responses(together, test, CONTEXT))
