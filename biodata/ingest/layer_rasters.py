"""Kinds of layers; a raster layer: what its cells hold, which legend they belong to, what of it has to be written anew."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from tqdm.auto import tqdm

from biodata.core.errors import InputError
from biodata.core.geo import METRES_PER_DEGREE
from biodata.formats import grids
from biodata.ingest import declared_crs
from biodata.text import legends

# What kinds of layers there are, and what each may hold.
MEASURES: Final = ("categorical", "continuous")
"""What the cells of a raster are: classes or quantities."""


@dataclass(frozen=True, slots=True)
class LayerKind:
    """A kind of layer.

    Attributes
    ----------
    name : str
        As `--kind` names it.
    measure : str or None
        `categorical` or `continuous`; None where the cells decide.
    vector : bool
        True where it may come as features.
    lowest, highest : float or None
        Values that a cell can have; None where nothing bounds them.
    unit : str
        Of its values; empty where they have none.
    forms : tuple of str
        What its features are: points, lines, polygons.
    """

    name: str
    measure: str | None
    vector: bool
    lowest: float | None = None
    highest: float | None = None
    unit: str = ""
    forms: tuple[str, ...] = ()


KINDS: Final[Mapping[str, LayerKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            LayerKind("land_cover", "categorical", vector=False),
            # From the shore of the Dead Sea to the top of Chomolungma, with the error of a model at a peak.
            LayerKind("elevation", "continuous", vector=False, lowest=-500, highest=9000, unit="m"),
            LayerKind("population", "continuous", vector=False, lowest=0, unit="people"),
            # From 0 to 1 or, as Keeley et al. 2016 tell it, to 100.
            LayerKind("suitability", "continuous", vector=False, lowest=0, highest=100),
            LayerKind("roads", None, vector=True, forms=("lines",)),
            LayerKind("rivers", None, vector=True, forms=("lines", "polygons")),
            LayerKind("settlements", None, vector=True, forms=("points", "polygons")),
            LayerKind("fence", None, vector=True, forms=("lines",)),
            LayerKind("mine", None, vector=True, forms=("points", "polygons")),
            LayerKind("dam", None, vector=True, forms=("points", "lines", "polygons")),
        )
    }
)


def find_kind(text: str) -> LayerKind:
    """Return a kind by the name that a person gives it.

    Raises
    ------
    InputError
        If there is none (OPTION_INVALID).
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in KINDS:
        problem = "the kind of a layer is not known"
        expected = f"one of {', '.join(KINDS)} (or, of a raster's cells, {' or '.join(MEASURES)})"
        raise InputError(problem, column="kind", value=text, expected=expected, code="OPTION_INVALID")
    return KINDS[name]


# What a raster's cells hold: their values counted block by block, never all of them in memory.

MAX_VALUES: Final = 20_000
"""Values are counted one by one as long as there are no more different ones."""


@dataclass
class Cells:
    """What was counted.

    Attributes
    ----------
    values : Counter of float to int, or None
        Cells by value, those without data left out; None where there are more than `MAX_VALUES` values.
    empty : int
        Cells without data, as the file declares them by a value or a mask.
    lowest, highest : float
        Of the cells with data; inf and -inf where there are none.
    whole : bool
        True where every value is a whole number.
    """

    values: "Counter[float] | None" = field(default_factory=Counter)
    empty: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    whole: bool = True

    @property
    def any(self) -> bool:
        """True where some cell has data."""
        return self.lowest <= self.highest


def count(raster: Any, band: int, *, nodata: float | None, file: str, progress: bool = False) -> Cells:
    """Read every cell of a band and count what is in it.

    Parameters
    ----------
    raster : rasterio.DatasetReader
    band : int
        The band's number.
    nodata : float, optional
        The value that stands for no data; nan stands for it, too.
    file : str
        What a person calls it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Cells
    """
    found = Cells()
    windows = [window for _, window in raster.block_windows(band)]
    for window in tqdm(windows, desc=file, unit="block", disable=not progress):
        whole, kept = grids.read(raster, band, window)
        cells = whole.ravel()
        good = cells == cells
        if kept is not None:
            good &= kept.ravel()
        if nodata is not None and not np.isnan(nodata):
            # A file of float32 tells its nodata value as float64, which then equals none of its cells.
            good &= cells != np.asarray(nodata).astype(cells.dtype)
        found.empty += int(cells.size - good.sum())
        _add(found, cells if good.all() else cells[good])
    return found


def _add(found: Cells, cells: Any) -> None:
    """Count more cells."""
    if not cells.size:
        return
    found.lowest, found.highest = min(found.lowest, float(cells.min())), max(found.highest, float(cells.max()))
    integral = np.issubdtype(cells.dtype, np.integer)
    if found.whole and not integral:
        found.whole = bool(np.all(np.isfinite(cells)) and np.all(cells == np.rint(cells)))
    if found.values is None:
        return
    if integral and found.highest - found.lowest <= 4 * MAX_VALUES:
        low = int(cells.min())
        tallied = np.bincount(cells.astype(np.int64) - low)
        values = np.flatnonzero(tallied)
        pairs = zip((values + low).tolist(), tallied[values].tolist(), strict=True)
    else:
        unique, counts = np.unique(cells, return_counts=True)
        pairs = zip(unique.tolist(), counts.tolist(), strict=True)
    for value, number in pairs:
        found.values[float(value)] += number
    if len(found.values) > MAX_VALUES:
        found.values = None


MAX_CLASSES: Final = 64
"""A layer of whole numbers with more distinct values is taken for quantities, unless it is stated to be land cover."""
_MAX_LAND_COVER_CLASSES: Final = 256
_SENTINELS: Final = (-9999.0, -32768.0, -99999.0, 65535.0, 32767.0, 255.0)
_MANY_ZEROS: Final = 0.2
_LISTED: Final = 8


def describe(path: Path, options: Mapping[str, str], *, progress: bool = False) -> dict[str, Any]:
    """Return the row of the table `layers` that describes a raster.

    Parameters
    ----------
    path : Path
        A GeoTIFF.
    options : mapping of str to str
        `kind`, `crs`, `band`, `nodata`, `legend`, as `LayerSource` has them.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        By column; besides `band` and `rewrite` (what the stored copy must state otherwise than the file).

    Raises
    ------
    InputError
        If the file cannot be taken in, see `LayerSource`.
    """
    kind = KINDS.get(options.get("kind", ""))
    crs = declared_crs.read_crs(options["crs"]) if "crs" in options else None
    with grids.opened(path) as raster:
        band = grids.choose_band(raster, path.name, options.get("band"))
        grids.check_north_up(raster, path.name)
        placed = declared_crs.place(
            None if not raster.crs else declared_crs.read_crs(raster.crs.to_wkt()),
            tuple(raster.bounds),
            file=path.name,
            cell=raster.transform.a,
            told=crs,
        )
        notes = list(placed.notes)
        dtype = raster.dtypes[band - 1]
        nodata = _nodata(options.get("nodata"), raster.nodatavals[band - 1], dtype, path.name)
        if (lossy := grids.loses(raster)) is not None:
            notes.append(f"the file is compressed with loss ({lossy}): values are not those that were measured")
        cells = count(raster, band, nodata=nodata, file=path.name, progress=progress)
        measure = _measure(cells, kind, options.get("kind"), dtype, path.name)
        legend = None
        empty: tuple[int, ...] = ()
        if measure == "categorical" and (kind is None or kind.name == "land_cover"):
            cell_m = raster.transform.a * (METRES_PER_DEGREE if placed.crs.is_geographic else 1)
            palette = "palette" in [one.name for one in raster.colorinterp]
            legend, empty = _legend(cells, options, cell_m, path.name, notes, palette=palette)
        if kind is not None:
            _check_values(cells, kind, nodata, path.name, notes, scaling=grids.scaling(raster, band))
        elif nodata is None:
            notes += _looks_empty(cells)
        if empty and nodata is None:
            nodata = float(empty[0])
        notes += _scaled(grids.scaling(raster, band), measure)
        masked = grids.masked(raster, band)
        if masked and nodata is None:
            nodata = _free_value(cells, dtype, path.name)
        # What the file itself does not say, or says otherwise, the stored copy has to say.
        rewrite = (
            raster.count > 1
            or masked
            or placed.declared is not None
            or repr(nodata) != repr(raster.nodatavals[band - 1])  # nan is not equal to itself
            or any(value != nodata for value in empty)
        )
        return {
            "form": "raster",
            "theme": None if kind is None else kind.name,
            "kind": measure,
            "crs": declared_crs.text_of(placed.crs),
            "declared_crs": placed.declared,
            "width": raster.width,
            "height": raster.height,
            **dict(zip(("west", "south", "east", "north"), placed.bounds, strict=True)),
            "dtype": dtype,
            "nodata": nodata,
            "legend": legend,
            "notes": notes,
            "band": band,
            "empty": list(empty),
            "rewrite": rewrite,
        }


def _nodata(text: str | None, declared: float | None, dtype: str, file: str) -> float | None:
    """Return the value that stands for no data: as stated, else as the file declares."""
    if text is None:
        return declared
    try:
        value = float(text)
        representable = np.issubdtype(np.dtype(dtype), np.floating) or (
            value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
        )
    except ValueError:
        representable = False
    if not representable:
        problem = "no cell can have this value"
        expected = f"a number of the type {dtype}"
        raise InputError(problem, file=file, column="nodata", value=text, expected=expected, code="OPTION_INVALID")
    return value


def _measure(cells: Cells, kind: LayerKind | None, text: str | None, dtype: str, file: str) -> str:
    """Return whether the cells are classes or quantities."""
    if not cells.any:
        problem = "no cell of the layer has data"
        raise InputError(problem, file=file, code="LAYER_EMPTY")
    classes = None if cells.values is None else len(cells.values)
    if kind is not None and kind.name == "land_cover":
        if not cells.whole:
            problem = f"land cover has classes, but cells here are no whole numbers ({cells.lowest:.6g} to {cells.highest:.6g})"
            expected = "the classes as they were mapped, never averaged"
            raise InputError(problem, file=file, expected=expected, code="LAYER_KIND")
        if classes is None or classes > _MAX_LAND_COVER_CLASSES:
            number = f"{classes:,}" if classes is not None else "thousands of"
            problem = f"land cover has classes, but there are {number} different values from {cells.lowest:g} to {cells.highest:g}"
            raise InputError(problem, file=file, expected="a raster of classes", code="LAYER_KIND")
    if kind is not None and kind.measure is not None:
        return kind.measure
    if kind is None and text is not None:
        return text
    integral = np.issubdtype(np.dtype(dtype), np.integer)
    return "categorical" if integral and classes is not None and classes <= MAX_CLASSES else "continuous"


def _legend(
    cells: Cells, options: Mapping[str, str], cell_m: float, file: str, notes: list[str], *, palette: bool
) -> tuple[str | None, tuple[int, ...]]:
    """Return the legend's name, and values in the cells that stand for no data in it."""
    counts = {int(value): number for value, number in (cells.values or {}).items()}
    found = legends.recognise(counts, cell_m=cell_m, file=file, told=options.get("legend"))
    if found.legend is None and options.get("kind") != "land_cover" and "legend" not in options:
        return None, ()
    notes.append(found.note)
    if found.legend is None:
        if palette:
            notes.append("the file has a colour table: it may be a drawn map and no map of classes")
        return None, ()
    if found.outside:
        listed = ", ".join(f"{value} ({number:,} cells)" for value, number in list(found.outside.items())[:_LISTED])
        more = len(found.outside) - _LISTED
        listed += f" and {more} more" if more > 0 else ""
        notes.append(f"{len(found.outside)} values are not in the legend {found.legend.name}: {listed}")
    empty = tuple(sorted(found.legend.empty & counts.keys()))
    for value in empty:
        notes.append(f"{value} is no data in the legend {found.legend.name}, which the file does not declare: "
                     f"{counts[value]:,} cells are taken so")  # fmt: skip
    return found.legend.name, empty


def _scaled(scaling: tuple[float, float], measure: str) -> list[str]:
    """Tell that the cells are not yet the quantities, or that classes cannot be scaled."""
    scale, offset = scaling
    if (scale, offset) == (1.0, 0.0):
        return []
    if measure == "categorical":
        return [f"the file scales its values (x {scale:g} + {offset:g}); classes are taken as they are stored"]
    return [f"values are scaled as the file says: x {scale:g} + {offset:g}"]


def _free_value(cells: Cells, dtype: str, file: str) -> float:
    """Return a value that no cell has, to stand for no data where the file states that by a mask."""
    if np.issubdtype(np.dtype(dtype), np.floating):
        return float("nan")
    limits = np.iinfo(dtype)
    for value in (limits.min, limits.max) if limits.min < 0 else (0, limits.max):
        if not cells.lowest <= value <= cells.highest or (cells.values is not None and not cells.values[float(value)]):
            return float(value)
    problem = "the file tells by a mask which cells have data, and every value is taken by one that has"
    expected = f"one value free for no data: 0 or {limits.max}"
    raise InputError(problem, file=file, expected=expected, code="LAYER_VALUES")


def _check_values(
    cells: Cells, kind: LayerKind, nodata: float | None, file: str, notes: list[str], *, scaling: tuple[float, float]
) -> None:
    """Refuse values that a layer of this kind cannot have; they are most often an undeclared nodata value."""
    scale, offset = scaling
    first, last = sorted((cells.lowest, cells.highest), key=lambda value: value * scale + offset)
    low = kind.lowest is not None and first * scale + offset < kind.lowest
    high = kind.highest is not None and last * scale + offset > kind.highest
    if low or high:
        value = first if low else last
        number = "" if cells.values is None else f" ({cells.values[value]:,} cells)"
        problem = f"{kind.name} of {value * scale + offset:g} {kind.unit}{number} cannot be"
        if nodata is None:
            problem += "; the file declares no nodata value"
        expected = f"the value that stands for no data, with --option nodata={value:g}"
        raise InputError(problem, file=file, value=f"{value:g}", expected=expected, code="LAYER_VALUES")
    zeros = 0 if cells.values is None else cells.values[0.0]
    if kind.name == "elevation" and nodata is None and cells.values is not None:
        whole = sum(cells.values.values())
        if zeros > _MANY_ZEROS * whole:
            notes.append(
                f"{zeros:,} of {whole:,} cells are exactly 0 m and the file declares no nodata value: sea or missing "
                "ground is taken for ground at 0 m; --option nodata=0 says otherwise"
            )


def _looks_empty(cells: Cells) -> list[str]:
    """Tell of values that look like an undeclared nodata value."""
    for value in (cells.lowest, cells.highest):
        if value in _SENTINELS or abs(value) >= 1e20:
            number = "" if cells.values is None else f" ({cells.values[value]:,} cells)"
            return [
                f"{value:g}{number} may stand for no data, which the file does not declare; --option nodata={value:g} says so"
            ]
    return []
