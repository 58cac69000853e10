"""Who the sites of a table are: identity, the site that a part or a zone belongs to, and what the source says of each."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, MutableSet
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely

from biodata.core import geo, terms
from biodata.formats.vectors import problem_of
from biodata.harmonise.area_borders import country_codes
from biodata.harmonise.findings import OWN_COLUMNS, Headings
from biodata.places import find_province, load_boundaries
from biodata.text.units import infer_unit, known_unit, parse_areas, square_metres

# What sources claim of a site's size: the reported and the legal area, each with its unit, and the areas of its zones.

# Claims stay apart: what an agency reports, what the decree says, and what the polygon has are three things. A unit is the
# one stated in the cell (`1.2万亩`), in the heading (`面积(公顷)`, `LSize_Ha`) or by the standard (WDPA's REP_AREA is in
# km²); else the only one that fits the polygon, or else the reported area, and flagged; else there is no area. Columns of
# mixed units, as the ASEAN Heritage Parks' OFF_AREA, are so read row by row.

_REPORTED_UNITS: Final = MappingProxyType(
    {
        "rep_area": "km2", "area_km2": "km2", "lsize_skm": "km2", "area_kilom": "km2", "current_ha": "ha",
        "lsize_ha": "ha", "size_ha": "ha", "hectares": "ha", "area_ha": "ha",
    }
)  # fmt: skip
"""Columns of plain numbers whose name states the unit; the first that a table has is its report."""

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
    # Zones stand beside the whole in the whole's unit, and where the heading states it, it is stated once.
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
    table: Headings, names: Collection[str], countries: list[list[str]], other_km2: pl.Series | None = None, *,
    unit: str | None = None,
) -> _Claim:  # fmt: skip
    """Read the first column of these names, with or without a unit behind them."""
    if (found := _heading(table, names)) is None:
        return _nothing(table.batch.height)
    heading, told_unit = found
    read = parse_areas(pl.Series(table.values(heading), dtype=pl.String), unit=told_unit or unit)
    # 0 is how many tables write that nothing is known.
    values = (read["number"].fill_null(1.0) != 0) & read["value"].is_not_null()
    waiting = values & (read["issue"] == "AREA_UNIT_MISSING").fill_null(value=False)
    units = pl.Series([None] * table.batch.height, dtype=pl.String)
    if waiting.any():
        number = pl.select(pl.when(waiting).then(read["number"])).to_series()
        yardsticks = [_computed_km2(table)] if other_km2 is None else [_computed_km2(table), other_km2]
        units = pl.select(pl.coalesce(_fitting(number, km2, countries) for km2 in yardsticks)).to_series()
    sizes = units.replace_strict(dict(square_metres()), default=None, return_dtype=pl.Float64)
    km2 = pl.select(pl.coalesce(read["area_km2"], read["number"] * sizes / 1e6)).to_series()
    fits = units.is_not_null()
    issue = pl.select(pl.when(values & ~fits).then(read["issue"])).to_series()
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
    """Return the areas of the zones as JSON objects; null where none is stated."""
    if not zones:
        return pl.Series([None] * height, dtype=pl.String)
    rows = pl.DataFrame(zones).to_dicts()
    entries = [{zone: km2 for zone, km2 in row.items() if km2 is not None} for row in rows]
    return pl.Series([json.dumps(row) if row else None for row in entries], dtype=pl.String)


def _zones_disagree(zones: dict[str, pl.Series], whole_km2: pl.Series) -> pl.Series:
    """Tell where the areas of all zones are stated and their sum is another than the whole."""
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


# What the sources say of each site: which column means what, in WDPA's old and new files and in national ones.

# WDPA and WDPCA: user manual 1.6 and its successor, https://www.protectedplanet.net/en/resources/wdpa-manual
NAMES: Final = (
    *("name_eng", "name:en", "english", "ahpname", "name", "site_name"),
    *("名称", "保护区名称", "自然保护区名称", "保护地名称", "自然保护地名称"),
)
_ORIGINAL_NAMES: Final = ("orig_name", "khmer", "name_local", "local_name", *NAMES[6:])
_DESIGNATIONS: Final = (
    *("desig_eng", "desig", "designation", "protection_title"),
    *("类型", "保护区类型", "自然保护区类型", "保护地类型", "type", "category"),
)
_LEVELS: Final = ("级别", "保护级别", "保护区级别", "行政级别", "level")
_LEVEL_NAMES: Final = MappingProxyType(
    {
        **{"国家级": "national", "国家": "national", "national": "national"},
        **{"省级": "provincial", "自治区级": "provincial", "直辖市级": "provincial", "省": "provincial"},
        **{"provincial": "provincial", "state": "provincial", "市县级": "local", "地方级": "local", "local": "local"},
        **{
            "市级": "municipal", "地市级": "municipal", "州级": "municipal", "municipal": "municipal", "市": "municipal",
        },
        **{"县级": "county", "区县级": "county", "区级": "county", "county": "county", "县": "county"},
    }
)  # fmt: skip
_REGIONS: Final = ("行政区域", "所在行政区域", "行政区划", "省份", "省", "所在省份", "所在地", "位置")
_ZONE_COLUMNS: Final = ("zone", "zone_type", "functional_zone", "功能区", "功能分区", "分区")
# The functional zones of China's nature reserves (GB/T 35822), and since 2019 the two control zones of national parks.
_ZONE_NAMES: Final = MappingProxyType(
    {
        **{"核心区": "core", "缓冲区": "buffer", "实验区": "experimental"},
        **{"核心保护区": "core", "一般控制区": "control"},
        **{"core": "core", "core zone": "core", "core area": "core", "buffer": "buffer", "buffer zone": "buffer"},
        **{"experimental": "experimental", "experimental zone": "experimental", "control zone": "control"},
    }
)
_YEARS: Final = (
    *("status_yr", "yr_dec", "sign_year", "issuedate", "year"),
    *("建立时间", "始建时间", "批建时间", "批准时间", "建立年份", "成立时间", "始建年份"),
)
_COUNTRIES: Final = ("iso3", "iso2", "iso_a2", "country_code", "country", "prnt_iso3", "parent_iso3", "parent_iso")
_STATUSES: Final = frozenset({"designated", "inscribed", "adopted", "established", "proposed"})
_CATEGORIES: Final = ("Ia", "Ib", "II", "III", "IV", "V", "VI")
_IUCN: Final = MappingProxyType({name.lower(): name for name in _CATEGORIES})
# https://wiki.openstreetmap.org/wiki/Key:protect_class: of nature the categories, in Arabic numerals.
_OSM_CLASSES: Final = MappingProxyType(dict(zip(("1a", "1b", "2", "3", "4", "5", "6"), _CATEGORIES, strict=True)))
_OSM_RELATIONS: Final = frozenset({"boundary", "multipolygon"})
"""What `type` says in a file of OpenStreetMap: how the outline is put together, and nothing of the site."""
_REALMS: Final = MappingProxyType(
    {
        **{"0": "terrestrial", "1": "coastal", "2": "marine"},
        **{"terrestrial": "terrestrial", "coastal": "coastal", "marine": "marine"},
        **{"terrestrial or inland waters": "terrestrial", "wetland": "terrestrial", "coastal and/or marine": "coastal"},
    }
)


def described(table: Headings, country: str | None) -> dict[str, pl.Series]:
    """Return what the source says of each site, as columns of `terms.PROTECTED_AREA`."""
    # WDPCA calls the English name NAME_ENG and the site's own NAME, OpenStreetMap name:en and name; WDPA's NAME is English.
    in_english = table.has("name_eng") or table.has("name:en")
    original = table.values("name") if in_english else table.values(*_ORIGINAL_NAMES)
    statuses = table.values("status")
    designations = [None if text in _OSM_RELATIONS else text for text in table.values(*_DESIGNATIONS)]
    categories = [_IUCN.get((v or "").lower()) for v in table.values("iucn_cat")]
    classes = [_OSM_CLASSES.get((v or "").lower()) for v in table.values("protect_class")]
    status = [value if value and value.lower() in _STATUSES else None for value in statuses]
    # A national file's "status" that is no status, as "Wildlife Sanctuary", is its designation.
    designations = [
        text if not found or found.lower() in (*_STATUSES, "not reported") else found
        for text, found in zip(designations, statuses, strict=True)
    ]
    if table.has("ahpsiteid"):
        designations = ["ASEAN Heritage Park"] * len(statuses)
    codes = [country_codes(value or country) for value in table.values(*_COUNTRIES)]
    if country is None and not any(codes):
        codes = _china_where_its_provinces_stand(table)
    return {
        "site_id": pl.Series([whole(v) for v in table.values("site_id")], dtype=pl.String),
        "wdpaid": pl.Series([whole(v) for v in table.values("wdpaid", "wdpa_id")], dtype=pl.String),
        "zone": pl.Series(
            [_ZONE_NAMES.get((value or "").lower()) for value in table.values(*_ZONE_COLUMNS)], dtype=pl.String
        ),
        "name": pl.Series(table.values(*NAMES), dtype=pl.String),
        "original_name": pl.Series(original, dtype=pl.String),
        "designation": pl.Series(designations, dtype=pl.String),
        "level": pl.Series([_LEVEL_NAMES.get((v or "").lower()) for v in table.values(*_LEVELS)], dtype=pl.String),
        "iucn_category": pl.Series([a or b for a, b in zip(categories, classes, strict=True)], dtype=pl.String),
        "status": pl.Series(status, dtype=pl.String),
        "status_year": pl.Series([_year(value) for value in table.values(*_YEARS)], dtype=pl.Int32),
        "is_oecm": _oecm(table),
        "marine": pl.Series(
            [_REALMS.get((v or "").lower().removesuffix(".0")) for v in table.values("realm", "marine", "c_desc")],
            dtype=pl.String,
        ),
        "country_codes": pl.Series(codes, dtype=pl.List(pl.String)),
    }


def _oecm(table: Headings) -> pl.Series:
    """Return whether each site is an OECM: SITE_TYPE tells it, PA_DEF (1 protected area, 0 not) in older files."""
    types = [{"oecm": True, "pa": False}.get((value or "").lower()) for value in table.values("site_type")]
    older = [{"0": True, "1": False}.get((value or "").removesuffix(".0")) for value in table.values("pa_def")]
    return pl.Series([new if new is not None else old for new, old in zip(types, older, strict=True)], dtype=pl.Boolean)


def _china_where_its_provinces_stand(table: Headings) -> list[list[str]]:
    """Return China for sites whose administrative region begins with the name of one of its provinces."""
    boundaries = load_boundaries()

    @cache
    def codes(region: str) -> tuple[str, ...]:
        province = re.match(r".+?(?:省|自治区|市)|.+", region)
        return ("CN",) if province and find_province("CN", province[0], boundaries) else ()

    return [list(codes(region)) if region else [] for region in table.values(*_REGIONS)]


def _year(text: str | None) -> int | None:
    """Return the year that a year or a date begins with; None for 0, which means not reported."""
    found = re.match(r"(1[5-9]\d\d|20\d\d)(?!\d)|(1[5-9]\d\d|20\d\d)(?=[01]\d[0-3]\d(?!\d))", text or "")
    return int(found[0]) if found else None


def whole(text: str | None) -> str | None:
    """Return an identifier that a table keeps as a float (`1001.0`) as the whole number that it is."""
    return text.removesuffix(".0") if text and re.fullmatch(r"\d+\.0", text) else text


_GLOBAL_IDS: Final = ("site_pid", "wdpa_pid", "site_id", "wdpaid", "ahpsiteid")
_LOCAL_IDS: Final = ("national_id", "site_code", "code", "map_id", "id", "gid")


def sites(
    batch: pl.DataFrame,
    *,
    dataset_key: str,
    declarations: Mapping[str, str] | None = None,
    seen: MutableSet[str] | None = None,
) -> pl.DataFrame:
    """Interpret what a table says of its sites, and leave their geometry as it came.

    A site's identity is its SITE_PID or WDPA_PID, else SITE_ID, WDPAID or AHPSITEID; else a column of the file that
    identifies every one of its rows; else its name (and zone) where no other row of the table has it; else the name
    with a digest of the whole row. A second row of the same identity is kept as `…~2`.

    Parcels of a SITE_ID or WDPAID, zones stated under the same name, and rows of the same identity are parts of one
    site, which `part_of` names.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.protected_areas` gives it.
    dataset_key : str
        The dataset.
    declarations : mapping, optional
        `crs` where the coordinate system is stated; if it is not, WGS 84 was assumed and each site with geometry is
        flagged. `country` for sites that state none.
    seen : set of str, optional
        Identities already given in this dataset by other tables of the same ingest; is added to.

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `terms.PROTECTED_AREA`; geometry as it came, nothing computed from it.
    """
    table = Headings(batch)
    facts = described(table, (declarations or {}).get("country"))
    attributes = _attributes(table)
    identities = _identities(table, facts["zone"].to_list(), attributes)
    flags: list[list[str]] = [[] for _ in range(batch.height)]
    if declarations is not None and "crs" not in declarations:
        for row_flags, geometry in zip(flags, batch["geometry"], strict=True):
            if geometry is not None:
                row_flags.append("GEODETIC_DATUM_ASSUMED_WGS84")
    claimed = claims(table, facts["country_codes"].to_list())
    for name, rows in claimed.flags.items():
        for at in rows.arg_true():
            flags[at].append(name)
    distinct = _distinct(identities, flags, seen)
    frame = pl.DataFrame(
        {
            "datasetKey": pl.repeat(dataset_key, batch.height, dtype=pl.String, eager=True),
            "source_record_id": pl.Series(distinct, dtype=pl.String),
            "area_id": pl.Series([f"{dataset_key}:{one}" for one in distinct], dtype=pl.String),
            "part_of": pl.Series(
                [f"{dataset_key}:{one}" for one in _wholes(table, facts, identities)], dtype=pl.String
            ),
            "source_file": batch["source_file"],
            "source_row": batch["source_row"],
            **facts,
            **claimed.columns,
            "attributes": pl.Series(attributes, dtype=pl.String),
            "geometry": batch["geometry"],
            "quality_flags": pl.Series(flags, dtype=pl.List(pl.String)),
        }
    )
    return terms.conform(frame, terms.PROTECTED_AREA)


def _attributes(table: Headings) -> list[str]:
    """Return each row's attributes as a JSON object, as they came and under their own names."""
    names = list(table.columns.values())
    texts = [name[:-1] if name[:-1] in OWN_COLUMNS else name for name in names]
    return [
        json.dumps({k: v for k, v in zip(texts, row, strict=True) if v is not None}, ensure_ascii=False)
        for row in table.batch.select(names).iter_rows()
    ]


def _identities(table: Headings, zones: list[str | None], attributes: list[str]) -> list[str]:
    """Return what identifies each row, see `sites`; not yet distinct."""
    found = table.values(*_GLOBAL_IDS)
    if not any(found):
        for column in _LOCAL_IDS:
            values = table.values(column)
            if all(values) and len(set(values)) == len(values):
                found = values
                break
    slugs = [
        "-".join(filter(None, (_slug(name), zone))) for name, zone in zip(table.values(*NAMES), zones, strict=True)
    ]
    times = Counter(slugs)
    rows = zip(found, slugs, attributes, table.batch["geometry"], strict=True)
    return [
        _slug(whole(text)) or (slug if slug and times[slug] == 1 else _with_digest(slug, row, geometry))
        for text, slug, row, geometry in rows
    ]


def _with_digest(slug: str, attributes: str, geometry: bytes | None) -> str:
    """Return a name that others have, too, with a digest of the whole row."""
    digest = hashlib.sha256(attributes.encode() + (geometry or b"")).hexdigest()[:12]
    return "-".join(filter(None, (slug, digest)))


def _wholes(table: Headings, facts: Mapping[str, pl.Series], identities: list[str]) -> list[str]:
    """Return what identifies the site that each row is, or is a part of."""
    names = table.values(*NAMES)
    return [
        _slug(site or older) or (_slug(name) if zone and name else "") or identity
        for site, older, zone, name, identity in zip(
            facts["site_id"], facts["wdpaid"], facts["zone"], names, identities, strict=True
        )
    ]


def _slug(text: str | None) -> str:
    """Return the text with only letters, digits and `_.-`, as it can stand in an address."""
    return re.sub(r"[^\w.-]+", "_", text or "").strip("_")


def _distinct(identities: list[str], flags: list[list[str]], seen: MutableSet[str] | None) -> list[str]:
    """Return identities of which none stands twice: the second is `…~2`, and flagged."""
    taken = set() if seen is None else seen
    result = []
    for identity, row_flags in zip(identities, flags, strict=True):
        distinct, count = identity, 1
        while distinct in taken:
            count += 1
            distinct = f"{identity}~{count}"
        if count > 1:
            row_flags.append("SITE_REPEATED")
        taken.add(distinct)
        result.append(distinct)
    return result
