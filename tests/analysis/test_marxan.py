"""Marxan's files: every form that is allowed is read alike, and what is wrong is refused with its place."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biodata import cli as command_line
from biodata.analysis.reserves import marxan_problem
from biodata.analysis.reserves import selection as reserve_selection
from biodata.formats import marxan, marxan_output
from biodata.formats.marxan import Bounds
from case_tables import cases

INPUT = """Input file for Annealing program.

General Parameters
BLM 2
PROP 0.5
RANDSEED 7
NUMREPS 3
NUMITNS 1000000

INPUTDIR input
PUNAME pu.dat
SPECNAME spec.dat
PUVSPRNAME puvspr.dat
BOUNDNAME bound.dat
SCENNAME plan
SAVERUN 3
SAVEBEST 3
SAVESUMMARY 3
SAVETARGMET 3
SAVESUMSOLN 3
SAVELOG 1
OUTPUTDIR output
"""
FILES = {
    "pu.dat": "id,cost,status,xloc,yloc\n1,3,0,0,0\n2,4,0,1,0\n3,5,0,2,0\n4,1,3,3,0\n",
    "spec.dat": "id,target,spf,name\n10,3,1,gibbon\n20,2,1,tree fern\n",
    "puvspr.dat": "species,pu,amount\n10,1,2\n20,1,1\n10,2,3\n20,3,2\n10,4,9\n",
    "bound.dat": "id1,id2,boundary\n1,2,1\n2,3,1\n3,4,1\n1,1,3\n2,2,2\n3,3,2\n4,4,3\n",
}
# Units 2 and 3: cost 9, outline 2 + 2 outer, 1 to unit 1 and 1 to unit 4, that is 6, twice.
BEST = 9 + 2 * 6


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    error: str


@pytest.fixture
def cli(capfd, monkeypatch):
    def run(*arguments: object) -> Answer:
        monkeypatch.setattr("sys.argv", ["biodata", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, error = capfd.readouterr()
        return Answer(int(ended.value.code or 0), out, error)

    return run


def write(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write the project, with other texts for some files; None leaves a file out."""
    texts = {"input.dat": INPUT, **FILES, **(changes or {})}
    (folder / "input").mkdir(exist_ok=True)
    for name, text in texts.items():
        if text is not None:
            path = folder / name if name == "input.dat" else folder / "input" / name
            path.write_bytes(text.encode())
    return folder


def solved(folder: Path) -> reserve_selection.Selection:
    return reserve_selection.solve(marxan_problem.to_problem(marxan.read_project(folder)))


def test_the_objective_is_marxans(tmp_path):
    project = marxan.read_project(write(tmp_path))
    problem = marxan_problem.to_problem(project)
    found = reserve_selection.solve(problem)
    assert found.objective == pytest.approx(BEST)
    assert found.chosen.tolist() == [False, True, True, False]
    score = marxan_problem.score(project, problem, marxan_problem.penalties(project, problem), found.chosen)
    assert score.score == pytest.approx(BEST)
    assert (score.total, score.within, score.edge, score.outside) == (13, 1, 6, 6)
    assert (score.penalty, score.shortfall, score.missing, score.least_met) == (0, 0, 0, 1)


@pytest.mark.parametrize("change", [
    pytest.param({name: text.replace(",", "\t") for name, text in FILES.items()}, id="tabs"),
    pytest.param({name: text.replace(",", "  ") for name, text in FILES.items() if name != "spec.dat"}, id="blanks"),
    pytest.param({name: text.replace(",", ";") for name, text in FILES.items()}, id="semicolons"),
    pytest.param({name: text.replace(",", "\t\t") for name, text in FILES.items()}, id="columns lined up with tabs"),
    pytest.param({name: text.replace("\n", "\r\n") for name, text in FILES.items()}, id="lines of Windows"),
    pytest.param({name: "\ufeff" + text for name, text in FILES.items()}, id="byte order mark"),
    pytest.param({name: text.rstrip("\n") + "\n\n" for name, text in FILES.items()}, id="empty last line"),
    pytest.param({"pu.dat": '"ID","Cost","STATUS"\n"1","3","0"\n"2","4",0\n3,5,0\n4,1,3\n'}, id="capitals, quotes"),
    pytest.param({"pu.dat": "status,cost,id\n0,3,1\n0,4,2\n0,5,3\n3,1,4\n"}, id="another order of columns"),
    pytest.param({"puvspr.dat": "pu,amount,species\n1,2,10\n1,1,20\n2,3,10\n3,2,20\n4,9,10\n"}, id="puvspr by name"),
    pytest.param({"puvspr.dat": "pu,10,20\n1,2,1\n2,3,0\n3,0,2\n4,9,\n"}, id="matrix of units and features"),
    pytest.param({"puvspr.dat": FILES["puvspr.dat"].partition("\n")[2]}, id="puvspr without a heading"),
    pytest.param({"bound.dat": FILES["bound.dat"] + "2,1,1\n3,2,1\n"}, id="both directions"),
    pytest.param({"spec.dat": "id\tprop\tspf\tname\n10\t0.21\t1\tgibbon\n20\t.66\t1\ttree fern\n"}, id="shares"),
    pytest.param({"input.dat": INPUT.replace("INPUTDIR input", "INPUTDIR .\\input\\")}, id="folder of Windows"),
    pytest.param({"input.dat": INPUT.replace("INPUTDIR input", r"INPUTDIR C:\Marxan\mine\input")},
                 id="drive of Windows"),
    pytest.param({"input.dat": INPUT.replace("PUNAME pu.dat", "PUNAME PU.DAT")}, id="file in capitals"),
    pytest.param({"input.dat": INPUT.replace("\n", "\r\n")}, id="input.dat of Windows"),
])  # fmt: skip
def test_every_form_gives_the_same_plan(tmp_path, change):
    found = solved(write(tmp_path, change))
    assert found.objective == pytest.approx(BEST)
    assert found.chosen.tolist() == [False, True, True, False]


def test_block_definitions_give_what_a_feature_lacks(tmp_path):
    changes = {
        "input.dat": INPUT + "BLOCKDEFNAME block.dat\n",
        "spec.dat": "id,type,target,spf\n10,1,-1,-1\n20,2,2,1\n30,1,1,5\n",
        "block.dat": "type,prop,target,targetocc,spf\n1,0.5,9,2,4\n",
    }
    project = marxan.read_project(write(tmp_path, changes))
    assert project.species["target"].to_list() == [7, 2, 1]
    assert project.species["targetocc"].to_list() == [2, 0, 2]
    assert project.species["spf"].to_list() == [4, 1, 5]


def test_at_least_so_many_units_are_taken(tmp_path):
    found = solved(write(tmp_path, {"spec.dat": "id,target,targetocc\n10,3,2\n20,1,1\n"}))
    assert found.chosen.tolist() == [True, True, False, False]


@pytest.mark.parametrize(("spec", "taken", "held"), [
    pytest.param("10,3,0,0,0,0\n20,1,0,0,0,0\n", [1, 2], [(5, 0, "yes"), (1, 0, "yes")], id="no rule"),
    pytest.param("10,2,4,0,0,0\n20,1,0,0,0,0\n", [1, 2], [(5, 0, "yes"), (1, 0, "yes")], id="a clump of 4"),
    pytest.param("10,2,0,0,0,0\n20,1,0,2,2,0\n", [1, 3], [(2, 0, "yes"), (3, 2, "yes")], id="two units 2 apart"),
    pytest.param("10,2,0,0,0,2\n20,1,0,2,2,1\n", [1, 2, 3], [(5, 0, "yes"), (3, 2, "yes")], id="with occurrences"),
])  # fmt: skip
def test_clumps_and_separate_units_are_kept(tmp_path, cli, spec, taken, held):
    changes = {
        "input.dat": INPUT.replace("BLM 2", "BLM 0.1"),
        "spec.dat": f"id,target,target2,sepnum,sepdistance,targetocc\n{spec}",
    }
    answer = cli("reserves", "solve", write(tmp_path, changes), "--out", tmp_path / "out", "--json")
    assert json.loads(answer.out)["status"] == "optimal"
    for run in ("best", "r00002", "r00003"):
        chosen = pl.read_csv(tmp_path / "out" / f"plan_{run}.csv").filter(pl.col("SOLUTION") == 1)["PUID"].to_list()
        assert chosen == taken if run == "best" else set(chosen)
    table = pl.read_csv(tmp_path / "out" / "plan_mvbest.csv")
    assert list(zip(table["Amount Held"], table["Separation Achieved"], table["Target Met"], strict=True)) == held


def test_spacing_that_cannot_be_had_is_told(tmp_path, cli):
    changes = {"spec.dat": "id,target,target2,sepnum,sepdistance,name\n10,3,9,0,0,gibbon\n20,2,0,2,5,fern\n"}
    answer = cli("reserves", "solve", write(tmp_path, changes), "--out", tmp_path / "out", "--json")
    assert json.loads(answer.out)["status"] == "infeasible"
    assert "row 2, column target2, value 9: the spacing of gibbon (feature 10) cannot be had" in answer.error
    assert "row 3, column sepnum, value 2: the spacing of fern (feature 20) cannot be had" in answer.error
    changes["pu.dat"] = "id,cost\n1,3\n2,4\n3,5\n4,1\n"
    answer = cli("reserves", "solve", write(tmp_path, changes), "--out", tmp_path / "out")
    assert answer.code == 1
    assert "spec.dat, row 3, column sepdistance, value '5': a distance is to be kept" in answer.error


def test_connections_to_units_outside_are_charged_one_way(tmp_path):
    changes = {
        "input.dat": INPUT + "ASYMMETRICCONNECTIVITY 1\n",
        "bound.dat": "id1,id2,boundary\n2,1,3\n1,2,5\n3,2,1\n",
    }
    project = marxan.read_project(write(tmp_path, changes))
    problem = marxan_problem.to_problem(project)
    found = reserve_selection.evaluate(problem, np.array([False, True, True, False]))
    assert found.objective == pytest.approx(9 + 2 * 3)


@pytest.mark.parametrize(("file", "change", "told"), cases("marxan", "test_what_is_wrong_is_told_with_its_place"))
def test_what_is_wrong_is_told_with_its_place(tmp_path, cli, file, change, told):
    text = {"input.dat": INPUT, **FILES}[file]
    if isinstance(change, list):
        change = text.replace(*change)
    elif change and change.startswith("+"):
        change = text + change[1:]
    answer = cli("reserves", "solve", write(tmp_path, {file: change}), "--out", tmp_path / "out")
    assert answer.code == 1
    lines = [line for line in answer.error.splitlines() if "not needed by an exact" not in line]
    assert len(lines) == 1
    assert re.search(told, lines[0]), lines[0]


def test_what_is_not_supported_is_told(tmp_path):
    changes = {
        "input.dat": INPUT + "COSTTHRESH 100\n",
        "spec.dat": "id,target,ptarget1d,colour\n10,3,0.9,red\n20,2,-1,blue\n",
        "pu.dat": "id,cost,status,prob\n1,3,1,0.1\n2,4,0,0\n3,5,0,0\n4,1,3,0\n",
    }
    notes = "\n".join(marxan.read_project(write(tmp_path, changes)).notes)
    for told in ("COSTTHRESH 100", "row 2, column ptarget1d, value 0.9", "colour", "prob", "status 1"):
        assert told in notes


def test_a_target_that_cannot_be_met_is_named_and_the_rest_is_met(tmp_path, cli):
    changes = {"spec.dat": "id,target,spf,name\n10,30,1,gibbon\n20,2,1,tree fern\n"}
    answer = cli("reserves", "solve", write(tmp_path, changes), "--out", tmp_path / "out", "--json")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert list(told) == ["objective", "bound", "gap", "status"]
    assert told["status"] == "infeasible"
    assert (
        "spec.dat, row 2, column target, value 30: the target of gibbon (feature 10) cannot be met: 5 of 30 can be had, 25 short"
        in answer.error
    )
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert {one["name"]: one["met"] for one in plan["features"]} == {"gibbon": False, "tree fern": True}
    assert plan["objective"] == pytest.approx(plan["marxan_score"])


def test_marxans_files_are_written_with_its_names_and_columns(tmp_path, cli):
    out = tmp_path / "out"
    answer = cli("reserves", "solve", write(tmp_path), "--out", out, "--json")
    told = json.loads(answer.out)
    assert told == {"objective": BEST, "bound": BEST, "gap": 0.0, "status": "optimal"}
    runs = [f"plan_{kind}0000{number}.csv" for kind in ("r", "mv") for number in (1, 2, 3)]
    others = ["plan_best.csv", "plan_log.dat", "plan_mvbest.csv", "plan_ssoln.csv", "plan_sum.csv", "plan.json"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*runs, *others])
    best = pl.read_csv(out / "plan_best.csv")
    assert best.to_dict(as_series=False) == {"PUID": [1, 2, 3, 4], "SOLUTION": [0, 1, 1, 0]}
    summary = pl.read_csv(out / "plan_sum.csv")
    assert summary.columns[:5] == ["Run_Number", "Score", "Cost", "Planning_Units", "Connectivity"]
    assert summary.row(0)[:5] == (1, BEST, 9, 2, 6)
    assert summary["Score"].min() == BEST
    held = pl.read_csv(out / "plan_mvbest.csv")
    assert held["Amount Held"].to_list() == [3, 2]
    assert held["Target Met"].to_list() == ["yes", "yes"]
    frequency = pl.read_csv(out / "plan_ssoln.csv")
    assert (
        frequency["number"].to_list()
        == pl.concat([pl.read_csv(out / f"plan_r0000{n}.csv") for n in (1, 2, 3)])
        .group_by("PUID")
        .agg(pl.col("SOLUTION").sum())
        .sort("PUID")["SOLUTION"]
        .to_list()
    )


def test_save_keywords_decide_form_and_files(tmp_path, cli):
    text = (
        INPUT.replace("SAVERUN 3", "SAVERUN 0")
        .replace("SAVEBEST 3", "SAVEBEST 2")
        .replace("SAVESUMMARY 3", "SAVESUMMARY 1")
    )
    out = tmp_path / "out"
    cli("reserves", "solve", write(tmp_path, {"input.dat": text}), "--out", out)
    assert (out / "plan_best.txt").read_text().splitlines()[:2] == ['"planning_unit","solution"', "1,0"]
    assert (out / "plan_sum.dat").read_text().startswith('"Run_Number"\t"Score"')
    assert not list(out.glob("*_r0*"))


def test_what_marxan_makes_of_its_tables_is_written_where_asked_for(tmp_path, cli):
    text = INPUT + "SAVEPENALTY 3\nSAVETOTALAREAS 2\nSAVERICHNESS 3\nSAVESPEC 1\nSAVEPU 3\n"
    out = tmp_path / "out"
    assert cli("reserves", "solve", write(tmp_path, {"input.dat": text}), "--out", out).code == 0
    # Gibbon needs 3: unit 2 costs 4 and its outline 2 * (1 + 1 + 2); the fern needs 2: unit 3 costs 5 and 2 * 4.
    assert (out / "plan_penalty.csv").read_text().split() == ["spid,penalty", "10,12", "20,13"]
    totals = pl.read_csv(out / "plan_totalareas.txt")
    assert totals.columns[:5] == ["spname", "totalarea", "reservedarea", "excludedarea", "targetarea"]
    assert totals.row(0) == (10, 14, 0, 9, 3, 3, 0, 1, 0)
    assert pl.read_csv(out / "plan_richness.csv")["richness"].to_list() == [2, 1, 1, 1]
    assert (out / "plan_spec.dat").read_text().splitlines()[1].split("\t")[:3] == ["10", "gibbon", "3"]
    assert pl.read_csv(out / "plan_pu.csv")["cost"].to_list() == [3, 4, 5, 1]


def test_a_project_that_is_written_is_read_again(tmp_path):
    first = marxan.read_project(write(tmp_path))
    species = first.species.select("id", "target", "spf", "name")
    amounts = first.amounts.select(
        species=first.species["id"].gather(first.amounts["species"]),
        pu=first.units["id"].gather(first.amounts["unit"]),
        amount="amount",
    )
    bounds = first.bounds
    assert isinstance(bounds, Bounds)
    again = tmp_path / "again"
    marxan_output.write_project(again, units=first.units, species=species, amounts=amounts, bounds=bounds, blm=2.0)
    assert solved(again).objective == pytest.approx(BEST)


def test_a_unit_is_explained(tmp_path, cli):
    answer = cli("reserves", "explain", write(tmp_path), "2")
    assert "Unit 2 is in the plan. No plan without it can meet gibbon." in answer.out
    assert "There is no plan without it." in answer.out
    answer = cli("reserves", "explain", tmp_path, "1", "--instead-of", "3")
    assert "In the place of 3 it changes the objective by" in answer.out
    assert "misses tree fern (1 of 2)" in answer.out
    answer = cli("reserves", "explain", tmp_path, "1", "--instead-of", "4")
    assert (answer.code, answer.out) == (1, "")
    assert "column --instead-of, value '4': this unit is not in the plan; one of 2, 3" in answer.error
    answer = cli("reserves", "explain", tmp_path, "2", "--instead-of", "3")
    assert (answer.code, answer.out) == (1, "")
    assert "value '2': this unit is in the plan already" in answer.error
