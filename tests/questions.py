"""Random questions to the service, each with the rows that answer it by plain pandas and shapely."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from differential import BASES, PEOPLE, PLACES, SPECIES

SPECIES_NAMES = [" ".join(name.split()[:2]) for name in SPECIES]


@dataclass
class Question:
    """One condition: its parameters, and which rows it means."""

    parameters: list[tuple[str, str]]
    holds: Callable[[pd.DataFrame], Any]
    side: bool = False
    """Whether it tells where the records are, which `sharedBetween` leaves aside."""


def known(mask: Any) -> Any:
    """A comparison with a missing value finds nothing."""
    return mask.fillna(value=False).astype(bool)


def number_range(chance: random.Random, name: str, low: float, high: float, *, whole: bool) -> Question:
    """A range, an open range, or one value of a number; sometimes with the rows without a value."""
    ends = sorted(chance.uniform(low, high) for _ in range(2))
    first, last = (int(end) if whole else round(end, 4) for end in ends)
    kind = chance.randrange(4 if whole else 3)
    text = [f"{first},{last}", f"*,{last}", f"{first},*", f"{first}"][kind]
    start, end = [(first, last), (-np.inf, last), (first, np.inf), (first, first)][kind]
    with_null = chance.random() < 0.3
    parameters = [(name, text), *([(f"{name}.includeNull", "true")] if with_null else [])]
    return Question(parameters, lambda r: r[name].between(start, end) | (with_null & r[name].isna()))


def polygon(chance: random.Random) -> Question:
    """A star around a place, its ring turning either way, in one part or two."""
    parts = []
    for _ in range(chance.randint(1, 2)):
        south, north, west, east = chance.choice(list(PLACES.values()))
        x, y = chance.uniform(west, east), chance.uniform(south, north)
        angles = sorted(chance.uniform(0, 2 * np.pi) for _ in range(chance.randint(5, 12)))
        # Angles that all lie on one side may still give a simple ring: the order around the middle keeps it simple.
        ring = [(x + chance.uniform(0.05, 0.5) * np.cos(a), y + chance.uniform(0.05, 0.5) * np.sin(a)) for a in angles]
        ring = [(round(a, 5), round(b, 5)) for a, b in ring]
        part = shapely.Polygon(ring)
        if part.is_valid and part.area > 0:
            parts.append(part)
    if not parts:
        return polygon(chance)
    shape = parts[0] if len(parts) == 1 or parts[0].intersects(parts[-1]) else shapely.MultiPolygon(parts)
    if chance.random() < 0.5:
        shape = shapely.reverse(shape)
    text = shapely.to_geojson(shape) if chance.random() < 0.3 else shape.wkt
    return Question([("geometry", text)], lambda r: within(shape, r))


def within(shape: shapely.Geometry, rows: pd.DataFrame) -> Any:
    """Whether the published point meets a polygon."""
    x, y = rows["decimalLongitude"].to_numpy(float), rows["decimalLatitude"].to_numpy(float)
    return pd.Series(shapely.intersects_xy(shape, x, y), index=rows.index)


def circle(chance: random.Random) -> Question:
    """A circle; the service's polygon lies around it, so no row may lie close to its edge."""
    south, north, west, east = chance.choice(list(PLACES.values()))
    x, y, radius_km = chance.uniform(west, east), chance.uniform(south, north), chance.randint(5, 60)
    x, y = round(x, 4), round(y, 4)

    def holds(rows: pd.DataFrame) -> Any:
        place = rows["decimalLongitude"].to_numpy(float), rows["decimalLatitude"].to_numpy(float)
        here = np.isfinite(place[0])
        _, _, away = Geod(ellps="WGS84").inv(
            np.full(here.sum(), x), np.full(here.sum(), y), place[0][here], place[1][here]
        )
        edge = np.abs(away - radius_km * 1000) < radius_km
        found = pd.Series(False, index=rows.index)
        found[here] = away <= radius_km * 1000
        found.attrs["unsure"] = set(rows.index[here][edge])
        return found

    return Question([("geoDistance", f"{y},{x},{radius_km}km")], holds)


def dates(chance: random.Random) -> Question:
    """A year, a month, a day, or a range of them: the whole date of a record has to lie inside."""
    first = pd.Timestamp(chance.randint(1990, 2020), chance.randint(1, 12), chance.randint(1, 28))
    last = first + pd.Timedelta(days=chance.randint(0, 4000))
    kind = chance.randrange(4)
    text = [f"{first:%Y-%m-%d},{last:%Y-%m-%d}", f"{first:%Y}", f"{first:%Y-%m}", f"*,{last:%Y-%m-%d}"][kind]
    month_end = (first + pd.offsets.MonthEnd(0)).normalize()
    start = [first, pd.Timestamp(first.year, 1, 1), pd.Timestamp(first.year, first.month, 1), pd.Timestamp.min][kind]
    end = [last, pd.Timestamp(first.year, 12, 31), month_end, last][kind]

    def holds(rows: pd.DataFrame) -> Any:
        year, month, day = (rows[name] for name in ("year", "month", "day"))
        # Of a coarse record only the year is told: then the whole year has to lie inside.
        earliest = pd.to_datetime({"year": year, "month": month.fillna(1), "day": day.fillna(1)}, errors="coerce")
        latest = pd.to_datetime({"year": year, "month": month.fillna(12), "day": day.fillna(1)}, errors="coerce")
        latest = latest.where(day.notna(), latest + pd.offsets.MonthEnd(0))
        return known((earliest >= start) & (latest <= end))

    return Question([("eventDate", text)], holds)


def words(chance: random.Random) -> Question:
    """Text that is equal in any case, one value or several."""
    name, values = chance.choice([("recordedBy", PEOPLE), ("basisOfRecord", BASES), ("sex", ("MALE", "FEMALE")),
                                  ("species", SPECIES_NAMES), ("family", ("Cervidae", "Phasianidae", "Hylobatidae")),
                                  ("datasetKey", ("ridge-survey", "herbarium"))])  # fmt: skip
    told = chance.sample(list(values), chance.randint(1, 2))
    shown = [v if chance.random() < 0.5 or name == "datasetKey" else v.lower() for v in told]
    return Question([(name, v) for v in shown], lambda r: r[name].isin(told))


def country(chance: random.Random) -> Question:
    """Countries by code or by name in a language of the region."""
    names = {"CN": "中国", "LA": "ລາວ", "VN": "Việt Nam", "TH": "ประเทศไทย"}
    told = chance.sample(list(names), chance.randint(1, 3))
    shown = [names[c] if chance.random() < 0.3 else c for c in told]
    return Question([("country", v) for v in shown], lambda r: r["countryCode"].isin(told), side=True)


COMMON = {"hoang": ("Muntiacus",)}
"""Genera of which a common name holds the text: hoẵng, a muntjac in Vietnamese; hồng hoàng is a hornbill, and none is here."""


def free_text(chance: random.Random) -> Question:
    """Text anywhere in names, common names among them, in place or recorder."""
    text = chance.choice(["100%", "ridge_7", "营地", "hoang", "O'R", "PHASIAN", "nomascus", "khon", "zz"])
    columns = ("scientificName", "family", "locality", "recordedBy", "stateProvince")

    def holds(rows: pd.DataFrame) -> Any:
        found = pd.Series(False, index=rows.index)
        for column in columns:
            found |= known(rows[column].str.lower().str.contains(text.lower(), regex=False))
        return found | known(rows["genus"].isin(COMMON.get(text, ())))

    return Question([("q", text)], holds)


def species_list(chance: random.Random) -> Question:
    """A list of names, some with author, some unknown."""
    names = chance.sample(list(SPECIES), chance.randint(1, 3))
    told = [name if chance.random() < 0.5 else " ".join(name.split()[:2]) for name in names]
    wanted = {" ".join(name.split()[:2]) for name in names}
    told += ["Felis nusquam"] if chance.random() < 0.3 else []
    return Question([("speciesList", name) for name in told], lambda r: r["species"].isin(wanted))


def coordinates(chance: random.Random) -> Question:
    value = chance.random() < 0.7
    return Question([("hasCoordinate", str(value).lower())], lambda r: r["decimalLatitude"].notna() == value)


def any_question(chance: random.Random) -> Question:
    """One condition of any kind."""
    kinds: list[Callable[[], Question]] = [
        lambda: number_range(chance, "year", 1990, 2022, whole=True),
        lambda: number_range(chance, "month", 1, 12, whole=True),
        lambda: number_range(chance, "individualCount", 1, 7, whole=True),
        lambda: number_range(chance, "elevation", 100, 2500, whole=False),
        lambda: number_range(chance, "decimalLatitude", 16, 25, whole=False),
        lambda: number_range(chance, "coordinateUncertaintyInMeters", 0, 9000, whole=False),
        lambda: number_range(chance, "decimalLongitude", 101, 105, whole=False),
        *(
            lambda made=made: made(chance)
            for made in (polygon, circle, dates, words, words, country, free_text, species_list, coordinates)
        ),
    ]
    return chance.choice(kinds)()


def across(chance: random.Random, others: list[Question]) -> Question:
    """Species recorded on every side, and on none of others, among the rows that the other questions mean."""
    sides = chance.sample(list({code for code, _ in PLACES}), 3)
    minimum = chance.choice([1, 1, 2, 10])
    shared, missing = (sides[:2], []) if chance.random() < 0.6 else (sides[:1], sides[1:2])
    name = "sharedBetween" if len(shared) == 2 else "presentIn"
    parameters = [(name, ",".join(shared)), ("minimumPerSide", str(minimum))]
    parameters += [("missingFrom", code) for code in missing]

    def holds(rows: pd.DataFrame) -> Any:
        among = rows
        for question in others:
            if not question.side:
                among = among[question.holds(among)]
        counts = among.groupby(["species", "countryCode"]).size()
        names = [
            species
            for species in among["species"].unique()
            if all(counts.get((species, code), 0) >= minimum for code in shared)
            and not any(counts.get((species, code), 0) for code in missing)
        ]
        return rows["species"].isin(names) & rows["countryCode"].isin(shared)

    return Question(parameters, holds)


# CQL2: text and its three-valued meaning, as pairs of (true, unknown).


def cql2(chance: random.Random, depth: int = 2) -> tuple[str, Callable[[pd.DataFrame], tuple[Any, Any]]]:
    """A random filter in CQL2 text, and which rows it is true and unknown for."""
    if depth and chance.random() < 0.7:
        word = chance.choice(["AND", "OR", "NOT"])
        if word == "NOT":
            text, inner = cql2(chance, depth - 1)

            def negated(rows: pd.DataFrame) -> tuple[Any, Any]:
                true, unknown = inner(rows)
                return ~true & ~unknown, unknown

            return f"NOT ({text})", negated
        (left, one), (right, other) = cql2(chance, depth - 1), cql2(chance, depth - 1)

        def joined(rows: pd.DataFrame) -> tuple[Any, Any]:
            (t0, u0), (t1, u1) = one(rows), other(rows)
            false = (~t0 & ~u0) | (~t1 & ~u1) if word == "AND" else (~t0 & ~u0) & (~t1 & ~u1)
            true = t0 & t1 if word == "AND" else t0 | t1
            return true, ~true & ~false

        return f"({left}) {word} ({right})", joined
    return _leaf(chance)


def _leaf(chance: random.Random) -> tuple[str, Callable[[pd.DataFrame], tuple[Any, Any]]]:
    kind = chance.randrange(6)
    if kind == 0:
        name = chance.choice(["year", "month", "elevation", "individualCount"])
        sign = chance.choice(["=", "<>", "<", "<=", ">", ">="])
        value = (
            chance.randint(1, 12) if name in ("month", "individualCount") else chance.choice([1999, 2007, 1500, 800])
        )
        compare = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[sign]
        return f"{name} {sign} {value}", lambda r: (getattr(r[name], compare)(value) & r[name].notna(), r[name].isna())
    if kind == 1:
        low, high = sorted(chance.randint(1990, 2022) for _ in range(2))
        return f"year BETWEEN {low} AND {high}", lambda r: (r["year"].between(low, high), r["year"].isna())
    if kind == 2:
        told = chance.sample(SPECIES_NAMES, 2)
        listed = ", ".join(f"'{name}'" for name in told)
        return f"species IN ({listed})", lambda r: (r["species"].isin(told), r["species"].isna())
    if kind == 3:
        name = chance.choice(["elevation", "locality", "sex", "recordedBy"])
        word = chance.choice(["IS NULL", "IS NOT NULL"])
        return f"{name} {word}", lambda r: (r[name].isna() if word == "IS NULL" else r[name].notna(),
                                            pd.Series(False, index=r.index))  # fmt: skip
    if kind == 4:
        start = chance.choice(["L", "Nam", "O''R"])
        plain = start.replace("''", "'")
        return f"recordedBy LIKE '{start}%'", lambda r: (
            known(r["recordedBy"].str.startswith(plain)),
            r["recordedBy"].isna(),
        )
    shape = polygon(chance)
    while shape.parameters[0][1].startswith("{"):
        shape = polygon(chance)
    text = shape.parameters[0][1]
    return f"S_INTERSECTS(geometry, {text})", lambda r: (shape.holds(r), r["decimalLatitude"].isna())
