"""Marxan's projects: input.dat and the tables that it names, read as they are meant, or refused with the row.

File forms after Marxan's user manual and input.cpp (https://github.com/Marxan-source-code/marxan). What Marxan passes over
in silence, such as an identifier that is in no table, is refused; what is not supported is told in `notes`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.formats import marxan_tables as tables
from biodata.formats.marxan_bounds import Bounds, read_bounds
from biodata.formats.marxan_input import Inputs, find_file, input_folder, read_inputs
from biodata.formats.marxan_species import read_species, with_blocks, with_targets
from biodata.formats.marxan_tables import ROW, Table


@dataclass(frozen=True, eq=False)
class Project:
    """A Marxan project.

    Attributes
    ----------
    inputs : Inputs
        What input.dat says.
    units : polars.DataFrame of n rows
        id, cost, status (0 free, 1 in the first reserve, 2 locked in, 3 locked out), xloc, yloc.
    species : polars.DataFrame of m rows
        id, name, target (amount; 0 none), targetocc (units; 0 none), target2 (amount of a clump; 0 none), sepdistance,
        sepnum (units so far apart; 0 none), spf, source_row, `told`: the column that the target came from, and its
        value.
    amounts : polars.DataFrame
        species, unit (places in the tables) and amount above 0.
    bounds : Bounds, optional
    penalties : ndarray of float64, length m, optional
        PENALTYNAME's.
    notes : tuple of str
        What is not done as Marxan would.
    species_file : str
        Name of the table of species.
    files : tuple of Path
        All that was read.
    """

    inputs: Inputs
    units: pl.DataFrame
    species: pl.DataFrame
    amounts: pl.DataFrame
    bounds: Bounds | None
    penalties: NDArray[np.float64] | None
    notes: tuple[str, ...]
    species_file: str = "spec.dat"
    files: tuple[Path, ...] = ()


def read_project(folder: Path) -> Project:
    """Read a project.

    Parameters
    ----------
    folder : Path
        With input.dat, or that file.

    Raises
    ------
    InputError
        If a file is missing or a row cannot be taken.
    """
    inputs = read_inputs(folder)
    where, note = input_folder(inputs)
    notes = [*inputs.notes, *([note] if note else [])]
    unit_table = _needed(inputs, where, "PUNAME", ("pu.dat",))
    units, units_file = _read_units(unit_table, notes)
    spec = _needed(inputs, where, "SPECNAME", ("spec.dat", "feat.dat"))
    species, table = read_species(spec, notes)
    amount_table = _needed(inputs, where, "PUVSPRNAME", ("puvspr.dat", "puvspr2.dat"))
    amounts = _read_amounts(amount_table, units, species, (units_file, table.file))
    block = find_file(inputs, where, "BLOCKDEFNAME", ())
    totals = _totals(amounts, species.height)
    if block is not None:
        species = with_blocks(species, block, totals)
    species = with_targets(species, totals, notes, table.file)
    keyword = "BOUNDNAME" if "BOUNDNAME" in inputs.values else "CONNECTIONNAME"
    bound = find_file(inputs, where, keyword, ())
    asymmetric = inputs.number("ASYMMETRICCONNECTIVITY", 0) == 1
    bounds = None if bound is None else read_bounds(bound, units["id"], units_file, notes, asymmetric=asymmetric)
    if bounds is None and inputs.number("BLM", 0) > 0:
        notes.append("input.dat: BLM without BOUNDNAME: there is no boundary to charge")
    penalty = find_file(inputs, where, "PENALTYNAME", ())
    penalties = None if penalty is None else _read_penalties(penalty, species["id"], table.file)
    read = (inputs.path, unit_table, spec, amount_table, block, bound, penalty)
    files = tuple(path for path in read if path is not None)
    return Project(inputs, units, species, amounts, bounds, penalties, tuple(notes), table.file, files)


def _needed(inputs: Inputs, folder: Path, keyword: str, defaults: tuple[str, ...]) -> Path:
    """Return a file that must be there."""
    path = find_file(inputs, folder, keyword, defaults)
    if path is None:
        problem = f"the project has no {defaults[0]}"
        raise InputError(problem, file=str(folder), expected=f"{keyword} in input.dat", code="FILE_MISSING")
    return path


def _read_units(path: Path, notes: list[str]) -> tuple[pl.DataFrame, str]:
    """Read pu.dat."""
    table = tables.read_table(path, file=path.name)
    tables.require(table, ["id"])
    ids = tables.numbers(table, "id", whole=True)
    status = tables.numbers(table, "status", whole=True, default=0)
    if not ids.len():
        problem = "the table has no planning unit"
        raise InputError(problem, file=table.file, code="INPUT_EMPTY")
    _refuse_two_statuses(table, ids, status)
    tables.refuse_twice(table, ids.to_frame(), "the planning unit")
    wrong = ~status.is_in([0, 1, 2, 3])
    if wrong.any():
        place = int(wrong.arg_max() or 0)
        problem = "there is no such status"
        row, value = int(table.frame[ROW][place]), str(status[place])
        expected = "0 free, 1 in the first reserve, 2 locked in, 3 locked out"
        raise InputError(
            problem, file=table.file, row=row, column="status", value=value, expected=expected, code="STATUS_UNKNOWN"
        )
    others = [name for name in table.frame.columns if name not in (ROW, "id", "cost", "status", "xloc", "yloc")]
    if "prob" in others and (tables.numbers(table, "prob", default=0.0) > 0).any():
        notes.append(f"{table.file}: column prob: probabilities are not supported and are left out")
    ignored = [name for name in others if name != "prob"]
    if ignored:
        notes.append(f"{table.file}: {', '.join(ignored)}: no columns of Marxan's; left out")
    if (status == 1).any():
        notes.append(
            f"{table.file}: {int((status == 1).sum())} units of status 1 begin in Marxan's plan; here they are free"
        )
    return pl.DataFrame(
        {
            "id": ids,
            "cost": tables.numbers(table, "cost", default=1.0, least=0.0),
            "status": status,
            "xloc": tables.numbers(table, "xloc", default=-1.0),
            "yloc": tables.numbers(table, "yloc", default=-1.0),
        }
    ), table.file


def _refuse_two_statuses(table: Table, ids: pl.Series, status: pl.Series) -> None:
    """Refuse a unit that stands twice, locked in and locked out."""
    seen = pl.DataFrame({"id": ids, "status": status, ROW: table.frame[ROW]})
    both = seen.join(seen, on="id", suffix="_after").filter(
        pl.col("status").is_in([2, 3]) & pl.col("status_after").is_in([2, 3])
    )
    both = both.filter((pl.col("status") != pl.col("status_after")) & (pl.col(ROW) < pl.col(f"{ROW}_after")))
    if both.height:
        row = both.row(0, named=True)
        words = {2: "locked in (2)", 3: "locked out (3)"}
        problem = f"planning unit {row['id']} is {words[row['status_after']]} here and {words[row['status']]} in row {row[ROW]}"
        value = str(row["status_after"])
        raise InputError(
            problem, file=table.file, row=row[f"{ROW}_after"], column="status", value=value, code="STATUS_CONFLICT"
        )


def _totals(amounts: pl.DataFrame, species: int) -> pl.Series:
    """Return what exists of each feature."""
    sums = np.bincount(amounts["species"].to_numpy(), amounts["amount"].to_numpy(), species)
    return pl.Series("total", sums, dtype=pl.Float64)


def _read_amounts(path: Path, units: pl.DataFrame, species: pl.DataFrame, files: tuple[str, str]) -> pl.DataFrame:
    """Read puvspr.dat: rows of species, pu and amount, or the older matrix of units × features."""
    table = tables.read_table(path, file=path.name, columns=("species", "pu", "amount"))
    table = tables.rename(
        table, {"puid": "pu", "pu_id": "pu", "spid": "species", "featureid": "species", "feature": "species"}
    )
    headings = [name for name in table.frame.columns if name != ROW]
    is_matrix = (
        "amount" not in headings and len(headings) > 1 and all(name.lstrip("-").isdigit() for name in headings[1:])
    )
    if is_matrix:
        table = Table(table.file, _from_matrix(table, headings), table.has_heading)
    tables.require(table, ["species", "pu", "amount"])
    if not table.frame.height:
        problem = "the table has no row: no feature stands in any planning unit"
        raise InputError(problem, file=table.file, code="INPUT_EMPTY")
    keys = pl.DataFrame(
        {
            "species": tables.numbers(table, "species", whole=True),
            "pu": tables.numbers(table, "pu", whole=True),
        }
    )
    amount = tables.numbers(table, "amount", least=0.0)
    found = pl.DataFrame(
        {
            "species": tables.find_ids(table, "species", keys["species"], species["id"], files[1]),
            "unit": tables.find_ids(table, "pu", keys["pu"], units["id"], files[0]),
            "amount": amount,
        }
    )
    tables.refuse_twice(table, keys, "the amount of this feature in this unit")
    return found.filter(pl.col("amount") > 0)


def _from_matrix(table: Table, headings: list[str]) -> pl.DataFrame:
    """Return the rows of a matrix whose first column is the unit and whose others are features."""
    long = table.frame.rename({headings[0]: "pu"}).unpivot(
        headings[1:], index=[ROW, "pu"], variable_name="species", value_name="amount"
    )
    return long.filter(pl.col("amount").is_not_null()).select(ROW, "species", "pu", "amount")


def _read_penalties(path: Path, ids: pl.Series, species_file: str) -> NDArray[np.float64]:
    """Read PENALTYNAME's file: what Marxan charges for missing all of a feature, before SPF."""
    table = tables.rename(
        tables.read_table(path, file=path.name, columns=("spid", "penalty")), {"id": "spid", "species": "spid"}
    )
    tables.require(table, ["spid", "penalty"])
    places = tables.find_ids(table, "spid", tables.numbers(table, "spid", whole=True), ids, species_file).to_numpy()
    penalties = np.zeros(ids.len())
    penalties[places] = tables.numbers(table, "penalty", least=0.0).to_numpy()
    return penalties
