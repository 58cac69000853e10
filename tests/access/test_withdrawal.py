"""After a withdrawal nothing tells what was withdrawn: lake files of every version, catalogues, releases, backups."""

import hashlib
import json
import os
import shutil
import struct
import threading
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, select
from typer.testing import CliRunner

import leaks
import survey_events
from biodata import pipeline, worker
from biodata.access import content, purges, withdrawal
from biodata.access.roles import Principal, Role, RoleBinding
from biodata.cli import app
from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.pipeline import reading
from biodata.store import folders, jobs, releases
from biodata.store.account_models import Withdrawal
from biodata.store.backup import backup, restore
from biodata.store.lake import Lake
from biodata.store.models import Ingest, Job, Submission
from biodata.store.private_reports import keep_report
from biodata.store.query import filters
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.verify import verify

pytestmark = pytest.mark.usefixtures("few_boundaries")
LATITUDE, LONGITUDE = 21.76543, 101.23457
PLACE = leaks.Place("the salt lick", LATITUDE, LONGITUDE)
WORDS = ("salt lick of the elders", "SECRET-77")
HEADING = (
    "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode,locality,individualCount\n"
)
TAKEN = f"{WORDS[1]},Muntiacus muntjak,{LATITUDE},{LONGITUDE},2024-03-05,LA,{WORDS[0]},3\n"
OTHER = "m2,Muntiacus muntjak,20.9,102.1,2024-03-06,LA,Nam Ha,1\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder with an installation and its backups: a dataset that will go and one that stays, two versions, two releases."""
    folder = tmp_path_factory.mktemp("made")
    made = Settings(data=folder / "data", memory_limit="500MB")
    (folder / "goes.csv").write_text(HEADING + TAKEN)
    (folder / "stays.csv").write_text(HEADING + OTHER)
    pipeline.ingest("gbif", [folder / "goes.csv"], made, dataset="goes")
    pipeline.release(made)
    pipeline.ingest("gbif", [folder / "stays.csv"], made, dataset="stays")
    pipeline.release(made)
    backup(made, folder / "backups")
    return folder


@pytest.fixture
def settings(made, tmp_path) -> Settings:
    """Return a copy of the installation; its backups lie beside it."""
    for name in ("data", "backups"):
        shutil.copytree(made / name, tmp_path / name)
    return Settings(data=tmp_path / "data", memory_limit="500MB")


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
    assert [name for name in before if name.startswith("releases/")], "the control: the releases tell it"
    assert "lake.sqlite" in before, "the control: the catalogue keeps the least and most of a column"
    assert tells(tmp_path / "backups")
    with Lake.open(settings.data) as lake:
        version = lake.snapshot()
    done = withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    assert (done.records, done.releases, done.in_use) == (1, 2, ())
    assert tells(settings.data) == []
    purges.purge_backups(settings, tmp_path / "backups")
    assert tells(tmp_path / "backups") == []
    with Lake.open(settings.data) as lake:
        old = lake.read("occurrences", snapshot=version)
        assert lake.count("occurrences") == 1
        assert lake.count("occurrences", where=Compare("decimalLatitude", "<", 21.0)) == 1
    assert dict(old.select("datasetKey", "locality").iter_rows()) == {"goes": None, "stays": "Nam Ha"}
    assert verify(settings).faults == []
    restore(tmp_path / "backups", tmp_path / "again")
    again = purges.purge(settings, release=pipeline.release)
    assert (again.lake_files, again.releases) == (0, 0)


def planted_everywhere(settings: Settings, registry: Registry) -> None:
    """Plant the withdrawn record in whatever beside lake and releases may tell a record."""
    place = f"{LATITUDE}, {LONGITUDE} {WORDS[0]}"
    service = folders.service(settings.data)
    workbook = hashlib.sha256(place.encode()).hexdigest()
    for folder in (settings.data, service):
        (folder / "uploads").mkdir(exist_ok=True)
        (folder / "uploads" / f"{workbook}.xlsx").write_text(place)
        left = folder / "staging" / "0123456789abcdef"
        left.mkdir(parents=True)
        (left / "part.parquet").write_text(place)
        left.with_suffix(".lock").touch()
        (folder / "tmp").mkdir(exist_ok=True)
        (folder / "tmp" / "duckdb_temp_storage-0.tmp").write_text(place)
        os.utime(folder / "tmp" / "duckdb_temp_storage-0.tmp", (0, 0))
    keep_report(settings.data, "submission-1", {"problems": [{"value": place}]})
    (settings.data / "downloads" / "d1").mkdir(parents=True, exist_ok=True)
    (settings.data / "downloads" / "d1" / "a.csv").write_text(place)
    with registry.session() as session, session.begin():
        job = Job(name="survey", state="done", result={"report": place}, error=place)
        session.add(job)
        session.flush()
        session.add(Submission(dataset="goes", state="committed", file_name="a.xlsx", file_sha256=workbook,
                               job_id=job.id, report={"problems": [{"value": place}]}))  # fmt: skip
        ingest = session.scalars(select(Ingest).where(Ingest.dataset == "goes")).first()
        ingest.report = {**ingest.report, "refusals": [{"value": place}]}
        keep_report(settings.data, f"ingest-{ingest.id}", {"refusals": [{"value": place}]})
    with registry.session() as session, session.begin():  # a row that is gone stays in free pages
        session.add_all(Job(name="survey", state="failed", error=f"{place} {n}" * 200) for n in range(20))
        session.flush()
        session.execute(delete(Job).where(Job.state == "failed"))


@pytest.mark.attacks  # every file beside them is read for every word
def test_nothing_beside_lake_and_releases_tells_it_either(settings):
    with Registry.open(settings) as registry:
        planted_everywhere(settings, registry)
        rows = releases.read(releases.current(settings.data), "occurrences")
        members = content.gather_small(terms.conform(rows, terms.PUBLISHED_OCCURRENCE), settings.data)
    before = {name.split("/")[-1] if name.startswith("service") else name for name in tells(settings.data)}
    assert {"registry.sqlite", "duckdb_temp_storage-0.tmp", "reports/submission-1.json"} <= before
    assert leaks.scan_folder(settings.data, [PLACE])
    withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    assert tells(settings.data) == []
    assert leaks.scan_folder(settings.data, [PLACE]) == []
    kept = pl.read_parquet(content.members_path(settings.data, members.hash))
    goes = kept.filter(dataset="goes")
    assert goes.select("whole", "own").rows() == [(0, 0)]
    assert kept.filter(dataset="stays")["whole"].item() != 0
    assert not (settings.data / "registry.sqlite").exists()
    assert verify(settings).faults == []


def test_a_record_that_went_before_its_dataset_was_withdrawn_is_emptied_too(settings, tmp_path):
    (tmp_path / "goes.csv").write_text(HEADING + OTHER)
    with Lake.open(settings.data) as lake, lake.staging() as staging:
        lake.commit_occurrences(staging, author="a test", message="gone", gone=[("goes", WORDS[1])])
    assert tells(settings.data / "lake")
    withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, dataset="goes")
    assert tells(settings.data) == []


def test_what_was_withdrawn_is_not_taken_in_again(settings, tmp_path):
    with Lake.open(settings.data) as lake:
        key = lake.read("occurrences", where=Compare("datasetKey", "=", "goes"))["key"].item()
    withdrawal.withdraw(settings, reason="asked for", release=pipeline.release, keys=[key])
    (tmp_path / "goes.csv").write_text(HEADING + TAKEN + OTHER)
    report = pipeline.ingest("gbif", [tmp_path / "goes.csv"], settings, dataset="goes")[0]
    assert (report.rows, report.stored, report.refused) == (2, 1, 1)
    assert [(r.code, r.row, r.value) for r in report.refusals] == [("RECORD_WITHDRAWN", 2, None)]
    assert [name for name in tells(settings.data) if name.startswith(("lake", "registry", "releases"))] == []


def test_a_node_takes_back_records_of_its_own_country_alone(settings, tmp_path):
    (tmp_path / "both.csv").write_text(HEADING + OTHER + OTHER.replace("m2,", "m3,").replace(",LA,", ",VN,"))
    pipeline.ingest("gbif", [tmp_path / "both.csv"], settings, dataset="both")
    noy = Principal(7, "noy", (RoleBinding(Role.NODE_MANAGER, country="LA"),))
    with Lake.open(settings.data) as lake:
        rows = lake.read("occurrences", columns=["key", "datasetKey", "countryCode"])
    vietnam = rows.filter(countryCode="VN")["key"].to_list()
    goes = rows.filter(datasetKey="goes")["key"].to_list()
    with Registry.open(settings) as registry:
        asked = [
            withdrawal.later(registry, noy, reason="asked", keys=vietnam),
            withdrawal.later(registry, noy, reason="asked", dataset="both"),
            withdrawal.later(registry, noy, reason="asked", keys=goes),
        ]
        worker.work(settings, stop=threading.Event(), once=True)
        states = [jobs.look(registry, number) for number in asked]
        assert not withdrawal.is_of(registry, Principal(8, "eve"), asked[0])
        assert withdrawal.is_of(registry, noy, asked[0])
    assert [one.state for one in states] == ["failed", "failed", "done"]
    assert states[0].error == states[1].error, "another country's record is as if it were not there"
    assert states[2].result["records"] == 1
    assert tells(settings.data) == []
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences", columns=["datasetKey"])["datasetKey"].sort().to_list() == [
            "both", "both", "stays",
        ]  # fmt: skip


def test_what_is_not_there_or_has_no_reason_is_refused(settings):
    for asked in ({"dataset": "none"}, {"keys": [7]}, {"dataset": "goes", "keys": [7]}, {}):
        with pytest.raises(InputError):
            withdrawal.withdraw(settings, reason="asked", release=pipeline.release, **asked)
    with pytest.raises(InputError):
        withdrawal.withdraw(settings, reason=" ", release=pipeline.release, dataset="goes")
    with Lake.open(settings.data) as lake:
        assert set(pl.Series(lake.read("occurrences")["datasetKey"])) == {"goes", "stays"}


def test_more_records_than_a_filter_may_name_are_taken_back(settings, monkeypatch):
    with Lake.open(settings.data) as lake:
        keys = lake.read("occurrences", columns=["key"])["key"].to_list()
    assert len(keys) > 1
    monkeypatch.setattr(filters, "MAXIMUM_VALUES", 1)
    assert withdrawal.look(settings, keys=keys).records == len(keys)


def test_a_dry_run_counts_and_changes_nothing_and_one_way_of_naming_is_taken(settings):
    def run(*words: str):
        return CliRunner().invoke(app, ["withdraw", *words, "--data", str(settings.data)])

    with Lake.open(settings.data) as lake:
        with lake.staging() as staging:
            lake.commit_occurrences(staging, author="a test", message="gone", gone=[("goes", WORDS[1])])
        version = lake.snapshot()
    before = tells(settings.data)
    done = run("--dataset", "goes", "--dry-run", "--json")
    assert json.loads(done.stdout) == {"records": 0, "before": 1, "datasets": {"goes": 1}, "countries": {}}
    done = run("--dataset", "stays", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "1 records: 1 of stays" in done.stdout
    assert "1 of LA" in done.stdout
    with Lake.open(settings.data) as lake:
        assert lake.snapshot() == version
    assert tells(settings.data) == before
    assert not withdrawal_is_noted(settings)
    for words, named, told in (
        (["--dataset", "goes", "--key", "7", "--reason", "x"], "--key", "both are named"),
        (["--reason", "x"], "--dataset", "neither"),
        (["--dataset", "goes"], "--reason", "the reason"),
        (["--dataset", "lao", "--dry-run"], None, "no record of this dataset"),
    ):
        refused = run(*words)
        assert isinstance(refused.exception, InputError), refused.output
        assert refused.exception.column == named
        assert told in str(refused.exception)
    assert not withdrawal_is_noted(settings)


def withdrawal_is_noted(settings: Settings) -> bool:
    with Registry.open(settings) as registry, registry.session() as session:
        return session.scalars(select(Withdrawal)).first() is not None


def test_what_is_withdrawn_while_it_is_read_does_not_come_in(tmp_path, monkeypatch):
    """An ingest takes minutes: what was withdrawn since it began may be among what it read."""
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    (tmp_path / "late.csv").write_text(HEADING + OTHER)
    read = reading.harmonise_table

    def slowly(*args, **more):
        read(*args, **more)
        with Registry.open(made) as registry, registry.session() as session, session.begin():
            session.add(Withdrawal(kind="dataset", subject="late", reason="x", by="x", records=1, purged={}))

    monkeypatch.setattr(reading, "harmonise_table", slowly)
    with pytest.raises(StoreError, match="take them in again"):
        pipeline.ingest("gbif", [tmp_path / "late.csv"], made, dataset="late")
    with Lake.open(made.data) as lake:
        assert lake.count("occurrences") == 0


EVENT_WORDS = ("E-SECRET-78", "the pool of the elders")


def with_events(settings: Settings) -> tuple[int, int]:
    """Take in a survey of three events; return the numbers of the records of the first and the second."""
    place = {"decimalLatitude": LATITUDE, "decimalLongitude": LONGITUDE, "locality": EVENT_WORDS[1],
             "parentEventID": "P-SECRET"}  # fmt: skip
    told = [
        survey_events.event(EVENT_WORDS[0], "cams", verbatim=json.dumps(place), **place),
        survey_events.event("P-SECRET", "cams", decimalLatitude=LATITUDE, decimalLongitude=LONGITUDE),
        survey_events.event("stays", "cams", decimalLatitude=20.9, decimalLongitude=102.1),
    ]
    seen = [
        survey_events.seen(
            1, "Muntiacus muntjak", EVENT_WORDS[0], "cams", decimalLatitude=LATITUDE, decimalLongitude=LONGITUDE
        ),
        survey_events.seen(2, "Muntiacus muntjak", "stays", "cams", decimalLatitude=20.9, decimalLongitude=102.1),
    ]
    survey_events.commit(settings.data, told, seen)
    pipeline.release(settings)
    with Lake.open(settings.data) as lake:
        rows = lake.read("occurrences", where=Compare("datasetKey", "=", "cams")).sort("source_record_id")
    return tuple(rows["key"])


def words_in(folder: Path) -> list[str]:
    """Return the files that tell a word of the event, as text or packed."""
    wanted = [*EVENT_WORDS, "P-SECRET"]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        held = path.read_bytes()
        text = repr(pq.ParquetFile(path).read().to_pylist()) if held[:4] == b"PAR1" else ""
        if any(word.encode() in held or word in text for word in wanted):
            found.append(str(path.relative_to(folder)))
    return found


_CUT = [pytest.param(name, marks=pytest.mark.attacks) for name in ("_take_out", "_releases")]


@pytest.mark.parametrize("cut", [None, *_CUT])
def test_events_of_nothing_but_withdrawn_records_go_with_them(tmp_path, monkeypatch, cut):
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    key, _ = with_events(made)
    backup(made, tmp_path / "backups")
    assert [name for name in words_in(made.data) if name.startswith("lake/main/events")], "the control"
    asked = {"reason": "asked for", "release": pipeline.release, "keys": [key]}
    if cut is None:
        withdrawal.withdraw(made, **asked)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(purges, cut, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                withdrawal.withdraw(made, **asked)
        purges.purge(made, release=pipeline.release)
    assert tells(made.data) == []
    assert words_in(made.data) == []
    purges.purge_backups(made, tmp_path / "backups")
    assert tells(tmp_path / "backups") == words_in(tmp_path / "backups") == []
    with Lake.open(made.data) as lake:
        assert lake.read("events")["eventID"].to_list() == ["stays"]
    assert releases.read(releases.current(made.data), "occurrences").height == 1
    assert verify(made).faults == []


def test_an_event_with_another_record_stays_and_a_dataset_goes_with_all_its_events(tmp_path):
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    with_events(made)
    survey_events.commit(made.data, [], [survey_events.seen(3, "Muntiacus muntjak", EVENT_WORDS[0], "cams")])
    with Lake.open(made.data) as lake:
        rows = lake.read("occurrences", columns=["key", "source_record_id"])
    key = rows.filter(source_record_id="cams-1")["key"].item()
    withdrawal.withdraw(made, reason="asked for", release=pipeline.release, keys=[key])
    with Lake.open(made.data) as lake:
        assert lake.count("events") == 3
    withdrawal.withdraw(made, reason="asked for", release=pipeline.release, dataset="cams")
    with Lake.open(made.data) as lake:
        assert lake.count("events") == lake.count("occurrences") == 0
    assert tells(made.data) == words_in(made.data) == []
    assert releases.read(releases.current(made.data), "surveys").is_empty()


def test_a_dataset_of_effort_alone_can_be_withdrawn_and_does_not_come_again(tmp_path):
    made = Settings(data=tmp_path / "data", memory_limit="500MB")
    survey_events.commit(made.data, [survey_events.event(EVENT_WORDS[0], "effort")], [])
    withdrawal.withdraw(made, reason="asked for", release=pipeline.release, dataset="effort")
    assert words_in(made.data) == []
    sample = Path(__file__).parents[2] / "sample_data" / "survey_namha.xlsx"
    told = pipeline.ingest("survey", [sample], made, dataset="effort")
    assert {refusal.code for report in told for refusal in report.refusals} == {"RECORD_WITHDRAWN"}
    with Lake.open(made.data) as lake:
        assert lake.count("events") == lake.count("occurrences") == 0
