"""What describes the archive: meta.xml, EML, and the columns that meta.xml tells."""

from xml.sax.saxutils import escape

from recipe import records
from recipe.faults import Row

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


def meta() -> str:
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


def eml(rows: list[Row]) -> str:
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
