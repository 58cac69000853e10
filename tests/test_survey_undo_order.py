"""Surveys that are taken back one after another, while another is written, or though an older file cannot be read any more."""

import pytest

from biodata.access import accounts, withdrawal
from biodata.errors import StoreError
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.surveys import history, standing, withdrawing
from test_survey_difference import FIRST
from test_survey_undo import Team

pytestmark = pytest.mark.searches  # walks of several surveys; `test_survey_undo` has each kind of undoing


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    return Team(tmp_path_factory.mktemp("order"))


def saying(name, count):
    """Return the row of a record with another count."""
    row = next(row for row in FIRST if row[0] == name)
    return [*row[:3], count, row[4]]


def first_count(name):
    return str(next(row[3] for row in FIRST if row[0] == name))


def counts(team, dataset):
    return {name: count for name, (_, count) in team.records(dataset).items()}


def test_the_last_and_then_the_one_before_it_are_undone(team):
    team.send("backwards", FIRST, complete=True)
    was = team.rows("backwards")
    second = team.send("backwards", [saying("NH-1", 510027014)])
    third = team.send("backwards", [saying("NH-1", 510037021)])
    assert team.take_back(third)["records"] == {"changed": 1, "back": 0, "gone": 0}
    assert counts(team, "backwards")["NH-1"] == "510027014"
    assert team.take_back(second)["records"] == {"changed": 1, "back": 0, "gone": 0}
    for table, frame in was.items():
        assert team.rows("backwards")[table].equals(frame), table
    assert team.left(b"510027014", b"510037021") == []
    with Registry.open(team.settings) as registry:
        told = history.versions(registry, None, "backwards")
    assert ["undone" in one for one in told] == [False, True, True]


def test_each_of_two_that_are_taken_back_at_once_tells_what_it_did_itself(team):
    team.send("both", FIRST, complete=True)
    second = team.send("both", [saying("NH-1", 520024014)])
    third = team.send("both", [saying("NH-2", 520034021)])
    with Registry.open(team.settings) as registry:
        who = accounts.find(registry, "rangers")
        for number in (second, third):
            withdrawing.ask(registry, who, number, yes=True)
    assert team.take_back(second)["records"] == {"changed": 1, "back": 0, "gone": 0}
    assert team.of(third).difference["occurrences"]["counts"]["changed"] == 1
    assert counts(team, "both")["NH-2"] == "520034021", "its own job undoes it"
    assert team.take_back(third)["records"] == {"changed": 1, "back": 0, "gone": 0}
    assert counts(team, "both")["NH-2"] == first_count("NH-2")
    assert team.left(b"520024014", b"520034021") == []


def test_nobody_writes_between_the_look_and_what_is_put_back(team, monkeypatch):
    team.send("locked", FIRST, complete=True)
    number = team.send("locked", [saying("NH-1", 530021014)])
    noted, kept_out = withdrawal.note_upload, []

    def note(settings, *told, **named):
        with Lake.open(settings.data) as other, pytest.raises(StoreError), other.writing(timeout_seconds=0):
            pass
        kept_out.append(number)
        noted(settings, *told, **named)

    monkeypatch.setattr(withdrawal, "note_upload", note)
    team.take_back(number)
    assert kept_out == [number]


def test_a_survey_that_is_in_the_lake_and_not_yet_put_down_keeps_what_it_repeats(team):
    team.send("cut", FIRST[:4], complete=True)
    second = team.send("cut", [saying("NH-1", 540028014), FIRST[4]])
    third = team.send("cut", [saying("NH-1", 540028014), *FIRST[4:6]])
    with Registry.open(team.settings) as registry, registry.session() as session, session.begin():
        found = session.get_one(Submission, third)
        found.state, found.snapshot, found.dataset_version = "committing", None, None
    team.take_back(second)
    assert counts(team, "cut")["NH-1"] == "540028014"
    assert set(team.records("cut")) == {row[0] for row in FIRST[:6]}


def test_a_kept_file_that_cannot_be_read_any_more_stops_no_return_and_no_withdrawal(team):
    team.send("broken", FIRST, complete=True)
    second = team.send("broken", [saying("NH-1", 550025014)])
    third = team.send("broken", [saying("NH-2", 550035021)])
    standing.file_of(team.settings.data, team.of(third)).write_bytes(b"no workbook")
    with Lake.open(team.settings.data) as lake:

        def options(submission):
            raise AssertionError(submission.id)

        every = [team.of(one) for one in (second - 1, second, third)]
        standing.look(team.settings, lake, every, gone=set(), options=options)
    team.take_back(second)
    found = counts(team, "broken")
    assert (found["NH-1"], found["NH-2"]) == (first_count("NH-1"), "550035021")


def test_an_upload_that_somebody_else_handed_in_stays_theirs():
    mine, other = Submission(id=2, account_id=1, answers=1), Submission(id=1, account_id=7)
    assert withdrawing._versions(mine, [mine, other]) == [2]
    other.account_id = 1
    assert withdrawing._versions(mine, [mine, other]) == [2, 1]
