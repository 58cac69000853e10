"""`biodata ingest node` of a node that took a record back: the hub makes a release without it and purges by itself."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import leaks
from biodata import pipeline
from biodata.access import node_export, nodes, withdrawal
from biodata.cli import app
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.release_use import in_use

PLACE = leaks.Place("the lick", 20.81234, 102.12345)
NAME = "Muntiacus muntjak"
ROWS = (
    "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode\n"
    f"m1,{NAME},{PLACE.latitude},{PLACE.longitude},2024-03-05,LA\n"
    f"m2,{NAME},20.46,102.71,2024-03-06,LA\n"
)


@pytest.fixture
def node(tmp_path) -> Settings:
    """Return the node of Laos with two open records, and with what it hands over beside it."""
    made = Settings(data=tmp_path / "LA", memory_limit="500MB")
    (tmp_path / "deer.csv").write_text(ROWS)
    pipeline.ingest("gbif", [tmp_path / "deer.csv"], made, dataset="deer")
    pipeline.release(made)
    with Registry.open(made) as registry:
        nodes.new(registry, made.data, "LA")
    node_export.export(made, tmp_path / "first")
    return made


@pytest.fixture
def hub(tmp_path, node) -> Settings:
    """Return a hub that harvested the node, made releases, and keeps a download and a replay of the first."""
    made = Settings(data=tmp_path / "hub", memory_limit="500MB")
    with Registry.open(made) as registry:
        nodes.trust(registry, "LA", node.data / "node-LA.pub")
    assert harvest(made, tmp_path / "first").exit_code == 0
    pipeline.release(made)
    for name in ("downloads/d1", "replays"):
        (made.data / name).mkdir(parents=True, exist_ok=True)
        (made.data / name / "a.csv").write_text(ROWS)
    return made


def harvest(hub: Settings, folder: Path) -> Result:
    return CliRunner().invoke(app, ["ingest", "node", str(folder), "--data", str(hub.data)])


def taken_back(node: Settings, folder: Path) -> Path:
    """Let the node withdraw the record at the lick; return what it hands over then."""
    with Lake.open(node.data) as lake:
        key = lake.read("occurrences", columns=["key"], where=Compare("decimalLatitude", ">", 20.8))["key"].item()
    withdrawal.withdraw(node, reason="asked for", release=pipeline.release, keys=[key])
    node_export.export(node, folder)
    return folder


def test_a_harvest_that_took_back_releases_and_purges_by_itself(tmp_path, node, hub):
    before = {one.where.split("/")[0].split(":")[0] for one in leaks.scan_folder(hub.data, [PLACE])}
    assert {"lake", "releases", "downloads", "replays"} <= before, "the control: all of it tells"
    first = releases.current(hub.data)
    done = harvest(hub, taken_back(node, tmp_path / "next"))
    assert done.exit_code == 0, done.output
    assert "a node took records back" in done.output
    now = releases.current(hub.data)
    assert now.id != first.id
    assert releases.read(now, "occurrences")["decimalLatitude"].to_list() == [20.46]
    assert leaks.scan_folder(hub.data, [PLACE]) == []
    again = harvest(hub, tmp_path / "next")
    assert (again.exit_code, "took records back" in again.output) == (0, False)
    assert releases.current(hub.data).id == now.id, "nothing was owed"


def test_a_release_that_is_read_just_then_is_told_and_purged_later(tmp_path, node, hub):
    folder = taken_back(node, tmp_path / "next")
    with in_use(hub.data, releases.current(hub.data).id) as path:
        done = harvest(hub, folder)
        assert done.exit_code == 1
        assert f"{path.name} is being read" in done.output
    assert path.exists()
    done = CliRunner().invoke(app, ["purge", "--data", str(hub.data)])
    assert done.exit_code == 0, done.output
    assert leaks.scan_folder(hub.data, [PLACE]) == []


def test_a_dry_run_purges_nothing(tmp_path, node, hub):
    first = releases.current(hub.data)
    folder = taken_back(node, tmp_path / "next")
    done = CliRunner().invoke(app, ["ingest", "node", str(folder), "--dry-run", "--data", str(hub.data)])
    assert (done.exit_code, "took records back" in done.output) == (0, False)
    assert releases.current(hub.data).id == first.id
    assert leaks.scan_folder(hub.data / "downloads", [PLACE])
