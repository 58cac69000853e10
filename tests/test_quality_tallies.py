"""Counting by distinct combinations gives what counting the rows gives, whatever came before."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.quality import TESTS, VALIDATIONS, Context, Preparation, summarise
from biodata.quality import Test as QualityTest
from biodata.quality.counting import counted, summary_of
from biodata.quality.engine import normalise, prepare
from biodata.quality.model import Answer

TODAY, BOUNDARIES = date(2026, 11, 24), places.load_boundaries()
CHECKLIST = pl.DataFrame(
    {
        "checklist": ["c", "c"],
        "taxon_id": ["1", "2"],
        "scientificName": ["Panthera tigris", "Panthera pardus"],
        "scientificNameAuthorship": ["(Linnaeus, 1758)", None],
        "taxonRank": ["species", "species"],
        "gbif_key": [5219416, None],
        "kingdom": ["Animalia", "Animalia"],
        "phylum": ["Chordata", "Chordata"],
        "class": ["Mammalia", "Mammalia"],
        "order": ["Carnivora", "Carnivora"],
        "family": ["Felidae", "Felidae"],
        "genus": ["Panthera", "Panthera"],
    }
)
# With one memory for all cases: what one of them leaves there must not change another.
CONTEXTS = [Context(TODAY, BOUNDARIES), Context(TODAY, BOUNDARIES, checklist=CHECKLIST)]
CELLS = {
    "scientificName": ["Panthera tigris", "Panthera tigris (Linnaeus, 1758)", " Panthera tigris", "Felis x", "Plantae"],
    "scientificNameID": ["gbif:5219416", "1", "x"],
    "genus": ["Panthera", "panthera", "Felis"],
    "family": ["Felidae", "Canidae"],
    "kingdom": ["Animalia", "Plantae"],
    "taxonRank": ["species", "SPECIES", "sp."],
    "eventDate": ["2020-02-28", "2020-02-30", "2020-02/2020-03", "1500", "2999-01-01"],
    "dateIdentified": ["2019", "2021-01-01"],
    "year": ["2020", "2021", "x"],
    "month": ["2", "13"],
    "day": ["28", "29", "32"],
    "bdqval:earliestValidDate": ["1400", "2020-02-15"],
    "countryCode": ["LA", "CN", "XZ", "xx"],
    "country": ["Laos", "China", "Atlantis"],
    "stateProvince": ["Phongsaly", "云南", "x"],
    "decimalLatitude": ["21.5", "25", "0", "91", "x"],
    "decimalLongitude": ["102.1", "0", "101"],
    "coordinateUncertaintyInMeters": ["10", "0", "x"],
    "sex": ["Male", "f"],
    "license": ["CC-BY 4.0", "https://creativecommons.org/licenses/by/4.0/legalcode"],
    "minimumDepthInMeters": ["1", "-1"],
}
ROW = st.fixed_dictionaries({term: st.sampled_from([None, None, " ", *cells]) for term, cells in CELLS.items()})


@given(st.lists(ROW, min_size=1, max_size=12), st.sets(st.sampled_from(sorted(CELLS)), max_size=8))
@settings(max_examples=6)
@pytest.mark.parametrize("context", CONTEXTS, ids=["bundled names", "a checklist"])
@pytest.mark.parametrize("tests", [VALIDATIONS, TESTS], ids=["validations", "all"])
def test_counting_by_values_is_counting_by_rows(context, tests, rows, left_out):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(CELLS, pl.String)).drop(left_out)
    prepared = prepare(normalise(frame), tests, context)
    assert summarise(frame, context, tests).equals(summary_of(counted(prepared, tests, context, []), tests))


def test_an_answer_is_asked_for_once_for_each_combination():
    seen = []

    def make(frame, _):
        seen.append(frame.rows())
        return frame.select(long=pl.col("sex").str.len_chars() > 1)

    long = Preparation("long", ("sex",), {"long": pl.Boolean}, make)
    context = Context(TODAY, BOUNDARIES)
    test = QualityTest(
        "VALIDATION_LONG", "x", ("sex",), "?", lambda _: Answer(long.column("long")), preparations=(long,)
    )
    for texts, compliant, other in ((["a", "bb", "bb", None], 2, 1), (["bb", "ccc", "a"], 2, 1), ([None, None], 0, 0)):
        counts = summarise(pl.DataFrame({"dwc:sex": texts}, schema={"dwc:sex": pl.String}), context, [test])
        assert counts.row(0)[3:] == (compliant, other, 0, len(texts) - compliant - other, 0)
    assert seen == [[("a",), ("bb",), (None,)], [("ccc",)], [(None,)]]


def test_other_tests_over_the_same_columns_are_counted_anew():
    context, frame = CONTEXTS[0], pl.DataFrame({"sex": ["Male", "x"]})
    one, other = ([test for test in VALIDATIONS if part in test.label] for part in ("SEX", "COUNTRY"))
    assert summarise(frame, context, one)["label"].to_list() == ["VALIDATION_SEX_STANDARD"]
    assert summarise(frame, context, other)["internal"].sum() > 0
    assert summarise(frame, context, one)["compliant"].to_list() == [1]
