"""Records and events that have another identifier and are otherwise what they were: cell for cell, or but for details.

Pairs that are told:

- `same`: each cell but identifiers is as it was, and as many rows were so before.
- `fewer`: each cell is as it was, of rows that are alike among themselves and are more or fewer than they were.
- `changed`: the same name, event, time and place, which nothing else has, and other details such as a count; or the same
  but for what places and devices are called.
- `shifted`: each cell is as it was, under an identifier that another row of the dataset has.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.surveys.site_renames import BETWEEN, LINKS, NAMES, POINTS, SITES, TIMES, find_elsewhere

_SCHEMA: Final = {
    "identifier": pl.String, "was": pl.String, "sheet": pl.String, "row": pl.Int64, "was_row": pl.Int64,
    "how": pl.String,
}  # fmt: skip


def find_renames(absent: pl.DataFrame, fresh: pl.DataFrame, *, without: Sequence[str]) -> pl.DataFrame:
    """Pair rows that are alike but for their identifiers.

    Parameters
    ----------
    absent, fresh : polars.DataFrame
        Rows that are not in the upload any more, and rows that are new in it: `identifier`, `sheet`, `row`, and cells in
        columns that begin with `=`, the same in both.
    without : sequence of str
        The cells that hold identifiers.

    Returns
    -------
    polars.DataFrame
        `identifier`, `was`, `sheet`, `row`, `was_row`, `how`. Rows that are alike among themselves are paired in their
        order, and only where as many were so before: which of them is which makes no difference then.
    """
    return _alike(absent, fresh, without, how="same", on=["content", "turn", "alike"])


def find_likely(
    absent: pl.DataFrame, fresh: pl.DataFrame, *, without: Sequence[str], retold: bool
) -> pl.DataFrame:  # fmt: skip
    """Pair rows that are likely the same under another identifier: `fewer` and `changed`.

    Parameters
    ----------
    absent, fresh, without
        As `find_renames` has them, without what it paired.
    retold : bool
        The upload tells rows again that the dataset has, so that those which it lacks are missed. Of one that seems to
        bring nothing but new rows only many such pairs are told: one more animal of a kind in an event is no renaming.

    Returns
    -------
    polars.DataFrame
        As `find_renames` returns it.
    """
    fewer = _alike(absent, fresh, without, how="fewer", on=["content", "turn"])
    rest = fresh.join(fewer.select("identifier"), on="identifier", how="anti")
    left = absent.join(fewer.select(identifier="was"), on="identifier", how="anti")
    changed = _changed(left, rest, without)
    rest = rest.join(changed.select("identifier"), on="identifier", how="anti")
    left = left.join(changed.select(identifier="was"), on="identifier", how="anti")
    elsewhere, sure = find_elsewhere(left, rest, without=without)
    found = pl.concat([fewer, changed, _pairs(elsewhere, "changed")])
    some = retold or sure or (found.height > 1 and 2 * found.height >= fresh.height)
    return found.sort("row", nulls_last=True) if some else found.clear()


def find_shifted(absent: pl.DataFrame, changed: pl.DataFrame, *, without: Sequence[str]) -> pl.DataFrame:
    """Pair rows that the upload lacks with rows that tell the same under an identifier which another row had."""
    return _alike(absent, changed, without, how="shifted", on=["content", "turn"])


def _alike(
    absent: pl.DataFrame, fresh: pl.DataFrame, without: Sequence[str], *, how: str, on: list[str]
) -> pl.DataFrame:
    """Pair rows whose cells are all as they were."""
    cells = sorted(name for name in fresh.columns if name.startswith("=") and name not in without)
    if not cells or absent.is_empty() or fresh.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    filled = pl.any_horizontal(pl.col(name).is_not_null() & (pl.col(name) != "") for name in cells)
    content = pl.concat_str([pl.col(name).fill_null("") for name in cells], separator=BETWEEN).alias("content")
    before, after = (
        frame.filter(filled)
        .sort("row", "identifier", nulls_last=True)
        .select(
            "identifier",
            "sheet",
            "row",
            content,
            pl.int_range(pl.len()).over(content).alias("turn"),
            pl.len().over(content).alias("alike"),
        )
        for frame in (absent, fresh)
    )
    paired = after.join(before.select("content", "turn", "alike", was="identifier", was_row="row"), on=on)
    return _pairs(paired, how)


def _changed(absent: pl.DataFrame, fresh: pl.DataFrame, without: Sequence[str]) -> pl.DataFrame:
    """Pair rows of the same name, event, time and place that are the only ones so on both sides."""
    there = [name for name in fresh.columns if name.startswith("=") and name not in without]
    if absent.is_empty() or fresh.is_empty():
        return pl.DataFrame(schema=_SCHEMA)

    def some(names: Sequence[str]) -> list[str]:
        return [f"={name}" for name in names if f"={name}" in there]

    def content(names: Sequence[str]) -> pl.Expr:
        cells = [pl.col(name).fill_null("").str.strip_chars() for name in names]
        return pl.concat_str(cells, separator=BETWEEN) if cells else pl.lit("")

    sites, points = some(SITES), some(POINTS)
    # A point that was mended is a detail of a site that is named.
    named = pl.any_horizontal(pl.lit(value=False), *(pl.col(n).fill_null("").str.strip_chars() != "" for n in sites))
    place = pl.when(named).then(content(sites)).otherwise(content(points))
    told = [content(some(names)) for names in (NAMES, LINKS, TIMES)]
    known = pl.concat_str([*told, place], separator=BETWEEN).alias("content")
    enough = pl.sum_horizontal(
        *((one.str.replace_all(BETWEEN, "", literal=True) != "").cast(pl.Int64) for one in [*told, place])
    )
    before, after = (
        frame.filter(enough >= 2).select("identifier", "sheet", "row", known).filter(pl.len().over("content") == 1)
        for frame in (absent, fresh)
    )
    return _pairs(after.join(before.select("content", was="identifier", was_row="row"), on="content"), "changed")


def _pairs(joined: pl.DataFrame, how: str) -> pl.DataFrame:
    """Return pairs in the order of the upload."""
    return joined.with_columns(how=pl.lit(how)).select(*_SCHEMA).cast(_SCHEMA).sort("row", nulls_last=True)  # type: ignore[arg-type]
