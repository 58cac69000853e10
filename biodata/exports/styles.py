"""How layers look in QGIS: styles inside a GeoPackage, in the table `layer_styles` as QGIS 3.40 writes it."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

# The table's form, its names and its place in gpkg_contents are QGIS's: it looks for f_table_name, f_geometry_column and
# useAsDefault when a layer is opened.
_TABLE: Final = """
CREATE TABLE "layer_styles" ( "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256),
"f_table_schema" TEXT(256), "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30),
"styleQML" TEXT, "styleSLD" TEXT, "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
"update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""
_FILL, _LINE, _MARKER = "fill", "line", "marker"


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


_EASY_TO_HARD: Final = ("#1a7f4b", "#8cbf4f", "#e8b93c", "#dd7733", "#b3282d")
_OPEN, _COARSE, _AREA, _CORRIDOR, _CANDIDATE = "#2c6fbb", "#c2571a", "#2e7d5b", "#7b4fa3", "#b8860b"
STYLES: Final[Mapping[str, Style | Graduated]] = MappingProxyType(
    {
        "corridors": Graduated(_FILL, "least_cost", _EASY_TO_HARD, 0.5),
        "paths": Graduated(_LINE, "least_cost", _EASY_TO_HARD, width_mm=0.8),
        "narrowest": Graduated(_MARKER, "narrowest_m", _EASY_TO_HARD[::-1], width_mm=2.6),
        "barriers": Style(_MARKER, {"": Symbol("#3a3a3a", width_mm=2.6)}),
        "pinch_points": Graduated(_MARKER, "current_a", _EASY_TO_HARD, width_mm=2.8),
        "pairs": Style(
            _LINE,
            {
                "unchanged": Symbol("#8a8a8a", width_mm=0.6, label="unchanged by the barriers"),
                "dearer": Symbol("#c2571a", width_mm=0.9, label="dearer: the way round"),
                "cut": Symbol("#c81e1e", width_mm=0.9, dashed=True, label="cut: the way that was"),
                "": Symbol("#2c6fbb", width_mm=0.6, label="cheaper or opened"),
            },
            "change",
        ),
        "corridors_open": Style(_FILL, {"": Symbol("#c81e1e", 0.3)}),
        "corridors_closed": Style(_FILL, {"": Symbol(_CORRIDOR, 0.45)}),
        "climate_corridors": Style(_FILL, {"": Symbol("#e57332", 0.35)}),
        "climate_paths": Style(_LINE, {"": Symbol("#b3282d", width_mm=0.7)}),
        "barrier_lines": Style(_LINE, {"": Symbol("#3a3a3a", width_mm=0.8)}),
        "crossings": Style(_MARKER, {"": Symbol("#2e7d5b", width_mm=3.0)}),
        "reserve_candidates": Style(
            _FILL,
            {
                "certain": Symbol(_CANDIDATE, 0.25, 0.9, label="evidence on both sides certain"),
                "": Symbol(_CANDIDATE, 0.1, 0.6, dashed=True, label="evidence on both sides probable"),
            },
            "evidence_tier",
        ),
        "considered_ground": Style(
            _FILL,
            {
                "candidate": Symbol(_CANDIDATE, 0.1, 0.6, label="candidate"),
                "without_evidence": Symbol("#6b7f99", 0.1, 0.4, dashed=True, label="without evidence: no records"),
                "": Symbol("#8a8a8a", 0.05, 0.3, dashed=True, label="fails a hard criterion"),
            },
            "outcome",
        ),
        "protected_areas": Style(_FILL, {"": Symbol(_AREA, 0.3)}),
        "planning_units": Style(
            _FILL,
            {
                "2": Symbol(_AREA, 0.6, 0.1, label="locked in"),
                "3": Symbol("#8a8a8a", 0.6, 0.1, label="locked out"),
                "1": Symbol(_CANDIDATE, 0.5, 0.1, label="in the first reserve"),
                "": Symbol("#b9b2a2", 0.1, 0.1, label="free"),
            },
            "status",
        ),
        "occurrences": Style(
            _MARKER,
            {
                "open": Symbol(_OPEN, width_mm=1.8, label="as recorded"),
                "": Symbol(_COARSE, width_mm=1.8, label="presence in a cell"),
            },
            "sharing_category",
        ),
    }
)
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
        chosen = [name for name in layers if name in STYLES and name in geometry]
        if not chosen:
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
    if isinstance(style, Graduated) and not values:
        style = Style(style.kind, {"": Symbol(style.colours[0], style.opacity, style.width_mm)})
    root = Element("qgis", {"version": "3.40.0", "styleCategories": "Symbology"})
    if isinstance(style, Graduated):
        told = {"type": "graduatedSymbol", "attr": style.attribute, "graduatedMethod": "GraduatedColor"}
        renderer = SubElement(
            root, "renderer-v2", {**told, "symbollevels": "0", "enableorderby": "0", "forceraster": "0"}
        )
        ranges = SubElement(renderer, "ranges")
        graded = style.classes(values)
        for number, (low, high, symbol) in enumerate(graded):
            told = {"lower": repr(low), "upper": repr(high), "symbol": str(number), "label": symbol.label}
            SubElement(ranges, "range", {**told, "render": "true"})
        _symbols(renderer, style.kind, [symbol for _, _, symbol in graded])
        return _document(root)
    kind = "categorizedSymbol" if style.attribute else "singleSymbol"
    renderer = SubElement(
        root, "renderer-v2", {"type": kind, "symbollevels": "0", "enableorderby": "0", "forceraster": "0"}
    )
    ordered = sorted(style.symbols.items(), key=lambda item: item[0] == "")
    if style.attribute:
        renderer.set("attr", style.attribute)
        categories = SubElement(renderer, "categories")
        for number, (value, symbol) in enumerate(ordered):
            # An empty value is QGIS's for whatever has none of the others.
            told = {"value": value, "type": "string" if value else "NULL", "symbol": str(number), "label": symbol.label}
            SubElement(categories, "category", {**told, "render": "true"})
    _symbols(renderer, style.kind, [symbol for _, symbol in ordered])
    return _document(root)


def _symbols(renderer: Element, kind: str, ordered: Sequence[Symbol]) -> None:
    """Put symbols into a renderer, named by their number."""
    symbols = SubElement(renderer, "symbols")
    for number, symbol in enumerate(ordered):
        drawn = SubElement(symbols, "symbol", {"type": kind, "name": str(number), "alpha": "1", "clip_to_extent": "1"})
        name = {_FILL: "SimpleFill", _LINE: "SimpleLine", _MARKER: "SimpleMarker"}[kind]
        layer = SubElement(drawn, "layer", {"class": name, "enabled": "1", "locked": "0", "pass": "0"})
        options = SubElement(layer, "Option", {"type": "Map"})
        for key, value in _options(kind, symbol).items():
            SubElement(options, "Option", {"name": key, "value": value, "type": "QString"})


def _document(root: Element) -> str:
    """Return a style's file."""
    indent(root, " ")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{tostring(root, encoding='unicode')}\n"


def _options(kind: str, symbol: Symbol) -> dict[str, str]:
    """Return the properties of a symbol's one layer."""
    solid, fill = _rgba(symbol.colour, 1.0), _rgba(symbol.colour, symbol.opacity)
    pen = "dash" if symbol.dashed else "solid"
    width = f"{symbol.width_mm:g}"
    if kind == _LINE:
        return {"line_color": solid, "line_style": pen, "line_width": width, "line_width_unit": "MM",
                "capstyle": "round", "joinstyle": "round"}  # fmt: skip
    if kind == _MARKER:
        return {"name": "circle", "color": fill, "size": width, "size_unit": "MM", "outline_color": "255,255,255,255",
                "outline_style": "solid", "outline_width": "0.2", "outline_width_unit": "MM"}  # fmt: skip
    return {"color": fill, "style": "solid", "outline_color": solid, "outline_style": pen, "outline_width": width,
            "outline_width_unit": "MM", "joinstyle": "round"}  # fmt: skip


def _rgba(colour: str, opacity: float) -> str:
    """Return a colour as QGIS writes it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"
