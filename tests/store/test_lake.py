"""The lake: what a commit changes, identities that last, versions that can be read again."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.store import catalogue
from biodata.store.lake import Lake
from biodata.store.lake_reading import _files
from biodata.store.query.filters import And, Between, Compare, Contains, InBox, Intersects, IsNull
from biodata.store.query.polygons import read_wkt
from store_records import GIBBON, SEROW, TRUNG_KHANH, commit, records


def keys(lake: Lake, snapshot: int | None = None) -> dict[str, int]:
    frame = lake.read("occurrences", columns=["source_record_id", "key"], snapshot=snapshot)
    return dict(frame.iter_rows())


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    data = tmp_path_factory.mktemp("empty")
    Lake.open(data).close()
    return data


@pytest.fixture
def lake(empty: Path, tmp_path: Path):
    shutil.copytree(empty, tmp_path / "data")
    with Lake.open(tmp_path / "data") as lake:
        yield lake


def counts(report) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.gone


def test_a_second_ingest_of_the_same_rows_makes_no_version(lake: Lake):
    first = commit(lake, TRUNG_KHANH)
    again = commit(lake, TRUNG_KHANH[::-1])  # another order: the lines differ, the records do not
    assert counts(first) == (3, 0, 0, 0)
    assert counts(again) == (0, 0, 3, 0)
    assert again.snapshot == first.snapshot == lake.snapshot()


def test_a_changed_record_keeps_its_key_and_its_old_version(lake: Lake):
    first = commit(lake, TRUNG_KHANH)
    before = keys(lake)
    report = commit(lake, [("cao-bang", "TK-3", SEROW, 22.95, 106.54), ("cao-bang", "TK-4", SEROW, 22.8, 106.5)])
    assert counts(report) == (1, 1, 0, 0)
    after = keys(lake)
    assert before.items() <= after.items()
    assert len(set(after.values())) == 4
    where = Compare("source_record_id", "=", "TK-3")
    assert lake.read("occurrences", where=where).get_column("decimalLatitude").to_list() == [22.95]
    old = lake.read("occurrences", where=where, snapshot=first.snapshot)
    assert old.get_column("decimalLatitude").to_list() == [22.92]
    assert lake.count("occurrences") == lake.count("verbatim") == lake.count("identities") == 4


def test_a_dry_run_says_what_would_happen_and_stores_nothing(lake: Lake):
    before = lake.snapshot()
    assert counts(commit(lake, TRUNG_KHANH, dry_run=True)) == (3, 0, 0, 0)
    assert (lake.snapshot(), lake.count("occurrences"), lake.count("identities")) == (before, 0, 0)


def test_new_code_over_the_same_verbatim_row_is_a_change(lake: Lake):
    commit(lake, TRUNG_KHANH)
    with lake.staging() as staging:
        interpreted, verbatim = records(TRUNG_KHANH)
        staging.add(interpreted.with_columns(province_code=pl.lit("VN-04")), verbatim)
        report = lake.commit_occurrences(staging, author="a test", message="codes of provinces")
    assert counts(report) == (0, 3, 0, 0)
    assert lake.read("occurrences").get_column("province_code").to_list() == ["VN-04"] * 3


WIDE = {c.name: ["x"] for c in terms.VERBATIM if c.name not in ("key", "source_row")}
REPAIRS = [{"term": "decimalLatitude", "value": "22.9", "rule": "swapped", "applied": False}]


CHANGES = [
    ("verbatim", {"other": '{"note": "y"}'}, "the last of 260 columns"),
    ("verbatim", {"v_gbifID": "y"}, "the first"),
    ("verbatim", {"v_country": None}, "a value taken away"),
    ("occurrences", {"habitat": "karst"}, "a value in a column that was empty"),
    ("occurrences", {"quality_flags": None}, "doubts taken away"),
    ("occurrences", {"repairs": [{**REPAIRS[0], "applied": True}]}, "a proposal applied"),
    ("occurrences", {"decimalLatitude": 22.900000000000002}, "the last bit of a latitude"),
]


def test_a_change_in_any_column_is_found(lake: Lake):
    def commit_all(*, changed: bool):
        with lake.staging() as staging:
            for number, (table, change, _) in enumerate(CHANGES):
                interpreted, _ = records([("x", str(number), GIBBON, 22.9, 106.5)])
                interpreted = interpreted.with_columns(repairs=pl.Series([REPAIRS], dtype=pl.List(terms.REPAIR)))
                verbatim = pl.DataFrame(WIDE).with_columns(source_record_id=pl.lit(str(number)))
                frames = {"occurrences": interpreted, "verbatim": verbatim}
                types = terms.schema(terms.TABLES[table])
                new = (pl.Series(n, [v], dtype=types[n]) for n, v in change.items() if changed)
                frames[table] = frames[table].with_columns(new)
                staging.add(frames["occurrences"], frames["verbatim"])
            return counts(lake.commit_occurrences(staging, author="a test", message="wide"))

    every = len(CHANGES)
    assert [commit_all(changed=False) for _ in range(2)] == [(every, 0, 0, 0), (0, 0, every, 0)]
    assert commit_all(changed=True) == (0, every, 0, 0)
    for number, (table, change, what) in enumerate(CHANGES):
        [stored] = lake.read(table, where=Compare("source_record_id", "=", str(number))).to_dicts()
        assert all(stored[name] == value for name, value in change.items()), what
    assert commit_all(changed=False) == (0, every, 0, 0)


def test_a_record_gone_from_a_complete_dataset_comes_back_under_its_key(lake: Lake):
    commit(lake, TRUNG_KHANH)
    commit(lake, [("other", "1", SEROW, 20.0, 100.0)])
    before = keys(lake)
    gone = commit(lake, TRUNG_KHANH[:2], complete_datasets=["cao-bang"])
    assert counts(gone) == (0, 0, 2, 1)
    assert set(keys(lake)) == {"TK-1", "TK-2", "1"}
    back = commit(lake, TRUNG_KHANH)
    assert counts(back) == (1, 0, 2, 0)
    assert keys(lake) == before


def test_a_record_told_gone_goes_unless_it_was_told_anew(lake: Lake):
    commit(lake, TRUNG_KHANH)
    report = commit(lake, TRUNG_KHANH[:1], gone=[("cao-bang", "TK-1"), ("cao-bang", "TK-2"), ("cao-bang", "none")])
    assert counts(report) == (0, 0, 1, 1)
    assert set(keys(lake)) == {"TK-1", "TK-3"}


def test_a_second_row_of_an_identity_is_refused_with_its_line(lake: Lake):
    report = commit(lake, [*TRUNG_KHANH, ("cao-bang", "TK-1", SEROW, 1.0, 2.0), ("other", "TK-1", SEROW, 1.0, 2.0)])
    assert counts(report) == (4, 0, 0, 0)
    assert [(r.row, r.value, r.code) for r in report.refusals] == [(5, "TK-1", "IDENTIFIER_DUPLICATE")]
    kept = lake.read("occurrences", where=Compare("datasetKey", "=", "cao-bang"))
    assert kept.filter(source_record_id="TK-1").get_column("species").to_list() == [GIBBON]


def test_keys_do_not_follow_the_order_of_the_file(lake: Lake):
    commit(lake, [("grid", str(i), SEROW, 20 + i / 1000, 100.0) for i in range(400)])
    frame = lake.read("occurrences", columns=["key", "decimalLatitude"])
    assert frame["key"].n_unique() == 400
    assert frame["key"].is_between(1, 2**53 - 1).all()
    assert abs(frame.select(pl.corr("key", "decimalLatitude")).item()) < 0.25


def test_a_number_that_clashes_is_given_anew(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biodata.store.staging.os.urandom", lambda count: b"\x07" * count)
    commit(lake, TRUNG_KHANH)
    commit(lake, [("other", "1", SEROW, 20.0, 100.0), ("other", "2", SEROW, 20.0, 100.0)])
    frame = lake.read("occurrences", columns=["key"])
    assert frame["key"].n_unique() == frame.height == 5
    assert sorted(frame["key"]) == sorted(lake.read("verbatim")["key"]) == sorted(lake.read("identities")["key"])


def test_parts_with_known_records_and_parts_without_make_one_version(lake: Lake):
    commit(lake, TRUNG_KHANH[:2])
    before = keys(lake)
    with lake.staging() as staging:
        for rows in ([*TRUNG_KHANH[1:], ("nam-ha", "a", SEROW, 21.0, 101.0)], [("nam-ha", "b", GIBBON, 21.0, 101.0)]):
            staging.add(*records(rows))
        report = lake.commit_occurrences(staging, author="a test", message="mixed")
    assert counts(report) == (3, 0, 1, 0)
    assert keys(lake).items() >= before.items()
    assert set(keys(lake)) == {"TK-1", "TK-2", "TK-3", "a", "b"}
    verbatim = lake.read("verbatim")
    found = dict(verbatim.select("key", "source_record_id").iter_rows())
    assert found == {key: name for name, key in keys(lake).items()}
    assert lake.read("identities").height == 5


def test_a_column_that_only_some_files_have_is_null_in_the_others(lake: Lake):
    for dataset, column in (("a", "family"), ("b", "locality")):
        with lake.staging() as staging:
            rows = pl.DataFrame({"datasetKey": [dataset] * 2, "source_record_id": ["1", "2"], column: ["x", "y"]})
            staging.add(rows, rows.select("datasetKey", "source_record_id"))
            lake.commit_occurrences(staging, author="a test", message="records")
    assert lake.count("occurrences", where=IsNull("family")) == 2
    with lake.staging() as staging:
        rows = rows.with_columns(locality=pl.Series(["x", "z"]))
        staging.add(rows, rows.select("datasetKey", "source_record_id"))
        report = lake.commit_occurrences(staging, author="a test", message="records")
    assert (report.changed, report.unchanged) == (1, 1)


def test_the_history_of_a_record_has_each_version_and_its_end(lake: Lake):
    commit(lake, TRUNG_KHANH)
    key = lake.read("occurrences", where=Compare("source_record_id", "=", "TK-1"))["key"][0]
    commit(lake, [(*TRUNG_KHANH[0][:3], 22.95, 106.52), *TRUNG_KHANH[1:]])
    commit(lake, TRUNG_KHANH[1:], complete_datasets=["cao-bang"])
    for table, column, told in (
        ("occurrences", "decimalLatitude", [22.9, 22.95, None]),
        ("verbatim", "v_decimalLatitude", ["22.9", "22.95", None]),
    ):
        history = lake.history(table, key)
        assert history["gone"].to_list() == [False, False, True]
        assert history[column].to_list() == told
        assert history["snapshot"].is_sorted()
        assert history["author"].to_list() == ["a test"] * 3
        assert history["key"].to_list() == [key] * 3
        assert lake.history(table, key + 1).is_empty()
    with pytest.raises(InputError, match="key"):
        lake.history("taxa", key)


def test_whole_versions_are_read_from_their_files_as_duckdb_reads_them(lake: Lake):
    commit(lake, TRUNG_KHANH)
    commit(lake, [(*TRUNG_KHANH[0][:3], 22.95, 106.52), *TRUNG_KHANH[1:], ("sea", "1", SEROW, None, None)])
    commit(lake, TRUNG_KHANH[1:], complete_datasets=["cao-bang"])
    every = Between("key", 0, None)
    deletes = 0
    for snapshot in lake.snapshots()["snapshot"][1:]:
        with lake._cursor() as cursor:
            deletes += _files(cursor, "occurrences", snapshot)["deletes"].count()
        told = lake.read("occurrences", where=every, snapshot=snapshot).sort("key")
        for rows in (1, 2, 100):
            batches = list(lake.batches("occurrences", snapshot=snapshot, batch_rows=rows))
            assert all(batch.height <= rows for batch in batches)
            read = pl.concat([told.clear(), *batches])
            assert read.sort("key").equals(told)
    assert deletes


def test_files_of_a_commit_that_never_came_are_removed_by_the_next(lake: Lake):
    commit(lake, TRUNG_KHANH[:1])
    left = lake.data / "lake" / "main" / "verbatim" / "staged-0123456789abcdef-000000.parquet"
    left.write_bytes(b"a writer was killed here")
    commit(lake, TRUNG_KHANH)
    assert not left.exists()
    assert lake.read("verbatim").height == 3


def test_rows_without_an_identity_or_without_their_verbatim_row_are_no_commit(lake: Lake):
    before = lake.snapshot()
    with pytest.raises(StoreError, match="1 cells of staged rows' identities are empty"):
        commit(lake, [("cao-bang", None, GIBBON, 22.9, 106.5)])  # type: ignore[list-item]  # the fault under test
    with lake.staging() as staging:
        interpreted, verbatim = records(TRUNG_KHANH)
        with pytest.raises(StoreError, match="beside another record's verbatim rows"):
            staging.add(interpreted, verbatim.reverse())
    assert lake.snapshot() == before


def test_a_commit_says_who_made_it_and_with_which_schema(lake: Lake):
    commit(lake, TRUNG_KHANH, extra={"submission": 7})
    last = lake.snapshots().row(-1, named=True)
    assert (last["author"], last["message"]) == ("a test", "records")
    assert json.loads(last["extra"]) == {"submission": 7, "schema_version": 1}


def test_filters_read_what_they_say(lake: Lake):
    commit(lake, [*TRUNG_KHANH, ("sea", "1", SEROW, None, None)])
    where = And((InBox(106, 22.905, 107, 23), Contains("quality_flags", "COORDINATE_ROUNDED")))
    assert lake.count("occurrences", where=where) == 2
    assert lake.count("occurrences", where=IsNull("decimalLatitude")) == 1
    assert lake.count("occurrences", where=Between("decimalLatitude", None, 22.9)) == 1
    triangle = read_wkt("POLYGON((106.5 22.89, 106.6 22.89, 106.55 22.915, 106.5 22.89))").wkb
    assert lake.count("occurrences", where=Intersects(triangle)) == 1
    with pytest.raises(InputError, match="no column of this name"):
        lake.count("occurrences", where=Compare("1=1; --", "=", 1))


def test_an_older_lake_gets_the_columns_it_lacks(tmp_path: Path):
    with Lake.open(tmp_path) as lake:
        commit(lake, TRUNG_KHANH)
        with lake._cursor() as cursor:
            cursor.execute('ALTER TABLE lake.occurrences DROP COLUMN "stateProvince"')
            cursor.execute("DROP TABLE lake.layers")
    with Lake.open(tmp_path) as lake:
        assert lake.read("occurrences").get_column("stateProvince").to_list() == [None] * 3
        assert lake.count("layers") == 0
        assert counts(commit(lake, TRUNG_KHANH)) == (0, 0, 3, 0)
        key = lake.read("occurrences", columns=["key"])["key"][0]
        assert lake.history("occurrences", key).select("gone", "stateProvince").rows() == [(False, None)]


def test_a_lake_of_today_lacks_nothing(tmp_path: Path):
    with Lake.open(tmp_path) as made:
        version = made.snapshot()
    with Lake.open(tmp_path) as again, again._cursor() as cursor:
        assert catalogue.lacking(cursor) == []
        assert again.snapshot() == version


def test_a_moved_lake_still_reads(tmp_path: Path):
    with Lake.open(tmp_path / "here") as lake:
        commit(lake, TRUNG_KHANH)
    (tmp_path / "here").rename(tmp_path / "there's no place")
    with Lake.open(tmp_path / "there's no place") as lake:
        assert lake.read("occurrences").height == 3


AREAS = [("a", "Hkakaborazi", "MM"), ("b", "Virachey", "KH"), ("c", "Nam Ha", "LA")]


def areas(rows: list[tuple[str, str, str]], dataset: str = "parks") -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["area_id", "name", "country"], orient="row")
    return frame.select("area_id", "name", pl.concat_list("country").alias("country_codes"), datasetKey=pl.lit(dataset))


def commit_areas(lake: Lake, frame: pl.DataFrame, scope: dict[str, str] | None):
    return lake.commit_table("protected_areas", frame, key="area_id", scope=scope, author="a test", message="areas")


def test_a_table_is_upserted_inside_its_scope(lake: Lake):
    scope = {"datasetKey": "parks"}
    assert counts(commit_areas(lake, areas(AREAS), scope)) == (3, 0, 0, 0)
    assert counts(commit_areas(lake, areas([("a", "of another set", "CN")], "other"), {"datasetKey": "other"}))[0] == 1
    before = lake.snapshot()
    assert counts(commit_areas(lake, areas(AREAS), scope)) == (0, 0, 3, 0)
    assert lake.snapshot() == before
    changed = areas([("a", "Hkakaborazi", "MM"), ("b", "Virachey National Park", "KH"), ("d", "Nakai", "LA")])
    assert counts(commit_areas(lake, changed, scope)) == (1, 1, 1, 1)
    names = lake.read("protected_areas", where=Compare("datasetKey", "=", "parks")).get_column("name").to_list()
    assert sorted(names) == ["Hkakaborazi", "Nakai", "Virachey National Park"]
    assert lake.count("protected_areas") == 4
    assert lake.count("protected_areas", snapshot=before) == 4
    with pytest.raises(StoreError, match="outside the scope"):
        commit_areas(lake, areas(AREAS, "elsewhere"), scope)


def test_without_a_scope_no_row_goes(lake: Lake):
    commit_areas(lake, areas(AREAS), None)
    report = commit_areas(lake, areas([("c", "Nam Ha NBCA", "LA"), ("c", "twice", "LA")]), None)
    assert counts(report) == (0, 1, 0, 0)
    assert [(r.column, r.value) for r in report.refusals] == [("area_id", "c")]
    assert lake.count("protected_areas") == 3
