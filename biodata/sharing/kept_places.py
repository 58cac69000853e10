"""Places where earlier releases told records coarse beside a sensitive one, known again by marks that tell no place.

A record that was tied to a sensitive one may come again under another number when the sensitive one is gone. Told exactly
then, it would tell where that was to whoever has both releases. So what stands at such a place stays coarse, except for
what the current release tells there exactly already. A record of a survey holds its place, as its events do. One that only
a person's day tied holds that person's day there: else what one visitor saw would hide the place from all others.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.sharing.stations import STATION, around, cell, strictest

MARKS: Final = pl.Schema({"mark": pl.Binary, "category": pl.String})
OPENED: Final = pl.Schema({"key": pl.Int64, "x": pl.Float64, "y": pl.Float64})
_WHO: Final = {"station": ("dataset",), "walk": ("dataset", "day", "who")}
"""Whose place is held, by what holds it."""
_ASKED_FIRST: Final = {"station": ("dataset",), "walk": ("dataset", "day")}
"""What has a mark of its own, so that not every record's place is asked for."""


@dataclass(frozen=True, eq=False)
class KeptPlaces:
    """Where records stay coarse.

    Attributes
    ----------
    marks : polars.DataFrame
        `MARKS`: keyed hashes of places, and the category with which they were told.
    opened : polars.DataFrame
        `OPENED`: records that the current release tells exactly at such places, and where.
    key : bytes
        The secret that the marks are made with.
    """

    marks: pl.DataFrame
    opened: pl.DataFrame
    key: bytes = field(repr=False)

    def of(self, told: pl.DataFrame) -> pl.DataFrame:
        """Return row, category of the records that stand at a place that is held.

        Parameters
        ----------
        told : polars.DataFrame
            row, key, dataset, day, who, x, y : as `siblings` reads records.
        """
        if self.marks.is_empty():
            return pl.DataFrame(schema={"row": told.schema["row"], "category": pl.String})
        placed = told.drop_nulls(["dataset", "x", "y"]).join(self.opened, on=["key", "x", "y"], how="anti")
        placed = placed.with_columns(cell(STATION))
        found = []
        for kind in _WHO:
            asked = _marked(placed, f"{kind} at all", _ASKED_FIRST[kind], self.key)
            asked = asked.join(self.marks, on="mark", how="semi").drop("mark")
            named = _marked(asked, kind, (*_WHO[kind], "gx", "gy"), self.key)
            found.append(named.join(self.marks, on="mark").select("row", "category"))
        return strictest(pl.concat(found), ["row"])


def marks_of_records(told: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Return the marks (`MARKS`) of where tied records stand.

    Parameters
    ----------
    told : polars.DataFrame
        dataset, day, who, x, y, survey, category.
    key : bytes
        The installation's secret.
    """
    cells = told.drop_nulls(["dataset", "x", "y"]).with_columns(cell(STATION))
    surveys, visits = cells.filter("survey"), cells.filter(~pl.col("survey"))
    return strictest(pl.concat([_marks("station", surveys, key), _marks("walk", visits, key)]), ["mark"])


def marks_of_stations(ties: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Return the marks (`MARKS`) of the stations where records are tied to sensitive ones (`siblings.Siblings.ties`)."""
    stations = ties.filter(tie="station").select("dataset", "gx", "gy", "category")
    return _marks("station", stations, key, spread=False)


def held_datasets(datasets: pl.Series, marks: pl.DataFrame, key: bytes) -> list[str]:
    """Return those of some datasets that have a place which is held."""
    named = pl.DataFrame({"dataset": datasets.unique()})
    found = pl.concat([_marked(named, kind, ("dataset",), key) for kind in ("station at all", "walks at all")])
    return found.join(marks, on="mark", how="semi")["dataset"].unique().sort().to_list()


def _marks(kind: str, cells: pl.DataFrame, key: bytes, *, spread: bool = True) -> pl.DataFrame:
    columns = [*_WHO[kind], "gx", "gy"]
    known = strictest(cells.drop_nulls(columns).select(*columns, "category"), columns)
    near = strictest(around(known), columns) if spread else known
    found = [_marked(near, kind, columns, key), _marked(known, f"{kind} at all", _ASKED_FIRST[kind], key)]
    if kind == "walk":
        found.append(_marked(known, "walks at all", ("dataset",), key))
    return strictest(pl.concat([one.select(MARKS.names()) for one in found]), ["mark"])


def _marked(frame: pl.DataFrame, kind: str, columns: tuple[str, ...] | list[str], key: bytes) -> pl.DataFrame:
    """Return the rows that have all of some columns, with their mark: each distinct one is hashed once."""
    named = frame.drop_nulls(columns).with_columns(
        named=pl.concat_str([pl.col(c).cast(pl.String) for c in columns], separator="\x1f")
    )
    distinct = named["named"].unique()
    marks = [hmac.digest(key, f"kept place\x1f{kind}\x1f{name}".encode(), "sha256") for name in distinct]
    made = pl.DataFrame({"named": distinct, "mark": marks}, schema={"named": pl.String, "mark": pl.Binary})
    return named.join(made, on="named", how="left").drop("named")
