"""The column lists, flags and vocabularies that everything else takes its names from."""

import polars as pl
import pytest

from biodata.core import flags, terms, vocabularies


@pytest.mark.parametrize("table", [*terms.TABLES, "verbatim terms"])
def test_no_column_stands_twice(table):
    names = terms.VERBATIM_TERMS if table == "verbatim terms" else terms.names(terms.TABLES[table])
    assert len(names) == len(set(names))


def test_no_flag_stands_twice():
    assert len(flags.FLAGS) == len(flags._ROWS)


@pytest.mark.parametrize("name", ["source_record_id", "source_file", "source_row", "located_country_code", "repairs"])
def test_the_lakes_own_columns_are_not_published(name):
    assert name not in terms.names(terms.PUBLISHED_OCCURRENCE)


def test_a_place_can_only_be_told_by_columns_that_a_generalised_record_loses():
    revealing = {"locality", "habitat", "elevation", "recordNumber", "eventDate", "eventID", "occurrenceID", "gbifID"}
    public = {c.name for c in terms.OCCURRENCE if c.reach is terms.Reach.PUBLIC}
    assert not revealing & public


def test_conform_adds_drops_orders_and_casts():
    frame = pl.DataFrame({"taxon_id": [1], "nonsense": ["x"]})
    result = terms.conform(frame, terms.TAXON)
    assert result.columns == terms.names(terms.TAXON)
    assert result["taxon_id"].to_list() == ["1"]
    assert result["genus"].to_list() == [None]


def test_the_stricter_category_has_the_larger_number():
    order = [c.strictness for c in vocabularies.SharingCategory]
    assert order == sorted(order, reverse=True)


def test_conform_gives_nothing_for_nothing():
    assert terms.conform(pl.DataFrame(), terms.TAXON).height == 0
    assert terms.conform(pl.DataFrame({"other": [1, 2]}), terms.TAXON).height == 2
