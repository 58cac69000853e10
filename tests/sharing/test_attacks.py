"""Of worlds whose records lie elsewhere what the service may read is the same, to the last row and its order.

So none of its answers can tell more: not by what it says, nor by its length, nor by the rows that were read for it.
`test_long_attacks` asks two such worlds more than a thousand times by every route.
"""

import math
import re
import sqlite3

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from starlette.testclient import TestClient

import leaks
import planted_worlds
from api.app import create_app
from attacker import TILES, Attacker
from biodata.access import audit_log
from biodata.store import folders, releases
from biodata.store.registry import Registry

pytestmark = pytest.mark.attacks  # minutes of questions; `test_api_leaks` has each route
NUMBERED = re.compile(r"r\d{6}-[0-9a-f]{10}|\d{4}-\d\d-\d\d[T ][\d:.+Z]*")
"""A release's number, which holds the moment it was made, and times."""
WIDE = (105.9, 22.4, 107.2, 23.5)


@pytest.fixture(scope="module")
def records():
    return planted_worlds.hidden(5, 2, seed=3)


@pytest.fixture(scope="module")
def settings(records, tmp_path_factory):
    return [planted_worlds.world(tmp_path_factory.mktemp("world"), records, number) for number in (0, 1)]


def served(settings):
    return TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False)


def test_control_without_rules_every_way_finds_the_place(records, tmp_path):
    settings = planted_worlds.world(tmp_path, records, 0, open_rules=True)
    x, y = records[2].places[0]
    with served(settings) as client:
        for way, (west, south, east, north) in Attacker(client).narrow(records[2].species, WIDE):
            if way != "edges of cells":  # open records have none
                assert west - 2e-5 <= x <= east + 2e-5, way
                assert south - 2e-5 <= y <= north + 2e-5, way
                assert max(east - west, north - south) < 1e-3, way


def test_the_scanner_finds_nothing_nearer_than_the_published_cells(records, settings):
    for number, one in enumerate(settings):
        placed = {
            r.species: leaks.Place(r.species, r.places[number][1], r.places[number][0], cell=r.region) for r in records
        }
        # Within 100 m of its cell's own point, as in a cell of 0.001°, a place cannot be told from that.
        placed = {species: place for species, place in placed.items() if place.reach_m > 100 or place.cell is None}
        assert len(placed) >= 3
        places = list(placed.values())
        hidden = releases.read(releases.current(one.data), "occurrences").filter(pl.col("sharing_category") != "open")
        assert hidden.height == len(records) - 1, "all but the withheld one"
        assert leaks.scan_frame(hidden, places, name="release") == []
        with served(one) as client:
            for species, place in placed.items():
                for path in (
                    f"/v1/occurrence/search?species={species}",
                    f"/ogc/collections/occurrences/items?species={species}",
                    f"/ogc/collections/occurrences/items?f=html&species={species}",
                    f"{TILES}/0/0/0?species={species}",
                ):
                    tile = (0, 0, 0) if "tiles" in path else None
                    content = client.get(path).content
                    assert leaks.scan(content, [place], name=path, tile=tile if content else None) == []
            for place in places:
                for tile in surveys_around(place):
                    answer = client.get(TILES.replace("occurrences", "surveys") + "/{0}/{2}/{1}".format(*tile))
                    assert answer.status_code == 200
                    assert (
                        leaks.scan(
                            answer.content, places, name=f"surveys {tile}", tile=tile if answer.content else None
                        )
                        == []
                    )


def surveys_around(place: leaks.Place) -> list[tuple[int, int, int]]:
    """Return zoom, column and row of the tiles that hold a place, of each way in which surveys are drawn.

    A coarse cell is cut at the edges of a tile, and the smaller the tile around a place the nearer they are to it: that is
    of the question, and in `attack_routes` such questions are asked of two worlds.
    """
    found = []
    for zoom in (0, 4, 8, 11, 12):
        row = (0.5 - math.asinh(math.tan(math.radians(place.latitude))) / 2 / math.pi) * 2**zoom
        found.append((zoom, int((place.longitude / 360 + 0.5) * 2**zoom), int(row)))
    return found


def tables(settings) -> dict[str, pl.DataFrame]:
    """Return every table of the release, rows in the order in which they lie in the file, and how they lie there."""
    with duckdb.connect(str(releases.current(settings.data).path), read_only=True) as connection:
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        found = {name: connection.table(name).pl() for name in names}
        for name in names:
            statement = f"SELECT row_group_id, column_id, segment_type, count, compression, stats FROM pragma_storage_info('{name}')"
            found[f"segments of {name}"] = connection.execute(statement).pl()
    return found


def test_the_release_is_the_same_to_its_order_and_its_segments(settings):
    one, other = map(tables, settings)
    assert one.keys() == other.keys()
    for name, table in one.items():
        if not name.endswith("release_info"):  # the moment, and the hash of the whole with the moment in it
            assert_frame_equal(table, other[name], check_exact=True)
    assert one["occurrences"].height > 100
    assert set(one["occurrences"]["sharing_category"]) > {"open", "0_01_degree", "1_degree"}
    assert set(one["surveys"]["sharing_category"]) == {"open"}, "an event goes out as it is, or not at all"


def registry(settings) -> dict[str, list[str]]:
    """Return the rows of the registry as text, without times."""
    connection = sqlite3.connect(settings.data / folders.REGISTRY)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [NUMBERED.sub("", repr(row)) for row in connection.execute(f'SELECT * FROM "{name}"')]
            for name in names
        }
    finally:
        connection.close()


def test_the_registry_is_the_same(settings):
    one, other = map(registry, settings)
    # A chain of hashes, with times in it; and digests made with a secret that the service cannot read.
    for name in ("audit", "sharing_memory"):
        one.pop(name), other.pop(name)
    assert {name: rows for name, rows in one.items() if rows != other[name]} == {}
    assert one["ingest"], "there is a report that could tell"


def entries(settings) -> list[str]:
    """Return what the entries of the audit say, without their times and hashes."""
    with Registry.open(settings) as registry:
        told = [
            (entry["actor"], entry["action"], entry["details"])
            for entry in audit_log.entries(registry, audit_log.Wanted())
        ]
    return [NUMBERED.sub("", repr(entry)) for entry in told]


def test_the_audit_says_the_same(settings):
    one, other = map(entries, settings)
    assert one == other
    assert len(one) > 0
