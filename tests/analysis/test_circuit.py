"""Circuits: against dense linear algebra, the rules of resistors, and each solver against the others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.analysis.circuit import solvers as circuit_solvers
from biodata.analysis.circuit.flows import advanced, one_to_all, pairwise
from biodata.analysis.circuit.graph import branch_currents, cell_nodes, circuit, contracted, landscape, node_currents
from biodata.analysis.circuit.solvers import GROUNDED, Terminals
from circuits import dense_resistances


def random_landscape(seed, shape=(9, 11), *, holes=0.2, four=False, average=True):
    rng = np.random.default_rng(seed)
    conductance = rng.uniform(0.05, 3.0, shape)
    conductance[rng.random(shape) < holes] = 0.0
    nodes, count = cell_nodes(conductance, None, four_neighbours=four)
    return landscape(conductance, nodes, count, four_neighbours=four, average_resistances=average)


@st.composite
def networks(draw):
    nodes = draw(st.integers(2, 8))
    branches = draw(st.lists(
        st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1), st.sampled_from([0.1, 0.5, 1.0, 4.0])),
        min_size=1,
        max_size=16,
    ))  # fmt: skip
    first, second, conductance = (np.array(column) for column in zip(*branches, strict=True))
    return circuit(first, second, conductance.astype(float), nodes)


@settings(max_examples=40)
@given(networks())
def test_resistances_are_those_of_the_dense_inverse(whole):
    found = Terminals(whole, np.arange(whole.nodes)).resistances()
    expected = dense_resistances(whole.conductances.toarray())
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(found, found.T)


@settings(max_examples=30)
@given(networks(), st.data())
def test_regions_are_what_a_circuit_with_their_nodes_joined_gives(whole, data):
    order = data.draw(st.permutations(range(whole.nodes)))
    cut = data.draw(st.integers(1, whole.nodes - 1))
    end = data.draw(st.integers(cut + 1, whole.nodes))
    groups = [np.sort(np.array(order[:cut])), np.sort(np.array(order[cut:end]))]
    (flow,) = pairwise(whole, groups, ~np.eye(2, dtype=bool), maps=True)
    smaller, labels = contracted(whole, groups)
    a, b = labels[groups[0][0]], labels[groups[1][0]]
    expected = dense_resistances(smaller.conductances.toarray())[a, b]
    assert flow.resistance == pytest.approx(expected if np.isfinite(expected) else -1.0)
    if flow.currents is not None:
        voltages = np.zeros(smaller.nodes)
        voltages[labels] = flow.voltages
        np.testing.assert_allclose(flow.currents, node_currents(smaller, voltages)[labels], atol=1e-8)


@pytest.mark.parametrize("average", [True, False], ids=["average resistances", "average conductances"])
@pytest.mark.parametrize("four", [True, False], ids=["four neighbours", "eight neighbours"])
def test_branches_between_cells(four, average):
    resistance = np.array([[1.0, 2.0], [4.0, np.inf]])
    conductance = 1 / resistance
    nodes, count = cell_nodes(conductance, None, four_neighbours=four)
    found = landscape(conductance, nodes, count, four_neighbours=four, average_resistances=average)

    def mean(a, b, length):
        return 2 / (a + b) / length if average else (1 / a + 1 / b) / 2 / length

    expected = np.zeros((3, 3))
    expected[0, 1] = mean(1, 2, 1)
    expected[0, 2] = mean(1, 4, 1)
    expected[1, 2] = 0 if four else mean(2, 4, np.sqrt(2))
    np.testing.assert_allclose(found.conductances.toarray(), expected + expected.T)


def test_a_polygon_is_one_node_and_no_data_inside_it_does_not_conduct():
    conductance = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    polygons = np.array([[0, 5.0, 0], [0, 5.0, 0], [0, 0, 5.0]])
    nodes, count = cell_nodes(conductance, polygons, four_neighbours=True)
    assert count == 5
    assert nodes[0, 1] == nodes[1, 1] == nodes[2, 2]
    found = landscape(conductance, nodes, count, four_neighbours=True, average_resistances=False)
    assert found.conductances.sum() == pytest.approx(2 * 4)


def test_neighbours_without_resistance_are_one_node():
    conductance = np.array([[np.inf, np.inf, 1.0, np.inf]])
    nodes, count = cell_nodes(conductance, None, four_neighbours=True)
    assert count == 3
    found = landscape(conductance, nodes, count, four_neighbours=True, average_resistances=True)
    assert Terminals(found, np.array([nodes[0, 0], nodes[0, 3]])).resistances()[0, 1] == pytest.approx(1.0)


@pytest.mark.parametrize("name", circuit_solvers.MAKERS)
def test_all_solvers_agree(name, monkeypatch):
    if name == "pardiso":
        pytest.importorskip("pypardiso")
    whole = random_landscape(3, (30, 31))
    places = np.array([5, 100, 200, 300, 444])
    expected = Terminals(whole, places).resistances()
    monkeypatch.setattr(circuit_solvers, "chosen", lambda nodes: name)
    np.testing.assert_allclose(Terminals(whole, places).resistances(), expected, rtol=1e-8)


def test_a_solver_that_is_not_there_or_has_no_room_is_not_taken(monkeypatch):
    monkeypatch.setattr(circuit_solvers.importlib.util, "find_spec", lambda name: None)
    assert circuit_solvers.chosen(1_000_000) == "superlu"
    monkeypatch.setattr(circuit_solvers, "free_bytes", lambda: 1e9)
    assert circuit_solvers.chosen(1_000_000) == "gradients"


def test_one_factor_gives_the_same_as_pairs_one_by_one(monkeypatch):
    whole = random_landscape(7, (12, 12), holes=0.05)
    groups = [np.array(group) for group in ([0, 1, 12], [40, 41], [70], [100, 101, 102, 90])]
    allowed = ~np.eye(4, dtype=bool)
    at_once = list(pairwise(whole, groups, allowed, maps=True))
    monkeypatch.setattr("biodata.analysis.circuit.flows._FACTOR_IN_SOLVES", 0)
    for found, expected in zip(at_once, pairwise(whole, groups, allowed, maps=True), strict=True):
        assert found.resistance == pytest.approx(expected.resistance)
        np.testing.assert_allclose(found.voltages, expected.voltages, atol=1e-9)
        np.testing.assert_allclose(found.currents, expected.currents, atol=1e-9)


def test_columns_kept_and_single_solves_give_the_same(monkeypatch):
    whole = random_landscape(5, (12, 12))
    places = np.array([3, 50, 90])
    answers = []
    for room in (1 << 30, 0):
        monkeypatch.setattr("biodata.analysis.circuit.solvers._COLUMNS_IN_MEMORY", room)
        terminals = Terminals(whole, places, maps=3)
        groups = [np.array([0]), np.array([1]), np.array([2])]
        answers.append(terminals.node_voltages(terminals.answer(groups, np.array([GROUNDED, 1.0, 0.5]))))
    np.testing.assert_allclose(*answers)
    terminals = Terminals(whole, np.arange(80), maps=1)
    assert not terminals._columns
    found = terminals.node_voltages(terminals.answer([np.array([3]), np.array([50])], np.array([GROUNDED, 1.0])))
    reached = found[whole.components == whole.components[3]]
    assert reached.max() == pytest.approx(terminals.resistances()[3, 50])


@pytest.mark.parametrize("all_to_one", [False, True], ids=["one-to-all", "all-to-one"])
def test_regions_are_joined_while_they_are_active(monkeypatch, all_to_one):
    whole = random_landscape(13, (12, 12), holes=0.02)
    groups = [np.array(group) for group in ([5, 6, 20], [60], [99, 100], [130, 131, 6])]
    everyone, some = ~np.eye(4, dtype=bool), ~np.eye(4, dtype=bool)
    some[0, 2] = some[1, 0] = some[1, 3] = some[2, 1] = False
    strengths = np.array([1.0, 2.0, 0.5, 1.0])
    for partners in (everyone, some):
        options = {"all_to_one": all_to_one, "listed_strengths": True, "maps": True}
        found = list(one_to_all(whole, groups, partners, strengths, **options))
        monkeypatch.setattr("biodata.analysis.circuit.flows.MOST_TERMINALS", 0)
        again = list(one_to_all(whole, groups, partners, strengths, **options))
        monkeypatch.undo()
        for flow, other in zip(found, again, strict=True):
            active = [groups[at] for at in flow.active]
            smaller, labels = contracted(whole, active)
            sources, grounds = np.zeros(smaller.nodes), np.zeros(smaller.nodes)
            for at, group in enumerate(groups):
                node = labels[group[0]]
                if at not in flow.active:
                    sources[node] += float(all_to_one)
                elif (at == flow.focal) == all_to_one:
                    grounds[node] = np.inf
                else:
                    sources[node] += strengths[at]
            expected = advanced(smaller, sources, grounds, policy="rmvsrc" if all_to_one else "rmvgnd")
            for answer in (flow, other):
                np.testing.assert_allclose(answer.voltages, expected.voltages[labels], atol=1e-9)
                np.testing.assert_allclose(answer.currents, expected.currents[labels], atol=1e-8)
            assert other.resistance == pytest.approx(flow.resistance)


def line(*conductances):
    count = len(conductances)
    return circuit(np.arange(count), np.arange(1, count + 1), np.array(conductances, dtype=float), count + 1)


@pytest.mark.parametrize(("policy", "ground", "voltages"), [
    pytest.param("keepall", 1.0, [4 / 3, 2 / 3, 0], id="a resistor to ground beside a source is kept"),
    pytest.param("keepall", np.inf, [4, 2, 0], id="a direct ground at a source goes"),
    pytest.param("rmvgnd", 1.0, [4, 2, 0], id="the ground goes"),
    pytest.param("rmvsrc", 1.0, [0, 0, 0], id="the source goes"),
    pytest.param("rmvall", 1.0, [0, 0, 0], id="both go"),
])  # fmt: skip
def test_conflicts_of_sources_and_grounds(policy, ground, voltages):
    sources, grounds = np.array([2.0, 0, 0]), np.array([ground, 0, np.inf])
    if ground == 1.0:
        # 2 A over 1 ohm to ground and 2 ohm to the other end: 2 / (1 + 1/2) V
        voltages = [4 / 3, 2 / 3, 0] if policy == "keepall" else voltages
    found = advanced(line(1.0, 1.0), sources, grounds, policy=policy)
    np.testing.assert_allclose(found.voltages, voltages, atol=1e-12)


def test_current_to_ground_counts_as_current_of_the_node():
    found = advanced(line(1.0), np.array([1.0, 0]), np.array([0, 0.5]))
    np.testing.assert_allclose(found.voltages, [3.0, 2.0])
    np.testing.assert_allclose(found.currents, [1.0, 1.0])


def test_components_without_a_ground_are_left_at_zero():
    whole = circuit(np.array([0, 2]), np.array([1, 3]), np.array([1.0, 1.0]), 4)
    found = advanced(whole, np.array([1.0, 0, 1.0, 0]), np.array([0, np.inf, 0, 0]))
    assert found.solved == 1
    np.testing.assert_allclose(found.voltages, [1.0, 0, 0, 0])


def test_branch_currents_are_told_once():
    first, second, currents = branch_currents(line(2.0, 1.0), np.array([3.0, 1.0, 0.0]))
    assert list(zip(first, second, currents, strict=True)) == [(0, 1, 4.0), (1, 2, 1.0)]
