"""`biodata ingest node` of a node that took a record back: the hub makes a release without it and purges by itself."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import leaks
from biodata import pipeline
from biodata.access import nodes, withdrawal
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.release_use import in_use

pytestmark = pytest.mark.usefixtures("few_boundaries")
PLACE = leaks.Place("the lick", 20.81234, 102.12345)
NAME = "Muntiacus muntjak"
ROWS = (
    "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode\n"
    f"m1,{NAME},{PLACE.latitude},{PLACE.longitude},2024-03-05,LA\n"
    f"m2,{NAME},20.46,102.71,2024-03-06,LA\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder with a hub, which keeps a download and a replay, and with what its node hands over next.

    The node of Laos handed over two open records; then it took back the one at the lick.
    """
    folder = tmp_path_factory.mktemp("made")
    node, hub = (Settings(data=folder / name, memory_limit="500MB") for name in ("LA", "hub"))
    (folder / "deer.csv").write_text(ROWS)
    pipeline.ingest("gbif", [folder / "deer.csv"], node, dataset="deer")
    pipeline.release(node)
    with Registry.open(node) as registry:
        nodes.new_node(registry, node.data, "LA")
    nodes.export_node(node, folder / "first")
    with Registry.open(hub) as registry:
        nodes.trust(registry, "LA", node.data / "node-LA.pub")
    assert harvest(hub, folder / "first").exit_code == 0
    pipeline.release(hub)
    (hub.data / "downloads" / "d1").mkdir(parents=True, exist_ok=True)
    (hub.data / "downloads" / "d1" / "a.csv").write_text(ROWS)
    with Lake.open(node.data) as lake:
        key = lake.read("occurrences", columns=["key"], where=Compare("decimalLatitude", ">", 20.8))["key"].item()
    withdrawal.withdraw(node, reason="asked for", release=pipeline.release, keys=[key])
    nodes.export_node(node, folder / "next")
    return folder


@pytest.fixture
def hub(tmp_path, made) -> Settings:
    return Settings(data=Path(shutil.copytree(made / "hub", tmp_path / "hub")), memory_limit="500MB")


def harvest(hub: Settings, folder: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["ingest", "node", str(folder), *more, "--data", str(hub.data)])


def test_a_harvest_that_took_back_releases_and_purges_by_itself(made, hub):
    before = {one.where.split("/")[0].split(":")[0] for one in leaks.scan_folder(hub.data, [PLACE])}
    assert {"lake", "releases", "downloads"} <= before, "the control: all of it tells"
    first = releases.current(hub.data)
    done = harvest(hub, made / "next")
    assert done.exit_code == 0, done.output
    assert "a node took records back" in done.output
    now = releases.current(hub.data)
    assert now.id != first.id
    assert releases.read(now, "occurrences")["decimalLatitude"].to_list() == [20.46]
    assert leaks.scan_folder(hub.data, [PLACE]) == []
    again = harvest(hub, made / "next")
    assert (again.exit_code, "took records back" in again.output) == (0, False)
    assert releases.current(hub.data).id == now.id, "nothing was owed"


def test_a_release_that_is_read_just_then_is_told_and_purged_later(made, hub):
    with in_use(hub.data, releases.current(hub.data).id) as path:
        done = harvest(hub, made / "next")
        assert done.exit_code == 1
        assert f"{path.name} is being read" in done.output
    assert path.exists()
    done = CliRunner().invoke(app, ["purge", "--data", str(hub.data)])
    assert done.exit_code == 0, done.output
    assert not path.exists()


def test_a_dry_run_purges_nothing(made, hub):
    first = releases.current(hub.data)
    done = harvest(hub, made / "next", "--dry-run")
    assert (done.exit_code, "took records back" in done.output) == (0, False)
    assert releases.current(hub.data).id == first.id
    assert leaks.scan_folder(hub.data / "downloads", [PLACE])
