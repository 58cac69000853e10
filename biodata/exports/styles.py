"""How layers and rasters look in QGIS: styles inside a GeoPackage, in the table `layer_styles` as QGIS 3.40 writes it, and beside a GeoTIFF."""

import csv
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from biodata.exports.templating import environment

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The table's form, its names and its place in gpkg_contents are QGIS's: it looks for f_table_name, f_geometry_column and
# useAsDefault when a layer is opened.
_TABLE: Final = """
CREATE TABLE "layer_styles" ( "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256),
"f_table_schema" TEXT(256), "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30),
"styleQML" TEXT, "styleSLD" TEXT, "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
"update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a feature is drawn.

    Attributes
    ----------
    colour : str
        #rrggbb; of the outline or the line, and of the fill.
    opacity : float
        Of the fill, 0-1.
    width_mm : float
        Of the outline or the line; of a point its size.
    dashed : bool
        True for a broken outline.
    label : str
        What the legend says.
    """

    colour: str
    opacity: float = 1.0
    width_mm: float = 0.3
    dashed: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn.

    Attributes
    ----------
    kind : str
        fill, line or marker.
    symbols : mapping of str to Symbol
        By the attribute's value; with an empty key what has none of the other values, or every feature.
    attribute : str
        What decides; empty where every feature looks the same.
    """

    kind: str
    symbols: Mapping[str, Symbol]
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Graduated:
    """How a layer is drawn by a number: as many classes as colours, with as many features in each.

    Attributes
    ----------
    kind : str
        fill, line or marker.
    attribute : str
        The column with the number; features without one are not drawn.
    colours : tuple of str
        #rrggbb, from the lowest class to the highest.
    opacity, width_mm : float
        As of a `Symbol`.
    """

    kind: str
    attribute: str
    colours: tuple[str, ...]
    opacity: float = 1.0
    width_mm: float = 0.3

    def classes(self, values: Sequence[float]) -> list[tuple[float, float, Symbol]]:
        """Return from, to and symbol of each class of some values; fewer classes where values repeat."""
        edges = np.unique(np.quantile(values, np.linspace(0, 1, len(self.colours) + 1))) if len(values) else np.zeros(1)
        pairs = list(pairwise(edges.tolist())) or [(float(edges[0]), float(edges[0]))]
        steps = np.linspace(0, len(self.colours) - 1, len(pairs)).round().astype(int)
        return [
            (low, high, Symbol(self.colours[step], self.opacity, self.width_mm, label=f"{low:.4g} - {high:.4g}"))
            for (low, high), step in zip(pairs, steps.tolist(), strict=True)
        ]


def _read_styles() -> Mapping[str, Style | Graduated]:
    """Read the styles of layers from `layer_styles.csv`."""
    found: dict[str, Style | Graduated] = {}
    with files("biodata").joinpath("data").joinpath("layer_styles.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, kind, look = row["layer"], row["kind"], (float(row["opacity"]), float(row["width_mm"]))
            if row["value"] == "graduated":
                found[name] = Graduated(kind, row["attribute"], tuple(row["colour"].split()), *look)
                continue
            symbol = Symbol(row["colour"], *look, dashed=row["dashed"] == "yes", label=row["label"])
            earlier = found.get(name)
            symbols = earlier.symbols if isinstance(earlier, Style) else {}
            found[name] = Style(kind, {**symbols, row["value"]: symbol}, row["attribute"])
    return MappingProxyType(found)


STYLES: Final = _read_styles()
"""By the layer's name; in the colours of the map."""


def add_styles(path: Path, layers: Iterable[str], *, as_of: str | None = None) -> None:
    """Put styles into a GeoPackage, so that QGIS opens its layers styled.

    Parameters
    ----------
    path : Path
        The GeoPackage.
    layers : iterable of str
        Names of its layers; those without a style of ours are passed over.
    as_of : str, optional
        ISO time of the styles; now where none is given.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        geometry = dict(connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        if not (chosen := [name for name in layers if name in STYLES and name in geometry]):
            return
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'layer_styles'").fetchone():
            connection.execute(_TABLE)
            stamp = connection.execute("SELECT coalesce(?, strftime('%Y-%m-%dT%H:%M:%fZ','now'))", [as_of]).fetchone()
            connection.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)"
                " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
                stamp,
            )
        for name in chosen:
            connection.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
                " styleQML, styleSLD, useAsDefault, description, owner, update_time)"
                " VALUES ('', '', ?, ?, ?, ?, '', 1, 'biodata', '', coalesce(?, strftime('%Y-%m-%dT%H:%M:%fZ','now')))",
                [name, geometry[name], name[:30], qml(STYLES[name], _values(connection, name)), as_of],
            )


def _values(connection: sqlite3.Connection, layer: str) -> list[float]:
    """Return the numbers that a layer is drawn by; none where it is drawn by none, or has no such column."""
    style = STYLES[layer]
    columns = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", [layer])}
    if not isinstance(style, Graduated) or style.attribute not in columns:
        return []
    found = connection.execute(f'SELECT "{style.attribute}" FROM "{layer}" WHERE "{style.attribute}" IS NOT NULL')  # noqa: S608  names of our own
    return [float(value) for (value,) in found]


def qml(style: Style | Graduated, values: Sequence[float] = ()) -> str:
    """Return a style as QGIS writes it; one by a number for these values, and for all alike where there are none."""
    graded = style.classes(values) if isinstance(style, Graduated) and values else []
    if isinstance(style, Graduated) and not values:
        style = Style(style.kind, {"": Symbol(style.colours[0], style.opacity, style.width_mm)})
    ordered = sorted(style.symbols.items(), key=lambda item: item[0] == "") if isinstance(style, Style) else []
    made = environment("biodata.exports")
    made.globals["options"] = _options
    return made.get_template("layer.qml").render(style=style, graded=graded, ordered=ordered).lstrip()


def _options(kind: str, symbol: Symbol) -> dict[str, str]:
    """Return the properties of a symbol's one layer."""
    solid, fill = _rgba(symbol.colour, 1.0), _rgba(symbol.colour, symbol.opacity)
    pen = "dash" if symbol.dashed else "solid"
    width = f"{symbol.width_mm:g}"
    if kind == "line":
        return {"line_color": solid, "line_style": pen, "line_width": width, "line_width_unit": "MM",
                "capstyle": "round", "joinstyle": "round"}  # fmt: skip
    if kind == "marker":
        return {"name": "circle", "color": fill, "size": width, "size_unit": "MM", "outline_color": "255,255,255,255",
                "outline_style": "solid", "outline_width": "0.2", "outline_width_unit": "MM"}  # fmt: skip
    return {"color": fill, "style": "solid", "outline_color": solid, "outline_style": pen, "outline_width": width,
            "outline_width_unit": "MM", "joinstyle": "round"}  # fmt: skip


def _rgba(colour: str, opacity: float) -> str:
    """Return a colour as QGIS writes it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"


# How rasters look in QGIS: a style file of the same name beside a GeoTIFF, which QGIS reads when it opens it.
@dataclass(frozen=True, slots=True)
class Shade:
    """A colour of a raster.

    Attributes
    ----------
    value : float
        The class, or the value where the colour is reached.
    colour : str
        #rrggbb.
    label : str
        What the legend says.
    """

    value: float
    colour: str
    label: str


def shades_of(values: "NDArray[Any]", colours: Sequence[str], *, unit: str) -> list[Shade]:
    """Return shades that run through colours, each over as many cells of a raster; none where no cell has a value."""
    known = values[np.isfinite(values)]
    if not known.size:
        return []
    edges = np.unique(np.quantile(known, np.linspace(0, 1, len(colours))))
    steps = np.linspace(0, len(colours) - 1, len(edges)).round().astype(int)
    return [Shade(v, colours[k], f"{v:.4g} {unit}") for v, k in zip(edges.tolist(), steps.tolist(), strict=True)]


def write_style(shades: Sequence[Shade], raster: Path, *, classes: bool) -> Path:
    """Write a raster's style beside it.

    Parameters
    ----------
    shades : sequence of Shade
        By rising value.
    raster : Path
        The GeoTIFF.
    classes : bool
        True where each value has its colour; else colours run into each other between them.

    Returns
    -------
    Path
        The .qml file.
    """
    path = raster.with_suffix(".qml")
    text = environment("biodata.exports").get_template("raster.qml").render(shades=shades, classes=classes)
    path.write_text(text.lstrip(), encoding="utf-8")
    return path
