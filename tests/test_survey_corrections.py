"""Two surveys of one dataset: what an upload takes away of which, told by survey and by what everybody knows a row by."""

import zipfile

import polars as pl
import pytest

import appointed
from biodata import jobs
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import UNDOING_JOB
from biodata.store.verify import verify
from biodata.surveys import correcting, gone_rows, receive, review, standing, taking, telling
from biodata.surveys.difference import Corrected, Difference, TableDifference, _of_survey
from biodata.surveys.sending import Sent
from test_survey_difference import FIRST, FIRST_EVENTS, save
from test_survey_review import CHINA, LAOS, LAOS_TOO, workbook
from test_survey_review import office as office
from test_survey_undo import Team
from test_survey_undo import showing as showing

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


@pytest.mark.searches
def test_what_stays_is_not_told_as_gone(team):
    both(team, "adds")
    told = looked_at(team, team.send("adds", FIRST[:5]))
    for table, lacking in (("occurrences", 4), ("events", 2)):
        assert (told[table]["counts"]["gone"], told[table]["gone"], told[table]["lacking"]) == (0, [], lacking)
    assert "goes" not in told
    assert told["notes"] == []


@pytest.mark.usefixtures("showing")
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


MENDED = [
    ["NH-1", "E1", "Muntiacus muntjak", 2, "male"],  # a cell changed
    FIRST[1],
    ["NH-3", "E2", "Rusa unicolor", 4, None],  # and another
    *FIRST[3:5],  # a row taken away
    ["NH-9", "E3", "Sus scrofa", 1, None],  # and one added
]


@pytest.mark.usefixtures("showing")
def test_a_corrected_version_takes_the_place_of_its_survey_alone(team):
    first, _ = both(team, "walk")
    before = team.rows("walk")
    number = team.send("walk", MENDED, answers=first)
    told = looked_at(team, number)
    assert told["corrects"] == first
    assert told["occurrences"]["counts"] == {"new": 1, "changed": 2, "renamed": 0, "gone": 1, "unchanged": 3}
    assert told["events"]["counts"] == {"new": 0, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 3}
    assert told["goes"] == [{"survey": first, "occurrences": 1, "events": 0}]
    assert [one["before"] for one in told["occurrences"]["gone"]] == ["NH-6"]
    codes = [one["code"] for one in told["notes"]]
    assert codes == ["DIFFERENCE_CORRECTS", "DIFFERENCE_TAKES_AWAY", "DIFFERENCE_VALUES_NOT_KEPT"]
    assert set(team.records("walk")) == {"NH-1", "NH-2", "NH-3", "NH-4", "NH-5", "NH-9", "TR-1", "TR-2", "TR-3"}
    assert team.records("walk")["NH-3"] == ("Rusa unicolor", "4")
    with Registry.open(team.settings) as registry:
        content, who = (team.folder / "survey.xlsx").read_bytes(), accounts.find(registry, "rangers")
        asked = {"sender": who, "dataset": "walk", "sent": Sent(answers=first)}
        again = receive(team.settings, registry, content, "survey.xlsx", **asked)
    assert again == number, "sent twice it is taken once"
    with pytest.raises(InputError, match=f"survey {number} took its place"):
        team.send("walk", FIRST[:2], answers=first)
    back = team.take_back(number)
    assert back["records"] == {"changed": 2, "back": 1, "gone": 1}
    now = team.rows("walk")
    for table, was in before.items():
        assert now[table].equals(was), table
    again = team.send("walk", FIRST[:5], answers=first)
    assert set(team.records("walk")) == {"NH-1", "NH-2", "NH-3", "NH-4", "NH-5", "TR-1", "TR-2", "TR-3"}
    last = team.send("walk", FIRST[:4], answers=again)
    assert set(team.records("walk")) == {"NH-1", "NH-2", "NH-3", "NH-4", "TR-1", "TR-2", "TR-3"}, "and once more"
    assert looked_at(team, last)["occurrences"]["counts"]["gone"] == 1
    assert verify(team.settings).faults == []


@pytest.mark.searches
def test_a_survey_that_comes_in_meanwhile_keeps_its_rows(team, monkeypatch):
    """Another worker publishes NH-6 once more between what a correction takes away was worked out and its commit."""
    first, commit, came = team.send("raced", FIRST), taking._commit, []

    def late(settings, submission, *told, **more):
        if submission.answers == first and not came:
            path = save(team.folder / "other.xlsx", [FIRST[5], *LINES], [*LINE_EVENTS, FIRST_EVENTS[2]])
            with Registry.open(settings) as registry:
                who = accounts.find(registry, "rangers")
                came.append(receive(settings, registry, path.read_bytes(), path.name, sender=who, dataset="raced"))
                taking.take(settings, registry, came[0])
        return commit(settings, submission, *told, **more)

    monkeypatch.setattr(taking, "_commit", late)
    number = team.send("raced", FIRST[:3], FIRST_EVENTS[:2], answers=first)
    assert came == [number + 1]
    assert set(team.records("raced")) == {"NH-1", "NH-2", "NH-3", "NH-6", "TR-1", "TR-2", "TR-3"}
    assert "outdated" in [one["action"] for one in _history(team, number)]


def _history(team, number):
    with Registry.open(team.settings) as registry:
        return review.look(registry, accounts.find(registry, "rangers"), number, language="en")["history"]


@pytest.mark.searches
def test_what_another_survey_says_too_stays(team):
    first = team.send("shared", FIRST)
    other = team.send("shared", [FIRST[5], *LINES], [*LINE_EVENTS, FIRST_EVENTS[2]])
    number = team.send("shared", FIRST[:3], FIRST_EVENTS[:2], answers=first)
    assert set(team.records("shared")) == {"NH-1", "NH-2", "NH-3", "NH-6", "TR-1", "TR-2", "TR-3"}
    assert set(team.rows("shared")["events"]["eventID"]) == {"E1", "E2", "E3", "T1", "T2"}
    team.take_back(number)
    assert len(team.records("shared")) == 9
    team.send("shared", LINES[:1], LINE_EVENTS[:1], answers=other)
    assert set(team.records("shared")) == {*(row[0] for row in FIRST), "TR-1"}, "what the first says stays"
    assert set(team.rows("shared")["events"]["eventID"]) == {"E1", "E2", "E3", "T1"}


def test_what_a_correction_left_out_goes_with_the_other_survey_that_said_it(team):
    first = team.send("dropped", FIRST)
    other = team.send("dropped", [FIRST[5], *LINES], [*LINE_EVENTS, FIRST_EVENTS[2]])
    number = team.send("dropped", FIRST[:3], FIRST_EVENTS[:2], answers=first)
    assert set(team.records("dropped")) == {"NH-1", "NH-2", "NH-3", "NH-6", "TR-1", "TR-2", "TR-3"}
    assert team.take_back(other)["records"] == {"changed": 0, "back": 0, "gone": 4}
    assert set(team.records("dropped")) == {"NH-1", "NH-2", "NH-3"}
    assert set(team.rows("dropped")["events"]["eventID"]) == {"E1", "E2"}
    assert team.take_back(number)["records"] == {"changed": 0, "back": 3, "gone": 0}, "the first says it still"
    assert set(team.records("dropped")) == {row[0] for row in FIRST}
    assert verify(team.settings).faults == []


@pytest.mark.searches
def test_nothing_that_a_lost_file_may_say_goes_with_another_survey(team):
    first = team.send("lost", FIRST)
    other = team.send("lost", [FIRST[5], *LINES], [*LINE_EVENTS, FIRST_EVENTS[2]])
    number = team.send("lost", FIRST[:3], FIRST_EVENTS[:2], answers=first)
    standing.file_of(team.settings.data, team.of(number)).unlink()
    team.take_back(other)
    assert "NH-6" in team.records("lost")


def test_a_row_of_an_archive_that_goes_is_told_with_its_survey(team):
    with zipfile.ZipFile(team.folder / "archive.zip", "w") as archive:
        archive.writestr(
            "event.csv",
            "eventID,eventDate,decimalLatitude,decimalLongitude,countryCode\nA1,2026-04-01,20.55,101.2,LA\n",
        )
        records = [f"R-{n},A1,Sus scrofa,{n}\n" for n in (1, 2)]
        archive.writestr("occurrence.csv", "occurrenceID,eventID,scientificName,individualCount\n" + "".join(records))
    first = team.hand_in("archived", team.folder / "archive.zip")
    assert set(team.records("archived")) == {"R-1", "R-2"}
    told = looked_at(team, team.send("archived", LINES, LINE_EVENTS, complete=True))
    assert told["goes"] == [{"survey": first, "occurrences": 2, "events": 1}]
    assert [one["survey"] for one in told["occurrences"]["gone"]] == [first, first]


def went(events, records, brought, *, alone):
    """Return which events and records go when a survey that alone says so many of them comes again as `brought`."""

    def frame(rows, *links):
        columns = {"identifier": [row[0] for row in rows]}
        columns |= {f"={link}": [row[at] for row in rows] for at, link in enumerate(links, 1)}
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))

    rows = {kind: pl.Series(names, dtype=pl.String) for kind, names in alone.items()}
    came = {
        "events": frame(brought["events"], "parentEventID"),
        "occurrences": frame(brought["occurrences"], "eventID"),
    }
    had = _of_survey(frame(events, "parentEventID"), frame(records, "eventID"), came, Corrected(1, rows))
    return [set(rows["identifier"]) - set(came[kind]["identifier"]) for kind, rows in zip(came, had, strict=True)]


def test_events_that_the_corrected_records_name_stay_without_an_events_sheet():
    events, records = [("P", None), ("E1", "P"), ("E2", None)], [("r1", "E1"), ("r2", "E2")]
    alone = {"events": ["P", "E1", "E2"], "occurrences": ["r1", "r2"]}
    brought = {"events": [], "occurrences": [("r1", "E1")]}
    assert went(events, records, brought, alone=alone) == [{"E2"}, {"r2"}]


def test_the_parents_of_an_event_that_stays_stay():
    events, records = [("Q", None), ("P", "Q"), ("E1", " P "), ("E2", "P")], [("r1", "E2"), ("of-other", "E1")]
    alone = {"events": ["Q", "P", "E1", "E2"], "occurrences": ["r1"]}
    brought = {"events": [("E3", None)], "occurrences": [("r3", "E3")]}
    assert went(events, records, brought, alone=alone) == [{"E2"}, {"r1"}]
    brought = {"events": [("E1", None)], "occurrences": []}
    assert went(events, records, brought, alone=alone) == [{"P", "Q", "E2"}, {"r1"}], "told anew, it has no parent"


@pytest.mark.searches
def test_other_identifiers_of_a_corrected_version_are_the_same_rows(team):
    first, _ = both(team, "renumbered")
    keys = {row["source_record_id"]: row["key"] for row in team.rows("renumbered")["verbatim"].to_dicts()}
    other = [[f"2026/{row[0]}", *row[1:]] for row in FIRST[:5]]
    told = looked_at(team, team.send("renumbered", other, answers=first))
    assert told["occurrences"]["counts"] == {"new": 0, "changed": 0, "renamed": 5, "gone": 1, "unchanged": 0}
    now = {row["source_record_id"]: row["key"] for row in team.rows("renumbered")["verbatim"].to_dicts()}
    assert {name: keys[name.removeprefix("2026/")] for name in now} == now
    assert len(now) == 8


@pytest.mark.searches
def test_a_whole_dataset_is_no_corrected_version_of_one_survey(team):
    first, _ = both(team, "either")
    with pytest.raises(InputError, match="not of the whole dataset"):
        team.send("either", FIRST[:5], answers=first, complete=True)
    whole = team.send("either", [*FIRST, *LINES], [*FIRST_EVENTS, *LINE_EVENTS], complete=True)
    with pytest.raises(InputError, match=f"survey {whole} took its place"):
        team.send("either", FIRST[:5], answers=first)
    team.send("either", [*FIRST[:5], *LINES], [*FIRST_EVENTS, *LINE_EVENTS], answers=whole)
    assert set(team.records("either")) == {*(row[0] for row in FIRST[:5]), "TR-1", "TR-2", "TR-3"}


@pytest.fixture
def registry(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data", memory_limit="500MB")) as registry:
        yield registry


def put_down(session, *told):
    """Put surveys of one dataset down, each by its number, state, what it answers and the version that it made."""
    for number, state, answers, version in told:
        session.add(
            Submission(id=number, dataset="chain", state=state, answers=answers, dataset_version=version,
                       file_name="a.xlsx", file_sha256=f"{number:064}")
        )  # fmt: skip
    session.flush()


def test_of_two_refused_corrections_one_alone_is_sent_again(registry, tmp_path):
    with registry.session() as session, session.begin():
        put_down(session, (1, "published", None, 1), (2, "refused", 1, None), (3, "refused", 1, None))
        second = session.get_one(Submission, 3)
        correcting.check(session, second, complete=False)
        put_down(session, (4, "submitted", 2, None))
        with pytest.raises(InputError, match="on its way already"):
            correcting.check(session, second, complete=False)
        correcting.check(session, session.get_one(Submission, 4), complete=False)
        done = session.get_one(Submission, 4)
        done.state, done.dataset_version = "published", 2
        session.flush()
        with pytest.raises(InputError, match="survey 4 took the place of survey 1, which it corrects") as refused:
            correcting.check(session, second, complete=False)
        assert (refused.value.code, refused.value.expected) == ("SUBMISSION_DECIDED", "answers=4")
        put_down(session, (5, "accepted", 3, None))  # which waited before that was looked at
    with registry.session(read_only=True) as session, Lake.open(tmp_path / "data") as lake:
        late = session.get_one(Submission, 5)
        with pytest.raises(InputError, match="survey 4 took the place of survey 1"):
            taking._corrected(Settings(data=tmp_path / "data"), registry, late, lake)


def test_a_published_survey_whose_correction_was_refused_has_no_new_version(registry):
    with registry.session() as session, session.begin():
        put_down(session, (1, "published", None, 1), (2, "refused", 1, None), (3, "asked", 2, None))
        first, refused = (session.get_one(Submission, number) for number in (1, 2))
        assert review._answered_by(session, None, first) is None, "so the page offers to correct it"
        assert review._answered_by(session, None, refused) == 3
        put_down(session, (4, "submitted", 1, None))
        assert review._answered_by(session, None, first) == 4


def test_what_a_survey_says_that_is_still_being_undone_keeps_its_rows(registry):
    with registry.session() as session, session.begin():
        put_down(session, (1, "published", None, 1), (2, "withdrawn", None, 2), (3, "withdrawn", None, 3))
        waiting = session.get_one(Submission, 2)
        waiting.job_id = jobs.add(session, UNDOING_JOB, {"submission": 2})
        session.flush()
        every = correcting.of_dataset(session, "chain")
        assert telling.are_undone(session, every) == {3}
        waiting.difference = {telling.UNDONE: {"records": {}, "events": {}}}
        assert telling.are_undone(session, every) == {2, 3}


def test_a_draft_tells_no_file_or_sheet_of_another_sender(registry):
    people = {}
    for name in ("one", "two"):
        appointed.new(registry, name, roles=[RoleBinding(Role.UPLOADER, dataset="chain")])
        people[name] = accounts.find(registry, name)
    gone = pl.DataFrame(
        {"kind": ["gone"] * 3, "survey": [1, 2, 2], "was_sheet": ["walk", "of the rangers", "20.55, 101.2"]}
        | {"was_row": [2, 3, 4], "before": ["r1", "r2", "r3"], "shown": [False] * 3}
    )
    empty = dict.fromkeys(
        ("sheet", "identifier", "event", "event_before", "column", "before", "after", "how", "was"), pl.String
    )
    nothing = pl.DataFrame(schema=empty | {"row": pl.Int64, "was_row": pl.Int64})
    rows = pl.concat([gone, nothing.select("sheet", "row", "identifier", "event", "event_before")], how="diagonal")
    table = TableDifference(rows, nothing, nothing)
    none = TableDifference(rows.clear(), nothing, nothing)
    found = Difference("chain", True, None, none, table, 0)
    with registry.session() as session, session.begin():
        put_down(session, (1, "published", None, 1), (2, "published", None, 2), (3, "draft", None, None))
        for number, name in ((1, "one"), (2, "two"), (3, "one")):
            session.get_one(Submission, number).account_id = people[name].account_id
        session.get_one(Submission, 2).file_name = "secret.xlsx"
        session.get_one(Submission, 3).difference = found.as_dict(values=False)
    told = review.look(registry, people["one"], 3, language="en")["difference"]
    assert [one["was_sheet"] for one in told["occurrences"]["gone"]] == ["walk", None, None]
    assert [one["message"] for one in told["notes"]] == [
        "This takes 1 records and 0 events of survey 1 (a.xlsx) out of the dataset",
        "This takes 2 records and 0 events of survey 2 out of the dataset",
    ]
    with registry.session(read_only=True) as session:
        assert gone_rows.file_names(session, None, told["goes"]) == {1: "a.xlsx", 2: "secret.xlsx"}
        kept = session.get_one(Submission, 3).difference
    assert [one["was_sheet"] for one in kept["occurrences"]["gone"]] == ["walk", "of the rangers", None]


def test_a_corrected_version_is_reviewed_by_the_sides_of_which_something_goes(office):
    office.person("sides", RoleBinding(Role.UPLOADER, dataset="sides"))

    def accepted(number, *people):
        for person in people:
            assert office.decide(person, number, "accept").status_code == 200
        office.settle()
        assert office.look("sides", number)["state"] == "published"
        return number

    first = accepted(office.hand_in("sides", workbook(LAOS, CHINA, LAOS_TOO)), "laos", "china")
    accepted(office.hand_in("sides", workbook(["L-9", *LAOS_TOO[1:4], 101.2])), "laos")
    number = office.hand_in("sides", workbook(LAOS, LAOS_TOO), answers=first)
    told = office.look("sides", number)
    assert (told["state"], told["answers"], told["difference"]["corrects"]) == ("submitted", first, first)
    assert told["sides"] == {"CN": "waiting", "LA": "unchanged"}, "a record of China goes, and none of Laos"
    assert len(office.records("sides")) == 4, "until it is accepted"
    assert "a.xlsx" not in str(office.look("china", number)["difference"]), (
        "other surveys' files are not theirs to read"
    )
    asked = office.decide("china", number, "ask", reasons="are you sure?")
    assert asked.status_code == 200
    answer = office.hand_in("sides", workbook(LAOS), answers=number)
    told = office.look("sides", answer)
    assert (told["difference"]["corrects"], told["difference"]["occurrences"]["counts"]["gone"]) == (first, 2)
    assert office.look("sides", number)["state"] == "replaced"
    second = {"data": {"answers": first}, "headers": office.heads["sides"]}
    again = office.client.post("/v1/surveys", files={"file": ("a.xlsx", workbook(CHINA))}, **second)
    assert (again.status_code, again.json()["code"]) == (409, "SUBMISSION_DECIDED"), "one is on its way already"
    stale = office.decide("laos", answer, "accept", etag=f'"{answer}-1"')
    assert stale.status_code == 412
    accepted(answer, "laos", "china")
    assert set(office.records("sides")) == {"L-1", "L-9"}
    other = office.client.post(
        "/v1/surveys",
        files={"file": ("a.xlsx", workbook(CHINA))},
        data={"answers": answer},
        headers=office.heads["rival"],
    )
    assert other.status_code in (403, 404), "of another team's dataset it is none"
