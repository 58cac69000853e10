"""Results: what was made from sensitive records carries their category, and tells no place."""

import polars as pl
import pytest
import shapely

from biodata.core import terms
from biodata.core.errors import SharingError
from biodata.core.terms import CORRIDOR, PROTECTED_AREA, PUBLISHED_TABLES
from biodata.places import load_boundaries
from biodata.sharing import RuleSet, publish_results
from biodata.sharing.results import coordinates_in

BOUNDARIES, RULES = load_boundaries(), RuleSet(())
WIDE = shapely.box(100.9, 20.9, 101.7, 21.7)  # over the border of Yunnan and Luang Namtha


def corridor(**more):
    row = {
        "corridor_id": "c1", "country_codes": ["CN", "LA"], "sharing_category": "open", "evidence": '{"snapshot": 3}',
        "narrowest_longitude": 101.23, "narrowest_latitude": 21.34, "geometry": shapely.to_wkb(WIDE),
    }  # fmt: skip
    return terms.conform(pl.DataFrame([row | more]), CORRIDOR)


def published(frame, table="corridors"):
    return publish_results(table, frame, boundaries=BOUNDARIES, rules=RULES)


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


@pytest.mark.parametrize("category", ["withheld", None])
def test_a_withheld_result_does_not_leave_nor_one_whose_category_nobody_told(category):
    assert published(corridor(sharing_category=category)).is_empty()


def test_a_stricter_result_leaves_without_single_points():
    out = published(corridor(sharing_category="0_1_degree"))
    assert out.select("narrowest_longitude", "narrowest_latitude", "sharing_category").row(0) == (
        None,
        None,
        "0_1_degree",
    )
    assert out["geometry"].item() == shapely.to_wkb(WIDE)


@pytest.mark.parametrize(
    ("shape", "category"),
    [
        pytest.param(shapely.box(101.5, 21.3, 101.52, 21.32), "0_1_degree", id="smaller than a cell of 0.1°"),
        pytest.param(WIDE, "1_degree", id="smaller than a cell of 1°"),
        pytest.param(shapely.box(100.9, 20.9, 101.7, 21.13), "0_1_degree", id="hardly anything of it in China"),
        pytest.param(None, "0_1_degree", id="no shape"),
    ],
)
def test_a_stricter_result_below_the_floor_does_not_leave(shape, category):
    geometry = None if shape is None else shapely.to_wkb(shape)
    frame = corridor(geometry=geometry, sharing_category=category, country_codes=["CN", "LA"])
    assert published(frame).is_empty()


def test_a_text_that_tells_a_place_is_refused():
    frame = corridor(sharing_category="0_01_degree", evidence='{"species": {"at": [101.5123, 21.6123]}}')
    with pytest.raises(SharingError, match="column evidence of a result of category 0_01_degree tells a place"):
        published(frame)


def test_an_unknown_category_or_table_is_refused():
    with pytest.raises(SharingError, match="'exact' is no sharing category"):
        published(corridor(sharing_category="exact"))
    for table in ("occurrences", "verbatim"):
        with pytest.raises(SharingError, match=f"'{table}' is no table of results"):
            published(corridor(), table)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("at 21.5123, 101.6233", True, id="latitude, longitude"),
        pytest.param("[101.62, 21.51]", True, id="GeoJSON"),
        pytest.param('{"decimalLatitude": 21.512, "decimalLongitude": 101.62}', True, id="Darwin Core"),
        pytest.param("21,5123; 101,6233", True, id="decimal commas"),
        pytest.param("N 21°30' E 101°37'", True, id="degrees and minutes"),
        pytest.param("21.51 N", False, id="half a place"),
        pytest.param('{"area_km2": 107.33, "width_km": 21.45}', False, id="an area and a width"),
        pytest.param('{"score": 0.83, "weight": 0.42}', False, id="scores"),
        pytest.param('{"sides": {"CN": 12, "LA": 101}}', False, id="counts"),
        pytest.param("1.00, 2.00, 101.62, 21.51", True, id="a place after other numbers"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_coordinates_are_told_from_other_numbers(text, found):
    assert (coordinates_in(text) is not None) is found
