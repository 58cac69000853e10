"""Protected areas interpreted: WDPA's old and new columns, and those of national files, to one table.

Which column means what stands in the tables below; the first that a file has is used for all of its rows, so that two
claims of a source are never mixed. `REP_AREA` is in km² in WDPA and in the ASEAN Heritage Parks; other columns tell
their unit in the name; `GIS_AREA` and the like are somebody's computation and no report.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, MutableSet
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, terms
from biodata.errors import Refusal
from biodata.harmonise import area_borders, area_geometry
from biodata.harmonise.headings import OWN_COLUMNS, Headings
from biodata.places import BoundarySet

# WDPA and WDPCA: user manual 1.6 and its successor, https://www.protectedplanet.net/en/resources/wdpa-manual
_GLOBAL_IDS: Final = ("site_pid", "wdpa_pid", "site_id", "wdpaid", "ahpsiteid")
_LOCAL_IDS: Final = ("national_id", "site_code", "code", "map_id", "id", "gid")
_NAMES: Final = ("name_eng", "english", "ahpname", "name", "site_name")
_ORIGINAL_NAMES: Final = ("orig_name", "khmer", "name_local", "local_name")
_DESIGNATIONS: Final = ("desig_eng", "desig", "designation", "type", "category")
_YEARS: Final = ("status_yr", "yr_dec", "sign_year", "issuedate", "year")
_COUNTRIES: Final = ("iso3", "iso2", "iso_a2", "country_code", "country", "prnt_iso3", "parent_iso3", "parent_iso")
_REPORTED_AREA_KM2: Final = MappingProxyType(
    {
        "rep_area": 1.0,
        "area_km2": 1.0,
        "lsize_skm": 1.0,
        "area_kilom": 1.0,
        "current_ha": 0.01,
        "lsize_ha": 0.01,
        "size_ha": 0.01,
        "hectares": 0.01,
        "area_ha": 0.01,
    }
)
_STATUSES: Final = frozenset({"designated", "inscribed", "adopted", "established", "proposed"})
_IUCN: Final = MappingProxyType({name.lower(): name for name in ("Ia", "Ib", "II", "III", "IV", "V", "VI")})
_REALMS: Final = MappingProxyType(
    {
        **{"0": "terrestrial", "1": "coastal", "2": "marine"},
        **{"terrestrial": "terrestrial", "coastal": "coastal", "marine": "marine"},
        **{"terrestrial or inland waters": "terrestrial", "wetland": "terrestrial", "coastal and/or marine": "coastal"},
    }
)


def protected_areas(
    batch: pl.DataFrame,
    *,
    dataset_key: str,
    boundaries: BoundarySet,
    declarations: Mapping[str, str] | None = None,
    seen: MutableSet[str] | None = None,
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret the sites of one table.

    A site's identity is its SITE_PID or WDPA_PID, else SITE_ID, WDPAID or AHPSITEID; else a column of the file that
    identifies every one of its rows; else its name where no other site of the table has it; else the name with a
    digest of the whole row. A second site of the same identity is kept as `…~2`.

    Parameters
    ----------
    batch : polars.DataFrame
        A whole table of n rows, as `biodata.ingest.protected_areas` gives it.
    dataset_key : str
        The dataset.
    boundaries : BoundarySet
        Whose borders decide what spills over.
    declarations : mapping, optional
        `crs` where the coordinate system is told (if it is not, WGS 84 was assumed and each site is flagged);
        `country` for sites that tell none.
    seen : set of str, optional
        Identities already given in this dataset by other tables of the same ingest; is added to.

    Returns
    -------
    frame of `terms.PROTECTED_AREA`, list of Refusal
        n = rows + refusals: a site whose edges cross too often to be repaired is refused (GEOMETRY_TOO_COMPLEX).

    Notes
    -----
    Areas are computed on the ellipsoid; reported areas of 0 mean not known in WDPA. AREA_DISAGREES compares with the
    computed area; points and sites without geometry have none.
    """
    table = Headings(batch)
    frame = pl.DataFrame(
        {
            "datasetKey": pl.repeat(dataset_key, batch.height, eager=True),
            "source_record_id": _identities(table),
            "source_file": batch["source_file"],
            "source_row": batch["source_row"],
            **_described(table, (declarations or {}).get("country")),
            "attributes": _attributes(table),
        }
    )
    flags: list[list[str]] = [[] for _ in range(batch.height)]
    if declarations is not None and "crs" not in declarations:
        for row_flags in flags:
            row_flags.append("GEODETIC_DATUM_ASSUMED_WGS84")
    frame = frame.with_columns(pl.Series("source_record_id", _distinct(frame, flags, seen)))
    frame = frame.with_columns(area_id=pl.lit(f"{dataset_key}:") + pl.col("source_record_id"))
    shapes, too_complex = _shapes(batch["geometry"].to_list(), flags)
    frame = frame.with_columns(_measured(shapes, frame, boundaries, flags))
    frame = frame.with_columns(
        pl.Series("geometry", list(shapely.to_wkb(shapes)), dtype=pl.Binary),
        pl.Series("quality_flags", flags, dtype=pl.List(pl.String)),
    )
    refusals = [
        Refusal(file, row, "geometry", name, "GEOMETRY_TOO_COMPLEX", "its edges cross too often to be repaired")
        for file, row, name in frame.filter(too_complex).select("source_file", "source_row", "name").iter_rows()
    ]
    return terms.conform(frame.filter(~too_complex), terms.PROTECTED_AREA), refusals


def _attributes(table: Headings) -> list[str]:
    """Return each row's attributes as a JSON object, as they came and under their own names."""
    names = list(table.columns.values())
    told = [name[:-1] if name[:-1] in OWN_COLUMNS else name for name in names]
    return [
        json.dumps({k: v for k, v in zip(told, row, strict=True) if v is not None}, ensure_ascii=False)
        for row in table.batch.select(names).iter_rows()
    ]


def _identities(table: Headings) -> list[str]:
    """Return what identifies each row, see `protected_areas`; not yet distinct."""
    found = table.values(*_GLOBAL_IDS)
    if not any(found):
        for column in _LOCAL_IDS:
            values = table.values(column)
            if all(values) and len(set(values)) == len(values):
                found = values
                break
    slugs = [_slug(name) for name in table.values(*_NAMES)]
    times = Counter(slugs)
    digests = [
        hashlib.sha256(attributes.encode() + (geometry or b"")).hexdigest()[:12]
        for attributes, geometry in zip(_attributes(table), table.batch["geometry"], strict=True)
    ]
    return [
        _slug(_integer(told)) or (slug if slug and times[slug] == 1 else "-".join(filter(None, (slug, digest))))
        for told, slug, digest in zip(found, slugs, digests, strict=True)
    ]


def _integer(told: str | None) -> str | None:
    """Return an identifier that a table keeps as a float (`1001.0`) as the whole number that it is."""
    return told.removesuffix(".0") if told and re.fullmatch(r"\d+\.0", told) else told


def _slug(text: str | None) -> str:
    """Return the text with only letters, digits and `_.-`, as it can stand in an address."""
    return re.sub(r"[^\w.-]+", "_", text or "").strip("_")


def _distinct(frame: pl.DataFrame, flags: list[list[str]], seen: MutableSet[str] | None) -> list[str]:
    """Return identities of which none stands twice: the second is `…~2`, and flagged."""
    taken = set() if seen is None else seen
    result = []
    for identity, row_flags in zip(frame["source_record_id"], flags, strict=True):
        distinct, count = identity, 1
        while distinct in taken:
            count += 1
            distinct = f"{identity}~{count}"
        if count > 1:
            row_flags.append("SITE_REPEATED")
        taken.add(distinct)
        result.append(distinct)
    return result


def _described(table: Headings, country: str | None) -> dict[str, pl.Series]:
    """Return what the source says of each site."""
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
    column = next((name for name in _REPORTED_AREA_KM2 if table.has(name)), None)
    reported = [_number(value) for value in table.values(column)] if column else [None] * len(statuses)
    factor = _REPORTED_AREA_KM2[column] if column else 1.0
    codes = [area_borders.country_codes(value or country) for value in table.values(*_COUNTRIES)]
    return {
        "site_id": pl.Series([_integer(v) for v in table.values("site_id")], dtype=pl.String),
        "wdpaid": pl.Series([_integer(v) for v in table.values("wdpaid", "wdpa_id")], dtype=pl.String),
        "name": pl.Series(table.values(*_NAMES), dtype=pl.String),
        "original_name": pl.Series(original, dtype=pl.String),
        "designation": pl.Series(designations, dtype=pl.String),
        "iucn_category": pl.Series([_IUCN.get((v or "").lower()) for v in table.values("iucn_cat")], dtype=pl.String),
        "status": pl.Series(status, dtype=pl.String),
        "status_year": pl.Series([_year(value) for value in table.values(*_YEARS)], dtype=pl.Int32),
        "is_oecm": _oecm(table),
        "marine": pl.Series(
            [_REALMS.get((v or "").lower().removesuffix(".0")) for v in table.values("realm", "marine", "c_desc")],
            dtype=pl.String,
        ),
        "country_codes": pl.Series(codes, dtype=pl.List(pl.String)),
        "reported_area_km2": pl.Series(
            [value * factor if value and value > 0 else None for value in reported], dtype=pl.Float64
        ),
    }


def _oecm(table: Headings) -> pl.Series:
    """Return whether each site is an OECM: SITE_TYPE tells it, PA_DEF (1 protected area, 0 not) in older files."""
    types = [{"oecm": True, "pa": False}.get((value or "").lower()) for value in table.values("site_type")]
    older = [{"0": True, "1": False}.get((value or "").removesuffix(".0")) for value in table.values("pa_def")]
    return pl.Series([new if new is not None else old for new, old in zip(types, older, strict=True)], dtype=pl.Boolean)


def _number(text: str | None) -> float | None:
    """Return the number that the text is; None for anything else."""
    try:
        return float(text) if text and re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", text, re.IGNORECASE) else None
    except ValueError:
        return None


def _year(text: str | None) -> int | None:
    """Return the year that a year or a date begins with; None for 0, which means not reported."""
    found = re.match(r"(1[5-9]\d\d|20\d\d)(?!\d)", text or "")
    return int(found[1]) if found else None


def _shapes(blobs: list[bytes | None], flags: list[list[str]]) -> tuple[area_geometry.Geometries, pl.Series]:
    """Return valid geometries with their flags set, and which are too complex to be repaired."""
    shapes = area_geometry.read_wkb(blobs)
    too_complex = np.zeros(len(shapes), dtype=bool)
    for at, shape in enumerate(shapes):
        if shape is None:
            flags[at].append("GEOMETRY_MISSING")
            continue
        shape = shapes[at] = area_geometry.polygons_of(shape)
        if shape.geom_type in ("Point", "MultiPoint"):
            flags[at].append("GEOMETRY_POINT")
        elif not shape.is_valid:
            flags[at].append("GEOMETRY_INVALID")
            shapes[at] = area_geometry.repaired(shape)
            too_complex[at] = shapes[at] is None
    return shapes, pl.Series(too_complex, dtype=pl.Boolean)


def _measured(
    shapes: area_geometry.Geometries, frame: pl.DataFrame, boundaries: BoundarySet, flags: list[list[str]]
) -> list[pl.Series]:
    """Return computed areas and what spills over borders; doubts go into `flags`."""
    polygon = np.array([shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") for shape in shapes])
    computed = np.where(polygon, geo.area_km2(shapes), np.nan)
    spilled = area_borders.spill(shapes, frame["country_codes"].to_list(), boundaries)
    for at, (reported, area) in enumerate(zip(frame["reported_area_km2"], computed, strict=True)):
        if reported is not None and polygon[at] and abs(reported - area) > 0.1 * area:
            flags[at].append("AREA_DISAGREES")
        spill = spilled[at]
        if spill.spill_km2 is not None and spill.spill_km2 >= area_borders.LEAST_SPILL_KM2:
            flags[at].append("BOUNDARY_DISAGREEMENT")
        if spill.elsewhere:
            flags[at].append("COUNTRY_DISAGREES")
    return [
        pl.Series("computed_area_km2", computed).fill_nan(None),
        pl.Series("located_country_codes", [s.located for s in spilled], dtype=pl.List(pl.String)),
        pl.Series("spill_km2", [s.spill_km2 for s in spilled], dtype=pl.Float64),
        pl.Series("spill_outside_band_km2", [s.outside_band_km2 for s in spilled], dtype=pl.Float64),
    ]
