"""Movement of the tracked animals of an installation: steps, what they prefer, and how many end in a corridor.

Tracks are always withheld, so that there is no public view of any of this: answers are for whoever holds the data folder.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.errors import InputError
from biodata.flags import TRACKED
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.movement.random_steps import RandomSteps
    from biodata.analysis.movement.steps import Steps

_COLUMNS = (
    "key", "species", "parentEventID", "organismID", "eventDate", "decimalLongitude", "decimalLatitude", "quality_flags",
    "match_note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tracks:
    """Fixes of tracked animals of an installation.

    Attributes
    ----------
    fixes : polars.DataFrame of `analysis.movement.steps.FIXES`
    facts : dict
        Species, view, category, lake's version, boundary set, and fixes left out by reason, as plain values.
    """

    fixes: pl.DataFrame
    facts: dict[str, Any]


def tracks(settings: Settings, *, species: str) -> Tracks:
    """Read the tracks of a species; fixes of suspicious places are left out.

    Raises
    ------
    InputError
        If there is none (TRACKS_MISSING).
    """
    from biodata.analysis.evidence import DOUBTFUL, excluding

    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        snapshot = lake.snapshot()
        records = lake.read("occurrences", columns=_COLUMNS, where=In("species", (species,)))
    tracked = records.filter(pl.col("quality_flags").list.contains(TRACKED))
    if tracked.is_empty():
        problem = "there is no track of this species"
        raise InputError(
            problem, column="species", value=species, expected="one of which `biodata ingest movebank` took tracks",
            code="TRACKS_MISSING",
        )  # fmt: skip
    doubtful = excluding(DOUBTFUL).list.len() > 0
    read = tracked.select(
        pl.coalesce("parentEventID", "organismID").alias("track"),
        pl.col("eventDate").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False).alias("at"),
        "decimalLongitude",
        "decimalLatitude",
        doubtful.fill_null(value=False).alias("doubtful"),
    )
    good = read.filter(~pl.col("doubtful")).drop("doubtful")
    whole = good.drop_nulls()
    facts = {
        "species": species, "evidence_view": str(EvidenceView.EXACT), "snapshot": snapshot,
        "sharing_category": str(SharingCategory.WITHHELD), "boundary_set": boundaries.name,
        "boundary_version": boundaries.version, "viewpoint": boundaries.viewpoint, "band_m": boundaries.band_m,
        "left_out": {"a quality flag": read.height - good.height, "no place or moment": good.height - whole.height},
    }  # fmt: skip
    return Tracks(whole, facts)


def drawn_steps(
    settings: Settings, *, species: str, interval_minutes: float | None, tolerance: float, per_step: int, seed: int
) -> "tuple[Steps, RandomSteps, dict[str, Any]]":
    """Return the steps of a species, random steps beside them, and the facts that an answer names."""
    from biodata.analysis.movement.random_steps import random_steps
    from biodata.analysis.movement.steps import steps

    read = tracks(settings, species=species)
    found = steps(read.fixes, interval_minutes=interval_minutes, tolerance=tolerance)
    drawn = random_steps(found, per_step=per_step, seed=seed)
    return found, drawn, {**read.facts, "steps": found.facts, "random_steps": drawn.facts}


def corridor(settings: Settings, told: str) -> tuple[shapely.Geometry, str]:
    """Return a corridor or candidate of the lake, or the polygons of a file, and what it is called.

    Raises
    ------
    InputError
        If there is none of that name (RESULT_UNKNOWN).
    """
    path = Path(told)
    if path.suffix.lower() in (".gpkg", ".geojson", ".json", ".shp"):
        from biodata.analysis.gaps.features import polygon_rows

        if not path.exists():
            problem = "there is no such file"
            raise InputError(problem, file=told, code="FILE_MISSING")
        return shapely.union_all(polygon_rows(path).geometry.to_numpy()), path.name
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        for table, key in (("corridors", "corridor_id"), ("reserve_candidates", "candidate_id")):
            found = lake.read(table).filter(pl.col(key) == told)
            if found.height and found["geometry"][0] is not None:
                return shapely.from_wkb(found["geometry"][0]), told
    problem = "there is no such corridor or candidate with a polygon"
    raise InputError(problem, column="corridor", value=told, expected="its id, or a file", code="RESULT_UNKNOWN")


def step_lines(found: "Steps", facts: dict[str, Any]) -> "gpd.GeoDataFrame":
    """Return steps as lines, each with the facts that it must name."""
    import geopandas as gpd

    table = found.table
    ends = np.stack(
        [
            table.select("start_longitude", "start_latitude").to_numpy(),
            table.select("longitude", "latitude").to_numpy(),
        ],
        axis=1,
    )
    named = {name: facts[name] for name in ("species", "evidence_view", "sharing_category", "snapshot", "boundary_set")}
    plain = table.select("track", "burst", "start", "end", "length_m", "turn", "hours").to_pandas().assign(**named)
    return gpd.GeoDataFrame(plain, geometry=[shapely.LineString(pair) for pair in ends], crs=4326)
