"""A release of what changed is the release of all: the same id, the same rows and the same memory, change after change."""

import shutil
from pathlib import Path

import polars as pl
import pytest

import releases as fixture
from biodata import pipeline
from biodata.settings import Settings
from biodata.sharing.set_apart import Memory
from biodata.store import releases, rules_in_force, sharing_memory
from biodata.store.registry import Registry
from rule_files import put_rules
from test_changing import RULES, World


def memory(settings: Settings) -> Memory:
    with Registry.open(settings) as registry:
        return sharing_memory.read(registry, settings.data)


@pytest.mark.parametrize("seed", [11, 12])
def test_increments_are_whole_builds(tmp_path, monkeypatch, seed):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    world = World(tmp_path / "data", seed)
    put_rules(world.data, RULES)
    for _ in range(8):
        world.step()
    settings = Settings(data=world.data)
    pipeline.release(settings)
    for number in range(8):
        world.step()
        whole = Settings(data=Path(shutil.copytree(world.data, tmp_path / str(number))))
        added = pipeline.release(settings)
        with monkeypatch.context() as inside:
            inside.setattr(rules_in_force, "_changed", lambda *_: None)
            made = pipeline.release(whole, full=True)
        assert added.is_delta
        assert not made.is_delta
        assert added.id == made.id
        for table in ("occurrences", "surveys", "datasets"):
            rows = [releases.read(one, table).sort(pl.first()) for one in (added, made)]
            assert rows[0].equals(rows[1]), table
        kept, other = (vars(memory(one)) for one in (settings, whole))
        for part, frame in kept.items():
            assert frame.sort(pl.all(), nulls_last=True).equals(other[part].sort(pl.all(), nulls_last=True)), part
