"""Places that look like a stand-in for the true one: middles, seats and institutions; taxa in the wrong element."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata import places
from biodata.core.flags import FLAGS
from biodata.core.geo import Floats
from biodata.harmonise.coordinates import AXES
from biodata.harmonise.findings import Findings, Stated
from biodata.places.borders import SEA
from biodata.places.gazetteer import CENTRE_FLAGS, MEAN_RADIUS_M, SEAT_FLAGS, Gazetteer, Points, on_sphere
from biodata.text.tables import read_rows

# Sea and land beside the taxon: whales on a mountain, elephants out at sea; only where the taxon's side is certain.

_RANKS: Final = ("phylum", "class", "order", "family")
_NOT_HERE: Final = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN", "MATERIAL_CITATION")
"""Fossils of the sea lie on land, and dolphins live in basins."""
_OBSERVED: Final = ("HUMAN_OBSERVATION", "MACHINE_OBSERVATION", "OBSERVATION")
"""Of groups with many fossils, only what somebody saw alive is sure to be of today."""


def element_flags(
    longitude: pl.Series, latitude: pl.Series, *, taxon: Findings, records: Findings, located: Findings,
    boundaries: places.BoundarySet,
) -> dict[str, pl.Series]:  # fmt: skip
    """Tell which records stand in the wrong element, farther from the coast than the set's band.

    Parameters
    ----------
    longitude, latitude : Series of float, length n
        Degrees, WGS 84; null where there are none.
    taxon, records, located : Findings
        What `names.interpret`, `records.interpret` and `location.interpret` found.
    boundaries : BoundarySet
        Whose coasts count.

    Returns
    -------
    dict of str to Series of bool, length n
        MARINE_TAXON_ON_LAND and LAND_TAXON_AT_SEA, where the taxa are known.

    Notes
    -----
    Groups and their exceptions stand in `biodata/data/taxon_elements.csv`: those without a species that swims up rivers,
    and those without one that swims, drifts or is carried to islets which the map does not have.
    """
    known = {rank: taxon.columns[rank] for rank in (*_RANKS, "genus") if rank in taxon.columns}
    if not known.keys() & set(_RANKS):
        return {}
    here = located.columns["located_country_code"]
    basis = records.columns.get("basisOfRecord", pl.Series([None], dtype=pl.String).new_from_index(0, len(here)))
    frame = pl.DataFrame({**known, "here": here, "basis": basis, "placed": longitude.is_not_null()}).with_columns(
        pl.lit(None, dtype=pl.String).alias(rank) for rank in (*_RANKS, "genus") if rank not in known
    )
    dry = pl.col("placed") & pl.col("here").is_not_null()
    wet = pl.col("placed") & pl.col("here").is_null()
    found = {}
    for flag, element, where in (("MARINE_TAXON_ON_LAND", "sea", dry), ("LAND_TAXON_AT_SEA", "land", wet)):
        at = _rows(frame, element, where)
        x, y = longitude.gather(at).to_numpy(), latitude.gather(at).to_numpy()
        away = np.isnan(boundaries.coasts.near(x, y).distance_m)
        at_sea = boundaries.cells.locate(x, y) == SEA
        mask = np.zeros(len(here), dtype=bool)
        mask[at[away & (at_sea == (element == "land"))]] = True
        found[flag] = pl.Series(mask)
    return found


def _rows(frame: pl.DataFrame, element: str, where: pl.Expr) -> NDArray[np.int64]:
    """Return the rows of an element's taxa among those that are asked for."""
    # Few rows have such a taxon, and most frames say so at the first look: genus and basis are read for those only.
    groups = [group for group in _groups() if group.element == element]
    wanted = [pl.col(rank).is_in([g.name for g in groups if g.rank == rank]) for rank in _RANKS]
    rows = frame.with_row_index("row").filter(where).filter(pl.any_horizontal(wanted).fill_null(value=False))
    if rows.is_empty():
        return np.zeros(0, dtype=np.int64)
    is_one_of = [
        (pl.col(g.rank) == g.name)
        & ~pl.col("genus").is_in(g.except_genera).fill_null(value=bool(g.except_genera))
        & (pl.col("basis").is_in(_OBSERVED) if g.observed else ~pl.col("basis").is_in(_NOT_HERE)).fill_null(
            value=not g.observed
        )
        for g in groups
    ]
    sure = rows.filter(pl.any_horizontal(is_one_of).fill_null(value=False))
    return sure["row"].to_numpy().astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Group:
    """A taxon that lives in one element, without the genera that may not; `observed`: only seen alive it counts."""

    rank: str
    name: str
    element: str
    except_genera: list[str]
    observed: bool


@cache
def _groups() -> tuple[_Group, ...]:
    """Return the groups of the bundled table."""
    return tuple(
        _Group(
            row["rank"], row["name"], row["element"], [genus for genus in row["except_genera"].split("|") if genus],
            row["basis"] == "observed",
        )
        for row in read_rows("taxon_elements.csv")
    )  # fmt: skip


# The same exact point again and again: used by many collectors over many years, or repeated beside a seat.

MANY_COLLECTORS: Final = 5
MANY_YEARS: Final = 10
"""So many collectors, and so many years between the first and the last, do not stand on one spot by themselves."""
REPEATED: Final = 3
"""So many collectors, species and dates make a point beside a seat a stand-in for the town."""
BESIDE_SEAT_M: Final = 1000.0
_POINT: Final = ("decimalLongitude", "decimalLatitude")


def used_by_many(placed: pl.DataFrame) -> pl.DataFrame:
    """Find points that many collectors used over many years.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `COLUMNS`.

    Returns
    -------
    polars.DataFrame
        key, flag (POINT_USED_BY_MANY), detail.
    """
    points = _points(placed).filter(
        pl.col("collectors") >= MANY_COLLECTORS, pl.col("last") - pl.col("first") >= MANY_YEARS
    )
    detail = pl.format("{} collectors from {} to {} at this exact point", "collectors", "first", "last")
    return _records(placed, points.with_columns(flag=pl.lit("POINT_USED_BY_MANY"), detail=detail))


def repeated_near_seats(placed: pl.DataFrame, *, gazetteer: places.Gazetteer) -> pl.DataFrame:
    """Find points beside a seat that stand for several collectors, species and dates: whichever source gave them.

    Parameters
    ----------
    placed : polars.DataFrame
        As for `used_by_many`.
    gazetteer : Gazetteer
        Where the seats are.

    Returns
    -------
    polars.DataFrame
        key, flag (NEAR_COUNTY_SEAT and so on), detail.
    """
    points = _points(placed).filter(pl.min_horizontal("collectors", "species", "dates") >= REPEATED)
    points = points[gazetteer.near_any(points[_POINT[0]], points[_POINT[1]])]
    longitude, latitude = (points[name].to_numpy() for name in _POINT)
    parts = [pl.DataFrame(schema={"key": pl.Int64, "flag": pl.String, "detail": pl.String})]
    if points.height:
        for kind, flag in SEAT_FLAGS.items():
            metres, row = gazetteer.seats[kind].nearest(longitude, latitude)
            beside = np.flatnonzero(np.rint(metres[:, 0]) <= BESIDE_SEAT_M)
            near = points[beside].with_columns(
                metres=np.rint(metres[beside, 0]).astype(np.int64),
                seat=gazetteer.seats[kind].name.gather(row[beside, 0]),
            )
            detail = pl.format(
                "{} collectors and {} species at this exact point, {} m from the seat {}",
                "collectors", "species", "metres", "seat",
            )  # fmt: skip
            parts.append(_records(placed, near.with_columns(flag=pl.lit(flag), detail=detail)))
    return pl.concat(parts)


def _points(placed: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct points with their collectors, species, dates, and first and last year."""
    # Most points of most datasets stand once: the costly counts are made for the others only.
    repeated = placed.filter(pl.len().over(_POINT) >= REPEATED)
    plain = pl.col("recordedBy").str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}]", "")
    return (
        repeated.with_columns(who=pl.when(plain != "").then(plain))
        .group_by(_POINT)
        .agg(
            collectors=pl.col("who").drop_nulls().n_unique(),
            species=pl.col("species").drop_nulls().n_unique(),
            dates=pl.col("eventDate").drop_nulls().n_unique(),
            first=pl.col("year").min(),
            last=pl.col("year").max(),
        )
    )


def _records(placed: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the records at some points."""
    return placed.join(points.select(*_POINT, "flag", "detail"), on=_POINT).select("key", "flag", "detail")


Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]

SLACK_M: Final = 25.0
"""One place in whole seconds, and in another program's reckoning of an offset, differs by this much."""
EXACT_SLACK_M: Final = 10.0
"""The slack, and the radius of a middle, for a record that gives signs of a receiver in the field."""
SAID_RADIUS_M: Final = 1500.0
"""The slack for a record that says itself that its place was looked up, or tells no place but the county."""
FINE_M: Final = 100.0
FINE_DECIMALS: Final = 5
"""An uncertainty below this, and so many decimals, are signs of a receiver in the field."""
MOST_DECIMALS: Final = 6
NEIGHBOURS: Final = 4
STEP_SLACK: Final = 1e-6
METRES_OF_HALF_A_DEGREE: Final = 111_320.0 * 2**-0.5
"""Half the diagonal of a square degree at the equator."""

_LOOKED_UP: Final = (
    r"(?i)centroid|cent(er|re) of|gazetteer|geonames|geocod|google (maps|earth)|county seat|district seat|seat of"
    r"|midpoint|县城|县政府|县治|城区|驻地|质心|中心点|地理编码|地名"
)
_SOURCES: Final = ("georeferenceProtocol", "georeferenceSources", "georeferenceRemarks", "locationRemarks")


def interpret(
    stated: Stated, coordinates: Findings, uncertainty: pl.Series, *, taxon: Findings, records: Findings,
    located: Findings, boundaries: places.BoundarySet, gazetteer: Gazetteer,
) -> Findings:  # fmt: skip
    """Tell which places look like a stand-in for the true one; each row by itself.

    Parameters
    ----------
    stated : Stated
        n rows.
    coordinates : Findings
        What `coordinates.interpret` found.
    uncertainty : Series of float, length n
        Radius of the place in metres.
    taxon, records, located : Findings
        What `names.interpret`, `records.interpret` and `location.interpret` found.
    boundaries : BoundarySet
        The map.
    gazetteer : Gazetteer
        The points that stand in for places.

    Returns
    -------
    Findings of n rows
        Flags only.

    Notes
    -----
    NEAR_…: the point equals one that GeoNames has published for the seat, as it is or as GCJ-02 and BD-09 shift it,
    within what it is rounded to and `SLACK_M`: rounded or cut to two decimals or more, or rounded to whole minutes. A
    place in the same town is no doubt by itself. Where the record states five decimals and an uncertainty below `FINE_M`,
    only `EXACT_SLACK_M` is given; where it says that the place was looked up, or its locality is but the name of the
    county, `SAID_RADIUS_M`. A middle counts within its own radius, at most `gazetteer.CENTRE_RADIUS_M`, an institution within its own radius.
    """
    longitude, latitude = coordinates.columns["decimalLongitude"], coordinates.columns["decimalLatitude"]
    at = gazetteer.near_any(longitude, latitude)
    x, y = longitude.gather(at).to_numpy(), latitude.gather(at).to_numpy()
    radius = uncertainty.gather(at).fill_null(float("nan")).to_numpy()
    found = _flags(x, y, _decimals(stated, at, x, y), radius, _looked_up(stated, at), gazetteer)
    flags = {name: _spread(mask, at, stated.height) for name, mask in found.items()}
    return Findings(
        flags={
            **flags,
            **element_flags(longitude, latitude, taxon=taxon, records=records, located=located, boundaries=boundaries),
        }
    )


def _looked_up(stated: Stated, at: Longs) -> Bools:
    """Tell which rows say that their place was looked up, or have the county's name for a locality."""
    said = pl.Series([False]).new_from_index(0, len(at))
    for term in _SOURCES:
        if stated.has(term):
            said |= stated[term].gather(at).str.contains(_LOOKED_UP).fill_null(value=False)
    if stated.has("locality"):
        locality = stated["locality"].gather(at).str.to_lowercase()
        for term in ("county", "municipality"):
            said |= (locality == stated[term].gather(at).str.to_lowercase()).fill_null(value=False)
    return said.to_numpy()


def _flags(
    x: Floats, y: Floats, decimals: Longs, radius: Floats, looked_up: Bools, gazetteer: Gazetteer
) -> dict[str, Bools]:
    """Return the flags of some points."""
    if not len(x):
        return {}
    fine = (decimals >= FINE_DECIMALS) & (radius < FINE_M) & ~looked_up
    slack = np.where(fine, EXACT_SLACK_M, np.where(looked_up, SAID_RADIUS_M, SLACK_M))
    found = {flag: _equals(gazetteer.seats[kind], x, y, decimals, slack) for kind, flag in SEAT_FLAGS.items()}
    for kind, flag in CENTRE_FLAGS.items():
        # Of several middles of one place the nearest decides; beside it lies another place's, with another radius.
        centres = gazetteer.centres[kind]
        if not len(centres.name):
            found[flag] = np.zeros(len(x), dtype=bool)
            continue
        metres, row = centres.nearest(x, y, NEIGHBOURS)
        radius_m = np.where(fine[:, None], EXACT_SLACK_M, centres.radius_m[row])
        found[flag] = (metres - radius_m).min(axis=1) <= 0
    metres, row = gazetteer.institutions.nearest(x, y)
    found["AT_INSTITUTION"] = metres[:, 0] <= gazetteer.institutions.radius_m[row[:, 0]]
    return found


def _equals(points: Points, x: Floats, y: Floats, decimals: Longs, slack: Floats) -> Bools:
    """Tell which places are one of the points, as far as their decimals tell."""
    # A seat stands near its shifted twins: the one that is equal need not be the nearest.
    metres, row = points.nearest(x, y, NEIGHBOURS)
    at_x, at_y = points.longitude[row], points.latitude[row]
    x, y, decimals, slack = x[:, None], y[:, None], decimals[:, None], slack[:, None]
    half_m = METRES_OF_HALF_A_DEGREE * 10.0**-decimals
    same = np.where(decimals >= 3, metres <= slack + half_m, metres <= np.where(slack == SAID_RADIUS_M, slack, 1.0))
    scale = (10.0 ** np.clip(decimals, 2, 4)).astype(np.float64)
    rounded = (decimals >= 2) & (decimals <= 4)
    same |= rounded & _same(at_x, x, scale, "rounded") & _same(at_y, y, scale, "rounded")
    same |= rounded & _same(at_x, x, scale, "cut") & _same(at_y, y, scale, "cut")
    # Whole minutes, as exact as the decimals can state the third of a degree.
    off = 36 * 10.0**-decimals
    minutes = (np.abs(x * 60 - np.rint(x * 60)) <= off) & (np.abs(y * 60 - np.rint(y * 60)) <= off) & (decimals >= 4)
    same |= minutes & (np.rint(at_x * 60) == np.rint(x * 60)) & (np.rint(at_y * 60) == np.rint(y * 60))
    return np.asarray(same.any(axis=1))


def _same(exact: Floats, values: Floats, scale: Floats, how: str) -> Bools:
    """Tell which numbers are others rounded to steps, or cut to them; a half may have gone either way."""
    off = (exact - values) * scale if how == "rounded" else (np.abs(exact) - np.abs(values)) * scale - 0.5
    return np.asarray(np.abs(off) <= 0.5 + STEP_SLACK)


def _decimals(stated: Stated, at: Longs, x: Floats, y: Floats) -> Longs:
    """Return how many decimals the places of some rows are stated to, at most `MOST_DECIMALS`.

    As written, with zeros at the end, or as the number needs where degrees are written otherwise.
    """
    written = [
        stated[axis].gather(at).str.extract(r"^[+-]?\d+[.,](\d+)$").str.len_chars().fill_null(0).to_numpy()
        for axis in AXES
    ]
    found = np.maximum(*written).astype(np.int64)
    for values in (x, y):
        needed = np.full(len(values), MOST_DECIMALS, dtype=np.int64)
        for decimals in range(MOST_DECIMALS - 1, -1, -1):
            scaled = values * 10.0**decimals
            needed[np.abs(scaled - np.rint(scaled)) < 1e-6] = decimals
        found = np.maximum(found, needed)
    return np.asarray(np.minimum(found, MOST_DECIMALS))


def _spread(mask: Bools, at: Longs, height: int) -> pl.Series:
    """Return what was found of some rows for all of them."""
    whole = np.zeros(height, dtype=bool)
    whole[at[mask]] = True
    return pl.Series(whole)


# Places that look wrong only beside the others, as a whole lake tells it.
# Records far from all others of their species.

LEAST_PLACES: Final = 7
"""Species of fewer places state nothing, as in CoordinateCleaner's `cc_outl` (`min_occs`)."""
TIMES_RANGE: Final = 5.0
"""`cc_outl`'s `mltpl`: beyond the upper quartile by so many times the range between the quartiles."""
LEAST_M: Final = 300_000.0
"""No place nearer to its neighbours than this is an outlier, however dense the others."""
NEIGHBOUR: Final = 2
"""The distance to the second nearest place counts: one other wrong record does not hide it."""
_STEP_DEGREES: Final = 0.01
_APART_M: Final = 1e8


def outliers(placed: pl.DataFrame) -> pl.DataFrame:
    """Find records far from the others of their species.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `COLUMNS`; those of absence do not count.

    Returns
    -------
    polars.DataFrame
        key, flag (SPECIES_OUTLIER), detail.

    Notes
    -----
    The quantile method of CoordinateCleaner (Zizka et al. 2019, https://doi.org/10.1111/2041-210X.13152) on the
    distance to the second nearest distinct place (of 0.01°) of the species instead of the mean distance to all: a
    species of two far ranges keeps both, and a tree answers it for millions of records. Distances are great circles.
    One tree holds all species: each is moved out along a fourth axis, farther than the earth is wide.
    """
    step = [(pl.col(name) / _STEP_DEGREES).round().cast(pl.Int32) for name in ("decimalLongitude", "decimalLatitude")]
    present = placed.filter(
        pl.col("species").is_not_null(), pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT"
    ).select("key", "species", x=step[0], y=step[1])
    cells = present.select("species", "x", "y").unique().sort("species", "x", "y")
    cells = cells.filter(pl.len().over("species") >= LEAST_PLACES)
    if cells.is_empty():
        return pl.DataFrame(schema={"key": pl.Int64, "flag": pl.String, "detail": pl.String})
    cells = cells.with_columns(metres=pl.Series(_to_neighbour(cells)))
    distance = pl.col("metres")
    upper, lower = distance.quantile(0.75, "linear"), distance.quantile(0.25, "linear")
    limit = (upper + TIMES_RANGE * (upper - lower)).over("species").clip(LEAST_M)
    far = cells.filter(distance > limit).with_columns(
        flag=pl.lit("SPECIES_OUTLIER"),
        detail=pl.format(
            "{} km from the second nearest other place of the species", (distance / 1000).round().cast(int)
        ),
    )
    return present.join(far, on=["species", "x", "y"]).select("key", "flag", "detail")


def _to_neighbour(cells: pl.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the metres from each place to the `NEIGHBOUR`-th nearest of its species; there is one."""
    from scipy.spatial import cKDTree

    x, y = (cells[name].to_numpy() * _STEP_DEGREES for name in ("x", "y"))
    species = cells["species"].rle_id().to_numpy().astype(np.float64)
    points = np.column_stack([on_sphere(x, y), species * _APART_M])
    chord = np.asarray(cKDTree(points).query(points, k=[NEIGHBOUR + 1], workers=-1)[0])
    return np.asarray(2 * MEAN_RADIUS_M * np.arcsin(np.minimum(chord[:, 0] / (2 * MEAN_RADIUS_M), 1)))


COLUMNS: Final = (
    "key", "datasetKey", "species", "occurrenceStatus", "recordedBy", "eventDate", "year", "decimalLongitude",
    "decimalLatitude",
)  # fmt: skip
"""What `find` reads of `terms.OCCURRENCE`."""
FOUND: Final = pl.Schema({"key": pl.Int64, "flag": pl.String, "detail": pl.String})


def find(occurrences: pl.DataFrame, *, gazetteer: places.Gazetteer) -> pl.DataFrame:
    """Find the records whose place looks wrong beside the other records.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `COLUMNS`, of every record that is to be compared: the lake's for analyses. What is published of open records
        is found among open records alone, so that no flag of theirs tells of one that is generalised.
    gazetteer : Gazetteer
        Where the seats are.

    Returns
    -------
    polars.DataFrame of FOUND, sorted by key and flag
        Each pair of a record and a flag once, with the reason in words; the same for any order of the rows.
    """
    rows = placed(occurrences.select(COLUMNS))
    parts = [used_by_many(rows), repeated_near_seats(rows, gazetteer=gazetteer), outliers(rows)]
    found = pl.concat([part.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items()) for part in parts])
    return found.unique(["key", "flag"], keep="first", maintain_order=True).sort("key", "flag")


def placed(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records with coordinates, 0° E 0° N not among them."""
    longitude, latitude = pl.col("decimalLongitude"), pl.col("decimalLatitude")
    return occurrences.filter(longitude.is_finite(), latitude.is_finite(), (longitude != 0) | (latitude != 0))


def merged(occurrences: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return records with what was found among their `quality_flags`, in the order of `biodata.core.flags`.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        With `key` and `quality_flags`.
    found : polars.DataFrame of FOUND
        What `find` returned; keys that are not among the records play no part.

    Returns
    -------
    polars.DataFrame of n rows, in their order
    """
    order = pl.DataFrame({"flag": list(FLAGS)}).with_row_index("order")
    own = occurrences.select("key", flag="quality_flags").join(found.select("key").unique(), on="key", how="semi")
    every = pl.concat(
        [own.explode("flag").drop_nulls("flag"), found.select("key", "flag").join(own, on="key", how="semi")]
    )
    lists = (
        every.unique()
        .join(order, on="flag")
        .sort("key", "order")
        .group_by("key", maintain_order=True)
        .agg(pl.col("flag").alias("_found"))
    )
    return (
        occurrences.join(lists, on="key", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_found", "quality_flags").alias("quality_flags"))
        .drop("_found")
    )
