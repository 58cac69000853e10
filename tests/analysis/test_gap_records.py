"""What records tell of gaps: the cells that species occupy, and which side was looked at less."""

import polars as pl
import pytest
import shapely

from biodata.analysis.gaps.coverage import OCCUPIED, PUBLISHED, occupied, survey_gaps
from biodata.core import geo
from evidence_rows import count, records
from landscapes import halves, local

CELL = {"cell_west": 104.1, "cell_south": 20.1, "cell_east": 104.2, "cell_north": 20.2}


def seen(x, species="Bos gaurus", **more):
    return {"x": x, "y": 500.0, "species": species, "class": "Mammalia"} | more


def test_species_occupy_the_cells_of_their_records_each_once():
    (found,) = occupied(count(records(seen(-5500.0), seen(-5500.0), seen(6500.0))), cell_m=1000.0)
    assert (found.kind, found.names) == (OCCUPIED, ["Bos gaurus"])
    assert geo.area_km2(found.shapes)[0] == pytest.approx(2, rel=1e-6)
    held = [shapely.intersects(found.shapes[0], local(shapely.Point(x, 500.0))) for x in (-5500.0, 6500.0, 0.0)]
    assert held == [True, True, False]


@pytest.mark.parametrize("change", [
    pytest.param({"occurrenceStatus": "ABSENT"}, id="an absence"),
    pytest.param({"quality_flags": ["ZERO_COORDINATE"]}, id="a doubtful place"),
    pytest.param({"coordinateUncertaintyInMeters": None}, id="anywhere"),
    pytest.param({"species": None}, id="no species"),
])  # fmt: skip
def test_records_that_do_not_tell_a_place_occupy_nothing(change):
    assert occupied(count(records(seen(-5500.0, **change))), cell_m=1000.0) == []


def test_record_published_as_a_cell_stands_for_all_of_that_cell():
    told = records(seen(-5500.0), seen(0.0, "Pseudoryx nghetinhensis"))
    secret = pl.col("species") != "Bos gaurus"
    told = told.with_columns(pl.when(secret).then(pl.lit(value)).alias(name) for name, value in CELL.items())
    counted = count(told)
    # What the cell adds to the uncertainty is not looked at here: the record is one that counts.
    whole = counted.records.with_columns(why_not=pl.lit(None, dtype=pl.String))
    counted = type(counted)(whole, counted.facts, counted.places, counted.tree)
    found = {one.kind: one for one in occupied(counted, cell_m=1000.0)}
    assert found[OCCUPIED].names == ["Bos gaurus"]
    assert found[PUBLISHED].names == ["Pseudoryx nghetinhensis"]
    cell = shapely.box(*CELL.values())
    assert shapely.area(shapely.symmetric_difference(found[PUBLISHED].shapes[0], cell)) < 1e-6


def test_the_side_that_was_looked_at_less_is_told():
    rows = [seen(-5500.0 - 3000 * n) for n in range(3)] + [seen(6500.0)]
    table, cells = survey_gaps(count(records(*rows)), ["LA", "VN"], halves(), cell_m=2000.0)
    laos, viet_nam = (table.row(by_predicate=pl.col("country_code") == code, named=True) for code in ("LA", "VN"))
    assert (laos["visits"], viet_nam["visits"]) == (3, 1)
    assert (laos["effort_of_best"], laos["under_surveyed"]) == (1, False)
    assert viet_nam["effort_of_best"] == pytest.approx(laos["land_km2"] / viet_nam["land_km2"] / 3)
    assert viet_nam["under_surveyed"]
    assert laos["cells"] - laos["cells_without_effort"] == 3
    assert cells.filter(country_code="VN").height == viet_nam["cells_without_effort"]
    assert cells["classes_without_effort"].explode().unique().to_list() == ["Mammalia"]


def test_effort_is_told_inside_a_region():
    rows = [seen(-5500.0), seen(-2500.0), seen(6500.0)]
    region = local(shapely.box(-4_000, -4_000, 9_000, 4_000))
    table, _ = survey_gaps(count(records(*rows)), ["LA", "VN"], halves(), cell_m=2000.0, region=region)
    assert dict(table.select("country_code", "visits").iter_rows()) == {"LA": 1, "VN": 1}
    assert table["land_km2"].sum() == pytest.approx(geo.area_km2([region])[0], rel=1e-6)
    nowhere = shapely.box(0, 0, 1, 1)
    assert survey_gaps(count(records(*rows)), ["LA"], halves(), cell_m=2000.0, region=nowhere)[0].is_empty()


def test_sides_without_any_record_cannot_be_compared():
    table, cells = survey_gaps(count(records(seen(-5500.0, **{"class": None}))), ["LA", "VN"], halves(), cell_m=2000.0)
    assert table.is_empty()
    assert cells.is_empty()
    far = seen(-5500.0, coordinateUncertaintyInMeters=None)
    table, cells = survey_gaps(count(records(far)), ["LA", "VN"], halves(), cell_m=2000.0)
    assert table["visits"].to_list() == [0, 0]
    assert table["under_surveyed"].to_list() == [None, None]
