"""Made-up rows for `bench_release.py`: a GBIF download, archives of sampling events, a checklist and sharing rules.

The same numbers give the same rows. Names and their classification are real (the reference list); everything else is
made up. Of 60,000 names 3 % are misspelt so that no list has them, and 2 % are named by rules of their own.
"""

import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biodata.text.reference_list import reference_list

NAMES: Final = 60_000
UNKNOWN: Final = 0.03
SENSITIVE: Final = 0.02
DATASETS: Final = 40
"""Four of them are surveys with a tenth of the rows, five records an event."""
SURVEYS: Final = 4
CENTRES: Final = {"CN": (102.7, 26.5), "VN": (106.5, 16.5), "LA": (102.6, 18.9), "KH": (104.9, 12.3),
                  "TH": (100.8, 14.8), "MM": (96.2, 20.5), "MY": (109.5, 3.6), "ID": (115.0, -3.5), "PH": (122.0, 12.5),
                  "BN": (114.7, 4.6)}  # fmt: skip
_CHUNK_ROWS: Final = 500_000
_LICENCES: Final = ("CC0_1_0", "CC_BY_4_0", "CC_BY_NC_4_0")
_DWC: Final = "http://rs.tdwg.org/dwc/terms/"


@dataclass(frozen=True)
class MadeUp:
    """What an installation is given.

    Attributes
    ----------
    rules, checklist, download : Path
        CSV of all rules; a checklist of the names; GBIF's simple CSV.
    archives : list of Path
        Darwin Core Archives with an event core.
    rows : int
        Records of all of them.
    """

    rules: Path
    checklist: Path
    download: Path
    archives: list[Path]
    rows: int


def make(folder: Path, rows: int) -> MadeUp:
    """Write all files of so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    taxa = _taxa()
    rules, checklist, download = (folder / name for name in ("rules.csv", "checklist.csv", "occurrences.csv"))
    _write_rules(taxa, rules)
    _write_checklist(taxa, checklist)
    in_surveys = rows // 10
    write_download(download, first=0, rows=rows - in_surveys)
    archives = [folder / f"survey-{number}.zip" for number in range(SURVEYS)]
    for number, archive in enumerate(archives):
        _write_archive(taxa, archive, number=number, rows=in_surveys // SURVEYS)
    return MadeUp(rules, checklist, download, archives, rows)


def write_download(path: Path, *, first: int, rows: int) -> None:
    """Write rows of GBIF's simple CSV, numbered from `first`."""
    taxa = _taxa()
    with path.open("wb") as stream:
        for start in range(first, first + rows, _CHUNK_ROWS):
            chunk = _records(taxa, start, min(_CHUNK_ROWS, first + rows - start))
            chunk.write_csv(stream, separator="\t", include_header=start == first, quote_style="never")


def _taxa() -> pl.DataFrame:
    """Return the names in the order of how often they are recorded: `written`, `name`, `unknown`, `sensitive`, classification."""
    listed = reference_list().names.filter(pl.col("name").str.count_matches(" ") == 1)["name"].unique().sort()
    found = reference_list().look_up(listed.sample(2 * NAMES, seed=5)).unique("name", keep="first").sort("name")
    found = found.drop_nulls(["kingdom", "family", "genus"]).sample(NAMES, seed=6, shuffle=True)
    chance = np.random.default_rng(7).permutation((np.arange(NAMES) + 0.5) / NAMES)
    unknown = pl.Series("unknown", chance < UNKNOWN)
    sensitive = pl.Series("sensitive", chance > 1 - SENSITIVE)
    written = pl.when("unknown").then(pl.format("{}xq", "name")).otherwise("name").alias("written")
    return found.with_columns(unknown, sensitive).with_columns(written).with_row_index("number")


def _write_rules(taxa: pl.DataFrame, path: Path) -> None:
    """Write the rules that are shipped, and one for each name that is to be sensitive."""
    shipped = pl.read_csv(
        files("biodata").joinpath("data").joinpath("sensitive_species.csv").read_bytes(), infer_schema=False
    )
    own = taxa.filter("sensitive").select(rule_id=pl.format("made-up-{}", "number"), source=pl.lit("a benchmark"),
                                          scientificName="name", category=pl.lit("0_1_degree"),
                                          reason=pl.lit("made up"))  # fmt: skip
    own = own.filter(~pl.col("scientificName").is_in(shipped["scientificName"].implode()))
    pl.concat([shipped, own], how="diagonal").write_csv(path)


def _write_checklist(taxa: pl.DataFrame, path: Path) -> None:
    taxa.filter(~pl.col("unknown")).select(
        taxonID="number", scientificName="name", taxonRank=pl.lit("species"), taxonomicStatus=pl.lit("accepted"),
        kingdom="kingdom", phylum="phylum", order="order", family="family", genus="genus", **{"class": "class"},
    ).write_csv(path)  # fmt: skip


def _records(taxa: pl.DataFrame, start: int, rows: int) -> pl.DataFrame:
    """Return rows of the download: places gather around three thousand centres, names follow a Zipf law."""
    world, rng = np.random.default_rng(11), np.random.default_rng([12, start])
    base = world.integers(0, len(CENTRES), 3_000)
    centres = np.array(list(CENTRES.values()))[base] + world.normal(0, (2.5, 2.0), (3_000, 2))
    spread = world.lognormal(-2.3, 0.9, 3_000)
    number = np.arange(start, start + rows)
    at = rng.choice(3_000, rows, p=_zipf(3_000, 0.9))
    place = centres[at] + rng.normal(0, 1, (rows, 2)) * spread[at][:, None]
    taxon = taxa[rng.choice(NAMES, rows, p=_zipf(NAMES, 0.9)).tolist()]
    dataset, person = (
        rng.choice(DATASETS - SURVEYS, rows, p=_zipf(DATASETS - SURVEYS, 0.8)),
        rng.integers(0, 5_000, rows),
    )
    day = pl.Series("day", 20_600 - np.minimum(rng.exponential(3_300, rows), 40_000)).cast(pl.Int32).cast(pl.Date)
    basis = np.array(["HUMAN_OBSERVATION"] * 4 + ["PRESERVED_SPECIMEN", "MACHINE_OBSERVATION"])
    frame = taxon.select("kingdom", "phylum", "class", "order", "family", "genus", "written", "name").with_columns(
        day, number=number, person=person, dataset=dataset, x=place[:, 0].round(5), y=place[:, 1].round(5),
        country=np.array(list(CENTRES))[base[at]], basis=basis[rng.integers(0, len(basis), rows)],
    )  # fmt: skip
    return frame.select(
        gbifID=pl.col("number") + 1_000_000_000, datasetKey=_dataset_key(pl.col("dataset")),
        occurrenceID=pl.format("urn:catalog:inst{}:{}", "dataset", "number"),
        kingdom="kingdom", phylum="phylum", **{"class": "class"}, order="order", family="family", genus="genus",
        species="written", taxonRank=pl.lit("SPECIES"), scientificName="written", verbatimScientificName="written",
        countryCode="country", locality=pl.format("near camp {}, km {}", pl.col("person") % 900, pl.col("number") % 40),
        occurrenceStatus=pl.lit("PRESENT"), individualCount=pl.col("person") % 4 + 1, decimalLatitude="y",
        decimalLongitude="x", coordinateUncertaintyInMeters=(pl.col("person") % 500 + 10).cast(pl.Float64),
        elevation=pl.col("person") * 7 % 3200, eventDate="day", day=pl.col("day").dt.day(),
        month=pl.col("day").dt.month(), year=pl.col("day").dt.year(), basisOfRecord="basis",
        institutionCode=pl.format("INST{}", pl.col("dataset") % 20), collectionCode=pl.format("COLL{}", "dataset"),
        catalogNumber=pl.format("CAT{}", "number"), license=pl.lit(list(_LICENCES)).list.get(pl.col("dataset") % 3),
        recordedBy=pl.format("Observer {}", "person"), lastInterpreted=pl.lit("2026-01-11T15:10:13"),
    )  # fmt: skip


def _write_archive(taxa: pl.DataFrame, path: Path, *, number: int, rows: int) -> None:
    """Write a survey: events at stations on days, five records each; one event in eight is blank."""
    rng = np.random.default_rng([13, number])
    count = max(rows // 5 * 8 // 7, 1)
    stations = np.array(list(CENTRES.values()))[number] + rng.uniform(-1, 1, (500, 2))
    station = rng.integers(0, 500, count)
    day = pl.Series("day", rng.integers(18_000, 20_600, count)).cast(pl.Int32).cast(pl.Date)
    events = pl.DataFrame({"event": np.arange(count), "station": station}).select(
        eventID=pl.format("event-{}", "event"), eventDate=day, samplingProtocol=pl.lit("point count"),
        samplingEffort=pl.lit("10 observer-minutes"), decimalLatitude=pl.Series(stations[station, 1].round(5)),
        decimalLongitude=pl.Series(stations[station, 0].round(5)), geodeticDatum=pl.lit("EPSG:4326"),
        coordinateUncertaintyInMeters=pl.lit(30), countryCode=pl.lit(list(CENTRES)[number]),
        locationID=pl.format("T{}", "station"),
    )  # fmt: skip
    seen = np.flatnonzero(np.arange(count) % 8 > 0)
    taxon = taxa[rng.choice(NAMES, rows, p=_zipf(NAMES, 0.9)).tolist()]
    records = taxon.select(
        eventID=pl.Series(seen[np.arange(rows) % len(seen)]).cast(pl.String).str.replace("^", "event-"),
        occurrenceID=pl.Series(np.arange(rows)).cast(pl.String).str.replace("^", "count-"),
        basisOfRecord=pl.lit("HumanObservation"), scientificName="written", kingdom="kingdom", phylum="phylum",
        order="order", family="family", individualCount=pl.Series(rng.integers(1, 10, rows)),
        occurrenceStatus=pl.lit("present"), recordedBy=pl.lit("a survey team"), **{"class": "class"},
    )  # fmt: skip
    tables = {
        "event.csv": ("core", "Event", "id", events),
        "occurrence.csv": ("extension", "Occurrence", "coreid", records),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        described = "".join(_described(name, *table) for name, table in tables.items())
        packed.writestr("meta.xml", f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{described}</archive>')
        for name, (*_, frame) in tables.items():
            packed.writestr(name, frame.write_csv())


def _described(name: str, element: str, row_type: str, identifier: str, frame: pl.DataFrame) -> str:
    """Return a table's element of meta.xml."""
    fields = "".join(f'<field index="{at}" term="{_DWC}{term}"/>' for at, term in enumerate(frame.columns))
    return (
        f'<{element} encoding="UTF-8" fieldsTerminatedBy="," fieldsEnclosedBy="&quot;" ignoreHeaderLines="1" '
        f'rowType="{_DWC}{row_type}"><files><location>{name}</location></files><{identifier} index="0"/>{fields}</{element}>'
    )


def _dataset_key(number: pl.Expr) -> pl.Expr:
    return pl.format("00000000-0000-4000-8000-{}", number.cast(pl.String).str.zfill(12))


def _zipf(count: int, power: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    weight = 1 / np.arange(1, count + 1) ** power
    return weight / weight.sum()
