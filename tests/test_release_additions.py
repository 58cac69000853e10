"""Releases made by adding to the one before: the same rows as one made at once, or a whole new file."""

import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

from biodata.sharing.plan import Plan
from biodata.sharing.set_apart import MARKED, Memory
from biodata.store import pointer, releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.release_file import SORTED_BY
from biodata.store.releases import Release
from biodata.store.tables import RELEASE
from store_records import SEROW, build, commit_rows, publish, results, scattered

ROWS = scattered(400)
COLUMNS = ("key", "species", "event_start", "decimalLatitude", "decimalLongitude", "sharing_category", "datasetKey")


def assess(parts: list[Path]) -> pl.DataFrame:
    """Tell of open records at the same place: a plain stand-in whose answer hangs on all of them."""
    rows = pl.concat([pl.read_parquet(part, columns=list(COLUMNS)) for part in parts])
    rows = rows.filter(pl.col("sharing_category") == "open").drop_nulls("decimalLatitude")
    place = ["species", "decimalLatitude", "decimalLongitude"]
    rows = rows.with_columns(first=pl.col("key").min().over(place), n=pl.len().over(place)).filter(pl.col("n") > 1)
    return rows.select(
        "key",
        pl.lit(["COORDINATE_REPEATED"]).alias("flags"),
        pl.lit(value=True).alias("isInCluster"),
        pl.col("first").alias("cluster_id"),
        pl.lit("same place").alias("cluster_reason"),
    )


def make(lake: Lake, **options) -> Release:
    return build(lake, **{"assess": assess, "assess_columns": COLUMNS, **options})


def added_to(release: Release) -> bool:
    """Tell whether the file was made by adding: then fewer records than all stand along the curve."""
    with releases.connect(release.path) as connection:
        told = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
        rows = connection.execute("SELECT count(*) FROM occurrences").fetchall()[0][0]
    return int(told["sorted_rows"]) < rows


def content(release: Release) -> dict[str, list[tuple]]:
    """Return every row of every table but what is known of the making."""
    with releases.connect(release.path) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            table: sorted(connection.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)
            for table in tables
            if table != "release_info"
        }


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Return an installation with a release of 300 records."""
    data = tmp_path_factory.mktemp("installation")
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS[:300])
        make(lake)
    return data


@pytest.fixture
def lake(installation: Path, tmp_path: Path):
    shutil.copytree(installation, tmp_path / "data")
    with Lake.open(tmp_path / "data") as lake:
        yield lake


def test_adding_gives_what_one_whole_build_gives(lake: Lake):
    for first in (300, 350):
        commit_rows(lake, ROWS[first : first + 50])
        added = make(lake)
        assert added_to(added)
    parts = content(added)
    before = added.path.rename(lake.data / "kept.duckdb")
    whole = make(lake, full=True)
    assert not added_to(whole)
    assert content(whole) == parts
    assert (whole.id, whole.counts) == (added.id, added.counts)
    assert pointer.read(lake.data).current.id == added.id
    assert {"beside_others", "occurrence_tiles", *SORTED_BY} < parts.keys()
    assert len(parts["occurrences"]) == sum(row["species"] != "Elephas maximus" for row in ROWS)
    before.unlink()


def test_the_same_page_is_answered_from_both(lake: Lake):
    commit_rows(lake, ROWS[300:])
    where = Compare("species", "=", SEROW)
    added = make(lake)
    found = releases.read(added, "occurrences", where=where).sort("key")
    added.path.unlink()
    assert releases.read(make(lake, full=True), "occurrences", where=where).sort("key").equals(found)


def test_a_pair_of_new_records_is_told_of_and_changes_nothing_else(lake: Lake):
    there = next(row for row in ROWS[300:] if row["species"] == SEROW and row["decimalLatitude"])
    commit_rows(lake, [there, {**there, "source_record_id": "again", "occurrenceID": "again"}])
    release = make(lake)
    assert added_to(release)
    assert releases.read(release, "occurrences", where=Compare("isInCluster", "=", True)).height == 2


CHANGES = {
    "a record changed": lambda lake: commit_rows(lake, [{**ROWS[1], "year": 1901}]),
    "a record went": lambda lake: commit_rows(
        lake, ROWS[300:302], gone=[(ROWS[1]["datasetKey"], ROWS[1]["source_record_id"])]
    ),
    "a new record is at the place of an old one": lambda lake: commit_rows(
        lake,
        [{**next(r for r in ROWS if r["species"] == SEROW and r["decimalLatitude"]), "source_record_id": "twin"}],
    ),
}
OPTIONS = {
    "other rules": {"rules_hash": "stricter"},
    "another area": {"results": {"protected_areas": results()["protected_areas"].head(3)}},
    "a dataset's other title": {"datasets": pl.DataFrame({"key": ["nam-ha"], "title": ["Nam Ha NPA"]})},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_was_there_makes_a_whole_new_file(lake: Lake, change: str):
    CHANGES[change](lake)
    release = make(lake)
    assert not added_to(release)
    release.path.unlink()
    assert make(lake, full=True).id == release.id


@pytest.mark.parametrize("option", OPTIONS)
def test_something_else_of_the_release_makes_a_whole_new_file(lake: Lake, option: str):
    told = {"datasets": pl.DataFrame({"key": ["nam-ha"], "title": ["Nam Ha"], "license": ["CC0_1_0"]})}
    told["datasets"] = told["datasets"].with_columns(citation=pl.lit(None, pl.String), doi=pl.lit(None, pl.String))
    make(lake, **told, full=True)
    commit_rows(lake, ROWS[300:310])
    assert added_to(make(lake, **told))
    commit_rows(lake, ROWS[310:320])
    assert not added_to(make(lake, **{**told, **OPTIONS[option]}))


def test_other_code_makes_a_whole_new_file(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biodata.store.release_additions.code_hash", lambda: "another")
    commit_rows(lake, ROWS[300:310])
    assert not added_to(make(lake))


def test_too_many_behind_the_curve_make_a_whole_new_file(lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr("biodata.store.release_additions.UNSORTED_ROWS", 30)
    commit_rows(lake, ROWS[300:325])
    assert added_to(make(lake))
    commit_rows(lake, ROWS[325:340])
    with caplog.at_level(logging.INFO):
        assert not added_to(make(lake))
    assert "would stand behind" in caplog.text


def test_a_file_is_added_to_so_often_and_then_made_anew(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biodata.store.release_additions.MOST_ADDITIONS", 2)
    made = []
    for first in (300, 310, 320):
        commit_rows(lake, ROWS[first : first + 10])
        made.append(added_to(make(lake)))
    assert made == [True, True, False]


def test_a_version_that_is_not_kept_any_more_makes_a_whole_new_file(lake: Lake):
    commit_rows(lake, ROWS[300:310])
    missing = lake.snapshot()
    commit_rows(lake, ROWS[310:320])
    lake._connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{missing}])")
    assert not added_to(make(lake))


def test_publish_lets_out_of_an_added_record_no_more_than_of_any(lake: Lake):
    commit_rows(lake, ROWS[300:])
    release = make(lake)
    assert added_to(release)
    shown = releases.read(release, "occurrences")
    expected = publish(lake.read("occurrences"))
    assert set(shown["key"]) == set(expected["key"])
    assert (
        shown.select("key", "decimalLatitude").sort("key").equals(expected.select("key", "decimalLatitude").sort("key"))
    )
    assert set(RELEASE) <= content(release).keys()


def plan(hidden: tuple[int, ...] = (), marked: tuple[str, ...] = ()) -> Plan:
    """Return a plan that sets records of some keys apart."""
    apart = pl.DataFrame({"key": list(hidden)}, schema={"key": pl.Int64})
    return Plan(Memory(hidden=apart, marked=pl.DataFrame({"datasetKey": list(marked)}, schema=MARKED)), b"secret")


@pytest.mark.parametrize("how", ["set apart", "marked"])
def test_what_goes_out_otherwise_makes_a_whole_new_file(lake: Lake, how: str):
    made = make(lake, plan=plan())
    commit_rows(lake, ROWS[300:310])
    assert added_to(make(lake, plan=plan()))
    opened = releases.read(made, "occurrences", where=Compare("sharing_category", "=", "open"))["key"][0]
    commit_rows(lake, ROWS[310:320])
    assert not added_to(make(lake, plan=plan((opened,)) if how == "set apart" else plan(marked=("nam-ha",))))
