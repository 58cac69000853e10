"""Plain names are read by columns as they are read one by one."""

import polars as pl
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from biodata.text import scientific_names
from biodata.text.name_text import WORDS
from biodata.text.scientific_names import plain_names

CAPITALS = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SMALL = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=4, max_size=12)
SURNAMES = st.builds(
    lambda capital, rest: capital + rest,
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZÀÉÖØÞ"),
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzáéöøüñç"), min_size=2, max_size=10),
)
AUTHORS = st.builds(
    lambda initials, gap, name, other: "".join(f"{i}.{gap}" for i in initials) + name + (f"-{other}" if other else ""),
    st.lists(CAPITALS, max_size=3),
    st.sampled_from(["", " "]),
    SURNAMES,
    st.one_of(st.none(), SURNAMES),
)
TEAMS = st.one_of(
    st.just("L."),
    AUTHORS,
    st.lists(AUTHORS, min_size=2, max_size=4).map(lambda names: ", ".join(names[:-1]) + " & " + names[-1]),
)
CITATIONS = st.builds(
    lambda team, year, brackets: f" ({team}, {year})" if brackets else f" {team}, {year}",
    TEAMS,
    st.integers(1753, 2029),
    st.booleans(),
)
NAMES = st.builds(
    lambda capital, genus, digit, epithet, below, citation: (
        f"{capital}{genus}{digit} {epithet}{digit}{f' {below}' if below else ''}{citation}"
    ),
    CAPITALS,
    SMALL,
    st.sampled_from(["", "", "", "7"]),
    SMALL,
    st.one_of(st.none(), SMALL),
    st.one_of(st.just(""), CITATIONS),
)


# To make a counter-example smaller would take minutes: the row in the message is small enough.
@settings(max_examples=50, phases=[Phase.explicit, Phase.generate], derandomize=True, database=None)
@given(st.lists(NAMES, min_size=20, max_size=40, unique=True))
@example(["Genus12 species0ensis L., 1750", "Panthera tigris altaica Temminck, 1844", "Bos gaurus (C.H.Smith, 1827)"])
@example(["Genus7 species7 below", "Genus7 group7", "Genus virus7"])
@example(["Qvinkxzo nkijblaltvwt (L. I. Zöødcqáplx-Dna & Dit-Dülhjlqü, 1795)", "Bos gaurus Rna, 1904"])
@example(["Bos gaurus Þunknown, 1904", "Bos gaurus Qüv-Þunknown, 1904", "Bos gaurus Zunknown, 1904"])
def test_both_ways_agree(names):
    plain, others = plain_names(pl.Series(names))
    assert plain.height + others.len() == len(names)
    for row in plain.iter_rows(named=True):
        alone = dict(zip(list(scientific_names.SCHEMA)[1:], scientific_names._parts(row["value"]), strict=True))
        # A vague likeness to other words lowers a confidence only; it never changes a part.
        told = {name: alone[name] for name in row if name != "value"}
        assert told == {name: value for name, value in row.items() if name != "value"}, row["value"]


def test_most_names_of_a_list_are_plain():
    names = pl.Series(["Bos gaurus", "Elephas maximus Linnaeus, 1758", "Ursus thibetanus G. Cuvier, 1823", "Bos sp."])
    plain, others = plain_names(names)
    assert plain["genus"].to_list() == ["Bos", "Elephas", "Ursus"]
    assert others.to_list() == ["Bos sp."]


def test_both_ways_agree_on_surnames_that_mean_something_else():
    names = [
        f"Bos gaurus {form.format(word.capitalize())}, 1904"
        for word in sorted(WORDS)
        for form in ("{}", "Lin-{} & Qvist")
    ]
    plain, _ = plain_names(pl.Series(names))
    for row in plain.iter_rows(named=True):
        alone = dict(zip(list(scientific_names.SCHEMA)[1:], scientific_names._parts(row["value"]), strict=True))
        assert {name: alone[name] for name in row if name != "value"} | {"value": row["value"]} == row
