"""What sources claim of a site's size: the reported and the legal area, each with its unit, and the areas of its zones."""

import json
import re
from collections.abc import Collection
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.formats.wkb import problem_of
from biodata.harmonise.told import Headings
from biodata.text.units import infer_unit, known_unit, parse_areas, square_metres

# Claims stay apart: what an agency reports, what the decree says, and what the polygon has are three things. A unit is the
# one told in the cell (`1.2万亩`), in the heading (`面积(公顷)`, `LSize_Ha`) or by the standard (WDPA's REP_AREA is in
# km²); else the only one that fits the polygon, or else the reported area, and flagged; else there is no area. Columns of
# mixed units, as the ASEAN Heritage Parks' OFF_AREA, are so read row by row.

_REPORTED_UNITS: Final = MappingProxyType(
    {
        "rep_area": "km2",
        "area_km2": "km2",
        "lsize_skm": "km2",
        "area_kilom": "km2",
        "current_ha": "ha",
        "lsize_ha": "ha",
        "size_ha": "ha",
        "hectares": "ha",
        "area_ha": "ha",
    }
)
"""Columns of plain numbers whose name tells the unit; the first that a table has is its report."""

_REPORTED: Final = ("总面积", "面积", "保护区面积", "保护区总面积", "total_area", "area", "size")
_LEGAL: Final = (
    *("legal_area", "off_area", "official_area", "gazetted_area", "decree_area", "area_legal"),
    *("批准面积", "批复面积", "法定面积"),
)
_ZONES: Final = MappingProxyType(
    {"核心区": "core", "缓冲区": "buffer", "实验区": "experimental", "核心保护区": "core", "一般控制区": "control"}
)
_UNIT: Final = re.compile(r"(?P<name>.*?)[\s_]*[(（\[【/]\s*(?P<unit>[^)）\]】]+?)\s*[)）\]】]?")

MAX_VERTICES: Final = 5_000_000
_ISSUES: Final = ("AREA_INVALID", "AREA_NUMBER_AMBIGUOUS", "AREA_UNIT_UNKNOWN", "AREA_UNIT_MISSING")
_TOLERANCE: Final = 1.0
"""A number may be twice or half as large as what it is compared with: the units in question are six times apart."""
_ZONES_DIFFER: Final = 0.01
# Units that a column without one may be in; mu and rai only where the country uses them.
_EVERYWHERE: Final = ("km2", "ha")
_NATIONAL: Final = MappingProxyType({"CN": ("mu",), "TH": ("rai",)})


class Claims(NamedTuple):
    """Claims of n sites.

    Attributes
    ----------
    columns : dict of str to Series
        `reported_area_km2`, `legal_area_km2`, `legal_area_unit`, `zone_areas_km2`.
    flags : dict of str to Series
        By flag, True for the rows that have that doubt.
    """

    columns: dict[str, pl.Series]
    flags: dict[str, pl.Series]


class _Claim(NamedTuple):
    """One claim of n sites: km², unit, whether the unit was inferred, and the issue of `parse_areas` that is left."""

    km2: pl.Series
    unit: pl.Series
    inferred: pl.Series
    issue: pl.Series


def claims(table: Headings, countries: list[list[str]]) -> Claims:
    """Read the claims of a table.

    Parameters
    ----------
    table : Headings
        n rows, with `geometry` as it came.
    countries : list of n lists of str
        ISO 3166-1 alpha-2 codes that the source states.

    Returns
    -------
    Claims
        An area of 0 is none: in WDPA it means not reported.
    """
    column = next((name for name in _REPORTED_UNITS if table.has(name)), None)
    if column is not None:
        plain = [_number(value) for value in table.values(column)]
        factor = square_metres()[_REPORTED_UNITS[column]] / 1e6
        km2 = pl.Series([value * factor if value and value > 0 else None for value in plain], dtype=pl.Float64)
        reported = _nothing(table.batch.height)._replace(km2=km2)
    else:
        reported = _claim(table, _REPORTED, countries)
    legal = _claim(table, _LEGAL, countries, reported.km2)
    # Zones stand beside the whole in the whole's unit, and where the heading tells it, it is told once.
    shared = _heading(table, _REPORTED)
    zones = {
        zone: _claim(table, (f"{name}面积", name), countries, unit=shared and shared[1]).km2
        for name, zone in _ZONES.items()
        if _heading(table, (f"{name}面积", name))
    }
    return Claims(
        {
            "reported_area_km2": reported.km2,
            "legal_area_km2": legal.km2,
            "legal_area_unit": legal.unit,
            "zone_areas_km2": _as_json(zones, table.batch.height),
        },
        {
            "AREA_UNIT_INFERRED": reported.inferred | legal.inferred,
            "ZONE_AREAS_DISAGREE": _zones_disagree(zones, reported.km2),
            **{issue: reported.issue.eq_missing(issue) | legal.issue.eq_missing(issue) for issue in _ISSUES},
        },
    )


def _claim(
    table: Headings,
    names: Collection[str],
    countries: list[list[str]],
    other_km2: pl.Series | None = None,
    *,
    unit: str | None = None,
) -> _Claim:
    """Read the first column of these names, with or without a unit behind them."""
    found = _heading(table, names)
    if found is None:
        return _nothing(table.batch.height)
    heading, told_unit = found
    read = parse_areas(pl.Series(table.values(heading), dtype=pl.String), unit=told_unit or unit)
    # 0 is how many tables write that nothing is known.
    told = (read["number"].fill_null(1.0) != 0) & read["value"].is_not_null()
    waiting = told & (read["issue"] == "AREA_UNIT_MISSING").fill_null(value=False)
    units = pl.Series([None] * table.batch.height, dtype=pl.String)
    if waiting.any():
        number = pl.select(pl.when(waiting).then(read["number"])).to_series()
        yardsticks = [_computed_km2(table)] if other_km2 is None else [_computed_km2(table), other_km2]
        units = pl.select(pl.coalesce(_fitting(number, km2, countries) for km2 in yardsticks)).to_series()
    sizes = units.replace_strict(dict(square_metres()), default=None, return_dtype=pl.Float64)
    km2 = pl.select(pl.coalesce(read["area_km2"], read["number"] * sizes / 1e6)).to_series()
    fits = units.is_not_null()
    issue = pl.select(pl.when(told & ~fits).then(read["issue"])).to_series()
    unit_told = pl.select(pl.coalesce(pl.when(read["area_km2"].is_not_null()).then(read["unit"]), units)).to_series()
    return _Claim(km2, unit_told, fits, issue)


def _nothing(height: int) -> _Claim:
    """Return a claim that nobody makes."""
    no = pl.repeat(value=False, n=height, eager=True, dtype=pl.Boolean)
    text = pl.Series([None] * height, dtype=pl.String)
    return _Claim(pl.Series([None] * height, dtype=pl.Float64), text, no, text)


def _heading(table: Headings, names: Collection[str]) -> tuple[str, str | None] | None:
    """Return the heading of one of these names, and the unit that stands behind it: `面积（公顷）`, `area [km2]`."""
    found: dict[str, tuple[str, str | None]] = {}
    for heading in table.columns:
        match = _UNIT.fullmatch(heading.strip())
        if match and known_unit(match["unit"]):
            found.setdefault(match["name"].strip(), (heading, match["unit"]))
        else:
            found.setdefault(heading.strip(), (heading, None))
    return next((found[name] for name in names if name in found), None)


def _computed_km2(table: Headings) -> pl.Series:
    """Return the areas of the polygons as they came, null where there is none; enough to tell units apart."""
    blobs = [
        blob if blob is not None and problem_of(blob, max_vertices=MAX_VERTICES) is None else None
        for blob in table.batch["geometry"]
    ]
    areas = geo.area_km2(np.asarray(shapely.from_wkb(blobs, on_invalid="ignore"), dtype=object))
    return pl.Series(np.where(areas > 0, areas, np.nan)).fill_nan(None)


def _fitting(number: pl.Series, known_km2: pl.Series, countries: list[list[str]]) -> pl.Series:
    """Return for each number the unit in which it fits a known area, of those that the country uses; else null."""
    used = {unit for codes in countries for code in codes for unit in _NATIONAL.get(code, ())}
    fits = [fit.unit for fit in infer_unit(number, known_km2, tolerance=_TOLERANCE)]
    units = [unit for unit in fits if unit in (*_EVERYWHERE, *used)]
    chosen = pl.Series([None] * len(number), dtype=pl.String)
    for unit in reversed(units):
        ratio = number * (square_metres()[unit] / 1e6) / known_km2
        fit = ratio.is_between(1 / (1 + _TOLERANCE), 1 + _TOLERANCE).fill_null(value=False)
        if unit not in _EVERYWHERE:
            fit &= pl.Series([any(unit in _NATIONAL.get(code, ()) for code in codes) for codes in countries])
        chosen = pl.select(pl.when(fit).then(pl.lit(unit)).otherwise(chosen)).to_series()
    return chosen


def _as_json(zones: dict[str, pl.Series], height: int) -> pl.Series:
    """Return the areas of the zones as JSON objects; null where none is told."""
    if not zones:
        return pl.Series([None] * height, dtype=pl.String)
    rows = pl.DataFrame(zones).to_dicts()
    told = [{zone: km2 for zone, km2 in row.items() if km2 is not None} for row in rows]
    return pl.Series([json.dumps(row) if row else None for row in told], dtype=pl.String)


def _zones_disagree(zones: dict[str, pl.Series], whole_km2: pl.Series) -> pl.Series:
    """Tell where the areas of all zones are told and their sum is another than the whole."""
    if len(zones) < 2:
        return pl.repeat(value=False, n=len(whole_km2), eager=True, dtype=pl.Boolean)
    total = (
        pl.DataFrame(zones)
        .select(pl.when(pl.all_horizontal(pl.all().is_not_null())).then(pl.sum_horizontal(pl.all())))
        .to_series()
    )
    return ((total - whole_km2).abs() > _ZONES_DIFFER * whole_km2).fill_null(value=False)


def _number(text: str | None) -> float | None:
    """Return the number that the text is; None for anything else."""
    try:
        return float(text) if text and re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", text, re.IGNORECASE) else None
    except ValueError:
        return None
