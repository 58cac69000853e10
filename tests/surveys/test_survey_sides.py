"""Whose review a survey waits for: the sides of which something changes, and what each of them is told of the file."""

import pytest

from biodata.access.roles import Role, RoleBinding
from survey_office import CHINA, LAOS, LAOS_TOO, SURVEYS, workbook

pytestmark = pytest.mark.usefixtures("no_results")
CALLED = ["L-1", "2026-03-01", "Muntiacus muntjak", 20.9, 101.4]
"""The muntjac of Laos, a bit farther east."""


@pytest.fixture(scope="module")
def datasets(office, request):
    """Datasets with records of both sides that are published by one release: one for each test that changes it, and one more."""
    asking = [test for test in request.session.items if test.path == request.path and "dataset" in test.fixturenames]
    names = [f"border-{number}" for number in range(len(asking) + 1)]
    numbers = {}
    for name in names:
        office.person(name, RoleBinding(Role.UPLOADER, dataset=name))
        numbers[name] = office.hand_in(name, workbook(LAOS, CHINA))
    for number in numbers.values():
        decide(office, number, "laos", "china")
    office.settle()
    assert {office.look("laos", number)["state"] for number in numbers.values()} == {"published"}
    return names


@pytest.fixture
def dataset(datasets):
    """A dataset of the test's own."""
    return datasets.pop()


@pytest.fixture
def looked_at(datasets):
    """The dataset of all tests that let nothing be published of it."""
    return datasets[0]


def accept(office, number, *people):
    decide(office, number, *people)
    office.settle()
    assert office.look(people[0], number)["state"] == "published"


def decide(office, number, *people):
    for person in people:
        done = office.decide(person, number, "accept")
        assert done.status_code == 200, done.text


def test_only_the_side_of_which_something_changes_is_asked(office, dataset):
    number = office.hand_in(dataset, workbook(CALLED, CHINA))
    told = office.look("china", number)
    assert (told["state"], told["sides"]) == ("submitted", {"CN": "unchanged", "LA": "waiting"})
    assert ("yours" in told, told["waits_for_you"]) == (False, False)
    for decision in ("accept", "refuse"):
        refused = office.decide("china", number, decision, reasons="it is not ours")
        assert (refused.status_code, refused.json()["code"]) == (403, "REVIEW_FORBIDDEN")
    accept(office, number, "laos")
    assert set(office.records(dataset)) == {"L-1", "C-1"}


@pytest.mark.parametrize(("rows", "sides"), [
    pytest.param([CALLED], {"CN": "waiting", "LA": "waiting"}, id="the other side's record goes"),
    pytest.param([LAOS, CHINA, LAOS_TOO], {"CN": "unchanged", "LA": "waiting"}, id="a new one"),
    pytest.param([LAOS, CHINA], {"CN": "waiting", "LA": "waiting"}, id="nothing changes"),
])  # fmt: skip
def test_whom_a_change_concerns(office, looked_at, rows, sides):
    number = office.hand_in(looked_at, workbook(*rows))
    assert office.look(looked_at, number)["sides"] == sides


def test_where_in_the_file_something_changes_is_told_to_who_sees_every_side(office, looked_at):
    number = office.hand_in(looked_at, workbook(CALLED, [*CHINA[:4], 100.9], LAOS_TOO, ["C-2", *CHINA[1:4], 100.7]))
    told = {who: office.look(who, number)["difference"]["occurrences"] for who in (looked_at, "laos", "china")}
    places = {who: ([c["row"] for c in one["changed"]], [r["row"] for r in one["new"]]) for who, one in told.items()}
    assert places == {looked_at: ([2, 3], [4, 5]), "laos": ([], []), "china": ([], [])}
    assert {one["counts"]["new"] for one in told.values()} == {2}, "counts are of all"
    assert [one["all_told"] for one in told.values()] == [True, False, False]
    for who, own in (("laos", {"L-1": "changed", "L-2": "new"}), ("china", {"C-1": "changed", "C-2": "new"})):
        shown = office.client.get(f"{SURVEYS}/{number}/rows", headers=office.heads[who]).json()["results"]
        assert {row["occurrenceID"]: row["change"] for row in shown} == own, (
            "their rows are shown as they would be published"
        )


@pytest.mark.parametrize(("species", "latitude", "longitudes", "sides"), [
    pytest.param("Panthera tigris", 21.7454, (101.7501, 101.7515), {"CN": "waiting", "LA": "waiting"},
                 id="told as a cell"),
    pytest.param("Rusa unicolor", 20.9, (101.31, 101.32), {"CN": "unchanged", "LA": "waiting"}, id="told exactly"),
])  # fmt: skip
def test_who_is_asked_tells_nobody_in_which_part_of_its_cell_a_record_lies(
    office, dataset, species, latitude, longitudes, sides
):
    where = ["P-1", "2026-03-01", species, latitude]
    asked = [name for name, code in (("laos", "LA"), ("china", "CN")) if sides[code] == "waiting"]
    accept(office, office.hand_in(dataset, workbook(LAOS, CHINA, [*where, longitudes[0]])), *asked)
    number = office.hand_in(dataset, workbook(LAOS, CHINA, [*where, longitudes[1]]))
    assert office.look(dataset, number)["sides"] == sides
