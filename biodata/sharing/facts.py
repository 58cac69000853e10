"""What rules ask of a record beside its names: where it may be, when, in which dataset, with which labels."""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from biodata.geo import Floats
from biodata.places import BoundarySet, load_boundaries
from biodata.sharing.generalise import ASSUMED_UNCERTAINTY_M, CELLS_PER_DEGREE, regions_of_size
from biodata.sharing.rules import RuleSet

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
METRES_PER_DEGREE: Final = 110_000.0
"""A degree of latitude is a little more everywhere: circles drawn with it are not too small."""
_SEPARATOR: Final = "|"
_ANY: Final = "*"
"""Stands for every division, where a cell has several of one country."""


def facts_of(occurrences: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Return what some rules ask of each record beside its names.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`; what is missing is not known.
    rules : RuleSet
        What none of them asks is null.

    Returns
    -------
    polars.DataFrame of n rows
        possible : countries that the record may belong to; province, beside (near a border, or not known), dataset,
        publisher, labels; months : bits, January the lowest; areas : where the place's circle may lie in.
        For each size of cell (cells along a degree) that a rule of a place has: countries_N, provinces_N, touches_N and
        within_N (areas), all of the published cell, not of the place. Lists are joined by |.

    Notes
    -----
    Whether a rule of a country, a division or an area decides is published with the record. So a cell answers for all
    the places in it: were the place itself asked, the rule's name would tell on which side of a border it lies.
    """
    frame = occurrences.with_columns(
        pl.lit(None).alias(name) for name in USED if name not in occurrences.columns
    ).select(USED)
    asked: dict[str, tuple[bool, pl.Expr, type[pl.DataType]]] = {
        "possible": (_any(rules, lambda r: r.country_code), _joined(_possible()), pl.String),
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
    return told.with_columns(_of_places(frame, rules))


def _any(rules: RuleSet, of: Callable[..., object]) -> bool:
    return any(of(rule) for rule in rules.rules)


def _possible() -> pl.Expr:
    """Return the countries that a record may belong to."""
    codes = pl.col("country_codes").cast(pl.List(pl.String)).fill_null([])
    return pl.concat_list(codes, pl.col("countryCode", "located_country_code").cast(pl.String))


def _joined(values: pl.Expr) -> pl.Expr:
    """Return lists as texts: sorted, each once; empty for nothing."""
    return values.cast(pl.List(pl.String)).list.drop_nulls().list.unique().list.sort().list.join(_SEPARATOR)


def _of_places(frame: pl.DataFrame, rules: RuleSet) -> list[pl.Series]:
    """Return what rules of a place ask of the place's circle and of its cells."""
    of_place = [rule for rule in rules.rules if rule.of_place]
    shapes = {rule.rule_id: shape for rule in of_place if (shape := rules.shape_of(rule)) is not None}
    sizes = sorted({CELLS_PER_DEGREE[str(r.category)] for r in of_place if str(r.category) in CELLS_PER_DEGREE})
    if rules.consents:
        sizes = sorted(set(CELLS_PER_DEGREE.values()))
    longitude, latitude, radius = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
    )
    placed = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    unknown = [r.rule_id for r in of_place if (r.area_id or r.polygon) and r.rule_id not in shapes]
    found = [_of_circles(longitude, latitude, radius, placed, shapes, unknown)]
    if not of_place:
        return found
    boundaries = rules.boundaries or load_boundaries()
    for size in sizes:
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
    if not shapes:
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
    """Return the countries, divisions and areas of the cells of one size; null where there is none."""
    rows = np.flatnonzero(placed)
    names: dict[str, list[str | None]] = {
        n: [None] * len(placed) for n in ("countries", "provinces", "touches", "within")
    }
    known: dict[object, tuple[str, ...]] = {}
    for row, region in zip(rows, regions_of_size(longitude[rows], latitude[rows], size, boundaries), strict=True):
        if region is None:
            continue
        if region not in known:
            box = shapely.box(region.west, region.south, region.east, region.north)
            known[region] = (
                _SEPARATOR.join(region.country_codes),
                region.province_code or (_ANY if region.country_codes else ""),
                _SEPARATOR.join(name for name, shape in shapes.items() if shape.intersects(box)),
                _SEPARATOR.join(name for name, shape in shapes.items() if shape.covers(box)),
            )
        for name, value in zip(names, known[region], strict=True):
            names[name][row] = value
    return [pl.Series(f"{name}_{size}", values, dtype=pl.String) for name, values in names.items()]


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
