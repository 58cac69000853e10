"""A planted control in each further format is found; the same thing with the published cell in it is clean."""

import base64
import gzip
import io
import json
import math
import zlib

import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from PIL import Image, PngImagePlugin

from leaks import Place, scan, scan_folder

X, Y = 106.412345, 24.512347
CELL = (106.4, 24.5, 106.5, 24.6)
CAVE = Place("cave", latitude=Y, longitude=X)
CELLED = Place("cave", latitude=Y, longitude=X, cell=CELL)


def found(data: bytes | str, place: Place = CAVE) -> bool:
    return bool(scan(data.encode() if isinstance(data, str) else data, [place], name="x"))


@pytest.mark.parametrize("text", [
    pytest.param(f"/search?geoDistance={Y:.4f}%2C{X:.4f}%2C5m", id="an address in a log"),
    pytest.param("24&#46;5123 &mdash; 106&#46;4123", id="HTML"),
    pytest.param("N24.5123 E106.4123", id="letters before"),
    pytest.param("24 30 44.4 N, 106 24 44.4 E", id="minutes and seconds with blanks"),
    pytest.param("243044N 1062444E", id="minutes and seconds together"),
    pytest.param("+243044.4+1062444.4/", id="ISO 6709"),
    pytest.param("北纬24度30分44.4秒 东经106度24分44.4秒", id="Chinese"),
    pytest.param("๒๔.๕๑๒๓, ๑๐๖.๔๑๒๓", id="Thai digits"),
    pytest.param("88244 383084", id="seconds of arc"),
    pytest.param(shapely.to_wkb(shapely.Point(X, Y), hex=True), id="WKB as hex"),
    pytest.param(json.dumps({"cursor": base64.b64encode(f'["{Y:.4f}","{X:.4f}"]'.encode()).decode()}), id="a cursor"),
    pytest.param(base64.urlsafe_b64encode(shapely.to_wkb(shapely.Point(X, Y))).decode(), id="WKB as base 64"),
])  # fmt: skip
def test_further_text(text):
    assert found(text)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=lambda f: f.__module__)
def test_packed(pack):
    assert found(pack(f"{Y} {X}".encode()))
    assert not found(pack(b"24.55 106.45"))


def test_arrow():
    frame = pl.DataFrame({"a": [1.0, Y], "b": [2.0, X]})
    out = io.BytesIO()
    frame.write_ipc(out, compression="zstd")
    assert found(out.getvalue())


def photo(kind: str, x: float, y: float, **more) -> bytes:
    image = Image.new("RGB", (4, 4))
    exif = Image.Exif()
    parts = [(int(v), int(v % 1 * 60), round(v * 60 % 1 * 60, 3)) for v in (y, x)]
    exif.get_ifd(0x8825).update({1: "N", 2: parts[0], 3: "E", 4: parts[1]})
    out = io.BytesIO()
    image.save(out, kind, exif=exif.tobytes(), **more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_s_place(kind):
    assert found(photo(kind, X, Y))
    assert not found(photo(kind, 106.45, 24.55))


def test_a_picture_s_packed_text_and_a_notebook_s_picture():
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Comment", f"{Y:.4f} {X:.4f}", zip=True)
    out = io.BytesIO()
    Image.new("L", (2, 2)).save(out, "PNG", pnginfo=chunks)
    assert found(out.getvalue())
    cell = {"outputs": [{"data": {"image/png": base64.b64encode(out.getvalue()).decode()}}]}
    assert found(json.dumps({"cells": [cell], "nbformat": 4}))
    page = f'<img src="data:image/png;base64,{base64.b64encode(photo("PNG", X, Y)).decode()}">'
    assert found(page)


def raster(at: tuple[int, int] | None, *, tags: dict[str, str] | None = None) -> bytes:
    values = np.zeros((500, 500), dtype="uint8")
    if at is not None:
        values[at] = 1
    else:
        values += 1
    transform = rasterio.Affine(0.001, 0.0, 106.2, 0.0, -0.001, 24.8)
    with rasterio.MemoryFile() as file:
        with file.open(driver="COG", width=500, height=500, count=1, dtype="uint8", crs=4326, transform=transform,
                       compress="deflate") as opened:  # fmt: skip
            opened.write(values, 1)
            opened.update_tags(**(tags or {}))
        return file.read()


def test_a_raster_s_cells_and_tags():
    assert found(raster((287, 212))), "a single cell at the place"
    assert not found(raster((250, 250)))
    assert not found(raster(None)), "a full raster points nowhere"
    assert found(raster(None, tags={"made_near": f"{Y:.5f} {X:.5f}"}))


def test_a_document():
    pytest.importorskip("weasyprint", reason="needs the extra `report`", exc_type=Exception)
    import weasyprint

    inside = weasyprint.Attachment(string=json.dumps({"y": Y, "x": X}), name="numbers.json")
    for page, attached, told in (
        (f"<p>{Y:.4f} N {X:.4f} E</p>", [], True),
        ("<p>nothing</p>", [inside], True),
        ("<p>24.55 N 106.45 E</p>", [], False),
    ):
        assert found(weasyprint.HTML(string=page).write_pdf(attachments=attached)) == told


@pytest.mark.parametrize(("text", "told"), [
    pytest.param("106.4 24.5 106.5 24.6 106.45 24.55", False, id="the cell's own points"),
    pytest.param("106.42 24.52", True, id="a kilometre from it, two decimals"),
    pytest.param("106.4 24.52", True, id="an edge and a number inside"),
    pytest.param("106.47 24.57", False, id="farther than the corner"),
])  # fmt: skip
def test_nothing_nearer_than_the_published_cell_s_own_points(text, told):
    assert found(text, CELLED) == told
    assert found(shapely.to_wkb(shapely.Point(*map(float, text.split()[-2:]))), CELLED) == told
    assert not found(text), "without the cell only what is within 100 m is found"


@pytest.mark.parametrize(("gap", "told"), [(10, True), (2900, True), (3100, False)])
def test_bytes_that_are_no_text_tell_numbers_by_their_distance_in_them(gap, told):
    data = bytes(5000) + b"24.512\x00\x01" + bytes([0, 1, 7, 255]) * (gap // 4) + b"106.412" + bytes(100)
    assert found(data) == told


def test_a_folder_is_read_with_its_names(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "x.csv").write_text(f"{Y},{X}")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / f"at_{Y:.5f}_{X:.5f}.txt").write_text("nothing")
    told = {f.where for f in scan_folder(tmp_path, [CAVE], without=["lake"])}
    assert told == {f"name of logs/at_{Y:.5f}_{X:.5f}.txt"}
    assert len({f.where for f in scan_folder(tmp_path, [CAVE])}) == 2
    assert math.isclose(CELLED.reach_m, 1844, abs_tol=60)
