"""Circuitscape projects: its own verification files, every option, and what people's files look like."""

import gzip
import importlib.util
import math
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from biodata.analysis.circuit.project import read_project
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.circuits import run_project
from biodata.formats.circuitscape import Setting, read_settings, write_settings
from biodata.formats.grids import read_grid
from biodata.runs.engines import work as run_engines
from case_tables import cases
from circuits import grid_text, read_map, read_matrix, run, write_project

ONES = [[1.0] * 4 for _ in range(3)]
CORNERS = "1 0.5 2.5\n2 3.5 2.5\n3 0.5 0.5\n"
MAPS = {"write_cur_maps": "True", "write_volt_maps": "True"}


def suite(shared):
    return sorted((shared / "suites" / "circuitscape" / "test").rglob("*.ini"))


def test_circuitscapes_own_verification_files(shared, tmp_path):
    folder = shared / "suites"
    spec = importlib.util.spec_from_file_location("score", folder / "score_circuitscape.py")
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    for ini in suite(shared):
        run_project(read_project(ini), tmp_path)
    expected = folder / "circuitscape" / "expected"
    # This list tells the pairs that the matrix beside it leaves out, and leaves out those that it tells.
    contradicts = {"sgVerify13_resistances_3columns.out"}
    for want in sorted(expected.iterdir()):
        if want.name in contradicts:
            continue
        assert (tmp_path / want.name).is_file(), want.name
        assert score.compare(tmp_path / want.name, want) is None, want.name


def test_pairs_of_points(tmp_path):
    out, report = run(
        write_project(tmp_path, [[1.0, 2.0, 3.0]], {"points.txt": "1 0.5 0.5\n2 1.5 0.5\n7 2.5 0.5\n"}, **MAPS)
    )
    np.testing.assert_allclose(read_matrix(out), [[0, 1.5, 4], [1.5, 0, 2.5], [4, 2.5, 0]])
    assert np.loadtxt(out / "result_resistances_3columns.out").tolist() == [[1, 2, 1.5], [1, 7, 4], [2, 7, 2.5]]
    np.testing.assert_allclose(read_map(out / "result_voltmap_1_7.asc"), [[0, 1.5, 4]])
    np.testing.assert_allclose(read_map(out / "result_curmap_1_2.asc"), [[1, 1, 0]])
    np.testing.assert_allclose(read_map(out / "result_cum_curmap.asc"), [[2, 3, 2]])
    assert report.solved == 3
    assert report.files == len(list(out.iterdir()))


def test_the_options_of_maps(tmp_path):
    habitat = [[1.0, 2.0, 3.0], [None, None, None], [1.0, 1.0, 1.0]]
    points = {"points.txt": "1 0.5 2.5\n2 1.5 2.5\n7 2.5 2.5\n"}
    nodata = {"set_null_currents_to_nodata": "True", "set_null_voltages_to_nodata": "True"}
    out, _ = run(write_project(tmp_path, habitat, points, write_max_cur_maps="1", **nodata, **MAPS))
    np.testing.assert_allclose(read_map(out / "result_curmap_1_2.asc"), [[1, 1, 0], [-9999] * 3, [0, 0, 0]])
    np.testing.assert_allclose(read_map(out / "result_voltmap_1_2.asc"), [[0, 1.5, 1.5], [-9999] * 3, [0, 0, 0]])
    np.testing.assert_allclose(read_map(out / "result_cum_curmap.asc"), [[2, 3, 2], [-9999] * 3, [0, 0, 0]])
    np.testing.assert_allclose(read_map(out / "result_max_curmap.asc"), [[1, 1, 1], [-9999] * 3, [0, 0, 0]])
    only = {"write_cur_maps": "True", "write_cum_cur_map_only": "True", "set_focal_node_currents_to_zero": "True"}
    out, _ = run(write_project(tmp_path, habitat, points, output_file="only", **only))
    assert not list(out.glob("only_curmap*"))
    np.testing.assert_allclose(read_map(out / "only_cum_curmap.asc")[0], [0, 1, 0])
    out, _ = run(write_project(tmp_path, habitat, points, output_file="log", log_transform_maps="True", **MAPS))
    np.testing.assert_allclose(read_map(out / "log_curmap_1_2.asc")[0], [0, 0, -9999])
    np.testing.assert_allclose(read_map(out / "log_cum_curmap.asc"), [[-9999, 0, -9999], [-9999] * 3, [-9999] * 3])
    out, _ = run(write_project(tmp_path, habitat, points, output_file="zip", compress_grids="True", **MAPS))
    assert gzip.decompress((out / "zip_curmap_1_2.asc.gz").read_bytes()).startswith(b"ncols")
    out, _ = run(write_project(tmp_path, habitat, points, output_file="tif", write_as_tif="True", **MAPS))
    assert read_grid(out / "tif_curmap_1_2.tif").values[0].tolist() == [1, 1, 0]


@pytest.mark.parametrize(("kind", "scenario"), [(ThreadPoolExecutor, "pairwise"), (ProcessPoolExecutor, "all-to-one")])
def test_any_executor_writes_the_same_files(tmp_path, monkeypatch, kind, scenario):
    context = {} if kind is ThreadPoolExecutor else {"mp_context": get_context("spawn")}
    points = grid_text([[1, 1, None, 2, 2, None, 3], [None] * 7])
    habitat = [[1.0, 2.0, 3.0, 1.0, 1.0, 4.0, 1.0], [1.0] * 7]
    files = {"points.asc": points, "pairs.txt": "mode exclude\n1 3\n"}
    pairs = {"use_included_pairs": "True", "included_pairs_file": "pairs.txt", "write_max_cur_maps": "True"}
    ini = write_project(tmp_path, habitat, files, scenario=scenario, point_file="points.asc", **pairs, **MAPS)
    out, expected = run(ini)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    with kind(2, **context) as executor:
        out, report = run(ini, executor=executor)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == first
        assert report == expected
        # Large regions are circuits of their own, and these are tasks, too.
        monkeypatch.setattr("biodata.analysis.circuit.flows._FACTOR_IN_SOLVES", 0)
        monkeypatch.setattr("biodata.analysis.circuit.flows.MOST_TERMINALS", 0)
        run(ini, executor=executor)
    for name, content in first.items():
        lines = content.decode().splitlines()
        if name.endswith(".out"):
            np.testing.assert_allclose(np.loadtxt(out / name), np.loadtxt(lines))
        else:
            np.testing.assert_allclose(read_map(out / name), np.loadtxt(lines[6:]), atol=1e-9)


def test_an_error_while_maps_are_waiting_is_told(tmp_path, monkeypatch):
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS}, **MAPS)
    monkeypatch.setattr("biodata.exports.circuit_files.ascii_grid", broken_grid)
    with ThreadPoolExecutor(2) as executor, pytest.raises(OSError, match="no space"):
        run(ini, executor=executor)


def broken_grid(*_values, **_choices):
    raise OSError(28, "no space left")


def test_a_kept_run_of_a_project_is_repeated_anywhere_and_knows_its_files(tmp_path):
    elsewhere = tmp_path / "project" / "layers"
    elsewhere.mkdir(parents=True)
    (elsewhere / "points.txt").write_text(CORNERS)
    ini = write_project(tmp_path / "project", ONES, point_file="layers/points.txt", **MAPS)
    settings = Settings(data=tmp_path / "data")
    first = run_engines.start(settings, "circuit", {"ini": str(ini)})
    assert {one.name for one in first.inputs} == {"ini", "habitat_file", "point_file"}
    with ThreadPoolExecutor(2) as threads:
        _, comparison = run_engines.repeat(settings, first.id, executor=threads)
    assert comparison.identical
    (elsewhere / "points.txt").write_text(CORNERS.replace("3.5", "2.5"))
    _, comparison = run_engines.repeat(settings, first.id)
    assert not comparison.identical


def test_focal_regions_are_joined_only_for_their_own_pairs(tmp_path):
    points = grid_text([[1, 1, None, None, 2, 2, None, 3]])
    ini = write_project(tmp_path, [[1.0] * 8], {"points.asc": points}, point_file="points.asc", **MAPS)
    out, _ = run(ini)
    np.testing.assert_allclose(read_matrix(out), [[0, 3, 6], [3, 0, 2], [6, 2, 0]])
    np.testing.assert_allclose(read_map(out / "result_curmap_1_2.asc"), [[1, 1, 1, 1, 1, 1, 0, 0]])
    np.testing.assert_allclose(read_map(out / "result_voltmap_1_3.asc"), [[0, 0, 1, 2, 3, 4, 5, 6]])


def test_polygons_masks_and_focal_nodes_in_one_polygon(tmp_path):
    files = {
        "points.asc": grid_text([[1, None, 2, None, 3]]),
        "polygons.asc": grid_text([[4, 4, 4, None, None]]),
        "mask.asc": grid_text([[1, 1, 1, 1, 0]]),
    }
    options = {"point_file": "points.asc", "use_polygons": "True", "polygon_file": "polygons.asc", **MAPS}
    out, _ = run(write_project(tmp_path, [[1.0] * 5], files, **options))
    np.testing.assert_allclose(read_matrix(out), [[0, 0, 2], [0, 0, 2], [2, 2, 0]])
    assert not read_map(out / "result_curmap_1_2.asc").any()
    np.testing.assert_allclose(read_map(out / "result_curmap_1_3.asc"), [[1] * 5])
    out, report = run(write_project(tmp_path, [[1.0] * 5], files, use_mask="True", mask_file="mask.asc", **options))
    np.testing.assert_allclose(read_matrix(out), [[0, 0, -1], [0, 0, -1], [-1, -1, 0]])
    assert any("no current reaches" in note and "3" in note for note in report.notes)
    assert report.unconnected == 2


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("mode include\n1 2\n1 0\n", [[0, 3], [3, 0]], id="a list of inclusions drops the others"),
    pytest.param("mode\texclude\n1\t3\n", [[0, 3, -1], [3, 0, 4], [-1, 4, 0]], id="a list of exclusions"),
    pytest.param("min 2\nmax 50\n0 1 2 3\n1 0 2 70\n2 2 0 9\n3 70 90 0\n", [[0, 3, -1], [3, 0, 4], [-1, 4, 0]],
                 id="a matrix"),
])  # fmt: skip
def test_lists_of_pairs(tmp_path, text, expected):
    files = {"points.txt": "1 0.5 0.5\n2 3.5 0.5\n3 7.5 0.5\n", "pairs.txt": text}
    options = {"use_included_pairs": "True", "included_pairs_file": "pairs.txt"}
    out, _ = run(write_project(tmp_path, [[1.0] * 8], files, **options, **MAPS))
    np.testing.assert_allclose(read_matrix(out), expected)
    assert read_map(out / "result_cum_curmap.asc")[0, 0] == 1


def test_one_to_all_with_strengths(tmp_path):
    files = {"points.txt": "1 0.5 0.5\n2 2.5 0.5\n3 4.5 0.5\n", "strengths.txt": "2\t4\n"}
    options = {"use_variable_source_strengths": "True", "variable_source_file": "strengths.txt", **MAPS}
    out, _ = run(write_project(tmp_path, [[1.0] * 5], files, scenario="one-to-all", **options))
    np.testing.assert_allclose(np.loadtxt(out / "result_resistances.out"), [[1, 2], [2, 1], [3, 2]])
    np.testing.assert_allclose(read_map(out / "result_curmap_2.asc"), [[2, 2, 4, 2, 2]])
    np.testing.assert_allclose(read_map(out / "result_voltmap_2.asc"), [[0, 2, 4, 2, 0]])
    np.testing.assert_allclose(read_map(out / "result_cum_curmap.asc"), [[3, 3, 6, 3, 3]])
    out, _ = run(write_project(tmp_path, [[1.0] * 5], files, scenario="all-to-one", **options))
    np.testing.assert_allclose(np.loadtxt(out / "result_resistances.out")[:, 1], 0)
    np.testing.assert_allclose(read_map(out / "result_curmap_1.asc"), [[5, 5, 5, 1, 1]])


def test_advanced_from_lists_and_grids(tmp_path):
    files = {"sources.txt": "2 0.5 0.5\n", "grounds.asc": grid_text([[None, None, 0.5, None, 0]])}
    options = {"scenario": "advanced", "source_file": "sources.txt", "ground_file": "grounds.asc", **MAPS}
    out, report = run(write_project(tmp_path, [[1.0] * 5], files, **options))
    # 2 A over 2 ohm to a node with 0.5 ohm and 2 ohm to ground: 0.4 ohm, 0.8 V.
    np.testing.assert_allclose(read_map(out / "result_voltmap.asc"), [[4.8, 2.8, 0.8, 0.4, 0]])
    np.testing.assert_allclose(read_map(out / "result_curmap.asc"), [[2, 2, 2, 0.4, 0.4]])
    assert report.solved == 1
    options |= {"use_unit_currents": "True", "use_direct_grounds": "True"}
    out, _ = run(write_project(tmp_path, [[1.0] * 5], files, **options))
    np.testing.assert_allclose(read_map(out / "result_voltmap.asc"), [[2, 1, 0, 0, 0]])
    options |= {"use_direct_grounds": "False", "ground_file_is_resistances": "False"}
    out, _ = run(write_project(tmp_path, [[1.0] * 5], files, **options))
    np.testing.assert_allclose(read_map(out / "result_voltmap.asc"), [[4, 3, 2, 2, 2]])


def test_sources_on_no_data_are_told(tmp_path):
    files = {"sources.txt": "2 0.5 1.5\n5 1.5 1.5\n", "grounds.txt": "0 2.5 1.5\n"}
    options = {"scenario": "advanced", "source_file": "sources.txt", "ground_file": "grounds.txt", **MAPS}
    out, report = run(write_project(tmp_path, [[1.0, None, 1.0], [1.0] * 3], files, **options))
    assert "sources on cells without data do nothing: 1" in report.notes
    np.testing.assert_allclose(read_map(out / "result_curmap.asc"), [[2, 0, 2], [2, 2, 2]])


def network(folder, text, **options):
    (folder / "graph.txt").write_text(text)
    return write_project(folder, [[1.0]], data_type="network", habitat_file="graph.txt", **options)


def test_networks(tmp_path):
    (tmp_path / "nodes.txt").write_text("5\n0\n9\n")
    ini = network(tmp_path, "0 5 1\n5 7 2\n5 7 2\n8 9 1\n", point_file="nodes.txt", **MAPS)
    out, _ = run(ini)
    np.testing.assert_allclose(read_matrix(out), [[0, 1, -1], [1, 0, -1], [-1, -1, 0]])
    np.testing.assert_allclose(np.loadtxt(out / "result_voltages_5_0.txt"), [[0, 1], [5, 0], [7, 0]], atol=1e-12)
    np.testing.assert_allclose(np.loadtxt(out / "result_branch_currents_5_0.txt"), [0, 5, 1])
    np.testing.assert_allclose(np.loadtxt(out / "result_node_currents_cum.txt")[:, 0], [0, 5, 7, 8, 9])
    (tmp_path / "sources.txt").write_text("0 1\n")
    (tmp_path / "grounds.txt").write_text("7 1\n")
    options = {"scenario": "advanced", "source_file": "sources.txt", "ground_file": "grounds.txt"}
    out, _ = run(network(tmp_path, "0 5 1\n5 7 2\n5 7 2\n8 9 1\n", **options, **MAPS))
    np.testing.assert_allclose(np.loadtxt(out / "result_voltages.txt"), [[0, 3], [5, 2], [7, 1], [8, 0], [9, 0]])


def test_a_branch_without_resistance_makes_one_node_of_its_ends(tmp_path):
    (tmp_path / "nodes.txt").write_text("1\n3\n")
    out, report = run(network(tmp_path, "1 2 0\n2 3 4\n", point_file="nodes.txt"))
    np.testing.assert_allclose(read_matrix(out), [[0, 4], [4, 0]])
    assert any("no resistance" in note for note in report.notes)


@pytest.mark.parametrize("text", [
    pytest.param("\ufeff{}".encode().decode(), id="byte order mark"),
    pytest.param("{}", id="no section headings"),
    pytest.param("[circuitscape options]\r\n{}\r\n", id="Windows line ends"),
])  # fmt: skip
def test_ini_files_as_people_have_them(tmp_path, text):
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS})
    lines = ini.read_text().split("]\n", 1)[1]
    body = text.format(lines.replace("\n", "\r\n") if "\r" in text else lines)
    ini.write_bytes(body.encode("utf-8"))
    _, report = run(ini)
    assert report.solved == 3


def test_paths_of_windows_and_of_folders_above(tmp_path):
    deep = tmp_path / "test" / "input" / "1"
    deep.mkdir(parents=True)
    options = {"habitat_file": r"input\1\habitat.asc", "point_file": r"C:\Users\a\project\points.txt"}
    ini = write_project(deep, ONES, {"points.txt": CORNERS}, output_file=r"out\name.out", **options)
    project = read_project(ini)
    assert project.files["habitat_file"] == deep / "habitat.asc"
    assert project.files["point_file"] == deep / "points.txt"
    assert project.prefix == "name"
    assert any("points.txt" in note for note in project.notes)


def test_files_of_other_scenarios_are_not_asked_for(tmp_path):
    others = {"use_variable_source_strengths": "True", "variable_source_file": "gone.txt", "source_file": "gone.asc"}
    _, report = run(write_project(tmp_path, ONES, {"points.txt": CORNERS}, **others))
    assert report.solved == 3
    (tmp_path / "nodes.txt").write_text("1\n3\n")
    rasters = {"use_polygons": "True", "polygon_file": "gone.asc", "use_mask": "1", "mask_file": "gone.asc"}
    out, _ = run(network(tmp_path, "1 2 1\n2 3 1\n", point_file="nodes.txt", **rasters))
    np.testing.assert_allclose(read_matrix(out), [[0, 2], [2, 0]])


def test_the_largest_current_alone(tmp_path):
    ini = write_project(tmp_path, [[1.0] * 3], {"points.txt": "1 0.5 0.5\n2 2.5 0.5\n"}, write_max_cur_maps="True")
    out, _ = run(ini)
    np.testing.assert_allclose(read_map(out / "result_max_curmap.asc"), [[1, 1, 1]])
    assert not [*out.glob("*_curmap_*"), *out.glob("*cum_curmap*")]


def test_sources_and_grounds_at_nodes_that_a_network_has_not_are_left_aside(tmp_path):
    (tmp_path / "sources.txt").write_text("1 5\n1 2\n40 1\n")
    (tmp_path / "grounds.txt").write_text("3 0\n41 1\n")
    options = {"scenario": "advanced", "source_file": "sources.txt", "ground_file": "grounds.txt"}
    out, report = run(network(tmp_path, "1 2 1\n2 3 1\n", **options, **MAPS))
    np.testing.assert_allclose(np.loadtxt(out / "result_voltages.txt"), [[1, 4], [2, 2], [3, 0]])
    assert any("sources.txt" in note and "40 (row 3)" in note for note in report.notes)
    (tmp_path / "nodes.txt").write_text("1\n9\n")
    refused(network(tmp_path, "1 2 1\n2 3 1\n", point_file="nodes.txt"), "nodes.txt", "no such node", "9")


def test_unknown_keys_are_told_and_do_no_harm(tmp_path):
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS}, wirte_cur_maps="True", solver="cg+amg")
    project = read_project(ini)
    assert len(project.notes) == 1
    assert "wirte_cur_maps" in project.notes[0]


def refused(ini, *words):
    with pytest.raises(InputError) as caught:
        run(ini)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_all_missing_files_are_told_at_once(tmp_path):
    ini = write_project(tmp_path, ONES, use_mask="True", mask_file="(Browse for a mask)", point_file="gone.txt")
    refused(ini, "project.ini", "point_file 'gone.txt' is not there", "mask_file is not told")


@pytest.mark.parametrize(("options", "words"), [
    pytest.param({"scenario": "pairwsie"}, ["scenario", "pairwsie", "one-to-all"], id="a scenario that is none"),
    pytest.param({"scenario": None}, ["scenario"], id="no scenario"),
    pytest.param({"write_cur_maps": "Ture"}, ["write_cur_maps", "Ture", "row"], id="neither true nor false"),
    pytest.param({"data_type": "network", "scenario": "one-to-all"}, ["networks"], id="a network one-to-all"),
])  # fmt: skip
def test_options_without_a_meaning_are_refused(tmp_path, options, words):
    refused(write_project(tmp_path, ONES, {"points.txt": CORNERS}, **options), *words)


@pytest.mark.parametrize(
    ("points", "words"), cases("circuit_projects", "test_focal_nodes_that_cannot_be_used_are_refused")
)
def test_focal_nodes_that_cannot_be_used_are_refused(tmp_path, points, words):
    if "1,5" in points:
        points = "1 0.5 0.5\n2 1\n"
    refused(write_project(tmp_path, ONES, {"points.txt": points}), *words)


def test_two_focal_nodes_in_one_cell_and_one_on_no_data(tmp_path):
    points = "1 0.5 0.5\n2 0.6 0.4\n3 1.5 0.5\n4 2.5 0.5\n"
    out, report = run(write_project(tmp_path, [[1.0, 1.0, None]], {"points.txt": points}, **MAPS))
    expected = [[0, 0, 1, -1], [0, 0, 1, -1], [1, 1, 0, -1], [-1, -1, -1, 0]]
    np.testing.assert_allclose(read_matrix(out), expected)
    assert any(note.endswith(": 4") for note in report.notes)


def test_resistances_of_nothing_and_below_nothing(tmp_path):
    points = {"points.txt": "1 0.5 0.5\n2 3.5 0.5\n"}
    out, report = run(write_project(tmp_path, [[1.0, 0.0, 0.0, 1.0]], points))
    np.testing.assert_allclose(read_matrix(out), [[0, 1], [1, 0]])
    assert any("2 cells have no resistance" in note for note in report.notes)
    out, report = run(write_project(tmp_path, [[1.0, -3.0, 1.0, 1.0]], points))
    assert read_matrix(out)[0, 1] == -1
    assert any("row 1, column 2" in note for note in report.notes)


def test_grids_of_other_cells_are_refused_and_slightly_shifted_ones_told(tmp_path):
    options = {"use_polygons": "True", "polygon_file": "polygons.asc"}
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": grid_text([[1, 2]])}, **options)
    refused(ini, "polygons.asc", "1 rows x 2 columns", "habitat.asc 3 x 4")
    shifted = grid_text([[1, 1, None, None]] * 3, west=0.25)
    _, report = run(write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": shifted}, **options))
    assert any("west 0.25, not 0" in note for note in report.notes)
    elsewhere = grid_text([[1, 1, None, None]] * 3, west=-1)
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": elsewhere}, **options)
    refused(ini, "polygons.asc", "1 cells away from habitat.asc", "west -1, not 0")
    coarser = grid_text([[1, 1, None, None]] * 3, cell=1.3)
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": coarser}, **options)
    refused(ini, "1.2 cells away", "cell_width 1.3, not 1")
    nowhere = coarser.replace("xllcorner 0.0\nyllcorner 0.0\n", "")
    _, report = run(write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": nowhere}, **options))
    assert any("polygons.asc does not tell where it lies" in note for note in report.notes)
    empty = grid_text([[None] * 4] * 3)
    _, report = run(write_project(tmp_path, ONES, {"points.txt": CORNERS, "polygons.asc": empty}, **options))
    assert any("no polygons" in note for note in report.notes)


@pytest.mark.parametrize(("text", "words"), cases("circuit_projects", "test_broken_grids_are_refused_with_their_place"))
def test_broken_grids_are_refused_with_their_place(tmp_path, text, words):
    ini = write_project(tmp_path, ONES, {"points.txt": CORNERS})
    (tmp_path / "habitat.asc").write_text(text)
    refused(ini, "habitat.asc", *words)


def test_a_geotiff_without_a_place_and_cells_that_are_no_squares(tmp_path):
    from biodata.formats.grids import RasterFile, tiff_grid, write_grid

    habitat = RasterFile(np.array([[1.0, np.nan, 1.0], [1.0, 1.0, 1.0]]), 10.0, 20.0, 2.0, 3.0, "EPSG:32648")
    write_grid(tiff_grid(habitat.values, habitat), habitat, tmp_path / "habitat.tif")
    points = {"points.txt": "1 11 24\n2 15 24\n"}
    out, report = run(write_project(tmp_path, ONES, points, habitat_file="habitat.tif", **MAPS))
    assert read_matrix(out)[0, 1] == pytest.approx(4.0)
    assert any("2 x 3" in note for note in report.notes)
    written = read_grid(out / "result_curmap_1_2.asc")
    assert "UTM zone 48N" in written.crs
    assert (written.west, written.south, written.cell_width, written.cell_height) == (10, 20, 2, 3)


def test_settings_are_written_as_they_are_read(tmp_path):
    path = tmp_path / "project.ini"
    write_settings([("Habitat", "habitat_file", "a b.asc"), ("Mode", "scenario", "pairwise")], path)
    found = read_settings(path)
    assert found["habitat_file"] == Setting("Habitat", "habitat_file", "a b.asc", 2)
    path.write_text("[x]\nhello\n")
    with pytest.raises(InputError, match="row 2"):
        read_settings(path)


def test_grids_in_other_forms(tmp_path):
    path = tmp_path / "grid.asc"
    text = "NCOLS 2\r\nNROWS 2\r\nXLLCENTER 0.5\r\nYLLCENTER 0.5\r\nCELLSIZE 1\r\nNODATA_VALUE -1\r\n1\t-1\t\r\n-9999\t2\t\r\n"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    found = read_grid(path)
    assert (found.west, found.south) == (0.0, 0.0)
    assert [[None if math.isnan(v) else v for v in row] for row in found.values] == [[1, None], [None, 2]]


def test_a_raster_whose_first_row_lies_south_is_turned_and_one_without_a_place_is_not(tmp_path):
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.transform import Affine

    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    path = tmp_path / "south.tif"
    shape = {"driver": "GTiff", "height": 3, "width": 2, "count": 1, "dtype": "float64"}
    with rasterio.open(path, "w", transform=Affine(10, 0, 100, 0, 10, 200), **shape) as target:
        target.write(values, 1)
    found = read_grid(path)
    assert found.values.tolist() == values[::-1].tolist()
    assert (found.west, found.south, found.cell_width, found.cell_height) == (100, 200, 10, 10)
    assert found.is_placed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **shape) as target:
            target.write(values, 1)
    found = read_grid(path)
    assert found.values.tolist() == values.tolist()
    assert not found.is_placed
