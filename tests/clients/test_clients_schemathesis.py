"""Schemathesis asks what the OpenAPI document allows and forbids, and looks at every answer."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.clients

# Some values that fit their pattern mean nothing (a polygon that crosses itself, the 30th of February, a filter over a
# property that is not there): a 400 for these is right, so `positive_data_acceptance` cannot be asked.
# One worker: with two, Python 3.11 now and then ends `ast.parse` with "recursion depth mismatch" (cpython 106905).
# A limit above the documented maximum has to be cut, since GDAL reads nothing where it is refused.
REFUSED = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 410, 415, 422, 428, 429, "5xx"]
"""
"""What else is wrong with a question to a release that is gone (410) is not looked at."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("paths", "left_out"), [
    pytest.param(["--exclude-path-regex", "/items$"], "positive_data_acceptance", id="all but features"),
    pytest.param(["--include-path-regex", "/items$"], "positive_data_acceptance,negative_data_rejection",
                 id="features"),
])  # fmt: skip
def test_no_answer_breaks_the_document(address, tmp_path, paths, left_out):
    program = Path(sys.executable).with_name("st")
    options = ["--checks", "all", "--exclude-checks", left_out, "--phases", "examples,coverage,fuzzing"]
    options += ["--max-examples", "3", "--seed", "1", "--workers", "1", "--warnings", "off", "--continue-on-failure"]
    (tmp_path / "schemathesis.toml").write_text(REFUSED, encoding="utf-8")
    done = subprocess.run([program, "run", f"{address}/openapi.json", *options, *paths], capture_output=True, text=True,
                          check=False, timeout=850, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
