"""What rules ask of a record beside its names: where it may be, when, in which dataset, with which labels."""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from biodata.geo import Floats, metres_per_degree
from biodata.places import BoundarySet
from biodata.sharing.floor import Region
from biodata.sharing.generalise import regions_of_size
from biodata.sharing.grid import PER_DEGREE as CELLS_PER_DEGREE
from biodata.sharing.rules import RuleSet
from biodata.vocabularies import SharingCategory

USED: Final = (
    "countryCode",
    "located_country_code",
    "country_codes",
    "province_code",
    "ambiguous",
    "datasetKey",
    "event_start",
    "event_end",
    "month",
    "publishingCountry",
    "community_labels",
    "decimalLongitude",
    "decimalLatitude",
    "coordinateUncertaintyInMeters",
)
ASSUMED_UNCERTAINTY_M: Final = 1000.0
"""Radius in metres that a record without a usable coordinateUncertaintyInMeters is taken to have."""
METRES_PER_DEGREE: Final = 110_000.0
"""A degree of latitude is a little more everywhere: circles drawn with it are not too small."""
_SEPARATOR: Final = "|"
_WIDER: Final = 1.01
"""A plane's distances are right to less than a hundredth."""


def facts_of(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what some rules ask of each record beside its names.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`; what is missing is not known.
    rules : RuleSet
        What none of them asks is null.
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    polars.DataFrame of n rows
        possible : countries that the record may belong to; stated, province, beside (near a border, or not known),
        dataset, publisher, labels; months : bits, January the lowest; areas : where the place's circle may lie in.
        For each size of cell (cells along a degree) that is asked for: countries_N, provinces_N and unsure_N (of the
        region that would be published and the band around it; disputed land makes it unsure), touches_N and within_N
        (areas that the region touches, or lies in); null where no region would be published. Lists are joined by |.

    Notes
    -----
    A record that is made coarse since it lies in a country, or a reserve, beside one that is told as it is since it
    does not, would lie in that country's part of its cell, which can be as small as you like. So a rule of a place
    applies to a record where the square that the record would be published as, by the rule's category, comes so near to
    the rule's place that the record could lie there, or be taken for lying there. Then every place of a square is
    treated alike, and nothing is told of where in it the record is; of the neighbour's records of the taxon, those next
    to the border are made coarse with it.
    """
    frame = occurrences.with_columns(
        pl.lit(None).alias(name) for name in USED if name not in occurrences.columns
    ).select(USED)
    asked: dict[str, tuple[bool, pl.Expr, type[pl.DataType]]] = {
        "possible": (_any(rules, lambda r: r.country_code), _joined(_possible()), pl.String),
        "stated": (_any(rules, lambda r: r.country_code), pl.col("countryCode"), pl.String),
        "province": (_any(rules, lambda r: r.province_code), pl.col("province_code"), pl.String),
        "beside": (
            _any(rules, lambda r: r.province_code),
            pl.col("ambiguous").cast(pl.Boolean).fill_null(value=True),
            pl.Boolean,
        ),
        "dataset": (_any(rules, lambda r: r.dataset), pl.col("datasetKey"), pl.String),
        "publisher": (_any(rules, lambda r: r.publishing_country), pl.col("publishingCountry"), pl.String),
        "labels": (_any(rules, lambda r: r.label), _joined(pl.col("community_labels")), pl.String),
    }
    facts = {name: (fact if wanted else pl.lit(None)).cast(dtype) for name, (wanted, fact, dtype) in asked.items()}
    told = frame.with_columns(**facts).select(list(facts))
    seasons = _any(rules, lambda r: r.month_from)
    told = told.with_columns(months_of(frame) if seasons else pl.lit(None, pl.Int64).alias("months"))
    return told.with_columns(_of_places(frame, rules, boundaries))


def _any(rules: RuleSet, of: Callable[..., object]) -> bool:
    return any(of(rule) for rule in rules.rules)


def _possible() -> pl.Expr:
    """Return the countries that a record may belong to."""
    codes = pl.col("country_codes").cast(pl.List(pl.String)).fill_null([])
    return pl.concat_list(codes, pl.col("countryCode", "located_country_code").cast(pl.String))


def _joined(values: pl.Expr) -> pl.Expr:
    """Return lists as texts: sorted, each once; empty for nothing."""
    return values.cast(pl.List(pl.String)).list.drop_nulls().list.unique().list.sort().list.join(_SEPARATOR)


def _of_places(frame: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> list[pl.Series]:
    """Return what rules of a place ask of the place's circle and of its cells."""
    of_place = [rule for rule in rules.rules if rule.of_place]
    shapes = {rule.rule_id: shape for rule in of_place if (shape := rules.shape_of(rule)) is not None}
    # Of a withheld record what another rule would show is asked, too.
    asking = rules.rules if any(r.category is SharingCategory.WITHHELD for r in of_place) else of_place
    sizes = {CELLS_PER_DEGREE[str(r.category)] for r in asking if str(r.category) in CELLS_PER_DEGREE}
    if rules.consents:
        sizes = set(CELLS_PER_DEGREE.values())
    longitude, latitude, radius = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
    )
    placed = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    unknown = [r.rule_id for r in of_place if (r.area_id or r.polygon) and r.rule_id not in shapes]
    found = [_of_circles(longitude, latitude, radius, placed, shapes, unknown)]
    if not of_place:
        return found
    for size in sorted(sizes):
        found += _of_cells(longitude, latitude, placed, size, shapes, boundaries)
    return found


def _of_circles(
    longitude: Floats,
    latitude: Floats,
    radius: Floats,
    placed: NDArray[np.bool_],
    shapes: dict[str, BaseGeometry],
    unknown: list[str],
) -> pl.Series:
    """Return the rules whose area the place may lie in, those of an unknown area too; null where there is no place."""
    if not shapes and not unknown:
        return pl.Series("areas", [None] * len(placed), dtype=pl.String)
    reach = np.where(radius > 0, radius, ASSUMED_UNCERTAINTY_M) / METRES_PER_DEGREE
    wide = reach / np.maximum(np.cos(np.radians(np.clip(latitude, -89, 89))), 0.02)
    boxes = shapely.box(longitude - wide, latitude - reach, longitude + wide, latitude + reach)
    names: list[str | None] = [_SEPARATOR.join(unknown) if there else None for there in placed]
    for name, shape in shapes.items():
        shapely.prepare(shape)
        for row in np.flatnonzero(placed & shapely.intersects(shape, boxes)):
            names[row] = f"{names[row]}{_SEPARATOR}{name}"
    return pl.Series("areas", names, dtype=pl.String)


def _of_cells(
    longitude: Floats,
    latitude: Floats,
    placed: NDArray[np.bool_],
    size: int,
    shapes: dict[str, BaseGeometry],
    boundaries: BoundarySet,
) -> list[pl.Series]:
    """Return what is near the regions of one size; null where there is none."""
    rows = np.flatnonzero(placed)
    numbers: list[int | None] = [None] * len(placed)
    known: dict[Region, int] = {}
    for row, region in zip(rows, regions_of_size(longitude[rows], latitude[rows], size, boundaries), strict=True):
        if region is not None:
            numbers[row] = known.setdefault(region, len(known))
    near = [(*_near(region, boundaries), *_areas(region, shapes)) for region in known]
    text = pl.String
    schema = {"countries": text, "provinces": text, "unsure": pl.Boolean, "touches": text, "within": text}
    table = pl.DataFrame(near, schema=schema, orient="row")
    number = pl.Series(numbers, dtype=pl.UInt32)
    return [table[name].gather(number).alias(f"{name}_{size}") for name in schema]


def _areas(region: Region, shapes: dict[str, BaseGeometry]) -> tuple[str, str]:
    """Return the rules whose area a region touches, and those in whose area it lies."""
    box = shapely.box(region.west, region.south, region.east, region.north)
    return tuple(  # type: ignore[return-value]
        _SEPARATOR.join(name for name, shape in shapes.items() if asked(shape, box))
        for asked in (shapely.intersects, shapely.covers)
    )


def _near(region: Region, boundaries: BoundarySet) -> tuple[str, str, bool]:
    """Return the countries and divisions with land in a region, or within the band around it; and whether any is disputed.

    Disputed land is nobody's, so it may be anybody's.
    """
    poleward = min(max(abs(region.south), abs(region.north)), 89.0)
    east_m, north_m = (float(value[0]) for value in metres_per_degree(np.array([poleward])))
    aside, along = boundaries.band_m * _WIDER / east_m, boundaries.band_m * _WIDER / north_m
    box = shapely.box(region.west - aside, region.south - along, region.east + aside, region.north + along)
    units = np.sort(boundaries.tree.query(box, predicate="intersects")).tolist()
    countries = {boundaries.countries[boundaries.country_of[unit]] for unit in units}
    provinces = {boundaries.provinces[unit] for unit in units}
    told = (sorted(code for code in codes if code is not None) for codes in (countries, provinces))
    return *(_SEPARATOR.join(codes) for codes in told), None in countries  # type: ignore[return-value]


def months_of(facts: pl.DataFrame) -> pl.Series:
    """Return the months that each record may be of as bits, January the lowest; all where none is told."""
    start, end = pl.col("event_start").cast(pl.Date).dt, pl.col("event_end").cast(pl.Date).dt
    told = facts.select(
        single=pl.col("month").cast(pl.Int64) - 1,
        first=start.year().cast(pl.Int64) * 12 + start.month().cast(pl.Int64) - 1,
        last=end.year().cast(pl.Int64) * 12 + end.month().cast(pl.Int64) - 1,
    ).select(
        first=pl.coalesce("first", "single").fill_null(0),
        span=pl.when(pl.col("first").is_not_null())
        .then(pl.col("last") - pl.col("first") + 1)
        .when(pl.col("single").is_not_null())
        .then(1)
        .fill_null(12)
        .clip(1, 12),
    )
    bits = ((1 << told["span"].to_numpy().astype(np.int64)) - 1) << (told["first"].to_numpy() % 12)
    return pl.Series("months", (bits & 0xFFF) | (bits >> 12))
