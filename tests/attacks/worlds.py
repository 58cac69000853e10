"""Made worlds, each by its seed: datasets of stations, walks and single finds, in releases that follow each other.

A world is what the steps before give: places, dates, category and taxon of each record. Nothing here knows the rules.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

Place = tuple[float, float]
RECORDS = ["key", "datasetKey", "eventID", "parentEventID", "day", "year", "time", "recordedBy", "decimalLongitude",
           "decimalLatitude", "category", "taxon"]  # fmt: skip
EVENTS = ["event_key", "datasetKey", "eventID", "parentEventID", "day", "year", "decimalLongitude", "decimalLatitude"]
CATEGORIES = ("1_degree", "0_1_degree", "0_01_degree", "0_001_degree", "withheld")
COMMON = ("Muntiacus vaginalis", "Sus scrofa", "Prionailurus bengalensis", "Lophura nycthemera", "Macaca mulatta")
RARE = ("Panthera tigris", "Elephas maximus", "Manis pentadactyla")
CORNERS = ((102.0, 24.0), (0.0, 0.0), (-0.3, -0.2), (179.7, 10.0), (104.95, 8.95), (100.0, 89.5))
"""Inland, on both zero lines, beside the date line, at a coast, near the pole."""


@dataclass
class Release:
    """The source as it stood on a day."""

    records: pd.DataFrame
    events: pd.DataFrame
    today: date
    released: frozenset[str]
    """Datasets that stood in an earlier release."""


@dataclass
class Source:
    """Rows as lists, which the changes between releases work on."""

    rng: np.random.Generator
    records: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    sensitive: dict[str, str] = field(default_factory=dict)
    """Category by rare taxon."""
    numbers: list[int] = field(default_factory=list)

    def number(self) -> int:
        """Return a key that was never given."""
        if not self.numbers:
            self.numbers = (self.rng.permutation(4000) + 4000 * int(self.rng.integers(1, 10**6))).tolist()
        return self.numbers.pop()

    def event(
        self, dataset: str, name: str, day: date | None, place: tuple[float, float] | None, parent: str | None = None
    ) -> None:
        """Add an event."""
        lon, lat = place or (None, None)
        year = day.year if day else None
        values = [self.number(), dataset, name, parent, day, year, lon, lat]
        self.events.append(dict(zip(EVENTS, values, strict=True)))

    def record(
        self,
        dataset: str,
        day: date | None,
        place: tuple[float, float] | None,
        taxon: str,
        *,
        event: str | None = None,
        parent: str | None = None,
        by: str | None = None,
        time: pd.Timestamp | None = None,
    ) -> dict[str, Any]:
        """Add a record; its category is that of its taxon."""
        lon, lat = place or (None, None)
        values = [self.number(), dataset, event, parent, day, day.year if day else None, time, by, lon, lat,
                  self.sensitive.get(taxon), taxon]  # fmt: skip
        self.records.append(dict(zip(RECORDS, values, strict=True)))
        return self.records[-1]

    def taxon(self, share_rare: float) -> str:
        """Choose a taxon."""
        return str(self.rng.choice(RARE if self.rng.random() < share_rare else COMMON))

    def release(self, today: date, released: frozenset[str]) -> Release:
        """Return the source as frames."""
        return Release(frame(self.records, RECORDS), frame(self.events, EVENTS), today, released)


def frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame of objects, None where nothing is known."""
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _near(rng: np.random.Generator, corner: tuple[float, float], width: float) -> tuple[float, float]:
    lon, lat = corner[0] + rng.uniform(0, width), corner[1] + rng.uniform(0, width)
    return (round(min(lon, 180.0), 6), round(min(lat, 90.0), 6))


def _day(rng: np.random.Generator, year: int) -> date:
    return date(year, 1, 1) + timedelta(days=int(rng.integers(0, 360)))


def add_stations(
    source: Source,
    dataset: str,
    places: list[tuple[float, float]],
    year: int,
    *,
    depth: int = 1,
    visits: int = 2,
    rare: float = 0.1,
    blank: float = 0.2,
    with_events: bool = True,
    most: int = 2,
) -> None:
    """Add visits to stations: events in a chain so deep, or records alone."""
    rng = source.rng
    for place in places:
        name = f"s{int(place[0] * 1e6)}_{int(place[1] * 1e6)}"
        if with_events and depth > 1 and not any(e["eventID"] == name for e in source.events):
            source.event(dataset, name, None, place if rng.random() < 0.8 else None)
        for visit in range(visits):
            day = _day(rng, year)
            event, parent = f"{name}_{year}_{visit}", name if depth > 1 else None
            if with_events:
                source.event(dataset, event, day, place, parent)
            if with_events and depth > 2:
                parent, event = event, f"{event}_a"
                source.event(dataset, event, day, place if rng.random() < 0.9 else None, parent)
            if rng.random() < blank:
                continue
            for _ in range(int(rng.integers(1, most + 1))):
                source.record(dataset, day, place, source.taxon(rare), event=event if with_events else None,
                              parent=parent if with_events else None)  # fmt: skip


def add_walk(source: Source, dataset: str, start: tuple[float, float], day: date, *, steps: int, even: bool) -> None:
    """Add a walk of one observer: places and times in a row."""
    rng = source.rng
    lon, lat = start
    time = pd.Timestamp(day) + pd.Timedelta(hours=6)
    by = f"observer {int(rng.integers(0, 1000))}"
    timed = rng.random() < 0.8
    for _ in range(steps):
        source.record(
            dataset, day, (round(lon, 6), round(lat, 6)), source.taxon(0.15), by=by, time=time if timed else None
        )
        length = 0.002 if even else float(rng.exponential(0.002))
        lon, lat = min(lon + length, 180.0), min(lat + float(rng.normal(0, 0.0003)), 90.0)
        time += pd.Timedelta(minutes=10 if even else float(rng.exponential(10)))


def add_finds(source: Source, dataset: str, corner: tuple[float, float], width: float, year: int, many: int) -> None:
    """Add single finds; some lack a date, a place or an observer."""
    rng = source.rng
    for _ in range(many):
        day = None if rng.random() < 0.1 else _day(rng, year)
        place = None if rng.random() < 0.05 else _near(rng, corner, width)
        record = source.record(dataset, day, place, source.taxon(0.2), by=None if rng.random() < 0.3 else "an observer")
        if day is None and rng.random() < 0.5:
            record["year"] = year


def small_world(seed: int) -> list[Release]:
    """Return one to four releases of about a hundred records."""
    rng = np.random.default_rng(seed)
    source = Source(rng)
    source.sensitive = {taxon: str(rng.choice(CATEGORIES, p=[0.15, 0.4, 0.25, 0.1, 0.1])) for taxon in RARE}
    corner = CORNERS[int(rng.integers(0, len(CORNERS)))] if rng.random() < 0.6 else CORNERS[0]
    width = float(rng.choice([0.03, 0.1, 0.3, 1.0]))
    grown: list[Callable[[int], None]] = []

    def stations(dataset: str, **kind: Any) -> None:
        places = [_near(rng, corner, width) for _ in range(int(rng.integers(4, 30)))]
        if rng.random() < 0.5:
            # A lattice, as camera grids are.
            places = [
                (round(corner[0] + width * (0.1 + i * 0.17), 6), round(corner[1] + width * (0.1 + j * 0.17), 6))
                for i in range(int(rng.integers(2, 6)))
                for j in range(int(rng.integers(2, 6)))
            ]

        def grow(year: int) -> None:
            some = [p for p in places if rng.random() < rng.choice([0.2, 0.9, 1.0])]
            if rng.random() < 0.3:
                some.append(_near(rng, corner, width))
            add_stations(source, dataset, some, year, **kind)

        add_stations(source, dataset, places, 2024, **kind)
        grown.append(grow)

    for number in range(int(rng.integers(1, 4))):
        kind = rng.integers(0, 5)
        dataset = f"d{number}"
        blank = float(rng.choice([0.0, 0.05, 0.3]))
        if kind == 0:
            stations(dataset, depth=int(rng.integers(1, 4)), visits=1, blank=blank)
        elif kind == 1:
            stations(dataset, visits=2, blank=blank, rare=float(rng.choice([0.05, 0.4])), most=int(rng.choice([1, 2])))
        elif kind == 2:
            stations(dataset, visits=2, with_events=False)
        elif kind == 3:
            add_finds(source, dataset, corner, width, 2024, int(rng.integers(5, 40)))
            grown.append(lambda year, d=dataset: add_finds(source, d, corner, width, year, int(rng.integers(1, 15))))  # type: ignore[misc]
        else:
            for _ in range(int(rng.integers(1, 4))):
                walk = {"steps": int(rng.integers(3, 14)), "even": bool(rng.random() < 0.5)}
                add_walk(source, dataset, _near(rng, corner, width), _day(rng, 2024), **walk)  # type: ignore[arg-type]
    today = date(2024, 12, 20) if rng.random() < 0.6 else date(2026, 3, 1)
    releases = [source.release(today, frozenset())]
    for _ in range(int(rng.integers(0, 4))):
        released = frozenset().union(*(r.records["datasetKey"] for r in releases))
        today += timedelta(days=int(rng.choice([20, 200, 400])))
        for grow in grown:
            if rng.random() < 0.6:
                grow(today.year if rng.random() < 0.7 else 2024)
        _change(source)
        releases.append(source.release(today, released))
    return releases


def one_at_a_time(releases: list[Release]) -> list[Release]:
    """Return releases between which one dataset changes, in place of those in which several do, and others without a change."""
    found = releases[:1]
    for earlier, later in itertools.pairwise(releases):
        datasets = sorted({*earlier.records["datasetKey"], *later.records["datasetKey"]})
        for n in range(1, len(datasets) + 1):
            records, events = (
                pd.concat([new[new["datasetKey"].isin(datasets[:n])], old[old["datasetKey"].isin(datasets[n:])]])
                for new, old in ((later.records, earlier.records), (later.events, earlier.events))
            )
            records = records.drop_duplicates("key").reset_index(drop=True)
            events = events.drop_duplicates("event_key").reset_index(drop=True)
            released = frozenset().union(*(set(release.records["datasetKey"]) for release in found))
            found += [Release(records, events, later.today, released)] * 3
    return found


def dense_world(seed: int) -> list[Release]:
    """Return five releases of a dataset: places that share squares of narrow and of wide cells, records that get and lose one."""
    rng = np.random.default_rng(seed)
    side, category = ((0.1, "0_1_degree"), (0.01, "0_01_degree"), (0.001, "0_001_degree"))[seed % 3]
    events: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    numbers = iter(rng.permutation(10**6).tolist())
    releases = []
    days = (date(2023, 6, 1), date(2024, 3, 1), date(2024, 9, 1), date(2025, 2, 1), date(2026, 2, 1))
    for today in days:
        for _ in range(int(rng.integers(8, 26))):
            place = tuple(
                round(corner + side * (int(rng.integers(0, 16)) / 10 + int(rng.integers(0, 4)) / 100 + 0.003), 6)
                for corner in (101.0, 20.0)
            )
            year, name = today.year - int(rng.integers(0, 2)), f"e{len(events)}"
            day = date(year, 1, 1) + timedelta(int(rng.integers(0, 100)))
            events.append(dict(zip(EVENTS, [next(numbers), "d", name, None, day, year, *place], strict=True)))
            for _ in range(int(rng.integers(1, 3))):
                rare, own = rng.random() < 0.15, (None, None) if rng.random() < 0.1 else place
                row = [next(numbers), "d", name, None, day, year, None, None, *own, category if rare else None]
                records.append(dict(zip(RECORDS, [*row, "T" if rare else "M"], strict=True)))
        of_event = {event["eventID"]: (event["decimalLongitude"], event["decimalLatitude"]) for event in events}
        for row in records if releases else ():
            if rng.random() < 0.05:
                loses = row["decimalLongitude"] is not None and rng.random() < 0.3
                place = (None, None) if loses else of_event[row["eventID"]]
                row["decimalLongitude"], row["decimalLatitude"] = place
        records = [row for row in records if rng.random() >= 0.03]
        released = frozenset({"d"}) if releases else frozenset()
        releases.append(Release(frame(records, RECORDS), frame(events, EVENTS), today, released))
    return releases


def _change(source: Source) -> None:
    """Change single rows: withdrawn, renamed, moved, dated, made stricter or looser by a rule."""
    rng = source.rng
    source.records = [r for r in source.records if rng.random() > 0.02]
    if rng.random() < 0.2 and source.records:
        gone = source.records[int(rng.integers(0, len(source.records)))]
        source.records = [r for r in source.records if r["eventID"] != gone["eventID"] or gone["eventID"] is None]
        source.events = [e for e in source.events if e["eventID"] != gone["eventID"]]
    if rng.random() < 0.2:
        source.sensitive[str(rng.choice(RARE))] = str(rng.choice(CATEGORIES))
    if rng.random() < 0.1:
        source.sensitive[str(rng.choice(COMMON))] = "0_1_degree"
    if rng.random() < 0.1:
        source.sensitive.pop(str(rng.choice(RARE)), None)
    for number, record in enumerate(source.records):
        record = source.records[number] = dict(record)
        if rng.random() < 0.02:
            record["taxon"] = source.taxon(0.5)
        if rng.random() < 0.01 and record["decimalLongitude"] is not None:
            record["decimalLatitude"] = round(min(record["decimalLatitude"] + 0.05, 90.0), 6)
        if record["day"] is None and rng.random() < 0.3:
            record["day"], record["year"] = date(2024, 5, 5), 2024
        elif rng.random() < 0.01:
            record["day"], record["time"] = None, None
            record["year"] = 2024 if rng.random() < 0.5 else None
        record["category"] = source.sensitive.get(record["taxon"])


@dataclass
class Grid:
    """Cameras in a grid, and what lives at each."""

    source: Source
    places: list[Place]
    rates: np.ndarray
    home: dict[str, np.ndarray]
    visits: int
    with_events: bool
    alone: float

    def grow(self, year: int, which: Iterable[int] | None = None) -> None:
        """Add the deployments of a year at some stations (all), and their records."""
        rng = self.source.rng
        start = date(year, 1, 1) + timedelta(days=int(rng.integers(0, 40)))
        for i in range(len(self.places)) if which is None else which:
            for visit in range(self.visits):
                day = start + timedelta(days=int(rng.integers(0, 30 if self.visits == 1 else 300)))
                event = f"dep{i}_{year}_{visit}" if self.with_events else None
                if self.with_events:
                    self.source.event("grid", str(event), day, self.places[i])
                rare = [taxon for taxon, lives in self.home.items() if lives[i] and rng.random() < 0.7 / self.visits]
                common = 0 if rare and rng.random() < self.alone else int(rng.poisson(self.rates[i] / self.visits))
                taxa = rare + [self.source.taxon(0) for _ in range(common)]
                for taxon in taxa:
                    seen = day + timedelta(days=int(rng.integers(0, 25)))
                    self.source.record("grid", min(seen, date(year, 12, 31)), self.places[i], taxon, event=event)


def camera_grid(
    seed: int,
    *,
    spacing: float = 0.02,
    side: int = 12,
    category: str = "0_1_degree",
    richness: float = 6.0,
    rare: float = 0.06,
    jitter: float = 0.0,
    visits: int = 1,
    with_events: bool = True,
    alone: float = 0.0,
) -> Grid:
    """Return a grid of cameras with many records of common species and few of rare ones; `Grid.grow` adds years.

    Parameters
    ----------
    seed : int
    spacing, jitter : float
        Degrees between stations; share of it that a station may stand aside.
    side : int
        Stations in a row of the grid.
    category : str
        Of the rare species.
    richness : float
        Mean number of common records of a station and year (Poisson over stations that differ).
    rare : float
        Share of stations where each rare species lives; it is recorded there in each year with 0.7.
    visits : int
        Deployments of a station and year.
    with_events : bool
        Whether deployments stand in a table.
    alone : float
        Share of the deployments with a rare species that have no other (a camera at a den, or aimed at it).
    """
    rng = np.random.default_rng(seed)
    source = Source(rng, sensitive=dict.fromkeys(RARE, category))
    lon0, lat0 = 102.0 + rng.uniform(0, 0.1), 24.0 + rng.uniform(0, 0.1)
    at = [(lon0 + spacing * i, lat0 + spacing * j) for i in range(side) for j in range(side)]
    aside = rng.uniform(-jitter, jitter, (len(at), 2)) * spacing
    places = [(round(x + a, 6), round(y + b, 6)) for (x, y), (a, b) in zip(at, aside, strict=True)]
    home = {taxon: rng.random(len(places)) < rare for taxon in RARE}
    return Grid(source, places, rng.gamma(2.0, richness / 2.0, len(places)), home, visits, with_events, alone)


def national_survey(
    seed: int, *, stations: int = 4000, visits: int = 13, years: int = 8, sensitive: float = 0.02
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a national survey: at its full size 423,000 events of point counts and 400,000 counts in eight years.

    Stations stand in transects of about ten points, half a kilometre apart, over six degrees.
    """
    rng = np.random.default_rng(seed)
    routes = max(stations // 10, 1)
    start = np.array([100.0, 20.0]) + rng.uniform(0, 6, (routes, 2))
    heading = rng.uniform(0, 2 * np.pi, routes)
    route, point = np.divmod(np.arange(stations), 10)
    route = np.minimum(route, routes - 1)
    wobble = rng.normal(0, 0.0008, (stations, 2))
    lon = np.round(start[route, 0] + point * 0.005 * np.cos(heading[route]) + wobble[:, 0], 6)
    lat = np.round(start[route, 1] + point * 0.005 * np.sin(heading[route]) + wobble[:, 1], 6)
    station = np.repeat(np.arange(stations), years * visits)
    year = np.tile(np.repeat(np.arange(2018, 2018 + years), visits), stations)
    season = rng.integers(60, 240, (routes, years, visits))
    day_of_year = season[route[station], year - 2018, np.tile(np.arange(visits), stations * years)]
    day = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + day_of_year
    n = len(station)
    key = rng.permutation(4 * n)[:n] + 1
    name = np.char.add("v", np.arange(n).astype(str)).astype(object)
    events = pd.DataFrame({"event_key": key, "datasetKey": "survey", "eventID": name, "parentEventID": None, "day": day,
                           "year": year, "decimalLongitude": lon[station], "decimalLatitude": lat[station]})  # fmt: skip
    rate = rng.gamma(0.8, 0.95 / 0.8, stations)
    counts = rng.poisson(rate[station])
    row = np.repeat(np.arange(n), counts)
    m = len(row)
    species = np.minimum(rng.geometric(0.02, m), 300)
    # Species that are sensitive by chance, until they hold that share of the counts.
    share = np.bincount(species, minlength=301) / m
    chosen: list[int] = []
    for s in rng.permutation(300) + 1:
        if share[chosen].sum() + share[s] <= sensitive:
            chosen.append(int(s))
    taxa = np.char.add("Avis sp", species.astype(str)).astype(object)
    records = pd.DataFrame({"key": rng.permutation(4 * m)[:m] + 1, "datasetKey": "survey", "eventID": name[row],
                            "parentEventID": None, "day": day[row], "year": year[row], "time": None, "recordedBy": None,
                            "decimalLongitude": lon[station[row]], "decimalLatitude": lat[station[row]],
                            "category": np.where(np.isin(species, chosen), "0_1_degree", None), "taxon": taxa})  # fmt: skip
    return records, events
