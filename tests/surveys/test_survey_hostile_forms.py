"""Hostile files in every form that surveys come in: each gets its answer, nothing is fetched, opened or run."""

import json
import os
import resource
import socket
import subprocess
import sys

import pytest

import hostile_forms
from biodata.places import load_boundaries
from biodata.surveys.check import check_files
from biodata.surveys.problems import as_csv
from hostile_forms import with_part

pytestmark = pytest.mark.attacks  # three hundred files; `test_survey_hostile` has each kind in one form
BOUNDARIES = load_boundaries()
ARCHIVE = ("ARCHIVE_UNSAFE", "ARCHIVE_BROKEN", "ARCHIVE_TOO_LARGE", "ARCHIVE_NOT_ZIP", "INPUT_NOT_TEXT")
OF_TEXTS = {
    "NUL": {"ROW_HAS_NUL", "INPUT_NOT_TEXT"},
    "a field of 10 MB": {"FIELD_TOO_LONG"},
    "a quote that does not end": {"QUOTE_NOT_CLOSED"},
    "100,000 columns": {"COLUMNS_TOO_MANY", "INPUT_TOO_LARGE", "FIELD_TOO_LONG"},
    "two encodings": {"INPUT_ENCODING_WRONG", "ENCODING_UNSURE"},
    "binary": {"INPUT_ENCODING_WRONG", "INPUT_NOT_TEXT"},
    "empty": {"INPUT_EMPTY", "SHEET_MISSING", "DEPLOYMENTS_MISSING", "TABLE_MISSING"},
}
"""What is told of a text, in whichever form it is; the others are read, or lack their rows."""
OF_DOCUMENTS = {
    "an entity of the network": {"XML_UNSAFE"},
    "a billion laughs": {"XML_UNSAFE"},
    "100,000 elements deep": {"XML_INVALID", "XML_TOO_DEEP", "FORM_UNKNOWN"},
    "100,000 lists deep": {"DESCRIPTOR_INVALID", "FORM_UNKNOWN"},
    "cut off": {"XML_INVALID", "DESCRIPTOR_INVALID", "FORM_UNKNOWN"},
    "a text of 10 MB": {"INPUT_TOO_LARGE", "DESCRIPTOR_INVALID", "ARCHIVE_TOO_LARGE", "JSON_INVALID", "FORM_UNKNOWN"},
    "not UTF-8": {"DESCRIPTOR_INVALID", "JSON_INVALID"},
    "in UTF-7": {"XML_INVALID"},
    "resources of another kind": {"DESCRIPTOR_INVALID"},
    "no resources": {"DESCRIPTOR_INVALID"},
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whoever asks for an address is found out."""
    monkeypatch.setattr(socket, "getaddrinfo", asked)


def asked(*address, **_):
    raise AssertionError(address)


KINDS = ("archives", "texts", "documents")


@pytest.fixture(scope="module")
def answers():
    """Return the codes of every hostile file by form, kind and name, and what more memory (MB) they took than right surveys do.

    All are checked in one process of their own, whose memory is theirs alone.
    """
    program = "import test_survey_hostile_forms as t; t.answer()"
    known = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def answer():
    """Check every hostile file of every form, and print what `answers` returns."""
    socket.getaddrinfo = asked
    made = {form: {kind: getattr(hostile_forms, kind)(form) for kind in KINDS} for form in hostile_forms.FORMS}
    right = {form: sorted(codes(hostile_forms.zipped(hostile_forms.members(form)))) for form in hostile_forms.FORMS}
    before = peak()
    told = {
        form: {kind: {name: sorted(codes(content)) for name, content in files.items()} for kind, files in kinds.items()}
        for form, kinds in made.items()
    }
    print(json.dumps({"right": right, "told": told, "more_mb": peak() - before}))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def codes(content, name="s.zip", *more):
    """Return the codes of what blocks, each told where it is."""
    report = check_files([(name, content), *more], BOUNDARIES)
    blocking = [problem for problem in report["problems"] if problem["blocking"]]
    assert report["ok"] == (not blocking)
    for problem in blocking:
        assert problem["message"], problem
        assert problem["file"], problem
        assert "/tmp" not in str(problem.values()), "no path of the machine"
    return {problem["code"] for problem in blocking}


@pytest.mark.parametrize("form", hostile_forms.FORMS)
def test_the_survey_that_is_made_hostile_is_right(form, answers):
    assert answers["right"][form] == []


def test_memory_stays_flat_in_every_form(answers):
    assert answers["more_mb"] < 200


@pytest.mark.parametrize("form", hostile_forms.FORMS)
def test_rows_1_to_7_an_archive_is_told_what_is_wrong_with_it(form, answers):
    for name, told in answers["told"][form]["archives"].items():
        assert len(told) == 1, (name, told)
        assert set(told) <= set(ARCHIVE), name


@pytest.mark.parametrize("form", hostile_forms.FORMS)
def test_row_7_a_tar_is_read_where_the_form_may_be_one_and_blocked_elsewhere(form):
    told = codes(hostile_forms.tar(hostile_forms.members(form)))
    assert len(told) == (0 if form == "dwca" else 1)


@pytest.mark.parametrize("form", hostile_forms.FORMS)
def test_row_11_a_text_is_told_what_is_wrong_with_it(form, answers):
    right = set(answers["right"][form])
    for name, found in answers["told"][form]["texts"].items():
        told, what = set(found), name.partition(": ")[2]
        if what in OF_TEXTS:
            assert told & OF_TEXTS[what], (name, told)
        elif what != "headings alone":
            assert told == right, name


@pytest.mark.parametrize("form", hostile_forms.FORMS)
def test_rows_of_separators_alone_behind_the_last_one_are_none(form):
    files = hostile_forms.members(form)
    right = check_files([("s.zip", hostile_forms.zipped(files))], BOUNDARIES)
    for name, content in files.items():
        if not name.endswith((".csv", ".txt")):
            continue
        heading = content.partition(b"\n")[0]
        separator = next(one for one in (b"\t", b";", b",") if one in heading)
        more = separator * heading.count(separator) + b"\n"
        told = check_files([("s.zip", hostile_forms.zipped({**files, name: content + more * 50}))], BOUNDARIES)
        assert (told["rows"], told["problems"]) == (right["rows"], right["problems"]), name


@pytest.mark.parametrize("form", ["dwca", "camtrapdp", "detections", "smart"])
def test_rows_2_8_and_10_a_document_is_told_what_is_wrong_with_it(form, answers):
    for name, found in answers["told"][form]["documents"].items():
        told, what = set(found), name.partition(": ")[2]
        if name.startswith("eml.xml") and OF_DOCUMENTS.get(what) != {"XML_UNSAFE"}:
            assert told == set(), name  # the archive goes in without its description, as one that has none
        elif what in OF_DOCUMENTS:
            assert told <= OF_DOCUMENTS[what], (name, told)
            assert told, name
        elif what.startswith(("location ", "path ")):
            assert told <= {"META_FILE_MISSING", "TABLE_MISSING"}, (name, told)
            assert told, name
        elif what == "an index beyond the columns":  # a column that no row has, as GBIF reads it
            assert told == set(), name
        elif name.startswith("meta.xml") and what != "an instruction":
            assert len(told) == 1, (name, told)


def test_row_13_a_workbook_of_kobo_is_looked_at_like_any_other():
    right = hostile_forms.kobo_sheet()
    dtd = hostile_forms.DTD
    parts = {
        "XML_UNSAFE": ("xl/workbook.xml", lambda data: dtd + data.partition(b"?>")[2]),
        "WORKBOOK_MACROS": ("xl/vbaProject.bin", lambda _: b"x"),
        "INPUT_TOO_LARGE": ("xl/sharedStrings.xml", lambda _: b"\0" * 60_000_000),
    }
    assert codes(right, "k.xlsx") == set()
    for code, (part, make) in parts.items():
        assert codes(with_part(right, part, make), "k.xlsx") == {code}
    assert codes(right[:-400], "k.xlsx") == {"WORKBOOK_INVALID"}


@pytest.mark.parametrize("form", ["wildlife-insights", "dwca"])
def test_row_12_a_formula_of_another_form_stays_a_text_and_no_table_of_the_report_runs_it(form):
    formula = '=HYPERLINK("http://127.0.0.1:9/x")'
    files = hostile_forms.members(form)
    for name, content in files.items():
        files[name] = content.replace(b"Sus scrofa", formula.encode()).replace(
            b"vaginalis", b'"=HYPERLINK(""http://127.0.0.1:9/x"")"'
        )
    report = check_files([("s.zip", hostile_forms.zipped(files))], BOUNDARIES)
    shown = [one for one in report["problems"] if "HYPERLINK" in str(one["value"])]
    assert report["problems"]
    for line in as_csv(report).decode().splitlines():
        assert ",=" not in line, shown
        assert ',"=' not in line, shown


@pytest.mark.parametrize("content", [
    pytest.param(b'<VRTDataset><VRTRasterBand><SimpleSource><SourceFilename>/etc/passwd</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>', id="a VRT"),
    pytest.param(b"SQLite format 3\0" + bytes(4000), id="a database"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(4000), id="a picture"),
    pytest.param(b"%PDF-1.7\n" + bytes(range(256)) * 20, id="a PDF"),
    pytest.param(b"\x7fELF" + bytes(range(256)) * 20, id="a program"),
    pytest.param(b"<html><script>alert(1)</script></html>", id="a page"),
    pytest.param(b"PK\x05\x06" + bytes(18), id="a zip of nothing"),
])  # fmt: skip
def test_rows_14_to_16_what_is_no_survey_is_told_so(content):
    told = codes(content, "survey.bin")
    assert told
    assert told <= {"FORM_UNKNOWN", "INPUT_NOT_TEXT", "SHEET_MISSING", "ARCHIVE_BROKEN", "INPUT_EMPTY"}, told


NAMES = {"a path": "../../../etc/cron.d/x", "a path of Windows": "..\\..\\x.zip", "a name of 4096 letters": "n" * 4096,
         "letters turned round": "walk\u202egnp.exe", "NUL": "walk\0.zip", "a device": "CON", "an emoji": "🐅.zip",
         "nothing": "", "a heading line": 'x"\r\nSet-Cookie: a=b'}  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("form", ["csv", "dwca", "camtrapdp", "detections"])
def test_row_29_a_name_is_no_path_and_decides_nothing(form, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert codes(hostile_forms.zipped(hostile_forms.members(form)), name) == set()
    assert not list(tmp_path.iterdir()), "nothing is written where the name leads"


@pytest.mark.parametrize("form", ["detections", "wildlife-insights", "csv"])
def test_row_29_several_files_with_the_same_hostile_name(form):
    files = [("../x.csv", content) for content in hostile_forms.members(form).values()]
    (first, content), *more = files
    assert codes(content, first, *more) <= {"FORM_UNKNOWN", "TABLE_MISSING", "DEPLOYMENTS_MISSING", "FILE_REPEATED"}


def places_in(told, at=()):
    """Yield where something stands in JSON."""
    yield at
    for key, value in told.items() if isinstance(told, dict) else enumerate(told[:2]) if isinstance(told, list) else ():
        yield from places_in(value, (*at, key))


def put(told, at, value):
    """Return JSON with another value somewhere."""
    if not at:
        return value
    told = json.loads(json.dumps(told))
    inside = told
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = value
    return told


@pytest.mark.parametrize("value", [7, None, [], {}, [[7]], {"name": 7}, 1e300, "\0"], ids=repr)
@pytest.mark.parametrize(("form", "name"), [("camtrapdp", "datapackage.json"), ("detections", "results.json")])
def test_a_value_of_another_kind_anywhere_in_json_gets_an_answer(form, name, value):
    files = hostile_forms.members(form)
    told = json.loads(files[name])
    for at in places_in(told):
        codes(hostile_forms.zipped({**files, name: json.dumps(put(told, at, value)).encode()}))
