"""A release is the one before it with what changed: by the changes that are found it is the same as one made of all."""

import random
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import releases as fixture
from biodata import pipeline, terms
from biodata.pipeline import releasing
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.releases import Change
from rule_files import put_rules
from survey_events import commit, event, seen
from test_replays import BULBUL, HORNBILL, OPEN_RULES, TIGER

RULES = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\nwhole,Pycnonotus sinensis,0_1_degree,rare,quiet\n"
OCCURRENCE = terms.names(terms.PUBLISHED_OCCURRENCE)
COUNTED = ("records", "species", "geometry", "country_codes", "coordinateUncertaintyInMeters")
"""What a release makes of an event's records."""


class StopError(Exception):
    """The change is known."""


@dataclass
class Captured:
    """What a release was to be made of: the change, and the rows of changed records with what is found of them."""

    change: Change | None
    tables: frozenset[str]
    rows: pl.DataFrame
    found: pl.DataFrame


def capture(settings: Settings, patch: pytest.MonkeyPatch) -> Captured:
    """Return in what the next release differs from the current one; nothing is made."""
    found: list[Captured] = []

    def build(lake, *, publish, presences, change, snapshot, results, **_):
        rows = beside = pl.DataFrame()
        if change is not None:
            part = settings.data / "part.parquet"

            def published(keys: pl.Series) -> pl.DataFrame:
                rows = publish(lake.read("occurrences", among=keys.to_frame("key"), snapshot=snapshot))
                return terms.conform(rows, terms.PUBLISHED_OCCURRENCE)

            published(change.keys).write_parquet(part)
            beside = change.found([part])
            rows = pl.concat([published(pl.concat([change.keys, beside["key"]]).unique()), presences])
        found.append(Captured(change, frozenset(results), rows, beside))
        raise StopError

    with patch.context() as inside:
        inside.setattr(releasing.releases, "build", build)
        with pytest.raises(StopError):
            pipeline.release(settings)
    return found[0]


def table(settings: Settings, name: str) -> pl.DataFrame:
    return releases.read(releases.current(settings.data), name)


def with_found(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return published records with what was found of each, as a release writes them."""
    is_open = pl.col("sharing_category") == "open"
    told = rows.drop("isInCluster", "cluster_id", "cluster_reason", "clusterRepresentative")
    told = told.join(found, on="key", how="left")
    more = pl.col("flags").fill_null([]).list.set_difference(pl.col("quality_flags").fill_null([])).list.sort()
    return told.with_columns(
        quality_flags=pl.when(more.list.len() > 0).then(pl.concat_list(pl.col("quality_flags").fill_null([]), more)).otherwise("quality_flags"),
        isInCluster=pl.when(is_open).then(pl.col("isInCluster").fill_null(value=False)),
        clusterRepresentative=(pl.col("cluster_id") == pl.col("key")).fill_null(value=True),
    ).select(OCCURRENCE)  # fmt: skip


def changed(before: pl.DataFrame, captured: Captured) -> pl.DataFrame:
    """Return a release's records with a change."""
    keys = pl.concat([captured.change.keys, captured.found["key"]])
    coarse = (pl.col("sharing_category") != "open") & pl.col("sharing_rule").is_not_null()
    kept = before.filter(~pl.col("key").is_in(keys.implode()), ~coarse)
    return pl.concat([kept, with_found(captured.rows, captured.found)])


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
        more = {
            "event_start": day, "event_end": day, "eventDate": str(day), "year": day.year, "month": 3, "day": day.day,
            "recordedBy": self.chance.choice([None, "A. Bouphavanh", "Nguyễn Văn B"]), "catalogNumber": self.chance.choice([None, "K-10000"]),
            "institutionCode": "KUN", "samplingProtocol": self.chance.choice([None, "transect"]),
        }  # fmt: skip
        name = None if chosen is None else chosen["eventID"]
        return seen(number, species, name, dataset, **where, **more)

    def new_event(self) -> dict:
        self.number += 1
        parents = [None, *(one["eventID"] for one in self.events.values() if one["parentEventID"] is None)]
        return event(f"e{self.number}", parentEventID=self.chance.choice(parents), **self.place())

    def step(self) -> None:
        """Commit a change of a few records and events."""
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
        """Return none or one of some."""
        return self.chance.sample(of, self.chance.randrange(2) if of else 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_changes_give_what_whole_builds_give(tmp_path, monkeypatch, seed):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    monkeypatch.setattr("biodata.store.code_version.code_hash", lambda: "the code")
    world = World(tmp_path / "0", seed)
    put_rules(world.data, RULES)
    for _ in range(8):
        world.step()
    settings = Settings(data=world.data)
    pipeline.release(settings)
    for number in range(1, 9):
        before = {name: table(settings, name) for name in ("occurrences", "surveys")}
        world.step()
        captured = capture(settings, monkeypatch)
        world.data = Path(shutil.copytree(world.data, tmp_path / str(number)))
        settings = Settings(data=world.data)
        pipeline.release(settings, full=True)
        assert captured.change is not None
        assert "taxa" not in captured.tables
        assert "corridors" in captured.tables
        now = changed(before["occurrences"], captured).sort("key")
        after = table(settings, "occurrences").sort("key")
        differing = now.join(after, on=now.columns, how="anti", nulls_equal=True)
        assert now["key"].to_list() == after["key"].to_list()
        assert differing.is_empty(), differing
        events = captured.change.events
        surveys = table(settings, "surveys").filter(pl.col("design").is_not_null()).drop(COUNTED)
        kept = before["surveys"].filter(pl.col("design").is_not_null()).drop(COUNTED)
        if events is not None:
            names = pl.concat([events["survey_id"], captured.change.events_gone])
            kept = pl.concat([kept.filter(~pl.col("survey_id").is_in(names.implode())), events.drop(COUNTED)])
        assert kept.sort("survey_id").equals(surveys.sort("survey_id"))
