"""A corrected file that names rows which were taken back before: nobody takes for published what is refused."""

import json
import threading

import pytest

from biodata import pipeline
from biodata.access import accounts
from biodata.store.models import Job
from biodata.store.registry import Registry
from biodata.surveys import receive, telling, withdrawing, words
from biodata.surveys.sending import Sent
from biodata.worker import work
from test_survey_difference import FIRST, FIRST_EVENTS, save
from test_survey_undo import Team

pytestmark = pytest.mark.searches  # walks of what comes again; `test_survey_undo` has each kind of undoing

CODE = "RECORD_WITHDRAWN"


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    return Team(tmp_path_factory.mktemp("again"))


def hand_in(team, dataset, records, events=FIRST_EVENTS):
    """Send a file and let the worker do what it can; return the survey as it stands."""
    path = save(team.folder / "again.xlsx", records, events)
    with Registry.open(team.settings) as registry:
        who = accounts.find(registry, "rangers")
        number = receive(
            team.settings, registry, path.read_bytes(), path.name, sender=who, dataset=dataset, sent=Sent()
        )
    work(team.settings, stop=threading.Event(), once=True)
    return team.of(number)


def told(found):
    """Return what is told of withdrawn rows: sheet, row, whether it blocks."""
    return [(one["sheet"], one["row"], one["blocking"]) for one in found.report["problems"] if one["code"] == CODE]


def asked(team, number):
    with Registry.open(team.settings) as registry:
        return withdrawing.plan(team.settings, registry, number, who=accounts.find(registry, "rangers"))["message"]


def test_a_corrected_file_of_the_same_identifiers_is_refused_and_each_row_tells_why(team):
    number = team.send("alone", FIRST)
    said = asked(team, number)
    assert "refused if it comes again" in said
    assert "say them as well" not in said
    team.take_back(number)
    for language in words.LANGUAGES:
        assert "{" not in telling.undone_words(telling.undone(team.of(number)), language)
    found = hand_in(team, "alone", [*FIRST[:3], [*FIRST[3][:3], 9, None], *FIRST[4:]])
    assert found.state == "refused"
    rows = [one for one in told(found) if one[0] == "Records"] or told(found)
    assert [row for _, row, _ in rows][-6:] == [2, 3, 4, 5, 6, 7]
    assert all(blocks for _, _, blocks in rows)
    renamed_events = [[f"N{event[0]}", *event[1:]] for event in FIRST_EVENTS]
    records = [[f"N{row[0]}", f"N{row[1]}", *row[2:]] for row in FIRST]
    found = hand_in(team, "alone", records, renamed_events)
    assert (found.state, told(found)) == ("published", [])
    assert set(team.records("alone")) == {row[0] for row in records}


def test_where_others_go_in_the_rows_that_do_not_are_told_and_not_counted(team):
    team.send("some", FIRST[:4], complete=True)
    number = team.send("some", FIRST[4:5])
    assert "1 records and 0 events are removed" in asked(team, number)
    team.take_back(number)
    found = hand_in(team, "some", [*FIRST[:4], FIRST[4], FIRST[5]])
    assert found.state == "published"
    assert [(row, blocks) for _, row, blocks in told(found)] == [(6, False)]
    counts = found.difference["occurrences"]["counts"]
    assert (counts["new"], counts["unchanged"]) == (1, 4)
    assert set(team.records("some")) == {row[0] for row in (*FIRST[:4], FIRST[5])}


def test_files_that_were_taken_in_beside_surveys_are_told_before_one_is_undone(team):
    number = team.send("beside", FIRST)
    path = save(team.folder / "of the operator.xlsx", FIRST, FIRST_EVENTS)
    assert "took in beside surveys" not in asked(team, number)
    pipeline.ingest("survey", [path], team.settings, dataset="beside")
    assert "took in beside surveys: 1." in asked(team, number)


def test_a_survey_whose_undoing_failed_says_that_the_map_may_still_show_it(team):
    number = team.send("failing", FIRST)
    with Registry.open(team.settings) as registry:
        who = accounts.find(registry, "rangers")
        job = withdrawing.ask(registry, who, number, yes=True)
        with registry.session() as session:
            found = team.of(number)
            waits = telling.on_map(session, found, "en")
            assert (waits["shown"], "may still show it" in waits["message"]) == (False, True)
            assert telling.what_next(session, found, "en") == waits["message"]
        with registry.session() as session, session.begin():
            session.get_one(Job, job).state = "failed"
        with registry.session() as session:
            for language in words.LANGUAGES:
                code = words.told("NEXT_UNDOING_HALTED", {}, language)[0]
                assert telling.what_next(session, team.of(number), language) == code
                assert telling.on_map(session, team.of(number), language)["message"] == code
    assert team.take_back(number)["records"]["gone"] == 6
    with Registry.open(team.settings) as registry, registry.session() as session:
        assert "6" in json.dumps(telling.on_map(session, team.of(number), "en"))
