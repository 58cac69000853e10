"""Circuit projects and oracles that the tests of circuits share."""

from pathlib import Path

import numpy as np


def dense_resistances(conductances: np.ndarray) -> np.ndarray:
    """Return effective resistances by the pseudo-inverse of the dense Laplacian, inf between components."""
    laplacian = np.diag(conductances.sum(axis=1)) - conductances
    inverse = np.linalg.pinv(laplacian)
    own = np.diag(inverse)
    found = own[:, None] + own[None, :] - 2 * inverse
    reached = np.linalg.matrix_power((conductances > 0) + np.eye(len(conductances)), len(conductances)) > 0
    return np.where(reached, found, np.inf)


def grid_text(values, *, west=0.0, south=0.0, cell=1.0, nodata=-9999) -> str:
    """Return an ASCII grid; None is no data."""
    rows = [" ".join(str(nodata) if value is None else f"{value:.12g}" for value in row) for row in values]
    heading = (
        f"ncols {len(values[0])}\nnrows {len(values)}\nxllcorner {west}\nyllcorner {south}\n"
        f"cellsize {cell}\nNODATA_value {nodata}\n"
    )
    return heading + "\n".join(rows) + "\n"


def write_project(folder: Path, habitat, files: dict[str, str] | None = None, **options) -> Path:
    """Write a raster project and return its .ini; options replace the defaults, None leaves one out."""
    (folder / "habitat.asc").write_text(grid_text(habitat))
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    settings = {"data_type": "raster", "scenario": "pairwise", "habitat_file": "habitat.asc",
                "point_file": "points.txt", "habitat_map_is_resistances": "True", "connect_four_neighbors_only": "True",
                "connect_using_avg_resistances": "True", "output_file": "out/result.out", **options}  # fmt: skip
    ini = folder / "project.ini"
    lines = [f"{key} = {value}" for key, value in settings.items() if value is not None]
    ini.write_text("[some section]\n" + "\n".join(lines) + "\n")
    return ini


def run(ini: Path, **choices):
    """Run a project into the folder `out` beside it; return the folder and the report."""
    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    out = ini.parent / "out"
    return out, run_project(read_project(ini), out, **choices)


def read_map(path: Path) -> np.ndarray:
    """Return the numbers of an ASCII grid, as they are written."""
    return np.loadtxt(path, skiprows=6, ndmin=2)


def read_matrix(out: Path, prefix: str = "result") -> np.ndarray:
    """Return the resistances between focal nodes without their ids."""
    return np.loadtxt(out / f"{prefix}_resistances.out")[1:, 1:]
