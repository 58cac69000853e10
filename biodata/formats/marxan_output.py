"""Marxan's files of what it was given and what it makes of it: penalties, totals, richness, features, units.

Source: output.cpp of Marxan 4, https://github.com/Marxan-source-code/marxan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.formats.marxan import Bounds, Project
from biodata.formats.marxan_input import SAVES, Inputs

_LOCKED_IN, _LOCKED_OUT = 2, 3


def _penalties(project: Project, penalties: NDArray[np.float64]) -> list[list[object]]:
    """Return `_penalty`: what missing all of each feature costs, before SPF."""
    return [["spid", "penalty"], *map(list, zip(project.species["id"], penalties.tolist(), strict=True))]


def _totals(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_totalareas`: how much of each feature, and in how many units, exists, is locked in, is locked out."""
    heading = "spname totalarea reservedarea excludedarea targetarea totalocc reservedocc excludedocc targetocc".split()
    species, unit = project.amounts["species"].to_numpy(), project.amounts["unit"].to_numpy()
    status, amount = project.units["status"].to_numpy()[unit], project.amounts["amount"].to_numpy()
    counted = [np.ones(len(unit), dtype=bool), status == _LOCKED_IN, status == _LOCKED_OUT]
    n = project.species.height
    areas = [np.bincount(species[which], amount[which], n).tolist() for which in counted]
    units = [np.bincount(species[which], minlength=n).tolist() for which in counted]
    table, rows = project.species, list[list[object]]()
    for row in zip(table["id"], *areas, table["target"], *units, table["targetocc"], strict=True):
        rows.append(list(row))
    return [list(heading), *rows]


def _richness(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_richness`: how many features each unit holds."""
    counts = np.bincount(project.amounts["unit"].to_numpy(), minlength=project.units.height)
    return [["puid", "richness"], *map(list, zip(project.units["id"], counts.tolist(), strict=True))]


def _features(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_spec`: the features as they were read, with targets as amounts."""
    columns = ("id", "name", "target", "spf", "target2", "targetocc", "sepdistance", "sepnum")
    return [list(columns), *map(list, project.species.select(columns).iter_rows())]


def _units(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_pu`: the units as they were read."""
    columns = ("id", "status", "cost", "xloc", "yloc")
    return [list(columns), *map(list, project.units.select(columns).iter_rows())]


EXTRAS: Final[dict[str, tuple[str, Callable[[Project, NDArray[np.float64]], list[list[object]]]]]] = {
    "SAVEPENALTY": ("_penalty", _penalties), "SAVETOTALAREAS": ("_totalareas", _totals),
    "SAVERICHNESS": ("_richness", _richness), "SAVESPEC": ("_spec", _features), "SAVEPU": ("_pu", _units),
}  # fmt: skip
"""By keyword: the ending of the file's name, and what returns its rows, the heading first."""


# Marxan's output files, under its names and with its columns; and a project's input files.
_EXTENSIONS: Final = {1: ".dat", 2: ".txt", 3: ".csv"}
_SUMMARY: Final = (
    "Run_Number Score Cost Planning_Units Connectivity Connectivity_Total Connectivity_In Connectivity_Edge "
    "Connectivity_Out Connectivity_In_Fraction Penalty Shortfall Missing_Values MPM"
).split()
_HELD: Final = (
    "Conservation Feature", "Feature Name", "Target", "Amount Held", "Occurrence Target ", "Occurrences Held",
    "Separation Target ", "Separation Achieved", "Target Met", "MPM",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Run:
    """One plan with its figures.

    Attributes
    ----------
    chosen : ndarray of bool, length n
    held : ndarray of float64, length m
        Amount of each feature, in clumps that count where it has a target2.
    occurrences, separate : ndarray of int64, length m
        Units of the plan that hold each feature, and how many of these are sepdistance apart (no more than sepnum).
    summary : sequence of float
        The columns of `_sum` from Score on.
    """

    chosen: NDArray[np.bool_]
    held: NDArray[np.float64]
    occurrences: NDArray[np.int64]
    separate: NDArray[np.int64]
    summary: Sequence[float]


def write_outputs(
    project: Project, runs: Sequence[Run], folder: Path, log: Sequence[str], *, penalties: NDArray[np.float64]
) -> list[Path]:
    """Write the files of a finished project.

    Parameters
    ----------
    project : Project
    runs : sequence of Run
        The best is the one with the lowest score, the first of these.
    folder : Path
        Made where it is not there.
    log : sequence of str
        Lines of `_log.dat`.
    penalties : ndarray of float64, length m
        What missing all of each feature costs, before SPF.

    Returns
    -------
    list of Path
        What was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(project.inputs.values.get("SCENNAME", "output").replace("\\", "/")).name
    saves = _saves(project.inputs)
    best = min(range(len(runs)), key=lambda number: runs[number].summary[0])
    written: list[Path] = []

    def put(keyword: str, part: str, lines: Sequence[str]) -> None:
        written.append(folder / f"{stem}{part}{_EXTENSIONS[saves[keyword]]}")
        written[-1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    if saves["SAVERUN"]:
        for number, run in enumerate(runs, 1):
            put("SAVERUN", f"_r{number:05d}", _solution(project, run, saves["SAVERUN"]))
            if saves["SAVETARGMET"]:
                put("SAVETARGMET", f"_mv{number:05d}", _targets_met(project, run, saves["SAVETARGMET"]))
    if saves["SAVEBEST"]:
        put("SAVEBEST", "_best", _solution(project, runs[best], saves["SAVEBEST"]))
    if saves["SAVETARGMET"]:
        put("SAVETARGMET", "_mvbest", _targets_met(project, runs[best], saves["SAVETARGMET"]))
    if saves["SAVESUMMARY"]:
        put("SAVESUMMARY", "_sum", _summary(runs, saves["SAVESUMMARY"]))
    if saves["SAVESUMSOLN"]:
        put("SAVESUMSOLN", "_ssoln", _frequencies(project, runs, saves["SAVESUMSOLN"]))
    if saves["SAVESOLUTIONSMATRIX"]:
        put("SAVESOLUTIONSMATRIX", "_solutionsmatrix", _matrix(project, runs, saves["SAVESOLUTIONSMATRIX"]))
    for keyword, (part, rows) in EXTRAS.items():
        if saves[keyword]:
            put(keyword, part, [_row(row, saves[keyword]) for row in rows(project, penalties)])
    for keyword, part in (("SAVELOG", "_log"), ("SAVESCEN", "_sen")):
        if saves[keyword]:
            written.append(folder / f"{stem}{part}.dat")
            lines = log if keyword == "SAVELOG" else _scenario(project, len(runs))
            written[-1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return written


def _saves(inputs: Inputs) -> dict[str, int]:
    """Return the form of each file; where no SAVE keyword stands, all the usual ones as CSV."""
    given = any(name in inputs.values for name in SAVES)
    usual = dict.fromkeys(SAVES, 0 if given else 3) | {"SAVELOG": 0 if given else 1, "SAVESCEN": 0}
    usual |= dict.fromkeys(("SAVESOLUTIONSMATRIX", *EXTRAS), 0)
    return {name: min(max(int(inputs.number(name, default)), 0), 3) for name, default in usual.items()}


def _separator(form: int) -> str:
    return "," if form > 1 else "\t"


def _row(values: Sequence[object], form: int) -> str:
    """Return a line; whole numbers without a point, others as short as they are exact."""
    return _separator(form).join(f"{value:.10g}" if isinstance(value, float) else str(value) for value in values)


def _solution(project: Project, run: Run, form: int) -> list[str]:
    """Return `_r` and `_best`: every unit with 1 or 0; form 1 lists the units of the plan only."""
    ids = project.units["id"].to_list()
    if form == 1:
        return [str(unit) for unit, taken in zip(ids, run.chosen, strict=True) if taken]
    field = project.inputs.values.get("BESTFIELDNAME", "SOLUTION")
    heading = f"PUID,{field}" if form == 3 else '"planning_unit","solution"'
    return [heading, *(f"{unit},{int(taken)}" for unit, taken in zip(ids, run.chosen, strict=True))]


def _targets_met(project: Project, run: Run, form: int) -> list[str]:
    """Return `_mv`: what the plan holds of each feature."""
    level = project.inputs.number("MISSLEVEL", 1.0)
    lines = [_separator(form).join(f'"{name}"' for name in _HELD)]
    for feature, row in enumerate(project.species.iter_rows(named=True)):
        held, number = float(run.held[feature]), int(run.occurrences[feature])
        shares = [held / row["target"]] if row["target"] else []
        shares += [number / row["targetocc"]] if row["targetocc"] else []
        least = min([1.0, *shares])
        apart = int(run.separate[feature])
        shares += [apart / row["sepnum"]] if row["sepnum"] else []
        met = "yes" if all(share >= level - 1e-9 for share in shares) else "no"
        entries = (row["id"], row["name"], float(row["target"]), held, row["targetocc"], number)
        values = (*entries, row["sepnum"], apart, met, least)
        lines.append(_row(values, form))
    return lines


def _summary(runs: Sequence[Run], form: int) -> list[str]:
    """Return `_sum`: the figures of every run."""
    heading = _separator(form).join(f'"{name}"' for name in _SUMMARY)
    return [heading, *(_row((number, *run.summary), form) for number, run in enumerate(runs, 1))]


def _frequencies(project: Project, runs: Sequence[Run], form: int) -> list[str]:
    """Return `_ssoln`: in how many runs each unit is."""
    counts = np.sum([run.chosen for run in runs], axis=0)
    rows = [_row((unit, int(count)), form) for unit, count in zip(project.units["id"].to_list(), counts, strict=True)]
    return ['"planning_unit","number"', *rows] if form > 1 else rows


def _matrix(project: Project, runs: Sequence[Run], form: int) -> list[str]:
    """Return `_solutionsmatrix`: a line for each run, a column for each unit."""
    headed = project.inputs.number("SOLUTIONSMATRIXHEADERS", 1) == 1
    mark = _separator(form)
    heading = [mark.join(["SolutionsMatrix", *(f"P{unit}" for unit in project.units["id"])])] if headed else []
    lines = [
        mark.join(([f"S{number}"] if headed else []) + [str(int(taken)) for taken in run.chosen])
        for number, run in enumerate(runs, 1)
    ]
    return heading + lines


def _scenario(project: Project, runs: int) -> list[str]:
    """Return `_sen`: what was asked."""
    inputs = project.inputs
    return [
        f"Number of Planning Units {project.units.height}",
        f"Number of Conservation Values {project.species.height}",
        f"Connection modifier {inputs.number('BLM', 0.0):.2f}",
        "Algorithm Used :exact (biodata)",
        f"Random Seed {inputs.values.get('RANDSEED', '-1')}",
        f"Number of runs {runs}",
    ]


def write_project(
    folder: Path, *, units: pl.DataFrame, species: pl.DataFrame, amounts: pl.DataFrame, bounds: Bounds | None = None,
    blm: float = 0.0, name: str = "output",
) -> Path:  # fmt: skip
    """Write a project that Marxan, prioritizr and `biodata reserves solve` read.

    Parameters
    ----------
    folder : Path
        Gets input.dat and the folders input and output.
    units : polars.DataFrame
        id, cost, status, xloc, yloc.
    species : polars.DataFrame
        id, name, spf and target or prop; targetocc where wanted.
    amounts : polars.DataFrame
        species and pu (identifiers), amount.
    bounds : Bounds, optional
    blm : float
    name : str
        SCENNAME.

    Returns
    -------
    Path
        Of input.dat.
    """
    write_units(folder, units, bounds)
    inputs = folder / "input"
    species.write_csv(inputs / "spec.dat")
    # Marxan wants the rows in the order of the units.
    amounts.select("species", "pu", "amount").sort("pu", "species").write_csv(inputs / "puvspr.dat")
    return write_settings(
        folder, bounded=bounds is not None, symmetric=bounds is None or bounds.symmetric, blm=blm, name=name
    )


def write_units(folder: Path, units: pl.DataFrame, bounds: Bounds | None = None) -> list[Path]:
    """Write pu.dat and bound.dat of a project, as `write_project` does, and return them."""
    inputs = folder / "input"
    inputs.mkdir(parents=True, exist_ok=True)
    files = [inputs / "pu.dat"]
    units.select("id", "cost", "status", "xloc", "yloc").write_csv(files[0])
    if bounds is not None:
        files.append(inputs / "bound.dat")
        _bound_table(units["id"], bounds).write_csv(files[1])
    return files


def write_settings(
    folder: Path, *, bounded: bool, symmetric: bool = True, blm: float = 0.0, name: str = "output"
) -> Path:
    """Write the input.dat of a project with its tables in the folder input, and make the folder output; return its path.

    Parameters
    ----------
    folder : Path
    bounded, symmetric : bool
        Whether there is a bound.dat, and whether its pairs go both ways.
    blm : float
    name : str
        SCENNAME.
    """
    (folder / "output").mkdir(parents=True, exist_ok=True)
    lines = [
        f"BLM {blm:.17g}", "PROP 0.5", "RANDSEED -1", "NUMREPS 1", "NUMITNS 1000000", "STARTTEMP -1", "NUMTEMP 10000",
    ]  # fmt: skip
    lines += ["INPUTDIR input", "OUTPUTDIR output", "PUNAME pu.dat", "SPECNAME spec.dat", "PUVSPRNAME puvspr.dat"]
    if bounded:
        lines += ["BOUNDNAME bound.dat", *([] if symmetric else ["ASYMMETRICCONNECTIVITY 1"])]
    lines += [f"SCENNAME {name}", *(f"{keyword} 3" for keyword in SAVES), "SAVELOG 1", "RUNMODE 1", "VERBOSITY 2", ""]
    path = folder / "input.dat"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _bound_table(ids: pl.Series, bounds: Bounds) -> pl.DataFrame:
    """Return the rows of bound.dat: pairs, then the outer boundary as rows with id1 = id2."""
    known = ids.to_numpy()
    outside = np.flatnonzero(bounds.outer > 0)
    return pl.DataFrame(
        {
            "id1": np.concatenate([known[bounds.first], known[outside]]),
            "id2": np.concatenate([known[bounds.second], known[outside]]),
            "boundary": np.concatenate([bounds.length, bounds.outer[outside]]),
        }
    )
