"""`biodata survey check`: what is said and written."""

import json
import re

import openpyxl
import pytest

from biodata.store.lake import Lake
from commands import run
from sheets import book_of

HEADINGS = ["ລະຫັດບັນທຶກ", "ວັນທີ", "ຊື່ວິທະຍາສາດ", "ລະຕິຈູດ", "ລອງຈິຈູດ"]


@pytest.fixture
def lao(tmp_path):
    path = tmp_path / "ສຳຫຼວດ.xlsx"
    rows = [["1", "2026-03-01", "Muntiacus muntjak", 21.05, 101.2], ["2", "2026-03-02", "Rusa unicolor", "21,x", 101.2]]
    book_of({"Sheet": [HEADINGS, *rows]}).save(path)
    return path


def test_a_check_writes_its_report_and_ends_with_1(lao, tmp_path):
    outs = [tmp_path / f"report.{form}" for form in ("json", "csv", "xlsx")]
    arguments = [word for out in outs for word in ("--out", out)]
    done = run("survey", "check", lao, "--language", "lo", *arguments)
    assert done.returncode == 1, done.stderr
    report = json.loads(outs[0].read_text())
    assert any(p["row"] == 3 and p["column"] == "ລະຕິຈູດ" and p["blocking"] for p in report["problems"])
    assert "ລະຕິຈູດ" in outs[1].read_text(encoding="utf-8-sig")
    assert openpyxl.load_workbook(outs[2]).worksheets[1]["D3"].comment is not None
    assert done.stdout.endswith(f"ແຖວ: {report['rows']}; ຕ້ອງແກ້: {report['blocking']}; ຄຳເຕືອນ: {report['warnings']}\n")


@pytest.mark.parametrize(("arguments", "told"), [
    (("check", "FILE", "--out", "report.pdf"), "--out"),
    (("check", "FILE", "--language", "fr"), "--language"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(lao, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    done = run("survey", *(lao if word == "FILE" else word for word in arguments))
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "report.pdf").exists()


def test_what_blocks_a_survey_at_the_service_blocks_it_by_command(tmp_path, sample_data):
    faulty, data = sample_data / "survey_with_faults.xlsx", tmp_path / "data"
    checked = json.loads(_report(tmp_path, faulty))
    done = run("ingest", "survey", faulty, "--data", data, "--dataset", "namha", "--json")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "nothing was taken in" in done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == report["stored"] + report["unchanged"] + report["refused"] == report["refused"] > 0
    wanted = [(p["sheet"], p["row"], p["column"], p["code"]) for p in checked["problems"] if p["blocking"]]
    assert [(r["sheet"], r["row"], r["column"], r["code"]) for r in report["refusals"]] == wanted
    assert {sheet for sheet, *_ in wanted} == {"occurrences"}
    with Lake.open(data) as lake:
        assert lake.count("occurrences") == lake.count("events") == 0


def test_what_is_declared_of_a_survey_no_longer_blocks_it(tmp_path):
    path = tmp_path / "thai.csv"
    path.write_text(
        "occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\n1,2569-02-06,Sus scrofa,18.5,98.9\n",
        encoding="utf-8",
    )
    refused = run("ingest", "survey", path, "--data", tmp_path / "data", "--dataset", "th", "--json")
    assert [one["code"] for one in json.loads(refused.stdout)["refusals"]] == ["RECORDED_DATE_BUDDHIST_ERA"]
    taken = run("ingest", "survey", path, "--data", tmp_path / "data", "--dataset", "th", "--option",
                "calendar=buddhist", "--json")  # fmt: skip
    assert (taken.returncode, json.loads(taken.stdout)["stored"]) == (0, 1)


def _report(folder, path):
    out = folder / "report.json"
    run("survey", "check", path, "--out", out)
    return out.read_text(encoding="utf-8")


def test_tables_of_a_download_are_told_by_their_headings_and_named_with_each_problem(sample_data, tmp_path):
    folder, names = sample_data / "wildlife_insights", ("deployments.csv", "images.csv")
    for number, name in enumerate(names):
        text = re.sub(r"(20\d\d)-\d\d-\d\d ", r"\1/31/31 ", (folder / name).read_text())
        (tmp_path / f"{number}.csv").write_text(text)
    done = run("survey", "check", tmp_path / "0.csv", tmp_path / "1.csv", "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "! 1.csv, row 2, timestamp:" in done.stdout
    assert "! 0.csv, row 2, start_date, end_date:" in done.stdout
    whole = run("survey", "check", *(folder / name for name in names), "--data", tmp_path / "data")
    assert whole.returncode == 0, whole.stdout
