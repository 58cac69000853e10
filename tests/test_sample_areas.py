"""The protected areas and layers of the sample data."""

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import rasterio
import shapely

from biodata.geo import area_km2
from biodata.places import country_geometry, locate
from sample_columns import ARCHIVE, LAT, LATITUDE, LON, LONGITUDE

pytest_plugins = ("sample_files",)


def test_there_are_forty_areas_on_both_sides_of_the_five_borders(areas):
    assert len(areas) >= 40
    assert set(areas["ISO3"]) == {"CHN", "LAO", "VNM", "KHM", "MMR"}
    assert areas.geometry.is_valid.all()
    assert areas["SITE_PID"].is_unique
    assert (areas["SITE_ID"] >= 999_000_001).all()
    assert areas["SUPP_INFO"].str.contains("SYNTHETIC").all()
    assert areas.groupby("NAME_ENG")["SITE_ID"].nunique().max() == 1


def test_shapes_have_about_the_area_reported(areas):
    computed = area_km2(areas.geometry.to_numpy())
    assert np.abs(computed / areas["REP_AREA"].to_numpy() - 1).max() < 0.03


def test_only_the_two_documented_areas_spill_over_a_border(areas, boundaries):
    codes = {"CHN": "CN", "LAO": "LA", "VNM": "VN", "KHM": "KH", "MMR": "MM"}
    spilling = {}
    for name, iso3, shape in zip(areas["NAME_ENG"], areas["ISO3"], areas.geometry, strict=True):
        spill = shapely.difference(shape, country_geometry(codes[iso3], boundaries))
        if area_km2(np.array([spill]))[0] > 0.01:
            corners = shapely.get_coordinates(shapely.segmentize(spill, 0.005))
            spilling[name] = locate(corners[:, 0], corners[:, 1], boundaries)["border_distance_m"].max()
    assert set(spilling) == {"Nam Ha", "Hkakaborazi"}
    assert spilling["Nam Ha"] < boundaries.band_m < spilling["Hkakaborazi"] < 12_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xishuangbanna (Shangyong sub-reserve)", "Nam Ha"),
        ("Bangliang Gibbon", "Trung Khanh Cao Vit Gibbon"),
        ("Nakai-Nam Theun", "Vu Quang"),
        ("Dong Ampham", "Virachey"),
    ],
)
def test_areas_face_each_other_across_a_border(areas, one, other):
    shapes = areas.set_index("NAME_ENG").geometry
    assert 0 < shapely.distance(shapes[one], shapes[other]) < 0.03


def test_the_old_schema_has_the_older_names(sample_data):
    old = gpd.read_file(sample_data / "protected_areas_old_schema.gpkg")
    assert {"WDPAID", "WDPA_PID", "NAME", "ORIG_NAME", "MARINE", "DESIG_ENG", "PARENT_ISO3"} <= set(old.columns)
    assert not {"SITE_ID", "NAME_ENG", "REALM"} & set(old.columns)
    assert len(old) == 6


WINDOWS = ["china_laos", "cambodia_laos_vietnam", "china_vietnam"]


@pytest.mark.parametrize("window", WINDOWS)
def test_layers_cover_both_sides_of_a_border_at_a_kilometre_or_finer(sample_data, boundaries, recipe, window):
    with rasterio.open(sample_data / f"layers/landcover_{window}.tif") as cover:
        classes = cover.read(1)
        assert cover.dtypes[0] == "uint8"
        assert cover.compression.name == "deflate"
        assert cover.res[0] <= (0.009 if cover.crs.is_geographic else 1000)
    with rasterio.open(sample_data / f"layers/elevation_{window}.tif") as elevation:
        heights = elevation.read(1)
        assert elevation.dtypes[0] == "int16"
    known = pl.read_csv(sample_data / "layers/landcover_classes.csv")["class_value"].to_list()
    assert set(np.unique(classes)) <= set(known)
    assert heights.min() > 0
    forest = np.isin(classes, [1, 2, 4, 5])
    assert 0.5 < forest.mean() < 0.95
    assert heights[forest].mean() > heights[classes == 12].mean()
    longitude, latitude = recipe.layers.centres(next(w for w in recipe.layers.WINDOWS if w.name == window))
    found = locate(longitude[::50], latitude[::50], boundaries)["located_country_code"]
    shares = found.value_counts(normalize=True).filter(pl.col("proportion") > 0.05)
    assert (
        set(shares["located_country_code"])
        >= {
            "china_laos": {"CN", "LA"},
            "cambodia_laos_vietnam": {"KH", "LA", "VN"},
            "china_vietnam": {"CN", "VN"},
        }[window]
    )


def test_records_tell_the_elevation_of_the_layer(sample_data, files):
    rows = files[ARCHIVE].with_columns(LATITUDE, LONGITUDE).filter(LAT > 20.5, LAT < 22.8, LON < 102.9)
    rows = rows.filter(pl.col("minimumElevationInMeters").str.contains(r"^\d+$"))
    with rasterio.open(sample_data / "layers/elevation_china_laos.tif") as layer:
        cells = [cell[0] for cell in layer.sample(rows.select(LON, LAT).iter_rows())]
    difference = np.abs(np.array(cells) - rows["minimumElevationInMeters"].cast(pl.Float64).to_numpy())
    assert np.median(difference) < 40


def test_every_class_has_a_resistance_of_at_least_one(sample_data):
    resistance = pl.read_csv(sample_data / "resistance.csv")
    assert resistance.columns == ["class_value", "class_name", "resistance", "note", "linear"]
    assert (resistance["resistance"] >= 1).all()
    classes = pl.read_csv(sample_data / "layers/landcover_classes.csv")
    assert resistance["class_value"].to_list() == classes["class_value"].to_list()
