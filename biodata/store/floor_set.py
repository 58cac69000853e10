"""The boundary set by which an installation first made places coarser: it stays the one, whatever set is used later.

Which cells are published together follows from where a set has land and sea. Two releases by two sets would tell of one
record two regions, each large enough, whose common ground need not be: so a coarse place is worked out by the same set
for good, and says the same in every release.
"""

import hashlib
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import shapely

from biodata.core.errors import StoreError
from biodata.places import BoundarySet
from biodata.store import checksums
from biodata.store.locks import sync_file, sync_folder

logger = logging.getLogger(__name__)

FOLDER: Final = "floor"
_TABLE, _FACTS = "boundaries.parquet", "boundaries.json"
_TOLD: Final = ("name", "version", "source", "licence", "viewpoint", "band_m")


def pin(data: Path, boundaries: BoundarySet) -> None:
    """Keep a boundary set as the one that coarse places are worked out by, unless there is one already.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    folder = data / FOLDER
    if (folder / _FACTS).exists():
        return
    facts: dict[str, Any] = {name: getattr(boundaries, name) for name in _TOLD} | {"sha256": sha256(boundaries)}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _units(boundaries).write_parquet(folder / _TABLE)
        sync_file(folder / _TABLE)
        unnamed = folder / f"{_FACTS}.part"
        unnamed.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        sync_file(unnamed)
        unnamed.replace(folder / _FACTS)
        sync_folder(folder)
        checksums.record(data, {f"{FOLDER}/{name}": folder / name for name in (_TABLE, _FACTS)})
    except OSError as error:
        message = f"the boundary set of coarse places cannot be kept: {error.strerror}"
        raise StoreError(message) from error


def pinned(data: Path, boundaries: BoundarySet) -> BoundarySet | None:
    """Return the set that coarse places are worked out by; None where that is the present one, or none is kept yet.

    Raises
    ------
    StoreError
        If what was kept is damaged: by another set the places would be narrowed.
    """
    path = data / FOLDER / _FACTS
    if not path.exists():
        return None
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts["sha256"] == sha256(boundaries):
        return None
    kept = _read(data / FOLDER / _TABLE, json.dumps(facts))
    if sha256(kept) != facts["sha256"]:
        message = f"{FOLDER}/{_TABLE} is not the boundary set that was kept; restore it from a backup"
        raise StoreError(message)
    logger.warning("coarse places stay those of the boundary set %s (%s)", kept.name, kept.version)
    return kept


@lru_cache(maxsize=4)
def _read(path: Path, facts: str) -> BoundarySet:
    """Return a set that was kept; the same object each time."""
    content = json.loads(facts)
    table = pl.read_parquet(path)
    return BoundarySet(
        **{name: content[name] for name in _TOLD},
        units=table.drop("geometry"),
        shapes=shapely.from_wkb(table["geometry"].to_numpy()),
        claim_lines=pl.DataFrame(schema={"name": pl.String, "geometry": pl.Binary}),
    )


@lru_cache(maxsize=8)
def sha256(boundaries: BoundarySet) -> str:
    """Return the hash of all that coarse places follow from: units, their shapes, the band."""
    digest = hashlib.sha256(f"{boundaries.band_m!r}\n".encode())
    digest.update(json.dumps(boundaries.units.to_dicts(), sort_keys=True, default=str).encode())
    for shape in shapely.to_wkb(boundaries.shapes).tolist():
        digest.update(shape)
    return digest.hexdigest()


def _units(boundaries: BoundarySet) -> pl.DataFrame:
    """Return a set's units with their shapes."""
    shapes = pl.Series("geometry", shapely.to_wkb(boundaries.shapes).tolist(), dtype=pl.Binary)
    return boundaries.units.with_columns(shapes)
