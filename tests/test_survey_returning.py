"""A return to a version: events of several designs stand in one table then, and the check finds no fault that nobody made."""

import threading
from datetime import date

import polars as pl
import pytest

import appointed
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.ingest.survey_periods import with_period
from biodata.settings import Settings
from biodata.store.registry import Registry
from biodata.surveys import history, receive, review
from biodata.worker import work

EVENTS = {
    "camera.csv": "eventID,deploymentStart,deploymentEnd,samplingProtocol,decimalLatitude,decimalLongitude,countryCode\n"
    "CT-1,2026-03-01,2026-03-11,camera trap,20.91,101.31,LA\n",
    "line.csv": "eventID,eventDate,samplingProtocol,decimalLatitude,decimalLongitude,countryCode\n"
    "LT-1,2026-03-02,line transect,20.92,101.32,LA\n",
}
RECORDS = "occurrenceID,eventID,scientificName,eventDate,individualCount\n{0},{1},Muntiacus muntjak,2026-03-02,1\n"


@pytest.mark.parametrize("told", [None, "", "  "])
def test_an_event_without_a_date_has_its_start_and_end(told):
    frame = pl.DataFrame(
        {
            "eventDate": ["2026-03-02", told],
            "deploymentStart": [None, "2026-03-01"],
            "deploymentEnd": [None, "2026-03-11"],
        }
    )
    assert with_period(frame, date(2026, 11, 27))["eventDate"].to_list() == ["2026-03-02", "2026-03-01/2026-03-11"]


def test_a_date_that_is_told_stays():
    frame = pl.DataFrame({"eventDate": ["2026-03-05"], "deploymentStart": ["2026-03-01"]})
    assert with_period(frame, date(2026, 11, 27))["eventDate"].to_list() == ["2026-03-05"]


def test_the_check_of_a_return_warns_of_no_date_that_was_never_missing(tmp_path, zipped):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    with Registry.open(settings) as registry:
        appointed.new(registry, "team", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
        team = accounts.find(registry, "team")
        for event, (name, text) in zip(("CT-1", "LT-1"), EVENTS.items(), strict=True):
            content = zipped({"events.csv": text, "occurrences.csv": RECORDS.format(f"O-{event}", event)})
            sent = receive(settings, registry, content, name.replace(".csv", ".zip"), sender=team)
            work(settings, stop=threading.Event(), once=True)
            assert review.look(registry, team, sent)["state"] == "published"
        number = history.go_back(settings, registry, team, "nam-ha", 2)
        work(settings, stop=threading.Event(), once=True)
        told = review.look(registry, team, number, language="en")
    assert told["file"] == "nam-ha version 2"
    assert [one["code"] for one in told["report"]["problems"] if one["column"] == "eventDate"] == []


@pytest.fixture
def zipped():
    """Return what makes a zip of files."""
    import io
    import zipfile

    def made(files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return content.getvalue()

    return made
