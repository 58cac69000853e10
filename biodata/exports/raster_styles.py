"""How rasters look in QGIS: a style file of the same name beside a GeoTIFF, which QGIS reads when it opens it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    root = Element("qgis", {"version": "3.40.0", "styleCategories": "Symbology"})
    pipe = SubElement(root, "pipe")
    if classes:
        renderer = SubElement(pipe, "rasterrenderer", {"type": "paletted", "band": "1", "opacity": "1"})
        palette = SubElement(renderer, "colorPalette")
        for shade in shades:
            told = {"value": f"{shade.value:g}", "color": shade.colour, "label": shade.label, "alpha": "255"}
            SubElement(palette, "paletteEntry", told)
    else:
        low, high = shades[0].value, shades[-1].value
        limits = {"classificationMin": f"{low:g}", "classificationMax": f"{high:g}"}
        renderer = SubElement(
            pipe, "rasterrenderer", {"type": "singlebandpseudocolor", "band": "1", "opacity": "1", **limits}
        )
        shader = SubElement(SubElement(renderer, "rastershader"), "colorrampshader", {
            "colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0",
            "minimumValue": f"{low:g}", "maximumValue": f"{high:g}",
        })  # fmt: skip
        for shade in shades:
            SubElement(
                shader,
                "item",
                {"value": f"{shade.value:g}", "color": shade.colour, "label": shade.label, "alpha": "255"},
            )
    indent(root, " ")
    path = raster.with_suffix(".qml")
    text = f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{tostring(root, encoding='unicode')}\n"
    path.write_text(text, encoding="utf-8")
    return path
