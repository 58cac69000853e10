"""Layers by name: out of an installation's lake, or out of a folder of files."""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from biodata.analysis.layers import LayerFile, choose, layer_file
from biodata.core.errors import InputError
from biodata.ingest.layer import LayerSource, store_layers
from biodata.ingest.layer_rasters import KINDS
from biodata.store.cluster import lake_exists
from biodata.store.lake import Lake

_RASTERS: Final = (".tif", ".tiff")
_SUFFIXES: Final = (*_RASTERS, ".gpkg", ".shp", ".geojson", ".json")
_STARTS: Final = {**{name: name for name in KINDS}, "landcover": "land_cover", "dem": "elevation", "road": "roads",
                  "river": "rivers", "settlement": "settlements", "fences": "fence", "mines": "mine", "dams": "dam"}  # fmt: skip


class LayerFolder(AbstractContextManager["LayerFolder"]):
    """Where layers are looked for; use it in a `with` block, which keeps what had to be written anew.

    Parameters
    ----------
    path : Path
        An installation's folder, or a folder of files, or one file. In a folder of files a layer is known by its
        file's name, and what it shows by how that begins: landcover_2020.tif, elevation.tif, roads.gpkg.
    memory_limit : str
        Of the lake.
    progress : bool
        Show a progress bar while files are looked into.
    """

    def __init__(self, path: Path, *, memory_limit: str = "2GB", progress: bool = False) -> None:
        self.path, self._progress = path, progress
        self._work = tempfile.TemporaryDirectory(prefix="biodata-layers-")
        # `mydata` and `mydata/layers` are the same.
        homes = (path, path.parent) if path.name == "layers" else (path,)
        self._home = next((home for home in homes if lake_exists(home)), None)
        self._known = self._of_lake(self._home, memory_limit) if self._home is not None else self._of_files()

    def __exit__(self, *_: object) -> None:
        self._work.cleanup()

    def find(self, names: Iterable[str], use: Mapping[str, str] | None = None) -> dict[str, LayerFile]:
        """Return the layers of these names.

        Parameters
        ----------
        names : iterable of str
            A layer's own name, or what it shows where one layer alone shows that.
        use : mapping of str to str, optional
            The own name of the layer that a name means.

        Raises
        ------
        InputError
            If there is none, or several (LAYER_UNKNOWN); or a file cannot be used, as `LayerSource` tells.
        """
        return {name: self._find(name, (use or {}).get(name, name)) for name in names}

    def _find(self, name: str, wanted: str) -> LayerFile:
        row = choose(self._known, wanted, where=str(self.path), otherwise=f"as in --use {name}=NAME")
        if "file_name" not in row:
            row = self._described(row)
        return layer_file(row, row["file"], version=row["version"])

    def _of_lake(self, home: Path, memory_limit: str) -> list[dict[str, Any]]:
        """Return what the lake tells of its layers."""
        with Lake.open(home, memory_limit=memory_limit) as lake:
            version = f"lake {lake.snapshot()}"
            rows = lake.read("layers").to_dicts()
        return [{**row, "file": home / "layers" / row["file_name"], "version": version} for row in rows]

    def _of_files(self) -> list[dict[str, Any]]:
        """Return the files that may be layers, not yet looked into."""
        if self.path.is_file():
            files = [self.path]
        elif self.path.is_dir():
            files = sorted(file for file in self.path.iterdir() if file.suffix.lower() in _SUFFIXES)
        else:
            problem = "there is no such folder or file"
            raise InputError(problem, file=str(self.path), code="FILE_MISSING")
        rows = [{"name": _slug(file.stem), "theme": _theme(_slug(file.stem)), "path": file} for file in files]
        if self.path.is_file() and rows[0]["theme"] is None:
            rows[0]["theme"] = "land_cover"
        return rows

    def _described(self, row: dict[str, Any]) -> dict[str, Any]:
        """Look into a file; what it gets wrong is put right in a copy."""
        options = {} if row["theme"] is None else {"kind": row["theme"]}
        (table,) = LayerSource([row["path"]], options=options, progress=self._progress).read()
        frame = next(table.batches)
        told = frame.row(0, named=True)
        file = row["path"]
        if told["form"] == "vector" or told["rewrite"]:
            file = Path(self._work.name) / store_layers(frame, Path(self._work.name))["file_name"][0]
        return {**told, "name": row["name"], "file": file, "version": "file"}


def _theme(name: str) -> str | None:
    """Return what a file's name says that it shows."""
    starts = sorted((start for start in _STARTS if name.startswith(start)), key=len)
    return _STARTS[starts[-1]] if starts else None


def _slug(stem: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in stem.lower()).split())
