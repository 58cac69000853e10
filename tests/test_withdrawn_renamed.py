"""A record that was renumbered and then withdrawn comes back by no file, whatever it calls the record; the others can."""

import pytest

import appointed
from biodata import pipeline
from biodata.access import withdrawal
from biodata.access.roles import Role, RoleBinding
from test_survey_difference import FIRST, FIRST_EVENTS, save
from test_survey_renames import OTHER_IDS
from test_survey_review import accepted
from test_survey_review import office as office

pytestmark = pytest.mark.searches  # walks of what comes again under other names; `test_withdrawal` has each kind

THIRD_IDS = [[f"T/{row[0]}", *row[1:]] for row in FIRST]
GONE = {f"{before}NH-{n}" for before in ("", "2026/", "T/") for n in (1, 3)}


@pytest.fixture(scope="module")
def withdrawn(office, tmp_path_factory):
    """A survey that was renumbered twice, and two of whose records were withdrawn then; its three files."""
    folder = tmp_path_factory.mktemp("withdrawn")
    appointed.bind(office.registry, "team", RoleBinding(Role.UPLOADER, dataset="renumbered"))
    office.person("team")
    files = [save(folder / f"{n}.xlsx", ids, FIRST_EVENTS) for n, ids in enumerate((FIRST, OTHER_IDS, THIRD_IDS))]
    accepted(office, files[0].read_bytes(), dataset="renumbered")
    accepted(office, files[1].read_bytes(), dataset="renumbered", renamed="same")
    accepted(office, files[2].read_bytes(), dataset="renumbered", complete=True)
    records = office.records("renumbered")
    assert set(records) == {row[0] for row in THIRD_IDS}
    keys = [records["T/NH-1"]["key"], records["T/NH-3"]["key"]]
    withdrawal.withdraw(office.settings, reason="asked for", release=pipeline.release, keys=keys)
    assert set(office.records("renumbered")) == {row[0] for row in THIRD_IDS} - GONE
    return files, keys


def gone(office, keys):
    """See that they are gone; return what is there."""
    records = office.records("renumbered")
    assert not GONE & set(records)
    assert not set(keys) & {row["key"] for row in records.values()}
    return records


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_worker_s_command_takes_in_the_others_alone(office, withdrawn, which):
    files, keys = withdrawn
    reports = pipeline.ingest("survey", [files[which]], office.settings, dataset="renumbered")
    refused = [(one.code, one.row, one.value) for report in reports for one in report.refusals]
    assert refused == [("RECORD_WITHDRAWN", 2, None), ("RECORD_WITHDRAWN", 4, None)]
    names = {row[0] for row in (FIRST, OTHER_IDS, THIRD_IDS)[which]}
    assert names - GONE <= set(gone(office, keys))


@pytest.mark.parametrize("told", [{"complete": True}, {"renamed": "new"}], ids=["complete", "new"])
def test_an_older_file_that_is_submitted_brings_the_others_alone(office, withdrawn, told, tmp_path):
    _, keys = withdrawn
    row = [f"MORE-{'-'.join(told)}", "E3", "Axis porcinus", 2, None]  # it is the same upload else, which is taken once
    older = save(tmp_path / "older.xlsx", [*FIRST, row], FIRST_EVENTS)
    number = office.hand_in("team", older.read_bytes(), dataset="renumbered", **told)
    assert office.look("team", number)["state"] == "submitted"
    assert office.decide("laos", number, "accept").status_code == 200
    office.settle()
    assert office.look("team", number)["state"] == "published"
    assert {"NH-2", "NH-4", "NH-5", "NH-6", row[0]} <= set(gone(office, keys))


def test_a_return_to_a_version_brings_the_others_alone(office, withdrawn):
    _, keys = withdrawn
    back = office.client.post("/v1/surveys/versions/renumbered", json={"version": 1}, headers=office.heads["team"])
    assert back.status_code == 202, back.text
    office.settle()
    number = back.json()["id"]
    assert office.look("team", number)["state"] == "submitted"
    assert office.decide("laos", number, "accept").status_code == 200
    office.settle()
    assert office.look("team", number)["state"] == "published"
    assert set(gone(office, keys)) == {"NH-2", "NH-4", "NH-5", "NH-6"}
