"""Releases: what is in the file, what is not, and that nothing changes when the building fails."""

import json
import math
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import SharingError, StoreError
from biodata.store import pointer, releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.tile_counts import MAXIMUM_LATITUDE, hilbert, project
from store_records import GIBBON, SEROW, build, commit_rows, publish, results, scattered, two_countries

ROWS = scattered(400)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Return a folder with a lake of 400 records; tests copy it."""
    data = tmp_path_factory.mktemp("installation")
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS)
    return data


@pytest.fixture
def lake(installation: Path, tmp_path: Path):
    shutil.copytree(installation, tmp_path / "data")
    with Lake.open(tmp_path / "data") as lake:
        yield lake


def listed(lake: Lake) -> list[str]:
    """Return every file of an installation but the lake's own and the locks."""
    return sorted(
        str(p.relative_to(lake.data))
        for p in lake.data.rglob("*")
        if p.is_file() and not p.name.startswith("lake.") and p.suffix not in (".lock", ".parquet")
    )


def test_a_release_holds_what_publish_let_out(lake: Lake):
    release = build(lake)
    published = releases.read(release, "occurrences")
    let_out = [row for row in ROWS if row["species"] != "Elephas maximus"]
    assert release.counts["occurrences"] == published.height == len(let_out)
    assert published.columns == terms.names(terms.PUBLISHED_OCCURRENCE)
    told = {row["occurrenceID"]: row for row in published.iter_rows(named=True)}
    for row in let_out:
        if row["species"] != GIBBON:
            found = told[row["occurrenceID"]]
            assert all(found[name] == row[name] for name in row if name != "source_record_id")
    assert releases.current(lake.data) == release


def test_records_stand_along_the_curve_and_those_without_a_place_last(lake: Lake):
    release = build(lake)
    with releases.connect(release.path) as connection:
        rows = connection.execute('SELECT hk, key, "decimalLongitude" FROM occurrences').fetchall()
    placed = [(hk, key) for hk, key, longitude in rows if longitude is not None]
    assert placed == sorted(placed)
    assert [hk for hk, _, _ in rows[len(placed) :]] == [None] * (len(rows) - len(placed))
    assert [key for _, key, _ in rows[len(placed) :]] == sorted(key for _, key, _ in rows[len(placed) :])


def test_many_ranges_make_the_same_order_as_one(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    whole = build(lake)
    shutil.rmtree(lake.data / "releases")
    monkeypatch.setattr("biodata.store.release_file.RANGE_ROWS", 30)
    monkeypatch.setattr("biodata.store.releases._BATCH_ROWS", 50)
    assert build(lake).id == whole.id


def test_low_zooms_count_every_record_with_a_place_where_it_is(lake: Lake):
    release = build(lake)
    published = releases.read(release, "occurrences").drop_nulls("decimalLongitude")
    with releases.connect(release.path) as connection:
        rows = connection.execute('SELECT z, x, y, px, py, "count" FROM occurrence_tiles').fetchall()
    for zoom in range(8):
        expected = Counter()
        for longitude, latitude in published.select("decimalLongitude", "decimalLatitude").iter_rows():
            x = (longitude + 180) / 360
            y = (1 - math.log(math.tan(math.radians(latitude)) + 1 / math.cos(math.radians(latitude))) / math.pi) / 2
            bx, by = int(x * 2 ** (zoom + 7)), int(y * 2 ** (zoom + 7))
            expected[bx, by] += 1
        found = {(x * 128 + px, y * 128 + py): count for z, x, y, px, py, count in rows if z == zoom}
        assert found == expected


def test_the_same_rows_under_the_same_rules_are_the_same_release(lake: Lake):
    first = build(lake)
    written = first.path.stat().st_mtime_ns
    assert build(lake) == first
    assert first.path.stat().st_mtime_ns == written
    other_rules = build(lake, rules_hash="stricter")
    assert other_rules.id != first.id
    assert pointer.read(lake.data).previous == first.id
    commit_rows(lake, [{**ROWS[0], "species": "Panthera pardus"}])
    assert build(lake, rules_hash="stricter").id.startswith("r000003-")


def test_the_id_tells_nothing_of_what_was_not_published(lake: Lake):
    first = build(lake)
    moved = [
        {**row, "decimalLatitude": math.floor(row["decimalLatitude"] * 10) / 10 + 0.04}
        for row in ROWS
        if row["species"] == GIBBON and row["decimalLatitude"] is not None
    ]
    assert commit_rows(lake, moved).changed > 10
    second = build(lake)
    assert first.id.split("-")[1] == second.id.split("-")[1]
    assert first.snapshot < second.snapshot


def test_no_exact_place_of_a_generalised_record_is_in_the_file(lake: Lake):
    release = build(lake)
    with releases.connect(release.path) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        text = "".join(repr(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in tables)
    placed = [row for row in ROWS if row["decimalLatitude"] is not None]
    exact = {species: [f"{row['decimalLatitude']}, {row['decimalLongitude']}" for row in placed if row["species"] == species]
             for species in (GIBBON, SEROW)}  # fmt: skip
    assert all(place in text for place in exact[SEROW])  # the control: what is open can be found this way
    assert len(exact[GIBBON]) > 50
    for row in placed:
        if row["species"] == GIBBON:
            assert str(row["decimalLatitude"]) not in text
            assert f"'{row['occurrenceID']}'" not in text


def test_results_and_datasets_are_in_the_file_in_order(lake: Lake):
    told = pl.DataFrame({"key": ["nam-ha", "parks"], "title": ["Nam Ha", "Parks"], "license": ["CC0_1_0", None]})
    release = build(lake, datasets=told)
    areas = releases.read(release, "protected_areas")
    assert areas.get_column("area_id").to_list() == ["a", "b", "c", "d"]
    assert areas.equals(
        terms.conform(results()["protected_areas"], terms.PUBLISHED_TABLES["protected_areas"]).sort("area_id")
    )
    expected = Counter(row["datasetKey"] for row in ROWS if row["species"] != "Elephas maximus") | {"parks": 0}
    found = releases.read(release, "datasets")
    assert dict(found.select("key", "count").iter_rows()) == expected
    assert found.filter(key="nam-ha").get_column("title").item() == "Nam Ha"
    boundaries = releases.read(release, "boundaries", where=Compare("level", "=", "country"))
    assert boundaries.get_column("code").to_list() == ["LA", "SG"]


@pytest.mark.parametrize(("fault", "error"), [
    pytest.param(lambda frame: frame.with_columns(locality=1 / 0), ZeroDivisionError, id="the rules break"),
    pytest.param(lambda frame: frame, SharingError, id="the rules let everything out"),
    pytest.param(lambda frame: publish(frame).with_columns(exact=pl.lit(1)), SharingError, id="a column of nobody's"),
])  # fmt: skip
def test_a_failed_build_leaves_everything_as_it_was(lake: Lake, fault, error: type[Exception]):
    first = build(lake)
    commit_rows(lake, [{**ROWS[0], "species": "Panthera pardus"}])
    before = listed(lake)
    with pytest.raises(error):
        build(lake, publish=fault)
    assert listed(lake) == before
    assert releases.current(lake.data) == first
    assert build(lake).id != first.id


def test_results_with_a_column_that_may_not_leave_are_refused(lake: Lake):
    frame = results()["protected_areas"].with_columns(source_record_id=pl.lit("secret"))
    with pytest.raises(SharingError, match="protected_areas: columns that may not leave: source_record_id"):
        build(lake, results={"protected_areas": frame})
    assert releases.current(lake.data) is None


def test_a_disk_too_small_is_told_before_anything_is_written(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    before = listed(lake)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(StoreError, match="MB of disk, 1 MB are free"):
        build(lake)
    assert listed(lake) == before


def test_old_files_go_but_never_the_last_two(lake: Lake):
    made = [build(lake, rules_hash=str(n)).id for n in range(releases.KEPT + 1)]
    kept = {p.name for p in (lake.data / "releases").glob("*.duckdb")}
    assert kept == {f"release-{id_}.duckdb" for id_ in made[-releases.KEPT :]}
    back = build(lake, rules_hash="1")
    assert back.id == made[1]
    assert pointer.read(lake.data).previous == made[-1]
    assert back.path.exists()
    assert (lake.data / "releases" / f"release-{made[-1]}.duckdb").exists()


def test_a_lake_without_records_makes_an_empty_release(tmp_path: Path):
    with Lake.open(tmp_path) as lake:
        release = build(lake, results={})
    assert release.counts["occurrences"] == 0
    assert releases.read(release, "occurrences").is_empty()
    assert releases.read(release, "corridors").schema == terms.schema(terms.PUBLISHED_TABLES["corridors"])


@pytest.mark.parametrize("statement", [
    pytest.param("SELECT * FROM read_csv('/etc/passwd')", id="another file"),
    pytest.param("SELECT * FROM glob('/etc/*')", id="a folder"),
    pytest.param("SELECT * FROM read_text('/etc/hostname')", id="a text"),
    pytest.param("SELECT * FROM ST_Read('/etc/passwd')", id="GDAL"),
    pytest.param("ATTACH '/etc/passwd' AS x", id="another database"),
    pytest.param("COPY occurrences TO 'out.csv'", id="a file to write"),
    pytest.param("INSERT INTO occurrences (key) VALUES (1)", id="a record to write"),
    pytest.param("SET enable_external_access = true", id="the lock itself"),
    pytest.param("SET memory_limit = '100GB'", id="more memory"),
    pytest.param("INSTALL httpfs", id="an extension to fetch"),
    pytest.param("LOAD sqlite_scanner", id="an extension to load"),
])  # fmt: skip
def test_a_serving_connection_reaches_nothing_else(served, statement: str):
    with pytest.raises(duckdb.Error):
        served.execute(statement)


@pytest.fixture(scope="module")
def served(installation: Path, tmp_path_factory):
    data = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(installation, data)
    with Lake.open(data) as lake:
        release = build(lake)
    with releases.connect(release.path) as connection:
        yield connection


def test_a_file_that_is_no_release_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "releases").mkdir()
    path = tmp_path / "releases" / "release-x.duckdb"
    path.write_bytes(os.urandom(5000))
    with pytest.raises(StoreError, match=r"release-x\.duckdb cannot be opened") as caught:
        releases.connect(path)
    assert "\n" not in str(caught.value)


def test_a_pointer_that_is_broken_is_told(tmp_path: Path):
    (tmp_path / "releases").mkdir()
    assert releases.current(tmp_path) is None
    (tmp_path / "releases" / "CURRENT").write_text('{"current": {"id": "r1"')
    with pytest.raises(StoreError, match="names no release"):
        releases.current(tmp_path)


def test_positions_in_web_mercator_are_right_and_stay_on_the_map():
    places = {"null island": (0, 0), "Kunming": (102.71, 25.04), "east": (180, -90), "north": (-180, 90)}
    mx, my = project(*np.array(list(places.values()), dtype=float).T)
    assert (mx[0], my[0]) == (2**31, 2**31)
    # Independent: EPSG:3857 by pyproj, metres from the middle.
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(*places["Kunming"])
    unit_m = 2 * math.pi * 6378137 / 2**32
    assert abs(mx[1] - (x / unit_m + 2**31)) <= 1
    assert abs(my[1] - (2**31 - y / unit_m)) <= 1
    assert (mx[2], my[2], mx[3], my[3]) == (2**32 - 1, 2**32 - 1, 0, 0)
    assert pytest.approx(math.degrees(math.atan(math.sinh(math.pi)))) == MAXIMUM_LATITUDE


def test_the_curve_goes_from_neighbour_to_neighbour():
    x, y = (part.ravel().astype(np.int64) for part in np.meshgrid(np.arange(64), np.arange(64)))
    distance = hilbert((x + 64 * 1000) << 11, (y + 64 * 777) << 11)
    order = np.argsort(distance)
    assert np.array_equal(np.diff(distance[order]), np.ones(64 * 64 - 1))
    assert np.all(np.abs(np.diff(x[order])) + np.abs(np.diff(y[order])) == 1)


def test_a_boundary_set_of_another_name_or_band_makes_another_release(lake: Lake):
    first = build(lake)
    assert build(lake) == first
    second = build(lake, boundaries=replace(two_countries(), name="survey office", band_m=500.0))
    assert second.id != first.id
    with releases.connect(second.path) as connection:
        told = json.loads(dict(connection.execute("SELECT key, value FROM release_info").fetchall())["boundaries"])
    assert (told["boundary_set"], told["band_m"]) == ("survey office", 500.0)


def test_what_a_release_tells_no_longer_cannot_be_asked_of_the_one_before(lake: Lake):
    """The rules are the same: a record got another name, or one of its event was taken in that is to be hidden."""
    first = build(lake)
    key = releases.read(first, "occurrences", where=Compare("sharing_category", "=", "open"))["key"][0]

    def coarser(frame: pl.DataFrame) -> pl.DataFrame:
        told = pl.when(key=key).then(pl.lit("0_1_degree")).otherwise("sharing_category")
        return publish(frame).with_columns(sharing_category=told)

    second = build(lake, publish=coarser)
    assert second.id != first.id
    assert (pointer.read(lake.data).previous, first.path.exists()) == (None, False)
    third = build(lake, publish=lambda frame: coarser(frame).filter(pl.col("key") != key))
    assert (pointer.read(lake.data).previous, second.path.exists()) == (None, False)
    back = build(lake, publish=coarser)
    assert (pointer.read(lake.data).previous, back.id) == (third.id, second.id)


def test_a_record_that_its_source_removed_closes_no_release(lake: Lake):
    first = build(lake)
    gone = releases.read(first, "occurrences").row(0, named=True)
    with lake.staging() as staging:
        where = lake.read("occurrences", where=Compare("key", "=", gone["key"])).select(
            "datasetKey", "source_record_id"
        )
        lake.commit_occurrences(staging, author="a test", message="removed", gone=where.iter_rows())
    build(lake)
    assert pointer.read(lake.data).previous == first.id
