"""Runs of any engine: kept, had again on any executor, and compared to the last bit."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import polars as pl
import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats import marxan_output
from biodata.runs.engines import work as run_engines
from biodata.store import run_records
from biodata.store.run_records import compare

TABLE = "layer,class,function,resistance,note,species\nland_cover,2,,1,forest,\nland_cover,other,,20,,\n{}"


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


@pytest.fixture
def asked(sample_data, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(TABLE.format("land_cover,18,,200,roads,gaur\nland_cover,18,,90,roads,gibbon\n"), encoding="utf-8")
    layer = sample_data / "layers" / "landcover_china_vietnam.tif"
    return {"table": str(table), "layers": str(layer)}


@pytest.fixture
def project(tmp_path):
    units = pl.DataFrame(
        {"id": range(1, 9), "cost": [3.0, 1, 4, 1, 5.5, 9, 2, 6], "status": 0, "xloc": 0.0, "yloc": 0.0}
    )
    species = pl.DataFrame({"id": [1, 2], "prop": [0.5, 0.25], "spf": 1.0, "name": ["gaur", "dhole"]})
    amounts = pl.DataFrame({"species": [1] * 6 + [2] * 4, "pu": [1, 2, 3, 4, 5, 6, 5, 6, 7, 8], "amount": 1.0})
    marxan_output.write_project(tmp_path / "project", units=units, species=species, amounts=amounts)
    return tmp_path / "project"


def frame(**columns):
    return pl.DataFrame(columns)


def test_a_hash_is_of_the_values_and_not_of_their_order(tmp_path):
    mark = partial(run_records.table_hash, settings=Settings(data=tmp_path / "data"))
    one = frame(key=["a", "b"], cost=[1.5, None], codes=[["CN", "LA"], []], shape=[b"\x01", b"\x02"])
    assert mark(one) == mark(one.reverse().select(reversed(one.columns)))
    for other in (
        one.with_columns(cost=pl.Series([1.5000000000000002, None])),
        one.with_columns(cost=pl.Series([1.5, 0.0])),
        one.with_columns(codes=pl.Series([["CN"], ["LA"]])),
        one.with_columns(shape=pl.Series([b"\x01", b"\x03"])),
        one.rename({"cost": "price"}),
        one.head(1),
    ):
        assert mark(one) != mark(other)
    elsewhere = Settings(data=tmp_path / "another")
    assert mark(one) != run_records.table_hash(one, elsewhere), "nobody can try places without the secret"


def test_an_id_follows_from_everything_that_the_results_do():
    inputs = (run_records.RunInput("areas", "a" * 64),)
    first = run_records.describe("circuit", {"rows": 4}, inputs, seed=1, snapshot=3)
    assert first.id == run_records.describe("circuit", {"rows": 4}, inputs, seed=1, snapshot=3).id
    others = [
        run_records.describe("circuit", {"rows": 8}, inputs, seed=1, snapshot=3),
        run_records.describe("circuit", {"rows": 4}, inputs, seed=2, snapshot=3),
        run_records.describe("circuit", {"rows": 4}, inputs, seed=1, snapshot=4),
        run_records.describe("circuit", {"rows": 4}, (run_records.RunInput("areas", "b" * 64),), seed=1, snapshot=3),
        run_records.describe("network", {"rows": 4}, inputs, seed=1, snapshot=3),
    ]
    assert len({first.id, *(other.id for other in others)}) == 6
    assert first.code
    assert "numpy" in first.software


def test_a_run_of_any_engine_is_kept_and_found(settings):
    record = run_records.describe("network", {"distance_m": 5000}, (), seed=7)
    run_records.keep(settings, record, {"nodes": frame(id=[1, 2], dpc=[0.5, 0.25])}, notes=("2 nodes",))
    found = run_records.find(settings, record.id[:9])
    assert (found.seed, found.notes, found.results["nodes"]["rows"]) == (7, ("2 nodes",), 2)
    assert run_records.results_of(settings, record.id)["nodes"]["dpc"].to_list() == [0.5, 0.25]
    with pytest.raises(InputError, match="no run is kept so"):
        run_records.find(settings, "reserves-1")


def test_executors_give_the_same_and_a_rerun_is_identical(settings, asked):
    first = run_engines.start(settings, "resistance", asked)
    with ThreadPoolExecutor(2) as threads:
        second, comparison = run_engines.repeat(settings, first.id, executor=threads)
    assert comparison.identical
    assert comparison.message() == "identical"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        _, comparison = run_engines.repeat(settings, first.id, executor=processes)
    assert comparison.identical
    assert second.id == first.id
    assert [record.id for record in run_records.every(settings)] == [first.id]


def test_a_rerun_of_something_else_says_what_differs(settings, asked, tmp_path):
    first = run_engines.start(settings, "resistance", asked)
    (tmp_path / "table.csv").write_text(
        TABLE.format("land_cover,18,,300,roads,gaur\nland_cover,18,,90,roads,gibbon\n"), encoding="utf-8"
    )
    second, comparison = run_engines.repeat(settings, first.id)
    assert not comparison.identical
    assert second.id != first.id
    assert "the input table is another" in comparison.asked
    assert comparison.found[0].startswith("resistance, of 2 rows: table_version in 1, sha256 in 1, ")
    assert "highest in 1 (by up to 100)" in comparison.found[0]


def test_what_differs_in_tables(tmp_path):
    def record(**tables):
        return run_records.finished(Settings(data=tmp_path), run_records.describe("network", {}, ()), tables)

    one = frame(id=[1, 2], dpc=[0.5, 0.25])
    cases = {
        "nodes had 2 rows and has 1": one.head(1),
        "nodes lost the columns dpc and has iic more": one.rename({"dpc": "iic"}),
        "nodes, of 2 rows: dpc in 1 (by up to 0.5)": frame(id=[1, 2], dpc=[0.5, 0.75]),
    }
    for told, other in cases.items():
        assert compare(record(nodes=one), record(nodes=other), {"nodes": one}, {"nodes": other}).found == (told,)
    missing = compare(record(nodes=one), record(), {"nodes": one}, {})
    assert missing.found == ("the table nodes is only in the earlier run",)


def test_the_command_line(asked, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(
            app, ["runs", *map(str, arguments), "--data", tmp_path / "data"], catch_exceptions=False
        )

    told = [f"--set={name}={value}" for name, value in asked.items()]
    assert run("list").stdout == "no run is kept yet\n"
    started = run("start", "resistance", *told, "--seed", 5)
    run_id = started.stdout.split()[1]
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["id"], listed["seed"]) == (run_id, 5)
    assert json.loads(run("show", "res").stdout) == listed
    repeated = run("repeat", run_id, "--executor", "threads")
    assert (repeated.exit_code, repeated.stdout) == (0, f"{run_id}: identical\n")
    other = run(
        "start", "resistance", *told, "--set", "cell_m=2000", "--set", "box=[106.3, 22.7, 106.8, 23]"
    ).stdout.split()[1]
    compared = run("compare", run_id, other)
    assert compared.exit_code == 1
    assert "cell_m was None and is 2000" in compared.stdout
    with pytest.raises(InputError, match="there is no such engine; one of corridors"):
        run("start", "magic")


def test_conefors_files_are_run_and_had_again_on_threads(settings, tmp_path):
    (tmp_path / "nodes.txt").write_text("1\t10\n2\t20\n3\t5\n")
    (tmp_path / "distances.txt").write_text("1\t2\t100\n2\t3\t300\n1\t3\t900\n")
    asked = {"nodes": str(tmp_path / "nodes.txt"), "connections": str(tmp_path / "distances.txt"), "kind": "distance",
             "distance": 200.0, "probability": 0.5}  # fmt: skip
    first = run_engines.start(settings, "network", asked)
    assert first.results["node_importances"]["rows"] == 3
    with ThreadPoolExecutor(2) as threads:
        _, comparison = run_engines.repeat(settings, first.id, executor=threads)
    assert comparison.identical
    (tmp_path / "distances.txt").write_text("1\t2\t150\n2\t3\t300\n1\t3\t900\n")
    _, comparison = run_engines.repeat(settings, first.id)
    assert not comparison.identical
    assert "the input connections is another" in comparison.asked
    with pytest.raises(InputError, match="column nodes: the parameter is missing"):
        run_engines.start(settings, "network", {})


def test_a_marxan_project_is_solved_and_had_again_in_another_process(settings, project):
    asked = {"project": str(project), "runs": 3}
    first = run_engines.start(settings, "reserves", asked, seed=4)
    found = run_records.results_of(settings, first.id)
    assert found["plan"].row(0, named=True)["status"] == "optimal"
    assert found["plan"]["objective"].item() == 1 + 1 + 3 + 2
    assert found["units"].filter("in_plan")["unit"].to_list() == [1, 2, 4, 7]
    assert found["features"]["met"].all()
    assert {one.name for one in first.inputs} >= {"input.dat", "pu.dat", "spec.dat", "puvspr.dat"}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        _, comparison = run_engines.repeat(settings, first.id, executor=processes)
    assert comparison.identical, comparison.message()
    costs = project / "input" / "pu.dat"
    costs.write_text(costs.read_text().replace("4,1.0,", "4,8.0,"))
    _, comparison = run_engines.repeat(settings, first.id)
    assert "the input pu.dat is another" in comparison.asked
    for wrong, told in (
        ({}, "column project: the parameter is missing"),
        ({**asked, "gap": "small"}, "cannot be so"),
        ({**asked, "plan": 3}, "column plan: there is no such parameter"),
    ):
        with pytest.raises(InputError, match=told):
            run_engines.start(settings, "reserves", wrong)


def test_where_an_input_lies_is_not_in_the_id_and_it_is_found_from_any_folder(settings, asked, tmp_path, monkeypatch):
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(tmp_path)
    first = run_engines.start(settings, "resistance", {**asked, "table": "table.csv"})
    (other / "copy.csv").write_bytes((tmp_path / "table.csv").read_bytes())
    second = run_engines.start(settings, "resistance", {**asked, "table": str(other / "copy.csv")})
    assert second.id == first.id
    monkeypatch.chdir(other)
    assert run_engines.repeat(settings, first.id)[1].identical
    (other / "copy.csv").unlink()
    with pytest.raises(InputError, match="column table: the run's input cannot be read"):
        run_engines.repeat(settings, first.id)


def test_the_same_run_may_end_twice_at_once(settings):
    record = run_records.describe("network", {}, ())
    table = frame(id=list(range(20_000)))
    (settings.data / "run_results" / f"{record.id}.part").mkdir(parents=True)  # one that was killed left this
    with ThreadPoolExecutor(4) as threads:
        kept = list(threads.map(lambda _: run_records.keep(settings, record, {"nodes": table}), range(8)))
    assert len({one.results["nodes"]["sha256"] for one in kept}) == 1
    assert run_records.results_of(settings, record.id)["nodes"].equals(table)
    assert sorted(path.name for path in (settings.data / "run_results").iterdir()) == ["lock", record.id]


@pytest.mark.parametrize(("change", "told"), [
    pytest.param({"box": [1, 2, 3]}, "column box, value '1,2,3': this is no box", id="half a box"),
    pytest.param({"cell_m": "1 km"}, "column cell_m, value '1 km': the parameter cannot be so", id="words"),
    pytest.param({"cells": 5}, "column cells: .* table, layers, species, use", id="no such parameter"),
    pytest.param({"box": [1.0, 2.0, 3.0, 4.0]}, "the box lies beside the layer", id="beside"),
])  # fmt: skip
def test_what_resistance_cannot_be_asked(settings, asked, change, told):
    with pytest.raises(InputError, match=told):
        run_engines.start(settings, "resistance", {**asked, **change})


def test_a_species_name_is_no_way_out_of_the_folder(settings, asked, tmp_path):
    (tmp_path / "table.csv").write_text(
        "layer,class,function,resistance,note,species\nland_cover,other,,20,,../../Nomascus leucogenys\nland_cover,other,,20,,other\n"
    )
    (tmp_path / "made").mkdir()
    run_engines.start(settings, "resistance", {**asked, "out": str(tmp_path / "made" / "r.tif")})
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["r_nomascus_leucogenys.tif", "r_other.tif"]


def test_one_question_has_one_id_however_it_is_asked(settings, asked, project, tmp_path):
    first = run_engines.start(settings, "resistance", asked)
    again = {**asked, "nearest": False, "use": None, "out": str(tmp_path / "out.tif")}
    assert run_engines.start(settings, "resistance", again).id == first.id
    moved = tmp_path / "moved.csv"
    moved.write_bytes((tmp_path / "table.csv").read_bytes())
    assert run_engines.start(settings, "resistance", {**asked, "table": str(moved)}).id == first.id
    assert run_engines.start(settings, "resistance", {**asked, "nearest": True}).id != first.id
    plan = run_engines.start(settings, "reserves", {"project": str(project)})
    for same in ({"runs": None}, {"gap": 0, "seconds": 300}):
        assert run_engines.start(settings, "reserves", {"project": str(project), **same}).id == plan.id
    with pytest.raises(InputError, match="column gapp: there is no such parameter; project, gap"):
        run_engines.start(settings, "reserves", {"project": str(project), "gapp": 0.1})
