"""Connections: spilled sorts do not meet, extensions come from their wheels."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from biodata.core.errors import StoreError
from biodata.store import duck


def test_two_connections_spill_beside_each_other(tmp_path: Path):
    spilling = [duck.workshop(spill=tmp_path / "tmp", memory_limit="40MB", threads=1) for _ in range(2)]
    for connection in spilling:
        connection.execute(
            "CREATE TABLE x AS SELECT hash(range) AS h, range AS r, repeat('x', 60) AS s FROM range(700000)"
        )
    assert len(list((tmp_path / "tmp").iterdir())) == 2
    for connection in spilling:
        assert connection.execute("SELECT sum(r), count(DISTINCT s) FROM x").fetchall() == [(244999650000, 1)]
        connection.close()
    assert not list((tmp_path / "tmp").iterdir())


def test_what_a_killed_process_spilled_is_swept(tmp_path: Path):
    for name, age_s in (("duckdb-999999999-a", 4000), ("duckdb-999999999-b", 10), (f"duckdb-{os.getpid()}-c", 4000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "duckdb_temp_storage_S32K-0.tmp").write_bytes(b"x")
        then = (tmp_path / name).stat().st_mtime - age_s
        os.utime(tmp_path / name, (then, then))
    duck.sweep_spills(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"duckdb-999999999-b", f"duckdb-{os.getpid()}-c"}


def test_an_extension_that_is_not_installed_is_told_with_its_package():
    with pytest.raises(StoreError, match=r"install duckdb-extension-not-there=="):
        duck.extension_path("not_there")
    assert duck.extension_path("spatial").is_file()


def test_an_extension_that_was_changed_is_refused_though_another_is_loaded_already(tmp_path: Path, monkeypatch):
    found = duck.extension_path("sqlite_scanner")
    changed = bytearray(found.read_bytes())
    changed[-1] ^= 1  # the signature stands last
    (tmp_path / found.name).write_bytes(changed)
    with duck.workshop(spill=tmp_path, extensions=("spatial",)) as connection:
        duck._checked.cache_clear()
        monkeypatch.setattr(duck, "extension_path", lambda _: tmp_path / found.name)
        with pytest.raises(duckdb.IOException, match="signature"):
            duck.load_extensions(connection, "sqlite_scanner")
    duck._checked.cache_clear()


@pytest.mark.parametrize(("dtype", "expected"), [
    (pl.List(pl.String), "VARCHAR[]"),
    (pl.List(pl.Struct({"term": pl.String, "applied": pl.Boolean})), 'STRUCT("term" VARCHAR, "applied" BOOLEAN)[]'),
    (pl.Int32, "INTEGER"),
    (pl.Binary(), "BLOB"),
], ids=["a list", "repairs", "a year", "a shape"])  # fmt: skip
def test_columns_have_a_type_in_the_store(dtype, expected: str):
    assert duck.sql_type(dtype) == expected


def test_a_type_that_the_store_has_not_is_told():
    with pytest.raises(StoreError, match="no column type for Duration"):
        duck.sql_type(pl.Duration("ms"))


def test_names_and_texts_are_quoted():
    assert duck.quote('a"b') == '"a""b"'
    assert duck.literal("there's") == "'there''s'"


def test_no_bar_is_drawn_on_standard_output(tmp_path: Path):
    made = duck.workshop(tmp_path / "release.duckdb", spill=tmp_path)
    setting = "SELECT current_setting('enable_progress_bar')"
    assert made.cursor().execute(setting).fetchall() == [(False,)]
    made.close()
    with duck.connect(tmp_path / "release.duckdb") as served:
        assert served.cursor().execute(setting).fetchall() == [(False,)]


def test_no_bar_is_drawn_where_python_has_no_script(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from biodata.store import duck; path = Path(sys.argv[1])\n"
        "duck.workshop(path, spill=path.parent).close()\n"
        "for served in [duck.connect(path), duck.connect(path)]:\n"
        """    print(served.execute("SELECT current_setting('enable_progress_bar')").fetchall())\n"""
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "release.duckdb"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[(False,)]"] * 2
