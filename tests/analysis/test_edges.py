"""Shapes and files that would hold a process for minutes are refused before anything dear is done with them."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from biodata.analysis import own_ground, rasters
from biodata.analysis.gaps.features import polygon_rows
from biodata.analysis.layers import read_polygons
from biodata.core import edges
from biodata.core.errors import InputError
from biodata.formats.vectors import read_frame
from biodata.harmonise import measures
from biodata.store.query.polygons import read_geojson

SQUARE = shapely.box(102, 18, 104, 20)


def star(points: int) -> shapely.Polygon:
    angle = np.arange(points) * (points // 2) * 2 * np.pi / points
    return shapely.Polygon(np.c_[103 + np.cos(angle), 19 + np.sin(angle)])


def comb(teeth: int) -> shapely.Polygon:
    """Return a valid polygon of long slanting teeth: no edges cross, but the boxes of all meet."""
    along = np.arange(teeth) / teeth
    points = np.column_stack([np.repeat(along, 2), np.tile([0.0, 1.0], teeth)])
    points[1::2, 0] += 1
    placed = points + np.array([100, 19])
    return shapely.Polygon([*placed, (100, 18), (100, 19)])


@pytest.mark.parametrize("shape", [
    pytest.param(star(1_001), id="a star of 1,001 points"),
    pytest.param(star(200_001), id="a star of 200,001 points"),
    pytest.param(comb(20_000), id="a comb whose question for validity never ends"),
])  # fmt: skip
def test_what_would_hold_the_process_is_refused(shape):
    assert "cross too often" in edges.problem_of(shape)


@pytest.mark.parametrize("shape", [
    pytest.param(SQUARE, id="a square"),
    pytest.param(star(51), id="a star of 51 points"),
    pytest.param(shapely.Point(101, 21).buffer(1, quad_segs=60_000), id="a circle of 240,000 points"),
    pytest.param(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), id="a figure of eight"),
])  # fmt: skip
def test_what_is_large_and_tidy_is_taken(shape):
    assert edges.problem_of(shape) is None


def test_a_shape_of_too_many_vertices_is_named_with_its_row(monkeypatch):
    monkeypatch.setattr(edges, "_FEW", 4)
    with pytest.raises(InputError, match=r"row 2.*300 vertices; at most 200") as refused:
        edges.check_shapes(
            [SQUARE, shapely.LineString(np.random.default_rng(1).random((300, 2)))], file="a.gpkg", most_vertices=200
        )
    assert (refused.value.code, refused.value.row) == ("GEOMETRY_TOO_COMPLEX", 2)


@pytest.mark.parametrize(
    "read", [read_frame, polygon_rows, lambda path: read_polygons([path])], ids=["a layer", "features", "areas"]
)
def test_every_file_of_shapes_is_looked_at(tmp_path, read):
    path = tmp_path / "areas.gpkg"
    gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[SQUARE, star(200_001)], crs=4326).to_file(path)
    with pytest.raises(InputError) as refused:
        read(path)
    assert (refused.value.code, refused.value.row, refused.value.file) == ("GEOMETRY_TOO_COMPLEX", 2, "areas.gpkg")


@pytest.mark.parametrize("parts", [1, 2])
def test_a_polygon_of_a_request_is_looked_at(parts):
    """Each ring alone, and several that cross each other."""
    ring = lambda shape: [shapely.get_coordinates(shape).tolist()]  # noqa: E731
    teeth = comb(1_000)
    crossed = [ring(teeth), ring(shapely.transform(teeth, lambda xy: np.c_[xy[:, 1] + 81.2, xy[:, 0] - 81.2]))]
    told = {"type": "MultiPolygon", "coordinates": [ring(star(4_001))] if parts == 1 else crossed}
    with pytest.raises(InputError, match="cross too often"):
        read_geojson(told)


def test_a_footprint_that_crosses_itself_too_often_tells_no_place():
    assert measures.read(star(1_001).wkt, None) is None
    assert measures.read(SQUARE.wkt, None) is not None


VRT = """<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:32648</SRS><GeoTransform>0, 100, 0, 0, 0, -100</GeoTransform>
<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename relativeToVRT="1">real.tif</SourceFilename>
<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
OGR_VRT = """<OGRVRTDataSource><OGRVRTLayer name="real"><SrcDataSource relativeToVRT="1">real.gpkg</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize("read", [rasters.read, own_ground.read_resistance], ids=["a raster", "a resistance"])
def test_a_tif_that_is_a_list_of_other_files_is_refused(tmp_path, read):
    with rasterio.open(tmp_path / "real.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="float32",
                       crs="EPSG:32648", transform=rasterio.Affine(100, 0, 0, 0, -100, 0)) as file:  # fmt: skip
        file.write(np.ones((1, 2, 2), dtype=np.float32))
    read(tmp_path / "real.tif")
    (tmp_path / "list.tif").write_text(VRT)
    with pytest.raises(InputError, match="a GeoTIFF or an ASCII grid"):
        read(tmp_path / "list.tif")


def test_a_geopackage_that_is_a_list_of_other_files_is_refused(tmp_path):
    gpd.GeoDataFrame(geometry=[SQUARE], crs=4326).to_file(tmp_path / "real.gpkg", layer="real")
    assert len(read_frame(tmp_path / "real.gpkg")) == 1
    (tmp_path / "list.gpkg").write_text(OGR_VRT)
    with pytest.raises(InputError) as refused:
        read_frame(tmp_path / "list.gpkg")
    assert refused.value.code == "INPUT_FORMAT"
