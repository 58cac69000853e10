"""Protected areas from WDPA's files (old and new columns) and national ones: maps, and tables without a map.

The data of the World Database on Protected and Conserved Areas may not be redistributed: this reads a file that the
user has.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
import shapely
from tqdm.auto import tqdm

from biodata import edges, geo
from biodata.errors import InputError, Refusal
from biodata.formats.vectors import EXPECTED, Layer, open_layers
from biodata.formats.wkb import problem_of
from biodata.ingest.area_tables import open_tables
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.table_headings import renamed_frames
from biodata.ingest.tables import check_options

WGS84: Final = "EPSG:4326"
MAX_VERTICES: Final = edges.MAX_VERTICES
"""Of one site; the largest real ones, marine areas with the coast of every island, have about one million."""

_OPTIONS: Final = frozenset({"country", "crs", "encoding", "layer"})


class ProtectedAreaSource:
    """Sites of protected and conserved areas: every attribute as text, geometry in WGS 84.

    Options: `crs` and `encoding` (of files that tell none), `layer` (of a GeoPackage), `country` (ISO 3166-1 alpha-2,
    of files whose sites tell none), `heading.*` of what an attribute is.
    """

    name: ClassVar[str] = "protected-areas"

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

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a layer, in one batch: which name stands twice is decided on the whole table.

        Raises
        ------
        InputError
            As `biodata.formats.vectors.open_layers`; or if a coordinate system is not known (CRS_UNKNOWN).
        """
        return self._tables(keep=False)

    def read_all(self) -> Iterator[VerbatimTable]:
        """Yield the same tables, with the sites whose geometry cannot be taken: without it, `geometry_problem` says why."""
        return self._tables(keep=True)

    def _tables(self, *, keep: bool) -> Iterator[VerbatimTable]:
        for path in self.paths:
            if not path.exists():
                problem = "there is no such file"
                raise InputError(problem, file=path.name, expected=EXPECTED, code="FILE_MISSING")
            encoding, layer_name = self.options.get("encoding"), self.options.get("layer")
            tables = open_tables(path, self.options)
            if tables is not None:
                for table in tables:
                    yield self._table(table.label, None, table.batches, table.refusals, keep=keep)
            else:
                for layer in open_layers(path, encoding=encoding, layer=layer_name):
                    yield self._table(
                        layer.label,
                        layer.crs,
                        renamed_frames(_numbered(layer), self.options, file=layer.label),
                        [],
                        keep=keep,
                    )

    def _table(
        self, label: str, told_crs: str | None, parts: Iterator[pl.DataFrame], refusals: list[Refusal], *, keep: bool
    ) -> VerbatimTable:
        """Return a table; `crs` is declared where the file or the user tells it."""
        crs = told_crs or self.options.get("crs")
        declarations = {"crs": crs} if crs else {}
        if country := self.options.get("country"):
            declarations["country"] = country
        return VerbatimTable(
            kind="protected_areas",
            name=label,
            dataset=DatasetInfo(key=self.dataset),
            batches=self._batches(label, parts, _checked_crs(crs, label), refusals, keep=keep),
            refusals=refusals,
            declarations=declarations,
        )

    def _batches(
        self, label: str, parts: Iterator[pl.DataFrame], crs: Any, refusals: list[Refusal], *, keep: bool
    ) -> Iterator[pl.DataFrame]:
        """Yield the table as one frame; sites whose geometry cannot be taken are refused, or kept without it."""
        frames = []
        for part in tqdm(parts, desc=label, unit="batch", disable=not self.progress):
            geometry, problems = _in_wgs84(part["geometry"].to_list(), crs)
            frame = part.select(pl.lit(label).alias("source_file"), "source_row", pl.exclude("geometry", "source_row"))
            frame = frame.with_columns(pl.Series("geometry", geometry, dtype=pl.Binary))
            if keep:
                codes = [problems[at][0] if at in problems else None for at in range(part.height)]
                frames.append(frame.with_columns(pl.Series("geometry_problem", codes, dtype=pl.String)))
                continue
            numbers = part["source_row"].to_list()
            refusals += [
                Refusal(label, numbers[at], "geometry", None, code, message) for at, (code, message) in problems.items()
            ]
            kept = np.ones(part.height, dtype=bool)
            kept[list(problems)] = False
            frames.append(frame.filter(kept))
        if frames:
            yield pl.concat(frames)


def _numbered(layer: Layer) -> Iterator[pl.DataFrame]:
    """Yield a layer's batches with the features' positions, from 1."""
    read = 0
    for part in layer.batches():
        numbers = pl.Series("source_row", np.arange(read + 1, read + 1 + part.height), dtype=pl.Int64)
        read += part.height
        yield part.with_columns(numbers)


def _checked_crs(crs: str | None, label: str) -> Any:
    """Return the coordinate system; WGS 84 where nobody tells one."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs or WGS84)
    except CRSError as error:
        expected = "an authority and code, as EPSG:32648"
        msg = "the coordinate system is not known"
        raise InputError(msg, file=label, value=crs, expected=expected, code="CRS_UNKNOWN") from error


def _in_wgs84(blobs: list[bytes | None], crs: Any) -> tuple[list[bytes | None], dict[int, tuple[str, str]]]:
    """Return the geometries as WKB in WGS 84, and by position the code and message of those that cannot be taken."""
    problems: dict[int, tuple[str, str]] = {}
    for at, blob in enumerate(blobs):
        if blob is not None and (problem := problem_of(blob, max_vertices=MAX_VERTICES)):
            problems[at] = problem
    shapes = shapely.from_wkb([None if at in problems else blob for at, blob in enumerate(blobs)], on_invalid="fix")
    shapes = shapely.force_2d(shapes)
    if not crs.equals(_checked_crs(WGS84, ""), ignore_axis_order=True):
        shapes = geo.project(shapes, crs, WGS84)
    west, south, east, north = shapely.bounds(shapes).T
    with np.errstate(invalid="ignore"):
        inside = (west >= -180.000001) & (east <= 180.000001) & (south >= -90.000001) & (north <= 90.000001)
    for at, blob in enumerate(blobs):
        if blob is None or at in problems:
            continue
        if shapes[at] is None:
            problems[at] = "GEOMETRY_UNREADABLE", "the geometry is damaged or of a kind that is not read (a curve)"
        elif not shapes[at].is_empty and not inside[at]:
            told = ", ".join(f"{value:.6g}" for value in (west[at], south[at], east[at], north[at]))
            problems[at] = "COORDINATE_OUT_OF_RANGE", f"the coordinates are no degrees ({told}); is the system stated?"
    shapes[[at in problems or (shape is not None and shape.is_empty) for at, shape in enumerate(shapes)]] = None
    return list(shapely.to_wkb(shapes)), problems
