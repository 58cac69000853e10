"""`biodata ingest survey` of a renumbered survey: asked about as at the service, and nothing goes in before the answer."""

import pytest

from biodata import pipeline
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.surveys.renamed_files import Moves, moves
from commands import run
from test_survey_difference import FIRST, FIRST_EVENTS, save

OTHER_EVENTS = [[f"X-{row[0]}", *row[1:]] for row in FIRST_EVENTS]
OTHER = [[f"2026/{row[0]}", f"X-{row[1]}", *row[2:]] for row in FIRST]
IDS = {row[0] for row in FIRST}


@pytest.fixture
def settings(tmp_path):
    found = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [save(tmp_path / "first.xlsx", FIRST, FIRST_EVENTS)], found, dataset="nam-ha")
    return found


def held(settings):
    with Lake.open(settings.data) as lake:
        records = dict(lake.read("occurrences").select("occurrenceID", "key").iter_rows())
        return records, set(lake.read("events")["eventID"])


def test_the_command_asks_and_goes_on_with_the_answer(settings, tmp_path):
    keys, events = held(settings)
    file = save(tmp_path / "second.xlsx", OTHER, OTHER_EVENTS)
    command = ("ingest", "survey", str(file), "--dataset", "nam-ha", "--data", str(settings.data))
    asked = run(*command)
    assert asked.returncode != 0
    assert "9 rows seem to be in dataset nam-ha already under another identifier, such as row 2" in asked.stderr
    assert "--renamed same" in asked.stderr
    assert held(settings) == (keys, events), "nothing went in"
    done = run(*command, "--renamed", "same")
    assert done.returncode == 0, done.stderr
    now, events = held(settings)
    assert now == {f"2026/{name}": key for name, key in keys.items()}, "each is the record that it was"
    assert events == {row[0] for row in OTHER_EVENTS}
    again = run(*command)
    assert again.returncode == 0, "there is nothing to ask about any more"


def test_others_that_are_alike_go_in_beside_them(settings, tmp_path):
    file = save(tmp_path / "second.xlsx", OTHER, OTHER_EVENTS)
    assert moves([file], "nam-ha", settings, options={}, answer="new") == Moves()
    done = run("ingest", "survey", str(file), "--dataset", "nam-ha", "--data", str(settings.data), "--renamed", "new")
    assert done.returncode == 0, done.stderr
    records, events = held(settings)
    assert set(records) == IDS | {row[0] for row in OTHER}
    assert len(events) == 6


def test_rows_that_cannot_be_the_same_are_refused(settings, tmp_path):
    shifted = save(tmp_path / "shifted.xlsx", [[f"NH-{n + 2}", *row[1:]] for n, row in enumerate(FIRST)], FIRST_EVENTS)
    left = save(tmp_path / "left.xlsx", [["2026/NH-1", "X-E1", *FIRST[0][2:]]], [OTHER_EVENTS[0]])
    for file, code in ((shifted, "RENAMED_SHIFTED"), (left, "RENAMED_EVENT_LEFT")):
        with pytest.raises(InputError) as caught:
            moves([file], "nam-ha", settings, options={}, answer="same")
        assert caught.value.code == code
    with pytest.raises(InputError, match="says nothing"):
        moves([left], "nam-ha", settings, options={}, answer="perhaps")


def test_a_first_survey_and_what_is_none_are_asked_nothing(tmp_path):
    file = save(tmp_path / "first.xlsx", FIRST, FIRST_EVENTS)
    assert moves([file], "nam-ha", Settings(data=tmp_path / "none"), options={}, answer=None) == Moves()
    done = run("ingest", "gbif", str(file), "--data", str(tmp_path / "none"), "--renamed", "same")
    assert done.returncode != 0
    assert "one of the sources survey, dwca" in done.stderr


def loose(folder, sign=""):
    """Write a survey as Darwin Core; its identifiers begin with a sign."""
    folder.mkdir()
    days = {f"{sign}E{n}": f"2026-03-0{n}" for n in (1, 2, 3)}
    at = "21.1,101.2,point count"
    events = [f"{event},{day},{at}" for event, day in days.items()]
    animals = ("Muntiacus muntjak", "Sus scrofa", "Rusa unicolor")
    records = [f"{event}-{n},{event},{name}" for event in days for n, name in enumerate(animals)]
    head = "eventID,eventDate,decimalLatitude,decimalLongitude,samplingProtocol"
    (folder / "event.csv").write_text("\n".join([head, *events, ""]))
    (folder / "occurrence.csv").write_text("\n".join(["occurrenceID,eventID,scientificName", *records, ""]))
    return folder


def test_an_archive_is_asked_about_as_sheets_are(tmp_path):
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("dwca", [loose(tmp_path / "first")], settings, dataset="counts")
    keys, _ = held(settings)
    second = loose(tmp_path / "second", "X-")
    command = ("ingest", "dwca", str(second), "--dataset", "counts", "--data", str(settings.data))
    asked = run(*command)
    assert asked.returncode != 0
    assert "rows seem to be in dataset counts already under another identifier" in asked.stderr
    assert held(settings)[0] == keys, "nothing went in"
    done = run(*command, "--renamed", "same")
    assert done.returncode == 0, done.stderr
    now, events = held(settings)
    assert now == {f"X-{name}": key for name, key in keys.items()}
    assert events == {"X-E1", "X-E2", "X-E3"}
    assert (
        moves([tmp_path / "first"], "counts", settings, options={"complete": "yes"}, answer=None, source="dwca")
        == Moves()
    )
