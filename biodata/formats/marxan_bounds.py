"""Marxan's bound.dat: lengths of boundaries that planning units share, or connections between them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.formats import marxan_tables as tables
from biodata.formats.marxan_tables import ROW, Table


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
            problem,
            file=table.file,
            row=row[ROW],
            column="boundary",
            value=f"{row['length']:g}",
            expected=expected,
            code="ROW_REPEATED",
        )
