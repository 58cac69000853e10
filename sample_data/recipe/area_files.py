"""The protected areas as files: the WDPCA's new column names in GeoJSON, the older ones in a GeoPackage."""

import json
from pathlib import Path
from typing import Any

import shapely

from recipe import areas

NOTE = "SYNTHETIC sample: real name, made-up shape and identifier"
FIRST_ID = 999_000_001
PARCELS = {"gaoligong_a": "A", "gaoligong_b": "B", "gaoligong_c": "C"}
"""Parcels of one site: they share SITE_ID and differ in SITE_PID, as in the WDPCA."""


def make(out: Path) -> None:
    """Write `protected_areas.geojson` and `protected_areas_old_schema.gpkg`."""
    sites = identified()
    features = [
        {"type": "Feature", "properties": new_schema(site), "geometry": shapely.geometry.mapping(site["geometry"])}
        for site in sites
        if site["schema"] == "new"
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    note = "made-up shapes and ids around the real places of real protected areas"
    head = f'{{"type": "FeatureCollection", "name": "protected_areas", "SYNTHETIC": {json.dumps(note)}, "features": [\n'
    (out / "protected_areas.geojson").write_text(f"{head}{lines}\n]}}\n", encoding="utf-8")
    write_geopackage(
        out / "protected_areas_old_schema.gpkg",
        [(old_schema(site), site["geometry"]) for site in sites if site["schema"] == "old"],
    )


def identified() -> list[dict[str, Any]]:
    """Return the areas with made-up identifiers: one a site, parcels sharing theirs."""
    sites: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for row in areas.areas().iter_rows(named=True):
        number = numbers.setdefault(row["name_eng"] + row["iso3"], FIRST_ID + len(numbers))
        parcel = PARCELS.get(row["key"])
        sites.append({**row, "id": number, "pid": f"{number}_{parcel}" if parcel else str(number)})
    return sites


def new_schema(site: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes under the WDPCA's names: NAME_ENG is the English name, NAME the local one."""
    return {
        "SITE_ID": site["id"],
        "SITE_PID": site["pid"],
        "SITE_TYPE": "PA",
        "NAME_ENG": site["name_eng"],
        "NAME": site["name_local"] or site["name_eng"],
        "DESIG": site["designation"],
        "DESIG_ENG": site["designation"],
        "DESIG_TYPE": "National",
        "IUCN_CAT": site["iucn"],
        "INT_CRIT": "Not Applicable",
        "REALM": "Terrestrial",
        "REP_M_AREA": 0.0,
        "REP_AREA": site["rep_area_km2"],
        "GIS_AREA": round(areas.square_km(site["geometry"]), 2),
        "NO_TAKE": "Not Applicable",
        "NO_TK_AREA": 0.0,
        "STATUS": "Designated",
        "STATUS_YR": int(site["year"]),
        "GOV_TYPE": "Not Reported",
        "OWN_TYPE": "Not Reported",
        "MANG_AUTH": "Not Reported",
        "MANG_PLAN": "Not Reported",
        "VERIF": "Not Reported",
        "METADATAID": 0,
        "PRNT_ISO3": site["iso3"],
        "ISO3": site["iso3"],
        "SUPP_INFO": NOTE,
        "CONS_OBJ": "Not Reported",
        "INLND_WTRS": "Not Reported",
        "OECM_ASMT": "Not Applicable",
    }


def old_schema(site: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes under the older WDPA names: NAME is in Latin script, ORIG_NAME the local one."""
    return {
        "WDPAID": site["id"],
        "WDPA_PID": site["pid"],
        "PA_DEF": "1",
        "NAME": site["name_eng"],
        "ORIG_NAME": site["name_local"] or site["name_eng"],
        "DESIG": site["designation"],
        "DESIG_ENG": site["designation"],
        "DESIG_TYPE": "National",
        "IUCN_CAT": site["iucn"],
        "MARINE": "0",
        "REP_AREA": site["rep_area_km2"],
        "STATUS": "Designated",
        "STATUS_YR": int(site["year"]),
        "PARENT_ISO3": site["iso3"],
        "ISO3": site["iso3"],
        "SUPP_INFO": NOTE,
    }


def write_geopackage(path: Path, rows: list[tuple[dict[str, Any], shapely.Geometry]]) -> None:
    """Write a GeoPackage whose date of change is fixed."""
    import geopandas as gpd
    import pyogrio

    path.unlink(missing_ok=True)
    frame = gpd.GeoDataFrame(
        [attributes for attributes, _ in rows], geometry=[shape for _, shape in rows], crs="EPSG:4326"
    )
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-11-24T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(frame, path, layer="protected_areas", driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
