"""Every code that a reader of surveys may refuse a file or a row with has words in a report that is kept."""

import ast
from pathlib import Path

import pytest

import biodata
from biodata.ingest.headings import LANGUAGES
from biodata.surveys import problems, words

_OF_OTHERS = ("checklist", "gbif", "http", "layer", "node", "protected_areas", "conefor", "marxan", "geotiff", "vector",
              "grids", "circuitscape", "node_keys", "declared_crs")  # fmt: skip
"""Beginnings of files that read no survey."""
_RAISED = ("InputError", "Refusal", "Finding")


def codes_of_readers():
    """Return the codes that stand in the source of whatever reads surveys."""
    top = Path(biodata.__file__).parent
    files = [*(top / "ingest").rglob("*.py"), *(top / "formats").rglob("*.py")]
    files += [top / "surveys" / "other_forms.py", top / "harmonise" / "events.py", top / "harmonise" / "records.py"]
    found = set()
    for file in files:
        if file.stem.startswith(_OF_OTHERS):
            continue
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", None) in _RAISED:
                told = [*call.args[4:], *(one.value for one in call.keywords if one.arg == "code")]
                found |= {one.value for one in told if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return {code for code in found if code.isupper() and "_" in code}


def kept(code):
    """Return a problem as the registry keeps it, without the message of whoever found it."""
    problem = {"file": "a.zip", "sheet": None, "row": 2, "column": None, "code": code, "blocking": True, "params": {}}
    return problems.kept({"file": "a.zip", "problems": [problem]})


def test_every_code_of_a_reader_has_words():
    codes = codes_of_readers()
    assert {"SUBMISSION_WITHOUT_RECORD", "INPUT_EMPTY", "FILE_MISSING", "ROW_FIELD_COUNT"} <= codes
    assert {code for code in codes if words.code_of(code) is None} == set()


def test_the_words_of_another_code_are_there():
    assert {words.code_of(code) for code in words._SAME.values()} <= set(words.words("en"))
    assert not {code for code in words._SAME if words.has(code)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kept_report_tells_why_nothing_came_in(language):
    own = words.words(language)
    for code, called in (("SUBMISSION_WITHOUT_RECORD", None), ("INPUT_EMPTY", None),
                         ("JSON_INVALID", "FILE_UNREADABLE")):  # fmt: skip
        (problem,) = problems.read(kept(code), language)["problems"]
        assert (problem["code"], problem["message"]) == (code, own[called or code][0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_nobody_foresaw_says_that_it_stays_out_and_what_to_do(language):
    (problem,) = problems.read(kept("NEVER_HEARD"), language)["problems"]
    assert "NEVER_HEARD" in problem["message"]
    assert "biodata survey check" in problem["message"]
