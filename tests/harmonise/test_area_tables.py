"""Sites in files of every kind: tables without a map, geodatabases, zips of zips, hostile ones; and what they claim."""

import json
import zipfile

import geopandas as gpd
import openpyxl
import polars as pl
import pyogrio
import pytest
import shapely

from biodata.core import geo
from biodata.core.errors import InputError
from biodata.harmonise.area_sites import sites
from biodata.harmonise.protected_areas import not_mapped
from biodata.ingest.protected_areas import ProtectedAreaSource
from zips import zip_of, zip_of_folder

NAM_HA = shapely.box(101.0, 20.6, 101.5, 21.1)


def read(path, *, keep=True, **options):
    source = ProtectedAreaSource([path], options=options)
    tables = list(source.read_all() if keep else source.read())
    return [(table, pl.concat(list(table.batches))) for table in tables]


def interpreted(path, **options):
    ((table, batch),) = read(path, **options)
    return sites(batch, dataset_key="pa", declarations=table.declarations)


def text(path, content, encoding="utf-8"):
    path.write_text(content, encoding=encoding)
    return path


WDPA = """TYPE,SITE_ID,SITE_PID,SITE_TYPE,NAME_ENG,NAME,DESIG_ENG,IUCN_CAT,REALM,REP_AREA,STATUS,STATUS_YR,ISO3
Polygon,10706,10706,PA,Xishuangbanna,西双版纳,National Nature Reserve,IV,Terrestrial,2418,Designated,1986,CHN
Point,555,555_A,OECM,Nam Ha,ນ້ຳຮ້າ,Community Forest,Not Reported,Terrestrial,0,Established,0,LAO
"""
LIST = """自然保护区名称,级别,类型,面积（亩）,建立时间,行政区域
铜壁关,省级,森林生态,769000,1986,云南省德宏州
无量山,国家级,森林生态,,1986年12月,云南省大理州
"""


def test_wdpa_as_csv(tmp_path):
    frame = interpreted(text(tmp_path / "WDPA_Nov2026_csv.csv", WDPA))
    assert frame["source_row"].to_list() == [2, 3]
    assert frame["geometry"].null_count() == 2
    assert frame["source_record_id"].to_list() == ["10706", "555_A"]
    assert frame["part_of"].to_list() == ["pa:10706", "pa:555"]
    assert frame["reported_area_km2"].to_list() == [2418, None]
    assert frame["is_oecm"].to_list() == [False, True]
    assert frame["quality_flags"].list.len().to_list() == [0, 0]
    assert not_mapped(frame) == {"CN": 1, "LA": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_national_list(tmp_path, encoding):
    frame = interpreted(text(tmp_path / "名录.csv", LIST, encoding))
    row = frame.row(0, named=True)
    assert (row["name"], row["original_name"], row["level"]) == ("铜壁关", "铜壁关", "provincial")
    assert (row["designation"], row["status_year"], row["country_codes"]) == ("森林生态", 1986, ["CN"])
    assert row["reported_area_km2"] == pytest.approx(769_000 / 1_500)
    assert frame["reported_area_km2"].to_list()[1] is None


def test_an_export_of_openstreetmap(tmp_path):
    said = {"@id": "relation/1", "boundary": "protected_area", "name": "尚勇", "name:en": "Shangyong",
            "protect_class": "1a", "type": "boundary"}  # fmt: skip
    file = tmp_path / "export.geojson"
    gpd.GeoDataFrame([said], geometry=[NAM_HA], crs=4326).to_file(file)
    row = interpreted(file).row(0, named=True)
    assert (row["name"], row["original_name"], row["iucn_category"], row["designation"]) == (
        "Shangyong", "尚勇", "Ia", None,
    )  # fmt: skip


def test_national_list_as_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["名称", "级别", "面积（公顷）", "核心区", "缓冲区", "实验区"])
    book.active.append(["高黎贡山", "国家级", 405200, 200000, 100000, 105200])
    book.active.append(["白马雪山", "国家级", 281640, 100000, 100000, 10])
    book.create_sheet("notes").append(["remark"])
    book.save(path := tmp_path / "reserves.xlsx")
    frame = interpreted(path, country="CN")
    assert frame["level"].to_list() == ["national", "national"]
    assert json.loads(frame["zone_areas_km2"][0]) == {"core": 2000, "buffer": 1000, "experimental": 1052}
    assert [("ZONE_AREAS_DISAGREE" in told) for told in frame["quality_flags"]] == [False, True]


def test_table_without_sites_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        read(text(tmp_path / "sources.csv", "METADATAID,DATA_TITLE\n1,x\n"))
    assert caught.value.code == "HEADING_UNKNOWN"


def test_zip_of_tables_takes_those_that_list_sites(tmp_path):
    path, sources = tmp_path / "WDPA_csv.zip", "METADATAID,DATA_TITLE\n1,x\n"
    path.write_bytes(zip_of({"WDPA/WDPA_csv.csv": WDPA, "WDPA/WDPA_sources.csv": sources}))
    ((table, batch),) = read(path)
    assert (table.name, batch.height) == ("WDPA_csv.zip/WDPA_csv.csv", 2)


@pytest.mark.parametrize(("wkt", "kind", "code"), [
    pytest.param("POLYGON ((101 20, 102 20, 102 21, 101 20))", "Polygon", None, id="a polygon"),
    pytest.param("", None, None, id="none"),
    pytest.param("see map", None, None, id="words"),
    pytest.param("POLYGON ((101 20", None, "GEOMETRY_UNREADABLE", id="cut short"),
    pytest.param("GEOMETRYCOLLECTION(" * 1_500 + ")" * 1_500, None, "GEOMETRY_UNREADABLE", id="1,500 collections"),
    pytest.param("POLYGON ((101 20, 400 20, 102 21, 101 20))", None, "COORDINATE_OUT_OF_RANGE", id="no degrees"),
])  # fmt: skip
def test_wkt_column(tmp_path, wkt, kind, code):
    path = text(tmp_path / "a.csv", f'NAME,WKT\nx,"{wkt}"\n')
    ((_, batch),) = read(path)
    assert batch["geometry_problem"].to_list() == [code]
    shape = shapely.from_wkb(batch["geometry"][0])
    assert (shape.geom_type if shape is not None else None) == kind
    ((table, kept),) = read(path, keep=False)
    assert kept.height == (code is None)
    assert [refusal.code for refusal in table.refusals] == ([code] if code else [])


def test_longitude_and_latitude_are_a_point(tmp_path):
    frame = interpreted(text(tmp_path / "a.csv", "名称,经度,纬度\n铜壁关,97.7,24.5\n无,,\n错,297,24\n"))
    points = shapely.from_wkb(frame["geometry"].to_list())
    assert shapely.equals(points[0], shapely.Point(97.7, 24.5))
    assert list(points[1:]) == [None, None]
    assert frame["quality_flags"].to_list()[0] == ["GEODETIC_DATUM_ASSUMED_WGS84"]


def areas():
    return gpd.GeoDataFrame({"WDPAID": ["1"], "NAME": ["Nam Ha"]}, geometry=[NAM_HA], crs="EPSG:4326")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_file_geodatabase(tmp_path, packed):
    path = tmp_path / "WDPA.gdb"
    pyogrio.write_dataframe(
        areas(), path, layer="WDPA_poly", driver="OpenFileGDB", geometry_type="MultiPolygon", promote_to_multi=True
    )
    if packed:
        with zipfile.ZipFile(zipped := tmp_path / "WDPA.zip", "w") as archive:
            for part in path.iterdir():
                archive.write(part, f"WDPA.gdb/{part.name}")
        path = zipped
    ((_, batch),) = read(path)
    assert batch["NAME"].to_list() == ["Nam Ha"]
    assert shapely.from_wkb(batch["geometry"][0]).area == pytest.approx(NAM_HA.area)


def test_zip_of_zips_of_shapefiles(tmp_path):
    with zipfile.ZipFile(outer := tmp_path / "WDPA_shp.zip", "w") as archive:
        for number in (0, 1):
            (folder := tmp_path / str(number)).mkdir()
            pyogrio.write_dataframe(areas(), folder / "polygons.shp")
            archive.writestr(f"shp_{number}.zip", zip_of_folder(folder))
        archive.writestr("Resources/manual.txt", "read me")
    found = read(outer)
    assert [table.name for table, _ in found] == [f"WDPA_shp.zip/shp_{n}.zip/polygons.shp" for n in (0, 1)]
    assert all(batch["NAME"].to_list() == ["Nam Ha"] for _, batch in found)


def test_zip_inside_a_zip_inside_a_zip_is_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    for inner, outer in (("a.zip", "b.zip"), ("b.zip", "c.zip")):
        with zipfile.ZipFile(tmp_path / outer, "w") as archive:
            archive.write(tmp_path / inner, inner)
    with pytest.raises(InputError) as caught:
        read(tmp_path / "c.zip")
    assert caught.value.code == "ARCHIVE_UNSAFE"


@pytest.mark.parametrize(("columns", "expected"), [
    pytest.param({"OFF_AREA": lambda km2: km2}, "km2", id="square kilometres"),
    pytest.param({"OFF_AREA": lambda km2: km2 * 100 * 1.3}, "ha", id="hectares, a third more"),
    pytest.param({"OFF_AREA": lambda km2: km2 * 1500, "ISO3": lambda _: "CHN"}, "mu", id="mu in China"),
    pytest.param({"OFF_AREA": lambda km2: km2 * 1500, "ISO3": lambda _: "LAO"}, None, id="no mu in Laos"),
    pytest.param({"OFF_AREA": lambda km2: km2 * 625, "ISO3": lambda _: "THA"}, "rai", id="rai in Thailand"),
    pytest.param({"OFF_AREA": lambda km2: km2 * 12}, None, id="nothing fits"),
    pytest.param({"批准面积(公顷)": lambda km2: km2 * 100}, "ha", id="told in the heading"),
    pytest.param({"批准面积": lambda km2: f"{km2 * 1500 / 1e4}万亩"}, "mu", id="told in the cell"),
])  # fmt: skip
def test_legal_area_and_its_unit(tmp_path, columns, expected):
    km2 = geo.area_km2([NAM_HA])[0]
    told = {name: [make(km2)] for name, make in columns.items()}
    frame = gpd.GeoDataFrame({"NAME": ["x"], **told}, geometry=[NAM_HA], crs="EPSG:4326")
    frame.to_file(path := tmp_path / "a.geojson", engine="pyogrio")
    row = interpreted(path).row(0, named=True)
    assert row["legal_area_unit"] == expected
    if expected:
        assert row["legal_area_km2"] == pytest.approx(km2, rel=0.31)
    flags = {name for name in row["quality_flags"] if name.startswith("AREA_UNIT")}
    inferred = {"AREA_UNIT_INFERRED"} if expected else {"AREA_UNIT_MISSING"}
    assert flags == (inferred if "OFF_AREA" in columns else set())


def test_heritage_parks_mix_units(shared):
    frame = interpreted(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson")
    ratio = frame["legal_area_km2"] / frame["reported_area_km2"]
    units = dict(frame.select("name", "legal_area_unit").iter_rows())
    assert units["Agusan Marsh Wildlife Sanctuary"] == "km2"
    assert units["Virachey National Park"] == "ha"
    assert ratio.drop_nulls().is_between(0.1, 4).all()
