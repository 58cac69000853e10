"""Records of gibbons that teams on both sides of a border log, each in its own local time."""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

import polars as pl

from biodata import assessments, places
from biodata.core import terms

GIBBON = "Nomascus nasutus"
CHINA, VIET_NAM, LAOS, MYANMAR = 8.0, 7.0, 7.0, 6.5
"""Hours ahead of UTC."""


def record(
    dataset: str, number: str, when: str | None, latitude: float, longitude: float, **values: Any
) -> dict[str, Any]:
    """Return an interpreted record; `when` is an ISO date, or a date and a time with or without a zone."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)([+-]\d\d:\d\d)?)?", when or "")
    day = date.fromisoformat(match[1]) if match else None
    made = {
        "datasetKey": dataset,
        "occurrenceID": f"{dataset}:{number}",
        "source_record_id": f"{dataset}:{number}",
        "basisOfRecord": "HUMAN_OBSERVATION",
        "occurrenceStatus": "PRESENT",
        "species": GIBBON,
        "genus": GIBBON.split()[0],
        "eventDate": when,
        "event_start": day,
        "event_end": day,
        "event_time": match[2] if match else None,
        "event_zone": match[3] if match else None,
        "year": day.year if day else None,
        "decimalLatitude": latitude,
        "decimalLongitude": longitude,
        "coordinateUncertaintyInMeters": 100.0,
        "countryCode": "VN",
        "recordedBy": f"{dataset} team",
    } | values
    if "species" in values and "genus" not in values:
        made["genus"] = values["species"].split()[0]
    return made


def local(instant: datetime, hours: float) -> str:
    """Return an instant as a clock that many hours ahead of UTC tells it."""
    return instant.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="minutes")


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return records as the lake has them, their keys in the order given."""
    columns = {column.name: column.dtype for column in terms.OCCURRENCE}
    full = [{name: row.get(name) for name in columns} | {"key": row.get("key", n)} for n, row in enumerate(rows, 1)]
    return pl.DataFrame(full, schema=columns)


def assessed(rows: list[dict[str, Any]], folder: Any, *, batches: int = 1) -> pl.DataFrame:
    """Return what is found among the records, handed over in several batches."""
    whole = frame(rows)
    step = -(-whole.height // batches)
    parts = [whole[start : start + step] for start in range(0, whole.height, step)]
    gazetteer = places.load_gazetteer(places.load_boundaries())
    return assessments.find(parts, rows=whole.height, gazetteer=gazetteer, work=folder)


def groups(rows: list[dict[str, Any]], folder: Any, **options: Any) -> set[frozenset[str]]:
    """Return the groups found, each as the occurrenceIDs of its records."""
    found = assessed(rows, folder, **options).drop_nulls("cluster_id")
    names = {row.get("key", n): row["occurrenceID"] for n, row in enumerate(rows, 1)}
    by_group: dict[int, set[str]] = {}
    for key, group in found.select("key", "cluster_id").iter_rows():
        by_group.setdefault(group, set()).add(names[key])
    return {frozenset(members) for members in by_group.values()}
