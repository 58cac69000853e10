"""Open records that would tell where a sensitive one was made: of one event, one walk or one station of a survey with it.

What ties the two is left out of the sensitive record (event, date, people, numbers). But numbers that run through an
event, or through a collector's day, have a gap where it was; and where a survey has its stations in a published cell
everybody knows the few places where it can have been. So these records are made as coarse as it.

Only what is told ties. Records that stand at one place by chance, or since a museum gave one point to a village, are
of no event, day or survey together: whoever sees one of them learns nothing of the other. A record that is withheld and
nothing else is not told at all: there is nothing to tie, and coarser siblings would only tell that it is there. What a
national node shares it has tied itself, where it knew every place; here there is only what it publishes.

The stations that stay open may tell the one that is missing. Here nothing lists all stations of a survey: the table of
surveys has no identifier, and no exact place, of those that are coarse (`event_ties`), and a station's records of every year
are made coarse together and stay so. But where the stations stand in a regular grid its gap is seen, and whoever has their list from elsewhere (a paper, an older copy of the
dataset) can leave out those that are open. Against that helps a rule for the whole dataset, and nothing less: every
station in the published cell would have to be as coarse as the one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from biodata import terms
from biodata.parsers.reference_list import reference_list
from biodata.sharing.generalise import CELLS_PER_DEGREE
from biodata.sharing.kept_places import KeptPlaces
from biodata.sharing.resolve import INTERPRETED, canonical
from biodata.sharing.shared import SAME_EVENT as SAME_EVENT
from biodata.sharing.stations import STATION, around, cell, strictest

REASON: Final = "recorded in one event, or at one station of a survey, with a species whose place is hidden, or told so in an earlier release"
WALK: Final = 100
"""Cells along a degree: one or two of them (1 to 2 km) are walked between two records of a day."""
COLUMNS: Final = (
    "key", "datasetKey", "eventID", "parentEventID", "event_start", "recordedBy", "basisOfRecord", "samplingProtocol",
    "decimalLongitude", "decimalLatitude", "node", "shared_as",
)  # fmt: skip
_TIES: Final = {
    "event": [(["dataset", "event"], ["dataset", "event"]), (["dataset", "event"], ["dataset", "parent"])],
    "walk": [(["dataset", "day", "who"], ["dataset", "day", "who"])],
    "day": [(["dataset", "day"], ["dataset", "day"])],
    "parent": [(["dataset", "parent"], ["dataset", "parent"]), (["dataset", "parent"], ["dataset", "event"])],
    "station": [(["dataset"], ["dataset"])],
}
"""What a sensitive record and an open one have in common, by the name of the tie: columns of the one, and of the other."""
_SCHEMA: Final = {
    "tie": pl.String, "dataset": pl.String, "event": pl.String, "parent": pl.String, "day": pl.Date, "who": pl.String,
    "grid": pl.Int64, "gx": pl.Int64, "gy": pl.Int64, "category": pl.String,
}  # fmt: skip
KEPT: Final = {"key": pl.Int64, "category": pl.String}
KEPT_AT: Final = {"dataset": pl.String, "event": pl.String, "gx": pl.Int64, "gy": pl.Int64, "category": pl.String}


@dataclass(frozen=True, eq=False)
class Siblings:
    """What ties open records to sensitive ones, each with the strictest category of the sensitive ones.

    Attributes
    ----------
    ties : polars.DataFrame
        tie : what the two have in common (event, walk, day, parent, station), with its columns; grid, gx, gy : the cells,
        so many along a degree, in which an open record is near enough; null where the sensitive one has no place, and
        every open one tells more than it does. They hold exact places to 0.001° and never leave the process.
    kept : polars.DataFrame
        key, category : records that were tied in an earlier release. Were one told exactly since the sensitive record
        is gone, or the survey has more stations by now, whoever has both releases would know where that was.
    kept_at : polars.DataFrame
        `KEPT_AT`: the events and cells of 1/`STATION` degree of those, so that no other record of the event, such as the
        one that was sensitive until its name was corrected, stands there exactly.
    places : KeptPlaces, optional
        Where records were tied in an earlier release, also those that are in the lake no more.
    """

    ties: pl.DataFrame
    kept: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEPT))
    kept_at: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEPT_AT))
    places: KeptPlaces | None = None

    def keeping(self, kept: pl.DataFrame, occurrences: pl.DataFrame) -> "Siblings":
        """Return the same with records that an earlier release tied: `KEPT`, and what the lake tells of them today."""
        told = told_of(occurrences).with_columns(cell(STATION)).join(kept, on="key")
        places = told.drop_nulls(["dataset", "event", "gx", "gy"]).select([*KEPT_AT]).pipe(strictest, [*KEPT_AT][:4])
        return replace(self, kept=kept, kept_at=places.select([*KEPT_AT]))

    def of(self, occurrences: pl.DataFrame) -> pl.DataFrame:
        """Return the records that are tied, as `decide.decide` returns decisions: the sensitive ones among them.

        Parameters
        ----------
        occurrences : polars.DataFrame of n rows
            With `COLUMNS`; those that are missing tie nothing.
        """
        told = told_of(occurrences)
        found = [told.join(self.kept, on="key").select("row", "category")]
        if self.places is not None:
            found.append(self.places.of(told))
        if self.kept_at.height:
            placed = told.drop_nulls(["x", "y"]).with_columns(cell(STATION))
            found.append(placed.join(self.kept_at, on=["dataset", "event", "gx", "gy"]).select("row", "category"))
        for (name, grid), ties in self.ties.group_by("tie", "grid"):
            near = told if grid is None else told.drop_nulls(["x", "y"]).with_columns(cell(int(grid)))
            near_by = [] if grid is None else ["gx", "gy"]
            for theirs, ours in _TIES[str(name)]:
                found.append(
                    near.join(ties, left_on=[*ours, *near_by], right_on=[*theirs, *near_by]).select("row", "category")
                )
                if grid is not None and name == "event":
                    # Without coordinates nothing speaks against a record's being near.
                    placeless = told.filter(pl.col("x").is_null() | pl.col("y").is_null())
                    anywhere = strictest(ties, theirs)
                    found.append(placeless.join(anywhere, left_on=ours, right_on=theirs).select("row", "category"))
        return (
            pl.concat(found)
            .pipe(strictest, ["row"])
            .sort("row")
            .with_columns(rule_id=pl.lit(SAME_EVENT), reason=pl.lit(REASON), categories=pl.concat_list("category"))
        )


@dataclass(eq=False)
class Finder:
    """Collects, batch by batch, what ties open records to sensitive ones.

    Parameters
    ----------
    few_stations : int, optional
        Stations that a survey must have in a published cell for each one where it recorded what is hidden, so that no
        record is tied by its station alone (`Settings.survey_stations`); None ties whatever stands at such a station.
    """

    few_stations: int | None = None
    _hidden: list[pl.DataFrame] = field(default_factory=list)
    _vague: list[pl.DataFrame] = field(default_factory=list)
    _open: list[pl.DataFrame] = field(default_factory=list)

    def add(self, occurrences: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Take in n records and what `decide` found of them."""
        told = told_of(occurrences)
        hidden = told.join(decided.select("row", "category"), on="row")
        tells = tells_a_taxon(occurrences).gather(hidden["row"])
        hidden = hidden.with_columns(tells=tells).filter(pl.col("category").is_in(list(CELLS_PER_DEGREE)))
        self._hidden.append(hidden.filter("tells").drop("row", "key", "tells").unique())
        self._vague.append(hidden.filter(~pl.col("tells")).drop("row", "key", "tells").unique())
        seen = told.join(decided, on="row", how="anti").filter("survey").with_columns(cell(STATION))
        self._open.append(seen.select("dataset", "gx", "gy").drop_nulls().unique())

    def found(self, kept: pl.DataFrame | None = None) -> Siblings:
        """Return what was found, and the records that an earlier release tied (`Siblings.kept`)."""
        nothing = told_of(pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))).drop("row", "key")
        nothing = nothing.with_columns(category=pl.lit(""))
        hidden = _raised(pl.concat([nothing, *self._hidden]), pl.concat([nothing, *self._vague]))
        ties = [
            _ties("parent", hidden, [STATION]),
            _ties("day", hidden, [STATION]),
            _ties("station", self._at_few_stations(hidden), [STATION]),
        ]
        for category, size in CELLS_PER_DEGREE.items():
            here = hidden.filter(pl.col("category") == category)
            ties += [_ties("event", here, [size]), _ties("walk", here, [max(size, WALK)])]
        placeless = hidden.filter(pl.col("x").is_null() | pl.col("y").is_null())
        ties += [_ties(name, placeless, []) for name in ("event", "walk")]
        return Siblings(pl.concat(ties), pl.DataFrame(schema=KEPT) if kept is None else kept)

    def _at_few_stations(self, hidden: pl.DataFrame) -> pl.DataFrame:
        """Return the sensitive records of surveys, or of those alone that have few stations in the record's cell."""
        if self.few_stations is None:
            return hidden.filter("survey")
        seen = pl.concat(self._open).unique() if self._open else hidden.with_columns(cell(STATION)).clear()
        found = [hidden.clear()]
        placed = hidden.filter("survey").drop_nulls(["x", "y"]).with_columns(cell(STATION))
        by = ["dataset", "cx", "cy"]
        for category, size in CELLS_PER_DEGREE.items():
            published = [(pl.col(f"g{c}") * size // STATION).alias(f"c{c}") for c in ("x", "y")]
            here = placed.filter(pl.col("category") == category).with_columns(published)
            places = here.group_by(by).agg(hidden=pl.struct("gx", "gy").n_unique())
            stations = seen.with_columns(published).group_by(by).agg(stations=pl.len())
            few = places.join(stations, on=by, how="left").filter(
                pl.col("stations").fill_null(0) < pl.col("hidden") * self.few_stations
            )
            found.append(here.join(few, on=by, how="semi").select(hidden.columns))
        return pl.concat(found)


def _raised(hidden: pl.DataFrame, vague: pl.DataFrame) -> pl.DataFrame:
    """Return sensitive records as coarse as the coarsest record above genus of their event or station.

    Such a record ties nothing by itself (`tells_a_taxon`). But where something is tied all the same, what is tied would
    tell its place more exactly than it does itself.
    """
    numbered = hidden.with_row_index("at")
    cells = around(numbered.filter("survey").drop_nulls(["x", "y"]).with_columns(cell(STATION)).drop("category"))
    near = vague.filter("survey").drop_nulls(["x", "y"]).with_columns(cell(STATION))
    found = [
        numbered.drop("category").join(vague.select("dataset", "event", "category"), on=["dataset", "event"]),
        cells.join(near.select("dataset", "gx", "gy", "category"), on=["dataset", "gx", "gy"]),
        numbered,
    ]
    strict = pl.concat([one.select("at", "category") for one in found]).pipe(strictest, ["at"])
    return numbered.drop("category").join(strict, on="at", maintain_order="left").select(hidden.columns).unique()


def _ties(name: str, hidden: pl.DataFrame, grids: Sequence[int]) -> pl.DataFrame:
    """Return the ties of one kind to sensitive records: by the cells of a grid around each, or wherever they are."""
    columns = _TIES[name][0][0]
    told = hidden.drop_nulls(columns).select(*columns, "x", "y", "category")
    found = [] if grids else [told.with_columns(pl.lit(None, pl.Int64).alias(c) for c in ("grid", "gx", "gy"))]
    for grid in grids:
        cells = told.drop_nulls(["x", "y"]).with_columns(cell(grid), grid=pl.lit(grid, pl.Int64))
        found.append(around(cells.drop("x", "y").unique()))
    missing = [column for column in _SCHEMA if column not in (*columns, "tie", "grid", "gx", "gy", "category")]
    return (
        pl.concat(found, how="diagonal")
        .pipe(strictest, [*columns, "grid", "gx", "gy"])
        .with_columns(*(pl.lit(None, _SCHEMA[column]).alias(column) for column in missing), tie=pl.lit(name))
        .select(pl.col(column).cast(dtype) for column, dtype in _SCHEMA.items())
    )


def tells_a_taxon(occurrences: pl.DataFrame) -> pl.Series:
    """Tell which records say more of what they are than a taxon above genus.

    A bird that nobody named is hidden since it may be any; that its place can be guessed tells nobody what it was. So it
    makes no station coarse; one that is coarse it makes as coarse as itself (`_raised`).
    """
    names = [pl.col(name) for name in INTERPRETED if name in occurrences.columns]
    told = occurrences.select(name=pl.coalesce(*names, pl.lit(None, pl.String)) if names else pl.lit(None, pl.String))
    ranks = reference_list().group_ranks
    read = canonical(told["name"]).filter(pl.col("value").str.strip_chars() != "").select("value", "name")
    kept = [text for text, name in read.iter_rows() if ranks.get(name, "GENUS") == "GENUS"]
    return told["name"].is_in(kept).fill_null(value=False)


def told_of(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return what records tell of their event and station.

    row, key, dataset, event, parent, day, who; x, y : degrees; survey : True where the record is of an event, or was
    made by a machine that stands somewhere.
    """
    frame = occurrences.with_columns(pl.lit(None).alias(c) for c in COLUMNS if c not in occurrences.columns)
    came_coarse = pl.lit(value=False)
    if frame.schema["shared_as"] == terms.SHARED_AS:  # the middle of a cell is no station
        came_coarse = pl.col("shared_as").struct.field("category").is_not_null()
    of_event = pl.any_horizontal(pl.col("eventID", "parentEventID", "samplingProtocol").is_not_null())
    return (
        frame.with_row_index("row")
        .filter(pl.col("node").is_null() & ~came_coarse)
        .select(
            "row",
            pl.col("key").cast(pl.Int64),
            dataset=pl.col("datasetKey").cast(pl.String),
            event=pl.col("eventID").cast(pl.String),
            parent=pl.col("parentEventID").cast(pl.String),
            day=pl.col("event_start").cast(pl.Date),
            who=pl.col("recordedBy").cast(pl.String),
            x=pl.col("decimalLongitude").cast(pl.Float64),
            y=pl.col("decimalLatitude").cast(pl.Float64),
            survey=of_event | (pl.col("basisOfRecord").cast(pl.String) == "MACHINE_OBSERVATION").fill_null(value=False),
        )
    )
