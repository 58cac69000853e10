"""Scientific names taken apart."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.parsers.scientific_names import parse_names


@pytest.mark.parametrize(
    ("told", "canonical", "genus", "species", "below", "rank"),
    [
        pytest.param("Bos gaurus C.H.Smith, 1827", "Bos gaurus", "Bos", "gaurus", None, "SPECIES", id="gaur"),
        pytest.param(
            "Elephas maximus indicus Cuvier, 1798",
            "Elephas maximus indicus",
            "Elephas",
            "maximus",
            "indicus",
            "SUBSPECIES",
            id="Indian elephant",
        ),
        pytest.param(
            "马麝 Moschus chrysogaster",
            "Moschus chrysogaster",
            "Moschus",
            "chrysogaster",
            None,
            "SPECIES",
            id="Chinese before",
        ),
        pytest.param("Bos\u200b gaurus", "Bos gaurus", "Bos", "gaurus", None, "SPECIES", id="invisible space"),
        pytest.param("Bovidae", "Bovidae", None, None, None, None, id="family"),
        pytest.param("Tobacco mosaic virus", None, None, None, None, None, id="a virus"),
    ],
)
def test_names(told, canonical, genus, species, below, rank):
    row = parse_names(pl.Series([told])).row(0, named=True)
    found = (row["canonical"], row["genus"], row["specific_epithet"], row["infraspecific_epithet"], row["rank"])
    assert found[:4] == (canonical, genus, species, below)
    assert rank is None or found[4] == rank


def test_a_name_that_was_never_determined_keeps_its_genus_only():
    row = parse_names(pl.Series(["Hipposideros sp. 1"])).row(0, named=True)
    assert (row["canonical"], row["specific_epithet"]) == ("Hipposideros", None)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_no_text_whatever_raises(texts):
    assert parse_names(pl.Series(texts, dtype=pl.String))["value"].to_list() == texts
