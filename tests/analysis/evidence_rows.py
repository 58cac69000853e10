"""Records beside a border, and what counts of them."""

from dataclasses import replace
from datetime import date

import polars as pl
import shapely

from biodata.analysis import evidence
from biodata.core import terms
from biodata.places import BoundarySet
from landscapes import halves, local

AS_OF = date(2026, 11, 26)


JUDGING = evidence.EvidenceParameters(as_of=AS_OF, cell_m=5_000.0)


def records(*rows: dict[str, object]) -> pl.DataFrame:
    """Return occurrences, by default good records at x, y metres of the local system, a month apart."""
    made = []
    for number, row in enumerate(rows):
        x, y = (row.get(name, otherwise) for name, otherwise in (("x", -3000.0), ("y", 0.0)))
        longitude, latitude = local(shapely.Point(x, y)).coords[0]
        day = date(2020 + number // 12, number % 12 + 1, 5)
        made.append(
            {"key": number, "datasetKey": "d", "species": "Nomascus nasutus", "iucnRedListCategory": "CR",
             "occurrenceStatus": "PRESENT", "basisOfRecord": "HUMAN_OBSERVATION", "decimalLongitude": longitude,
             "decimalLatitude": latitude, "coordinateUncertaintyInMeters": 30.0, "event_start": day,
             "event_end": row.get("event_start", day), "year": day.year, "quality_flags": []}
            | {name: value for name, value in row.items() if name not in "xy"}
        )  # fmt: skip
    frame = pl.DataFrame(made, infer_schema_length=None, schema_overrides={"quality_flags": pl.List(pl.String)})
    grouped = frame.get_column("cluster_id") if "cluster_id" in frame.columns else None
    frame = terms.conform(frame, terms.OCCURRENCE)
    return frame if grouped is None else frame.with_columns(grouped)


def count(occurrences: pl.DataFrame, boundaries: BoundarySet | None = None, **changes) -> evidence.Counted:
    return evidence.counted(occurrences, boundaries=boundaries or halves(), parameters=replace(JUDGING, **changes))


def why(occurrences: pl.DataFrame, boundaries: BoundarySet | None = None, **changes) -> list[str | None]:
    return count(occurrences, boundaries, **changes).records["why_not"].to_list()


GIBBON = "Nomascus nasutus"


def mammal(x: float, y: float = 500.0, **more: object) -> dict[str, object]:
    kinds = {"class": "Mammalia", "order": "Primates", "species": "Macaca arctoides", "iucnRedListCategory": "LC"}
    return {"x": x, "y": y} | kinds | more


def gibbon(x: float, y: float = 500.0, **more: object) -> dict[str, object]:
    return mammal(x, y, **({"species": GIBBON, "iucnRedListCategory": "CR"} | more))
