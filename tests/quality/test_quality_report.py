"""`biodata quality run` on whole files: the report, and cells that mean harm."""

import csv
import json
from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from biodata import places
from biodata.cli import app
from biodata.quality import TESTS, Context
from biodata.quality.report import Collector, lines, printable

CONTEXT = Context(date(2026, 11, 24), places.load_boundaries())
HARM = "<script>alert(1)</script>"
TABLE = pl.DataFrame({
    "source_row": [2, 3, 4, 5],
    "occurrenceID": ["a", "=HYPERLINK(1)", f'"><img src=x onerror=alert(1)>{HARM}', "\x1b[31mred\u202e"],
    "datasetName": ["good", HARM, HARM, None],
    "countryCode": ["LA", "LA", "laos", "CN"],
    "decimalLatitude": ["21.3", "102", "x", "25"],
    "decimalLongitude": ["102.0", "21.3", "102", "102.7"],
    "eventDate": ["2020-01-01", "2020-02-30", "1.2.", "2021"],
    "sex": ["Male", "f", HARM, "Female"],
})  # fmt: skip


def collected(table, size=10):
    collector = Collector(CONTEXT, f"{HARM}.csv")
    for part in table.iter_slices(size):
        collector.add(part)
    return collector.report(["row 9 holds a NUL\x00"])


def test_the_report_says_what_is_wrong_and_what_is_proposed():
    report = collected(TABLE)
    assert report.rows == 4
    by_label = {row["label"]: row for row in report.tests.to_dicts()}
    assert by_label["VALIDATION_SEX_STANDARD"]["compliant"] == 2
    assert by_label["VALIDATION_SEX_STANDARD"]["not_compliant"] == 2
    assert report.datasets[0]["dataset"] == HARM
    assert {row["row"] for row in report.worst} == {2, 3, 4, 5}
    worst = next(row for row in report.worst if row["row"] == 4)
    assert {"label", "asks", "told"} == set(worst["problems"][0])
    assert any(problem["told"] == {"dwc:countryCode": "laos"} for problem in worst["problems"])
    assert {"dwc:countryCode": "LA"} in [one["proposed"] for one in worst["proposals"]]
    json.dumps(report.as_dict())


def test_batches_change_nothing():
    assert collected(TABLE, 1).as_dict() == collected(TABLE).as_dict()


def test_no_cell_can_take_control_of_the_terminal():
    told = "\n".join(lines(collected(TABLE)))
    assert "\x1b" not in told
    assert "<U+001B>[31mred<U+202E>" in told
    assert all(char.isprintable() or char == "\n" for char in told)
    assert printable("a\x00\u202eข") == "a<U+0000><U+202E>ข"


def test_a_report_on_nothing():
    report = Collector(CONTEXT, "empty.csv").report([])
    assert report.rows == 0
    assert "0 rows" in next(iter(lines(report)))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "records.tsv"
    names = [name for name in TABLE.columns if name != "source_row"]
    headings = "\t".join(f"dwc:{name}" if name in ("sex", "eventDate") else name for name in names)
    rows = ["\t".join(value or "" for value in row) for row in TABLE.select(names).iter_rows()]
    path.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return path


def test_every_test_on_every_row(table, tmp_path):
    out, report = tmp_path / "out.csv", tmp_path / "report.json"
    command = ["quality", "run", str(table), "--out", str(out), "--report", str(report)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(TESTS)
    assert [row["dataID"] for row in rows[:: len(TESTS)]] == ["2", "3", "4", "5"]
    assert json.loads(report.read_text(encoding="utf-8"))["rows"] == 4
    assert "4 rows tested" in told.output


def test_row_by_row_with_every_sign_in_the_cells(tmp_path):
    table, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    table.write_bytes(
        b"dataID,test,dwc:sex,bdqval:sourceAuthority\r\n"
        b'=1+1,VALIDATION_SEX_STANDARD,"Male\x00",\r\n'
        b'7,AMENDMENT_SEX_STANDARDIZED,"\r\nMale\x00",\r\n'
        b"-8,VALIDATION_SEX_STANDARD,Male,https://invalid/invalidservice\r\n"
    )
    told = CliRunner().invoke(app, ["quality", "run", str(table), "--test-column", "test", "--out", str(out)])
    assert told.exit_code == 0, told.output
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["dataID"] for row in rows] == ["'=1+1", "7", "'-8"]
    assert [row["Response.result"] for row in rows] == ["NOT_COMPLIANT", '{"dwc:sex":"Male"}', ""]
    assert rows[2]["Response.status"] == "EXTERNAL_PREREQUISITES_NOT_MET"


def test_rows_that_cannot_be_read_are_told_with_file_and_row(tmp_path):
    table, report = tmp_path / "rows.csv", tmp_path / "report.json"
    table.write_text("id,sex,eventDate\n1,male,2020\n2,male\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["quality", "run", str(table), "--report", str(report)])
    assert "not read: rows.csv, row 3: 2 fields where the heading has 3" in told.output
    found = json.loads(report.read_text(encoding="utf-8"))["refused"]
    assert found == ["rows.csv, row 3: 2 fields where the heading has 3"]


@pytest.mark.parametrize(("column", "message"), [
    ("test", "rows.csv, row 3, column test, value 'X': there is no such test"),
    ("tests", "rows.csv, column tests: there is no such column"),
])  # fmt: skip
def test_a_name_of_no_test_is_told_with_its_place(tmp_path, column, message):
    (table := tmp_path / "rows.csv").write_text("test,sex\nVALIDATION_SEX_STANDARD,m\nX,m\n", encoding="utf-8")
    command = ["quality", "run", str(table), "--test-column", column, "--out", str(tmp_path / "out.csv")]
    assert str(CliRunner().invoke(app, command).exception).startswith(message)
    assert not (tmp_path / "out.csv").exists()


def test_parameters_checklist_and_mistakes(table, tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("taxonID,scientificName,taxonRank\n1,Panthera tigris,species\n", encoding="utf-8")
    good = ["quality", "run", str(table), "--parameter", "earliestValidDate=2021", "--checklist", str(names)]
    told = CliRunner().invoke(app, good)
    assert told.exit_code == 0, told.output
    for wrong in ("nothing=1", "earliestValidDate"):
        refused = CliRunner().invoke(app, ["quality", "run", str(table), "--parameter", wrong])
        assert refused.exit_code == 1
        assert "NAME is one of" in str(refused.exception)
    assert CliRunner().invoke(app, ["quality", "run", str(table), "--test-column", "sex"]).exit_code == 2
