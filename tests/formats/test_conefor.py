"""Conefor's files: what is read, what is refused and where, and what is written is read again."""

import numpy as np
import pytest

from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind, ConnectionLayout
from biodata.formats.conefor import (
    Connections,
    Nodes,
    contradicted,
    read_connections,
    read_nodes,
    write_connections,
    write_nodes,
)
from case_tables import cases

FOUR = Nodes(np.array([12, 3, 700, 4]), np.array([5.0, 1.0, 0.0, 2.5]), np.ones(4, dtype=bool))
THREE = Nodes(np.array([1, 2, 3]), np.ones(3), np.ones(3, dtype=bool))


def write(folder, text, name="file.txt"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def pairs(found, nodes=FOUR):
    ends = zip(nodes.ids[found.first].tolist(), nodes.ids[found.second].tolist(), strict=True)
    return dict(zip(ends, found.value.tolist(), strict=True))


@pytest.mark.parametrize("text", [
    pytest.param("12\t5\n3\t1\n700\t0\n4\t2.5\n", id="tabs"),
    pytest.param("12 5\n3   1\n 700 0 \n4 2.5", id="spaces, no last line end"),
    pytest.param("12;5\r\n3;1\r\n700;0\r\n4;2.5\r\n", id="semicolons, CRLF"),
    pytest.param("\ufeff12\t5\n\n3\t1\n700\t0\n4\t2.5\n\n", id="BOM, empty lines"),
    pytest.param("ID\tAREA\n12\t5\n3\t1\n7e2\t0\n4\t2.5e0\n", id="a heading, numbers as R writes them"),
    pytest.param("12\t5\n3\t1\n700\t0\n4\t2.5\n".encode("utf-16"), id="UTF-16"),
    pytest.param("12,5\n3,1\n700,0\n4,2.5\n", id="commas"),
    pytest.param("node id,area\n12,5\n3,1\n700,0\n4,2.5\n", id="commas and a heading with a space"),
    pytest.param("12\t5\r3\t1\r700\t0\r4\t2.5\r", id="CR"),
])  # fmt: skip
def test_node_files_in_all_their_forms(tmp_path, text):
    found = read_nodes(write(tmp_path, text))
    assert found.ids.tolist() == [12, 3, 700, 4]
    assert found.area.tolist() == [5.0, 1.0, 0.0, 2.5]
    assert found.existing.all()


def test_a_third_column_tells_nodes_to_add(tmp_path):
    found = read_nodes(write(tmp_path, "1 5 1\n2 6 0\n"))
    assert found.existing.tolist() == [True, False]


@pytest.mark.parametrize(("text", "message"), [
    *cases("conefor", "test_node_files_that_cannot_be_are_refused_with_their_place"),
    pytest.param(b"PK\x03\x04abc", "file.txt", id="a workbook"),
])  # fmt: skip
def test_node_files_that_cannot_be_are_refused_with_their_place(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as raised:
        read_nodes(write(tmp_path, text))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("text", "kind", "expected"), [
    pytest.param("12 3 1500\n700 12 inf\n", ConnectionKind.DISTANCE, {(12, 3): 1500.0, (700, 12): np.inf},
                 id="distances"),
    pytest.param("12 3 0.5\n3 3 1\n", None, {(12, 3): 0.5, (3, 3): 1.0}, id="probabilities and a loop"),
    pytest.param("12\t3\n4\t700\n", None, {(12, 3): 1.0, (4, 700): 1.0}, id="links"),
    pytest.param("12 3 1\n4 700 0\n", ConnectionKind.LINK, {(12, 3): 1.0, (4, 700): 0.0}, id="links with 1 and 0"),
])  # fmt: skip
def test_lists_of_pairs(tmp_path, text, kind, expected):
    found = read_connections(write(tmp_path, text), FOUR, kind=kind)
    assert pairs(found) == expected
    assert found.kind is (
        kind or (ConnectionKind.LINK if len(text.split("\n")[0].split()) == 2 else ConnectionKind.PROBABILITY)
    )


@pytest.mark.parametrize("text", [
    pytest.param("0 1 2 3\n1 0 4 5\n2 4 0 6\n3 5 6 0\n", id="whole"),
    pytest.param("0\n1 0\n2 4 0\n3 5 6 0\n", id="lower half"),
    pytest.param("1\n2 4\n3 5 6\n", id="lower half without diagonal"),
    pytest.param("0 1 2 3\n0 4 5\n0 6\n0\n", id="upper half"),
    pytest.param("1 2 3\n4 5\n6\n", id="upper half without diagonal"),
])  # fmt: skip
def test_matrices_whole_and_half(tmp_path, text):
    found = read_connections(write(tmp_path, text), FOUR, kind=ConnectionKind.DISTANCE)
    told = {tuple(sorted(pair)): value for pair, value in pairs(found).items()}
    assert told == {(3, 12): 1, (12, 700): 2, (4, 12): 3, (3, 700): 4, (3, 4): 5, (4, 700): 6}


def test_three_rows_of_three_are_a_list_unless_they_can_only_be_a_matrix(tmp_path):
    matrix = read_connections(write(tmp_path, "0 100 200\n100 0 300\n200 300 0\n"), THREE, kind=ConnectionKind.DISTANCE)
    assert pairs(matrix, THREE) == {(1, 2): 100, (1, 3): 200, (2, 3): 300}
    text = write(tmp_path, "1 2 3\n2 1 1\n3 2 1\n")
    assert pairs(read_connections(text, THREE, kind=ConnectionKind.DISTANCE), THREE) == {
        (1, 2): 3, (2, 1): 1, (3, 2): 1,
    }  # fmt: skip
    with pytest.raises(InputError, match="not symmetric"):
        read_connections(text, THREE, kind=ConnectionKind.DISTANCE, layout=ConnectionLayout.MATRIX)


@pytest.mark.parametrize(
    ("text", "kind", "message"), cases("conefor", "test_connection_files_that_cannot_be_are_refused_with_their_place")
)
def test_connection_files_that_cannot_be_are_refused_with_their_place(tmp_path, text, kind, message):
    with pytest.raises(InputError, match=message) as raised:
        read_connections(write(tmp_path, text), FOUR, kind=kind and ConnectionKind(kind))
    assert "\n" not in str(raised.value)


def test_pairs_with_two_values_are_counted(tmp_path):
    told = read_connections(write(tmp_path, "12 3 5\n3 4 1\n3 12 4\n4 3 1\n"), FOUR, kind=ConnectionKind.DISTANCE)
    assert contradicted(told) == 1


def test_what_is_written_is_read_again(tmp_path):
    rng = np.random.default_rng(5)
    nodes = Nodes(rng.permutation(1000)[:50], rng.lognormal(3, 2, 50), rng.random(50) > 0.2)
    write_nodes(nodes, tmp_path / "nodes.txt")
    again = read_nodes(tmp_path / "nodes.txt")
    for name in ("ids", "area", "existing"):
        np.testing.assert_array_equal(getattr(again, name), getattr(nodes, name))
    for kind, value in (
        (ConnectionKind.DISTANCE, rng.random(80) * 1e4),
        (ConnectionKind.PROBABILITY, rng.random(80)),
        (ConnectionKind.LINK, np.ones(80)),
    ):
        told = Connections(kind, rng.integers(0, 50, 80), rng.integers(0, 50, 80), value)
        write_connections(told, nodes, tmp_path / "connections.txt")
        found = read_connections(tmp_path / "connections.txt", nodes, kind=kind)
        for name in ("first", "second", "value"):
            np.testing.assert_array_equal(getattr(found, name), getattr(told, name))
