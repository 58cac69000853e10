"""An installation with records that its rules hide, planted at places that a scanner knows, and the same without them."""

import csv
import io

import polars as pl

import leaks
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store import releases
from rule_files import put_rules

RULES = """rule_id,category,reason,scientificName,dataset
gibbon,0_1_degree,hunted,Nomascus nasutus,
monkey,withheld,hunted,Rhinopithecus strykeri,
museum,withheld,the museum asks for it,Tragopan temminckii,museum
nothing,open,not hunted,Tragopan temminckii,field
"""
SEAT = (21.99792, 100.81751)
INSTITUTE = (25.14063, 102.74417)
HAND_MADE = {"seat": SEAT, "institute": INSTITUTE, "copy-one": (22.91358, 106.51247), "copy-two": (22.91361, 106.51249),
             "issues": (22.87123, 106.47391), "words": (22.95217, 106.53894), "named": (22.86342, 106.58213),
             "obscured": (22.83417, 106.43829), "dms": (22.81236, 106.62347), "withheld": (26.01237, 98.61429),
             "exact": (25.97318, 98.66127)}  # fmt: skip
DECLARED = {"declared": (18.11237, 99.61429), "declared-south": (16.42318, 104.81273)}
PLACES = [leaks.Place(name, *at) for name, at in (HAND_MADE | DECLARED).items() if name != "exact"]
SECRET_WORDS = ["seventh-camp", "Lan-Hoang", *(f"id-{name}" for name in (HAND_MADE | DECLARED))]


def hidden() -> dict[str, list[dict[str, str]]]:
    """Return records by dataset that the rules make coarse or withhold."""
    common = {"basisOfRecord": "HumanObservation", "scientificName": "Nomascus nasutus", "eventDate": "2019-07-23",
              "recordedBy": "Lan-Hoang", "locality": "seventh-camp", "occurrenceRemarks": "seventh-camp",
              "organismID": "id-group", "otherCatalogNumbers": "id-other", "license": "CC BY 4.0"}  # fmt: skip

    def record(name: str, **more: str) -> dict[str, str]:
        y, x = (HAND_MADE | DECLARED)[name]
        placed = {"occurrenceID": f"id-{name}", "decimalLatitude": f"{y:.5f}", "decimalLongitude": f"{x:.5f}"}
        return common | placed | more

    y, x = HAND_MADE["obscured"]
    minutes = tuple(f"{int(v)}° {v % 1 * 60:.4f}' {side}" for v, side in zip(HAND_MADE["dms"], "NE", strict=True))
    blank = {"decimalLatitude": "", "decimalLongitude": "", "coordinateUncertaintyInMeters": "30000",
             "dataGeneralizations": "coordinates generalized to a grid of 0.25 degrees"}  # fmt: skip
    told = "{:.5f}, {:.5f}".format(*HAND_MADE["words"])
    return {
        "field": [
            record("seat"),
            record("institute", institutionCode="KUN"),
            record("copy-one"),
            record("issues", issue="COUNTRY_COORDINATE_MISMATCH;COORDINATE_ROUNDED;CONTINENT_DERIVED_FROM_COORDINATES"),
            record(
                "words", establishmentMeans=told, kingdom=told, iucnRedListCategory=told, lifeStage=told, county=told
            ),
            record("named", scientificName="Nomascus nasutus 22.86342 N 106.58213 E"),
            record("obscured", **blank, verbatimCoordinates=f"{y:.5f}, {x:.5f}"),
            record("dms", **blank, verbatimLatitude=minutes[0], verbatimLongitude=minutes[1]),
            record("withheld", scientificName="Rhinopithecus strykeri"),
        ],
        "museum": [
            record("copy-two", eventDate="2019-07-23", coordinateUncertaintyInMeters="30"),
            record("exact", scientificName="Tragopan temminckii"),
        ],
        "declared": [record("declared"), record("declared-south", coordinateUncertaintyInMeters="40")],
    }


def seen() -> dict[str, list[dict[str, str]]]:
    """Return open records by dataset; some stand where hidden ones do, one is the twin of a hidden one."""
    rows = [
        {"occurrenceID": f"open-{n}", "basisOfRecord": "HumanObservation", "scientificName": "Lophura nycthemera",
         "eventDate": f"20{n % 20:02}-03-{1 + n % 28:02}", "recordedBy": f"Team {n % 7}",
         "decimalLatitude": f"{21 + n * 0.01337:.5f}", "decimalLongitude": f"{101 + n * 0.01113:.5f}"}
        for n in range(40)
    ]  # fmt: skip
    twin = rows[0] | {"scientificName": "Tragopan temminckii", "eventDate": "2019-07-23", "recordedBy": "Lan H."}
    y, x = HAND_MADE["exact"]
    # A pair that plainly is one event.
    pair = rows[3] | {"occurrenceID": "open-pair", "decimalLatitude": f"{21 + 3 * 0.01337:.5f}"}
    return {
        "field": [*rows, twin | {"occurrenceID": "open-twin", "decimalLatitude": str(y), "decimalLongitude": str(x)}],
        "museum": [pair],
    }  # fmt: skip


def installation(folder, rules: str, *, with_hidden: bool) -> Settings:
    """Take records in and release them under some rules."""
    settings = Settings(data=folder / "data", memory_limit="500MB")
    settings.data.mkdir(parents=True)
    put_rules(settings.data, rules)
    more = hidden() if with_hidden else {}
    for name in ("field", "museum", "declared"):
        rows = [*seen().get(name, []), *more.get(name, [])]
        if not rows:
            continue
        # Hidden rows stand between the others, so that an order that tells the row would show.
        rows.sort(key=lambda row: row["occurrenceID"][::-1])
        text = io.StringIO()
        writer = csv.DictWriter(
            text, sorted({heading for part in hidden().values() for row in part for heading in row})
        )
        writer.writeheader()
        writer.writerows(rows)
        path = folder / f"{name}.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        options = {"datum": "EPSG:4240"} if name == "declared" else None
        pipeline.ingest("gbif", [path], settings, dataset=name, options=options)
    pipeline.release(settings)
    return settings


def rows(settings: Settings) -> pl.DataFrame:
    return releases.read(releases.current(settings.data), "occurrences")


def told(data: bytes, name: str, **more) -> set[str]:
    """Return the places and secret words that bytes tell."""
    text = data.decode("utf-8", errors="replace")
    return {f.place for f in leaks.scan(data, PLACES, name=name, **more)} | {w for w in SECRET_WORDS if w in text}
