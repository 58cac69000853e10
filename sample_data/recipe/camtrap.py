"""A small Camtrap DP package: six cameras on both sides of the China-Laos border."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from biodata.places import load_boundaries, locate
from recipe import files, records
from recipe.records import Site
from recipe.tables import chance, table

VERSION: Final = "1.0.2"
SCHEMAS: Final = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
TABLES: Final = ("deployments", "media", "observations")
COLUMNS: Final = {
    "deployments": """deploymentID locationID locationName latitude longitude coordinateUncertainty deploymentStart
        deploymentEnd setupBy cameraID cameraModel cameraDelay cameraHeight cameraDepth cameraTilt cameraHeading
        detectionDistance timestampIssues baitUse featureType habitat deploymentGroups deploymentTags
        deploymentComments""".split(),
    "media": """mediaID deploymentID captureMethod timestamp filePath filePublic fileName fileMediatype exifData
        favorite mediaComments""".split(),
    "observations": """observationID deploymentID mediaID eventID eventStart eventEnd observationLevel observationType
        cameraSetupType scientificName count lifeStage sex behavior individualID individualPositionRadius
        individualPositionAngle individualSpeed bboxX bboxY bboxWidth bboxHeight classificationMethod classifiedBy
        classificationTimestamp classificationProbability observationTags observationComments""".split(),
}
"""All columns of the standard's tables, in its order."""
SITES: Final = {"shangyong": ("CN", 8), "nam_ha": ("LA", 7)}
"""Where the cameras stand, and the hours that clocks there are ahead of UTC."""
ANIMALS: Final = (
    "Muntiacus vaginalis",
    "Sus scrofa",
    "Gallus gallus",
    "Hystrix brachyura",
    "Rusa unicolor",
    "Lophura nycthemera",
    "Prionailurus bengalensis",
    "Macaca arctoides",
    "Bos gaurus",
    "Elephas maximus",
    "Neofelis nebulosa",
)
KINDS: Final = (("animal", 0.66), ("blank", 0.2), ("human", 0.1), ("unclassified", 0.04))
PER_CAMERA: Final = 20
NOTE: Final = "SYNTHETIC: made by a seeded script. No camera stood there and no picture was taken."


def make(out: Path) -> None:
    """Write the folder `camtrapdp`."""
    folder = out / "camtrapdp"
    folder.mkdir(parents=True, exist_ok=True)
    rng = chance("camtrap")
    deployments = stood(rng)
    media, observations = [], []
    for deployment in deployments:
        for number in range(1, PER_CAMERA + 1):
            sequence, observation = _event(deployment, number, rng)
            media += sequence
            observations.append(observation)
    for name, rows in zip(TABLES, (deployments, media, observations), strict=True):
        cells = [[_text(row.get(column)) for column in COLUMNS[name]] for row in rows]
        frame = pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS[name], pl.String), orient="row")
        (folder / f"{name}.csv").write_bytes(files.delimited(frame))
    files.write_json(folder / "datapackage.json", _package(deployments, observations))


def stood(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the deployments of three cameras a side, in forest, clear of each other."""
    rows: list[dict[str, Any]] = []
    for site in records.all_sites():
        if site.facts["site"] not in SITES:
            continue
        country, hours = SITES[site.facts["site"]]
        for at in _spots(site, rng):
            number = len(rows) + 1
            start = datetime(2025, 1, 10 + number, 9, 30, tzinfo=timezone(timedelta(hours=hours)))
            rows.append(
                {
                    "deploymentID": f"sample-d{number}",
                    "locationID": f"sample-l{number}",
                    "locationName": f"{site.facts['locality']}, camera {number}",
                    "latitude": float(site.latitude[at]),
                    "longitude": float(site.longitude[at]),
                    "coordinateUncertainty": 10,
                    "deploymentStart": start,
                    "deploymentEnd": start + timedelta(days=58, hours=6),
                    "setupBy": f"Survey team {country} {number}",
                    "cameraID": f"C{number:02d}",
                    "cameraHeight": 0.4,
                    "baitUse": False,
                    "habitat": "evergreen forest",
                    "deploymentGroups": f"side:{country}",
                    "timestampIssues": False,
                    "deploymentComments": NOTE,
                }
            )
    return rows


def _spots(site: Site, rng: np.random.Generator) -> list[int]:
    """Return three of a site's forest points outside the border band."""
    located = locate(site.longitude, site.latitude, load_boundaries("natural_earth"))
    good = np.flatnonzero((site.habitat == "forest") & ~located["ambiguous"].to_numpy())
    return [int(number) for number in rng.choice(good, size=3, replace=False)]


def _event(
    deployment: dict[str, Any], number: int, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the pictures of one event and what was seen on them."""
    day = int(rng.integers(1, 57))
    start = deployment["deploymentStart"] + timedelta(days=day, minutes=int(rng.integers(0, 1440)), seconds=number)
    taken = [start + timedelta(seconds=2 * shot) for shot in range(int(rng.integers(1, 4)))]
    event = f"{deployment['deploymentID']}-e{number:02d}"
    pictures = [
        {
            "mediaID": f"{event}-m{shot}",
            "deploymentID": deployment["deploymentID"],
            "captureMethod": "activityDetection",
            "timestamp": moment,
            "filePath": f"media/{event}-m{shot}.jpg",
            "filePublic": False,
            "fileName": f"{event}-m{shot}.jpg",
            "fileMediatype": "image/jpeg",
        }
        for shot, moment in enumerate(taken, start=1)
    ]
    kind = str(rng.choice([name for name, _ in KINDS], p=[share for _, share in KINDS]))
    abundance = dict(table("species", numbers=("abundance",)).select("scientificName", "abundance").iter_rows())
    weights = np.array([abundance[name] for name in ANIMALS])
    species = str(rng.choice(ANIMALS, p=weights / weights.sum()))
    animal = kind == "animal"
    observation = {
        "observationID": f"{event}-o1",
        "deploymentID": deployment["deploymentID"],
        "eventID": event,
        "eventStart": taken[0],
        "eventEnd": taken[-1],
        "observationLevel": "event",
        "observationType": kind,
        "scientificName": species if animal else "Homo sapiens" if kind == "human" else None,
        "count": int(1 + rng.poisson(0.5)) if kind in {"animal", "human"} else None,
        "lifeStage": str(rng.choice(["adult", "subadult", "juvenile"], p=[0.8, 0.1, 0.1])) if animal else None,
        "classificationMethod": "human" if kind != "unclassified" else None,
        "classifiedBy": "Expert panel 1" if kind != "unclassified" else None,
    }
    return pictures, observation


def _text(value: Any) -> str | None:
    """Return a value as Camtrap DP writes it; times carry their offset."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return None if value is None else str(value)


def _package(deployments: list[dict[str, Any]], observations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return datapackage.json."""
    longitude, latitude = ([row[axis] for row in deployments] for axis in ("longitude", "latitude"))
    west, south, east, north = min(longitude), min(latitude), max(longitude), max(latitude)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    names = sorted({row["scientificName"] for row in observations if row["scientificName"]})
    ranks = dict.fromkeys(names, "species")
    return {
        "resources": [
            {
                "name": name,
                "path": f"{name}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{SCHEMAS}/{name}-table-schema.json",
            }
            for name in TABLES
        ],
        "profile": f"{SCHEMAS}/camtrap-dp-profile.json",
        "name": "biodata-sample-camtrapdp",
        "id": records.dataset_key("camtrapdp"),
        "created": "2026-11-24T00:00:00Z",
        "title": "Camera traps at Shangyong and Nam Ha (synthetic)",
        "contributors": [{"title": "biodata sample data (synthetic)", "role": "contact"}],
        "description": NOTE,
        "version": "1.0",
        "licenses": [{"name": "CC-BY-4.0", "scope": "data"}, {"name": "CC-BY-4.0", "scope": "media"}],
        "project": {
            "title": "Camera traps at Shangyong and Nam Ha (synthetic)",
            "samplingDesign": "systematicRandom",
            "captureMethod": ["activityDetection"],
            "individualAnimals": False,
            "observationLevel": ["event"],
        },
        "coordinatePrecision": 0.00001,
        "spatial": {"type": "Polygon", "coordinates": [ring]},
        "temporal": {
            "start": str(min(row["deploymentStart"] for row in deployments).date()),
            "end": str(max(row["deploymentEnd"] for row in deployments).date()),
        },
        "taxonomic": [{"scientificName": name, "taxonRank": ranks[name]} for name in names],
    }
