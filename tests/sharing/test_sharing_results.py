"""Results: what was made from sensitive records carries their category, and tells no place."""

import polars as pl
import pytest
import shapely

from biodata.core import terms
from biodata.core.errors import SharingError
from biodata.core.terms import CORRIDOR, PROTECTED_AREA, PUBLISHED_TABLES
from biodata.sharing import RuleSet, publish_results

RULES = RuleSet(())
WIDE = shapely.box(100.9, 20.9, 101.7, 21.7)  # over the border of Yunnan and Luang Namtha


def corridor(**more):
    row = {"corridor_id": "c1", "country_codes": ["CN", "LA"], "sharing_category": "open",
           "evidence": '{"snapshot": 3}', "narrowest_longitude": 101.23, "narrowest_latitude": 21.34,
           "geometry": shapely.to_wkb(WIDE)}  # fmt: skip
    return terms.conform(pl.DataFrame([row | more]), CORRIDOR)


def published(frame, table="corridors"):
    return publish_results(table, frame, rules=RULES)


def test_columns_are_exactly_the_published_ones():
    for table in ("corridors", "reserve_candidates", "protected_areas", "taxa"):
        empty = terms.conform(pl.DataFrame(), terms.TABLES[table]).clear()
        assert published(empty, table).schema == terms.schema(PUBLISHED_TABLES[table])


def test_lake_columns_of_protected_areas_stay_behind():
    frame = terms.conform(pl.DataFrame({"area_id": ["a"], "source_file": ["secret.shp"]}), PROTECTED_AREA)
    out = published(frame, "protected_areas")
    assert out["area_id"].to_list() == ["a"]
    assert "source_file" not in out.columns


def test_an_open_result_is_as_it_was():
    out = published(corridor(evidence='{"at": [101.62, 21.51]}'))
    assert out.select("narrowest_longitude", "evidence").row(0) == (101.23, '{"at": [101.62, 21.51]}')


@pytest.mark.parametrize("category", ["withheld", "0_1_degree", None])
def test_a_result_that_is_not_open_does_not_leave_nor_one_whose_category_nobody_told(category):
    assert published(corridor(sharing_category=category)).is_empty()


def test_only_what_published_records_gave_leaves():
    rows = [
        {"candidate_id": view, "evidence_view": view, "sharing_category": "open", "evidence": f'{{"run": {{"rules": "{rules}"}}}}'}
        for view, rules in (("public", RULES.hash), ("exact", RULES.hash), ("public", "others"))
    ]  # fmt: skip
    out = published(terms.conform(pl.DataFrame(rows), terms.CANDIDATE), "reserve_candidates")
    assert out["candidate_id"].to_list() == ["public"]


def test_an_unknown_table_is_refused():
    for table in ("occurrences", "verbatim"):
        with pytest.raises(SharingError, match=f"'{table}' is no table of results"):
            published(corridor(), table)
