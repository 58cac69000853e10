"""Rows that are put aside and read again dataset by dataset."""

from pathlib import Path

import polars as pl
import pytest

from biodata.store import rules_in_force
from biodata.store.rules_in_force import DatasetRows

SCHEMA = pl.Schema({"key": pl.Int64, "datasetKey": pl.String})


def put_aside(folder: Path, *datasets: str) -> DatasetRows:
    rows = DatasetRows(folder, "records", SCHEMA)
    for batch in (range(3), range(3, 6)):
        rows.add(pl.DataFrame({"key": list(batch), "datasetKey": [datasets[key] for key in batch]}, schema=SCHEMA))
    return rows


def test_datasets_are_read_from_every_batch(tmp_path: Path) -> None:
    rows = put_aside(tmp_path, "camp", "", "leeches", "", "camp", "leeches")
    assert sorted(rows.read(["camp", ""])["key"]) == [0, 1, 3, 4]
    assert rows.read(["another"]).schema == SCHEMA


def test_nothing_put_aside_is_read_as_no_rows(tmp_path: Path) -> None:
    assert DatasetRows(tmp_path, "records", SCHEMA).read(["camp"]).schema == SCHEMA


def test_each_dataset_is_in_one_group_of_few_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_in_force, "GROUP_ROWS", 2)
    rows = put_aside(tmp_path, "a", "b", "c", "c", "c", "d")
    assert list(rows.groups({"a", "b", "c", "d", "gone"})) == [["a", "b"], ["c"], ["d", "gone"]]
