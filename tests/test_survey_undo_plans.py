"""What is told before a survey is taken back is what is done: in the order of a real walk, and in any order that chance gives."""

import hashlib
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import appointed
from biodata import pipeline
from biodata.access import accounts, exact_building
from biodata.access.roles import Role, RoleBinding
from biodata.errors import InputError
from biodata.store import survey_files
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import committed, published
from biodata.surveys import returning, taking, telling, undoing, withdrawal_plans, withdrawing
from biodata.surveys.upload_reading import UploadReading, options_of
from test_survey_difference import save
from test_survey_undo import Team

pytestmark = (
    pytest.mark.searches
)  # walks in chance order; `test_survey_undo` and `test_survey_corrections` have each kind


class Desk(Team):
    """A team whose surveys go into the lake as they are: nobody checks them, and no release is made."""

    def __init__(self, folder):
        super().__init__(folder)
        self.sites = {}

    def take_in(self, dataset, rows=None, *, complete=False, returns_to=None):
        """Take a survey of rows (identifier: event, count) into the lake, or a return to another; return its number."""
        with Registry.open(self.settings) as registry:
            appointed.bind(registry, "rangers", RoleBinding(Role.UPLOADER, dataset=dataset))
            who = accounts.find(registry, "rangers")
            with registry.session() as session, session.begin():
                found = Submission(
                    dataset=dataset, file_name="a survey.xlsx", file_sha256=returning.NOT_YET, state="committing",
                    complete=complete, returns_to=returns_to, account_id=who.account_id,
                )  # fmt: skip
                session.add(found)
                session.flush()
            if returns_to is None:
                events = [
                    [e, "2026-03-01", 21.05, 101.2, f"site {e} {self.sites.get(e)}"] for e in self.events_of(rows)
                ]
                records = [[r, event, "Sus scrofa", count, None] for r, (event, count) in rows.items()]
                path = save(self.folder / "survey.xlsx", records, events)
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
                path = path.replace(self.kept(sha256, found.file_name))
                with registry.session() as session, session.begin():
                    found = session.get_one(Submission, found.id)
                    found.file_sha256 = sha256
            else:
                path = returning.write(self.settings, registry, found)
            options = options_of(registry, found)
            with Lake.open(self.settings.data) as lake, UploadReading(self.settings, lake) as reading:
                changes = reading.difference(found, path, options)
                read = reading.read(found, path, options)
                made = taking._commit(self.settings, found, read, lake, changes)
            with registry.session() as session, session.begin():
                committed(session, session.get_one(Submission, found.id), snapshot=made[-1].snapshot)
                published(session, "a release", snapshot=made[-1].snapshot)
        return found.id

    def kept(self, sha256, name):
        path = survey_files.kept(self.settings.data, sha256, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def events_of(self, rows):
        return sorted({event for event, _ in rows.values()})

    def plans(self, numbers):
        """Return what is told of each of some surveys before it is taken back."""
        with Registry.open(self.settings) as registry, Lake.open(self.settings.data) as lake:
            return {one: undoing.plan(self.settings, registry, lake, self.of(one)).as_dict() for one in numbers}

    def now(self, dataset):
        """Return the records (identifier: event, count, its event's site) and events (identifier: site)."""
        rows = self.rows(dataset)
        cells = ("v_eventID", "v_individualCount", "v_locationID")
        records = rows["verbatim"].select("source_record_id", *cells).iter_rows()
        events = rows["events"].select("eventID", "locationID").iter_rows()
        return {one: tuple(cells) for one, *cells in records}, dict(events)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "release", lambda settings: SimpleNamespace(id="a release", counts={}))
    monkeypatch.setattr(exact_building, "follow_release", lambda settings: None)
    return Desk(tmp_path)


def became(before, after):
    """Return what became of how many rows between two states."""
    there = Counter(
        "back" if one not in before else "gone" if one not in after else "changed"
        for one in {*before, *after}
        if before.get(one) != after.get(one)
    )
    return {kind: there[kind] for kind in ("changed", "back", "gone")}


class Said:
    """What each survey said, and what stands of it: kept apart from the lake, to see that the lake agrees."""

    def __init__(self):
        self.surveys, self.withdrawn = {}, set()

    def state(self, *, without=(), until=None):
        records, events = {}, {}
        for number, (complete, rows, sites) in self.surveys.items():
            if number in self.withdrawn or number in without:
                continue
            records = {**({} if complete else records), **rows}
            events = {**({} if complete else events), **sites}
            if number == until:
                break
        return records, events


def walk(desk, said, chance, dataset, steps):
    """Do steps that chance chooses; after each, what is told of every survey is what the rows would become."""
    names, refused = [f"R{one}" for one in range(6)], set()
    for step in range(steps):
        standing = [one for one in said.surveys if one not in said.withdrawn]
        what = chance.choice(["part", "part", "whole", "return", "undo", "undo"]) if len(standing) > 1 else "part"
        if what == "undo":
            number = int(chance.choice(standing))
            told, before = desk.plans([number])[number], desk.now(dataset)
            done = desk.take_back(number)
            said.withdrawn.add(number)
            after = desk.now(dataset)
            for kind, was, now in zip(("records", "events"), before, after, strict=True):
                assert told[kind] == done[kind] == became(was, now), (step, kind)
            assert (told["kept"], told["by"]) == (done["kept"], done["by"])
            refused |= {one for one in names if not any(one in rows for n, (_, rows, _) in said.surveys.items() if n not in said.withdrawn)
                        and any(one in rows for _, rows, _ in said.surveys.values())}  # fmt: skip
        else:
            if what == "return":
                to = int(chance.choice(standing))
                if not said.state(until=to)[0]:
                    continue
                rows, sites = said.state(until=to)
                number = desk.take_in(dataset, complete=True, returns_to=to)
            else:
                chosen = chance.choice([one for one in names if one not in refused] or [f"S{step}"], 3)
                names += sorted(set(map(str, chosen)) - set(names))
                rows = {str(one): (f"E{one}", int(chance.integers(1, 4))) for one in sorted(set(chosen))}
                desk.sites = {event: int(chance.integers(1, 3)) for event, _ in rows.values()}
                sites = {event: f"site {event} {desk.sites[event]}" for event in desk.events_of(rows)}
                number = desk.take_in(dataset, rows, complete=what == "whole")
                rows = {one: (event, str(count), sites[event]) for one, (event, count) in rows.items()}
            said.surveys[number] = (what != "part", rows, sites)
        now = desk.now(dataset)
        assert now == said.state(), (step, what)
        for number, told in desk.plans(one for one in said.surveys if one not in said.withdrawn).items():
            without = said.state(without=[number])
            assert told["records"] == became(now[0], without[0]), (step, number)
            assert told["events"] == became(now[1], without[1]), (step, number)
            assert told["same"] == len(now[0]) - told["records"]["changed"] - told["records"]["gone"]
            mine = {one for one in said.surveys[number][1] if one in now[0] and one in without[0]}
            assert told["kept"] == len(mine)
            others = {n: rows for n, (_, rows, _) in said.surveys.items() if n not in {number, *said.withdrawn}}
            assert set(told["by"]) <= {n for n, rows in others.items() if mine & set(rows)}
            assert bool(told["by"]) == bool(mine)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.searches)])
def test_in_any_order_what_is_told_of_each_survey_is_what_is_done(desk, seed):
    walk(desk, Said(), np.random.default_rng(seed), "chance", 7)


def test_a_return_says_again_what_an_earlier_survey_said_and_its_rows_stay_until_both_are_taken_back(desk):
    cameras = {f"C{one}": ("E1", one + 1) for one in range(4)}
    first = desk.take_in("walked", cameras)
    second = desk.take_in("walked", {"L0": ("E2", 1)})
    third = desk.take_in("walked", {**cameras, "C0": ("E1", 7), "C4": ("E1", 1)} | {"C3": ("E1", 4)})
    back = desk.take_in("walked", complete=True, returns_to=second)
    nothing = {"changed": 0, "back": 0, "gone": 0}
    told = desk.plans([first, third, back])
    assert told[first]["records"] == told[first]["events"] == nothing
    assert (told[first]["same"], told[first]["kept"], told[first]["by"]) == (5, 4, [third, back])
    question = withdrawal_plans.question(desk.of(first), told[first], "en")
    assert f"4 stay, since surveys {third}, {back} say them as well" in question
    assert "took in beside surveys" not in question
    assert told[back]["records"] == {"changed": 1, "back": 1, "gone": 0}
    assert told[back]["events"] == nothing, "the columns of a return stand in another order, which says nothing"
    done = desk.take_back(first)
    assert (done["records"], done["kept"]) == (nothing, 4)
    with Registry.open(desk.settings) as registry, registry.session() as session:
        assert "4 stay" in telling.on_map(session, desk.of(first), "en")["message"]
    assert desk.plans([third])[third]["records"]["gone"] == 0
    assert desk.take_back(back)["records"] == {"changed": 1, "back": 1, "gone": 0}
    told = desk.plans([third])[third]
    assert (told["records"]["gone"], told["same"]) == (5, 1), "nobody else says them any more"
    assert desk.take_back(third)["records"] == told["records"]
    assert set(desk.now("walked")[0]) == {"L0"}


def test_nothing_is_undone_where_it_is_another_thing_than_was_told(desk):
    first = desk.take_in("meanwhile", {"C0": ("E1", 1), "C1": ("E1", 2)})
    with Registry.open(desk.settings) as registry:
        who = accounts.find(registry, "rangers")
        withdrawing.count(registry, who, first)
        with registry.session() as session:
            assert withdrawal_plans.told(session, desk.of(first), "en")["state"] == "counting"
        with pytest.raises(InputError) as asked:
            withdrawing.ask(registry, who, first, confirm=2)
        assert asked.value.code == "WITHDRAWAL_UNCONFIRMED"
        desk.settle()
        with registry.session() as session:
            assert withdrawal_plans.told(session, desk.of(first), "en")["confirm"] == 2
        withdrawing.ask(registry, who, first, confirm=2)
        desk.take_in("meanwhile", {"C0": ("E1", 1)})
        desk.settle()
        assert desk.of(first).state != "withdrawn"
        with registry.session() as session:
            told = withdrawal_plans.told(session, desk.of(first), "en")
        assert (told["confirm"], told["refused"]) == (1, True)
        assert "so nothing was withdrawn" in told["message"]
        assert set(desk.now("meanwhile")[0]) == {"C0", "C1"}
        withdrawing.ask(registry, who, first, confirm=1)
        desk.settle()
    assert desk.of(first).state == "withdrawn"
    assert set(desk.now("meanwhile")[0]) == {"C0"}
