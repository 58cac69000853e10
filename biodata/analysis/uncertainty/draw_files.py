"""What a run of draws has finished, kept in a folder, so that a run that was killed goes on where it stopped."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biodata.analysis.grid import Floats
from biodata.analysis.uncertainty.one_draw import Drawn, Task


@dataclass(frozen=True, slots=True)
class DrawFiles:
    """The finished draws of one run; each file appears whole or not at all.

    Attributes
    ----------
    folder : Path
        Where they lie; its name tells the run.
    """

    folder: Path

    @classmethod
    def of_run(cls, home: Path, *, key: str) -> "DrawFiles":
        """Return the files of the run of that key (`run_key`), in a folder of its own under `home`."""
        folder = home / f"uncertainty-{key[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def get(self, number: int) -> Drawn | None:
        """Return a draw; None where it was not stored, or cannot be read."""
        try:
            with np.load(self.folder / f"draw-{number}.npz", allow_pickle=False) as stored:
                chosen = json.loads(stored["chosen"].tobytes())
                return Drawn(stored["inside"], stored["least_cost"], stored["functional"], chosen)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def put(self, number: int, drawn: Drawn) -> None:
        """Store a draw."""
        part = self.folder / f"draw-{number}.part"
        chosen = np.frombuffer(json.dumps(drawn.chosen).encode(), dtype=np.uint8)
        with part.open("wb") as stream:
            np.savez(
                stream, inside=drawn.inside, least_cost=drawn.least_cost, functional=drawn.functional, chosen=chosen
            )
        part.replace(self.folder / f"draw-{number}.npz")


def run_key(task: Task, values: Floats, version: str) -> str:
    """Return a hash that two runs share only if they were asked the same of the same ground, by the same code.

    The number of draws is no part of it: a run with more draws goes on from one with fewer.
    """
    plain = {
        "assumptions": task.assumptions.told(),
        "crs": task.grid.crs.to_wkt(),
        "transform": list(task.grid.transform),
        "shape": list(task.grid.shape),
        "pairs": [[int(i), int(j)] for i, j in task.pairs],
        "nodes": [[node.area_id, node.place, node.radius_m, node.stays] for node in task.nodes],
        "seed": task.seed,
        "biodata": version,
    }
    told = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for node in task.nodes:
        told.update(np.ascontiguousarray(node.cells).data)
    for name in sorted(task.masks):
        told.update(name.encode() + np.packbits(task.masks[name]).tobytes())
    told.update(np.ascontiguousarray(values).data)
    return told.hexdigest()
