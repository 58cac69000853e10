"""The look at a finished release before anybody may read it, for exact places of sensitive records.

It is made apart from what publishes: it knows the exact places, reads the file as anybody could, and holds one against
the other. What publishes may be wrong; then there is no release, and the one before stays.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import terms
from biodata.errors import SharingError
from biodata.geo import metres_per_degree
from biodata.pipeline.leak_events import faults_of_events
from biodata.sharing.siblings import tells_a_taxon
from biodata.store import duck, mercator
from biodata.terms import Reach
from biodata.vocabularies import SharingCategory

logger = logging.getLogger(__name__)

NEAR_M: Final = 100.0
"""Two numbers of a row that are as near as this to the exact latitude and longitude are the exact place."""
_TOLERANCE_DEGREES: Final = 1e-6
"""A ten-millionth part of what a cell's edge may be off: 11 cm."""
_PLACE: Final = ("decimalLatitude", "decimalLongitude", "cell_west", "cell_south", "cell_east", "cell_north")
_DERIVED: Final = ("mx", "my", "hk", "key")
_PRECISE: Final = tuple(c.name for c in terms.PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
_NUMBER: Final = r"\d{1,3}[.,]\d{3,}"
_SHOWN: Final = 5
_EXACT: Final = {
    "key": pl.Int64,
    "category": pl.String,
    "rule_id": pl.String,
    "country": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "dataset": pl.String,
    "event": pl.String,
}


@dataclass(frozen=True)
class LeakReport:
    """What a release tells of the sensitive records.

    Attributes
    ----------
    release : str
        The file's name.
    records : polars.DataFrame
        country (of occurrence, as the lake has it), rule_id, category, told (generalised, already coarse, place left
        out, withheld), n.
    faults : polars.DataFrame
        key, problem: whatever tells more than it should.
    """

    release: str
    records: pl.DataFrame
    faults: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return how many records are told in which way, without countries or rules."""
        told = self.records.group_by("told").agg(pl.col("n").sum()).sort("told")
        return {name.replace(" ", "_"): n for name, n in told.iter_rows()}

    def withheld(self) -> dict[str, int]:
        """Return how many records each rule withholds, by rule_id; empty text where no rule did."""
        kept = self.records.filter(pl.col("told") == "withheld").with_columns(pl.col("rule_id").fill_null(""))
        return dict(kept.group_by("rule_id").agg(pl.col("n").sum()).sort("rule_id").iter_rows())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {"release": self.release, "records": self.records.to_dicts(), "faults": self.faults.to_dicts()}


@dataclass
class LeakCheck:
    """The sensitive records of a release as they are, put aside while it is made, and the look at its file.

    Attributes
    ----------
    folder : Path
        Where they are put aside; it is private, and removed by whoever made it.
    report : LeakReport, optional
        Of the last look.
    """

    folder: Path
    report: LeakReport | None = None
    _parts: list[Path] = field(default_factory=list)

    def put_aside(self, records: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Keep the exact places of a batch.

        Parameters
        ----------
        records : polars.DataFrame
            Columns of `terms.OCCURRENCE`.
        decided : polars.DataFrame
            What `sharing.decide` says of them.
        """
        sensitive = records[decided["row"]]
        exact = sensitive.with_columns(tells=tells_a_taxon(sensitive)).select(
            "key",
            country=pl.coalesce("countryCode", "located_country_code"),
            longitude="decimalLongitude",
            latitude="decimalLatitude",
            dataset="datasetKey",
            # A record above genus makes no event coarse (`siblings`): nothing is told by that it stands there.
            event=pl.when("tells").then("eventID"),
        )
        exact = exact.with_columns(decided["category"], decided["rule_id"])
        if exact.is_empty():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._parts.append(self.folder / f"exact-{len(self._parts):06d}.parquet")
        exact.select(pl.col(name).cast(dtype) for name, dtype in _EXACT.items()).write_parquet(self._parts[-1])

    def look(self, file: Path, *, spill: Path | None = None) -> LeakReport:
        """Hold the finished file against the exact places.

        Parameters
        ----------
        file : Path
            A release's file.
        spill : Path, optional
            Where to spill to, for a file that is not in its place yet.

        Returns
        -------
        LeakReport
        """
        told, faults = [_NOBODY], [_NOTHING]
        # A build that turns from additions to a whole new file publishes some records twice.
        seen = pl.Series("key", [], pl.Int64)
        connection = duck.connect(file, spill=spill)
        try:
            for part in self._parts:
                exact = pl.read_parquet(part).filter(~pl.col("key").is_in(seen.implode()))
                seen = seen.append(exact["key"])
                connection.register("wanted", exact.select("key"))
                shown = connection.execute("SELECT o.* FROM occurrences o SEMI JOIN wanted USING (key)").pl()
                connection.unregister("wanted")
                told.append(_told(exact, shown))
                faults.append(_faults(exact, shown))
                faults.append(faults_of_events(connection, exact).unique())
        finally:
            connection.close()
        by = ["country", "rule_id", "category", "told"]
        records = pl.concat(told).group_by(by).agg(pl.col("n").sum()).sort(by, nulls_last=True)
        self.report = LeakReport(file.name, records, pl.concat(faults).unique(maintain_order=True))
        return self.report

    def refuse_leaks(self, file: Path) -> None:
        """Look at the file of a release that nobody may read yet.

        Raises
        ------
        SharingError
            If it tells the place of a record that it must not, with the records' numbers and no place.
        """
        faults = self.look(file, spill=self.folder).faults
        if faults.height:
            first = "; ".join(f"record {key}: {problem}" for key, problem in faults.head(_SHOWN).iter_rows())
            message = (
                f"{faults.height} faults in what the release tells of sensitive records, so it is not served: {first}"
            )
            raise SharingError(message)
        logger.info("the release tells no place that it must not: %s", self.report.counts() if self.report else {})


_NOTHING: Final = pl.DataFrame(schema={"key": pl.Int64, "problem": pl.String})
_NOBODY: Final = pl.DataFrame(
    schema={"country": pl.String, "rule_id": pl.String, "category": pl.String, "told": pl.String, "n": pl.Int64}
)


def _told(exact: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Count how records are told, by country, rule and category."""
    joined = exact.join(shown.select("key", "cell_west", "decimalLatitude", there=pl.lit(1)), on="key", how="left")
    how = (
        pl.when(pl.col("there").is_null())
        .then(pl.lit("withheld"))
        .when(pl.col("cell_west").is_not_null())
        .then(pl.lit("generalised"))
        .when(pl.col("decimalLatitude").is_not_null())
        .then(pl.lit("already coarse"))
        .otherwise(pl.lit("place left out"))
    )
    return joined.group_by("country", "rule_id", "category", told=how).agg(n=pl.len().cast(pl.Int64))


def _faults(exact: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return what the published rows of sensitive records tell that they must not."""
    frame = shown.join(exact, on="key", how="inner").with_columns(
        degrees=pl.col("category").replace_strict(
            {str(c): c.cell_degrees for c in SharingCategory}, return_dtype=pl.Float64
        )
    )
    if frame.is_empty():
        return _NOTHING
    celled = pl.col("cell_west").is_not_null()
    placed = pl.col("decimalLatitude").is_not_null()
    stated = pl.any_horizontal(pl.col(name).is_not_null() for name in _PRECISE if name in frame.columns)
    problems = {
        "it is withheld, and is there": pl.col("category") == SharingCategory.WITHHELD,
        "it is told as open": pl.col("sharing_category") == SharingCategory.OPEN,
        "its cell is smaller than its category's": celled
        & ((pl.col("cell_east") - pl.col("cell_west") < pl.col("degrees") - _TOLERANCE_DEGREES) | _short_at_the_pole()),
        "its cell is none of the grid": celled & pl.any_horizontal(_off_grid(edge) for edge in ("west", "south")),
        "its point is not its cell's middle": celled
        & (
            _apart("decimalLongitude", (pl.col("cell_west") + pl.col("cell_east")) / 2)
            | _apart("decimalLatitude", (pl.col("cell_south") + pl.col("cell_north")) / 2)
        ),
        "a place is told without a cell, and its publisher had not made it coarse": placed
        & ~celled
        & ~pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED").fill_null(value=False),
        "a column is told that could tell its place": stated,
    }
    found = [
        frame.filter(test.fill_null(value=False)).select("key", problem=pl.lit(name)) for name, test in problems.items()
    ]
    found.append(_derived(frame))
    found.append(_in_words(frame.filter(celled | ~placed)))
    return pl.concat([_NOTHING, *found])


def _short_at_the_pole() -> pl.Expr:
    return pl.col("cell_north") - pl.col("cell_south") < pl.min_horizontal("degrees", 90 - pl.col("cell_south")) - 1e-6


def _off_grid(edge: str) -> pl.Expr:
    steps = pl.col(f"cell_{edge}") / pl.col("degrees")
    return (steps - steps.round()).abs() > _TOLERANCE_DEGREES / pl.col("degrees")


def _apart(column: str, other: pl.Expr) -> pl.Expr:
    return (pl.col(column) - other).abs() > _TOLERANCE_DEGREES


def _derived(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose place on the map is not made of the published one."""
    placed = frame.filter(pl.col("decimalLatitude").is_not_null())
    if placed.is_empty() or "mx" not in frame.columns:
        return _NOTHING
    mx, my = mercator.project(*(placed[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude")))
    other = (placed["mx"].to_numpy() != mx) | (placed["my"].to_numpy() != my)
    other |= placed["hk"].to_numpy() != mercator.hilbert(mx, my)
    return placed.filter(pl.Series(other)).select(
        "key", problem=pl.lit("its place on the map is not its published place")
    )


def _in_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of which two numbers, in whatever columns, are the exact latitude and longitude."""
    others = [c for c in frame.columns if c not in (*_PLACE, *_DERIVED, *_EXACT, "degrees")]
    texts = frame.select("key", "longitude", "latitude", told=pl.struct(others).struct.json_encode())
    numbers = texts.with_columns(pl.col("told").str.extract_all(_NUMBER)).explode(
        "told", empty_as_null=False, keep_nulls=False
    )
    if numbers.is_empty():
        return _NOTHING
    value = numbers["told"].str.replace(",", ".", literal=True).cast(pl.Float64).to_numpy()
    latitude, longitude = (numbers[name].to_numpy() for name in ("latitude", "longitude"))
    east, north = (np.asarray(NEAR_M / per) for per in metres_per_degree(latitude))
    numbers = numbers.select(
        "key",
        is_latitude=pl.Series(np.abs(value - np.abs(latitude)) <= north),
        is_longitude=pl.Series(np.abs(value - np.abs(longitude)) <= east),
    )
    both = numbers.group_by("key").agg(pl.col("is_latitude").any(), pl.col("is_longitude").any())
    both = both.filter("is_latitude", "is_longitude").sort("key")
    return both.select("key", problem=pl.lit("its exact place stands in another column"))
