"""The files of a Circuitscape project as arrays: conductances, regions, focal nodes, sources, grounds, networks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit.graph import Circuit, circuit
from biodata.analysis.circuit.project import PairList, Project, read_pairs
from biodata.analysis.grid import Floats, Ints
from biodata.core.errors import InputError
from biodata.formats.circuitscape import read_numbers
from biodata.formats.grids import RasterFile, looks_like_grid, read_grid

FAR: Final = 1e-6
"""Fraction of a cell that grids may differ by."""
ELSEWHERE: Final = 1.0
"""Cells from which on a grid lies elsewhere: taken cell by cell, every value would stand in another place."""


@dataclass(frozen=True)
class FocalCells:
    """The focal nodes of a project.

    Attributes
    ----------
    ids : ndarray of int64, (n,)
        Ascending.
    cells : tuple of ndarray of int64
        Flat indices of the cells of each.
    """

    ids: Ints
    cells: tuple[Ints, ...]


@dataclass(frozen=True)
class RasterInputs:
    """What a raster project is run on.

    Attributes
    ----------
    habitat : RasterFile
        The grid; its values are those of the file.
    conductance : ndarray of float64, (rows, columns)
        0 where no current flows, inf where there is no resistance.
    polygons : ndarray of float64, (rows, columns), optional
        Short-circuited regions by number, 0 outside.
    focal : FocalCells, optional
        None in advanced mode.
    pairs : PairList, optional
    strengths : dict of int to float, optional
        Current of focal nodes as sources.
    sources, grounds : ndarray of float64, (rows, columns), optional
        Amperes, and conductances to ground with inf for a direct connection, in advanced mode.
    notes : tuple of str
        What was taken in another way than it may have been meant.
    """

    habitat: RasterFile
    conductance: Floats
    polygons: Floats | None
    focal: FocalCells | None
    pairs: PairList | None
    strengths: dict[int, float] | None
    sources: Floats | None
    grounds: Floats | None
    notes: tuple[str, ...]


def read_raster_inputs(project: Project) -> RasterInputs:
    """Read the files of a raster project.

    Raises
    ------
    InputError
        If a file cannot be read, a grid has not the cells of the habitat, or a value has no meaning.
    """
    notes: list[str] = []
    files, flags = project.files, project.flags
    habitat = read_grid(files["habitat_file"])
    conductance = _conductance(project, habitat, notes)
    wide, high = habitat.cell_width, habitat.cell_height
    if abs(wide - high) > FAR * wide:
        notes.append(f"the cells are {wide:.10g} x {high:.10g} and are taken for squares, as Circuitscape takes them")

    def grid_of(key: str) -> Floats:
        return _aligned(files[key], files["habitat_file"], habitat, notes)

    polygons = None
    if "polygon_file" in files:
        polygons = np.nan_to_num(grid_of("polygon_file"))
        if not polygons.any():
            notes.append(f"{files['polygon_file'].name} has no polygons")
            polygons = None
    if "mask_file" in files:
        conductance = np.where(grid_of("mask_file") > 0, conductance, 0.0)
        if not conductance.any():
            problem = "the mask leaves no cell of the habitat"
            raise InputError(problem, file=files["mask_file"].name, expected="values above 0", code="MASK_EMPTY")
    pairs = read_pairs(files["included_pairs_file"]) if "included_pairs_file" in files else None
    focal = strengths = sources = grounds = None
    if project.scenario == "advanced":
        sources = _values(files["source_file"], files["habitat_file"], habitat, notes)
        sources = np.where(np.isnan(sources), 0.0, sources)
        if flags["use_unit_currents"]:
            sources = (sources != 0).astype(np.float64)
        values = _values(files["ground_file"], files["habitat_file"], habitat, notes)
        grounds = ground_conductances(
            values,
            are_resistances=flags["ground_file_is_resistances"],
            direct=flags["use_direct_grounds"],
            file=files["ground_file"].name,
        )
        if not sources.any() or not grounds.any():
            which = files["ground_file"] if sources.any() else files["source_file"]
            problem = f"there is no {'ground' if sources.any() else 'source'} in the file"
            raise InputError(
                problem, file=which.name, expected="at least one value that is not 0", code="CIRCUIT_EMPTY"
            )
    else:
        focal = _focal(files["point_file"], files["habitat_file"], habitat, pairs, notes)
        if "variable_source_file" in files:
            strengths = read_strengths(files["variable_source_file"])
    return RasterInputs(
        habitat, conductance, polygons, focal, pairs, strengths, sources, grounds, (*project.notes, *notes)
    )


def ground_conductances(values: Floats, *, are_resistances: bool, direct: bool, file: str) -> Floats:
    """Return conductances to ground from what a file tells, nan for none.

    Raises
    ------
    InputError
        If one is below 0.
    """
    if (values < 0).any():
        problem = "a ground is below 0"
        value = f"{values[values < 0][0]:g}"
        raise InputError(problem, file=file, value=value, expected="0 or more", code="GROUND_NEGATIVE")
    with np.errstate(divide="ignore"):
        found = 1.0 / values if are_resistances else values
    found = np.where(np.isnan(values), 0.0, found)
    return np.where(found != 0, np.inf, 0.0) if direct else found


def read_strengths(path: Path) -> dict[int, float]:
    """Read the strengths of focal nodes as sources."""
    values, _ = read_numbers(path, columns=2)
    return {int(focal): float(strength) for focal, strength in values}


def _conductance(project: Project, habitat: RasterFile, notes: list[str]) -> Floats:
    """Return the conductance of each cell."""
    values, name = habitat.values.copy(), project.files["habitat_file"].name
    if "reclass_file" in project.files:
        table, _ = read_numbers(project.files["reclass_file"], columns=2)
        for old, new in table:
            values[habitat.values == old] = new
    below = np.argwhere(values < 0)
    if below.size:
        at = f"first at row {below[0, 0] + 1}, column {below[0, 1] + 1}"
        notes.append(f"{name}: {len(below)} cells are below 0 and are barriers, as in Circuitscape; {at}")
    is_resistance = project.flags["habitat_map_is_resistances"]
    nothing = int((values == 0).sum())
    if is_resistance and nothing:
        notes.append(f"{name}: {nothing} cells have no resistance and are short-circuited with their like beside them")
    with np.errstate(divide="ignore"):
        found = 1.0 / values if is_resistance else values
    if is_resistance:
        found = np.where(values == 0, np.inf, found)
    found = np.where(np.isnan(values) | (values < 0), 0.0, found)
    if not found.any():
        problem = "no cell of the habitat carries current"
        raise InputError(problem, file=name, expected="values above 0", code="CIRCUIT_EMPTY")
    return found


def _aligned(path: Path, habitat_path: Path, habitat: RasterFile, notes: list[str]) -> Floats:
    """Read another grid of the same cells."""
    other = read_grid(path)
    rows, columns = other.values.shape
    if other.values.shape != habitat.values.shape:
        own_rows, own_columns = habitat.values.shape
        problem = f"the grid has {rows} rows x {columns} columns, and {habitat_path.name} {own_rows} x {own_columns}"
        raise InputError(problem, file=path.name, expected="grids of the same cells", code="RASTERS_NOT_ALIGNED")
    if not (other.is_placed and habitat.is_placed):
        which = path if habitat.is_placed else habitat_path
        notes.append(f"{which.name} does not tell where it lies, and is taken cell by cell")
        return other.values
    apart = _apart(other, habitat)
    text = "; ".join(
        f"{name} {getattr(other, name):.10g}, not {getattr(habitat, name):.10g}"
        for name in ("west", "south", "cell_width", "cell_height")
        if abs(getattr(other, name) - getattr(habitat, name)) > FAR * habitat.cell_width
    )
    if apart >= ELSEWHERE - FAR:
        problem = f"the grid lies up to {apart:.6g} cells away from {habitat_path.name}: {text}"
        raise InputError(problem, file=path.name, expected="grids of the same cells", code="RASTERS_NOT_ALIGNED")
    if apart > FAR:
        notes.append(
            f"{path.name} lies {apart:.2g} cells away from {habitat_path.name} and is taken cell by cell: {text}"
        )
    return other.values


def _apart(other: RasterFile, habitat: RasterFile) -> float:
    """Return how far the corners of two grids of one shape lie apart at most, in cells of the habitat."""
    rows, columns = habitat.values.shape
    west, south = other.west - habitat.west, other.south - habitat.south
    east = west + columns * (other.cell_width - habitat.cell_width)
    north = south + rows * (other.cell_height - habitat.cell_height)
    across, along = max(abs(west), abs(east)), max(abs(south), abs(north))
    return float(max(across / habitat.cell_width, along / habitat.cell_height))


def _values(path: Path, habitat_path: Path, habitat: RasterFile, notes: list[str]) -> Floats:
    """Read a value for each cell from a grid or a list of value, x and y; nan where there is none."""
    if looks_like_grid(path):
        return _aligned(path, habitat_path, habitat, notes)
    values, cells = _listed(path, habitat)
    found = np.full(habitat.values.shape, np.nan)
    found.reshape(-1)[cells] = values
    return found


def _listed(path: Path, habitat: RasterFile) -> tuple[Floats, Ints]:
    """Read a list of value, x and y; return the values and the flat indices of their cells.

    A point on the line between two cells belongs to the western or the northern one, as in Circuitscape.
    """
    table, rows = read_numbers(path, columns=3)
    high, wide = habitat.values.shape
    down = np.ceil(high - (table[:, 2] - habitat.south) / habitat.cell_height) - 1
    right = np.ceil((table[:, 1] - habitat.west) / habitat.cell_width) - 1
    down[(down == -1) & (table[:, 2] <= habitat.south + high * habitat.cell_height)] = 0
    right[(right == -1) & (table[:, 1] >= habitat.west)] = 0
    outside = np.flatnonzero(~((down >= 0) & (down < high) & (right >= 0) & (right < wide)))
    if outside.size:
        at = int(outside[0])
        north = habitat.south + high * habitat.cell_height
        east = habitat.west + wide * habitat.cell_width
        problem = f"{outside.size} of {len(table)} points lie outside the habitat, this one first"
        raise InputError(
            problem, file=path.name, row=int(rows[at]), value=" ".join(f"{value:.10g}" for value in table[at]),
            expected=f"x from {habitat.west:.10g} to {east:.10g}, y from {habitat.south:.10g} to {north:.10g}",
            code="POINT_OUTSIDE",
        )  # fmt: skip
    return table[:, 0], down.astype(np.int64) * wide + right.astype(np.int64)


def _focal(path: Path, habitat_path: Path, habitat: RasterFile, pairs: PairList | None, notes: list[str]) -> FocalCells:
    """Read the focal nodes."""
    if looks_like_grid(path):
        grid = np.nan_to_num(_aligned(path, habitat_path, habitat, notes)).reshape(-1)
        cells = np.flatnonzero(grid)
        values = grid[cells]
    else:
        values, cells = _listed(path, habitat)
    if (values < 0).any():
        notes.append(f"{path.name}: {int((values < 0).sum())} focal cells have an id below 0 and are left aside")
    cells, values = cells[values > 0], values[values > 0]
    odd = values[values != np.round(values)]
    if odd.size:
        problem = "the id of a focal node is no whole number"
        raise InputError(problem, file=path.name, value=f"{odd[0]:g}", expected="1, 2, 3, …", code="FOCAL_ID_INVALID")
    kept = np.array([pairs is None or pairs.keeps(int(value)) for value in values], dtype=bool)
    if not kept.all():
        dropped = ", ".join(f"{value:.0f}" for value in np.unique(values[~kept]))
        notes.append(f"focal nodes that the list of pairs does not name are dropped: {dropped}")
    cells, ids = cells[kept], values[kept].astype(np.int64)
    unique = np.unique(ids)
    if unique.size < 2:
        problem = f"there {'is one focal node' if unique.size else 'are no focal nodes'} in the file"
        raise InputError(problem, file=path.name, expected="at least two", code="FOCAL_NODES_FEW")
    return FocalCells(unique, tuple(np.unique(cells[ids == number]) for number in unique))


@dataclass(frozen=True)
class NetworkInputs:
    """What a network project is run on.

    Attributes
    ----------
    circuit : Circuit
    ids : ndarray of int64, (n,)
        The ids of the file, ascending.
    nodes : ndarray of int64, (n,)
        The node of each; ids that are joined without resistance share one.
    focal : ndarray of int64, (f,)
        Ids of the focal nodes, in the order of their file.
    pairs : PairList, optional
    sources, grounds : ndarray of float64, (nodes,)
        Amperes, and conductances to ground, in advanced mode.
    notes : tuple of str
    """

    circuit: Circuit
    ids: Ints
    nodes: Ints
    focal: Ints
    pairs: PairList | None
    sources: Floats
    grounds: Floats
    notes: tuple[str, ...]


def read_network(project: Project) -> NetworkInputs:
    """Read the files of a network project.

    Raises
    ------
    InputError
        If a branch is below 0 or no number, or a focal node is no node of the network, with row and value.
    """
    files, flags, notes = project.files, project.flags, list(project.notes)
    table, rows = read_numbers(files["habitat_file"], columns=3)
    name = files["habitat_file"].name
    bad = np.flatnonzero(~(table[:, 2] >= 0))
    if bad.size:
        problem, value = "a branch is below 0", f"{table[bad[0], 2]:g}"
        raise InputError(
            problem, file=name, row=int(rows[bad[0]]), column="3", value=value, expected="0 or more", code="BRANCH_NEGATIVE"
        )  # fmt: skip
    ends = _node_ids(table[:, :2], rows, name)
    ids, at = np.unique(ends, return_inverse=True)
    at = at.reshape(ends.shape)
    nodes, count = np.arange(ids.size, dtype=np.int64), ids.size
    conductance = table[:, 2]
    if flags["habitat_map_is_resistances"]:
        short = conductance == 0
        if short.any():
            notes.append(f"{name}: {int(short.sum())} branches have no resistance; their ends are one node")
            matrix = sparse.coo_array((np.ones(short.sum()), (at[short, 0], at[short, 1])), shape=(count, count))
            count, labels = csgraph.connected_components(matrix, directed=False)
            nodes = labels.astype(np.int64)
        conductance = np.divide(1.0, conductance, out=np.zeros_like(conductance), where=~short)
    whole = circuit(nodes[at[:, 0]], nodes[at[:, 1]], conductance, count)
    focal = np.empty(0, dtype=np.int64)
    sources = grounds = np.zeros(count)
    pairs = None
    if project.scenario == "pairwise":
        pairs = read_pairs(files["included_pairs_file"]) if "included_pairs_file" in files else None
        values, rows = read_numbers(files["point_file"], columns=1)
        focal = _node_ids(values, rows, files["point_file"].name).reshape(-1)
        _refuse_unknown_nodes(focal, ids, rows, files["point_file"].name)
        focal = focal[np.sort(np.unique(focal, return_index=True)[1])]
        focal = focal[[pairs is None or pairs.keeps(int(number)) for number in focal]]
        if focal.size < 2:
            problem = "there are fewer than two focal nodes"
            raise InputError(problem, file=files["point_file"].name, expected="at least two", code="FOCAL_NODES_FEW")
    else:
        stated, place = _listed_nodes(project, "source_file", ids, notes)
        sources = np.zeros(count)
        np.add.at(sources, nodes[place], (stated != 0) if flags["use_unit_currents"] else stated)
        stated, place = _listed_nodes(project, "ground_file", ids, notes)
        grounds = np.zeros(count)
        found = ground_conductances(
            stated,
            are_resistances=flags["ground_file_is_resistances"],
            direct=flags["use_direct_grounds"],
            file=files["ground_file"].name,
        )
        np.add.at(grounds, nodes[place], found)
    return NetworkInputs(whole, ids, nodes, focal, pairs, sources, grounds, tuple(notes))


def _listed_nodes(project: Project, key: str, ids: Ints, notes: list[str]) -> tuple[Floats, Ints]:
    """Read a list of node and value; where a node stands twice, the last value holds.

    Nodes that the network has not are left aside, as in Circuitscape.
    """
    path = project.files[key]
    table, rows = read_numbers(path, columns=2)
    found = _node_ids(table[:, 0], rows, path.name)
    known = np.isin(found, ids)
    if not known.all():
        text = ", ".join(f"{number} (row {row})" for number, row in zip(found[~known], rows[~known], strict=True))
        notes.append(f"{path.name}: nodes that the network has not are left aside: {text}")
    last = {int(number): float(value) for number, value in zip(found[known], table[known, 1], strict=True)}
    return np.array(list(last.values())), np.searchsorted(ids, np.array(list(last), dtype=np.int64))


def _node_ids(values: Floats, rows: Ints, file: str) -> Ints:
    """Return ids as whole numbers."""
    odd = np.argwhere((values != np.round(values)) | (values < 0))
    if odd.size:
        problem, value = "the id of a node is no whole number", f"{values[tuple(odd[0])]:g}"
        raise InputError(
            problem, file=file, row=int(rows[odd[0, 0]]), value=value, expected="0, 1, 2, …", code="NODE_ID_INVALID"
        )
    return values.astype(np.int64)


def _refuse_unknown_nodes(found: Ints, ids: Ints, rows: Ints, file: str) -> None:
    """Refuse ids that are no nodes of the network."""
    unknown = np.flatnonzero(~np.isin(found, ids))
    if unknown.size:
        problem, value = "the network has no such node", str(found[unknown[0]])
        raise InputError(problem, file=file, row=int(rows[unknown[0]]), value=value, code="NODE_UNKNOWN")
