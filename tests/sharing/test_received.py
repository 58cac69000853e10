"""What a node hands over as published: a cell that is none of the grid may have the exact place for its middle."""

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.sharing.received import check_published

GRID = {"cell_west": 102.3, "cell_south": 20.5, "cell_east": 102.4, "cell_north": 20.6}
RECORD = {"key": 1, "datasetKey": "d", "sharing_category": "0_1_degree", "sharing_rule": "x", "countryCode": "LA",
          "decimalLongitude": 102.35, "decimalLatitude": 20.55, **GRID}  # fmt: skip


def checked(**changed):
    columns = [column for column in terms.PUBLISHED_OCCURRENCE if column not in terms.ASSESSED]
    check_published(terms.conform(pl.DataFrame([RECORD | changed]), columns), country="LA", file="x")


def around(longitude: float, latitude: float, side: float) -> dict[str, float]:
    edges = (longitude - side / 2, latitude - side / 2, longitude + side / 2, latitude + side / 2)
    return {"decimalLongitude": longitude, "decimalLatitude": latitude, **dict(zip(GRID, edges, strict=True))}


def test_cells_of_the_grid_are_taken():
    checked()
    checked(**around(102.4, 20.6, 0.4))
    checked(**around(102.5, 20.5, 1.0), sharing_category="1_degree")
    checked(**around(102.3135, 20.5125, 0.001), sharing_category="0_001_degree")


@pytest.mark.parametrize(("longitude", "latitude"), [(102.31234, 20.51234), (102.35, 20.51234), (102.31234, 20.55)])
def test_a_cell_around_an_exact_place_is_refused_and_the_place_is_not_told(longitude, latitude):
    with pytest.raises(InputError, match="grid") as told:
        checked(**around(longitude, latitude, 0.1))
    assert (told.value.row, told.value.column) == (1, "cell_west")
    assert "1234" not in str(told.value)


@pytest.mark.parametrize("edges", [{"cell_east": 102.4146}, {"cell_south": 20.4876, "cell_north": 20.6124}])
def test_a_cell_of_which_one_edge_is_none_of_the_grid_is_refused(edges):
    told = {**GRID, **edges}
    middle = {
        "decimalLongitude": (told["cell_west"] + told["cell_east"]) / 2,
        "decimalLatitude": (told["cell_south"] + told["cell_north"]) / 2,
    }
    with pytest.raises(InputError, match="grid"):
        checked(**edges, **middle)


def test_half_a_place_without_a_cell_is_refused():
    with pytest.raises(InputError, match="without a cell"):
        checked(**dict.fromkeys(GRID), decimalLatitude=None)


def test_a_place_that_is_said_to_be_coarse_and_has_a_small_radius_is_refused():
    coarse = {**dict.fromkeys(GRID), "quality_flags": ["PUBLISHER_GENERALISED"]}
    checked(**coarse, coordinateUncertaintyInMeters=8_000.0)
    for radius in (30.0, None):
        with pytest.raises(InputError, match="as coarse as"):
            checked(**coarse, coordinateUncertaintyInMeters=radius)


def test_a_cell_that_is_lower_than_it_is_wide_is_refused():
    with pytest.raises(InputError, match="smaller"):
        checked(cell_south=20.545, cell_north=20.555)
