"""What a step of the harmonising finds out about a batch: interpreted columns, doubts, repairs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.flags import FLAGS
from biodata.harmonise import rules
from biodata.terms import REPAIR

_DIGITS: Final = 12
"""Significant digits of a number that a repair tells: what lies behind them is how computers add, not what was read."""
REPAIR_ROWS: Final = pl.Schema(
    {"row": pl.UInt32, "term": pl.String, "value": pl.String, "rule": pl.String, "applied": pl.Boolean}
)


@dataclass(frozen=True)
class Findings:
    """What one step found out about a batch of n rows.

    Attributes
    ----------
    columns : mapping of str to Series
        Interpreted columns by term, n rows each.
    flags : mapping of str to Series
        By flag, True for the rows that have that doubt; null counts as False.
    repairs : list of DataFrame
        Frames of `REPAIR_ROWS`; `row` counts from 0 in the batch.
    """

    columns: Mapping[str, pl.Series] = field(default_factory=dict)
    flags: Mapping[str, pl.Series] = field(default_factory=dict)
    repairs: list[pl.DataFrame] = field(default_factory=list)


def repairs(
    where: pl.Series, term: str, value: pl.Series, rule: str | pl.Series, *, applied: bool | pl.Series
) -> pl.DataFrame:
    """Note a repair of `term` for the rows where `where` is True.

    Parameters
    ----------
    where : Series of bool, length n
        The rows; null counts as False.
    term : str
        The term whose value was changed, or could be.
    value : Series, length n
        The new value.
    rule : str or Series of str, length n
        The rule that gave it.
    applied : bool or Series of bool, length n
        False for a proposal.

    Returns
    -------
    polars.DataFrame of `REPAIR_ROWS`
    """
    if not where.any():
        return pl.DataFrame(schema=REPAIR_ROWS)
    rule_column = rule.alias("rule") if isinstance(rule, pl.Series) else pl.lit(rule).alias("rule")
    applied_column = applied.alias("applied") if isinstance(applied, pl.Series) else pl.lit(applied).alias("applied")
    if value.dtype.is_float():
        value = value.round_sig_figs(_DIGITS)
    rows = pl.DataFrame({"where": where, "value": value.cast(pl.String)}).with_row_index("row")
    rows = rows.with_columns(pl.lit(term).alias("term"), rule_column, applied_column).filter("where")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in REPAIR_ROWS.items())


def quality_flags(parts: Iterable[Findings], height: int) -> pl.Series:
    """Return for each of `height` rows the names of its doubts, in the order of `biodata.flags`; none is an empty list.

    Raises
    ------
    KeyError
        If a step set a flag that `biodata.flags` does not have.
    """
    masks: dict[str, pl.Series] = {}
    for part in parts:
        for name, mask in part.flags.items():
            if mask.any():
                masks[FLAGS[name].name] = mask | masks[name] if name in masks else mask
    names = [name for name in FLAGS if name in masks]
    if not names:
        return pl.repeat([], height, dtype=pl.List(pl.String), eager=True).alias("quality_flags")
    # Few combinations occur among many rows: each becomes a number of bits, and the lists are made once a number.
    # 32 flags a number: any count of flags fits into a few of them.
    table = pl.DataFrame({name: masks[name].fill_null(value=False) for name in names})
    groups = [names[i : i + 32] for i in range(0, len(names), 32)]
    codes = table.select(
        pl.sum_horizontal(pl.col(name).cast(pl.Int64) * (1 << bit) for bit, name in enumerate(group)).alias(str(g))
        for g, group in enumerate(groups)
    )
    distinct = codes.unique()
    lists = [
        [name for g, group in enumerate(groups) for bit, name in enumerate(group) if code[g] >> bit & 1]
        for code in distinct.iter_rows()
    ]
    known = distinct.with_columns(pl.Series("quality_flags", lists, dtype=pl.List(pl.String)))
    return codes.join(known, on=codes.columns, how="left", maintain_order="left")["quality_flags"]


def repairs_column(parts: Iterable[Findings], height: int) -> pl.Series:
    """Return for each of `height` rows the list of its repairs; null where there is none.

    Raises
    ------
    KeyError
        If a step noted a rule that `harmonise.rules` does not have.
    """
    frames = [frame for part in parts for frame in part.repairs if not frame.is_empty()]
    if not frames:
        return pl.Series("repairs", [None], dtype=pl.List(REPAIR)).new_from_index(0, height)
    noted = pl.concat(frames)
    rules.check(noted["rule"].unique())
    listed = noted.group_by("row", maintain_order=True).agg(
        pl.struct("term", "value", "rule", "applied").alias("repairs")
    )
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(listed, on="row", how="left", maintain_order="left")["repairs"]
