"""The official rows of TDWG BDQ Core: every one but those that need an authority which we do not have."""

import subprocess
import sys

from typer.testing import CliRunner

from biodata.cli import app

# dataID → why it cannot be answered without going online.
WORMS = "the World Register of Marine Species tells whether a species lives in the sea"
GBIF = "no checklist is loaded here; GBIF's backbone or another online list of names is asked for"
CENTRES = "GBIF's catalogue of country centroids, whose parts we may not hand on; --centres reads it"
NEED_AN_AUTHORITY = {
    **dict.fromkeys(("283", "284", "285", "286", "289", "290"), WORMS),
    **dict.fromkeys(("230", "231", "513", "515", "517", "518", "521", "522", "525"), GBIF),
    **dict.fromkeys(("352", "353", "354", "356", "359", "360", "363"), GBIF),
    "1287": CENTRES,
}


def test_the_official_rows(shared, tmp_path):
    suite, out = shared / "suites/bdq", tmp_path / "responses.csv"
    told = CliRunner().invoke(
        app, ["quality", "run", str(suite / "inputs.csv"), "--test-column", "GUID", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    score = [sys.executable, shared / "suites/score_bdq.py", out, suite / "expected.csv"]
    printed = subprocess.run(score, capture_output=True, text=True, check=False).stdout
    missed = {line.split()[0] for line in printed.splitlines() if ": expected " in line}
    assert missed == set(NEED_AN_AUTHORITY)
    assert f"{666 - len(missed)} passed, {len(missed)} failed" in printed


def test_a_loaded_catalogue_of_centres_answers_its_row(shared, tmp_path):
    rows = (shared / "suites/bdq/inputs.csv").read_text(encoding="utf-8").splitlines()
    table = tmp_path / "row.csv"
    table.write_text("\n".join([rows[0], *(row for row in rows if row.split(",")[1] == "1287")]), encoding="utf-8")
    centres, out = tmp_path / "centres.tsv", tmp_path / "out.csv"
    centres.write_text("iso2\tdecimal_longitude\tdecimal_latitude\nAU\t136.189\t-24.973\n", encoding="utf-8")
    command = ["quality", "run", str(table), "--test-column", "GUID", "--out", str(out), "--centres", str(centres)]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert "POTENTIAL_ISSUE" in out.read_text(encoding="utf-8")
