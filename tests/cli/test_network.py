"""A network from files to tables: a landscape worked out by hand, options, and the command."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from biodata.analysis.networks.network import analyse
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind
from biodata.formats.conefor import Connections, Nodes
from case_tables import cases

NODES = "1\t10\n2\t5\n5\t8\n7\t3\n"
DISTANCES = "1 2 1000\n2 5 3000\n5 7 500\n1 5 9000\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "nodes.txt").write_text(NODES)
    (tmp_path / "distances.txt").write_text(DISTANCES)
    return ["network", "--nodes", f"{tmp_path}/nodes.txt", "--connections", f"{tmp_path}/distances.txt", "--out", f"{tmp_path}/out.json"]  # fmt: skip


def network(kind, pairs, *, existing=(True, True, True), **options):
    first, second, value = zip(*pairs, strict=True)
    nodes = Nodes(np.array([10, 20, 30]), np.array([1.0, 2.0, 3.0]), np.array(existing))
    return analyse(nodes, Connections(kind, np.array(first), np.array(second), np.array(value, dtype=float)), **options)


def test_the_command_by_hand(files, tmp_path):
    done = CliRunner().invoke(
        app, [*files, "--distance", "1000", "--total-area", "100", "--tables", f"{tmp_path}/tables"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text())
    # p of 1000, 3000, 500, 9000 m with a median of 1000 m; the way 1-2-5 (0.0625) is better than 1-5 (0.5 ** 9).
    a, b, c = 0.5, 0.125, 0.5**0.5
    pairs = 50 * a + 40 * b + 24 * c + 80 * a * b + 30 * a * b * c + 15 * b * c
    total = 100 + 25 + 64 + 9 + 2 * pairs
    assert found["overall"]["PCnum"] == pytest.approx(total, rel=1e-12)
    assert found["overall"]["PC"] == pytest.approx(total / 1e4, rel=1e-12)
    assert found["overall"]["ECA"] == pytest.approx(total**0.5, rel=1e-12)
    # Within 1000 m: 1-2 and 5-7.
    assert found["overall"]["IICnum"] == pytest.approx(198 + 50 + 24, rel=1e-12)
    assert (found["overall"]["NL"], found["overall"]["NC"]) == (2, 2)
    second = found["nodes"][1]
    direct = 0.5**9
    lost = 80 * (a * b - direct) + 30 * (a * b * c - direct * c)
    assert second["dPCconnector"] == pytest.approx(100 * 2 * lost / total, rel=1e-12)
    assert second["dPCflux"] == pytest.approx(100 * 2 * (50 * a + 40 * b + 15 * b * c) / total, rel=1e-12)
    assert second["dPCintra"] == pytest.approx(100 * 25 / total, rel=1e-12)
    assert second["dPC"] == pytest.approx(sum(second[f"dPC{part}"] for part in ("intra", "flux", "connector")))
    assert [link["spanning_tree"] for link in found["links"]] == [True, False, True, True]
    assert found["links"][1]["dPC"] == 0
    assert found["links"][1]["dIIC"] is None
    with (tmp_path / "tables" / "node_importances.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [float(row["dPC"]) for row in rows] == [node["dPC"] for node in found["nodes"]]
    assert (tmp_path / "tables" / "overall_indices.csv").read_text().startswith("index,value\nnodes,4\n")
    assert len((tmp_path / "tables" / "link_importances.csv").read_text().splitlines()) == 5


def test_the_files_of_conefor(files, tmp_path):
    folder = tmp_path / "conefor"
    done = CliRunner().invoke(app, [*files, "--distance", "1000", "--conefor", str(folder)])
    assert done.exit_code == 0, done.output
    # p of 1000, 3000, 500 m with a median of 1000 m; the way 1-2-5 is better than 1-5.
    a, b, c = 0.5, 0.125, 0.5**0.5
    pairs = 50 * a + 40 * b + 24 * c + 80 * a * b + 30 * a * b * c + 15 * b * c
    direct = 50 * a + 40 * b + 24 * c + 80 * 0.5**9
    total = 198 + 2 * pairs
    overall = pd.read_csv(folder / "overall_indices.txt", sep="\t", header=None, index_col=0)[1]
    assert overall["PCnum"] == pytest.approx(total, rel=1e-9)
    assert overall["PCintra(%)"] == pytest.approx(100 * 198 / total, rel=1e-9)
    assert overall["PCdirect(%)"] == pytest.approx(200 * direct / total, rel=1e-9)
    assert overall["PCintra(%)"] + overall["PCdirect(%)"] + overall["PCstep(%)"] == pytest.approx(100)
    assert (overall["IICnum"], overall["NL"]) == (198 + 50 + 24, 2)
    heading = (folder / "node_importances.txt").read_text().splitlines()[0]
    assert heading.startswith("Node\tdA\tdIIC\tdIICintra\tdIICflux\tdIICconnector\t")
    assert heading.endswith("\t"), "a tab at the end too, as Conefor's"
    nodes = pd.read_csv(folder / "node_importances.txt", sep="\t", index_col="Node")
    assert nodes["dA"].tolist() == pytest.approx([1000 / 26, 500 / 26, 800 / 26, 300 / 26], rel=1e-9)
    lost = 80 * (a * b - 0.5**9) + 30 * (a * b * c - 0.5**9 * c)
    assert nodes.loc[2, "dPCconnector"] == pytest.approx(100 * 2 * lost / total, rel=1e-9)
    links = pd.read_csv(folder / "link_importances.txt", sep="\t")
    assert links[["Node1", "Node2"]].to_numpy().tolist() == [[1, 2], [1, 5], [2, 5], [5, 7]]


def test_only_what_is_asked_for(files, tmp_path):
    done = CliRunner().invoke(app, [*files, "--threshold", "3000", "--only-overall"])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text())
    assert "PC" not in found["overall"]
    assert found["overall"]["NL"] == 3
    assert set(found["nodes"][0]) == {"node", "area", "existing", "component"}


def test_an_estimate_writes_nothing_and_what_to_write_is_asked_for(files, tmp_path):
    done = CliRunner().invoke(app, [*files[:-2], "--distance", "1000", "--estimate"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("estimate: 4 nodes, 4 links, ")
    done = CliRunner().invoke(app, [*files, "--distance", "1000", "--estimate", "--index", "PC", "--only-overall"])
    assert "(4 nodes timed)" in done.stdout
    assert not (tmp_path / "out.json").exists()
    done = CliRunner().invoke(app, [*files[:-2], "--distance", "1000"])
    assert "it is not told what to write" in str(done.exception)


def test_the_best_paths_between_two_nodes(files, tmp_path):
    done = CliRunner().invoke(app, [*files, "--distance", "1000", "--between", "1", "5", "--paths", "9"])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text())["paths"]
    assert [path["nodes"] for path in found] == [[1, 2, 5], [1, 5]]
    assert [path["probability"] for path in found] == [0.0625, 0.5**9]
    done = CliRunner().invoke(app, [*files, "--threshold", "9000", "--between", "1", "7"])
    assert json.loads((tmp_path / "out.json").read_text())["paths"] == [
        {"nodes": [1, 5, 7], "links": 2},
        {"nodes": [1, 2, 5, 7], "links": 3},
    ]
    done = CliRunner().invoke(app, [*files, "--distance", "1000", "--between", "1", "6"])
    assert "value '6': the node file has no such node" in str(done.exception)


@pytest.mark.parametrize(("options", "message"), cases("network", "test_what_cannot_be_is_told_and_nothing_written"))
def test_what_cannot_be_is_told_and_nothing_written(files, tmp_path, options, message):
    done = CliRunner().invoke(app, [*files, *(option.format(tmp_path=tmp_path) for option in options)])
    assert done.exit_code != 0
    with pytest.raises((InputError, OSError), match=message):
        raise done.exception
    assert not (tmp_path / "out.json").exists()
    assert (tmp_path / "nodes.txt").read_text() == NODES


def test_probabilities_need_no_option_and_their_threshold_is_the_least():
    pairs = [(0, 1, 0.5), (1, 2, 0.25), (0, 2, 0.0)]
    found = network(ConnectionKind.PROBABILITY, pairs)
    assert found.overall["PCnum"] == 14 + 2 * (2 * 0.5 + 6 * 0.25 + 3 * 0.125)
    assert found.overall["NL"] == 2
    assert network(ConnectionKind.PROBABILITY, pairs, threshold=0.3).overall["NL"] == 1
    with pytest.raises(InputError, match="probabilities, which need no distance"):
        network(ConnectionKind.PROBABILITY, pairs, distance=5.0)


def test_mere_links_have_binary_indices_unless_a_probability_is_told():
    pairs = [(0, 1, 1), (1, 2, 1), (0, 2, 0)]
    found = network(ConnectionKind.LINK, pairs)
    assert found.overall["IICnum"] == pytest.approx(14 + 2 * (2 / 2 + 6 / 2 + 3 / 3))
    assert "PCnum" not in found.overall
    assert found.nodes.columns[-1] == "dIICconnector"
    assert network(ConnectionKind.LINK, pairs, probability=0.5).overall["PCnum"] == 14 + 2 * (1 + 3 + 3 * 0.25)
    assert network(ConnectionKind.LINK, pairs, probability=1.0).overall["PCnum"] == 36


def test_nodes_to_add_are_outside_the_landscape_until_they_are_added():
    found = network(ConnectionKind.PROBABILITY, [(0, 1, 0.5), (1, 2, 0.5)], existing=(True, False, True))
    assert found.overall["PCnum"] == 1 + 9
    assert (found.overall["nodes"], found.overall["area"], found.overall["NC"]) == (2, 4.0, 2)
    added = found.nodes.iloc[1]
    assert added["dPCintra"] == 100 * 4 / 10
    assert added["dPCflux"] == 100 * 2 * 2 * (0.5 * 1 + 0.5 * 3) / 10
    assert added["dPCconnector"] == 100 * 2 * 3 * 0.25 / 10
    assert found.nodes["component"].tolist() == [0, -1, 1]
    assert found.links["dPC"].isna().all()


def test_areas_whose_products_are_no_numbers_are_refused():
    nodes = Nodes(np.array([1, 2]), np.array([1e200, 1.0]), np.array([True, True]))
    with pytest.raises(InputError, match="too large to be multiplied"):
        analyse(nodes, Connections(ConnectionKind.LINK, np.array([0]), np.array([1]), np.ones(1)))


def test_only_the_indices_that_are_asked_for():
    found = network(ConnectionKind.PROBABILITY, [(0, 1, 0.5), (1, 2, 0.25)], indices=["PC"])
    assert "IICnum" not in found.overall
    assert "dIIC" not in found.nodes
    assert found.nodes["component"].tolist() == [0, 0, 0]
    assert found.links["dPC"].notna().all()
    with pytest.raises(InputError, match="the probabilities of the connections are not known"):
        network(ConnectionKind.LINK, [(0, 1, 1)], indices=["PC"])


def test_one_node_is_a_network():
    nodes = Nodes(np.array([4]), np.array([2.0]), np.array([True]))
    none = np.zeros(0, dtype=np.int64)
    found = analyse(nodes, Connections(ConnectionKind.LINK, none, none, np.zeros(0)), total_area=8.0, probability=0.5)
    assert found.overall["PC"] == found.overall["IIC"] == 4 / 64
    assert found.nodes["dPC"].tolist() == [100.0]
    assert not len(found.links)


def test_two_rows_of_a_pair_count_once_and_the_nearer_one():
    found = network(ConnectionKind.DISTANCE, [(0, 1, 20), (1, 0, 10), (2, 2, 0)], distance=10.0)
    assert found.overall["PCnum"] == 14 + 2 * 2 * 0.5
    assert found.links["distance"].tolist() == [10.0]
