"""The columns of a protected area."""

from typing import Final

import polars as pl

from biodata.terms.columns import Column, Reach

_LAKE = Reach.LAKE

PROTECTED_AREA: Final = (
    Column("area_id", pl.String, "Identifier inside biodata, kept through re-ingests: dataset and the source's id."),
    Column("datasetKey", pl.String, "The dataset that the site came with."),
    Column("site_id", pl.String, "SITE_ID of the World Database on Protected and Conserved Areas."),
    Column("wdpaid", pl.String, "WDPAID of the older files."),
    Column("source_record_id", pl.String, "The site's identifier in its file.", _LAKE),
    Column("source_file", pl.String, "The file.", _LAKE),
    Column("source_row", pl.Int64, "Position in the file: the first feature is 1; in a table the heading is.", _LAKE),
    Column("part_of", pl.String, "The site of which this is a part or a zone; its own area_id where it is whole."),
    Column("zone", pl.String, "Functional zone, where told: core, buffer, experimental, control."),
    Column("name", pl.String, "Name in Latin script where the source gives one."),
    Column("original_name", pl.String, "Name in the site's own language."),
    Column("designation", pl.String, "Designation in words."),
    Column("level", pl.String, "Level of government, where told: national, provincial, municipal, county, local."),
    Column("iucn_category", pl.String, "IUCN management category: Ia, Ib, II, III, IV, V, VI, or null."),
    Column("status", pl.String, "Designated, Inscribed, Established, Proposed, …, as the source says; or null."),
    Column("status_year", pl.Int32, "Year of the status."),
    Column("is_oecm", pl.Boolean, "True for other effective area-based conservation measures."),
    Column("marine", pl.String, "terrestrial, coastal or marine, where told."),
    Column(
        "country_codes", pl.List(pl.String), "ISO 3166-1 alpha-2 codes that the source states, else those of the map."
    ),
    Column(
        "located_country_codes", pl.List(pl.String), "Codes of countries that hold more of it than the band allows."
    ),
    Column("reported_area_km2", pl.Float64, "Area that the source reports, km²."),
    Column("legal_area_km2", pl.Float64, "Area of the decree or gazette, km²; null where its unit is not known."),
    Column("legal_area_unit", pl.String, "Unit of that claim (ha, km2, mu, …), as told, or the only one that fits."),
    Column("zone_areas_km2", pl.String, "JSON object: functional zone → its area as the source tells it, km²."),
    Column("computed_area_km2", pl.Float64, "Area of the polygon on the ellipsoid, km²."),
    Column("spill_km2", pl.Float64, "Part of it on land of other countries than stated (or than holds most), km²."),
    Column("spill_outside_band_km2", pl.Float64, "Part of that spill farther from the border than the band, km²."),
    Column("quality_flags", pl.List(pl.String), "Names of the doubts, see biodata.flags."),
    Column("attributes", pl.String, "JSON object: every attribute as it came.", _LAKE),
    Column("geometry", pl.Binary, "WKB, degrees, WGS 84."),
)
"""The lake's and the release's table `protected_areas`."""
