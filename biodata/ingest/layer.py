"""Raster layers (land cover, elevation) out of GeoTIFF: checked, described; the cells stay in the file."""

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from tqdm.auto import tqdm

from biodata.errors import InputError, shorten
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.tables import check_options

MAX_FILE_BYTES: Final = 4_000_000_000
MAX_CELLS: Final = 1_000_000_000
MAX_CLASSES: Final = 64
"""A layer of whole numbers with more distinct values is taken for quantities."""

_MAGICS: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_KINDS: Final = ("categorical", "continuous")
_OPTIONS: Final = ("kind", "name")
_SCHEMA: Final = pl.Schema(
    {
        "source_file": pl.String,
        "source_row": pl.Int64,
        "path": pl.String,
        "name": pl.String,
        "datasetKey": pl.String,
        "kind": pl.String,
        "crs": pl.String,
        "width": pl.Int64,
        "height": pl.Int64,
        "west": pl.Float64,
        "south": pl.Float64,
        "east": pl.Float64,
        "north": pl.Float64,
        "dtype": pl.String,
        "nodata": pl.Float64,
        "sha256": pl.String,
    }
)


class LayerSource:
    """GeoTIFF files of one band, north up, with a coordinate system.

    Options: `name` (of one file; else the file's name), `kind` (categorical or continuous; else decided by the cells).
    """

    name: ClassVar[str] = "layer"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] | None = None,
        progress: bool = False,
    ) -> None:
        self.paths, self.dataset, self.progress = list(paths), dataset, progress
        self.options = check_options(options or {}, _OPTIONS)
        if (kind := self.options.get("kind")) is not None and kind not in _KINDS:
            problem = "the kind of a layer is not known"
            raise InputError(problem, value=kind, expected=" or ".join(_KINDS), code="OPTION_INVALID")
        if "name" in self.options and len(self.paths) > 1:
            problem = f"one name was given for {len(self.paths)} layers"
            raise InputError(problem, expected="one file", code="OPTION_INVALID")

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table of one row a file: what is known of the layer, and the path of its cells.

        Raises
        ------
        InputError
            If a file is no GeoTIFF (INPUT_FORMAT), is too large (INPUT_TOO_LARGE) or damaged (INPUT_DAMAGED), has more
            than one band (LAYER_BANDS), no coordinate system (CRS_UNKNOWN) or no plausible place (LAYER_PLACE).
        """
        for path in self.paths:
            name = _slug(self.options.get("name", path.stem))
            dataset = self.dataset or name
            frame = pl.DataFrame([{**self._described(path), "name": name, "datasetKey": dataset}], schema=_SCHEMA)
            yield VerbatimTable(
                kind="layers", name=path.name, dataset=DatasetInfo(key=dataset, title=path.stem), batches=iter([frame])
            )

    def _described(self, path: Path) -> dict[str, Any]:
        """Check the file and return the row that describes it."""
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError

        _check_file(path)
        # A file beside it (.aux.xml, .ovr, .tfw) is not the layer and is not looked at.
        options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}
        with rasterio.Env(**options), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # such a file is refused, with reason
            try:
                with rasterio.open(path.resolve(), driver="GTiff") as raster:
                    bounds = _checked(raster, path.name)
                    classes = self._classes(raster, path.name)
                    return {
                        "source_file": path.name,
                        "source_row": 1,
                        "path": str(path.resolve()),
                        "kind": self.options.get("kind", "continuous" if classes is None else "categorical"),
                        "crs": _told(raster.crs),
                        "width": raster.width,
                        "height": raster.height,
                        **dict(zip(("west", "south", "east", "north"), bounds, strict=True)),
                        "dtype": raster.dtypes[0],
                        "nodata": raster.nodata,
                        "sha256": _sha256(path),
                    }
            except RasterioError as error:
                problem = f"the file cannot be read: {shorten(str(error.__cause__ or error), 200)}"
                raise InputError(problem, file=path.name, code="INPUT_DAMAGED") from error

    def _classes(self, raster: Any, file: str) -> int | None:
        """Read every cell and return how many classes there are; None where they are quantities."""
        found: set[Any] | None = set() if np.issubdtype(np.dtype(raster.dtypes[0]), np.integer) else None
        windows = [window for _, window in raster.block_windows(1)]
        for window in tqdm(windows, desc=file, unit="block", disable=not self.progress):
            cells = raster.read(1, window=window)
            if found is not None:
                found.update(np.unique(cells).tolist())
                if len(found - {raster.nodata}) > MAX_CLASSES:
                    found = None
        return None if found is None else len(found)


def _check_file(path: Path) -> None:
    """Refuse what is no GeoTIFF by its first bytes, or is too large."""
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=path.name, expected="a GeoTIFF", code="FILE_MISSING")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        problem = f"the file has {size / 1e9:.1f} GB"
        raise InputError(
            problem, file=path.name, expected=f"at most {MAX_FILE_BYTES / 1e9:.0f} GB", code="INPUT_TOO_LARGE"
        )
    with path.open("rb") as stream:
        head = stream.read(4)
    if head not in _MAGICS:
        problem = "the file is empty" if not head else "the file is no TIFF"
        raise InputError(problem, file=path.name, expected="a GeoTIFF", code="INPUT_FORMAT")


def _checked(raster: Any, file: str) -> tuple[float, float, float, float]:
    """Refuse a raster that is no layer; return its bounds in degrees, WGS 84."""
    from rasterio.warp import transform_bounds

    if raster.count != 1:
        problem = f"the file has {raster.count} bands"
        raise InputError(problem, file=file, expected="one band", code="LAYER_BANDS")
    if raster.width * raster.height > MAX_CELLS:
        problem = f"the layer has {raster.width} × {raster.height} cells"
        raise InputError(problem, file=file, expected=f"at most {MAX_CELLS:,} cells", code="INPUT_TOO_LARGE")
    if not raster.crs:
        problem = "the layer tells no coordinate system"
        raise InputError(
            problem, file=file, expected="a GeoTIFF with one, as from gdal_translate -a_srs", code="CRS_UNKNOWN"
        )
    grid = raster.transform
    if grid.b or grid.d or grid.a <= 0 or grid.e >= 0 or grid.is_identity:
        problem = "the cells do not stand in rows from north to south"
        raise InputError(problem, file=file, expected="a raster with north up, as from gdalwarp", code="LAYER_PLACE")
    west, south, east, north = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    if not (-180.001 <= west < east <= 180.001 and -90.001 <= south < north <= 90.001):
        told = ", ".join(f"{value:.6g}" for value in raster.bounds)
        problem = f"the layer's edges ({told}) lie outside the world of {_told(raster.crs)}"
        raise InputError(problem, file=file, expected="the coordinate system that the cells are in", code="LAYER_PLACE")
    return west, south, east, north


def _told(crs: Any) -> str:
    """Return a coordinate system as authority and code where it has them, else as WKT."""
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_wkt())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _slug(text: str) -> str:
    """Return a name of letters, digits and `_`."""
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "layer"
