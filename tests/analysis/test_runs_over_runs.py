"""Validation, uncertainty and scenarios over a run of corridors: kept, and told by the reports of that run alone."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from biodata import pipeline, runs
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.reports import findings, material, page
from biodata.runs import standing
from biodata.runs.engines import work as run_engines
from biodata.store import run_records
from biodata.store.lake import Lake
from biodata.store.reader import ReleaseReader

LAYER = "landcover_china_vietnam"
SPECIES = "Macaca mulatta"
FINDINGS = ("validation", "uncertainty", "scenarios")


@pytest.fixture(scope="module")
def table(sample_data, tmp_path_factory):
    """Return a table of resistance outside the sample's folder, so that a test can take it away."""
    return shutil.copy(sample_data / "resistance.csv", tmp_path_factory.mktemp("table") / "resistance.csv")


@pytest.fixture(scope="module")
def asked(sample_installations, table, tmp_path_factory):
    """Return an installation with a run of corridors over which all three were asked."""
    made = sample_installations.copy("areas", tmp_path_factory.mktemp("over_runs") / "data")
    records = made.data.parent / "records.csv"
    rng = np.random.default_rng(1)
    rows = [
        f"{k},{SPECIES if k % 3 else 'Muntiacus vaginalis'},{x:.4f},{y:.4f},{'PRESENT' if k else 'ABSENT'},2025-{1 + k % 12:02d}-11,100,Mammalia"
        for k, (x, y) in enumerate(rng.uniform((106.2, 22.6), (106.9, 23.0), (120, 2)))
    ]
    head = "occurrenceID,species,decimalLongitude,decimalLatitude,occurrenceStatus,eventDate,coordinateUncertaintyInMeters,class"
    records.write_text("\n".join([head, *rows]), encoding="utf-8")
    pipeline.ingest("gbif", [records], made)
    first = run_engines.start(made, "corridors", {"layer": LAYER, "resistance": str(table), "as_of": "2026-01-01"})
    kept = {
        "validation": {"run": first.id, "species": SPECIES, "block_m": 3000.0, "moves": 99},
        "uncertainty": {"run": first.id, "draws": 20},
        "scenarios": {"run": f"{LAYER}-corridor-1", "close_border": True},
    }
    return made, first, {name: run_engines.start(made, name, told, seed=3) for name, told in kept.items()}


def test_each_is_kept_with_what_it_follows_from(asked):
    settings, first, kept = asked
    for name, record in kept.items():
        assert record.engine == name
        assert record.id.startswith(f"{name}-")
        assert record.snapshot == first.snapshot
        told = json.loads(run_records.results_of(settings, record.id)["told"]["json"][0])
        assert told["run"].startswith(f"{LAYER}-")
        assert (told["evidence_view"], told["boundary_set"]) == ("public", "natural_earth")
        assert {one.name for one in record.inputs} >= {"run", "layer", "resistance", "rules"}
    assert [record.id for record in run_records.every(settings)] == [first.id, *(one.id for one in kept.values())]


@pytest.mark.parametrize("name", FINDINGS)
def test_each_can_be_had_again(asked, name):
    settings, _, kept = asked
    _, comparison = run_engines.repeat(settings, kept[name].id)
    assert comparison.message() == "identical"


def test_no_record_is_a_test_that_is_an_absence_and_places_are_counted(asked):
    settings, _, kept = asked
    told = json.loads(run_records.results_of(settings, kept["validation"].id)["told"]["json"][0])
    assert told["records_unfit"] == {"an absence": 1}
    assert told["records"] > 0
    assert told["effort"] == "other species of the records"


def test_reports_of_the_run_tell_all_three_and_those_of_another_run_none(asked):
    settings, _, _ = asked
    pipeline.release(settings)
    with ReleaseReader(settings.data, timeout_seconds=30) as reader:
        found = material.read(reader.current(), f"{LAYER}-corridor-1")
        assert set(found.findings) == set(FINDINGS)
        assert len(found.findings["uncertainty"]["pairs"]) == 1, "of its own link alone"
        text = page.page(found)
    assert text.count("Not run.") == 0
    assert "Frequencies under the assumptions below" in text
    again = runs.Corridors(layer=LAYER, resistance=standing.run_to_continue(settings, f"{LAYER}-corridor-1").table)
    report = runs.find_corridors(settings, again, seed=9)
    left = runs.read_results(settings, "corridors")
    assert set(left["run_id"]) == {report.run_id}
    assert all("findings" not in json.loads(text) for text in left["evidence"])


def test_findings_of_exact_records_stay_in_the_installation(asked, sample_data, tmp_path):
    settings = Settings(data=tmp_path / "data")
    shutil.copytree(asked[0].data, settings.data)
    told = {"layer": LAYER, "resistance": str(sample_data / "resistance.csv"), "evidence_view": "exact"}
    first = run_engines.start(settings, "corridors", told)
    run_engines.start(settings, "uncertainty", {"run": first.id, "draws": 20})
    with Lake.open(settings.data) as lake:
        stays = lake.read("considered_ground").filter(pl.col("evidence_view") == "exact")
        rows = lake.read("corridors").filter(pl.col("run_id") == stays["run_id"][0])
    assert json.loads(stays["evidence"][0])["findings"]["uncertainty"]["evidence_view"] == "exact"
    assert "findings" not in json.loads(rows["evidence"][0]), "a corridor may leave, what exact records tell may not"
    assert set(runs.read_results(settings, "considered_ground")["evidence_view"]) <= {"public"}


@pytest.mark.parametrize(("engine", "more", "code"), [
    ("validation", {"run": "nowhere"}, "RUN_UNKNOWN"),
    ("uncertainty", {"run": "nowhere"}, "RUN_UNKNOWN"),
    ("validation", {"run": f"{LAYER}-corridor-1", "records": "mine.csv"}, "OPTIONS_UNFIT"),
    ("uncertainty", {"run": f"{LAYER}-corridor-1", "raster": "mine.tif"}, "OPTIONS_UNFIT"),
    ("scenarios", {"run": f"{LAYER}-corridor-1", "areas": "mine.gpkg", "close_border": True}, "OPTIONS_UNFIT"),
    ("scenarios", {"run": f"{LAYER}-corridor-1", "between": ["CN-XX"]}, "OPTIONS_UNFIT"),
    ("validation", {}, "OPTIONS_UNFIT"),
    ("validation", {"run": f"{LAYER}-corridor-1", "since": "soon"}, "PARAMETERS_INVALID"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused_and_nothing_is_kept(asked, engine, more, code):
    settings = asked[0]
    before = len(run_records.every(settings))
    with pytest.raises(InputError) as refused:
        run_engines.start(settings, engine, more)
    assert refused.value.code == code
    assert len(run_records.every(settings)) == before


def test_a_run_that_stands_on_something_else_now_is_refused(asked, table, tmp_path):
    settings = Settings(data=tmp_path / "data")
    shutil.copytree(asked[0].data, settings.data)
    other = tmp_path / "resistance.csv"
    other.write_text(table.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        standing.run_to_continue(settings, f"{LAYER}-corridor-1", resistance=other)
    assert refused.value.code == "RUN_CHANGED"


def test_findings_that_are_not_of_the_result_are_refused_or_doubted():
    row = {"run_id": "r-1", "evidence": {"boundaries": {"name": "natural_earth", "version": "4.1.0"}}}
    of_run = {"run": "r-1", "evidence_view": "public", "boundary_set": "natural_earth", "boundary_version": "4.1.0"}
    assert findings.agreeing("validation", of_run, row)["doubts"] == []
    for told, code in (
        (of_run | {"run": "r-2"}, "FINDING_OF_ANOTHER_RUN"),
        (of_run | {"evidence_view": "exact"}, "FINDING_EXACT"),
    ):
        with pytest.raises(InputError) as refused:
            findings.agreeing("validation", told, row)
        assert refused.value.code == code
        with pytest.raises(InputError):
            findings.agreeing("scenarios", {"pairs": [], "run": told}, row)
    own, office = findings.agreeing("scenarios", {"run": {"boundaries": {"name": "office", "version": "2"}}}, row)[
        "doubts"
    ]
    assert "somebody's own" in own
    assert "office" in office
