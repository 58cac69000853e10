"""Releases made of what changed: the same rows and the same id as one made at once, whatever changed before."""

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import mapbox_vector_tile
import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import pointer, release_merge, releases
from biodata.store.lake import Lake
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Compare, InBox
from biodata.store.reader import ReleaseReader
from biodata.store.release_merge import merge, merge_owed
from biodata.store.releases import Change, Release, StaleChangeError
from biodata.store.tables import RELEASE
from biodata.store.verify import verify
from store_records import SEROW, build, commit_rows, publish, results, scattered

ROWS = [
    {**row, "eventID": f"E{number % 9}" if number % 3 else None, "samplingProtocol": "walk", "parentEventID": None}
    for number, row in enumerate(scattered(400))
]
PLACE = ["species", "decimalLatitude", "decimalLongitude"]
NONE = pl.Series("survey_id", [], pl.String)


def assess(parts: list[Path]) -> pl.DataFrame:
    """Tell of open records at the same place: a plain stand-in whose answer hangs on all of them."""
    rows = pl.concat([pl.read_parquet(part, columns=["key", "sharing_category", *PLACE]) for part in parts])
    return beside(rows).filter("isInCluster")


def beside(rows: pl.DataFrame) -> pl.DataFrame:
    """Tell of all open records, whether there are others at their place."""
    rows = rows.filter(pl.col("sharing_category") == "open")
    several = pl.len().over(PLACE) > 1
    placed = pl.col("decimalLatitude").is_not_null()
    return rows.select(
        "key",
        flags=pl.when(several & placed).then(pl.lit(["COORDINATE_REPEATED"])),
        isInCluster=several & placed,
        cluster_id=pl.when(several & placed).then(pl.col("key").min().over(PLACE)),
        cluster_reason=pl.when(several & placed).then(pl.lit("same place")),
    )


def make(lake: Lake, **options) -> Release:
    return build(lake, **{"assess": assess, **options})


def add(lake: Lake, before: Release, *, events: bool = True, beyond: int = 0, **options) -> Release:
    was, now = (lake.read("occurrences", snapshot=version) for version in (before.snapshot, lake.snapshot()))
    same = was.join(now, on=now.columns, how="semi", nulls_equal=True)["key"]
    keys = pl.concat([was["key"], now["key"]]).unique().sort()
    keys = pl.concat([keys.filter(~keys.is_in(same.implode())), keys.head(beyond)])
    published = terms.conform(options.get("publish", publish)(now), terms.PUBLISHED_OCCURRENCE)

    def found(parts: list[Path]) -> pl.DataFrame:
        return beside(published)

    change = Change(before, keys, found, None, None if events else NONE)
    return make(lake, change=change, **options)


def whole(lake: Lake, folder: Path, **options) -> Release:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(lake.data / "secret", folder / "secret")
    return make(lake, data=folder, **options)


def content(release: Release) -> dict[str, list[tuple]]:
    """Return every row of every table of a release but what is known of the making."""
    with releases.connect(release.path) as connection:

        def rows(table: str, columns: list[str], more: str = "") -> list[tuple]:
            names = ", ".join(f'"{name}"' for name in columns)
            return sorted(connection.execute(f'SELECT {names} FROM "{table}" {more}').fetchall(), key=repr)

        found = {table: rows(table, list(RELEASE[table].columns)) for table in RELEASE}
        found["places"] = rows("occurrences", ["key", "mx", "my", "hk"])
        found["shapes"] = rows("shapes", ["collection", "id", "band", "xmin", "geometry"])
        found["presences"] = rows("presences", ["key", "hash"])
        found["beside others"] = rows("beside_others", ["key", "flags", "cluster_id"])
        for table, by in (("tiles", "z, x, y, px, py"), ("groups", 'bx, "by", kingdom, phylum, "class", "year"')):
            query = f'SELECT {by}, sum("count") AS n FROM occurrence_{table} GROUP BY ALL HAVING n <> 0'
            found[table] = sorted(connection.execute(query).fetchall(), key=repr)
        found["crowds"] = sorted(set(connection.execute("SELECT z, x, y FROM occurrence_crowds").fetchall()))
        return found


def answers(release: Release) -> list[object]:
    """Return what is counted and drawn of a release, and pages of it; in no order where that is the file's."""
    old, placed = Compare("year", "<", 2006), InBox(98, 18, 108, 26)
    with closing(OpenRelease(release.path, timeout_seconds=60)) as opened:
        found: list[object] = [opened.count("occurrences", where) for where in (None, old, placed, And((old, placed)))]
        for where in (None, old):
            for column in ("species", "country_codes", "year"):
                found.append(sorted(opened.facet("occurrences", where, column, limit=50), key=repr))
            for z, x, y in ((3, 6, 3), (6, 50, 27), (9, 403, 221), (9, 404, 222)):
                tile = mapbox_vector_tile.decode(opened.tile("occurrences", z, x, y, where) or b"")
                found.append(sorted(map(repr, tile.get("occurrences", {}).get("features", []))))
            rows, cursor = [], None
            while True:
                page = opened.page("occurrences", where, ["key", "species"], limit=40, cursor=cursor)
                rows, cursor = rows + page.rows, page.cursor
                if cursor is None:
                    break
            found.append(sorted(rows))
        found.append(sorted(opened.page("occurrences", None, ["key"], limit=400, offset=0).rows))
        found.append(len(opened.page("occurrences", old, ["key"], limit=400, offset=17).rows))
    return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
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


def presences(chance: random.Random, count: int) -> pl.DataFrame:
    rows = [
        {"key": 1_000_000 + number, "species": "Elephas maximus", "datasetKey": "nam-ha",
         "decimalLatitude": 20.05 + number / 10, "decimalLongitude": 101.05, "year": chance.choice([None, None, 2020]),
         "sharing_category": "0_1_degree"}
        for number in sorted(chance.sample(range(20), count))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={c.name: c.dtype for c in terms.PUBLISHED_OCCURRENCE if c.name in rows[0]})


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.searches)])
def test_changes_in_any_order_give_what_one_whole_build_gives(lake: Lake, tmp_path: Path, seed: int, monkeypatch):
    monkeypatch.setattr("biodata.store.tile_counts.MAXIMUM_POINTS", 12)
    chance = random.Random(seed)
    release, rows = make(lake), {row["source_record_id"]: row for row in ROWS[:300]}
    areas, hidden, there = results(), presences(chance, 8), ROWS[300:]
    for step in range(4):
        going = chance.sample(sorted(rows), chance.choice([0, 3]))
        twin = rows[chance.choice(sorted(set(rows) - set(going)))]
        written = [
            *([there.pop() for _ in range(chance.choice([0, 4]))]),
            *({**rows[name], "year": 1900 + step, "eventID": chance.choice(["E1", None, "E99"])}
              for name in chance.sample(sorted(set(rows) - set(going)), chance.choice([0, 3]))),
            *({**rows[name], **{column: twin[column] for column in PLACE}}
              for name in chance.sample(sorted(set(rows) - set(going)), chance.choice([0, 1]))),
        ]  # fmt: skip
        for row in written:
            rows[row["source_record_id"]] = row
        commit_rows(lake, written or [twin], gone=[(rows.pop(name)["datasetKey"], name) for name in going])
        if chance.random() < 0.4:
            hidden = presences(chance, chance.choice([7, 8]))
        if chance.random() < 0.2:
            areas = {"protected_areas": results()["protected_areas"].head(chance.choice([2, 3, 4]))}
        told = {"results": areas, "presences": hidden}
        release = add(lake, release, events=chance.random() < 0.5, beyond=5, **told)
        expected = whole(lake, tmp_path / f"whole-{step}", **told)
        assert release.is_delta
        assert not expected.is_delta
        assert (release.id, release.counts) == (expected.id, expected.counts)
        found, rebuilt = content(release), content(expected)
        crowds = set(found.pop("crowds")), set(rebuilt.pop("crowds"))
        assert crowds[0] >= crowds[1]
        assert found == rebuilt
        assert answers(release) == answers(expected)
        if step == 2:
            merged = merge(lake.data)
            assert merged == replace(release, path=merged.path)
            assert not merged.is_delta
            release, found = merged, content(merged)
            assert set(found.pop("crowds")) == crowds[1]
            assert found == rebuilt
    assert pointer.read(lake.data).current.id == release.id


class KilledError(BaseException):
    """Stands for the end of a process."""


STEPS = ["release_delta.DeltaFile.write_changes", "release_delta.DeltaFile.finish", "releases.sync_file",
         "releases.checksums.record", "releases.sync_folder", "releases.pointer.swap", "releases._prune",
         "releases.remove_unneeded_bases"]  # fmt: skip


def test_a_change_or_merge_that_is_cut_off_leaves_the_release_before_or_the_new_one(lake: Lake, monkeypatch):
    there, before = ROWS[300:], releases.current(lake.data)

    def end(*_args, **_options):
        raise KilledError

    def cut_off(step: str, made: Callable[[], object]) -> Release:
        with monkeypatch.context() as patch:
            patch.setattr(f"biodata.store.{step}", end)
            with pytest.raises(KilledError):
                made()
        return releases.current(lake.data)

    for step in STEPS:
        commit_rows(lake, [there.pop()])
        keys = set(releases.read(before, "occurrences")["key"])
        found = cut_off(step, lambda before=before: add(lake, before))
        assert (found.id == before.id) == (set(releases.read(found, "occurrences")["key"]) == keys)
        before = found if found.id != before.id else add(lake, before)
        if step in STEPS[2:]:
            assert before.is_delta
            told = content(before)
            found = cut_off(step, lambda: merge(lake.data))
            assert (found.id, content(found)) == (before.id, told)
            before = found
    assert before.is_delta or merge(lake.data) is None
    assert not list((lake.data / "staging").glob("*/*.duckdb"))


def test_a_release_that_comes_during_a_merge_is_made_and_merged(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    there, first = ROWS[300:], releases.current(lake.data)
    commit_rows(lake, [there.pop()])
    release, copy = add(lake, first), release_merge._copy
    commit_rows(lake, [there.pop()])
    later: list[Release] = []

    def copying(connection):
        if not later:
            later.append(add(lake, release))
        copy(connection)

    monkeypatch.setattr(release_merge, "_copy", copying)
    merged = merge(lake.data)
    assert merged == replace(later[0], path=merged.path)
    assert not merged.is_delta


def test_a_change_of_another_release_or_of_other_rules_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    first = releases.current(lake.data)
    commit_rows(lake, ROWS[300:310])
    with pytest.raises(StaleChangeError, match="other rules"):
        add(lake, first, rules_hash="stricter")
    monkeypatch.setattr("biodata.store.releases.code_hash", lambda: "another")
    with pytest.raises(StaleChangeError, match="other rules or code"):
        add(lake, first)
    monkeypatch.undo()
    second = add(lake, first)
    with pytest.raises(StaleChangeError, match="meanwhile"):
        add(lake, first)
    assert releases.current(lake.data) == second


def test_who_reads_goes_on_and_gets_the_merged_file_with_the_next_question(lake: Lake):
    commit_rows(lake, ROWS[300:])
    release = add(lake, releases.current(lake.data))
    where = Compare("species", "=", SEROW)
    with ReleaseReader(lake.data) as reader:
        held = reader.current()
        page = held.page("occurrences", where, ["key"], limit=5)
        following = held.page("occurrences", where, ["key"], limit=500, cursor=page.cursor)
        whole = releases.read(release, "occurrences", where=where)
        assert [key for (key,) in page.rows + following.rows] == whole["key"].to_list()
        with pytest.raises(StoreError, match="could not answer"):
            held.run("ATTACH '/etc/passwd' AS x", [])
        tile = held.tile("occurrences", 5, 25, 13)
        merge(lake.data)
        assert reader.current() is not held
        assert not reader.current().path.name.endswith(pointer.DELTA)
        assert reader.current().tile("occurrences", 5, 25, 13) == tile
        assert held.page("occurrences", where, ["key"], limit=5) == page
        for first in (5, len(whole) - 2):
            page = held.page("occurrences", where, ["key"], limit=first)
            found, cursor = page.rows, page.cursor
            while cursor is not None:
                page = reader.current().page("occurrences", where, ["key"], limit=3, cursor=cursor)
                found, cursor = [*found, *page.rows], page.cursor
            assert [key for (key,) in found] == whole["key"].to_list(), "who reads goes on in the same order"
        told = set(reader.current().page("occurrences", where, ["key"], limit=500).rows)
        assert told == {(key,) for key in whole["key"]}


def test_a_base_stays_as_long_as_a_release_differs_from_it_and_is_no_release_itself(lake: Lake):
    first = releases.current(lake.data)
    made = [first]
    for number in range(300, 308, 2):
        commit_rows(lake, ROWS[number : number + 2])
        made.append(add(lake, made[-1]))
    names = sorted(path.name for path in (lake.data / "releases").glob("*.duckdb"))
    kept = made[-releases.KEPT :]
    assert names == sorted([f"base-{first.id}.duckdb", *(f"release-{one.id}.delta.duckdb" for one in kept)])
    assert releases.read(made[-1], "occurrences").height > releases.read(made[-2], "occurrences").height
    settings = Settings(data=lake.data)
    assert verify_releases(settings) == []
    merge(lake.data)
    assert releases.drop_others(lake.data) > 0
    assert [path.name for path in (lake.data / "releases").glob("*.duckdb")] == [f"release-{made[-1].id}.duckdb"]


def verify_releases(settings: Settings) -> list[str]:
    return [fault.file for fault in verify(settings).faults if fault.file.startswith("releases/")]


def test_what_is_taken_back_is_owed_until_the_release_is_merged(lake: Lake):
    first = releases.current(lake.data)
    assert merge_owed(lake.data) is None
    key = releases.read(first, "occurrences", where=Compare("sharing_category", "=", "open"))["key"][0]
    place = releases.read(first, "occurrences", where=Compare("key", "=", key))["occurrenceID"][0]

    def coarser(frame: pl.DataFrame) -> pl.DataFrame:
        return publish(frame).filter(pl.col("key") != key)

    second = build(lake, publish=coarser, change=Change(first, pl.Series([key])), assess=assess)
    assert pointer.read(lake.data).previous is None
    assert place not in releases.read(second, "occurrences")["occurrenceID"]
    assert "taken back" in merge_owed(lake.data)
    assert verify(Settings(data=lake.data)).owed
    merge(lake.data)
    assert merge_owed(lake.data) is None
    (file,) = (lake.data / "releases").glob("*.duckdb")
    with releases.connect(file) as connection:
        found = connection.execute('SELECT count(*) FROM occurrences WHERE "occurrenceID" = ?', [place]).fetchall()
        assert found == [(0,)]
