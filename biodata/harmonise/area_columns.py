"""What the sources say of each site: which column means what, in WDPA's old and new files and in national ones.

The first column that a file has is used for all of its rows, so that two claims of a source are never mixed.
"""

import re
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.harmonise.area_borders import country_codes
from biodata.harmonise.headings import Headings
from biodata.places import find_province, load_boundaries

# WDPA and WDPCA: user manual 1.6 and its successor, https://www.protectedplanet.net/en/resources/wdpa-manual
NAMES: Final = (
    *("name_eng", "english", "ahpname", "name", "site_name"),
    *("名称", "保护区名称", "自然保护区名称", "保护地名称", "自然保护地名称"),
)
_ORIGINAL_NAMES: Final = ("orig_name", "khmer", "name_local", "local_name", *NAMES[5:])
_DESIGNATIONS: Final = (
    *("desig_eng", "desig", "designation"),
    *("类型", "保护区类型", "自然保护区类型", "保护地类型", "type", "category"),
)
_LEVELS: Final = ("级别", "保护级别", "保护区级别", "行政级别", "level")
_LEVEL_NAMES: Final = MappingProxyType(
    {
        **{"国家级": "national", "国家": "national", "national": "national"},
        **{"省级": "provincial", "自治区级": "provincial", "直辖市级": "provincial", "省": "provincial"},
        **{"provincial": "provincial", "state": "provincial", "市县级": "local", "地方级": "local", "local": "local"},
        **{
            "市级": "municipal",
            "地市级": "municipal",
            "州级": "municipal",
            "municipal": "municipal",
            "市": "municipal",
        },
        **{"县级": "county", "区县级": "county", "区级": "county", "county": "county", "县": "county"},
    }
)
_REGIONS: Final = ("行政区域", "所在行政区域", "行政区划", "省份", "省", "所在省份", "所在地", "位置")
_ZONES: Final = ("zone", "zone_type", "functional_zone", "功能区", "功能分区", "分区")
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
_IUCN: Final = MappingProxyType({name.lower(): name for name in ("Ia", "Ib", "II", "III", "IV", "V", "VI")})
_REALMS: Final = MappingProxyType(
    {
        **{"0": "terrestrial", "1": "coastal", "2": "marine"},
        **{"terrestrial": "terrestrial", "coastal": "coastal", "marine": "marine"},
        **{"terrestrial or inland waters": "terrestrial", "wetland": "terrestrial", "coastal and/or marine": "coastal"},
    }
)


def described(table: Headings, country: str | None) -> dict[str, pl.Series]:
    """Return what the source says of each site, as columns of `terms.PROTECTED_AREA`."""
    # WDPCA calls the English name NAME_ENG and the site's own NAME; WDPA's NAME is English, ORIG_NAME its own.
    original = table.values("name") if table.has("name_eng") else table.values(*_ORIGINAL_NAMES)
    statuses = table.values("status")
    designations = table.values(*_DESIGNATIONS)
    status = [value if value and value.lower() in _STATUSES else None for value in statuses]
    # A national file's "status" that is no status, as "Wildlife Sanctuary", is its designation.
    designations = [
        told if not found or found.lower() in (*_STATUSES, "not reported") else found
        for told, found in zip(designations, statuses, strict=True)
    ]
    if table.has("ahpsiteid"):
        designations = ["ASEAN Heritage Park"] * len(statuses)
    codes = [country_codes(value or country) for value in table.values(*_COUNTRIES)]
    if country is None and not any(codes):
        codes = _china_where_its_provinces_stand(table)
    return {
        "site_id": pl.Series([whole(v) for v in table.values("site_id")], dtype=pl.String),
        "wdpaid": pl.Series([whole(v) for v in table.values("wdpaid", "wdpa_id")], dtype=pl.String),
        "zone": pl.Series([_zone(value) for value in table.values(*_ZONES)], dtype=pl.String),
        "name": pl.Series(table.values(*NAMES), dtype=pl.String),
        "original_name": pl.Series(original, dtype=pl.String),
        "designation": pl.Series(designations, dtype=pl.String),
        "level": pl.Series([_LEVEL_NAMES.get((v or "").lower()) for v in table.values(*_LEVELS)], dtype=pl.String),
        "iucn_category": pl.Series([_IUCN.get((v or "").lower()) for v in table.values("iucn_cat")], dtype=pl.String),
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


def _zone(text: str | None) -> str | None:
    """Return the functional zone that the text names."""
    return _ZONE_NAMES.get((text or "").lower())


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


def whole(told: str | None) -> str | None:
    """Return an identifier that a table keeps as a float (`1001.0`) as the whole number that it is."""
    return told.removesuffix(".0") if told and re.fullmatch(r"\d+\.0", told) else told
