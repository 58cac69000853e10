"""Measurements from an archive to answers and archives: those of open records whole, of events what tells of no animal."""

import csv
import io
import json
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.exports.request import ExportRequest
from biodata.exports.write import Format, export
from biodata.places import load_boundaries
from biodata.sharing.measurements import FIELDS, items, kept_inside, let_out_of_events, read
from biodata.sharing.rules import RuleSet
from biodata.store import releases

ASKED = ExportRequest(name="0123abcd", created="2026-11-27T10:00:00+00:00")
DWC, OBIS = "http://rs.tdwg.org/dwc/terms/", "http://rs.iobis.org/obis/terms/"
MEMBERS = {
    "events": ("event.txt", f"{DWC}Event", "eventID eventDate decimalLatitude decimalLongitude countryCode license samplingProtocol"),
    "records": ("occurrence.txt", f"{DWC}Occurrence", "occurrenceID eventID scientificName decimalLatitude decimalLongitude eventDate countryCode license"),
    "measured": ("mof.txt", f"{OBIS}ExtendedMeasurementOrFact", "occurrenceID measurementID measurementType measurementValue measurementUnit measurementDeterminedBy measurementMethod measurementRemarks"),
}  # fmt: skip
EVENTS = [
    ("open", "2024-01-05", "20.11", "100.71", "LA", "CC0", "walk"),
    ("secret", "2024-03-07", "21.23456", "101.34567", "LA", "CC0", "walk"),
]
RECORDS = [
    ("open", "a", "open", "Lophura nycthemera", "20.11", "100.71", "2024-01-05", "LA", "CC0"),
    ("secret", "planted", "secret", "Nomascus leucogenys", "21.23456", "101.34567", "2024-03-07", "LA", "CC0"),
]
MEASURED = [
    ("open", "", "open:1", "air temperature", "21.5", "deg C", "Noy", "thermometer", "as Noy saw"),
    ("open", "", "open:2", "tiger sign count", "3", "", "Noy", "", ""),
    ("open", "", "open:3", "jejak harimau", "planted", "", "", "", ""),
    ("open", "a", "m1", "wing length", "251", "mm", "Noy", "ruler", "left wing"),
    ("secret", "", "secret:1", "air temperature", "17.25", "deg C", "", "thermometer", "planted"),
    ("secret", "planted", "m2", "body length", "planted", "cm", "", "", ""),
]
TOLD = {
    ("open", None): {"measurementID": "open:1", "measurementType": "air temperature", "measurementValue": "21.5",
                     "measurementUnit": "deg C", "measurementMethod": "thermometer"},
    ("open", "a"): {"measurementID": "m1", "measurementType": "wing length", "measurementValue": "251", "measurementUnit": "mm",
                    "measurementDeterminedBy": "Noy", "measurementMethod": "ruler", "measurementRemarks": "left wing"},
}  # fmt: skip


def archive(path, core, *extensions):
    """Write an archive of tables: kind → rows, the first cell of which is the row of the core."""
    described, files = [], {}
    for number, (kind, rows) in enumerate((core, *extensions)):
        name, row_type, terms = MEMBERS[kind]
        own = terms.split() if number else terms.split()[1:]
        tag, key = ("extension", "coreid") if number else ("core", "id")
        fields = "".join(f'<field index="{n}" term="{DWC}{term}"/>' for n, term in enumerate(own, 1))
        first = "" if number else f'<field index="0" term="{DWC}{terms.split()[0]}"/>'
        described.append(
            f'<{tag} encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" ignoreHeaderLines="1" '
            f'rowType="{row_type}"><files><location>{name}</location></files><{key} index="0"/>{first}{fields}</{tag}>'
        )
        files[name] = "".join(",".join(row) + "\n" for row in (("id", *own), *rows))
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("meta.xml", f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(described)}</archive>')
        for name, text in files.items():
            made.writestr(name, text)
    return path


def out(settings, path):
    pipeline.release(settings)
    export(releases.current(settings.data).path, Format.DWCA, ASKED, path)
    return path


def lines(path, member):
    with zipfile.ZipFile(path) as found:
        return list(csv.DictReader(io.StringIO(found.read(member).decode()), delimiter="\t"))


def measured(path, member="extendedmeasurementorfact.txt"):
    told = lines(path, member)
    return {
        (row["coreid"].partition(":")[2], row.get("occurrenceID") or None): {k: v for k in FIELDS if (v := row[k])}
        for row in told
    }, len(told)


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    made = archive(folder / "in.zip", ("events", EVENTS), ("records", RECORDS), ("measured", MEASURED))
    first, second = (Settings(data=folder / name, memory_limit="500MB") for name in ("first", "second"))
    reports = pipeline.ingest("dwca", [made], first, dataset="village")
    before = out(first, folder / "before.zip")
    pipeline.ingest("dwca", [before], second)
    return first, before, out(second, folder / "after.zip"), reports


def test_they_come_out_as_they_came_in_and_nothing_of_a_sensitive_place(trip):
    settings, before, after, _ = trip
    assert measured(before) == measured(after) == (TOLD, 2)
    with zipfile.ZipFile(before) as found:
        assert not [name for name in found.namelist() if b"planted" in found.read(name)]
    content = releases.current(settings.data).path.read_bytes()
    for hidden in (b"planted", b"harimau", b"tiger", b"17.25", b"as Noy saw"):
        assert hidden not in content


def test_the_report_tells_which_stay_inside(trip):
    (note,) = [note for report in trip[3] for note in report.notes if "measurements" in note]
    assert note.startswith("2 of 4 measurements of events are kept and not published")
    assert "jejak harimau, tiger sign count" in note


def test_the_service_tells_them_as_gbif_does(trip):
    with TestClient(create_app(trip[0]), base_url="http://test") as client:
        found = client.get("/v1/occurrence/search", params={"limit": 10}).json()["results"]
        assert [record["facts"] for record in found if record["facts"]] == [
            [{"id": "m1", "type": "wing length", "value": "251", "unit": "mm", "determinedBy": "Noy", "method": "ruler", "remarks": "left wing"}]
        ]  # fmt: skip
        for path in ("/v1/occurrence/search?limit=10", "/ogc/collections/surveys/items?f=json"):
            assert "planted" not in client.get(path).text


def test_a_core_of_records_has_darwin_cores_own_table(tmp_path):
    rows = [row[1:] for row in RECORDS]
    told = [(record, *rest) for _, _, *rest in MEASURED[3:4] for record in ["a"]]
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    made = archive(tmp_path / "in.zip", ("records", rows), ("measured", [("a", "", *told[0][1:])]))
    pipeline.ingest("dwca", [made], settings, dataset="village")
    before = out(settings, tmp_path / "before.zip")
    ((_, fields),) = measured(before, "measurementorfact.txt")[0].items()
    # Beside a presence a dataset's own numbers do not go out.
    assert fields == {name: text for name, text in TOLD["open", "a"].items() if name != "measurementID"}


def let_out(rules=None, **row):
    frame = pl.DataFrame({"datasetKey": ["d"], "eventID": ["E1"], "measurements": [read(json.dumps([row]))]})
    (told,) = let_out_of_events(frame, rules or RuleSet.read(None), boundaries=load_boundaries())
    return (items(told) or [None])[0]


@pytest.mark.parametrize(("kind", "value", "unit"), [
    ("Dissolved Oxygen", "6.7", "mg/L"), ("pH", "8.2", "no unit"), ("Nitrates", "< 0.01", "mg/L"), ("waterTemperature", "28.5731", "degC"),
    ("wind_direction", "north east", ""), ("Canopy cover", "60", "%"), ("水温", "21,5", "°C"), ("nhiệt độ", "30", "°C"),
    ("อุณหภูมิ", "๓๐", "°C"), ("Massive Coral", "0.99", "percent"), ("Seagrass", "12", "percent cover"), ("Acropora Table", "3", "percent"),
    ("Conductivity", "52300", "µS/cm"), ("weather", "sunny", ""),
])  # fmt: skip
def test_water_weather_and_ground_are_told(kind, value, unit):
    told = let_out(measurementType=kind, measurementValue=value, measurementUnit=unit)
    assert told is not None
    assert told["measurementValue"] == value


@pytest.mark.parametrize(("kind", "value", "unit"), [
    ("tiger sign count", "3", ""), ("Number of species", "5", ""), ("total", "17", ""), ("Total count", "17", "individuals"),
    ("jejak harimau", "1", ""), ("长臂猿 群数", "2", ""), ("ช้างป่า", "1", ""), ("dấu chân voi", "1", ""), ("elephant dung", "2", "percent"),
    ("Elephas", "2", "percent"), ("Panthera tigris", "1", "percent"), ("Massive Coral", "4", "individuals"), ("Coral", "4", ""),
    ("latitude", "21.2", "deg"), ("elevation", "1400", "m"), ("water depth", "3", "m"), ("temperature", "gibbons near", "deg C"),
    ("temperature", "30", "tigers"), ("", "3", "m"), ("температура гиббон", "3", "m"), ("temperature", "", "deg C"),
    ("Τiger temperature", "3", ""), ("soil tigertrack", "3", "%"),
])  # fmt: skip
def test_what_may_tell_an_animal_or_a_place_is_not(kind, value, unit):
    row = {"measurementType": kind, "measurementValue": value, "measurementUnit": unit}
    assert let_out(**row) is None
    assert kept_inside([row]).total() == 1 or kind in ("Elephas", "elephant dung"), "by its words, or by the rules"


def test_fields_with_other_words_are_left_out():
    assert let_out(
        measurementType="salinity", measurementValue="35", measurementUnit="ppm", measurementDeterminedBy="Noy", measurementMethod="beside the tiger's den",
        measurementRemarks="at 21.2345 101.3456", measurementID="tiger-7", measurementDeterminedDate="2015-03", measurementTypeID="http://x.org/tiger",
        measurementUnitID="http://vocab.nerc.ac.uk/collection/P06/current/UPPM/",
    ) == {"measurementType": "salinity", "measurementValue": "35", "measurementUnit": "ppm",
          "measurementDeterminedDate": "2015-03",
          "measurementUnitID": "http://vocab.nerc.ac.uk/collection/P06/current/UPPM/"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_told"), [("E1:BOD", True), ("E1-7", True), ("E1:tiger", False), ("E1:21.2345", False), ("E1:520123", False), ("m1", False)]
)  # fmt: skip
def test_an_identifier_is_told_where_it_is_the_events_own(name, is_told):
    told = let_out(measurementType="pH", measurementValue="7", measurementID=name)
    assert ("measurementID" in told) == is_told


def test_a_taxon_that_a_rule_hides_is_told_of_no_ground(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text(
        "rule_id,scientificName,category,reason\ncorals,Scleractinia,withheld,collected\n", encoding="utf-8"
    )
    row = {"measurementType": "Massive Coral", "measurementValue": "0.99", "measurementUnit": "percent"}
    assert let_out(**row) is not None
    assert let_out(RuleSet.read(path), **row) is None
    assert let_out(RuleSet.read(path), **row | {"measurementType": "Rubble"}) is not None


@given(st.one_of(st.text(), st.just("[" * 100_000),
                 st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))  # fmt: skip
def test_a_column_of_that_name_that_holds_anything_else_is_none(text):
    told = items(read(text))
    assert all(set(row) <= set(FIELDS) for row in told)
    frame = pl.DataFrame(
        {"datasetKey": ["d"], "eventID": [None], "measurements": [text]}, schema_overrides={"eventID": pl.String}
    )
    assert let_out_of_events(frame, RuleSet.read(None), boundaries=load_boundaries()).null_count() == 1
