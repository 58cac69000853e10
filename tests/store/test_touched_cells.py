"""A look at the cells in which something changed keeps what a look at everything keeps, in made worlds and their releases."""

import random
from datetime import date, timedelta

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import grid
from biodata.sharing.plan import BEFORE, PLACED, named_dataset, plan_of
from biodata.sharing.set_apart import DECIDED, UNSETTLED, Memory
from biodata.store import touched_cells
from biodata.store.lake import Lake
from biodata.store.touched_cells import Touched
from cited_records import BULBUL, TIGER
from survey_events import commit, seen

COLUMNS = [column for column in terms.OCCURRENCE if column.name in PLACED]
CATEGORIES = [str(category) for category in SharingCategory if category != SharingCategory.OPEN]
STEPS = (0.0005, 0.004, 0.03)
TODAY = date(2026, 6, 1)
WORLDS = 5


def frame(rows: list[dict]) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in COLUMNS}
    return pl.DataFrame(rows, schema=schema).select(PLACED).with_columns(named_dataset())


class World:
    """Single records and walks of three datasets, few at a place that was visited before."""

    def __init__(self, seed: int) -> None:
        self.chance, self.number = random.Random(seed), 0
        self.width, self.rate = self.chance.choice([0.03, 0.3, 1.2]), self.chance.choice([0.1, 0.4])
        self.rows: dict[int, dict] = {}
        self.categories: dict[int, str | None] = {}
        for _ in range(self.chance.choice([20, 80])):
            self.add()
        for _ in range(3):
            self.walk()

    def place(self) -> tuple[float, float]:
        return 20 + self.chance.random() * self.width, -10 + self.chance.random() * self.width

    def add(self, number: int | None = None, **more: object) -> None:
        """Put a record there, or another one in its place."""
        self.number += number is None
        number = self.number if number is None else number
        longitude, latitude = self.place()
        day = date(self.chance.choice([2024, 2025, 2026]), 1, 1) + timedelta(days=self.chance.randrange(300))
        dataset = self.rows[number]["datasetKey"] if number in self.rows else self.chance.choice(["a", "b", None])
        row = {"key": number, "datasetKey": dataset, "event_start": day,
               "recordedBy": self.chance.choice(["x", "y", None]),
               "decimalLongitude": longitude if self.chance.random() < 0.95 else None, "decimalLatitude": latitude,
               "gbifID": self.chance.choice([None, *["1"] * 20]), "occurrenceID": str(self.chance.random())} | more  # fmt: skip
        self.rows[number] = row | {"event_end": row["event_start"], "year": row["event_start"].year}
        self.categories[number] = self.chance.choice(CATEGORIES) if self.chance.random() < self.rate else None

    def walk(self) -> None:
        (x, y), step, spread = self.place(), self.chance.choice(STEPS), self.chance.choice([0.1, 2])
        day, who = TODAY - timedelta(days=self.chance.randrange(9)), self.chance.choice("xy")
        dataset = self.chance.choice(["a", "b", None])
        for at in range(self.chance.randrange(5, 9)):
            longitude = x + at * step + self.chance.random() * step * spread
            where = {"decimalLongitude": longitude, "decimalLatitude": y, "datasetKey": dataset}
            self.add(event_start=day, recordedBy=who, **where)

    def change(self) -> None:
        """Let records come, change and go; now and then nothing."""
        for _ in range(self.chance.randrange(4)):
            self.add()
        if self.chance.random() < 0.3:
            self.walk()
        for number in self.chance.sample(sorted(self.rows), self.chance.randrange(4)):
            if self.chance.random() < 0.3:
                del self.rows[number], self.categories[number]
            else:
                self.add(number)

    def decided(self) -> pl.DataFrame:
        rows = [
            {"key": n, "datasetKey": self.rows[n]["datasetKey"] or "", "category": c, "rule_id": "r", "taxon": "t"}
            for n, c in self.categories.items()
            if c is not None
        ]
        return pl.DataFrame(rows, schema=DECIDED)


class Records:
    """`touched_cells.Reader` of a frame."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def standing_in(self, cells: pl.DataFrame) -> pl.DataFrame:
        names = {"decimalLongitude": "longitude", "decimalLatitude": "latitude"}
        placed = self.rows.rename(names).with_columns(grid.fine()).drop_nulls(["fx", "fy"])
        levels = placed.join(cells.select("n").unique(), how="cross").with_columns(grid.cell(pl.col("n")))
        return self.of_keys(levels.join(cells, on=cells.columns, how="semi")["key"])

    def of_walks(self, walks: pl.DataFrame) -> pl.DataFrame:
        return self.rows.join(walks, left_on=["event_start", "recordedBy"], right_on=["day", "recordedBy"], how="semi")

    def of_keys(self, keys: pl.Series) -> pl.DataFrame:
        return self.rows.filter(pl.col("key").is_in(keys.implode()))


def same(one: Memory, two: Memory) -> bool:
    kept = ((frame, vars(two)[name]) for name, frame in vars(one).items() if name != "unsettled")
    return all(a.sort(pl.all(), nulls_last=True).equals(b.sort(pl.all(), nulls_last=True)) for a, b in kept)


def looks(seed: int) -> int:
    """Hold a world's releases against looks at everything; return how many datasets were looked at by their cells."""
    world, memory, before, count = World(seed), Memory(), frame([]), 0
    events = terms.conform(pl.DataFrame(), terms.EVENT).with_columns(shown=pl.lit(value=False))
    for _ in range(6):
        now, decided = frame(list(world.rows.values())), world.decided()
        released = frozenset(before["datasetKey"])
        names = {"key": "identifier", "decimalLongitude": "longitude", "decimalLatitude": "latitude"}
        stood = before.rename(names).select(pl.col(name).cast(dtype) for name, dtype in BEFORE.items())
        whole = plan_of(now, events, decided.drop("datasetKey"), memory=memory, before=stood, released=released,
                        secret=b"", today=TODAY).apart  # fmt: skip
        differ = [one.join(two, on=PLACED, how="anti", nulls_equal=True) for one, two in ((before, now), (now, before))]
        keys = pl.concat(differ)["key"].implode()
        touched = Touched(*(rows.filter(pl.col("key").is_in(keys)) for rows in (before, now, decided)))
        datasets = {*pl.concat(differ)["datasetKey"], *memory.unsettled["datasetKey"]}
        by_cells = touched_cells.look(memory.of(datasets), touched, Records(now), released=released, today=TODAY)
        looked = set(by_cells.facts["datasetKey"])
        others = whole.of(datasets - looked)
        again = touched_cells.of_cells(others) & released
        cells = touched_cells.unsettled(
            memory.of(again), others.of(again), touched.of(again), now.filter(pl.col("datasetKey").is_in(list(again)))
        )
        stations = {*others.facts["datasetKey"]} - touched_cells.of_cells(others)
        every = pl.DataFrame({"datasetKey": sorted(stations)}, schema={"datasetKey": pl.String})
        unsettled = pl.concat([UNSETTLED.to_frame(), cells, every], how="diagonal")
        memory = memory.of(datasets, others=True).joined(by_cells, Memory(**{**vars(others), "unsettled": unsettled}))
        assert same(memory, whole), f"world {seed}"
        count, before = count + len(looked), now
        world.change()
    return count


def test_cells_keep_what_all_keeps():
    assert sum(map(looks, range(WORLDS))) > 5 * WORLDS


@pytest.mark.searches
def test_cells_of_many_worlds_keep_what_all_keeps():
    assert sum(map(looks, range(WORLDS, 120 * WORLDS))) > 5 * 119 * WORLDS


def test_a_lake_gives_the_records_that_stand_in_cells(tmp_path):
    at = {1: (101.25, -0.15), 2: (101.29, -0.101), 3: (101.3, -0.15), 4: (101.25, 0.0), 5: (None, None)}
    records = [
        seen(number, TIGER, None, "walks", decimalLongitude=x, decimalLatitude=y) for number, (x, y) in at.items()
    ]
    commit(tmp_path, [], [*records, seen(6, TIGER, None, "museum", decimalLongitude=101.25, decimalLatitude=-0.15)])
    with Lake.open(tmp_path) as lake:
        for n, column, row, expected in ((10, 1012, -2, {1, 2}), (1, 101, 0, {4}), (1000, 101250, -150, {1})):
            cells = pl.DataFrame([("walks", n, column, row)], schema=UNSETTLED, orient="row")
            found = lake.standing_in(cells, columns=["source_record_id"])["source_record_id"]
            assert set(found) == {f"walks-{number}" for number in expected}


def test_what_changed_is_read_beside_what_did_not(tmp_path):
    commit(tmp_path, [], [seen(number, TIGER, None, "walks") for number in (1, 2, 3)])
    with Lake.open(tmp_path) as lake:
        since, before = lake.snapshot(), lake.read("occurrences", columns=["key"])["key"]
    commit(tmp_path, [], [seen(2, BULBUL, None, "walks"), seen(4, TIGER, None, "walks")], gone=[("walks", "walks-3")])
    with Lake.open(tmp_path) as lake:
        keys = pl.concat([before, lake.read("occurrences", columns=["key"])["key"]]).unique()
        read = pl.concat(list(lake.of_keys(keys, since=since, columns=["source_record_id", "scientificName"])))
    assert dict(read.iter_rows()) == {"walks-1": TIGER, "walks-2": BULBUL, "walks-4": TIGER}
