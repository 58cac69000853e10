"""A second upload of a survey, as people make them: what a person says happened, and what the service then says and has."""

import json
from dataclasses import dataclass, field

import pytest

from biodata import pipeline, worker
from biodata.access.roles import Role, RoleBinding
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from commands import run
from test_survey_difference import FIRST, FIRST_EVENTS, save
from test_survey_review import office as office

pytestmark = pytest.mark.timeout(900)  # its first test waits for two uploads of each pair

NOBODY = {"new": 0, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 0}
OTHER_EVENTS = [[f"X-{row[0]}", *row[1:]] for row in FIRST_EVENTS]
OTHER_IDS = [[f"2026/{row[0]}", *row[1:]] for row in FIRST]
OTHER_BOTH = [[f"2026/{row[0]}", f"X-{row[1]}", *row[2:]] for row in FIRST]
NEW_ROW = ["NEW-1", "E3", "Axis porcinus", 2, None]


@dataclass(frozen=True)
class Second:
    """A second upload, and what a person says of it."""

    records: list
    events: list = field(default_factory=lambda: FIRST_EVENTS)
    complete: bool = False
    asked: int = 0
    """How many rows its sender is asked about."""
    refused: str | None = None
    """The code with which `same` is refused."""
    answer: str | None = None
    happened: dict = field(default_factory=dict)
    """Records of each kind."""
    of_events: dict = field(default_factory=lambda: {"unchanged": 3})
    keeps: dict = field(default_factory=dict)
    """Records that keep their number, by their earlier identifier."""
    then: set = field(default_factory=set)
    """Identifiers of the records that the dataset has then."""
    then_events: set = field(default_factory=lambda: {"E1", "E2", "E3"})


IDS = {row[0] for row in FIRST}
RENUMBERED = {row[0]: f"2026/{row[0]}" for row in FIRST}
PAIRS = {
    "records-renumbered-and-one-new": Second(
        [*OTHER_IDS, NEW_ROW], asked=6, answer="same", happened={"new": 1, "renamed": 6},
        keeps=RENUMBERED, then={*RENUMBERED.values(), "NEW-1"},
    ),
    "records-and-events-renumbered": Second(
        OTHER_BOTH, OTHER_EVENTS, asked=9, answer="same", happened={"renamed": 6}, of_events={"renamed": 3},
        keeps=RENUMBERED, then=set(RENUMBERED.values()), then_events={"X-E1", "X-E2", "X-E3"},
    ),
    "all-renumbered-with-their-stations": Second(
        OTHER_BOTH, [[*row[:4], f"ST-{n}"] for n, row in enumerate(OTHER_EVENTS)], asked=9, answer="same",
        happened={"changed": 6}, of_events={"changed": 3},
        keeps=RENUMBERED, then=set(RENUMBERED.values()), then_events={"X-E1", "X-E2", "X-E3"},
    ),
    "one-event-renumbered-with-its-station-and-a-count-mended": Second(
        [*FIRST[:4], ["N-5", "N-E", "Sus scrofa", 4, None], ["N-6", "N-E", *FIRST[5][2:]]],
        [*FIRST_EVENTS[:2], ["N-E", *FIRST_EVENTS[2][1:4], "a place"]], asked=3, answer="same",
        happened={"changed": 2, "unchanged": 4}, of_events={"changed": 1, "unchanged": 2},
        keeps={"NH-5": "N-5", "NH-6": "N-6"}, then={"NH-1", "NH-2", "NH-3", "NH-4", "N-5", "N-6"},
        then_events={"E1", "E2", "N-E"},
    ),
    "a-second-camera-beside-the-first": Second(
        [*FIRST, ["C-1", "C-E1", "Muntiacus muntjak", 1, "male"], ["C-2", "C-E1", "Muntiacus muntjak", 2, None]],
        [*FIRST_EVENTS, ["C-E1", *FIRST_EVENTS[0][1:4], "site 1b"]],
        happened={"new": 2, "unchanged": 6}, of_events={"new": 1, "unchanged": 3}, keeps={"NH-1": "NH-1"},
        then={*IDS, "C-1", "C-2"}, then_events={"E1", "E2", "E3", "C-E1"},
    ),
    "alike-but-others": Second(
        OTHER_BOTH, OTHER_EVENTS, asked=9, answer="new", happened={"new": 6}, of_events={"new": 3},
        keeps={name: name for name in IDS}, then={*IDS, *RENUMBERED.values()},
        then_events={"E1", "E2", "E3", "X-E1", "X-E2", "X-E3"},
    ),
    "events-renumbered": Second(
        [[row[0], f"X-{row[1]}", *row[2:]] for row in FIRST], OTHER_EVENTS, asked=3, answer="same",
        happened={"renamed": 6}, of_events={"renamed": 3}, keeps={name: name for name in IDS}, then=IDS,
        then_events={"X-E1", "X-E2", "X-E3"},
    ),
    "some-renumbered": Second(
        [*FIRST[:4], *OTHER_IDS[4:]], asked=2, answer="same", happened={"renamed": 2, "unchanged": 4},
        keeps={"NH-1": "NH-1", "NH-5": "2026/NH-5"}, then={"NH-1", "NH-2", "NH-3", "NH-4", "2026/NH-5", "2026/NH-6"},
    ),
    "renumbered-and-mended-at-once": Second(
        [*FIRST[:5], ["NH-60", "E3", "Macaca mulatta", 8, None]], asked=1, answer="same",
        happened={"changed": 1, "unchanged": 5}, keeps={"NH-6": "NH-60"}, then=(IDS - {"NH-6"}) | {"NH-60"},
    ),
    "the-same-and-a-second-animal-alike": Second(
        [*FIRST, ["NH-7", *FIRST[0][1:]], NEW_ROW], happened={"new": 2, "unchanged": 6}, keeps={"NH-1": "NH-1"},
        then={*IDS, "NH-7", "NEW-1"},
    ),
    "a-burst-in-a-new-event": Second(
        [[f"B-{n}", "E4", "Muntiacus muntjak", 1, "male"] for n in range(3)],
        [*FIRST_EVENTS, ["E4", "2026-04-01", 21.05, 101.2, "site 1"]],
        happened={"new": 3}, of_events={"new": 1, "unchanged": 3}, then={*IDS, "B-0", "B-1", "B-2"},
        then_events={"E1", "E2", "E3", "E4"},
    ),
    "an-event-renumbered-without-all-its-records": Second(
        [["2026/NH-1", "X-E1", *FIRST[0][2:]], *FIRST[2:]], [OTHER_EVENTS[0], *FIRST_EVENTS[1:]], asked=2,
        refused="RENAMED_EVENT_LEFT", answer="new", happened={"new": 1, "unchanged": 4},
        of_events={"new": 1, "unchanged": 2}, keeps={"NH-1": "NH-1"}, then={*IDS, "2026/NH-1"},
        then_events={"E1", "E2", "E3", "X-E1"},
    ),
    "identifiers-shifted-by-one": Second(
        [[f"NH-{n + 2}", *row[1:]] for n, row in enumerate(FIRST)], asked=1, refused="RENAMED_SHIFTED", answer="new",
        happened={"new": 1, "changed": 5}, keeps={"NH-1": "NH-1"}, then={*IDS, "NH-7"},
    ),
    "the-whole-state-renumbered-with-one-gone": Second(
        OTHER_IDS[:5], complete=True, happened={"renamed": 5, "gone": 1}, keeps={"NH-1": "2026/NH-1"},
        then={f"2026/NH-{n}" for n in range(1, 6)},
    ),
    "a-record-of-another-event": Second(
        [*FIRST[:5], ["NH-6", "E2", *FIRST[5][2:]]], happened={"changed": 1, "unchanged": 5}, keeps={"NH-6": "NH-6"},
        then=IDS,
    ),
}  # fmt: skip


@dataclass
class Walk:
    """What was seen of a pair on its way."""

    first: int = 0
    number: int = 0
    before: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)
    told: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def walks(office, tmp_path_factory):
    """Every pair goes its way at once: a release is made once a step."""
    folder = tmp_path_factory.mktemp("pairs")
    found = {name: Walk() for name in PAIRS}

    def send(name, which, records, events, **told):
        # Other years: records of several datasets that are alike would be told as duplicates.
        dated = [[row[0], row[1].replace("2026", str(2001 + list(PAIRS).index(name))), *row[2:]] for row in events]
        path = save(folder / f"{which}-{name}.xlsx", records, dated)
        files, fields = {"file": (path.name, path.read_bytes())}, {n: str(v).lower() for n, v in told.items()}
        answer = office.client.post("/v1/surveys", files=files, data=fields, headers=office.heads[f"{name}-team"])
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    for name, walk in found.items():
        office.person(f"{name}-team", RoleBinding(Role.UPLOADER, dataset=name), key=True)
        walk.first = send(name, "first", FIRST, FIRST_EVENTS)
    office.settle()
    accept(office, *(walk.first for walk in found.values()))
    for name, walk in found.items():
        walk.before = office.records(name)
        walk.number = send(name, "second", PAIRS[name].records, PAIRS[name].events, complete=PAIRS[name].complete)
    office.settle()
    office.person("laos")
    for name, walk in found.items():
        walk.asked = office.look(f"{name}-team", walk.number)
        if PAIRS[name].asked:
            held(office, f"{name}-team", walk.number, walk.asked, PAIRS[name])
            address = f"/v1/surveys/{walk.number}/submit?renamed={PAIRS[name].answer}"
            headers = office.heads[f"{name}-team"] | {"If-Match": walk.asked["etag"]}
            done = office.client.post(address, headers=headers)
            assert done.status_code == 200, done.text
    office.settle()
    for name, walk in found.items():
        walk.told = office.look(f"{name}-team", walk.number)
    accept(office, *(walk.number for walk in found.values()))
    return found, folder


@pytest.mark.searches  # thirty uploads
@pytest.mark.parametrize("name", PAIRS)
def test_what_happened_is_what_a_person_says(office, walks, name):
    second, walk, told = PAIRS[name], walks[0][name], walks[0][name].told
    lists_equal_counts(walk.asked["difference"])
    lists_equal_counts(told["difference"])
    said = [one["code"] for one in told["difference"]["notes"] if one["code"].startswith("RENAMED")]
    assert said == ([f"RENAMED_{second.answer.upper()}"] if second.asked else [])
    assert (told["state"], told.get("question")) == ("submitted", None)
    versions = office.client.get(f"/v1/surveys/versions/{name}", headers=office.heads[f"{name}-team"])
    (_, version) = versions.json()["results"]
    assert version["changes"]["occurrences"] == NOBODY | second.happened
    assert version["changes"]["events"] == NOBODY | second.of_events
    after = office.records(name)
    assert set(after) == second.then
    for was, now in second.keeps.items():
        assert after[now]["key"] == walk.before[was]["key"], (was, now)
    assert len({one["key"] for one in after.values()}) == len(after)
    with Lake.open(office.settings.data) as lake:
        events = lake.read("events", columns=["eventID"], where=Compare("datasetKey", "=", name))["eventID"]
        of = lake.read("occurrences", columns=["eventID"], where=Compare("datasetKey", "=", name))["eventID"]
    assert set(events) == second.then_events
    assert set(of) <= second.then_events, "no record has lost its event"
    found = office.client.get("/v1/occurrence/search", params={"datasetKey": name, "limit": 0}).json()
    assert found["count"] == len(second.then)
    history = run("survey", "history", "--dataset", name, "--data", office.settings.data).stdout
    counts = ", ".join(f"{kind} {n}" for kind, n in (NOBODY | second.happened).items() if n)
    assert f"version 2: survey {walk.number}, published; {counts}; Events: " in history
    file = walks[1] / f"second-{name}.xlsx"
    again = run("survey", "diff", file, "--dataset", name, "--data", office.settings.data, "--json")
    told = json.loads(again.stdout)["occurrences"]
    kinds = told["counts"] | {"lacking": told["lacking"]}
    same, left = len(second.records), len(second.then) - len(second.records)
    assert kinds == NOBODY | {"unchanged": same, "lacking": left}, "a second time it changes nothing"


def accept(office, *numbers):
    office.person("laos", RoleBinding(Role.NODE_MANAGER, country="LA"))
    for number in numbers:
        done = office.decide("laos", number, "accept")
        assert done.status_code == 200, done.text
    with pytest.MonkeyPatch.context() as patch:  # each job makes a release, and the last one shows what all of them do
        patch.setattr(worker.pipeline, "release", lambda settings: releases.current(settings.data))
        office.settle()
    pipeline.release(office.settings)
    assert {office.look("laos", number)["state"] for number in numbers} == {"published"}


def held(office, team, number, told, second):
    """See that it waits, that its sender is asked in their language, and that nobody else sees it."""
    question = told["question"]
    assert (told["state"], question["code"], question["count"]) == ("draft", "RENAMED_UNANSWERED", second.asked)
    assert question["answers"] == (["new"] if second.refused else ["same", "new"])
    assert f"--number {number} --account NAME --renamed" in question["message"]
    codes = [one["code"] for one in told["difference"]["notes"] if one["code"].startswith("RENAMED")]
    assert codes == ["RENAMED_UNANSWERED", *([second.refused] if second.refused else [])]
    assert office.client.get(f"/v1/surveys/{number}", headers=office.heads["laos"]).status_code == 404
    address, headers = f"/v1/surveys/{number}/submit", office.heads[team] | {"If-Match": told["etag"]}
    refused = office.client.post(f"{address}?language=lo", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "RENAMED_UNANSWERED")
    assert str(second.asked) in refused.json()["detail"]
    assert "ແຖວ" in refused.json()["detail"]
    if second.refused:
        same = office.client.post(f"{address}?renamed=same", headers=headers)
        assert (same.status_code, same.json()["code"]) == (409, second.refused)
    assert office.client.post(f"{address}?renamed=maybe", headers=headers).status_code == 422
    status = run("survey", "status", number, "--data", office.settings.data).stdout
    assert f"! {second.asked} rows of the file seem to be in the dataset already" in status


def lists_equal_counts(told):
    for table in ("events", "occurrences"):
        one = told[table]
        for kind in ("new", "renamed", "gone"):
            assert len(one[kind]) == one["counts"][kind], (table, kind)
        assert len({(cell["sheet"], cell["row"]) for cell in one["changed"]}) == one["counts"]["changed"], table
        assert sum(one["changed_cells"].values()) == len(one["changed"]), table


@pytest.mark.searches
def test_an_answer_holds_for_its_upload_alone(office, tmp_path):
    team = "answer-team"
    office.person(team, RoleBinding(Role.UPLOADER, dataset="answer"), key=True)
    accept(office, office.hand_in(team, save(tmp_path / "first.xlsx", FIRST, FIRST_EVENTS).read_bytes()))
    renamed = save(tmp_path / "renamed.xlsx", OTHER_IDS, FIRST_EVENTS).read_bytes()
    number = office.hand_in(team, renamed, renamed="same")
    assert office.look(team, number)["state"] == "submitted", "told at once, it is not asked"
    other = save(tmp_path / "other.xlsx", [[f"Z-{row[0]}", *row[1:]] for row in FIRST], FIRST_EVENTS).read_bytes()
    second = office.hand_in(team, other)
    assert office.look(team, second)["question"]["count"] == 6
    assert office.hand_in(team, other, renamed="same") == second, "the same file with the answer is the answer"
    assert office.look(team, second)["state"] == "submitted"
    accept(office, number)
    # The dataset has gone on: what was said of NH-1 is not said of 2026/NH-1.
    assert office.decide("laos", second, "accept").status_code == 200
    office.settle()
    told = office.look(team, second)
    assert (told["state"], told["question"]["count"]) == ("draft", 6)
    assert set(office.records("answer")) == set(RENUMBERED.values())


def test_what_comes_between_the_check_and_the_acceptance_is_asked_about(office, tmp_path):
    team = "between-team"
    office.person(team, RoleBinding(Role.UPLOADER, dataset="between"), key=True)
    first = office.hand_in(team, save(tmp_path / "first.xlsx", FIRST, FIRST_EVENTS).read_bytes())
    second = office.hand_in(team, save(tmp_path / "second.xlsx", OTHER_IDS, FIRST_EVENTS).read_bytes())
    assert office.look(team, second)["state"] == "submitted", "the dataset is empty yet"
    accept(office, first)
    assert office.decide("laos", second, "accept").status_code == 200
    office.settle()
    assert office.look(team, second)["question"]["count"] == 6
    assert set(office.records("between")) == IDS


@pytest.mark.searches
def test_a_renamed_record_is_found_by_what_it_was_called(office, walks):
    name = "records-renumbered-and-one-new"
    story = run("explain", "--occurrence-id", "NH-1", "--dataset", name, "--data", office.settings.data)
    told = " ".join(story.stdout.split())
    assert f"Record {walks[0][name].before['NH-1']['key']}" in told, story.stderr
    assert "occurrenceID NH-1 → 2026/NH-1" in told
