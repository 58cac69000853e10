"""Records and layers of a species as a view allows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata import assessments, places
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.rules_in_force import rules_in_force

if TYPE_CHECKING:
    from biodata.analysis.layers import LayerFile
    from biodata.places import BoundarySet


COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            "key", "datasetKey", "species", "genus", "family", "order", "class", "phylum", "kingdom", "scientificName",
            "match_type", "match_note", "iucnRedListCategory", "occurrenceStatus", "basisOfRecord", "event_start",
            "event_end", "eventDate", "event_time", "event_zone", "year", "month", "decimalLatitude", "decimalLongitude",
            "coordinateUncertaintyInMeters", "quality_flags", "recordedBy", "individualCount", *sorted(LOOKED_AT),
        )
    )
)  # fmt: skip
"""What records are judged, shared and counted by."""


@dataclass(frozen=True, slots=True)
class Read:
    """Records as a view allows.

    Attributes
    ----------
    records : polars.DataFrame
        As `sharing.evidence_view` returns them.
    facts : dict
        View, the lake's version, the rules and the sharing category, as plain values.
    category : SharingCategory
        What a result of these records carries.
    boundaries : BoundarySet
    """

    records: pl.DataFrame
    facts: dict[str, Any]
    category: SharingCategory
    boundaries: "BoundarySet"


def records_of(
    settings: Settings,
    *,
    view: EvidenceView,
    species: str | None = None,
    window: tuple[float, float, float, float] = assessments.WORLD,
) -> Read:
    """Read the records of a species, or of a window.

    Parameters
    ----------
    settings : Settings
        The installation.
    view : EvidenceView
    species : str, optional
        As the records name it; of all species where none is given.
    window : west, south, east, north
        Degrees, WGS 84.

    Returns
    -------
    Read

    Raises
    ------
    InputError
        If there is no record of the species in this view (SPECIES_UNKNOWN).
    """
    boundaries = places.load_boundaries(settings.boundaries)
    where = In("species", (species,)) if species is not None else None
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        records = assessments.in_view(
            settings, lake, rules, boundaries, view=view, columns=COLUMNS, window=window, where=where
        )
    if species is not None and records.is_empty():
        problem = f"there is no {'public ' if view is EvidenceView.PUBLIC else ''}record of this species with a place"
        expected = "a species as the records name it; of a hidden one, the view exact"
        raise InputError(problem, column="species", value=species, expected=expected, code="SPECIES_UNKNOWN")
    category = SharingCategory.OPEN
    if view is EvidenceView.EXACT and records.height:
        category = SharingCategory(records["sharing_category"][0])
    facts = {
        "evidence_view": str(view), "snapshot": snapshot, "rules": rules.hash, "sharing_category": str(category),
    }  # fmt: skip
    return Read(records, facts, category, boundaries)


def day_of(settings: Settings, as_of: date | None) -> date:
    """Return the date of a run: as told, else the day of the lake's version that is read."""
    if as_of is not None:
        return as_of
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        last: date = lake.snapshots()["time"].max().date()  # type: ignore[union-attr]
    return last


def raster_layer(settings: Settings, name: str) -> "LayerFile":
    """Return a raster layer that `biodata ingest layer` took in.

    Raises
    ------
    InputError
        If there is none of that name, or it is no raster (LAYER_UNKNOWN).
    """
    from biodata.analysis.layers import LayerFile

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        known = lake.read("layers")
    rasters = known.filter(pl.col("form").fill_null("raster") == "raster")
    found = rasters.filter(pl.col("name") == name)
    if found.is_empty():
        problem = "there is no raster layer of this name"
        names = ", ".join(sorted(rasters["name"])) or "none yet: `biodata ingest layer`"
        raise InputError(problem, column="layer", value=name, expected=f"known ones: {names}", code="LAYER_UNKNOWN")
    row = found.row(0, named=True)
    return LayerFile(
        row["name"], row["theme"], "raster", settings.data / "layers" / row["file_name"], row["kind"], row["crs"],
        row["sha256"],
    )  # fmt: skip


def with_layers(
    settings: Settings, table: pl.DataFrame, layers: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...], list[dict[str, str]]]:
    """Add what layers tell of places.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : polars.DataFrame
        `longitude` and `latitude`, degrees.
    layers : sequence of str
        `elevation_china_laos` for the value of a raster; `landcover_china_laos=2,5` for 1
        in cells of these classes and 0 in others.

    Returns
    -------
    table : polars.DataFrame
    names : tuple of str
        The columns that were added.
    inputs : list of dict
        Name and checksum of each layer.

    Raises
    ------
    InputError
        If a layer is no raster of the installation, or classes are no whole numbers.
    """
    names, inputs = [], []
    lon, lat = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    for told in layers:
        name, equals, classes = told.partition("=")
        values, sha256 = sampled(settings, name, lon, lat)
        if equals:
            wanted = _classes(told, classes)
            values = np.where(np.isfinite(values), np.isin(values, wanted).astype(np.float64), np.nan)
        table = table.with_columns(pl.Series(told, values))
        names.append(told)
        inputs.append({"layer": told, "sha256": sha256})
    return table, tuple(names), inputs


def sampled(settings: Settings, name: str, lon: geo.Floats, lat: geo.Floats) -> tuple[geo.Floats, str]:
    """Return the values of a raster layer of the installation at points, nan where it has none, and its checksum."""
    from biodata.analysis.layers import values_at

    layer = raster_layer(settings, name)
    found = values_at(layer, lon, lat)
    if not np.isfinite(found).any():
        problem = "the layer tells nothing at any of the places"
        told = f"{lon.min():.3f}, {lat.min():.3f} to {lon.max():.3f}, {lat.max():.3f}"
        raise InputError(problem, file=name, value=told, expected="a layer that reaches them", code="RASTER_OUTSIDE")
    return found, layer.sha256


def _classes(told: str, classes: str) -> list[int]:
    """Read classes with commas between them."""
    try:
        return [int(part) for part in classes.split(",")]
    except ValueError:
        problem = "these are no classes"
        raise InputError(
            problem, column="--layer", value=told, expected="NAME=2,5", code="PARAMETERS_INVALID"
        ) from None
