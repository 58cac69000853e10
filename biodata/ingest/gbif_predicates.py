"""What to ask GBIF's download service for, as the predicates of its API.

https://techdocs.gbif.org/en/data-use/api-downloads
"""

from collections.abc import Collection, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from biodata.errors import InputError
from biodata.vocabularies import MEMBERS, SOUTHWEST_CHINA

Predicate = dict[str, Any]

# GBIF places records by GADM 3.6/4.1, whose identifiers number China's divisions by their English names.
GADM: Final = MappingProxyType(
    {
        "CN-YN": "CHN.30_1",
        "CN-GX": "CHN.7_1",
        "CN-GZ": "CHN.8_1",
        "CN-SC": "CHN.26_1",
        "CN-CQ": "CHN.3_1",
        "CN-XZ": "CHN.29_1",
    }
)

# How publishers write the province of a record without coordinates; GBIF compares without letter case.
SPELLINGS: Final = MappingProxyType(
    {
        "CN-YN": ("Yunnan", "Yunnan Sheng", "Yunnan Province", "Yünnan", "云南", "云南省"),
        "CN-GX": ("Guangxi", "Guangxi Zhuang", "Guangxi Zhuangzu Zizhiqu", "Kwangsi", "广西", "广西壮族自治区"),
        "CN-GZ": ("Guizhou", "Guizhou Sheng", "Guizhou Province", "Kweichow", "贵州", "贵州省"),
        "CN-SC": ("Sichuan", "Sichuan Sheng", "Sichuan Province", "Szechwan", "Szechuan", "四川", "四川省"),
        "CN-CQ": ("Chongqing", "Chongqing Shi", "Chongqing City", "Chungking", "重庆", "重庆市"),
        "CN-XZ": ("Xizang", "Tibet", "Xizang Zizhiqu", "Tibet Autonomous Region", "西藏", "西藏自治区"),
    }
)


def region(today: date) -> tuple[list[str], list[str]]:
    """Return the countries that are ASEAN members on a day, and the provinces of Southwest China in the wide sense."""
    countries = [code for code, m in MEMBERS.items() if m.asean_since is not None and m.asean_since <= today]
    return sorted(countries), sorted(SOUTHWEST_CHINA)


def predicate(
    *, countries: Sequence[str], provinces: Sequence[str], taxa: Sequence[str] = (), since: str | None = None
) -> Predicate:
    """Return the predicate of records of these places.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    provinces : sequence of str
        ISO 3166-2 codes of Southwest China.
    taxa : sequence of str
        GBIF's taxon keys; none means all.
    since : str, optional
        ISO date: only what GBIF interpreted on it or later.

    Returns
    -------
    dict
        For `POST occurrence/download/request`.

    Raises
    ------
    InputError
        If a code is not known (OPTION_INVALID), or there is no place at all.

    Notes
    -----
    A province is asked for in two ways: by GADM's division, which GBIF derives from coordinates, and, for records
    without coordinates, by the province as told. A polygon of ours would leave out the second, and tell our line
    instead of GBIF's; our own placing follows when the records are here.
    """
    _check(countries, {**MEMBERS}, "country")
    _check(provinces, GADM, "province")
    places: list[Predicate] = []
    if countries:
        places.append({"type": "in", "key": "COUNTRY", "values": list(countries)})
    if provinces:
        places.append({"type": "in", "key": "GADM_GID", "values": [GADM[code] for code in provinces]})
        spellings = [name for code in provinces for name in SPELLINGS[code]]
        unplaced = [_equals("COUNTRY", "CN"), _equals("HAS_COORDINATE", "false")]
        unplaced.append({"type": "in", "key": "STATE_PROVINCE", "values": spellings})
        places.append({"type": "and", "predicates": unplaced})
    if not places:
        problem = "no place is asked for"
        raise InputError(problem, expected="country=LA,KH or province=CN-YN", code="OPTION_INVALID")
    parts = [places[0] if len(places) == 1 else {"type": "or", "predicates": places}]
    if taxa:
        parts.append({"type": "in", "key": "TAXON_KEY", "values": list(taxa)})
    if since:
        parts.append({"type": "greaterThanOrEquals", "key": "LAST_INTERPRETED", "value": since})
    return parts[0] if len(parts) == 1 else {"type": "and", "predicates": parts}


def _equals(key: str, value: str) -> Predicate:
    return {"type": "equals", "key": key, "value": value}


def _check(codes: Sequence[str], known: Collection[str], what: str) -> None:
    for code in codes:
        if code not in known:
            problem = f"there is no {what} {code!r} in the scope"
            raise InputError(problem, expected=f"of {', '.join(sorted(known))}", code="OPTION_INVALID")
