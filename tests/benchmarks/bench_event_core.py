"""How much time and memory a large archive of sampling events takes on its way in, by the command line as it is typed.

usage: python tests/benchmarks/bench_event_core.py [EVENTS] [RECORDS] [--keep FOLDER]

Run by hand. As many events, records and measurements as a national bird survey has (420,000 events of points in visits,
385,000 counts, 165 MB of CSV) are made up and packed; `biodata ingest dwca` takes them in, in a process of its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

DWC = "http://rs.tdwg.org/dwc/terms/"
EVENT = (
    "eventID", "parentEventID", "eventDate", "eventTime", "samplingProtocol", "samplingEffort", "decimalLatitude",
    "decimalLongitude", "geodeticDatum", "coordinateUncertaintyInMeters", "countryCode", "stateProvince", "locality",
    "locationID", "eventRemarks",
)  # fmt: skip
OCCURRENCE = (
    "eventID", "occurrenceID", "basisOfRecord", "scientificName", "kingdom", "class", "family", "taxonRank",
    "individualCount", "occurrenceStatus", "recordedBy", "identifiedBy", "vernacularName", "occurrenceRemarks",
)  # fmt: skip
MEASURED = ("eventID", "measurementID", "measurementType", "measurementValue", "measurementUnit", "measurementMethod")
BIRDS = (
    ("Pycnonotus jocosus", "Pycnonotidae", "Red-whiskered Bulbul"), ("Copsychus saularis", "Muscicapidae", "Oriental Magpie-Robin"),
    ("Spilopelia chinensis", "Columbidae", "Spotted Dove"), ("Acridotheres tristis", "Sturnidae", "Common Myna"),
    ("Dicrurus macrocercus", "Dicruridae", "Black Drongo"), ("Orthotomus sutorius", "Cisticolidae", "Common Tailorbird"),
    ("Cinnyris jugularis", "Nectariniidae", "Olive-backed Sunbird"), ("Eudynamys scolopaceus", "Cuculidae", "Asian Koel"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, nargs="?", default=420_000)
    parser.add_argument("records", type=int, nargs="?", default=385_000)
    parser.add_argument("--keep", type=Path, help="folder of the archive, made where it is not there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = (arguments.keep or Path(folder)) / f"events-{arguments.events}-{arguments.records}.zip"
        if not archive.exists():
            make(archive, arguments.events, arguments.records)
        with zipfile.ZipFile(archive) as packed:
            size = sum(info.file_size for info in packed.infolist())
        command = [sys.executable, "-c", "from biodata.cli import main; main()", "ingest", "dwca", str(archive)]
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "--data", f"{folder}/data", "--json"], capture_output=True, text=True, check=False
        )
        wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(done.stderr)
        for report in json.loads(done.stdout):
            print(
                f"{report['table']:12} {report['rows']:>9,} rows, {report['stored']:>9,} stored, {report['refused']} refused"
            )
        print(
            f"{size / 1e6:.0f} MB of CSV: {wall:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of cores, "
            f"memory at most {used.ru_maxrss / 1024:,.0f} MB"
        )


def make(archive: Path, events: int, records: int) -> None:
    """Write the archive; the same numbers give the same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    tables = {
        "event.csv": (EVENT, event_rows(events)),
        "occurrence.csv": (OCCURRENCE, record_rows(events, records)),
        "extendedmeasurementorfact.csv": (MEASURED, measured_rows(events)),
    }
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("meta.xml", description())
        for name, (terms, rows) in tables.items():
            with packed.open(name, "w") as stream:
                stream.write((",".join(terms) + "\n").encode())
                for row in rows:
                    stream.write((",".join(row) + "\n").encode())


def description() -> str:
    """Return the archive's meta.xml."""

    def table(element: str, row_type: str, name: str, identifier: str, terms: tuple[str, ...]) -> str:
        fields = "".join(f'<field index="{at}" term="{term_address(term)}"/>' for at, term in enumerate(terms))
        return (
            f'<{element} encoding="UTF-8" fieldsTerminatedBy="," fieldsEnclosedBy="&quot;" ignoreHeaderLines="1" '
            f'rowType="{row_type}"><files><location>{name}</location></files><{identifier} index="0"/>{fields}</{element}>'
        )

    measured = "http://rs.iobis.org/obis/terms/ExtendedMeasurementOrFact"
    return (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/">'
        + table("core", f"{DWC}Event", "event.csv", "id", EVENT)
        + table("extension", f"{DWC}Occurrence", "occurrence.csv", "coreid", OCCURRENCE)
        + table("extension", measured, "extendedmeasurementorfact.csv", "coreid", MEASURED)
        + "</archive>"
    )


def term_address(term: str) -> str:
    return f"{DWC}{term}"


def event_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield visits and the points of each: a point takes date and protocol from its visit."""
    chance = random.Random(19)
    for number in range(count):
        visit, point = divmod(number, 16)
        day = f"{2010 + visit % 12}-{1 + visit % 12:02}-{1 + visit % 28:02}"
        if point == 0:
            yield (
                f"visit-{visit:06}", "", day, "", "point count", "", "", "", "", "", "TH", "Chiang Mai",
                f"Transect {visit % 900}", f"T{visit % 900}", "",
            )  # fmt: skip
            continue
        latitude, longitude = 18.2 + chance.random(), 98.4 + chance.random()
        yield (
            f"visit-{visit:06}-point-{point:02}", f"visit-{visit:06}", "", f"{6 + point // 4:02}:{point * 3:02}:00+07:00",
            "", "6 observer-minutes", f"{latitude:.5f}", f"{longitude:.5f}", "EPSG:4326", "30", "TH", "Chiang Mai",
            f"Transect {visit % 900} point {point}", f"T{visit % 900}-{point}", "no wind",
        )  # fmt: skip


def record_rows(events: int, count: int) -> Iterator[tuple[str, ...]]:
    """Yield counts of birds at the points."""
    chance = random.Random(20)
    for number in range(count):
        at = chance.randrange(events)
        visit, point = divmod(at, 16)
        event = f"visit-{visit:06}-point-{point:02}" if point else f"visit-{visit:06}"
        name, family, common = BIRDS[chance.randrange(len(BIRDS))]
        yield (
            event, f"count-{number:07}", "HumanObservation", name, "Animalia", "Aves", family, "species",
            str(chance.randint(1, 9)), "present", f"Observer {visit % 60}", f"Observer {visit % 60}", common,
            "heard and seen within fifty metres",
        )  # fmt: skip


def measured_rows(events: int) -> Iterator[tuple[str, ...]]:
    """Yield the weather of the points, for every second of them."""
    for number in range(0, events, 2):
        visit, point = divmod(number, 16)
        event = f"visit-{visit:06}-point-{point:02}" if point else f"visit-{visit:06}"
        yield (
            event,
            f"{event}-temperature",
            "air temperature",
            str(18 + number % 14),
            "degrees Celsius",
            "thermometer in the shade",
        )


if __name__ == "__main__":
    main()
