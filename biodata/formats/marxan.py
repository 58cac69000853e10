"""Marxan's spec.dat and block definitions: features and their targets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.formats import marxan_input as tables
from biodata.formats.marxan_input import ROW, Inputs, Table, find_file, input_folder, read_inputs

_SPEC: Final = (
    "id", "type", "target", "spf", "target2", "sepdistance", "sepnum", "name", "targetocc", "prop", "ptarget1d",
    "ptarget2d",
)  # fmt: skip
_BLOCK: Final = ("target", "target2", "targetocc", "sepnum", "sepdistance", "prop", "spf")
_UNSUPPORTED: Final = ("ptarget1d", "ptarget2d")
_UNSET: Final = -1.0
"""Marxan's word for: not given."""


def read_species(path: Path, notes: list[str]) -> tuple[pl.DataFrame, Table]:
    """Read spec.dat; targets not given are -1."""
    table = tables.rename(tables.read_table(path, file=path.name), {"fpf": "spf", "amount": "target"})
    tables.require(table, ["id"])
    ids = tables.numbers(table, "id", whole=True)
    if not ids.len():
        problem = "the table has no feature"
        raise InputError(problem, file=table.file, code="INPUT_EMPTY")
    tables.refuse_twice(table, ids.to_frame(), "the feature")
    if ignored := [name for name in table.frame.columns if name not in (ROW, *_SPEC)]:
        notes.append(f"{table.file}: {', '.join(ignored)}: no columns of Marxan's; left out")
    names = (
        table.frame["name"] if "name" in table.frame.columns else pl.Series("name", [None] * ids.len(), dtype=pl.String)
    )
    columns = {name: tables.numbers(table, name, default=_UNSET, least=_UNSET) for name in _BLOCK}
    columns |= {name: tables.numbers(table, name, default=_UNSET) for name in ("ptarget1d", "ptarget2d")}
    return pl.DataFrame(
        {
            "id": ids, "name": names.fill_null(ids.cast(pl.String)),
            "type": tables.numbers(table, "type", whole=True, default=-1), **columns, ROW: table.frame[ROW],
        }
    ), table  # fmt: skip


def with_blocks(species: pl.DataFrame, path: Path, totals: pl.Series) -> pl.DataFrame:
    """Return the features with what the block definitions give to those of a type that have nothing of their own.

    A block's `prop` becomes a target before its `target` is looked at, as in Marxan.
    """
    table = tables.rename(tables.read_table(path, file=path.name), {"fpf": "spf"})
    tables.require(table, ["type"])
    types = tables.numbers(table, "type", whole=True)
    tables.refuse_twice(table, types.to_frame(), "the type")
    blocks = pl.DataFrame(
        {
            "type": types,
            **{f"{name}_block": tables.numbers(table, name, default=_UNSET, least=_UNSET) for name in _BLOCK},
        }
    )
    joined = species.join(blocks, on="type", how="left", maintain_order="left")
    no_target = (pl.col("target") < 0) & (pl.col("prop") < 0)
    by_share = no_target & (pl.col("prop_block") > 0)
    given = {
        "target": pl.when(by_share)
        .then(pl.col("prop_block") * totals)
        .when(no_target & (pl.col("target_block") >= 0))
        .then("target_block")
        .otherwise("target")
    }
    for name in ("target2", "targetocc", "sepnum", "sepdistance", "spf"):
        given[name] = pl.when((pl.col(name) < 0) & (pl.col(f"{name}_block") >= 0)).then(f"{name}_block").otherwise(name)
    return joined.with_columns(**given).select(species.columns)


def with_targets(species: pl.DataFrame, totals: pl.Series, notes: list[str], file: str) -> pl.DataFrame:
    """Return the features with their targets as amounts; `prop` goes before `target`, as in Marxan."""
    for name in _UNSUPPORTED:
        asked = species.filter(pl.col(name) > 0)
        if asked.height:
            first = asked.row(0, named=True)
            more = f" and {asked.height - 1} more" if asked.height > 1 else ""
            notes.append(
                f"{file}: row {first[ROW]}, column {name}, value {first[name]:g}: not supported and left out "
                f"(feature {first['name']}{more})"
            )
    return species.select(
        "id",
        "name",
        target=pl.when(pl.col("prop") > 0)
        .then(pl.col("prop") * totals)
        .otherwise(pl.col("target").clip(lower_bound=0.0)),
        targetocc=pl.col("targetocc").clip(lower_bound=0.0).ceil().cast(pl.Int64),
        target2=pl.col("target2").clip(lower_bound=0.0),
        sepdistance=pl.col("sepdistance").clip(lower_bound=0.0),
        sepnum=pl.col("sepnum").clip(lower_bound=0.0).ceil().cast(pl.Int64),
        spf=pl.when(pl.col("spf") < 0).then(1.0).otherwise("spf"),
        told=pl.when(pl.col("prop") > 0).then(pl.lit("prop")).otherwise(pl.lit("target")),
        told_value=pl.when(pl.col("prop") > 0).then("prop").otherwise("target"),
        **{ROW: pl.col(ROW)},
    )


# Marxan's bound.dat: lengths of boundaries that planning units share, or connections between them.
@dataclass(frozen=True, eq=False)
class Bounds:
    """The boundary, or connection, table.

    Attributes
    ----------
    first, second : ndarray of int64, length p
        Places in the table of units; where symmetric each pair stands once.
    length : ndarray of float64, length p
    outer : ndarray of float64, length n
        Rows with id1 = id2.
    symmetric : bool
        Else `first` is where a connection comes from (ASYMMETRICCONNECTIVITY).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    length: NDArray[np.float64]
    outer: NDArray[np.float64]
    symmetric: bool


def read_bounds(path: Path, ids: pl.Series, units_file: str, notes: list[str], *, asymmetric: bool) -> Bounds:
    """Read bound.dat.

    Parameters
    ----------
    path : Path
    ids : polars.Series of n
        The units' identifiers.
    units_file : str
        Named in errors.
    notes : list of str
        Gets what is not done as Marxan would.
    asymmetric : bool
        Rows are connections from id1 to id2.

    Raises
    ------
    InputError
        If a row cannot be taken, or two rows give a pair two lengths.
    """
    table = tables.read_table(path, file=path.name, columns=("id1", "id2", "boundary"))
    names = dict.fromkeys(("amount", "length", "cost", "value", "connection", "bound"), "boundary")
    table = tables.rename(table, names)
    tables.require(table, ["id1", "id2", "boundary"])
    keys = pl.DataFrame({name: tables.numbers(table, name, whole=True) for name in ("id1", "id2")})
    length = tables.numbers(table, "boundary", least=0.0)
    first = tables.find_ids(table, "id1", keys["id1"], ids, units_file).to_numpy()
    second = tables.find_ids(table, "id2", keys["id2"], ids, units_file).to_numpy()
    frame = pl.DataFrame({"first": first, "second": second, "length": length, ROW: table.frame[ROW]})
    own = frame.filter(pl.col("first") == pl.col("second"))
    outer = np.bincount(own["first"].to_numpy(), own["length"].to_numpy(), ids.len()).astype(np.float64)
    pairs = frame.filter(pl.col("first") != pl.col("second"))
    if asymmetric:
        notes.extend(
            [f"{table.file}: rows with id1 = id2 count for nothing in an asymmetric table"] if own.height else []
        )
        summed = pairs.group_by("first", "second", maintain_order=True).agg(pl.col("length").sum())
        from_, to, strength = (summed[name].to_numpy() for name in ("first", "second", "length"))
        return Bounds(from_, to, strength, np.zeros(ids.len()), symmetric=False)
    ordered = pairs.with_columns(low=pl.min_horizontal("first", "second"), high=pl.max_horizontal("first", "second"))
    known = ordered.group_by("low", "high", maintain_order=True).agg(
        pl.col("length").first(), pl.col(ROW).first(), pl.len().alias("rows")
    )
    if known.height < ordered.height:
        _check_repeats(table, ordered.join(known, on=["low", "high"], suffix="_before"), ids)
        notes.append(
            f"{table.file}: {ordered.height - known.height} pairs stand twice, with the same length; each counts once"
        )
    return Bounds(known["low"].to_numpy(), known["high"].to_numpy(), known["length"].to_numpy(), outer, symmetric=True)


def _check_repeats(table: Table, pairs: pl.DataFrame, ids: pl.Series) -> None:
    """Refuse a pair that stands twice with two lengths."""
    differ = pairs.filter((pl.col("length") - pl.col("length_before")).abs() > 1e-9 * pl.col("length").abs())
    if differ.height:
        row = differ.row(0, named=True)
        pair = f"{ids[row['first']]} and {ids[row['second']]}"
        problem = f"the boundary of {pair} is {row['length_before']:g} in row {row[f'{ROW}_before']}"
        expected = "one length, or ASYMMETRICCONNECTIVITY 1"
        raise InputError(
            problem, file=table.file, row=row[ROW], column="boundary", value=f"{row['length']:g}", expected=expected,
            code="ROW_REPEATED",
        )  # fmt: skip


# Marxan's projects: input.dat and the tables that it names, read as they are meant, or refused with the row.
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
    if (path := find_file(inputs, folder, keyword, defaults)) is None:
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
    if ignored := [name for name in others if name != "prob"]:
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
        {"species": tables.numbers(table, "species", whole=True), "pu": tables.numbers(table, "pu", whole=True)}
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
