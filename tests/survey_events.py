"""Surveys that tests put into a lake: rows of events, and records of them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from biodata.core import terms
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from cited_records import OPEN_RULES
from cited_records import record as _record


def event(name: str, dataset: str = "cameras", **more: Any) -> dict[str, Any]:
    """Return a month of a camera trap in the north of Laos."""
    return {
        "event_key": f"{dataset}:{name}", "datasetKey": dataset, "eventID": name, "design": "camera_trap",
        "samplingProtocol": "camera trap", "event_start": datetime.fromisoformat("2024-05-01"), "event_end": datetime.fromisoformat("2024-05-31"),
        "eventDate": "2024-05-01/2024-05-31", "time_zone": "Asia/Vientiane", "decimalLatitude": 20.5432,
        "decimalLongitude": 101.2345, "coordinateUncertaintyInMeters": 30.0, "country_codes": ["LA"],
        "effort_value": 30.0, "effort_unit": "trap-night", "effort_basis": "told",
        "targetTaxonomicScope": ["Mammalia"], "isAbsenceReported": True, "license": "CC_BY_4_0", "quality_flags": [],
        "source_file": "events.csv", "source_row": 2, "verbatim": "{}", **more,
    }  # fmt: skip


def seen(number: int, species: str, name: str, dataset: str = "cameras", **more: Any) -> dict[str, Any]:
    """Return a record of an event, at its place."""
    at = {"decimalLatitude": 20.5432, "decimalLongitude": 101.2345, "samplingProtocol": "camera trap",
          "recordedBy": None}  # fmt: skip
    return _record(number, species, dataset, **{**at, "eventID": name, **more})


def frame(events: list[dict[str, Any]]) -> pl.DataFrame:
    return terms.conform(pl.DataFrame(events, infer_schema_length=None), terms.EVENT)


def commit(data: Path, events: list[dict[str, Any]], records: list[dict[str, Any]], **options: Any) -> Any:
    """Commit events and records as one version; return the reports of both."""
    told = [{column.name: row.get(column.name) for column in terms.OCCURRENCE} for row in records]
    rows = pl.DataFrame(told, schema=terms.schema(terms.OCCURRENCE)).drop("key")
    rows = rows.with_columns(source_file=pl.lit("fixture.csv"), source_row=pl.int_range(2, pl.len() + 2))
    verbatim = rows.select("datasetKey", "source_record_id", "source_file", "source_row", v_species="species")
    Registry.open(Settings(data=data)).close()
    with Lake.open(data) as lake, lake.staging() as staging, lake.row_files("events") as aside:
        if records:
            staging.add(rows, verbatim)
        aside.add(frame(events))
        return lake.commit_survey(staging, aside, author="a test", message="a survey", **options)


MUNTJAC, TIGER, PANGOLIN = "Muntiacus muntjak", "Panthera tigris", "Manis javanica"
RULES = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\npangolins,Manis javanica,withheld,poached,\n"


def stations(count=10):
    """Return events at as many places, each in another tenth of one cell, and a muntjac of each."""
    at = [
        {"decimalLatitude": round(20.505 + 0.01 * n, 3), "decimalLongitude": round(101.205 + 0.01 * n, 3)}
        for n in range(count)
    ]
    events = [event(f"s{n}", **place) for n, place in enumerate(at)]
    return events, [seen(100 + n, MUNTJAC, f"s{n}", **place) for n, place in enumerate(at)], at
