"""Two runs beside each other: identical, or what differs, in what was asked and in what came out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from biodata.run_records import RunRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is the same and what is not.

    Attributes
    ----------
    identical : bool
        True where every table has the same rows, to the last bit.
    asked : tuple of str
        What differs in what the runs follow from: parameters, inputs, code, versions.
    found : tuple of str
        What differs in their results.
    """

    identical: bool
    asked: tuple[str, ...]
    found: tuple[str, ...]

    def told(self) -> str:
        """Return the comparison in words."""
        if self.identical:
            return "identical" + (f", although {'; '.join(self.asked)}" if self.asked else "")
        return "; ".join(("different", *self.found, *self.asked))


def compare(
    before: RunRecord, after: RunRecord, old: Mapping[str, pl.DataFrame], new: Mapping[str, pl.DataFrame]
) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    before, after : RunRecord
    old, new : mapping of str to polars.DataFrame
        Their tables.
    """
    found = []
    for name in sorted(before.results.keys() | after.results.keys()):
        one, other = before.results.get(name), after.results.get(name)
        if one is None or other is None:
            found.append(f"the table {name} is only in the {'later' if one is None else 'earlier'} run")
        elif one["sha256"] != other["sha256"]:
            found.append(_difference(name, old.get(name), new.get(name)))
    return Comparison(not found, tuple(_asked(before, after)), tuple(found))


def _asked(before: RunRecord, after: RunRecord) -> list[str]:
    """Tell in what the runs differ before they began."""
    found = [
        f"{name} was {before.parameters.get(name)!r} and is {after.parameters.get(name)!r}"
        for name in sorted(before.parameters.keys() | after.parameters.keys())
        if before.parameters.get(name) != after.parameters.get(name)
    ]
    inputs: tuple[dict[str, str], dict[str, str]] = (
        {one.name: one.sha256 for one in before.inputs},
        {one.name: one.sha256 for one in after.inputs},
    )
    found += [
        f"the input {name} is another"
        for name in sorted(inputs[0].keys() | inputs[1].keys())
        if inputs[0].get(name) != inputs[1].get(name)
    ]
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("the engine", before.engine, after.engine),
        ("the seed", before.seed, after.seed),
        ("the lake's version", before.snapshot, after.snapshot),
        ("the code", before.code[:12], after.code[:12]),
        *((name, before.software.get(name), after.software.get(name)) for name in sorted(before.software)),
    )
    return found + [f"{name} was {one} and is {other}" for name, one, other in pairs if one != other]


def _difference(name: str, old: pl.DataFrame | None, new: pl.DataFrame | None) -> str:
    """Tell how two tables of the same name differ."""
    if old is None or new is None:
        return f"{name} has other values; the earlier rows are not kept"
    if set(old.columns) != set(new.columns):
        gone, come = sorted(set(old.columns) - set(new.columns)), sorted(set(new.columns) - set(old.columns))
        return f"{name} lost the columns {', '.join(gone) or '-'} and has {', '.join(come) or '-'} more"
    if old.height != new.height:
        return f"{name} had {old.height} rows and has {new.height}"
    changed = []
    for column in old.columns:
        one, other = old[column], new[column]
        if one.dtype != other.dtype:
            changed.append(f"{column} was {one.dtype} and is {other.dtype}")
            continue
        differs = one.ne_missing(other)
        if not differs.any():
            continue
        text = f"{column} in {differs.sum()}"
        if one.dtype.is_numeric():
            most = pl.select((one.cast(pl.Float64) - other.cast(pl.Float64)).abs().max()).item()
            text += f" (by up to {most:.3g})" if most is not None else ""
        changed.append(text)
    return f"{name}, of {old.height} rows: {', '.join(changed) or 'the rows stand in another order'}"
