"""Names matched to checklists: exact, fuzzy inside the genus, homonyms apart, nothing guessed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.text.matcher import ASKED, MATCH, NameMatcher, gender_key, same_word
from biodata.text.name_text import Agreement, agreement
from case_tables import cases

ROWS = [
    # name, author, kingdom, family, status, taxon, order
    ("Panthera tigris", "(Linnaeus, 1758)", "animalia", "Felidae", "ACCEPTED", 0, 1),
    ("Panthera pardus", "(Linnaeus, 1758)", "animalia", "Felidae", "ACCEPTED", 1, 1),
    ("Felis tigris", "Linnaeus, 1758", "animalia", "Felidae", "SYNONYM", 0, 1),
    ("Agathis montana", "Shestakov, 1932", "animalia", "Braconidae", "ACCEPTED", 2, 1),
    ("Agathis montana", "de Laub.", "plantae", "Araucariaceae", "ACCEPTED", 3, 1),
    ("Ficus alba", "Reinw.", "plantae", "Moraceae", "ACCEPTED", 4, 1),
    ("Ficus alba", "Blume", "plantae", "Moraceae", "SYNONYM", 5, 1),
    ("Ficus microcarpa", "L.f.", "plantae", "Moraceae", "ACCEPTED", 5, 1),
    ("Timalia bicolor", "Gould", "animalia", "Timaliidae", "ACCEPTED", 6, 1),
    ("Timalia ruficeps", "Blyth", "animalia", "Timaliidae", "ACCEPTED", 7, 1),
    ("Penthetor lucasii", "(Dobson, 1880)", "animalia", "Pteropodidae", "ACCEPTED", 8, 1),
    ("Rhinolophus pearsonii", "Horsfield, 1851", "animalia", "Rhinolophidae", "ACCEPTED", 9, 1),
    ("Rhinolophus pearsoni", None, "animalia", "Rhinolophidae", "SYNONYM", 9, 1),
    ("Panthera", None, "animalia", "Felidae", "ACCEPTED", 10, 1),
    ("Panthera tigris", None, "animalia", "Felidae", "ACCEPTED", 11, 2),
    ("Bos gaurus", "C.H.Smith, 1827", "animalia", "Bovidae", "ACCEPTED", 12, 2),
    ("Carex abcdefgh", None, "plantae", "Cyperaceae", "ACCEPTED", 13, 1),
    ("Carex abcdefgi", None, "plantae", "Cyperaceae", "ACCEPTED", 14, 1),
    ("Panthera tigris altaica", "Temminck, 1844", "animalia", "Felidae", "ACCEPTED", 15, 1),
]  # fmt: skip
NAMES = pl.DataFrame(
    ROWS,
    schema={"name": pl.String, "author": pl.String, "kingdom": pl.String, "family": pl.String, "status": pl.String}
    | {"taxon": pl.UInt32, "order": pl.UInt32},
    orient="row",
)
MATCHER = NameMatcher(NAMES, pl.Series(["Pardofelis"]))


def ask(*rows, matcher=MATCHER):
    table = pl.DataFrame([{"genus": (row.get("name") or "").split(" ")[0] or None, **row} for row in rows])
    lacking = [pl.lit(None, pl.String).alias(name) for name in ASKED if name not in table.columns]
    return matcher.match(table.with_columns(lacking).cast(dict.fromkeys(ASKED, pl.String)))


def one(**told):
    return ask(told).row(0, named=True)


@pytest.mark.parametrize(("told", "kind", "taxon"), cases("matching", "test_matches"))
def test_matches(told, kind, taxon):
    found = one(**told)
    assert (found["match_type"], found["taxon"]) == (kind, taxon)


def test_alternatives_are_kept_and_confidence_is_explained():
    ambiguous = one(name="Agathis montana")
    assert sorted(ambiguous["alternatives"]) == [2, 3]
    assert ambiguous["match_confidence"] == 50
    assert "taxa it could be: 2" in ambiguous["match_note"]
    chosen = one(name="Agathis montana", kingdom="plantae")
    assert chosen["alternatives"] is None
    assert one(name="Agathis montana", author="de Laub.")["alternatives"] == [2]
    assert one(name="Panthera tigris", author="L. 1758", kingdom="animalia")["match_confidence"] == 100
    fuzzy = one(name="Panthera tigirs", kingdom="animalia")
    assert fuzzy["match_confidence"] == 82
    assert "letters that differ: 1" in fuzzy["match_note"]


@pytest.mark.parametrize(("one_", "other", "expected"), [
    ("(Linnaeus, 1758)", "L.", Agreement.SAME),
    ("C.H.Smith, 1827", "C. H. Smith 1827", Agreement.SAME),
    ("Smith, 1827", "Smith, 1828", Agreement.SAME),
    ("Smith, 1827", "Smith, 1927", Agreement.CONFLICT),
    ("Blume", "Reinw.", Agreement.CONFLICT),
    ("Müll.Arg.", "Muell. Arg.", Agreement.SAME),
    (None, "L.", Agreement.UNKNOWN),
    ("1827", "Smith", Agreement.UNKNOWN),
])  # fmt: skip
def test_authorships_agree(one_, other, expected):
    assert agreement(one_, other) is expected
    assert agreement(other, one_) is expected


@pytest.mark.parametrize(("one_", "other", "same"), [
    ("albus", "album", True), ("smithii", "smithi", True), ("smithi", "smitha", False), ("niveus", "nivea", True),
])  # fmt: skip
def test_genders_of_an_epithet_have_one_key(one_, other, same):
    keys = pl.DataFrame({"e": [one_, other]}).select(gender_key(pl.col("e")))["e"]
    assert (keys[0] == keys[1]) is same


@pytest.mark.parametrize(("one_", "other", "same"), [
    ("unicolor", "bicolor", False), ("ruficeps", "rufipes", False), ("tigris", "tigirs", True),
    ("microps", "macrops", False),
])  # fmt: skip
def test_meaningful_elements_keep_words_apart(one_, other, same):
    assert same_word(one_, other) is same


TOLD = st.builds(
    lambda name, author, kingdom: {"name": name, "author": author, "kingdom": kingdom},
    st.sampled_from(
        sorted({row[0] for row in ROWS} | {"Panthera tigirs", "Pantera tigris", "Ficus albus", "Nihil novum"})
    ),
    st.sampled_from([None, "L.", "Blume", "Linnaeus, 1758"]),
    st.sampled_from([None, "animalia", "plantae"]),
)


@settings(max_examples=20)
@given(st.lists(TOLD, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_neighbours_and_order_change_nothing(rows, random):
    together = ask(*rows).rows()
    assert together == [ask(row).row(0) for row in rows]
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    assert ask(*(rows[i] for i in shuffled)).rows() == [together[i] for i in shuffled]


@settings(max_examples=20)
@given(
    st.lists(TOLD, min_size=1, max_size=6), st.sets(st.sampled_from(["Zea mays", "Oryza sativa", "Ursus thibetanus"]))
)
def test_unrelated_names_in_a_checklist_change_no_exact_answer(rows, others):
    more = pl.DataFrame(
        [(name, None, "plantae", None, "ACCEPTED", 100 + i, 1) for i, name in enumerate(sorted(others))],
        schema=NAMES.schema,
        orient="row",
    )
    larger = NameMatcher(pl.concat([more, NAMES]))
    before, after = ask(*rows), ask(*rows, matcher=larger)
    exact = before["match_type"].is_in(["EXACT", "CANONICAL", "AMBIGUOUS"])
    assert before.filter(exact).equals(after.filter(exact))


def test_nothing_asked_gives_nothing():
    assert MATCHER.match(pl.DataFrame(schema=dict.fromkeys(ASKED, pl.String))).schema == MATCH


def test_the_rows_of_a_checklist_may_stand_in_any_order():
    turned = NameMatcher(NAMES.reverse(), pl.Series(["Pardofelis"]))
    rows = [{"name": row[0]} for row in ROWS] + [{"name": "Panthera tigirs"}, {"name": "Carex abcdefgj"}]
    columns = ["taxon", "match_type", "match_confidence"]
    assert ask(*rows).select(columns).equals(ask(*rows, matcher=turned).select(columns))
