"""Exports: every format holds exactly the published records, the same bytes each time, and goes on after a crash."""

import csv
import hashlib
import io
import json
import random
import re
import xml.etree.ElementTree as ET
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import duckdb
import geopandas as gpd
import polars as pl
import pyarrow.parquet as pq
import pyogrio
import pytest
from pyproj import Transformer

import releases
from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.core.vocabularies import CubeGrid
from biodata.exports import archive, selection, tables
from biodata.exports.request import Columns, ExportRequest
from biodata.exports.tables import CELLS
from biodata.exports.write import KINDS, Format, export
from biodata.sharing.licences import strictest
from biodata.store import duck
from biodata.store.query.filters import Compare, InBox

ASKED = {"name": "0123abcd", "created": "2026-11-24T10:00:00+00:00"}
HOSTILE = ["=HYPERLINK(\"http://x\")", "+1+1", "-2+3", "@SUM(A1)", "\ttab first", "two\nlines", "carriage\rreturn",
           'a "quoted" word', "tab\there", "комма, 逗号", "＝1+1", "'already", "", "  blanks  ", "line\r\nends", "a\\tb",
           '"']  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    rows = [*releases.open_rows(), *releases.secret_rows()]
    for number, text in enumerate(HOSTILE):
        rows[number] |= {"locality": text, "recordedBy": text, "catalogNumber": "-5"}
    rows[30]["year"] = None
    return releases.make_release(tmp_path_factory.mktemp("exports"), rows)


@pytest.fixture(scope="module")
def published(release):
    return releases.releases.read(release, "occurrences")


def write(release, file_format, folder, **more):
    out = folder / f"out.{KINDS[file_format].suffix}"
    facts = export(release.path, file_format, ExportRequest(**{**ASKED, **more}), out)
    return out, facts


def occurrences(path):
    """Read occurrence.txt as meta.xml says, with nothing of ours."""
    with zipfile.ZipFile(path) as packed:
        core = ET.fromstring(packed.read("meta.xml"))[0]
        names = {int(f.get("index")): re.split(r"[/#.]", f.get("term"))[-1] for f in core if f.get("term")}
        text = io.TextIOWrapper(packed.open(core[0][0].text), encoding=core.get("encoding"), newline="")
        rows = list(csv.reader(text, delimiter="\t", quotechar=core.get("fieldsEnclosedBy"), strict=True))
    return [dict(zip((names[i] for i in range(len(names))), row, strict=True)) for row in rows[1:]]


def as_text(value):
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ";".join(value)
        case _:
            return str(value)


def test_the_archive_holds_every_value_as_it_is_published(release, published, tmp_path):
    out, facts = write(release, Format.DWCA, tmp_path)
    found = occurrences(out)
    assert facts.rows == len(found) == published.height
    for row, record in zip(published.iter_rows(named=True), found, strict=True):
        for name, value in row.items():
            if name in (
                "media",
                "measurements",
            ):  # in tables of their own, which `test_media` and `test_measurements` read
                assert value is None
                assert name not in record
            elif isinstance(value, float):
                assert float(record[name]) == value
            elif name == "occurrenceID" and row["sharing_category"] != "open":
                assert (record[name], value) == (str(row["key"]), None), "a presence is known by its key"
            else:
                assert record[name] == as_text(value)
    assert set(HOSTILE) <= {record["locality"] for record in found}


def test_the_archive_tells_what_has_to_travel_with_it(release, tmp_path):
    out, facts = write(release, Format.DWCA, tmp_path, asked=(("country", "LA"),))
    with zipfile.ZipFile(out) as packed:
        assert packed.namelist() == [*sorted(packed.namelist()[:-1]), "occurrence.txt"]
        assert {info.date_time for info in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {f"dataset/{d.key}.xml" for d in facts.datasets} <= set(packed.namelist())
        text = packed.read("eml.xml").decode()
    document = ET.fromstring(text)
    assert document.find("dataset/licensed/url").text.endswith("/by/4.0/legalcode")
    assert "2 of 647 rows are presences" in text
    assert "Field notes (field-notes): 483 records" in text
    assert "country = LA" in text
    order = [child.tag for child in document.find("dataset")]
    right = ["alternateIdentifier", "title", "creator", "metadataProvider", "pubDate", "language", "abstract",
             "keywordSet", "additionalInfo", "intellectualRights", "licensed", "coverage", "contact"]  # fmt: skip
    assert order == right


@pytest.mark.parametrize("file_format", list(Format))
def test_the_same_question_gives_the_same_bytes(release, tmp_path, file_format):
    sums = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        out, _ = write(release, file_format, folder)
        sums.append(hashlib.sha256(out.read_bytes()).hexdigest())
        assert [f.name for f in folder.iterdir()] == [out.name], "nothing else is left behind"
    assert sums[0] == sums[1]


@pytest.mark.parametrize("columns", list(Columns))
def test_no_cell_of_a_spreadsheet_is_a_formula(release, published, tmp_path, columns):
    out, _ = write(release, Format.CSV, tmp_path, columns=columns)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == published.height
    numbers = {c.name for c in terms.PUBLISHED_OCCURRENCE if c.dtype.is_numeric()}
    for row in rows:
        for name, value in row.items():
            assert name in numbers or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")), (name, value)
    assert {'\'=HYPERLINK("http://x")', "two\nlines", 'a "quoted" word', "'-2+3"} <= {r["locality"] for r in rows}
    # A number is a number, guarded or not: a longitude of the west keeps its sign.
    assert {row["catalogNumber"] for row in rows} == {"", "'-5"}


def test_the_simple_csv_begins_with_gbifs_columns(release, tmp_path):
    out, _ = write(release, Format.CSV, tmp_path)
    heading = out.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert heading[:10] == "gbifID datasetKey occurrenceID kingdom phylum class order family genus species".split()
    assert heading[49] == "issue"


def test_geoparquet_for_geopandas_with_a_box_that_is_asked(release, published, tmp_path):
    out, _ = write(release, Format.GEOPARQUET, tmp_path)
    whole = gpd.read_parquet(out)
    assert len(whole) == published.height
    assert whole.geometry.isna().sum() == published["decimalLatitude"].null_count()
    box = (101.0, 20.5, 103.0, 22.0)
    inside = published.filter(
        pl.col("decimalLongitude").is_between(101, 103), pl.col("decimalLatitude").is_between(20.5, 22)
    )
    assert sorted(gpd.read_parquet(out, bbox=box)["key"]) == sorted(inside["key"])
    geo = json.loads(pq.read_metadata(out).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    points = whole.dropna(subset="geometry").geometry
    assert points.x.tolist() == published["decimalLongitude"].drop_nulls().to_list()


def test_a_geopackage_for_gdal(release, published, tmp_path):
    out, _ = write(release, Format.GPKG, tmp_path)
    assert pyogrio.list_layers(out).tolist() == [["occurrences", "Point"], ["layer_styles", None]]
    found = gpd.read_file(out, layer="occurrences")
    assert found["key"].tolist() == published["key"].to_list()
    assert found["locality"].fillna("").tolist() == published["locality"].fill_null("").to_list()
    assert found.crs == "EPSG:4326"
    assert found.geometry.isna().sum() == published["decimalLatitude"].null_count()


def test_a_species_list_counts_every_record(release, published, tmp_path):
    out, _ = write(release, Format.SPECIES_LIST, tmp_path)
    found = pl.read_csv(out)
    counted = published.group_by("scientificName").len()
    assert dict(found.select("scientificName", "numberOfOccurrences").iter_rows()) == dict(counted.iter_rows())


def test_a_species_list_has_what_lists_say_of_the_species_or_of_the_lowest_group_above_it(tmp_path):
    columns = ("kind", "area", "value", "taxon", "taxonRank", "checklist")
    said = [("cites", "global", "II", "Primates", "ORDER", "a"), ("cites", "global", "I", "Hylobatidae", "FAMILY", "a"),
            *((kind, area, value, "Nomascus nasutus", "SPECIES", "b") for kind, area, value in
              [("redList", "global", "CR"), ("nationalProtection", "VN", "IB"), ("nationalProtection", "CN", "I")])]  # fmt: skip
    names = pl.DataFrame(
        [("Nomascus nasutus", "Nomascus", "Hylobatidae", "Primates"), ("Macaca mulatta", "Macaca", "Cercopithecidae", "Primates"), (None, None, None, None)],
        schema=dict.fromkeys(("species", "genus", "family", "order"), pl.String), orient="row",
    ).with_columns(pl.lit(None, pl.String).alias(rank) for rank in ("class", "phylum", "kingdom"))  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("taxon_statuses", pl.DataFrame(said, schema=columns, orient="row"))
        listing = SimpleNamespace(query=lambda sql: connection.sql(sql).pl(), batches=lambda *_, **__: [names])
        tables.write_species_list(listing, None, None, tmp_path / "list.csv", step=lambda _: None)
    found = pl.read_csv(tmp_path / "list.csv").select("cites", "redList", "nationalProtection", "isInvasive")
    gibbon, macaque, nameless = found.rows()
    assert gibbon == ("global I", "global CR", "CN I; VN IB", None)
    assert macaque == ("global II", None, None, None)
    assert nameless == (None,) * 4


@pytest.mark.parametrize("grid", list(CubeGrid))
def test_a_cube_counts_every_record_once(release, published, tmp_path, grid):
    out, _ = write(release, Format.CUBE, tmp_path, grid=grid)
    name = CELLS[grid][0]
    cube = pl.read_csv(out, schema_overrides={"minCoordinateUncertaintyInMeters": pl.Float64})
    assert cube["occurrences"].sum() == published.height
    assert cube.filter(pl.col(name).is_null())["occurrences"].sum() == published["decimalLatitude"].null_count() == 5
    assert cube.filter(pl.col("year").is_null())["occurrences"].sum() == published["year"].null_count() == 1
    assert not cube.select("species", "year", name).is_duplicated().any()
    least = published.group_by("species").agg(pl.col("coordinateUncertaintyInMeters").min())
    told = cube.group_by("species").agg(pl.col("minCoordinateUncertaintyInMeters").min())
    assert sorted(least.iter_rows()) == sorted(told.iter_rows())


@pytest.mark.parametrize(("latitude", "longitude", "code"), [
    pytest.param(22.9, 106.51, "E106N22BA", id="north-east"),
    pytest.param(52.0, 5.0, "E005N52CC", id="a corner belongs to the cell north-east of it"),
    pytest.param(-8.76, 119.48, "E119S08CD", id="south of the equator"),
    pytest.param(0.1, -0.1, "W000N00DD", id="west of Greenwich"),
    pytest.param(90.0, 180.0, "E179N89BB", id="the last corner"),
    pytest.param(-90.0, -180.0, "W179S89CC", id="the first corner"),
])  # fmt: skip
def test_quarter_degree_cells(latitude, longitude, code):
    assert cells(CubeGrid.EQDGC, [(latitude, longitude)]) == [code]


def test_cells_of_ten_kilometres_are_those_of_proj():
    chance = random.Random(4)
    points = [(chance.uniform(-85, 85), chance.uniform(-180, 180)) for _ in range(2_000)]
    project = Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True).transform
    expected = []
    for latitude, longitude in points:
        x, y = (int(metres // 10_000) for metres in project(longitude, latitude))
        expected.append(f"10km{'E' if x >= 0 else 'W'}{abs(x)}{'N' if y >= 0 else 'S'}{abs(y)}")
    assert cells(CubeGrid.EQUAL_AREA, points) == expected


def test_cells_of_a_tenth_degree():
    assert cells(CubeGrid.TENTH_DEGREE, [(22.34, 104.59), (-8.76, -0.05)]) == ["22.3,104.5", "-8.8,-0.1"]


def cells(grid, points):
    with duck.workshop(spill=None or releases.Path("/nonexistent")) as connection:
        frame = pl.DataFrame(points, schema=["decimalLatitude", "decimalLongitude"], orient="row")
        connection.register("told", frame)
        return [code for (code,) in connection.execute(f"SELECT {CELLS[grid][1]} FROM told").fetchall()]


@pytest.mark.parametrize("filter_", [
    pytest.param(Compare("countryCode", "=", "LA"), id="a column"),
    pytest.param(InBox(101, 20.5, 103, 22), id="a box"),
    pytest.param(Compare("countryCode", "=", "ZZ"), id="nothing"),
])  # fmt: skip
@pytest.mark.parametrize("file_format", [f for f in Format if f is not Format.CAMTRAPDP])  # its tests are its own
def test_a_filter_chooses_the_same_records_in_every_format(release, tmp_path, filter_, file_format):
    expected = releases.releases.read(release, "occurrences", where=filter_).height
    out, facts = write(release, file_format, tmp_path, filter=filter_)
    assert facts.rows == expected
    match file_format:
        case Format.DWCA:
            count = len(occurrences(out))
        case Format.CSV:
            count = pl.read_csv(out, infer_schema_length=0).height
        case Format.GEOPARQUET:
            count = len(gpd.read_parquet(out))
        case Format.GPKG:
            count = len(gpd.read_file(out, layer="occurrences"))
        case Format.GEOJSON:
            count = len(json.loads(out.read_bytes())["features"])
        case Format.SPECIES_LIST:
            count = int(pl.read_csv(out, infer_schema_length=0)["numberOfOccurrences"].cast(pl.Int64).sum())
        case Format.CUBE:
            count = int(pl.read_csv(out, infer_schema_length=0)["occurrences"].cast(pl.Int64).sum())
    assert count == expected


class Killed(Exception):
    pass


@pytest.mark.parametrize("file_format", [*Format])
def test_what_a_crash_left_plays_no_part(release, tmp_path, monkeypatch, file_format):
    monkeypatch.setattr(selection, "CHUNK_ROWS", 100)
    whole, _ = write(release, file_format, tmp_path)
    expected = whole.read_bytes()
    whole.unlink()
    steps = []

    def step(_share):
        steps.append(1)
        if len(steps) > 3:
            raise Killed

    request = ExportRequest(**ASKED)
    with suppress(Killed):
        export(release.path, file_format, request, whole, step=step)
    whole.unlink(missing_ok=True)
    export(release.path, file_format, request, whole)
    assert whole.read_bytes() == expected


def test_steps_are_small_whatever_the_size(release, tmp_path, monkeypatch):
    """Memory is flat because no step holds more rows than it may: seen by the sizes of what is read and written."""
    monkeypatch.setattr(selection, "CHUNK_ROWS", 50)
    heights = []
    conform = terms.conform
    monkeypatch.setattr(selection.terms, "conform", lambda f, c: heights.append(f.height) or conform(f, c))
    monkeypatch.setattr("biodata.exports.geo_files._GROUP_ROWS", 120)
    out, _ = write(release, Format.GEOPARQUET, tmp_path)
    assert max(heights) <= 120
    groups = pq.read_metadata(out)
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [120] * 5 + [47]


def test_steps_are_alike(release, monkeypatch):
    monkeypatch.setattr(selection, "CHUNK_ROWS", 20)
    with selection.Selection(release.path, Compare("countryCode", "=", "LA")) as chosen:
        steps = list(chosen.chunks(["key", "countryCode"], lambda frame: frame))
    assert len(steps) > 3
    assert {frame.height for _, frame in steps[:-1]} == {20}
    assert set(pl.concat([frame for _, frame in steps])["countryCode"]) == {"LA"}


def test_reading_that_is_interrupted_ends(release, tmp_path):
    opened = []
    with pytest.raises(StoreError):
        export(release.path, Format.CSV, ExportRequest(**ASKED), tmp_path / "out.csv", opened=opened.append,
               step=lambda _share: opened[0].interrupt())  # fmt: skip
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("told", "result"), [
    ([], "UNSPECIFIED"),
    (["CC0_1_0"], "CC0_1_0"),
    (["CC0_1_0", "CC_BY_NC_4_0", "CC_BY_4_0"], "CC_BY_NC_4_0"),
    (["CC_BY_NC_4_0", "UNSPECIFIED"], "UNSPECIFIED"),
    (["CC_BY_4_0", "something"], "UNSUPPORTED"),
])  # fmt: skip
def test_the_strictest_licence_holds_for_the_whole(told, result):
    assert strictest(told) == result


@pytest.mark.parametrize("key", ["7ddf754f-d193-4cc9-b351-99906754a03b", "../../etc", "西双版纳" * 60, "a/b\\c:d"])
def test_a_dataset_s_key_is_a_safe_name(key):
    name = archive.member_name(key)
    assert len(name) <= 150
    assert not set(name) & set("/\\:")
    if "-" in key:
        assert name == key
