"""The scanner over every file of an installation that has taken in, refused, released, exported, cited and replayed."""

import threading

import openpyxl
import pytest
from starlette.testclient import TestClient

import leaks
from api.app import create_app
from biodata.access import credentials
from biodata.core.settings import Settings
from biodata.store import folders
from biodata.worker import work
from hidden_records import PLACES, RULES, installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
UPLOADED = leaks.Place("uploaded", latitude=20.93127, longitude=101.12843)
REFUSED = leaks.Place("refused", latitude=20.87319, longitude=101.17253)


def survey(source, target) -> None:
    """Write a survey of which one row tells a gibbon, and one a gibbon on a day that cannot be."""
    book = openpyxl.load_workbook(source)
    for sheet in book:
        headings = {cell.value: cell.column for cell in sheet[1]}
        if {"scientificName", "decimalLatitude", "decimalLongitude"} <= headings.keys():
            for row, place in ((2, UPLOADED), (3, REFUSED)):
                for name, value in (("scientificName", "Nomascus nasutus"), ("decimalLatitude", place.latitude),
                                    ("decimalLongitude", place.longitude)):  # fmt: skip
                    sheet.cell(row, headings[name], value)
            sheet.cell(3, headings["decimalLongitude"], f"{REFUSED.longitude} / {REFUSED.latitude}")
    book.save(target)


def test_no_file_outside_the_private_ones_tells_a_hidden_place(tmp_path, sample_data, caplog):
    settings: Settings = installation(tmp_path, RULES, with_hidden=True)
    survey(sample_data / "survey_namha.xlsx", tmp_path / "survey.xlsx")
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        shown = {"X-API-Key": credentials.key_for_uploads(client.app.state.service.registry, "a team")}
        for name in ("survey.xlsx", "again.xlsx"):
            sent = {"file": (name, (tmp_path / "survey.xlsx").read_bytes() + b"\0" * (name == "again.xlsx"))}
            client.post("/v1/surveys", params={"dry_run": "true"}, files=sent)
            client.post("/v1/surveys", files=sent, headers=shown)
        for kind in ("csv", "dwca", "geoparquet", "gpkg", "geojson", "species-list", "cube"):
            client.post("/v1/downloads", params={"format": kind})
        cited = client.post("/v1/citations", params={"species": "Nomascus nasutus"}).headers["location"]
        work(settings, stop=threading.Event(), once=True)
        client.post(f"{cited}/replay")
        work(settings, stop=threading.Event(), once=True)
    places = [*PLACES, UPLOADED, REFUSED]
    assert leaks.scan(caplog.text.encode(), places, name="log") == []
    lake = leaks.scan_folder(settings.data / "lake", places)
    assert {f.place for f in lake} >= {"seat", "words"}, "control: the lake holds them"
    read_by_service = {*folders.PUBLIC, folders.SERVICE}
    private = tuple(path.name for path in settings.data.iterdir() if path.name not in read_by_service)
    found = leaks.scan_folder(settings.data, places, without=private)
    assert sorted({(f.place, f.where) for f in found}) == []
