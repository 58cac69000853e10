"""What closes in a scenario and what opens, read as a run's parameters tell it."""

from pathlib import Path
from typing import TYPE_CHECKING

from biodata.errors import InputError
from biodata.run_engines.work import Work, number, parameter, path_of
from biodata.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.analysis.scenarios.barriers import Barrier, Crossing
    from biodata.places import BoundarySet


def barriers(work: Work, grid: "Grid", level: float) -> "tuple[list[Barrier], list[str], tuple[RunInput, ...]]":
    """Read barriers out of files and named layers."""
    from biodata.analysis.scenarios.reading import read_barriers
    from biodata.pipeline.layer_folder import LayerFolder

    found, notes, inputs = [], [], []
    for path in (Path(one) for one in parameter(work, "barriers", list | None) or []):
        some, told = read_barriers(path, grid, kind=path.stem, resistance=level)
        found += some
        notes += [f"{path.name}: {note}" for note in told]
    names, layers = parameter(work, "barrier_layers", list | None) or [], path_of(work, "layers")
    if names:
        if layers is None and work.parameters["run"] is None:
            problem = "it is not told where the layers lie"
            raise InputError(
                problem,
                column="layers",
                value=str(names[0]),
                expected="an installation or a folder",
                code="OPTIONS_UNFIT",
            )
        with LayerFolder(layers or work.settings.data, progress=work.progress) as folder:
            for name, file in folder.find(names).items():
                if file.form == "raster":
                    problem = "the layer is a raster, and barriers are lines or polygons"
                    raise InputError(problem, column="--barrier-layer", value=name, code="LAYER_UNFIT")
                some, told = read_barriers(file.path, grid, kind=name, resistance=level)
                found += some
                notes += [f"{name}: {note}" for note in told]
                inputs.append(RunInput(f"barrier layer {name}", file.sha256, f"{file.name}, {file.version}"))
    return found, notes, tuple(inputs)


def border(grid: "Grid", boundaries: "BoundarySet", between: list[str], level: float) -> "list[Barrier]":
    """Return the border's barriers."""
    from biodata.analysis.scenarios.border import border_barriers

    pairs = [frozenset(pair.upper().split("-")) for pair in between]
    for pair, text in zip(pairs, between, strict=True):
        if len(pair) != 2 or any(code not in boundaries.countries for code in pair):
            problem = f"{text} names no two countries of the boundary set"
            raise InputError(
                problem, column="--between", value=text, expected="two codes, as CN-LA", code="OPTIONS_UNFIT"
            )
    found = border_barriers(grid, boundaries, between=pairs or None, resistance=level)
    if not found:
        there = [one.barrier_id.removeprefix("border ") for one in border_barriers(grid, boundaries)]
        problem = f"no such border runs through the raster: {', '.join(between) or 'none at all'}"
        expected = f"one of {', '.join(there)}" if there else "a raster that holds both sides of a land border"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    return found


def crossings(work: Work, grid: "Grid") -> "tuple[list[Crossing], list[str]]":
    """Read crossings."""
    from biodata.analysis.scenarios.reading import read_crossings

    path = path_of(work, "crossings")
    if path is None:
        return [], []
    found, notes = read_crossings(path, grid, width_m=number(work, "crossing_width_m") or 0.0)
    return found, [f"{path.name}: {note}" for note in notes]
