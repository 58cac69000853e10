"""The Darwin Core Archive: a core of occurrences, an extension of measurements, a description, and a meta.xml."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recipe import archive_xml, files, records
from recipe.archive_faults import FAULTS
from recipe.archive_xml import COLUMNS, MEASUREMENT_COLUMNS
from recipe.faults import Row
from recipe.planting import Field
from recipe.tables import chance, table

NAME = "xishuangbanna_namha"
HABITATS = {
    "forest": "evergreen forest",
    "mosaic": "regrowth after shifting cultivation",
    "plantation": "rubber plantation",
    "cropland": "paddy and fields",
    "town": "village",
    "water": "riverside",
    "grassland": "grassland",
    "alpine": "ridge",
}
PROTOCOLS = {
    "large_mammal": "camera trap",
    "ground_bird": "camera trap",
    "primate": "call survey",
    "bird": "point count, 10 minutes",
    "reptile": "night walk",
    "amphibian": "night walk",
    "tree": "plot, 20 m by 50 m",
    "orchid": "plot, 20 m by 50 m",
    "alien": "roadside transect",
}
REMARKS = (
    "",
    "",
    "",
    "",
    "fresh tracks beside the stream",
    "heard, not seen",
    "feeding on figs",
    "crossed the path",
    "on a ridge",
)


def make(out: Path) -> list[dict[str, Any]]:
    """Write `xishuangbanna_namha.zip` and return the list of what was planted in it."""
    rng = chance("archive")
    rows = _rows(rng)
    field = Field(rows, rng)
    field.plant(FAULTS)
    band = [row for row in rows if row["_ambiguous"] and "_fault" not in row]
    field.planted.append(
        {
            "fault": "border_band",
            "meaning": "sound records within 5 km of a border",
            "expected": "BORDER_AMBIGUOUS",
            "rows": band,
        }
    )
    core = pl.DataFrame(
        [[row[name] for name in ("id", *COLUMNS)] for row in rows],
        schema=dict.fromkeys(("id", *COLUMNS), pl.String),
        orient="row",
    )
    measured = pl.DataFrame(
        _measurements(rows, rng), schema=dict.fromkeys(MEASUREMENT_COLUMNS, pl.String), orient="row"
    )
    files.write_zip(
        out / f"{NAME}.zip",
        {
            "meta.xml": archive_xml.meta().encode(),
            "eml.xml": archive_xml.eml(rows).encode(),
            "occurrence.txt": files.delimited(core, separator="\t"),
            "measurementorfact.txt": files.delimited(measured, separator="\t"),
        },
    )
    return field.listing(f"{NAME}.zip", "occurrenceID")


def _rows(rng: np.random.Generator) -> list[Row]:
    """Return the survey's records as a publisher would write them."""
    taxonomy = {row["scientificName"]: row for row in table("species").iter_rows(named=True)}
    rows = []
    for number, record in enumerate(records.clean("namha").iter_rows(named=True), start=1):
        taxon = taxonomy[record["species"]]
        camera = PROTOCOLS[record["group"]] == "camera trap"
        specimen = record["group"] in {"tree", "orchid"} and rng.random() < 0.3
        hour, minute = divmod(record["minute"], 60)
        zone = "+08:00" if record["country"] == "CN" else "+07:00"
        mammal = record["group"] == "large_mammal"
        identifier = f"urn:biodata-sample:namha:{number:05d}"
        rows.append(
            {
                **{column: taxon[column] for column in ("kingdom", "phylum", "class", "order", "family", "genus")},
                "id": identifier,
                "occurrenceID": identifier,
                "basisOfRecord": "MachineObservation"
                if camera
                else "PreservedSpecimen"
                if specimen
                else "HumanObservation",
                "eventID": f"namha:{record['site']}:{record['year']}-{record['month']:02d}",
                "eventDate": f"{record['year']}-{record['month']:02d}-{record['day']:02d}",
                "eventTime": "" if specimen else f"{hour:02d}:{minute:02d}:00{zone}",
                "year": str(record["year"]),
                "month": str(record["month"]),
                "day": str(record["day"]),
                "samplingProtocol": PROTOCOLS[record["group"]],
                "countryCode": record["country"],
                "stateProvince": record["province"],
                "locality": record["locality"],
                "habitat": HABITATS[record["habitat"]],
                "decimalLatitude": f"{record['latitude']}",
                "decimalLongitude": f"{record['longitude']}",
                "geodeticDatum": str(rng.choice(["WGS84", "WGS84", "EPSG:4326"])),
                "coordinateUncertaintyInMeters": record["uncertainty_m"],
                "minimumElevationInMeters": str(record["elevation"]),
                "maximumElevationInMeters": str(record["elevation"]),
                "individualCount": str(record["count"]) if taxon["kingdom"] == "Animalia" else "",
                "sex": str(rng.choice(["", "", "male", "female"])) if mammal else "",
                "lifeStage": str(rng.choice(["", "adult", "juvenile"], p=[0.4, 0.5, 0.1])) if mammal else "",
                "occurrenceStatus": "present",
                "scientificName": record["species"],
                "scientificNameAuthorship": record["authorship"],
                "specificEpithet": record["species"].split(" ")[1],
                "taxonRank": "species",
                "recordedBy": f"Survey team {record['observer']}",
                "occurrenceRemarks": str(rng.choice(REMARKS)) if taxon["kingdom"] == "Animalia" else "",
                "_ambiguous": record["ambiguous"],
                "_group": record["group"],
            }
        )
    return rows


def _measurements(rows: list[Row], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Return measurements of some records: canopy height, distance to the observer, girth of trees."""
    measured: list[tuple[str, ...]] = []
    for number in sorted(rng.choice(len(rows), size=900, replace=False)):
        row = rows[int(number)]
        if row["_group"] in {"tree", "orchid"}:
            kind, value, unit, method = "girth at breast height", f"{rng.gamma(6, 25):.0f}", "cm", "tape"
        elif row["samplingProtocol"] in {"call survey", "point count, 10 minutes"}:
            kind, value, unit, method = (
                "distance to observer",
                f"{rng.gamma(3, 40):.0f}",
                "m",
                "estimated by ear or eye",
            )
        else:
            kind, value, unit, method = "canopy height", f"{rng.normal(24, 6):.0f}", "m", "rangefinder"
        measured.append((row["id"], f"{row['id']}:m1", kind, value, unit, method))
    return measured
