"""Resistance from several layers: each kind of line of the table, how they combine, and what a fault is called."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from biodata.analysis import grid, resistance, resistance_rules
from biodata.analysis.layers import LayerFile
from biodata.core.errors import InputError
from case_tables import cases

HEADING = "layer,class,function,resistance,note,combine,linear,species,version\n"
CRS = grid.equal_area_grid((100, 20, 102, 22), 1000.0).crs
SHA = "0" * 64


def square(cells, cell_m):
    return grid.Grid(CRS, Affine(cell_m, 0, 0, 0, -cell_m, cells * cell_m), (cells, cells), cell_m)


def raster(folder, name, values, theme, cell_m=100.0, nodata=-1.0, legend=None):
    path = folder / f"{name}.tif"
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(cell_m, 0, 0, 0, -cell_m, values.shape[0] * cell_m)
    with rasterio.open(path, "w", crs=CRS.to_wkt(), transform=transform, nodata=nodata, **profile) as file:
        file.write(values.astype("float32"), 1)
    measure = "categorical" if theme == "land_cover" else "continuous"
    return LayerFile(name, theme, "raster", path, measure, CRS.to_wkt(), SHA, legend)


def features(folder, name, shapes, **columns):
    path = folder / f"{name}.gpkg"
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS.to_wkt()).to_file(path)
    return LayerFile(name, name, "vector", path, "features", CRS.to_wkt(), SHA)


def table(folder, *rows):
    path = folder / "dhole.csv"
    path.write_text(HEADING + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return resistance_rules.read_rules(path)


def made(folder, layers, *rows, cells=10, cell_m=1000.0):
    (rules,) = table(folder, *rows).values()
    return resistance.from_rules(rules, layers, square(cells, cell_m))


@pytest.fixture
def cover(tmp_path):
    values = np.full((100, 100), 2.0)
    values[:, 50:] = 12
    return raster(tmp_path, "land_cover", values, "land_cover", legend="igbp")


FOREST, CROPS = "land_cover,2,,1,home,,,,", "land_cover,Croplands,,40,,,,,"


def test_classes_by_value_and_by_the_legends_name(tmp_path, cover):
    found = made(tmp_path, {"land_cover": cover}, FOREST, CROPS)
    assert (found.resistance[:, :5] == 1).all()
    assert (found.resistance[:, 5:] == 40).all()


def test_a_road_of_no_width_blocks_at_1_km(tmp_path, cover):
    roads = features(tmp_path, "roads",
                     [shapely.LineString([(0, 400), (9999, 9600)]), shapely.LineString([(0, 9500), (3000, 9500)])],
                     highway=["trunk", "path"])  # fmt: skip
    layers = {"land_cover": cover, "roads": roads}
    found = made(tmp_path, layers, FOREST, CROPS, "roads,highway=trunk,,500,,,,,", "roads,other,,3,,,,,")
    assert (found.resistance == 500).sum() >= 10
    assert found.resistance[0, :3].tolist() == [3, 3, 3]
    assert found.counts["line_cells"] > 0
    blocked = made(tmp_path, layers, FOREST, CROPS, "roads,highway=trunk,,barrier,,,,,")
    assert blocked.counts["barrier"] == np.isnan(blocked.resistance).sum() == (found.resistance == 500).sum()


def test_a_raster_of_roads_is_a_line_too(tmp_path, cover):
    cells = np.zeros((100, 100))
    np.fill_diagonal(cells, 1)
    roads = raster(tmp_path, "roads", cells, "roads")
    found = made(tmp_path, {"land_cover": cover, "roads": roads}, FOREST, CROPS, "roads,any,,500,,,,,")
    assert (np.diag(found.resistance) == 500).all()
    assert found.counts["sealed"] == 9


def test_a_surface_has_no_classes(tmp_path, cover):
    heights = raster(tmp_path, "elevation", np.indices((100, 100))[1] - 50.0, "elevation", nodata=-9999.0)
    for rule in ("elevation,any,,5,,,,,", "elevation,12,,5,,,,,"):
        with pytest.raises(InputError, match="surface and has no classes"):
            made(tmp_path, {"land_cover": cover, "elevation": heights}, FOREST, CROPS, rule)


def test_slope_is_a_factor_of_the_ground_and_not_of_a_mean(tmp_path, cover):
    ridges = np.where(np.indices((100, 100))[1] % 2, 100.0, 0.0)
    plane = np.indices((100, 100))[1] * 100.0
    rule = "elevation,,slope,0:1 45:3,,,,,"
    steep = made(
        tmp_path, {"land_cover": cover, "elevation": raster(tmp_path, "e", plane, "elevation")}, FOREST, CROPS, rule
    )
    assert steep.resistance[4, 2] == pytest.approx(3)
    assert steep.resistance[4, 7] == pytest.approx(120)
    rough = made(
        tmp_path, {"land_cover": cover, "elevation": raster(tmp_path, "r", ridges, "elevation")}, FOREST, CROPS, rule
    )
    assert rough.resistance[4, 2] == pytest.approx(1), "Horn's window sees through ridges of one cell"


def test_distance_value_and_density(tmp_path, cover):
    town = features(tmp_path, "settlements", [shapely.Point(500, 5500)])
    people = raster(tmp_path, "population", np.full((100, 100), 0.5), "population")
    layers = {"land_cover": cover, "settlements": town, "population": people}
    found = made(tmp_path, layers, FOREST, CROPS, "settlements,,distance,0:200 4000:1,,,,,")
    assert found.resistance[4, 0] == 200
    assert found.resistance[4, 2] == pytest.approx(100.5)
    assert found.resistance[4, 9] == 40
    found = made(tmp_path, layers, FOREST, CROPS, "population,,density,0:0 100:50,,add,,,")
    assert found.resistance[0, 0] == pytest.approx(1 + 25), "0.5 people on a hectare are 50 on a km²"
    found = made(tmp_path, layers, FOREST, CROPS, "population,,value,0:1 1:3,,times,,,")
    assert found.resistance[0, 9] == pytest.approx(80)


def test_suitability_becomes_resistance_along_a_curve(tmp_path, cover):
    suitability = np.tile(np.linspace(0, 1, 10).repeat(10), (100, 1))
    layers = {"suitability": raster(tmp_path, "suitability", suitability, None)}
    path = tmp_path / "bighorn.csv"
    rows = "layer,class,function,resistance,note,curve\nsuitability,,value,0:100 1:1,,{}\n"
    h = np.linspace(0, 1, 10)
    for curve, expected in (
        ("", 100 - 99 * h),
        ("straight", 100 - 99 * h),
        ("exponential 4", 100 - 99 * (1 - np.exp(-4 * h)) / (1 - np.exp(-4))),
        ("exponential -2", 100 - 99 * (1 - np.exp(2 * h)) / (1 - np.exp(2))),
        ("exponential 6.907755278982137", 1 + 99 * (1000**-h - 1e-3) / (1 - 1e-3)),
    ):
        path.write_text(rows.format(curve), encoding="utf-8")
        (rules,) = resistance_rules.read_rules(path).values()
        found = resistance.from_rules(rules, layers, square(10, 1000.0))
        np.testing.assert_allclose(found.resistance[4], expected, rtol=1e-6)


@pytest.mark.parametrize(("row", "told"), cases("layered_resistance", "test_faults_of_a_curve_are_named"))
def test_faults_of_a_curve_are_named(tmp_path, row, told):
    path = tmp_path / "gaur.csv"
    path.write_text(f"layer,class,function,resistance,note,curve\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"gaur\.csv, row 2, column curve, .*{told}"):
        resistance_rules.read_rules(path)


def test_features_outside_the_window_count_for_distance(tmp_path, cover):
    town = features(tmp_path, "settlements", [shapely.Point(-1500, 5500)])
    layers = {"land_cover": cover, "settlements": town}
    found = made(tmp_path, layers, FOREST, CROPS, "settlements,,distance,0:200 4000:1,,,,,")
    assert found.resistance[4, 0] == pytest.approx(100.5)


def test_a_barrier_above_a_height(tmp_path, cover):
    heights = raster(tmp_path, "elevation", np.indices((100, 100))[0] * 60.0, "elevation")
    found = made(tmp_path, {"land_cover": cover, "elevation": heights}, FOREST, CROPS,
                 "elevation,,value,0:1 3000:1 4000:barrier,,,,,")  # fmt: skip
    assert np.isfinite(found.resistance[:6]).all()
    assert np.isnan(found.resistance[7:]).all()


def test_what_is_not_known_has_no_resistance_and_is_counted(tmp_path, cover):
    heights = np.full((100, 100), 500.0)
    heights[:40, :40] = -1
    elevation = raster(tmp_path, "elevation", heights, "elevation")
    found = made(
        tmp_path, {"land_cover": cover, "elevation": elevation}, FOREST, CROPS, "elevation,,slope,0:1 45:3,,,,,"
    )
    assert np.isnan(found.resistance[:3, :3]).all()
    assert found.counts["no_elevation"] == np.isnan(found.resistance).sum()


def test_a_class_without_a_line_is_refused_unless_other_has_one(tmp_path, cover):
    with pytest.raises(InputError, match=r"1 classes of the layer land_cover are not in dhole\.csv: 12 \(50 cells\)"):
        made(tmp_path, {"land_cover": cover}, FOREST)
    assert made(tmp_path, {"land_cover": cover}, FOREST, "land_cover,other,,9,,,,,").resistance[0, 9] == 9


def test_one_table_for_several_species(tmp_path):
    tables = table(tmp_path, FOREST, "land_cover,12,,40,,,,dhole,2", "land_cover,12,,3,,,,gaur,2")
    assert list(tables) == ["dhole", "gaur"]
    assert {rule.points[0][1] for rule in tables["gaur"].rules} == {1.0, 3.0}
    assert tables["gaur"].version.startswith("2-")
    assert len(table(tmp_path, FOREST)[None].version) == 12


def test_another_value_is_another_version_and_another_note_or_order_is_not(tmp_path):
    rows = [FOREST, "land_cover,12,,40,,,,dhole,2", "land_cover,12,,3,,,,gaur,2"]
    first = table(tmp_path, *rows)
    changed = table(tmp_path, FOREST, "land_cover,12,,41,,,,dhole,2", rows[2])
    assert changed["dhole"].version != first["dhole"].version
    assert changed["gaur"].version == first["gaur"].version, "the other species' lines are what they were"
    told = table(tmp_path, rows[2], "land_cover,12,,40,after a talk,,,dhole,2", FOREST)
    assert told["dhole"].version == first["dhole"].version
    assert told["dhole"].sha256 != first["dhole"].sha256


@pytest.mark.parametrize(("row", "told"), cases("layered_resistance", "test_faults_of_a_table_are_named"))
def test_faults_of_a_table_are_named(tmp_path, row, told):
    with pytest.raises(InputError, match=rf"dhole\.csv, row 3.*{told}|dhole\.csv, {told}"):
        table(tmp_path, FOREST, row)


@pytest.mark.parametrize(("row", "told"), [
    pytest.param("land_cover,Jungle,,1,,,,,", "value 'Jungle': there is no such class.*legend igbp", id="no such name"),
    pytest.param("land_cover,,value,0:1,,max,,,", "classes have no value", id="a function of classes"),
    pytest.param("roads,surface=paved,,9,,,,,", "no attribute surface.*one of highway", id="no such attribute"),
    pytest.param("roads,,value,0:1,,,,,", "can be distance", id="the value of a road"),
])  # fmt: skip
def test_a_line_that_asks_what_a_layer_has_not_is_named(tmp_path, cover, row, told):
    roads = features(tmp_path, "roads", [shapely.LineString([(0, 0), (9999, 9999)])], highway=["trunk"])
    with pytest.raises(InputError, match=rf"dhole\.csv, row 3.*{told}"):
        made(
            tmp_path, {"land_cover": cover, "roads": roads}, FOREST, row, *([CROPS] if row.startswith("roads") else [])
        )
