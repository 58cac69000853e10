"""Files of a camera survey whose places are called otherwise the second time, laid beside the first."""

import pytest

from biodata import pipeline
from biodata.settings import Settings
from biodata.surveys.difference import difference

HEAD = (
    "occurrenceID,eventID,eventDate,decimalLatitude,decimalLongitude,locality,cameraID,scientificName,individualCount"
)
TWO = [
    "A1,E1,2026-03-01,21.05,101.2,Ban Na,C1,Sus scrofa,1",
    "A2,E1,2026-03-01,21.05,101.2,Ban Na,C1,Sus scrofa,1",  # a burst
    "B1,E2,2026-03-01,21.05,101.2,Ban Na,C2,Sus scrofa,1",  # the second camera of the station
    "B2,E2,2026-03-01,21.05,101.2,Ban Na,C2,Rusa unicolor,2",
]


def compared(tmp_path, rows, **told):
    (tmp_path / "second.csv").write_text("\n".join([HEAD, *rows]))
    return difference([tmp_path / "second.csv"], "cameras", Settings(data=tmp_path / "data"), **told)


@pytest.fixture
def first(tmp_path):
    (tmp_path / "first.csv").write_text("\n".join([HEAD, *TWO]))
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    pipeline.ingest("survey", [tmp_path / "first.csv"], settings, dataset="cameras")
    return tmp_path


def test_a_translated_place_and_other_identifiers_are_asked_about(first):
    rows = [f"X{row}".replace("Ban Na", "Field Village").replace(",E", ",2026-E") for row in TWO]
    found = compared(first, rows)
    assert found.asked() >= len(TWO)
    pairs = dict(found.occurrences.pairs.select("was", "identifier").iter_rows())
    assert pairs == {name: f"X{name}" for name in ("A1", "A2", "B1", "B2")}
    same = compared(first, rows, answer="same").occurrences
    assert (same.counts()["changed"], same.counts()["new"]) == (4, 0)
    assert set(same.cells["column"]) >= {"locality"}


def test_renumbered_cameras_keep_their_own_records(first):
    rows = [f"X{row}".replace("Ban Na", "Field Village") for row in (*TWO[2:], *TWO[:2])]
    pairs = dict(compared(first, rows).occurrences.pairs.select("was", "identifier").iter_rows())
    assert (pairs["B2"], pairs["A2"]) == ("XB2", "XA2")


def test_a_third_camera_at_the_station_is_new(first):
    rows = [*TWO, "D1,E3,2026-03-01,21.05,101.2,Ban Na,C3,Sus scrofa,1"]
    found = compared(first, rows)
    assert (found.asked(), found.occurrences.counts()["new"]) == (0, 1)
