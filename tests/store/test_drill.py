"""The drill: what was cited answers the same after a compaction, a new checklist, a backup and its restoring."""

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import releases as fixture
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.backup import backup, restore
from biodata.store.compaction import compact
from biodata.store.lake import Lake
from biodata.store.verify import verify
from cited_records import BULBUL, HORNBILL, OPEN_RULES, ROWS, change, cite, record, replay
from rule_files import put_rules


def test_a_citation_replays_identically_after_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, OPEN_RULES)
    for first in range(0, len(ROWS), 5):
        change(settings.data, ROWS[first : first + 5])
    made = pipeline.release(settings)
    cited = cite(settings)
    shown = releases.read(made, "occurrences").sort("key")

    change(settings.data, [{**ROWS[9], "individualCount": 4}, record(99, BULBUL, "walks")])
    change(settings.data, [{**ROWS[9], "individualCount": 5}])
    report = compact(settings, expire_days=0, grace=timedelta(0))
    assert made.snapshot in report.cited
    assert made.snapshot + 1 in report.expired
    assert report.files_after < report.files_before
    assert replay(settings, cited).identical

    with Lake.open(settings.data) as lake:
        taxa = pl.DataFrame({"taxon_id": ["T1"], "checklist": ["other"], "scientificName": ["Pycnonotus sinensis"]})
        lake.commit_table("taxa", taxa, key="taxon_id", scope={"checklist": "other"}, author="a test", message="taxa")
    # By a name that nothing knows they would be told less, then and now.
    renamed = [
        {**row, "acceptedScientificName": "Pycnonotus sinensis", "species": "Pycnonotus sinensis"}
        for row in ROWS
        if row["species"] in (BULBUL, HORNBILL)
    ]
    change(settings.data, renamed)
    pipeline.release(settings)
    assert replay(settings, cited).identical

    backup(settings, tmp_path / "backups")
    shutil.rmtree(settings.data)
    there = Settings(data=tmp_path / "elsewhere" / "restored")
    restore(tmp_path / "backups", there.data)
    found = replay(there, cited)
    assert found.identical
    assert found.today["snapshot"] > found.cited["snapshot"] == made.snapshot
    assert verify(there).faults == []
    # The release that was cited is made of the same version and rules: the rows are the same.
    with Lake.open(there.data) as lake:
        assert lake.read("occurrences", columns=["key"], snapshot=made.snapshot)["key"].sort().equals(shown["key"])
