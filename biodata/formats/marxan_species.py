"""Marxan's spec.dat and block definitions: features and their targets."""

from pathlib import Path
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats import marxan_tables as tables
from biodata.formats.marxan_tables import ROW, Table

_SPEC: Final = (
    "id",
    "type",
    "target",
    "spf",
    "target2",
    "sepdistance",
    "sepnum",
    "name",
    "targetocc",
    "prop",
    "ptarget1d",
    "ptarget2d",
)
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
    ignored = [name for name in table.frame.columns if name not in (ROW, *_SPEC)]
    if ignored:
        notes.append(f"{table.file}: {', '.join(ignored)}: no columns of Marxan's; left out")
    names = (
        table.frame["name"] if "name" in table.frame.columns else pl.Series("name", [None] * ids.len(), dtype=pl.String)
    )
    columns = {name: tables.numbers(table, name, default=_UNSET, least=_UNSET) for name in _BLOCK}
    columns |= {name: tables.numbers(table, name, default=_UNSET) for name in ("ptarget1d", "ptarget2d")}
    return pl.DataFrame(
        {
            "id": ids,
            "name": names.fill_null(ids.cast(pl.String)),
            "type": tables.numbers(table, "type", whole=True, default=-1),
            **columns,
            ROW: table.frame[ROW],
        }
    ), table


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
        .otherwise("target"),
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
