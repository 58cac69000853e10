"""Made-up source files, and what the rules let out of them, worked out by hand."""

import csv
import math
import random
from pathlib import Path
from typing import Any

import pandas as pd
from pyproj import Geod

SPECIES = {
    "Muntiacus muntjak (Zimmermann, 1780)": ("Animalia", "Chordata", "Mammalia", "Artiodactyla", "Cervidae", "Muntiacus"),
    "Rusa unicolor (Kerr, 1792)": ("Animalia", "Chordata", "Mammalia", "Artiodactyla", "Cervidae", "Rusa"),
    "Lophura nycthemera (Linnaeus, 1758)": ("Animalia", "Chordata", "Aves", "Galliformes", "Phasianidae", "Lophura"),
    "Gallus gallus (Linnaeus, 1758)": ("Animalia", "Chordata", "Aves", "Galliformes", "Phasianidae", "Gallus"),
    "Pinus kesiya Royle ex Gordon": ("Plantae", "Tracheophyta", "Pinopsida", "Pinales", "Pinaceae", "Pinus"),
    "Nomascus concolor (Harlan, 1826)": ("Animalia", "Chordata", "Mammalia", "Primates", "Hylobatidae", "Nomascus"),
    "Manis javanica Desmarest, 1822": ("Animalia", "Chordata", "Mammalia", "Pholidota", "Manidae", "Manis"),
}  # fmt: skip
COARSE, WITHHELD = "Nomascus concolor", "Manis javanica"
RULES = (
    "rule_id,source,scientificName,rank,category,reason\n"
    f"coarse,test,{COARSE},SPECIES,0_1_degree,hunted\n"
    f"hidden,test,{WITHHELD},SPECIES,withheld,hunted\n"
)
PLACES = {("CN", "Yunnan"): (24.2, 25.2, 101.2, 102.2), ("LA", "Vientiane"): (18.6, 19.2, 102.2, 102.8),
          ("VN", "Yên Bái"): (21.5, 22.0, 104.3, 104.9), ("TH", "Khon Kaen"): (16.1, 16.9, 102.2, 102.9)}  # fmt: skip
"""Boxes of south, north, west, east well inside their division."""
_ONLY = {"Lophura nycthemera": ("CN", "LA", "VN"), "Pinus kesiya": ("LA",), COARSE: ("CN", "LA"),
         "Gallus gallus": ("TH",)}  # fmt: skip
"""The only countries of some species."""
BASES = ("HUMAN_OBSERVATION", "PRESERVED_SPECIMEN", "MACHINE_OBSERVATION")
PEOPLE = ("Lan Hoang", "Li Wei", "S. Phommachanh", "O'Reilly")
LOCALITIES = ("Nam Ha, 100% forest", "营地 by the river", "karst ridge_7", "rice field", "")
PRECISE = ("occurrenceID", "eventDate", "month", "day", "individualCount", "elevation", "recordedBy", "locality",
           "stateProvince", "sex", "basisOfRecord", "source")  # fmt: skip
"""What a presence has not."""


def write_sources(folder: Path, *, rows: int, seed: int) -> dict[str, Path]:
    """Write two tables of records; return the tables by dataset."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for dataset, share in (("ridge-survey", 0.7), ("herbarium", 0.3)):
        told = [_row(chance, dataset, n) for n in range(int(rows * share))]
        found[dataset] = folder / f"{dataset}.csv"
        with found[dataset].open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(told[0]), delimiter="\t")
            writer.writeheader()
            writer.writerows(told)
    return found


def _row(chance: random.Random, dataset: str, number: int) -> dict[str, Any]:
    name = chance.choice(list(SPECIES))
    kingdom, phylum, class_, order, family, genus = SPECIES[name]
    species = " ".join(name.split()[:2])
    country, division = chance.choice([p for p in PLACES if p[0] in _ONLY.get(species, (p[0],))])
    south, north, west, east = PLACES[country, division]
    placed = chance.random() > 0.06
    date = f"{chance.randint(1990, 2022)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    date = chance.choice([date] * 7 + [date[:7], date[:4], ""])
    return {
        "occurrenceID": f"{dataset}:{number}", "scientificName": name, "kingdom": kingdom, "phylum": phylum,
        "class": class_, "order": order, "family": family, "genus": genus, "species": species, "taxonRank": "SPECIES",
        "decimalLatitude": f"{chance.uniform(south, north):.5f}" if placed else "",
        "decimalLongitude": f"{chance.uniform(west, east):.5f}" if placed else "",
        "coordinateUncertaintyInMeters": chance.choice(["30", "150", "2000", ""]) if placed else "",
        "eventDate": date, "countryCode": country, "stateProvince": division,
        "basisOfRecord": chance.choice(BASES), "occurrenceStatus": "PRESENT",
        "individualCount": chance.choice(["1", "2", "7", "", ""]), "sex": chance.choice(["MALE", "FEMALE", "", ""]),
        "elevation": chance.choice([f"{chance.randint(100, 2500)}", "", ""]),
        "recordedBy": chance.choice(PEOPLE), "locality": chance.choice(LOCALITIES), "license": "CC_BY_4_0",
    }  # fmt: skip


def published(sources: dict[str, Path]) -> pd.DataFrame:
    """Return what the rules let out of the source files, worked out here: a row for each open record, by `source`, and presence."""
    frames = []
    for dataset, path in sources.items():
        frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False).replace("", None)
        frames.append(frame.assign(datasetKey=dataset, source=frame["occurrenceID"]))
    rows = pd.concat(frames, ignore_index=True)
    for name in ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "individualCount",
                 "elevation"):  # fmt: skip
        rows[name] = pd.to_numeric(rows[name])
    parts = rows["eventDate"].str.split("-", expand=True)
    for number, name in enumerate(("year", "month", "day")):
        rows[name] = pd.to_numeric(parts[number])
    rows = rows[rows["species"] != WITHHELD].reset_index(drop=True)
    coarse = rows["species"] == COARSE
    return pd.concat([rows[~coarse], presences(rows[coarse])], ignore_index=True)


CELL = ("datasetKey", "decimalLatitude", "decimalLongitude", "countryCode", "year")
"""What a presence of the only taxon is known by."""


def presences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each dataset, cell and year; of those without a place one for each stated country."""
    found = rows.copy()
    for name in ("decimalLatitude", "decimalLongitude"):
        found[name] = ((found[name] * 10 + 1e-9) // 1 / 10 + 0.05).round(6)
    found.loc[found["decimalLatitude"].isna(), "year"] = math.nan
    found = found.drop_duplicates(list(CELL)).reset_index(drop=True)
    found["coordinateUncertaintyInMeters"] = [_half_diagonal(row) for row in found.to_dict("records")]
    found["scientificName"] = COARSE
    found[list(PRECISE)] = None
    return found


def _half_diagonal(row: dict[str, Any]) -> float:
    """Return half the diagonal of a cell, metres."""
    x, y = row["decimalLongitude"], row["decimalLatitude"]
    if math.isnan(x):
        return math.nan
    corners = [(x + dx, y + dy) for dx in (-0.05, 0.05) for dy in (-0.05, 0.05)]
    return float(math.ceil(max(Geod(ellps="WGS84").inv(x, y, *corner)[2] for corner in corners)))
