"""What somebody has who keeps every published table of every release and knows the rules, and how near a guess comes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import oracle
import product
from oracle import FINEST, Memory, Options, Square, Unit
from worlds import Release

Place = tuple[float, float]
Row = tuple[str, int | None, int | None, int | None, str, int | None]
Guess = dict[Place, float]
"""Places by weight; the best guess is one of those with the largest."""
METRES_PER_DEGREE = 111_195.0


@dataclass(eq=False)
class Public:
    """The tables of one release."""

    records: pd.DataFrame
    events: pd.DataFrame
    presences: set[Row]
    places: dict[str | None, list[Place]] = field(default_factory=dict)
    cells: dict[tuple[str | None, int, int, int], list[Place]] = field(default_factory=dict)
    levels: set[tuple[str | None, int]] = field(default_factory=set)

    def shown(self, dataset: str | None, n: int, column: int, row: int) -> list[Place]:
        """Return the exact places that a dataset (or all) shows in a cell."""
        if dataset not in self.places:
            self.places[dataset] = sorted({*places_of(self.records, dataset), *places_of(self.events, dataset)})
        if (dataset, n) not in self.levels:
            self.levels.add((dataset, n))
            for p in self.places[dataset]:
                x, y = square(p, n)
                self.cells.setdefault((dataset, n, x // 100, y // 100), []).append(p)
        return self.cells.get((dataset, n, column, row), [])


@dataclass
class Crowd:
    """What the public hash says of a presence: its dataset's places, and which are its ten."""

    squares: frozenset[Square]
    n: int
    is_cell: bool


@dataclass
class Case:
    """Releases as published, and what really stood behind the presences."""

    public: list[Public] = field(default_factory=list)
    crowds: dict[Row, list[Crowd]] = field(default_factory=dict)
    truth: list[dict[Row, list[tuple[Place, bool]]]] = field(default_factory=list)
    """For each release the records behind each presence: place, and whether its event shows no record any more."""
    sensitive: int = 0
    waiting: int = 0
    records: int = 0
    beside: int = 0
    held: int = 0
    own_with_year: int = 0
    own_without: int = 0
    next_cell: int = 0


def play(releases: Iterable[Release], options: Options | None = None) -> Case:
    """Publish releases one after the other; with options by the oracle, else by the product."""
    case = Case()
    kept = memory = None
    for release in releases:
        source = (release.records, release.events)
        known = oracle.set_apart(*source, memory, release.released, release.today, options)
        found = known
        if options is None:
            found = product.set_apart(*source, kept, release.released, release.today)
            kept = found.memory
        memory = known.memory
        events = release.events[release.events["event_key"].isin(found.event_keys)].copy()
        wholes = set(zip(release.events["datasetKey"], release.events["parentEventID"], strict=True))
        is_whole = [at in wholes for at in zip(events["datasetKey"], events["eventID"], strict=True)]
        events.loc[is_whole, ["decimalLongitude", "decimalLatitude"]] = None
        records = release.records[release.records["key"].isin(found.open_keys)]
        case.public.append(Public(records, events, set(found.presences)))
        case.truth.append(_behind(release, memory, set(zip(records["datasetKey"], records["eventID"], strict=True))))
        _crowds(case, release, memory)
        _count(case, release, known)
    return case


def _behind(release: Release, memory: Memory, used: set[tuple[str, str]]) -> dict[Row, list[tuple[Place, bool]]]:
    columns = ("key", "datasetKey", "eventID", "decimalLongitude", "decimalLatitude")
    found: dict[Row, list[tuple[Place, bool]]] = defaultdict(list)
    for key, dataset, event, lon, lat in zip(*(release.records[c] for c in columns), strict=True):
        state = memory.states.get(key)
        if state is not None and state.published and not state.beside and lon is not None and lon == lon:
            found[row_of(state, memory)].append(((lon, lat), event is not None and (dataset, event) not in used))
    return found


def row_of(state: oracle.State, memory: Memory) -> Row:
    """Return the presence that a record stands behind."""
    unit = state.unit
    assert unit is not None
    assert state.taxon is not None
    if unit[0] == "nowhere":
        return (state.dataset, None, None, None, state.taxon, state.year)
    if unit[0] == "cell":
        return (state.dataset, *unit[2:], state.taxon, state.year)
    crowd = memory.crowds[unit[1]]
    return (state.dataset, crowd.n, crowd.column, crowd.row, state.taxon, state.year)


def _crowds(case: Case, release: Release, memory: Memory) -> None:
    units: dict[Row, set[Unit]] = defaultdict(set)
    for state in memory.states.values():
        if state.published and not state.beside and state.unit is not None and state.unit[0] != "nowhere":
            units[row_of(state, memory)].add(state.unit)
    for row, found in units.items():
        case.crowds[row] = [
            Crowd(memory.crowds[u[1]].places, memory.crowds[u[1]].n, False)
            if u[0] == "crowd"
            else Crowd(frozenset(), u[2], True)
            for u in sorted(found)
        ]


def _count(case: Case, release: Release, known: oracle.Result) -> None:
    keys = set(release.records["key"])
    states = {k: s for k, s in known.memory.states.items() if k in keys and not s.beside and s.category != "withheld"}
    case.records, case.beside, case.sensitive = len(keys), len(known.beside), len(states)
    case.waiting = sum(k in known.waiting for k in states)
    own = [s for k, s in states.items() if k in known.own_cell and s.published]
    case.own_with_year = sum(s.year is not None for s in own)
    case.own_without = len(own) - case.own_with_year
    case.next_cell = sum(s.published for s in states.values()) - len(own)


def square(place: Place, n: int) -> Square:
    """Return the place (square) of a level that coordinates stand in."""
    step = FINEST // (100 * n)
    return (int(np.floor(place[0] * FINEST + 1e-9)) // step, int(np.floor(place[1] * FINEST + 1e-9)) // step)


def places_of(frame: pd.DataFrame, dataset: str | None = None) -> list[Place]:
    """Return the distinct places of a published table."""
    if dataset is not None:
        frame = frame[frame["datasetKey"] == dataset]
    at = frame[["decimalLongitude", "decimalLatitude"]].dropna().drop_duplicates()
    return [(float(x), float(y)) for x, y in at.to_numpy()]


def shown_in(public: Public, row: Row, *, all_datasets: bool = False) -> list[Place]:
    """Return the exact places that are shown in the cell of a presence."""
    return public.shown(None if all_datasets else row[0], *row[1:4])  # type: ignore[arg-type]


def in_cell(place: Place, row: Row) -> bool:
    """Return whether a place lies in the cell of a presence."""
    assert row[1] is not None
    x, y = square(place, row[1])
    return (x // 100, y // 100) == (row[2], row[3])


def in_its_crowd(places: Iterable[Place], row: Row, case: Case) -> list[Place]:
    """Return the places that are in a crowd of a presence (in its cell, where that is the crowd)."""
    crowds = case.crowds.get(row, [])
    inside = [p for p in places if in_cell(p, row)]
    if any(c.is_cell for c in crowds):
        return inside
    return [p for p in inside if any(square(p, c.n) in c.squares for c in crowds)]


def distance(a: Place, b: Place) -> float:
    """Return metres between places."""
    east = (a[0] - b[0]) * np.cos(np.radians((a[1] + b[1]) / 2))
    return float(np.hypot(east, a[1] - b[1]) * METRES_PER_DEGREE)


@dataclass
class Score:
    """Shares of records found: exactly, within 100 m, 500 m and a tenth of the cell; beside guesses."""

    records: int
    found: tuple[float, float, float, float]
    crowd: tuple[float, float, float, float]
    shown: tuple[float, float, float, float]

    def __str__(self) -> str:
        def row(shares: tuple[float, ...]) -> str:
            return " / ".join(f"{100 * s:.1f}" for s in shares)

        return f"{self.records:5d}  {row(self.found):28s} crowd {row(self.crowd):28s} shown {row(self.shown)}"


def _near(guesses: list[Place], truth: Place, n: int) -> np.ndarray:
    if not guesses:
        return np.zeros(4)
    at = np.array(guesses)
    east = (at[:, 0] - truth[0]) * np.cos(np.radians(truth[1]))
    far = np.hypot(east, at[:, 1] - truth[1]) * METRES_PER_DEGREE
    tenth = METRES_PER_DEGREE / n / 10
    return np.array([(far < limit).mean() for limit in (1, 100, 500, tenth)])


def best(guess: Guess) -> list[Place]:
    """Return the places of the largest weight."""
    most = max(guess.values(), default=0.0)
    return [p for p, weight in guess.items() if weight == most]


def score(
    case: Case,
    guesses: dict[Row, Guess],
    *,
    release: int = -1,
    crowds: bool | None = None,
    rows: Any = None,
    emptied: bool = False,
) -> Score:
    """Score guesses for the presences of a release; with `crowds` only those that ten places, or a cell, are the crowd of.

    A presence that is not guessed is guessed among its crowd. With `emptied` only records count whose event shows nothing any more.
    """
    public, total, n_records = case.public[release], np.zeros((3, 4)), 0
    for row, places in case.truth[release].items():
        if row[1] is None or (rows is not None and row not in rows):
            continue
        known = case.crowds[row]
        if crowds is not None and any(c.is_cell for c in known) == crowds:
            continue
        shown = shown_in(public, row, all_datasets=any(c.is_cell for c in known))
        crowd = in_its_crowd(shown, row, case)
        guess = best(guesses.get(row, {})) or crowd
        for place, lost_all in places:
            if emptied and not lost_all:
                continue
            n_records += 1
            total += [_near(g, place, row[1]) for g in (guess, crowd, shown)]
    shares = total / max(n_records, 1)
    return Score(n_records, *(tuple(map(float, s)) for s in shares))  # type: ignore[arg-type]
