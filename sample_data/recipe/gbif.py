"""The big file in the shape of GBIF's simple CSV download: 50 columns, tab-separated, in a zip without meta.xml."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recipe import files, records
from recipe.faults import Row
from recipe.gbif_faults import FAULTS
from recipe.planting import Field
from recipe.tables import chance, table

COLUMNS = tuple(
    """
    gbifID datasetKey occurrenceID kingdom phylum class order family genus species infraspecificEpithet taxonRank
    scientificName verbatimScientificName verbatimScientificNameAuthorship countryCode locality stateProvince
    occurrenceStatus individualCount publishingOrgKey decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    coordinatePrecision elevation elevationAccuracy depth depthAccuracy eventDate day month year taxonKey speciesKey
    basisOfRecord institutionCode collectionCode catalogNumber recordNumber identifiedBy dateIdentified license
    rightsHolder recordedBy typeStatus establishmentMeans lastInterpreted mediaType issue
    """.split()
)
DATASETS = ("citizen", "birds", "cameras", "herbarium", "primates", "aliens", "collections", "partner")
FIRST_GBIF_ID = 9_900_000_001
NAME = "occurrences_gbif"


def make(out: Path) -> list[dict[str, Any]]:
    """Write `occurrences_gbif.zip` and return the list of what was planted in it."""
    rng = chance("gbif file")
    rows = [row for dataset in DATASETS for row in _rows(dataset, rng)]
    order = rng.permutation(len(rows))
    rows = [rows[number] for number in order]
    for number, row in enumerate(rows):
        row["gbifID"] = str(FIRST_GBIF_ID + number * 7 + int(rng.integers(0, 7)))
    field = Field(rows, rng)
    _across_the_border(field)
    field.plant(FAULTS)
    _repeat(field, 25)
    blank: Row = dict.fromkeys(COLUMNS, "")
    field.rows.insert(len(field.rows) // 2, blank)
    field.note("blank_row", "50 empty cells", "refused ROW_BLANK", [blank])
    _list_band(field)
    frame = pl.DataFrame(
        [[row[name] for name in COLUMNS] for row in field.rows], schema=dict.fromkeys(COLUMNS, pl.String), orient="row"
    )
    files.write_zip(out / f"{NAME}.zip", {f"{NAME}.csv": files.delimited(frame, separator="\t")})
    return field.listing(f"{NAME}.zip", "gbifID")


def _rows(dataset: str, rng: np.random.Generator) -> list[Row]:
    """Return a dataset's records as GBIF would tell them."""
    facts = table("datasets").row(by_predicate=pl.col("dataset") == dataset, named=True)
    taxonomy = {row["scientificName"]: row for row in table("species").iter_rows(named=True)}
    synonyms = {row["acceptedScientificName"]: row for row in table("synonyms").iter_rows(named=True)}
    rows = []
    for number, record in enumerate(records.clean(dataset).iter_rows(named=True), start=1):
        taxon = taxonomy[record["species"]]
        name, authorship, rank, infra = record["species"], record["authorship"], "SPECIES", ""
        if record["species"] in synonyms and rng.random() < 0.08:
            synonym = synonyms[record["species"]]
            name, authorship, rank = (
                synonym["scientificName"],
                synonym["scientificNameAuthorship"],
                synonym["taxonRank"],
            )
            infra = name.split(" ")[-1] if rank == "SUBSPECIES" else ""
        animal = taxon["kingdom"] == "Animalia"
        absent = dataset in {"birds", "primates"} and rng.random() < 0.012
        rows.append(
            {
                **dict.fromkeys(COLUMNS, ""),
                **{column: taxon[column] for column in ("kingdom", "phylum", "class", "order", "family", "genus")},
                **_when(record, dataset, rng),
                "datasetKey": records.dataset_key(dataset),
                "occurrenceID": f"urn:biodata-sample:{dataset}:{number:05d}",
                "species": record["species"],
                "infraspecificEpithet": infra,
                "taxonRank": rank,
                "scientificName": f"{name} {authorship}",
                "verbatimScientificName": name,
                "verbatimScientificNameAuthorship": authorship if dataset in {"herbarium", "collections"} else "",
                "countryCode": record["country"],
                "locality": record["locality"],
                "stateProvince": record["province"],
                "occurrenceStatus": "ABSENT" if absent else "PRESENT",
                "individualCount": "0"
                if absent
                else (str(record["count"]) if animal and dataset not in {"citizen", "aliens"} else ""),
                "publishingOrgKey": records.dataset_key(f"publisher of {dataset}"),
                "decimalLatitude": f"{record['latitude']}",
                "decimalLongitude": f"{record['longitude']}",
                "coordinateUncertaintyInMeters": f"{record['uncertainty_m']}.0" if record["uncertainty_m"] else "",
                "elevation": f"{record['elevation']}.0" if rng.random() < 0.6 else "",
                "basisOfRecord": facts["basis"],
                "institutionCode": facts["institution"] or "",
                "collectionCode": facts["collection"] or "",
                "catalogNumber": f"SYN-{dataset[:3].upper()}-{number:05d}" if facts["institution"] else "",
                "recordNumber": str(number) if dataset == "herbarium" else "",
                "identifiedBy": f"Expert panel {record['observer'] % 7 + 1}"
                if dataset in {"herbarium", "collections", "cameras"}
                else "",
                "license": facts["license"],
                "rightsHolder": "Synthetic sample, no rights claimed",
                "recordedBy": f"{'Observer' if dataset == 'citizen' else 'Survey team'} {record['observer']}",
                "establishmentMeans": "INTRODUCED" if dataset == "aliens" else "",
                "lastInterpreted": f"2026-10-{1 + number % 28:02d}T06:00:00.000Z",
                "mediaType": "StillImage" if dataset in {"citizen", "cameras"} else "",
                "issue": "GEODETIC_DATUM_ASSUMED_WGS84" if dataset in {"citizen", "partner"} else "",
                "_dataset": dataset,
                "_ambiguous": record["ambiguous"],
                "_border_m": record["border_distance_m"],
                "_codes": record["country_codes"],
                "_landscape": record["landscape"],
            }
        )
    return rows


def _when(record: dict[str, Any], dataset: str, rng: np.random.Generator) -> Row:
    """Return the date as exactly as such a dataset tells it."""
    year, month, day = record["year"], record["month"], record["day"]
    told = {"year": str(year), "month": str(month), "day": str(day)}
    exactness = rng.random()
    if dataset in {"herbarium", "collections"} and exactness < 0.15:
        return {"eventDate": str(year), "year": str(year), "month": "", "day": ""}
    if dataset in {"herbarium", "collections"} and exactness < 0.25:
        return {"eventDate": f"{year}-{month:02d}", "year": str(year), "month": str(month), "day": ""}
    if dataset == "primates" and exactness < 0.1 and day <= 20:
        return {"eventDate": f"{year}-{month:02d}-{day:02d}/{year}-{month:02d}-{day + 6:02d}", **told, "day": ""}
    if dataset in {"citizen", "cameras"}:
        hour, minute = divmod(record["minute"], 60)
        return {"eventDate": f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:00", **told}
    return {"eventDate": f"{year}-{month:02d}-{day:02d}", **told}


def _across_the_border(field: Field) -> None:
    """Give records the coordinates of other records across the border, deep inside and within the band."""
    far = [
        row for row in field.rows if row["_border_m"] and 6_500 < row["_border_m"] < 25_000 and not row["_ambiguous"]
    ]
    near = [row for row in field.rows if row["_border_m"] and row["_border_m"] < 4_000 and len(row["_codes"]) == 2]
    for name, count, donors, meaning, expected in (
        (
            "coordinates_across_border",
            40,
            far,
            "the coordinates fall 6.5-25 km inside a neighbouring country",
            "COUNTRY_COORDINATE_MISMATCH",
        ),
        (
            "across_border_inside_band",
            25,
            near,
            "the coordinates fall across the border, within the 5 km band",
            "BORDER_AMBIGUOUS, no mismatch",
        ),
    ):
        rows = []
        for number in field.rng.permutation(len(donors)):
            donor = donors[number]
            fits = [
                row
                for row in field.rows
                if row["_landscape"] == donor["_landscape"]
                and row["countryCode"] != donor["countryCode"]
                and not row["_ambiguous"]
                and "_fault" not in row
                and "_fault" not in donor
                and (name == "coordinates_across_border" or row["countryCode"] in donor["_codes"])
            ]
            if not fits:
                continue
            row = fits[int(field.rng.integers(0, len(fits)))]
            for column in ("decimalLatitude", "decimalLongitude", "elevation"):
                row[column] = donor[column]
            row["_fault"] = name
            rows.append(row)
            if len(rows) == count:
                break
        field.reserve(rows)
        field.note(name, meaning, expected, rows)


def _repeat(field: Field, count: int) -> None:
    """Add rows that repeat a record's datasetKey and occurrenceID under another gbifID."""
    repeats = []
    for number, row in enumerate(field.take(count, lambda row: row["_dataset"] != "cameras")):
        repeat = {**row, "gbifID": str(FIRST_GBIF_ID - 1 - number), "_fault": "repeated_occurrence_id"}
        field.rows.append(repeat)
        repeats.append(repeat)
    field.note(
        "repeated_occurrence_id",
        "datasetKey and occurrenceID stand in an earlier row too",
        "the later row is refused",
        repeats,
    )


def _list_band(field: Field) -> None:
    """List the sound records within 5 km of a border."""
    rows = [row for row in field.rows if row.get("_ambiguous") and "_fault" not in row]
    field.planted.append(
        {
            "fault": "border_band",
            "meaning": "sound records within 5 km of a border",
            "expected": "BORDER_AMBIGUOUS",
            "rows": rows,
        }
    )
