"""Features as DuckDB writes them: the same values as the rows have, in every column, escaped as JSON asks."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
import shapely

import releases
from biodata.core import terms
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import Compare

NAMES = terms.names(terms.PUBLISHED_OCCURRENCE)
WORDS = 'a "quoted" \\ word\n\t\x01\x7f 营地 é 🐒 </script>'


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRelease]:
    rows = releases.open_rows()
    rows[3] |= {"locality": WORDS, "decimalLatitude": 1e-7, "decimalLongitude": -123.456789012345, "elevation": 1e22}
    rows[4] |= {"individualCount": 2**53 + 1, "quality_flags": [WORDS], "habitat": ""}
    made = releases.make_release(tmp_path_factory.mktemp("features"), rows)
    found = OpenRelease(made.path, timeout_seconds=30)
    yield found
    found.close()


def plain(value):
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("flipped", [False, True], ids=["longitude first", "latitude first"])
def test_every_value_is_the_row_s(release: OpenRelease, flipped: bool):
    rows = release.page("occurrences", None, NAMES, limit=1000).rows
    told = release.features("occurrences", None, "key", NAMES, limit=1000, flipped=flipped).rows
    assert len(rows) == len(told) == len(releases.open_rows())
    for row, (text,) in zip(rows, told, strict=True):
        feature, record = json.loads(text), dict(zip(NAMES, map(plain, row), strict=True))
        place = [record["decimalLongitude"], record["decimalLatitude"]]
        point = {"type": "Point", "coordinates": place[::-1] if flipped else place}
        assert feature["geometry"] == (None if None in place else point)
        assert (feature["type"], feature["id"]) == ("Feature", record["key"])
        assert feature["properties"] == record
        assert list(feature["properties"]) == NAMES


def test_words_and_numbers_come_whole(release: OpenRelease):
    (text,) = release.features("occurrences", Compare("locality", "=", WORDS), "key", NAMES, limit=2).rows[0]
    properties = json.loads(text)["properties"]
    assert properties["locality"] == WORDS
    assert (properties["decimalLatitude"], properties["elevation"]) == (1e-7, 1e22)


def test_pages_of_features_go_on_where_pages_of_rows_do(release: OpenRelease):
    whole = release.features("occurrences", None, "key", ["key"], limit=1000).rows
    seen, cursor = [], None
    while True:
        page = release.features("occurrences", None, "key", ["key"], limit=70, cursor=cursor)
        assert page.cursor == release.page("occurrences", None, ["key"], limit=70, cursor=cursor).cursor
        seen += page.rows
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == whole


def test_a_shape_is_drawn(release: OpenRelease):
    names = ("code", "name")
    (row,) = release.page("boundaries", None, (*names, "geometry"), limit=1).rows
    for flipped in (False, True):
        feature = json.loads(release.features("boundaries", None, "code", names, limit=1, flipped=flipped).rows[0][0])
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        drawn = shapely.transform(shape, lambda places: places[:, ::-1]) if flipped else shape
        assert (feature["id"], feature["properties"], drawn) == (
            row[0], dict(zip(names, row, strict=False)), shapely.from_wkb(row[2]),
        )  # fmt: skip


def test_columns_without_a_value_are_known_and_answer_as_others(release: OpenRelease):
    rows = release.page("occurrences", None, ["samplingProtocol", "source_issues", "key"], limit=1000).rows
    assert {row[:2] for row in rows} == {(None, None)}
    assert release.count("occurrences", Compare("samplingProtocol", "=", "x")) == 0
