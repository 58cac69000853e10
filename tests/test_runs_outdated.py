"""Public results that an older biodata kept, and that told more than they may, are read by nothing any more."""

import json
from dataclasses import replace

import pytest

import releases as fixture
from biodata import run_engines, run_records
from biodata.errors import InputError
from biodata.run_engines import survey_results
from biodata.settings import Settings
from biodata.store import folders
from cited_records import OPEN_RULES
from commands import run
from rule_files import put_rules
from survey_events import commit
from test_survey_results_public import cameras


@pytest.fixture(scope="module", autouse=True)
def _neighbours():
    boundaries = fixture.neighbours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: boundaries)
        yield


def kept(settings, monkeypatch, **asked):
    """Keep a run as the biodata of before kept it: its report tells no format."""
    with monkeypatch.context() as patch:
        known = replace(survey_results.PARAMETERS, format=1)
        patch.setattr(survey_results, "ENGINE", replace(survey_results.ENGINE, parameters=known))
        record = run_engines.start(settings, "survey-results", {"dataset": "cameras", **asked})
    path = folders.private_reports(settings.data) / f"run-{record.id}.json"
    report = json.loads(path.read_text())
    del report["record"]["format"]
    path.write_text(json.dumps(report))
    return record


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    put_rules(folder, OPEN_RULES)
    commit(folder, *cameras())
    return Settings(data=folder)


def test_results_of_an_older_format_are_not_read_and_removed(settings, monkeypatch):
    old = kept(settings, monkeypatch)
    folder = settings.data / "run_results" / old.id
    assert list(folder.glob("*.parquet"))
    with pytest.raises(InputError, match="an older biodata kept this run") as error:
        run_engines.repeat(settings, old.id)
    assert error.value.code == "RUN_OUTDATED"
    assert error.value.expected == "a new run: biodata runs start survey-results --set dataset=cameras"
    assert not folder.exists()
    # What was asked stays, and can be asked again.
    assert run_records.find(settings, old.id).parameters["dataset"] == "cameras"
    new = run_engines.start(settings, "survey-results", {"dataset": "cameras"})
    assert new.format == 3
    assert run_engines.results_of(settings, new)
    assert run_engines.repeat(settings, new.id)[1].identical


def test_the_next_run_and_the_list_remove_them_too(settings, monkeypatch):
    old, exact = kept(settings, monkeypatch), kept(settings, monkeypatch, records="exact")
    said = run("runs", "list", "--data", settings.data).stdout
    assert f"{old.id} " in said
    assert said.count("are removed") == 1
    left = {path.name for path in (settings.data / "run_results").iterdir() if path.is_dir()}
    assert left == {exact.id}, "exact results stay with whoever holds the data"
    again = kept(settings, monkeypatch, hours=1.0)
    run_engines.start(settings, "survey-results", {"dataset": "cameras", "hours": 2.0})
    assert not (settings.data / "run_results" / again.id).exists()


def test_they_are_compared_with_nothing(settings, monkeypatch):
    old = kept(settings, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(run_engines.running, "forget_outdated", lambda _: [])
        new = run_engines.start(settings, "survey-results", {"dataset": "cameras", "hours": 2.0})
    assert (settings.data / "run_results" / old.id).exists()
    said = run("runs", "compare", old.id, new.id, "--data", settings.data)
    assert said.returncode == 1
    assert "biodata runs start survey-results --set dataset=cameras" in said.stderr
    assert not (settings.data / "run_results" / old.id).exists()
