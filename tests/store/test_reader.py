"""The API's handle: pages that never mix two releases, swaps while somebody reads, a watchdog, tiles."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import mapbox_vector_tile
import pytest

from biodata.core import terms
from biodata.core.errors import InputError, NoReleaseError, QueryTimeoutError, StoreError
from biodata.store import pointer, releases, tiles
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.reader import Cursor, ReleaseReader
from store_records import SEROW, build, commit_rows, scattered

ROWS = scattered(500, seed=5)
COLUMNS = terms.names(terms.PUBLISHED_OCCURRENCE)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    data = tmp_path_factory.mktemp("installation")
    with Lake.open(data) as lake:
        commit_rows(lake, ROWS)
        build(lake)
    return data


@pytest.fixture
def data(installation: Path, tmp_path: Path):
    shutil.copytree(installation, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def release(installation: Path):
    with ReleaseReader(installation) as reader:
        yield reader.current()


@pytest.fixture(scope="module")
def published(installation: Path):
    return releases.read(releases.current(installation), "occurrences")


@pytest.mark.parametrize("where", [None, Compare("species", "=", SEROW)], ids=["every record", "serows"])
def test_pages_give_every_row_once_in_the_same_order(release, published, where):
    rows, cursor = [], None
    while True:
        page = release.page("occurrences", where, COLUMNS, limit=47, cursor=cursor)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    expected = published if where is None else published.filter(species=SEROW)
    assert rows == list(expected.iter_rows())
    offset = release.page("occurrences", where, ["key"], limit=20, offset=31).rows
    assert offset == list(expected.select("key").iter_rows())[31:51]


def test_the_ends_of_pages(release, published):
    n = published.height
    assert release.page("occurrences", None, ["key"], limit=n).cursor is None
    assert release.page("occurrences", None, ["key"], limit=n - 1).cursor is not None
    found = release.page("occurrences", None, ["key"], limit=0)
    assert found == release.page("occurrences", None, ["key"], limit=5, offset=10**12)
    with pytest.raises(InputError, match="cannot be negative"):
        release.page("occurrences", None, ["key"], limit=-1)
    with pytest.raises(InputError, match="no column of this name"):
        release.page("occurrences", None, ["key", "hk"], limit=1)
    with pytest.raises(InputError, match="no table 'shapes'"):
        release.page("shapes", None, ["id"], limit=1)


@pytest.mark.parametrize("cursor", [
    pytest.param("", id="nothing"),
    pytest.param("%%%", id="no base64"),
    pytest.param("e30", id="another JSON"),
    pytest.param("WzEsMl0", id="too short a list"),
    pytest.param("A" * 5000, id="too long"),
    pytest.param("é", id="another alphabet"),
    pytest.param(Cursor("r000001-0000000000", "occurrences", "0" * 12, 5).encode(), id="another release"),
])  # fmt: skip
def test_a_cursor_of_something_else_is_refused(release, cursor: str):
    with pytest.raises(InputError) as caught:
        release.page("occurrences", None, ["key"], limit=1, cursor=cursor)
    assert caught.value.code == "CURSOR_INVALID"


def test_a_cursor_of_another_table_is_refused(release):
    cursor = release.page("occurrences", None, ["key"], limit=1).cursor
    with pytest.raises(InputError, match="this cursor"):
        release.page("datasets", None, ["key"], limit=1, cursor=cursor)


def test_a_cursor_of_another_question_is_refused(release):
    asked, other = Compare("year", ">", 1900), Compare("year", ">", 1901)
    cursor = release.page("occurrences", asked, ["key"], limit=1).cursor
    assert release.page("occurrences", asked, ["key"], limit=1, cursor=cursor).rows
    with pytest.raises(InputError, match="this cursor"):
        release.page("occurrences", other, ["key"], limit=1, cursor=cursor)


def test_counts_and_extents(release, published):
    assert release.count("occurrences") == published.height
    longitude, latitude = published["decimalLongitude"], published["decimalLatitude"]
    assert release.extent("occurrences") == (longitude.min(), latitude.min(), longitude.max(), latitude.max())
    assert release.extent("protected_areas") == (101, 20, 105.5, 22.5)
    assert release.extent("corridors") == release.extent("taxa") == (-180, -90, 180, 90)
    assert release.info["counts"]["occurrences"] == published.height
    assert release.info["snapshot"] == 2


def test_without_a_release_nobody_is_ready(tmp_path: Path):
    with ReleaseReader(tmp_path) as reader:
        with pytest.raises(NoReleaseError, match="no release yet"):
            reader.current()
        assert not reader.ready()


def test_a_new_release_is_seen_and_the_one_before_stays_open(data: Path):
    with ReleaseReader(data) as reader, Lake.open(data) as lake:
        assert reader.ready()
        first = reader.current()
        page = first.page("occurrences", None, ["key"], limit=10)
        commit_rows(lake, scattered(501, seed=5))
        second = build(lake)
        assert reader.current().id == second.id
        before = reader.get(first.id)
        assert before is first
        assert before.page("occurrences", None, ["key"], limit=10, cursor=page.cursor).rows
        with pytest.raises(InputError):
            reader.current().page("occurrences", None, ["key"], limit=10, cursor=page.cursor)
        commit_rows(lake, scattered(502, seed=5))
        third = build(lake)
        reader.current()
        with pytest.raises(NoReleaseError, match="not open any more"):
            reader.get(first.id)
    with ReleaseReader(data) as other:  # a worker that has just started has the last two as well
        assert other.get(second.id).id == second.id
        with Lake.open(data) as lake:
            build(lake, rules_hash="stricter")
        with pytest.raises(NoReleaseError, match="other sharing rules"):
            other.get(third.id)
        for unknown in ("../../etc/passwd", "", "r"):
            with pytest.raises(NoReleaseError):
                other.get(unknown)


ENDLESS = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range = -1"


def test_the_watchdog_ends_a_question_and_no_other(installation: Path):
    with ReleaseReader(installation, timeout_seconds=0.3) as reader:
        release = reader.current()
        answers: list[int] = []
        other = threading.Thread(
            target=lambda: answers.extend(
                release.count("occurrences", Compare("species", "=", SEROW)) for _ in range(20)
            )
        )
        other.start()
        with pytest.raises(QueryTimeoutError, match=r"longer than 0\.3 s"):
            release.run(ENDLESS, [])
        other.join()
        assert len(set(answers)) == 1
        assert release.count("occurrences", Compare("species", "=", SEROW)) == answers[0]


def test_what_the_database_says_is_not_told(release, caplog: pytest.LogCaptureFixture):
    with pytest.raises(StoreError) as caught:
        release.run("SELECT * FROM read_csv('/nowhere/secret.csv')", [])
    assert "nowhere" not in str(caught.value)
    assert "nowhere" in caplog.text


def test_a_file_that_is_gone_is_no_release(data: Path):
    pointer.path(data, pointer.read(data).current.id).unlink()
    with ReleaseReader(data) as reader:
        with pytest.raises(NoReleaseError, match="is missing"):
            reader.current()
        assert not reader.ready()


def features(tile: bytes, layer: str) -> list[dict]:
    """Return the features of a tile's one layer, y going down."""
    if not tile:
        return []
    decoded = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    assert list(decoded) == [layer]
    assert decoded[layer]["extent"] == 4096
    return decoded[layer]["features"]


def test_a_release_of_another_format_is_to_be_made_again(data: Path):
    path = pointer.path(data, pointer.read(data).current.id)
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE release_info SET value = '1' WHERE key = 'format'")
    with ReleaseReader(data) as reader:
        assert not reader.ready()
        with pytest.raises(StoreError, match="run `biodata release`"):
            reader.current()


def test_a_high_tile_has_each_record_where_it_is(release, published):
    from pyproj import Transformer

    to_metres = Transformer.from_crs(4326, 3857, always_xy=True)
    side = 40075016.685578488
    row = published.drop_nulls("decimalLongitude").row(17, named=True)
    x, y = to_metres.transform(row["decimalLongitude"], row["decimalLatitude"])
    for zoom in (8, 13, tiles.MAXIMUM_ZOOM):
        across, down = (x / side + 0.5) * 2**zoom, (0.5 - y / side) * 2**zoom
        told = features(release.tile("occurrences", zoom, int(across), int(down)), "occurrences")
        found = next(f for f in told if f["properties"]["key"] == row["key"])
        px, py = found["geometry"]["coordinates"]
        assert abs(px - (across % 1) * 4096) <= 1
        assert abs(py - (down % 1) * 4096) <= 1
        assert found["properties"]["sharing_category"] == row["sharing_category"]
        assert found["properties"]["count"] == 1
        assert ("species" in found["properties"]) == (row["species"] is not None)


def test_a_crowded_tile_counts_in_bins(release, published, monkeypatch: pytest.MonkeyPatch):
    x, y = int((103 / 360 + 0.5) * 256), 112
    plain = features(release.tile("occurrences", 8, x, y), "occurrences")
    assert len(plain) > 2
    monkeypatch.setattr(tiles, "MAXIMUM_POINTS", 2)
    monkeypatch.setattr(release, "_crowds", {(8, x, y)})
    crowded = features(release.tile("occurrences", 8, x, y), "occurrences")
    assert sum(f["properties"]["count"] for f in crowded) == len(plain)
    assert all("key" not in f["properties"] and not f.get("id") for f in crowded)


def test_shapes_are_in_the_tiles_that_they_meet(release):
    names = {f["properties"]["name"] for f in features(release.tile("protected_areas", 0, 0, 0), "protected_areas")}
    assert "Nam Ha" in names
    # 101 to 102 E, 20 to 21 N lies in tile 12/3197-3208/1803-1815; its middle is wholly inside.
    inside = features(release.tile("protected_areas", 12, 3203, 1809), "protected_areas")
    assert [f["properties"] for f in inside] == [{"area_id": "a", "name": "Nam Ha", "country_codes": "LA;CN"}]
    ring = inside[0]["geometry"]["coordinates"][0]
    assert {c for position in ring for c in position} == {-64, 4160}
    assert release.tile("protected_areas", 12, 100, 100) == b""
    filtered = features(release.tile("boundaries", 5, 25, 14, Compare("level", "=", "country")), "boundaries")
    assert [f["properties"]["code"] for f in filtered] == ["LA"]


def test_serving_needs_none_of_the_heavy_libraries(installation: Path):
    code = (
        "import sys; from pathlib import Path; from biodata.store.reader import ReleaseReader;"
        "from biodata.store.query.filters import InBox;"
        "r = ReleaseReader(Path(sys.argv[1])); assert r.ready();"
        "r.current().page('occurrences', InBox(100, 20, 105, 24), ['key', 'species'], limit=300);"
        "print([m for m in ('geopandas', 'rasterio', 'numba', 'pygbif', 'scipy', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, installation], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
