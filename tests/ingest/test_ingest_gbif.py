import csv
import json
import shutil
import zipfile
from collections import Counter

import polars as pl
import pytest

from biodata.core.errors import InputError
from biodata.ingest import open_source
from case_tables import cases
from zips import zip_of

HEADING = "gbifID\tdatasetKey\toccurrenceID\tscientificName\tdecimalLatitude\tdecimalLongitude\n"


def tables(*paths, **choices):
    return [(table, list(table.batches)) for table in open_source("gbif", list(paths), **choices).read()]


def only(path, **choices):
    ((table, frames),) = tables(path, **choices)
    return table, pl.concat(frames)


def refused(path, **choices):
    with pytest.raises(InputError) as caught:
        tables(path, **choices)
    assert "\n" not in str(caught.value)
    return caught.value


def zipped(path, members):
    path.write_bytes(zip_of(members))
    return path


def test_bovidae_from_a_mac(shared):
    path = shared / "data/occ_bovidae_gbif_raw/Gbif_raw_allBov.csv"
    table, frame = only(path)
    with path.open(encoding="mac_roman", newline="") as stream:
        told = list(csv.DictReader(stream))
    assert frame.height == 554
    assert table.refusals == []
    found = frame.drop("source_file", "source_row").to_dicts()
    assert found == [{key: value or None for key, value in row.items()} for row in told]
    assert frame["source_row"].to_list() == list(range(2, 556))
    assert "Musée Zoologique de la ville de Strasbourg" in set(frame["institutionCode"])
    assert frame["occurrenceID"].null_count() == 13


def test_elephants_without_identifiers(shared):
    _, frame = only(shared / "data/occ_elephas_maximus_gbif/elephas_maximus_gbif.csv")
    assert frame.height == 1_324
    assert frame["references"].str.starts_with("<a href='https://www.inaturalist.org").sum() > 0
    assert frame.columns[2:4] == ["acceptedScientificName", "stateProvince"]


def test_borneo_with_row_numbers(shared):
    _, frame = only(shared / "data/occ_borneo_mammals/mammals_borneo.tsv")
    assert frame.height == 6_262
    assert frame["id"].to_list() == [str(number) for number in range(1, 6_263)]
    assert frame["source_row"].to_list() == list(range(2, 6_264))
    assert set(frame["class"]) == {"Mammalia"}


def test_a_download_as_simple_csv_in_a_zip(shared):
    path = shared / "suites/dwca/gbif_downloads/0009886-250127130748423.zip"
    table, frame = only(path)
    with zipfile.ZipFile(path) as archive:
        told = archive.read("0009886-250127130748423.csv").decode().rstrip("\n").split("\n")
    assert table.name == "0009886-250127130748423.zip"
    assert set(frame["source_file"]) == {"0009886-250127130748423.zip/0009886-250127130748423.csv"}
    assert frame.height == 91
    assert frame.columns[2:] == told[0].split("\t")
    found = frame.drop("source_file", "source_row").rows()
    assert found == [tuple(value or None for value in line.split("\t")) for line in told[1:]]


@pytest.mark.parametrize("unpacked", [False, True], ids=["zip", "folder"])
def test_a_download_as_an_archive(shared, tmp_path, unpacked):
    path = shared / "suites/dwca/gbif_downloads/0000066-140928181241064.zip"
    with zipfile.ZipFile(path) as archive:
        told = archive.read("occurrence.txt").decode().rstrip("\n").split("\n")
        shown = [line.split("\t") for line in archive.read("multimedia.txt").decode().splitlines()[1:]]
        if unpacked:
            path = tmp_path / "0000066-140928181241064"
            archive.extractall(path)
    table, frame = only(path)
    assert (table.kind, frame.height, table.refusals) == ("occurrences", 470, [])
    media = dict(frame.drop_nulls("multimedia_extension").select("gbifID", "multimedia_extension").iter_rows())
    found = {key: len(json.loads(text)) for key, text in media.items()}
    assert found == Counter(key for key, *rest in shown if any(rest))
    frame = frame.drop("multimedia_extension")
    assert frame.columns[2:] == told[0].split("\t")
    seen = frame.drop("source_file", "source_row").rows()
    assert seen == [tuple(value or None for value in line.split("\t")) for line in told[1:]]
    assert set(frame["source_file"]) == {f"{path.name}/occurrence.txt"}
    assert table.dataset.title == "GBIF Occurrence Download 0000066-140928181241064"
    assert set(frame["datasetKey"]) == set(table.datasets)
    assert table.datasets["8138eb72-f762-11e1-a439-00145eb45e9a"].title == "RBINS collections"
    assert "<title>RBINS collections</title>" in table.datasets["8138eb72-f762-11e1-a439-00145eb45e9a"].metadata


@pytest.mark.parametrize(
    ("heading", "term"), cases("ingest_gbif", "test_headings_become_terms_only_where_they_surely_are")
)
def test_headings_become_terms_only_where_they_surely_are(tmp_path, heading, term):
    path = tmp_path / "records.csv"
    path.write_text(f"scientificName,{heading}\nElephas maximus,1\n", encoding="utf-8")
    table, frame = only(path)
    assert frame.columns[2:] == ["scientificName", term]
    found = dict(table.declarations)
    renamed = term != heading and "://" not in heading
    assert found == ({f"heading.{term}": heading} if renamed else {})


def test_two_headings_of_one_term_lose_nothing(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text("Latitude,decimal latitude,decimalLatitude,id\n1,2,3,4\n", encoding="utf-8")
    _, frame = only(path)
    assert frame.columns[2:] == ["Latitude", "decimal latitude", "decimalLatitude", "id"]
    assert frame.row(0)[2:] == ("1", "2", "3", "4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_in_the_encodings_of_the_region(tmp_path, encoding):
    path = tmp_path / "records.txt"
    path.write_text(HEADING + "1\tk\to1\t西黑冠长臂猿\t24.1\t101.2\n", encoding=encoding)
    assert only(path)[1]["scientificName"].to_list() == ["西黑冠长臂猿"]


def test_a_declared_encoding_and_separator(tmp_path):
    path = tmp_path / "records.txt"
    path.write_text("id|species, with author\n1|Panthera, Æ\n", encoding="cp850")
    with pytest.raises(InputError, match="no heading says which column holds a scientific name"):
        only(path, options={"encoding": "cp850", "separator": ","})
    path.write_text("id|scientificName\n1|Panthera, Æ\n", encoding="cp850")
    assert only(path, options={"encoding": "cp850", "separator": "|"})[1]["scientificName"].to_list() == ["Panthera, Æ"]


def test_the_dataset_that_is_named_on_the_command_line(tmp_path):
    path = tmp_path / "records.txt"
    path.write_text(HEADING, encoding="utf-8")
    ((table, frames),) = tables(path, dataset="elephants-2024")
    assert (table.dataset.key, table.dataset.title, frames) == ("elephants-2024", None, [])


def test_rows_add_up(tmp_path):
    path = tmp_path / "records.txt"
    path.write_text(
        HEADING + "1\tk\to1\tElephas maximus\t1\t2\n2\tk\n\n3\tk\to3\tPanthera\ttigris\t1\t2\n", encoding="utf-8"
    )
    table, frame = only(path)
    assert frame["source_row"].to_list() == [2]
    assert [(r.file, r.row, r.code) for r in table.refusals] == [
        ("records.txt", 3, "ROW_FIELD_COUNT"),
        ("records.txt", 5, "ROW_FIELD_COUNT"),
    ]


@pytest.mark.parametrize(("data", "options", "code"), [
    pytest.param(b"", {}, "INPUT_EMPTY", id="empty"),
    pytest.param(HEADING.encode(), {"encoding": "klingon"}, "INPUT_ENCODING_UNKNOWN", id="unknown encoding"),
    pytest.param(HEADING.encode() + b"1\tk\to\tMus\xe9e\t1\t2\n", {"encoding": "utf-8"}, "INPUT_ENCODING_WRONG",
                 id="wrong encoding"),
    pytest.param(HEADING.encode() + b"1\tk\to\t" + b"x" * 10_000_000 + b"\t1\t2\n", {}, "FIELD_TOO_LONG",
                 id="10 MB field"),
    pytest.param(b"a,b\n1,2\n", {}, "HEADING_UNKNOWN", id="no term in the heading"),
    pytest.param(b"id,scientificName,source_row\n1,x,2\n", {}, "HEADING_RESERVED", id="our own column"),
    pytest.param(b'{"type": "FeatureCollection"}', {}, "HEADING_UNKNOWN", id="GeoJSON"),
    pytest.param(b"PK\x03\x04 truncated", {}, "INPUT_NOT_TEXT", id="zip without its end"),
    pytest.param(HEADING.encode(), {"quote": "'"}, "OPTION_UNKNOWN", id="unknown option"),
])  # fmt: skip
def test_a_file_that_cannot_be_taken(tmp_path, data, options, code):
    path = tmp_path / "records.csv"
    path.write_bytes(data)
    assert refused(path, options=options).code == code


@pytest.mark.parametrize(("members", "code"), [
    pytest.param({"a.csv": "x", "b.csv": "x"}, "ARCHIVE_NOT_DWCA", id="two tables"),
    pytest.param({"eml.xml": "<eml/>"}, "ARCHIVE_NOT_DWCA", id="no table"),
    pytest.param({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, "ARCHIVE_NOT_DWCA", id="workbook"),
    pytest.param({"meta.xml": "<archive/>", "occurrence.txt": "x"}, "META_INVALID", id="empty description"),
    pytest.param({"../occurrence.csv": HEADING}, "ARCHIVE_UNSAFE", id="path that leads out"),
])  # fmt: skip
def test_a_zip_that_cannot_be_taken(tmp_path, members, code):
    assert refused(zipped(tmp_path / "download.zip", members)).code == code


def test_a_checklist_is_not_a_gbif_download(shared):
    path = shared / "suites/dwca/python-dwca-reader/dwca-star-test-archive.zip"
    assert refused(path).code == "ARCHIVE_NOT_GBIF"


def test_a_file_that_is_not_there(tmp_path):
    assert refused(tmp_path / "nowhere.csv").code == "FILE_MISSING"


def test_several_paths_are_read_one_after_the_other(tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(HEADING + f"{name}\tk\to\tx\t1\t2\n", encoding="utf-8")
    assert [table.name for table, _ in tables(tmp_path / "one.txt", tmp_path / "two.txt")] == ["one.txt", "two.txt"]


def test_nothing_is_written_beside_a_download(tmp_path, shared):
    path = shutil.copy(shared / "suites/dwca/gbif_downloads/0009886-250127130748423.zip", tmp_path)
    only(tmp_path / "0009886-250127130748423.zip")
    assert [str(found) for found in tmp_path.iterdir()] == [str(path)]


def test_a_zip_of_a_zip_is_refused(tmp_path):
    inner = zip_of({"occurrence.csv": HEADING})
    assert refused(zipped(tmp_path / "outer.zip", {"inner.zip": inner})).code == "ARCHIVE_UNSAFE"
