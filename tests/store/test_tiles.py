"""Tiles of records: counts by group and year made beforehand, crowded tiles, what a record tells."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mapbox_vector_tile
import polars as pl
import pytest

import releases
from biodata.core.errors import InputError
from biodata.store import releases as store
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Between, Compare, IsNull, Not, Or
from biodata.store.reader import ReleaseReader
from biodata.store.tile_counts import project


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("tiles")
    releases.make_release(data)
    return data


@pytest.fixture(scope="module")
def release(installation: Path) -> Iterator[OpenRelease]:
    with ReleaseReader(installation) as reader:
        yield reader.current()


@pytest.fixture(scope="module")
def published(installation: Path) -> pl.DataFrame:
    made = store.current(installation)
    assert made is not None
    return store.read(made, "occurrences")


def features(tile: bytes) -> list[dict]:
    down = {"y_coord_down": True}
    return mapbox_vector_tile.decode(tile, default_options=down)["occurrences"]["features"] if tile else []


@pytest.mark.parametrize("zoom", [0, 4, 5])
@pytest.mark.parametrize(("asked", "holds"), [
    pytest.param((Compare("class", "=", "Aves"),), lambda r: r["class"] == "Aves", id="a class"),
    pytest.param((Between("year", 2003, 2010),), lambda r: 2003 <= r["year"] <= 2010, id="years"),
    pytest.param((Or((Compare("class", "=", "Mammalia"), IsNull("phylum"))), Not(Compare("year", "=", 2004))),
                 lambda r: r["class"] == "Mammalia" and r["year"] != 2004, id="a class without a year"),
    pytest.param((Compare("species", "=", releases.SEROW),), lambda r: r["species"] == releases.SEROW, id="a species"),
])  # fmt: skip
def test_low_tiles_of_a_group_and_years(release, published, zoom: int, asked, holds):
    expected = Counter(
        (int((r["decimalLongitude"] / 360 + 0.5) * 2**zoom), r["year"])
        for r in published.drop_nulls("decimalLongitude").rows(named=True)
        if holds(r)
    )
    found = Counter()
    for x in {x for x, _ in expected}:
        for y in range(2**zoom):
            answer = release.tile("occurrences", zoom, x, y, And(asked))
            found[x] += sum(f["properties"]["count"] for f in features(answer))
    assert expected
    assert found == Counter(x for x, _ in expected.elements())


def test_what_a_record_tells_in_a_tile_can_be_chosen(release, published):
    x, y = int((103 / 360 + 0.5) * 256), 112
    every = features(release.tile("occurrences", 8, x, y))
    told = features(release.tile("occurrences", 8, x, y, None, ["key", "taxonKey", "event_start", "count"]))
    assert {f["properties"]["key"] for f in told} == {f["properties"]["key"] for f in every}
    rows = {row["key"]: row for row in published.rows(named=True)}
    for feature in told:
        row = rows[feature["properties"]["key"]]
        start = {"event_start": row["event_start"].isoformat()} if row["event_start"] else {}
        assert feature["properties"] == {"key": row["key"], "taxonKey": row["taxonKey"], "count": 1} | start
    with pytest.raises(InputError, match="single values"):
        release.tile("occurrences", 8, x, y, None, ["quality_flags"])


def test_crowded_tiles_are_known_beforehand(tmp_path, monkeypatch: pytest.MonkeyPatch):
    for module in ("tile_counts", "tiles"):
        monkeypatch.setattr(f"biodata.store.{module}.MAXIMUM_POINTS", 20)
    made = releases.make_release(tmp_path)
    published = store.read(made, "occurrences").drop_nulls("decimalLongitude")
    with store.connect(made.path) as connection:
        found = set(connection.execute("SELECT z, x, y FROM occurrence_crowds").fetchall())
    mx, my = project(*(published[c].to_numpy() for c in ("decimalLongitude", "decimalLatitude")))
    expected = set()
    for zoom in range(8, 21):
        counted = Counter(zip((mx >> (32 - zoom)).tolist(), (my >> (32 - zoom)).tolist(), strict=True))
        expected |= {(zoom, x, y) for (x, y), count in counted.items() if count > 20}
    assert expected
    assert found == expected
    with ReleaseReader(tmp_path) as reader:
        z, x, y = min(expected)
        crowded = features(reader.current().tile("occurrences", z, x, y))
    assert all(set(f["properties"]) == {"count"} for f in crowded)
    shift = 32 - z - 7  # to a bin of 1/128 of the tile's side
    bins = Counter(
        (px - x * 128, py - y * 128)
        for px, py in zip((mx >> shift).tolist(), (my >> shift).tolist(), strict=True)
        if px // 128 == x and py // 128 == y
    )
    told = {tuple((v - 16) // 32 for v in f["geometry"]["coordinates"]): f["properties"]["count"] for f in crowded}
    assert told == bins
