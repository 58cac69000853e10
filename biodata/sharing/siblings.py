"""Open records that would tell where a sensitive one was made: of one event with it, or at one station of a survey.

What ties the two is left out of the sensitive record (event, date, people, numbers), so nothing public names its
siblings. But a survey of few stations has few places in a published cell, and whoever knows the event from elsewhere has
the place from any of its records. So the whole event is made as coarse as its strictest record. A withheld record is
not told at all: there is nothing to tie, and coarser siblings would only tell that it is there. What a national node
shares it has tied itself, where it knew every place; here there is only what it publishes.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Final

import polars as pl

from biodata.sharing.generalise import CELLS_PER_DEGREE, GUARD
from biodata.sharing.names import FULL_NAMES
from biodata.sharing.readings import Kind, read
from biodata.sharing.taxonomy import bundled
from biodata.vocabularies import SharingCategory

SAME_EVENT: Final = "same-event"
_REASON: Final = "recorded in one event, or at one station of a small survey, with a species whose place is hidden"
PER_DEGREE: Final = 1000
"""Places closer than one or two cells of 0.001° (100 to 200 m) are one station."""
FEW: Final = 5
"""A dataset with fewer stations in a published cell than this has so few that the cell's records are at one of them."""
COLUMNS: Final = (
    "datasetKey", "eventID", "parentEventID", "event_start", "decimalLongitude", "decimalLatitude", "node",
)  # fmt: skip
_STRICTNESS: Final = {str(c): c.strictness for c in SharingCategory}
_KEYS: Final = {
    "events": ["dataset", "event"],
    "days": ["dataset", "day", "px", "py"],
    "parents": ["dataset", "event", "px", "py"],
    "stations": ["dataset", "px", "py"],
}


@dataclass(frozen=True, eq=False)
class Siblings:
    """What ties open records to sensitive ones, each with the strictest category of the sensitive ones.

    Attributes
    ----------
    events, days, parents, stations : polars.DataFrame
        By event; by station and day; by station and the event above; by station alone, of surveys with few of them.
        They hold exact places to 0.001° and never leave the process.
    """

    events: pl.DataFrame
    days: pl.DataFrame
    parents: pl.DataFrame
    stations: pl.DataFrame

    def of(self, occurrences: pl.DataFrame) -> pl.DataFrame:
        """Return the records that are tied, as `decide.decide` returns decisions: the sensitive ones among them.

        Parameters
        ----------
        occurrences : polars.DataFrame of n rows
            With `COLUMNS`; those that are missing tie nothing.
        """
        told = _told(occurrences)
        asked = [(self.events, "event"), (self.events, "parent"), (self.parents, "event"), (self.parents, "parent")]
        found = [told.join(self.days, on=_KEYS["days"]), told.join(self.stations, on=_KEYS["stations"])]
        for table, column in asked:
            on = [name if name != "event" else column for name in table.columns if name != "category"]
            found.append(told.join(table, left_on=on, right_on=[c for c in table.columns if c != "category"]))
        return (
            pl.concat([tied.select("row", "category") for tied in found])
            .pipe(_strictest, ["row"])
            .sort("row")
            .with_columns(rule_id=pl.lit(SAME_EVENT), reason=pl.lit(_REASON), categories=pl.concat_list("category"))
        )


@dataclass(eq=False)
class Finder:
    """Collects, batch by batch, what ties open records to sensitive ones."""

    _hidden: list[pl.DataFrame] = field(default_factory=list)
    _open: list[pl.DataFrame] = field(default_factory=list)

    def add(self, occurrences: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Take in n records and what `decide` found of them."""
        told = _told(occurrences)
        hidden = told.join(decided.select("row", "category"), on="row")
        hidden = hidden.filter(_tells_a_taxon(occurrences).gather(hidden["row"]))
        self._hidden.append(hidden.filter(pl.col("category").is_in(list(CELLS_PER_DEGREE))).drop("row").unique())
        seen = told.join(decided, on="row", how="anti").select("dataset", "px", "py").drop_nulls().unique()
        self._open.append(seen)

    def found(self) -> Siblings:
        """Return what was found."""
        nothing = _told(pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))).drop("row")
        hidden = pl.concat([nothing.with_columns(category=pl.lit("")), *self._hidden])
        events = hidden.drop_nulls("event").select(*_KEYS["events"], "category")
        near = _around(hidden.drop_nulls(["px", "py"]))
        days = near.drop_nulls("day")
        parents = near.drop_nulls("parent").drop("event").rename({"parent": "event"})
        return Siblings(
            events=_strictest(events, _KEYS["events"]),
            days=_strictest(days, _KEYS["days"]),
            parents=_strictest(parents, _KEYS["parents"]),
            stations=_strictest(_around(self._at_few_stations(hidden)), _KEYS["stations"]),
        )

    def _at_few_stations(self, hidden: pl.DataFrame) -> pl.DataFrame:
        """Return the sensitive records in whose cell their dataset has few open stations."""
        seen = pl.concat(self._open).unique() if self._open else hidden.select("dataset", "px", "py").clear()
        found = [hidden.clear()]
        for category, size in CELLS_PER_DEGREE.items():
            cell = [(pl.col(c) * size // PER_DEGREE).alias(f"c{c}") for c in ("px", "py")]
            by = ["dataset", "cpx", "cpy"]
            few = seen.with_columns(cell).group_by(by).len().filter(pl.col("len") < FEW)
            here = hidden.filter(pl.col("category") == category).drop_nulls(["px", "py"]).with_columns(cell)
            found.append(here.join(few, on=by, how="semi").select(hidden.columns))
        return pl.concat(found)


def _tells_a_taxon(occurrences: pl.DataFrame) -> pl.Series:
    """Tell which records say more of what they are than a taxon above genus.

    A bird that nobody named is hidden since it may be any; that its place can be guessed tells nobody what it was.
    """
    names = [pl.col(name) for name in FULL_NAMES if name in occurrences.columns]
    told = occurrences.select(name=pl.coalesce(*names, pl.lit(None, pl.String)) if names else pl.lit(None, pl.String))
    texts = told["name"].drop_nulls().unique()
    kept = [text for text in texts if text.strip() and read(text, bundled()).kind is not Kind.HIGHER]
    return told["name"].is_in(kept).fill_null(value=False)


def _told(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return what records tell of their event and station: row, dataset, event, parent, day, px, py."""
    frame = occurrences.with_columns(pl.lit(None).alias(c) for c in COLUMNS if c not in occurrences.columns)
    place = [
        ((pl.col(c).cast(pl.Float64) * PER_DEGREE + GUARD).floor()).cast(pl.Int64, strict=False)
        for c in ("decimalLongitude", "decimalLatitude")
    ]
    return (
        frame.with_row_index("row")
        .filter(pl.col("node").is_null())
        .select(
            "row",
            dataset=pl.col("datasetKey").cast(pl.String),
            event=pl.col("eventID").cast(pl.String),
            parent=pl.col("parentEventID").cast(pl.String),
            day=pl.col("event_start").cast(pl.Date),
            px=place[0],
            py=place[1],
        )
    )


def _around(hidden: pl.DataFrame) -> pl.DataFrame:
    """Return records once for each station that may be theirs: their own cell of 0.001° and those around it."""
    steps = pl.DataFrame(list(product((-1, 0, 1), repeat=2)), schema={"dx": pl.Int64, "dy": pl.Int64}, orient="row")
    moved = hidden.join(steps, how="cross")
    return moved.with_columns(pl.col("px") + pl.col("dx"), pl.col("py") + pl.col("dy")).drop("dx", "dy")


def _strictest(frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return one row for each key, with the strictest category."""
    strictness = pl.col("category").replace_strict(_STRICTNESS, default=0, return_dtype=pl.Int64)
    return frame.sort(strictness, descending=True).unique(by, keep="first", maintain_order=True).select(*by, "category")
