"""What a run has finished, kept in a folder, so that a run that was killed goes on where it stopped."""

import hashlib
import json
import zipfile
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from biodata.analysis.adjacency import Neighbour, Pair
from biodata.analysis.areas import Site
from biodata.analysis.barriers import Improvement, Restored
from biodata.analysis.circuit.pinch_points import PairCurrents
from biodata.analysis.cost_distance import Floats32, Normalised
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.links import Link

_GEOMETRIES: Final = ("line", "polygon")
_RASTERS: Final = ("corridor", "barriers", "currents")
_FLOW: Final = ("resistance", "tightest", "tightest_a")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one run: its pairs of neighbours, and each pair that was measured.

    Each part is a file that appears whole or not at all; floats come back bit by bit, so that what is made from parts
    is the same as without a break.

    Attributes
    ----------
    folder : Path
        Where they lie; its name states the run.
    """

    folder: Path

    @classmethod
    def of_run(cls, home: Path, *, key: str) -> "Parts":
        """Return the parts of the run of that key (`run_key`), in a folder of its own under `home`."""
        folder = home / f"corridors-{key[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def neighbours(self) -> dict[Pair, Neighbour] | None:
        """Return the pairs of neighbours; None where they were not stored."""
        try:
            rows = json.loads((self.folder / "neighbours.json").read_bytes())
        except (OSError, ValueError):
            return None
        return {(i, j): Neighbour(np.inf if bound is None else bound, reachable) for i, j, bound, reachable in rows}

    def put_neighbours(self, pairs: dict[Pair, Neighbour]) -> None:
        """Store the pairs of neighbours."""
        rows = [[i, j, one.bound if np.isfinite(one.bound) else None, one.reachable] for (i, j), one in pairs.items()]
        self._write("neighbours.json", json.dumps(rows).encode())

    def has(self, pair: Pair) -> bool:
        """Return whether a pair was stored and its file is whole."""
        return zipfile.is_zipfile(self.folder / _name(pair))

    def link(self, pair: Pair) -> Link | None:
        """Return what was measured of a pair; None where it was not stored, or cannot be read."""
        try:
            with np.load(self.folder / _name(pair), allow_pickle=False) as stored:
                values: dict[str, Any] = json.loads(stored["values"].tobytes())
                for name in _GEOMETRIES:
                    values[name] = shapely.from_wkb(stored[name].tobytes()) if name in stored else None
                corridor = _unpacked(stored, "corridor", nothing=np.inf)
                barriers = _unpacked(stored, "barriers", nothing=0.0)
                currents = _unpacked(stored, "currents", nothing=np.nan)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        narrowest, radius_m, opening = values["narrowest_at"], values.pop("radius_m"), values["opening"]
        flow = values.pop("flow")
        if flow is not None and flow["tightest"] is not None:
            flow["tightest"] = tuple(flow["tightest"])
        return Link(
            **values
            | {
                "narrowest_at": None if narrowest is None else tuple(narrowest),
                "notes": tuple(values["notes"]),
                "corridor": None if corridor is None else Normalised(*corridor),
                "opening": None if opening is None else Restored(**opening),
                "barriers": None if barriers is None else Improvement(*barriers, radius_m=radius_m),
                "currents": None if currents is None else PairCurrents(*currents, **flow),
            }
        )

    def put_link(self, pair: Pair, link: Link) -> None:
        """Store what was measured of a pair."""
        plain = {f.name: getattr(link, f.name) for f in fields(link) if f.name not in (*_GEOMETRIES, *_RASTERS)}
        plain["opening"] = None if link.opening is None else asdict(link.opening)
        plain["radius_m"] = None if link.barriers is None else link.barriers.radius_m
        flow = link.currents
        plain["flow"] = None if flow is None else {name: getattr(flow, name) for name in _FLOW}
        arrays: dict[str, Any] = {"values": np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)}
        for name in _GEOMETRIES:
            if (shape := getattr(link, name)) is not None:
                arrays[name] = np.frombuffer(shapely.to_wkb(shape), dtype=np.uint8)
        if link.corridor is not None:
            arrays |= _packed("corridor", link.corridor.excess, link.corridor.row, link.corridor.column, nothing=np.inf)
        if link.barriers is not None:
            one = link.barriers
            arrays |= _packed("barriers", one.score, one.row, one.column, nothing=0.0)
        if flow is not None:
            arrays |= _packed("currents", flow.current, flow.row, flow.column, nothing=np.nan)
        part = self.folder / f"{_name(pair)}.part"
        with part.open("wb") as stream:
            np.savez(stream, **arrays)
        part.replace(self.folder / _name(pair))

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(self.folder / name)


def run_key(sites: list[Site], resistance: Floats, grid: Grid, choices: dict[str, Any]) -> str:
    """Return a hash that two runs share only if they were asked the same of the same ground.

    Parameters
    ----------
    sites : list of Site
    resistance : ndarray of float64, grid.shape
    grid : Grid
    choices : dict
        Everything else that the answer depends on, as plain values.
    """
    digest = hashlib.sha256()
    plain = {"choices": choices, "crs": grid.crs.to_wkt(), "transform": list(grid.transform), "shape": list(grid.shape)}
    digest.update(json.dumps(plain, sort_keys=True).encode())
    for site in sites:
        digest.update(json.dumps([site.area_id, site.name, site.country_codes]).encode() + shapely.to_wkb(site.shape))
    digest.update(np.ascontiguousarray(resistance).data)
    return digest.hexdigest()


def _name(pair: Pair) -> str:
    return f"pair-{pair[0]}-{pair[1]}.npz"


def _packed(name: str, values: Floats32, row: int, column: int, *, nothing: float) -> dict[str, Any]:
    """Return the values of a window that are not `nothing`, and a bit for each cell that states where they stand."""
    known = ~np.isnan(values) if np.isnan(nothing) else values != np.float32(nothing)
    window = np.array([row, column, *values.shape], dtype=np.int64)
    return {name: values[known], f"{name}_cells": np.packbits(known), f"{name}_window": window}


def _unpacked(stored: Any, name: str, *, nothing: float) -> tuple[Floats32, int, int] | None:
    """Return values, row and column of a packed window; None where it was not stored."""
    if name not in stored:
        return None
    row, column, *shape = (int(value) for value in stored[f"{name}_window"])
    values = np.full(shape[0] * shape[1], nothing, dtype=np.float32)
    values[np.unpackbits(stored[f"{name}_cells"], count=values.size).astype(bool)] = stored[name]
    return values.reshape(shape), row, column


def ground_for(executor: Executor, values: npt.NDArray[np.float64], folder: Path) -> Any:
    """Return what stands for a raster among the values that a task is handed.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Threads get the raster itself, an executor that has a method `share` (the workers of a cluster) what that
        returns, and any other, processes of this machine, the path of a file.
    values : ndarray of float64
    folder : Path
        Where the file is written.
    """
    if isinstance(executor, ThreadPoolExecutor):
        return values
    if (share := getattr(executor, "share", None)) is not None:
        return share(values)
    path = folder / "ground.npy"
    np.save(path, values)
    return path
