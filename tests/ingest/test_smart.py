"""SMART patrols: wildlife and effort come in; law enforcement, people, tracks and free text never do."""

import re
import tracemalloc
from pathlib import Path

import duckdb
import polars as pl
import pyproj
import pytest

import patrols
from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats import xml
from biodata.ingest import open_source, smart_patrols
from biodata.store.lake import Lake
from biodata.store.sharing_rules import RuleContent
from case_tables import cases

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "survey_exports" / "smart_patrol_sample.xml"
TIGER = patrols.observation("animals.liveanimals.")
SNARE = patrols.observation("threat.snares.", more="")


def read(tmp_path, content, **options):
    """Return the events, the records and both tables of a file."""
    path = tmp_path / "patrol.xml"
    path.write_bytes(content)
    found = [(table, list(table.batches)) for table in open_source("smart", [path], options=options).read()]
    (days, events), (seen, records) = found
    return pl.concat(events) if events else None, pl.concat(records) if records else None, days, seen


def spotted(tmp_path, *observations, **options):
    """Return what is read of a day with one waypoint."""
    return read(tmp_path, patrols.patrol(patrols.day(patrols.waypoint(1, (101.33, 21.22), *observations))), **options)


def refused(tmp_path, content, **options):
    with pytest.raises(InputError) as caught:
        read(tmp_path, content, **options)
    assert not any(secret in str(caught.value) for secret in patrols.SECRETS)
    return caught.value.code


WILDLIFE = """wildlife-mammal wildlife-bird animals.liveanimals. marine.wildlife.turtle animals.animalsigns.dung
 fauna.avistamientos. satwa.perjumpaan.langsung satwaliar.jejak 野生动物.痕迹 สัตว์ป่า.ร่องรอย ສັດປ່າ.ຮ່ອງຮອຍ សត្វព្រៃ.ដាន
 တိရစ္ဆာန်.ခြေရာ hayop.bakas faune.observationsdirectes haiwan.kesan animals.direct_sighting.2""".split()
LEFT_OUT = """threat-logging threat wildlifecrime wildlife.crime animals.snares. animals.poached animals.carcass people
 humanactivity arrests weapons confiscateditems animals.confiscated illegalactivities.hunting position observation tracks
 signs.human 盗猎 野生动物.盗猎 人员 การล่าสัตว์ สัตว์ป่า.ล่า perburuan satwa.jerat satwa.perburuan sanban bẫy.thú vật
 fishing.boat community.meeting infrastructure. wildlifetrade animalproducts . - 0""".split()


@pytest.mark.parametrize("category", [*WILDLIFE, "Động vật hoang dã.Dấu vết"])
def test_a_category_of_wildlife_comes_in(category):
    assert smart_patrols.category_is_wildlife(category)


@pytest.mark.parametrize("category", [*LEFT_OUT, "", "x" * 10_000, "bird " * 1000])
def test_any_other_category_stays_out(category):
    assert not smart_patrols.category_is_wildlife(category)


@pytest.mark.parametrize("told", ["animals.carcass", "patrulla|threat.snares", "ล่าสัตว์", "盗猎", "weapons"])
def test_nobody_can_declare_law_enforcement_to_be_wildlife(told, tmp_path):
    with pytest.raises(InputError) as caught:
        open_source("smart", [tmp_path], options={"categories": told})
    assert caught.value.code == "OPTION_UNFIT"
    assert told not in str(caught.value)


def test_a_declared_category_comes_in(tmp_path):
    unknown = patrols.observation("zzz.qqq.")
    assert spotted(tmp_path, unknown)[1] is None
    assert spotted(tmp_path, unknown, categories="zzz.qqq")[1].height == 1


def test_the_public_sample_gives_two_animals_and_the_hours_of_a_day():
    if not SAMPLE.exists():
        pytest.skip("the shared sample is not on this machine")
    (days, events), (seen, records) = [(t, pl.concat(t.batches)) for t in open_source("smart", [SAMPLE]).read()]
    assert (days.kind, seen.kind) == ("events", "occurrences")
    found = events.select("eventDate", "eventDurationValue", "design", "samplingEffortValue").rows()
    assert found == [("2024-01-15", "7.5", "sign_transect", None)]
    assert records["vernacularName"].to_list() == ["jaguar", "harpy-eagle"]
    assert records["scientificName"].null_count() == 2
    assert records["individualCount"].to_list() == ["2", "1"]
    assert records["eventID"].unique().to_list() == events["eventID"].to_list()
    assert any(note.startswith("1 observations stay out") for note in seen.notes)
    assert not any(word in str([*days.notes, *seen.notes]) for word in ("logging", "threat", "harpy"))


@pytest.mark.parametrize(
    "namespace", [patrols.NAMESPACE, "http://www.smartconservationsoftware.org/xml/1.2/patrol", "urn:x"]
)
@pytest.mark.parametrize("groups", [True, False], ids=["groups", "no groups"])
def test_every_version_of_the_form_is_read(tmp_path, namespace, groups):
    spot = patrols.waypoint(1, (101.33, 21.22), TIGER, SNARE, groups=groups)
    _, records, _, _ = read(tmp_path, patrols.patrol(patrols.day(spot), namespace=namespace))
    row = records.row(0, named=True)
    assert records.height == 1
    assert (row["decimalLongitude"], row["decimalLatitude"], row["eventDate"]) == ("101.33", "21.22", "2026-03-01")
    assert (row["sex"], row["lifeStage"]) == (None, None)


def test_a_track_is_measured_and_told_by_coarse_cells(tmp_path):
    points = [(101.35 + n * 0.001, 21.25) for n in range(121)]  # from one cell of 0.1° into the next
    _, _, seconds = pyproj.Geod(ellps="WGS84").inv(101.35, 21.25, 101.47, 21.25)
    spot = patrols.waypoint(1, (101.45, 21.26), TIGER)
    events, records, _, _ = read(tmp_path, patrols.patrol(patrols.day(spot, geom=patrols.track(points))))
    whole, first, second = events.rows(named=True)
    assert whole["design"] is whole["samplingEffortValue"] is whole["decimalLatitude"] is None
    assert (first["decimalLongitude"], second["decimalLongitude"]) == ("101.35", "101.45")
    assert {first["parentEventID"], second["parentEventID"]} == {whole["eventID"]}
    told = float(first["samplingEffortValue"]) + float(second["samplingEffortValue"])
    assert told == pytest.approx(seconds / 1000, abs=0.11)
    assert int(first["coordinateUncertaintyInMeters"]) >= 7_000
    assert records["eventID"].to_list() == [second["eventID"]]


@pytest.mark.parametrize("order", ["<", ">"], ids=["little end first", "big end first"])
def test_a_day_in_one_cell_is_one_event(tmp_path, order):
    geom = patrols.track([(101.31, 21.21), (101.32, 21.22), (101.33, 21.21)], order=order)
    events, _, _, _ = read(tmp_path, patrols.patrol(patrols.day(geom=geom)))
    geod = pyproj.Geod(ellps="WGS84")
    km = (geod.inv(101.31, 21.21, 101.32, 21.22)[2] + geod.inv(101.32, 21.22, 101.33, 21.21)[2]) / 1000
    assert events.select("samplingEffortValue", "samplingEffortUnit", "design", "eventDurationValue").row(0) == (
        f"{km:.1f}", "km", "sign_transect", "7.5",
    )  # fmt: skip


def test_a_place_outside_the_world_gives_no_cell_and_stays_as_it_came(tmp_path):
    spot = patrols.waypoint(1, (712345.0, 2345678.0), TIGER)
    events, records, _, _ = read(tmp_path, patrols.patrol(patrols.day(spot)))
    assert events["decimalLatitude"].to_list() == [None]
    assert records["decimalLongitude"].to_list() == ["712345.0"]


@pytest.mark.parametrize("transport", ["Vehicle", "Somchai", "", "foot and boat"])
def test_only_what_is_surely_on_foot_has_a_design(tmp_path, transport):
    events, _, _, _ = read(tmp_path, patrols.patrol(patrols.day(), transport=transport))
    assert events.select("design", "samplingProtocol").row(0) == (None, "ranger patrol")


@pytest.mark.parametrize(
    "geom",
    ["zz", "00", "0101", patrols.track([(190.0, 21.0), (101.0, 21.0)]), patrols.track([(float("nan"), 1), (1, 1)]),
     "01070000000100000" * 3, "0107000000ffffffff", "010700000001000000" * 50],
    ids=["no figures", "one byte", "cut", "out of range", "no numbers", "odd", "empty", "deep"],
)  # fmt: skip
def test_a_track_that_cannot_be_read_is_counted_and_gives_no_effort(tmp_path, geom):
    events, _, days, _ = read(tmp_path, patrols.patrol(patrols.day(geom=geom)))
    assert events["samplingEffortValue"].to_list() == [None]
    assert any("1 tracks cannot be read" in note for note in days.notes)


def test_a_track_with_leaps_is_not_taken_for_effort(tmp_path):
    geom = patrols.track([(101.3, 21.2), (0, 0), (101.3, 21.2)])
    events, _, days, _ = read(tmp_path, patrols.patrol(patrols.day(geom=geom)))
    assert events["samplingEffortValue"].to_list() == [None]
    assert any("longer than can be gone" in note for note in days.notes)


def test_values_may_stand_in_attributes(tmp_path):
    seen = """<n:observations categoryKey="animals"><n:attributes key="species" stringValue="Bos gaurus"/>
        <n:attributes key="count" doubleValue="3"/><n:attributes key="leader" stringValue="Somchai"/></n:observations>"""
    _, records, _, _ = spotted(tmp_path, seen)
    assert records.select("scientificName", "individualCount").row(0) == ("Bos gaurus", "3")


@pytest.mark.parametrize(
    ("start", "end", "rest", "hours"),
    [("08:00:00", "16:00:00", "30", "7.5"), ("00:00:00", "23:59:59", "0.0", None), ("16:00:00", "08:00:00", "0", None),
     ("Somchai", "16:00", "0", None), ("08:00", "08:20", "30", None), ("08:00", "09:00", "Somchai", None)],
    ids=["with rest", "never set", "backwards", "no time", "all rest", "rest no number"],
)  # fmt: skip
def test_hours_are_told_without_rest(tmp_path, start, end, rest, hours):
    events, _, _, _ = read(tmp_path, patrols.patrol(patrols.day(start=start, end=end, rest=rest)))
    assert events["eventDurationValue"].to_list() == [hours]


def test_the_same_file_gives_the_same_identifiers_and_another_patrol_others(tmp_path):
    def ids(identifier):
        spots = [patrols.waypoint(1, (101.33, 21.22), TIGER, TIGER), patrols.waypoint(1, (101.33, 21.22), TIGER)]
        content = patrols.patrol(patrols.day(*spots), patrols.day(*spots), identifier=identifier)
        events, records, _, _ = read(tmp_path, content)
        return [*events["eventID"], *records["occurrenceID"]]

    assert ids("a") == ids("a")
    assert len(set(ids("a") + ids("b"))) == 16


MODEL = """<?xml version="1.0"?><DataModel xmlns="http://www.smartconservationsoftware.org/xml/1.0/datamodel">
<attributes><attribute key="species" type="TREE"><names language_code="en" value="Species"/>
<tree key="mammals" isactive="true"><names language_code="en" value="Mammals"/>
 <children key="tiger"><names language_code="en" value="Tiger (Panthera tigris)"/><names language_code="lo" value="ເສືອ"/></children>
 <children key="dhole"><names language_code="en" value="Dhole"/></children>
 <children key="odd"><names language_code="en" value="Panthera tigris / Panthera pardus"/></children>
</tree></attribute>
<attribute key="suspect" type="LIST"><values key="somebody"><names language_code="en" value="Somchai"/></values></attribute>
</attributes></DataModel>"""


@pytest.mark.parametrize(
    ("value", "scientific", "vernacular"), cases("smart", "test_keys_mean_what_the_data_model_says")
)
def test_keys_mean_what_the_data_model_says(tmp_path, value, scientific, vernacular):
    (tmp_path / "model.xml").write_text(MODEL)
    model = str(tmp_path / "model.xml")
    _, records, _, _ = spotted(tmp_path, patrols.observation("animals", value=value), datamodel=model)
    assert records.select("scientificName", "vernacularName").row(0) == (scientific, vernacular)


def test_the_projects_own_list_wins(tmp_path):
    (tmp_path / "list.csv").write_text("key,scientificName\nharpy-eagle,Harpia harpyja\nGreen turtle,Chelonia mydas\n")
    spots = [
        patrols.waypoint(n, (101.33, 21.22), patrols.observation("animals", value=value))
        for n, value in enumerate(("<itemKey>harpy-eagle</itemKey>", "<sValue>green turtle</sValue>"))
    ]
    _, records, _, seen = read(tmp_path, patrols.patrol(patrols.day(*spots)), species=str(tmp_path / "list.csv"))
    assert records["scientificName"].to_list() == ["Harpia harpyja", "Chelonia mydas"]
    assert seen.notes == []


@pytest.mark.parametrize(
    "value",
    ["<sValue>Somchai Jaidee</sValue>", "<itemKey>Somchai Jaidee</itemKey>", "<itemKey>0812345678</itemKey>",
     "<sValue>EMP-77431</sValue>", "<itemKey>call0812345678</itemKey>", "<n:dValue>0812345678</n:dValue>", ""],
)  # fmt: skip
def test_a_species_that_may_be_a_person_stays_out(tmp_path, value):
    _, records, _, seen = spotted(tmp_path, patrols.observation("animals", value=value))
    assert records is None
    assert len(seen.notes) == 1


def test_what_is_planted_is_found_nowhere(tmp_path, capfd, caplog):
    caplog.set_level("DEBUG")
    named = patrols.observation("animals", value="<sValue>Somchai</sValue>")
    spot = patrols.waypoint(1, (101.33, 21.22), TIGER, SNARE, named)
    odd = patrols.waypoint(2, ("Somchai", "Jaidee"), TIGER)
    geom = patrols.track([(101.31, 21.21), (101.32, 21.22)])
    hidden = patrols.day(spot, date="Somchai", start="Khamphone", end="x", rest="0812345678")
    content = patrols.patrol(patrols.day(spot, odd, geom=geom), hidden)
    (tmp_path / "patrol.xml").write_bytes(content)
    assert all(secret.encode() in content for secret in patrols.SECRETS)
    data, rows = tmp_path / "data", tmp_path / "rows.csv"
    reports = pipeline.ingest("smart", [tmp_path / "patrol.xml"], Settings(data=data), dataset="p", report_file=rows)
    assert [(r.table, r.rows, r.refused) for r in reports] == [("events", 2, 1), ("occurrences", 2, 0)]
    told = str([r.as_dict() for r in reports]) + rows.read_text() + "".join(capfd.readouterr()) + caplog.text
    for path in [path for path in data.rglob("*") if path.is_file()]:
        told += path.name + path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            told += str(duckdb.sql("FROM read_parquet(?)", params=[str(path)]).fetchall())
    # The registry has the sharing rules; some are there because their species is snared.
    for reason in {rule.reason for rule in RuleContent.bundled().rules if "snare" in rule.reason}:
        told = told.replace(reason, "")
    assert [secret for secret in (*patrols.SECRETS, geom, "snare") if secret in told] == []
    # The time of a waypoint; what the clock of this run wrote has other seconds behind it.
    assert re.findall(r"(?<![\d:])0?9:37(?::53|(?!:?\d))", told) == []
    with Lake.open(data) as lake:
        assert lake.read("occurrences")["decimalLatitude"].to_list() == [21.22, None]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<!DOCTYPE p [<!ENTITY a "Somchai">]><patrol id="a">&a;</patrol>', "XML_UNSAFE"),
        (b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><patrol id="a"/>', "XML_UNSAFE"),
        (b"<patrol id='a'>" + b"<a>" * 100_000, "XML_TOO_DEEP"),
        (b"<patrol id='a'><Somchai></Jaidee></patrol>", "XML_INVALID"),
        (b"<Somchai/>", "SMART_NOT_PATROL"),
        (b"<Waypoint x='1'/>", "SMART_NOT_PATROL"),
        (b"PK\x03\x04Somchai.jpg", "ARCHIVE_NOT_ZIP"),
        (b"<patrol name='Somchai'/>", "PATROL_ID_MISSING"),
        (b"<patrol id='a'><legs>" + b"<days date='2026-01-01'/>" * 50_001 + b"</legs></patrol>", "SMART_TOO_LARGE"),
        (b"", "XML_INVALID"),
        (b"<?xml version='1.0' encoding='Somchai'?><patrol id='a'/>", "XML_INVALID"),
        (b"<?xml version='1.0' encoding='utf-8'?><patrol id='\xff'/>", "XML_INVALID"),
    ],
    ids=["entity", "outside", "deep", "not closed", "other", "incident", "zip", "no id", "too many days", "empty",
         "encoding", "bytes"],
)  # fmt: skip
def test_a_hostile_file_gets_its_answer_and_tells_nothing(tmp_path, content, code):
    assert refused(tmp_path, content) == code


def test_many_waypoints_take_flat_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(xml, "_BLOCK_BYTES", 1 << 14)

    def peak(count):
        path = tmp_path / f"{count}.xml"
        spot = '<waypoints id="{}" x="101.33" y="21.22"><observations categoryKey="{}"><attributes attributeKey="species">' \
               '<itemKey>tiger</itemKey></attributes></observations></waypoints>'  # fmt: skip
        head = '<patrol id="a"><legs id="1"><transportType value="foot"/>'
        with path.open("w") as out:
            out.write(head)
            for start in range(0, count, 2_000):
                out.write('<days date="2026-03-01">')
                out.writelines(spot.format(n, "animals" if n % 2 else "threat") for n in range(start, start + 2_000))
                out.write("</days>")
            out.write("</legs></patrol>")
        tracemalloc.start()
        rows = sum(frame.height for table in open_source("smart", [path]).read() for frame in table.batches)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert rows == count // 2 + count // 2_000
        return most

    assert peak(4_000) < 2_000_000  # as a tree of elements it would take ten times that


def test_a_count_or_a_place_that_is_no_number_is_left_out_and_its_number_told(tmp_path):
    counted = TIGER.replace("<n:dValue>2.0</n:dValue>", "<n:sValue>~10</n:sValue>")
    days = patrols.day(patrols.waypoint(1, ("101.3", "21.0"), counted), patrols.waypoint(2, ("101,3", "21,0"), TIGER))
    _, records, _, seen = read(tmp_path, patrols.patrol(days))
    assert records.select("individualCount", "decimalLatitude").rows() == [(None, "21.0"), ("2", None)]
    assert sum("1 observations come in without their" in note for note in seen.notes) == 2


def test_a_patrol_without_a_day_is_told(tmp_path):
    events, _, days, _ = read(tmp_path, patrols.patrol())
    assert events is None
    assert days.notes == ["patrol.xml: it has no day of any patrol"]
