"""Which records count for which side, by what parameters, and why the others do not."""

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.analysis.evidence import sides
from biodata.analysis.evidence.independence import independent
from biodata.analysis.evidence.sides import FINEST_SHARE
from biodata.core.errors import InputError
from biodata.core.flags import SUSPICIOUS
from biodata.core.geo import Floats
from biodata.core.vocabularies import THREATENED
from biodata.places import BoundarySet
from biodata.text.matcher import ONLY_SPECIES

DOUBTFUL: Final = (
    "ZERO_COORDINATE", "COORDINATE_INVALID", "COORDINATE_OUT_OF_RANGE", "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE", "PRESUMED_NEGATED_LONGITUDE", "COUNTRY_COORDINATE_MISMATCH",
    "PROVINCE_COORDINATE_MISMATCH", "PUBLISHER_GENERALISED", "RECORDED_DATE_INVALID", "RECORDED_DATE_UNLIKELY",
    "RECORDED_DATE_MISMATCH", "TAXON_MATCH_NONE", "TAXON_MATCH_HIGHERRANK",
)  # fmt: skip
"""Flags that always keep a record from being evidence."""
EXCLUDED: Final = (*DOUBTFUL, *sorted(SUSPICIOUS))
"""Flags that keep a record from being evidence unless suspicious places are kept."""


NOT_WILD: Final = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN")
ABSENT: Final = "an absence"
NO_SPECIES: Final = "species not told"
NO_PLACE: Final = "no place told"
CAPTIVE: Final = "fossil or captive"
FLAGGED: Final = "a quality flag"
NO_UNCERTAINTY: Final = "uncertainty not told"
COARSE: Final = "uncertainty larger than a cell of the analysis"
NO_DATE: Final = "date not told"
OLD: Final = "not surely within the years"
LATER: Final = "later than the date of the run"
IN_BAND: Final = "within the band of the border"
OVER_BORDER: Final = "uncertainty reaches over the border"
OVER_SEA: Final = "uncertainty reaches over the sea"
DUPLICATE: Final = "another record is of the same event"
DEPENDENT: Final = "too near another record in time and space"
REASONS: Final = (
    NO_SPECIES, NO_PLACE, CAPTIVE, FLAGGED, NO_UNCERTAINTY, COARSE, NO_DATE, LATER, OLD, ABSENT, OVER_SEA, OVER_BORDER,
    IN_BAND, DUPLICATE, DEPENDENT,
)  # fmt: skip
"""Every reason, in the order in which they are looked for: a record states the first that holds."""
NEAR_AN_EDGE: Final = (IN_BAND, OVER_BORDER, OVER_SEA)
"""Reasons that say how near a border or coast a record lies."""
UNCERTAIN: Final = (*NEAR_AN_EDGE, NO_UNCERTAINTY)
"""Reasons of records that would count if it were certain on which side they lie: they add to its chance."""
STOOD_FOR: Final = (*NEAR_AN_EDGE, DUPLICATE, DEPENDENT)
"""Reasons of records that add to a chance, or that another record stands for."""
_RADIUS: Final = "coordinateUncertaintyInMeters"
_radius: Final = pl.col(_RADIUS)
_PLACED: Final = (
    pl.col("decimalLongitude").is_between(-180, 180) & pl.col("decimalLatitude").is_between(-90, 90)
).fill_null(value=False)
_PRESENT: Final = pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParameters:
    """What decides whether a record is evidence for a side.

    Attributes
    ----------
    as_of : date
        The date of the run: later records play no part, and the years are counted back from it.
    cell_m : float
        Side of a cell of the analysis, metres: the largest uncertainty that counts.
    untold_uncertainty_m : float
        Taken for the uncertainty of a record that states none, metres. Such a record makes a side probable at most. Places
        that are worse than this make false ground along a narrow band: of made worlds of one-sided species 68 % where places
        are right to 5 km and 1 km is taken, with a band of 1 km; none with one of 5 km.
    recent_years : int, optional
        The whole event must lie within these years before `as_of`; None for all times.
    independent_minutes : float
        Records of a species that are less apart than this, and than `independent_m`, are one observation.
    independent_m : float
        The same in metres; 0 of either one takes every record for an observation of its own.
    side_share : float
        Share of the circle of uncertainty that must lie on a side. Where several places of a species reach over a border
        they share the rest between them: each of ten needs 0.995, so that the species is right as often as one record.
    of_land : bool
        Take the share of the circle's land. Else the sea is no side, and a circle that reaches far over it counts
        for none.
    excluded_flags : tuple of str
        Quality flags with which a record does not count.
    """

    as_of: date
    cell_m: float
    untold_uncertainty_m: float = 10_000.0
    recent_years: int | None = 15
    independent_minutes: float = 30.0
    independent_m: float = 1_000.0
    side_share: float = 0.95
    of_land: bool = False
    excluded_flags: tuple[str, ...] = EXCLUDED

    def __post_init__(self) -> None:
        limits = {
            "cell_m": (self.cell_m > 0, "above 0 metres"),
            "untold_uncertainty_m": (self.untold_uncertainty_m >= 0, "0 metres or more"),
            "recent_years": (self.recent_years is None or 0 < self.recent_years < 1000, "1 to 999 years, or none"),
            "independent_minutes": (0 <= self.independent_minutes < 1e7, "0 minutes or more"),
            "independent_m": (0 <= self.independent_m <= 100_000, "0 to 100,000 metres"),
            "side_share": (0.5 < self.side_share <= 1, "above 0.5, so that one side has it, and no more than 1"),
        }
        for name, (fits, expected) in limits.items():
            if not fits:
                problem = f"{name} does not fit"
                raise InputError(
                    problem, column=name, value=str(getattr(self, name)), expected=expected, code="PARAMETERS_INVALID"
                )

    @property
    def since(self) -> date | None:
        """The first day that counts; 29 February becomes 1 March where there is none."""
        if self.recent_years is None:
            return None
        year = self.as_of.year - self.recent_years
        try:
            return self.as_of.replace(year=year)
        except ValueError:
            return date(year, 3, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        since = self.since
        return plain | {
            "as_of": self.as_of.isoformat(),
            "since": since.isoformat() if since else None,
            "excluded_flags": list(self.excluded_flags),
        }


@dataclass(frozen=True, slots=True)
class Counted:
    """Records, each with the side that it is on and the reason why it does not count.

    Attributes
    ----------
    records : polars.DataFrame of n rows
        terms.OCCURRENCE as they came, and `side` (country code; null where it is on none, or was not looked at because
        the record does not count anyway), `side_share` (share of its circle surely there), `why_not` (null for a record
        that counts), and `chances` (CHANCES: the share of its circle on each side, beyond the band; null for a record
        that does not count for another reason than its side, or that another stands for). A record that is published as
        a cell has its edges in `cell_west` … `cell_north`.
    facts : dict
        Boundary set, version, viewpoint, band and the parameters, as plain values.
    places : ndarray of n shapely points, and boxes where a cell is stated
        Degrees, WGS 84; empty points where no place is stated.
    tree : shapely.STRtree
        Index of `places`.
    """

    records: pl.DataFrame
    facts: dict[str, Any]
    places: NDArray[np.object_] = field(repr=False)
    tree: shapely.STRtree = field(repr=False)

    def inside(self, region: shapely.Geometry) -> pl.DataFrame:
        """Return the records whose points, or at least half of whose cells, a region holds, by their row.

        The region is in degrees, WGS 84.
        """
        found = np.sort(self.tree.query(region, predicate="intersects"))
        shapes = self.places[found]
        whole = shapely.area(shapes)
        cells = np.flatnonzero(whole > 0)
        held = np.ones(len(found), dtype=bool)
        held[cells] = shapely.area(shapely.intersection(shapes[cells], region)) >= whole[cells] / 2
        return self.records[found[held]]

    def threatened(self) -> "Counted":
        """Return the present records of threatened species (CR, EN, VU) alone, those that count and those that do not."""
        unknown = pl.col("why_not").is_in((NO_SPECIES, NO_PLACE)).fill_null(value=False)
        records = self.records.filter(pl.col("iucnRedListCategory").is_in(THREATENED), ~unknown)
        return _indexed(records.filter(_PRESENT) if "occurrenceStatus" in records.columns else records, self.facts)

    def reasons(self) -> dict[str, int]:
        """Count the records that do not count, by reason, in the order of REASONS."""
        return reasons(self.records)


def reasons(records: pl.DataFrame) -> dict[str, int]:
    """Count those of counted records that do not count, by reason, in the order of REASONS."""
    counts = dict(records["why_not"].drop_nulls().value_counts().iter_rows())
    return {reason: counts[reason] for reason in REASONS if reason in counts}


def counted(occurrences: pl.DataFrame, *, boundaries: BoundarySet, parameters: EvidenceParameters) -> Counted:
    """Tell which records are evidence for which side.

    Parameters
    ----------
    occurrences : polars.DataFrame of terms.OCCURRENCE
        With `cluster_id` of terms.ASSESSMENT, where that is known: of records of one event one counts. Columns
        that decide nothing may lack. A record with a published cell (`cell_west` … of terms.SHARING) counts by it: what
        its uncertainty had before the cell was added is compared with `cell_m`, the side is that of the cell and what
        lies so far around it, and of a species, a cell and a year one record counts. The side is found anew from the coordinates: the columns of another boundary set
        (`located_country_code`, `border_distance_m`, `ambiguous`) are not read for it.
    boundaries : BoundarySet
        Whose countries are the sides.
    parameters : EvidenceParameters

    Returns
    -------
    Counted
        The same for every order of the rows.
    """
    frame = _with_columns(occurrences).with_columns(
        untold=~(_radius >= 0).fill_null(value=False) | ~_radius.is_finite()
    )
    frame = sides.reached(
        frame.with_columns(pl.when("untold").then(parameters.untold_uncertainty_m).otherwise(_radius).alias(_RADIUS))
    )
    flagged = excluding(parameters.excluded_flags).list.len() > 0
    since = parameters.since
    start = pl.coalesce("event_start", pl.date(pl.col("year"), 1, 1))
    end = pl.coalesce("event_end", pl.col("event_start"), pl.date(pl.col("year"), 12, 31))
    lacks_date = start.is_null() if since is not None else pl.lit(value=False)
    later = (
        pl.when((pl.col("own_radius_m") > parameters.cell_m).fill_null(value=False)).then(pl.lit(COARSE))
        .when(lacks_date).then(pl.lit(NO_DATE))
        .when((start > parameters.as_of).fill_null(value=False)).then(pl.lit(LATER))
        .when((start < since).fill_null(value=False) if since else pl.lit(value=False)).then(pl.lit(OLD))
        .when(~_PRESENT).then(pl.lit(ABSENT))
    )  # fmt: skip
    why_not = (
        pl.when(pl.col("species").is_null()).then(pl.lit(NO_SPECIES))
        .when(~_PLACED).then(pl.lit(NO_PLACE))
        .when(pl.col("basisOfRecord").is_in(NOT_WILD).fill_null(value=False)).then(pl.lit(CAPTIVE))
        .when(flagged.fill_null(value=False)).then(pl.lit(FLAGGED))
        .when(pl.col("untold") & later.is_not_null()).then(pl.lit(NO_UNCERTAINTY))
        .otherwise(later)
    )  # fmt: skip
    frame = frame.with_columns(why_not=why_not, event_start=start, event_end=end).with_row_index("row")
    frame = _sided(frame, boundaries, parameters)
    certain = pl.col("why_not").is_null()
    uncertain = pl.col("why_not").is_in(UNCERTAIN).fill_null(value=False) & pl.col("chances").is_not_null()
    repeated = pl.col("row").is_in(_repeated(frame.filter(certain)).implode())
    frame = frame.with_columns(why_not=pl.when(repeated).then(pl.lit(DUPLICATE)).otherwise("why_not"))
    dependent = pl.col("row").is_in(_dependent(frame.filter(certain), parameters).implode())
    frame = frame.with_columns(why_not=pl.when(dependent).then(pl.lit(DEPENDENT)).otherwise("why_not"))
    # Of the others one chance is kept of an event, of a visit, and of a place that one source has often.
    asked = frame.filter(uncertain)
    place = ("species", "decimalLongitude", "decimalLatitude", "reach_m", "datasetKey")
    asked = asked.filter(~pl.col("row").is_in(_repeated(frame.filter(certain | uncertain)).implode()))
    asked = asked.filter(~pl.col("row").is_in(_dependent(asked, parameters).implode()))
    asked = asked.sort("key").unique(place, keep="first", maintain_order=True)
    kept = pl.concat([frame.filter(certain)["row"], asked["row"]])
    chances = pl.when(pl.col("row").is_in(kept.implode())).then("chances")
    records = occurrences.with_columns(frame.select("side", "side_share", "why_not", chances))
    return _indexed(records, facts_of(boundaries, parameters))


def facts_of(boundaries: BoundarySet, parameters: EvidenceParameters) -> dict[str, Any]:
    """Return what an output has to name: the boundary set, its viewpoint and band, and the parameters."""
    return {**boundaries.to_dict(), "parameters": parameters.to_dict()}


def excluding(excluded_flags: tuple[str, ...]) -> pl.Expr:
    """Return the flags that keep each record from being evidence.

    That only a higher rank was found is no doubt where that rank is the species: a checklist that lists species alone
    knows no subspecies, and the evidence is the species'.

    Parameters
    ----------
    excluded_flags : tuple of str
        Quality flags with which a record does not count.

    Returns
    -------
    polars.Expr of List(String)
        Of the columns `quality_flags` and `match_note`; null where no flags are known.
    """
    of_species = pl.col("match_note").str.starts_with(ONLY_SPECIES).fill_null(value=False)
    others = [name for name in excluded_flags if name != "TAXON_MATCH_HIGHERRANK"]
    flags = pl.col("quality_flags")
    return (
        pl.when(of_species)
        .then(flags.list.set_intersection(others))
        .otherwise(flags.list.set_intersection(list(excluded_flags)))
    )


def left_out_by_flag(records: pl.DataFrame, excluded_flags: tuple[str, ...]) -> dict[str, int]:
    """Count the records that a quality flag keeps from being evidence, by flag.

    Parameters
    ----------
    records : polars.DataFrame
        Rows of `Counted.records`.
    excluded_flags : tuple of str
        Quality flags with which a record does not count.

    Returns
    -------
    dict of str to int
        Flags that occur, in the order of their names; a record of several flags counts under each. For the whole
        run and its maker only: counted for one small region, a flag about the place could state the place.
    """
    flags = records.select(excluding(excluded_flags).list.explode().alias("flag")).to_series().drop_nulls()
    return dict(flags.value_counts().sort("flag").iter_rows())


def _with_columns(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records with every column that is read; what lacks is null."""
    lacking: dict[str, Any] = {
        "occurrenceStatus": pl.String, "basisOfRecord": pl.String, "quality_flags": pl.List(pl.String),
        "event_start": pl.Date, "event_end": pl.Date, "year": pl.Int32, "cluster_id": pl.Int64,
        "datasetKey": pl.String, "match_note": pl.String, **dict.fromkeys(sides.EDGES, pl.Float64),
    }  # fmt: skip
    return occurrences.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in lacking.items() if name not in occurrences.columns
    )


def _sided(frame: pl.DataFrame, boundaries: BoundarySet, parameters: EvidenceParameters) -> pl.DataFrame:
    """Add `side` and `side_share`, and the reason of the records that are surely on none."""
    asked = frame.filter(pl.col("why_not").is_null())
    longitude, latitude, radius_m = (
        asked[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude", "reach_m")
    )
    found = sides.shares(longitude, latitude, radius_m, boundaries)
    whole = np.where(found.land > 0, found.land, 1.0) if parameters.of_land else np.ones(asked.height)
    least = _least_share(asked, found.land - found.drawn, parameters.side_share) - 1e-6
    surely, drawn = found.surely / whole, found.drawn / whole
    names = pl.Series([*boundaries.countries, None], dtype=pl.String)
    chances = (
        found.by_country.with_columns(
            side=names.gather(found.by_country["country"]),
            chance=(pl.col("share") / pl.Series(whole).gather(found.by_country["circle"])).clip(upper_bound=1.0),
        )
        .group_by("circle", maintain_order=True)
        .agg(chances=pl.struct("side", "chance"))
    )
    untold = asked["untold"].to_numpy()
    on_side = (surely >= least) & ~untold
    table = pl.DataFrame(
        {
            "row": asked["row"],
            "side": names.gather(np.where(on_side, found.country, len(names) - 1)),
            "side_share": np.minimum(surely, 1.0),
            "reason": pl.Series(
                np.select(
                    [on_side, untold, drawn >= least, found.land / whole < least],
                    ["", NO_UNCERTAINTY, IN_BAND, OVER_SEA],
                    OVER_BORDER,
                ),
                dtype=pl.String,
            ).replace("", None),
        }
    )
    table = (
        table.with_row_index("circle").cast({"circle": pl.Int64}).join(chances, on="circle", how="left").drop("circle")
    )
    joined = frame.join(table, on="row", how="left", maintain_order="left")
    return joined.with_columns(why_not=pl.coalesce("why_not", "reason")).drop("reason")


def _least_share(asked: pl.DataFrame, beyond: Floats, side_share: float) -> Floats:
    """Return the share that each record's circle needs of a side.

    A record that counts by 0.95 of its circle is on the wrong side in up to 5 of 100 cases; of twenty such records of one
    species one would be, more often than not, and make the species two-sided. So the places of a species whose circles
    reach over a border share what may be wrong between them (Bonferroni), down to `FINEST_SHARE`.

    Parameters
    ----------
    asked : polars.DataFrame of n rows
    beyond : ndarray of float64, length n
        Share of each circle on the land of others than the country that has most of it.
    side_share : float
        What one place alone needs.
    """
    place = pl.struct("decimalLongitude", "decimalLatitude", "reach_m")
    reaches_over = pl.Series(beyond > FINEST_SHARE) & ~asked["untold"]
    several = asked.with_columns(reaches_over=reaches_over).select(
        place.filter("reaches_over").n_unique().over("species").clip(lower_bound=1)
    )
    wrong = (1 - side_share) / several.to_series().to_numpy()
    least: Floats = np.maximum(side_share, 1 - np.maximum(wrong, FINEST_SHARE))
    return least


def _repeated(frame: pl.DataFrame) -> pl.Series:
    """Return the rows of all but one record of each event: the one that stands for it stays, or the most certain one."""
    elsewhere = pl.col("key") != pl.col("cluster_id")
    uncertain = pl.col("why_not").is_not_null()
    counting = frame.filter(pl.col("cluster_id").is_not_null()).sort(
        uncertain, elsewhere, "coordinateUncertaintyInMeters", "datasetKey", "decimalLatitude", "decimalLongitude",
        "key",
    )  # fmt: skip
    return counting.filter(pl.col("key") != pl.col("key").first().over("cluster_id"))["row"]


def _dependent(frame: pl.DataFrame, parameters: EvidenceParameters) -> pl.Series:
    """Return the rows of records that are too near another one in time and space."""
    asked = frame.with_columns(located_country_code="side")
    return frame["row"].filter(
        ~independent(asked, minutes=parameters.independent_minutes, metres=parameters.independent_m)
    )


def _indexed(records: pl.DataFrame, facts: dict[str, Any]) -> Counted:
    """Return records with the index of their points."""
    lonlat = records.select(pl.when(_PLACED).then(name) for name in ("decimalLongitude", "decimalLatitude")).to_numpy()
    shapes = np.asarray(shapely.points(lonlat), dtype=object)
    shapes[np.isnan(lonlat).any(axis=1)] = shapely.Point()
    if sides.EDGES[0] in records.columns:
        rows = np.flatnonzero(records[sides.EDGES[0]].is_not_null().to_numpy())
        west, south, east, north = (records[name].to_numpy()[rows] for name in sides.EDGES)
        shapes[rows] = shapely.box(west, south, east, north)
    return Counted(records, facts, shapes, shapely.STRtree(shapes))
