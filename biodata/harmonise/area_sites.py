"""Who the sites of a table are: identity, the site that a part or a zone belongs to, and what the source says of each."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, MutableSet
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import terms
from biodata.harmonise.area_borders import country_codes
from biodata.harmonise.area_claims import claims
from biodata.harmonise.told import OWN_COLUMNS, Headings
from biodata.places import find_province, load_boundaries

# What the sources say of each site: which column means what, in WDPA's old and new files and in national ones.

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
        "zone": pl.Series([_zone(value) for value in table.values(*_ZONE_COLUMNS)], dtype=pl.String),
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

    Parcels of a SITE_ID or WDPAID, zones told under the same name, and rows of the same identity are parts of one
    site, which `part_of` names.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.protected_areas` gives it.
    dataset_key : str
        The dataset.
    declarations : mapping, optional
        `crs` where the coordinate system is told; if it is not, WGS 84 was assumed and each site with geometry is
        flagged. `country` for sites that tell none.
    seen : set of str, optional
        Identities already given in this dataset by other tables of the same ingest; is added to.

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `terms.PROTECTED_AREA`; geometry as it came, nothing computed from it.
    """
    table = Headings(batch)
    told = described(table, (declarations or {}).get("country"))
    attributes = _attributes(table)
    identities = _identities(table, told["zone"].to_list(), attributes)
    flags: list[list[str]] = [[] for _ in range(batch.height)]
    if declarations is not None and "crs" not in declarations:
        for row_flags, geometry in zip(flags, batch["geometry"], strict=True):
            if geometry is not None:
                row_flags.append("GEODETIC_DATUM_ASSUMED_WGS84")
    claimed = claims(table, told["country_codes"].to_list())
    for name, rows in claimed.flags.items():
        for at in rows.arg_true():
            flags[at].append(name)
    distinct = _distinct(identities, flags, seen)
    frame = pl.DataFrame(
        {
            "datasetKey": pl.repeat(dataset_key, batch.height, dtype=pl.String, eager=True),
            "source_record_id": pl.Series(distinct, dtype=pl.String),
            "area_id": pl.Series([f"{dataset_key}:{one}" for one in distinct], dtype=pl.String),
            "part_of": pl.Series([f"{dataset_key}:{one}" for one in _wholes(table, told, identities)], dtype=pl.String),
            "source_file": batch["source_file"],
            "source_row": batch["source_row"],
            **told,
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
    told = [name[:-1] if name[:-1] in OWN_COLUMNS else name for name in names]
    return [
        json.dumps({k: v for k, v in zip(told, row, strict=True) if v is not None}, ensure_ascii=False)
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
        _slug(whole(told)) or (slug if slug and times[slug] == 1 else _with_digest(slug, row, geometry))
        for told, slug, row, geometry in rows
    ]


def _with_digest(slug: str, attributes: str, geometry: bytes | None) -> str:
    """Return a name that others have, too, with a digest of the whole row."""
    digest = hashlib.sha256(attributes.encode() + (geometry or b"")).hexdigest()[:12]
    return "-".join(filter(None, (slug, digest)))


def _wholes(table: Headings, told: Mapping[str, pl.Series], identities: list[str]) -> list[str]:
    """Return what identifies the site that each row is, or is a part of."""
    names = table.values(*NAMES)
    return [
        _slug(site or older) or (_slug(name) if zone and name else "") or identity
        for site, older, zone, name, identity in zip(
            told["site_id"], told["wdpaid"], told["zone"], names, identities, strict=True
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
