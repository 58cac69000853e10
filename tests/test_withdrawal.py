"""After a withdrawal nothing tells what was withdrawn: lake files of every version, catalogues, releases, backups."""

import struct
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from biodata import pipeline
from biodata.access import citations, replays, withdrawal
from biodata.access.citations import Question
from biodata.errors import InputError, StoreError
from biodata.pipeline import ingesting
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.backup import backup, restore
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.node_models import Withdrawal
from biodata.store.private_reports import keep_report
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.verify import verify

LATITUDE, LONGITUDE = 21.76543, 101.23457
WORDS = ("salt lick of the elders", "SECRET-77")
HEADING = (
    "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode,locality,individualCount\n"
)
TAKEN = f"{WORDS[1]},Muntiacus muntjak,{LATITUDE},{LONGITUDE},2024-03-05,LA,{WORDS[0]},3\n"
OTHER = "m2,Muntiacus muntjak,20.9,102.1,2024-03-06,LA,Nam Ha,1\n"


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Return an installation with a dataset that will go and one that stays, two versions, two releases, a backup."""
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    (tmp_path / "goes.csv").write_text(HEADING + TAKEN)
    (tmp_path / "stays.csv").write_text(HEADING + OTHER)
    pipeline.ingest("gbif", [tmp_path / "goes.csv"], made, dataset="goes")
    pipeline.release(made)
    pipeline.ingest("gbif", [tmp_path / "stays.csv"], made, dataset="stays")
    pipeline.release(made)
    backup(made, tmp_path / "backups")
    return made


def tells(folder: Path) -> list[str]:
    """Return every file that tells a planted value, as text, as a double, or inside a Parquet or DuckDB file."""
    wanted = [*(word.encode() for word in WORDS), f"{LATITUDE}".encode(), f"{LONGITUDE}".encode()]
    wanted += [struct.pack("<d", value) for value in (LATITUDE, LONGITUDE)]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        decoded = ""
        if content[:4] == b"PAR1":
            decoded = repr(pq.ParquetFile(path).read().to_pylist())
        elif content[8:12] == b"DUCK":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
                decoded = "".join(repr(connection.table(name).fetchall()) for name in tables)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                decoded = "".join(packed.read(name).decode("latin-1") for name in packed.namelist())
        if any(one in content for one in wanted) or any(one.decode() in decoded for one in wanted[:4]):
            found.append(str(path.relative_to(folder)))
    return found


def test_after_a_withdrawal_nothing_tells_it_and_the_counts_stay(settings, tmp_path):
    before = tells(settings.data)
    assert [name for name in before if name.startswith("lake/")], "the control: the lake tells it"
    assert len([name for name in before if name.startswith("releases/")]) == 2
    assert "lake.sqlite" in before, "the control: the catalogue keeps the least and most of a column"
    assert tells(tmp_path / "backups")
    with Lake.open(settings.data) as lake:
        version = lake.snapshot()
    done = withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    assert (done.records, done.releases, done.in_use) == (1, 2, ())
    assert tells(settings.data) == []
    withdrawal.purge_backups(settings, tmp_path / "backups")
    assert tells(tmp_path / "backups") == []
    with Lake.open(settings.data) as lake:
        old = lake.read("occurrences", snapshot=version)
        assert lake.count("occurrences") == 1
        assert lake.count("occurrences", where=Compare("decimalLatitude", "<", 21.0)) == 1
    assert dict(old.select("datasetKey", "locality").iter_rows()) == {"goes": None, "stays": "Nam Ha"}
    assert verify(settings).faults == []
    restore(tmp_path / "backups", tmp_path / "again")
    again = withdrawal.purge(settings)
    assert (again.lake_files, again.releases) == (0, 0)


def test_citations_reports_uploads_and_the_registry_are_purged_where_they_lie(settings):
    own = settings.data / "service"
    made = releases.current(settings.data)
    with releases.connect(made.path) as connection:
        info = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
        key = connection.execute("SELECT key FROM occurrences WHERE \"datasetKey\" = 'goes'").fetchone()[0]
    with Registry.open(settings) as registry:
        cited = citations.cite(settings, registry, Question([], None), release=info, rows=None)
        citations.make_content(settings, registry, cited)
        with registry.session() as session, session.begin():
            sent = Submission(dataset="goes", file_name="x.xlsx", file_sha256="ab" * 32, state="draft", report={})
            session.add(sent)
            session.flush()
            names = [f"submission-{sent.id}", "ingest-1"]
    for folder in (settings.data, own):
        (folder / "uploads").mkdir(exist_ok=True)
        (folder / "uploads" / f"{'ab' * 32}.xlsx").write_text(WORDS[0])
    for name in names:
        keep_report(settings.data, name, {"value": WORDS[0]})
    (members,) = (own / "citations").glob("members-*.parquet")
    before = pl.read_parquet(members)
    done = withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    after = pl.read_parquet(members)
    assert (done.uploads, tells(settings.data)) == (2, [])
    assert not (settings.data / "registry.sqlite").exists(), "the registry lies in the service's folder"
    assert after.filter(key=key).select("whole", "own").row(0) == (0, 0), "64 bits of a place can be tried out"
    assert after.filter(pl.col("key") != key).equals(before.filter(pl.col("key") != key))
    assert after.schema == before.schema
    assert verify(settings).faults == []
    with Registry.open(settings) as registry:
        told = replays.replay(settings, registry, cited)
    assert (told.causes["withdrawn"].count, told.identical) == (1, False)


def breaks(*_args, **_named):
    message = "no room"
    raise StoreError(message)


def test_a_withdrawal_that_broke_off_goes_on(settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit_occurrences", breaks)
        with pytest.raises(StoreError):
            withdrawal.withdraw(settings, reason="asked for", release=breaks, dataset="goes")
    with Lake.open(settings.data) as lake:
        assert lake.count("occurrences", where=Compare("datasetKey", "=", "goes")) == 1, "put down, and still there"
    with pytest.raises(StoreError):
        withdrawal.withdraw(settings, reason="asked for", release=breaks, dataset="goes")
    with Lake.open(settings.data) as lake:
        assert lake.count("occurrences") == 1
    done = withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    assert (done.records, done.in_use, tells(settings.data)) == (1, (), [])


def test_a_purge_empties_no_row_of_the_present_version(settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit_occurrences", breaks)
        with pytest.raises(StoreError):
            withdrawal.withdraw(settings, reason="asked for", release=breaks, dataset="goes")
    withdrawal.purge(settings)
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences")["datasetKey"].to_list() == ["stays"]


def test_what_was_withdrawn_is_not_taken_in_again(settings, tmp_path):
    with Lake.open(settings.data) as lake:
        key = lake.read("occurrences", where=Compare("datasetKey", "=", "goes"))["key"].item()
    withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, keys=[key])
    (tmp_path / "goes.csv").write_text(HEADING + TAKEN + OTHER)
    report = pipeline.ingest("gbif", [tmp_path / "goes.csv"], settings, dataset="goes")[0]
    assert (report.rows, report.stored, report.refused) == (2, 1, 1)
    assert [(r.code, r.row, r.value) for r in report.refusals] == [("RECORD_WITHDRAWN", 2, None)]
    assert [name for name in tells(settings.data) if name.startswith(("lake", "registry", "releases"))] == []


def test_what_is_not_there_or_has_no_reason_is_refused(settings):
    for asked in ({"dataset": "none"}, {"keys": [7]}, {"dataset": "goes", "keys": [7]}, {}):
        with pytest.raises(InputError):
            withdrawal.withdraw(settings, reason="asked", release=pipeline.release, **asked)
    with pytest.raises(InputError):
        withdrawal.withdraw(settings, reason=" ", release=pipeline.release, dataset="goes")
    with Lake.open(settings.data) as lake:
        assert set(pl.Series(lake.read("occurrences")["datasetKey"])) == {"goes", "stays"}


def test_what_is_withdrawn_while_it_is_read_does_not_come_in(settings, monkeypatch):
    """An ingest takes minutes: what was withdrawn since it began may be among what it read."""
    read = ingesting.harmonise_table

    def slowly(*args, **more):
        read(*args, **more)
        with Registry.open(settings) as registry, registry.session() as session, session.begin():
            session.add(Withdrawal(kind="dataset", subject="late", reason="x", by="x", records=1, purged={}))

    monkeypatch.setattr(ingesting, "harmonise_table", slowly)
    with pytest.raises(StoreError, match="take them in again"):
        pipeline.ingest("gbif", [settings.data.parent / "stays.csv"], settings, dataset="late")
    with Lake.open(settings.data) as lake:
        assert set(lake.read("occurrences")["datasetKey"]) == {"goes", "stays"}
