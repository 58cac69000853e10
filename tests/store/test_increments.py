"""A release of what changed is the release of all: the same id, the same rows and the same memory, after many changes."""

import random
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import releases as fixture
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.ingest.protocol import DatasetInfo
from biodata.sharing.set_apart import Memory
from biodata.store import releases, rules_in_force, sharing_memory
from biodata.store.registry import Registry
from cited_records import BULBUL, HORNBILL, OPEN_RULES, TIGER
from rule_files import put_rules
from survey_events import commit, event, seen

RULES = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\nwhole,Pycnonotus sinensis,0_1_degree,rare,quiet\n"
STEPS = 2


class World:
    """Surveys with and without events that come, change and go."""

    def __init__(self, data: Path, seed: int) -> None:
        self.data, self.chance, self.number = data, random.Random(seed), 0
        self.events: dict[str, dict] = {}
        self.records: dict[int, dict] = {}

    def place(self) -> dict:
        x, y = self.chance.choice([(101.2, 20.5), (101.2, 20.5), (102.3, 19.1)])
        jitter = self.chance.choice([0.0, 0.0213 * self.chance.randrange(9)])
        return {"decimalLongitude": round(x + jitter, 4), "decimalLatitude": round(y + jitter / 2, 4)}

    def new_record(self, number: int | None = None) -> dict:
        if number is None:
            self.number += 1
        number = self.number if number is None else number
        dataset = self.chance.choice(["cameras", "cameras", "walks", "museum"])
        if number in self.records:
            dataset = self.records[number]["datasetKey"]
        of_event = [one for one in self.events.values() if one["datasetKey"] == dataset]
        chosen = self.chance.choice([None, *of_event])
        species = self.chance.choice([TIGER, HORNBILL, BULBUL, BULBUL])
        day = date(2020 + self.chance.randrange(2), 3, 1 + self.chance.randrange(2))
        where = self.place() if chosen is None else {n: chosen[n] for n in ("decimalLongitude", "decimalLatitude")}
        more = {"event_start": day, "event_end": day, "eventDate": str(day), "year": day.year, "month": 3,
                "day": day.day, "recordedBy": self.chance.choice([None, "A. Bouphavanh", "Nguyễn Văn B"]),
                "catalogNumber": self.chance.choice([None, "K-10000"]), "institutionCode": "KUN",
                "samplingProtocol": self.chance.choice([None, "transect"])}  # fmt: skip
        name = None if chosen is None else chosen["eventID"]
        return seen(number, species, name, dataset, **where, **more)

    def new_event(self) -> dict:
        self.number += 1
        parents = [None, *(one["eventID"] for one in self.events.values() if one["parentEventID"] is None)]
        return event(f"e{self.number}", parentEventID=self.chance.choice(parents), **self.place())

    def step(self) -> None:
        events = [self.new_event() for _ in range(self.chance.randrange(3))]
        self.events |= {one["event_key"]: one for one in events}
        again = self.chance.sample(sorted(self.records), min(2, len(self.records)))
        numbers = {number: self.new_record(number) for number in again}
        for _ in range(self.chance.randrange(1, 6)):
            row = self.new_record()
            numbers[self.number] = row
        gone = self.some(sorted(self.records.keys() - again))
        gone_events = self.some(sorted(self.events.keys() - {one["event_key"] for one in events}))
        names = [(self.records[n]["datasetKey"], self.records[n]["source_record_id"]) for n in gone]
        self.records = {n: row for n, row in (self.records | numbers).items() if n not in gone}
        self.events = {key: one for key, one in self.events.items() if key not in gone_events}
        commit(self.data, events, list(numbers.values()), gone=names, gone_events=gone_events)

    def some(self, of: list) -> list:
        return self.chance.sample(of, self.chance.randrange(2) if of else 0)


def memory(settings: Settings) -> Memory:
    with Registry.open(settings) as registry:
        return sharing_memory.read(registry, settings.data)


def same(added: releases.Release, whole: releases.Release, settings: Settings, other: Settings) -> bool:
    for table in ("occurrences", "surveys", "datasets"):
        rows = [releases.read(one, table).sort(pl.first()) for one in (added, whole)]
        assert rows[0].equals(rows[1]), table
    kept, anew = (vars(memory(one)) for one in (settings, other))
    # What is looked at again is no part of what is kept of records.
    for part, frame in ((name, rows) for name, rows in kept.items() if name != "unsettled"):
        assert frame.sort(pl.all(), nulls_last=True).equals(anew[part].sort(pl.all(), nulls_last=True)), part
    return added.id == whole.id


@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=pytest.mark.searches)])
def test_many_changes_give_what_a_whole_build_gives(tmp_path, monkeypatch, seed):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    world = World(tmp_path / "data", seed)
    put_rules(world.data, RULES)
    for _ in range(3):
        world.step()
    settings = Settings(data=world.data)
    pipeline.release(settings)
    for number in range(1, STEPS + 1):
        world.step()
        if number == 2:
            with Registry.open(settings) as registry:
                registry.record_datasets({"walks": DatasetInfo(key="walks", title="Walks", license="CC_BY_NC_4_0")})
        compared = number == STEPS
        if compared:
            other = Settings(data=Path(shutil.copytree(world.data, tmp_path / str(number))))
        added = pipeline.release(settings)
        assert added.is_delta
        if compared:
            with monkeypatch.context() as inside:
                inside.setattr(rules_in_force, "_changed", lambda *_: None)
                whole = pipeline.release(other, full=True)
            assert not whole.is_delta
            assert same(added, whole, settings, other)
