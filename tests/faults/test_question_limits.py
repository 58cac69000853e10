"""The watchdog stops every kind of question, soon after its time is over."""

import time

import numpy as np
import pytest
import shapely

import releases
from biodata.core.errors import QueryTimeoutError
from biodata.store.query.filters import And, Intersects, Not, Or
from biodata.store.reader import ReleaseReader

pytestmark = pytest.mark.faults
TIMEOUT_S = 0.5
ROWS, IN_ONE_TILE = 20_000, 8_000


def star(turn):
    """Return a star of 4,001 vertices over all records, turned a little: many edges to look at for each record."""
    angles = np.linspace(0, 2 * np.pi, 4_000, endpoint=False)
    reach = np.where(np.arange(4_000) % 2, 30.0, 14.0)
    points = np.column_stack([104 + reach * np.cos(angles + turn), 22 + reach * np.sin(angles + turn)])
    return Intersects(bytes(shapely.to_wkb(shapely.Polygon(points))))


STARS = And(tuple(Or((star(n / 100), Not(star(n / 100)))) for n in range(120)))
"""True of every record, after 240 polygons."""
NEVER = Or(tuple(And((star(n / 100), Not(star(n / 100)))) for n in range(120)))
"""True of no record, after as many."""


def fullest_tile(release, z):
    tile = f"mx >> {32 - z}, my >> {32 - z}"
    return release.run(f"SELECT {tile} FROM occurrences WHERE mx IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC", [])[
        0
    ]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watchdog")
    few = releases.open_rows()
    # A part of the records lies in one tile: there are enough of them to look at, and too few to be counted instead.
    at = [n % releases.OPEN if n < ROWS - IN_ONE_TILE else 0 for n in range(ROWS)]
    rows = [{**few[i], "occurrenceID": f"W-{n}", "source_record_id": f"W-{n}"} for n, i in enumerate(at)]
    releases.make_release(folder, rows)
    with ReleaseReader(folder, timeout_seconds=TIMEOUT_S) as reader:
        yield reader.current()


@pytest.mark.parametrize("ask", [
    pytest.param(lambda r: r.page("occurrences", NEVER, ["key"], limit=300), id="a page"),
    pytest.param(lambda r: r.page("occurrences", STARS, ["key"], limit=300, offset=90_000), id="a page far behind"),
    pytest.param(lambda r: r.count("occurrences", STARS), id="a count"),
    pytest.param(lambda r: r.facet("occurrences", STARS, "species", limit=10), id="a facet"),
    pytest.param(lambda r: r.facet("occurrences", STARS, "quality_flags", limit=10), id="a facet of a list"),
    pytest.param(lambda r: r.tile("occurrences", 3, 6, 3, STARS), id="a tile of counts"),
    pytest.param(lambda r: r.tile("occurrences", 8, *fullest_tile(r, 8), NEVER), id="a tile of records"),
    pytest.param(lambda r: r.run("SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) = 5", []), id="anything"),
])  # fmt: skip
def test_it_is_stopped(release, ask):
    begun = time.monotonic()
    with pytest.raises(QueryTimeoutError):
        ask(release)
    assert time.monotonic() - begun < 20 * TIMEOUT_S, "it was stopped, it did not just end"
    assert release.count("occurrences") == ROWS, "the next question is answered"
