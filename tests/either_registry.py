"""Tests of the registry that ask the same of SQLite and of PostgreSQL; the fixture `empty_settings` says of which."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy import select

from biodata.core.settings import Settings
from biodata.store import audit, models, private_reports
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from store_records import TRUNG_KHANH, commit


@dataclass
class Facts:
    title: str | None = None
    license: str | None = None
    citation: str | None = None
    doi: str | None = None
    metadata: str | None = None


class EitherRegistry:
    """What holds of a registry on any database."""

    def test_moments_keep_their_zone(self, registry: Registry):
        told = datetime(2026, 11, 24, 16, 0, tzinfo=timezone(timedelta(hours=7)))
        with registry.session() as session, session.begin():
            session.add(models.Job(name="release", lease_until=told))
        with registry.session(read_only=True) as session:
            job = session.scalars(
                select(models.Job).where(models.Job.lease_until < datetime.now(UTC) + timedelta(99999))
            ).one()
            assert job.lease_until == told
            assert job.lease_until.utcoffset() == timedelta(0)
            assert job.result is None

    def test_a_dataset_keeps_what_it_was_told_before(self, registry: Registry):
        registry.record_datasets({"nam-ha": Facts(title="Nam Ha camera traps", license="CC_BY_4_0")})
        registry.record_datasets({"nam-ha": Facts(title="Nam Ha camera traps, 2026", doi="10.1234/nam-ha")})
        assert registry.datasets().rows(named=True) == [
            {"key": "nam-ha", "title": "Nam Ha camera traps, 2026", "license": "CC_BY_4_0", "citation": None,
             "doi": "10.1234/nam-ha"}
        ]  # fmt: skip

    def test_writers_at_once_make_one_chain(self, registry: Registry):
        def write() -> None:
            for _ in range(10):
                with registry.session() as session, session.begin():
                    audit.append(session, actor="a test", action="write", subject="x", details={})

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with registry.session(read_only=True) as session:
            assert len(session.scalars(select(models.AuditEntry)).all()) == 1 + 40
        assert registry.first_broken_audit_entry() is None

    def test_submissions_cut_off_are_settled_by_what_the_lake_has(self, registry: Registry, empty_settings: Settings):
        with registry.session() as session, session.begin():
            for number in (1, 2, 3):
                told = {"dataset": "d", "file_name": "f", "file_sha256": "0" * 64, "removes": number == 3}
                session.add(models.Submission(id=number, state="committing", **told))
        with Lake.open(empty_settings.data) as lake:
            snapshot = commit(lake, TRUNG_KHANH, extra={"submission": 2}).snapshot
            commit(lake, TRUNG_KHANH[:1], complete_datasets=["cao-bang"])
            assert sorted(registry.reconcile(lake)) == [1, 2, 3]
            assert registry.reconcile(lake) == []
        with registry.session(read_only=True) as session:
            found = {s.id: (s.state, s.snapshot) for s in session.scalars(select(models.Submission))}
        assert found == {1: ("draft", None), 2: ("committed", snapshot), 3: ("accepted", None)}

    def test_a_run_and_a_release_are_kept_once(self, registry: Registry, empty_settings: Settings):
        report = {"snapshot": 4, "parameters": {"seed": 1}, "corridors": 2}
        private_reports.record_run(registry, empty_settings.data, "run-1", "landcover", report)
        private_reports.record_run(registry, empty_settings.data, "run-1", "landcover", {**report, "corridors": 3})
        assert private_reports.run_reports(registry, empty_settings.data) == [{**report, "corridors": 3}]
        registry.record_ingest("gbif", {"dataset": "nam-ha", "rows": 3})
        for _ in range(2):
            registry.record_release("r000004-abc", snapshot=4, rules_hash="h", counts={"occurrences": 3})
        with registry.session(read_only=True) as session:
            run = session.scalars(select(models.Run)).one()
            assert (run.snapshot, run.seed) == (4, 1)
            assert session.scalars(select(models.Release)).one().counts == {"occurrences": 3}
            assert session.scalars(select(models.AuditEntry)).all()[1].action == "release"
