"""Records of three species in the north of Laos, cited and asked again; see `test_replays.py`."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from biodata.access import citations, replays
from biodata.access.citations import Question
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Filter
from biodata.store.registry import Registry

TIGER, HORNBILL, BULBUL = "Panthera tigris", "Buceros bicornis", "Pycnonotus jocosus"
HEADING = "rule_id,scientificName,category,reason,dataset\n"
OPEN_RULES = HEADING + "gibbons,Nomascus nasutus,0_1_degree,hunted,\n"


def record(number: int, species: str, dataset: str, **more: Any) -> dict[str, Any]:
    """Return a record in the north of Laos; no two are of one event."""
    return {
        "datasetKey": dataset, "occurrenceID": f"{dataset}-{number}", "source_record_id": f"{dataset}-{number}",
        "basisOfRecord": "HUMAN_OBSERVATION", "occurrenceStatus": "PRESENT", "scientificName": species,
        "acceptedScientificName": species, "species": species, "genus": species.split()[0], "taxonRank": "SPECIES",
        "taxonomicStatus": "ACCEPTED", "match_type": "EXACT", "eventDate": f"2019-{1 + number % 12:02d}-11",
        "event_start": date(2019, 1 + number % 12, 11), "event_end": date(2019, 1 + number % 12, 11),
        "event_precision": "day", "year": 2019, "month": 1 + number % 12, "day": 11,
        "decimalLatitude": 20.53 + number * 0.013, "decimalLongitude": 101.27 + number * 0.017, "geodeticDatum": "WGS84",
        "coordinateUncertaintyInMeters": 30.0, "countryCode": "LA", "country_codes": ["LA"], "province_code": "LA-LM",
        "ambiguous": False, "license": "CC_BY_4_0", "recordedBy": "Field team", "quality_flags": [], **more,
    }  # fmt: skip


ROWS = [
    *(record(n, TIGER, "cameras") for n in range(4)),
    *(record(n, HORNBILL, "cameras") for n in range(10, 15)),
    *(record(n, BULBUL, "walks") for n in range(20, 27)),
    *(record(n, HORNBILL, "museum") for n in range(30, 33)),
]


def commit(lake: Lake, rows: list[dict[str, Any]], **options: Any) -> int:
    """Commit records; return the lake's version."""
    Registry.open(Settings(data=lake.data)).close()
    told = [{column.name: row.get(column.name) for column in terms.OCCURRENCE} for row in rows]
    frame = pl.DataFrame(told, schema=terms.schema(terms.OCCURRENCE)).drop("key")
    frame = frame.with_columns(source_file=pl.lit("fixture.csv"), source_row=pl.int_range(2, pl.len() + 2))
    verbatim = frame.select("datasetKey", "source_record_id", "source_file", "source_row", v_species="species")
    with lake.staging() as staging:
        staging.add(frame, verbatim)
        return lake.commit_occurrences(staging, author="a test", message="records", **options).snapshot


def change(data: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    with Lake.open(data) as lake:
        commit(lake, rows, **options)


def cite(settings: Settings, filter_: Filter | None = None) -> str:
    """Cite what the current release answers, as a large answer."""
    made = releases.current(settings.data)
    with releases.connect(made.path) as connection:
        info = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
    with Registry.open(settings) as registry:
        found = citations.cite(settings, registry, Question([], filter_), release=info, rows=None)
        citations.make_content(settings, registry, found)
    return found


def replay(settings: Settings, citation: str) -> replays.Replay:
    with Registry.open(settings) as registry:
        return replays.replay(settings, registry, citation)
