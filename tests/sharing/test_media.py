"""Pictures and sounds from an archive to every answer and export: licences of their own, and withheld on their own."""

import json
import uuid
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.exports.request import Columns, ExportRequest
from biodata.exports.write import KINDS, Format, export
from biodata.formats.dwca import open_dwca
from biodata.sharing.media import items, let_out, read
from biodata.store import releases

META = """<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n"
 ignoreHeaderLines="1" rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>
 <id index="0"/>{core}</core><extension encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n"
 ignoreHeaderLines="1" rowType="http://rs.gbif.org/terms/1.0/Multimedia"><files><location>multimedia.txt</location></files>
 <coreid index="0"/>{extension}</extension></archive>"""
CORE = ("occurrenceID", "scientificName", "decimalLatitude", "decimalLongitude", "eventDate", "countryCode", "license",
        "associatedMedia")  # fmt: skip
ROWS = [
    ("a", "Lophura nycthemera", "20.11", "100.71", "2024-01-05", "LA", "CC0", ""),
    ("b", "Lophura nycthemera", "20.35", "100.92", "2024-02-06", "LA", "CC0", "https://x.org/b1.jpg | https://x.org/b2.jpg"),
    ("c", "Nomascus leucogenys", "21.23456", "101.34567", "2024-03-07", "LA", "CC0", "https://x.org/planted.jpg"),
    ("d", "Lophura nycthemera", "20.77", "101.05", "2024-04-08", "LA", "CC0", ""),
]  # fmt: skip
AT = {20.11: "a", 20.35: "b", 20.77: "d"}
"""Open records by their place."""
EXTENSION = ("type", "format", "identifier", "creator", "rightsHolder", "license", "description")
MEDIA = [
    ("a", "StillImage", "image/jpeg", "https://x.org/a1.jpg", "Noy", "", "http://creativecommons.org/licenses/by-nc/4.0/", ""),
    ("a", "Sound", "audio/mpeg", "https://x.org/a2.mp3", "", "Akha", "", ""),
    ("a", "StillImage", "", "https://x.org/sacred.jpg", "", "", "", "TK SS"),
    ("a", "StillImage", "", "javascript:alert(1)", "", "", "all rights reserved", ""),
    ("c", "StillImage", "", "https://x.org/planted2.jpg", "", "", "", ""),
]  # fmt: skip
TOLD = {
    "a": [
        {"type": "StillImage", "format": "image/jpeg", "identifier": "https://x.org/a1.jpg", "creator": "Noy", "license": "CC_BY_NC_4_0"},
        {"type": "Sound", "format": "audio/mpeg", "identifier": "https://x.org/a2.mp3", "rightsHolder": "Akha", "license": "UNSPECIFIED"},
        {"type": "StillImage", "license": "UNSUPPORTED"},
    ],
    "b": [{"identifier": f"https://x.org/b{n}.jpg", "license": "UNSPECIFIED"} for n in (1, 2)],
    "c": [],
    "d": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("media"), MEDIA)


def installation(folder, media, *, numbers=True):
    """Return the settings of a release of the records; with random numbers, else with those of `ROWS`."""
    number = {row[0]: str(uuid.uuid5(uuid.NAMESPACE_URL, row[0])) if numbers else row[0] for row in ROWS}
    fields = [
        "".join(f'<field index="{n}" term="{base}{t}"/>' for n, t in enumerate(names, first))
        for names, first, base in (
            (CORE, 0, "http://rs.tdwg.org/dwc/terms/"),
            (EXTENSION, 1, "http://purl.org/dc/terms/"),
        )
    ]
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("meta.xml", META.format(core=fields[0], extension=fields[1]))
        for name, heading, rows in (
            ("occurrence.txt", CORE, ROWS),
            ("multimedia.txt", ("coreid", *EXTENSION), media),
        ):
            told = [heading, *((number[first], *rest) for first, *rest in rows)]
            archive.writestr(name, "".join(",".join(row) + "\n" for row in told))
    found = Settings(data=folder / "data", memory_limit="500MB")
    pipeline.ingest("dwca", [folder / "archive.zip"], found, dataset="village")
    pipeline.release(found)
    return found


@pytest.mark.parametrize(("shared", "numbers"), [
    pytest.param("c", True, id="one is of a hidden record too"), pytest.param("a", False, id="names may run"),
])  # fmt: skip
def test_no_picture_of_a_dataset_goes_out_where_one_could_tell_a_hidden_record(tmp_path, shared, numbers):
    told = installation(
        tmp_path, [*MEDIA, (shared, "StillImage", "", "https://x.org/b2.jpg", "", "", "", "")], numbers=numbers
    )
    rows = releases.read(releases.current(told.data), "occurrences")
    assert rows.height == len(ROWS)
    assert rows["media"].null_count() == rows.height


def test_each_picture_has_a_licence_of_its_own_and_is_withheld_on_its_own(settings):
    release = releases.current(settings.data)
    names = ("decimalLatitude", "media", "license_effective")
    rows = releases.read(release, "occurrences").select(names).rows()
    told = {AT.get(latitude, "c"): items(media) for latitude, media, _ in rows}
    assert told == TOLD
    assert {licence for latitude, _, licence in rows if latitude in AT} == {"CC0_1_0"}, (
        "the records' licence is another thing"
    )
    content = release.path.read_bytes()
    for hidden in (b"planted", b"sacred", b"javascript:"):
        assert hidden not in content


def test_the_service_tells_them_as_gbif_does(settings):
    with TestClient(create_app(settings), base_url="http://test") as client:
        found = client.get("/v1/occurrence/search", params={"limit": 10}).json()["results"]
        told = {AT.get(record["decimalLatitude"], "c"): record["media"] for record in found}
        assert told["a"][0]["license"] == "http://creativecommons.org/licenses/by-nc/4.0/legalcode"
        assert [one.get("identifier") for one in told["b"]] == ["https://x.org/b1.jpg", "https://x.org/b2.jpg"]
        assert told["c"] == told["d"] == []
        counts = {"UNSPECIFIED": 3, "CC_BY_NC_4_0": 1, "UNSUPPORTED": 1}
        assert client.get("/v1/rights/datasets/village").json()["media_licenses"] == counts
        assert "3 under no licence that is told; 1 under CC BY-NC 4.0" in client.get("/v1/dataset/village?f=html").text
        for path in ("/v1/occurrence/search?limit=10", "/ogc/collections/occurrences/items?limit=10&f=json"):
            assert not [word for word in ("planted", "sacred") if word in client.get(path).text]


@pytest.mark.parametrize("kind", [Format.DWCA, Format.CSV, Format.GEOPARQUET, Format.GPKG, Format.GEOJSON])
def test_they_are_in_exports(settings, tmp_path, kind):
    release, out = releases.current(settings.data), tmp_path / f"out.{KINDS[kind].suffix}"
    columns = Columns.ALL if kind is Format.CSV else Columns.SIMPLE
    export(release.path, kind, ExportRequest("x", "2026-11-26T10:00:00+00:00", columns=columns), out)
    content = out.read_bytes()
    if kind is not Format.DWCA:
        if kind is Format.CSV:
            told = pl.read_csv(out)["media"].drop_nulls().to_list()
            assert sorted(map(len, map(items, told))) == [2, 3]
        assert b"planted" not in content
        return
    with zipfile.ZipFile(out) as archive:
        lines = [line.split("\t") for line in archive.read("multimedia.txt").decode().splitlines()]
        found = [line[1:] for line in lines[1:2]]
        assert found == [["StillImage", "image/jpeg", "https://x.org/a1.jpg", "", "", "Noy", "", "CC_BY_NC_4_0", ""]]
        assert len(lines) == 6
        assert not [name for name in archive.namelist() if b"planted" in archive.read(name)]
    (extension,) = open_dwca(out).description.extensions
    assert extension.kind == "Multimedia"
    back = Settings(data=tmp_path / "back", memory_limit="500MB")
    report = pipeline.ingest("dwca", [out], back)
    assert report is not None


def test_an_archive_without_any_has_no_table_of_them(settings, tmp_path):
    from biodata.store.query.filters import Compare

    request = ExportRequest("x", "2026-11-26T10:00:00+00:00", filter=Compare("decimalLatitude", "=", 20.77))
    export(releases.current(settings.data).path, Format.DWCA, request, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "multimedia.txt" not in archive.namelist()
    assert not open_dwca(tmp_path / "out.zip").description.extensions


@given(
    st.one_of(
        st.text(), st.just("[" * 100_000), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)
    ),
    st.text(),
)
def test_any_text_is_read(extension, associated):
    kept = read(extension, associated)
    assert kept is None or items(let_out(pl.Series([kept]))[0]) is not None


def test_audubon_core_is_read():
    row = {"accessURI": "https://x.org/a.jpg", "usageTerms": "CC BY 4.0", "owner": "Akha",
           "furtherInformationURL": "https://x.org/a"}  # fmt: skip
    assert items(read(json.dumps([row]), "https://x.org/a.jpg")) == [
        {"identifier": "https://x.org/a.jpg", "references": "https://x.org/a", "rightsHolder": "Akha", "license": "CC_BY_4_0"}
    ]  # fmt: skip


def test_terms_of_xmp_begin_with_capitals_and_a_uuid_is_no_address():
    row = {"identifier": "d9642bfa-3f11-45be-9183-46025318ccda", "accessURI": "https://x.org/front.jpg",
           "Owner": "A museum", "UsageTerms": "CC BY-NC 4.0"}  # fmt: skip
    told = {"identifier": "https://x.org/front.jpg", "rightsHolder": "A museum", "license": "CC_BY_NC_4_0"}
    assert items(read(json.dumps([row]), None)) == [told]
    assert items(let_out(pl.Series([read(json.dumps([row | {"UsageTerms": "TK SS"}]), None)]))[0]) == []
