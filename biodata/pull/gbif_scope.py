"""What is asked of GBIF, in people's words, and what that is in the words of its search and of its downloads.

https://techdocs.gbif.org/en/data-use/api-downloads
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from biodata.core.errors import InputError
from biodata.core.vocabularies import MEMBERS, SOUTHWEST_CHINA
from biodata.places import BoundarySet, country_geometry, province_geometry
from biodata.places.names import find_provinces

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Predicate = dict[str, Any]

COL: Final = "7ddf754f-d193-4cc9-b351-99906754a03b"
"""The Catalogue of Life's Extended Release, GBIF's taxonomy since 2026; its keys have letters."""
_KEY: Final = re.compile(r"[0-9A-Z]{1,12}")
_MOST_CORNERS: Final = 10_000
"""Of a polygon in a download."""
_LONGEST_WKT: Final = 1500
"""Of a polygon in a search, whose address must stay short."""

# GBIF places records by GADM 3.6/4.1, whose identifiers number China's divisions by their English names.
GADM: Final = MappingProxyType(
    {
        "CN-YN": "CHN.30_1", "CN-GX": "CHN.7_1", "CN-GZ": "CHN.8_1", "CN-SC": "CHN.26_1", "CN-CQ": "CHN.3_1",
        "CN-XZ": "CHN.29_1",
    }
)  # fmt: skip

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


def or_region(countries: Sequence[str]) -> list[str]:
    """Return countries, or where none is named China and the members of ASEAN today."""
    return sorted(countries) or ["CN", *region(datetime.now(UTC).date())[0]]


@dataclass(frozen=True)
class Taxon:
    """A taxon of the Catalogue of Life that a name or a key was found to be.

    Attributes
    ----------
    key : str
        The accepted taxon's key there.
    name, rank : str
        The accepted name.
    gbif_key : str or None
        Its key in GBIF's frozen backbone, where that is certain.
    """

    key: str
    name: str
    rank: str
    gbif_key: str | None = None


@dataclass(frozen=True)
class Scope:
    """What is asked for.

    Attributes
    ----------
    countries : tuple of str
        ISO 3166-1 alpha-2.
    provinces : tuple of str
        ISO 3166-2 codes of Southwest China.
    taxa : tuple of str
        Names, or keys of the Catalogue of Life or of GBIF's backbone, as asked.
    since : str, optional
        The year, or the day, from which on records are wanted.
    within : str, optional
        WKT of the area, its rings as GBIF wants them.
    raw : str, optional
        A predicate of GBIF's own, as JSON, which must hold, too.
    """

    countries: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    taxa: tuple[str, ...] = ()
    since: str | None = None
    within: str | None = None
    raw: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the scope as plain values; of an area only what states it from others."""
        facts = {"country": list(self.countries), "province": list(self.provinces), "taxon": list(self.taxa)}
        own = {"predicate": self.raw} if self.raw else {}
        return {**facts, "since": self.since, "within": self.within, **own}

    @cached_property
    def places(self) -> list[tuple[str, dict[str, str]]]:
        """What each place is called, and its parameter of GBIF's search, which takes one of them at a time, or a predicate."""
        if self.raw:
            return [("the predicate", {})]
        entries = [(code, {"country": code}) for code in self.countries]
        return [*entries, *((code, {"gadmGid": GADM[code]}) for code in self.provinces)] or [("the area", {})]

    def search(self, taxa: list[Taxon]) -> dict[str, Any]:
        """Return the parameters of GBIF's search for what is asked beside the place; a long outline is asked by its box."""
        facts: dict[str, Any] = {"checklistKey": COL, "taxonKey": [taxon.key for taxon in taxa] or None}
        if self.since:
            facts["year" if len(self.since) == 4 else "eventDate"] = f"{self.since},*"
        if self.within:
            facts["geometry"] = box_if_long(self.within)
        return facts

    @property
    def coarse(self) -> bool:
        """The search asks for more than the download: the box around the area."""
        return self.within is not None and len(self.within) > _LONGEST_WKT

    def predicate(self, taxa: list[Taxon], *, interpreted_since: str | None = None) -> Predicate:
        """Return the predicate of a download.

        A province is asked for in two ways: by GADM's division, which GBIF derives from coordinates, and, for records
        without coordinates, by the province as stated. A polygon of ours would leave out the second, and tell our line
        instead of GBIF's; our own placing follows when the records are here.
        """
        places: list[Predicate] = []
        if self.countries:
            places.append({"type": "in", "key": "COUNTRY", "values": list(self.countries)})
        if self.provinces:
            places.append({"type": "in", "key": "GADM_GID", "values": [GADM[code] for code in self.provinces]})
            spellings = [name for code in self.provinces for name in SPELLINGS[code]]
            unplaced = [_equals("COUNTRY", "CN"), _equals("HAS_COORDINATE", "false")]
            unplaced.append({"type": "in", "key": "STATE_PROVINCE", "values": spellings})
            places.append({"type": "and", "predicates": unplaced})
        parts = [places[0] if len(places) == 1 else {"type": "or", "predicates": places}] if places else []
        if taxa:
            parts.append(
                {"type": "in", "key": "TAXON_KEY", "values": [taxon.key for taxon in taxa], "checklistKey": COL}
            )
        if self.since:
            key = "YEAR" if len(self.since) == 4 else "EVENT_DATE"
            parts.append({"type": "greaterThanOrEquals", "key": key, "value": self.since})
        if self.within:
            parts.append({"type": "within", "geometry": self.within})
        if self.raw:
            parts.append(json.loads(self.raw))
        if interpreted_since:
            parts.append({"type": "greaterThanOrEquals", "key": "LAST_INTERPRETED", "value": interpreted_since})
        return parts[0] if len(parts) == 1 else {"type": "and", "predicates": parts}


def scope_of(
    countries: list[str], provinces: list[str], taxa: list[str], since: str | None, within: Path | None,
    boundaries: BoundarySet, *, predicate: Path | None = None,
) -> Scope:  # fmt: skip
    """Return what is asked for; the whole region where no place is named.

    Parameters
    ----------
    countries : list of str
        ISO 3166-1 alpha-2. China itself is not asked for where provinces of it are.
    provinces, taxa : list of str
        As a person writes them.
    since : str, optional
        YYYY or YYYY-MM-DD.
    within : Path, optional
        A file of polygons.
    boundaries : BoundarySet
        The set that knows provinces by their names.
    predicate : Path, optional
        A file of GBIF's own predicate, or of a whole request for a download.

    Raises
    ------
    InputError
        If a province, the time, the predicate or the area cannot be used (OPTION_INVALID, or as its file is read).
    """
    found = province_codes(provinces, boundaries)
    asked = [code for code in countries if code != "CN" or not found]
    if not asked and not found and within is None and predicate is None:
        asked, found = region(datetime.now(UTC).date())
    return Scope(
        tuple(sorted(set(asked))), tuple(sorted(set(found))), tuple(sorted({" ".join(text.split()) for text in taxa})), checked_time(since),
        None if within is None else outline(within), None if predicate is None else _predicate_of(predicate),
    )  # fmt: skip


def _predicate_of(file: Path) -> str:
    """Return the predicate of a file, in one form however it is written."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    content = content.get("predicate", content) if isinstance(content, dict) else {}
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        problem, expected = "this is no predicate", 'GBIF\'s JSON, {"type": "equals", "key": "COUNTRY", "value": "LA"}'
        raise InputError(problem, file=file.name, expected=expected, code="INPUT_FORMAT")
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def province_codes(provinces: Sequence[str], boundaries: BoundarySet) -> list[str]:
    """Return the ISO 3166-2 codes of provinces of Southwest China; OPTION_INVALID for any other."""
    found = []
    for text in provinces:
        codes = [code for code in find_provinces("CN", text, boundaries) if code in GADM]
        if len(codes) != 1:
            problem = "this is no province of Southwest China"
            expected = f"one of {', '.join(SPELLINGS[code][0] for code in GADM)}; of any other place its outline, --within FILE"
            raise InputError(problem, column="--province", value=text, expected=expected, code="OPTION_INVALID")
        found += codes
    return found


def place_of(
    countries: list[str], provinces: list[str], within: Path | None, boundaries: BoundarySet
) -> "tuple[str, BaseGeometry]":
    """Return what an area is called in the name of a file, and the area: of a file, or the land of places.

    Raises
    ------
    InputError
        If nothing is named (OPTION_INVALID), or as `outline` and `province_codes`.
    """
    import shapely

    if within is not None:
        return re.sub(r"\W+", "_", within.stem.lower()), shapely.from_wkt(outline(within))
    codes = province_codes(provinces, boundaries)
    lands = [country_geometry(code, boundaries) for code in countries]
    lands += [province_geometry(code, boundaries) for code in codes]
    if not lands:
        problem, expected = "the whole Earth is too much", "--country NAME, --province NAME or --within FILE"
        raise InputError(problem, expected=expected, code="OPTION_INVALID")
    return "_".join([*countries, *codes]).lower().replace("-", "_"), shapely.union_all(lands)


def outline(file: Path, *, most_corners: int = _MOST_CORNERS) -> str:
    """Return the area of a file's polygons as WKT in WGS 84, outer rings against the clock.

    Raises
    ------
    InputError
        If the file has no polygon (GEOMETRY_MISSING) or too many corners (GEOMETRY_TOO_LARGE).
    """
    import shapely

    from biodata.ingest.protected_areas import ProtectedAreaSource

    blobs = [
        blob
        for table in ProtectedAreaSource([file]).read()
        for batch in table.batches
        for blob in batch["geometry"].to_list()
    ]
    shapes = [
        shape
        for shape in shapely.from_wkb(blobs)
        if shape is not None and shape.geom_type in {"Polygon", "MultiPolygon"}
    ]
    if not shapes:
        problem = "there is no polygon in it"
        raise InputError(problem, file=file.name, expected="an area, as a polygon", code="GEOMETRY_MISSING")
    area = shapely.set_precision(shapely.union_all(shapes), 1e-5)
    if (corners := int(shapely.get_num_coordinates(area))) > most_corners:
        problem = f"the area has {corners:,} corners"
        expected = f"at most {most_corners:,}, as a simpler outline has"
        raise InputError(problem, file=file.name, expected=expected, code="GEOMETRY_TOO_LARGE")
    return str(shapely.to_wkt(shapely.orient_polygons(area, exterior_cw=False), rounding_precision=5, trim=True))


def taxon_of(pygbif: Any, text: str) -> Taxon:
    """Return the taxon that a name or a key means.

    Raises
    ------
    InputError
        If there is none (TAXON_UNKNOWN) or several (TAXON_AMBIGUOUS): the candidates are stated.
    """
    if text.isdigit():
        answer = pygbif.species.gbif_to_col(text)
        if answer.get("error"):
            problem = f"GBIF could not be asked what it is in the Catalogue of Life: {answer['error']}"
            raise InputError(problem, column="--taxon", value=text, code="TAXON_UNKNOWN")
    elif _KEY.fullmatch(text):
        answer = pygbif.species.name_backbone(usageKey=text)
    else:
        answer = pygbif.species.name_backbone(scientificName=text, verbose=True)
    found, diagnostics = answer.get("acceptedUsage") or answer.get("usage"), answer.get("diagnostics") or {}
    several = "multiple equal" in str(diagnostics.get("note") or "").lower()
    if not found or several or (diagnostics.get("matchType") or "EXACT") != "EXACT":
        _raise_unfound(text, answer, several=several)
    key = text if text.isdigit() else _backbone_key(pygbif, str(found["name"]))
    return Taxon(str(found["key"]), str(found["name"]), str(found.get("rank", "")), key)


def _raise_unfound(text: str, answer: dict[str, Any], *, several: bool) -> NoReturn:
    """Say which taxa a name may mean."""
    alternatives = (answer.get("diagnostics") or {}).get("alternatives") or []
    lines = [_called(one) for one in (answer, *alternatives) if one.get("usage")][:6]
    problem = "several taxa have this name" if several else "the Catalogue of Life has no taxon of exactly this name"
    expected = (
        f"one of these keys or names: {'; '.join(lines)}"
        if lines
        else "a scientific name as the Catalogue of Life has it"
    )
    code = "TAXON_AMBIGUOUS" if several else "TAXON_UNKNOWN"
    raise InputError(problem, column="--taxon", value=text, expected=expected, code=code)


def _called(answer: dict[str, Any]) -> str:
    """Return a candidate in words: its key, its name and what it belongs to."""
    usage = answer["usage"]
    above = [
        level["name"]
        for level in answer.get("classification") or []
        if level.get("rank") in {"KINGDOM", "CLASS", "FAMILY"}
    ]
    return f"{usage['key']} {usage['name']} ({', '.join([str(usage.get('rank', '')).lower(), *above])})"


def _backbone_key(pygbif: Any, name: str) -> str | None:
    """Return the key of a name in GBIF's frozen backbone, where it is certain."""
    answer = pygbif.species.name_backbone(scientificName=name, checklistKey=None)
    exact = (answer.get("diagnostics") or {}).get("matchType") == "EXACT"
    usage = answer.get("acceptedUsage") or answer.get("usage")
    return str(usage["key"]) if exact and usage else None


def checked_time(text: str | None) -> str | None:
    """Return a year or a day as it came (OPTION_INVALID where it is none)."""
    if text is None:
        return None
    try:
        date.fromisoformat(f"{text}-01-01" if re.fullmatch(r"\d{4}", text) else text)
    except ValueError as error:
        problem = "this is no year and no day"
        raise InputError(
            problem, column="--since", value=text, expected="YYYY or YYYY-MM-DD", code="OPTION_INVALID"
        ) from error
    return text


def first_day(since: str | None) -> str | None:
    """Return the first day of a year or a day that `checked_time` took."""
    return f"{since}-01-01" if since and len(since) == 4 else since


def box_if_long(wkt: str) -> str:
    """Return an outline that is short enough for an address: of a long one the box around it."""
    import shapely

    return (
        wkt
        if len(wkt) <= _LONGEST_WKT
        else str(shapely.to_wkt(shapely.box(*shapely.from_wkt(wkt).bounds), rounding_precision=5))
    )


def _equals(key: str, value: str) -> Predicate:
    return {"type": "equals", "key": key, "value": value}
