"""Corridors, scenarios of barriers, and climate as GeoPackages and rasters: the same layers, wherever they come from; networks as tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pandas as pd

from biodata.exports.cog import write_cog
from biodata.exports.layers import Told, column_meanings, in_known_system, published, to_geodataframe, write_layers
from biodata.exports.styles import Shade, write_style

if TYPE_CHECKING:
    import geopandas as gpd
    import polars as pl

    from biodata.analysis.corridors import Network as Corridors
    from biodata.analysis.grid import Floats, Grid
    from biodata.analysis.scenarios.barriers import Barrier
    from biodata.analysis.scenarios.comparing import Comparison

if TYPE_CHECKING:
    import pandas as pd

    from biodata.analysis.networks.network import Network
Layer = tuple[str, "gpd.GeoDataFrame", str]
"""Name, table and kind of geometry."""
_OF_PATH = ("corridor_id", "from_area_id", "to_area_id", "from_name", "to_name", "least_cost", "path_length_m",
            "cost_per_path_m")  # fmt: skip
_OF_PLACE = ("corridor_id", "from_area_id", "to_area_id", "from_name", "to_name", "narrowest_m")


def write_network(found: "Corridors", facts: Mapping[str, Any], path: Path, *, as_of: float) -> None:
    """Write the corridors of a raster as a GeoPackage; the same corridors give the same bytes.

    Parameters
    ----------
    found : analysis.corridors.Network
    facts : mapping
        What the run was asked, for the table `run`.
    path : Path
        The file. Layers `corridors`, `paths` and `narrowest`, `barriers` and `pinch_points` where they were asked, and
        the table `run`.
    as_of : float
        Time of the inputs, seconds since 1970, which GeoPackage keeps as the time of the last change.
    """
    layers: list[Layer] = [("corridors", found.corridors, "MultiPolygon"), ("paths", found.paths, "LineString")]
    layers += [("narrowest", found.narrowest, "Point")]
    if found.barrier_mosaic is not None:
        layers.append(("barriers", found.barriers, "Point"))
    if found.currents is not None:
        layers.append(("pinch_points", found.pinch_points, "Point"))
    changed = datetime.fromtimestamp(as_of, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    write_run(layers, facts, path, columns=column_meanings("corridors"), as_of=changed)


def write_published(frame: "pl.DataFrame", path: Path) -> None:
    """Write corridors of an installation as a GeoPackage with the layers of `write_network`.

    Parameters
    ----------
    frame : polars.DataFrame of terms.PUBLISHED_TABLES["corridors"]
        Of one run, or of several, whose facts then stand one below the other in the table `run`.
    path : Path
        The file.
    """
    evidence = [json.loads(text) for text in frame["evidence"]]
    runs = {row["run_id"]: reported.get("run", {}) for row, reported in zip(frame.to_dicts(), evidence, strict=True)}
    columns = {**column_meanings("corridors"), **published("corridors")}
    write_run(published_layers(frame), runs, path, columns=columns)


def published_layers(frame: "pl.DataFrame") -> list[Layer]:
    """Return published corridors as the layers `corridors`, `paths` and `narrowest`."""
    import geopandas as gpd
    import polars as pl
    import shapely

    evidence = [json.loads(text) for text in frame["evidence"]]
    corridors = to_geodataframe(frame)
    corridors["cut_cost"] = pl.Series([one.get("cut_cost") for one in evidence], dtype=pl.Float64).to_numpy()
    for name in ("through", "notes"):
        corridors[name] = [("; " if name == "through" else " ").join(one.get(name) or []) for one in evidence]
    linked = frame.filter(pl.col("path").is_not_null())
    paths = gpd.GeoDataFrame(
        linked.select(_OF_PATH).to_pandas(), geometry=shapely.from_wkb(linked["path"].to_numpy()), crs=4326
    )
    placed = frame.filter(pl.col("narrowest_longitude").is_not_null(), pl.col("narrowest_latitude").is_not_null())
    places = shapely.points(placed.select("narrowest_longitude", "narrowest_latitude").to_numpy())
    narrowest = gpd.GeoDataFrame(placed.select(_OF_PLACE).to_pandas(), geometry=places, crs=4326)
    return [("corridors", corridors, "MultiPolygon"), ("paths", paths, "LineString"), ("narrowest", narrowest, "Point")]


def write_run(
    layers: Sequence[Layer], facts: Mapping[str, Any], path: Path, *, columns: Mapping[str, Told],
    as_of: str | None = None,
) -> None:  # fmt: skip
    """Write the layers of a run, styled and described, as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    layers : sequence of Layer
        In systems that GIS know by number as they are; others, such as an equal-area plane around a window, in WGS 84.
    facts : mapping
        What the run was asked, for the table `run`.
    path : Path
        The file.
    columns : mapping of str to (unit, meaning)
        By the column's name.
    as_of : str, optional
        ISO time of the last change; now where none is given.
    """
    rows = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    write_layers(
        {name: in_known_system(table) for name, table, _ in layers}, path, tables={"run": rows},
        kinds={name: kind for name, _, kind in layers}, columns=columns, as_of=as_of,
    )  # fmt: skip


# The open and the closed border side by side as one GeoPackage and a difference map.
DIFFERENCE_SHADES: Final = (
    Shade(1, "#7b4fa3", "corridor with the border open and closed"),
    Shade(2, "#c81e1e", "corridor with the border open only: lost"),
    Shade(3, "#2c6fbb", "corridor with the border closed only: the way round"),
    Shade(4, "#3a3a3a", "barrier"),
)
_COMPARED: Final = ("functional", "least_cost", "path_length_m", "narrowest_m", "width_m", "area_km2")


def _scenario_columns() -> dict[str, Told]:
    """Return what the columns of scenarios mean: those of corridors, of both states of the border, and their own."""
    corridor = column_meanings("corridors")
    both = {
        f"{name}_{column}": (corridor[column][0], f"With the border {name}: {corridor[column][1]}")
        for name in ("open", "closed")
        for column in _COMPARED
    }
    return {**corridor, **both, **column_meanings("scenarios")}


def write_comparison(found: "Comparison", barriers: "list[Barrier]", facts: dict[str, Any], path: Path) -> None:
    """Write a comparison as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    found : Comparison
    barriers : list of Barrier
    facts : dict
        What the run was asked, for the table `run`.
    path : Path
        The file. Layers `pairs`, `crossings`, `barrier_lines`, and `corridors_open`, `corridors_closed`.
    """
    layers = [("pairs", found.pairs, "LineString")]
    layers += [("corridors_open", found.open.corridors, "MultiPolygon")]
    layers += [("corridors_closed", found.closed.corridors, "MultiPolygon")]
    layers += [("barrier_lines", barrier_table(barriers, found), "Unknown")]
    if found.crossings:
        layers.append(("crossings", crossing_table(found), "Unknown"))
    write_run(layers, facts, path, columns=_scenario_columns())


def write_difference(found: "Comparison", grid: "Grid", path: Path, *, tags: dict[str, str]) -> Path:
    """Write the difference map with its style; return the style's file."""
    write_cog(
        found.difference, grid, path, classes=True, tags=tags,
        description="corridors: 1 border open and closed, 2 open only, 3 closed only, 4 barrier",
    )  # fmt: skip
    return write_style(DIFFERENCE_SHADES, path, classes=True)


def barrier_table(barriers: "list[Barrier]", found: "Comparison") -> Any:
    """Return barriers as a GeoDataFrame."""
    import geopandas as gpd
    import numpy as np

    return gpd.GeoDataFrame(
        {
            "barrier_id": [one.barrier_id for one in barriers],
            "kind": [one.kind for one in barriers],
            "resistance": [one.resistance if np.isfinite(one.resistance) else None for one in barriers],
        },
        geometry=[one.shape for one in barriers],
        crs=found.closed.grid.crs,
    )


def crossing_table(found: "Comparison") -> Any:
    """Return crossings with what each is worth as a GeoDataFrame, those that open most first."""
    from dataclasses import asdict

    import geopandas as gpd

    places = {one.crossing_id: one for one in found.ground.crossings}
    table = pd.DataFrame([asdict(one) for one in found.crossings])
    table["width_m"] = [places[one.crossing_id].width_m for one in found.crossings]
    shapes = [places[one.crossing_id].shape for one in found.crossings]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=found.closed.grid.crs)


# Climate velocity and analogues as rasters with styles, and what becomes of areas as a GeoPackage.
_COLOURS: Final = ("#fff7d6", "#f9c15c", "#e57332", "#b3282d", "#5a1233")


def write_speed(values: "Floats", grid: "Grid", path: Path, *, description: str, tags: dict[str, str]) -> Path:
    """Write kilometres a year with a style in five steps of quantiles; return the style's file."""
    write_cog(values, grid, path, description=description, unit="km/year", tags=tags)
    known = np.abs(values[np.isfinite(values)])
    steps = np.quantile(known, [0.05, 0.25, 0.5, 0.75, 0.95]) if known.size else np.arange(5.0)
    shades = [Shade(float(v), c, f"{v:.3g} km/year") for v, c in zip(steps, _COLOURS, strict=True)]
    return write_style(shades, path, classes=False)


def write_areas(layers: dict[str, Any], facts: dict[str, Any], path: Path) -> None:
    """Write GeoDataFrames and what was asked as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    layers : dict of str to geopandas.GeoDataFrame
        By the layer's name.
    facts : dict
        What the run was asked, for the table `run`.
    path : Path
        The file.
    """
    kinds = {"climate_paths": "LineString"}
    rows = [(name, table, kinds.get(name, "MultiPolygon")) for name, table in layers.items()]
    write_run(rows, facts, path, columns=column_meanings("climate"))


# A network's indices and importances as JSON, as tables, and in the files that Conefor 2.6 writes.
_OVERALL: Final = (
    "NL", "NC", "H", "CCP", "LCP", "IICnum", "EC(IIC)", "IIC", "F", "AWF", "PCnum", "EC(PC)", "PC", "PCintra(%)", "PCdirect(%)",
    "PCstep(%)",
)  # fmt: skip
_OF_NODES: Final = (
    "dA", "dIIC", "dIICintra", "dIICflux", "dIICconnector", "dPC", "dPCintra", "dPCflux", "dPCconnector",
)  # fmt: skip
"""Rows and columns of Conefor's files, in its order."""


def write_conefor(network: "Network", folder: Path) -> None:
    """Write overall_indices.txt, node_importances.txt and link_importances.txt as Conefor 2.6 does.

    Numbers have ten digits where Conefor rounds to seven; what is not known is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(name, _number_text(network.overall[name])) for name in _OVERALL if network.overall.get(name) is not None]
    _write_tabbed(folder / "overall_indices.txt", rows)
    nodes = [("Node", "node"), *((name, name) for name in _OF_NODES if name in network.nodes)]
    _write_tabbed(folder / "node_importances.txt", _tabbed_rows(network.nodes, nodes))
    if links := [(name, name) for name in ("dIIC", "dPC") if name in network.links]:
        columns = [("Node1", "first"), ("Node2", "second"), *links]
        _write_tabbed(folder / "link_importances.txt", _tabbed_rows(network.links, columns))


def _number_text(value: Any) -> str:
    """Return a number as text, whole ones without a point."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _tabbed_rows(table: "pd.DataFrame", columns: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return a heading and rows; each ends with a tab, as Conefor's do."""
    found = [(*(name for name, _ in columns), "")]
    values = table[[own for _, own in columns]].itertuples(index=False, name=None)
    found += [(*("" if value != value else _number_text(value) for value in row), "") for row in values]
    return found


def _write_tabbed(path: Path, rows: Sequence[tuple[str, ...]]) -> None:
    """Write rows with tabs."""
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8", newline="\n")


def write_json(network: "Network", path: Path) -> None:
    """Write parameters, overall indices, nodes, links and paths; what is not known is null. The file appears whole or not."""
    found = {
        "parameters": network.parameters,
        "overall": network.overall,
        "nodes": network.nodes.to_dict("records"),
        "links": network.links.to_dict("records"),
        "paths": network.paths,
    }
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    part.replace(path)


def write_tables(network: "Network", folder: Path) -> list[Path]:
    """Write overall_indices.csv, node_importances.csv and link_importances.csv; what is not known is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    overall = pd.DataFrame({"index": list(network.overall), "value": list(network.overall.values())}, dtype=object)
    written = []
    for name, table in (
        ("overall_indices", overall),
        ("node_importances", network.nodes),
        ("link_importances", network.links),
    ):
        path = folder / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n")
        written.append(path)
    return written
