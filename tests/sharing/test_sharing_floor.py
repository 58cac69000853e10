"""The floor, by brute force: whoever knows the code and has a map still finds no smaller region than the category's cell."""

from collections import defaultdict

import numpy as np
import pytest
import shapely

from biodata.core.geo import project
from biodata.core.vocabularies import SharingCategory
from biodata.places import country_geometry, load_boundaries, province_geometry
from biodata.sharing.generalise import TOLERANCE, floor

BOUNDARIES = load_boundaries()
LAND = [unit for unit in BOUNDARIES.shapes if unit.intersects(shapely.box(85, -15, 130, 35))]


def equal_area_km2(shapes):
    """Return areas in an equal-area cylinder, where cells stay rectangles; other than the project's own."""
    return shapely.area(project(np.asarray(shapes, dtype=object), "EPSG:4326", "EPSG:6933")) / 1e6


def cells_of(size, west, south, east, north):
    column, row = np.meshgrid(
        np.arange(round(west * size), round(east * size)), np.arange(round(south * size), round(north * size))
    )
    return column.ravel(), row.ravel()


def land_in(column, row, size):
    boxes = shapely.box(column / size, row / size, (column + 1) / size, (row + 1) / size)
    cell, unit = shapely.STRtree(LAND).query(boxes, predicate="intersects")
    pieces = shapely.intersection(boxes[cell], np.asarray(LAND)[unit])
    land = np.full(len(boxes), shapely.Polygon(), dtype=object)
    for at in np.unique(cell):
        land[at] = shapely.union_all(pieces[cell == at])
    return boxes, land


def consistent_places(category, window):
    """Count regions of a window, by brute force over its cells, and return those whose places fill less than a cell.

    The window must begin and end where the largest blocks do.
    """
    size = round(1 / category.cell_degrees)
    column, row = cells_of(size, *window)
    boxes, land = land_in(column, row, size)
    full, on_land = equal_area_km2(boxes), equal_area_km2(land)
    counted, small = 0, []
    regions = floor(BOUNDARIES, size).regions(column, row)
    for part in (on_land, full - on_land):
        together, least = defaultdict(float), {}
        for region, area, cell in zip(regions, part, full, strict=True):
            if area > cell * 1e-6:
                together[region] += area
                least[region] = max(least.get(region, 0), cell)
        together.pop(None, None)
        counted += len(together)
        small += [(region, area) for region, area in together.items() if area < least[region] * (1 - 1e-4)]
    return counted, small


@pytest.mark.parametrize(("category", "window"), [
    pytest.param(SharingCategory.TENTH_DEGREE, (102.4, 6.4, 115.2, 12.8), id="0.1° around the Mekong delta"),
    pytest.param(SharingCategory.TENTH_DEGREE, (115.2, -12.8, 128.0, -6.4), id="0.1° around the Lesser Sunda Islands"),
    pytest.param(SharingCategory.ONE_DEGREE, (88.0, -8.0, 128.0, 24.0), id="1° from the Bay of Bengal to Borneo"),
    pytest.param(SharingCategory.HUNDREDTH_DEGREE, (106.88, 20.48, 107.52, 21.12), id="0.01° in Ha Long Bay"),
])  # fmt: skip
def test_all_places_that_share_what_is_published_fill_at_least_a_cell(category, window):
    counted, small = consistent_places(category, window)
    assert counted > 20
    assert small == []


def test_what_is_told_of_a_cell_leaves_no_less_than_the_category_by_anybodys_map():
    size = 10
    column, row = cells_of(size, 102.4, 6.4, 108.8, 19.2)
    _, land = land_in(column, row, size)
    here = np.flatnonzero(~shapely.is_empty(land))
    regions = floor(BOUNDARIES, size).regions(column[here], row[here])
    told = {region for region in regions if region is not None and (region.country_code or region.province_code)}
    assert len(told) > 300
    cell = equal_area_km2([shapely.box(0, 0, 0.1, 0.1)])[0]
    for region in told:
        shape = shapely.box(region.west, region.south, region.east, region.north)
        shape = shape & country_geometry(region.country_code, BOUNDARIES)
        if region.province_code:
            shape = shape & province_geometry(region.province_code, BOUNDARIES)
        # Cells shrink with the latitude: at 19.2° N one is 0.944 of one on the equator.
        assert equal_area_km2([shape])[0] >= cell * 0.94


def test_a_cell_that_is_all_land_is_published_as_itself_with_all_that_is_true_of_it():
    region = floor(BOUNDARIES, 10).regions(np.array([1027]), np.array([250]))[0]
    assert (region.west, region.south, region.east, region.north) == (102.7, 25.0, 102.8, 25.1)
    assert (region.country_codes, region.country_code, region.province_code) == (("CN",), "CN", "CN-YN")


def test_a_cell_of_two_provinces_has_a_country_and_no_province():
    # Yunnan and Guizhou meet at 104.5° E, 25.6° N
    columns, rows = cells_of(10, 104.0, 25.0, 105.0, 26.0)
    regions = floor(BOUNDARIES, 10).regions(columns, rows)
    assert {region.country_code for region in regions} == {"CN"}
    assert {region.province_code for region in regions} == {"CN-YN", "CN-GZ", None}


def test_asking_in_another_order_or_alone_changes_nothing():
    column, row = cells_of(10, 108.8, 10.4, 109.6, 12.8)
    whole = floor(BOUNDARIES, 10).regions(column, row)
    fresh = floor.__wrapped__(BOUNDARIES, 10)
    for at in np.random.default_rng(5).permutation(len(column)):
        assert fresh.regions(column[at : at + 1], row[at : at + 1]) == [whole[at]]


def test_disputed_land_is_nobodys():
    place = BOUNDARIES.shapes[
        BOUNDARIES.units.with_row_index().filter(name="Siachen Glacier")["index"].item()
    ].representative_point()
    column, row = np.array([np.floor(place.x * 100)]).astype(int), np.array([np.floor(place.y * 100)]).astype(int)
    region = floor(BOUNDARIES, 100).regions(column, row)[0]
    assert (region.country_codes, region.country_code) == ((), None)


def test_the_tolerance_is_no_loophole():
    assert TOLERANCE <= 1e-6
