"""Two surveys of one dataset: what an upload takes away of which, told by survey and by what everybody knows a row by."""

import pytest

from biodata.access import accounts
from biodata.store.registry import Registry
from biodata.surveys import review
from test_survey_difference import FIRST
from test_survey_undo import Team

LINE_EVENTS = [["T1", "2026-04-01", 20.55, 101.2, "line 1"], ["T2", "2026-04-02", 19.06, 102.3, "line 2"]]
LINES = [
    ["TR-1", "T1", "Macaca mulatta", 2, None],
    ["TR-2", "T1", "Sus scrofa", 3, None],
    ["TR-3", "T2", "Hylobates lar", 1, None],  # which is told as a cell, and under no identifier
]


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    return Team(tmp_path_factory.mktemp("corrections"))


def both(team, dataset):
    """Publish the two surveys, each a file of its own; return their numbers."""
    return team.send(dataset, FIRST), team.send(dataset, LINES, LINE_EVENTS)


def looked_at(team, number, language="en"):
    with Registry.open(team.settings) as registry:
        return review.look(registry, accounts.find(registry, "rangers"), number, language=language)["difference"]


def test_what_stays_is_not_told_as_gone(team):
    both(team, "adds")
    told = looked_at(team, team.send("adds", FIRST[:5]))
    for table, lacking in (("occurrences", 4), ("events", 2)):
        assert (told[table]["counts"]["gone"], told[table]["gone"], told[table]["lacking"]) == (0, [], lacking)
    assert "goes" not in told
    assert told["notes"] == []


def test_a_whole_state_tells_of_which_surveys_rows_go(team):
    first, lines = both(team, "whole")
    told = looked_at(team, team.send("whole", FIRST[:5], complete=True))
    assert told["goes"] == [
        {"survey": first, "occurrences": 1, "events": 0}, {"survey": lines, "occurrences": 3, "events": 2},
    ]  # fmt: skip
    assert [one["message"] for one in told["notes"]] == [
        f"This takes 1 records and 0 events of survey {first} (survey.xlsx) out of the dataset",
        f"This takes 3 records and 2 events of survey {lines} (survey.xlsx) out of the dataset",
    ]
    gone = [(one["survey"], one["was_row"], one["before"]) for one in told["occurrences"]["gone"]]
    # What a release tells under its own identifier is told by it, and what it does not by its place alone.
    assert sorted(gone) == [(first, 7, "NH-6"), (lines, 2, "TR-1"), (lines, 3, "TR-2"), (lines, 4, None)]
    events = [(one["survey"], one["was_sheet"], one["was_row"]) for one in told["events"]["gone"]]
    assert sorted(events) == [(lines, "events", 2), (lines, "events", 3)]
    assert {one["before"] for one in told["events"]["gone"]} == {"T1", None}
