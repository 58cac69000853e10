import gc
import json

import polars as pl
import pytest
from dwca.read import DwCAReader

from biodata.core.errors import InputError
from biodata.formats.xml import local_term
from biodata.ingest import open_source
from zips import zip_of

DWC = "http://rs.tdwg.org/dwc/terms/"


def tables(path, **choices):
    return [(table, list(table.batches)) for table in open_source("dwca", [path], **choices).read()]


def only(path, **choices):
    ((table, frames),) = tables(path, **choices)
    return table, pl.concat(frames)


def with_events(path, **choices):
    """Return the events' table and frame, and the occurrences'."""
    (events, event_frames), (table, frames) = tables(path, **choices)
    assert (events.kind, table.kind) == ("events", "occurrences")
    return events, pl.concat(event_frames) if event_frames else None, table, pl.concat(frames)


def packed(path, meta, **files):
    """Write a zip of texts (a name for `a.txt` is `a`) with their description."""
    path.write_bytes(zip_of({**{f"{name}.txt": text for name, text in files.items()}, "meta.xml": meta}))
    return path


def refused(path):
    with pytest.raises(InputError) as caught:
        tables(path)
    assert "\n" not in str(caught.value)
    return caught.value


def event_archive(folder, *, events, occurrences, core="Event", fields=("eventID", "eventDate", "country", "type")):
    """Write an unpacked archive of events with their occurrences."""
    folder.mkdir(exist_ok=True)
    (folder / "event.txt").write_text("id\t" + "\t".join(fields) + "\n" + events, encoding="utf-8")
    (folder / "occurrence.txt").write_text(
        "id\toccurrenceID\teventDate\tscientificName\n" + occurrences, encoding="utf-8"
    )
    told = "".join(f'<field index="{n}" term="{DWC}{name}"/>' for n, name in enumerate(fields, 1))
    (folder / "meta.xml").write_text(
        f"""<archive xmlns="http://rs.tdwg.org/dwc/text/">
        <core fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{DWC}{core}">
          <files><location>event.txt</location></files><id index="0"/>{told}
        </core>
        <extension fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{DWC}Occurrence">
          <files><location>occurrence.txt</location></files><coreid index="0"/>
          <field index="1" term="{DWC}occurrenceID"/><field index="2" term="{DWC}eventDate"/>
          <field index="3" term="{DWC}scientificName"/>
        </extension></archive>""",
        encoding="utf-8",
    )
    return folder


# python-dwca-reader reads the same

ARCHIVES = ("python-dwca-reader/dwca-simple-test-archive.zip",
            "python-dwca-reader/dwca-simple-test-archive-enclosed.zip", "python-dwca-reader/dwca-simple-subdir.zip",
            "python-dwca-reader/dwca-simple-dir", "python-dwca-reader/dwca-csv-quote-dir",
            "python-dwca-reader/dwca-metadata-windows1252-encoding", "python-dwca-reader/dwca-noheaders-1.zip",
            "python-dwca-reader/dwca-noheaders-2.zip", "python-dwca-reader/dwca-nometadata.zip",
            "python-dwca-reader/dwca-default-metadata-filename.zip", "python-dwca-reader/dwca-test-default.zip",
            "python-dwca-reader/dwca-partial-default.zip", "python-dwca-reader/dwca-utf8-eol-test.zip",
            "python-dwca-reader/dwca-star-test-archive.zip", "python-dwca-reader/dwca-2extensions.zip",
            "python-dwca-reader/dwca-ids.zip", "python-dwca-reader/dwca-orphaned-rows.zip",
            "python-dwca-reader/dwca-simple-csv.zip", "python-dwca-reader/dwca-simple-csv-eml.zip",
            "python-dwca-reader/dwca-simple-csv-dos.zip", "python-dwca-reader/dwca-simple-csv-notenclosed.zip",
            "python-dwca-reader/gbif-results.zip", "python-dwca-reader/gbif-results-lacks-s-metadata.zip",
            "python-dwca-reader/gbif-results-whitespace-in-xml.zip", "gbif_downloads/0000066-140928181241064.zip")  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the other reader leaves files open
@pytest.mark.parametrize("name", ARCHIVES, ids=lambda name: name.split("/")[1].removesuffix(".zip"))
def test_python_dwca_reader_finds_the_same_rows(shared, name):
    path = shared / "suites/dwca" / name
    gc.freeze()  # what all other tests left need not be looked through each time
    with DwCAReader(str(path)) as reader:
        told = [{local_term(term).lower(): value or None for term, value in row.data.items()} for row in reader]
        # A simple archive has no identifiers, and a field may describe their column.
        ids = [row.id for row in reader] if reader.descriptor is not None else None
    gc.collect()
    gc.unfreeze()
    table, frame = only(path)
    assert table.refusals == []
    assert frame.height == len(told)
    names = {column: column.lower() for column in frame.columns}
    if ids is not None and "id" in frame.columns:
        assert frame["id"].to_list() == [id_ or None for id_ in ids]
        frame = frame.drop("id")
    own = ("source_file", "source_row", "multimedia_extension")  # the last is of another table of the archive
    assert frame.drop(own, strict=False).rename(names, strict=False).to_dicts() == told


def test_an_extension_without_its_file_is_refused_as_gbif_refuses_it(shared):
    error = refused(shared / "suites/dwca/python-dwca-reader/dwca-missing-extension-details")
    assert "archive/extension[1]/files/location: is missing" in str(error)


@pytest.mark.parametrize(("name", "rows", "repairs"), [
    ("dwca-invalid-lacks-metadata", 2, {"METADATA_MISSING": 1}),
    ("dwca-invalid-simple-toomuch.zip", 3, {"FILE_UNUSED": 1}),
    ("dwca-invalid-simple-two.zip", 3, {"FILE_UNUSED": 1}),
    ("dwca-malformed-descriptor", 4, {"ROW_CELLS_MISSING": 4}),
    ("dwca-meta-default-values", 2, {"META_SEPARATOR_WRONG": 1}),
    ("dwca-simple-test-archive.tgz", 2, {}),
])  # fmt: skip
def test_what_gbif_reads_is_read_and_what_is_mended_is_named(shared, name, rows, repairs):
    table, frame = only(shared / "suites/dwca/python-dwca-reader" / name)
    assert (frame.height, table.refusals) == (rows, [])
    assert {one.code: one.count for one in table.repairs} == repairs


def test_what_a_description_tells_of_the_dataset(shared):
    (path,) = (shared / "data/griis_asean_china/zip").glob("*Laos*")
    table, frame = only(path)
    assert (table.kind, frame.height) == ("taxa", 297)
    assert table.dataset.key == "cb587c48-7c65-41a0-a8aa-e568584a1400"
    assert table.dataset.title == "Global Register of Introduced and Invasive Species - Laos"
    assert table.dataset.license == "http://creativecommons.org/licenses/by/4.0/legalcode"
    assert table.dataset.metadata.startswith("<eml:eml")


def test_a_windows_1252_description(shared):
    table, _ = only(shared / "suites/dwca/python-dwca-reader/dwca-metadata-windows1252-encoding")
    assert "<surName>Noé</surName>" in table.dataset.metadata


def test_real_occurrences_take_what_their_event_tells(shared):
    _, events, table, frame = with_events(shared / "suites/dwca/event_example")
    assert (events.height, frame.height) == (1, 3)
    assert len(json.loads(events["resource_relationship"][0])) == 6
    assert [json.loads(told)[0]["measurementValue"] for told in frame["measurements"]] == ["250", "50", "55"]
    assert [told is not None for told in frame["multimedia_extension"]] == [True, False, False]
    kept = {note.partition(" are kept beside")[0] for note in table.notes}
    assert kept == {"6 rows of resource_relationship"}
    assert frame["occurrenceID"].to_list() == ["tuco1", "tuco2", "tuco3"]
    assert set(frame["eventID"]) == {"event1"}
    assert set(frame["type"]) == {"Event"}  # the occurrence's own
    assert "coreid" not in frame.columns
    assert "id" not in frame.columns


def test_an_occurrence_keeps_its_own_words(tmp_path):
    path = event_archive(
        tmp_path / "events",
        events="e1\te1\t2019-07-04\tLaos\tEvent\ne2\te2\t2020\t\tEvent\n",
        occurrences="e1\to1\t\tPanthera tigris\ne1\to2\t2019-07-05\tCuon alpinus\ne2\to3\t\tBos gaurus\ne9\to4\t\tOrphan\n",
    )
    _, events, table, frame = with_events(path)
    assert table.refusals == []
    assert events["eventID"].to_list() == ["e1", "e2"]
    assert frame.select("source_row", "occurrenceID", "eventDate", "country", "eventID").rows() == [
        (2, "o1", "2019-07-04", "Laos", "e1"), (3, "o2", "2019-07-05", "Laos", "e1"), (4, "o3", "2020", None, "e2"),
        (5, "o4", None, None, "e9"),
    ]  # fmt: skip
    assert "type" not in frame.columns  # an event's type is not its occurrences'


@pytest.mark.parametrize(("events", "count", "occurrences", "found", "refused_row"), [
    pytest.param("e1\te1\t2019\tLaos\t\ne1\te1\t2020\tLaos\t\n", 2, "e1\to1\t\tPanthera tigris\n",
                 [("o1", "2019", "e1")], None, id="one that stands twice doubles no occurrence"),
    pytest.param("e1\te1\t2019\tLaos\tEvent\tmoved\n", None, "e1\to1\t\tPanthera tigris\n",
                 [("o1", None, "e1")], 2, id="a broken one is told among the refusals"),
    pytest.param("e1\te1\t2019\tLaos\tEvent\ne2\te2\t2020\tLaos\tEvent\tmoved\n", 1,
                 "e1\to1\t\tPanthera tigris\ne2\to2\t\tCuon alpinus\n",
                 [("o1", "2019", "e1"), ("o2", None, "e2")], 3, id="one whose row does not fit"),
    pytest.param("", None, "e1\to1\t2020\tPanthera tigris\n", [("o1", "2020", "e1")], None, id="no rows"),
])  # fmt: skip
def test_odd_events_double_and_lose_no_occurrence(tmp_path, events, count, occurrences, found, refused_row):
    table, read, _, frame = with_events(event_archive(tmp_path / "events", events=events, occurrences=occurrences))
    assert (None if read is None else read.height) == count
    assert frame.select("occurrenceID", "eventDate", "eventID").rows() == found
    told = [] if refused_row is None else [("events/event.txt", refused_row, "ROW_FIELD_COUNT")]
    assert [(r.file, r.row, r.code) for r in table.refusals] == told


def test_taxa_with_occurrences_give_both(tmp_path):
    path = event_archive(tmp_path / "taxa", core="Taxon", fields=("scientificName", "family", "country"),
                         events="t1\tPanthera tigris\tFelidae\t\n", occurrences="t1\to1\t2020\t\n")  # fmt: skip
    (taxa, _), (occurrences, frames) = tables(path)
    assert (taxa.kind, occurrences.kind) == ("taxa", "occurrences")
    assert frames[0].select("taxonID", "scientificName", "family").rows() == [("t1", "Panthera tigris", "Felidae")]


def test_events_alone_are_effort(tmp_path):
    folder = event_archive(tmp_path / "events", events="e1\te1\t2019\tLaos\tEvent\n", occurrences="")
    meta = (folder / "meta.xml").read_text(encoding="utf-8")
    (folder / "meta.xml").write_text(meta.partition("<extension")[0] + "</archive>", encoding="utf-8")
    table, frame = only(folder)
    assert (table.kind, frame["eventID"].to_list()) == ("events", ["e1"])


def test_an_archive_may_be_declared_complete(shared):
    path = shared / "suites/dwca/python-dwca-reader/dwca-simple-dir"
    assert [only(path, options=options)[0].complete for options in ({}, {"complete": "yes"})] == [False, True]


def test_the_dataset_key_that_is_given_wins(shared):
    (path,) = (shared / "data/griis_asean_china/zip").glob("*Laos*")
    assert only(path, dataset="griis-laos")[0].dataset.key == "griis-laos"


def test_an_encoding_that_meta_xml_tells_wrong(tmp_path):
    path = event_archive(tmp_path / "events", events="e1\te1\t2019\tLaos\t\n", occurrences="e1\to1\t\tx\n")
    (path / "occurrence.txt").write_text("h\th\th\th\ne1\to1\t\tMusée\n", encoding="cp1252")
    assert refused(path).code == "INPUT_ENCODING_WRONG"
    assert with_events(path, options={"encoding": "cp1252"})[3]["scientificName"].to_list() == ["Musée"]


def test_a_core_in_two_files(tmp_path):
    meta = (
        f'<archive><core rowType="{DWC}Occurrence"><files><location>a.txt</location><location>b.txt</location>'
        f'<location>c.txt</location></files><id index="0"/><field index="1" term="{DWC}scientificName"/></core></archive>'
    )
    files = {"a": "1,Panthera tigris\n2,Cuon alpinus\n", "b": "3,Bos gaurus\n4\n5,Cuon alpinus,moved\n", "c": ""}
    table, frame = only(packed(tmp_path / "records.zip", meta, **files))
    assert frame.rows() == [("records.zip/a.txt", 1, "1", "Panthera tigris"),
                            ("records.zip/a.txt", 2, "2", "Cuon alpinus"), ("records.zip/b.txt", 1, "3", "Bos gaurus"),
                            ("records.zip/b.txt", 2, "4", None)]  # fmt: skip
    assert [(r.file, r.row) for r in table.refusals] == [("records.zip/b.txt", 3)]
    assert [(one.file, one.code, one.count) for one in table.repairs] == [("records.zip/b.txt", "ROW_CELLS_MISSING", 1)]


def test_two_terms_of_one_name_keep_apart(tmp_path):
    meta = (
        f'<archive><core rowType="{DWC}Occurrence"><files><location>a.txt</location></files><id index="0"/>'
        f'<field index="1" term="{DWC}locality"/><field index="2" term="https://example.org/locality"/></core></archive>'
    )
    _, frame = only(packed(tmp_path / "records.zip", meta, a="1,from dwc,from elsewhere\n"))
    assert frame.columns[2:] == ["id", "locality", "https://example.org/locality"]
    assert frame.row(0)[3:] == ("from dwc", "from elsewhere")


def of_lines(folder, lines, *, ignored):
    """Return an archive of one table of an identifier, a name and a date; so many of its lines are headings to meta.xml."""
    meta = (
        f'<archive><core fieldsTerminatedBy="\\t" ignoreHeaderLines="{ignored}" rowType="{DWC}Occurrence"><files>'
        f'<location>a.txt</location></files><id index="0"/><field index="1" term="{DWC}scientificName"/>'
        f'<field index="2" term="{DWC}eventDate"/></core></archive>'
    )
    return packed(folder / "records.zip", meta, a="\n".join(lines) + "\n")


@pytest.mark.parametrize(("lines", "lost"), [
    pytest.param(["1\tPanthera tigris\t2024-03-01", "2\tCuon alpinus\t2024-03-02"], [1], id="records alone"),
    pytest.param(["a\tCuon alpinus\tin March", "b\tCuon alpinus\tin May"], [1], id="told by a name that comes again"),
    pytest.param(["1\tPanthera tigris\t2024-03-01"], [1], id="one record, which is all there is"),
    pytest.param(["id\tscientificName\teventDate", "1\tCuon alpinus\t2024-03-02"], [], id="names of terms"),
    pytest.param(["编号\t物种\t日期", "1\tCuon alpinus\t2024-03-02"], [], id="headings in Chinese"),
    pytest.param(["x\tdwc:Scientific_Name\t1", "1\tCuon alpinus\t2024-03-02"], [], id="a term with its prefix"),
])  # fmt: skip
def test_a_record_that_stands_where_the_headings_were_is_refused_not_passed_over(tmp_path, lines, lost):
    ((table, frames),) = tables(of_lines(tmp_path, lines, ignored=1))
    assert sum(frame.height for frame in frames) == len(lines) - 1
    assert [(one.row, one.code) for one in table.refusals] == [(row, "HEADING_LOST") for row in lost]


@pytest.mark.parametrize(("lines", "headings"), [
    pytest.param(["id\tscientificName\teventDate", "1\tCuon alpinus\t2024-03-02"], [1], id="names of the terms"),
    pytest.param(["id\tspecies\tdate", "1\tCuon alpinus\t2024-03-02"], [], id="other names, which may be a record"),
    pytest.param(["1\tCuon alpinus\t2024-03-02"], [], id="none"),
])  # fmt: skip
def test_headings_of_which_meta_xml_tells_nothing_are_no_record_and_told(tmp_path, lines, headings):
    ((table, frames),) = tables(of_lines(tmp_path, lines, ignored=0))
    assert sum(frame.height for frame in frames) == len(lines) - len(headings)
    assert frames[0]["source_row"][0] == 1 + len(headings)
    found = [(one.row, one.code, one.by_rule) for one in table.refusals]
    assert found == [(row, "HEADING_ROW_REPEATED", True) for row in headings]


def test_several_lines_of_headings_one_of_them_empty(tmp_path):
    lines = ["Survey of 2020", "", "id\tscientificName\teventDate", "1\tCuon alpinus\t2024-03-02", "2\tBos gaurus"]
    table, frame = only(of_lines(tmp_path, lines, ignored=3))
    assert frame.select("source_row", "id", "scientificName", "eventDate").rows() == [
        (4, "1", "Cuon alpinus", "2024-03-02"), (5, "2", "Bos gaurus", None),
    ]  # fmt: skip
    assert table.refusals == []


def test_the_mark_of_databases_for_nothing_is_nothing(tmp_path):
    table, frame = only(of_lines(tmp_path, ["1\tCuon alpinus\t\\N", "2\t\\N\t2024"], ignored=0))
    assert frame.select("scientificName", "eventDate").rows() == [("Cuon alpinus", None), (None, "2024")]
    assert [(one.code, one.count) for one in table.repairs] == [("CELL_NULL_MARKER", 2)]
