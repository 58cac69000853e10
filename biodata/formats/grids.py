"""Grids of numbers in files: ESRI's ASCII grid as Circuitscape reads and writes it, and whatever GDAL reads.

A file is known by its content, not by its name; gzip is unpacked. Format of the ASCII grid:
https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/esri-ascii-raster-format.htm
"""

import gzip
import warnings
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.formats.circuitscape import decode, number, read_bytes

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
        Whether the file tells where it lies; else its corner is taken for 0, 0.
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
    """Tell whether a file is a grid rather than a list of numbers."""
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
        value = " ".join(f"{key} {told:g}" for key, told in heading.items())
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
        # Something that Python takes for a number all the same is taken; the rest is told with its place.
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
