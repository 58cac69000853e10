"""Corridors between a planner's own areas as one GeoPackage."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.exports.columns import CORRIDOR_COLUMNS, describe
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    from biodata.analysis.corridors import Network


def write_network(found: "Network", facts: dict[str, Any], path: Path, *, as_of: float) -> None:
    """Write corridors as a GeoPackage that appears whole or not at all; the same corridors give the same bytes.

    Parameters
    ----------
    found : Network
    facts : dict
        What the run was asked, for the table `run`.
    path : Path
        The file. Layers `corridors`, `paths` and `narrowest` in the raster's system, `barriers` and `pinch_points`
        where they were asked, with styles for QGIS and what their columns mean; a table `run`.
    as_of : float
        Time of the inputs, seconds since 1970, which GeoPackage keeps as the time of the last change.
    """
    import pandas as pd
    import pyogrio

    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    layers = [("corridors", found.corridors, "MultiPolygon"), ("paths", found.paths, "LineString")]
    layers += [("narrowest", found.narrowest, "Point")]
    if found.barrier_mosaic is not None:
        layers.append(("barriers", found.barriers, "Point"))
    if found.currents is not None:
        layers.append(("pinch_points", found.pinch_points, "Point"))
    changed = datetime.fromtimestamp(as_of, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": changed})
    try:
        for name, table, kind in layers:
            pyogrio.write_dataframe(
                table, part, layer=name, driver="GPKG", geometry_type=kind, promote_to_multi=kind == "MultiPolygon",
                append=part.exists(),
            )  # fmt: skip
        told = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
        pyogrio.write_dataframe(told, part, layer="run", driver="GPKG", append=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    add_styles(part, [name for name, _, _ in layers], as_of=changed)
    describe(part, CORRIDOR_COLUMNS)
    part.replace(path)
