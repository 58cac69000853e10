"""A run of corridors over an installation's layer: estimate, a break, the window check, what is left behind."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pyogrio
import pytest
from typer.testing import CliRunner

from biodata import pipeline, places, runs
from biodata.analysis.corridor_parts import Parts
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.runs import reading, standing
from biodata.runs.corridors import judging_of, with_band
from biodata.runs.engines import work as run_engines
from biodata.runs.results import place_of
from biodata.store import run_records

LAYER = "landcover_china_vietnam"


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def settings(tmp_path_factory, sample_installations):
    return sample_installations.copy("areas", tmp_path_factory.mktemp("runs") / "data")


@pytest.fixture
def request_of(sample_data):
    return lambda **changes: runs.Corridors.read(
        {"layer": LAYER, "resistance": sample_data / "resistance.csv"} | changes
    )


def test_estimate_before_a_run(settings, request_of):
    told = runs.estimate(settings, request_of())
    assert 1_000 < told.cells < 100_000
    assert told.pairs >= 1
    assert told.message().startswith(f"estimate: {told.cells:,} cells, {told.areas} areas, at most {told.pairs} pairs")
    assert runs.estimate(settings, request_of(max_distance_m=1.0)).pairs <= told.pairs


def test_a_box_is_the_part_of_the_layer_that_is_looked_at(settings, request_of):
    west, south, east, north = (104.9, 22.0, 106.5, 23.5)
    whole, part = (runs.estimate(settings, request_of(box=box)) for box in (None, (west, south, east, north)))
    assert part.cells < whole.cells
    report = runs.find_corridors(settings, request_of(box=[100.0, 10.0, 120.0, 30.0]))
    assert report.parameters["box"] == [100.0, 10.0, 120.0, 30.0]
    assert report.pairs == runs.find_corridors(settings, request_of(alone=True)).pairs, (
        "larger than the layer is the layer"
    )


@pytest.mark.parametrize(("box", "code"), [
    ((0.0, 0.0, 1.0, 1.0), "RASTER_OUTSIDE"), ((2.0, 0.0, 1.0, 1.0), "BOX_INVALID"), ([1.0], "BOX_INVALID"),
])  # fmt: skip
def test_a_box_that_is_none_is_refused(settings, request_of, box, code):
    with pytest.raises(InputError) as refused:
        runs.estimate(settings, request_of(box=box))
    assert refused.value.code == code


def test_a_run_names_its_boundary_set_and_counts_records_of_unknown_threat(settings, request_of, tmp_path):
    made, records = Settings(data=tmp_path / "data"), tmp_path / "records.csv"
    shutil.copytree(settings.data, made.data)
    records.write_text("occurrenceID,species,decimalLongitude,decimalLatitude\n1,Elephas maximus,106.5,22.9\n")
    pipeline.ingest("gbif", [records], made)
    report = runs.find_corridors(made, request_of())
    assert report.left_out[runs.NO_CATEGORY] == 1
    assert (report.records, report.counting) == (0, 0)
    assert report.parameters["boundary_band_m"] == 5000.0
    assert report.parameters["boundary_viewpoint"]


def test_a_table_that_asks_for_a_layer_which_is_not_there_tells_how_to_take_it_in(settings, request_of, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("layer,class,function,resistance,note\nland_cover,any,,1,\nelevation,,slope,0:1 5:2,\n")
    with pytest.raises(InputError, match="or another: biodata ingest layer FILE --kind elevation") as refused:
        runs.find_corridors(settings, request_of(resistance=str(table)))
    assert "--use" not in str(refused.value)


def test_a_layer_of_the_whole_world_needs_a_box(request_of):
    world = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}
    with pytest.raises(InputError, match="360° wide") as refused:
        reading.window_of(world, request_of())
    assert refused.value.code == "WINDOW_TOO_LARGE"


def test_a_run_that_was_stopped_goes_on(settings, request_of, monkeypatch):
    put = Parts.put_link

    def stopping(self, pair, link):
        put(self, pair, link)
        raise Stopped

    monkeypatch.setattr(Parts, "put_link", stopping)
    with pytest.raises(Stopped):
        runs.find_corridors(settings, request_of())
    assert len(list(settings.data.glob("runs/*/*/pair-*.npz"))) == 1
    monkeypatch.setattr(Parts, "put_link", put)
    report = runs.find_corridors(settings, request_of(check_window=True))
    assert report.corridors >= 1
    assert report.window.startswith("window: from a smaller one")
    assert "check_window" not in report.parameters
    assert not (settings.data / "runs").exists(), "nothing is left behind"
    found = runs.read_results(settings, "corridors").filter(pl.col("functional"))
    assert found.height == report.corridors
    assert (found["cost_per_path_m"] >= 1).all()


def test_ground_inside_the_band_is_told_with_what_it_fails(settings, request_of):
    report = runs.find_corridors(settings, request_of())
    assert (report.candidates, set(report.considered)) == (0, {"failed"})
    looked_at = runs.read_results(settings, "considered_ground").filter(pl.col("name").str.contains("Cao Vit"))
    assert looked_at["failed"].to_list()[0] == ["two_sided_evidence", "beyond_band"]
    assert looked_at["considered_id"].str.starts_with(f"{LAYER}-considered-").all()


def test_a_run_says_the_band_and_the_certainty_that_it_was_asked(settings, request_of):
    request = request_of(band_m=400.0, certainty=0.9)
    report = runs.find_corridors(settings, request)
    assert report.parameters["boundary_band_m"] == 400.0
    looked_at = runs.read_results(settings, "considered_ground").filter(pl.col("name").str.contains("Cao Vit"))
    card = json.loads(looked_at["evidence"][0])
    assert (card["boundaries"]["band_m"], card["run"]["certainty"]) == (400.0, 0.9)
    assert looked_at["failed"].to_list()[0] == ["two_sided_evidence"], (
        "its ground reaches farther than 400 m from the border"
    )
    assert looked_at["reason"][0] == "corridor yes, no records at hand on any side"
    again = standing.run_to_continue(settings, report.run_id, resistance=request.resistance)
    assert (again.boundaries.band_m, again.request.certainty) == (400.0, 0.9)
    assert judging_of(again.request, "2026-01-01").side_share == 0.9


@pytest.mark.parametrize("asked", [{"band_m": -1.0}, {"band_m": 1e6}, {"certainty": 0.5}, {"certainty": 1.0}])
def test_a_band_or_certainty_that_does_not_fit_is_refused(request_of, asked):
    with pytest.raises(InputError, match=next(iter(asked))):
        with_band(places.load_boundaries(Settings().boundaries), request_of(**asked))


def test_without_records_there_are_no_candidates_and_it_says_so(sample_data, sample_installations, tmp_path):
    made, out = sample_installations.copy("areas", tmp_path / "data"), tmp_path / "candidates.gpkg"
    asked = runs.Corridors(
        layer="landcover_china_laos", resistance=sample_data / "resistance.csv", as_of="2026-01-01", cell_m=2000.0
    )
    report = runs.find_corridors(made, asked)
    assert report.candidates == 0
    assert report.considered["without_evidence"] >= 1
    told = CliRunner().invoke(app, ["candidates", "--data", str(made.data), "--out", str(out), "--considered"])
    assert told.exit_code == 0, told.output
    assert "without evidence, as the run had no records:" in told.stdout
    assert f"0 candidates of {sum(report.considered.values())} looked at" in told.stdout
    assert {name for name, _ in pyogrio.list_layers(out)} >= {"reserve_candidates", "considered_ground"}


def test_runs_of_two_boxes_stand_beside_each_other_and_one_of_the_same_place_is_replaced(settings, request_of):
    boxes = (104.9, 22.0, 106.5, 23.5), (105.1, 22.2, 106.9, 23.4)
    whole = runs.find_corridors(settings, request_of(alone=True))
    first, second = (runs.find_corridors(settings, request_of(box=box)) for box in boxes)
    assert (first.replaced, first.beside) == ((), (whole.run_id,))
    assert set(second.beside) == {whole.run_id, first.run_id}
    again = runs.find_corridors(settings, request_of(box=list(boxes[0]), cell_m=1500.0))
    assert (again.replaced, set(again.beside)) == ((first.run_id,), {whole.run_id, second.run_id})
    for table, key in runs.KEYS.items():
        found = runs.read_results(settings, table)
        assert found[key].is_unique().all()
        assert set(found["run_id"]) <= {whole.run_id, second.run_id, again.run_id}
    corridors = runs.read_results(settings, "corridors")
    assert corridors["run_id"].n_unique() == 3
    alone = runs.find_corridors(settings, request_of(alone=True))
    assert alone.beside == ()
    assert set(runs.read_results(settings, "corridors")["run_id"]) == {alone.run_id}


def test_runs_of_two_species_or_two_views_are_of_two_places(request_of):
    names = [
        place_of(request_of(species=species, box=box, evidence_view=view))
        for view in ("public", "exact")
        for species in (None, "Elephas maximus")
        for box in (None, (1, 2, 3, 4))
    ]
    assert names[0] == LAYER
    assert names[2] == f"{LAYER}-elephas_maximus"
    assert names[4] == f"{LAYER}-exact"
    assert len(set(names)) == 8


def test_dispersal_cost_limits_links_and_sets_the_cut(settings, request_of):
    runs.find_corridors(settings, request_of(dispersal_cost=1.0))
    found = runs.read_results(settings, "corridors")
    assert not found.filter(pl.col("least_cost") > 1)["functional"].any()


def test_the_command_keeps_its_run_which_is_had_again_on_one_thread(settings, sample_data, tmp_path):
    done = CliRunner().invoke(
        app,
        ["corridors", "--data", str(settings.data), "--layer", LAYER, "--resistance", str(sample_data / "resistance.csv"),
         "--out", str(tmp_path / "corridors.gpkg")],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    kept = run_records.every(settings)[-1]
    assert f"kept as {kept.id}" in done.stdout
    assert kept.engine == "corridors"
    assert kept.results["corridors"]["rows"] >= 1
    with ThreadPoolExecutor(1) as one:
        _, comparison = run_engines.repeat(settings, kept.id, executor=one)
    assert comparison.found == (), comparison.message()
    asked = {"layer": LAYER, "resistance": str(sample_data / "resistance.csv")}
    first = run_engines.start(settings, "corridors", asked)
    assert first.parameters == {**kept.parameters, "out": None}, "the command and a start say the same of the same"
