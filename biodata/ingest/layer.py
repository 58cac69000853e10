"""Layers (land cover, elevation, roads, …): rasters and features, checked and described; they stay in their files."""

import hashlib
import json
import math
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
import shapely

from biodata.core import edges, terms
from biodata.core.errors import InputError
from biodata.formats import grids
from biodata.formats.vectors import Layer, open_layers, problem_of
from biodata.ingest import declared_crs, layer_rasters
from biodata.ingest.layer_rasters import KINDS, MEASURES, LayerKind, find_kind
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable

# A vector layer: which features it has, and where they lie.

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
        notes.append(f"the layer mixes geometries: {_counts_text(forms)}")
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
        text = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
        problem = f"the file has {len(layers)} layers: {text}"
        expected = f"the one to take, as in --option layer={names[0]}"
        raise InputError(problem, file=file, expected=expected, code="LAYER_UNKNOWN")
    return layers[0]


def _with_geometry(frame: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[str]]:
    """Return the features that have a geometry that can be read, and what is stated of the others."""
    if frame.is_empty() or "geometry" not in frame.columns:
        problem = "the layer has no feature"
        raise InputError(problem, file=file, code="LAYER_EMPTY")
    notes = []
    entries = [None if wkb is None else problem_of(wkb, max_vertices=MAX_VERTICES) for wkb in frame["geometry"]]
    problems = pl.Series([None if one is None else one[1] for one in entries], dtype=pl.String)
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
    note = f"{kind.name} are {' or '.join(kind.forms)} as a rule; of {forms.total():,} features here are {_counts_text(others)}"
    if "polygons" in others:
        note += "; all that lies inside a polygon is taken for one of them, and not its edge alone"
    return [note]


def _counts_text(forms: "Counter[str]") -> str:
    """Return how many there are of which form."""
    return ", ".join(f"{form} {number:,}" for form, number in forms.most_common())


def _forms(shapes: Any) -> "Counter[str]":
    """Count the features by what they are: points, lines, polygons, or several of these in one."""
    found: Counter[str] = Counter()
    for name in (one.geom_type for one in shapes):
        found[_FORMS.get(name.removeprefix("Multi"), "collections")] += 1
    return found


# Layers' files inside an installation: a copy of what came, saying what is known of it and not what the file got wrong.

_FORMAT: Final = 2
"""Raised when the same file is to be stored otherwise."""


def store_layers(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Copy each layer's file into the installation, and tell the copy's name.

    A raster is copied byte by byte, unless its system or nodata value is another than its file tells, it is one band
    of several, or several values or a mask tell what has no data: then its cells are written into a new file that states the right
    ones. Features are written as a GeoPackage.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of `LayerSource`.
    folder : Path
        The installation's folder of layers; made when needed.

    Returns
    -------
    polars.DataFrame
        With `file_name`: made of the file's checksum and of what was corrected, so that the same layer has one file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for row in frame.iter_rows(named=True):
        name = _name(row)
        if not (folder / name).exists():
            # Of this process alone: two may take in the same layer at once.
            part = folder / f"{Path(name).stem}.{secrets.token_hex(4)}.part{Path(name).suffix}"
            try:
                if row["form"] == "vector":
                    _write_features(row, part)
                elif row["rewrite"]:
                    _write_cells(row, part)
                else:
                    shutil.copyfile(row["path"], part)
                part.replace(folder / name)
            finally:
                part.unlink(missing_ok=True)
        names.append(name)
    return frame.with_columns(pl.Series("file_name", names, dtype=pl.String))


def _name(row: dict[str, Any]) -> str:
    """Return the name of a layer's copy."""
    start = row["sha256"][:16]
    if row["form"] == "raster" and not row["rewrite"]:
        return f"{start}.tif"
    entries = [_FORMAT, row["crs"], row["nodata"], row["band"], row["empty"], row["options"]]
    corrected = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:8]
    return f"{start}-{corrected}.{'gpkg' if row['form'] == 'vector' else 'tif'}"


def _write_cells(row: dict[str, Any], path: Path) -> None:
    """Write one band block by block, with the right system and nodata value."""
    import numpy as np
    import rasterio

    with grids.opened(Path(row["path"])) as raster:
        scale, offset = grids.scaling(raster, row["band"])
        profile = {
            "driver": "GTiff", "width": raster.width, "height": raster.height, "count": 1, "dtype": row["dtype"],
            "crs": rasterio.crs.CRS.from_user_input(row["crs"]), "transform": raster.transform, "nodata": row["nodata"],
            "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "bigtiff": "if_safer",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as target:
            target.scales, target.offsets = (scale,), (offset,)
            for _, window in target.block_windows(1):
                cells, kept = grids.read(raster, row["band"], window)
                if row["empty"]:
                    cells[np.isin(cells, row["empty"])] = row["nodata"]
                if kept is not None:
                    cells[~kept] = row["nodata"]
                target.write(cells, 1, window=window)


def _write_features(row: dict[str, Any], path: Path) -> None:
    """Write features in their own coordinates, with the right system."""
    import geopandas as gpd
    import shapely

    _, features = describe(Path(row["path"]), json.loads(row["options"]))
    shapes = shapely.from_wkb(features["geometry"].to_numpy())
    plain = features.drop("geometry").to_pandas()
    gpd.GeoDataFrame(plain, geometry=shapes, crs=row["crs"]).to_file(
        path, layer=row["name"], driver="GPKG", engine="pyogrio"
    )


_OF_RASTERS: Final = frozenset({"band", "legend", "nodata"})
_OF_FEATURES: Final = frozenset({"encoding", "layer"})
_TABLES: Final = (".csv", ".tsv", ".txt", ".xlsx")
_VECTOR_STARTS: Final = (b"SQLite format 3\x00", b"PK", b"\x00\x00\x27\x0a", b"{", b"\xef\xbb\xbf{")
_INSIDE: Final = {
    "source_file": pl.String(),
    "source_row": pl.Int64(),
    "path": pl.String(),
    "options": pl.String(),
    "band": pl.Int64(),
    "empty": pl.List(pl.Int64()),
    "rewrite": pl.Boolean(),
}
"""What the lake does not keep of a layer."""
_SCHEMA: Final = pl.Schema({**_INSIDE, **{c.name: c.dtype for c in terms.LAYER if c.name != "file_name"}})


class LayerSource(Source):
    """Layers: GeoTIFF with north up, or features as GeoPackage, File Geodatabase, shapefile or GeoJSON.

    Options: `kind` (land_cover, elevation, population, suitability, roads, rivers, settlements, fence, mine or dam; of a raster
    without a kind also categorical or continuous, else decided by the cells); `name` (of one file; else the file's
    name); `crs` (the coordinate system, where the file states none or a wrong one); of rasters `band`, `nodata` and
    `legend` (worldcover, igbp, clcd, esa_cci or none; else stated by values, cells and the file's name); of features
    `layer` (of a file with several) and `encoding`.
    """

    name: ClassVar[str] = "layer"
    reads: ClassVar[str] = "rasters or vector files of a layer"
    known_options: ClassVar[frozenset[str]] = frozenset(
        {"band", "crs", "encoding", "kind", "layer", "legend", "name", "nodata"}
    )
    heading_options: ClassVar[bool] = False

    def _read_options(self) -> None:
        kind = self.options.get("kind")
        if kind is not None and kind not in MEASURES:
            self.options["kind"] = find_kind(kind).name
        if "name" in self.options and len(self.paths) > 1:
            problem = f"one name was given for {len(self.paths)} layers"
            raise InputError(problem, expected="one file", code="OPTION_INVALID")

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table of one row a file: what is known of the layer, and the path of its cells or features.

        Raises
        ------
        InputError
            If a file is no layer (INPUT_FORMAT), is too large (INPUT_TOO_LARGE), damaged (INPUT_DAMAGED) or empty
            (LAYER_EMPTY); has several bands (LAYER_BANDS) or layers (LAYER_UNKNOWN) and none is chosen; tells no
            coordinate system (CRS_UNKNOWN) or one that its edges cannot be in (LAYER_PLACE); or holds what a layer
            of its kind cannot (LAYER_KIND, LAYER_VALUES).
        """
        for path in self.paths:
            name = _slug(self.options.get("name", path.stem))
            dataset = self.dataset or name
            row = {**self._described(path), "name": name, "datasetKey": dataset}
            yield VerbatimTable(
                kind="layers",
                name=path.name,
                dataset=DatasetInfo(key=dataset),
                batches=iter([pl.DataFrame([row], schema=_SCHEMA)]),
                notes=[*_counted(row), *row["notes"]],
            )

    def _described(self, path: Path) -> dict[str, Any]:
        """Check the file and return the row that describes it."""
        if _is_vector(path):
            self._refuse(_OF_RASTERS, path, "of rasters, and this file holds features")
            row, _ = describe(path, self.options)
        elif path.suffix.lower() in _TABLES:
            problem = "a table is no layer, also where it has coordinates"
            expected = "points as a GeoPackage, which QGIS or ogr2ogr makes of the table"
            raise InputError(problem, file=path.name, expected=expected, code="INPUT_FORMAT")
        else:
            self._refuse(_OF_FEATURES, path, "of features, and this file is a raster")
            row = layer_rasters.describe(path, self.options, progress=self.progress)
        return {
            **row,
            "source_file": path.name,
            "source_row": 1,
            "path": str(path.resolve()),
            "options": json.dumps(self.options, sort_keys=True),
            "sha256": _sha256(path),
        }

    def _refuse(self, names: frozenset[str], path: Path, why: str) -> None:
        """Refuse options that a file of this form has no use for."""
        for name in sorted(names & self.options.keys()):
            problem = f"the option is one {why}"
            raise InputError(problem, file=path.name, column=name, code="OPTION_INVALID")


def _counted(row: dict[str, Any]) -> list[str]:
    """Tell how many features a layer has; a report's rows are layers."""
    return [f"features: {row['features']:,} ({row['dtype']})"] if row["form"] == "vector" else []


def _is_vector(path: Path) -> bool:
    """Tell by a file's first bytes whether it may hold features; what is neither is refused as a raster."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(64).lstrip()
    return any(head.startswith(start) for start in _VECTOR_STARTS)


def _sha256(path: Path) -> str:
    """Return the checksum of a file; of a shapefile or a geodatabase, of all its parts."""
    parts = [path]
    if path.is_dir():
        parts = sorted(part for part in path.iterdir() if part.is_file())
    elif path.suffix.lower() == ".shp":
        endings = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
        parts = sorted(p for p in path.parent.glob(f"{escape(path.stem)}.*") if p.suffix.lower() in endings)
    if len(parts) == 1:
        with parts[0].open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    whole = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{part.suffix.lower() if not path.is_dir() else part.name} {digest}\n".encode())
    return whole.hexdigest()


def _slug(text: str) -> str:
    """Return a name of letters, digits and `_`."""
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "layer"
