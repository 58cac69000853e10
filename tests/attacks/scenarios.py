"""Releases that the attacks are tried on; each scenario is a list of worlds by their seeds."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

import worlds
from worlds import Grid, Place, Release, Source

NEVER: frozenset[str] = frozenset()
KNOWN = frozenset(["grid", "finds", "walks"])


def first_release(grid: Grid, years: tuple[int, ...] = (2021, 2022, 2023)) -> list[Release]:
    """Return one release of all years of a grid."""
    for year in years:
        grid.grow(year)
    return [grid.source.release(date(years[-1] + 1, 6, 1), NEVER)]


def new_part(grid: Grid, stations: int, *, rest: bool = False) -> list[Release]:
    """Return two years of a grid, then a part of some stations of the next year, and with `rest` then all others."""
    grid.grow(2021)
    grid.grow(2022)
    releases = [grid.source.release(date(2023, 2, 1), NEVER)]
    chosen = grid.source.rng.permutation(len(grid.places))[:stations].tolist()
    grid.grow(2023, chosen)
    releases.append(grid.source.release(date(2023, 6, 1), KNOWN))
    if rest:
        grid.grow(2023, sorted(set(range(len(grid.places))) - set(chosen)))
        releases.append(grid.source.release(date(2024, 2, 1), KNOWN))
    return releases


def first_of_its_kind(grid: Grid, stations: int) -> list[Release]:
    """Return two years without any rare species, then a part of some stations in which one turns up at one of them."""
    home, grid.home = grid.home, {}
    grid.grow(2021)
    grid.grow(2022)
    # One crowd has a rare record for long: the dataset stood in the memory before.
    grid.source.record("grid", date(2022, 5, 1), grid.places[0], worlds.RARE[0])
    releases = [grid.source.release(date(2023, 2, 1), NEVER)]
    grid.home = home
    chosen = grid.source.rng.permutation(len(grid.places))[:stations].tolist()
    for taxon in grid.home:
        grid.home[taxon] = np.zeros(len(grid.places), dtype=bool)
    grid.grow(2023, chosen)
    at = grid.places[chosen[0]]
    events = [
        e for e in grid.source.events if (e["decimalLongitude"], e["decimalLatitude"]) == at and e["year"] == 2023
    ]
    grid.source.record("grid", date(2023, 3, 1), at, worlds.RARE[1], event=events[0]["eventID"] if events else None)
    releases.append(grid.source.release(date(2023, 6, 1), KNOWN))
    return releases


def withdrawn_station(grid: Grid) -> list[Release]:
    """Return three years of a grid, then the same without one station that had a rare species."""
    releases = first_release(grid)
    rare = [r for r in grid.source.records if r["category"] is not None]
    place = (rare[0]["decimalLongitude"], rare[0]["decimalLatitude"])
    grid.source.records = [r for r in grid.source.records if (r["decimalLongitude"], r["decimalLatitude"]) != place]
    grid.source.events = [e for e in grid.source.events if (e["decimalLongitude"], e["decimalLatitude"]) != place]
    releases.append(grid.source.release(date(2024, 9, 1), KNOWN))
    return releases


def narrowed_dates(grid: Grid) -> list[Release]:
    """Return three years of a grid in which some records have no date, then the same with the dates."""
    for year in (2021, 2022, 2023):
        grid.grow(year)
    whole = grid.source.records
    stations = {p for p in grid.places if grid.source.rng.random() < 0.3}
    undated = {"day": None, "year": None, "time": None}
    grid.source.records = [
        {**r, **undated} if (r["decimalLongitude"], r["decimalLatitude"]) in stations else r for r in whole
    ]
    releases = [grid.source.release(date(2024, 6, 1), NEVER)]
    grid.source.records = whole
    releases.append(grid.source.release(date(2024, 9, 1), KNOWN))
    return releases


def nest(seed: int, *, share: float = 0.6) -> list[Release]:
    """Return three releases of a grid of which each year visits other stations, with one nest that is visited in each."""
    grid = worlds.camera_grid(seed, spacing=0.025, category="0_1_degree", rare=0.0, side=10)
    rng = grid.source.rng
    home = int(rng.integers(0, len(grid.places)))
    releases = []
    for number, year in enumerate((2021, 2022, 2023)):
        which = [i for i in range(len(grid.places)) if i == home or rng.random() < share]
        grid.grow(year, which)
        grid.source.record("grid", date(year, 4, 1), grid.places[home], worlds.RARE[0], event=f"dep{home}_{year}_0")
        releases.append(grid.source.release(date(year + 1, 3, 1), KNOWN if number else NEVER))
    return releases


def finds(seed: int, new: int) -> list[Release]:
    """Return single finds of an opportunistic dataset, then some new ones of which one in ten is rare."""
    rng = np.random.default_rng(seed)
    source = Source(rng, sensitive=dict.fromkeys(worlds.RARE, "0_1_degree"))
    worlds.add_finds(source, "finds", (102.0, 24.0), 0.3, 2022, 300)
    releases = [source.release(date(2023, 2, 1), NEVER)]
    worlds.add_finds(source, "finds", (102.0, 24.0), 0.3, 2023, new)
    releases.append(source.release(date(2023, 9, 1), KNOWN))
    releases.append(source.release(date(2024, 2, 1), KNOWN))
    return releases


def walks(seed: int, kind: str, *, steps: int = 25, rare: int = 1) -> list[Release]:
    """Return forty walks at natural, even or jittered steps, in each of which a rare species was met; a patrol notes by the clock."""
    rng = np.random.default_rng(seed)
    source = Source(rng, sensitive=dict.fromkeys(worlds.RARE, "0_1_degree"))
    for number in range(40):
        day = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 700)))
        heading, (lon, lat) = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2) + (102.0, 24.0)  # noqa: RUF005
        time = pd.Timestamp(day) + pd.Timedelta(hours=6)
        where: list[tuple[Place, pd.Timestamp]] = []
        for _ in range(steps):
            where.append(((round(float(lon), 6), round(float(lat), 6)), time))
            spread = {"even": 0.0, "jittered": 0.2}.get(kind)
            length = float(rng.exponential(0.003) if spread is None else 0.003 * (1 + rng.uniform(-spread, spread)))
            heading += rng.normal(0, 0.05)
            lon, lat = lon + length * np.cos(heading), lat + length * np.sin(heading)
            minutes = float(rng.exponential(10)) if spread is None else 10 * (1 + rng.uniform(-spread, spread))
            if kind == "patrol":
                minutes = 10.0
            time += pd.Timedelta(minutes=minutes)
        met = set((1 + rng.permutation(steps - 2)[:rare]).tolist())
        for i, (place, at) in enumerate(where):
            taxon = worlds.RARE[0] if i in met else source.taxon(0)
            source.record("walks", day, place, taxon, by=f"observer {number}", time=at)
    return [source.release(date(2024, 2, 1), NEVER)]


def gps_fixes(seed: int, *, cells: int = 8, stations: int = 6, visits: int = 20) -> list[Release]:
    """Return cells of few stations whose every visit has a fix of its own, some metres beside; a rare species lives at one of each."""
    rng = np.random.default_rng(seed)
    source = Source(rng, sensitive=dict.fromkeys(worlds.RARE, "0_1_degree"))
    for number in range(cells):
        corner = np.array([102 + number / 10, 24.0])
        for station, at in enumerate(corner + 0.0005 + 0.001 * rng.integers(0, 99, (stations, 2))):
            for visit in range(visits):
                fix = at + rng.normal(0, 2e-5, 2)
                place, day = (
                    (round(float(fix[0]), 6), round(float(fix[1]), 6)),
                    date(2021, 1, 1) + timedelta(days=40 * visit),
                )
                source.event("grid", f"v{number}_{station}_{visit}", day, place)
                for taxon in [source.taxon(0), *([worlds.RARE[0]] if station == 0 else [])]:
                    source.record("grid", day, place, taxon, event=f"v{number}_{station}_{visit}")
    return [source.release(date(2024, 6, 1), NEVER)]


def border(seed: int, *, by_cell: bool) -> list[Release]:
    """Return a grid over a border at 102.13 E: the rare species are on the list of the western country alone."""
    grid = worlds.camera_grid(seed, spacing=0.02, side=12, rare=0.1)
    for year in (2021, 2022, 2023):
        grid.grow(year)
    # By cell: the rule holds for every cell of 0.1 degrees that reaches the country.
    edge = 102.2 if by_cell else 102.13
    grid.source.records = [
        {**r, "category": None if r["decimalLongitude"] >= edge else r["category"]} for r in grid.source.records
    ]
    return [grid.source.release(date(2024, 6, 1), NEVER)]


def clusters(
    seed: int, *, alone: float = 0.0, early: bool = False, years: tuple[int, ...] = (2021, 2022, 2023)
) -> list[Release]:
    """Return cells full of stations beside lone ones, within a degree; the rare species lives at one lone station.

    With `early` the last year is released within that year, when it waits, and again in the next.
    """
    rng = np.random.default_rng(seed)
    source = Source(rng, sensitive=dict.fromkeys(worlds.RARE, "0_1_degree"))
    cells = rng.permutation(100)
    places = [(102 + (c // 10 + u) / 10, 24 + (c % 10 + v) / 10) for c in cells[:5] for u, v in rng.random((20, 2))]
    lone = [
        (102 + (c // 10 + u) / 10, 24 + (c % 10 + v) / 10)
        for c, (u, v) in zip(cells[5:17], rng.random((12, 2)), strict=True)
    ]
    places = [(round(float(x), 6), round(float(y), 6)) for x, y in places + lone]
    home = {worlds.RARE[0]: np.zeros(len(places), dtype=bool)}
    home[worlds.RARE[0]][100 + int(rng.integers(0, 12))] = True
    grid = Grid(source, places, rng.gamma(2.0, 10.0, len(places)), home, 1, True, alone)
    if not early:
        return first_release(grid, years)
    for year in years:
        grid.grow(year)
    return [source.release(date(2023, 12, 1), NEVER), source.release(date(2024, 2, 1), KNOWN)]
