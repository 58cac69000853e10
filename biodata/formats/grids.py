"""Grids of numbers in files: ESRI's ASCII grid as Circuitscape reads and writes it, and whatever GDAL reads.

A file is known by its content, not by its name; gzip is unpacked. Format of the ASCII grid:
https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/esri-ascii-raster-format.htm
"""

import gzip
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from biodata.core.errors import InputError, shorten
from biodata.formats.circuitscape import decode, number, read_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
NODATA: Final = -9999.0
"""What stands for no data in every file of Circuitscape, whatever its heading says."""
_HUGE: Final = 1e30
"""Above this a nodata value is the end of float32, which programs write with different digits."""


@dataclass(frozen=True, slots=True)
class RasterFile:
    """A grid and where it lies.

    Attributes
    ----------
    values : ndarray of float64, (rows, columns)
        nan where there is no data; the first row lies north.
    west, south : float
        Lower left corner, in the units of the file.
    cell_width, cell_height : float
        In the units of the file.
    crs : str
        The coordinate system as WKT, of an ASCII grid that of the .prj file beside it; empty where there is none.
    is_placed : bool
        Whether the file states where it lies; else its corner is taken for 0, 0.
    """

    values: NDArray[np.float64]
    west: float
    south: float
    cell_width: float
    cell_height: float
    crs: str = ""
    is_placed: bool = True


def read_grid(path: Path) -> RasterFile:
    """Read a grid.

    Raises
    ------
    InputError
        If the file is no grid, has too few or too many values, or a value that is no number, with its row and column.
    """
    content = read_bytes(path)
    first = decode(content[:512]).lstrip()
    if first[:5].lower() in {"ncols", "nrows"}:
        return _ascii(content, path)
    return _by_gdal(content, path)


def looks_like_grid(path: Path) -> bool:
    """Return whether a file is a grid rather than a list of numbers."""
    content = read_bytes(path)
    start = content[:512]
    return b"\0" in start or decode(start).lstrip()[:5].lower() in {"ncols", "nrows"}


def _ascii(content: bytes, path: Path) -> RasterFile:
    """Read an ASCII grid."""
    text = decode(content)
    stream = StringIO(text)
    heading: dict[str, float] = {}
    row, start = 1, 0
    while (line := stream.readline()) and (not line.strip() or line.lstrip()[0].isalpha()):
        words = line.split()
        if words and words[0].lower() in {"nan", "inf"}:
            break
        if len(words) > 1:
            heading[words[0].lower()] = number(words[1], file=path.name, row=row, column=2)
        row, start = row + 1, stream.tell()
    missing = [key for key in ("ncols", "nrows") if key not in heading]
    if missing or not {"cellsize", "dx"} & heading.keys():
        expected = "lines with ncols, nrows, xllcorner, yllcorner, cellsize and NODATA_value"
        problem = f"the heading of the grid lacks {' and '.join(missing) or 'cellsize'}"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="GRID_HEADING_INVALID")
    columns, rows = (int(heading[key]) if heading[key] == round(heading[key]) else 0 for key in ("ncols", "nrows"))
    wide = heading.get("cellsize", heading.get("dx", 1.0))
    high = heading.get("cellsize", heading.get("dy", wide))
    west = heading["xllcenter"] - wide / 2 if "xllcenter" in heading else heading.get("xllcorner", 0.0)
    south = heading["yllcenter"] - high / 2 if "yllcenter" in heading else heading.get("yllcorner", 0.0)
    if rows < 1 or columns < 1 or not (wide > 0 and high > 0):
        value = " ".join(f"{key} {stated:g}" for key, stated in heading.items())
        problem, expected = "the heading tells no grid", "whole numbers of rows and columns, and cells larger than 0"
        raise InputError(problem, file=path.name, row=1, value=value, expected=expected, code="GRID_HEADING_INVALID")
    values = _numbers(text[start:], rows, columns, row, path)
    nodata = heading.get("nodata_value", NODATA)
    empty = (values == nodata) | (values == NODATA)
    if abs(nodata) > _HUGE:
        empty |= np.abs(values - nodata) <= 1e-6 * abs(nodata)
    values[empty] = np.nan
    beside = path.with_suffix(".prj")
    crs = decode(beside.read_bytes()).strip() if beside.is_file() else ""
    placed = {"xllcenter", "xllcorner"} & heading.keys() and {"yllcenter", "yllcorner"} & heading.keys()
    return RasterFile(values, west, south, wide, high, crs, is_placed=bool(placed))


def _numbers(text: str, rows: int, columns: int, first_row: int, path: Path) -> NDArray[np.float64]:
    """Return the body of an ASCII grid as numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # numpy's word for: something is no number
            values = np.fromstring(text.replace(",", " "), dtype=np.float64, sep=" ")
    except (DeprecationWarning, ValueError):
        # Something that Python takes for a number all the same is taken; the rest is stated with its place.
        values = np.array(
            [
                np.nan if word.lower() in {"nan", "-nan"} else number(word, file=path.name, row=at, column=column)
                for at, line in enumerate(text.splitlines(), start=first_row)
                for column, word in enumerate(line.replace(",", " ").split(), start=1)
            ]
        )
    if values.size != rows * columns:
        for at, line in enumerate(text.splitlines()):
            found = len(line.replace(",", " ").split())
            if found not in {0, columns}:
                problem = f"the row has {found} values, and the grid {columns} columns"
                raise InputError(problem, file=path.name, row=first_row + at, code="GRID_SIZE_WRONG")
        problem = f"the grid has {values.size} values, and its heading tells {rows} x {columns}"
        raise InputError(problem, file=path.name, code="GRID_SIZE_WRONG")
    return values.reshape(rows, columns)


def _by_gdal(content: bytes, path: Path) -> RasterFile:
    """Read the first band of another raster."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.io import MemoryFile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(content) as memory, memory.open() as source:
                values = source.read(1, masked=True).astype(np.float64).filled(np.nan)
                transform = source.transform
                crs = source.crs.to_wkt() if source.crs else ""
    except (RasterioError, rasterio._err.CPLE_BaseError):
        problem = "the file is no grid that can be read"
        expected = "an ESRI ASCII grid, which starts with ncols, or a GeoTIFF"
        raise InputError(problem, file=path.name, expected=expected, code="RASTER_UNREADABLE") from None
    values[values == NODATA] = np.nan
    if transform.b or transform.d:
        problem = "the raster is rotated"
        raise InputError(problem, file=path.name, expected="warp it first", code="RASTER_ROTATED")
    high = -transform.e
    if transform.is_identity:  # a raster without a place of its own counts rows downward from 0
        return RasterFile(values, 0.0, 0.0, 1.0, 1.0, crs, is_placed=False)
    if high < 0:  # its first row lies south
        return RasterFile(np.ascontiguousarray(values[::-1]), transform.c, transform.f, transform.a, -high, crs)
    return RasterFile(values, transform.c, transform.f - values.shape[0] * high, transform.a, high, crs)


def ascii_grid(values: NDArray[np.float64], grid: RasterFile, *, compress: bool = False) -> bytes:
    """Return an ASCII grid of values on the cells of a grid.

    Parameters
    ----------
    values : ndarray of float64, (rows, columns)
        Written with ten significant digits; nan becomes -9999.
    grid : RasterFile
        Where the cells lie; its own values do not matter.
    compress : bool
        Return it as gzip.
    """
    rows, columns = values.shape
    lines = [
        f"ncols         {columns}",
        f"nrows         {rows}",
        f"xllcorner     {grid.west!r}",
        f"yllcorner     {grid.south!r}",
    ]
    if grid.cell_width == grid.cell_height:
        lines.append(f"cellsize      {grid.cell_width!r}")
    else:
        lines += [f"dx            {grid.cell_width!r}", f"dy            {grid.cell_height!r}"]
    lines.append("NODATA_value  -9999")
    filled = np.where(np.isnan(values), NODATA, values)
    body = " ".join(["%.10g"] * columns) + "\n"
    text = "\n".join(lines) + "\n" + "".join(body % tuple(row) for row in filled.tolist())
    return gzip.compress(text.encode(), mtime=0) if compress else text.encode()


def tiff_grid(values: NDArray[np.float64], grid: RasterFile) -> bytes:
    """Return a GeoTIFF of values on the cells of a grid; nan becomes -9999."""
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    north = grid.south + values.shape[0] * grid.cell_height
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=values.shape[0],
            width=values.shape[1],
            count=1,
            dtype="float64",
            nodata=NODATA,
            crs=grid.crs or None,
            transform=Affine(grid.cell_width, 0.0, grid.west, 0.0, -grid.cell_height, north),
            compress="deflate",
        ) as target:
            target.write(np.where(np.isnan(values), NODATA, values), 1)
        return bytes(memory.read())


def write_grid(content: bytes, grid: RasterFile, path: Path) -> Path:
    """Write what `ascii_grid` or `tiff_grid` returned as a file that appears whole or not at all.

    An ASCII grid gets a .prj beside it where its coordinate system is known. Returns the path.
    """
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    if grid.crs and ".asc" in path.name:
        path.with_name(path.name.split(".asc")[0] + ".prj").write_text(grid.crs, encoding="utf-8")
    return path


def write_ascii_grid(values: NDArray[np.float64], grid: RasterFile, path: Path) -> Path:
    """Write values on the cells of a grid as an ASCII grid; return the path."""
    return write_grid(ascii_grid(values, grid), grid, path)


# GeoTIFF files from outside: checked by their first bytes and declared size before a cell is read.
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


def choose_band(raster: Any, file: str, stated: str | None = None) -> int:
    """Return the number of the band that is the layer.

    Parameters
    ----------
    raster : rasterio.DatasetReader
    file : str
        What a person calls it.
    stated : str, optional
        The number that a person tells.

    Raises
    ------
    InputError
        If there are several and none is stated, or there is none of that number (LAYER_BANDS).
    """
    if stated is not None:
        if not (stated.isdecimal() and 1 <= int(stated) <= raster.count):
            problem = "there is no such band"
            raise InputError(problem, file=file, value=stated, expected=f"1 to {raster.count}", code="LAYER_BANDS")
        return int(stated)
    # A band of transparency is no values, it states which cells there are.
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
    """Return whether a file says by a mask or by transparency which of a band's cells have data."""
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
