"""A small release for tests of the service: open records, two that are made coarse, one that is withheld, results."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import shapely

from biodata.core import terms
from biodata.core.settings import Settings
from biodata.places import BoundarySet, load_boundaries
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.registry import Registry

GIBBON, SEROW, PHEASANT = "Nomascus nasutus", "Capricornis milneedwardsii", "Lophura nycthemera"
SECRET_LATITUDE, SECRET_LONGITUDE = 22.913579, 106.512468
SECRET_WORDS = ("Trung Khanh ridge 7", "TK-SECRET-1", "Lan Hoang Thi", "karst camp", "2019-07-23")
"""What the exact record of the gibbon holds and no public answer may."""
OPEN = 640
"""Open records with coordinates; five more have none."""
GIBBON_STATUS = {"kind": "redList", "area": "global", "value": "CR", "year": 2020}
TAXA = {
    GIBBON: ("Mammalia", "Primates", "Hylobatidae", "Nomascus", 2436501, "CR"),
    SEROW: ("Mammalia", "Artiodactyla", "Bovidae", "Capricornis", 2441208, "VU"),
    PHEASANT: ("Aves", "Galliformes", "Phasianidae", "Lophura", 2474083, "LC"),
}
AUTHORS = {GIBBON: "(Kunckel d'Herculais, 1884)", SEROW: "David, 1869", PHEASANT: "(Linnaeus, 1758)"}
COUNTRIES = ("CN", "LA", "VN")
PROVINCES = {"CN": ("Yunnan", "CN-YN"), "LA": ("Louang Namtha", "LA-LM"), "VN": ("Cao Bằng", "VN-04")}
NO_WAY = "No functional link: there is no resistance data inside Nam Ha."


def open_rows() -> list[dict[str, Any]]:
    """Return rows whose values follow from their number, so that a test can count by itself."""
    rows = []
    for n in range(OPEN + 5):
        species, country = (SEROW, PHEASANT)[n % 2], COUNTRIES[n % 3]
        class_, order, family, genus, key, category = TAXA[species]
        year, month, day = 1998 + n % 20, 1 + n % 12, 1 + n % 28
        placed = n < OPEN
        rows.append({
            "datasetKey": "field-notes" if n % 4 else "museum",
            "occurrenceID": f"FN-{n}",
            "source_record_id": f"FN-{n}",
            "basisOfRecord": "HUMAN_OBSERVATION" if n % 4 else "PRESERVED_SPECIMEN",
            "occurrenceStatus": "PRESENT",
            "individualCount": 1 + n % 5,
            "scientificName": f"{species} {AUTHORS[species]}",
            "acceptedScientificName": f"{species} {AUTHORS[species]}",
            "kingdom": "Animalia",
            "phylum": "Chordata",
            "class": class_,
            "order": order,
            "family": family,
            "genus": genus,
            "species": species,
            "taxonRank": "SPECIES",
            "taxonomicStatus": "ACCEPTED",
            "taxonKey": key,
            "speciesKey": key,
            "taxon_id": f"T{key}",
            "iucnRedListCategory": category,
            "eventDate": f"{year}-{month:02d}-{day:02d}",
            "event_start": date(year, month, day),
            "event_end": date(year, month, day),
            "event_precision": "day",
            "year": year,
            "month": month,
            "day": day,
            "decimalLatitude": 20 + (n % 32) * 0.11 if placed else None,
            "decimalLongitude": 100 + (n // 32) * 0.37 if placed else None,
            "geodeticDatum": "WGS84" if placed else None,
            "coordinateUncertaintyInMeters": 30.0 if placed else None,
            "countryCode": country,
            "stateProvince": PROVINCES[country][0],
            "province_code": PROVINCES[country][1],
            "ambiguous": n % 10 == 0,
            "country_codes": ["CN", country] if n % 10 == 0 else [country],
            "locality": "O'Reilly's 营地, 100% forest",
            "recordedBy": "Field team",
            "license": "CC_BY_4_0",
            "quality_flags": ["BORDER_AMBIGUOUS", "COORDINATE_ROUNDED"] if n % 10 == 0 else [],
        })  # fmt: skip
    return rows


def secret_rows() -> list[dict[str, Any]]:
    """Return two exact records of a gibbon, and one that nobody may see."""
    class_, order, family, genus, key, category = TAXA[GIBBON]
    common = open_rows()[2] | {
        "datasetKey": "gibbons", "class": class_, "order": order, "family": family, "genus": genus, "species": GIBBON,
        "scientificName": GIBBON, "acceptedScientificName": GIBBON, "taxonKey": key, "speciesKey": key,
        "taxon_id": f"T{key}", "iucnRedListCategory": category, "ambiguous": False, "quality_flags": [],
        "eventDate": "2019-07-23", "event_start": date(2019, 7, 23), "event_end": date(2019, 7, 23),
        "year": 2019, "month": 7, "day": 23, "recordedBy": "Lan Hoang Thi", "habitat": "karst camp",
        "locality": "Trung Khanh ridge 7", "countryCode": "VN", "country_codes": ["VN"], "province_code": "VN-04",
        "stateProvince": "Cao Bằng", "elevation": 731.0, "border_distance_m": 812.0, "individualCount": 41,
    }  # fmt: skip
    places = [
        ("TK-SECRET-1", SECRET_LATITUDE, SECRET_LONGITUDE),
        ("TK-SECRET-2", SECRET_LATITUDE + 0.0004, SECRET_LONGITUDE),
        ("TK-WITHHELD", SECRET_LATITUDE + 0.3, SECRET_LONGITUDE + 0.3),
    ]
    return [
        common | {"occurrenceID": i, "source_record_id": i, "decimalLatitude": y, "decimalLongitude": x}
        for i, y, x in places
    ]


def publish(frame: pl.DataFrame) -> pl.DataFrame:
    """Let records out by hand, independently of `biodata.sharing`: gibbons in cells of 0.1°, one not at all."""
    precise = [c.name for c in terms.OCCURRENCE if c.reach is terms.Reach.PRECISE]
    seen = frame.filter(pl.col("source_record_id") != "TK-WITHHELD")
    coarse = pl.col("species") == GIBBON
    south, west = (pl.when(coarse).then((pl.col(c) * 10).floor() / 10) for c in ("decimalLatitude", "decimalLongitude"))
    seen = seen.with_columns(sharing_category=pl.when(coarse).then(pl.lit("0_1_degree")).otherwise(pl.lit("open")),
                             sharing_rule=pl.when(coarse).then(pl.lit(f"{GIBBON}: 0.1°")),
                             dataGeneralizations=pl.when(coarse).then(pl.lit("Place made coarse to a cell of 0.1°.")),
                             cell_west=west, cell_south=south, cell_east=west + 0.1, cell_north=south + 0.1)  # fmt: skip
    seen = seen.with_columns(
        decimalLatitude=pl.when(coarse).then(pl.col("cell_south") + 0.05).otherwise("decimalLatitude"),
        decimalLongitude=pl.when(coarse).then(pl.col("cell_west") + 0.05).otherwise("decimalLongitude"),
        coordinateUncertaintyInMeters=pl.when(coarse).then(7_600.0).otherwise("coordinateUncertaintyInMeters"),
        **{name: pl.when(~coarse).then(pl.col(name)) for name in precise},
    )
    return terms.conform(seen, terms.PUBLISHED_OCCURRENCE)


def results() -> dict[str, pl.DataFrame]:
    """Return areas on both sides of a border, a corridor, one without a functional link, a candidate, a checklist."""
    areas = [
        ("ha:nam-ha", "Nam Ha", "LA", 101.0, 20.6),
        ("ha:shangyong", "Shangyong", "CN", 101.4, 21.3),
        ("ha:lost", "Site without a polygon", "LA", None, None),
    ]
    corridor = {"run_id": "run-1", "from_area_id": "ha:nam-ha", "to_area_id": "ha:shangyong", "from_name": "Nam Ha",
                "to_name": "Shangyong", "country_codes": ["LA", "CN"], "sharing_category": "open"}  # fmt: skip
    candidate = {
        "candidate_id": "run-1-1", "run_id": "run-1", "name": "Nam Ha – Shangyong", "country_codes": ["LA", "CN"],
        "area_ids": ["ha:nam-ha", "ha:shangyong"], "rank": 1, "front": 1, "acceptability": 1.0, "within_first": 1.0,
        "sharing_category": "open",
        "parts": json.dumps({"shared_species": {"value": 2, "unit": "species", "meaning": "<b>species</b> on both sides"}}),
        "evidence": json.dumps({"snapshot": 1}), "geometry": shapely.box(100.9, 20.5, 101.6, 21.5).wkb,
    }  # fmt: skip
    considered = {"considered_id": "run-1-considered-1", "run_id": "run-1", "name": "Nam Ha – Shangyong",
                  "area_ids": candidate["area_ids"], "country_codes": ["LA", "CN"], "outcome": "candidate",
                  "failed": [], "sharing_category": "open", "evidence": json.dumps({"hard_criteria": {}}),
                  "geometry": candidate["geometry"]}  # fmt: skip
    tables: dict[str, list[dict[str, Any]]] = {
        "protected_areas": [
            {"area_id": i, "datasetKey": "ha", "name": name, "country_codes": [code], "iucn_category": "II",
             "geometry": shapely.Point(x, y).buffer(0.2).wkb if x is not None else None}
            for i, name, code, x, y in areas
        ],
        "corridors": [
            corridor | {"corridor_id": "c1", "functional": True, "least_cost": 91000.0, "euclidean_m": 42000.0,
                        "evidence": json.dumps({"seed": 7}),
                        "path": shapely.LineString([(101, 20.8), (101.4, 21.1)]).wkb,
                        "geometry": shapely.LineString([(101, 20.8), (101.4, 21.1)]).buffer(0.05).wkb},
            corridor | {"corridor_id": "c2", "functional": False, "evidence": json.dumps({"notes": [NO_WAY]})},
        ],
        "reserve_candidates": [candidate],
        "considered_ground": [considered],
        "taxa": [*(taxon(name) for name in TAXA), family("Bovidae", 9614), taxon("Capricornis argyrochaetes", accepted=SEROW)],
        "taxon_statuses": [
            status(GIBBON, **GIBBON_STATUS), status(SEROW, kind="redList", area="LA", value="EN", year=2019),
            status("Phasianidae", rank="FAMILY", kind="cites", area="global", value="II"),
            status(PHEASANT, kind="isInvasive", area="VN", value="true"),
            status(PHEASANT, kind="cites", area="global", value="I"),
        ],
    }  # fmt: skip
    return {
        name: pl.DataFrame(
            rows, schema={c.name: c.dtype for c in terms.PUBLISHED_TABLES[name]}, infer_schema_length=None
        )
        for name, rows in ((n, [_full(n, row) for row in rows]) for n, rows in tables.items())
    }


def taxon(name: str, accepted: str | None = None) -> dict[str, Any]:
    """Return one name of the checklist."""
    class_, order, family_, genus, key, category = TAXA[accepted or name]
    common = {GIBBON: {"en": "Cao Vit gibbon", "vi": "Vượn Cao Vít"}}.get(name, {})
    return {
        "checklist": "sample 1", "taxon_id": f"S-{name}" if accepted else f"T{key}", "accepted_taxon_id": f"T{key}",
        "scientificName": name, "scientificNameAuthorship": AUTHORS.get(name, "Hodgson, 1831"), "taxonRank": "SPECIES",
        "taxonomicStatus": "SYNONYM" if accepted else "ACCEPTED", "kingdom": "Animalia", "phylum": "Chordata",
        "class": class_, "order": order, "family": family_, "genus": genus, "iucnRedListCategory": category,
        "gbif_key": None if accepted else key, "vernacular_names": json.dumps(common, ensure_ascii=False) if common else None,
    }  # fmt: skip


def status(name: str, *, rank: str = "SPECIES", **said: Any) -> dict[str, Any]:
    """Return what a list says of a taxon."""
    identifier = f"T{TAXA[name][4]}" if name in TAXA else "T9614"
    return {"checklist": "sample 1", "taxon_id": identifier, "scientificName": name, "taxon": name, "taxonRank": rank,
            **said}  # fmt: skip


def family(name: str, key: int) -> dict[str, Any]:
    """Return a family of the checklist."""
    return {"checklist": "sample 1", "taxon_id": f"T{key}", "accepted_taxon_id": f"T{key}", "scientificName": name,
            "taxonRank": "FAMILY", "taxonomicStatus": "ACCEPTED", "family": name, "gbif_key": key}  # fmt: skip


@cache
def neighbours() -> BoundarySet:
    """Return the boundary set without all but five divisions on both sides of the borders: quick to write."""
    whole = load_boundaries()
    kept = whole.units["province_code"].is_in(["CN-YN", "LA-LM", "LA-PH", "VN-04", "VN-02"]).fill_null(value=False)
    return replace(whole, units=whole.units.filter(kept), shapes=whole.shapes[kept.to_numpy()])


def make_release(
    data: Path,
    rows: list[dict[str, Any]] | None = None,
    *,
    let_out: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    assess: Callable[[Sequence[Path]], pl.DataFrame] | None = None,
) -> releases.Release:
    """Commit rows to a lake in `data` and release what `let_out` lets out; return the release."""
    told = [*open_rows(), *secret_rows()] if rows is None else rows
    frame = pl.DataFrame([_full("occurrences", row) for row in told], schema=terms.schema(terms.OCCURRENCE)).drop("key")
    frame = frame.with_columns(source_file=pl.lit("fixture.csv"), source_row=pl.int_range(2, pl.len() + 2))
    verbatim = frame.select(
        "datasetKey", "source_record_id", "source_file", "source_row", v_locality="locality", v_eventDate="eventDate"
    )
    Registry.open(Settings(data=data)).close()
    with Lake.open(data) as lake:
        with lake.staging() as staging:
            staging.add(frame, verbatim)
            lake.commit_occurrences(staging, author="a test", message="records")
        datasets = pl.DataFrame(
            {"key": ["field-notes", "gibbons"], "title": ["Field notes", "Gibbons"], "license": ["CC_BY_4_0", "CC0_1_0"],
             "citation": ["Field team (2024). Field notes.", None], "doi": [None, None]},
            schema_overrides={"doi": pl.String},
        )  # fmt: skip
        return releases.build(lake, data=data, publish=let_out or publish, results=results(), boundaries=neighbours(),
                              rules_hash="by hand", datasets=datasets, assess=assess)  # fmt: skip


def copy_release(data: Path) -> None:
    """Put the release of all rows into a folder that holds nothing yet: it is made once a process."""
    shutil.copytree(_of_all_rows(), data, dirs_exist_ok=True)


@cache
def _of_all_rows() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_release(folder)
    return folder


def _full(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with every column of its table."""
    return {column.name: row.get(column.name) for column in (terms.TABLES.get(table) or terms.PUBLISHED_TABLES[table])}
