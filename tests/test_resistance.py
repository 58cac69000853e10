"""Resistance from land cover and slope: the table's checks, barriers kept, nothing without data crossed silently."""

import math
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from biodata.analysis import cost_distance, grid, resistance, resistance_table
from biodata.errors import InputError

FOREST, FIELD, ROAD, LAKE = 1, 2, 3, 4
TABLE = """class_value,class_name,resistance,note,linear
1,forest,1,best ground,
2,field,20,"crops, open",no
3,road,500,traffic,yes
4,lake,barrier,open water,
"""


@pytest.fixture
def table(tmp_path) -> resistance_table.ResistanceTable:
    path = tmp_path / "elephant.csv"
    path.write_text(TABLE, encoding="utf-8")
    return resistance_table.read_table(path)


def write(path: Path, values: np.ndarray, cell_m: float = 100.0, nodata: float = 0.0) -> Path:
    import rasterio

    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(cell_m, 0, 0, 0, -cell_m, values.shape[0] * cell_m)
    crs = grid.equal_area_grid((100, 20, 102, 22), 1000.0).crs.to_wkt()
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as file:
        file.write(values.astype("float32"), 1)
    return path


def coarse(rows: int, columns: int, cell_m: float) -> grid.Grid:
    crs = grid.equal_area_grid((100, 20, 102, 22), 1000.0).crs
    return grid.Grid(crs, Affine(cell_m, 0, 0, 0, -cell_m, rows * cell_m), (rows, columns), cell_m)


def test_table_is_read(table):
    assert table.name == "elephant.csv"
    assert table.classes[ROAD].linear
    assert table.classes[FIELD].note == "crops, open"
    assert math.isnan(table.classes[LAKE].resistance)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "lacks the columns class_value", id="empty file"),
        pytest.param(
            "class_value,class_name,note\n1,forest,\n", "row 1: .* lacks the columns resistance", id="no resistance"
        ),
        pytest.param("class_value,class_name,resistance,note\n", "the table has no class", id="no rows"),
        pytest.param(
            TABLE + "1,wood,2,,\n", "row 6, column class_value, value '1': the class stands twice", id="twice"
        ),
        pytest.param(TABLE + "5,scrub,low,,\n", "row 6, column resistance, value 'low': .* no number", id="a word"),
        pytest.param(TABLE + "5,scrub,0.5,,\n", "value '0.5': .* out of range; a number from 1", id="below 1"),
        pytest.param(TABLE + "5,scrub,nan,,\n", "value 'nan': .* out of range", id="nan"),
        pytest.param(
            TABLE + "5.5,scrub,3,,\n", "column class_value, value '5.5': .* no whole number", id="half a class"
        ),
        pytest.param(
            TABLE + "5,scrub,3,,maybe\n", "column linear, value 'maybe': neither yes nor no", id="maybe linear"
        ),
        pytest.param(TABLE + "5,scrub,3\n", "row 6: the row has 3 fields, the heading 5", id="short row"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path, text, told):
    path = tmp_path / "gibbon.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"gibbon\.csv.*{told}"):
        resistance_table.read_table(path)


def test_table_in_another_encoding(tmp_path):
    path = tmp_path / "saola.csv"
    path.write_bytes("class_value,class_name,resistance,note\n1,森林,1,\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"saola\.csv: .* UTF-8"):
        resistance_table.read_table(path)


def test_unknown_class_is_refused(tmp_path, table):
    classes = np.full((20, 20), FOREST)
    classes[3, 4:7] = 13
    path = write(tmp_path / "cover.tif", classes)
    with pytest.raises(InputError, match=r"cover\.tif: 1 classes .* not in elephant\.csv: 13 \(3 cells\)"):
        resistance.from_files(path, table, coarse(20, 20, 100.0))


def test_same_grid_keeps_every_cell(tmp_path, table):
    classes = np.random.default_rng(3).choice([0, FOREST, FIELD, LAKE], (30, 30))
    made = resistance.from_files(write(tmp_path / "cover.tif", classes), table, coarse(30, 30, 100.0))
    expected = np.array([np.nan, 1.0, 20.0, np.nan, np.nan])[classes]
    np.testing.assert_array_equal(made.resistance, expected)
    assert made.counts["no_land_cover"] == (classes == 0).sum()
    assert made.counts["barrier"] == (classes == LAKE).sum()
    assert made.counts["bridged"] == made.counts["line_cells"] == 0


@pytest.mark.parametrize("line", ["straight", "diagonal"])
def test_road_of_one_cell_at_100_m_still_blocks_at_1_km(tmp_path, table, line):
    classes = np.full((100, 100), FOREST)
    if line == "straight":
        classes[:, 55] = ROAD
    else:
        np.fill_diagonal(classes, ROAD)
    made = resistance.from_files(write(tmp_path / "cover.tif", classes), table, coarse(10, 10, 1000.0))
    start = 40 if line == "straight" else 90
    found = cost_distance.surface(made.resistance, np.array([start]), cell_width_m=1000.0, cut_corners=False)
    end = (4, 9) if line == "straight" else (0, 9)
    assert found.cost[end] > 500_000, "a way through costs at least a whole cell of road"
    assert made.counts["sealed"] == (0 if line == "straight" else 9)


def test_line_without_data_is_bridged_only_with_a_count(tmp_path, table):
    classes = np.full((100, 100), FOREST)
    classes[:, 55] = 0
    made = resistance.from_files(write(tmp_path / "cover.tif", classes), table, coarse(10, 10, 1000.0))
    assert np.isfinite(made.resistance).all()
    assert made.counts["bridged"] == 10


def test_ground_mostly_without_data_has_none(tmp_path, table):
    classes = np.full((100, 100), FOREST)
    classes[:, 50:56] = 0
    made = resistance.from_files(write(tmp_path / "cover.tif", classes), table, coarse(10, 10, 1000.0))
    assert np.isnan(made.resistance[:, 5]).all()
    assert made.counts["no_land_cover"] == 10


def test_slope_of_a_plane():
    rows, columns = np.indices((12, 15))
    plane = 300.0 + 100 * (0.3 * columns + 0.4 * rows)
    degrees = resistance.slope_degrees(plane, coarse(12, 15, 100.0))
    np.testing.assert_allclose(degrees[1:-1, 1:-1], math.degrees(math.atan(0.5)))


def test_slope_raises_resistance_up_to_its_limit(tmp_path, table):
    cover = write(tmp_path / "cover.tif", np.full((20, 20), FIELD))
    heights = write(tmp_path / "heights.tif", np.indices((20, 20))[1] * 100.0 + 5, nodata=-1.0)
    effect = resistance.SlopeEffect(doubles_at_degrees=90.0, at_most=2.0)
    made = resistance.from_files(cover, table, coarse(20, 20, 100.0), elevation=heights, slope=effect)
    assert made.resistance[10, 10] == pytest.approx(20 * 1.5)
    steep = resistance.SlopeEffect(doubles_at_degrees=1.0, at_most=2.0)
    made = resistance.from_files(cover, table, coarse(20, 20, 100.0), elevation=heights, slope=steep)
    assert made.resistance[10, 10] == 40


def test_slope_needs_elevation(tmp_path, table):
    cover = write(tmp_path / "cover.tif", np.full((20, 20), FIELD))
    with pytest.raises(InputError, match="slope is asked for without elevation"):
        resistance.from_files(cover, table, coarse(20, 20, 100.0), slope=resistance.SlopeEffect())


def test_cells_without_elevation_stay_without_data_and_are_counted(table):
    one = coarse(5, 5, 100.0)
    heights = np.zeros((5, 5))
    heights[2, 3] = np.nan
    made = resistance.from_layers(
        (np.full((5, 5), float(FOREST)), one), table, elevation=(heights, one), slope=resistance.SlopeEffect()
    )
    assert np.argwhere(np.isnan(made.resistance)).tolist() == [[2, 3]]
    assert made.counts["no_elevation"] == 1
    assert made.counts["no_land_cover"] == 0


def test_layers_that_do_not_align_are_refused(table):
    one, other = coarse(5, 5, 100.0), coarse(5, 6, 100.0)
    with pytest.raises(InputError, match="elevation: does not lie on the cells of land cover: 5 rows x 6 columns"):
        resistance.from_layers(
            (np.full((5, 5), 1.0), one), table, elevation=(np.zeros((5, 6)), other), slope=resistance.SlopeEffect()
        )


def test_degrees_have_slope_too():
    degrees = grid.Grid(CRS.from_epsg(4326), Affine(0.01, 0, 100, 0, -0.01, 22), (9, 9), 1000.0)
    heights = np.indices((9, 9))[1] * degrees.cell_sizes_m()[0][:, None]
    assert resistance.slope_degrees(heights, degrees)[4, 4] == pytest.approx(45, abs=0.01)
