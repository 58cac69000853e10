"""What earlier releases made of sensitive records is kept whole, or nothing goes out."""

import json
from dataclasses import replace

import polars as pl
import pytest
from sqlalchemy import delete

from biodata.core.errors import SharingError
from biodata.core.settings import Settings
from biodata.sharing.grid import CROWD_PLACES
from biodata.sharing.set_apart import HIDDEN, SEEN, STATES, STOOD, WAITING, Memory
from biodata.store import folders, sharing_memory, withheld_since
from biodata.store.registry import Registry
from biodata.store.sharing_memory import SharingMemory


def frame(schema: pl.Schema, datasets: str, **more) -> pl.DataFrame:
    rows = [{"datasetKey": name, "key": n, **more} for n, name in enumerate(datasets)]
    return pl.DataFrame(rows).select(
        (pl.col(name) if name in rows[0] else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items()
    )


MEMORY = Memory(frame(STATES, "aab", rule_id="tigers", published=True), frame(CROWD_PLACES, "ac"),
                frame(SEEN, "b", unit="cell"), frame(STOOD, "a"), frame(HIDDEN, "ab"), frame(WAITING, "aab", places=7))  # fmt: skip


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def registry(data):
    with Registry.open(Settings(data=data)) as opened:
        sharing_memory.save(opened, data, MEMORY)
        yield opened


PARTS = ("states", "crowds", "seen", "stood", "hidden", "waiting")


def same(one: Memory, other: Memory) -> bool:
    return all(frame.sort(pl.all()).equals(getattr(other, name).sort(pl.all())) for name, frame in vars(one).items())


def digests(data) -> dict[str, str]:
    """Return the digests of the list, and of each part of one of the datasets."""
    (path,) = [path for path in (data / sharing_memory.FOLDER).iterdir() if path.read_bytes().startswith(b"{")]
    found = {"list": path.name}
    for files in json.loads(path.read_bytes())["datasets"].values():
        found |= files
    return found


def test_what_is_kept_is_read_again(registry, data):
    assert same(sharing_memory.read(registry, data), MEMORY)
    sharing_memory.save(registry, data, Memory())
    assert same(sharing_memory.read(registry, data), Memory())
    assert len(list((data / sharing_memory.FOLDER).iterdir())) == 1, "the list"


def test_places_lie_where_the_service_cannot_read_them(registry, data):
    folder = data / sharing_memory.FOLDER
    assert folder.stat().st_mode & 0o077 == 0
    assert not folder.is_relative_to(folders.service(data))


def test_a_table_that_is_emptied_is_missed(registry, data):
    with registry.session() as session, session.begin():
        session.execute(delete(SharingMemory))
    with pytest.raises(SharingError, match="biodata restore"):
        sharing_memory.read(registry, data)


def test_a_digest_that_is_emptied_is_missed(registry, data):
    with registry.session() as session, session.begin():
        session.get_one(SharingMemory, 1).digest = ""
    with pytest.raises(SharingError, match="biodata restore"):
        sharing_memory.read(registry, data)


def test_a_new_registry_has_nothing_to_keep(tmp_path):
    with Registry.open(Settings(data=tmp_path / "new")) as opened:
        assert same(sharing_memory.read(opened, tmp_path / "new"), Memory())


def test_a_digest_that_is_changed_is_seen(registry, data):
    with registry.session() as session, session.begin():
        session.get_one(SharingMemory, 1).digest = "0" * 64
    with pytest.raises(SharingError, match="biodata restore"):
        sharing_memory.read(registry, data)
    assert sharing_memory.damaged(registry, data) == [f"{sharing_memory.FOLDER}/{'0' * 64}"]


@pytest.mark.parametrize("part", [*PARTS, "list"])
@pytest.mark.parametrize("change", ["flipped", "cut", "lost"])
def test_a_file_that_is_changed_is_seen(registry, data, part, change):
    path = data / sharing_memory.FOLDER / digests(data)[part]
    content = bytearray(path.read_bytes())
    if change == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes(content if change == "flipped" else content[:-1])
    if change == "lost":
        path.unlink()
    with pytest.raises(SharingError, match="biodata restore"):
        sharing_memory.read(registry, data)
    lost = f"{sharing_memory.FOLDER}/{path.name}"
    assert sharing_memory.damaged(registry, data) == [lost]


def test_how_many_wait_is_counted_by_dataset(registry):
    with registry.session(read_only=True) as session:
        found = [sharing_memory.waiting(session, name) for name in "abc"]
    assert found == [{"7": 2}, {"7": 1}, {}]


def test_only_datasets_that_were_looked_at_are_written_anew(registry, data):
    other = replace(MEMORY, seen=frame(SEEN, "b", unit="crowd"), stood=MEMORY.stood.clear())
    sharing_memory.save(registry, data, other, changed=["b"])
    kept = sharing_memory.read(registry, data)
    assert same(kept.of(["b"]), other.of(["b"]))
    assert same(kept.of(["b"], others=True), MEMORY.of(["b"], others=True))


def test_a_rule_that_is_taken_back_is_forgotten_and_places_of_crowds_are_not(registry, data):
    sharing_memory.lift(registry, data, ["tigers"])
    kept = sharing_memory.read(registry, data)
    assert kept.states.is_empty()
    assert kept.crowds.height == 2


def test_a_presence_is_known_from_its_first_release_on(registry):
    withheld_since.record_presences(registry, pl.Series([1, 2], dtype=pl.Int64), 5)
    withheld_since.record_presences(registry, pl.Series([2, 3], dtype=pl.Int64), 7)
    found = {snapshot: sorted(withheld_since.presences_until(registry, snapshot)) for snapshot in (4, 5, 7)}
    assert found == {4: [], 5: [1, 2], 7: [1, 2, 3]}
