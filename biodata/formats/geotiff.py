"""GeoTIFF files from outside: checked by their first bytes and declared size before a cell is read."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from biodata.core.errors import InputError, shorten

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FILE_BYTES: Final = 4_000_000_000
MAX_CELLS: Final = 5_000_000_000
"""Cells are read block by block: a tile of WorldCover has 1.3 thousand million."""
MAX_BLOCK_BYTES: Final = 256_000_000
"""A block is decompressed as a whole: one that is larger could fill the memory from a few bytes."""

_MAGICS: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_EXPECTED: Final = "a GeoTIFF"
_LOSSY: Final = ("jpeg", "webp", "jxl")


def open_raster(path: Path) -> Any:
    """Open a raster that somebody brings for an analysis: a GeoTIFF or an ESRI ASCII grid, whatever its name says.

    Any other format is refused: a list of other files (VRT) would be opened, wherever they lie and however long it takes.

    Returns
    -------
    rasterio.DatasetReader

    Raises
    ------
    OSError or rasterio.errors.RasterioError
        If there is no such file, or it is none of these.
    """
    import rasterio

    with path.open("rb") as stream:
        tiff = stream.read(4) in _MAGICS
    return rasterio.open(path, driver="GTiff" if tiff else "AAIGrid")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a GeoTIFF in a `with` block; what goes wrong inside is one line that names the file.

    Parameters
    ----------
    path : Path
        The file. What stands beside it (.aux.xml, .ovr, .tfw) is not the layer and is not looked at.

    Yields
    ------
    rasterio.DatasetReader

    Raises
    ------
    InputError
        If the file is no GeoTIFF (INPUT_FORMAT), is too large or declares to be (INPUT_TOO_LARGE), or is damaged
        (INPUT_DAMAGED).
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    _check_file(path)
    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}
    with rasterio.Env(**options), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # whoever needs a place refuses it, with reason
        try:
            with rasterio.open(path.resolve(), driver="GTiff") as raster:
                _check_size(raster, path.name)
                yield raster
        except RasterioError as error:
            problem = f"the file cannot be read: {shorten(str(error.__cause__ or error), 200)}"
            raise InputError(problem, file=path.name, code="INPUT_DAMAGED") from error


def choose_band(raster: Any, file: str, told: str | None = None) -> int:
    """Return the number of the band that is the layer.

    Parameters
    ----------
    raster : rasterio.DatasetReader
    file : str
        What a person calls it.
    told : str, optional
        The number that a person tells.

    Raises
    ------
    InputError
        If there are several and none is told, or there is none of that number (LAYER_BANDS).
    """
    if told is not None:
        if not (told.isdecimal() and 1 <= int(told) <= raster.count):
            problem = "there is no such band"
            raise InputError(problem, file=file, value=told, expected=f"1 to {raster.count}", code="LAYER_BANDS")
        return int(told)
    # A band of transparency is no values, it tells which cells there are.
    measured = [number for number, kind in enumerate(raster.colorinterp, start=1) if kind.name != "alpha"]
    if len(measured) == 1:
        return measured[0]
    colours = [interpretation.name for interpretation in raster.colorinterp]
    if colours[:3] == ["red", "green", "blue"]:
        problem = f"the file is a picture of {raster.count} bands (red, green, blue), not a layer of values"
        expected = "the raster that the picture was drawn from"
    else:
        named = ", ".join(f"{n} {text or ''}".strip() for n, text in enumerate(raster.descriptions, start=1))
        problem = f"the file has {raster.count} bands ({shorten(named, 100)})"
        expected = "one band, or its number with --option band=N"
    raise InputError(problem, file=file, expected=expected, code="LAYER_BANDS")


def check_north_up(raster: Any, file: str) -> None:
    """Refuse a raster whose cells do not stand in rows from north to south.

    Raises
    ------
    InputError
        With the code LAYER_PLACE.
    """
    grid = raster.transform
    if not (grid.b or grid.d or grid.a <= 0 or grid.e >= 0 or grid.is_identity):
        return
    if grid.is_identity:
        problem = "the file does not tell where its cells lie"
    elif grid.b or grid.d:
        problem = "the cells stand askew: the raster is rotated"
    else:
        problem = "the cells do not stand in rows from north to south"
    raise InputError(problem, file=file, expected="a raster with north up, as from gdalwarp", code="LAYER_PLACE")


def masked(raster: Any, band: int) -> bool:
    """Tell whether a file says by a mask or by transparency which of a band's cells have data."""
    flags = {flag.name for flag in raster.mask_flag_enums[band - 1]}
    return "per_dataset" in flags or "alpha" in flags


def read(raster: Any, band: int, window: Any) -> tuple["NDArray[Any]", "NDArray[np.bool_] | None"]:
    """Return cells as they are stored, and which of them a mask lets stand; None where there is no mask."""
    cells = raster.read(band, window=window)
    return cells, raster.read_masks(band, window=window) != 0 if masked(raster, band) else None


def scaling(raster: Any, band: int) -> tuple[float, float]:
    """Return by what the cells are multiplied, and what is then added, to have quantities."""
    return float(raster.scales[band - 1]), float(raster.offsets[band - 1])


def loses(raster: Any) -> str | None:
    """Return the name of a compression that changes values; None where they are kept."""
    name = str(raster.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "")).split()
    return name[-1] if name and name[-1].lower() in _LOSSY else None


def _check_file(path: Path) -> None:
    """Refuse what is no TIFF by its first bytes, or is too large."""
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=path.name, expected=_EXPECTED, code="FILE_MISSING")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        problem = f"the file has {size / 1e9:.1f} GB"
        raise InputError(
            problem, file=path.name, expected=f"at most {MAX_FILE_BYTES / 1e9:.0f} GB", code="INPUT_TOO_LARGE"
        )
    with path.open("rb") as stream:
        head = stream.read(4)
    if head not in _MAGICS:
        problem = "the file is empty" if not head else "the file is no TIFF"
        raise InputError(problem, file=path.name, expected=_EXPECTED, code="INPUT_FORMAT")


def _check_size(raster: Any, file: str) -> None:
    """Refuse a raster by the size that it declares, before anything of it is decompressed."""
    import numpy as np

    if raster.width * raster.height > MAX_CELLS:
        problem = f"the layer has {raster.width} × {raster.height} cells"
        raise InputError(problem, file=file, expected=f"at most {MAX_CELLS:,} cells", code="INPUT_TOO_LARGE")
    for (rows, columns), dtype in zip(raster.block_shapes, raster.dtypes, strict=True):
        if dtype.startswith("complex"):
            problem = "the cells are complex numbers"
            raise InputError(problem, file=file, expected="whole or real numbers", code="LAYER_VALUES")
        in_memory = rows * columns * np.dtype(dtype).itemsize
        if in_memory > MAX_BLOCK_BYTES:
            problem = f"a block of the layer has {rows} × {columns} cells, {in_memory / 1e6:.0f} MB"
            expected = f"blocks of at most {MAX_BLOCK_BYTES / 1e6:.0f} MB, as from gdal_translate -co TILED=YES"
            raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
