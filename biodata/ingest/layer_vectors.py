"""A vector layer: which features it has, and where they lie."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import edges
from biodata.errors import InputError
from biodata.formats import declared_crs
from biodata.formats.vectors import Layer, open_layers, problem_of
from biodata.ingest.layer_kinds import KINDS, LayerKind

MAX_VERTICES: Final = 50_000_000
_FORMS: Final = {"Point": "points", "LineString": "lines", "LinearRing": "lines", "Polygon": "polygons"}
_LISTED: Final = 8


def describe(path: Path, options: Mapping[str, str]) -> tuple[dict[str, Any], pl.DataFrame]:
    """Return the row of the table `layers` that describes a vector layer, and its features.

    Parameters
    ----------
    path : Path
        What `biodata.formats.vectors.open_layers` takes.
    options : mapping of str to str
        `kind`, `crs`, `layer`, `encoding`, as `LayerSource` has them.

    Returns
    -------
    row : dict by column
    features : polars.DataFrame
        Every attribute as text, `geometry` (WKB) in the layer's own coordinates; without those that have no geometry.

    Raises
    ------
    InputError
        If the layer cannot be taken in, see `LayerSource`.
    """
    kind = KINDS.get(options.get("kind", ""))
    if kind is None:
        problem = "a layer of features needs a kind"
        expected = f"--option kind= with one of {', '.join(name for name, one in KINDS.items() if one.vector)}"
        raise InputError(problem, file=path.name, expected=expected, code="LAYER_KIND")
    if not kind.vector:
        problem = f"{kind.name} comes as cells, and this file holds features"
        raise InputError(problem, file=path.name, expected="a GeoTIFF", code="LAYER_KIND")
    layer = _only(open_layers(path, encoding=options.get("encoding"), layer=options.get("layer")), path.name)
    whole = pl.concat(list(layer.batches()) or [pl.DataFrame()], how="diagonal_relaxed")
    features, notes = _with_geometry(whole, layer.label)
    shapes = shapely.from_wkb(features["geometry"].to_numpy())
    edges.check_shapes(shapes, file=layer.label, most_vertices=MAX_VERTICES)
    bounds = tuple(float(edge) for edge in shapely.total_bounds(shapes))
    if not all(map(math.isfinite, bounds)):
        problem = "a feature lies at no finite place"
        raise InputError(problem, file=layer.label, code="LAYER_PLACE")
    placed = declared_crs.place(
        None if layer.crs is None else declared_crs.read_crs(layer.crs),
        (bounds[0], bounds[1], bounds[2], bounds[3]),
        file=layer.label,
        told=declared_crs.read_crs(options["crs"]) if "crs" in options else None,
    )
    forms = _forms(shapes)
    if len(forms) > 1:
        notes.append(f"the layer mixes geometries: {_told(forms)}")
    notes += _unexpected(forms, kind)
    if invalid := int((~shapely.is_valid(shapes)).sum()):
        notes.append(f"of {forms.total():,} geometries {invalid:,} not valid (rings that cross, …), kept as they came")
    row = {
        "form": "vector",
        "theme": kind.name,
        "kind": "features",
        "crs": declared_crs.text_of(placed.crs),
        "declared_crs": placed.declared,
        **dict(zip(("west", "south", "east", "north"), placed.bounds, strict=True)),
        "dtype": forms.most_common(1)[0][0],
        "features": features.height,
        "notes": [*placed.notes, *notes],
    }
    return row, features


def _only(layers: list[Layer], file: str) -> Layer:
    """Return the one layer, or refuse several."""
    if len(layers) > 1:
        names = [layer.label.rpartition("/")[2] for layer in layers]
        told = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
        problem = f"the file has {len(layers)} layers: {told}"
        expected = f"the one to take, as in --option layer={names[0]}"
        raise InputError(problem, file=file, expected=expected, code="LAYER_UNKNOWN")
    return layers[0]


def _with_geometry(frame: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[str]]:
    """Return the features that have a geometry that can be read, and what is told of the others."""
    if frame.is_empty() or "geometry" not in frame.columns:
        problem = "the layer has no feature"
        raise InputError(problem, file=file, code="LAYER_EMPTY")
    notes = []
    told = [None if wkb is None else problem_of(wkb, max_vertices=MAX_VERTICES) for wkb in frame["geometry"]]
    problems = pl.Series([None if one is None else one[1] for one in told], dtype=pl.String)
    damaged = problems.drop_nulls()
    if len(damaged):
        notes.append(f"{len(damaged):,} features are left out, their geometry cannot be read: {damaged[0]}")
    kept = frame.filter(problems.is_null() & pl.col("geometry").is_not_null())
    empty = shapely.is_empty(shapely.from_wkb(kept["geometry"].to_numpy())) if kept.height else np.zeros(0, bool)
    kept = kept.filter(~pl.Series(empty, dtype=pl.Boolean))
    without = frame.height - kept.height - len(damaged)
    if without:
        notes.append(f"{without:,} of {frame.height:,} features have no geometry and are left out")
    if kept.is_empty():
        problem = f"none of the layer's {frame.height:,} features has a geometry"
        raise InputError(problem, file=file, code="LAYER_EMPTY")
    return kept, notes


def _unexpected(forms: "Counter[str]", kind: LayerKind) -> list[str]:
    """Tell of features that a layer of the kind does not have as a rule."""
    others = Counter({form: number for form, number in forms.items() if form not in kind.forms})
    if not others:
        return []
    note = (
        f"{kind.name} are {' or '.join(kind.forms)} as a rule; of {forms.total():,} features here are {_told(others)}"
    )
    if "polygons" in others:
        note += "; all that lies inside a polygon is taken for one of them, and not its edge alone"
    return [note]


def _told(forms: "Counter[str]") -> str:
    """Return how many there are of which form."""
    return ", ".join(f"{form} {number:,}" for form, number in forms.most_common())


def _forms(shapes: Any) -> "Counter[str]":
    """Count the features by what they are: points, lines, polygons, or several of these in one."""
    found: Counter[str] = Counter()
    for name in (one.geom_type for one in shapes):
        found[_FORMS.get(name.removeprefix("Multi"), "collections")] += 1
    return found
