"""Recompute by brute force what a release publishes of sensitive records: it shares no code with the product.

It is written from the page that specifies steps 3 and 4, in plain Python over pandas rows, and is as simple as it can be.
Where the page can be read in two ways, this is how it is read here:

Grid. A cell is the cell of its places: one floor at a hundred thousandth of a degree, whole divisions after it.
Wholes. An event that another event of the dataset names as parentEventID is no place, and is published without one.
Order. Memory, walks, crowds, emptied events. A record beside is in the crowd that its place has.
Beside. It is kept in the memory. A record beside empties no event and makes no walk coarse, else each release goes on from the last.
Emptied. The crowd is the one that the record goes to now. Once: in the release in which a sensitive record of the event is new to the memory. Without a crowd the places of the cell
are counted off in tens in the order of the hash, the last ten with the rest, and the ten of the event goes apart ("the next nine" name it).
It stays if its crowd has a blank one and those with sensitive records have no others about as often as the rest of the
dataset's events are blank: no more than the number expected so and three of its square roots. Without n (all withheld): the share is over the events of the dataset.
Crowds. They are counted off for a dataset and a category, in all cells at once, as soon as the dataset has a sensitive record of
the category. A place belongs to the crowd of the narrowest level at which its square is in one, for ever. A wide crowd is counted off when a
record goes there, of the squares of all places of the dataset in the wide cell that are in no crowd of that category.
Shown. A cell shows a place if an open record (after walks) or an event that is no whole stands there.
Published before. A record that is published stays in its unit and year until they are refreshed; if its place, or year, is
another by then it is new from the next release on. One whose category is another leaves at once and is new.
Complete. All years are judged by what stood at the last refresh before this release. If the unit is complete as a whole, everything that is
not published yet and whose year is not complete goes out without year, and `seen` is set for all years.
Seen. A unit begins with what the last release showed at its places (`Memory.last`); where a record that is left over waits, the
places of its degree that are in no crowd keep what stood there before it came. Else the first record of a unit names its part.
Withdrawn whole. Presences of a dataset without any record are gone.
Walks. They are ordered by key as a whole if one time is missing. A withheld record is a member and makes nothing coarse.
Nowhere. A sensitive record without coordinates is a presence without cell and year at once.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod

FINEST = 100_000
CATEGORIES = {"1_degree": 1, "0_1_degree": 10, "0_01_degree": 100, "0_001_degree": 1000}
STRICTNESS = {"withheld": 5, "1_degree": 4, "0_1_degree": 3, "0_01_degree": 2, "0_001_degree": 1}
WGS84 = Geod(ellps="WGS84")
Square = tuple[int, int]
Unit = tuple[Any, ...]
Mark = tuple[int, int]


@dataclass(frozen=True)
class Options:
    """Clauses that can be changed or dropped, to measure what each is for."""

    places: int = 10
    tenths: int = 5
    blank_share: float = 0.1
    spread: float = 3
    """By so many of its square roots the events with sensitive records and no others may exceed the number that is expected."""
    crowds: bool = True
    changes: bool = True
    emptied: bool = True
    """Events that lost all their records: others are set apart beside them."""
    walks: bool = True
    last_release: bool = True
    """A unit that had no sensitive record is compared with the last release, not with nothing."""
    all_cells: bool = True
    """Crowds are counted off in all cells of a dataset, not only in those with a sensitive record."""
    once: bool = True
    """An event is emptied once."""
    tens: bool = True
    """Places of a cell go apart by tens; False: the next nine in the order of the hash."""
    nearest: str = "round"
    """Which events go apart with an emptied one: at each other place the nearest in "days", all of the "year", or its "round"."""
    only_new: bool = True
    """Only an event that no release has shown is emptied, and only such ones go apart beside it."""
    hold: bool = True
    """Where another place of the crowd has nothing new, what is new in the crowd waits, open and all."""


@dataclass
class State:
    """What the memory keeps of a record that was set apart once."""

    dataset: str
    category: str
    beside: bool
    waits_since: int
    unit: Unit | None = None
    published: bool = False
    taxon: str | None = None
    year: int | None = None
    year_is_null: bool = False


@dataclass(frozen=True)
class Crowd:
    """Ten places or more of a dataset that are published as one."""

    dataset: str
    asked: int
    n: int
    column: int
    row: int
    places: frozenset[Square]


@dataclass
class Memory:
    """What one release leaves to the next."""

    states: dict[int, State] = field(default_factory=dict)
    crowds: dict[str, Crowd] = field(default_factory=dict)
    crowd_of: dict[tuple[str, int, int, Square], str] = field(default_factory=dict)
    seen: dict[Unit, dict[tuple[Square, int | None], Mark]] = field(default_factory=dict)
    last: dict[str, list[tuple[Square, int | None, int]]] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    """Keys of records and events that a release did not hold back."""

    def copy(self) -> "Memory":
        """Return a memory that can be changed without changing this one."""
        states = {key: replace(state) for key, state in self.states.items()}
        return Memory(states, dict(self.crowds), dict(self.crowd_of), dict(self.seen), dict(self.last), set(self.shown))


@dataclass
class Result:
    """What a release publishes, and what it keeps."""

    open_keys: set[int]
    presences: set[tuple[str, int | None, int | None, int | None, str, int | None]]
    """(datasetKey, n, column, row, taxon, year)"""
    event_keys: set[int]
    waiting: dict[int, int]
    """Key of a record that waits, and how many places of ten it has."""
    memory: Memory
    beside: set[int]
    own_cell: set[int]
    """Keys published at the cell of their category."""


@dataclass
class Row:
    """A record or an event."""

    key: int
    dataset: str
    event: str | None
    parent: str | None
    day: int | None
    year: int | None
    time: float | None
    by: str | None
    lon: float
    lat: float
    at: Square | None
    hash: int
    category: str | None = None
    taxon: str | None = None
    beside: bool = False

    def square(self, per_degree: int) -> Square:
        """Return the square of so many a degree that it stands in."""
        assert self.at is not None
        return (self.at[0] // (FINEST // per_degree), self.at[1] // (FINEST // per_degree))


def hash64(key: int) -> int:
    """Return the hash of a key that sums of marks are made of."""
    return int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:8], "big") % 2**63


def place_order(dataset: str, n: int, places: Iterable[Square]) -> list[Square]:
    """Order places of a level by the public hash."""
    return sorted(places, key=lambda p: hashlib.sha256(f"{dataset}|{n}|{p[0]}|{p[1]}".encode()).hexdigest())


def count_off(
    dataset: str, n: int, places: Iterable[Square], least: int, tenths: int
) -> tuple[list[list[Square]], list[Square]]:
    """Count places off into crowds; return them and what is left over."""
    crowds: list[list[Square]] = []
    current: list[Square] = []
    for place in place_order(dataset, n, places):
        current.append(place)
        if len(current) >= least and len({(x // 10, y // 10) for x, y in current}) >= tenths:
            crowds.append(current)
            current = []
    return crowds, current


def _none(value: Any) -> Any:
    return None if value is None or value is pd.NaT or value is pd.NA or value != value else value


def _rows(frame: pd.DataFrame, key: str, eventual: bool) -> list[Row]:
    rows = []
    for raw in frame.to_dict("records"):
        lon, lat = _none(raw["decimalLongitude"]), _none(raw["decimalLatitude"])
        at = None
        if lon is not None and lat is not None:
            # Longitude 180 and latitude 90 belong to the last cell.
            x = min(math.floor(lon * FINEST + 1e-9), 180 * FINEST - 1)
            y = min(math.floor(lat * FINEST + 1e-9), 90 * FINEST - 1)
            at = (x, y)
        day, year, time = _none(raw["day"]), _none(raw["year"]), _none(raw.get("time"))
        rows.append(Row(
            key=int(raw[key]),
            dataset=raw["datasetKey"],
            event=_none(raw["eventID"]),
            parent=_none(raw["parentEventID"]),
            day=None if day is None else pd.Timestamp(day).toordinal(),
            year=None if year is None else int(year),
            time=None if time is None else pd.Timestamp(time).timestamp(),
            by=None if eventual else _none(raw["recordedBy"]),
            lon=math.nan if lon is None else lon,
            lat=math.nan if lat is None else lat,
            at=at,
            hash=hash64(int(raw[key])),
            category=None if eventual else _none(raw["category"]),
            taxon=None if eventual else _none(raw["taxon"]),
        ))  # fmt: skip
    return rows


def _is_even(steps: list[float]) -> bool:
    low, middle, high = np.quantile(steps, [0.25, 0.5, 0.75])
    return bool(middle > 0 and high - low <= middle / 2)


def _n(category: str) -> int:
    return CATEGORIES[category]


class Release:
    """One release: each step is a method, in the order of `run`."""

    def __init__(
        self,
        records: pd.DataFrame,
        events: pd.DataFrame,
        memory: Memory | None,
        released: Iterable[str],
        today: date,
        options: Options,
    ) -> None:
        self.records = _rows(records, "key", False)
        self.events = _rows(events, "event_key", True)
        self.memory = memory.copy() if memory is not None else Memory()
        self.event_ids = {id(e) for e in self.events}
        self.known = set(self.memory.states)
        self.released = set(released)
        self.today = today
        self.options = options
        wholes = {(e.dataset, e.parent) for e in self.events if e.parent is not None}
        for event in self.events:
            if (event.dataset, event.event) in wholes:
                event.at = None
        self.of_event: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for record in self.records:
            if record.event is not None:
                self.of_event[record.dataset, record.event].append(record)
        self.placed: dict[str, list[Row]] = defaultdict(list)
        """Records and events with a place, by dataset."""
        for row in [*self.records, *self.events]:
            if row.at is not None:
                self.placed[row.dataset].append(row)
        self.squares: dict[tuple[str, int], dict[Square, list[Row]]] = {}
        self.waiting: dict[int, int] = {}
        self.held: set[int] = set()
        self.before: dict[tuple[str, int], Any] = {}
        self.by_cell: dict[tuple[str, int], dict[Square, list[Square]]] = {}

    def at(self, dataset: str, n: int) -> dict[Square, list[Row]]:
        """Return the records and events of a dataset by their place of a level."""
        if (dataset, n) not in self.squares:
            found: dict[Square, list[Row]] = defaultdict(list)
            for row in self.placed[dataset]:
                found[row.square(100 * n)].append(row)
            self.squares[dataset, n] = found
        return self.squares[dataset, n]

    def run(self) -> Result:
        """Make the release."""
        self.remember()
        if self.options.walks:
            self.set_walks_apart()
        self.find_stations()
        self.count_crowds()
        self.find_units()
        hidden = self.set_emptied_apart()
        self.find_units()
        self.change()
        states = self.memory.states
        datasets = {r.dataset for r in self.records}
        presences = set()
        own = set()
        for key, state in states.items():
            if state.published and state.dataset in datasets:
                n, column, row = self.cell_of(state.unit)
                presences.add((state.dataset, n, column, row, state.taxon, state.year))
                if n == _n(state.category):
                    own.add(key)
        for dataset in datasets:
            self.keep_last(dataset)
        self.memory.shown |= ({r.key for r in self.records} | {e.key for e in self.events}) - self.held - hidden
        return Result(
            open_keys={r.key for r in self.records if r.category is None} - self.held,
            presences=presences,
            event_keys={e.key for e in self.events} - hidden - self.held,
            waiting=self.waiting,
            memory=self.memory,
            beside={r.key for r in self.records if r.beside},
            own_cell=own,
        )

    def keep_last(self, dataset: str) -> None:
        """Keep what stands at each place now, where nothing left over waits in its degree; there what stood before it came."""
        waits: dict[int, set[Square]] = defaultdict(set)
        for key in self.waiting:
            r = self.by_key[key]
            if r.dataset == dataset and r.at is not None and r.category and self.unit_now.get(key) is None:
                waits[_n(r.category)].add(r.square(1))
        degree, kept = FINEST, set()
        for n, cells in waits.items():
            for at in {r.at for r in self.placed[dataset] if r.at is not None}:
                step = FINEST // (100 * n)
                place = (at[0] // step, at[1] // step)
                if (at[0] // degree, at[1] // degree) in cells and self.in_crowd(dataset, n, place) is None:
                    kept.add(at)
        self.memory.last[dataset] = [
            *((r.at, r.year, r.hash) for r in self.placed[dataset] if r.at is not None and r.at not in kept),
            *(row for row in self.memory.last.get(dataset, []) if row[0] in kept),
        ]

    def cell_of(self, unit: Unit | None) -> tuple[int | None, int | None, int | None]:
        """Return n, column and row of the cell of a unit."""
        assert unit is not None
        if unit[0] == "nowhere":
            return (None, None, None)
        if unit[0] == "cell":
            return (unit[2], unit[3], unit[4])
        crowd = self.memory.crowds[unit[1]]
        return (crowd.n, crowd.column, crowd.row)

    def remember(self) -> None:
        """Take the stricter of what was decided now and before."""
        for record in self.records:
            state = self.memory.states.get(record.key)
            if state is None:
                continue
            record.beside = state.beside and record.category is None
            if record.category is None or STRICTNESS[state.category] > STRICTNESS[record.category]:
                record.category = state.category

    def set_beside(self, record: Row, category: str) -> None:
        """Make an open record, or one that became coarse beside another, at least so coarse."""
        if record.category is None:
            record.beside = True
        if record.category is None or (record.beside and STRICTNESS[category] > STRICTNESS[record.category]):
            record.category = category

    def set_walks_apart(self) -> None:
        """Set the open records of an evenly spaced walk apart in the cells of its sensitive ones."""
        walks = defaultdict(list)
        for r in self.records:
            if r.day is not None and r.by is not None and r.at is not None:
                walks[r.dataset, r.day, r.by].append(r)
        for walk in walks.values():
            sensitive = [r for r in walk if r.category not in (None, "withheld") and not r.beside]
            if len(walk) < 5 or not sensitive:
                continue
            timed = all(r.time is not None for r in walk)
            walk.sort(key=lambda r: (r.time if timed else 0, r.key))
            steps = [WGS84.inv(a.lon, a.lat, b.lon, b.lat)[2] for a, b in pairwise(walk)]
            even = _is_even(steps)
            if timed:
                times = [r.time for r in walk if r.time is not None]
                even = even or _is_even([b - a for a, b in pairwise(times)])
            if not even:
                continue
            for s in sensitive:
                assert s.category is not None
                n = _n(s.category)
                for r in walk:
                    if r.square(n) == s.square(n):
                        self.set_beside(r, s.category)

    def find_stations(self) -> None:
        """Find the datasets of stations."""
        self.of_stations = set()
        days: dict[str, dict[Square, set[int]]] = defaultdict(lambda: defaultdict(set))
        dated: dict[str, list[Square]] = defaultdict(list)
        for r in self.records:
            if r.at is not None and r.day is not None:
                days[r.dataset][r.square(1000)].add(r.day)
                dated[r.dataset].append(r.square(1000))
        for dataset, places in dated.items():
            again = sum(len(days[dataset][p]) >= 2 for p in places)
            if 2 * again >= len(places):
                self.of_stations.add(dataset)
        self.of_stations |= {e.dataset for e in self.events if e.at is not None}
        self.shown: dict[tuple[str, int], set[Square]] = defaultdict(set)
        for dataset in self.of_stations:
            for row in self.placed[dataset]:
                if id(row) in self.event_ids or row.category is None:
                    for n in CATEGORIES.values():
                        self.shown[dataset, n].add(row.square(n))

    def in_crowd(self, dataset: str, asked: int, square: Square) -> str | None:
        """Return the crowd of a place (a square of 100 times `asked`) at the narrowest level."""
        n, step = asked, 1
        while n >= 1:
            found = self.memory.crowd_of.get((dataset, asked, n, (square[0] // step, square[1] // step)))
            if found is not None:
                return found
            n, step = n // 10, step * 10
        return None

    def keep_crowds(self, dataset: str, asked: int, n: int, cell: Square, squares: set[Square]) -> list[Square]:
        """Count places off, keep the crowds, return what is left over."""
        crowds, rest = count_off(dataset, n, squares, self.options.places, self.options.tenths)
        for places in crowds:
            text = f"{dataset}|{asked}|{n}|" + ",".join(f"{x}:{y}" for x, y in sorted(places))
            name = hashlib.sha256(text.encode()).hexdigest()[:16]
            self.memory.crowds[name] = Crowd(dataset, asked, n, *cell, frozenset(places))
            for place in places:
                self.memory.crowd_of[dataset, asked, n, place] = name
        return rest

    def count_crowds(self) -> None:
        """Count off the places of each dataset of stations, for each category that it has."""
        self.left_over: dict[tuple[str, int, Square], int] = {}
        needed: dict[tuple[str, int], set[Square]] = defaultdict(set)
        if not self.options.crowds:
            return
        for r in self.records:
            if r.category not in (None, "withheld") and r.at is not None and r.dataset in self.of_stations:
                needed[r.dataset, _n(r.category)].add(r.square(_n(r.category)))  # type: ignore[arg-type]
        for (dataset, n), cells in needed.items():
            free: dict[Square, set[Square]] = defaultdict(set)
            for x, y in self.at(dataset, n):
                cell = (x // 100, y // 100)
                if (
                    cell in self.shown[dataset, n]
                    and (self.options.all_cells or cell in cells)
                    and self.in_crowd(dataset, n, (x, y)) is None
                ):
                    free[cell].add((x, y))
            for cell, squares in free.items():
                self.left_over[dataset, n, cell] = len(self.keep_crowds(dataset, n, n, cell, squares))

    def set_emptied_apart(self) -> set[int]:
        """Set the neighbours of emptied events apart; return keys of events that are not published."""
        hidden = set()
        events: dict[str, list[Row]] = defaultdict(list)
        for e in self.events:
            if e.at is not None:
                events[e.dataset].append(e)
        aside: list[tuple[Row, str]] = []
        for e in self.events:
            of_e = self.of_event.get((e.dataset, e.event or ""), [])
            if e.at is None or not of_e or any(r.category is None for r in of_e):
                continue
            if all(r.category == "withheld" for r in of_e):
                if self.share(events[e.dataset]) < self.options.blank_share:
                    hidden.add(e.key)
                continue
            own = [r for r in of_e if r.category != "withheld" and not r.beside]
            if (
                not own
                or (self.options.once and not self.options.only_new and all(r.key in self.known for r in own))
                or not self.options.emptied
            ):
                continue
            category = max((r.category for r in own if r.category), key=STRICTNESS.__getitem__)
            if self.options.only_new and e.key in self.memory.shown:
                continue
            groups = self.group_of(e, _n(category))
            if groups is None:
                continue
            if self.options.hold and self.waits_without_crowd(e, own, _n(category)):
                for row in self.new_left_over(e, _n(category)):
                    self.held |= {row.key}
                    self.held |= {r.key for r in self.of_event.get((e.dataset, row.event or ""), [])}
                continue
            if not groups:  # no other place in its cell
                hidden.add(e.key)
                continue
            if self.options.only_new and e.dataset in self.released:
                new = [[f for f in group if f.key not in self.memory.shown] for group in groups]
                if self.options.hold and not all(new):
                    for row in [e, *(f for group in new for f in group)]:
                        self.held |= {row.key}
                        self.held |= {r.key for r in self.of_event.get((e.dataset, row.event or ""), [])}
                    continue
                groups = new
            if self.options.nearest == "round":
                chosen = self.round_of(e, groups, _n(category))
            elif self.options.nearest == "year":
                chosen = [f for group in groups for f in group if f.year == e.year]
            else:
                chosen = [
                    min(group, key=lambda f: (self.days_between(e, f), f.event or "")) for group in groups if group
                ]
            for f in chosen:
                for r in self.of_event.get((e.dataset, f.event or ""), []):
                    aside.append((r, category))
        for r, category in aside:
            self.set_beside(r, category)
        return hidden

    def round_of(self, e: Row, groups: list[list[Row]], n: int) -> list[Row]:
        """Return the events of the visit: the first, second, ... of the year at each place of the crowd.

        A year has as many visits as the place with the fewest; what comes later belongs to the last.
        """
        level = self.level_of(e, n)
        own = [f for f in self.at(e.dataset, level).get(e.square(100 * level), []) if id(f) in self.event_ids]
        visits = []
        for events in [own, *groups]:
            of_year = [f for f in events if f.year == e.year and f.key not in self.memory.shown]
            if of_year:
                visits.append(sorted(of_year, key=lambda f: (-math.inf if f.day is None else f.day, f.event or "")))
        last = min(len(events) for events in visits) - 1
        number = min(visits[0].index(e), last)
        return [f for events in visits for i, f in enumerate(events) if min(i, last) == number]

    def level_of(self, e: Row, n: int) -> int:
        """Return the cells along a degree of the crowd of an event, or its category's where it is in none."""
        name = self.in_crowd(e.dataset, n, e.square(100 * n))
        return n if name is None else self.memory.crowds[name].n

    def waits_without_crowd(self, e: Row, own: list[Row], n: int) -> bool:
        """Return whether an emptied event has no crowd yet and its records wait for the year's end."""
        if self.in_crowd(e.dataset, n, e.square(100 * n)) is not None:
            return False
        return any(self.today.year <= self.memory.states[r.key].waits_since for r in own)

    def new_left_over(self, e: Row, n: int) -> list[Row]:
        """Return the events in the degree of one that no release has shown, at places in no crowd."""
        return [
            f
            for f in self.placed[e.dataset]
            if id(f) in self.event_ids
            and f.key not in self.memory.shown
            and f.square(1) == e.square(1)
            and self.in_crowd(e.dataset, n, f.square(100 * n)) is None
        ]

    def is_telling(self, dataset: str) -> bool:
        """Return whether events with sensitive records have no others more often than the rest of the dataset's are blank."""
        alone, own, blank, rest = 0, 0, 0, 0
        for e in self.events:
            if e.at is None or e.dataset != dataset:
                continue
            of_e = self.of_event.get((e.dataset, e.event or ""), [])
            if any(r.category not in (None, "withheld") and not r.beside for r in of_e):
                own += 1
                alone += all(r.category is not None and not r.beside for r in of_e)
            else:
                rest += 1
                blank += not of_e
        if rest == 0:
            return True
        by_chance = own * (blank / rest)
        return alone > by_chance + self.options.spread * math.sqrt(by_chance)

    def share(self, events: list[Row]) -> float:
        """Return the share of events without any record."""
        return sum((e.dataset, e.event) not in self.of_event for e in events) / len(events)

    @staticmethod
    def days_between(a: Row, b: Row) -> float:
        """Return the days between two events, endless where one is not known."""
        return math.inf if a.day is None or b.day is None else abs(a.day - b.day)

    def group_of(self, e: Row, n: int) -> list[list[Row]] | None:
        """Return the events at each other place of an emptied event's crowd; none if blank ones are common there."""
        name, level = self.in_crowd(e.dataset, n, e.square(100 * n)), self.level_of(e, n)
        if name is not None:
            places = sorted(self.memory.crowds[name].places)
        else:
            cell = e.square(n)
            places = place_order(e.dataset, n, [p for p in self.at(e.dataset, n) if (p[0] // 100, p[1] // 100) == cell])
        at = self.at(e.dataset, level)
        own = e.square(100 * level)
        if name is None and len(places) > 10:
            mine = places.index(own)
            if self.options.tens:
                start = min(mine // 10, len(places) // 10 - 1) * 10
                end = len(places) if start + 20 > len(places) else start + 10
                places = places[start:end]
            else:
                places = [places[(mine + i) % len(places)] for i in range(10)]
        there = {p: [r for r in at.get(p, []) if id(r) in self.event_ids] for p in places}
        blank = self.share([x for found in there.values() for x in found])
        if blank > 0 and not self.is_telling(e.dataset):
            return None
        return [there[p] for p in places if p != own]

    def find_units(self) -> None:
        """Find the unit of each sensitive record: published before, crowd, cell, or left over."""
        self.unit_now: dict[int, Unit | None] = {}
        self.by_key = {r.key: r for r in self.records}
        left: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for r in self.records:
            if r.category is None:
                continue
            state = self.memory.states.get(r.key)
            if state is None:
                waits = self.today.year
                if r.dataset not in self.released and r.year is not None:
                    waits = min(r.year, self.today.year)
                state = State(r.dataset, r.category, r.beside, waits)
                self.memory.states[r.key] = state
            state.beside = r.beside
            if state.category != r.category:
                state.category, state.published, state.unit, state.waits_since = (
                    r.category, False, None, self.today.year,
                )  # fmt: skip
            if r.category == "withheld":
                state.published, state.unit = False, None
                continue
            n = _n(r.category)
            if r.at is None:
                if not state.published:
                    state.unit = ("nowhere", r.dataset)
            elif state.published and state.unit is not None and state.unit[0] != "nowhere":
                pass
            elif not self.options.crowds or r.square(n) not in self.shown[r.dataset, n]:
                state.unit, state.published = ("cell", r.dataset, n, *r.square(n)), False
            else:
                name = self.in_crowd(r.dataset, n, r.square(100 * n))
                state.unit, state.published = (None if name is None else ("crowd", name)), False
                if name is None:
                    left[r.dataset, n].append(r)
            self.unit_now[r.key] = state.unit
        for (dataset, asked), rows in left.items():
            self.widen(dataset, asked, rows)

    def widen(self, dataset: str, asked: int, rows: list[Row]) -> None:
        """Give records that are left over and have waited long enough a crowd in a larger cell."""
        for r in rows:
            self.waiting[r.key] = self.free_places(dataset, asked, r.square(asked))
        going = [r for r in rows if self.today.year > self.memory.states[r.key].waits_since]
        n = asked
        while going and n > 1:
            n //= 10
            free: dict[Square, set[Square]] = defaultdict(set)
            for x, y in self.at(dataset, asked):
                cell = (x // 100, y // 100)
                if cell in self.shown[dataset, asked] and self.in_crowd(dataset, asked, (x, y)) is None:
                    step = asked // n
                    free[x // step // 100, y // step // 100].add((x // step, y // step))
            left = {
                cell: len(self.keep_crowds(dataset, asked, n, cell, free[cell]))
                for cell in {r.square(n) for r in going}
            }
            for r in going:
                self.waiting[r.key] = left[r.square(n)]
            # A record that still waits for its cell may stand in a place that went wide with another.
            for r in rows:
                name = self.in_crowd(dataset, asked, r.square(100 * asked))
                if name is not None:
                    self.memory.states[r.key].unit = self.unit_now[r.key] = ("crowd", name)
            going = [r for r in going if self.unit_now[r.key] is None]
        for r in rows:
            if self.unit_now[r.key] is not None:
                del self.waiting[r.key]

    def free_places(self, dataset: str, asked: int, cell: Square) -> int:
        """Return how many places of a cell are in no crowd yet."""
        places = {(x, y) for x, y in self.at(dataset, asked) if (x // 100, y // 100) == cell}
        return sum(self.in_crowd(dataset, asked, place) is None for place in places)

    def places_of(self, unit: Unit) -> tuple[str, int, list[Square]]:
        """Return the dataset, level and places of a unit."""
        if unit[0] == "crowd":
            crowd = self.memory.crowds[unit[1]]
            return crowd.dataset, crowd.n, sorted(crowd.places)
        _, dataset, n, column, row = unit
        if (dataset, n) not in self.by_cell:
            found: dict[Square, list[Square]] = defaultdict(list)
            for x, y in self.at(dataset, n):
                found[x // 100, y // 100].append((x, y))
            self.by_cell[dataset, n] = found
        return dataset, n, self.by_cell[dataset, n].get((column, row), [])

    def marks(self, unit: Unit) -> dict[tuple[Square, int | None], Mark]:
        """Return the marks of a unit's places and years."""
        dataset, n, places = self.places_of(unit)
        at = self.at(dataset, n)
        found: dict[tuple[Square, int | None], Mark] = {}
        for place in places:
            for row in at.get(place, []):
                count, total = found.get((place, row.year), (0, 0))
                found[place, row.year] = (count + 1, (total + row.hash) % 2**63)
        return found

    def marks_before(self, unit: Unit) -> dict[tuple[Square, int | None], Mark]:
        """Return the marks of a unit in the last release, if its dataset stood there."""
        if unit[0] == "crowd":
            crowd = self.memory.crowds[unit[1]]
            dataset, n, column, row, inside = crowd.dataset, crowd.n, crowd.column, crowd.row, crowd.places
        else:
            _, dataset, n, column, row = unit
            inside = None
        if (dataset, n) not in self.before:
            step = FINEST // (100 * n)
            marks: dict[tuple[Square, int | None], Mark] = {}
            for (x, y), year, value in self.memory.last.get(dataset, []):
                at = ((x // step, y // step), year)
                count, total = marks.get(at, (0, 0))
                marks[at] = (count + 1, (total + value) % 2**63)
            by_place: dict[Square, dict[int | None, Mark]] = defaultdict(dict)
            by_cell: dict[Square, set[Square]] = defaultdict(set)
            for (place, year), mark in marks.items():
                by_place[place][year] = mark
                by_cell[place[0] // 100, place[1] // 100].add(place)
            self.before[dataset, n] = (by_place, by_cell)
        by_place, by_cell = self.before[dataset, n]
        places = by_cell.get((column, row), set()) if inside is None else inside
        return {(p, year): mark for p in places for year, mark in by_place.get(p, {}).items()}

    def change(self) -> None:
        """Refresh the units, or years of them, that are complete."""
        states = self.memory.states
        members: dict[Unit, list[int]] = defaultdict(list)
        datasets = {r.dataset for r in self.records}
        for key, state in states.items():
            if state.unit is not None and state.dataset in datasets and state.category != "withheld":
                members[state.unit].append(key)
        for unit, keys in members.items():
            if unit[0] == "nowhere":
                for key in keys:
                    r = self.by_key.get(key)
                    states[key].published, states[key].year = r is not None, None
                    if r is not None:
                        states[key].taxon, states[key].year_is_null = r.taxon, True
                continue
            dataset, _, places = self.places_of(unit)
            now = self.marks(unit)
            seen = self.memory.seen.get(unit)
            if seen is None:
                seen = self.marks_before(unit) if self.options.last_release and dataset in self.released else {}
            years = {year for _, year in now} | {states[k].year for k in keys} | {None}
            new = {(p, year) for (p, year), mark in now.items() if seen.get((p, year)) != mark}
            least = len(places) if unit[0] == "crowd" else 10
            complete = {y for y in years if len({p for p, year in new if year == y}) >= max(least, 1)}
            changed = len({p for p, _ in new})
            whole = changed >= max(least, 1)
            waiting = [k for k in keys if not states[k].published and k in self.by_key]
            if (
                unit[0] == "cell"
                and (dataset not in self.released or any(self.today.year > states[k].waits_since for k in waiting))
            ) or not self.options.changes:
                complete, whole = years, False
            groups: dict[int | None, list[int]] = {y: [] for y in complete}
            if whole:
                groups.setdefault(None, [])
            for k in keys:
                state, r = states[k], self.by_key.get(k)
                if state.published:
                    group = state.year
                elif r is None:
                    continue
                else:
                    group = None if state.year_is_null else r.year
                    if whole and group not in complete:
                        group = None
                if group in groups:
                    groups[group].append(k)
            for year, of_year in groups.items():
                for k in of_year:
                    self.refresh(k, unit, year)
            kept = dict(seen)
            if whole or complete == years:
                kept = now
            else:
                kept = {at: mark for at, mark in kept.items() if at[1] not in complete}
                kept |= {at: mark for at, mark in now.items() if at[1] in complete}
            self.memory.seen[unit] = kept
            for k in keys:
                if k in self.by_key and not states[k].published:
                    self.waiting[k] = 0 if states[k].unit is None else min(changed, least)

    def refresh(self, key: int, unit: Unit, year: int | None) -> None:
        """Publish a record in a unit and year, or take it out if it stands elsewhere by now."""
        state, r = self.memory.states[key], self.by_key.get(key)
        was = state.published
        state.published = False
        if r is None or not self.lies_in(r, unit):
            state.unit = None
            state.waits_since = self.today.year
            return
        if was and year is not None and r.year != year:
            return
        state.published, state.taxon, state.year = True, r.taxon, year
        state.year_is_null = state.year_is_null or year is None

    def lies_in(self, r: Row, unit: Unit) -> bool:
        """Return whether the place of a record is one of a unit's."""
        if r.at is None:
            return False
        if unit[0] == "crowd":
            crowd = self.memory.crowds[unit[1]]
            return r.square(100 * crowd.n) in crowd.places
        return r.square(unit[2]) == (unit[3], unit[4])


def set_apart(
    records: pd.DataFrame,
    events: pd.DataFrame,
    memory: Memory | None,
    released: Iterable[str],
    today: date,
    options: Options | None = None,
) -> Result:
    """Set the sensitive records of a release apart.

    Parameters
    ----------
    records, events : frames
        Columns as specified; `category` and `taxon` given.
    memory : Memory, optional
        What the last release returned.
    released : names
        The datasets that stood in an earlier release.
    today : date
    options : Options, optional
        Clauses that are changed.

    Returns
    -------
    Result
    """
    return Release(records, events, memory, released, today, options or Options()).run()
