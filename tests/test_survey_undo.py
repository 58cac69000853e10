"""A survey that is taken back is undone: each row is again what the surveys that stand said of it, and nothing else changes."""

import threading

import polars as pl
import pytest

from biodata.access import accounts
from biodata.access.roles import Role, RoleBinding
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.surveys import history, receive, withdrawing
from biodata.surveys.sending import Sent
from biodata.worker import work
from test_survey_difference import FIRST, FIRST_EVENTS, save

WRONG_EVENT = ["E4", "2026-03-04", 21.0812345, 101.5, "a site of the wrong file"]
CORRECTED = [
    FIRST[0],
    ["NH-2", "E1", "Muntiacus muntjak", 97731, "female"],
    ["NH-3", "E2", "Elephas wrongus", 4, None],
    *FIRST[3:],
    ["NH-7", "E4", "Manis wronga", 83341, "male"],
    ["NH-8", "E1", "Cuon wrongus", 83342, None],
]
CORRECTED_EVENTS = [FIRST_EVENTS[0], ["E2", "2026-03-02", 21.0634567, 101.3, "site 2"], FIRST_EVENTS[2], WRONG_EVENT]
ONLY_WRONG = tuple(f"{WRONG_EVENT[4]}|97731|83341|83342|wrongus|wronga|NH-7|NH-8|21.0634567|21.0812345".encode().split(b"|"))


class Team:
    """An installation where nobody reviews, and a team that sends surveys to datasets of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = Settings(data=folder / "data", memory_limit="500MB", survey_review="not_required")
        with Registry.open(self.settings) as registry:
            accounts.new(registry, "rangers", roles=[])

    def send(self, dataset, records, events=FIRST_EVENTS, **told):
        with Registry.open(self.settings) as registry:
            accounts.bind(registry, "rangers", RoleBinding(Role.UPLOADER, dataset=dataset))
            who = accounts.find(registry, "rangers")
            path = save(self.folder / "survey.xlsx", records, events)
            sent = Sent(**told)
            number = receive(self.settings, registry, path.read_bytes(), path.name, sender=who, dataset=dataset, sent=sent)
        self.settle()
        assert self.of(number).state == "published"
        return number

    def settle(self):
        work(self.settings, stop=threading.Event(), once=True)

    def of(self, number):
        with Registry.open(self.settings) as registry, registry.session(read_only=True) as session:
            return session.get_one(Submission, number)

    def take_back(self, number):
        with Registry.open(self.settings) as registry:
            job = withdrawing.ask(registry, accounts.find(registry, "rangers"), number, yes=True)
            told = withdrawing.remove(self.settings, registry, number)
            withdrawing.done(registry, job)
        return told

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


def test_a_correction_that_is_taken_back_is_undone_and_nothing_else(team):
    team.send("mended", FIRST, complete=True)
    before = team.rows("mended")
    number = team.send("mended", CORRECTED, CORRECTED_EVENTS)
    changed = team.rows("mended")
    assert (changed["occurrences"].height, changed["events"].height) == (8, 4)
    with Registry.open(team.settings) as registry:
        who = accounts.find(registry, "rangers")
        with pytest.raises(InputError) as asked:
            withdrawing.ask(registry, who, number)
        assert asked.value.code == "WITHDRAWAL_UNCONFIRMED"
        assert asked.value.expected == "confirm=2"
        said = str(asked.value)
        assert "2 records and 1 events that were not there before it go for good" in said
        assert "3 records and 1 events become again what they were" in said
        assert "0 records and 0 events come back; 3 records stay as they are" in said
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
    assert shown.height == 6
    with Registry.open(team.settings) as registry:
        states = [one["state"] for one in history.versions(registry, None, "mended")]
    assert states == ["published", "withdrawn"]
    again = team.take_back(number)
    assert "records" not in again or again["records"] == {"changed": 0, "back": 0, "gone": 0}
    assert team.rows("mended")["occurrences"].equals(before["occurrences"])
