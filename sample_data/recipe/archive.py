"""The Darwin Core Archive: a core of occurrences, an extension of measurements, a description, and a meta.xml."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import polars as pl

from recipe import faults, files, records
from recipe.faults import Fault, Row, full_date
from recipe.planting import Field
from recipe.tables import chance, table

NAME = "xishuangbanna_namha"
DWC = "http://rs.tdwg.org/dwc/terms/"
DC = "http://purl.org/dc/terms/"
COLUMNS = tuple(
    """
    occurrenceID basisOfRecord eventID eventDate eventTime year month day samplingProtocol countryCode stateProvince
    locality habitat decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters
    minimumElevationInMeters maximumElevationInMeters individualCount sex lifeStage occurrenceStatus scientificName
    scientificNameAuthorship kingdom phylum class order family genus specificEpithet taxonRank recordedBy
    occurrenceRemarks
    """.split()
)
DEFAULTS = {
    f"{DC}license": "http://creativecommons.org/licenses/by/4.0/legalcode",
    f"{DC}language": "en",
    f"{DWC}datasetName": "Joint survey of Xishuangbanna and Nam Ha (synthetic)",
    f"{DWC}institutionCode": "SYN",
}
"""Terms that meta.xml gives every record, without a column."""
MEASUREMENT_COLUMNS = (
    "coreid",
    "measurementID",
    "measurementType",
    "measurementValue",
    "measurementUnit",
    "measurementMethod",
)
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


def _exact(row: Row) -> bool:
    """Tell whether the record lies outside the border band."""
    return not row["_ambiguous"]


FAULTS = (
    Fault(
        "zero_coordinates",
        5,
        "latitude and longitude are 0",
        "ZERO_COORDINATE",
        faults.put(decimalLatitude="0", decimalLongitude="0"),
    ),
    Fault(
        "swapped_coordinates",
        8,
        "latitude and longitude are changed round",
        "PRESUMED_SWAPPED_COORDINATE",
        faults.swap,
        _exact,
    ),
    Fault(
        "missing_coordinates",
        20,
        "both coordinates are empty",
        "COORDINATE_MISSING",
        faults.put(decimalLatitude="", decimalLongitude=""),
    ),
    Fault(
        "comma_decimals",
        10,
        "the coordinates have decimal commas",
        "COORDINATE_INVALID or a repair",
        faults.comma_decimals,
    ),
    Fault(
        "wrong_country_code",
        8,
        "the country stated is far away",
        "COUNTRY_COORDINATE_MISMATCH",
        faults.foreign_country,
        _exact,
    ),
    Fault(
        "unknown_datum",
        6,
        "the datum is none",
        "GEODETIC_DATUM_INVALID",
        faults.one_of("geodeticDatum", "local grid 1", "old map"),
    ),
    Fault("missing_datum", 15, "no datum is stated", "GEODETIC_DATUM_ASSUMED_WGS84", faults.put(geodeticDatum="")),
    Fault(
        "buddhist_era_dates",
        10,
        "the year is of the Buddhist Era (543 more)",
        "RECORDED_DATE_BUDDHIST_ERA",
        faults.buddhist_era,
        full_date,
    ),
    Fault(
        "day_month_ambiguous",
        10,
        "03/04/2015: day and month could be either way round",
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS",
        faults.day_or_month,
        lambda row: full_date(row) and int(row["day"]) <= 12 and row["day"] != row["month"],
    ),
    Fault(
        "elevation_text",
        6,
        "the elevation is words",
        "ELEVATION_NON_NUMERIC",
        faults.one_of("minimumElevationInMeters", "ridge", "ca. high"),
    ),
    Fault(
        "negative_counts",
        6,
        "fewer than no individuals",
        "INDIVIDUAL_COUNT_INVALID",
        faults.one_of("individualCount", "-1", "-3"),
    ),
    Fault(
        "uncertainty_text",
        8,
        "the uncertainty is words",
        "COORDINATE_UNCERTAINTY_METERS_INVALID",
        faults.one_of("coordinateUncertaintyInMeters", "within the valley", "GPS"),
    ),
    Fault(
        "misspelt_names",
        8,
        "one letter of the epithet is wrong",
        "TAXON_MATCH_FUZZY or TAXON_MATCH_NONE",
        faults.misspell,
        lambda row: len(row["specificEpithet"]) > 4 and row["family"] != "Hylobatidae",
    ),
    Fault(
        "missing_name",
        4,
        "scientificName is empty",
        "SCIENTIFIC_NAME_MISSING",
        faults.put(
            scientificName="",
            scientificNameAuthorship="",
            specificEpithet="",
            genus="",
            family="",
            order="",
            class_="",
            phylum="",
            kingdom="",
            taxonRank="",
        ),
        lambda row: row["family"] not in {"Hylobatidae", "Elephantidae"},
    ),
    Fault(
        "html_remarks",
        12,
        "the remarks hold HTML",
        "escaped on pages",
        faults.one_of(
            "occurrenceRemarks",
            "<b>group</b> of 4 <script>alert(1)</script>",
            "<a href='javascript:alert(2)'>photo</a>",
            "salt lick &amp; wallow<br/>",
        ),
    ),
    Fault(
        "formula_remarks",
        5,
        "the remarks are a spreadsheet formula",
        "escaped in spreadsheet exports",
        faults.one_of("occurrenceRemarks", '=HYPERLINK("http://sample.invalid","photo")', "@SUM(1+1)", "-2+3"),
    ),
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
            "meta.xml": _meta().encode(),
            "eml.xml": _eml(rows).encode(),
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
    measured = []
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


def _meta() -> str:
    """Return the archive's meta.xml."""
    core = "\n".join(
        f'    <field index="{number}" term="{DWC}{name}"/>' for number, name in enumerate(COLUMNS, start=1)
    )
    defaults = "\n".join(f'    <field default="{escape(value)}" term="{term}"/>' for term, value in DEFAULTS.items())
    extension = "\n".join(
        f'    <field index="{number}" term="{DWC}{name}"/>' for number, name in enumerate(MEASUREMENT_COLUMNS) if number
    )
    layout = (
        'encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"'
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
  <core {layout} rowType="{DWC}Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
{core}
{defaults}
  </core>
  <extension {layout} rowType="{DWC}MeasurementOrFact">
    <files><location>measurementorfact.txt</location></files>
    <coreid index="0"/>
{extension}
  </extension>
</archive>
"""


def _eml(rows: list[Row]) -> str:
    """Return the description of the dataset in EML."""
    key = records.dataset_key("namha")
    years = sorted(row["year"] for row in rows if len(row["year"]) == 4 and row["year"] < "2100")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<eml:eml xmlns:eml="https://eml.ecoinformatics.org/eml-2.2.0" packageId="{key}" system="biodata-sample" scope="system" xml:lang="en">
  <dataset>
    <alternateIdentifier>{key}</alternateIdentifier>
    <title xml:lang="en">Joint survey of Xishuangbanna and Nam Ha (synthetic)</title>
    <creator><organizationName>biodata sample data (synthetic)</organizationName></creator>
    <metadataProvider><organizationName>biodata sample data (synthetic)</organizationName></metadataProvider>
    <pubDate>2026-11-24</pubDate>
    <language>en</language>
    <abstract><para>SYNTHETIC: made by a seeded script. Nobody saw these animals and plants. Names of species and places are real; places, dates and numbers of records are not.</para></abstract>
    <intellectualRights><para>This work is licensed under a <ulink url="http://creativecommons.org/licenses/by/4.0/legalcode"><citetitle>Creative Commons Attribution (CC-BY) 4.0 License</citetitle></ulink>.</para></intellectualRights>
    <coverage>
      <geographicCoverage>
        <geographicDescription>Xishuangbanna (China), Luang Namtha, Bokeo and Phongsaly (Lao PDR)</geographicDescription>
        <boundingCoordinates><westBoundingCoordinate>100.0</westBoundingCoordinate><eastBoundingCoordinate>102.7</eastBoundingCoordinate><northBoundingCoordinate>22.6</northBoundingCoordinate><southBoundingCoordinate>20.2</southBoundingCoordinate></boundingCoordinates>
      </geographicCoverage>
      <temporalCoverage><rangeOfDates><beginDate><calendarDate>{years[0]}-01-01</calendarDate></beginDate><endDate><calendarDate>{years[-1]}-12-31</calendarDate></endDate></rangeOfDates></temporalCoverage>
    </coverage>
    <contact><organizationName>biodata sample data (synthetic)</organizationName></contact>
  </dataset>
  <additionalMetadata><metadata><gbif><citation>biodata sample data: Joint survey of Xishuangbanna and Nam Ha (synthetic)</citation></gbif></metadata></additionalMetadata>
</eml:eml>
"""
