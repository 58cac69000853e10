"""`biodata conefor`: the options of Conefor's command line, and files with its names and columns."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.errors import InputError
from biodata.formats import conefor_options
from biodata.formats.conefor_options import Kind


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Go to a folder with a small landscape."""
    (tmp_path / "nodes.txt").write_text("1\t10\n2\t5\n5\t8\n7\t3\n")
    (tmp_path / "add.txt").write_text("1\t10\t1\n2\t5\t0\n5\t8\t1\n7\t3\t1\n")
    (tmp_path / "distances.txt").write_text("1\t2\t1000\n2\t5\t3000\n5\t7\t500\n1\t5\t9000\n")
    (tmp_path / "links.txt").write_text("1\t2\n2\t5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(words):
    """Run the command; raise what went wrong."""
    done = CliRunner().invoke(app, ["conefor", *words.split()])
    if done.exception is not None:
        raise done.exception
    return done


FILES = "-nodeFile nodes.txt -conFile distances.txt"


def test_a_call_of_conefor_writes_its_files(folder):
    done = run(f"{FILES} -t dist notall -confAdj 1000 -confProb 1000 0.5 -NL -IIC -PC -BCPC -removal -double -prefix A")
    assert "-double changes nothing here" in done.stderr
    # p of 1000, 3000, 500 m with a median of 1000 m; the way 1-2-5 is better than 1-5.
    a, b, c = 0.5, 0.125, 0.5**0.5
    pairs = 50 * a + 40 * b + 24 * c + 80 * a * b + 30 * a * b * c + 15 * b * c
    direct = 50 * a + 40 * b + 24 * c + 80 * 0.5**9
    total = 198 + 2 * pairs
    overall = pd.read_csv(folder / "A_overall_indices.txt", sep="\t", header=None, index_col=0)[1]
    assert overall.index.tolist() == [
        "NL", "IICnum", "EC(IIC)", "PCnum", "EC(PC)", "PCintra(%)", "PCdirect(%)", "PCstep(%)"
    ]  # fmt: skip
    assert overall["PCnum"] == pytest.approx(total, rel=1e-9)
    assert overall["EC(PC)"] == pytest.approx(total**0.5, rel=1e-9)
    assert overall["PCintra(%)"] == pytest.approx(100 * 198 / total, rel=1e-9)
    assert overall["PCdirect(%)"] == pytest.approx(200 * direct / total, rel=1e-9)
    assert overall["PCintra(%)"] + overall["PCdirect(%)"] + overall["PCstep(%)"] == pytest.approx(100)
    assert overall["IICnum"] == 198 + 50 + 24
    assert overall["NL"] == 2
    lines = (folder / "A_node_importances.txt").read_text().splitlines()
    heading = "Node dA dIIC dIICintra dIICflux dIICconnector dPC dPCintra dPCflux dPCconnector BC(PC)"
    assert lines[0] == heading.replace(" ", "\t") + "\t"  # a tab at the end too, as Conefor's
    assert len(lines) == 5
    nodes = pd.read_csv(folder / "A_node_importances.txt", sep="\t", index_col="Node")
    assert nodes["dA"].tolist() == pytest.approx([1000 / 26, 500 / 26, 800 / 26, 300 / 26], rel=1e-9)
    lost = 80 * (a * b - 0.5**9) + 30 * (a * b * c - 0.5**9 * c)
    assert nodes.loc[2, "dPCconnector"] == pytest.approx(100 * 2 * lost / total, rel=1e-9)
    links = pd.read_csv(folder / "A_link_importances.txt", sep="\t")
    assert links[["Node1", "Node2"]].to_numpy().tolist() == [[1, 2], [1, 5], [2, 5], [5, 7]]


def test_the_files_of_all_runs_grow(folder):
    for prefix in ("A", "B"):
        run(f"{FILES} -confProb 1000 0.5 -PC onlyoverall -landArea 100 -prefix {prefix}")
    every = pd.read_csv(folder / "results_all_overall_indices.txt", sep="\t", header=None)
    assert every[0].tolist() == ["A"] * 6 + ["B"] * 6
    assert every[[1, 2]].drop_duplicates().to_numpy().tolist() == [[1000, 0.5]]
    assert every[3].tolist()[:3] == ["PCnum", "EC(PC)", "PC"]
    areas = pd.read_csv(folder / "results_all_EC(PC).txt", sep="\t")
    assert areas.columns.tolist() == ["Prefix", "Distance", "Probability", "EC(PC)"]
    assert len(set(areas["EC(PC)"])) == 1
    assert not (folder / "A_node_importances.txt").exists()


def test_nodes_to_add_and_mere_links(folder):
    run("-nodeFile add.txt -conFile distances.txt -t dist -confProb 1000 0.5 -PC -add -prefix add")
    nodes = pd.read_csv(folder / "add_node_importances.txt", sep="\t", index_col="Node")
    before = 100 + 64 + 9 + 2 * (24 * 0.5**0.5 + 80 * 0.5**9 + 30 * 0.5**9.5)
    assert nodes.loc[2, "dPCintra"] == pytest.approx(100 * 25 / before, rel=1e-9)
    run("-nodeFile nodes.txt -conFile links.txt -t adj notall -NC -IIC")
    overall = pd.read_csv(folder / "overall_indices.txt", sep="\t", header=None, index_col=0)[1]
    assert overall["NC"] == 2
    assert overall["IICnum"] == pytest.approx(198 + 2 * (50 / 2 + 40 / 2 + 80 / 3))


def test_options_are_read_in_any_order():
    told = conefor_options.read(
        "-PC -confProb 9 0.1 -t prob all -landArea 1e3 -pcHeur 0.01 -conFile b -nodeFile a".split()
    )
    assert (told.node_file.name, told.connection_file.name, told.kind) == ("a", "b", Kind.PROBABILITY)
    assert (told.distance, told.probability, told.total_area, told.indices) == (9, 0.1, 1000, ("PC",))
    assert told.without_effect == ("-pcHeur",)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param("-conFile b -PC", "column -nodeFile: the file is not told", id="no nodes"),
        pytest.param("-nodeFile a -PC", "column -conFile: the file is not told", id="no connections"),
        pytest.param("-nodeFile a -conFile", "column -conFile, value '': 1 value must follow", id="no name"),
        pytest.param(FILES, "no index is asked for", id="no index"),
        pytest.param(f"{FILES} -PC", "column -confProb: of distances, PC needs it", id="no distance"),
        pytest.param(f"{FILES} -confProb 9 0.5 -IIC", "column -confAdj: of distances, IIC needs it", id="no threshold"),
        pytest.param(f"{FILES} -confProb 9 -PC", "column -confProb, value '-PC': this is no number", id="no probability"),
        pytest.param(f"{FILES} -t cost -PC", "column -t, value 'cost'", id="no type"),
        pytest.param(f"{FILES} -ECA", "value '-ECA': there is no such option", id="no such option"),
        pytest.param(f"{FILES} -change -PC", "column -change: this is not done here", id="not done"),
        pytest.param(f"{FILES} -confProb 9 0.5 -PC -add", "nodes.txt, column -add: there is no node to add", id="nothing to add"),
        pytest.param("-nodeFile none.txt -conFile distances.txt -confProb 9 0.5 -PC", "none.txt", id="no file"),
    ],
)  # fmt: skip
def test_calls_that_cannot_be_are_told_and_nothing_written(folder, words, message):
    before = sorted(folder.iterdir())
    with pytest.raises((InputError, OSError), match=message):
        run(words)
    assert sorted(folder.iterdir()) == before
