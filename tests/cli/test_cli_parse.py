"""`biodata parse`: GBIF's own cases as CSV files through the command, and what files may look like."""

import csv
import json
import re
import sys
from types import MappingProxyType

import pytest

import commands
from biodata.cli import parse_files
from biodata.cli.parse_files import parse_file
from biodata.cli.parse_kinds import READERS, Kind
from biodata.core.errors import InputError


def run(*arguments):
    return commands.run("parse", *arguments)


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def parse(tmp_path):
    """Return a function that writes rows into a CSV file and reads what `parse_file` makes of them."""

    def call(kind, headings, rows, **declared):
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([headings, *rows])
        parse_file(kind, source, target, declared=declared, progress=False)
        return read(target)

    return call


# GBIF's own cases: every one right, or the difference named

_FINER = "a day inside the month or year that stands beside it is finer; it does not contradict it"
_PARTS = "the month that stands beside it tells which number is the month"
DIFFERENCES = MappingProxyType({
    ("recordeddate", "1984", "3", None, "1984-03-22"): _FINER,
    ("recordeddate", "1984", "3", "18", "1984-03"): _FINER,
    ("recordeddate", "1984", "3", None, "1984-03-18"): _FINER,
    ("recordeddate", "1984", None, None, "1984-03-18"): _FINER,
    ("daterange", "1999", "1", None, "01/02/1999"): _PARTS,
    ("recordeddate", "2014", "2", "5", "5/2/2014"): _PARTS,
    ("recordeddate", "1499", "3", "22", None): "a date of before 1600 is doubted, and kept",
})  # fmt: skip
ENUMS = MappingProxyType({"country": Kind.COUNTRY, "basisOfRecord": Kind.BASIS_OF_RECORD,
                          "occurrenceStatus": Kind.OCCURRENCE_STATUS, "license": Kind.LICENCE, "rank": Kind.RANK,
                          "establishmentMeans": Kind.ESTABLISHMENT_MEANS, "taxStatus": Kind.TAXONOMIC_STATUS,
                          "threatStatus": Kind.THREAT_STATUS, "continent": Kind.CONTINENT})  # fmt: skip
COUNTRIES = MappingProxyType({"UNITED_KINGDOM": "GB", "DENMARK": "DK", "MONTENEGRO": "ME", "GERMANY": "DE",
                              "FAROE_ISLANDS": "FO", "CONGO_DEMOCRATIC_REPUBLIC": "CD", "ANGOLA": "AO", "TURKEY": "TR",
                              "BHUTAN": "BT", "NAMIBIA": "NA"})  # fmt: skip
DATES = ("date", "datetime", "datetime_tz", "textdate", "textdate_rangestart", "daterange", "recordeddate")
MONTHS = "JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER".split()


@pytest.fixture
def cases(shared):
    return json.loads((shared / "suites" / "gbif_parsers" / "cases.json").read_text())


def unnamed(wrong):
    """Return the cases that differ without being named."""
    return [case for case in wrong if (case["suite"], *case["args"]) not in DIFFERENCES]


@pytest.mark.parametrize("suite", ENUMS)
def test_gbifs_cases_of_controlled_values(parse, cases, suite):
    told = [case for case in cases if case["suite"] == suite]
    rows = parse(ENUMS[suite], ["id", "value"], [[at, case["args"][0]] for at, case in enumerate(told)])
    expected = [COUNTRIES.get(case.get("expect", ""), case.get("expect", "")) for case in told]
    assert unnamed(case for case, row, value in zip(told, rows, expected, strict=True) if row["parsed"] != value) == []
    assert all((row["confidence"] == "DEFINITE") == bool(row["parsed"]) for row in rows)


@pytest.mark.parametrize(("function", "headings"), [
    ("LatLng", ["latitude", "longitude"]), ("VerbatimCoordinates", ["verbatimCoordinates"]),
])  # fmt: skip
def test_gbifs_cases_of_coordinates(parse, cases, function, headings):
    told = [case for case in cases if case["suite"] == "coord" and case["fn"] == function]
    wrong = []
    for case, row in zip(told, parse("coordinates", headings, [case["args"] for case in told]), strict=True):
        place = [row["decimalLatitude"], row["decimalLongitude"]]
        right = (
            [float(part) for part in place] == pytest.approx([case["lat"], case["lon"]], abs=1e-6)
            if (case["ok"] and all(place))
            else place == ["", ""] and not case["ok"]
        )
        if not right or row["issues"] != ";".join(case["issues"]) or row["confidence"] != case.get("confidence", ""):
            wrong.append(case)
    assert unnamed(wrong) == []


def test_gbifs_cases_of_degrees_minutes_and_seconds(parse, cases):
    told = [case for case in cases if case["suite"] == "dms"]
    pairs = [["", *case["args"]] if case.get("axis") == "lon" else [*case["args"], ""][:2] for case in told]
    for case, row in zip(told, parse("dms", ["latitude", "longitude"], pairs), strict=True):
        expected = [case["lat"], case["lon"]] if case["ok"] else [None, None]
        for number, cell in zip(expected, (row["decimalLatitude"], row["decimalLongitude"]), strict=True):
            assert cell == "" if number is None else float(cell) == pytest.approx(number, abs=1e-6), case


def test_gbifs_cases_of_dates(parse, cases):
    told = [case for case in cases if case["suite"] in DATES]
    headings = ["year", "month", "day", "eventDate", "startDayOfYear", "endDayOfYear"]
    rows = [
        [*case["args"], None, None][:6] if len(case["args"]) > 1 else [None, None, None, *case["args"], None, None]
        for case in told
    ]
    read = parse("date", headings, rows)
    assert unnamed(case for case, row in zip(told, read, strict=True) if not date_is_right(case, row)) == []


def date_is_right(case, row):
    """Tell whether a date agrees with GBIF's, as far as GBIF's test tells it."""
    if "issues" in case and row["issues"] != ";".join(case["issues"]):
        return False
    if "from" in case:
        ends = [case["from"], case["to"]]
        return row["eventDate"] == ("" if None in ends else ends[0] if ends[0] == ends[1] else "/".join(ends))
    if not case["ok"]:
        return row["eventDate"] == ""
    expected = case["expect"]
    if expected is None:
        return row["eventDate"] != ""
    if isinstance(expected, str):
        numbers = [int(number.replace("_", "")) for number in re.findall(r"\b\d[\d_]*", expected)]
        return numbers == parts(row["eventDate"])[: len(numbers)] and (
            len(numbers) >= 3 or len(numbers) == len(parts(row["eventDate"]))
        )
    named = [str(MONTHS.index(part) + 1) if part in MONTHS else part for part in expected]
    day, clock = [int(part) for part in named[:3]], [int(part) for part in named[3:7] if part.isdigit()]
    return parts(row["start"]) == day and (not clock or parts(row["eventDate"])[3:] == clock[: len(clock)])


def parts(iso):
    """Return year, month, day, hour, minute, second and nanosecond of an ISO date as far as it tells them."""
    date, _, time = iso.partition("T")
    found = [int(part) for part in date.split("-") if part]
    if time:
        clock, _, fraction = re.sub(r"Z|[+-]\d{2}:\d{2}$", "", time).partition(".")
        numbers = [int(part) for part in clock.split(":")]
        found += [*numbers, *[0] * (3 - len(numbers)), int(fraction.ljust(9, "0")) if fraction else 0]
    return found


def test_the_command_itself(tmp_path):
    source, target = tmp_path / "labels.csv", tmp_path / "read.csv"
    source.write_text("\ufeffid,coordinates,note\n7,\"21°28'N, 101°34'E\",=1+1\n8,,\n", encoding="utf-8")
    done = run("coordinates", str(source), "--out", str(target))
    assert done.returncode == 0, done.stderr
    first, second = read(target)
    assert first["id"] == "7"
    assert first["note"] == "=1+1"  # as it came: verbatim data, not a sheet
    assert (first["decimalLatitude"], first["decimalLongitude"]) == ("21.466667", "101.566667")
    assert (first["issues"], first["confidence"], first["rule"]) == ("", "DEFINITE", "degrees_minutes_seconds")
    assert {second[name] for name in ("decimalLatitude", "issues", "confidence")} == {""}


@pytest.mark.parametrize(("arguments", "said"), [
    pytest.param(("colour", "in.csv"), ("colour", "basis-of-record"), id="unknown kind"),
    pytest.param(("coordinates", "in.csv"), ("in.csv", "a, b", "verbatimCoordinates"), id="no such column"),
    pytest.param(("province", "in.csv"), ("in.csv", "countryCode"), id="a province without a country"),
    pytest.param(("date", "in.csv", "--declare", "calender=buddhist"), ("calender", "calendar"), id="no such word"),
    pytest.param(("sex", "in.csv", "--declare", "unit=mu"), ("unit", "nothing"), id="nothing can be declared"),
    pytest.param(("date", "none.csv"), ("none.csv",), id="no such file"),
])  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_what_would_be_right(tmp_path, arguments, said):
    (tmp_path / "in.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    kind, file, *more = arguments
    done = run(kind, str(tmp_path / file), "--out", str(tmp_path / "out.csv"), *more)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in said), done.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("content", "row", "code", "problem"), [
    pytest.param(b"value,id\nx,1,2\n", 2, "INPUT_INVALID", "3 cells", id="a cell too many"),
    pytest.param(b'value,id\n"a\nb",1\nx\n', 4, "INPUT_INVALID", "1 cells", id="a short row behind a long one"),
    pytest.param(b'id,value\n1,"a\n2,b\n', 2, "QUOTE_NOT_CLOSED", "a quoted field is not closed", id="quote"),
    pytest.param(b'id,value\n1,a\n2,"', 3, "QUOTE_NOT_CLOSED", "not closed", id="a quote at the very end"),
    pytest.param(b'"id,value\n1,a\n', 1, "QUOTE_NOT_CLOSED", "not closed", id="a quote in the heading"),
    pytest.param(b'id,value\n1,"a\n2,"b"\n', 2, "ROW_QUOTE_INVALID", "closing quote", id="another row's quote"),
    pytest.param(b'value\n"' + b"x\n" * 90_000, 2, "QUOTE_NOT_CLOSED", "closed within", id="a quote long open"),
    pytest.param(b'value\n"' + b"x" * 200_000 + b'"\n', 2, "FIELD_TOO_LONG", "131,072", id="an endless cell"),
    pytest.param(b"", None, "INPUT_EMPTY", "the file is empty", id="nothing"),
    pytest.param(b"\xef\xbb\xbf\r\n\r\n", None, "INPUT_EMPTY", "the file is empty", id="empty lines"),
    pytest.param(b"value,id,value\na,1,b\n", 1, "HEADING_REPEATED", "column value", id="a column twice"),
    pytest.param(b"Value,id,value\na,1,b\n", 1, "HEADING_REPEATED", "column value", id="in capitals too"),
])  # fmt: skip
def test_broken_files_are_refused_and_nothing_is_written(tmp_path, content, row, code, problem):
    csv.field_size_limit(sys.maxsize)  # as frictionless does where it is loaded
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(content)
    with pytest.raises(InputError, match=problem) as caught:
        parse_file("sex", source, target, declared={}, progress=False)
    assert (caught.value.row, caught.value.code) == (row, code)
    assert list(tmp_path.iterdir()) == [source]


def test_quotes_that_lose_no_row_are_read(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('\n\nid,value,note\n1,male,6" pipe\n2,male,"a" b\n3,male,"two\nlines"\n', encoding="utf-8")
    parse_file("sex", source, target, declared={}, progress=False)
    assert [row["note"] for row in read(target)] == ['6" pipe', "a b", "two\nlines"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_the_encoding_is_found_out(tmp_path, encoding):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("编号,地点,value\n1,云南省西双版纳傣族自治州,雌\n2,广西壮族自治区,雄\n", encoding=encoding)
    parse_file("sex", source, target, declared={}, progress=False)
    heading, *rows = target.read_text(encoding="utf-8").splitlines()
    assert heading.startswith("编号,地点,value,")
    assert [row.split(",")[3] for row in rows] == ["FEMALE", "MALE"]


@pytest.mark.parametrize(("saved_in", "options", "said"), [
    pytest.param("cp874", [], ["in.csv is not UTF-8 and was read in ", "with --encoding"], id="found out"),
    pytest.param("cp874", ["--encoding", "windows-874"], ["was read in cp874"], id="named"),
    pytest.param("utf-8", [], [], id="UTF-8"),
])  # fmt: skip
def test_the_answer_tells_an_encoding_that_is_not_utf8(tmp_path, saved_in, options, said):
    source = tmp_path / "in.csv"
    source.write_text("id,value\n1,เชียงใหม่\n", encoding=saved_in)
    done = run("name", str(source), "--out", str(tmp_path / "out.csv"), *options)
    assert done.returncode == 0, done.stderr
    assert all(part in done.stdout for part in said), done.stdout
    assert done.stdout.count("--encoding") == (not options and bool(said))
    assert ("is not UTF-8" in done.stdout) == bool(said)


def test_a_byte_that_is_not_in_the_declared_encoding_is_named(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b"value\nBerg\xe4\n")
    with pytest.raises(InputError, match="not utf-8"):
        parse_file("sex", source, target, declared={}, encoding="utf-8", progress=False)
    assert list(tmp_path.iterdir()) == [source]


def test_a_file_is_not_written_over_itself(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("value\nmale\n", encoding="utf-8")
    with pytest.raises(InputError, match="over itself"):
        parse_file("sex", source, source, declared={}, progress=False)
    assert source.read_text(encoding="utf-8") == "value\nmale\n"


def test_an_empty_line_of_one_column_is_a_row(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('sex\nmale\n\n""\n雌\n', encoding="utf-8")
    parse_file("sex", source, target, declared={}, progress=False)
    assert [row["parsed"] for row in read(target)] == ["MALE", "", "", "FEMALE"]


@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_separators(tmp_path, mark):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"id{mark}basisOfRecord\n1{mark}camera trap\n", encoding="utf-8")
    parse_file("basis-of-record", source, target, declared={}, progress=False)
    assert read(target)[0]["parsed"] == "MACHINE_OBSERVATION"


def test_columns_that_are_read_keep_their_text_under_another_name(parse):
    (row,) = parse("coordinates", ["decimalLatitude", "decimalLongitude"], [["21,5", "101.5000001234"]])
    assert (row["told_decimalLatitude"], row["decimalLatitude"]) == ("21,5", "21.5")
    assert (row["told_decimalLongitude"], row["decimalLongitude"]) == ("101.5000001234", "101.5")


def test_the_first_pair_that_tells_anything_is_read(parse):
    headings = ["decimalLatitude", "decimalLongitude", "verbatimLatitude", "verbatimLongitude", "verbatimCoordinates"]
    rows = [["1", "2", "3N", "4E", "5N 6E"], ["", "", "3N", "4E", "5N 6E"], ["", "", "", "", "5N 6E"],
            ["x", "2", "3N", "4E", ""]]  # fmt: skip
    read_back = [(row["decimalLatitude"], row["issues"]) for row in parse("coordinates", headings, rows)]
    assert read_back == [("1.0", ""), ("3.0", ""), ("5.0", ""), ("", "COORDINATE_INVALID")]


@pytest.mark.parametrize(("told", "issues"), [
    pytest.param("12.3456789", "COORDINATE_ROUNDED", id="seven decimals"),
    pytest.param("12.345678", "", id="six"),
    pytest.param("12°20'44.4444\"N", "", id="seconds have no decimals of degrees"),
])  # fmt: skip
def test_six_decimals_are_written_as_at_gbif(parse, told, issues):
    (row,) = parse("coordinates", ["latitude", "longitude"], [[told, "101.5"]])
    assert row["issues"] == issues
    assert len(row["decimalLatitude"].partition(".")[2]) <= 6


def test_metres_are_told_as_metres(parse):
    (row,) = parse("coordinates", ["verbatimCoordinates"], [["47Q 735000 2375000"]])
    assert (row["decimalLatitude"], row["issues"]) == ("", "COORDINATE_INVALID")
    assert (row["grid"], row["zone"], row["band"], row["easting_m"]) == ("utm", "47", "Q", "735000.0")


def test_names_of_several_say_which(parse):
    (country,) = parse("country", ["country"], [["Indochine"]])
    assert (country["parsed"], country["candidates"], country["issues"]) == ("", "KH;LA;VN", "COUNTRY_INVALID")
    (province,) = parse("province", ["stateProvince", "countryCode"], [["Vientiane", "LA"]])
    assert (province["parsed"], province["candidates"]) == ("", "LA-VI;LA-VT")
    (younger,) = parse("province", ["stateProvince", "country"], [["Xaysomboun", "Laos"]])
    assert (younger["parsed"], younger["candidates"]) == ("", "LA-VI;LA-XI;LA-XS")


def test_declarations_reach_the_parser(parse):
    (row,) = parse("date", ["value"], [["03/04/2010"]], day_month_order="day_first")
    assert row["eventDate"] == "2010-04-03"
    (row,) = parse("date", ["value"], [["03/04/2010"]])
    assert (row["eventDate"], row["issues"]) == ("", "RECORDED_DATE_INVALID")


def test_batches_change_nothing(parse, monkeypatch):
    rows = [[told, ""] for told in ("1N 2E", "x", "", "101.6 21.5", "12.3456789, 3")]
    whole = parse("coordinates", ["value", "note"], rows)
    monkeypatch.setattr(parse_files, "BATCH", 2)
    assert parse("coordinates", ["value", "note"], rows) == whole


@pytest.mark.parametrize("kind", Kind)
def test_a_table_without_rows_gets_the_added_columns(tmp_path, kind):
    source = tmp_path / "in.csv"
    written = []
    for number, rows in enumerate(("", "1,2,LA\n")):
        source.write_text(f"value,latitude,country\n{rows}", encoding="utf-8")
        count, *_ = parse_file(kind, source, tmp_path / "out.csv", declared={}, progress=False)
        assert count == number
        written.append((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines())
    assert len(written[0]) == 1
    assert written[0][0] == written[1][0]
    assert "issues" in written[0][0].split(",")


def test_a_name_that_is_taken_already_is_not_written_twice(parse):
    (row,) = parse("sex", ["value", "issues", "told_issues", ""], [["male", "a", "b", "c"]])
    told = [row[name] for name in ("value", "told_told_issues", "told_issues", "column_4")]
    assert told == ["male", "a", "b", "c"]
    assert (row["parsed"], row["issues"]) == ("MALE", "")


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_takes_anything(parse, kind):
    headings = {Kind.COORDINATES: ["value"], Kind.DMS: ["latitude"], Kind.PROVINCE: ["value", "country"]}
    names = headings.get(kind, ["value"])
    told = ["", "x", "=cmd()", "\x00", "北纬", "1" * 300, "NaN", "null", "'; --"]
    rows = parse(kind, names, [[text, "LA"][: len(names)] for text in told])
    assert len(rows) == len(told)
    assert {"issues", "confidence"} <= rows[0].keys()
    assert [row[names[0]] for row in rows] == told
    assert kind in READERS


@pytest.mark.parametrize(("kind", "headings", "cells", "parsed"), [
    pytest.param("date", ["eventDate", "value"], ["2001-02-03", "2004-05-06"], "2004-05-06", id="date"),
    pytest.param("date", ["text", "date"], ["2001-02-03", "2004-05-06"], "2004-05-06", id="date before text"),
    pytest.param("sex", ["sex", "value"], ["male", "female"], "FEMALE", id="sex"),
    pytest.param("sex", ["text", "sex"], ["male", "female"], "FEMALE", id="sex before text"),
    pytest.param("province", ["stateProvince", "value", "country"], ["Attapeu", "Champasak", "LA"], "LA-CH",
                 id="province"),
])  # fmt: skip
def test_the_column_value_is_read_before_others_and_the_terms_before_any_text(parse, kind, headings, cells, parsed):
    (row,) = parse(kind, headings, [cells])
    assert row["eventDate" if kind == "date" else "parsed"] == parsed
    names = [f"told_{name}" if name == "eventDate" else name for name in headings]
    assert [row[name] for name in names] == cells


def test_a_date_may_stand_in_a_first_column_of_any_name(parse):
    (row,) = parse("date", ["日期", "note"], [["2020-03-04", "x"]])
    assert (row["eventDate"], row["日期"]) == ("2020-03-04", "2020-03-04")
