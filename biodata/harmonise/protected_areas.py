"""Protected areas interpreted: identity, names, geometry, areas, and the countries that hold them."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, MutableSet
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, terms
from biodata.errors import Refusal
from biodata.harmonise import area_borders, area_geometry
from biodata.harmonise.area_columns import NAMES, described, whole
from biodata.harmonise.headings import OWN_COLUMNS, Headings
from biodata.places import BoundarySet

_GLOBAL_IDS: Final = ("site_pid", "wdpa_pid", "site_id", "wdpaid", "ahpsiteid")
_LOCAL_IDS: Final = ("national_id", "site_code", "code", "map_id", "id", "gid")


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
            **described(table, (declarations or {}).get("country")),
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
    slugs = [_slug(name) for name in table.values(*NAMES)]
    times = Counter(slugs)
    digests = [
        hashlib.sha256(attributes.encode() + (geometry or b"")).hexdigest()[:12]
        for attributes, geometry in zip(_attributes(table), table.batch["geometry"], strict=True)
    ]
    return [
        _slug(whole(told)) or (slug if slug and times[slug] == 1 else "-".join(filter(None, (slug, digest))))
        for told, slug, digest in zip(found, slugs, digests, strict=True)
    ]


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
