"""What the service may read is the same, to the last row, wherever inside its cell a hidden record lies.

Whatever the service answers, logs or counts is made of these files, so none of it can tell more: not by an answer, not by
its length, not by the rows that were read for it.
"""

import re
import sqlite3

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from starlette.testclient import TestClient

import planted_worlds
from api.app import create_app
from biodata.store import folders, releases

TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.:+Z-]*|\b\d{2,}\.\d{3,}\b(?= ?(?:s|seconds))")


@pytest.fixture(scope="module")
def records():
    return planted_worlds.hidden(10, 2, seed=5)


@pytest.fixture(scope="module")
def worlds(records, tmp_path_factory):
    made = [planted_worlds.world(tmp_path_factory.mktemp("world"), records, number) for number in (0, 1)]
    for settings in made:  # the service writes, too
        with TestClient(create_app(settings), base_url="http://test") as client:
            for path in ("/v1/occurrence/search", "/catalog.jsonld", "/metrics"):
                client.get(path)
    return made


def tables(settings) -> dict[str, pl.DataFrame]:
    """Return every table of the release, rows in the order in which they lie in the file, and how they lie there."""
    with duckdb.connect(str(releases.current(settings.data).path), read_only=True) as connection:
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        found = {name: connection.table(name).pl() for name in names}
        for name in names:
            statement = f"SELECT row_group_id, column_id, segment_type, count, compression, stats FROM pragma_storage_info('{name}')"
            found[f"segments of {name}"] = connection.execute(statement).pl()
    return found


def test_the_release_is_the_same_to_its_order_and_its_segments(worlds):
    one, other = map(tables, worlds)
    assert one.keys() == other.keys()
    for name, table in one.items():
        if name == "release_info":
            continue
        if name == "segments of release_info":
            continue
        assert_frame_equal(table, other[name], check_exact=True), name
    assert one["occurrences"].height > 100
    assert set(one["occurrences"]["sharing_category"]) > {"open", "0_01_degree", "1_degree"}


def registry(settings) -> dict[str, list[str]]:
    """Return the rows of the registry as text, without times."""
    connection = sqlite3.connect(settings.data / folders.REGISTRY)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [TIMES.sub("", repr(row)) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names
        }
    finally:
        connection.close()


def test_the_registry_is_the_same(worlds):
    one, other = map(registry, worlds)
    differ = {(name, a, b) for name, rows in one.items() for a, b in zip(rows, other[name], strict=False) if a != b}
    assert differ == set()
