"""A survey that is taken back is undone: each row is again what the surveys that stand said of it, and nothing else changes."""

import threading
from contextlib import nullcontext
from datetime import timedelta
from unittest.mock import patch

import polars as pl
import pytest

import appointed
from biodata import worker
from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.compaction import compact
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.surveys import history, receive, taking, withdrawing
from biodata.surveys.sending import Sent
from biodata.worker import do_one
from test_survey_difference import FIRST, FIRST_EVENTS, save

WRONG_EVENT = ["E4", "2026-03-04", 21.0812345, 101.5, "a site of the wrong file"]
CORRECTED = [
    FIRST[0],
    ["NH-2", "E1", "Muntiacus muntjak", 977314117, "female"],
    ["NH-3", "E2", "Elephas wrongus", 4, None],
    *FIRST[3:],
    ["NH-7", "E4", "Manis wronga", 833413387, "male"],
    ["NH-8", "E1", "Cuon wrongus", 833423394, None],
]
CORRECTED_EVENTS = [FIRST_EVENTS[0], ["E2", "2026-03-02", 21.0634567, 101.3, "site 2"], FIRST_EVENTS[2], WRONG_EVENT]
ONLY_WRONG = tuple(
    f"{WRONG_EVENT[4]}|977314117|833413387|833423394|wrongus|wronga|NH-7|NH-8|21.0634567|21.0812345".encode().split(
        b"|"
    )
)


def taken(settings, registry, held):
    return taking.take(settings, registry, held.arguments["submission"])


class Team:
    """An installation where nobody reviews, and a team that sends surveys to datasets of its own.

    Unless it is asked to, it makes no release of what came into the lake: that is half of what a survey takes.
    """

    def __init__(self, folder, *, releases=False):
        self.folder, self.releases = folder, releases
        self.settings = Settings(data=folder / "data", memory_limit="500MB", survey_review="not_required")
        with Registry.open(self.settings) as registry:
            appointed.new(registry, "rangers", roles=[])

    def send(self, dataset, records, events=FIRST_EVENTS, **told):
        return self.hand_in(dataset, save(self.folder / "survey.xlsx", records, events), Sent(**told))

    def hand_in(self, dataset, path, sent=None):
        with Registry.open(self.settings) as registry:
            appointed.bind(registry, "rangers", RoleBinding(Role.UPLOADER, dataset=dataset))
            who = accounts.find(registry, "rangers")
            number = receive(
                self.settings, registry, path.read_bytes(), path.name, sender=who, dataset=dataset, sent=sent
            )
        self.settle()
        assert self.of(number).state == ("published" if self.releases else "committed")
        return number

    def settle(self):
        with nullcontext() if self.releases else patch.object(worker, "HANDLERS", {**worker.HANDLERS, "survey": taken}):
            worker.work(self.settings, stop=threading.Event(), once=True)

    def of(self, number):
        with Registry.open(self.settings) as registry, registry.session(read_only=True) as session:
            return session.get_one(Submission, number)

    def take_back(self, number):
        with Registry.open(self.settings) as registry:
            job = withdrawing.ask(registry, accounts.find(registry, "rangers"), number, yes=True)
            return do_one(self.settings, registry, job)

    def rows(self, dataset, snapshot=None):
        """Return all that the lake has of a dataset, by table."""
        where = Compare("datasetKey", "=", dataset)
        with Lake.open(self.settings.data) as lake:
            return {
                table: lake.read(table, where=where, snapshot=snapshot).sort(key)
                for table, key in (("occurrences", "key"), ("verbatim", "key"), ("events", "event_key"))
            }

    def records(self, dataset, snapshot=None):
        found = self.rows(dataset, snapshot)["verbatim"].filter(pl.col("source_record_id").is_not_null())
        return {r["source_record_id"]: (r["v_scientificName"], r["v_individualCount"]) for r in found.to_dicts()}

    def left(self, *needles):
        """Return the files that hold any of these, in the clear or in a Parquet file's cells."""
        found = []
        for path in sorted(p for p in self.settings.data.rglob("*") if p.is_file()):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pl.read_parquet(path, hive_partitioning=False).to_dicts()).encode()
            found += [(path.name, needle) for needle in needles if needle in content]
        return found


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    return Team(tmp_path_factory.mktemp("undo"))


@pytest.fixture
def showing(team):
    """Let the team make releases of what it sends."""
    team.releases = True
    yield
    team.releases = False


def test_a_correction_that_is_taken_back_is_undone_and_nothing_else(team):
    team.send("mended", FIRST, complete=True)
    before = team.rows("mended")
    number = team.send("mended", CORRECTED, CORRECTED_EVENTS)
    assert {needle for _, needle in team.left(*ONLY_WRONG)} == set(ONLY_WRONG)
    changed = team.rows("mended")
    assert (changed["occurrences"].height, changed["events"].height) == (8, 4)
    with Registry.open(team.settings) as registry:
        who = accounts.find(registry, "rangers")
        with pytest.raises(InputError) as asked:
            withdrawing.ask(registry, who, number)
        assert (asked.value.code, asked.value.column) == ("WITHDRAWAL_UNCONFIRMED", None)
        assert "is being counted" in str(asked.value)
        team.settle()
        with pytest.raises(InputError) as asked:
            withdrawing.ask(registry, who, number)
        assert asked.value.expected == "confirm=2"
        said = str(asked.value)
        assert "2 records and 1 events are removed" in said
        assert "3 records and 1 events become again what they were before it" in said
        assert "0 records and 0 events come back; 3 records stay as they are" in said
        assert f"Of the records that it says, 6 stay, since surveys {number - 1} say them as well" in said
    told = team.take_back(number)
    assert told["records"] == {"changed": 3, "back": 0, "gone": 2}
    assert told["events"] == {"changed": 1, "back": 0, "gone": 1}
    now = team.rows("mended")
    for table, was in before.items():
        assert now[table].equals(was), table
    assert team.left(*ONLY_WRONG) == []
    assert verify(team.settings).faults == []
    made = releases.current(team.settings.data)
    shown = releases.read(made, "occurrences").filter(datasetKey="mended")
    assert shown.height == 5, "the elephant waits"
    with Registry.open(team.settings) as registry:
        versions = history.versions(registry, None, "mended")
    assert [(one["state"], one.get("undone", {}).get("records")) for one in versions] == [
        ("published", None), ("withdrawn", told["records"]),
    ]  # fmt: skip
    assert team.take_back(number)["records"] == told["records"], "a second time tells the same"
    assert team.rows("mended")["occurrences"].equals(before["occurrences"])


def test_what_a_whole_state_took_away_comes_back_and_what_it_renumbered_is_called_as_before(team):
    team.send("whole", FIRST, complete=True)
    before, ids = team.rows("whole"), team.records("whole")
    renumbered = [
        ["RENUMBERED-1", *FIRST[0][1:]],
        ["RENUMBERED-2", *FIRST[1][1:]],
        FIRST[2],
        ["NH-4", "E2", "Rusa unicolor", 555155177, None],
    ]
    number = team.send("whole", renumbered, FIRST_EVENTS[:2], complete=True)
    assert set(team.records("whole")) == {"RENUMBERED-1", "RENUMBERED-2", "NH-3", "NH-4"}
    told = team.take_back(number)
    assert told["records"] == {"changed": 3, "back": 2, "gone": 0}
    assert told["events"] == {"changed": 0, "back": 1, "gone": 0}
    for table, was in before.items():
        assert team.rows("whole")[table].equals(was), "each record has its number, too"
    with Lake.open(team.settings.data) as lake:
        named = lake.read("identities", where=Compare("datasetKey", "=", "whole"))
    assert set(named["source_record_id"]) == set(ids)
    assert named["earlier_ids"].null_count() == 6
    assert team.left(b"RENUMBERED-1", b"RENUMBERED-2", b"555155177") == []


def test_an_earlier_survey_goes_and_what_a_later_one_says_stays(team):
    first = team.send("later", FIRST)
    second = team.send("later", [*FIRST[:2], ["NH-3", "E2", "Elephas maximus", 44, None]])
    now = team.rows("later")
    told = team.take_back(first)
    assert told["records"] == {"changed": 0, "back": 0, "gone": 3}
    assert told["events"] == {"changed": 0, "back": 0, "gone": 0}, "the later one repeats them"
    assert set(team.records("later")) == {"NH-1", "NH-2", "NH-3"}
    stays = pl.col("source_record_id").is_in(["NH-1", "NH-2", "NH-3"])
    assert team.rows("later")["verbatim"].equals(now["verbatim"].filter(stays))
    with Lake.open(team.settings.data) as lake:
        then = lake.read("verbatim", where=Compare("datasetKey", "=", "later"), snapshot=team.of(first).snapshot)
    assert set(then["source_record_id"].drop_nulls()) == {"NH-1", "NH-2"}, "what it alone said of NH-3 is emptied, too"
    told = team.take_back(second)
    assert told["records"]["gone"] == 3
    assert team.records("later") == {}


@pytest.mark.searches
def test_of_three_surveys_the_middle_one_and_then_the_last_are_undone(team):
    team.send("three", FIRST, complete=True)
    was = team.rows("three")
    second = team.send("three", [["NH-1", "E1", "Muntiacus muntjak", 220014007, "male"], ["NH-2", "E1", "Muntiacus muntjak", 220024014, None],
                                 ["NH-3", "E2", "Elephas maximus", 220034021, None]])  # fmt: skip
    third = team.send(
        "three",
        [["NH-1", "E1", "Muntiacus muntjak", 330011007, "male"], ["NH-2", "E1", "Muntiacus muntjak", 220024014, None]],
    )
    told = team.take_back(second)
    assert told["records"] == {"changed": 1, "back": 0, "gone": 0}
    counts = {name: count for name, (_, count) in team.records("three").items()}
    assert (counts["NH-1"], counts["NH-2"], counts["NH-3"]) == ("330011007", "220024014", "4"), (
        "the third says NH-2 as well"
    )
    assert team.left(b"220014007", b"220034021") == []
    assert compact(team.settings, expire_days=0, grace=timedelta(0)).expired
    told = team.take_back(third)
    assert told["records"] == {"changed": 2, "back": 0, "gone": 0}
    for table, frame in was.items():
        assert team.rows("three")[table].equals(frame), table
    assert team.left(b"330011007", b"220024014") == []
    assert verify(team.settings).faults == []


@pytest.mark.searches
def test_rows_of_a_file_merged_from_several_are_emptied_by_the_version_that_wrote_them(team):
    team.send("merged", FIRST, complete=True)
    was = team.rows("merged")
    number = team.send("merged", [["NH-1", "E1", "Muntiacus muntjak", 660012007, "male"]])
    compact(team.settings)
    team.take_back(number)
    assert team.rows("merged")["verbatim"].equals(was["verbatim"])
    assert team.left(b"660012007") == []
    first = next(one for one in map(team.of, range(1, number)) if one.dataset == "merged")
    assert len(team.records("merged", first.snapshot)) == 6, "the version before it answers as it did"


@pytest.mark.usefixtures("showing")
def test_the_map_shows_of_the_others_what_it_showed_before_the_correction(team):
    team.send("shown", FIRST, complete=True)
    made = releases.current(team.settings.data)
    before = {table: releases.read(made, table) for table in ("occurrences", "surveys")}
    assert before["surveys"].filter(datasetKey="shown").height == 3
    event, record = ["E9", "2026-03-09", 21.19, 101.9, "site 9"], ["NH-9", "E9", "Sus scrofa", 5, None]
    number = team.send("shown", [*FIRST[:5], ["NH-6", "E3", "Macaca mulatta", 8, None], record], [*FIRST_EVENTS, event])
    assert releases.read(releases.current(team.settings.data), "surveys").height == before["surveys"].height + 1
    team.take_back(number)
    made = releases.current(team.settings.data)
    for table, (key, was) in {
        "occurrences": ("key", before["occurrences"]),
        "surveys": ("survey_id", before["surveys"]),
    }.items():
        assert releases.read(made, table).sort(key).equals(was.sort(key)), table


@pytest.mark.usefixtures("showing")
def test_what_stands_beside_a_sensitive_record_is_as_it_was_with_it_and_without(team):
    team.send("beside", [FIRST[0], FIRST[4]], [FIRST_EVENTS[0], FIRST_EVENTS[2]], complete=True)

    keys = team.rows("beside")["occurrences"]["key"]

    def shown():
        rows = releases.read(releases.current(team.settings.data), "occurrences")
        return (
            rows.filter(pl.col("key").is_in(keys.implode()))
            .select("key", "sharing_category", "decimalLatitude")
            .sort("key")
        )

    before = shown()
    assert before["sharing_category"].to_list() == ["open", "open"]
    number = team.send("beside", [["NH-3", "E1", "Panthera tigris", 1, None]], [FIRST_EVENTS[0]])
    assert shown().equals(before)
    team.take_back(number)
    assert shown().equals(before)
