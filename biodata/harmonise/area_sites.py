"""Who the sites of a table are: identity, the site that a part or a zone belongs to, and what the source says of each."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, MutableSet
from typing import Final

import polars as pl

from biodata import terms
from biodata.harmonise.area_claims import claims
from biodata.harmonise.area_columns import NAMES, described, whole
from biodata.harmonise.headings import OWN_COLUMNS, Headings

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
