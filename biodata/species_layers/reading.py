"""Records of an installation's lake as a view of them allows, and what an answer has to name."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import assessments, places
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.rules_in_force import rules_in_force
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
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


def view_of(text: str) -> EvidenceView:
    """Return the view of a name.

    Raises
    ------
    InputError
        If there is none of that name (PARAMETERS_INVALID).
    """
    try:
        return EvidenceView(text)
    except ValueError as error:
        problem = "there is no such view of the records"
        raise InputError(
            problem, column="records", value=text, expected=" or ".join(EvidenceView), code="PARAMETERS_INVALID"
        ) from error


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
