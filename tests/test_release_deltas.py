"""Releases made of what changed: the same rows and the same id as one made at once, whatever changed before."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from biodata import terms
from biodata.store import pointer, releases
from biodata.store.lake import Lake
from biodata.store.release_merge import merge
from biodata.store.releases import Change, Release
from biodata.store.tables import RELEASE
from store_records import build, commit_rows, publish, results, scattered

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
    """Build a release of what changed in the lake since another."""
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
    """Build a whole release elsewhere, with the same secret."""
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
        for table, by in (("tiles", "z, x, y, px, py"), ("groups", 'bx, "by", kingdom, phylum, "class", "year"')):
            query = f'SELECT {by}, sum("count") AS n FROM occurrence_{table} GROUP BY ALL HAVING n <> 0'
            found[table] = sorted(connection.execute(query).fetchall(), key=repr)
        found["crowds"] = sorted(set(connection.execute("SELECT z, x, y FROM occurrence_crowds").fetchall()))
        return found


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


def presences(chance: random.Random, count: int) -> pl.DataFrame:
    """Return presences, of which some are other each time."""
    rows = [
        {
            "key": 1_000_000 + number,
            "species": "Elephas maximus",
            "datasetKey": "nam-ha",
            "decimalLatitude": 20.05 + number / 10,
            "decimalLongitude": 101.05,
            "year": chance.choice([None, None, 2020]),
            "sharing_category": "0_1_degree",
        }
        for number in sorted(chance.sample(range(20), count))
    ]
    return pl.DataFrame(rows, schema={c.name: c.dtype for c in terms.PUBLISHED_OCCURRENCE if c.name in rows[0]})


@pytest.mark.parametrize("seed", range(3))
def test_changes_in_any_order_give_what_one_whole_build_gives(lake: Lake, tmp_path: Path, seed: int, monkeypatch):
    monkeypatch.setattr("biodata.store.tile_counts.MAXIMUM_POINTS", 12)
    chance = random.Random(seed)
    release, rows = make(lake), {row["source_record_id"]: row for row in ROWS[:300]}
    areas, hidden, there = results(), presences(chance, 8), ROWS[300:]
    for step in range(10):
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
        if step in (4, 7):
            merged = merge(lake.data)
            assert merged == replace(release, path=merged.path)
            assert not merged.is_delta
            release, found = merged, content(merged)
            assert set(found.pop("crowds")) == crowds[1]
            assert found == rebuilt
    assert pointer.read(lake.data).current.id == release.id
