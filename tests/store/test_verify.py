"""Verification: one flipped bit anywhere is found, and the file is named."""

import hashlib
import json
import random
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

import releases
from biodata.access import content, credentials, nodes
from biodata.assessments import standing
from biodata.cli import app
from biodata.core.errors import RulesUnreadableError, StoreError
from biodata.core.settings import Settings
from biodata.sharing.grid import CROWD_PLACES
from biodata.sharing.set_apart import Memory
from biodata.store import (
    checksums,
    floor_set,
    folders,
    models,
    pointer,
    sharing_memory,
    survey_files,
    verify_files,
    withheld_since,
)
from biodata.store.folders import secret, token_secret
from biodata.store.lake import Lake
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_of
from biodata.store.verify import verify
from store_records import build, commit_rows, scattered

ROWS = scattered(80)
LAYER = b"cells of land cover"
UPLOAD = b"a survey's workbook"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return an installation with something of everything; tests copy it."""
    data = tmp_path_factory.mktemp("whole")
    secret(data)
    with Lake.open(data) as lake, Registry.open(Settings(data=data)) as registry:
        commit_rows(lake, ROWS[:60])
        (data / "layers").mkdir()
        (data / "layers" / "cover.tif").write_bytes(LAYER)
        layer = pl.DataFrame(
            {"name": ["cover"], "file_name": ["cover.tif"], "sha256": [hashlib.sha256(LAYER).hexdigest()]}
        )
        lake.commit_table("layers", layer, key="name", scope=None, author="a test", message="a layer")
        commit_rows(lake, [{**ROWS[0], "year": 1900}, *ROWS[60:]])
        made = build(lake)
        registry.record_release(made.id, snapshot=made.snapshot, rules_hash="rules", counts=made.counts)
        build(lake, rules_hash="others")
        credentials.key_for_uploads(registry, "a team")
    checksum = hashlib.sha256(UPLOAD).hexdigest()
    (data / "uploads").mkdir(mode=0o700)
    (data / "uploads" / f"{checksum}.xlsx").write_bytes(UPLOAD)
    survey_files.put(data, survey_files.waiting(data, checksum), UPLOAD)
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data"))


def flip(path: Path, *, seed: int) -> None:
    content = bytearray(path.read_bytes())
    bit = random.Random(seed).randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def faults(data: Path) -> dict[str, str]:
    return {fault.file: fault.problem for fault in verify(Settings(data=data)).faults}


def test_nothing_is_found_where_nothing_is_wrong(data: Path):
    report = verify(Settings(data=data))
    assert report.faults == []
    assert report.recorded == []
    assert report.files > 10
    assert verify(Settings(data=data)) == report


def test_a_registry_of_thousands_of_rows_is_read_to_its_end(data: Path):
    with Registry.open(Settings(data=data)) as registry:
        withheld_since.record_presences(registry, pl.Series(range(3000), dtype=pl.Int64), 1)
    assert verify(Settings(data=data)).faults == []


def test_a_missing_file_is_found(data: Path):
    told = pointer.read(data)
    gone = [sorted((data / "lake").rglob("staged-*"))[0], pointer.path(data, told.current.id), data / "secret"]
    for path in gone:
        path.unlink()
    assert faults(data) == {
        str(gone[0].relative_to(data)): "it is missing",
        str(gone[1].relative_to(data)): "the current release's file is missing",
        "secret": "it is missing",
    }


def test_a_pointer_that_tells_something_else_is_found(data: Path):
    path = data / "releases" / "CURRENT"
    told = json.loads(path.read_text())
    told["current"]["counts"]["occurrences"] += 1
    path.write_text(json.dumps(told))
    assert sorted(faults(data).values()) == [
        "it is not as it was written",
        "releases/CURRENT tells something else of it",
    ]
    path.write_text("{")
    assert list(faults(data)) == ["releases/CURRENT"]


def test_a_broken_audit_chain_is_found(data: Path):
    with sqlite3.connect(data / folders.REGISTRY) as connection:
        connection.execute("UPDATE audit SET actor = 'somebody else' WHERE id = 2")
    connection.close()
    assert faults(data) == {folders.REGISTRY: "audit entry 2 was changed or is gone, or one before it is"}


def test_lost_commits_are_found(data: Path):
    older = shutil.copy(data / "lake.sqlite", data.parent / "older.sqlite")
    with Lake.open(data) as lake:
        commit_rows(lake, [{**ROWS[1], "source_record_id": "later"}])
        version = lake.snapshot()
    assert faults(data) == {}
    shutil.copy(older, data / "lake.sqlite")
    assert faults(data) == {"lake.sqlite": f"it is at version {version - 1} and was at {version}: commits are lost"}


def test_a_changed_checksum_is_found(data: Path):
    with sqlite3.connect(data / "checksums.sqlite") as connection:
        connection.execute("UPDATE file SET sha256 = upper(sha256) WHERE path = 'secret'")
    connection.close()
    assert faults(data) == {"checksums.sqlite": "the entry of 'secret' was changed"}


def test_lost_checksums_are_a_fault_until_they_are_put_down_anew(data: Path):
    for path in data.glob("checksums.sqlite*"):
        path.unlink()
    for _ in range(2):
        assert faults(data) == {"checksums.sqlite": "it is missing"}
    first = verify(Settings(data=data), record=True)
    assert first.faults == []
    found = {name for name in first.recorded if name.startswith("lake/")}
    assert found == {str(path.relative_to(data)) for path in (data / "lake").rglob("*.parquet")}
    assert verify(Settings(data=data)).recorded == []
    assert "lake.sqlite" in checksums.read(data)


@pytest.fixture(scope="module")
def everything(whole: Path, tmp_path_factory) -> Path:
    data = Path(shutil.copytree(whole, tmp_path_factory.mktemp("everything") / "data"))
    settings = Settings(data=data)
    keep_report(data, "ingest-1", {"refusals": [{"value": "20.51234"}]})
    floor_set.pin(data, releases.neighbours())
    standing.remember(data, "run-1", pl.DataFrame({"key": [1], "sharing_category": ["open"]}))
    token_secret(data)
    with Registry.open(settings) as registry:
        nodes.new_node(registry, data, "LA")
        crowd = pl.DataFrame({"datasetKey": ["d"], "crowd": ["c"], "x": [1], "y": [2]}, schema_overrides=CROWD_PLACES)
        sharing_memory.save(registry, data, Memory(crowds=pl.concat([CROWD_PLACES.to_frame(), crowd], how="diagonal")))
        with registry.session() as session, session.begin():
            file = data / "downloads" / "d1" / "rows.csv"
            file.parent.mkdir(parents=True)
            file.write_text("key,species\n1,Sus scrofa\n")
            result = {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            job = models.Job(name="download", state="done", result=result)
            session.add(job)
            session.flush()
            session.add(models.Download(id="d1", job_id=job.id, request={}))
            sent = hashlib.sha256(UPLOAD).hexdigest()
            told = {"file_name": "a.xlsx", "file_sha256": sent, "report": {"problems": []}}
            session.add(models.Submission(dataset="d", state="committed", **told))
    (data / "uploads" / f"{sent}.xlsx").unlink()
    list_of_records = data.parent / "members.part"
    list_of_records.write_bytes(b"members of a citation")
    content.keep(data, list_of_records, "0" * 64)
    (data / "gazetteer.csv").write_text("kind,name,longitude,latitude,radius_m\n")
    (data / "run_results").mkdir(mode=0o700)
    (data / "run_results" / "run-1").mkdir()
    (data / "run_results" / "run-1" / "corridors.parquet").write_bytes(b"what a run gave, and more of it")
    page = folders.results(data) / ("0" * 32) / "results.json"
    page.parent.mkdir(parents=True)
    page.write_text("what is published of a dataset's surveys")
    named = pointer.read(data)
    for path in pointer.folder(data).glob("release-*.duckdb"):
        if path != pointer.path(data, named.current.id):  # one of before may be removed at any time
            path.unlink()
    first = verify(settings)
    assert first.faults == []
    assert {name.split("/")[0] for name in first.recorded} == {"gazetteer.csv", "run_results", "service"}
    return data


def damaged(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        # Not where a database keeps nothing: in the checksums one of an entry.
        place = content.find(b"secret") if path.name == checksums.FILE else len(content) // 2
        place = content.find(b"audit_heads") if place < 0 else place
        content[place] ^= 1
    path.unlink()
    if how != "removed":
        path.write_bytes(content[: len(content) // 2] if how == "cut" else content)


@pytest.mark.parametrize("how", ["flipped", "removed", "cut"])
def test_of_every_kind_of_file_a_damaged_one_is_named(everything: Path, how: str):
    names = [path.relative_to(everything).as_posix() for path in sorted(everything.rglob("*")) if path.is_file()]
    missed, kinds = [], {verify_files.kind_of(name) for name in names}
    walked = {kind for kind in verify_files.KINDS if kind.guard is not verify_files.Guard.NONE}
    assert walked <= kinds, "a file of each kind"
    asked = [
        next(name for name in names if verify_files.kind_of(name) is kind)
        for kind in walked
        if how != "removed" or kind.part is not verify_files.Part.DERIVED
    ]
    # What others are looked up in, and a release, which is made of others, are damaged alone.
    alone = [[name] for name in asked if name.endswith((".sqlite", ".json", ".duckdb"))]
    for group in (*alone, [name for name in asked if [name] not in alone]):
        kept = {name: ((everything / name).read_bytes(), (everything / name).stat().st_mode) for name in group}
        for name in group:
            damaged(everything / name, how)
        try:
            found = list(faults(everything))
        except StoreError as error:  # without a catalogue there is nothing to look through
            found = [str(error)]
        missed += [name for name in group if not any(name in one or Path(name).stem in one for one in found)]
        for name, (before, mode) in kept.items():
            (everything / name).write_bytes(before)
            (everything / name).chmod(mode)
    assert missed == []
    assert faults(everything) == {}


@pytest.mark.parametrize(
    "name", ["sharing_rules.csv", "notes.txt", "service/notes", "releases/old.duckdb", "uploads/x"]
)
def test_a_file_that_is_none_of_an_installation_is_named(data: Path, name: str):
    (data / name).write_text("what lies here")
    (data / name).chmod(0o600)
    assert list(faults(data)) == [name]


def test_a_registry_without_rules_is_a_fault_and_nothing_is_released(data: Path):
    with Registry.open(Settings(data=data)) as registry, registry.session() as session, session.begin():
        session.delete(session.scalars(select(models.RuleVersion)).one())
    assert "cannot be read: the sharing rules cannot be read" in faults(data)[folders.REGISTRY]
    for path in (data / "service").glob("registry.sqlite*"):
        path.unlink()
    with pytest.raises(RulesUnreadableError, match="the registry has no version of them"):
        rules_of(Settings(data=data))


def test_a_damaged_current_release_is_made_anew(data: Path):
    told = pointer.read(data)
    path = pointer.path(data, told.current.id)
    flip(path, seed=1)
    assert len(faults(data)) == 1
    path.unlink()
    with Lake.open(data) as lake:
        assert build(lake, rules_hash="others").id == told.current.id
    assert faults(data) == {}
    assert pointer.read(data).previous == told.previous


def test_the_command_names_the_file_and_ends_with_1(data: Path):
    assert CliRunner().invoke(app, ["verify", "--data", str(data)]).exit_code == 0
    flip(data / "layers" / "cover.tif", seed=1)
    told = CliRunner().invoke(app, ["verify", "--data", str(data)])
    assert told.exit_code == 1
    assert "layers/cover.tif: it is not what was taken in; ingest the layer again" in told.output
    told = CliRunner().invoke(app, ["verify", "--data", str(data), "--json"])
    assert [fault["file"] for fault in json.loads(told.output)["faults"]] == ["layers/cover.tif"]


def test_a_folder_without_a_lake_is_told(tmp_path: Path):
    with pytest.raises(StoreError, match="holds no lake"):
        verify(Settings(data=tmp_path))
