"""Elevation and land cover: the window of an area out of cloud-optimised GeoTIFFs, as a layer that `biodata resistance` takes.

Copernicus DEM GLO-90, https://copernicus-dem-30m.s3.amazonaws.com/readme.html; ESA WorldCover 2021,
https://worldcover2021.esa.int/download. Both lie in tiles; where one is missing there is sea. No account is needed.
"""

import math
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError, WindowError
from rasterio.merge import merge
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window, from_bounds
from tqdm.auto import tqdm

from biodata.core.errors import InputError, RemoteError
from biodata.core.settings import Settings
from biodata.ingest.http import RefusedError, about
from biodata.pipeline.report import IngestReport
from biodata.pull.service import Counts, RangeFile, Source

_METRES: Final = 30.0
"""Of an arc-second, about: cells are whole arc-seconds, so that the layers of neighbours fit."""
_MOST_CELLS: Final = 400_000_000
_GDAL: Final = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}

Bounds = tuple[float, float, float, float]


class _Tiles(Source):
    """The window of an area out of a global raster in tiles.

    Attributes
    ----------
    kind, title, citation : str
    degrees : int
        Side of a tile.
    dtype, nodata
        Of the layer.
    resampling : Resampling
        What a cell has of the finer ones in it.

    Parameters
    ----------
    label : str
        What the area is called.
    bounds : tuple of float
        west, south, east, north in degrees, WGS 84.
    settings : Settings
    cell_m : float
        Side of a cell in metres, about.
    progress : bool

    Raises
    ------
    InputError
        With INPUT_TOO_LARGE, if there are too many cells.
    """

    kind: ClassVar[str]
    terms: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    degrees: ClassVar[int]
    dtype: ClassVar[str]
    nodata: ClassVar[float]
    resampling: ClassVar[Resampling]
    owner = "amazonaws.com"

    def __init__(
        self, label: str, bounds: Bounds, settings: Settings, *, cell_m: float = 90.0, progress: bool = False
    ) -> None:
        super().__init__(settings, progress=progress)
        self.label, self.seconds = label, max(1, round(cell_m / _METRES))
        self.cell = self.seconds / 3600
        west, south, east, north = (edge * 3600 / self.seconds for edge in bounds)
        self.width, self.height = math.ceil(east) - math.floor(west), math.ceil(north) - math.floor(south)
        left, top = math.floor(west) * self.cell, math.ceil(north) * self.cell
        self.grid = Affine(self.cell, 0.0, left, 0.0, -self.cell, top)
        self.bounds = (left, top - self.height * self.cell, left + self.width * self.cell, top)
        if self.width * self.height > _MOST_CELLS:
            problem = f"the area has {self.width * self.height:,} cells"
            expected = f"at most {_MOST_CELLS:,}: a smaller area, or larger cells by --cell-m"
            raise InputError(problem, column="--cell-m", value=f"{cell_m:g}", expected=expected, code="INPUT_TOO_LARGE")

    @abstractmethod
    def path(self, place: str) -> str:
        """Return the path of a tile by the place of its corner in the south-west, such as N20 and E101."""

    def estimate(self) -> Counts:
        """Return how many tiles and cells there are, and how large the layer is at most; computed, nothing is asked."""
        cells = self.width * self.height
        tiles, megabytes = len(list(self._places())), math.ceil(cells * np.dtype(self.dtype).itemsize / 1e6)
        return {"tiles at most": tiles, f"cells of {self.seconds} arc-seconds": cells, "MB at most": megabytes}

    def pull(self) -> list[IngestReport]:
        """Read the window of each tile, put them together and ingest them as a layer."""
        folder = self.folder(bounds=self.bounds, seconds=self.seconds)
        folder.path.mkdir(parents=True, exist_ok=True)
        parts, addresses = list[Path](), list[str]()
        for place in tqdm(list(self._places()), unit="tile", disable=not self.progress):
            part = folder.path / f"page-{place}.tif"
            if part.exists() or self._read_tile(place, part):
                parts.append(part)
                addresses.append(self.service.client.address(self.path(place)))
        if not parts:
            self.raise_empty("no land there", folder)
        file = folder.path / f"{self.kind}_{self.label}.tif"
        packed = {"driver": "GTiff", "compress": "deflate", "tiled": True, "BIGTIFF": "IF_SAFER"}
        with _quiet():
            merge(parts, bounds=self.bounds, res=self.cell, nodata=self.nodata, dst_path=file, dst_kwds=packed)
        facts: dict[str, Any] = {
            "title": self.title, "license": self.terms, "citation": self.citation, "tiles": addresses,
        }  # fmt: skip
        options = {"kind": self.kind} | ({"legend": "worldcover"} if self.kind == "land_cover" else {})
        reports = self.take_in("layer", file, [folder], "", dataset=file.stem, options=options, **facts)
        file.unlink()
        return reports

    def _places(self) -> Iterator[str]:
        """Yield the places of the tiles that the area reaches."""
        west, south, east, north = self.bounds
        rows, columns = (
            range(math.floor(low / self.degrees) * self.degrees, math.ceil(high), self.degrees)
            for low, high in ((south, north), (west, east))
        )
        for row, column in product(rows, columns):
            yield f"{'S' if row < 0 else 'N'}{abs(row):02}{'W' if column < 0 else 'E'}{abs(column):03}"

    def _read_tile(self, place: str, part: Path) -> bool:
        """Read the window of a tile into a file; return False where there is no such tile."""
        try:
            with _opened(RangeFile(self.service.client, self.path(place)), self.cell) as tile:
                at = from_bounds(*tile.bounds, self.grid)
                column, row = math.floor(at.col_off), math.floor(at.row_off)
                whole = Window(
                    column, row, math.ceil(at.width) + 1, math.ceil(at.height) + 1
                )  # no cell between two tiles is lost
                window = Window(0, 0, self.width, self.height).intersection(whole)
                west, north = self.bounds[0] + window.col_off * self.cell, self.bounds[3] - window.row_off * self.cell
                grid, empty = (
                    Affine(self.cell, 0.0, west, 0.0, -self.cell, north),
                    self.nodata if tile.nodata is None else tile.nodata,
                )
                with WarpedVRT(
                    tile, crs="EPSG:4326", transform=grid, width=window.width, height=window.height, src_nodata=empty,
                    nodata=self.nodata, dtype=self.dtype, resampling=self.resampling,
                ) as warped:  # fmt: skip
                    cells = warped.read(1)
        except WindowError:
            return False
        except RefusedError as error:
            if error.status == 404:
                return False
            raise
        new = part.with_suffix(".new")
        with rasterio.open(
            new, "w", driver="GTiff", width=window.width, height=window.height, count=1, dtype=self.dtype,
            nodata=self.nodata, crs="EPSG:4326", transform=grid, compress="deflate", tiled=True,
        ) as raster:  # fmt: skip
            raster.write(cells, 1)
        new.replace(part)
        return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GDAL from looking for files beside a raster, and rasterio 1.4 from warning of its own use of affine 3."""
    with rasterio.Env(**_GDAL), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _opened(file: RangeFile, cell: float) -> Iterator[Any]:
    """Open a GeoTIFF that is read by ranges, at the coarsest overview that is not coarser than a cell."""

    def opener(path: str, mode: str = "rb") -> RangeFile:
        if path != "tile.tif":
            raise FileNotFoundError(path)  # what would stand beside it
        file.seek(0)
        return file

    try:
        with _quiet():
            with rasterio.open("tile.tif", opener=opener) as whole:
                fitting = [n for n, factor in enumerate(whole.overviews(1)) if factor * whole.res[0] <= cell * 1.001]
                if not fitting:
                    yield whole
            if fitting:
                with rasterio.open("tile.tif", opener=opener, overview_level=fitting[-1]) as overview:
                    yield overview
    except RasterioError as error:
        raise file.failure or RemoteError(about(file.url, "is no GeoTIFF that can be read")) from error


class Elevation(_Tiles):
    """Metres above the sea, by Copernicus DEM GLO-90."""

    name, called, setting, kind = "elevation", "the Copernicus DEM", "elevation_url", "elevation"
    terms = "https://docs.sentinel-hub.com/api/latest/static/files/data/dem/resources/license/License-COPDEM-30.pdf"
    licence = f"free of charge, with Copernicus' notice, which is kept with the layer: {terms}"
    title = "Copernicus DEM GLO-90"
    citation = (
        "produced using Copernicus WorldDEM-90 © DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018 provided "
        "under COPERNICUS by the European Union and ESA; all rights reserved"
    )
    degrees, dtype, nodata, resampling = 1, "float32", -32768.0, Resampling.average

    def path(self, place: str) -> str:
        """Return the path of a tile."""
        tile = f"Copernicus_DSM_COG_30_{place[:3]}_00_{place[3:]}_00_DEM"
        return f"{tile}/{tile}.tif"


class LandCover(_Tiles):
    """Classes of land cover, by ESA WorldCover 2021."""

    name, called, setting, kind = "land-cover", "ESA WorldCover", "land_cover_url", "land_cover"
    terms = "https://creativecommons.org/licenses/by/4.0/"
    licence = f"CC BY 4.0: {terms}"
    title = "ESA WorldCover 10 m 2021 v200"
    citation = (
        "© ESA WorldCover project / Contains modified Copernicus Sentinel data (2021) processed by ESA WorldCover consortium. "
        "Zanaga, D. et al., 2022. ESA WorldCover 10 m 2021 v200. https://doi.org/10.5281/zenodo.7254221"
    )
    degrees, dtype, nodata, resampling = 3, "uint8", 0, Resampling.mode

    def path(self, place: str) -> str:
        """Return the path of a tile."""
        return f"ESA_WorldCover_10m_2021_v200_{place}_Map.tif"
