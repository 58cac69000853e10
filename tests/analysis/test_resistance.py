"""Resistance of land cover alone: the short table's checks, barriers kept, nothing without data crossed silently."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from biodata.analysis import cost_distance, grid, layers, resistance, resistance_rules
from biodata.analysis.resistance import slope_degrees
from biodata.core.errors import InputError

FOREST, FIELD, ROAD, LAKE = 1, 2, 3, 4
TABLE = """class_value,class_name,resistance,note,linear
1,forest,1,best ground,
2,field,20,"crops, open",no
3,road,500,traffic,yes
4,lake,barrier,open water,
"""


@pytest.fixture
def table(tmp_path) -> resistance_rules.RuleTable:
    path = tmp_path / "elephant.csv"
    path.write_text(TABLE, encoding="utf-8")
    return resistance_rules.read_rules(path)[None]


def write(path: Path, values: np.ndarray, cell_m: float = 100.0) -> layers.LayerFile:
    import rasterio

    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(cell_m, 0, 0, 0, -cell_m, values.shape[0] * cell_m)
    crs = grid.equal_area_grid((100, 20, 102, 22), 1000.0).crs.to_wkt()
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=0.0, **profile) as file:
        file.write(values.astype("float32"), 1)
    return layers.LayerFile(path.stem, "land_cover", "raster", path, "categorical", crs, "0" * 64)


def coarse(rows: int, columns: int, cell_m: float) -> grid.Grid:
    crs = grid.equal_area_grid((100, 20, 102, 22), 1000.0).crs
    return grid.Grid(crs, Affine(cell_m, 0, 0, 0, -cell_m, rows * cell_m), (rows, columns), cell_m)


def made(folder, classes, table, one, **choices):
    return resistance.from_rules(table, {"land_cover": write(folder / "cover.tif", classes)}, one, **choices)


def test_table_is_read(table):
    assert table.name == "elephant.csv"
    road, field = table.rules[2], table.rules[1]
    assert (road.layer, road.of_class, road.linear, road.combine) == ("land_cover", "3", True, "base")
    assert field.note == "crops, open"
    assert table.rules[3].points[0][1] == np.inf


def test_the_long_table_means_the_same(tmp_path, table):
    long = tmp_path / "long.csv"
    long.write_text(
        "layer,class,function,resistance,note,linear\nland_cover,1,,1,,\nland_cover,2,,20,,no\nland_cover,3,,500,,yes\n"
        "land_cover,4,,barrier,,\n",
        encoding="utf-8",
    )
    other = resistance_rules.read_rules(long)[None]
    assert other.version == table.version
    classes = np.random.default_rng(3).choice([0, FOREST, FIELD, ROAD, LAKE], (60, 60))
    one = coarse(10, 10, 600.0)
    np.testing.assert_array_equal(
        made(tmp_path, classes, table, one).resistance, made(tmp_path, classes, other, one).resistance
    )


@pytest.mark.parametrize(("text", "told"), [
    pytest.param("", "lacks the columns class_value.*layer, class, function.*or class_value", id="empty file"),
    pytest.param("class_value,class_name,note\n1,forest,\n", "row 1: .* lacks the columns resistance",
                 id="no resistance"),
    pytest.param("class_value,class_name,resistance,note\n", "the table has no line", id="no rows"),
    pytest.param(TABLE + "1,wood,2,,\n", "row 6, column class, value '1': the same stands in row 2", id="twice"),
    pytest.param(TABLE + "01,wood,2,,\n", "row 6, column class, value '1': the same stands in row 2", id="01"),
    pytest.param(TABLE + "5,scrub,low,,\n", "row 6, column resistance, value 'low': .* no number", id="a word"),
    pytest.param(TABLE + "5,scrub,0.5,,\n", "value '0.5': .* out of range; a number from 1", id="below 1"),
    pytest.param(TABLE + "5,scrub,nan,,\n", "value 'nan': .* out of range", id="nan"),
    pytest.param(TABLE + "5,scrub,,,\n", "row 6, column resistance, value '': .* no number", id="nothing"),
    pytest.param(TABLE + "5.5,scrub,3,,\n", "column class_value, value '5.5': .* no whole number", id="half a class"),
    pytest.param(TABLE + "5,scrub,3,,maybe\n", "column linear, value 'maybe': neither yes nor no", id="maybe linear"),
    pytest.param(TABLE + "5,scrub,3\n", "row 6: the row has 3 fields, the heading 5", id="short row"),
])  # fmt: skip
def test_faults_of_a_table_are_named(tmp_path, text, told):
    path = tmp_path / "gibbon.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"gibbon\.csv.*{told}"):
        resistance_rules.read_rules(path)


def test_table_in_another_encoding(tmp_path):
    path = tmp_path / "saola.csv"
    path.write_bytes("class_value,class_name,resistance,note\n1,森林,1,\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"saola\.csv: .* UTF-8"):
        resistance_rules.read_rules(path)


def test_unknown_class_is_refused(tmp_path, table):
    classes = np.full((20, 20), FOREST)
    classes[3, 4:7] = 13
    with pytest.raises(InputError, match=r"cover\.tif: 1 classes .* not in elephant\.csv: 13 \(3 cells\)"):
        made(tmp_path, classes, table, coarse(20, 20, 100.0))


def test_same_grid_keeps_every_cell(tmp_path, table):
    classes = np.random.default_rng(3).choice([0, FOREST, FIELD, LAKE], (30, 30))
    found = made(tmp_path, classes, table, coarse(30, 30, 100.0))
    expected = np.array([np.nan, 1.0, 20.0, np.nan, np.nan])[classes]
    np.testing.assert_array_equal(found.resistance, expected)
    assert found.counts["no_land_cover"] == (classes == 0).sum()
    assert found.counts["barrier"] == (classes == LAKE).sum()
    assert found.counts["bridged"] == found.counts["line_cells"] == 0


@pytest.mark.parametrize("resampling", ["mode", "nearest"])
def test_no_class_is_invented(tmp_path, table, resampling):
    classes = np.random.default_rng(7).choice([FOREST, FIELD], (100, 100))
    found = made(tmp_path, classes, table, coarse(14, 14, 700.0), resampling=resampling)
    assert set(np.unique(found.resistance)) <= {1.0, 20.0}


@pytest.mark.parametrize("line", ["straight", "diagonal"])
def test_road_of_one_cell_at_100_m_still_blocks_at_1_km(tmp_path, table, line):
    classes = np.full((100, 100), FOREST)
    if line == "straight":
        classes[:, 55] = ROAD
    else:
        np.fill_diagonal(classes, ROAD)
    ground = made(tmp_path, classes, table, coarse(10, 10, 1000.0))
    start = 40 if line == "straight" else 90
    found = cost_distance.surface(ground.resistance, np.array([start]), cell_width_m=1000.0, cut_corners=False)
    end = (4, 9) if line == "straight" else (0, 9)
    assert found.cost[end] > 500_000, "a way through costs at least a whole cell of road"
    assert ground.counts["sealed"] == (0 if line == "straight" else 9)


def test_lines_on_the_layers_own_cells_stay_as_they_were_mapped(tmp_path, table):
    classes = np.full((20, 20), FOREST)
    np.fill_diagonal(classes, ROAD)
    found = made(tmp_path, classes, table, coarse(20, 20, 100.0))
    np.testing.assert_array_equal(found.resistance, np.where(classes == ROAD, 500.0, 1.0))


@pytest.mark.parametrize("most_cells", [900, 5000])
def test_a_map_read_in_pieces_gives_the_same(tmp_path, table, most_cells, monkeypatch):
    classes = np.random.default_rng(5).choice([0, FOREST, FIELD, LAKE], (200, 200), p=[0.1, 0.5, 0.3, 0.1])
    np.fill_diagonal(classes, ROAD)
    one = coarse(20, 20, 1000.0)
    whole = made(tmp_path, classes, table, one)
    monkeypatch.setattr(layers, "MOST_CELLS", most_cells)
    in_pieces = made(tmp_path, classes, table, one)
    np.testing.assert_array_equal(in_pieces.resistance, whole.resistance)
    assert in_pieces.counts == whole.counts


def test_a_grid_that_memory_cannot_hold_is_refused(tmp_path, table, monkeypatch):
    monkeypatch.setattr(resistance, "MAX_CELLS", 99)
    with pytest.raises(InputError, match=r"the grid has 10 x 10 cells; at most 99: .*--cell-m.*--box"):
        made(tmp_path, np.full((20, 20), FOREST), table, coarse(10, 10, 200.0))


def test_line_without_data_is_bridged_only_with_a_count(tmp_path, table):
    classes = np.full((100, 100), FOREST)
    classes[:, 55] = 0
    found = made(tmp_path, classes, table, coarse(10, 10, 1000.0))
    assert np.isfinite(found.resistance).all()
    assert found.counts["bridged"] == 10


def test_ground_mostly_without_data_has_none(tmp_path, table):
    classes = np.full((100, 100), FOREST)
    classes[:, 50:56] = 0
    found = made(tmp_path, classes, table, coarse(10, 10, 1000.0))
    assert np.isnan(found.resistance[:, 5]).all()
    assert found.counts["no_land_cover"] == 10


def test_slope_of_a_plane():
    rows, columns = np.indices((12, 15))
    plane = 300.0 + 100 * (0.3 * columns + 0.4 * rows)
    degrees = slope_degrees(plane, coarse(12, 15, 100.0))
    np.testing.assert_allclose(degrees[1:-1, 1:-1], np.degrees(np.arctan(0.5)))


def test_degrees_have_slope_too():
    degrees = grid.Grid(CRS.from_epsg(4326), Affine(0.01, 0, 100, 0, -0.01, 22), (9, 9), 1000.0)
    heights = np.indices((9, 9))[1] * degrees.cell_sizes_m()[0][:, None]
    assert slope_degrees(heights, degrees)[4, 4] == pytest.approx(45, abs=0.01)
