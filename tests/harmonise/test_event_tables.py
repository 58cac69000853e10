"""Events with their records from archives and from loose tables: a hierarchy, Humboldt's terms, measurements; counts equal."""

import json

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest import open_source
from biodata.store.lake import Lake

DWC, ECO = "http://rs.tdwg.org/dwc/terms/", "http://rs.tdwg.org/eco/terms/"
MEASURED = "http://rs.iobis.org/obis/terms/ExtendedMeasurementOrFact"


def read(*paths, **choices):
    return [
        (table, pl.concat(frames) if (frames := list(table.batches)) else None)
        for table in open_source("dwca", list(paths), **choices).read()
    ]


def archive(folder, core, **extensions):
    """Write an unpacked archive: a core of events and extensions, each as (row type, text with headings)."""
    folder.mkdir()
    parts = []
    for tag, file, row_type, text in [("core", "event", f"{DWC}Event", core)] + [
        ("extension", name, row_type, text) for name, (row_type, text) in extensions.items()
    ]:
        (folder / f"{file}.txt").write_text(text, encoding="utf-8")
        headings = text.splitlines()[0].split("\t")[1:]
        space = ECO if row_type == f"{ECO}Event" else DWC
        fields = "".join(f'<field index="{n}" term="{space}{name}"/>' for n, name in enumerate(headings, 1))
        mark = "id" if tag == "core" else "coreid"
        parts.append(
            f'<{tag} fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{row_type}"><files>'
            f'<location>{file}.txt</location></files><{mark} index="0"/>{fields}</{tag}>'
        )
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(parts)}</archive>'
    (folder / "meta.xml").write_text(meta, encoding="utf-8")
    return folder


CORE = """id\tparentEventID\teventDate\tdecimalLatitude\tdecimalLongitude\tcountryCode\tsamplingProtocol
project\t\t\t\t\tLA\t
site\tproject\t\t21.2\t101.3\t\t
visit\tsite\t2026-03-17\t\t\t\tline transect
walk\tvisit\t\t\t\t\tline transect
other\tvisit\t2026-03-18\t21.3\t\tCN\tline transect
circle\tcircle\t\t\t\t\t
lost\tnowhere\t\t\t\t\t
"""
HUMBOLDT = """id\ttargetTaxonomicScope\tisAbsenceReported\tsamplingEffortValue\tsamplingEffortUnit\tsamplingPerformedBy
walk\tPrimates\ttrue\t2.5\tkm\tSomebody
"""
FACTS = """id\toccurrenceID\tmeasurementType\tmeasurementValue
walk\t\twind\t3
walk\to1\tgroup spread\t40
o1\t\tgroup height\t12
nobody\t\twind\t4
"""


@pytest.fixture
def taken(tmp_path):
    return archive(
        tmp_path / "survey",
        CORE,
        occurrence=(f"{DWC}Occurrence", "id\toccurrenceID\tscientificName\nwalk\to1\tNomascus concolor\n"),
        humboldt=(f"{ECO}Event", HUMBOLDT),
        facts=(MEASURED, FACTS),
    )


def test_an_event_takes_place_and_date_from_the_nearest_event_that_tells_it(taken):
    (_, events), (_, records) = read(taken)
    told = {row["eventID"]: row for row in events.rows(named=True)}
    walk = told["walk"]
    assert (walk["eventDate"], walk["decimalLatitude"], walk["countryCode"]) == ("2026-03-17", "21.2", "LA")
    assert json.loads(walk["inherited"]) == {"place": "site", "region": "project", "date": "visit"}
    # A place is taken whole: half a place of its own is not filled with another's half.
    assert (told["other"]["decimalLatitude"], told["other"]["decimalLongitude"]) == ("21.3", None)
    assert told["project"]["inherited"] is told["circle"]["eventDate"] is told["lost"]["eventDate"] is None
    assert records.select("eventDate", "decimalLatitude", "countryCode", "samplingProtocol").row(0) == (
        "2026-03-17", "21.2", "LA", "line transect",
    )  # fmt: skip


def test_humboldts_terms_and_measurements_stand_beside_their_event_and_record(taken):
    (_, events), (table, records) = read(taken)
    walk = events.row(by_predicate=pl.col("eventID") == "walk", named=True)
    assert (walk["targetTaxonomicScope"], walk["samplingEffortValue"]) == ("Primates", "2.5")
    assert [fact["measurementType"] for fact in json.loads(walk["measurements"])] == ["wind"]
    assert [fact["measurementType"] for fact in json.loads(records["measurements"][0])] == [
        "group spread",
        "group height",
    ]
    assert table.notes == ["1 of 4 rows of measurements point at no event and no record, and are not kept"]


def test_in_the_lake_an_event_has_its_effort_and_scope_and_nobodys_name(taken, tmp_path):
    settings = Settings(data=tmp_path / "data")
    events, records = pipeline.ingest("dwca", [taken], settings, dataset="survey")
    assert (events.table, events.stored, records.stored) == ("events", 7, 1)
    with Lake.open(settings.data) as lake:
        walk = lake.read("events").row(by_predicate=pl.col("eventID") == "walk", named=True)
        told = str(lake.read("verbatim").rows())
    assert (walk["effort_value"], walk["isAbsenceReported"], walk["targetTaxonomicScope"]) == (2.5, True, ["Primates"])
    assert "Somebody" not in walk["verbatim"] + told
    assert "Primates" in told


def test_an_event_keeps_its_own_identifier_where_the_archive_points_by_another(tmp_path):
    core = "id\teventID\teventDate\n1\te1\t2026-03-17\n2\te2\t2026-03-18\n"
    records = "id\toccurrenceID\tscientificName\n2\to1\tBos gaurus\n"
    facts = "id\tmeasurementType\n1\twind\n"
    path = archive(tmp_path / "a", core, occurrence=(f"{DWC}Occurrence", records), facts=(MEASURED, facts))
    (_, events), (_, frame) = read(path)
    assert events["eventID"].to_list() == ["e1", "e2"]
    assert [told is not None for told in events["measurements"]] == [True, False]
    assert frame.select("eventID", "eventDate").rows() == [("e2", "2026-03-18")]


def test_where_events_own_identifiers_stand_twice_the_archives_are_taken(tmp_path):
    core = "id\teventID\teventDate\n1\te1\t2026-03-17\n2\te1\t2026-03-18\n"
    records = "id\toccurrenceID\tscientificName\n2\to1\tBos gaurus\n"
    (_, events), (_, frame) = read(archive(tmp_path / "a", core, occurrence=(f"{DWC}Occurrence", records)))
    assert events.select("eventID", "eventID as told").rows() == [("1", "e1"), ("2", "e1")]
    assert frame.select("eventID", "eventDate").rows() == [("2", "2026-03-18")]


EVENT_CSV = "eventID,parentEventID,eventDate,decimalLatitude,decimalLongitude\nv1,,2026-03-17,21.2,101.3\nw1,v1,,,\n"
OCCURRENCE_CSV = "occurrenceID,eventID,scientificName\no1,w1,Bos gaurus\no2,w1,Rusa unicolor\n"
EMOF_CSV = "eventID,occurrenceID,measurementType,measurementValue\nw1,o1,length,200\nw1,,wind,3\n"


def loose(folder, **tables):
    folder.mkdir()
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_loose_tables_are_known_by_their_headings(tmp_path):
    folder = loose(tmp_path / "survey", a=EMOF_CSV, b=OCCURRENCE_CSV, c=EVENT_CSV)
    one = read(folder)
    several = read(folder / "b.csv", folder / "a.csv", folder / "c.csv")
    for tables in (one, several):
        (events, event_frame), (records, frame) = tables
        assert (events.kind, event_frame.height, records.kind, frame.height) == ("events", 2, "occurrences", 2)
        assert frame["eventDate"].to_list() == ["2026-03-17"] * 2
        assert [json.loads(told)[0]["measurementType"] if told else None for told in frame["measurements"]] == [
            "length",
            None,
        ]
        assert [told is not None for told in event_frame["measurements"]] == [False, True]
        assert events.name == "survey"


@pytest.mark.parametrize(("before", "after", "code"), [
    ("eventID,", "event,", "TABLES_UNKNOWN"), ("eventDate", "eventDate,eventDate", "HEADING_REPEATED"),
])  # fmt: skip
def test_a_fault_of_one_table_is_told_by_its_file(tmp_path, before, after, code):
    lines = EVENT_CSV.split("\n")
    assert before in lines[0]
    folder = loose(tmp_path / "survey", a=OCCURRENCE_CSV, b="\n".join([lines[0].replace(before, after), *lines[1:]]))
    with pytest.raises(InputError) as caught:
        read(folder)
    assert (caught.value.code, caught.value.file) == (code, "survey/b.csv")


@pytest.mark.parametrize(
    "tables",
    [{"a": OCCURRENCE_CSV, "b": "name,telephone\nx,1\n"}, {"a": OCCURRENCE_CSV, "b": OCCURRENCE_CSV}, {"a": EVENT_CSV, "b": EVENT_CSV}],
    ids=["a stranger", "no events", "events twice"],
)  # fmt: skip
def test_tables_that_are_no_survey_are_told(tmp_path, tables):
    folder = loose(tmp_path / "survey", **tables)
    with pytest.raises(InputError) as caught:
        read(folder)
    assert caught.value.code == "TABLES_UNKNOWN"
    with pytest.raises(InputError) as caught:
        read(folder / "a.csv", folder / "b.csv")
    assert caught.value.code == "TABLES_UNKNOWN"


def test_a_real_survey_of_three_tables_goes_in_whole(shared):
    folder = shared / "data/event_liloan_mpa_ph"
    (events, event_frame), (records, frame) = read(folder)
    assert (event_frame.height, frame.height) == (64, 814)
    assert events.refusals == records.refusals == []
    assert records.notes == [], "all its measurements are of water and ground"
    facts = [json.loads(told) for told in event_frame["measurements"].drop_nulls()]
    assert sum(map(len, facts)) == pl.read_csv(folder / "emof.csv").height == 272
    told = pl.read_csv(folder / "occurrence.csv", infer_schema=False)
    assert frame.select(told.columns).equals(told)


def test_records_of_an_event_that_the_archive_lacks_are_kept_and_told(tmp_path):
    core = "id\teventDate\nwalk\t2026-03-17\n"
    records = "id\toccurrenceID\tscientificName\nwalk\to1\tBos gaurus\nlost\to2\tBos gaurus\ngone\to3\tBos gaurus\n"
    _, (table, frame) = read(archive(tmp_path / "a", core, occurrence=(f"{DWC}Occurrence", records)))
    assert frame.select("occurrenceID", "eventID", "eventDate").rows() == [
        ("o1", "walk", "2026-03-17"), ("o2", "lost", None), ("o3", "gone", None),
    ]  # fmt: skip
    (note,) = table.notes
    assert "occurrence.txt, row 3, event 'lost': 2 records point at no event" in note


EFFORTS = """id\toccurrenceID\tmeasurementType\tmeasurementValue\tmeasurementUnit
walk\t\tTransect length\t2500\tm
walk\to1\tsampling duration\t9\th
visit\t\tsampling effort\t2.5\tkm
visit\t\twind\t3\tBft
site\t\tsampling effort\t4\tobservers
project\t\tplot area\t20\tm2
project\t\tplot area\t30\tm2
other\t\tsampling duration\t10\tminutes
"""


def test_effort_among_the_measurements_of_an_event_is_taken_where_it_is_certain(tmp_path):
    path = archive(
        tmp_path / "survey",
        CORE,
        occurrence=(f"{DWC}Occurrence", "id\toccurrenceID\tscientificName\nwalk\to1\tNomascus concolor\n"),
        humboldt=(f"{ECO}Event", "id\tsamplingEffortValue\tsamplingEffortUnit\nvisit\t3\tkm\n"),
        facts=(MEASURED, EFFORTS),
    )
    (table, events), _ = read(path)
    told = {row["eventID"]: row for row in events.rows(named=True)}
    assert (told["walk"]["sampleSizeValue"], told["walk"]["sampleSizeUnit"]) == ("2500", "m")
    assert told["walk"]["eventDurationValue"] is None, "that measurement is of a record"
    assert (told["visit"]["samplingEffortValue"], told["visit"]["samplingEffortUnit"]) == ("3", "km"), (
        "as the event says"
    )
    assert told["other"]["eventDurationUnit"] == "minutes"
    assert told["site"]["samplingEffortValue"] is None, "observers are no unit of effort"
    assert "totalAreaSampledValue" not in events.columns or told["project"]["totalAreaSampledValue"] is None
    assert any(
        "sampling effort (1)" in note and "plot area (2)" in note and "kept as measurements" in note
        for note in table.notes
    )
    taken = Settings(data=tmp_path / "data")
    pipeline.ingest("dwca", [path], taken, dataset="walks")
    with Lake.open(taken.data) as lake:
        efforts = dict(lake.read("events").select("eventID", "effort_value").iter_rows())
    assert efforts["walk"] == 2.5
