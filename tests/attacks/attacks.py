"""Attacks: each reads what is public of one or more releases, and guesses the place behind each presence.

What an attacker cannot know, which crowd of a cell a presence belongs to, is given to all of them, so that the figures are too high
rather than too low.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from attack_case import (
    Case,
    Guess,
    Place,
    Public,
    Row,
    distance,
    in_cell,
    in_its_crowd,
    places_of,
    shown_in,
    square,
)
from oracle import Square, count_off


def _same(places: list[Place]) -> Guess:
    return dict.fromkeys(places, 1.0)


def _event_places(events: pd.DataFrame, dataset: str, year: int | None) -> dict[str, Place]:
    own = events[(events["datasetKey"] == dataset) & events["decimalLongitude"].notna()]
    if year is not None:
        own = own[own["year"] == year]
    columns = (own["eventID"], own["decimalLongitude"], own["decimalLatitude"])
    return {name: (float(x), float(y)) for name, x, y in zip(*columns, strict=True)}


def missing_nodes(case: Case) -> dict[Row, Guess]:
    """Lay the lattice through the places that are shown, and look for nodes of it that are not."""
    public, guesses = case.public[-1], {}
    lattices: dict[str, list[Place]] = {}
    for row in public.presences:
        if row[1] is None:
            continue
        if row[0] not in lattices:
            shown = sorted({*places_of(public.records, row[0]), *places_of(public.events, row[0])})
            lattices[row[0]] = _missing(shown)
        missing = [p for p in lattices[row[0]] if in_cell(p, row)]
        if missing:
            guesses[row] = _same(missing)
    return guesses


def _missing(shown: list[Place]) -> list[Place]:
    if len(shown) < 8:
        return []
    steps = []
    for axis in (0, 1):
        values = np.unique(np.round([p[axis] for p in shown], 5))
        gaps = np.diff(values)
        gaps = gaps[gaps > 1e-4]
        if not len(gaps):
            return []
        steps.append((float(values[0]), float(np.median(gaps)), float(values[-1])))
    nodes = []
    (x0, dx, x1), (y0, dy, y1) = steps
    if (x1 - x0) / dx * (y1 - y0) / dy > 20_000:
        return []
    known = np.array(shown)
    for x in np.arange(x0, x1 + dx / 2, dx):
        for y in np.arange(y0, y1 + dy / 2, dy):
            if not ((np.abs(known[:, 0] - x) < dx / 4) & (np.abs(known[:, 1] - y) < dy / 4)).any():
                nodes.append((round(float(x), 6), round(float(y), 6)))
    return nodes


def changed_places(case: Case) -> dict[Row, Guess]:
    """Between two releases: a presence that is new came from a place where something is new or gone, one that went likewise."""
    before, after = case.public[-2:]
    changed: dict[str, set[Place]] = defaultdict(set)
    for kind, key in (("records", "key"), ("events", "event_key")):
        tables = []
        for public in (before, after):
            table = getattr(public, kind)
            columns = [table[c] for c in (key, "datasetKey", "decimalLongitude", "decimalLatitude", "year")]
            tables.append(set(zip(*columns, strict=True)))
        for _, dataset, lon, lat, _ in tables[0] ^ tables[1]:
            if lon is not None and lon == lon:
                changed[dataset].add((float(lon), float(lat)))
    guesses = {}
    for row in before.presences ^ after.presences:
        if row[1] is not None:
            places = [p for p in changed[row[0]] if in_cell(p, row)]
            guesses[row] = _same(in_its_crowd(places, row, case) or places)
    return guesses


def new_rows(case: Case) -> set[Row]:
    """Return the presences that only the last release has."""
    return case.public[-1].presences - case.public[-2].presences


def empty_events(case: Case) -> dict[Row, Guess]:
    """In one release: guess among the places of the crowd whose event of that year shows no record."""
    public = case.public[-1]
    used = set(zip(public.records["datasetKey"], public.records["eventID"], strict=True))
    guesses = {}
    for row in public.presences:
        if row[1] is None:
            continue
        events = _event_places(public.events, row[0], row[5])
        empty = sorted({place for name, place in events.items() if (row[0], name) not in used})
        found = in_its_crowd([p for p in empty if in_cell(p, row)], row, case)
        if found:
            guesses[row] = _same(found)
    return guesses


def _visits(public: Public, dataset: str) -> dict[Place, list[tuple[pd.Timestamp, str, int]]]:
    """Return day, eventID and year of the events at each place."""
    own = public.events[(public.events["datasetKey"] == dataset) & public.events["decimalLongitude"].notna()]
    by_place: dict[Place, list[tuple[pd.Timestamp, str, int]]] = defaultdict(list)
    for name, lon, lat, day, year in zip(
        *(own[c] for c in ("eventID", "decimalLongitude", "decimalLatitude", "day", "year")), strict=True
    ):
        by_place[float(lon), float(lat)].append((pd.Timestamp(day), name, year))
    return by_place


def _crowd_visits(case: Case) -> Iterator[tuple[Row, list[Place], dict[Place, list[tuple[pd.Timestamp, str, int]]]]]:
    """Yield the presences of the last release with the places of their crowds, and the visits of all places of the dataset."""
    public = case.public[-1]
    of: dict[str, dict[Place, list[tuple[pd.Timestamp, str, int]]]] = {}
    for row in public.presences:
        if row[1] is None:
            continue
        if row[0] not in of:
            of[row[0]] = _visits(public, row[0])
        yield row, in_its_crowd([p for p in of[row[0]] if in_cell(p, row)], row, case), of[row[0]]


def _used(public: Public) -> set[tuple[str, str]]:
    """Return the events that show a record."""
    return set(zip(public.records["datasetKey"], public.records["eventID"], strict=True))


def explained_events(case: Case) -> dict[Row, Guess]:
    """In one release: of the empty events only that one was emptied whose nearest in days at all other places are empty too."""
    used, guesses = _used(case.public[-1]), {}
    for row, crowd, by_place in _crowd_visits(case):
        fits: Guess = defaultdict(float)
        for place in crowd:
            for day, name, year in by_place[place]:
                if (row[5] is not None and year != row[5]) or (row[0], name) in used:
                    continue
                nearest = [min(by_place[p], key=lambda e: (abs(e[0] - day), e[1])) for p in crowd if p != place]
                share = np.mean([(row[0], e[1]) not in used for e in nearest]) if nearest else 0
                fits[place] = max(fits[place], float(share))
        if fits:
            guesses[row] = dict(fits)
    return guesses


def new_empty_events(case: Case) -> dict[Row, Guess]:
    """Over all releases: an event that was never shown with a record was emptied; one that once had records stands beside it."""
    last = case.public[-1]
    ever: set[tuple[str, str]] = set()
    for public in case.public:
        ever |= set(zip(public.records["datasetKey"], public.records["eventID"], strict=True))
    first = _first_release(case.public)
    stripped: dict[tuple[str, int], int] = defaultdict(int)
    for number, (before, after) in enumerate(pairwise(case.public), start=1):
        lost = set(zip(before.records["datasetKey"], before.records["eventID"], strict=True)) - set(
            zip(after.records["datasetKey"], after.records["eventID"], strict=True)
        )
        for dataset, _ in lost:
            stripped[dataset, number] += 1
    guesses = {}
    for row in last.presences:
        if row[1] is None:
            continue
        events = _event_places(last.events, row[0], row[5])
        fits: Guess = defaultdict(float)
        for name, place in events.items():
            if (row[0], name) not in ever and in_cell(place, row):
                # The release that it came with took rows from others: it is what they stand beside.
                fits[place] = max(fits[place], 2.0 if stripped[row[0], first[row[0], name]] >= 3 else 1.0)
        found = in_its_crowd(list(fits), row, case)
        if found:
            guesses[row] = {p: fits[p] for p in found}
    return guesses


def _first_release(public: list[Public]) -> dict[tuple[str, str], int]:
    first: dict[tuple[str, str], int] = {}
    for number, release in enumerate(public):
        for at in zip(release.events["datasetKey"], release.events["eventID"], strict=True):
            first.setdefault(at, number)
    return first


def spared_places(case: Case) -> dict[Row, Guess]:
    """In one release: where nearly all others of the crowd show nothing of the year, the place that still shows some of it."""
    used, guesses = _used(case.public[-1]), {}
    for row, crowd, by_place in _crowd_visits(case):
        shares: Guess = {}
        for place in crowd:
            shown = [(row[0], name) in used for _, name, year in by_place[place] if row[5] in (None, year)]
            if shown:
                shares[place] = float(np.mean(shown))
        spared = [p for p, share in shares.items() if 0 < share < 1]
        if spared and sum(share == 0 for share in shares.values()) >= 0.7 * len(shares):
            guesses[row] = _same(spared)
    return guesses


def poorest_place(case: Case) -> dict[Row, Guess]:
    """In one release: the place of the crowd that shows the fewest records of the year lacks those that are hidden."""
    public, guesses = case.public[-1], {}
    for row in public.presences:
        if row[1] is None:
            continue
        own = public.records[public.records["datasetKey"] == row[0]]
        if row[5] is not None:
            own = own[own["year"] == row[5]]
        counts = own.groupby(["decimalLongitude", "decimalLatitude"]).size().to_dict()
        guesses[row] = {p: -float(counts.get(p, 0)) for p in in_its_crowd(shown_in(public, row), row, case)}
    return guesses


def missing_visits(case: Case) -> dict[Row, Guess]:
    """In one release: a place of the crowd that has no event in the year of the presence lost it."""
    public, guesses = case.public[-1], {}
    for row in public.presences:
        if row[1] is None:
            continue
        visited = set(_event_places(public.events, row[0], row[5]).values())
        places = in_its_crowd(shown_in(public, row), row, case)
        missing = [p for p in places if p not in visited]
        if missing:
            guesses[row] = _same(missing)
    return guesses


def same_crowds(case: Case) -> dict[Row, Guess]:
    """A nest that stays at one station: what is common to the crowds of all years of the taxon, at any level."""
    guesses = {}
    rows = {row for public in case.public for row in public.presences if row[1] is not None and row in case.crowds}
    for row in case.public[-1].presences:
        if row[1] is None or row not in case.crowds:
            continue
        common = None
        for other in rows:
            if other[0] != row[0] or other[4] != row[4] or not _overlap(row, other):
                continue
            public = next(p for p in reversed(case.public) if other in p.presences)
            places = set(in_its_crowd(shown_in(public, other), other, case))
            common = places if common is None else (common & places or common)
        if common:
            guesses[row] = _same(sorted(common))
    return guesses


def _overlap(a: Row, b: Row) -> bool:
    coarse, fine = sorted((a, b), key=lambda r: r[1] or 0)
    assert coarse[1] is not None
    assert fine[1] is not None
    assert fine[2] is not None
    assert fine[3] is not None
    step = fine[1] // coarse[1]
    return (fine[2] // step, fine[3] // step) == (coarse[2], coarse[3])


def walk_gaps(case: Case, *, wide: float = 1.5) -> dict[Row, Guess]:
    """Guess in the middle of the widest gap of a walk, in time else in space."""
    public, guesses = case.public[-1], {}
    for row in public.presences:
        if row[1] is None:
            continue
        own = public.records[(public.records["datasetKey"] == row[0]) & public.records["day"].notna()]
        inside = [
            in_cell((float(x), float(y)), row)
            for x, y in zip(own["decimalLongitude"], own["decimalLatitude"], strict=True)
        ]
        near = set(zip(own["day"][inside], own["recordedBy"][inside], strict=True))
        own = own[[at in near for at in zip(own["day"], own["recordedBy"], strict=True)]]
        if row[5] is not None:
            own = own[own["year"] == row[5]]
        found: Guess = {}
        for _, walk in own.groupby(["day", "recordedBy"]):
            if len(walk) < 4:
                continue
            walk = walk.sort_values(["time", "key"])
            at = [(float(x), float(y)) for x, y in walk[["decimalLongitude", "decimalLatitude"]].to_numpy()]
            steps = np.array([distance(a, b) for a, b in pairwise(at)])
            series = [steps]
            if walk["time"].notna().all():
                series.append(np.diff([pd.Timestamp(t).timestamp() for t in walk["time"]]))
            for values in series:
                usual = np.median(values)
                for i, value in enumerate(values):
                    holes = round(value / usual) - 1 if usual > 0 else 0
                    if value > wide * usual and 1 <= holes <= 4:
                        # One missing member in steps that are all alike stands at a whole part of the gap.
                        regular = 1 / (1e-9 + float(np.std(np.delete(values, i)) / usual)) + value / usual
                        for hole in range(1, holes + 1):
                            part = hole / (holes + 1)
                            point = tuple(a + (b - a) * part for a, b in zip(at[i], at[i + 1], strict=True))
                            if in_cell(point, row):  # type: ignore[arg-type]
                                found[point] = max(found.get(point, 0), regular)  # type: ignore[index, arg-type]
        if found:
            guesses[row] = found
    return guesses


def one_side(case: Case, *, edge: float = 102.13) -> dict[Row, Guess]:
    """Where open records of the same taxon stand across the border in the same cell, the presence is on this side of it."""
    public, guesses = case.public[-1], {}
    for row in public.presences:
        if row[1] is None:
            continue
        same = public.records[(public.records["taxon"] == row[4]) & (public.records["datasetKey"] == row[0])]
        if any(in_cell(p, row) and p[0] >= edge for p in places_of(same)):
            guesses[row] = _same([p for p in in_its_crowd(shown_in(public, row), row, case) if p[0] < edge])
    return guesses


def failed_narrower(case: Case, *, asked: int = 10) -> dict[Row, Guess]:
    """A presence in a wider cell than its rule asks came from a place that has no ten in its own cell: strike the others out."""
    public, guesses = case.public[-1], {}
    for row in public.presences:
        if row[1] is None or row[1] >= asked:
            continue
        cells: dict[Square, list[Square]] = defaultdict(list)
        for p in shown_in(public, row):
            x, y = square(p, asked)
            cells[x // 100, y // 100].append((x, y))
        full = {
            s for places in cells.values() for crowd in count_off(row[0], asked, set(places), 10, 5)[0] for s in crowd
        }
        guesses[row] = _same(
            [p for p in in_its_crowd(shown_in(public, row), row, case) if square(p, asked) not in full]
        )
    return guesses
