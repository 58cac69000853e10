"""A cleaning's products as one GeoPackage, its report as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from biodata.harmonise.area_cleaning import Cleaned, Report, to_geodataframe

if TYPE_CHECKING:
    import pandas as pd

_LAYERS: Final = ("coverage", "planning")


def write_cleaned(cleaned: Cleaned, report: Report, path: Path) -> None:
    """Write the products of a cleaning and its report as a GeoPackage; the file appears whole or not at all.

    Parameters
    ----------
    cleaned : Cleaned
        What `area_cleaning.clean` returned.
    report : Report
        Of the same run.
    path : Path
        The file. Layers `coverage` and `planning` on the equal-area plane; tables without geometry `not_mapped`,
        `steps`, `sites` (what became of each row) and `countries`.
    """
    import pyogrio

    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    told = {"boundaries": report.boundaries}
    for name in _LAYERS:
        geometry = to_geodataframe(getattr(cleaned, name))
        kind = "Unknown" if name == "planning" else "MultiPolygon"
        pyogrio.write_dataframe(
            geometry,
            part,
            layer=name,
            driver="GPKG",
            geometry_type=kind,
            promote_to_multi=True,
            append=part.exists(),
            layer_metadata=told,
        )
    tables = {
        "not_mapped": cleaned.not_mapped,
        "steps": report.steps_table(),
        "sites": report.sites,
        "countries": report.countries,
    }
    for name, frame in tables.items():
        pyogrio.write_dataframe(
            _plain(frame),
            part,
            layer=name,
            driver="GPKG",
            append=True,
            layer_metadata=told,
        )
    part.replace(path)


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON; the file appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _plain(frame: pl.DataFrame) -> "pd.DataFrame":
    """Return a table without lists, as GDAL takes it."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).list.join(";")).to_pandas()
