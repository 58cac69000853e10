"""Clean occurrence records: what a survey would find, where its people would go."""

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from biodata.places import load_boundaries, locate
from recipe import areas, ground, terrain
from recipe.tables import chance, one_of, table
from recipe.terrain import KM_PER_DEGREE, Floats

POOL = 1500
"""Possible points of a site, before those of another country are left out."""
KIND_WEIGHT = {
    "citizen": {"city": 4.0, "town": 2.5, "road": 1.5, "reserve": 0.7},
    "birds": {"city": 1.5, "town": 1.5, "road": 1.0, "reserve": 1.5},
    "aliens": {"city": 1.0, "town": 1.5, "road": 3.0},
}
ROAD_KM = {"citizen": 1.5, "birds": 4.0, "herbarium": 5.0, "aliens": 0.8, "collections": 4.0}
"""How far from a road a dataset's people go before they become e times fewer."""
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "sample.biodata.invalid")


@dataclass(frozen=True)
class Site:
    """A place that people go to, with the points they may reach in its country."""

    facts: dict[str, Any]
    longitude: Floats
    latitude: Floats
    height: Floats
    habitat: np.ndarray[Any, np.dtype[np.str_]]
    road_km: Floats


def dataset_key(dataset: str) -> str:
    """Return the made-up UUID of a dataset."""
    return str(uuid.uuid5(NAMESPACE, dataset))


def clean(dataset: str) -> pl.DataFrame:
    """Return a dataset's records before anything is planted.

    Parameters
    ----------
    dataset : str
        A row of tables/datasets.csv.

    Returns
    -------
    frame of one row a record
        species, scientificName (with authorship), site, locality, longitude, latitude, elevation, uncertainty_m,
        country, province, ambiguous, border_distance_m, year, month, day, time, count, observer.
    """
    facts = table("datasets", numbers=("rows", "first_year", "last_year")).row(
        by_predicate=pl.col("dataset") == dataset, named=True
    )
    rng = chance(f"records {dataset}")
    sites = [site for site in all_sites() if _goes_to(facts, site)]
    species = [
        s
        for s in table("species", numbers=("min_m", "max_m", "abundance")).iter_rows(named=True)
        if s["group"] in one_of(facts["groups"])
    ]
    pairs: list[tuple[Site, dict[str, Any], Floats]] = []
    weights = []
    for site in sites:
        for s in species:
            suited = _suited(dataset, site, s)
            if _lives_at(s, site) and (suited > 0.05).sum() >= 5:
                pairs.append((site, s, suited))
                kind = KIND_WEIGHT.get(dataset, {}).get(site.facts["kind"], 1.0)
                weights.append(site.facts["weight"] * kind * s["abundance"] * rng.uniform(0.5, 1.5))
    share = np.array(weights) / np.sum(weights)
    drawn = rng.choice(len(pairs), size=int(facts["rows"]), p=share)
    rows = [
        row
        for number, count in zip(*np.unique(drawn, return_counts=True), strict=True)
        for row in _draw(facts, *pairs[int(number)], int(count), rng)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame[rng.permutation(len(frame))]
    return _located(frame, rng)


@cache
def all_sites() -> tuple[Site, ...]:
    """Return every site with its points: thick near its middle, all in its own country."""
    rows = list(table("sites", numbers=("lon", "lat", "radius_km", "weight")).iter_rows(named=True))
    places = [_along(row) if row["along"] else _around(row) for row in rows]
    x, y = (np.concatenate(axis).round(5) for axis in zip(*places, strict=True))
    country = locate(x, y, load_boundaries("natural_earth"))["located_country_code"].to_numpy()
    height, road_km = terrain.elevation(x, y), ground.road_distance_km(x, y)
    habitats = np.full(256, "", dtype="<U10")
    for value, habitat in table("landcover_classes").select("class_value", "habitat").iter_rows():
        habitats[int(value)] = habitat
    habitat = habitats[ground.landcover(x, y, areas.protected_ground())]
    sites = []
    for number, row in enumerate(rows):
        place = slice(number * POOL, (number + 1) * POOL)
        own = country[place] == row["country"]
        sites.append(Site(row, *(values[place][own] for values in (x, y, height, habitat, road_km))))
    return tuple(sites)


def _around(row: dict[str, Any]) -> tuple[Floats, Floats]:
    """Return points around a place: all over a reserve, but thick in the middle of a town."""
    rng = chance(f"site {row['site']}")
    spread = np.sqrt(rng.uniform(0, 1.6, POOL)) if row["kind"] == "reserve" else np.abs(rng.normal(0, 0.6, POOL))
    away_km = row["radius_km"] * spread
    angle = rng.uniform(0, 2 * np.pi, POOL)
    return _moved(row["lon"], row["lat"], away_km * np.cos(angle), away_km * np.sin(angle))


def _along(row: dict[str, Any]) -> tuple[Floats, Floats]:
    """Return points along a road."""
    rng = chance(f"site {row['site']}")
    road = ground.course(row["along"])
    at = road[rng.integers(0, len(road), POOL)]
    aside = rng.normal(0, row["radius_km"], (2, POOL))
    return _moved(at[:, 0], at[:, 1], aside[0], aside[1])


def _moved(longitude: Floats, latitude: Floats, east_km: Floats, north_km: Floats) -> tuple[Floats, Floats]:
    """Return places moved by some kilometres."""
    east = east_km / (KM_PER_DEGREE * np.cos(np.radians(latitude)))
    return longitude + east, latitude + north_km / KM_PER_DEGREE


def _lives_at(species: dict[str, Any], site: Site) -> bool:
    """Tell whether a species may be met at a site; shy ones keep to reserves."""
    if species["only_sites"]:
        return site.facts["site"] in one_of(species["only_sites"])
    shy = species["group"] in {"primate", "large_mammal"} and species["scientificName"] != "Macaca mulatta"
    return site.facts["landscape"] in one_of(species["landscapes"]) and not (shy and site.facts["kind"] != "reserve")


def _goes_to(facts: dict[str, Any], site: Site) -> bool:
    """Tell whether a dataset's people go to a site."""
    return (
        site.facts["kind"] in one_of(facts["kinds"])
        and site.facts["landscape"] in (one_of(facts["landscapes"]) or [site.facts["landscape"]])
        and site.facts["country"] in (one_of(facts["countries"]) or [site.facts["country"]])
    )


def _suited(dataset: str, site: Site, species: dict[str, Any]) -> Floats:
    """Return how likely each point of a site is to give a record of a species."""
    inside = (site.height >= species["min_m"]) & (site.height <= species["max_m"])
    liked = np.isin(site.habitat, one_of(species["habitats"]))
    effort = np.exp(-site.road_km / ROAD_KM[dataset]) if dataset in ROAD_KM else np.ones_like(site.road_km)
    return np.where(inside, np.where(liked, 1.0, 0.01), 0.0) * (0.02 + effort)


def _draw(
    facts: dict[str, Any],
    site: Site,
    species: dict[str, Any],
    suited: Floats,
    count: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Return some records of one species at one site."""
    dataset = facts["dataset"]
    if (
        dataset in {"cameras", "namha"}
        and site.facts["kind"] == "reserve"
        and species["group"] in {"large_mammal", "ground_bird"}
    ):
        stations = chance(f"stations {site.facts['site']}").choice(len(suited), size=24, replace=False)
        at_stations = np.zeros_like(suited)
        at_stations[stations] = suited[stations]
        suited = at_stations if at_stations.sum() > 0.05 else suited
    at = rng.choice(len(suited), size=count, p=suited / suited.sum())
    years = np.arange(int(facts["first_year"]), int(facts["last_year"]) + 1)
    recent = np.linspace(1.0, 4.0, len(years))
    year = rng.choice(years, size=count, p=recent / recent.sum())
    dry_season = np.array([9, 10, 11, 9, 6, 4, 3, 3, 4, 7, 10, 10], dtype=float)
    month = rng.choice(np.arange(1, 13), size=count, p=dry_season / dry_season.sum())
    if species["scientificName"] == "Chroicocephalus ridibundus":
        month = rng.choice([1, 2, 3, 11, 12], size=count)
    day = rng.integers(1, 29, size=count)
    minute = rng.integers(0, 1440, size=count) if dataset == "cameras" else rng.integers(330, 1110, size=count)
    uncertainty = rng.choice(facts["uncertainty_m"].split("|"), size=count)
    decimals = 3 if facts["basis"] == "PRESERVED_SPECIMEN" else 5
    herd = {"large_mammal": 1.6, "primate": 3.5, "bird": 3.0, "ground_bird": 1.8}.get(species["group"], 1.0)
    return [
        {
            "dataset": dataset,
            "group": species["group"],
            "species": species["scientificName"],
            "authorship": species["scientificNameAuthorship"],
            "site": site.facts["site"],
            "landscape": site.facts["landscape"],
            "locality": site.facts["locality"],
            "site_country": site.facts["country"],
            "longitude": float(site.longitude[p].round(decimals)),
            "latitude": float(site.latitude[p].round(decimals)),
            "elevation": round(float(site.height[p])),
            "habitat": str(site.habitat[p]),
            "station": f"{site.facts['site']}-{p:04d}" if dataset == "cameras" else None,
            "uncertainty_m": str(uncertainty[i]),
            "year": int(year[i]),
            "month": int(month[i]),
            "day": int(day[i]),
            "minute": int(minute[i]),
            "count": int(1 + rng.poisson(herd - 1.0)),
            "observer": int(rng.integers(1, 40)),
        }
        for i, p in enumerate(at)
    ]


def _located(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add the country and province that the written coordinates fall in, as a careful publisher would state them."""
    found = locate(frame["longitude"].to_numpy(), frame["latitude"].to_numpy(), load_boundaries("natural_earth"))
    spellings = {code: one_of(stated) for code, stated in table("provinces").iter_rows()}
    pick = rng.integers(0, 1_000_000, size=len(frame))
    province = [
        spellings[code][number % len(spellings[code])] if code in spellings else ""
        for code, number in zip(found["province_code"], pick, strict=True)
    ]
    return frame.with_columns(
        country=found["located_country_code"],
        province_code=found["province_code"],
        province=pl.Series(province),
        ambiguous=found["ambiguous"],
        border_distance_m=found["border_distance_m"],
        country_codes=found["country_codes"],
    )
